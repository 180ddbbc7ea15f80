//! Google Cloud Deploy: delivery pipelines, their targets and what is automated about them, with the checks
//! that Skaffold runs. A release passes the stages one after another; each is a job, and so is what verifies it.
//! <https://cloud.google.com/deploy/docs/config-files>

mod resources;
mod stage;
#[cfg(test)]
mod tests;

use super::names::{beside, ends_in_any_case, every_problem, folder, name, vendored, within};
use super::{Lowering, Parsed, Text, Trees};
use crate::facts::*;
use crate::syntax::tree::{Kind, Node};
use crate::syntax::yaml::{self, Mask};
use crate::text::{FileId, Span};
use resources::Resources;
use stage::Release;

/// Stages of one pipeline.
const MOST_STAGES: usize = 500;

/// The names are free; these are the usual ones. Skaffold's file says how a stage is verified.
pub(super) fn claims(path: &str, _: bool) -> bool {
    if !ends_in_any_case(path, &[".yaml", ".yml"]) {
        return false;
    }
    let file = name(path).to_ascii_lowercase();
    let words = ["clouddeploy", "cloud-deploy", "cloud_deploy", "delivery-pipeline", "delivery_pipeline"];
    let named = words.iter().any(|w| file.contains(w)) || file.starts_with("skaffold");
    let folder = within(path, &["clouddeploy", "cloud-deploy", ".clouddeploy"]);
    !file.starts_with("cloudbuild") && (named || folder) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::None);
    let ours = tree.documents().any(|d| is_ours(d) || is_skaffold(d));
    if ours || name(text.path).to_ascii_lowercase().starts_with("clouddeploy") {
        parsed.problems.extend(every_problem(&tree, "a delivery pipeline"));
    }
    parsed.tree = Some(tree);
    parsed
}

fn version(document: Node<'_>) -> &str {
    document.get("apiVersion").and_then(|v| v.as_str()).unwrap_or("")
}

fn is_ours(document: Node<'_>) -> bool {
    version(document).starts_with("deploy.cloud.google.com/")
}

fn is_skaffold(document: Node<'_>) -> bool {
    version(document).starts_with("skaffold/")
}

pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let documents =
        || trees.iter().flat_map(|(file, (path, tree))| tree.documents().map(move |d| (*file, *path, d)));
    let resources = Resources::new(documents().filter(|(_, _, d)| is_ours(*d)));
    let checks: Vec<(FileId, &str, Node<'_>)> = documents().filter(|(_, _, d)| is_skaffold(*d)).collect();
    for (_, path, document) in documents() {
        let pipeline = document.get("kind").and_then(|k| k.as_str()) == Some("DeliveryPipeline");
        let stages = document.at(&["serialPipeline", "stages"]).filter(|_| pipeline && is_ours(document));
        let Some(stages) = stages.filter(|s| s.kind() == Kind::Sequence) else { continue };
        // The release takes the Skaffold file that lies beside it, if it is told nothing else.
        let beside = |named: &&(FileId, &str, Node<'_>)| {
            folder(named.1) == folder(path) && named.1 == self::beside(path, "skaffold.yaml")
        };
        let skaffold = checks.iter().find(beside).or(match checks.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let release = Release {
            resources: &resources,
            pipeline: name_of(document),
            skaffold: skaffold.map(|(_, _, d)| *d),
            environments: lowering.environments,
        };
        let place = document.at(&["metadata", "name"]).map_or(document.span(), |n| n.span());
        let mut jobs: Vec<Job> = Vec::new();
        for item in stages.items().filter(|s| s.kind() == Kind::Mapping).take(MOST_STAGES) {
            release.stage(item, &mut jobs);
        }
        if let Some(value) = document.get("suspended").filter(|s| s.as_bool() == Some(true)) {
            for job in &mut jobs {
                let never = Condition { never: true, ..Condition::new(value.span(), "suspended".into()) };
                job.condition = Some(never);
            }
        }
        lowering.facts.pipelines.push(Pipeline {
            role: Role::Callable,
            triggers: vec![Trigger::new(TriggerKind::Call, "release", place)],
            complete: jobs.iter().all(|j| j.target.is_some()),
            jobs,
            parts: skaffold.map(|(file, _, _)| *file).into_iter().collect(),
            ..Pipeline::new(name_of(document).unwrap_or(path), Dialect::CloudDeploy, place)
        });
    }
}

fn name_of(document: Node<'_>) -> Option<&str> {
    document.at(&["metadata", "name"]).and_then(|n| n.as_str())
}

/// Key and value of an entry.
fn entry(node: Node<'_>, key: &str) -> Option<Span> {
    Some(node.key(key)?.span().join(node.get(key)?.use_span()))
}
