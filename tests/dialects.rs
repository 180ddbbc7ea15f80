//! One delivery pipeline in every dialect gives one projection.

use plimsoll::facts::{GateKind, Node, Repository};
use plimsoll::lexicon::Lexicon;
use plimsoll::readers::{Options, Reading, read};
use plimsoll::source::{MemoryFile, Target, open};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The dialect that can say everything the pipeline has.
const FULL: &str = "gitlab";

/// Every dialect that has a fixture.
const DIALECTS: &[&str] = &[
    "github",
    "gitlab",
    "cloud-build",
    "cloud-deploy",
    "azure",
    "jenkins",
    "circleci",
    "bitbucket",
    "buildkite",
    "drone",
    "woodpecker",
    "argo-cd",
    "flux",
    "codepipeline",
    "codepipeline-json",
    "tekton",
    "argo-workflows",
];

fn folder(dialect: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects").join(dialect)
}

fn files(folder: &Path, prefix: &str, into: &mut Vec<MemoryFile>) {
    for entry in fs::read_dir(folder).expect("the fixture is there").map(|e| e.expect("it can be listed")) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => files(&entry.path(), &format!("{name}/"), into),
            false => into.push(MemoryFile {
                path: name,
                bytes: fs::read(entry.path()).expect("it can be read"),
                tracked: true,
                ..MemoryFile::default()
            }),
        }
    }
}

fn repository(dialect: &str) -> Repository {
    let mut all = Vec::new();
    files(&folder(dialect), "", &mut all);
    all.retain(|f| f.path != "cannot.txt");
    let mut source =
        open(&Target::Memory { files: all, git: None }, &Default::default()).expect("memory opens");
    let lexicon = Lexicon::default();
    read(&mut source, &Options { lexicon: &lexicon, jobs: 1, only: None }, &Reading::default())
}

/// What a dialect cannot say, as lines of the projection.
fn cannot(dialect: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(folder(dialect).join("cannot.txt")).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// The effects of a run, each with its stage, if it says one.
fn classes(repository: &Repository, node: Node) -> Vec<String> {
    let run = repository.flow.run(node);
    let class = |e: &plimsoll::facts::Effect| match e.target.as_ref().and_then(|t| t.stage.known()) {
        Some(stage) => format!("{}@{}", e.effect.name(), stage.name()),
        None => e.effect.name().to_owned(),
    };
    run.effects.iter().filter(|e| !matters_not(e.effect.name())).map(class).collect()
}

/// Each dialect fetches its source and its tools in its own way; an approval is told as `behind a person`.
fn matters_not(effect: &str) -> bool {
    matches!(effect, "install" | "fetch" | "approve")
}

/// Effects with target and artifact, order, gates and tolerance, one statement a line.
fn projection(repository: &Repository) -> BTreeSet<String> {
    let (flow, pipelines) = (&repository.flow, &repository.facts.pipelines);
    let mut lines = BTreeSet::new();
    for node in flow.nodes() {
        let job = flow.job(node, pipelines);
        let own = classes(repository, node);
        let effects = flow.run(node).effects.iter().filter(|e| !matters_not(e.effect.name()));
        for (number, (effect, class)) in effects.zip(&own).enumerate() {
            if let Some(artifact) = &effect.artifact {
                lines.insert(format!("{class} of {}:{}", artifact.name_text(), artifact.version_text()));
            }
            lines.insert(class.clone());
            if job.condition.as_ref().is_some_and(|c| c.on_failure) {
                lines.insert(format!("{class} on failure"));
            }
            if job.tolerated.is_some() || job.commands().any(|c| c.tolerated.is_some()) {
                lines.insert(format!("{class} tolerated"));
            }
            lines.extend(own[..number].iter().map(|e| format!("{e} before {class}")));
            for earlier in flow.before(node) {
                lines.extend(classes(repository, earlier).into_iter().map(|e| format!("{e} before {class}")));
            }
            // Where approval is a job of its own, it brings nothing else about.
            let asks = |n: &Node| flow.run(*n).effects.iter().all(|e| e.effect.name() == "approve");
            let direct = |n: Node| flow.edges_before(n).iter().map(|(n, _)| *n).filter(asks);
            // Who calls a pipeline waits for it.
            let before: Vec<Node> = direct(node).flat_map(|n| direct(n).chain([n])).collect();
            let asked = before.into_iter().flat_map(|n| &flow.job(n, pipelines).gates);
            if job.gates.iter().chain(asked).any(|gate| gate.gate == GateKind::Blocking) {
                lines.insert(format!("{class} behind a person"));
            }
        }
    }
    lines
}

#[test]
fn all_dialects_say_the_same_but_for_what_they_cannot_say() {
    let full = projection(&repository(FULL));
    for line in [
        "build of registry.shop.example/shop:{commit}",
        "deploy@staging before deploy@production",
        "deploy@production behind a person",
        "lint tolerated",
        "notify on failure",
    ] {
        assert!(full.contains(line), "{FULL} must say `{line}`:\n{full:#?}");
    }
    for dialect in DIALECTS.iter().filter(|d| **d != FULL) {
        let said = projection(&repository(dialect));
        let extra: Vec<&String> = said.difference(&full).collect();
        assert!(extra.is_empty(), "only {dialect} says {extra:#?}");
        let cannot = cannot(dialect);
        let covered = |line: &&String| cannot.iter().any(|c| covers(c, line));
        let missing: Vec<&String> = full.difference(&said).filter(|l| !covered(l)).collect();
        assert!(missing.is_empty(), "{dialect} does not say {missing:#?}");
        for item in &cannot {
            assert!(full.iter().any(|l| covers(item, l)), "{FULL} does not say `{item}` either");
            assert!(!said.iter().any(|l| covers(item, l)), "{dialect} can say `{item}` after all");
        }
    }
}

/// Whether an entry of `cannot.txt` is this statement, or an effect that it speaks of.
fn covers(item: &str, line: &str) -> bool {
    item == line || line.split(' ').any(|word| word == item)
}

#[test]
fn every_fixture_is_read_whole() {
    for dialect in DIALECTS {
        let repository = repository(dialect);
        assert!(repository.unread.is_empty(), "{dialect}: {:?}", repository.unread);
        assert!(repository.facts.pipelines.iter().all(|p| p.complete), "{dialect}");
    }
}
