//! Secrets that leave with what is built: uploaded by a pipeline, packed into an archive or a package.

use super::env_files::is_env_path;
use super::samples::no_worse_than;
use super::secret_names::{expanded, is_secret_name};
use crate::facts::{Command, Dialect, File, Ignore, IgnoreTool, Job, Pipeline, Repository, Step, in_file};
use crate::finding::{Confidence, Severity, Verdict};
use crate::lexicon::globs::PathGlob;
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let tracked = tracked(repository);
    for pipeline in &repository.facts.pipelines {
        for job in &pipeline.jobs {
            in_job(pipeline, job, &tracked, verdict);
        }
    }
    for script in &repository.facts.scripts {
        if repository.is_own(script.place) {
            let name = format!("Script `{}`", script.name);
            let mut files = Files { tracked: &tracked, made: Vec::new() };
            for command in &script.commands {
                packed(command, &files, &name, verdict);
                files.made.extend(made(command));
            }
        }
    }
    packages(repository, verdict);
}

/// Files that hold secrets where a command runs.
struct Files<'t> {
    tracked: &'t [Held],
    made: Vec<Held>,
}

impl Files<'_> {
    /// Of those that are taken along, the last that was written: it says what is in the file.
    fn last(&self, taken: impl Fn(&&Held) -> bool) -> Option<&Held> {
        self.made.iter().rev().chain(self.tracked.iter().rev()).find(taken)
    }
}

/// A file that holds a secret.
struct Held {
    path: String,
    what: &'static str,
    place: Span,
    /// A saved plan is handed on from job to job for a reason.
    plan: bool,
}

/// What a file of this name is, whatever is in it.
fn secret_file(path: &str) -> Option<&'static str> {
    let path = path.trim_matches(['"', '\'']);
    let lower = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let name = lower.as_str();
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    let what = match name {
        "id_rsa" | "id_ed25519" | "id_ecdsa" => "a private key",
        "kubeconfig" | "kubeconfig.yaml" | "kubeconfig.yml" => "a kubeconfig",
        "tfplan" | "plan.tfplan" | "tfplan.binary" => "a Terraform plan",
        _ if ends(&[".tfplan"]) => "a Terraform plan",
        _ if ends(&[".tfstate", ".tfstate.backup"]) => "Terraform state",
        _ if ends(&[".p12", ".pfx", ".jks", ".keystore"]) => "a key store",
        "credentials.json" | "service-account.json" | "gcp-key.json" | "google-credentials.json" => {
            "a service account's key"
        }
        ".netrc" | ".pypirc" | ".git-credentials" => "login data",
        _ => return None,
    };
    let path = path.to_ascii_lowercase();
    let harmless = path.contains("public") || path.contains(".pub") || name.starts_with("debug.");
    (!harmless).then_some(what)
}

/// Files of the tree that hold secrets, by name or by what was found in them.
fn tracked(repository: &Repository) -> Vec<Held> {
    let files = repository.files.iter().filter(|f| !f.link && f.is_own());
    let held = |f: &File| in_file(&repository.facts.credentials, f.place.file).iter().any(|c| !c.default);
    let held_in = |f: &File| {
        let what = match secret_file(f.name()).and_then(|_| secret_file(&f.path)) {
            // A text of such a name need not hold one.
            Some("a service account's key" | "login data") if !held(f) => return None,
            Some(what) => what,
            None => (is_env_path(f.name()) && held(f)).then_some("an env file with credentials")?,
        };
        Some(Held { path: f.path.clone(), what, place: f.place, plan: what == "a Terraform plan" })
    };
    files.filter_map(held_in).collect()
}

/// Secret files that a command makes.
fn made(command: &Command) -> Vec<Held> {
    let mut found = Vec::new();
    let secret = || {
        command.line.contains("secrets.")
            || expanded(&command.line).into_iter().any(is_secret_name)
            || command.reads.iter().any(|w| w.text.contains("secret"))
    };
    for word in &command.writes {
        if is_env_path(&word.text) && secret() {
            found.push((word.text.as_str(), "an env file with secrets", word.place));
        } else if let Some(what) = secret_file(&word.text) {
            found.push((word.text.as_str(), what, word.place));
        }
    }
    if matches!(command.program.as_str(), "terraform" | "tofu" | "terragrunt")
        && command.args.iter().any(|w| w.text == "plan")
        && let Some(out) = command.flag_value(&["-out", "--out"])
    {
        let path = out.text.split_once('=').map_or(out.text.as_str(), |(_, path)| path);
        found.push((path, "a Terraform plan", out.place));
    }
    let clean = |path: &str| path.trim_matches(['"', '\'']).trim_start_matches("./").to_owned();
    let held = |(path, what, place): (&str, &'static str, Span)| Held {
        path: clean(path),
        what,
        place,
        plan: what == "a Terraform plan",
    };
    found
        .into_iter()
        .filter(|(path, ..)| {
            !path.starts_with("/tmp") && !path.starts_with('~') && !path.starts_with("$HOME")
        })
        .map(held)
        .collect()
}

