//! What the terminal can show, and what the environment asks for.

use std::io::{IsTerminal as _, stderr, stdout};

use super::args::{Color, Common};

/// What can be shown where.
#[derive(Debug, Clone)]
pub(super) struct Terminal {
    pub stdout: Stream,
    pub stderr: Stream,
    /// Whether a line that changes in place would be seen by somebody.
    pub progress: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream {
    pub color: bool,
    pub unicode: bool,
    pub width: usize,
    pub hyperlinks: bool,
}

/// Width where there is no terminal: reports read the same in every log.
const WIDTH: usize = 100;

impl Terminal {
    pub(super) fn new(common: &Common) -> Terminal {
        let variable = |name: &str| std::env::var(name).ok();
        let width = width(&variable);
        let stream = |is_terminal: bool, links: bool| Stream {
            color: color(common.color, is_terminal, &variable),
            // A pipe has no locale; its reader most likely reads UTF-8.
            unicode: !is_terminal || supports_unicode::on(supports_unicode::Stream::Stdout),
            width: if is_terminal || variable("COLUMNS").is_some() { width } else { WIDTH },
            hyperlinks: is_terminal && links && !is_ci(&variable) && common.color != Color::Never,
        };
        let on_stderr = stderr().is_terminal();
        let dumb = variable("TERM").is_some_and(|t| t == "dumb");
        Terminal {
            stdout: stream(
                stdout().is_terminal(),
                supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
            ),
            stderr: stream(on_stderr, false),
            progress: on_stderr && !dumb && !is_ci(&variable) && !common.quiet && !common.no_progress,
        }
    }
}

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Whether to use colours: the flag, then `NO_COLOR` (no-color.org: any value but the empty one), then
/// `CLICOLOR_FORCE` and `FORCE_COLOR`, then whether a terminal is there that can show them.
fn color(flag: Color, is_terminal: bool, variable: Variable<'_>) -> bool {
    let forced = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
    match flag {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        Color::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        Color::Auto => is_terminal && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

fn is_ci(variable: Variable<'_>) -> bool {
    ["CI", "GITHUB_ACTIONS"].iter().any(|name| variable(name).is_some_and(|v| !v.is_empty() && v != "false"))
}

/// Columns: what `COLUMNS` says, else what the terminal says.
fn width(variable: Variable<'_>) -> usize {
    let said = variable("COLUMNS").and_then(|columns| columns.trim().parse::<usize>().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    said.filter(|n| *n > 0).or_else(seen).unwrap_or(WIDTH).clamp(40, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
        for (flag, terminal, variables, expected) in [
            (Color::Auto, true, "", true),
            (Color::Auto, false, "", false),
            (Color::Auto, true, "NO_COLOR=1", false),
            (Color::Auto, true, "NO_COLOR=", true),
            (Color::Auto, true, "TERM=dumb", false),
            (Color::Auto, false, "FORCE_COLOR=1", true),
            (Color::Auto, false, "CLICOLOR_FORCE=1", true),
            (Color::Auto, false, "CLICOLOR_FORCE=0", false),
            (Color::Auto, false, "NO_COLOR=1 FORCE_COLOR=1", false),
            (Color::Always, false, "NO_COLOR=1", true),
            (Color::Never, true, "FORCE_COLOR=1", false),
        ] {
            let variable = |name: &str| {
                let pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.into_iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
            };
            assert_eq!(color(flag, terminal, &variable), expected, "{flag:?} {terminal} {variables}");
        }
    }

    #[test]
    fn an_absurd_width_is_tamed() {
        for (columns, expected) in [("120", 120), ("1", 40), ("99999", 200)] {
            assert_eq!(width(&|_: &str| Some(columns.to_owned())), expected);
        }
    }
}
