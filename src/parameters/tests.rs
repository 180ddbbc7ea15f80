use super::*;

fn toml(text: &str) -> toml::Value {
    let mut table: toml::Table = format!("x = {text}").parse().expect("the value of the test parses");
    table.remove("x").expect("x was written above")
}

fn apply(parameters: &mut Parameters, manual: &str, name: &str, value: &str) -> Result<(), String> {
    parameters.apply(manual, name, &toml(value), &format!("{}/x.a", manual.to_uppercase()))
}

#[test]
fn the_strictest_active_value_holds_and_names_its_clause() {
    let mut parameters = Parameters::default();
    assert_eq!(parameters.rollback_max_minutes.value(), &Minutes(60));
    assert_eq!(parameters.rollback_max_minutes.source(), Source::Default);
    apply(&mut parameters, "doc-009", "rollback.max_minutes", "60").unwrap();
    apply(&mut parameters, "phase-10", "rollback.max_minutes", "15").unwrap();
    apply(&mut parameters, "ours", "rollback.max_minutes", "90").unwrap();
    assert_eq!(parameters.rollback_max_minutes.value(), &Minutes(15));
    let source = Source::Manual { manual: "phase-10", clause: "PHASE-10/x.a" };
    assert_eq!(parameters.rollback_max_minutes.source(), source);
    assert!(parameters.rollback_max_minutes.allows(&Minutes(15)));
    assert!(!parameters.rollback_max_minutes.allows(&Minutes(16)));

    apply(&mut parameters, "wtfb-sop", "retention.deployment_log", "90").unwrap();
    apply(&mut parameters, "phase-10", "retention.deployment_log", "365").unwrap();
    assert_eq!(parameters.retention_deployment_log.value(), &Days(365));
    apply(&mut parameters, "doc-009", "staging.data", "'sanitised'").unwrap();
    apply(&mut parameters, "step-08", "staging.data", "'synthetic'").unwrap();
    assert_eq!(parameters.staging_data.value(), &StagingData::Synthetic);
}

#[test]
fn a_single_manual_may_be_milder_than_the_default() {
    let mut parameters = Parameters::default();
    apply(&mut parameters, "phase-10", "tests.integration_pass", "95").unwrap();
    assert_eq!(parameters.tests_integration_pass.value(), &Percent(95.0));
    apply(&mut parameters, "doc-009", "tests.integration_pass", "100").unwrap();
    assert_eq!(parameters.tests_integration_pass.value(), &Percent(100.0));
}

#[test]
fn manuals_that_differ_in_a_choice_leave_it_unresolved_until_the_policy_follows_one() {
    let mut parameters = Parameters::default();
    assert_eq!(parameters.version_scheme.value(), Some(&VersionScheme::Semver));
    apply(&mut parameters, "phase-10", "version.scheme", "'semver'").unwrap();
    apply(&mut parameters, "wtfb-sop", "version.scheme", "'semver'").unwrap();
    assert!(parameters.unresolved().is_empty());
    apply(&mut parameters, "doc-009", "version.scheme", "'dated'").unwrap();
    assert_eq!(parameters.unresolved(), ["version.scheme"]);
    assert_eq!(parameters.version_scheme.value(), None);
    assert_eq!(parameters.version_scheme.source(), None);

    let wrong = parameters.resolve("version.scheme", "step-08").unwrap_err();
    assert!(wrong.contains("phase-10, wtfb-sop, doc-009"), "{wrong}");
    assert!(parameters.resolve("rollback.max_minutes", "doc-009").is_err());
    parameters.resolve("version.scheme", "doc-009").unwrap();
    assert_eq!(parameters.version_scheme.value(), Some(&VersionScheme::Dated));
    assert!(parameters.unresolved().is_empty());

    let twice = apply(&mut parameters, "doc-009", "version.scheme", "'semver'").unwrap_err();
    assert!(twice.contains("already says dated"), "{twice}");
}

