use super::*;
use crate::dispositions::Disposition;
use crate::report::{Revision, sample};
use serde_json::Value;

fn log(report: &Report) -> Value {
    serde_json::from_slice(&write(report, &Style::default())).unwrap()
}

fn run(report: &Report) -> Value {
    log(report)["runs"][0].clone()
}

/// The sample, with the places that are hard to write: several lines, the end of a file, a long line,
/// a mask, wide characters, an empty file, odd paths.
fn hard() -> Report {
    let mut report = sample::report();
    let rule = &report.rules[1].clone();
    let mut add = |path: &str, text: &str, range: std::ops::Range<usize>, subject: &str| {
        let quote = sample::quote_at(path, text, range);
        report.findings.push(sample::settled(
            rule,
            quote,
            "It holds [a](https://example.com) and {0}",
            subject,
        ));
    };
    add("empty.env", "", 0..0, "empty");
    add("one line.yml", "a: b", 0..4, "whole file");
    add("dir/é#x.yml", "a: '😀' # b\r\nc: d\r\n", 10..13, "wide");
    add("long.sh", &"echo 'a long line of text' | sh\n".repeat(90), 0..2800, "long");
    add("minified.js", &"x".repeat(399), 5..9, "minified");
    add("C:/drive.yml", "a: ****\n", 3..7, "masked");
    report.findings.last_mut().unwrap().quoted.quote.masked = true;
    report.revision = Some(Revision {
        commit: "0".repeat(40),
        branch: Some("main".into()),
        remote: Some("https://someone@example.com/o/r.git".into()),
    });
    report
}

#[test]
fn the_log_is_written_for_the_validator() {
    // The validators of SARIF's consumers run on these files; here they need only be the same each time.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/sarif");
    let folder = folder.as_path();
    std::fs::create_dir_all(folder).unwrap();
    for (name, report) in [("sample", sample::report()), ("hard", hard()), ("empty", Report::default())] {
        let bytes = write(&report, &Style::default());
        assert_eq!(bytes, write(&report.clone(), &Style::default()));
        crate::report::write_whole(&folder.join(format!("{name}.sarif")), &bytes).unwrap();
    }
}

#[test]
fn only_active_failures_are_results() {
    let report = sample::report();
    let rules: Vec<Value> =
        run(&report)["results"].as_array().unwrap().iter().map(|r| r["ruleId"].clone()).collect();
    assert_eq!(rules, ["staging-skipped", "image-floating", "piped-to-shell"]);
    let mut report = report;
    for settled in &mut report.findings {
        settled.disposition = Some(Disposition::Baseline);
    }
    assert_eq!(run(&report)["results"], Value::Array(Vec::new()));
}

#[test]
fn two_findings_of_one_rule_on_one_line_are_one_result_with_both_places() {
    let run = run(&sample::report());
    let result = &run["results"][2];
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startColumn"], 5);
    let other = &result["relatedLocations"][0];
    assert_eq!(other["physicalLocation"]["region"]["startColumn"], 44);
    assert_eq!(other["message"]["text"], "`curl https://example.com/y` is run without being checked.");
    assert!(result["message"]["text"].as_str().unwrap().contains("](1)"), "{result}");
}

#[test]
fn every_rule_that_ran_is_described_and_linked() {
    let report = sample::report();
    let run = run(&report);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), report.rules.len());
    for result in run["results"].as_array().unwrap() {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
    }
    let names: Vec<&Value> = run["taxonomies"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["DOC-009", "SPEC-0701", "CWE"]);
    for relationship in rules.iter().flat_map(|r| r["relationships"].as_array().into_iter().flatten()) {
        let target = &relationship["target"];
        let component = &run["taxonomies"][target["toolComponent"]["index"].as_u64().unwrap() as usize];
        assert_eq!(component["name"], target["toolComponent"]["name"]);
        assert_eq!(component["taxa"][target["index"].as_u64().unwrap() as usize]["id"], target["id"]);
    }
}

#[test]
fn a_place_is_whole() {
    let run = run(&hard());
    for result in run["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        for key in ["startLine", "startColumn", "endLine", "endColumn", "charOffset", "charLength"] {
            assert!(place["region"][key].is_u64(), "{key} of {place}");
        }
        let snippet = place["contextRegion"]["snippet"]["text"].as_str().unwrap_or("");
        assert!(snippet.len() <= 2048, "{snippet}");
    }
    let wide =
        &run["results"].as_array().unwrap().iter().find(|r| r["locations"].to_string().contains("%C3%A9"));
    let region = &wide.unwrap()["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startColumn"], &region["snippet"]["text"]), (&9.into(), &"# b".into()));
}

#[test]
fn results_are_sorted_by_place() {
    let run = run(&hard());
    let key = |r: &Value| {
        let place = &r["locations"][0]["physicalLocation"];
        let number = |key: &str| place["region"][key].as_u64().unwrap();
        let uri = place["artifactLocation"]["uri"].as_str().unwrap().to_owned();
        (uri, number("startLine"), number("startColumn"), r["ruleId"].as_str().unwrap().to_owned())
    };
    assert!(run["results"].as_array().unwrap().is_sorted_by_key(key));
}

#[test]
fn what_was_not_read_is_a_notification() {
    let invocation = run(&sample::report())["invocations"][0].clone();
    let notes = invocation["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[0]["descriptor"]["id"], "unread-unparsed");
    let place = &notes[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(place, "deploy/values.yaml");
}

#[test]
fn masks_and_remotes_are_declared_without_secrets() {
    let run = run(&hard());
    assert_eq!(run["redactionTokens"][0], "*");
    assert_eq!(run["versionControlProvenance"][0]["repositoryUri"], "https://example.com/o/r.git");
    assert!(!log(&sample::report()).to_string().contains("redactionTokens"));
}

#[test]
fn a_message_is_what_the_repository_says_and_no_more() {
    let run = run(&hard());
    let results = run["results"].as_array().unwrap();
    let odd = results.iter().find(|r| r["message"]["text"].to_string().contains("It holds")).unwrap();
    assert_eq!(odd["message"]["text"], r"It holds \[a\](https://example.com) and {0}.");
    assert!(odd["message"]["arguments"].is_null());
    let plain = results.iter().find(|r| r["ruleId"] == "image-floating").unwrap();
    assert_eq!(plain["message"]["id"], "default");
    assert_eq!(format!("{}.", plain["message"]["arguments"][0].as_str().unwrap()), plain["message"]["text"]);
}
