//! What ends a run with exit code 2, and how it is told.

use std::io::Write as _;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, MietteDiagnostic};

use super::terminal::Terminal;
use crate::dispositions::BookError;
use crate::policy::PolicyError;
use crate::rule::RuleError;
use crate::source;

/// What ends a run with exit code 2.
pub(super) struct Failure(Box<dyn Diagnostic + Send + Sync>);

impl Failure {
    /// A failure that lies in no file.
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure(Box::new(MietteDiagnostic::new(message).with_help(help)))
    }

    /// An operating system's error about a path.
    pub(super) fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
        Failure(Box::new(MietteDiagnostic::new(format!("`{}` cannot be {what}: {error}", path.display()))))
    }

    pub(super) fn tell(&self, terminal: &Terminal) {
        let theme = match (terminal.stderr.color, terminal.stderr.unicode) {
            (true, true) => GraphicalTheme::unicode(),
            (true, false) => {
                GraphicalTheme { styles: miette::ThemeStyles::ansi(), ..GraphicalTheme::ascii() }
            }
            (false, true) => GraphicalTheme::unicode_nocolor(),
            (false, false) => GraphicalTheme::none(),
        };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(terminal.stderr.width).with_links(false);
        let mut text = String::new();
        // Writing to a String fails only if the diagnostic itself does.
        if handler.render_report(&mut text, self.0.as_ref()).is_err() {
            text = format!("{}\n", self.0);
        }
        say(text.as_bytes());
    }
}

/// Writes to the standard error. Nobody can be told when that fails.
pub(super) fn say(bytes: &[u8]) {
    let _ = std::io::stderr().lock().write_all(bytes);
}

macro_rules! from {
    ($($error:ty),*) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure(Box::new(error))
            }
        }
    )* };
}

from!(crate::Error, source::Error);

impl From<Box<PolicyError>> for Failure {
    fn from(error: Box<PolicyError>) -> Failure {
        Failure(error)
    }
}

impl From<Box<BookError>> for Failure {
    fn from(error: Box<BookError>) -> Failure {
        Failure(error)
    }
}

impl From<Box<RuleError>> for Failure {
    fn from(error: Box<RuleError>) -> Failure {
        Failure(error)
    }
}
