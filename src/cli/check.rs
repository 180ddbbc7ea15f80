//! `plimsoll check`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Exit;
use super::args::{Check, Common, Gate, Show as ShowFlag};
use super::failure::{Failure, say};
use super::plan::{Plan, today};
use super::progress;
use super::terminal::{Stream, Terminal};
use crate::policy::Policy;
use crate::readers::Reading;
use crate::report::{FORMATS, Format, Limit, Report, Show, Style, print, write_statistics, write_whole};
use crate::source::{MemoryFile, Target, UnreadClass, is_bare};
use crate::{Options, audit, audit_history};

/// A format and where it goes; the standard output if nowhere.
struct Output {
    format: &'static Format,
    file: Option<PathBuf>,
}

pub(super) fn run(check: &Check, common: &Common, terminal: &Terminal) -> Result<Exit, Failure> {
    let start = Instant::now();
    let outputs = outputs(&check.output.formats)?;
    let stdin = check.paths.iter().any(|path| path.as_os_str() == "-");
    let on_disk = if stdin { &[] } else { check.paths.as_slice() };
    let plan = Plan::new(on_disk, &check.choice, check.gate.fail_on.as_deref())?;
    let target = target(check, &plan, stdin)?;
    let reading = Reading::default();
    let options = Options {
        source: plan.source_options(),
        jobs: check.jobs,
        progress: Some(&reading),
        skip_line_hashes: !outputs.iter().any(|output| output.format.line_hashes),
    };
    let report = progress::show(terminal.progress, &reading, || match check.history {
        true => audit_history(&target, check.since.as_deref(), &plan.policy, today(), &options),
        false => audit(&target, &plan.policy, today(), &options),
    })?;

    let shown = Style {
        show: match check.output.show {
            None => Show::Findings,
            Some(ShowFlag::Open) => Show::Open,
            Some(ShowFlag::All) => Show::All,
        },
        limit: if common.verbose > 0 { None } else { Some(Limit::default()) },
        elapsed: Some(start.elapsed()),
        ..style(terminal.stdout)
    };
    let mut lost = None;
    for output in &outputs {
        match &output.file {
            Some(path) => {
                // A file is read elsewhere: nothing in it depends on this terminal or this moment.
                let plain = Style { show: shown.show, limit: shown.limit, ..Style::default() };
                let written = write_whole(path, &(output.format.write)(&report, &plain));
                // The other outputs must not be lost for the one that fails.
                lost = lost.or(written.err().map(|e| cannot_write(path, &e)));
            }
            None if common.quiet && is_for_people(output.format) && report.failures().next().is_none() => {}
            None => to_stdout(&(output.format.write)(&report, &shown))?,
        }
    }
    if check.output.statistics {
        to_stdout(&write_statistics(&report, &shown))?;
    }
    if !common.quiet && !report.partial {
        // Who asked for a change must learn that there was none, whatever the format.
        let all = match (check.staged, check.since.as_ref().filter(|_| !check.history)) {
            (true, _) => "note: nothing is staged: the whole index was judged\n".to_owned(),
            (_, Some(rev)) => format!("note: nothing differs from `{rev}`: the whole work tree was judged\n"),
            _ => String::new(),
        };
        say(all.as_bytes());
    }
    if !common.quiet && !outputs.iter().any(|o| o.file.is_none() && o.format.name == "full") {
        for note in &report.notes {
            // A note may hold a path, and a path may hold what a terminal obeys.
            let note = note.replace(char::is_control, "?");
            say(format!("note: {note}\n").as_bytes());
        }
    }
    match lost {
        Some(failure) => Err(failure),
        None => Ok(exit(&report, &plan.policy, &check.gate)),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let help = match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => format!("there is no folder `{}`: make it first", folder.display()),
        None => "name a file that may be written: `--format sarif=out.sarif`".into(),
    };
    Failure::new(format!("`{}` cannot be written: {error}", path.display()), help)
}

/// The exit code: what cannot be relied on beats what was found.
fn exit(report: &Report, policy: &Policy, gate: &Gate) -> Exit {
    let bad = |class| matches!(class, UnreadClass::Unparsed | UnreadClass::Unreadable);
    let crashed = report.rules.iter().any(|r| r.crashed);
    if crashed || gate.strict && report.unread.iter().any(|u| bad(u.class)) {
        return Exit::Broken;
    }
    let lacking = gate.require_evidence && !report.manuals.is_empty() && report.unsettled().next().is_some();
    let found = lacking || report.findings.iter().any(|settled| policy.fails(settled));
    if found && !gate.exit_zero { Exit::Found } else { Exit::Passed }
}

