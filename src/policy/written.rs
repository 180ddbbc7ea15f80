//! The files of a policy, and values that remember where they were written.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::PolicyError;

/// An error that lies in no file: something that was said on the command line, or a file that is not there.
pub(super) fn aloud(message: impl Into<String>) -> Box<PolicyError> {
    PolicyError::new("", "", None, message)
}

/// Adds "did you mean …?", or else the list of what there is.
pub(super) fn meant<'a>(
    error: Box<PolicyError>,
    wrong: &str,
    all: impl IntoIterator<Item = &'a str> + Clone,
) -> Box<PolicyError> {
    match crate::text::nearest(wrong, all.clone()) {
        Some(name) => error.help(format!("did you mean `{name}`?")),
        None => {
            let all: Vec<&str> = all.into_iter().collect();
            let rest = if all.len() > 30 { ", …" } else { "" };
            error.help(format!("there are {}{rest}", all[..all.len().min(30)].join(", ")))
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
    pub fn read(path: &Path) -> Result<Arc<Document>, Box<PolicyError>> {
        let wrong = |why: String| aloud(format!("`{}` {why}", shown(path)));
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
    pub fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> Box<PolicyError> {
        PolicyError::new(&shown(&self.path), &self.text, span, message)
    }
}

/// The path as a user of the current folder would name it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).display().to_string()
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
    pub fn error(&self, message: impl Into<String>) -> Box<PolicyError> {
        match &self.at {
            Some((document, span)) => document.error(Some(span.clone()), message),
            None => aloud(message),
        }
    }
}
