//! Whether something here can bring each production deploy back to the release before.

use super::rollback_not_automated::undoes_itself;
use super::rollbacks::{Family, family, is_upkeep};
use super::rollouts::own;
use crate::facts::{
    ArtifactKind, Command, Dialect, Effect, EffectKind, Job, Owner, Part, Pipeline, Repository, Run, Stage,
    Target, TriggerKind,
};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Names of inputs by which a deploy takes an earlier version.
const VERSIONS: &[&str] =
    &["version", "tag", "ref", "sha", "commit", "release", "digest", "image", "revision", "build"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let means = means(repository);
    let deploys = |c: &Command| c.effects.iter().any(|e| e.effect == EffectKind::Deploy);
    let mut scripted: Vec<&Command> =
        repository.commands().map(|(_, command)| command).filter(|c| deploys(c)).collect();
    scripted.sort_by_key(|command| command.place);
    let mut missing: BTreeMap<usize, Vec<(&Job, bool)>> = BTreeMap::new();
    for node in flow.with_effect(EffectKind::Deploy, Some(Stage::Production)) {
        let run = flow.run(node);
        let job = flow.job(node, pipelines);
        if is_upkeep(&job.name) {
            continue;
        }
        let root = &pipelines[run.root];
        // What is kept in line with a repository goes back by a revert.
        let reaches = root.dialect.reconciles()
            || undoes_itself(job)
            || takes_version(root)
            || is_promotion(run)
            || means.reach(run)
            || run
                .effects
                .iter()
                .any(|e| e.effect == EffectKind::Deploy && keeps_history(repository, &scripted, job, e));
        if reaches {
            verdict.satisfied(job.place);
        } else {
            missing.entry(run.root).or_default().push((job, !means.all.is_empty()));
        }
    }
    // A pipeline that several others call is told once.
    let mut told = BTreeSet::new();
    for (root, jobs) in missing {
        let pipeline = &pipelines[root];
        let (job, others_go_back) = jobs[0];
        if !told.insert(job.place) {
            continue;
        }
        let subject = format!("pipeline {}", repository.path(pipeline.place));
        let message = if others_go_back {
            format!("Job `{}` deploys to production, and no way back here reaches it", job.name)
        } else {
            format!("Job `{}` deploys to production, and nothing here takes a release back", job.name)
        };
        let finding = verdict.open(job.place, subject, message);
        finding.label("deploys to production");
        if let Some(way) = means.all.first() {
            finding.relate(way.place, "goes back, but for something else");
        }
        let mut others: Vec<_> = jobs[1..].iter().map(|(j, _)| j.place).filter(|p| *p != job.place).collect();
        others.dedup();
        for other in others.into_iter().take(5) {
            finding.relate(other, "deploys to production too");
        }
    }
}

/// A job, a script, a building block or a command of a runbook that goes back.
struct Way<'r> {
    family: Family,
    target: Option<&'r Target>,
    place: Span,
}

/// All that goes back without the deploy's own doing.
struct Means<'r> {
    all: Vec<Way<'r>>,
    /// Whether files of a tool that reconciles with git lie here, where a revert is the way back.
    git: bool,
}

fn means(repository: &Repository) -> Means<'_> {
    let mut all: Vec<Way<'_>> = Vec::new();
    let own = |place| !repository.is_sample(place);
    for (_, job, step) in repository.steps() {
        let target = job.target.as_ref();
        for effect in step.effects.iter().filter(|e| e.effect == EffectKind::RollBack && own(e.place)) {
            all.push(Way {
                family: family(&effect.tool),
                target: effect.target.as_ref().or(target),
                place: effect.place,
            });
        }
    }
    for (owner, command) in repository.commands() {
        let target = match owner {
            Owner::Step { job, .. } => job.target.as_ref(),
            Owner::Script(script) => script.target.as_ref(),
        };
        for effect in command.effects.iter().filter(|e| e.effect == EffectKind::RollBack && own(e.place)) {
            all.push(Way {
                family: family(&effect.tool),
                target: effect.target.as_ref().or(target),
                place: effect.place,
            });
        }
    }
    for run in repository.flow.runs() {
        for effect in run.effects.iter().filter(|e| e.effect == EffectKind::RollBack && e.origin.is_some()) {
            all.push(Way {
                family: family(&effect.tool),
                target: effect.target.as_ref().or(run.target.as_ref()),
                place: effect.place,
            });
        }
    }
    // What takes a version brings any back, whichever pipeline brought it out.
    let flow = &repository.flow;
    for node in flow.with_effect(EffectKind::Deploy, Some(Stage::Production)) {
        let run = flow.run(node);
        if takes_version(&repository.facts.pipelines[run.root]) {
            let deploys = run.effects.iter().filter(|e| e.effect == EffectKind::Deploy);
            let place = flow.job(node, &repository.facts.pipelines).place;
            all.extend(deploys.map(|e| Way { family: family(&e.tool), target: None, place }));
        }
    }
    all.retain(|way| way.target.is_none_or(|t| !t.stage.is_certain() || t.may_be(Stage::Production)));
    all.sort_by_key(|way| way.place);
    all.dedup_by_key(|way| way.place);
    let folder =
        |part: &str| matches!(part, "argocd" | "argo-cd" | "argo" | "flux-system" | "flux" | "fluxcd");
    let git = repository.files.iter().any(|f| f.path.split('/').any(folder));
    Means { all, git }
}

