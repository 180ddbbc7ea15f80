//! Shell files, PowerShell files and batch files.

use super::names::{ends, ends_in_any_case, folder, name, vendored, within};
use super::scripts::script;
use super::{Parsed, Text, Want, commands};
use crate::facts::{Command, ScriptKind, path_target};
use crate::source::UnreadClass;
use crate::syntax::shell::{MAX_BYTES, Options};
use crate::text::{Passage, Span};

const ENDINGS: &[&str] = &[".sh", ".bash", ".zsh", ".ksh"];

/// Folders whose executables are often scripts.
const FOLDERS: &[&str] = &[
    "bin",
    "script",
    "scripts",
    "ci",
    ".ci",
    "tools",
    "tool",
    "hack",
    "build",
    "deploy",
    "ops",
    "hooks",
    ".githooks",
    ".husky",
];

/// A shell file by its ending, or an executable without one; whether that is shell, its first line tells.
pub(super) fn claims(path: &str, executable: bool) -> bool {
    let bare = !name(path).contains('.') && (executable || within(path, &[".husky", ".githooks"]));
    (ends(path, ENDINGS) || bare && (within(path, FOLDERS) || folder(path).is_empty())) && !vendored(path)
}

pub(super) fn claims_powershell(path: &str, _: bool) -> bool {
    ends_in_any_case(path, &[".ps1", ".psm1", ".bat", ".cmd"]) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let husky = within(text.path, &[".husky"]);
    if !(is_shell(text.text).unwrap_or(ends(text.path, ENDINGS) || husky)) {
        return parsed;
    }
    if text.text.len() > MAX_BYTES {
        let reason = "larger than 1 MiB: its commands were not read".to_owned();
        parsed.problems.push((UnreadClass::TooLarge, reason));
        return parsed;
    }
    let passage = Passage::contiguous(text.file, text.text, 0);
    let commands = commands::lower(&passage, Options::default(), &[]);
    push(text, ScriptKind::Shell, commands, &mut parsed);
    parsed
}

pub(super) fn parse_powershell(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let passage = Passage::contiguous(text.file, text.text, 0);
    let commands = commands::lower_lines(&passage, &[]);
    push(text, ScriptKind::PowerShell, commands, &mut parsed);
    parsed
}

fn push(text: &Text<'_>, kind: ScriptKind, commands: Vec<Command>, parsed: &mut Parsed) {
    parsed.wants = commands.iter().flat_map(|c| wants(c, folder(text.path))).collect();
    parsed.wants.sort();
    parsed.wants.dedup();
    let guarded = guarded(&commands);
    let mut file = script(Span::start_of(text.file), text.path.to_owned(), kind, commands);
    file.guarded = guarded;
    file.target = path_target(text.path, text.file, text.environments);
    parsed.facts.scripts.push(file);
}

