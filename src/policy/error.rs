//! What is wrong in a manual or a policy, with the place in the file.

use std::ops::Range;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use crate::rule::nearest_key;

/// A manual or policy file that cannot be used. Travels in a box: it carries the text it quotes.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(plimsoll::policy))]
pub struct PolicyError {
    /// What is wrong.
    pub message: String,
    /// The file.
    #[source_code]
    pub source_code: NamedSource<String>,
    /// Where, in bytes of the file.
    #[label("here")]
    pub span: Option<SourceSpan>,
    /// What to write instead.
    #[help]
    pub help: Option<String>,
}

impl PolicyError {
    /// An error in the file `path` with this text; the span is in bytes of it.
    pub fn new(
        path: &str,
        text: &str,
        span: Option<Range<usize>>,
        message: impl Into<String>,
    ) -> Box<PolicyError> {
        Box::new(PolicyError {
            message: message.into(),
            source_code: NamedSource::new(path, text.to_owned()).with_language("toml"),
            span: span.map(|range| (range.start, range.len()).into()),
            help: None,
        })
    }

    /// Adds what to write instead.
    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<PolicyError> {
        self.help = Some(help.into());
        self
    }

    /// An error of the TOML parser; an unknown key gets the nearest right one as help.
    pub fn toml(path: &str, text: &str, error: &toml::de::Error) -> Box<PolicyError> {
        let mut it = PolicyError::new(path, text, error.span(), error.message());
        it.help = nearest_key(error.message());
        it
    }
}
