//! Documents that tell people what to do: headings, and commands in code blocks.
//! <https://spec.commonmark.org/0.31.2/>

use super::names::{ends, name, target, vendored, within};
use super::scripts::script;
use super::{Parsed, Text, commands, notes};
use crate::facts::{Caller, ScriptKind, Section};
use crate::lexicon::commands::Commands;
use crate::source::UnreadClass;
use crate::syntax::markdown::{self, CodeBlock, Markdown};
use crate::syntax::shell::Options;
use crate::text::Passage;

/// Larger documents are generated.
const LARGEST: usize = 1 << 20;

/// Names of documents about working on, delivering and running the thing, in capitals.
const NAMES: &[&str] = &[
    "README",
    "CONTRIBUTING",
    "DEPLOY",
    "RELEASE",
    "RELEASING",
    "RUNBOOK",
    "OPERATIONS",
    "OPS",
    "ROLLBACK",
    "INCIDENT",
    "MIGRAT",
    "INSTALL",
    "SETUP",
    "DEVELOP",
    "HACKING",
    "PLAYBOOK",
    "PRODUCTION",
    "STAGING",
    "BACKUP",
    "RESTORE",
    "MAINTENANCE",
    "ONBOARDING",
    "TROUBLESHOOT",
    "ENVIRONMENT",
    "HOTFIX",
    "SECURITY",
    "DISASTER",
    "UPGRAD",
    "DRILL",
    "REHEARS",
];

/// Folders of such documents. `docs` counts only at the root and one level deep: what lies deeper is the
/// manual of a product.
const FOLDERS: &[&str] = &[
    "runbooks",
    "runbook",
    "ops",
    "operations",
    "playbooks",
    "deploy",
    "deployment",
    "infra",
    "sre",
    "oncall",
    "drills",
    "evidence",
];

pub(super) fn claims(path: &str, _: bool) -> bool {
    if !ends(path, &[".md", ".mdx", ".markdown"]) || vendored(path) {
        return false;
    }
    let upper = name(path).to_ascii_uppercase();
    let shallow =
        ["docs/", "doc/"].iter().any(|d| path.strip_prefix(d).is_some_and(|r| r.matches('/').count() <= 1));
    shallow || NAMES.iter().any(|n| upper.contains(n)) || within(path, FOLDERS)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    if text.text.len() > LARGEST {
        let reason = "larger than 1 MiB: its headings and code were not read".to_owned();
        parsed.problems.push((UnreadClass::TooLarge, reason));
        return parsed;
    }
    let document = markdown::parse(text.file, text.text);
    sections(&document, &mut parsed);
    for block in document.code.iter().filter(|b| b.fenced) {
        fence(&document, block, text, &mut parsed);
    }
    if notes::is_notes(text.path) {
        parsed.facts.release_notes = notes::entries(text);
    }
    parsed
}

fn sections(document: &Markdown, parsed: &mut Parsed) {
    let mut texts = vec![String::new(); document.headings.len()];
    for line in &document.prose {
        if let Some(text) = line.heading.and_then(|h| texts.get_mut(h)) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line.text);
        }
    }
    for (index, (heading, text)) in document.headings.iter().zip(texts).enumerate() {
        parsed.facts.sections.push(Section {
            place: heading.span,
            heading: document.path(Some(index)).join(" > "),
            level: u32::from(heading.level),
            text,
        });
    }
}

fn fence(document: &Markdown, block: &CodeBlock, text: &Text<'_>, parsed: &mut Parsed) {
    let language = block.language();
    let prompted = has_prompt(block.body.text());
    let commands = match language.as_str() {
        "sh" | "bash" | "shell" | "zsh" | "shell-script" => {
            commands::lower(&typed(&block.body, prompted), Options::default(), &[])
        }
        // A session shows answers too: only what stands behind a prompt was typed.
        "console" | "shell-session" | "shellsession" | "terminal" | "sh-session" | "" | "text"
            if prompted =>
        {
            commands::lower(&typed(&block.body, true), Options::default(), &[])
        }
        // Most runbooks name no language: then the first line has to begin with a tool that is known.
        "" if known_tool(block.body.text().lines().next().unwrap_or("")) => {
            commands::lower(&of_known_tools(&block.body), Options::default(), &[])
        }
        "console" | "terminal" => commands::lower(&block.body, Options::default(), &[]),
        "powershell" | "pwsh" | "ps1" | "ps" | "bat" | "cmd" => commands::lower_lines(&block.body, &[]),
        _ => return,
    };
    if commands.is_empty() {
        return;
    }
    let headings = document.path(block.heading);
    let name = headings.last().map_or(text.path, |h| h).to_owned();
    let mut fence = script(block.span, name, ScriptKind::Fence, commands);
    let heading = block.heading.map(|h| &document.headings[h]);
    fence.target = heading.and_then(|h| target(&h.text, h.span, text));
    let lead = block.lead.as_ref().map(|l| l.value.as_str());
    let before: Vec<&str> = headings.last().copied().into_iter().chain(lead).collect();
    fence.before = (!before.is_empty()).then(|| before.join("\n"));
    fence.callers = vec![Caller::Runbook];
    parsed.facts.scripts.push(fence);
}

/// Where a typed command begins on a line, behind a prompt such as `$ ` or `user@host:~$ `.
fn behind_prompt(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    if rest.starts_with("$ ") || rest.starts_with("% ") {
        return Some(indent + 2);
    }
    let at = rest.find("$ ").or_else(|| rest.find("# "))?;
    let host = &rest[..at];
    let prompt = host.contains('@')
        && !host.contains(' ')
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    prompt.then_some(indent + at + 2)
}

