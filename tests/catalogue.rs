//! What rules, clauses and manuals say of each other.

mod common;

use std::collections::BTreeSet;

use common::Repository;
use plimsoll::checks;
use plimsoll::finding::Confidence;
use plimsoll::policy::Stock;
use plimsoll::rule::Matcher;
use serde_json::Value as Json;

fn stock() -> Stock {
    Stock::builtin(checks::names())
}

fn list(arguments: &str) -> Vec<Json> {
    let said = Repository::bare(&[]).run(arguments);
    assert_eq!(said.code, 0, "{arguments}: {}", said.err);
    serde_json::from_str::<Json>(&said.out).expect("JSON").as_array().expect("a list").clone()
}

fn texts<'a>(list: &'a Json, key: Option<&str>) -> BTreeSet<&'a str> {
    let item = |one: &'a Json| key.map_or(one, |key| &one[key]).as_str().expect("a text");
    list.as_array().expect("a list").iter().map(item).collect()
}

#[test]
fn every_rule_names_clauses_that_some_manual_has() {
    let stock = stock();
    let clauses: BTreeSet<&str> = stock
        .manual_ids()
        .into_iter()
        .flat_map(|id| &stock.manual(id).expect("it is listed").clauses)
        .map(|clause| clause.id.as_str())
        .collect();
    for rule in stock.rules.values() {
        assert!(!rule.clauses.is_empty(), "{} serves no clause", rule.id);
        let named: BTreeSet<&str> = rule.clauses.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(named.len(), rule.clauses.len(), "{} names a clause twice", rule.id);
        for clause in named {
            assert!(clauses.contains(clause), "{} names {clause}", rule.id);
        }
    }
}

#[test]
fn the_lists_hold_every_rule_and_every_clause_and_agree() {
    let stock = stock();
    let (rules, clauses) = (list("rule --format json"), list("clause --format json"));
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().expect("a text")).collect();
    assert_eq!(ids, stock.rules.keys().map(String::as_str).collect());
    let all = stock.manual_ids().into_iter().map(|id| stock.manual(id).expect("listed").clauses.len());
    assert_eq!(clauses.len(), all.sum::<usize>());
    for rule in &rules {
        for id in texts(&rule["clauses"], Some("id")) {
            let clause = clauses.iter().find(|clause| clause["id"] == id).expect("it exists");
            assert!(texts(&clause["rules"], None).contains(rule["id"].as_str().expect("a text")), "{id}");
        }
        assert!(["why", "fix", "title"].iter().all(|key| rule[key].as_str().is_some_and(|t| !t.is_empty())));
    }
    for clause in &clauses {
        for id in texts(&clause["rules"], None) {
            let rule = rules.iter().find(|rule| rule["id"] == id).expect("it exists");
            assert!(texts(&rule["clauses"], Some("id")).contains(clause["id"].as_str().expect("a text")));
        }
    }
}

/// Architecture's law of the core set. Which bytes a rule points at, its examples hold.
#[test]
fn the_core_set_is_certain_uncontested_and_asks_for_nothing_that_is_absent() {
    for rule in stock().rules.values().filter(|rule| rule.core) {
        assert!(rule.confidence >= Confidence::Medium, "{} is a guess", rule.id);
        assert_eq!(rule.contested, None, "{} is contested", rule.id);
        assert!(!rule.id.ends_with("-missing"), "{} names an absence", rule.id);
        if let Matcher::Facts(facts) = &rule.matcher {
            assert!(facts.nowhere.is_none(), "{} asks for an absence", rule.id);
        }
    }
}

/// A manual may grade rules that a later version brings; a name that nearly is a rule's is a mistake.
#[test]
fn manuals_grade_rules_that_exist_or_are_yet_to_come() {
    let stock = stock();
    for id in stock.manual_ids() {
        for graded in stock.manual(id).expect("it is listed").severity.keys() {
            let misspelt = |rule: &&String| (1..=2).contains(&strsim::damerau_levenshtein(rule, graded));
            assert_eq!(stock.rules.keys().find(misspelt), None, "{id} grades {graded}");
            assert!(graded.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit()));
        }
    }
}

#[test]
fn the_schema_of_facts_explains_every_field() {
    let said = Repository::bare(&[]).run("facts --schema");
    let schema: Json = serde_json::from_str(&said.out).expect("JSON");
    let kinds = schema["$defs"].as_object().expect("an object");
    assert!(
        ["pipeline", "job", "step", "command", "setting", "credential"]
            .iter()
            .all(|k| kinds.contains_key(*k))
    );
    for (kind, of) in kinds.iter().filter(|(kind, _)| *kind != "place") {
        for (field, of) in of["properties"].as_object().expect("an object") {
            let doc = of["description"].as_str().unwrap_or_default();
            assert!(doc.len() > 8, "{kind}.{field}");
        }
    }
    // A credential's value is no field of it.
    assert!(kinds["credential"]["properties"].get("value").is_none());
}
