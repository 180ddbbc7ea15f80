use std::collections::BTreeSet;

use super::*;

/// Every clause that the manuals were found to hold, one id per line.
const CATALOGUE: &str = include_str!("../../rules/manuals/catalogue.txt");

fn builtin() -> impl Iterator<Item = &'static Manual> {
    builtin_ids().map(|id| load_builtin(id).expect("it is in the list"))
}

#[test]
fn no_clause_of_the_catalogue_is_lost_and_none_is_made_up() {
    let catalogue: Vec<&str> = CATALOGUE.lines().collect();
    assert_eq!(catalogue.len(), 771);
    assert!(catalogue.is_sorted(), "the catalogue is in order");
    let listed: BTreeSet<&str> = catalogue.iter().copied().collect();
    assert_eq!(listed.len(), catalogue.len(), "an id stands twice in the catalogue");
    let clauses: Vec<&str> =
        builtin().flat_map(|manual| &manual.clauses).map(|clause| clause.id.as_str()).collect();
    let held: BTreeSet<&str> = clauses.iter().copied().collect();
    assert_eq!(held.len(), clauses.len(), "an id stands twice in the manuals");
    assert_eq!(listed.difference(&held).collect::<Vec<_>>(), Vec::<&&str>::new(), "lost");
    assert_eq!(held.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new(), "made up");
}

#[test]
fn built_in_manuals_read_and_say_what_they_are() {
    let heads: Vec<_> = builtin()
        .map(|m| (m.id.as_str(), m.edition.as_deref(), m.date.map(|d| d.to_string()), m.clauses.len()))
        .collect();
    assert_eq!(
        heads,
        [
            ("doc-009", Some("1.0"), Some("2026-01-23".to_owned()), 206),
            ("spec-0701", None, None, 112),
            ("step-08", None, None, 179),
            ("wtfb-sop", Some("1.0"), Some("2025-04-18".to_owned()), 142),
            ("phase-10", Some("1.0"), None, 132),
        ]
    );
    for (manual, (id, prefix, _)) in builtin().zip(&BUILTIN) {
        assert_eq!((manual.id.as_str(), manual.prefix.as_str()), (*id, *prefix));
        assert!(!manual.title.is_empty() && !manual.parameters.is_empty());
        for clause in &manual.clauses {
            assert!(clause.requirement.ends_with('.'), "{}: {}", clause.id, clause.requirement);
        }
    }
}

#[test]
fn a_clause_is_found_by_its_id() {
    assert_eq!(clause("DOC-009/10.e").map(|clause| clause.kind), Some(ClauseKind::AntiPattern));
    for unknown in ["DOC-009/10.zz", "DOC-009", "DOC-009/", "ISO/1.a", "", "/"] {
        assert_eq!(clause(unknown), None, "{unknown}");
    }
}

#[test]
fn all_manuals_together_leave_only_true_choices_unresolved() {
    let mut parameters = Parameters::default();
    for manual in builtin() {
        manual.apply_to(&mut parameters).expect("their ids differ");
    }
    let unresolved = ["staging.trigger", "migration.rollback", "env_files.tracked", "version.scheme"];
    assert_eq!(parameters.unresolved(), unresolved);
    assert_eq!(parameters.rollback_max_minutes.value().0, 15);
    assert_eq!(parameters.production_approvers.value().0, 2);
    assert!(!parameters.downtime_allowed.value());
}

#[test]
fn the_strictest_grade_of_the_active_manuals_holds() {
    let clauses = ["DOC-009/2.1.b", "STEP-08/hardening.e", "PHASE-10/commandments.2"];
    for (active, expected) in [
        (&[][..], Severity::Warning),
        (&["step-08"], Severity::Note),
        (&["step-08", "doc-009"], Severity::Error),
        // PHASE-10 grades nothing and stands by the rule; WTFB-SOP has no say in it.
        (&["step-08", "phase-10"], Severity::Warning),
        (&["step-08", "wtfb-sop"], Severity::Note),
        (&["wtfb-sop"], Severity::Warning),
    ] {
        let manuals: Vec<&Manual> = active.iter().filter_map(|id| load_builtin(id)).collect();
        assert_eq!(
            grade("dependency-unpinned", Severity::Warning, clauses, &manuals),
            expected,
            "{active:?}"
        );
    }
}

const OURS: &str = r#"id = "ours"
prefix = "OURS"
title = "Our handbook"
date = "2026-02-01"

[parameters]
"rollback.max_minutes" = { value = 10, clause = "OURS/1.a" }
"image.tag" = [{ value = "sha", clause = "OURS/1.a" }, { value = "time", clause = "OURS/1.a" }]