fn has_prompt(body: &str) -> bool {
    body.lines()
        .find(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))
        .is_some_and(|l| behind_prompt(l).is_some())
}

/// The lines that a person types, without their prompts. Lines that a backslash or a here-document goes
/// on in have none.
fn typed(body: &Passage, prompted: bool) -> Passage {
    if !prompted {
        return body.clone();
    }
    let text = body.text();
    let mut out = Passage::new(body.file(), body.whole().start as usize);
    let (mut at, mut continued) = (0, false);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let from = match behind_prompt(line) {
            Some(from) => from,
            None if continued => line.strip_prefix("> ").map_or(0, |_| 2),
            None => continue,
        };
        out.append(body, start + from..at);
        continued = line.trim_end().ends_with(['\\', '|']) || line.trim_end().ends_with("&&");
    }
    out
}

/// Whether a line begins with a tool that the table of commands knows.
fn known_tool(line: &str) -> bool {
    let words = line.split_whitespace();
    let mut words = words.skip_while(|w| *w == "sudo" || w.contains('=') && !w.starts_with('-'));
    words.next().is_some_and(|w| Commands::builtin().knows(w))
}

/// The lines that begin with a known tool, and those that they go on in; the others are answers.
fn of_known_tools(body: &Passage) -> Passage {
    let text = body.text();
    let mut out = Passage::new(body.file(), body.whole().start as usize);
    let (mut at, mut continued) = (0, false);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if continued || known_tool(line) {
            out.append(body, start..at);
            continued = line.trim_end().ends_with(['\\', '|']) || line.trim_end().ends_with("&&");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    const FILE: &str = r#"# Shop

Intro.

## Roll back production

Never run this by hand:

```bash
kubectl rollout undo \
  deploy/shop || true
```

Then

```console
$ ssh deploy@prod.example.com \
    uptime
 12:00 up
$ exit
```

```
$ make deploy
done
```

```json
{"a": 1}
```

```
no command here
```
"#;

    #[test]
    fn code_blocks_are_what_a_person_types() {
        let parsed = samples::read(parse, "docs/ops.md", FILE);
        let scripts = &parsed.facts.scripts;
        let lines: Vec<Vec<&str>> =
            scripts.iter().map(|s| s.commands.iter().map(|c| c.program.as_str()).collect()).collect();
        assert_eq!(lines[0], ["kubectl", "true"]);
        assert_eq!(lines[1].first(), Some(&"ssh"));
        assert_eq!(lines[1].last(), Some(&"exit"));
        assert!(!lines[1].contains(&"12:00"), "an answer is no command");
        assert_eq!(lines[2], ["make"]);
        assert_eq!(lines.len(), 3);
        let first = &scripts[0];
        assert_eq!(first.name, "Roll back production");
        assert_eq!(first.before.as_deref(), Some("Roll back production\nNever run this by hand:"));
        assert_eq!(first.callers, [Caller::Runbook]);
        assert!(first.target.as_ref().is_some_and(|t| t.is(crate::facts::Stage::Production)));
        assert_eq!(&FILE[scripts[2].commands[0].place.range()], "make deploy");
        assert!(FILE[first.place.range()].starts_with("```bash"));
    }

    #[test]
    fn a_block_without_a_language_is_read_if_it_begins_with_a_tool() {
        let text = "# Scale\n\n```\nkubectl -n prod get deployments\nNAME  READY\nkubectl scale \\\n  deploy/a\n```\n\n```\nName: kubectl\nkubectl scale\n```\n";
        let parsed = samples::read(parse, "docs/ops.md", text);
        let lines: Vec<&str> =
            parsed.facts.scripts.iter().flat_map(|s| &s.commands).map(|c| c.line.as_str()).collect();
        assert_eq!(lines, ["kubectl -n prod get deployments", "kubectl scale deploy/a"]);
        let place = parsed.facts.scripts[0].commands[1].place;
        assert_eq!(&text[place.range()], "kubectl scale \\\n  deploy/a");
    }

    #[test]
    fn headings_are_sections_with_their_prose() {
        let parsed = samples::read(parse, "README.md", FILE);
        let sections: Vec<_> =
            parsed.facts.sections.iter().map(|s| (s.heading.as_str(), s.level, s.text.as_str())).collect();
        assert_eq!(
            sections,
            [("Shop", 1, "Intro."), ("Shop > Roll back production", 2, "Never run this by hand:\nThen")]
        );
    }

    #[test]
    fn a_prompt_ends_before_the_command() {
        for (line, command) in [
            ("$ ls", Some("ls")),
            ("  % ls", Some("ls")),
            ("user@host:~$ ls", Some("ls")),
            ("[root@host]# ls", Some("ls")),
            ("echo $ x", None),
            ("mail a@b.c # note", None),
            ("# comment", None),
        ] {
            assert_eq!(behind_prompt(line).map(|at| &line[at..]), command, "{line}");
        }
    }

    #[test]
    fn documents_for_people_who_deliver_are_claimed() {
        for (path, claimed) in [
            ("README.md", true),
            ("api/README.md", true),
            ("docs/a.md", true),
            ("docs/guide/a.md", true),
            ("docs/guide/deep/a.md", false),
            ("runbooks/db.md", true),
            ("src/notes.md", false),
            ("node_modules/a/README.md", false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
        }
        samples::endure(parse, "README.md");
    }
}
