//! Tasks as the command lines that they run, so that one table says what commands do.
//! <https://learn.microsoft.com/en-us/azure/devops/pipelines/tasks/reference/>

use super::step::plain;
use crate::facts::{Value, Word};
use crate::text::Span;

type Input<'a> = &'a dyn Fn(&str) -> Option<(Value<String>, Span)>;

/// The command lines of a task by its name in lower case; none for tasks that `uses.toml` describes.
pub(super) fn command_lines(task: &str, input: Input<'_>, place: Span) -> Vec<(&'static str, Vec<Word>)> {
    let text = |key: &str| input(key).map(|(v, _)| v.text()).filter(|t| !t.is_empty());
    let words = |texts: &[Option<String>]| -> Vec<Word> {
        let all = texts.iter().flatten().flat_map(|t| t.split_whitespace());
        all.map(|t| plain(t, place)).collect()
    };
    let command = || text("command").unwrap_or_default().to_ascii_lowercase();
    match task {
        "docker" => docker(input, place),
        "dotnetcorecli" => {
            let command = match command().as_str() {
                "custom" => text("custom"),
                other => Some(other.to_owned()),
            };
            vec![("dotnet", words(&[command, text("projects"), text("arguments")]))]
        }
        "npm" => match command().as_str() {
            "custom" => vec![("npm", words(&[text("customCommand")]))],
            "" => vec![("npm", words(&[Some("install".into())]))],
            other => vec![("npm", words(&[Some(other.to_owned())]))],
        },
        "yarn" => vec![("yarn", words(&[text("Arguments")]))],
        "maven" => vec![("mvn", words(&[text("goals").or(Some("package".into())), text("options")]))],
        "gradle" => vec![("gradle", words(&[text("tasks").or(Some("build".into())), text("options")]))],
        "go" => vec![("go", words(&[Some(command()), text("arguments")]))],
        "helmdeploy" => {
            let chart = text("chartPath").or(text("chartName"));
            let namespace = text("namespace").map(|n| format!("--namespace {n}"));
            let context = text("kubernetesServiceConnection").or(text("kubernetesServiceEndpoint"));
            let context = context.or(text("kubernetesCluster")).map(|c| format!("--kube-context {c}"));
            let values = text("valueFile").map(|v| format!("--values {v}"));
            let set =
                text("overrideValues").map(|v| v.lines().map(|l| format!("--set {} ", l.trim())).collect());
            let release = text("releaseName").or(Some("release".into()));
            match command().as_str() {
                "upgrade" | "install" => {
                    let all =
                        [Some(command()), release, chart, namespace, context, values, set, text("arguments")];
                    vec![("helm", words(&all))]
                }
                other => vec![("helm", words(&[Some(other.to_owned()), release, text("arguments")]))],
            }
        }
        "kubernetes" => {
            let namespace = text("namespace").map(|n| format!("--namespace {n}"));
            let context = text("kubernetesServiceEndpoint").or(text("kubernetesCluster"));
            let context = context.map(|c| format!("--context {c}"));
            let file = text("configuration").map(|f| format!("-f {f}"));
            let all = [Some(command()), file, text("arguments"), namespace, context];
            vec![("kubectl", words(&all))]
        }
        "terraformtaskv1" | "terraformtaskv2" | "terraformtaskv3" | "terraformtaskv4" | "terraformtask"
        | "terraformcli" | "terraform" => {
            vec![("terraform", words(&[Some(command()), text("commandOptions")]))]
        }
        "dockercompose" => {
            let file = text("dockerComposeFile").map(|f| format!("-f {f}"));
            let action = text("action").unwrap_or_default().to_ascii_lowercase();
            let verb = match action.as_str() {
                a if a.contains("build") => "build",
                a if a.contains("push") => "push",
                a if a.contains("run") => "up",
                _ => return vec![("docker-compose", words(&[file, text("dockerComposeCommand")]))],
            };
            vec![("docker-compose", words(&[file, Some(verb.to_owned()), text("arguments")]))]
        }
        _ => Vec::new(),
    }
}

/// `Docker@2`: <https://learn.microsoft.com/en-us/azure/devops/pipelines/tasks/reference/docker-v2>
fn docker(input: Input<'_>, place: Span) -> Vec<(&'static str, Vec<Word>)> {
    let text = |key: &str| input(key).map(|(v, _)| v.text()).filter(|t| !t.is_empty());
    let command = text("command").unwrap_or_else(|| "buildAndPush".into()).to_ascii_lowercase();
    let repository = text("repository").or(text("imageName")).unwrap_or_default();
    let registry = text("containerRegistry").filter(|r| r.contains('.') && !r.contains(['$', ' ']));
    let name = match registry {
        Some(registry) if !repository.starts_with(&registry) => format!("{registry}/{repository}"),
        _ => repository,
    };
    let tags = text("tags").unwrap_or_else(|| "$(Build.BuildId)".into());
    let images: Vec<String> = tags
        .split(['\n', ','])
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .take(16)
        .map(|tag| super::step::shell_names(&format!("{name}:{tag}"), &|_| false))
        .collect();
    let span = input("tags").or(input("repository")).map_or(place, |(_, span)| span);
    let image = |i: &String| plain(i, span);
    let mut lines = Vec::new();
    if matches!(command.as_str(), "build" | "buildandpush" | "build an image") {
        let mut args = vec![plain("build", place)];
        if let Some((file, at)) = input("Dockerfile") {
            args.extend([plain("-f", at), plain(&file.text(), at)]);
        }
        args.extend(images.iter().flat_map(|i| [plain("-t", span), image(i)]));
        if let Some(more) = text("arguments") {
            args.extend(more.split_whitespace().map(|w| plain(w, place)));
        }
        args.push(plain(".", place));
        lines.push(("docker", args));
    }
    if matches!(command.as_str(), "push" | "buildandpush" | "push an image") {
        for one in &images {
            lines.push(("docker", vec![plain("push", place), image(one)]));
        }
    }
    if command == "login" {
        lines.push(("docker", vec![plain("login", place)]));
    }
    lines
}
