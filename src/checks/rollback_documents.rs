//! What is written about going back: the runbook, the plan of a release, who is told, and whether the schema is
//! looked at first.

use super::gates::words;
use super::migrations::applied;
use super::rollbacks::{Page, first_deploy, is_elsewhere, pages, pages_on, runs_back, scripts_back};
use super::sentences::listed;
use super::times::durations;
use crate::facts::{EffectKind, Node, Repository, Setting};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

const WHO: &[&str] = &[
    "on-call",
    "on call",
    "oncall",
    "owner",
    "decide",
    "decision",
    "approv",
    "authority",
    "authoris",
    "authoriz",
    "responsib",
    "incident commander",
    "release manager",
    "engineer",
    "tech lead",
    "team lead",
    "sentinel",
];
const WHEN: &[&str] = &[
    "when ",
    "if ",
    "trigger",
    "criteria",
    "threshold",
    "alert",
    "error rate",
    "fails",
    "failure",
    "symptom",
    "incident",
];
const VERIFIED: &[&str] = &[
    "verif",
    "confirm",
    "check",
    "health",
    "smoke",
    "monitor",
    "make sure",
    "ensure",
    "validate",
    "dashboard",
];
const TIMES: &[&str] = &["rto", "recovery time", "time limit"];

/// A page on going back, with who decides when, how one knows that it worked, and how long it may take.
pub(super) fn runbook(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(job) = first_deploy(repository) else { return };
    let mut all = pages(repository);
    // The page that says most is the runbook; the others add to it.
    all.sort_by_key(|p| (std::cmp::Reverse(p.text.len()), p.place));
    let Some(page) = all.first() else {
        let message =
            format!("Nothing here tells how to take back what job `{}` deploys to production", job.name);
        let finding = verdict.open(job.place, "runbook", message);
        finding.label("deploys to production").against("the runbook may be kept outside the repository");
        return;
    };
    if !page.read {
        let message =
            format!("`{}` was not read: does it say who takes a release back, when and how", page.path);
        verdict.review(page.place, "runbook", message);
        return;
    }
    let says = |words: &[&str]| all.iter().any(|p| p.says(words));
    let mut missing = Vec::new();
    if !all.iter().any(|p| p.has_commands) && page.text.len() < 120 {
        missing.push("how it is done");
    }
    if !says(WHEN) {
        missing.push("when");
    }
    if !says(WHO) {
        missing.push("who decides");
    }
    if !says(VERIFIED) {
        missing.push("how one knows that it worked");
    }
    if !says(TIMES) && !all.iter().any(|p| !durations(&p.text).is_empty()) {
        missing.push("how long it may take");
    }
    if missing.is_empty() {
        return verdict.satisfied(page.place);
    }
    let message = format!("`{}` speaks of going back, but not of {}", page.path, listed(&missing, "and"));
    let finding = verdict.open(page.place, "runbook", message);
    finding.label("speaks of going back");
    for other in all[1..].iter().take(4) {
        finding.relate(other.place, "so does this");
    }
}

fn speaks_of_a_plan(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace(['-', '_'], " ");
    ["deployment plan", "deploy plan", "cutover plan", "cut over plan", "go live plan", "implementation plan"]
        .iter()
        .any(|w| text.contains(w))
}

fn speaks_of_a_checklist(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace(['-', '_'], " ");
    [
        "deployment checklist",
        "release checklist",
        "deploy checklist",
        "production checklist",
        "go live checklist",
    ]
    .iter()
    .any(|w| text.contains(w))
}

const BACK: &[&str] = &[
    "rollback",
    "roll back",
    "roll-back",
    "rolling back",
    "back out",
    "back-out",
    "backout",
    "revert",
    "undo",
];

/// Plans and records of releases say how each goes back.
pub(super) fn plan(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let migrates = applied(repository).next().is_some();
    let mut told = false;
    for page in pages_on(repository, speaks_of_a_plan).iter().filter(|p| p.read) {
        told = true;
        judge_plan(page, migrates, verdict);
    }
    for page in pages_on(repository, speaks_of_a_checklist).iter().filter(|p| p.read) {
        told = true;
        if page.says(BACK) {
            verdict.satisfied(page.place);
        } else {
            let message = format!("`{}` goes through a release, and not through its way back", page.path);
            verdict.open(page.place, format!("plan {}", page.path), message);
        }
    }
    for (path, record) in records(repository) {
        told = true;
        let goes_back = |s: &&Setting| {
            let text = format!("{} {}", s.path, s.setting.text()).to_ascii_lowercase().replace('_', " ");
            BACK.iter().any(|w| text.contains(w))
        };
        match record.iter().copied().find(goes_back) {
            Some(found) => verdict.satisfied(found.place),
            None => {
                let message = format!("Change record `{path}` does not say how the release is taken back");
                verdict.fail(record[0].key_place, format!("plan {path}"), message).label("of one release");
            }
        }
    }
    // A runbook that every release follows is its plan as well.
    let runbook = pages(repository).into_iter().find(|p| p.read);
    match (told, runbook, first_deploy(repository)) {
        (true, ..) | (.., None) => {}
        (false, Some(page), _) => verdict.satisfied(page.place),
        (false, None, Some(job)) => {
            let message = format!("No plan here says how what job `{}` deploys is taken back", job.name);
            let finding = verdict.open(job.place, "plan", message);
            finding.label("deploys to production").against("plans may be kept outside the repository");
        }
    }
}

