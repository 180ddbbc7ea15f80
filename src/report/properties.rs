//! What holds of every format, whatever files say.

use super::{FORMATS, Limit, Report, Show, Style, sample};
use crate::dispositions::Settled;
use crate::quote::Quote;
use proptest::prelude::*;
use std::time::Duration;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("\t".to_owned()),
        Just("\u{1b}[31m".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("é😀表\u{301}\u{202e}".to_owned()),
        Just("{0} [a](b) \"x\" \\".to_owned()),
        Just("word ".repeat(120)),
        "[ -~]{0,20}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// A place in a text; sometimes with its excerpt cut as that of a long place is, or without one.
fn quote() -> impl Strategy<Value = Quote> {
    let names = prop::sample::select(vec!["a.yml", "b/c.json", "Dockerfile", "odd \u{1b}é:.sh"]);
    (names, text(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8).prop_map(
        |(name, text, a, b, cut)| {
            let place = |index: prop::sample::Index| {
                let mut at = index.index(text.len() + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let (a, b) = (place(a), place(b));
            let mut quote = sample::quote_at(name, &text, a.min(b)..a.max(b));
            if cut == 0 {
                let end = quote.excerpt[quote.mark.start..].find('\n').map_or(0, |at| quote.mark.start + at);
                quote.excerpt.truncate(end + 1);
                quote.mark.end = quote.mark.end.min(end);
            }
            if cut == 1 {
                (quote.excerpt, quote.mark, quote.line_hash) = (String::new(), 0..0, String::new());
            }
            quote
        },
    )
}

fn settled() -> impl Strategy<Value = Settled> {
    let related = prop::collection::vec((quote(), text()), 0..5);
    (0..4_usize, quote(), text(), text(), related).prop_map(|(rule, quote, message, label, related)| {
        let rule = &sample::report().rules[rule];
        let mut settled = sample::settled(rule, quote, &message, "a subject");
        settled.quoted.finding.label = label;
        for (quote, message) in related {
            sample::relate(&mut settled, quote, &message);
        }
        settled
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_format_panics_or_lets_a_file_steer_the_terminal(
        findings in prop::collection::vec(settled(), 0..6),
        width in 0..200_usize,
        unicode in any::<bool>(),
        show in prop::sample::select(vec![Show::Findings, Show::Open, Show::All]),
        limit in prop::option::of(Just(Limit::default())),
    ) {
        let report = Report { findings, ..sample::report() };
        let elapsed = Some(Duration::from_secs(1));
        let style = Style { width, unicode, show, limit, elapsed, ..Style::default() };
        for format in FORMATS {
            let text = String::from_utf8((format.write)(&report, &style)).expect("reports are UTF-8");
            // Programs read the others; there JSON's own escapes are enough.
            let allowed = match format.name {
                "full" => "\n\t",
                "concise" => "\n",
                _ => "\n",
            };
            let person = matches!(format.name, "full" | "concise");
            let steers = |c: char| c.is_control() && !allowed.contains(c) && (person || c < ' ');
            prop_assert!(!text.contains(steers), "{text:?}");
            if format.name == "concise" {
                prop_assert_eq!(text.lines().count(), report.findings.len() + report.unread.len());
            }
            if matches!(format.name, "json" | "sarif") {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
