//! Features that are on in production without a word of who let them in.

use super::definitions::{passes, text};
use super::gates::words;
use crate::facts::{Repository, Setting, SettingSource, Stage, is_flag_registry};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::FileId;
use std::collections::BTreeMap;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut by_flag: BTreeMap<(FileId, &str), Vec<&Setting>> = BTreeMap::new();
    for setting in repository.facts.settings.iter().filter(|s| passes(repository, s.place)) {
        if is_flag_registry(repository.path(setting.place)) {
            let flag = flag_of(setting);
            by_flag.entry((setting.place.file, flag)).or_default().push(setting);
        } else {
            experimental(setting, verdict);
        }
    }
    for ((file, flag), settings) in by_flag {
        verdict.examined(settings[0].place);
        let approved = settings.iter().any(|s| is_approval(&s.key) && text(s).is_some_and(|v| v.len() > 2));
        let Some(on) = settings.iter().find(|s| is_on_for_users(repository, s)).filter(|_| !approved) else {
            continue;
        };
        let name = repository.file(file).name();
        let message =
            format!("`{name}` switches `{flag}` on for users, and names no approval of its rollout");
        let finding = verdict.fail(on.place, format!("flag {flag}"), message);
        finding.label("on").at_most(Confidence::Low);
    }
}

/// The flag that a setting of a registry belongs to: `features.new_cart.production` is one of `features.new_cart`.
fn flag_of(setting: &Setting) -> &str {
    match setting.path.rsplit_once('.') {
        Some((flag, key)) if is_state(key) || is_approval(key) || is_note(key) => flag
            .strip_suffix(".environments")
            .or(flag.strip_suffix(".env"))
            .or(flag.strip_suffix(".states"))
            .unwrap_or(flag),
        _ => &setting.path,
    }
}

fn is_state(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    matches!(
        key.as_str(),
        "default" | "default_enabled" | "enabled" | "state" | "on" | "value" | "local" | "ci" | "test"
    ) || matches!(
        key.as_str(),
        "production" | "prod" | "live" | "staging" | "stage" | "development" | "dev" | "integration"
    )
}

fn is_note(key: &str) -> bool {
    matches!(
        key.to_ascii_lowercase().as_str(),
        "description" | "owner" | "name" | "type" | "group" | "milestone" | "expires" | "since"
    )
}

/// Who let the feature in, and where that is written.
fn is_approval(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["approv", "decision", "rollout", "sign_off", "signoff", "ticket", "issue", "change_request"]
        .iter()
        .any(|w| key.contains(w))
}

fn is_on(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "on" | "enabled" | "yes" | "100" | "100%")
}

fn is_on_for_users(repository: &Repository, setting: &Setting) -> bool {
    let production = || {
        repository.stage_of(&setting.key) == Some(Stage::Production)
            || setting.target.as_ref().is_some_and(|t| t.is(Stage::Production))
    };
    let elsewhere = setting.target.as_ref().is_some_and(|t| !t.may_be(Stage::Production));
    let key = setting.key.to_ascii_lowercase();
    let everywhere = || matches!(key.as_str(), "default" | "default_enabled");
    text(setting).is_some_and(is_on) && !elsewhere && (production() || everywhere())
}

/// Settings of production that switch on what calls itself an experiment.
fn experimental(setting: &Setting, verdict: &mut Verdict) {
    let of_files =
        matches!(setting.source, SettingSource::Config | SettingSource::Dotenv | SettingSource::Service);
    let production = setting.target.as_ref().is_some_and(|t| t.is(Stage::Production));
    // `external-dns.alpha.kubernetes.io/…` names the version of an interface.
    let annotates = setting.path.contains('/') || setting.path.contains("annotations");
    let on = text(setting).is_some_and(|v| matches!(v, "true" | "True" | "on" | "enabled"));
    if !of_files || !production || !on || annotates {
        return;
    }
    let snake = super::addresses::snake(&setting.path);
    let said = words(&snake);
    let unready = said.iter().any(|w| {
        matches!(
            w.as_str(),
            "experimental" | "experiment" | "experiments" | "unstable" | "wip" | "alpha" | "beta"
        )
    });
    if unready {
        let message = format!("`{}` switches on in production what calls itself unready", setting.path);
        let finding = verdict.fail(setting.place, format!("setting {}", setting.path), message);
        finding.label("on").at_most(Confidence::Low);
    }
}