fn judge_plan(page: &Page<'_>, migrates: bool, verdict: &mut Verdict) {
    let subject = format!("plan {}", page.path);
    if !page.says(BACK) {
        let message = format!("`{}` plans a deployment, and does not say how it is taken back", page.path);
        verdict.fail(page.place, subject, message).label("the plan");
    } else if migrates && !page.says(&["data", "schema", "migration"]) {
        let message = format!("`{}` does not say what going back does to the data", page.path);
        verdict.open(page.place, subject, message).label("the plan");
    } else {
        verdict.satisfied(page.place);
    }
}

/// Records of changes, each a file of settings.
fn records(repository: &Repository) -> BTreeMap<&str, Vec<&Setting>> {
    let mut found: BTreeMap<&str, Vec<&Setting>> = BTreeMap::new();
    for setting in &repository.facts.settings {
        let path = repository.path(setting.place);
        let record = |part: &str| {
            matches!(part, "change-records" | "change_records" | "change-requests" | "release-plans")
        };
        if path.split('/').any(record) && !is_elsewhere(path) {
            found.entry(path).or_default().push(setting);
        }
    }
    found
}

const TOLD: &[&str] = &[
    "notify",
    "notif",
    "announce",
    "inform",
    "communicat",
    "slack",
    "e-mail",
    "email",
    "status page",
    "statuspage",
    "stakeholder",
    "tell the",
    "let the team",
    "teams channel",
    "post in",
    "post to",
];

/// Who goes back tells people so.
pub(super) fn communication(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = pages(repository);
    if let Some(page) = all.iter().find(|p| p.says(TOLD)) {
        return verdict.satisfied(page.place);
    }
    let flow = &repository.flow;
    let runs = runs_back(repository);
    let notifies = |n: Node| {
        flow.has_effect(n, EffectKind::Notify, None)
            || says_in_names(repository, n, &["notify", "notification", "slack", "announce", "email"])
    };
    let told = flow.nearest_after(notifies);
    for &node in &runs {
        let job = flow.job(node, &repository.facts.pipelines);
        if notifies(node) || told.any(node) {
            verdict.satisfied(job.place);
            continue;
        }
        let message = format!("Job `{}` takes a release back, and tells nobody", job.name);
        let finding = verdict.open(job.place, format!("job {}", job.id), message);
        finding.label("takes a release back").against("the service may tell those who watch the pipeline");
    }
    if !runs.is_empty() {
        return;
    }
    match all.iter().find(|p| p.read) {
        Some(page) => {
            let message = format!("`{}` does not say who is told when a release is taken back", page.path);
            verdict.open(page.place, "page", message).label("speaks of going back");
        }
        None => verdict.not_judged("no job here takes a release back, and no page tells how"),
    }
}

/// Whether a job, or a named step of it, is called so.
fn says_in_names(repository: &Repository, node: Node, wanted: &[&str]) -> bool {
    let job = repository.flow.job(node, &repository.facts.pipelines);
    let says = |name: &str| words(name).iter().any(|w| wanted.contains(&w.as_str()));
    says(&job.id) || says(&job.name) || job.steps.iter().any(|s| s.named && says(&s.name))
}

/// An older program meets the newer schema: whoever goes back looks at it first.
pub(super) fn schema_guard(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(migration) = applied(repository).next() else {
        return verdict.not_applicable("nothing here changes a schema");
    };
    let schema = &["schema", "migration", "migrations", "compatib", "database version"];
    let all = pages(repository);
    if let Some(page) = all.iter().find(|p| p.says(schema)) {
        return verdict.satisfied(page.place);
    }
    let flow = &repository.flow;
    let mut backs: Vec<(Span, String, bool)> = Vec::new();
    for node in runs_back(repository) {
        let job = flow.job(node, &repository.facts.pipelines);
        let looks =
            flow.run(node).effects.iter().any(|e| {
                matches!(e.effect, EffectKind::Validate | EffectKind::MigrateDown | EffectKind::Migrate)
            }) || job.commands().any(|c| schema[..3].iter().any(|w| c.line.to_ascii_lowercase().contains(w)))
                || says_in_names(repository, node, &["schema", "migration", "migrations", "compatibility"]);
        backs.push((job.place, format!("Job `{}`", job.name), looks));
    }
    for script in scripts_back(repository) {
        let looks = script.commands.iter().any(|c| {
            schema[..3].iter().any(|w| c.line.to_ascii_lowercase().contains(w))
                || c.effects
                    .iter()
                    .any(|e| matches!(e.effect, EffectKind::Validate | EffectKind::MigrateDown))
        });
        backs.push((script.place, format!("`{}`", script.name), looks));
    }
    for (place, who, looks) in &backs {
        if *looks {
            verdict.satisfied(*place);
            continue;
        }
        let message = format!("{who} takes a release back without a look at the schema");
        let finding = verdict.open(*place, format!("schema {who}"), message);
        finding.label("brings back an older program").relate(migration.place, "migrations change the schema");
        finding.against("migrations may all be compatible with the release before");
    }
    match (backs.is_empty(), all.iter().find(|p| p.read)) {
        (false, _) => {}
        (true, Some(page)) => {
            let message =
                format!("`{}` tells how to go back, and nothing of the schema that stays", page.path);
            let finding = verdict.open(page.place, "schema page", message);
            finding.label("speaks of going back").relate(migration.place, "migrations change the schema");
        }
        (true, None) => verdict.not_judged("no job here takes a release back, and no page tells how"),
    }
}
