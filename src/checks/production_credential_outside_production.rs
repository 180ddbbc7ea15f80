//! Production's secrets in the hands of jobs and files of other environments.

use super::secret_names::{expanded, is_secret_name, opens_nothing};
use crate::facts::{Basis, EffectKind, Job, Owner, Repository, Run, SettingSource, Stage, Value, path_stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    jobs(repository, verdict);
    files(repository, verdict);
    references(repository, verdict);
    commands(repository, verdict);
}

/// Whether a secret's name says that it is production's, and of no other environment.
fn is_production(name: &str, repository: &Repository) -> bool {
    path_stage(name, &repository.environments).is_some_and(|(stage, _)| stage == Stage::Production)
        // A "live" secret can be that of a live reload; addresses and identifiers open nothing.
        && !opens_nothing(name)
        && !["URL", "HOST", "ID", "REGION", "DSN", "BUCKET", "NAME", "DOMAIN"].iter().any(|end| name.to_ascii_uppercase().ends_with(end))
        && !name.to_ascii_lowercase().contains("live")
}

fn jobs(repository: &Repository, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let mut seen: BTreeSet<Span> = BTreeSet::new();
    for node in flow.nodes() {
        let run = flow.run(node);
        let job = flow.job(node, &repository.facts.pipelines);
        verdict.examined(job.place);
        let Some((whose, confidence)) = elsewhere(run, job) else { continue };
        let mut own: Vec<_> = job.secrets.iter().filter(|s| is_production(&s.name, repository)).collect();
        own.retain(|s| seen.insert(s.place));
        let Some((first, rest)) = own.split_first() else { continue };
        let message = format!("Job `{}`, {whose}, gets production's `{}`", job.id, first.name);
        let finding = verdict.fail(first.place, format!("job {} {}", job.id, first.name), message);
        finding.at_most(confidence.min(Confidence::Medium)).label("named after production");
        for secret in rest {
            finding.relate(secret.place, format!("`{}`, too", secret.name));
        }
        if let Some(target) = &run.target {
            finding.relate(target.place, "where the job goes");
        }
    }
}

/// Where a job runs, if that is certainly not production.
fn elsewhere(run: &Run, job: &Job) -> Option<(String, Confidence)> {
    const CHANGES: &[EffectKind] = &[
        EffectKind::Deploy,
        EffectKind::Provision,
        EffectKind::Configure,
        EffectKind::Migrate,
        EffectKind::RollBack,
        EffectKind::Publish,
        EffectKind::Promote,
        EffectKind::Verify,
        EffectKind::Backup,
        EffectKind::Dump,
        EffectKind::Restore,
        EffectKind::Notify,
        EffectKind::Shell,
        EffectKind::Query,
    ];
    match run.target.as_ref() {
        Some(target) => {
            let Value::Known(stage) = target.stage else { return None };
            let named = matches!(target.basis, Basis::Name | Basis::Branch);
            let confidence = if named { Confidence::Low } else { Confidence::Medium };
            (stage != Stage::Production).then(|| (format!("which belongs to {}", stage.name()), confidence))
        }
        None => {
            let tests = run.effects.iter().any(|e| matches!(e.effect, EffectKind::Test | EffectKind::Lint));
            let changes = run.effects.iter().any(|e| CHANGES.contains(&e.effect)) || job.calls.is_some();
            (tests && !changes).then(|| ("which only tests".to_owned(), Confidence::Medium))
        }
    }
}

/// Credentials for a production host in files that by their path belong elsewhere.
fn files(repository: &Repository, verdict: &mut Verdict) {
    for credential in &repository.facts.credentials {
        let path = repository.path(credential.place);
        let Some(target) =
            credential.target.as_ref().filter(|t| t.basis == Basis::Host && t.is(Stage::Production))
        else {
            continue;
        };
        let Some(stage) = stage_of_file(repository, path) else { continue };
        if stage == Stage::Production || repository.is_sample(credential.place) || credential.test {
            continue;
        }
        let name = repository.file(credential.place.file).name();
        let message = format!("`{name}`, a file for {}, holds a login to production", stage.name());
        let key = credential.key.as_deref().unwrap_or(&credential.credential);
        let finding = verdict.fail(credential.place, format!("login {key}"), message);
        finding
            .at_most(Confidence::Medium)
            .label("in clear text")
            .relate(target.place, "a host of production");
    }
}

/// The environment that a file belongs to. Run configurations of an editor serve whoever has it open.
/// <https://code.visualstudio.com/docs/debugtest/debugging-configuration>
fn stage_of_file(repository: &Repository, path: &str) -> Option<Stage> {
    let editor = path.split('/').any(|part| matches!(part, ".vscode" | ".idea" | ".run"));
    let told = path_stage(path, &repository.environments).map(|(stage, _)| stage);
    told.or(editor.then_some(Stage::Local))
}