fn target(check: &Check, plan: &Plan, stdin: bool) -> Result<Target, Failure> {
    let root = plan.root.clone();
    let partly = !plan.paths.is_empty();
    if partly && (check.staged || check.since.is_some() || check.rev.is_some() || check.history) {
        return Err(Failure::new(
            "--staged, --rev, --since and --history look at the whole repository",
            "leave out the paths, or use --exclude",
        ));
    }
    Ok(match (stdin, &check.stdin_filename) {
        (true, Some(name)) if check.paths.len() == 1 => {
            let mut bytes = Vec::new();
            // More than this is never parsed anyway.
            let limit = 64 * 1024 * 1024;
            std::io::stdin()
                .lock()
                .take(limit)
                .read_to_end(&mut bytes)
                .map_err(|e| Failure::new(format!("the standard input cannot be read: {e}"), "try again"))?;
            let path = name.replace('\\', "/").trim_start_matches("./").to_owned();
            let file = MemoryFile { path, bytes, tracked: true, ..MemoryFile::default() };
            Target::Memory { files: vec![file], git: None }
        }
        (true, Some(_)) => {
            return Err(Failure::new("`-` cannot be checked beside other paths", "run plimsoll twice"));
        }
        (true, None) => {
            return Err(Failure::new(
                "the standard input has no name",
                "say what it stands for: `--stdin-filename .github/workflows/cd.yml -`",
            ));
        }
        (false, Some(_)) => {
            return Err(Failure::new("--stdin-filename needs `-` as the path", "add `-`"));
        }
        (false, None) if check.history => files_of_today(root),
        (false, None) => match (&check.rev, &check.since) {
            (Some(rev), _) => Target::Commit { root, rev: rev.clone() },
            (None, Some(rev)) => Target::Since { root, rev: rev.clone() },
            (None, None) if check.staged => Target::Index { root },
            (None, None) => Target::WorkTree { root, paths: plan.paths.clone() },
        },
    })
}

/// What lies beside history: the work tree, and in a bare repository what HEAD holds.
pub(super) fn files_of_today(root: PathBuf) -> Target {
    match is_bare(&root) {
        None => Target::WorkTree { root, paths: Vec::new() },
        Some(true) => Target::Commit { root, rev: "HEAD".into() },
        // The index of a bare repository is empty, as its history is before the first commit.
        Some(false) => Target::Index { root },
    }
}

fn outputs(written: &[String]) -> Result<Vec<Output>, Failure> {
    let mut outputs: Vec<Output> = Vec::new();
    for one in written {
        let (name, file) = match one.split_once('=') {
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (one.as_str(), None),
        };
        let Some(format) = FORMATS.iter().find(|f| f.name == name) else {
            let names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
            let help = match crate::text::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(Failure::new(format!("there is no format `{name}`"), help));
        };
        if file.as_ref().is_some_and(|f| f.as_os_str().is_empty()) {
            return Err(Failure::new(
                format!("`{one}` names no file"),
                format!("write `--format {name}=FILE`"),
            ));
        }
        if outputs.iter().any(|o| o.file == file) {
            let place = file.map_or("the standard output".into(), |f| format!("`{}`", f.display()));
            return Err(Failure::new(
                format!("two formats go to {place}"),
                "write one of them to a file of its own: `--format sarif=out.sarif`",
            ));
        }
        outputs.push(Output { format, file });
    }
    if outputs.is_empty() {
        outputs.push(Output { format: &FORMATS[0], file: None });
    }
    Ok(outputs)
}

fn is_for_people(format: &Format) -> bool {
    ["full", "concise"].contains(&format.name)
}

fn style(stream: Stream) -> Style {
    Style {
        color: stream.color,
        unicode: stream.unicode,
        width: stream.width,
        hyperlinks: stream.hyperlinks,
        ..Style::default()
    }
}

/// Writes to the standard output; a reader who has seen enough is no error.
pub(super) fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    print(std::io::stdout().lock(), bytes)
        .map_err(|e| Failure::new(format!("the standard output cannot be written: {e}"), "is the disk full?"))
}