/// Whether the first line names a shell; `None` if it names nothing.
fn is_shell(text: &str) -> Option<bool> {
    let line = text.trim_start_matches('\u{feff}').strip_prefix("#!")?.lines().next().unwrap_or("");
    let mut words = line.split_whitespace().map(name).filter(|w| !w.starts_with('-') && !w.contains('='));
    let program = words.next().filter(|p| *p != "env").or_else(|| words.next());
    Some(program.is_some_and(|p| matches!(p, "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "mksh")))
}

/// Scripts that a command runs: from the root, from the script's own folder, or from where a variable
/// such as `$(dirname "$0")` points.
fn wants(command: &Command, folder: &str) -> Vec<Want> {
    let mut found: Vec<Want> = Vec::new();
    found.extend(commands::called_script(command, None));
    found.extend(commands::called_script(command, Some(folder)));
    let runs = matches!(command.program.as_str(), "bash" | "sh" | "source" | ".");
    let path = if runs { command.arg(0).unwrap_or("") } else { command.program_word.as_str() };
    if path.starts_with('$')
        && let Some(at) = path.rfind([')', '}']).or_else(|| path.find('/').map(|at| at - 1))
        && let Some(rest) = path[at + 1..].strip_prefix('/')
    {
        found.extend(commands::script_want(rest, None));
        found.extend(commands::script_want(rest, Some(folder)));
    }
    found
}

/// Variables that CI services set.
const CI: &[&str] = &[
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "BUILD_ID",
    "CODEBUILD_BUILD_ID",
    "CIRCLECI",
    "JENKINS_URL",
    "BUILDKITE",
];

/// Whether the script ends before it does anything unless a CI service runs it: `[ -n "$CI" ] || exit 1`,
/// `if [ -z "$CI" ]; then exit 1; fi`, `: "${CI:?}"`.
fn guarded(commands: &[Command]) -> bool {
    for command in commands.iter().filter(|c| c.function.is_none()) {
        match command.program.as_str() {
            ":" => {
                let demanded = |name: &&str| {
                    let forms = [format!("${{{name}:?"), format!("${{{name}?")];
                    command.args.iter().any(|w| forms.iter().any(|f| w.text.contains(f.as_str())))
                };
                if CI.iter().any(demanded) {
                    return true;
                }
            }
            "exit" if command.conditions.iter().any(|c| outside_ci(c)) => return true,
            "exit" | "set" | "[" | "[[" | "test" | "echo" | "printf" | "cd" | "shopt" | "export"
            | "readonly" => {}
            _ => return false,
        }
    }
    false
}

/// Whether a condition holds only where no CI service set its variable.
fn outside_ci(condition: &str) -> bool {
    let (negated, test) = match condition.strip_prefix("! ") {
        Some(test) => (true, test),
        None => (false, condition),
    };
    let mentions = |name: &&str| {
        [
            format!("${{{name}}}"),
            format!("${{{name}:-}}"),
            format!("${{{name}-}}"),
            format!("${{{name}:-false}}"),
        ]
        .iter()
        .any(|form| test.contains(form.as_str()))
            || test.match_indices(&format!("${name}")).any(|(at, found)| {
                !test[at + found.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
    };
    if test.contains("&&") || test.contains("||") || !CI.iter().any(mentions) {
        return false;
    }
    let absent = test.contains("-z ") || test.contains("!=") || test.contains("-ne ");
    absent != negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    #[test]
    fn a_shell_file_is_a_script_with_its_commands() {
        let text = "#!/usr/bin/env bash\nset -e\nkubectl apply -f k8s/ || true\n. \"$(dirname \"$0\")/lib.sh\"\n./next.sh prod\nbash \"$ROOT/ci/x.sh\"\n";
        let parsed = samples::read(parse, "ci/deploy-prod.sh", text);
        let script = &parsed.facts.scripts[0];
        assert_eq!((script.name.as_str(), script.guarded), ("ci/deploy-prod.sh", false));
        assert!(script.target.as_ref().is_some_and(|t| t.is(crate::facts::Stage::Production)));
        let apply = script.commands.iter().find(|c| c.program == "kubectl").expect("it is there");
        assert_eq!(&text[apply.place.range()], "kubectl apply -f k8s/");
        assert!(apply.tolerated.is_some());
        let wanted: Vec<&str> = parsed.wants.iter().map(|w| w.path.as_str()).collect();
        assert_eq!(wanted, ["ci/ci/x.sh", "ci/lib.sh", "ci/next.sh", "ci/x.sh", "lib.sh", "next.sh"]);
    }

    #[test]
    fn the_first_line_tells_whether_an_executable_is_shell() {
        for (path, text, shell) in [
            ("bin/a", "#!/bin/sh\nls", true),
            ("bin/a", "#!/usr/bin/env -S bash -eu\nls", true),
            ("bin/a", "#!/usr/bin/env python3\nls", false),
            ("bin/a", "ls", false),
            ("a.sh", "ls", true),
            ("a.sh", "#!/usr/bin/env python\nls", false),
            (".husky/pre-commit", "npm test", true),
        ] {
            assert_eq!(!samples::read(parse, path, text).facts.scripts.is_empty(), shell, "{path}: {text}");
        }
        assert!(
            claims("scripts/deploy", true) && !claims("scripts/deploy", false) && !claims("src/main.c", true)
        );
        assert!(claims_powershell("Deploy.PS1", false));
        samples::endure(parse, "a.sh");
        samples::endure(parse_powershell, "a.ps1");
    }

    #[test]
    fn a_script_that_ends_outside_ci_is_guarded() {
        for (text, guard) in [
            ("[ -n \"$CI\" ] || exit 1\nkubectl apply", true),
            ("[[ -z \"${CI:-}\" ]] && exit 1\nkubectl apply", true),
            (
                "set -eu\nif [ \"$GITHUB_ACTIONS\" != \"true\" ]; then\n echo no\n exit 1\nfi\nkubectl apply",
                true,
            ),
            (": \"${CI:?only in CI}\"\nkubectl apply", true),
            ("if [ -n \"$CI\" ]; then exit 0; fi\nkubectl apply", false),
            ("kubectl apply\n[ -n \"$CI\" ] || exit 1", false),
            ("[ -n \"$CIRCUS\" ] || exit 1\nkubectl apply", false),
            ("kubectl apply", false),
        ] {
            assert_eq!(samples::read(parse, "a.sh", text).facts.scripts[0].guarded, guard, "{text}");
        }
    }
}
