use super::*;
use crate::policy::manual::load_file;

/// Rules with what matters to switching: id, further keys of the head.
const RULES: &[(&str, &str)] = &[
    ("secrets/core-one", "severity = 'error'\ncore = true\nclauses = ['DOC-009/2.1.a']"),
    ("secrets/absence", "severity = 'warning'\nclauses = ['DOC-009/2.1.b', 'STEP-08/secret-storage.a']"),
    ("pipeline/young", "severity = 'error'\ncore = true\nstage = 'preview'\nrenamed-from = ['old-young']"),
    ("pipeline/nobody-asks", "severity = 'note'"),
    ("pipeline/env-tracked", "severity = 'error'\ncontested = 'C10'\nclauses = ['STEP-08/secret-storage.a']"),
];

fn stock() -> Stock {
    let mut stock = Stock::default();
    for (path, keys) in RULES {
        let id = path.rsplit('/').next().expect("a name");
        let text = format!(
            "id = '{id}'\ntitle = 'T'\nconfidence = 'high'\nsince = '0.1'\nsubjects = 'files'\nwhy = 'w'\nfix = 'f'\n\
             {keys}\n[text]\npatterns = ['x']\nmessage = 'm'\n"
        );
        stock.add_rule(&format!(".plimsoll/rules/{path}.toml"), &text).expect("a right rule");
    }
    stock
}

fn policy(config: &str, said: Said) -> Result<Policy, Box<PolicyError>> {
    let config = Config::parse("plimsoll.toml", config).expect("it can be read");
    Policy::new(&config, &said, &stock(), Path::new(""))
}

