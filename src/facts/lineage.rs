//! Where a thing that is deployed was made: through its name, through promotions, and through files that jobs hand
//! on, over all pipelines that come before.

use super::{Artifact, Dialect, Effect, EffectKind, Flow, Node, Pipeline, Same, Transfer, Value};
use std::collections::{BTreeSet, HashMap};

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
    /// The runs that store files which one of the `takers` fetches, over all pipelines.
    pub fn givers(&self, pipelines: &[Pipeline], takers: impl Fn(Node) -> bool) -> BTreeSet<Node> {
        let stored = |n: Node| self.job(n, pipelines).transfers.iter().filter(|t| t.up);
        if !self.nodes().any(|n| stored(n).next().is_some()) {
            return BTreeSet::new();
        }
        let mut of_all: Vec<Node> = Vec::new();
        let mut by_name: HashMap<&Value<String>, (&Transfer, Vec<Node>)> = HashMap::new();
        for node in self.nodes().filter(|&n| takers(n)) {
            match self.fetched(node, pipelines) {
                Fetched::All => of_all.push(node),
                Fetched::These(all) => {
                    all.into_iter().for_each(|down| {
                        by_name.entry(&down.name).or_insert((down, Vec::new())).1.push(node)
                    });
                }
            }
        }
        let after_all = self.reach_after(&[of_all]);
        let mut found: BTreeSet<Node> =
            self.nodes().filter(|&n| after_all.of(n) != 0 && stored(n).next().is_some()).collect();
        let (downs, takers): (Vec<&Transfer>, Vec<Vec<Node>>) = by_name.into_values().unzip();
        for (downs, takers) in downs.chunks(64).zip(takers.chunks(64)) {
            let after = self.reach_after(takers);
            let taken = |n: Node, up: &Transfer| {
                downs.iter().enumerate().any(|(bit, down)| after.of(n) >> bit & 1 == 1 && fetches(down, up))
            };
            found.extend(self.nodes().filter(|&n| after.of(n) != 0 && stored(n).any(|up| taken(n, up))));
        }
        found
    }

    fn fetched<'p>(&self, node: Node, pipelines: &'p [Pipeline]) -> Fetched<'p> {
        let job = self.job(node, pipelines);
        let fetched: Vec<&Transfer> = job.transfers.iter().filter(|t| !t.up).collect();
        // A job of GitLab that names none fetches what all earlier stages store.
        let all = fetched.is_empty()
            && job.needs.iter().all(|n| n.order_only)
            && pipelines[self.run(node).pipeline].dialect == Dialect::Gitlab;
        if all { Fetched::All } else { Fetched::These(fetched) }
    }

    /// The runs whose files `node` fetches, nearest first.
    fn handed_to(&self, node: Node, pipelines: &[Pipeline]) -> Vec<Node> {
        let fetched = self.fetched(node, pipelines);
        let wanted = |up: &&Transfer| match &fetched {
            Fetched::All => true,
            Fetched::These(downs) => downs.iter().any(|down| fetches(down, up)),
        };
        if matches!(&fetched, Fetched::These(downs) if downs.is_empty()) {
            return Vec::new();
        }
        let stores =
            |n: &Node| self.job(*n, pipelines).transfers.iter().filter(|t| t.up).any(|up| wanted(&up));
        self.before(node).into_iter().filter(stores).collect()
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
            Some(_) => runs.extend(self.before(node).into_iter().filter(|&n| self.makes_or_names(n))),
            None => {
                let mut seen = BTreeSet::from([node]);
                let mut at = 0;
                while let Some(&next) = runs.get(at) {
                    at += 1;
                    runs.extend(self.handed_to(next, pipelines).into_iter().filter(|g| seen.insert(*g)));
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

    fn makes_or_names(&self, node: Node) -> bool {
        let told = |e: &Effect| matches!(e.effect, EffectKind::Build | EffectKind::Promote);
        self.run(node).effects.iter().any(told)
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

/// What a run fetches of the files that others store.
enum Fetched<'p> {
    All,
    These(Vec<&'p Transfer>),
}

/// Whether a download fetches an upload. One without a name fetches all.
fn fetches(down: &Transfer, up: &Transfer) -> bool {
    match (&down.name, &up.name) {
        (Value::Known(a), Value::Known(b)) => a == b || a.is_empty() || a == "artifact",
        (a, b) => a == b || !a.is_certain(),
    }
}
