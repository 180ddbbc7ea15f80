//! Images that pipelines store for others to run, and what a pipeline does with them.

use crate::facts::{
    Artifact, ArtifactKind, Command, Effect, EffectKind, Job, Node, Part, Repository, Stage, Step,
    TriggerKind,
};
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// An image that a pipeline stores, under all names that one thing has.
pub(super) struct Product<'r> {
    /// What it is called, without registry and environment.
    pub stem: String,
    /// The first place that stores it.
    pub place: Span,
    /// The run that does.
    pub node: Node,
    /// The references under which it is stored.
    pub names: Vec<&'r Artifact>,
}

impl Product<'_> {
    /// How its name is shown.
    pub(super) fn shown(&self) -> String {
        self.names.first().map_or_else(|| self.stem.clone(), |a| a.name_text())
    }
}

/// Words of images that serve builds and tests and are run by nobody else.
const OTHERS: &[&str] = &[
    "cache",
    "buildcache",
    "ci",
    "test",
    "tests",
    "testing",
    "e2e",
    "dev",
    "devcontainer",
    "builder",
    "docs",
];

/// So many things of one repository are looked at, and so many names of one.
const MOST: usize = 500;

/// Images that pipelines store, one for each thing; what only a change under review or a test uses is none.
pub(super) fn stored_images(repository: &Repository) -> Vec<Product<'_>> {
    let flow = &repository.flow;
    let mut found: BTreeMap<String, Product<'_>> = BTreeMap::new();
    for node in flow.nodes() {
        let run = flow.run(node);
        let triggers = &repository.facts.pipelines[run.root].triggers;
        let review = |t: TriggerKind| matches!(t, TriggerKind::PullRequest | TriggerKind::PullRequestTarget);
        if !triggers.is_empty() && triggers.iter().all(|t| review(t.trigger)) {
            continue;
        }
        for effect in run.effects.iter().filter(|e| e.effect == EffectKind::Publish && e.detail.is_none()) {
            let Some(image) = effect.artifact.as_ref().filter(|a| is_product(a)) else { continue };
            let apart = |s: Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview);
            let target = effect.target.as_ref().or(run.target.as_ref());
            if target.is_some_and(|t| t.stage.known().copied().is_some_and(apart)) {
                continue;
            }
            let Some(stem) = image.stem() else { continue };
            let product = found.entry(stem.clone()).or_insert_with(|| Product {
                stem,
                place: effect.place,
                node,
                names: Vec::new(),
            });
            if effect.place < product.place {
                (product.place, product.node) = (effect.place, node);
            }
            if product.names.len() < MOST && !product.names.contains(&image) {
                product.names.push(image);
            }
        }
    }
    for run in flow.runs() {
        // `docker build -t` and `docker tag` give names, too, that `docker push` without a tag sends.
        for effect in run.effects.iter().filter(|e| matches!(e.effect, EffectKind::Promote)) {
            let Some(image) = effect.artifact.as_ref().filter(|a| is_product(a)) else { continue };
            if let Some(product) = image.stem().and_then(|stem| found.get_mut(&stem))
                && !product.names.contains(&image)
            {
                product.names.push(image);
            }
        }
    }
    let mut all: Vec<Product<'_>> = found.into_values().collect();
    all.sort_by_key(|p| p.place);
    all.truncate(MOST);
    all
}

fn is_product(image: &Artifact) -> bool {
    let name = image.name_text();
    let local =
        ["localhost", "127.0.0.1", "kind-registry", "registry.local"].iter().any(|h| name.starts_with(h));
    let stem = image.stem().unwrap_or_default();
    let version = image.version_text();
    let mut words = stem.split(['-', '_']).chain(version.split(['-', '_']));
    image.kind == ArtifactKind::Image && !local && !words.any(|w| OTHERS.contains(&w))
}

/// Whether an effect of this kind may concern the product: it names it, or names nothing.
pub(super) fn concerns(effect: &Effect, product: &Product<'_>) -> bool {
    match effect.artifact.as_ref().filter(|a| a.kind == ArtifactKind::Image) {
        None => true,
        Some(image) => {
            let other = image.stem();
            other.is_none_or(|stem| stem == product.stem || stem.contains('{') || product.stem.contains('{'))
                || product.names.iter().any(|n| n.digest.is_some() && n.digest == image.digest)
        }
    }
}

/// Steps that store the product or build it: where what it is made of is written.
pub(super) fn makers<'r>(
    repository: &'r Repository,
    product: &Product<'_>,
) -> Vec<(&'r Job, &'r Step, Option<&'r Command>)> {
    let mut found = Vec::new();
    for (_, job, step) in repository.steps() {
        for (command, effect) in super::gates::effects_of(step).filter(|(_, e)| e.effect == EffectKind::Build)
        {
            let same = effect.artifact.as_ref().is_some_and(|a| a.stem().as_ref() == Some(&product.stem));
            if same
                && !found.iter().any(|(_, s, c): &(_, &Step, Option<&Command>)| {
                    std::ptr::eq(*s, step) && c.map(|c| c.place) == command.map(|c| c.place)
                })
            {
                found.push((job, step, command));
            }
        }
    }
    found
}

/// What a text that the run fills in stands for, as far as its words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stamp {
    /// The commit.
    Commit,
    /// The time.
    Time,
    /// The version of the release.
    Version,
    /// Who or which run built it.
    Builder,
}

/// The stamps that a label, a build argument or a part of a tag carries.
pub(super) fn stamps(text: &str) -> BTreeSet<Stamp> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let has = |all: &[&str]| words.iter().any(|w| all.contains(w));
    let mut found = BTreeSet::new();
    if has(&["sha", "commit", "revision", "rev", "gitsha", "vcs", "sha1", "sourceversion", "githash", "hash"])
    {
        found.insert(Stamp::Commit);
    }
    if has(&["date", "time", "created", "timestamp", "buildtime", "builddate", "epoch"]) {
        found.insert(Stamp::Time);
    }
    if has(&["version", "semver", "tag", "release"]) {
        found.insert(Stamp::Version);
    }
    let run =
        ["run_id", "run_number", "build_id", "build_number", "build_url", "pipeline_id", "job_id", "buildid"];
    if has(&["actor", "builder", "author", "user", "buildnumber"]) || run.iter().any(|r| lower.contains(r)) {
        found.insert(Stamp::Builder);
    }
    found
}

/// The stamps of a reference's tag.
pub(super) fn stamps_of(parts: &[Part]) -> BTreeSet<Stamp> {
    let mut found = BTreeSet::new();
    for part in parts {
        match part {
            Part::Variable(name) => found.extend(stamps(name)),
            Part::Literal(text) if is_version(text.trim_matches(['-', '_'])) => {
                found.insert(Stamp::Version);
            }
            Part::Literal(_) | Part::Stage(_) | Part::Environment(_) => {}
        }
    }
    found
}

/// A variable whose name tells nothing of what it holds.
pub(super) fn is_opaque(part: &Part) -> bool {
    match part {
        Part::Variable(name) => name != "commit" && !matches!(name.as_str(), "branch" | "pr"),
        _ => false,
    }
}

/// `1.4.2`, `v2.0.0-rc1`.
pub(super) fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let core = text.split(['-', '+']).next().unwrap_or("");
    let parts: Vec<&str> = core.split('.').collect();
    parts.len() == 3 && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}
