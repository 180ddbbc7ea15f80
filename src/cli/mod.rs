//! The command line: what was written (`args`), what it means (`plan`), and one file per verb.

mod args;
mod baseline;
mod check;
mod config;
mod evidence;
mod exception;
mod facts;
mod failure;
mod init;
mod manuals;
mod plan;
mod progress;
mod rules;
mod sources;
mod terminal;
mod test;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Verb};
use failure::Failure;
use terminal::Terminal;

/// What the exit code says. The format never changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// Nothing at or above the threshold.
    Passed = 0,
    /// Findings.
    Found = 1,
    /// Anything else: the run says nothing about the repository.
    Broken = 2,
}

/// Runs the command with these arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // A payload may quote a file, and files hold secrets: only the place of the bug is told.
    std::panic::set_hook(Box::new(|bug| {
        let place = bug.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        failure::say(format!("plimsoll: this is a bug in plimsoll{place}; please report it\n").as_bytes());
    }));
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let exit = catch_unwind(AssertUnwindSafe(|| dispatch(arguments))).unwrap_or(Exit::Broken);
    ExitCode::from(exit as u8)
}

fn dispatch(arguments: Vec<OsString>) -> Exit {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; clap writes them to the standard output.
            let _ = error.print();
            return if error.use_stderr() { Exit::Broken } else { Exit::Passed };
        }
    };
    let terminal = Terminal::new(&args.common);
    let outcome = match args.verb {
        Verb::Check(check) => check::run(&check, &args.common, &terminal),
        Verb::Rule(rule) => rules::run(&rule),
        Verb::Clause(clause) => manuals::run(&clause),
        Verb::Facts(facts) => facts::run(&facts),
        Verb::Sources(sources) => sources::run(&sources),
        Verb::Evidence(evidence) => evidence::run(&evidence),
        Verb::Config(config) => config::run(&config),
        Verb::Baseline(baseline) => baseline::run(&baseline, &args.common),
        Verb::Exception(exception) => exception::run(&exception),
        Verb::Init(init) => init::run(&init),
        Verb::Test(test) => test::run(&test),
    };
    outcome.unwrap_or_else(|failure: Failure| {
        failure.tell(&terminal);
        Exit::Broken
    })
}
