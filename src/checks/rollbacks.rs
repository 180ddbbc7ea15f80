//! Going back: the runs that take a release back, and the pages that tell people how. Shared by the rules on
//! rollbacks.

use super::gates::deploys;
use super::samples::{is_sample, is_vendored};
use crate::facts::{Caller, EffectKind, Job, Node, Owner, Repository, Run, Script, Stage};
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

/// A page, or a part of one, on how a release is taken back.
pub(super) struct Page<'r> {
    /// Its first heading, or the file's start where nothing of it was read.
    pub place: Span,
    /// The file.
    pub path: &'r str,
    /// Headings and prose in lower case; empty if the file is of a form that is not read.
    pub text: String,
    /// Whether commands to type stand on it.
    pub has_commands: bool,
    /// Whether its text was read.
    pub read: bool,
}

impl Page<'_> {
    /// Whether any of these stands in it.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.text.contains(w))
    }
}

/// Whether a text speaks of taking a release back.
pub(super) fn speaks_of_going_back(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace(['-', '_'], " ");
    let back = ["rollback", "roll back", "rolling back", "rolled back", "back out plan", "backout"]
        .iter()
        .any(|w| text.contains(w));
    let reverts = text.contains("revert")
        && ["deploy", "release", "production", "rollout"].iter().any(|w| text.contains(w));
    let others = ["transaction", "savepoint", "database rollback segment", "unit of work"];
    (back || reverts) && !others.iter().any(|w| text.contains(w))
}

/// Manuals of a product and records of what was; neither tells how this repository's own release goes back.
pub(super) fn is_elsewhere(path: &str) -> bool {
    const PARTS: &[&str] = &[
        "commands",
        "command",
        "reference",
        "user-guide",
        "user_guide",
        "api",
        "adr",
        "adrs",
        "rfc",
        "rfcs",
        "proposals",
        "changelog",
        "changelogs",
        "release-notes",
        "release_notes",
        "blog",
        "tests",
        "test",
        "node_modules",
        "issue_template",
        "self-hosting",
        "self_hosting",
        "self-hosted",
        "tutorials",
    ];
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or("");
    is_sample(&path)
        || is_vendored(&path)
        || path.split('/').any(|part| PARTS.contains(&part))
        || ["changelog", "changes.", "history.", "news.", "release-notes", "release_notes", "releasenotes"]
            .iter()
            .any(|w| name.starts_with(w))
        || ["template", "credential", "rotat", "secret", "certificate"].iter().any(|w| name.contains(w))
}

/// Every page on going back: a file that is named so, or the sections with such a heading.
pub(super) fn pages(repository: &Repository) -> Vec<Page<'_>> {
    pages_on(repository, speaks_of_going_back)
}

/// Every page whose path or headings speak of something.
pub(super) fn pages_on<'r>(repository: &'r Repository, speaks: impl Fn(&str) -> bool) -> Vec<Page<'r>> {
    let mut found: BTreeMap<FileId, Page<'r>> = BTreeMap::new();
    for section in &repository.facts.sections {
        let path = repository.path(section.place);
        let whole = speaks(stem(path));
        if is_elsewhere(path) || !(whole || section.heading.split(" > ").any(&speaks)) {
            continue;
        }
        let page = found.entry(section.place.file).or_insert_with(|| Page {
            place: section.place,
            path,
            text: String::new(),
            has_commands: false,
            read: true,
        });
        page.text.push_str(&section.heading.to_lowercase());
        page.text.push('\n');
        page.text.push_str(&section.text.to_lowercase());
        page.text.push('\n');
    }
    for script in &repository.facts.scripts {
        if script.script != crate::facts::ScriptKind::Fence {
            continue;
        }
        if let Some(page) = found.get_mut(&script.place.file) {
            page.has_commands = true;
            page.text.push_str(&script.before.as_deref().unwrap_or("").to_lowercase());
            page.text.push('\n');
        }
    }
    for file in &repository.files {
        let document = [".md", ".adoc", ".rst", ".txt", ".org", ".docx", ".pdf", ".html"];
        if document.iter().any(|end| file.path.ends_with(end))
            && speaks(stem(&file.path))
            && !is_elsewhere(&file.path)
        {
            found.entry(file.place.file).or_insert_with(|| Page {
                place: file.place,
                path: &file.path,
                text: String::new(),
                has_commands: false,
                read: false,
            });
        }
    }
    found.into_values().collect()
}