fn in_job(pipeline: &Pipeline, job: &Job, tracked: &[Held], verdict: &mut Verdict) {
    let name = format!("Job `{}`", job.id);
    let mut files = Files { tracked, made: Vec::new() };
    for step in &job.steps {
        for command in &step.commands {
            packed(command, &files, &name, verdict);
            files.made.extend(made(command).into_iter().map(|mut held| {
                if let Some(folder) = &step.folder {
                    held.path =
                        format!("{}/{}", folder.trim_start_matches("./").trim_end_matches('/'), held.path);
                }
                held
            }));
        }
        for transfer in job.transfers.iter().filter(|t| t.up && step.place.contains(t.place)) {
            uploaded(transfer, &files, &name, takes_hidden(pipeline, step), verdict);
        }
    }
    // GitLab and Cloud Build store what is there when the job is over.
    let of_step = |place: Span| job.steps.iter().any(|s| s.place.contains(place));
    for transfer in job.transfers.iter().filter(|t| t.up && !of_step(t.place)) {
        uploaded(transfer, &files, &name, true, verdict);
    }
}

/// Since v4.4 files whose path has a part that begins with a dot stay out unless asked for.
/// <https://github.com/actions/upload-artifact#uploading-hidden-files>
fn takes_hidden(pipeline: &Pipeline, step: &Step) -> bool {
    let Some(uses) = step.uses.as_ref().filter(|_| pipeline.dialect == Dialect::Github) else { return true };
    let asked = uses.input("include-hidden-files").is_some_and(|v| v.value.text() == "true");
    let version = uses.version.as_ref().map_or("", |v| v.value.trim_start_matches('v'));
    let mut numbers = version.split('.').map(|n| n.parse::<u32>());
    let old = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), _) if major < 4 => true,
        (Some(Ok(4)), Some(Ok(minor))) => minor < 4,
        _ => false,
    };
    asked || old
}

fn uploaded(
    transfer: &crate::facts::Transfer,
    files: &Files<'_>,
    name: &str,
    hidden: bool,
    verdict: &mut Verdict,
) {
    verdict.examined(transfer.place);
    let excluded =
        |file: &str| transfer.paths.iter().filter_map(|p| p.value.strip_prefix('!')).any(|p| covers(p, file));
    for path in transfer.paths.iter().filter(|p| !p.value.starts_with('!')) {
        let taken = |held: &&Held| {
            covers(&path.value, &held.path)
                && !excluded(&held.path)
                && (hidden || !held.path.split('/').any(|part| part.starts_with('.')))
        };
        let Some(held) = files.last(taken) else { continue };
        let message = format!("{name} uploads {} with its artifact: `{}`", held.what, held.path);
        let finding = verdict.fail(path.span, format!("uploads {}", held.path), message);
        finding.label("whoever can read the run can download it").relate(held.place, "made here");
        if held.plan {
            no_worse_than(finding, Severity::Warning)
                .at_most(Confidence::Medium)
                .against("the job that applies the plan needs it");
        }
        return;
    }
}

/// Whether a path or glob of an artifact takes a file along.
fn covers(pattern: &str, file: &str) -> bool {
    let mut pattern = pattern.trim().trim_matches(['"', '\'']);
    for root in [
        "${{ github.workspace }}",
        "${{github.workspace}}",
        "$CI_PROJECT_DIR",
        "${CI_PROJECT_DIR}",
        "$GITHUB_WORKSPACE",
        "./",
    ] {
        pattern = pattern.strip_prefix(root).unwrap_or(pattern);
    }
    let pattern = pattern.trim_start_matches('/').trim_end_matches('/');
    if matches!(pattern, "" | "." | "*" | "**" | "**/*") {
        return pattern != "*" || !file.contains('/');
    }
    if file == pattern || file.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('/')) {
        return true;
    }
    pattern.contains('*') && PathGlob::new(&format!("/{pattern}")).matches(file)
}

