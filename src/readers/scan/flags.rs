//! Feature flags that program code asks for, after the manuals of the libraries.

use super::surroundings::is_comment;
use crate::facts::FlagRead;
use crate::text::{FileId, Span};
use std::ops::Range;

/// How a call names its flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// By its first argument.
    First,
    /// By its second: the first is the request.
    Second,
    /// By its first; the call says so little that what it is called on must speak of flags.
    OnFlags,
}

/// A call that asks for a flag.
pub(super) struct Call {
    pub(super) words: &'static str,
    names: Names,
    /// Whether a service elsewhere holds the flag's state.
    remote: bool,
}

const fn call(words: &'static str, names: Names, remote: bool) -> Call {
    Call { words, names, remote }
}

/// LaunchDarkly, OpenFeature, Unleash, Flipper, django-waffle, GitLab's own, PostHog, Flagsmith, Split, Statsig,
/// GrowthBook, and Microsoft's feature management.
pub(super) const CALLS: &[Call] = &[
    call("variation(", Names::OnFlags, true),
    call("boolVariation(", Names::First, true),
    call("bool_variation(", Names::First, true),
    call("stringVariation(", Names::First, true),
    call("getBooleanValue(", Names::OnFlags, true),
    call("get_boolean_value(", Names::OnFlags, true),
    call("isEnabled(", Names::OnFlags, false),
    call("is_enabled(", Names::OnFlags, false),
    call("isEnabledAsync(", Names::OnFlags, false),
    call("enabled?(", Names::OnFlags, false),
    call("flag_is_active(", Names::Second, false),
    call("switch_is_active(", Names::First, false),
    call("isFeatureEnabled(", Names::First, true),
    call("is_feature_enabled(", Names::First, true),
    call("feature_enabled(", Names::First, true),
    call("feature_enabled?(", Names::First, false),
    call("hasFeature(", Names::OnFlags, true),
    call("getTreatment(", Names::OnFlags, true),
    call("checkGate(", Names::First, true),
    call("useFeatureIsOn(", Names::First, true),
    call("useFeatureFlagEnabled(", Names::First, true),
    call("useFeatureFlag(", Names::First, true),
];

/// The read whose call is at `word`.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    call: &Call,
    extension: &str,
    offset: usize,
) -> Option<FlagRead> {
    let written = text.get(word.clone())?;
    // The automaton knows no case; calls begin small, or large in Go and C#.
    let same = written.eq_ignore_ascii_case(call.words) && written[1..] == call.words[1..];
    let from = text.ceil_char_boundary(word.start.saturating_sub(120));
    let before = text.get(from..word.start)?;
    let line = before.rsplit('\n').next().unwrap_or(before);
    let glued = line.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if !same || glued || is_comment(line, extension) {
        return None;
    }
    // A definition of the function is no use of it.
    let defines = ["def ", "function ", "func ", "fn ", "fun "].iter().any(|d| line.ends_with(d));
    if defines || call.names == Names::OnFlags && !is_on_flags(line) {
        return None;
    }
    let mut at = word.end;
    let rest = text.get(at..text.floor_char_boundary((at + 200).min(text.len())))?;
    if call.names == Names::Second {
        let comma = rest.find(',').filter(|comma| !rest[..*comma].contains(['(', ')', ';']))?;
        at += comma + 1;
    }
    let (key, place) = literal(text, at)?;
    Some(FlagRead {
        place: Span::new(file, offset + place.start..offset + place.end),
        key: key.to_owned(),
        call: written.trim_end_matches('(').to_owned(),
        remote: call.remote || line.to_ascii_lowercase().contains("unleash"),
    })
}

/// Whether what the call is made on speaks of flags: `unleash.`, `featureFlags.`, `Flipper.`, `ldClient.`.
fn is_on_flags(line: &str) -> bool {
    let on = line.trim_end_matches(['.', ':', '?', '>', '-', '!']);
    if on.len() == line.len() {
        return false;
    }
    let from =
        on.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '$'))).map_or(0, |i| i + 1);
    let receiver = on.get(from..).unwrap_or(on).to_ascii_lowercase();
    [
        "flag",
        "feature",
        "unleash",
        "flipper",
        "toggle",
        "ldclient",
        "launchdarkly",
        "ld_client",
        "openfeature",
        "flagsmith",
        "splitclient",
        "growthbook",
        "waffle",
    ]
    .iter()
    .any(|w| receiver.contains(w))
}

/// The quoted name, or Ruby symbol, that stands at `at`.
fn literal(text: &str, at: usize) -> Option<(&str, Range<usize>)> {
    let bytes = text.as_bytes();
    let at = at + bytes.get(at..)?.iter().take(80).take_while(|b| b.is_ascii_whitespace()).count();
    let opens = *bytes.get(at)?;
    let named = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':');
    let length = bytes.get(at + 1..)?.iter().take(120).take_while(|b| named(b)).count();
    let range = at + 1..at + 1 + length;
    let closed = match opens {
        b'"' | b'\'' | b'`' => bytes.get(range.end) == Some(&opens),
        b':' => true,
        _ => false,
    };
    (closed && length > 1).then(|| (&text[range.clone()], range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_name_the_flag_that_they_ask_for() {
        for (text, extension, expected) in [
            ("if unleash.isEnabled('new-cart') {", "ts", Some("new-cart")),
            ("client.isEnabled('x1')", "ts", None),
            ("if flag_is_active(request, \"new_cart\"):", "py", Some("new_cart")),
            ("if Flipper.enabled?(:new_cart, user)", "rb", Some("new_cart")),
            ("ldClient.boolVariation(\"new-cart\", ctx, false)", "java", Some("new-cart")),
            ("client.BoolVariation(\"new-cart\", ctx, false)", "go", Some("new-cart")),
            ("await _featureManager.IsEnabledAsync(\"NewCart\")", "cs", Some("NewCart")),
            ("if switch_is_active(name):", "py", None),
            ("# flag_is_active(request, 'old')", "py", None),
            ("def feature_enabled?(name)", "rb", None),
            ("posthog.isFeatureEnabled('cart')", "js", Some("cart")),
        ] {
            let lower = text.to_ascii_lowercase();
            let found = CALLS.iter().find_map(|c| {
                let at = lower.find(&c.words.to_ascii_lowercase())?;
                read(FileId(0), text, at..at + c.words.len(), c, extension, 0)
            });
            assert_eq!(found.as_ref().map(|f| f.key.as_str()), expected, "{text}");
        }
    }
}