fn on(config: &str, said: Said) -> String {
    let policy = policy(config, said).unwrap_or_else(|e| panic!("{config}: {e}"));
    policy.catalog.active.iter().map(|a| a.rule.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_runs_is_the_core_set_the_manuals_the_selection_less_what_is_ignored() {
    let said = Said::default;
    let list = |ids: &[&str]| ids.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let manual = |ids: &[&str]| Said { manuals: list(ids), ..Said::default() };
    let select = |ids: &[&str]| Said { select: list(ids), ..Said::default() };
    for (config, said, expected) in [
        ("", said(), "core-one young"),
        ("manuals = ['doc-009']", said(), "absence core-one young"),
        ("", manual(&["step-08"]), "absence core-one env-tracked young"),
        ("", manual(&["all"]), "absence core-one env-tracked nobody-asks young"),
        ("select = ['nobody-asks']", said(), "nobody-asks"),
        ("select = ['core', 'nobody-asks']\nignore = ['old-young']", said(), "core-one nobody-asks"),
        ("ignore = ['secrets']\nmanuals = ['doc-009']", said(), "young"),
        ("ignore = ['young']", select(&["pipeline"]), "env-tracked nobody-asks"),
        ("ignore = ['young']", select(&["young"]), "young"),
        ("select = ['all']\nignore = ['all']", said(), ""),
        ("", Said { ignore: list(&["pipeline"]), ..Said::default() }, "core-one"),
    ] {
        assert_eq!(on(config, said.clone()), expected, "{config} {said:?}");
    }
}

#[test]
fn a_rule_on_which_chosen_manuals_differ_waits_for_a_choice() {
    let both = "manuals = ['step-08', 'phase-10']\n";
    let undecided = policy(both, Said::default()).expect("right");
    assert!(undecided.catalog.get("env-tracked").is_none());
    assert_eq!(undecided.notes.iter().filter(|n| n.contains("C10")).count(), 1, "{:?}", undecided.notes);
    for (manual, runs) in [("step-08", true), ("phase-10", false)] {
        let text = format!("{both}[resolve]\nC10 = '{manual}'");
        let decided = policy(&text, Said::default()).expect("right");
        assert_eq!(decided.catalog.get("env-tracked").is_some(), runs, "{manual}");
        assert!(!decided.notes.iter().any(|n| n.contains("C10")), "{:?}", decided.notes);
    }
}

#[test]
fn severity_is_the_strictest_active_manuals_then_the_policys() {
    let own = |id: &str, level: &str| {
        let text = format!(
            "id = '{id}'\nprefix = '{id}'\ntitle = 'T'\n[severity]\nabsence = '{level}'\n[[clause]]\nid = '{id}/1'\n\
             section = 's'\nrequirement = 'r'\nkind = 'requirement'\ncheckable = 'static'\nseverity = 'note'\n\
             rules = ['absence']\n"
        );
        load_file("m.toml", &text).expect("right")
    };
    let mut stock = stock();
    stock.add_manual(own("strict", "error")).expect("right");
    stock.add_manual(own("mild", "note")).expect("right");
    for (text, expected) in [
        ("select = ['absence']", Severity::Warning),
        ("manuals = ['mild']", Severity::Note),
        ("manuals = ['strict']", Severity::Error),
        ("manuals = ['mild', 'strict']", Severity::Error),
        ("manuals = ['mild', 'doc-009']", Severity::Warning),
        ("manuals = ['strict']\n[severity]\nabsence = 'note'", Severity::Note),
    ] {
        let config = Config::parse("p", text).expect("right");
        let policy = Policy::new(&config, &Said::default(), &stock, Path::new("")).expect("right");
        assert_eq!(policy.catalog.get("absence").expect("on").severity, expected, "{text}");
    }
}

#[test]
fn a_name_that_means_nothing_is_an_error_at_its_place() {
    for (text, message, place, help) in [
        ("select = ['core-on']", "`core-on` is no rule", "'core-on'", "did you mean `core-one`?"),
        ("ignore = ['secret']", "`secret` is no rule", "'secret'", "did you mean `secrets`?"),
        ("manuals = ['doc-09']", "there is no manual `doc-09`", "'doc-09'", "did you mean `doc-009`?"),
        ("[severity]\nyuong = 'note'", "there is no rule `yuong`", "yuong", "did you mean `young`?"),
        ("[per-path.'a/']\nignore = ['yuong']", "`yuong` is no rule", "'yuong'", "did you mean `young`?"),
        ("locked = ['yuong']", "`yuong` is no rule", "'yuong'", "did you mean `young`?"),
        ("[resolve]\nC10 = 'step-8'", "there is no manual `step-8`", "'step-8'", "did you mean `step-08`?"),
        (
            "[resolve]\n'version.schema' = 'step-08'",
            "there is no topic",
            "'step-08'",
            "did you mean `version.scheme`?",
        ),
        ("[parameters]\n'friday.cutof' = '1'", "`friday.cutof`: unknown parameter", "", ""),
    ] {
        let error = policy(text, Said::default()).expect_err(text);
        assert!(error.message.starts_with(message), "{text}: {}", error.message);
        let span = error.span.expect("a place");
        let at = &text[span.offset()..span.offset() + span.len()];
        assert!(place.is_empty() || at == place, "{text}: {at}");
        assert!(help.is_empty() || error.help.as_deref() == Some(help), "{text}: {:?}", error.help);
    }
}

#[test]
fn a_teams_rule_cannot_take_an_id_that_is_there() {
    let mut stock = stock();
    let text = "id = 'young'\ntitle = 'T'\nseverity = 'note'\nconfidence = 'high'\nsince = '0.1'\nsubjects = 'files'\n\
                why = 'w'\nfix = 'f'\n[text]\npatterns = ['x']\nmessage = 'm'\n";
    let error = stock.add_rule("rules/young.toml", text).expect_err("it is there");
    assert!(error.message.contains("`young` is there in .plimsoll/rules/pipeline/young.toml too"), "{error}");
}

#[test]
fn previews_low_confidence_and_what_is_below_the_threshold_never_fail() {
    use crate::dispositions::Disposition;
    use crate::finding::Verdict;
    use crate::text::{FileId, Span};
    let settled = |rule: &str, severity, confidence, disposition| {
        let mut verdict = Verdict::new(rule, severity, confidence);
        verdict.fail(Span::start_of(FileId(0)), "s", "m");
        let files = vec![crate::source::MemoryFile::default()];
        let target = crate::source::Target::Memory { files, git: None };
        let source = crate::source::open(&target, &crate::source::Options::default()).expect("memory");
        let file = crate::facts::File::new(Span::start_of(FileId(0)), "a".into());
        let repository = crate::facts::Repository { files: vec![file], ..Default::default() };
        let quoted = crate::quote::quote(&source, &repository, verdict.findings, false).remove(0);
        Settled { quoted, disposition }
    };
    let by_default = policy("", Said::default()).expect("right");
    for (rule, severity, confidence, disposition, fails) in [
        ("core-one", Severity::Error, Confidence::High, None, true),
        ("core-one", Severity::Error, Confidence::Medium, None, true),
        ("core-one", Severity::Error, Confidence::Low, None, false),
        ("core-one", Severity::Warning, Confidence::High, None, false),
        ("core-one", Severity::Error, Confidence::High, Some(Disposition::Baseline), false),
        ("young", Severity::Error, Confidence::High, None, false),
    ] {
        let it = settled(rule, severity, confidence, disposition);
        assert_eq!(by_default.fails(&it), fails, "{rule} {severity} {confidence}");
    }
    let never = policy("fail-on = 'never'", Said::default()).expect("right");
    assert!(!never.fails(&settled("core-one", Severity::Error, Confidence::High, None)));
    let said = Said { fail_on: Some(Threshold::Note), ..Said::default() };
    let note = policy("fail-on = 'never'", said).expect("right");
    assert!(note.fails(&settled("core-one", Severity::Note, Confidence::High, None)));
}

#[test]
fn patterns_are_bound_to_the_folder_of_their_policy() {
    for (prefix, pattern, expected) in [
        ("", "vendor/", "vendor/"),
        ("a/", "vendor/", "/a/**/vendor/"),
        ("a/", "/vendor", "/a/vendor"),
        ("a/", "x/*.js", "/a/x/*.js"),
        ("a/", "!x.js", "!/a/**/x.js"),
    ] {
        assert_eq!(rooted(prefix, pattern), expected);
    }
}
