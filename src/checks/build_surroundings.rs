//! What a build stands on: a container, caches, the steps before it, the mode it is made in.

use super::delivery::{absent, programs};
use super::gates::shipping;
use crate::facts::{
    ArtifactKind, Caller, Command, Dialect, Effect, EffectKind, Job, Repository, ScriptKind, Stage, Step,
    TriggerKind, Use, Value,
};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::{Span, shorten};
use std::collections::BTreeSet;

/// Tools that build inside a container, or pin all they build with.
const CONTAINED: &[&str] = &[
    "docker",
    "docker-compose",
    "podman",
    "buildah",
    "kaniko",
    "buildx",
    "pack",
    "jib",
    "ko",
    "nix",
    "nix-build",
    "earthly",
    "devcontainer",
    "depot",
    "bazel",
    "buildctl",
    "gcloud",
    "img",
    "goreleaser",
    "skaffold",
];

pub(super) fn container(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let (fetched, shipping) = (fetched_to_ship(repository), shipping(repository));
    for (index, pipeline) in repository.facts.pipelines.iter().enumerate() {
        // Elsewhere the service or its settings choose the image.
        let tells = matches!(pipeline.dialect, Dialect::Github | Dialect::Azure | Dialect::Jenkins);
        if !tells || repository.is_sample(pipeline.place) || !shipping.contains(&index) {
            continue;
        }
        let mut bare: Vec<(&Job, Span)> = Vec::new();
        for job in &pipeline.jobs {
            let foreign = job
                .runner
                .iter()
                .any(|r| ["mac", "windows", "ios"].iter().any(|w| r.value.to_ascii_lowercase().contains(w)));
            let hands_on = job.effects().any(ships_out) || fetched.contains(&job.place);
            // An image is made in its own stages; a chart is packed, not compiled.
            let of = |e: &&Effect, kind: ArtifactKind| e.artifact.as_ref().is_some_and(|a| a.kind == kind);
            let builds = || job.effects().filter(|e| e.effect == EffectKind::Build);
            let built = builds().find(|e| !of(e, ArtifactKind::Chart));
            let Some(built) = built.filter(|_| hands_on && !foreign) else { continue };
            let contained = !job.images.is_empty()
                || builds().any(|e| {
                    let tool = e.tool.to_ascii_lowercase();
                    let packs = ["docker", "buildpack", "build-push", "kaniko", "buildah", "compose"]
                        .iter()
                        .any(|w| tool.contains(w));
                    of(&e, ArtifactKind::Image) || packs || CONTAINED.contains(&tool.as_str())
                })
                || job.commands().any(|c| {
                    let wrapped = c.wrappers.iter().any(|w| w.contains("nix") || w.contains("docker"));
                    wrapped || c.line.starts_with("docker run")
                });
            if contained {
                verdict.satisfied(job.place);
            } else {
                bare.push((job, built.place));
            }
        }
        let Some(((job, place), others)) = bare.split_first().map(|(f, o)| (*f, o)) else { continue };
        let message =
            format!("Job `{}` builds on the runner itself, not in a container that a file defines", job.name);
        let finding = verdict.fail(place, format!("job {}", job.id), message);
        finding.label("built with whatever the runner has");
        for (other, place) in others.iter().take(5) {
            finding.relate(*place, format!("job `{}` too", other.name));
        }
    }
}

/// Whether it reaches others, and not only a later job.
fn ships_out(effect: &Effect) -> bool {
    match effect.effect {
        EffectKind::Deploy => true,
        EffectKind::Publish => effect.detail.as_deref() != Some("artifact"),
        _ => false,
    }
}

/// Jobs whose stored files a run fetches that ships. What nobody ships is a report of tests.
fn fetched_to_ship(repository: &Repository) -> BTreeSet<Span> {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let givers = flow.givers(pipelines, |n| flow.run(n).effects.iter().any(ships_out));
    givers.into_iter().map(|giver| flow.job(giver, pipelines).place).collect()
}

/// Folders that hold what was installed or built, rather than what was downloaded.
const RESULTS: &[&str] = &[
    "node_modules",
    "vendor",
    "bundle",
    ".venv",
    "venv",
    "site-packages",
    "dist",
    "build",
    "target",
    "out",
    ".next",
];

