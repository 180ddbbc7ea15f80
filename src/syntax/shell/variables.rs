//! What a word can mean, as far as the text itself says.

use super::{Script, Word};

/// No more meanings than this are told apart; a word with more is left as written.
const MAX_MEANINGS: usize = 16;

/// Longer texts are left as written: a variable that holds itself many times must not grow.
const MAX_LENGTH: usize = 8192;

/// Variables that refer to others are followed so far.
const MAX_STEPS: usize = 4;

impl Script {
    /// The possible texts of `word` when the variables that this text assigns are put in; every value of
    /// a variable that is assigned more than once. A variable that the text does not assign stays as
    /// written, or becomes its own default (`${X:-default}`) beside that.
    pub fn expand(&self, word: &Word) -> Vec<String> {
        if word.literal {
            return vec![word.text.clone()];
        }
        self.expand_text(&word.text, 0)
    }

    fn expand_text(&self, text: &str, step: usize) -> Vec<String> {
        if text.len() > MAX_LENGTH {
            return vec![text.to_owned()];
        }
        let mut out = vec![String::new()];
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            append(&mut out, &[rest[..at].to_owned()]);
            rest = &rest[at..];
            let (width, meanings) = self.meanings(rest, step);
            append(&mut out, &meanings);
            rest = &rest[width..];
            if out.len() > MAX_MEANINGS || out[0].len() > MAX_LENGTH {
                return vec![text.to_owned()];
            }
        }
        append(&mut out, &[rest.to_owned()]);
        out.sort();
        out.dedup();
        out
    }

    /// Length of the expansion at the start of `text` and what it can mean.
    fn meanings(&self, text: &str, step: usize) -> (usize, Vec<String>) {
        let as_written = |width: usize| (width, vec![text[..width].to_owned()]);
        let (name, default, width) = if let Some(inner) = text.strip_prefix("${") {
            let Some(close) = inner.find('}').filter(|_| !inner.starts_with('{')) else {
                return as_written(1);
            };
            let inner = &inner[..close];
            let end = name_length(inner);
            let default = match &inner[end..] {
                // Any element of an array: which one is not known.
                "" | "[@]" | "[*]" => None,
                index if index.starts_with('[') && index.find(']') == Some(index.len() - 1) => None,
                rest => match rest.trim_start_matches(':').split_at_checked(1) {
                    Some(("-" | "=", value)) => Some(value),
                    _ => return as_written(close + 3),
                },
            };
            (&inner[..end], default, close + 3)
        } else {
            let end = name_length(&text[1..]);
            (&text[1..1 + end], None, 1 + end)
        };
        if name.is_empty() {
            return as_written(width.max(1));
        }
        let mut meanings = Vec::new();
        let values = self.variables.get(name).map(Vec::as_slice).unwrap_or_default();
        if step < MAX_STEPS && values.len() <= MAX_MEANINGS {
            for value in values {
                match value.literal {
                    true => meanings.push(value.text.clone()),
                    false => meanings.extend(self.expand_text(&value.text, step + 1)),
                }
            }
        }
        if let Some(default) = default {
            meanings.push(default.trim_matches(['"', '\'']).to_owned());
        }
        meanings.truncate(MAX_MEANINGS + 1);
        if meanings.is_empty() { as_written(width) } else { (width, meanings) }
    }
}

fn name_length(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b) if b.is_ascii_digit() => 0,
        _ => text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count(),
    }
}

/// Every text of `out` followed by every one of `next`.
fn append(out: &mut Vec<String>, next: &[String]) {
    if out.len() > MAX_MEANINGS {
        return;
    }
    if let [one] = next {
        out.iter_mut().for_each(|o| o.push_str(one));
    } else {
        *out = out.iter().flat_map(|o| next.iter().map(move |n| format!("{o}{n}"))).collect();
    }
}
