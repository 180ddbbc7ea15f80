//! Results: active failures with their places.

use super::log::{
    ArtifactLocation, ContextRegion, Introduced, Location, Message, PhysicalLocation, Region,
    ResultProperties, SarifResult, Text,
};
use super::{BASE, sentence, uri};
use crate::dispositions::Settled;
use crate::finding::Finding;
use crate::quote::Quote;
use crate::report::Report;
use std::collections::BTreeMap;

/// Longest snippet, in bytes.
const SNIPPET: usize = 2048;

/// GitHub shows so many related places of a result.
const RELATED: usize = 100;

/// Lines at least this long may have been cut when they were quoted, and then are no snippet.
const CUT: usize = 396;

/// The active failures, sorted by (uri, line, column, rule).
///
/// Failures that share rule, file and line hash, which happens only on one line, are one result: GitHub
/// knows an alert by these three and would show one of them at random. The first is the result's place, the
/// others are related places of it.
pub(super) fn results(report: &Report) -> Vec<SarifResult> {
    let mut sorted: Vec<&Settled> = report.failures().collect();
    sorted.sort_by_cached_key(|s| {
        let (quote, finding) = (&s.quoted.quote, &s.quoted.finding);
        (uri::encode(&quote.path), quote.start, finding.rule.clone(), s.quoted.fingerprint.clone())
    });
    let mut groups: Vec<Vec<&Settled>> = Vec::new();
    let mut known: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for settled in sorted {
        let (quote, rule) = (&settled.quoted.quote, settled.quoted.finding.rule.as_str());
        let identity = (rule, quote.path.as_str(), quote.line_hash.as_str());
        match known.get(&identity).filter(|_| !quote.line_hash.is_empty()) {
            Some(&group) => groups[group].push(settled),
            None => {
                known.insert(identity, groups.len());
                groups.push(vec![settled]);
            }
        }
    }
    groups.iter().map(|group| result(report, group)).collect()
}

fn result(report: &Report, group: &[&Settled]) -> SarifResult {
    let first = group[0];
    let (finding, quote) = (&first.quoted.finding, &first.quoted.quote);
    let mut related: Vec<(&str, &Quote)> = Vec::new();
    for (place, quote) in &first.quoted.related {
        related.push((&place.message, quote));
    }
    for other in &group[1..] {
        related.push((&other.quoted.finding.message, &other.quoted.quote));
    }
    let mut partial_fingerprints = BTreeMap::new();
    if !quote.line_hash.is_empty() {
        partial_fingerprints.insert("primaryLocationLineHash", quote.line_hash.clone());
    }
    partial_fingerprints.insert("policyIdentity/v1", first.quoted.fingerprint.clone());
    SarifResult {
        rule_id: finding.rule.clone(),
        rule_index: report.rules.binary_search_by(|r| r.active.rule.id.cmp(&finding.rule)).ok(),
        level: finding.severity.name(),
        message: message(&finding.message, &related),
        locations: [Location { id: None, physical_location: physical(quote, true), message: None }],
        related_locations: related
            .iter()
            .take(RELATED)
            .enumerate()
            .map(|(i, (message, quote))| Location {
                id: Some(i + 1),
                physical_location: physical(quote, false),
                message: Some(Text { text: format!("{}.", sentence(&escape(message))) }),
            })
            .collect(),
        partial_fingerprints,
        properties: properties(finding),
    }
}

/// What is known of a credential; `None` of anything else.
fn properties(finding: &Finding) -> Option<ResultProperties> {
    let introduced = finding.origin.as_ref().map(|origin| Introduced {
        revision_id: origin.introduction.commit.clone(),
        author_date: origin.introduction.date.and_then(|date| date.written()),
        uri: uri::encode(&origin.path),
        in_head: origin.in_head,
    });
    let certainty = finding.certainty.map(|c| c.name());
    (introduced.is_some() || certainty.is_some()).then_some(ResultProperties { certainty, introduced })
}

/// The sentence, with up to three links to related places.
fn message(text: &str, related: &[(&str, &Quote)]) -> Message {
    let text = sentence(&escape(text)).to_owned();
    let links: Vec<String> = related
        .iter()
        .take(3)
        .enumerate()
        .map(|(i, (message, _))| format!("[{}]({})", link(sentence(message)), i + 1))
        .collect();
    let (full, id, arguments) = match links.join(", ") {
        links if links.is_empty() => (format!("{text}."), "default", vec![text]),
        links => (format!("{text}. See {links}."), "related", vec![text, links]),
    };
    // With arguments, viewers would take a `{0}` that the repository wrote for a placeholder.
    if (0..10).any(|n| full.contains(&format!("{{{n}"))) {
        return Message { text: full, id: None, arguments: Vec::new() };
    }
    Message { text: full, id: Some(id), arguments }
}

/// A repository's own words make no link: `[x](y)` is one in SARIF messages (§3.11.6).
fn escape(text: &str) -> String {
    let text = crate::report::legible::legible(text);
    if text.contains("](") { link(&text) } else { text }
}

fn link(text: &str) -> String {
    crate::report::legible::legible(text).replace('\\', r"\\").replace('[', r"\[").replace(']', r"\]")
}

/// A place; with the lines around it if `context`.
fn physical(quote: &Quote, context: bool) -> PhysicalLocation {
    let marked = quote.excerpt.get(quote.mark.clone()).unwrap_or("");
    // A mark that was cut is shorter than its place; then it is no snippet of it.
    let whole = !marked.is_empty()
        && marked.len() <= SNIPPET
        && marked.encode_utf16().count() == quote.char_length as usize;
    PhysicalLocation {
        artifact_location: ArtifactLocation { uri: Some(uri::encode(&quote.path)), uri_base_id: BASE },
        region: Some(Region {
            start_line: quote.start.line,
            start_column: quote.start.column,
            end_line: quote.end.line,
            end_column: quote.end.column,
            char_offset: quote.char_offset,
            char_length: quote.char_length,
            snippet: whole.then(|| Text { text: marked.to_owned() }),
        }),
        context_region: if context { context_region(quote) } else { None },
    }
}

/// The whole lines of the place and as many around it as fit; `None` if they are cut or too long.
fn context_region(quote: &Quote) -> Option<ContextRegion> {
    // Of a file that is empty, binary or gone there is nothing to show.
    if quote.excerpt.trim().is_empty() {
        return None;
    }
    let lines: Vec<&str> = quote.excerpt.lines().collect();
    let first = quote.start.line.saturating_sub(quote.first_line) as usize;
    let last = quote.end.line.saturating_sub(quote.first_line) as usize;
    let fits = |from: usize, to: usize| {
        let text = lines.get(from..=to)?;
        let small = text.iter().map(|line| line.len() + 1).sum::<usize>() <= SNIPPET;
        (small && text.iter().all(|line| line.len() < CUT)).then(|| text.join("\n") + "\n")
    };
    let mut best = (first, last, fits(first, last)?);
    for around in 1..=2 {
        let (from, mut to) = (first.saturating_sub(around), (last + around).min(lines.len() - 1));
        // The line behind a file's last line break is none.
        while to > last && lines[to].is_empty() {
            to -= 1;
        }
        match fits(from, to) {
            Some(text) => best = (from, to, text),
            None => break,
        }
    }
    let (from, to, text) = best;
    let line = |index: usize| quote.first_line + index as u32;
    Some(ContextRegion { start_line: line(from), end_line: line(to), snippet: Text { text } })
}