/// The file's name without its ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The job to speak of where something is missing for all of production: the first that deploys there.
pub(super) fn first_deploy(repository: &Repository) -> Option<&Job> {
    let node = deploys(repository, Stage::Production).into_iter().next()?;
    Some(repository.flow.job(node, &repository.facts.pipelines))
}

/// Runs that take a release back, wherever production may be meant: the first of each job.
pub(super) fn runs_back(repository: &Repository) -> Vec<Node> {
    let flow = &repository.flow;
    let mut seen = std::collections::BTreeSet::new();
    flow.with_effect(EffectKind::RollBack, None)
        .into_iter()
        .filter(|&n| {
            let run = flow.run(n);
            !is_apart(run)
                && !repository.is_sample(flow.job(n, &repository.facts.pipelines).place)
                && seen.insert((run.pipeline, run.job))
        })
        .collect()
}

/// Whether a run surely is for another environment than production.
pub(super) fn is_apart(run: &Run) -> bool {
    let backs = run.effects.iter().filter(|e| e.effect == EffectKind::RollBack);
    let target = backs.filter_map(|e| e.target.as_ref()).next().or(run.target.as_ref());
    target.is_some_and(|t| t.stage.is_certain() && !t.may_be(Stage::Production))
}

/// Scripts that take a release back and that no pipeline runs.
pub(super) fn scripts_back(repository: &Repository) -> Vec<&Script> {
    let mut found: Vec<&Script> = Vec::new();
    for (owner, command) in repository.commands() {
        let Owner::Script(script) = owner else { continue };
        let path = repository.path(script.place);
        if command.effects.iter().any(|e| e.effect == EffectKind::RollBack)
            && !script.callers.contains(&Caller::Pipeline)
            && script.script != crate::facts::ScriptKind::Fence
            && !is_elsewhere(path)
            && found.last().is_none_or(|last| last.place != script.place)
        {
            found.push(script);
        }
    }
    found
}

/// Whether a job only closes the shop for an hour, or opens it again.
pub(super) fn is_upkeep(job: &str) -> bool {
    super::gates::words(job).iter().any(|w| w == "maintenance")
}

/// Deploys that one means of going back serves alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Whatever changes workloads of a cluster.
    Kubernetes,
    /// Services of AWS.
    Aws,
    /// Services of Google Cloud.
    Google,
    /// Services of Azure.
    Azure,
    /// Heroku.
    Heroku,
    /// Fly.io.
    Fly,
    /// Docker and compose on machines of one's own.
    Docker,
    /// Platforms that build and serve by themselves: Vercel, Netlify, Cloudflare, Railway, Render.
    Platform,
    /// Anything else.
    Other,
}

/// The family of a tool, action or plugin.
pub(super) fn family(tool: &str) -> Family {
    const KNOWN: &[(Family, &[&str])] = &[
        (
            Family::Kubernetes,
            &[
                "kubectl",
                "helm",
                "k8s",
                "kubernetes",
                "gke",
                "eks",
                "aks",
                "kustomize",
                "argocd",
                "argo",
                "flux",
                "skaffold",
                "openshift",
                "oc",
                "werf",
                "kapp",
                "manifests",
            ],
        ),
        (
            Family::Aws,
            &[
                "aws",
                "ecs",
                "codedeploy",
                "copilot",
                "sam",
                "cdk",
                "elasticbeanstalk",
                "beanstalk",
                "eb",
                "lambda",
                "serverless",
            ],
        ),
        (Family::Google, &["gcloud", "cloudrun", "clouddeploy", "appengine", "google", "gae", "firebase"]),
        (Family::Azure, &["az", "azure", "webapps", "webapp", "azurewebapp", "azurefunctionapp"]),
        (Family::Heroku, &["heroku", "dokku"]),
        (Family::Fly, &["fly", "flyctl", "superfly"]),
        (Family::Docker, &["docker", "compose", "podman", "swarm", "stack"]),
        (
            Family::Platform,
            &[
                "vercel",
                "netlify",
                "cloudflare",
                "wrangler",
                "railway",
                "render",
                "pages",
                "surge",
                "amplify",
            ],
        ),
    ];
    let words = super::gates::words(tool);
    let found = KNOWN.iter().find(|(_, names)| {
        words.iter().any(|w| names.iter().any(|n| w == n || n.len() > 4 && w.contains(n)))
    });
    found.map_or(Family::Other, |(family, _)| *family)
}
