//! Lines of keys and values: INI files, Java properties, simple assignments of tfvars.
//! <https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files>

use super::{Text, config::known};
use crate::facts::{Setting, SettingSource, Target};
use crate::syntax::ini::{self, Entry, Ini};
use crate::text::{Span, Spanned};
use std::sync::Arc;

/// Each pair of the file, which its ending tells how to read.
pub(super) fn settings(text: &Text<'_>, target: Option<&Target>) -> Vec<Setting> {
    let ending = text.path.rsplit('.').next().unwrap_or("");
    let file = match ending {
        "properties" => ini::parse_properties(text.file, text.text),
        "tfvars" => {
            let pairs = assignments(text);
            return pairs.iter().map(|(key, value)| setting(key, value, None, target)).collect();
        }
        _ => ini::parse_ini(text.file, text.text),
    };
    // A value over several lines is a list or prose, unless the format joins the lines.
    let single = |entry: &&Entry| ending == "properties" || !entry.value.value.contains('\n');
    let section = |file: &Ini, entry: &Entry| entry.section.map(|s| file.sections[s].value.clone());
    let entries = file.entries.iter().filter(single).filter(|e| !e.value.value.is_empty());
    entries.map(|e| setting(&e.key, &e.value, section(&file, e), target)).collect()
}

fn setting(
    key: &Spanned<String>,
    value: &Spanned<String>,
    section: Option<String>,
    target: Option<&Target>,
) -> Setting {
    let name = key.value.trim_matches('"');
    let path = section.map_or(name.to_owned(), |s| format!("{s}.{name}"));
    Setting {
        place: value.span,
        key: name.rsplit('.').next().unwrap_or(name).to_owned(),
        path,
        setting: known(unquoted(&value.value)),
        source: SettingSource::Config,
        target: target.cloned().map(Arc::new),
        key_place: key.span,
    }
}

fn unquoted(text: &str) -> &str {
    let inner = |q| text.strip_prefix(q).and_then(|t: &str| t.strip_suffix(q));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// `key = value` on one line; lists, maps and here-documents are passed over.
fn assignments(text: &Text<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
    let mut found = Vec::new();
    let (mut at, mut nested) = (0usize, 0usize);
    let mut heredoc: Option<&str> = None;
    for line in text.text.split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let body = line.trim();
        if let Some(end) = heredoc {
            heredoc = heredoc.filter(|_| body != end);
            continue;
        }
        if body.is_empty() || body.starts_with('#') || body.starts_with("//") {
            continue;
        }
        let (opened, closed) = (body.matches(['[', '{']).count(), body.matches([']', '}']).count());
        if nested > 0 {
            nested = (nested + opened).saturating_sub(closed);
            continue;
        }
        let Some((key, rest)) = body.split_once('=') else { continue };
        let value_at = start + key.len() + 1 + (rest.len() - rest.trim_start().len());
        let written = without_comment(rest.trim());
        if let Some(end) = written.strip_prefix("<<") {
            heredoc = Some(end.trim_start_matches('-').trim());
            continue;
        }
        if !written.starts_with(['"', '\'']) && written.starts_with(['[', '{']) {
            nested = opened.saturating_sub(closed);
            continue;
        }
        let key = key.trim_end();
        let place = |at: usize, part: &str| Span::new(text.file, at..at + part.len());
        if !key.is_empty() && !written.is_empty() {
            found.push((
                Spanned::new(key.to_owned(), place(start, key)),
                Spanned::new(written.to_owned(), place(value_at, written)),
            ));
        }
    }
    found
}

/// The value without a comment behind it.
fn without_comment(rest: &str) -> &str {
    if rest.starts_with('"') {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return &rest[..at + 1],
                _ => {}
            }
        }
    }
    let comment = ['#', '/'].iter().filter_map(|mark| rest.find(&format!(" {mark}"))).min();
    comment.map_or(rest, |at| rest[..at].trim_end())
}
