//! What a script that cannot be looked into most likely does, by its name alone.

use super::scope::Scope;
use super::targets::read_target;
use crate::facts::{Effect, EffectKind, Use};
use crate::lexicon::Environments;
use crate::lexicon::variables::is_environment_name;

/// Words of a script's name and the effect that they tell; the first that is there counts.
const WORDS: &[(&[&str], EffectKind, Option<&str>)] = &[
    (&["rollback", "revert", "undeploy"], EffectKind::RollBack, None),
    (&["smoke", "healthcheck", "health"], EffectKind::Verify, None),
    (&["e2e"], EffectKind::Test, Some("e2e")),
    (&["test", "tests"], EffectKind::Test, Some("unit")),
    (&["lint"], EffectKind::Lint, None),
    (&["migrate", "migration", "migrations"], EffectKind::Migrate, None),
    (&["seed"], EffectKind::Seed, None),
    (&["backup"], EffectKind::Backup, None),
    (&["notify"], EffectKind::Notify, None),
    (&["deploy", "rollout", "deployment"], EffectKind::Deploy, None),
    (&["publish"], EffectKind::Publish, None),
    (&["build"], EffectKind::Build, None),
];

/// Words beside which a name tells of a preparation or a check, not of the thing itself.
const NOT_ITSELF: &[&str] = &[
    "check",
    "verify",
    "validate",
    "plan",
    "dry",
    "status",
    "wait",
    "key",
    "keys",
    "config",
    "configure",
    "setup",
    "prepare",
    "generate",
    "render",
    "list",
    "info",
    "before",
    "after",
    "pre",
    "post",
    "is",
    "can",
    "should",
    "create",
    "new",
    "local",
    "make",
    "cleanup",
    "clean",
    "lib",
    "utils",
    "common",
    "helpers",
    "env",
];

/// The effect that a script's name tells, and its detail. A name with several verbs tells the first of the table.
pub(super) fn by_name(label: &str) -> Option<(EffectKind, Option<&'static str>)> {
    let stem = label.rsplit('/').next().unwrap_or(label);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let words = words(stem);
    let has = |all: &[&str]| words.iter().any(|w| all.contains(&w.as_str()));
    let (_, effect, detail) = WORDS.iter().find(|(all, _, _)| has(all))?;
    match effect {
        EffectKind::Deploy if has(&["docs", "doc", "storybook", "pages"]) => {
            Some((EffectKind::Publish, Some("docs")))
        }
        EffectKind::Test | EffectKind::Verify | EffectKind::Lint => Some((*effect, *detail)),
        _ if has(NOT_ITSELF) => None,
        _ => Some((*effect, *detail)),
    }
}

/// What a building block that cannot be looked into is called after: only a deploy or a way back counts,
/// to the environment that an input names.
pub(super) fn of_use(used: &Use, scope: &Scope<'_>, environments: &Environments) -> Option<Effect> {
    let name = used.name.trim_end_matches('/').trim_end_matches(".yml").trim_end_matches(".yaml");
    let label = name.rsplit('/').next().unwrap_or(name);
    // `deploy_env` brings something to an environment; a script of that name sets one up.
    let label = ["_env", "-env", "Env"].iter().find_map(|end| label.strip_suffix(end)).unwrap_or(label);
    let (effect, detail) = by_name(label)?;
    if !matches!(effect, EffectKind::Deploy | EffectKind::RollBack) {
        return None;
    }
    let inputs = used.inputs.iter().filter(|a| is_environment_name(&a.name.value));
    let target = inputs
        .filter_map(|a| read_target(&scope.value(&a.value.value), false, a.value.span, environments))
        .next();
    Some(Effect {
        place: used.place,
        effect,
        tool: label.to_owned(),
        artifact: None,
        target,
        peer: None,
        detail: detail.map(str::to_owned),
        origin: None,
    })
}

/// Words in lower case; camel case turns count.
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut lower_before = false;
    let mut open = false;
    for c in text.chars().take(256) {
        if !c.is_alphanumeric() {
            open = false;
        } else {
            if !open || lower_before && c.is_uppercase() {
                found.push(String::new());
            }
            open = true;
            if let Some(last) = found.last_mut() {
                last.extend(c.to_lowercase());
            }
        }
        lower_before = c.is_lowercase() || c.is_numeric();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_thing_itself_tell_an_effect() {
        for (label, expected) in [
            ("deploy-prod.sh", Some(EffectKind::Deploy)),
            ("deploy", Some(EffectKind::Deploy)),
            ("deployProd", Some(EffectKind::Deploy)),
            ("scripts/rollback.sh", Some(EffectKind::RollBack)),
            ("deploy:docs", Some(EffectKind::Publish)),
            ("deploy_env.sh", None),
            ("check-deploy.sh", None),
            ("generate-deploy-key.sh", None),
            ("redeployment_notes", None),
            ("create-migration", None),
            ("run-tests.sh", Some(EffectKind::Test)),
            ("smoke_test.py", Some(EffectKind::Verify)),
            ("attest", None),
        ] {
            assert_eq!(by_name(label).map(|(e, _)| e), expected, "{label}");
        }
    }
}
