//! Where in each platform's file its services stand.

use super::{File, Sort};
use crate::facts::{Resource, Setting, SettingSource, Shape, System, Value, path_target};
use crate::readers::config::known;
use crate::readers::{Parsed, Text};
use crate::syntax::tree::{Kind, Node};
use crate::text::Span;
use std::sync::Arc;

/// Services of one file.
const MOST: usize = 500;

/// Whether a file of this name is the platform's, and not another program's.
pub(super) fn is_meant(sort: Sort, root: Node<'_>) -> bool {
    let any = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
    match sort {
        Sort::Fly => any(&["app", "http_service", "services", "deploy", "build", "env"]),
        Sort::Render => any(&["services", "databases", "envVarGroups"]),
        Sort::AppEngine => any(&["runtime"]) && !any(&["apiVersion", "kind"]),
        Sort::AppRunner => any(&["runtime", "run"]),
        // An app of Expo has a file of this name, too.
        Sort::HerokuApp => {
            !any(&["expo"]) && any(&["formation", "buildpacks", "addons", "env", "scripts", "stack"])
        }
        Sort::Serverless => any(&["provider", "functions", "resources"]),
        Sort::Ecs => any(&["containerDefinitions", "ContainerDefinitions", "taskDefinition"]),
        Sort::Nomad => any(&["job"]),
        _ => true,
    }
}

pub(super) fn lower(file: &File<'_>, root: Node<'_>, parsed: &mut Parsed) {
    match file.sort {
        Sort::Render => listed(file, root, &["services", "databases"], parsed),
        Sort::DigitalOcean => {
            listed(
                file,
                root,
                &["services", "workers", "jobs", "functions", "static_sites", "databases"],
                parsed,
            );
        }
        Sort::Serverless => serverless(file, root, parsed),
        Sort::Netlify => netlify(file, root, parsed),
        Sort::Nomad => nomad(file, root, parsed),
        Sort::Ecs => {
            let definition = root.get("taskDefinition").unwrap_or(root);
            let containers =
                definition.get("containerDefinitions").or(definition.get("ContainerDefinitions"));
            for container in containers.into_iter().flat_map(|c| c.items()).take(MOST) {
                let target = file.target(definition.get("family"));
                let service =
                    file.service("service", container.get("name"), "container", target, &[container]);
                file.add(service, parsed);
            }
        }
        _ => {
            let named = ["app", "name", "service"]
                .iter()
                .find_map(|key| root.get(key).filter(|n| n.as_str().is_some()));
            let service = file.service("service", named, "app", file.target(named), &[root]);
            file.add(service, parsed);
        }
    }
}

/// Services in lists.
fn listed(file: &File<'_>, root: Node<'_>, lists: &[&str], parsed: &mut Parsed) {
    for list in lists {
        let block = match *list {
            "databases" => "database",
            "jobs" => "job",
            _ => "service",
        };
        for item in root.get(list).into_iter().flat_map(|l| l.items()).take(MOST) {
            let named = item.get("name");
            file.add(file.service(block, named, list, file.target(named), &[item]), parsed);
        }
    }
}

/// What the provider says holds for each function that does not say it itself.
fn serverless(file: &File<'_>, root: Node<'_>, parsed: &mut Parsed) {
    let provider = root.get("provider").filter(|p| p.kind() == Kind::Mapping);
    let stage = provider.and_then(|p| p.get("stage"));
    let name = root.get("service").and_then(|s| if s.as_str().is_some() { Some(s) } else { s.get("name") });
    let functions = root.get("functions").into_iter();
    let mappings = functions.flat_map(|f| f.one_or_more()).flat_map(|f| f.entries()).take(MOST);
    for (key, function) in mappings.filter(|(_, f)| f.kind() == Kind::Mapping) {
        let nodes: Vec<Node<'_>> = [Some(function), provider].into_iter().flatten().collect();
        file.add(file.service("function", Some(key), "function", file.target(stage), &nodes), parsed);
    }
    if let Some(provider) = provider {
        file.add(file.service("provider", name, "provider", file.target(stage), &[provider]), parsed);
    }
}

/// What a context says goes before what is said for all.
fn netlify(file: &File<'_>, root: Node<'_>, parsed: &mut Parsed) {
    file.add(file.service("service", None, "site", file.target(None), &[root]), parsed);
    for (key, context) in root.get("context").into_iter().flat_map(|c| c.entries()).take(MOST) {
        if context.kind() == Kind::Mapping {
            let nodes: Vec<Node<'_>> = [Some(context), root.get("build")].into_iter().flatten().collect();
            file.add(file.service("context", Some(key), "context", file.target(Some(key)), &nodes), parsed);
        }
    }
}

/// Blocks of a word, by their labels.
fn blocks<'t>(node: Node<'t>, word: &str) -> Vec<(Node<'t>, Node<'t>)> {
    let all = node.entries().filter(|(k, _)| k.as_str() == Some(word)).flat_map(|(_, below)| below.entries());
    all.take(MOST).collect()
}

/// `job "a" { group "b" { task "c" { … } } }`
fn nomad(file: &File<'_>, root: Node<'_>, parsed: &mut Parsed) {
    for (job_name, job) in blocks(root, "job") {
        for (_, group) in blocks(job, "group") {
            for (task_name, task) in blocks(group, "task") {
                let service = file.service(
                    "service",
                    Some(task_name),
                    "task",
                    file.target(Some(job_name)),
                    &[task, group, job],
                );
                file.add(service, parsed);
            }
        }
    }
}

/// `name: command` lines; `release` runs before a release.
/// <https://devcenter.heroku.com/articles/procfile>
pub(super) fn procfile(text: &Text<'_>, parsed: &mut Parsed) {
    let mut at = 0;
    let mut lines: Vec<(&str, Span, &str, Span)> = Vec::new();
    for line in text.text.split_inclusive('\n') {
        let from = at;
        at += line.len();
        let Some((name, command)) = line.split_once(':') else { continue };
        let (process, said) = (name.trim(), command.trim());
        let plain = process.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if process.is_empty() || said.is_empty() || !plain || lines.len() >= MOST {
            continue;
        }
        let start = from + (name.len() - name.trim_start().len());
        let behind = from + name.len() + 1 + (command.len() - command.trim_start().len());
        lines.push((
            process,
            Span::new(text.file, start..start + process.len()),
            said,
            Span::new(text.file, behind..behind + said.len()),
        ));
    }
    let target = path_target(text.path, text.file, text.environments);
    let setting = |path: &str, (name, key_place, command, place): &(&str, Span, &str, Span)| Setting {
        place: *place,
        key: (*name).to_owned(),
        path: path.to_owned(),
        setting: known(command),
        source: SettingSource::Config,
        target: target.clone().map(Arc::new),
        key_place: *key_place,
    };
    let release = lines.iter().find(|l| l.0 == "release");
    let only = lines.len() == 1;
    for line in lines.iter().filter(|l| l.0 != "release" || only) {
        let mut entries = Vec::new();
        if line.0 != "release" {
            entries.push(setting("command", line));
        }
        entries.extend(release.map(|r| setting("release_command", r)));
        parsed.facts.resources.push(Resource {
            place: line.1,
            system: System::Platform,
            block: "service".to_owned(),
            sort: "heroku".to_owned(),
            name: Value::Known(line.0.to_owned()),
            namespace: None,
            target: target.clone(),
            encrypted: false,
            size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries,
            body: line.1.join(line.3),
            shape: Shape::Whole,
            open: Vec::new(),
            via: Vec::new(),
        });
    }
}
