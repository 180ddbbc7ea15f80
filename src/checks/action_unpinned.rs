//! Building blocks from elsewhere whose content can change under the same name.

use super::merged::{Cause, Causes};
use crate::facts::{Dialect, Pipeline, Repository, Use, UseKind};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// Owners whose building blocks are the CI service's own.
const FIRST_PARTY: &[&str] = &["actions", "github"];

/// Refs that move with every commit.
const BRANCHES: &[&str] = &["main", "master", "head", "develop", "trunk", "latest", "~latest", "release"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    for pipeline in &repository.facts.pipelines {
        // GitLab runs the pipeline that a `trigger` starts in its own project: nothing of it runs here.
        let here = pipeline.dialect != Dialect::Gitlab;
        let called = pipeline.jobs.iter().filter_map(|j| j.calls.as_ref()).filter(|_| here);
        let used = pipeline.jobs.iter().flat_map(|j| &j.steps).filter_map(|s| s.uses.as_ref());
        for block in pipeline.includes.iter().chain(called).chain(used).filter(|b| !b.local) {
            match judge(pipeline, block) {
                Some(Judged::Fixed) => verdict.satisfied(block.place),
                Some(Judged::Moves(subject, cause)) => causes.add(subject, block.place, || cause),
                None => {}
            }
        }
    }
    causes.report(verdict);
}

enum Judged {
    Fixed,
    Moves(String, Cause),
}

fn judge(pipeline: &Pipeline, block: &Use) -> Option<Judged> {
    let version = block.version.as_ref().map(|v| v.value.as_str());
    if block.name.is_empty() || [Some(block.name.as_str()), version].iter().flatten().any(|t| is_open(t)) {
        return None;
    }
    match (pipeline.dialect, block.sort) {
        (Dialect::Github, UseKind::Image) => Some(image(&block.name, version)),
        (Dialect::Github, UseKind::Action | UseKind::Workflow) => github(&block.name, version?),
        (Dialect::Gitlab, UseKind::Template) => gitlab(&block.name, version),
        (Dialect::Jenkins, UseKind::Template) => library(&block.name, version?),
        (Dialect::CircleCi, UseKind::Template) => orb(&block.name, version?),
        (Dialect::Bitbucket, UseKind::Action) => Some(pipe(&block.name, version)),
        (Dialect::Buildkite, UseKind::Action) => Some(plugin(&block.name, version)),
        (Dialect::Tekton, UseKind::Action | UseKind::Workflow) => Some(task(&block.name, version?)),
        _ => None,
    }
}

fn is_open(text: &str) -> bool {
    text.contains('$') || text.contains("{{")
}