pub(super) fn cache(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for (pipeline, job, step) in repository.steps() {
        let Some(block) = step.uses.as_ref().filter(|u| {
            let name = u.name.to_ascii_lowercase();
            matches!(name.as_str(), "cache" | "actions/cache/restore" | "save_cache")
                || name.ends_with("/cache")
        }) else {
            continue;
        };
        let path = block.input("path").or(block.input("paths"));
        let (Some(path), Some(key)) = (path, block.input("key")) else { continue };
        verdict.examined(step.place);
        let text = path.value.text();
        let held = text.split(['\n', ' ', ',']).find_map(|p| {
            let last = p.trim().trim_end_matches(['/', '*']).rsplit('/').next()?;
            RESULTS.contains(&last).then(|| last.to_owned())
        });
        let Some(held) = held.filter(|_| !follows_content(&key.value, pipeline.dialect)) else { continue };
        let at = job.steps.iter().position(|s| std::ptr::eq(s, step)).unwrap_or(0);
        // What CircleCI saves at the end, a step at the beginning brings back.
        let from = if block.name == "save_cache" { 0 } else { at + 1 };
        let Some(skipped) = skipped_on_hit(&job.steps[from..], step, block, &held) else { continue };
        let message = format!(
            "A cached `{held}` stays in use in job `{}` when what it was made from changes",
            job.name
        );
        let finding = verdict.fail(key.span, format!("job {} cache {held}", job.id), message);
        finding.label("does not follow the content").relate(skipped, "left out when the cache has something");
    }
}

/// The key changes with a file's content, or with every commit; or cannot be told.
fn follows_content(key: &Value<String>, dialect: Dialect) -> bool {
    let text = key.text();
    let hashed = [
        "hashFiles",
        "checksum",
        "Revision",
        "sha",
        "run_id",
        "steps.",
        "needs.",
        "outputs",
        "env.",
        "inputs.",
        "hash",
        "matrix.",
    ];
    // Azure hashes what is named like a file.
    let file = dialect == Dialect::Azure
        && text.split('|').any(|part| part.trim().contains('.') && !part.contains('$'));
    hashed.iter().any(|w| text.contains(w)) || file
}

/// The step or command that installs or builds only where the cache had nothing: it asks the block, or looks
/// whether the folder is there.
fn skipped_on_hit(steps: &[Step], caches: &Step, block: &Use, held: &str) -> Option<Span> {
    let makes = |e: &Effect| matches!(e.effect, EffectKind::Install | EffectKind::Build);
    let id = caches.id.as_deref().unwrap_or("");
    let hit = block.input("cacheHitVar").map(|v| v.value.text());
    let on_miss = |s: &Step| {
        s.condition.as_ref().is_some_and(|c| match &hit {
            Some(variable) => c.text.contains(variable.as_str()),
            None => c.text.contains("cache-hit") && (id.is_empty() || c.text.contains(id)),
        })
    };
    let looks = |c: &&Command| {
        let tests =
            |text: &String| text.contains(held) && ["-d ", "-e ", "-f "].iter().any(|t| text.contains(t));
        c.effects.iter().any(makes) && c.conditions.iter().any(tests)
    };
    steps.iter().find_map(|s| {
        let whole = (s.all_effects().any(makes) && on_miss(s)).then_some(s.place);
        whole.or_else(|| s.commands.iter().find(looks).map(|c| c.place))
    })
}

/// Words of a command that make what it builds one for development.
fn for_development(command: &Command) -> Option<Span> {
    const MODES: &[&str] = &["--mode", "--configuration", "-c", "--env", "--environment", "--prod"];
    let builds = command.effects.iter().any(|e| e.effect == EffectKind::Build && e.origin.is_none());
    let bundler = matches!(
        command.program.as_str(),
        "ng" | "vite"
            | "webpack"
            | "ionic"
            | "npm"
            | "yarn"
            | "pnpm"
            | "vue-cli-service"
            | "next"
            | "nuxt"
            | "rollup"
            | "nx"
    );
    if !builds || !bundler {
        return None;
    }
    let is_development = |v: &str| matches!(v, "development" | "dev" | "debug");
    let assigned = command
        .assignments
        .iter()
        .find(|a| a.name == "NODE_ENV" && is_development(&a.word.text))
        .map(|a| a.word.place);
    let flag = || {
        let words = &command.args;
        (0..words.len()).find_map(|i| {
            let (name, value) =
                words[i].text.split_once('=').map_or((words[i].text.as_str(), None), |(n, v)| (n, Some(v)));
            if !MODES.contains(&name) {
                return None;
            }
            match value {
                Some(value) => is_development(value).then_some(words[i].place),
                None => words.get(i + 1).filter(|w| is_development(&w.text)).map(|w| w.place),
            }
        })
    };
    assigned.or_else(flag)
}

