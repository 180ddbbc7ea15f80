//! What a delivery pipeline refers to by name, wherever it is written: targets, automations, policies.

use super::{entry, name_of};
use crate::syntax::tree::Node;
use crate::text::{FileId, Span};
use std::collections::HashMap;

/// All resources by kind and name.
#[derive(Default)]
pub(super) struct Resources<'t> {
    targets: HashMap<&'t str, Node<'t>>,
    automations: Vec<Automation<'t>>,
    /// Deploy policies that keep rollouts to some hours: their place and the targets that they are for.
    windows: Vec<(Span, &'t str, Vec<&'t str>)>,
}

/// What happens by itself to releases of one pipeline in some targets.
struct Automation<'t> {
    /// None where the name does not say which.
    pipeline: Option<&'t str>,
    /// Names of targets; empty or `*` for all.
    targets: Vec<&'t str>,
    rules: Vec<Node<'t>>,
}

impl<'t> Resources<'t> {
    pub(super) fn new(documents: impl Iterator<Item = (FileId, &'t str, Node<'t>)>) -> Resources<'t> {
        let mut found = Resources::default();
        for (_, _, document) in documents {
            let name = name_of(document);
            match (document.get("kind").and_then(|k| k.as_str()), name) {
                (Some("Target"), Some(name)) => {
                    found.targets.insert(name, document);
                }
                (Some("Automation"), name) => found.automations.push(Automation {
                    pipeline: name.and_then(|n| n.split_once('/')).map(|(pipeline, _)| pipeline),
                    targets: selected(document.get("selector")),
                    rules: document.get("rules").into_iter().flat_map(|r| r.one_or_more()).collect(),
                }),
                (Some("DeployPolicy"), name) => {
                    let rules = document.get("rules").into_iter().flat_map(|r| r.one_or_more());
                    let window = rules.into_iter().find_map(|r| {
                        let key = ["rolloutRestriction", "restrictRollouts"]
                            .into_iter()
                            .find(|k| r.key(k).is_some())?;
                        entry(r, key)
                    });
                    let selectors = document.get("selectors").into_iter().flat_map(|s| s.one_or_more());
                    let targets = selectors.flat_map(|s| selected(Some(s))).collect();
                    found.windows.extend(window.map(|w| (w, name.unwrap_or("policy"), targets)));
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn target(&self, name: &str) -> Option<Node<'t>> {
        self.targets.get(name).copied()
    }

    /// Rules of automations for releases of this pipeline in this target.
    pub(super) fn rules(&self, pipeline: Option<&str>, target: &str) -> impl Iterator<Item = Node<'t>> {
        let ours = self.automations.iter().filter(move |a| a.pipeline.is_none() || a.pipeline == pipeline);
        let here = move |a: &&Automation<'t>| holds(&a.targets, target);
        let rules: Vec<Node<'t>> = ours.filter(here).flat_map(|a| a.rules.iter().copied()).collect();
        rules.into_iter()
    }

    /// The policy that keeps rollouts to this target to some hours.
    pub(super) fn window(&self, target: &str) -> Option<(Span, &'t str)> {
        let found = self.windows.iter().find(|(_, _, targets)| holds(targets, target));
        found.map(|(place, name, _)| (*place, *name))
    }
}

fn holds(targets: &[&str], target: &str) -> bool {
    targets.is_empty() || targets.iter().any(|t| *t == "*" || *t == target)
}

/// The targets that a selector names: `targets: [{ id: x }]`, or `- target: { id: x }` as it was once.
fn selected<'t>(selector: Option<Node<'t>>) -> Vec<&'t str> {
    let parts = selector.into_iter().flat_map(|s| s.one_or_more());
    let listed = parts.flat_map(|s| {
        let one = s.get("target").into_iter();
        one.chain(s.get("targets").into_iter().flat_map(|t| t.one_or_more())).collect::<Vec<_>>()
    });
    listed.filter_map(|t| t.get("id").and_then(|i| i.as_str())).collect()
}
