//! One test per rule: its own examples hold.

use plimsoll::rule::{Catalog, Rule, builtin_heads, builtin_tail, load, load_examples};
use plimsoll::{checks, examples};
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

fn examples_hold(path: &str) {
    let rule = all().iter().find(|r| r.path == path).expect("build.rs lists existing files");
    let tail = builtin_tail(path).expect("every rule file has a tail");
    let examples = load_examples(path, tail).unwrap_or_else(|e| panic!("{path}: {e:?}"));
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
