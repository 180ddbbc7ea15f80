//! Commands that create a release of Cloud Deploy start its delivery pipeline: they are calls of it.
//! <https://cloud.google.com/sdk/gcloud/reference/deploy/releases/create>

use super::scope::Scope;
use crate::facts::{
    Argument, Command, Dialect, EffectKind, File, GateKind, Job, Pipeline, Step, Use, UseKind, Value,
};
use crate::text::{Span, Spanned};

/// The name under which a flow finds a delivery pipeline: several may stand in one file.
pub(super) fn key(path: &str, name: &str) -> String {
    format!("{path}#{name}")
}

/// A release that a step creates or promotes.
struct Release {
    place: Span,
    pipeline: Vec<String>,
    images: Option<Spanned<String>>,
    /// The target that it is promoted to.
    target: Vec<String>,
}

/// Turns steps that create releases into calls of the delivery pipelines that are here. What they bring to an
/// environment, the stages of the pipeline tell.
pub(super) fn join(pipelines: &mut [Pipeline], files: &[File]) {
    let path = |p: &Pipeline| files.get(p.place.file.0 as usize).map_or("", |f| f.path.as_str());
    let known: Vec<(String, String)> = pipelines
        .iter()
        .filter(|p| p.dialect == Dialect::CloudDeploy)
        .map(|p| (p.name.clone(), path(p).to_owned()))
        .collect();
    if known.is_empty() {
        return;
    }
    for pipeline in pipelines.iter_mut().filter(|p| p.dialect != Dialect::CloudDeploy) {
        let here = path(pipeline).to_owned();
        for number in 0..pipeline.jobs.len() {
            let job = &pipeline.jobs[number];
            let found = job.steps.iter().find_map(|step| read(pipeline, job, step, "create"));
            let Some(release) = found.filter(|_| job.calls.is_none()) else { continue };
            let Some((name, at)) = chosen(&known, &release.pipeline, &here) else { continue };
            let call = call(key(at, name), &release);
            let job = &mut pipeline.jobs[number];
            for step in &mut job.steps {
                let of_commands = step.commands.iter_mut().map(|c| &mut c.effects);
                for effects in std::iter::once(&mut step.effects).chain(of_commands) {
                    effects.retain(|e| e.effect != EffectKind::Deploy || e.place != release.place);
                }
            }
            job.calls = Some(call);
        }
    }
    promote(pipelines, &known, files);
}

/// A job that promotes a release to a target does what that stage says: its checks and its approval are the
/// job's, and the stage does not happen apart from it.
fn promote(pipelines: &mut [Pipeline], known: &[(String, String)], files: &[File]) {
    let path = |p: &Pipeline| files.get(p.place.file.0 as usize).map_or("", |f| f.path.as_str());
    let mut moves: Vec<(usize, usize, usize, String)> = Vec::new();
    for (index, pipeline) in pipelines.iter().enumerate().filter(|(_, p)| p.dialect != Dialect::CloudDeploy) {
        for (number, job) in pipeline.jobs.iter().enumerate() {
            let found = job.steps.iter().filter_map(|step| read(pipeline, job, step, "promote"));
            for release in found {
                let Some((name, at)) = chosen(known, &release.pipeline, path(pipeline)) else { continue };
                let delivery = pipelines
                    .iter()
                    .position(|p| p.dialect == Dialect::CloudDeploy && p.name == name && path(p) == at);
                let target = release.target.into_iter().next();
                moves.extend(delivery.zip(target).map(|(d, target)| (index, number, d, target)));
            }
        }
    }
    for (index, number, delivery, target) in &moves {
        let stage = pipelines[*delivery].jobs.iter().filter(|j| j.stage.as_deref() == Some(target));
        let (mut steps, mut gates) = (Vec::new(), Vec::new());
        for job in stage.filter(|j| j.condition.as_ref().is_none_or(|c| !c.on_failure)) {
            gates.extend(job.gates.iter().filter(|g| g.gate == GateKind::Blocking).cloned());
            steps.extend(
                job.steps
                    .iter()
                    .filter(|s| s.effects.iter().all(|e| e.effect != EffectKind::Deploy))
                    .cloned(),
            );
        }
        let job = &mut pipelines[*index].jobs[*number];
        job.steps.extend(steps);
        job.gates.extend(gates);
    }
    for (_, _, delivery, target) in &moves {
        for job in pipelines[*delivery].jobs.iter_mut().filter(|j| j.stage.as_deref() == Some(target)) {
            job.steps.clear();
            job.gates.clear();
        }
    }
}

