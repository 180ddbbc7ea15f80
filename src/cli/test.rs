//! `plimsoll test`: runs the examples of a team's own rules and kinds of credentials.

use super::Exit;
use super::args::{Choice, Test};
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::Plan;
use crate::examples;
use crate::rule::{Catalog, Rule, load_examples};

pub(super) fn run(test: &Test) -> Result<Exit, Failure> {
    let choice = Choice { rules: test.folders.clone(), ..Choice::default() };
    let plan = Plan::new(&[], &choice, None)?;
    let own: Vec<&Rule> = plan.stock.rules.values().filter(|rule| !is_builtin(rule)).collect();
    if own.is_empty() && plan.stock.kinds.is_empty() {
        return Err(Failure::new(
            "there are no rules and no kinds of credentials of your own",
            "put rule files into `.plimsoll/rules/`, or name their folder: `plimsoll test DIR`; put files of kinds \
             into `.plimsoll/kinds/`",
        ));
    }
    let others = Catalog::new(plan.stock.rules.values().filter(|rule| is_builtin(rule)).cloned());
    // Who opens the stock has run the examples of kinds: one that failed had ended the run.
    let mut good: usize = plan.stock.kinds.iter().map(|file| file.examples()).sum();
    let mut bad = 0;
    let mut text = String::new();
    for rule in own {
        let path = plan.root.join(&rule.path);
        let whole = std::fs::read_to_string(&path).map_err(|e| Failure::io("read", &path, &e))?;
        let all = load_examples(&rule.path, &whole)?;
        if all.is_empty() {
            text += &format!("{}: no examples\n", rule.id);
            bad += 1;
        }
        for example in all {
            let complaints = examples::run(rule, &others, &example);
            if complaints.is_empty() {
                good += 1;
                continue;
            }
            bad += 1;
            text += &format!("{}: {}\n", rule.id, example.name);
            for complaint in complaints {
                text += &format!("    {}\n", complaint.replace('\n', "\n    "));
            }
        }
    }
    text += &format!("{good} passed, {bad} failed\n");
    to_stdout(text.as_bytes())?;
    Ok(if bad == 0 { Exit::Passed } else { Exit::Found })
}

fn is_builtin(rule: &Rule) -> bool {
    crate::rule::builtin_heads().any(|head| head.path == rule.path)
}