/// Archives and copies of whole folders.
fn packed(command: &Command, files: &Files<'_>, name: &str, verdict: &mut Verdict) {
    let plain = || command.args.iter().filter(|w| !w.text.starts_with('-'));
    let (sources, verb): (Vec<_>, &str) = match command.program.as_str() {
        "zip" => (plain().skip(1).collect(), "packs"),
        "tar"
            if command.args.iter().take(2).any(|w| {
                let flags = w.text.trim_start_matches('-');
                w.text == "--create"
                    || !w.text.starts_with("--") && flags.starts_with('c')
                    || flags.len() < 6 && flags.contains('c') && flags.ends_with('f')
            }) =>
        {
            (
                plain()
                    .filter(|w| {
                        !w.text.ends_with("f")
                            && ![".tar", ".tgz", ".gz", ".zst", ".xz"].iter().any(|e| w.text.ends_with(e))
                    })
                    .collect(),
                "packs",
            )
        }
        "aws" if command.line.starts_with("aws s3 sync") || command.line.starts_with("aws s3 cp") => {
            (plain().skip(2).take(1).filter(|w| !w.text.starts_with("s3:")).collect(), "uploads")
        }
        "gsutil" if command.line.contains("rsync") || command.line.contains(" cp ") => {
            (plain().skip(1).take(1).filter(|w| !w.text.starts_with("gs:")).collect(), "uploads")
        }
        "helm" if command.arg(0) == Some("package") => (plain().skip(1).take(1).collect(), "packs"),
        _ => return,
    };
    let excluded = |file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file);
        command.args.iter().enumerate().any(|(i, w)| {
            let text = w
                .text
                .strip_prefix("--exclude=")
                .or_else(|| w.text.strip_prefix("-x"))
                .unwrap_or_else(|| {
                    let after =
                        i > 0 && matches!(command.args[i - 1].text.as_str(), "--exclude" | "-x" | "-X");
                    if after || command.program == "zip" && command.args[..i].iter().any(|w| w.text == "-x") {
                        w.text.as_str()
                    } else {
                        ""
                    }
                });
            let text = text.trim_matches(['"', '\'']);
            !text.is_empty()
                && (covers(text, file)
                    || PathGlob::new(text.trim_start_matches("*/")).matches(name)
                    || text.trim_end_matches('*').trim_start_matches('*').trim_start_matches('/') == name)
        })
    };
    for source in sources {
        // `*` of a shell leaves names with a dot out.
        let whole = source.text == "*" || source.text == "./*";
        let taken = |held: &&Held| {
            covers(&source.text, &held.path)
                && !excluded(&held.path)
                && !(whole && held.path.starts_with('.'))
        };
        let Some(held) = files.last(taken) else { continue };
        let message = format!("{name} {verb} {}: `{}`", held.what, held.path);
        let finding = verdict.fail(source.place, format!("{verb} {}", held.path), message);
        finding.label("takes it along").relate(held.place, "the secret").at_most(Confidence::Medium);
        return;
    }
}

/// Ignore files that take the place of `.gitignore`, and let through what that keeps out.
/// <https://docs.npmjs.com/cli/using-npm/developers#keeping-files-out-of-your-package>,
/// <https://cloud.google.com/sdk/gcloud/reference/topic/gcloudignore>,
/// <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/eb-cli3-configuration.html>,
/// <https://docs.cloudfoundry.org/devguide/deploy-apps/prepare-to-deploy.html#exclude>
fn packages(repository: &Repository, verdict: &mut Verdict) {
    for manifest in &repository.facts.manifests {
        for file in manifest.files.iter().filter(|f| is_env_path(&f.value)) {
            let message = format!("Package `{}` takes `{}` along", package(&manifest.folder), file.value);
            verdict
                .fail(file.span, format!("files {}", file.value), message)
                .label("becomes part of the package");
        }
    }
    for ignore in &repository.facts.ignores {
        let (what, published) = match ignore.tool {
            IgnoreTool::Npm => ("the package", is_published(repository, ignore)),
            IgnoreTool::Gcloud => ("what gcloud uploads", true),
            IgnoreTool::Eb => ("what eb uploads", true),
            IgnoreTool::Cf => ("what cf uploads", true),
            _ => continue,
        };
        let env =
            if ignore.folder.is_empty() { ".env".to_owned() } else { format!("{}/.env", ignore.folder) };
        let includes = ignore.patterns.iter().any(|p| p.value.starts_with("#!include:"));
        let listed = || {
            let all = repository.facts.ignores.iter().filter(|i| i.tool == IgnoreTool::Git);
            let patterns =
                all.filter(|i| i.folder == ignore.folder || i.folder.is_empty()).flat_map(|i| &i.patterns);
            let named = |p: &&crate::facts::Text| {
                matches!(
                    p.value.trim_start_matches("**/").trim_start_matches('/'),
                    ".env" | ".env*" | "*.env"
                )
            };
            patterns.into_iter().find(named).map(|p| p.span)
        };
        let sample = !repository.is_own(ignore.place);
        if !published
            || sample
            || includes
            || ignore.decides(&env) == Some(true)
            || !repository.git_ignores(&env)
        {
            continue;
        }
        let Some(place) = listed() else { continue };
        let name = repository.file(ignore.place.file).name();
        let message = format!("`{name}` counts instead of `.gitignore` and lets `.env` into {what}");
        let finding = verdict.fail(ignore.place, format!("{name} without .env"), message);
        no_worse_than(finding, Severity::Warning)
            .at_most(Confidence::Medium)
            .label("does not name it")
            .relate(place, "git keeps it out")
            .against("nothing is packed where no `.env` lies");
    }
}

fn package(folder: &str) -> &str {
    if folder.is_empty() { "package.json" } else { folder }
}

/// Whether npm would publish the folder by its ignore file: the package is no application and lists no files.
fn is_published(repository: &Repository, ignore: &Ignore) -> bool {
    let mut own = repository.facts.manifests.iter().filter(|m| m.ecosystem == "npm" && !m.lock);
    own.any(|m| m.folder == ignore.folder && m.application != Some(true) && m.files.is_empty())
}
