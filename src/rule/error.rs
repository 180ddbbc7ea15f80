//! What is wrong in a rule file, with the place.

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

/// A rule file that cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(plimsoll::rule))]
pub struct RuleError {
    /// What is wrong.
    pub message: String,
    /// The file.
    #[source_code]
    pub source_code: NamedSource<String>,
    /// Where.
    #[label("here")]
    pub span: Option<SourceSpan>,
    /// What to write instead.
    #[help]
    pub help: Option<String>,
}

impl RuleError {
    /// An error in the file `path` with this text.
    pub fn new(
        path: &str,
        text: &str,
        span: Option<std::ops::Range<usize>>,
        message: impl Into<String>,
    ) -> Box<RuleError> {
        Box::new(RuleError {
            message: message.into(),
            source_code: NamedSource::new(path, text.to_owned()).with_language("toml"),
            span: span.map(|r| (r.start, r.len()).into()),
            help: None,
        })
    }

    /// Adds what to write instead.
    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<RuleError> {
        self.help = Some(help.into());
        self
    }

    /// An error of the TOML parser; an unknown key gets the nearest right one as help.
    pub fn toml(path: &str, text: &str, error: &toml::de::Error) -> Box<RuleError> {
        let message = error.message().to_owned();
        let help = nearest_key(&message);
        let mut it = RuleError::new(path, text, error.span(), message);
        it.help = help;
        it
    }
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": the nearest of them.
pub(crate) fn nearest_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut names = rest.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    let nearest = names.min_by_key(|n| strsim::damerau_levenshtein(n, wrong))?;
    Some(format!("did you mean `{nearest}`?"))
}
