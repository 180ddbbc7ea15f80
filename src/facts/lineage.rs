//! Where a thing that is deployed was made: through its name, through promotions, and through files that jobs hand
//! on, over all pipelines that come before.

use super::{Artifact, Dialect, Effect, EffectKind, Flow, Node, Pipeline, Same, Transfer, Value};
use std::collections::BTreeSet;

/// A thing has at most so many other names that promotions gave it.
const MOST_NAMES: usize = 16;

impl Artifact {
    /// Whether this may be the very thing that `other` names: nothing tells that they differ, whatever the
    /// registry. What has no name (a chart's `image.tag`) is known by its version alone.
    pub fn may_be(&self, other: &Artifact) -> bool {
        let named = |a: &Artifact| a.name.is_empty() || a.stem().is_some();
        let nameless = self.name.is_empty() || other.name.is_empty();
        let one = self.kind == other.kind && named(self) && named(other);
        one && (nameless || self.stem() == other.stem()) && self.same_version(other) != Same::No
    }
}

impl Flow {
    /// The runs whose files `node` fetches, nearest first, with what they store.
    pub fn handed_to<'p>(&self, node: Node, pipelines: &'p [Pipeline]) -> Vec<(Node, &'p Transfer)> {
        let job = self.job(node, pipelines);
        let fetched: Vec<&Transfer> = job.transfers.iter().filter(|t| !t.up).collect();
        // A job of GitLab that names none fetches what all earlier stages store.
        let all = fetched.is_empty()
            && job.needs.iter().all(|n| n.order_only)
            && pipelines[self.run(node).pipeline].dialect == Dialect::Gitlab;
        if fetched.is_empty() && !all {
            return Vec::new();
        }
        let wanted = |up: &Transfer| all || fetched.iter().any(|down| fetches(down, up));
        let before = self.before(node);
        let stored = before
            .into_iter()
            .flat_map(|n| self.job(n, pipelines).transfers.iter().filter(|t| t.up).map(move |t| (n, t)));
        stored.filter(|(_, up)| wanted(up)).collect()
    }

    /// The builds that may have made what `node` deploys, as far as the files tell; empty if they do not.
    pub fn makers<'f>(
        &'f self,
        node: Node,
        deploy: &Effect,
        pipelines: &[Pipeline],
    ) -> Vec<(Node, &'f Effect)> {
        let mut runs = vec![node];
        let images = deploy.artifact.as_ref().filter(|a| !matches!(a.kind, super::ArtifactKind::Files));
        match images {
            Some(_) => runs.extend(self.before(node)),
            None => {
                let mut at = 0;
                while let Some(&next) = runs.get(at) {
                    at += 1;
                    for (giver, _) in self.handed_to(next, pipelines) {
                        if !runs.contains(&giver) {
                            runs.push(giver);
                        }
                    }
                }
            }
        }
        let mut wanted: Vec<&Artifact> = images.into_iter().collect();
        let mut looked = BTreeSet::new();
        let mut at = 0;
        while let Some(&artifact) = wanted.get(at).filter(|_| at < MOST_NAMES) {
            at += 1;
            for &run in &runs {
                for source in self.sources(run, artifact) {
                    if looked.insert(source.place) && wanted.len() < MOST_NAMES {
                        wanted.push(source);
                    }
                }
            }
        }
        let made = |effect: &&Effect| {
            effect.effect == EffectKind::Build
                && (wanted.is_empty()
                    || effect.artifact.as_ref().is_some_and(|made| wanted.iter().any(|w| w.may_be(made))))
        };
        runs.iter().flat_map(|&n| self.run(n).effects.iter().filter(made).map(move |e| (n, e))).collect()
    }

    /// What a run gives the name `artifact` to.
    fn sources<'f>(&'f self, node: Node, artifact: &Artifact) -> impl Iterator<Item = &'f Artifact> {
        let effects = &self.run(node).effects;
        let named = move |e: &&Effect| {
            e.effect == EffectKind::Promote && e.artifact.as_ref().is_some_and(|to| artifact.may_be(to))
        };
        let places: Vec<_> = effects.iter().filter(named).map(|e| e.place).collect();
        effects
            .iter()
            .filter(move |e| e.effect == EffectKind::Fetch && places.contains(&e.place))
            .filter_map(|e| e.artifact.as_ref())
    }
}

/// Whether a download fetches an upload. One without a name fetches all.
fn fetches(down: &Transfer, up: &Transfer) -> bool {
    match (&down.name, &up.name) {
        (Value::Known(a), Value::Known(b)) => a == b || a.is_empty() || a == "artifact",
        (a, b) => a == b || !a.is_certain(),
    }
}