/// A Git commit in full, SHA-1 or SHA-256. A shortened one can be met by another commit.
fn is_commit(version: &str) -> bool {
    matches!(version.len(), 40 | 64) && version.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_branch(version: &str) -> bool {
    let name = version.strip_prefix("refs/heads/").unwrap_or(version);
    version.starts_with("refs/heads/") || BRANCHES.contains(&name.to_ascii_lowercase().as_str())
}

fn github(name: &str, version: &str) -> Option<Judged> {
    let mut parts = name.split('/');
    let (owner, repository) = (parts.next()?, parts.next()?);
    // Its maker demands a tag: the provenance that it signs is checked against the tag's name.
    let by_tag = name.starts_with("slsa-framework/slsa-github-generator/") && version.starts_with('v');
    if is_commit(version) || by_tag {
        return Some(Judged::Fixed);
    }
    let block = format!("{owner}/{repository}");
    let branch = is_branch(version);
    let own = FIRST_PARTY.contains(&owner.to_ascii_lowercase().as_str());
    let message = if branch {
        format!("Action `{block}` follows the branch `{version}`: each run takes what its owner pushed last")
    } else {
        format!("Action `{block}` is fixed to `{version}`, a name that its owner can move")
    };
    let severity = if own && !branch { Severity::Note } else { Severity::Warning };
    Some(Judged::Moves(format!("action {block}@{version}"), cause(message, severity, Confidence::High)))
}

fn image(name: &str, version: Option<&str>) -> Judged {
    if version.is_some_and(|v| v.starts_with("sha256:")) {
        return Judged::Fixed;
    }
    let tag = version.unwrap_or("latest");
    let message = format!("The step runs the image `{name}` by its tag `{tag}`, which its owner can move");
    Judged::Moves(format!("image {name}:{tag}"), cause(message, Severity::Warning, Confidence::High))
}

/// A project's files follow its default branch unless `ref` says otherwise; a component may be fixed to a
/// branch, to `~latest` or to part of a version.
fn gitlab(name: &str, version: Option<&str>) -> Option<Judged> {
    let remote = name.starts_with("https://") || name.starts_with("http://");
    // A component has a version, a project's file stands behind a colon; a server's own template has neither.
    let template = !remote && version.is_none() && !name.contains(':');
    let subject = format!("include {name}@{}", version.unwrap_or(""));
    let message = match version {
        _ if template => return None,
        Some(v) if is_branch(v) => format!("The include of `{name}` follows `{v}`, which moves"),
        Some(_) => return Some(Judged::Fixed),
        None if remote => {
            format!(
                "The include of `{name}` has no `integrity`: whoever owns the address changes the pipeline"
            )
        }
        None => format!("The include of `{name}` names no `ref` and follows that project's default branch"),
    };
    Some(Judged::Moves(subject, cause(message, Severity::Warning, Confidence::High)))
}

/// A task that a resolver fetches, from a repository by its revision or from a registry by its digest.
/// <https://tekton.dev/docs/pipelines/git-resolver/>
fn task(name: &str, version: &str) -> Judged {
    if !is_branch(version) {
        return Judged::Fixed;
    }
    let name = name.strip_prefix("tekton/").unwrap_or(name);
    let message = format!("The task `{name}` is fetched as `{version}`, which moves");
    Judged::Moves(format!("task {name}@{version}"), cause(message, Severity::Warning, Confidence::High))
}

/// A shared library that names no version has the one that the server gives it.
fn library(name: &str, version: &str) -> Option<Judged> {
    if !is_branch(version) {
        return Some(Judged::Fixed);
    }
    let message = format!("The shared library `{name}` follows the branch `{version}`");
    Some(Judged::Moves(
        format!("library {name}@{version}"),
        cause(message, Severity::Warning, Confidence::High),
    ))
}

/// `x.y.z` of an orb never changes; `x.y` and `x` follow the registry, and so do `volatile` and `dev:…`.
/// <https://circleci.com/docs/orb-concepts/#semantic-versioning>
fn orb(name: &str, version: &str) -> Option<Judged> {
    let numbers: Vec<&str> = version.split('.').collect();
    let numeric = numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if numeric && numbers.len() == 3 {
        return Some(Judged::Fixed);
    }
    let (message, severity) = if version == "volatile" || version.starts_with("dev:") {
        (format!("The orb `{name}` follows `{version}`, which changes without a release"), Severity::Warning)
    } else if numeric {
        let own = name.starts_with("circleci/");
        let severity = if own { Severity::Note } else { Severity::Warning };
        (format!("The orb `{name}` is fixed to `{version}`, and takes each later release of it"), severity)
    } else {
        return None;
    };
    Some(Judged::Moves(format!("orb {name}@{version}"), cause(message, severity, Confidence::High)))
}

/// A pipe's version is the tag of its image.
fn pipe(name: &str, version: Option<&str>) -> Judged {
    let full = |v: &str| v.split('.').count() >= 3 && v.starts_with(|c: char| c.is_ascii_digit());
    if version.is_some_and(|v| v.starts_with("sha256:")) {
        return Judged::Fixed;
    }
    let tag = version.unwrap_or("latest");
    let message = format!("The pipe `{name}` is fixed to `{tag}`, a tag that its owner can move");
    let own = name.starts_with("atlassian/") && full(tag);
    let severity = if own { Severity::Note } else { Severity::Warning };
    Judged::Moves(format!("pipe {name}:{tag}"), cause(message, severity, Confidence::High))
}

/// Without a version a plugin follows its repository's default branch.
/// <https://buildkite.com/docs/pipelines/integrations/plugins/using#pinning-plugin-versions>
fn plugin(name: &str, version: Option<&str>) -> Judged {
    let message = match version {
        Some(version) if is_commit(version) => return Judged::Fixed,
        None => format!("The plugin `{name}` has no version: each run takes what its owner pushed last"),
        Some(v) if is_branch(v) => format!("The plugin `{name}` follows the branch `{v}`"),
        Some(v) => format!("The plugin `{name}` is fixed to `{v}`, a name that its owner can move"),
    };
    let own = name.starts_with("buildkite-plugins/") && version.is_some_and(|v| !is_branch(v));
    let severity = if own { Severity::Note } else { Severity::Warning };
    let subject = format!("plugin {name}#{}", version.unwrap_or(""));
    Judged::Moves(subject, cause(message, severity, Confidence::High))
}

fn cause(message: String, severity: Severity, confidence: Confidence) -> Cause {
    Cause { message, label: "can change without a change here", also: "used here too", severity, confidence }
}
