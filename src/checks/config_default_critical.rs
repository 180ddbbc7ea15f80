//! Critical settings that fall back on something where others use the system.

use super::addresses::{host_of, is_worldwide};
use super::critical_settings::{Critical, critical};
use crate::facts::{Basis, Repository, Setting, Stage, Target, Value, in_file};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for setting in &repository.facts.settings {
        let Some(target) =
            setting.target.as_ref().filter(|t| t.is(Stage::Staging) || t.is(Stage::Production))
        else {
            continue;
        };
        let Value::Expr(text) = &setting.setting else { continue };
        let Some((key, default)) = defaulted(text) else { continue };
        let Some(about) = critical(key).or_else(|| critical(&setting.key)) else { continue };
        if aside(repository, setting.place) || is_harmless(default) {
            continue;
        }
        // A password that is fallen back on is a credential of its own rule.
        if holds_credential(repository, setting) {
            continue;
        }
        report(repository, setting, key, about, target, verdict);
    }
    for read in &repository.facts.env_reads {
        let Some(default) = &read.default else { continue };
        let Some(about) = critical(&read.key).filter(|_| !aside(repository, read.place)) else { continue };
        verdict.examined(read.place);
        let host = host_of(&default.value);
        let open = about == Critical::Origins && default.value == "*";
        if !(open || is_worldwide(host) && default.value.contains(['.', '/'])) {
            continue;
        }
        let what = if open { "every origin".to_owned() } else { format!("`{host}`") };
        let message = format!("Without `{}` the program falls back on {what}", read.key);
        let finding = verdict.fail(read.place, format!("read {}", read.key), message);
        finding.label(format!("a default for {}", about.name())).at_most(Confidence::Medium);
    }
}

fn report(
    repository: &Repository,
    setting: &Setting,
    key: &str,
    about: Critical,
    target: &Target,
    verdict: &mut Verdict,
) {
    let path = repository.path(setting.place);
    let stage = target.stage.known().map_or("it", |s| s.name());
    let message = format!("Without `{key}`, {stage} starts with a default in `{path}`");
    let finding = verdict.fail(setting.place, format!("setting {}", setting.path), message);
    finding.label(format!("a default for {}", about.name()));
    if matches!(target.basis, Basis::Name | Basis::Branch) {
        finding.at_most(Confidence::Medium);
    }
}

fn aside(repository: &Repository, place: Span) -> bool {
    let path = repository.path(place);
    let name = path.rsplit('/').next().unwrap_or(path);
    !repository.is_own(place) || super::env_files::is_example(name) || name.contains("test")
}

/// A default that stands for nothing, or names only the container beside: that one is the environment's own.
fn is_harmless(default: &str) -> bool {
    let bare = default.trim_matches(['"', '\'']);
    let host = host_of(bare);
    bare.is_empty() || bare.starts_with('?') || (!host.contains('.') && host != "localhost" && bare != "*")
}

/// Name and default of `${NAME:-default}` (shell, compose) or `${NAME:default}` (Spring), where it is the whole
/// value or its host.
fn defaulted(text: &str) -> Option<(&str, &str)> {
    let inner = &text[text.find("${")? + 2..];
    let end = inner.find('}')?;
    let inner = &inner[..end];
    let at = inner.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'))?;
    let (name, rest) = inner.split_at(at);
    let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')).or_else(|| {
        // `:?` and `:+` are compose's own.
        rest.strip_prefix(':').filter(|r| !r.starts_with(['?', '+', '=']))
    })?;
    (!name.is_empty()).then_some((name, default))
}

fn holds_credential(repository: &Repository, setting: &Setting) -> bool {
    in_file(&repository.facts.credentials, setting.place.file).iter().any(|c| setting.place.contains(c.place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_compose_and_of_spring() {
        for (text, expected) in [
            ("${DB_HOST:-localhost}", Some(("DB_HOST", "localhost"))),
            ("${DB_HOST-}", Some(("DB_HOST", ""))),
            ("jdbc:postgresql://${db.host:localhost}/x", Some(("db.host", "localhost"))),
            ("${DB_HOST:?missing}", None),
            ("${DB_HOST}", None),
            ("x", None),
        ] {
            assert_eq!(defaulted(text), expected, "{text}");
        }
    }
}
