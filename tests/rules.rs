//! One test per rule: its own examples hold.

use plimsoll::readers::{READERS, claim};
use plimsoll::rule::{Catalog, Example, Rule, builtin_heads, builtin_tail, load, load_examples};
use plimsoll::{checks, examples};
use std::collections::BTreeSet;
use std::sync::OnceLock;

fn all() -> &'static Vec<Rule> {
    static ALL: OnceLock<Vec<Rule>> = OnceLock::new();
    ALL.get_or_init(|| {
        let names = checks::names();
        builtin_heads()
            .map(|head| load(head.path, head.text, &names).unwrap_or_else(|e| panic!("{}: {e}", head.path)))
            .collect()
    })
}

fn examples_of(path: &str) -> Vec<Example> {
    let tail = builtin_tail(path).expect("every rule file has a tail");
    load_examples(path, tail).unwrap_or_else(|e| panic!("{path}: {e:?}"))
}

/// The families on how software reaches production.
const DELIVERY: &[&str] = &["build", "deployment", "environments", "pipeline", "scripts"];

/// A subject that many dialects have is shown in at least three; what looks most like the defect and is none,
/// at least three times.
#[test]
fn rules_on_delivery_are_shown_in_three_dialects_and_three_hard_negatives() {
    let mut complaints = Vec::new();
    for rule in all().iter().filter(|r| DELIVERY.contains(&r.family.as_str())) {
        let examples = examples_of(&rule.path);
        let shown: BTreeSet<String> = examples.iter().filter(|e| e.bad).flat_map(dialects).collect();
        match (&rule.only_in, shown.len()) {
            (None, 0..3) => complaints.push(format!("{}: bad examples only in {shown:?}", rule.path)),
            (Some(place), 3..) => complaints.push(format!("{}: not only in {place}: {shown:?}", rule.path)),
            _ => {}
        }
        let good = examples.iter().filter(|e| !e.bad).count();
        if good < 3 {
            complaints.push(format!("{}: {good} good examples", rule.path));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What the files that carry marks are written in: a CI dialect, a tool's file, a language.
fn dialects(example: &Example) -> BTreeSet<String> {
    let marked = example.files.iter().filter(|f| !f.expected.is_empty() || example.at.contains(&f.file.path));
    let dialect = |path: &str, text: &str, executable: bool| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
        let object = text.lines().find_map(|l| l.strip_prefix("apiVersion: "));
        if text.starts_with("AWSTemplateFormatVersion") {
            return "cloudformation".to_owned();
        }
        match (object, claim(path, executable).map(|reader| READERS[reader].kind)) {
            (Some(version), _) => controller(version, text),
            // These readers take many formats and languages.
            (None, Some("config" | "manifest" | "migration" | "powershell" | "version") | None) => {
                ending.to_owned()
            }
            (None, Some(kind)) => kind.to_owned(),
        }
    };
    let of = marked
        .map(|f| dialect(&f.file.path, std::str::from_utf8(&f.file.bytes).unwrap_or(""), f.file.executable));
    of.collect()
}

/// Kubernetes' own objects are one dialect; those of each controller that is installed in it are another.
fn controller(version: &str, text: &str) -> String {
    match version.split_once('/') {
        Some((group, _)) if group.contains('.') && !group.ends_with(".k8s.io") => {
            let kind = text.lines().find_map(|l| l.strip_prefix("kind: ")).unwrap_or("");
            // One project, several tools.
            let tool = if group == "argoproj.io" { kind } else { "" };
            format!("{group} {tool}")
        }
        _ => "kubernetes".to_owned(),
    }
}

fn examples_hold(path: &str) {
    let rule = all().iter().find(|r| r.path == path).expect("build.rs lists existing files");
    let examples = examples_of(path);
    assert!(examples.iter().any(|e| e.bad), "{path} has no bad example");
    assert!(examples.iter().any(|e| !e.bad), "{path} has no good example");
    let core = Catalog::new(all().iter().filter(|r| r.core).cloned());
    let mut complaints = Vec::new();
    for example in &examples {
        for complaint in examples::run(rule, &core, example) {
            complaints.push(format!(
                "  {} example \"{}\": {complaint}",
                if example.bad { "bad" } else { "good" },
                example.name
            ));
        }
    }
    assert!(complaints.is_empty(), "{path}\n{}", complaints.join("\n"));
}

#[test]
fn rules_yield_to_rules_that_exist() {
    for rule in all() {
        let unknown = rule.yields_to.iter().find(|id| !all().iter().any(|r| r.id == **id));
        assert_eq!(unknown, None, "{}", rule.path);
    }
}

include!(concat!(env!("OUT_DIR"), "/rule_tests.rs"));
