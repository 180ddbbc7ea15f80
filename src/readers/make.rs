//! Makefiles: one script per target.
//! <https://www.gnu.org/software/make/manual/make.html>

use super::names::{folder, name, target, vendored};
use super::scripts::{join, script};
use super::{Parsed, Text, commands};
use crate::facts::{Command, How, Script, ScriptKind, Setting, SettingSource, Tolerance, Value};
use crate::source::UnreadClass;
use crate::syntax::makefile::{self, Makefile, RecipeLine};
use crate::syntax::shell::Options;
use crate::text::{Passage, Span};
use std::collections::{HashMap, HashSet};

/// Commands and prerequisites over all targets; a file with more is generated. A recipe counts once for
/// each target that shares it.
const MOST_PARTS: usize = 100_000;

pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = name(path);
    (matches!(name, "Makefile" | "makefile" | "GNUmakefile") || name.ends_with(".mk")) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let file = makefile::parse(text.file, text.text);
    let settings = literals(&file);
    let options = shell_options(&file);
    let mut scripts: Vec<Script> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    let (mut budget, mut cut) = (MOST_PARTS, false);
    for rule in &file.rules {
        let recipe = recipe(&file, &rule.recipe, options, &settings);
        let mut seen = HashSet::new();
        for name in rule.targets.iter().filter(|t| !is_special(&t.value) && seen.insert(&t.value)) {
            let parts = 1 + recipe.len() + rule.prerequisites.len();
            let Some(rest) = budget.checked_sub(parts) else {
                cut = true;
                break;
            };
            budget = rest;
            let at = *index.entry(&name.value).or_insert_with(|| {
                let full = format!("{}:{}", text.path, name.value);
                let mut new = script(name.span, full, ScriptKind::Make, Vec::new());
                new.target = target(&name.value, name.span, text);
                scripts.push(new);
                scripts.len() - 1
            });
            let script = &mut scripts[at];
            script.calls.extend(rule.prerequisites.iter().map(|p| p.value.clone()));
            script.calls.extend(recipe.iter().flat_map(called));
            join(&mut script.commands, recipe.clone());
        }
    }
    if cut {
        parsed.problems.push((UnreadClass::Partly, "it has more targets than are read".into()));
    }
    for script in &mut scripts {
        script.calls.retain(|c| index.contains_key(c.as_str()));
        script.calls.sort();
        script.calls.dedup();
        script.calls = script.calls.iter().map(|c| format!("{}:{c}", text.path)).collect();
        let here = Some(folder(text.path));
        parsed.wants.extend(script.commands.iter().filter_map(|c| commands::called_script(c, here)));
    }
    parsed.wants.sort();
    parsed.wants.dedup();
    parsed.facts.scripts = scripts;
    parsed.facts.settings = settings;
    parsed
}

