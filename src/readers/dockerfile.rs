//! Dockerfiles: base images, instructions, build arguments and variables, and what is run.
//! <https://docs.docker.com/reference/dockerfile/>

use super::images::{image, is_open};
use super::names::{ends, name, vendored, within};
use super::scripts::{join, script};
use super::{Parsed, Text, commands};
use crate::facts::{Caller, Command, Instruction, ScriptKind, Setting, SettingSource, Value};
use crate::source::UnreadClass;
use crate::syntax::dockerfile::{self, Dockerfile, Stage};
use crate::syntax::shell::Options;
use crate::text::{Passage, Span};
use std::collections::HashMap;

/// Endings behind `Dockerfile.` that are programs, documents or ignore files.
const FOREIGN: &[&str] = &[
    ".dockerignore",
    ".md",
    ".go",
    ".py",
    ".ts",
    ".js",
    ".rs",
    ".rb",
    ".java",
    ".txt",
    ".html",
    ".json",
    ".yml",
    ".yaml",
];

pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = name(path);
    let named = ["Dockerfile", "Containerfile"]
        .iter()
        .any(|stem| name.strip_prefix(stem).is_some_and(|r| r.is_empty() || r.starts_with(['.', '-', '_'])));
    (named || name == "dockerfile" || ends(name, &[".dockerfile", ".Dockerfile", ".containerfile"]))
        && !ends(name, FOREIGN)
        && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let file = dockerfile::parse(text.file, text.text);
    if let Some(error) = file.errors.first() {
        let lines = file.errors.len();
        let reason = format!("{lines} of its lines are not understood, the first: {}", error.value);
        parsed.problems.push((UnreadClass::Partly, reason));
    }
    let runs = final_chain(&file);
    base_images(&file, &runs, text, &mut parsed);
    let mut scripts = Scripts::default();
    let global = pairs(&file.preamble, &[], &mut parsed);
    for (number, instruction) in file
        .preamble
        .iter()
        .map(|i| (0, i))
        .chain(file.stages.iter().flat_map(|s| s.instructions.iter().map(move |i| (s.index, i))))
    {
        parsed.facts.instructions.push(fact(
            instruction,
            number,
            runs.contains(&number) && !file.stages.is_empty(),
        ));
    }
    for stage in &file.stages {
        parsed.facts.instructions.push(Instruction {
            place: stage.span,
            keyword: "FROM".to_owned(),
            args: std::iter::once(&stage.base).chain(&stage.name).cloned().collect(),
            flags: Vec::new(),
            stage: u32::try_from(stage.index).unwrap_or(u32::MAX),
            last: runs.contains(&stage.index),
            exec: false,
        });
    }
    for (index, stage) in file.stages.iter().enumerate() {
        let settings = pairs(&stage.instructions, &global, &mut parsed);
        let mut shell = Shell::default();
        for instruction in &stage.instructions {
            if instruction.keyword == "SHELL" {
                shell = Shell::of(instruction);
            }
            scripts.add(instruction, shell, &settings, runs.contains(&index), text);
        }
    }
    for (keyword, commands) in scripts.parts {
        let mut part = script(
            Span::start_of(text.file),
            format!("{}:{keyword}", text.path),
            ScriptKind::Image,
            commands,
        );
        part.callers = vec![Caller::Container];
        part.place = scripts.places[keyword];
        part.target = crate::facts::path_target(text.path, text.file, text.environments);
        parsed.facts.scripts.push(part);
    }
    parsed
}

/// The final stage and the stages that it builds on, by number.
fn final_chain(file: &Dockerfile) -> Vec<usize> {
    let mut chain: Vec<usize> = Vec::new();
    let mut next = file.stages.len().checked_sub(1);
    while let Some(index) = next {
        chain.push(index);
        next = earlier(file, &file.stages[index].base.value, index);
    }
    chain
}

/// The stage before number `before` that a base names.
fn earlier(file: &Dockerfile, base: &str, before: usize) -> Option<usize> {
    let named = |s: &&Stage| s.name.as_ref().is_some_and(|n| n.value.eq_ignore_ascii_case(base));
    file.stages[..before].iter().rev().find(named).map(|s| s.index)
}