pub(super) fn build_steps(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut seen = BTreeSet::new();
    let releases = |n: crate::facts::Node| {
        let run = flow.run(n);
        run.effects.iter().any(|e| {
            let target = e.target.as_ref().or(run.target.as_ref());
            let stage = target.and_then(|t| t.stage.known());
            e.effect == EffectKind::Deploy && matches!(stage, Some(Stage::Staging | Stage::Production))
        })
    };
    let released = flow.nearest_after(releases);
    for node in flow.nodes().filter(|&n| releases(n) || released.any(n)) {
        let run = flow.run(node);
        if !seen.insert((run.pipeline, run.job)) {
            continue;
        }
        let job = flow.job(node, pipelines);
        for command in job.commands() {
            if let Some(place) = for_development(command) {
                let message = format!(
                    "`{}` in job `{}` builds for development what is deployed",
                    shorten(&command.line, 40),
                    job.name
                );
                verdict.fail(place, format!("job {} mode", job.id), message).label("not the production mode");
            }
        }
    }
    unbuilt(repository, verdict);
    uninstalled(repository, verdict);
}

/// A front end that says how it is built, and that nothing builds.
fn unbuilt(repository: &Repository, verdict: &mut Verdict) {
    let mut builds = repository.facts.scripts.iter().filter(|s| {
        s.script == ScriptKind::Npm
            && s.name.ends_with("package.json:build")
            && s.commands.iter().any(|c| c.effects.iter().any(|e| e.effect == EffectKind::Build))
            && !repository.is_sample(s.place)
    });
    let shipped = pipelines_ship(repository);
    let Some(first) = builds.next().filter(|_| shipped) else { return };
    let all: Vec<_> = std::iter::once(first).chain(builds).collect();
    let run = |s: &&crate::facts::Script| {
        s.callers.iter().any(|c| matches!(c, Caller::Pipeline | Caller::Container | Caller::Hook))
    };
    if let Some(script) = all.iter().copied().find(|s| run(s)) {
        return verdict.satisfied(script.place);
    }
    let built =
        repository.flow.runs().iter().flat_map(|r| &r.effects).find(|e| e.effect == EffectKind::Build);
    if let Some(built) = built {
        return verdict.examined(built.place);
    }
    let message = format!("No pipeline and no image runs `{}`, which builds what users load", first.name);
    if let Some(finding) = absent(repository, verdict, "assets", message) {
        finding.relate(first.place, "says how it is built");
    }
}

fn pipelines_ship(repository: &Repository) -> bool {
    let pipelines = &repository.facts.pipelines;
    let starts = |i: usize| pipelines[i].triggers.iter().any(|t| t.trigger != TriggerKind::Schedule);
    shipping(repository).into_iter().any(starts)
}

/// Programs with dependencies that neither a pipeline nor an image installs.
fn uninstalled(repository: &Repository, verdict: &mut Verdict) {
    const SEPARATE: &[&str] = &["npm", "python", "ruby", "php"];
    let Some((ecosystem, place)) = programs(repository).find(|(e, _)| SEPARATE.contains(e)) else { return };
    let installs = repository
        .commands()
        .find_map(|(_, c)| c.effects.iter().find(|e| e.effect == EffectKind::Install).map(|e| e.place));
    let block = || {
        let mut steps = repository.steps();
        steps.find_map(|(_, _, s)| {
            let used = s.uses.as_ref()?;
            let name = used.name.to_ascii_lowercase();
            let own =
                ["setup", "install", "composer", "bundler", "node", "pip", "uv", "poetry", "build", "docker"];
            (used.local || own.iter().any(|w| name.contains(w))).then_some(used.place)
        })
    };
    if let Some(found) = installs.or_else(block) {
        return verdict.satisfied(found);
    }
    let language = match ecosystem {
        "npm" => "JavaScript",
        "python" => "Python",
        "ruby" => "Ruby",
        _ => "PHP",
    };
    let message = format!("No pipeline installs the {language} dependencies");
    if let Some(finding) = absent(repository, verdict, "install", message) {
        finding.relate(place, "names dependencies");
    }
}
