//! What infrastructure code declares for environments that others depend on: its stores, services and networks.

use super::definitions::text;
use super::rollouts::own;
use crate::facts::{Repository, Resource, Setting, Stage, System, Target, Value};
use crate::text::Span;

/// Whether a place serves nobody but those who build: such an environment may come and go.
pub(super) fn is_apart(target: Option<&Target>) -> bool {
    let apart = |s: &Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview | Stage::Development);
    target.is_some_and(|t| !t.stage.possible().is_empty() && t.stage.possible().iter().all(apart))
}

/// Objects and blocks of environments that stay, and of those of which nothing is said.
pub(super) fn standing(repository: &Repository) -> impl Iterator<Item = &Resource> {
    own(repository).filter(|r| !is_apart(r.target.as_ref()))
}

/// Blocks and objects that make something, as against those that look something up or give it a name.
pub(super) fn makes(resource: &Resource) -> bool {
    resource.system != System::Terraform || matches!(resource.block.as_str(), "resource" | "module")
}

/// The known text of the entry at exactly this path.
pub(super) fn said<'r>(resource: &'r Resource, path: &str) -> Option<&'r str> {
    resource.entry(path).and_then(text)
}

/// The first entry with this key, wherever in the block it stands.
pub(super) fn anywhere<'r>(resource: &'r Resource, key: &str) -> Option<&'r Setting> {
    resource.entries.iter().find(|e| e.key == key)
}

/// Whether any entry's path begins with `path`, a whole part.
pub(super) fn has(resource: &Resource, path: &str) -> bool {
    let below = |e: &Setting| e.path.strip_prefix(path).is_some_and(|r| r.is_empty() || r.starts_with('.'));
    resource.entries.iter().any(below)
}

/// Whether a known value says yes.
pub(super) fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "enabled" | "1")
}

/// Whether a known value says no.
pub(super) fn is_no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "disabled")
}

/// Whether the block or object is of production, for certain or as one of several.
pub(super) fn of_production(resource: &Resource) -> bool {
    resource.target.as_ref().is_some_and(|t| t.may_be(Stage::Production))
}

/// Whether the block or object is of staging or production.
pub(super) fn is_shared(target: Option<&Target>) -> bool {
    target.is_some_and(|t| t.may_be(Stage::Staging) || t.may_be(Stage::Production))
}

/// What an entry can be, as far as files here say it: itself, or what is assigned to the variable that it refers to
/// by callers of the module, by files of variables, or else by the variable's default.
/// <https://developer.hashicorp.com/terraform/language/values/variables#assigning-values-to-root-module-variables>
pub(super) fn worths<'r>(
    repository: &'r Repository,
    resource: &Resource,
    entry: &'r Setting,
) -> Vec<&'r Setting> {
    let written = match &entry.setting {
        Value::Known(_) => return vec![entry],
        Value::Expr(text) => text,
        _ => return Vec::new(),
    };
    let bare = written.trim().trim_start_matches("${").trim_end_matches('}').trim();
    let Some(name) = bare.strip_prefix("var.") else { return Vec::new() };
    let folder = |place: Span| repository.path(place).rsplit_once('/').map_or("", |(folder, _)| folder);
    let own = folder(resource.place);
    let known = |s: &&Setting| s.setting.known().is_some();
    let calls =
        repository.facts.resources.iter().filter(|r| r.block == "module" && r.system == System::Terraform);
    let called = calls
        .filter(|r| {
            said(r, "source").is_some_and(|source| joined(folder(r.place), source).as_deref() == Some(own))
        })
        .filter_map(|r| r.entry(name));
    let in_files = repository.facts.settings.iter().filter(|s| {
        s.path == name
            && repository.path(s.place).contains(".tfvars")
            && (own.is_empty() || folder(s.place) == own || folder(s.place).starts_with(&format!("{own}/")))
    });
    let mut all: Vec<&Setting> = called.chain(in_files).filter(known).collect();
    if all.is_empty() {
        let declared = repository.facts.resources.iter().find(|r| {
            r.block == "variable"
                && r.name.known().map(String::as_str) == Some(name)
                && folder(r.place) == own
        });
        all.extend(declared.and_then(|r| r.entry("default")).filter(known));
    }
    all
}

/// The folder that a relative `source` means.
fn joined(folder: &str, source: &str) -> Option<String> {
    if !source.starts_with('.') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a value of an environment that comes and goes is meant, by the value's own file or by the block's.
pub(super) fn is_apart_here(resource: &Resource, value: &Setting) -> bool {
    is_apart(resource.target.as_ref()) || is_apart(value.target.as_ref())
}
