//! What ends a run with exit code 2, and how it is told.

use std::fmt;
use std::io::Write as _;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource,
    SourceCode,
};

use super::terminal::Terminal;
use crate::dispositions::BookError;
use crate::facts::{Credential, Facts};
use crate::lexicon::Lexicon;
use crate::policy::PolicyError;
use crate::readers::scan::{ScanText, Scanner};
use crate::rule::RuleError;
use crate::source;
use crate::text::{FileId, Redactor};

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
        let masked = Masked::new(self.0.as_ref());
        // Writing to a String fails only if the diagnostic itself does.
        if handler.render_report(&mut text, &masked).is_err() {
            text = format!("{masked}\n");
        }
        say(text.as_bytes());
    }
}

/// A diagnostic without the secrets of the file that it quotes: policies and rule files hold them too.
#[derive(Debug)]
struct Masked<'a> {
    inner: &'a (dyn Diagnostic + Send + Sync),
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
}

impl<'a> Masked<'a> {
    fn new(inner: &'a (dyn Diagnostic + Send + Sync)) -> Masked<'a> {
        let mut secrets = Vec::new();
        let source = inner.source_code().and_then(|source| {
            // No file has more lines than this.
            let whole = source.read_span(&(0, 0).into(), 0, usize::MAX / 2).ok()?;
            let path = whole.name().unwrap_or_default();
            let mut text = String::from_utf8_lossy(whole.data()).into_owned();
            for credential in credentials(path, &text) {
                mask(&mut text, credential.place.range());
                secrets.push(credential.value);
            }
            // What an example marks is a credential, of whatever kind the file wanted to make known.
            for range in marked(&text) {
                mask(&mut text, range);
            }
            Some(NamedSource::new(path, text))
        });
        let redactor = Redactor::new(secrets);
        let redact = |text: &dyn fmt::Display| redactor.redact(&text.to_string());
        Masked { inner, message: redact(&inner), help: inner.help().map(|help| redact(&help)), source }
    }
}

/// Puts stars in place of a part of a text, bytes for bytes, so that labels stay where they are.
fn mask(text: &mut String, range: Range<usize>) {
    let kept = |c: char| if c == '\n' { "\n".to_owned() } else { "*".repeat(c.len_utf8()) };
    let stars: String = text[range.clone()].chars().map(kept).collect();
    text.replace_range(range, &stars);
}

/// What stands between the marks of examples.
fn marked(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut opened = None;
    for (at, mark) in text.match_indices(['«', '»']) {
        match (mark, opened) {
            ("«", None) => opened = Some(at + mark.len()),
            ("»", Some(from)) => {
                ranges.push(from..at);
                opened = None;
            }
            _ => {}
        }
    }
    ranges
}

/// The credentials that a text holds.
fn credentials(path: &str, text: &str) -> Vec<Credential> {
    let lexicon = Lexicon::default();
    let mut facts = Facts::default();
    let scanned = ScanText { file: FileId(0), path, text, offset: 0, environments: &lexicon.environments };
    Scanner::new(&lexicon).scan(&scanned, &mut facts);
    facts.credentials
}

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Masked<'_> {}

impl Diagnostic for Masked<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.inner.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.inner.labels()
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