[severity]
staging-skipped = "warning"

[[clause]]
id = "OURS/1.a"
section = "1 Going back"
requirement = "Going back takes ten minutes."
kind = "threshold"
checkable = "evidence"
severity = "error"
rules = ["rollback-time-exceeded"]
"#;

#[test]
fn a_users_manual_reads_and_names_its_rules() {
    let manual = load_file(".plimsoll/manuals/ours.toml", OURS).expect("it reads");
    assert_eq!(manual.clauses[0].rules, ["rollback-time-exceeded"]);
    let given: Vec<&str> = manual.parameters.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(given, ["image.tag", "image.tag", "rollback.max_minutes"]);
    assert_eq!(&OURS[manual.parameters[2].place.clone()], "10");
    assert_eq!(manual.severity["staging-skipped"], Severity::Warning);
}

#[test]
fn a_mistake_in_a_users_manual_is_shown_where_it_is() {
    for (right, wrong, place, message, help) in [
        ("prefix =", "prefiks =", "prefiks", "unknown field `prefiks`", "`prefix`"),
        ("checkable =", "chekable =", "chekable", "unknown field `chekable`", "`checkable`"),
        ("title = \"Our handbook\"\n", "", "", "missing field `title`", ""),
        ("\"Our handbook\"", "\" \"", "\" \"", "has a title", ""),
        ("\"2026-02-01\"", "\"1 Feb\"", "\"1 Feb\"", "no date", "2026-01-23"),
        ("\"threshold\"", "\"limit\"", "\"limit\"", "`requirement`, `anti-pattern`, `threshold`", ""),
        ("\"evidence\"", "\"maybe\"", "\"maybe\"", "`static`, `git`, `evidence`, `runtime`", ""),
        ("\"error\"\nrules", "\"fatal\"\nrules", "\"fatal\"", "`note`, `warning`, `error`", ""),
        ("\"warning\"", "\"warn\"", "\"warn\"", "`note`, `warning`, `error`", ""),
        ("\"1 Going back\"", "\"\"", "\"\"", "section", ""),
        ("id = \"OURS/1.a\"", "id = \"1.a\"", "\"1.a\"", "not the id of a clause", "`OURS/`"),
        ("10, clause = \"OURS/1.a\"", "10, clause = \"OURS/1.b\"", "\"OURS/1.b\"", "no clause", "`OURS/1.a`"),
        ("max_minutes\"", "max_minute\"", "\"rollback.max_minute\"", "`rollback.max_minutes`", ""),
        ("value = 10", "value = -10", "-10", "whole number of minutes", ""),
        ("value = \"time\"", "value = \"noon\"", "\"noon\"", "\"sha\"", ""),
        ("value = 10", "valu = 10", "valu", "unknown field `valu`", "`value`"),
        ("\"ours\"", "\"doc-009\"", "\"doc-009\"", "built-in manual", "another id"),
        ("\"ours\"", "\"Our Manual\"", "\"Our Manual\"", "cannot name a manual", "lower-case"),
        ("\"ours\"", "\"all\"", "\"all\"", "cannot name a manual", ""),
        ("prefix = \"OURS\"", "prefix = \"DOC-009\"", "\"DOC-009\"", "built-in manual", "another prefix"),
        ("prefix = \"OURS\"", "prefix = \"A/B\"", "\"A/B\"", "cannot begin", "OUR-1"),
    ] {
        assert_eq!(OURS.matches(right).count(), 1, "{right}");
        let text = OURS.replace(right, wrong);
        let error = load_file("ours.toml", &text).expect_err(wrong);
        assert!(error.message.contains(message), "{wrong}: {}", error.message);
        assert!(error.help.as_deref().unwrap_or_default().contains(help), "{wrong}: {:?}", error.help);
        if !place.is_empty() {
            let span = error.span.unwrap_or_else(|| panic!("{wrong}: no place"));
            assert_eq!(&text[span.offset()..span.offset() + span.len()], place, "{wrong}");
        }
    }
    let twice = format!("{OURS}{}", &OURS[OURS.find("[[clause]]").unwrap()..]);
    assert!(load_file("ours.toml", &twice).unwrap_err().message.contains("already"));
    for broken in ["", "[", "\0", "id = 1", &"[".repeat(100_000), &format!("x = {}", "{a=".repeat(50_000))] {
        assert!(load_file("ours.toml", broken).is_err());
    }
}

#[test]
fn only_users_manuals_name_rules_at_their_clauses() {
    let text = OURS.replace("\"ours\"", "\"doc-009\"");
    assert!(load("x", &text, Origin::Builtin).unwrap_err().message.contains("name their clauses themselves"));
}
