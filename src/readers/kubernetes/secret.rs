//! Values of Kubernetes `Secret` objects, whose base64 hides nothing.
//! <https://kubernetes.io/docs/concepts/configuration/secret/>

use crate::facts::{Certainty, Credential, Form, MANIFEST_CREDENTIAL, Medium, Target};
use crate::readers::Parsed;
use crate::readers::images::is_open;
use crate::readers::scan::judge;
use crate::syntax::tree::{Kind, Node, Style};
use crate::text::{Secret, Span};

/// Values of `data` and `stringData` that give something away, as credentials.
pub(super) fn data(document: Node<'_>, offset: usize, target: Option<&Target>, parsed: &mut Parsed) {
    for (field, encoded) in [("data", true), ("stringData", false)] {
        let pairs = document.get(field).into_iter().flat_map(|d| d.entries());
        for (key, value) in pairs.filter(|(_, v)| v.kind() == Kind::Scalar) {
            let (Some(name), Some(written)) = (key.as_str(), value.as_str()) else { continue };
            let place = inner(value);
            let behind = Span::new(place.file, offset + place.start as usize..offset + place.end as usize);
            parsed.facts.credentials.extend(credential(name, written, encoded, behind, target));
        }
    }
}

/// The credential that `written` is under `name`, if it is one.
pub(super) fn credential(
    name: &str,
    written: &str,
    encoded: bool,
    place: Span,
    target: Option<&Target>,
) -> Option<Credential> {
    if is_open(written) || written.len() > MOST_BYTES {
        return None;
    }
    let decoded = if encoded { decode(written) } else { None };
    // What is no base64 stands for a value that is to be put in.
    if encoded && decoded.is_none() {
        return None;
    }
    let text = decoded.as_deref().unwrap_or(written);
    let judged = judge(name, text)?;
    Some(Credential {
        place,
        credential: MANIFEST_CREDENTIAL.to_owned(),
        certainty: if judged.structured { Certainty::Shaped } else { Certainty::Generic },
        key: Some(name.to_owned()),
        medium: Medium::Config,
        target: target.cloned(),
        default: judged.well_known,
        fallback: false,
        ephemeral: false,
        test: false,
        form: if encoded { Form::Base64 } else { Form::Plain },
        value: Secret::new(written),
        encoded: None,
    })
}

/// A Secret holds at most 1 MiB; a longer text is not worth decoding.
const MOST_BYTES: usize = 2 << 20;

/// Where the text of a scalar stands, without its quotes.
fn inner(value: Node<'_>) -> Span {
    let span = value.span();
    match value.style() {
        Some(Style::SingleQuoted | Style::DoubleQuoted) if span.len() >= 2 => {
            Span::new(span.file, span.start as usize + 1..span.end as usize - 1)
        }
        _ => span,
    }
}

/// Base64 (RFC 4648, 4), line breaks ignored; bytes that are no UTF-8 become `U+FFFD`. `None` if it is none.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut digits) = (0u32, 0u32, 0usize);
    let mut padding = 0;
    for b in text.bytes().filter(|b| !b.is_ascii_whitespace()) {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        digits += 1;
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    let whole = (digits + padding) % 4 == 0 && padding <= 2;
    whole.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_kubernetes_reads_it() {
        for (text, meaning) in [
            ("YWRtaW4=", Some("admin")),
            ("YWRt\n  aW4=", Some("admin")),
            ("", Some("")),
            ("w6k=", Some("é")),
            ("YWRtaW4", None),
            ("<password>", None),
            ("YW=R", None),
        ] {
            assert_eq!(decode(text).as_deref(), meaning, "{text}");
        }
    }
}
