//! What is wrong in a policy, with the place in the user's own TOML.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

/// A setting that cannot be used. It ends the run with exit code 2.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(plimsoll::config))]
pub struct ConfigError {
    /// What is wrong.
    pub message: String,
    /// The file; empty for something that was said on the command line.
    #[source_code]
    pub source_code: NamedSource<String>,
    /// Where.
    #[label("here")]
    pub span: Option<SourceSpan>,
    /// What to write instead.
    #[help]
    pub help: Option<String>,
}

impl ConfigError {
    /// An error that lies in no file.
    pub fn new(message: impl Into<String>) -> ConfigError {
        ConfigError {
            message: message.into(),
            source_code: NamedSource::new("", String::new()),
            span: None,
            help: None,
        }
    }

    /// Adds what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> ConfigError {
        self.help = Some(help.into());
        self
    }

    /// Adds "did you mean …?", or else the list of what there is.
    pub(super) fn meant<'a>(self, wrong: &str, all: impl IntoIterator<Item = &'a str> + Clone) -> ConfigError {
        match crate::text::nearest(wrong, all.clone()) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => {
                let all: Vec<&str> = all.into_iter().collect();
                let rest = if all.len() > 30 { ", …" } else { "" };
                self.help(format!("there are {}{rest}", all[..all.len().min(30)].join(", ")))
            }
        }
    }
}

/// A TOML file of a policy.
#[derive(Debug)]
pub struct Document {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Largest policy file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

impl Document {
    /// Reads a file. Anything but a regular file of moderate size is refused, since a policy may name any
    /// path, a device included.
    pub fn read(path: &Path) -> Result<Arc<Document>, ConfigError> {
        let wrong = |why: String| ConfigError::new(format!("`{}` {why}", path.display()));
        let cannot = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => wrong("does not exist".into()),
            _ => wrong(format!("cannot be read: {e}")),
        };
        let meta = std::fs::metadata(path).map_err(cannot)?;
        if !meta.is_file() {
            return Err(wrong("is not a file".into()));
        }
        if meta.len() > LARGEST {
            return Err(wrong(format!("is larger than {} KiB", LARGEST / 1024)));
        }
        let bytes = std::fs::read(path).map_err(cannot)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| wrong("is not UTF-8".into()).help("save it as UTF-8, as TOML demands"))?;
        // TOML knows no byte order mark, but editors write one; a blank keeps offsets.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => format!("   {rest}"),
            None => text,
        };
        Ok(Arc::new(Document { path: path.to_owned(), text }))
    }

    /// An error at bytes `span` of this file.
    pub fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> ConfigError {
        ConfigError {
            source_code: NamedSource::new(self.path.display().to_string(), self.text.clone())
                .with_language("toml"),
            span: span.map(|r| (r.start, r.len()).into()),
            ..ConfigError::new(message)
        }
    }
}

/// A value and where it was written: in a file, or on the command line.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// The file and the bytes in it; `None` for the command line.
    pub at: Option<(Arc<Document>, Range<usize>)>,
}

impl<T> Written<T> {
    /// A value from the command line.
    pub fn aloud(value: T) -> Written<T> {
        Written { value, at: None }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Written<U> {
        Written { value: f(self.value), at: self.at }
    }

    /// An error at this value.
    pub fn error(&self, message: impl Into<String>) -> ConfigError {
        match &self.at {
            Some((document, span)) => document.error(Some(span.clone()), message),
            None => ConfigError::new(message),
        }
    }
}