/// The delivery pipeline of this name, the one nearest to the caller if several have it; the only one there is
/// if the run decides the name.
fn chosen<'k>(known: &'k [(String, String)], names: &[String], here: &str) -> Option<(&'k str, &'k str)> {
    let written = names.iter().any(|n| !n.contains(['$', '{']));
    let fits = |name: &str| names.iter().any(|n| n == name || n.rsplit('/').next() == Some(name));
    let mut all = known.iter().filter(|(name, _)| !written || fits(name));
    let shared = |path: &str| path.bytes().zip(here.bytes()).take_while(|(a, b)| a == b).count();
    let found = match written {
        true => all.max_by_key(|(_, path)| shared(path)),
        false => all.next().filter(|_| known.len() == 1),
    };
    found.map(|(name, path)| (name.as_str(), path.as_str()))
}

fn read(pipeline: &Pipeline, job: &Job, step: &Step, verb: &str) -> Option<Release> {
    let action = |u: &&Use| verb == "create" && u.name.ends_with("/create-cloud-deploy-release");
    if let Some(used) = step.uses.as_ref().filter(action) {
        let scope = Scope::of(pipeline, job, Some(step));
        let named = used.input("delivery_pipeline").map(|v| scope.value(&v.value)).unwrap_or_default();
        let images = used.input("images").and_then(|v| one(v.value.text(), v.span));
        return Some(Release { place: used.place, pipeline: named, images, target: Vec::new() });
    }
    let command = step.commands.iter().find(|c| is_about_releases(c, verb))?;
    let scope = Scope::of(pipeline, job, Some(step));
    let flag = |name: &str| {
        command.args.iter().enumerate().find_map(|(at, word)| {
            let joined = format!("{name}=");
            if word.text == name {
                let next = command.args.get(at + 1)?;
                return Some((scope.word(next), next.place));
            }
            word.text.starts_with(&joined).then(|| {
                let cut = |v: String| v.strip_prefix(&joined).map_or(v.clone(), str::to_owned);
                (scope.word(word).into_iter().map(cut).collect::<Vec<_>>(), word.place)
            })
        })
    };
    let images = flag("--images").and_then(|(values, place)| match values.as_slice() {
        [one_value] => one(one_value.clone(), place),
        _ => None,
    });
    let named = flag("--delivery-pipeline").map(|(values, _)| values).unwrap_or_default();
    let target = flag("--to-target").map(|(values, _)| values).unwrap_or_default();
    Some(Release { place: command.place, pipeline: named, images, target })
}

/// `gcloud deploy releases` with this verb.
fn is_about_releases(command: &Command, verb: &str) -> bool {
    let mut words = command.args.iter().map(|w| w.text.as_str()).filter(|w| !w.starts_with('-')).peekable();
    words.next_if(|w| matches!(*w, "alpha" | "beta"));
    command.program == "gcloud" && words.take(3).eq(["deploy", "releases", verb])
}

/// The reference in `name=reference`, if there is one only.
fn one(images: String, place: Span) -> Option<Spanned<String>> {
    let mut all = images.split([',', '\n']).map(str::trim).filter(|i| !i.is_empty());
    let (first, None) = (all.next()?, all.next()) else { return None };
    Some(Spanned::new(first.split_once('=').map_or(first, |(_, r)| r).to_owned(), place))
}

fn call(name: String, release: &Release) -> Use {
    let images = release.images.as_ref().map(|images| Argument {
        name: Spanned::new("images".into(), images.span),
        value: Spanned::new(Value::Expr(images.value.clone()), images.span),
    });
    Use {
        place: release.place,
        sort: UseKind::Workflow,
        name,
        version: None,
        local: true,
        inputs: images.into_iter().collect(),
        unresolved: None,
    }
}