impl Means<'_> {
    /// Whether one of them is for what the run deploys. A script whose tool is not known may be for anything.
    fn reach(&self, run: &Run) -> bool {
        let deploys = run.effects.iter().filter(|e| e.effect == EffectKind::Deploy);
        let families: Vec<Family> = deploys.map(|e| family(&e.tool)).collect();
        let fits = |way: &Way<'_>| {
            way.family == Family::Other || families.iter().any(|f| *f == way.family || *f == Family::Other)
        };
        self.all.iter().any(fits)
            || self.git && families.iter().any(|f| matches!(f, Family::Kubernetes | Family::Other))
    }
}

/// Whether the platform keeps the releases before, and one command of it goes back to them.
fn keeps_history(repository: &Repository, scripted: &[&Command], job: &Job, deploy: &Effect) -> bool {
    let plain = |text: &str| format!(" {} ", text.replace(['/', '-', '_', '.'], " "));
    let mut lines: Vec<String> = job.commands().map(|c: &Command| plain(&c.line)).collect();
    lines.extend(job.steps.iter().filter_map(|s| s.uses.as_ref()).map(|u| plain(&u.name)));
    // What a script does that the job calls.
    let called = deploy.origin.and_then(|origin| {
        let after =
            scripted.partition_point(|c| (c.place.file, c.place.start) <= (origin.file, origin.start));
        scripted[..after].last().filter(|c| c.place.contains(origin))
    });
    lines.extend(called.map(|command| plain(&command.line)));
    let line = |words: &[&str]| lines.iter().any(|l| words.iter().any(|w| l.contains(w)));
    match family(&deploy.tool) {
        // <https://helm.sh/docs/helm/helm_history/>, <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment>
        // What is called by the same name before and after is the same in every revision.
        Family::Kubernetes => !is_floating(deploy) && !forgets(repository),
        // <https://devcenter.heroku.com/articles/releases#rollback>, <https://fly.io/docs/flyctl/releases/>
        Family::Heroku | Family::Fly | Family::Platform => true,
        // Revisions of Cloud Run, versions of App Engine, releases of Cloud Deploy.
        Family::Google => !line(&["functions deploy", "storage ", "compute ", "firestore"]),
        // Task definitions, published versions of functions, application versions, deployments, stacks.
        Family::Aws => line(&[
            " ecs ",
            " elasticbeanstalk ",
            " beanstalk ",
            " eb deploy ",
            " create deployment ",
            " codedeploy ",
            " apprunner ",
            " publish version ",
            " update alias ",
            "  publish ",
            " cloudformation ",
            " copilot ",
            " sam deploy ",
            " cdk deploy ",
            " amplify ",
        ]),
        // <https://learn.microsoft.com/azure/container-apps/revisions>, <https://learn.microsoft.com/azure/app-service/deploy-staging-slots>
        Family::Azure => line(&["slot", "containerapp"]),
        // A push to a platform's own remote.
        Family::Other => deploy.tool == "git" && line(&["heroku", "dokku", "git push"]),
        Family::Docker => false,
    }
}

/// Whether it deploys whatever goes by a name that moves.
fn is_floating(deploy: &Effect) -> bool {
    deploy.artifact.as_ref().is_some_and(|a| {
        let literal = match a.version.as_slice() {
            [Part::Literal(tag)] => Some(tag.as_str()),
            _ => None,
        };
        a.kind == ArtifactKind::Image
            && a.digest.is_none()
            && literal.is_some_and(|tag| {
                matches!(tag, "latest" | "main" | "master" | "stable" | "prod" | "production")
            })
    })
}

/// Whether some workload here keeps no revision.
fn forgets(repository: &Repository) -> bool {
    own(repository)
        .filter_map(|r| r.entry("spec.revisionHistoryLimit"))
        .any(|e| e.setting.known().is_some_and(|v| v == "0"))
}

/// A person may start it and say which version.
fn takes_version(pipeline: &Pipeline) -> bool {
    let named = |name: &str| name.to_ascii_lowercase().split(['-', '_']).any(|word| VERSIONS.contains(&word));
    // Whoever starts a workflow of GitHub chooses a branch or a tag, and an older tag is an older release.
    let tags = pipeline.dialect == Dialect::Github
        && pipeline.triggers.iter().any(|t| t.trigger == TriggerKind::Manual)
        && pipeline.triggers.iter().any(|t| matches!(t.trigger, TriggerKind::Tag | TriggerKind::Release));
    tags || pipeline
        .triggers
        .iter()
        .filter(|t| t.trigger == TriggerKind::Manual)
        .flat_map(|t| &t.inputs)
        .any(|input| named(&input.name))
}

/// What only gives a stored release another name can do so with the one before.
fn is_promotion(run: &Run) -> bool {
    run.effects.iter().any(|e| e.effect == EffectKind::Promote)
        && !run.effects.iter().any(|e| e.effect == EffectKind::Build)
}