fn base_images(file: &Dockerfile, runs: &[usize], text: &Text<'_>, parsed: &mut Parsed) {
    let defaults: HashMap<&str, &str> = file
        .preamble
        .iter()
        .filter(|i| i.keyword == "ARG")
        .flat_map(|i| &i.pairs)
        .filter_map(|p| Some((p.name.value.as_str(), p.value.as_ref()?.value.as_str())))
        .collect();
    let local_only = is_local(text.path);
    for stage in &file.stages {
        let reference = substitute(&stage.base.value, &defaults, 0);
        let mut base = image(&reference, stage.base.span, SettingSource::Image);
        base.stage_reference =
            reference.eq_ignore_ascii_case("scratch") || earlier(file, &reference, stage.index).is_some();
        base.last = runs.contains(&stage.index);
        base.local_only = local_only;
        parsed.facts.base_images.push(base);
    }
}

/// Whether the name says that the image serves developers only.
fn is_local(path: &str) -> bool {
    const LOCAL: &[&str] = &[
        "dev",
        "devel",
        "development",
        "local",
        "test",
        "tests",
        "testing",
        "debug",
        "ci",
        "tilt",
        "cypress",
        "e2e",
    ];
    let name = name(path).to_ascii_lowercase();
    name.split(['.', '-', '_']).any(|word| LOCAL.contains(&word)) || within(path, &[".devcontainer", "dev"])
}

