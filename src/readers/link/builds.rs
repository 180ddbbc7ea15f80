//! What the CodeBuild actions of a CodePipeline run: a buildspec of the repository.

use crate::facts::{Dialect, EffectKind, File, Pipeline, Role, Trigger, TriggerKind, Use, UseKind};
use std::collections::BTreeSet;

/// Follows the actions into buildspecs. One that a pipeline here runs does not start by itself.
pub(super) fn join(pipelines: &mut [Pipeline], files: &[File]) {
    let path = |p: &Pipeline| files.get(p.place.file.0 as usize).map_or("", |f| f.path.as_str());
    let specs: BTreeSet<String> = pipelines
        .iter()
        .filter(|p| p.dialect == Dialect::CodeBuild)
        .flat_map(|p| [p.name.clone(), path(p).to_owned()])
        .collect();
    let mut called: BTreeSet<String> = BTreeSet::new();
    for pipeline in pipelines.iter_mut().filter(|p| p.dialect == Dialect::CodePipeline) {
        let is_build = |u: &Use| u.name == "CodePipeline/CodeBuild";
        let builds = pipeline.jobs.iter().flat_map(|j| &j.steps).filter_map(|s| s.uses.as_ref());
        // A project that is not written here takes the file of the usual name, if it is the only one.
        let alone = builds.filter(|u| is_build(u)).count() == 1 && specs.len() == 1;
        let usual = specs.first().filter(|s| alone && s.as_str() == "buildspec.yml");
        for job in &mut pipeline.jobs {
            let Some(step) = job.steps.iter_mut().find(|s| s.uses.as_ref().is_some_and(is_build)) else {
                continue;
            };
            let Some(used) = &mut step.uses else { continue };
            if let (None, Some(usual)) = (&job.calls, usual) {
                job.calls = Some(Use {
                    name: usual.clone(),
                    sort: UseKind::Workflow,
                    unresolved: None,
                    ..used.clone()
                });
            }
            let Some(call) = &mut job.calls else { continue };
            if !specs.contains(&call.name) {
                call.unresolved = Some("no such buildspec is in the repository".into());
                continue;
            }
            // What it builds and tests, the buildspec tells.
            step.effects.retain(|e| !matches!(e.effect, EffectKind::Build | EffectKind::Test));
            used.unresolved = None;
            called.insert(call.name.clone());
        }
        let used =
            pipeline.jobs.iter().flat_map(|j| j.steps.iter().filter_map(|s| s.uses.as_ref()).chain(&j.calls));
        pipeline.includes = used.filter(|u| u.unresolved.is_some()).cloned().collect();
        pipeline.complete &= pipeline.includes.is_empty();
    }
    for pipeline in pipelines.iter_mut().filter(|p| p.dialect == Dialect::CodeBuild) {
        let own = called.contains(&pipeline.name) || called.contains(path(pipeline));
        if own && pipeline.role == Role::Entry {
            pipeline.role = Role::Callable;
            pipeline.triggers = vec![Trigger::new(TriggerKind::Call, "build", pipeline.place)];
        }
    }
}