/// Variables and entries of the secret store that are production's by their names, in files of another environment.
fn references(repository: &Repository, verdict: &mut Verdict) {
    let declared = repository.facts.resources.iter().flat_map(|r| &r.entries);
    let mut seen: BTreeSet<(String, u32)> = BTreeSet::new();
    // Settings of one file follow one another.
    let mut last: Option<(&str, Option<Stage>)> = None;
    for setting in repository.facts.settings.iter().chain(declared) {
        let path = repository.path(setting.place);
        let stage = match &setting.target {
            Some(target) => target.stage.known().copied(),
            None => match last.filter(|(known, _)| *known == path) {
                Some((_, stage)) => stage,
                None => last.insert((path, stage_of_file(repository, path))).1,
            },
        };
        let Some(stage) = stage.filter(|s| *s != Stage::Production) else { continue };
        // Jobs are looked at as a whole; a document of keys sets none.
        if setting.source == SettingSource::Pipeline
            || repository.is_sample(setting.place)
            || path.ends_with("example")
        {
            continue;
        }
        let text = setting.setting.text();
        let variable =
            expanded(&text).into_iter().find(|name| is_secret_name(name) && is_production(name, repository));
        let name = match variable {
            Some(name) => name.to_owned(),
            None if is_entry(&text) && names_production(&text, repository) => text.clone(),
            None => continue,
        };
        if !seen.insert((name.clone(), setting.place.file.0)) {
            continue;
        }
        let file = repository.file(setting.place.file).name();
        let message = format!("`{file}`, a file for {}, takes production's `{name}`", stage.name());
        let finding = verdict.fail(setting.place, format!("reference {name}"), message);
        finding.at_most(Confidence::Medium).label("named after production");
    }
}

/// Names of entries in secret stores.
fn is_entry(value: &str) -> bool {
    let short = value.len() <= 200 && !value.contains(char::is_whitespace);
    let store = ["vault:", "secret/data/", "op://", "arn:aws:secretsmanager:", "ref+"]
        .iter()
        .any(|p| value.starts_with(p))
        || value.starts_with("projects/") && value.contains("/secrets/")
        || value.starts_with("arn:aws:ssm:") && value.contains(":parameter/");
    short && store
}

/// Whether one part of an entry's name says production, and none another environment.
fn names_production(value: &str, repository: &Repository) -> bool {
    let stages: BTreeSet<Stage> =
        value.split(['/', ':', '#']).filter_map(|part| repository.stage_of(part)).collect();
    stages.len() == 1 && stages.contains(&Stage::Production)
}

/// Commands of other environments that read production's entries of a store or expand its variables.
fn commands(repository: &Repository, verdict: &mut Verdict) {
    for (owner, command) in repository.commands() {
        let Some((whose, stage)) = owner_stage(&owner) else { continue };
        let reads = [
            "aws secretsmanager get-",
            "aws ssm get-parameter",
            "gcloud secrets versions access",
            "vault kv get",
            "vault read ",
            "az keyvault secret show",
        ];
        let store = reads.iter().any(|r| command.line.starts_with(r));
        let entry = command
            .args
            .iter()
            .find(|w| store && !w.text.starts_with("--project") && names_production(&w.text, repository));
        // What a job's variables hold is looked at where they are set.
        let script = matches!(owner, Owner::Script(_));
        let variable = || {
            command.args.iter().find_map(|w| {
                let name = expanded(&w.text)
                    .into_iter()
                    .find(|n| is_secret_name(n) && is_production(n, repository))?;
                Some((name.to_owned(), w.place))
            })
        };
        let found =
            entry.map(|w| (w.text.clone(), w.place)).or_else(|| if script { variable() } else { None });
        let Some((name, place)) = found else { continue };
        let message = format!("{whose}, which serves {}, reads production's `{name}`", stage.name());
        let finding = verdict.fail(place, format!("{whose} {name}"), message);
        finding.at_most(Confidence::Medium).label("named after production");
    }
}

fn owner_stage(owner: &Owner<'_>) -> Option<(String, Stage)> {
    let target = owner.target()?;
    let stage = *target.stage.known()?;
    let whose = match owner {
        Owner::Step { job, .. } if target.basis == Basis::Declared => format!("Job `{}`", job.id),
        Owner::Step { .. } => return None,
        // A script that is named after two environments serves neither alone.
        Owner::Script(script) => format!("Script `{}`", script.name),
    };
    (stage != Stage::Production).then_some((whose, stage))
}