#[test]
fn demands_add_up() {
    let mut parameters = Parameters::default();
    assert_eq!(parameters.image_tag.values(), [&TagForm::Sha]);
    apply(&mut parameters, "phase-10", "image.tag", "'semver-sha'").unwrap();
    apply(&mut parameters, "step-08", "image.tag", "'sha'").unwrap();
    apply(&mut parameters, "wtfb-sop", "image.tag", "'sha'").unwrap();
    assert_eq!(parameters.image_tag.values(), [&TagForm::SemverSha, &TagForm::Sha]);
    let clauses: Vec<&str> = parameters.image_tag.clauses(&TagForm::Sha).collect();
    assert_eq!(clauses, ["STEP-08/x.a", "WTFB-SOP/x.a"]);
}

#[test]
fn the_policy_stands_above_the_manuals() {
    let mut parameters = Parameters::default();
    apply(&mut parameters, "phase-10", "rollback.max_minutes", "15").unwrap();
    parameters.set("rollback.max_minutes", &toml("30")).unwrap();
    assert_eq!(parameters.rollback_max_minutes.value(), &Minutes(30));
    assert_eq!(parameters.rollback_max_minutes.source(), Source::Policy);
    parameters.set("friday.cutoff", &toml("'15:30'")).unwrap();
    parameters.set("time_zone", &toml("'Europe/Berlin'")).unwrap();
    assert_eq!(parameters.friday_cutoff.value().to_string(), "15:30");
    assert_eq!(parameters.time_zone.value().unwrap().to_string(), "Europe/Berlin");
    parameters.set("image.tag", &toml("['time', 'semver']")).unwrap();
    assert_eq!(parameters.image_tag.values(), [&TagForm::Time, &TagForm::Semver]);
}

#[test]
fn a_value_of_the_wrong_form_is_refused_with_the_right_one() {
    for (name, value, said) in [
        ("rollback.max_minutes", "-1", "whole number of minutes"),
        ("rollback.max_minutes", "'15'", "whole number of minutes"),
        ("rollback.max_minutes", "1.5", "whole number of minutes"),
        ("rollback.max_minutes", "99999999999", "whole number of minutes"),
        ("alert.cpu", "nan", "percentage"),
        ("alert.cpu", "inf", "percentage"),
        ("alert.cpu", "-0.1", "percentage"),
        ("alert.queue", "true", "factor"),
        ("downtime.allowed", "'no'", "true or false"),
        ("ports.web", "[]", "port"),
        ("ports.web", "[80, 70000]", "port"),
        ("ports.db", "0", "port"),
        ("canary.steps", "[25, 5]", "rise"),
        ("canary.steps", "[50, 200]", "at most 100"),
        ("canary.steps", "[]", "at most 100"),
        ("friday.cutoff", "'25:00'", "time of day"),
        ("friday.cutoff", "12", "time of day"),
        ("time_zone", "'Chicago'", "time zone"),
        ("version.scheme", "'calver'", "\"dated\", \"semver\""),
    ] {
        let error = apply(&mut Parameters::default(), "ours", name, value).unwrap_err();
        assert!(error.contains(said), "{name} = {value}: {error}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    for (name, said) in [
        ("rollback.max_minute", "`rollback.max_minutes`"),
        ("retention.artefact", "`retention.artifact`"),
        ("rollback", "in quotes"),
        ("zzz", "unknown parameter `zzz`"),
    ] {
        let error = Parameters::default().apply("ours", name, &toml("1"), "OURS/1").unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn every_parameter_is_documented_once_and_can_be_named() {
    let all = Parameters::describe();
    let mut parameters = Parameters::default();
    for (index, one) in all.iter().enumerate() {
        assert!(one.doc.ends_with('.') && !one.doc.contains("  "), "{}: {}", one.name, one.doc);
        assert!(!one.default.is_empty(), "{}", one.name);
        assert!(parameters.field(one.name).is_some(), "{}", one.name);
        assert!(all[..index].iter().all(|other| other.name != one.name), "{} is there twice", one.name);
    }
    let rollback = &all[0];
    assert_eq!((rollback.unit, rollback.default.as_str()), ("minutes", "60 minutes"));
    assert_eq!(rollback.stricter, Some(Stricter::Lower));
}
