//! Local settings that point at a database, cache, queue or store that others use, too.

use super::addresses::{Store, host_of, is_worldwide, store_of};
use super::definitions::{passes, text};
use super::gates::words;
use crate::facts::{Repository, Setting, SettingSource, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for setting in &repository.facts.settings {
        if !is_local(repository, setting) || !passes(repository, setting.place) {
            continue;
        }
        let (Some(store), Some(value)) = (store_of(&setting.path), text(setting)) else { continue };
        let key = words(&super::addresses::snake(&setting.key));
        let address = value.contains("://")
            || key.iter().any(|w| {
                matches!(
                    w.as_str(),
                    "host" | "hostname" | "url" | "uri" | "endpoint" | "server" | "address" | "addr" | "dsn"
                )
            });
        if !address || value.contains(['<', '{', '$', ' ']) {
            continue;
        }
        verdict.examined(setting.place);
        let host = host_of(value);
        // Production's own hosts are another rule's matter.
        if !is_worldwide(host)
            || is_inside(host)
            || is_file(host)
            || repository.stage_of_host(host) == Some(Stage::Production)
        {
            continue;
        }
        let file = repository.file(setting.place.file).name();
        let message = format!(
            "`{}` in `{file}` points a developer's machine at a shared {}",
            setting.key,
            store.name()
        );
        let finding = verdict.fail(setting.place, format!("setting {}", setting.path), message);
        finding.at_most(Confidence::Medium).label(format!("`{host}` is not this machine"));
        if store == Store::Bucket || store == Store::Queue {
            finding.against("an emulator may answer under this name");
        }
    }
}

/// `sqlite.db` under a key for addresses is a file of the folder.
fn is_file(host: &str) -> bool {
    [".db", ".sqlite", ".sqlite3", ".db3"].iter().any(|end| host.ends_with(end))
}

/// Names that stand for the machine itself or its containers.
pub(super) fn is_inside(host: &str) -> bool {
    ["lvh.me", "localtest.me", "nip.io", "sslip.io", "localstack.cloud", "docker.internal", "vcap.me"]
        .iter()
        .any(|end| host == *end || host.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')))
}

/// Files of a developer's own machine. What is called `dev` may be a place that a team shares.
fn is_local(repository: &Repository, setting: &Setting) -> bool {
    if let Some(target) = &setting.target {
        return target.is(Stage::Local)
            && matches!(
                setting.source,
                SettingSource::Dotenv | SettingSource::Config | SettingSource::Service
            );
    }
    let name = repository.file(setting.place.file).name();
    match setting.source {
        SettingSource::Dotenv => {
            matches!(
                name,
                ".env"
                    | ".env.example"
                    | ".env.sample"
                    | ".env.template"
                    | ".env.dist"
                    | "env.example"
                    | ".envrc"
            )
        }
        SettingSource::Service => {
            name.contains("override") || repository.path(setting.place).contains(".devcontainer/")
        }
        _ => false,
    }
}