/// Puts defaults of build arguments into a text: `$X`, `${X}`, `${X:-other}`, `${X-other}`. What has no
/// default stays as it is written.
fn substitute(text: &str, defaults: &HashMap<&str, &str>, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let braced = rest.strip_prefix("${").and_then(|r| r.split_once('}'));
        let (expression, after) = match braced {
            Some(parts) => parts,
            None => {
                let name = rest[1..].len()
                    - rest[1..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
                (&rest[1..1 + name], &rest[1 + name..])
            }
        };
        let end =
            expression.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(expression.len());
        let (name, operator) = expression.split_at(end);
        let other = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'));
        match defaults.get(name).copied().or(other).filter(|_| operator.is_empty() || other.is_some()) {
            // A default may use another; so deep it is a circle.
            Some(value) if depth < 8 && out.len() < 4096 => {
                out.push_str(&substitute(value, defaults, depth + 1))
            }
            _ => out.push_str(&rest[..rest.len() - after.len()]),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn fact(instruction: &dockerfile::Instruction, stage: usize, last: bool) -> Instruction {
    let inner = instruction.inner.as_deref();
    let flag = |f: &dockerfile::Flag| match &f.value {
        Some(value) => format!("--{}={value}", f.name),
        None => format!("--{}", f.name),
    };
    Instruction {
        place: instruction.span,
        keyword: instruction.keyword.clone(),
        args: inner.unwrap_or(instruction).args.clone(),
        flags: instruction.flags.iter().map(flag).collect(),
        stage: u32::try_from(stage).unwrap_or(u32::MAX),
        last,
        exec: inner.unwrap_or(instruction).exec,
    }
}

/// ENV and ARG as settings; those before the first FROM reach a stage only through an ARG of its own.
fn pairs(instructions: &[dockerfile::Instruction], global: &[Setting], parsed: &mut Parsed) -> Vec<Setting> {
    let mut seen = Vec::new();
    for instruction in instructions.iter().filter(|i| matches!(i.keyword.as_str(), "ENV" | "ARG")) {
        for pair in &instruction.pairs {
            let Some(value) = &pair.value else {
                seen.extend(global.iter().filter(|g| g.key == pair.name.value).cloned());
                continue;
            };
            let known = value.value.clone();
            let setting = Setting {
                place: value.span,
                key: pair.name.value.clone(),
                path: format!("{}.{}", instruction.keyword, pair.name.value),
                setting: if is_open(&known) { Value::Expr(known) } else { Value::Known(known) },
                source: SettingSource::Image,
                target: None,
                key_place: pair.name.span,
            };
            parsed.facts.settings.push(setting.clone());
            seen.push(setting);
        }
    }
    seen
}

/// What `SHELL` makes of the shell form. Without it `/bin/sh -c` runs.
#[derive(Clone, Copy, Default)]
struct Shell {
    options: Options,
    powershell: bool,
}

impl Shell {
    fn of(instruction: &dockerfile::Instruction) -> Shell {
        let words = || instruction.args.iter().map(|a| a.value.as_str());
        let program = words().next().map_or("", name).to_ascii_lowercase();
        let short =
            |letter| words().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains(letter));
        Shell {
            options: Options { errexit: Some(short('e')), pipefail: Some(words().any(|w| w == "pipefail")) },
            powershell: ["powershell", "pwsh", "cmd"].iter().any(|p| program.starts_with(p)),
        }
    }
}

/// What an image runs: RUN when it is built, the others when it is started.
#[derive(Default)]
struct Scripts {
    parts: Vec<(&'static str, Vec<Command>)>,
    places: HashMap<&'static str, Span>,
}

impl Scripts {
    fn add(
        &mut self,
        instruction: &dockerfile::Instruction,
        shell: Shell,
        settings: &[Setting],
        started: bool,
        text: &Text<'_>,
    ) {
        let inner = instruction.inner.as_deref().unwrap_or(instruction);
        let keyword = match (instruction.keyword.as_str(), inner.keyword.as_str()) {
            ("HEALTHCHECK", _) => "HEALTHCHECK",
            (_, "RUN") => "RUN",
            // Only what the final stage says is started.
            (_, "CMD") if started => "CMD",
            (_, "ENTRYPOINT") if started => "ENTRYPOINT",
            _ => return,
        };
        let commands = match &inner.shell {
            Some(passage) if foreign(passage.text()) => return,
            Some(passage) if shell.powershell => commands::lower_lines(passage, settings),
            Some(passage) => commands::lower(passage, shell.options, settings),
            None if inner.exec => commands::lower(&line(inner, text), Options::default(), settings),
            None => return,
        };
        self.places.entry(keyword).or_insert(instruction.span);
        match self.parts.iter_mut().find(|(k, _)| *k == keyword) {
            Some((_, all)) => join(all, commands),
            None => self.parts.push((keyword, commands)),
        }
    }
}

/// A here-document that another interpreter gets.
fn foreign(script: &str) -> bool {
    script.strip_prefix("#!").is_some_and(|rest| {
        let line = rest.lines().next().unwrap_or("");
        !line.split(['/', ' ']).any(|w| matches!(w, "sh" | "bash" | "ash" | "dash" | "zsh"))
    })
}

/// The exec form as a line of shell: each element is one word, and nothing in it is expanded.
fn line(instruction: &dockerfile::Instruction, text: &Text<'_>) -> Passage {
    let mut out = Passage::new(text.file, instruction.span.start as usize);
    for arg in &instruction.args {
        let range = arg.span.range();
        if !out.text().is_empty() {
            out.push_meaning(" ", range.start..range.start);
        }
        let plain = !arg.value.is_empty()
            && arg.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:=@,+%".contains(&b));
        let written = text.text[range.clone()].find(&arg.value).map(|at| range.start + at);
        match written {
            Some(at) if plain => out.push(&arg.value, at),
            Some(at) if !arg.value.contains('\'') => {
                out.push_meaning("'", at..at);
                out.push(&arg.value, at);
                out.push_meaning("'", at + arg.value.len()..at + arg.value.len());
            }
            _ => {
                let quoted = format!("'{}'", arg.value.replace('\'', "'\\''"));
                out.push_meaning(&quoted, range);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    const FILE: &str = r#"# syntax=docker/dockerfile:1
ARG NODE=20.11
ARG BASE=node:${NODE}-alpine
FROM ${BASE} AS build
ARG NODE
ENV API_URL=http://staging.example.com TOKEN="a b"
RUN --mount=type=cache,target=/root npm ci && \
    # a comment
    npm test || true
FROM builder:$UNKNOWN AS other
FROM build AS tested
FROM tested
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
COPY --from=build --chown=app a b /srv/
RUN curl -sf https://example.com | tar x
RUN <<EOF
make build
make install
EOF
USER app
HEALTHCHECK --interval=5s CMD curl -f http://localhost/
ENTRYPOINT ["sh", "-c", "bin/migrate && exec bin/server 'x'"]
"#;

    #[test]
    fn base_images_are_followed_through_arguments_and_stages() {
        let parsed = samples::read(parse, "Dockerfile", FILE);
        let seen: Vec<_> = parsed
            .facts
            .base_images
            .iter()
            .map(|b| (b.name.as_str(), b.tag.as_deref(), b.stage_reference, b.last, &FILE[b.place.range()]))
            .collect();
        assert_eq!(
            seen,
            [
                ("node", Some("20.11-alpine"), false, true, "${BASE}"),
                ("builder", Some("$UNKNOWN"), false, false, "builder:$UNKNOWN"),
                ("build", None, true, true, "build"),
                ("tested", None, true, true, "tested"),
            ]
        );
        assert!(matches!(parsed.facts.base_images[1].reference, Value::Expr(_)));
        assert_eq!(parsed.problems, []);
    }

    #[test]
    fn instructions_know_their_stage() {
        let parsed = samples::read(parse, "Dockerfile", FILE);
        let find = |keyword: &str| {
            parsed.facts.instructions.iter().rfind(|i| i.keyword == keyword).expect("it is there")
        };
        let copy = find("COPY");
        assert_eq!((copy.stage, copy.last), (3, true));
        assert_eq!(copy.flags, ["--from=build", "--chown=app"]);
        assert_eq!(copy.args.iter().map(|a| a.value.as_str()).collect::<Vec<_>>(), ["a", "b", "/srv/"]);
        assert_eq!(find("USER").args[0].value, "app");
        let env: Vec<_> = parsed.facts.settings.iter().map(|s| (s.path.as_str(), s.setting.text())).collect();
        assert!(env.contains(&("ENV.API_URL", "http://staging.example.com".into())), "{env:?}");
        assert!(env.contains(&("ENV.TOKEN", "a b".into())));
    }

    #[test]
    fn what_an_image_runs_is_commands() {
        let parsed = samples::read(parse, "web/Dockerfile", FILE);
        let script = |keyword: &str| {
            let name = format!("web/Dockerfile:{keyword}");
            parsed.facts.scripts.iter().find(|s| s.name == name).expect("it is there")
        };
        let lines =
            |keyword: &str| script(keyword).commands.iter().map(|c| c.line.as_str()).collect::<Vec<_>>();
        assert_eq!(
            lines("RUN"),
            [
                "npm ci",
                "npm test",
                "true",
                "curl -sf https://example.com",
                "tar x",
                "make build",
                "make install"
            ]
        );
        let run = script("RUN");
        assert!(run.commands[1].tolerated.is_some(), "`|| true` hides it");
        assert!(run.commands[3].tolerated.is_none(), "pipefail is on");
        assert_eq!(&FILE[run.commands[6].place.range()], "make install");
        assert_eq!(run.callers, [Caller::Container]);
        assert_eq!(lines("HEALTHCHECK"), ["curl -f http://localhost/"]);
        assert_eq!(lines("ENTRYPOINT"), ["migrate", "server x"]);
    }

    #[test]
    fn dockerfiles_are_claimed_by_name_and_local_ones_told_apart() {
        for (path, claimed, local) in [
            ("Dockerfile", true, false),
            ("a/Dockerfile.prod", true, false),
            ("Dockerfile.dev", true, true),
            ("test.Dockerfile", true, true),
            ("api.dockerfile", true, false),
            ("Containerfile", true, false),
            (".devcontainer/Dockerfile", true, true),
            ("Dockerfile.dockerignore", false, false),
            ("Dockerfiles.md", false, false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
            assert_eq!(is_local(path), local, "{path}");
        }
    }

    #[test]
    fn hostile_files_end() {
        samples::endure(parse, "Dockerfile");
        samples::read(parse, "Dockerfile", "ARG A=$B\nARG B=$A$A$A$A$A$A$A$A\nFROM $A\n");
        samples::read(parse, "Dockerfile", "FROM a AS a\nFROM a AS a\nFROM a");
        samples::read(
            parse,
            "Dockerfile",
            "CMD [\"é\", \"it's\", \"\", \"\\u00e9\"]\nFROM x\nCMD [\"é\", \"it's\", \"\", \"\\u00e9\"]",
        );
    }
}