/// `.PHONY` and its like, and pattern rules, which stand for no target of their own.
fn is_special(name: &str) -> bool {
    name.contains(['%', '$'])
        || name.strip_prefix('.').is_some_and(|r| r.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Variables with one value that the file writes out; recipes see them.
fn literals(file: &Makefile) -> Vec<Setting> {
    let global = file.variables.iter().filter(|v| v.targets.is_empty());
    let whole =
        global.filter(|v| !matches!(v.operator.as_str(), "+=" | "!=") && !v.value.value.contains('$'));
    let given = whole.filter(|v| !v.name.value.contains('$'));
    given
        .map(|v| Setting {
            place: v.value.span,
            key: v.name.value.clone(),
            path: v.name.value.clone(),
            setting: Value::Known(v.value.value.clone()),
            source: SettingSource::Script,
            target: None,
            key_place: v.name.span,
        })
        .collect()
}

/// `.SHELLFLAGS` decides whether `-e` and `pipefail` hold; without it make calls `sh -c`.
fn shell_options(file: &Makefile) -> Options {
    let flags =
        file.variables.iter().rev().find(|v| v.name.value == ".SHELLFLAGS").map(|v| v.value.value.as_str());
    let flags = flags.unwrap_or("-c");
    let errexit =
        flags.split_whitespace().any(|f| f.starts_with('-') && !f.starts_with("--") && f.contains('e'));
    Options { errexit: Some(errexit), pipefail: Some(flags.contains("pipefail")) }
}

fn recipe(file: &Makefile, lines: &[RecipeLine], options: Options, settings: &[Setting]) -> Vec<Command> {
    let mut all = Vec::new();
    if let (true, Some(first)) = (file.oneshell, lines.first()) {
        let mut whole = Passage::new(first.shell.file(), first.span.start as usize);
        for line in lines {
            whole.append(&line.shell, 0..line.shell.text().len());
            let end = line.span.end as usize;
            whole.push_meaning("\n", end..end);
        }
        let mut commands = commands::lower(&whole, options, settings);
        // Only the first line's prefix holds for all.
        tolerate(&mut commands, first.tolerated);
        return commands;
    }
    for line in lines {
        let mut commands = commands::lower(&line.shell, options, settings);
        tolerate(&mut commands, line.tolerated);
        join(&mut all, commands);
    }
    all
}

fn tolerate(commands: &mut [Command], dash: Option<Span>) {
    let Some(place) = dash else { return };
    for command in commands.iter_mut().filter(|c| c.tolerated.is_none()) {
        command.tolerated = Some(Tolerance { place, how: How::Dash, applies: Value::Known(true) });
    }
}

/// Targets that a command makes in the same folder.
fn called(command: &Command) -> Vec<String> {
    let make = matches!(command.program.as_str(), "make" | "gmake" | "${MAKE}" | "$MAKE" | "$(MAKE)");
    if !make || command.has_flag(&["-C", "--directory", "-f", "--file", "--makefile"]) {
        return Vec::new();
    }
    let words = command.args.iter().map(|w| w.text.as_str());
    words.filter(|w| !w.starts_with('-') && !w.contains('=')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    #[test]
    fn a_target_is_a_script_with_what_it_runs_first() {
        let text = "IMAGE := shop\n.PHONY: deploy test\n\ndeploy-prod: test build ## ships\n\t-kubectl delete job x\n\tdocker push $(IMAGE)\n\t$(MAKE) smoke\n\t@./ci/notify.sh | tee log\n\ntest build:\n\tgo test ./... || true\nsmoke:\n\tcurl x | jq . \n";
        let parsed = samples::read(parse, "api/Makefile", text);
        let names: Vec<&str> = parsed.facts.scripts.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["deploy-prod", "test", "build", "smoke"].map(|n| format!("api/Makefile:{n}")));
        let deploy = &parsed.facts.scripts[0];
        assert_eq!(deploy.calls, ["build", "smoke", "test"].map(|n| format!("api/Makefile:{n}")));
        assert!(deploy.target.as_ref().is_some_and(|t| t.is(crate::facts::Stage::Production)));
        let dash = deploy.commands[0].tolerated.as_ref().expect("it has a dash");
        assert_eq!((dash.how, &text[dash.place.range()]), (How::Dash, "-"));
        assert_eq!(deploy.commands[1].args[1].values, ["shop"]);
        assert_eq!(&text[deploy.commands[1].args[1].place.range()], "$(IMAGE)");
        assert!(deploy.commands[1].tolerated.is_none());
        assert_eq!(parsed.wants[0].path, "api/ci/notify.sh");
        assert_eq!(parsed.facts.scripts[1].commands[0].tolerated.as_ref().map(|t| t.how), Some(How::OrTrue));
    }

    #[test]
    fn shell_flags_decide_whether_a_pipeline_can_hide_a_failure() {
        let first = |text: &str| {
            samples::read(parse, "Makefile", text).facts.scripts[0].commands[0]
                .tolerated
                .as_ref()
                .map(|t| t.how)
        };
        assert_eq!(first("a:\n\tgo test | tee log\n"), Some(How::PipeMasked));
        assert_eq!(first(".SHELLFLAGS := -eu -o pipefail -c\na:\n\tgo test | tee log\n"), None);
    }

    #[test]
    fn makefiles_are_claimed_by_name() {
        assert!(claims("Makefile", false) && claims("a/x.mk", false) && !claims("Makefile.am", false));
        samples::endure(parse, "Makefile");
        samples::read(parse, "Makefile", &format!("{}:\n\tx\n", "a ".repeat(20_000)));
    }
}
