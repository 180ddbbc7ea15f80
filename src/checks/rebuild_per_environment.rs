//! A graph question: is what runs in production the very thing that ran in staging, or built again?

use super::gates::makers;
use crate::facts::{ArtifactKind, Effect, EffectKind, Flow, Node, Repository, Stage, Value};
use crate::finding::{Confidence, Finding, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The places of builds that are the matter of this rule.
pub(super) fn places(repository: &Repository) -> BTreeSet<Span> {
    let mut verdict = Verdict::new("rebuild-per-environment", Severity::Error, Confidence::High);
    check(repository, &Parameters::default(), &mut verdict);
    let of = |f: Finding| f.related.into_iter().map(|r| r.place).chain([f.place]).collect::<Vec<_>>();
    verdict.findings.into_iter().flat_map(of).collect()
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let deploys = |stage| flow.with_effect(EffectKind::Deploy, Some(stage));
    let (staging, production) = (deploys(Stage::Staging), deploys(Stage::Production));
    let mut reported = BTreeSet::new();

    // Chosen by whoever starts it, or side by side.
    let produced: BTreeSet<Node> = production.iter().copied().collect();
    let mut by_job: BTreeMap<(usize, usize, Option<Node>), Vec<Node>> = BTreeMap::new();
    for &node in &production {
        let run = flow.run(node);
        by_job.entry((run.pipeline, run.job, run.caller)).or_default().push(node);
    }
    for &node in &staging {
        let run = flow.run(node);
        let both = match run.target.as_ref().map(|t| &t.stage) {
            Some(Value::OneOf(_)) => produced.contains(&node),
            // Side by side in a matrix.
            _ => {
                let sisters = by_job.get(&(run.pipeline, run.job, run.caller));
                sisters.into_iter().flatten().any(|&p| p != node)
            }
        };
        if !both {
            continue;
        }
        let job = flow.job(node, pipelines);
        for build in builds(&run.effects) {
            if reported.insert(build.place) {
                let message =
                    format!("Job `{}` builds again for each environment that it deploys to", job.name);
                let finding = verdict.fail(build.place, format!("job {}", job.id), message);
                finding.label("runs once for staging and once for production");
                if let Some(target) = &run.target {
                    finding.relate(target.place, "staging or production, as chosen here");
                }
            }
        }
    }

    let twins = Twins::new(repository);
    let nodes: BTreeSet<Node> = staging.iter().chain(&production).copied().collect();
    let built = closures(flow, &nodes, &twins.nodes());
    let staged = closures(flow, &produced, &staging);
    // Two runs of staging with the same builds before them give the same answer.
    let mut classes: HashMap<&[u64], usize> = HashMap::new();
    let class_of: Vec<usize> = staging
        .iter()
        .map(|s| {
            let next = classes.len();
            *classes.entry(&built[s]).or_insert(next)
        })
        .collect();
    for &ship in &production {
        let mut again = None;
        let mut own = built[&ship].clone();
        let mut made: Option<BTreeSet<Span>> = None;
        // Where staging comes before production, that staging counts and no other run of it.
        let others = || (0..staging.len()).filter(|&s| staging[s] != ship);
        let mut ahead = others().filter(|&s| holds(&staged[&ship], s)).peekable();
        let stages: &mut dyn Iterator<Item = usize> =
            if ahead.peek().is_some() { &mut ahead } else { &mut others() };
        let mut tried = vec![0u64; classes.len().div_ceil(64)];
        for stage in stages {
            if own.iter().all(|word| *word == 0) {
                break;
            }
            let class = class_of[stage];
            if holds(&tried, class) {
                continue;
            }
            tried[class / 64] |= 1 << (class % 64);
            let stage = staging[stage];
            again = ones(&own).filter(|&b| !holds(&built[&stage], b)).find_map(|b| {
                let earlier = twins.other(b, &built[&stage])?;
                // What is built on the way and not deployed is another's matter.
                let made = made.get_or_insert_with(|| {
                    makers(repository, ship, Stage::Production).map(|e| e.place).collect()
                });
                let build = twins.builds[b].1;
                (made.is_empty() || made.contains(&build.place)).then_some((stage, build, earlier))
            });
            if again.is_some() {
                break;
            }
            if let Some(made) = made.as_ref().filter(|made| !made.is_empty()) {
                let others: Vec<usize> =
                    ones(&own).filter(|&b| !made.contains(&twins.builds[b].1.place)).collect();
                others.into_iter().for_each(|b| own[b / 64] &= !(1 << (b % 64)));
            }
        }
        let job = flow.job(ship, pipelines);
        let Some((stage, build, (twice, earlier))) = again else {
            verdict.satisfied(job.place);
            continue;
        };
        if !reported.insert(build.place) {
            continue;
        }
        let message = format!(
            "What job `{}` brings to production is built again, not the build that staging ran",
            job.name
        );
        let finding = verdict.fail(build.place, format!("job {}", job.id), message);
        finding.label("production builds again here");
        if earlier.place == build.place {
            finding.relate(flow.job(twice, pipelines).place, "runs it for staging");
        } else {
            finding.relate(earlier.place, "staging's build");
        }
        finding.relate(flow.job(stage, pipelines).place, "staging deploys here");
        if build.artifact.is_none() {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// For each of `nodes`, bits for those of `marks` that come before it or are it.
fn closures(flow: &Flow, nodes: &BTreeSet<Node>, marks: &[Node]) -> BTreeMap<Node, Vec<u64>> {
    let mut found: BTreeMap<Node, Vec<u64>> = nodes.iter().map(|&n| (n, Vec::new())).collect();
    for chunk in marks.chunks(64) {
        let before = flow.reach_before(chunk);
        found.iter_mut().for_each(|(&node, words)| words.push(before.of(node)));
    }
    for (bit, mark) in marks.iter().enumerate() {
        if let Some(words) = found.get_mut(mark) {
            words[bit / 64] |= 1 << (bit % 64);
        }
    }
    found
}

fn holds(words: &[u64], bit: usize) -> bool {
    words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
}

fn ones(words: &[u64]) -> impl Iterator<Item = usize> {
    let left = |word: u64| Some(word).filter(|w| *w != 0);
    let bits = move |word: u64| std::iter::successors(left(word), move |w| left(w & (w - 1)));
    words
        .iter()
        .enumerate()
        .flat_map(move |(i, w)| bits(*w).map(move |w| i * 64 + w.trailing_zeros() as usize))
}

/// Builds of a product of which another run makes the same thing, whatever version or environment it gives it.
struct Twins<'r> {
    builds: Vec<(Node, &'r Effect)>,
    /// By build, those that run its very command or make the same thing, itself included.
    kin: Vec<[usize; 2]>,
    groups: Vec<Vec<usize>>,
}

impl<'r> Twins<'r> {
    fn new(repository: &'r Repository) -> Twins<'r> {
        let flow = &repository.flow;
        let all: Vec<(Node, &Effect)> =
            flow.nodes().flat_map(|n| builds(&flow.run(n).effects).map(move |b| (n, b))).collect();
        let unnamed: BTreeSet<Span> =
            all.iter().filter(|(_, b)| b.artifact.is_none()).map(|(_, b)| b.place).collect();
        let lines = lines(repository, &unnamed);
        let mut numbers: HashMap<Thing<'_>, usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut number = |thing: Thing<'r>| {
            let next = numbers.len();
            *numbers.entry(thing).or_insert(next)
        };
        let mut things: Vec<[usize; 2]> = Vec::with_capacity(all.len());
        for (_, build) in &all {
            let place = Thing::Place(build.place);
            let thing = match &build.artifact {
                Some(artifact) => artifact.stem().map(|stem| Thing::Named(artifact.kind, stem)),
                None => lines.get(&build.place).map(|line| Thing::Line(&build.tool, line)),
            };
            things.push([number(place.clone()), number(thing.unwrap_or(place))]);
        }
        groups.resize(numbers.len(), Vec::new());
        let mut runs: Vec<BTreeSet<Node>> = vec![BTreeSet::new(); groups.len()];
        for ((node, _), own) in all.iter().zip(&things) {
            own.iter().for_each(|&group| {
                runs[group].insert(*node);
            });
        }
        let mut twins = Twins { builds: Vec::new(), kin: Vec::new(), groups };
        for (build, own) in all.into_iter().zip(things) {
            if own.iter().any(|&group| runs[group].len() > 1) {
                own.iter().for_each(|&group| twins.groups[group].push(twins.builds.len()));
                twins.builds.push(build);
                twins.kin.push(own);
            }
        }
        twins
    }

    fn nodes(&self) -> Vec<Node> {
        self.builds.iter().map(|(node, _)| *node).collect()
    }

    /// The first build of the same thing by another run, among those of these bits.
    fn other(&self, build: usize, among: &[u64]) -> Option<(Node, &'r Effect)> {
        let others = |group: usize| {
            let mut all = self.groups[group].iter().copied();
            all.find(|&b| holds(among, b) && self.builds[b].0 != self.builds[build].0)
        };
        let first = self.kin[build].iter().filter_map(|&group| others(group)).min();
        first.map(|b| self.builds[b])
    }
}

/// What a build makes, by which another is known to make the same.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Thing<'r> {
    /// One command that two jobs share is run twice.
    Place(Span),
    Named(ArtifactKind, String),
    Line(&'r str, &'r str),
}

/// The lines of the commands that have these effects.
fn lines<'r>(repository: &'r Repository, effects: &BTreeSet<Span>) -> BTreeMap<Span, &'r str> {
    let mut found = BTreeMap::new();
    if effects.is_empty() {
        return found;
    }
    for (_, command) in repository.commands() {
        let start = Span { end: command.place.start, ..command.place };
        for place in effects
            .range(start..)
            .take_while(|p| p.file == command.place.file && p.start <= command.place.end)
        {
            if command.place.contains(*place) {
                found.entry(*place).or_insert(command.line.as_str());
            }
        }
    }
    found
}

/// Builds of something that is deployed; documentation and test images are not.
fn builds(effects: &[Effect]) -> impl Iterator<Item = &Effect> {
    effects
        .iter()
        .filter(|e| e.effect == EffectKind::Build && !matches!(e.detail.as_deref(), Some("docs" | "test")))
}
