//! What runs around a sync of Argo CD: jobs with hook annotations, and Argo Rollouts as the way a deploy goes.
//! <https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/>
//! <https://argo-rollouts.readthedocs.io/en/stable/features/specification/>

use super::{Deploy, block, folder, is_false, job, lies_in, need, on_failure, step};
use crate::facts::*;
use crate::readers::kubernetes::Object;
use crate::readers::{commands, containers, placeholders};
use crate::syntax::tree::{Kind, Node};

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Before,
    After,
    Failed,
}

/// The phases of an object, which its annotation lists.
pub(super) fn phases(object: &Object<'_>) -> Vec<Phase> {
    let listed = |name: &str| object.annotation(name).and_then(|n| n.as_str()).unwrap_or("").split(',');
    // Argo CD maps Helm's hooks onto its own.
    let all = listed("argocd.argoproj.io/hook").chain(listed("helm.sh/hook"));
    all.filter_map(|phase| match phase.trim() {
        "PreSync" | "pre-install" | "pre-upgrade" => Some(Phase::Before),
        "PostSync" | "post-install" | "post-upgrade" => Some(Phase::After),
        "SyncFail" => Some(Phase::Failed),
        _ => None,
    })
    .fold(Vec::new(), |mut all, phase| {
        if !all.contains(&phase) {
            all.push(phase);
        }
        all
    })
}

/// Whether an object lies in what a deploy brings out: in its folder, in its chart's templates, or in the base that
/// stands beside its overlays.
pub(super) fn belongs(object: &Object<'_>, deploy: &Deploy) -> bool {
    let Some(folder) = deploy.folder.as_deref().filter(|f| !f.is_empty()) else { return false };
    let base = folder
        .split_once("/overlays/")
        .or(folder.split_once("/envs/"))
        .map(|(root, _)| format!("{root}/base"));
    lies_in(object.path, folder) || base.is_some_and(|base| lies_in(object.path, &base))
}

/// A hook as a job in the deploy's environment.
pub(super) fn hook_job(object: &Object<'_>, phase: Phase, deploy: &Job) -> Job {
    let id = format!("{}/{}", deploy.id, object.name());
    let mut hook = Job::new(object.place(), object.node.span(), id.clone(), id);
    hook.target = deploy.target.clone();
    let pod =
        [&["spec", "template", "spec"][..], &["spec"], &["spec", "jobTemplate", "spec", "template", "spec"]];
    let pod = pod.iter().filter_map(|path| object.node.at(path)).find(|p| p.get("containers").is_some());
    let listed =
        ["initContainers", "containers"].iter().filter_map(|key| pod?.get(key)).flat_map(|c| c.items());
    for container in listed.filter(|c| c.kind() == Kind::Mapping) {
        let name = container.get("name").and_then(|n| n.as_str()).unwrap_or("");
        let known = |text: &str| vec![text.to_owned()];
        let reading = containers::Reading { known: &known, find: placeholders::none };
        let image = container.get("image").and_then(|n| Some(commands::image_use(n.as_str()?, n.span())));
        hook.images.extend(image.clone());
        hook.steps.push(Step {
            named: !name.is_empty(),
            uses: image,
            commands: containers::commands(container, reading),
            settings: containers::settings(container, reading),
            secrets: containers::secrets(container),
            ..Step::new(container.span(), name.to_owned())
        });
    }
    if phase == Phase::Failed {
        let place = object.annotation("argocd.argoproj.io/hook").map_or(object.place(), |n| n.span());
        hook.condition = Some(on_failure(place, "SyncFail"));
    }
    hook
}

/// What a Rollout adds to the deploy that brings it: a person who promotes it, an analysis that looks at it, and the
/// way back that a failed analysis takes. The jobs are those that stand behind the deploy.
pub(super) fn roll_out(object: &Object<'_>, deploy: &mut Job) -> Vec<Job> {
    let canary = object.spec(&["strategy", "canary"]);
    let colours = object.spec(&["strategy", "blueGreen"]);
    let steps = canary.and_then(|c| c.get("steps")).into_iter().flat_map(|s| s.items());
    let mut analysed: Option<Node<'_>> = canary.and_then(|c| c.get("analysis"));
    for entry in steps {
        analysed = analysed.or(entry.get("analysis"));
        // Without a duration it waits until somebody promotes it.
        let Some(pause) = entry.key("pause") else { continue };
        if entry.at(&["pause", "duration"]).is_none() {
            let place = pause.span().join(entry.get("pause").map_or(pause.span(), |p| p.span()));
            deploy.gates.push(Gate { place, gate: GateKind::Blocking, what: "pause".to_owned() });
        }
    }
    if let Some(colours) = colours {
        analysed = analysed.or(colours.get("prePromotionAnalysis")).or(colours.get("postPromotionAnalysis"));
        if let Some(node) = colours.get("autoPromotionEnabled").filter(|n| is_false(Some(*n))) {
            let what = "autoPromotionEnabled: false".to_owned();
            deploy.gates.push(Gate { place: node.span(), gate: GateKind::Blocking, what });
        }
    }
    let Some(analysed) = analysed else { return Vec::new() };
    let place = analysed.span();
    deploy.steps.push(step("analysis", block("argo-rollouts/analysis", place, Vec::new())));
    let id = format!("{}/{} abort", deploy.id, object.name());
    let mut abort = job(id, place, place, block("argo-rollouts/abort", place, Vec::new()));
    abort.target = deploy.target.clone();
    abort.condition = Some(on_failure(place, "analysis"));
    vec![abort]
}

/// Puts a deploy and what runs around it into a pipeline. Returns where it begins and where it ends.
pub(super) fn place(deploy: Deploy, objects: &[Object<'_>], jobs: &mut Vec<Job>) -> (Vec<usize>, Vec<usize>) {
    let own: Vec<&Object<'_>> = objects.iter().filter(|o| belongs(o, &deploy)).collect();
    let mut job = deploy.job;
    let held = job.gates.clone();
    let rollouts = own.iter().filter(|o| o.kind == "Rollout" && o.group == "argoproj.io");
    let mut behind: Vec<Job> = rollouts.flat_map(|o| roll_out(o, &mut job)).collect();
    let hooks: Vec<(Phase, Job)> = own
        .iter()
        .flat_map(|o| phases(o).into_iter().map(|phase| (phase, hook_job(o, phase, &job))))
        .take(50)
        .collect();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let (before, after): (Vec<_>, Vec<_>) = hooks.into_iter().partition(|(phase, _)| *phase == Phase::Before);
    for (_, mut hook) in before {
        hook.gates = held.clone();
        job.needs.push(Need { name: hook.id.clone(), ..need(jobs.len(), jobs, hook.place, false) });
        starts.push(jobs.len());
        jobs.push(hook);
    }
    let main = jobs.len();
    let place = job.place;
    jobs.push(job);
    if starts.is_empty() {
        starts.push(main);
    }
    let (checks, rescue): (Vec<_>, Vec<_>) = after.into_iter().partition(|(phase, _)| *phase == Phase::After);
    for (_, mut hook) in checks {
        hook.needs.push(need(main, jobs, place, false));
        ends.push(jobs.len());
        jobs.push(hook);
    }
    behind.extend(rescue.into_iter().map(|(_, hook)| hook));
    if ends.is_empty() {
        ends.push(main);
    }
    for mut last in behind {
        last.needs = ends.iter().map(|&end| need(end, jobs, place, false)).collect();
        jobs.push(last);
    }
    (starts, ends)
}

/// The folder that a source names in this repository.
pub(super) fn source_folder(path: Option<&str>) -> Option<String> {
    folder(path?)
}
