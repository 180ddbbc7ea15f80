//! Findings as a person reads them: the place, the reason, the fix and the way out of each, worst first;
//! then a table of what was not shown, what was not read, and one line that sums up.

use super::legible::{clause, count, first_sentence, legible, table, wrap};
use super::snippet::Snippets;
use super::{Report, Show, Style, comment, concise, level_word, summary};
use crate::dispositions::Settled;
use crate::finding::{Confidence, FindingKind, Origin, Severity};
use crate::quote::Quote;
use crate::rule::Rule;
use crate::source::Carrier;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

/// A finding takes no more lines than this, so that two fit on a screen.
const LINES: usize = 20;

/// Unread files and notes beyond this many are counted.
const LISTED: usize = 10;

/// Writes the report. One of a staged run with nothing to say is empty: a hook that passes is silent.
pub(super) fn write(report: &Report, style: &Style) -> Vec<u8> {
    let mut shown: Vec<&Settled> =
        report.findings.iter().filter(|s| s.disposition.is_none() && style.show.includes(s)).collect();
    if report.partial && shown.is_empty() && report.is_whole() {
        return Vec::new();
    }
    // The sort is stable: within a file the order of places stays.
    shown.sort_by_key(|s| {
        let finding = &s.quoted.finding;
        let worst = (finding.kind, Reverse(finding.severity), Reverse(finding.confidence));
        (worst, s.quoted.quote.path.as_str())
    });
    let mut out = String::new();
    let chosen = choose(&shown, style);
    for settled in &chosen {
        out.push_str(&statement(report, settled, style));
        out.push('\n');
    }
    if chosen.len() < shown.len() {
        cut(&shown, chosen.len(), &mut out);
    }
    if style.show == Show::All {
        disposed(report, &mut out);
    }
    unread(report, &mut out);
    notes(report, style, &mut out);
    out.push_str(&String::from_utf8_lossy(&summary::write(report, style)));
    out.into_bytes()
}

/// The findings that are shown in full.
fn choose<'a>(shown: &[&'a Settled], style: &Style) -> Vec<&'a Settled> {
    let Some(limit) = style.limit else { return shown.to_vec() };
    let mut of_rule: BTreeMap<&str, usize> = BTreeMap::new();
    shown
        .iter()
        .filter(|s| {
            let n = of_rule.entry(&s.quoted.finding.rule).or_default();
            *n += 1;
            *n <= limit.per_rule
        })
        .take(limit.total)
        .copied()
        .collect()
}

/// How much of a finding is told.
#[derive(Clone, Copy)]
struct Measure {
    /// Related places that get a frame; the others are named in one line.
    related: usize,
    /// Lines around the place.
    context: usize,
    /// Whether the reason and the fix are told whole, or their first sentences.
    whole: bool,
}

/// One finding, in at most [`LINES`] lines: what is least needed goes first.
fn statement(report: &Report, settled: &Settled, style: &Style) -> String {
    let most = settled.quoted.related.len().min(3);
    let mut measures = vec![(most, 1, true), (most, 0, true), (most, 0, false)];
    measures.extend((0..most).rev().map(|related| (related, 0, false)));
    let mut text = String::new();
    for (related, context, whole) in measures {
        text = told(report, settled, style, Measure { related, context, whole });
        if text.lines().count() <= LINES {
            return text;
        }
    }
    // Only a message or a reason of many lines gets here; its end is for `plimsoll rule`.
    let mut lines: Vec<&str> = text.lines().take(LINES - 1).collect();
    lines.push("  ...");
    lines.join("\n") + "\n"
}

fn told(report: &Report, settled: &Settled, style: &Style, measure: Measure) -> String {
    let (finding, quote) = (&settled.quoted.finding, &settled.quoted.quote);
    let rule = report.rule(&finding.rule).map(|r| &r.active.rule);
    let mut snippets = Snippets::default();
    let visible = snippets.add(quote, &finding.label, measure.context);
    let mut places: BTreeSet<(&str, u32, u32)> = BTreeSet::new();
    places.insert(key(quote));
    let mut named = Vec::new();
    let mut framed = 0;
    for (related, place) in &settled.quoted.related {
        if !places.insert(key(place)) {
            continue;
        }
        if visible && framed < measure.related && snippets.add(place, &related.message, 0) {
            framed += 1;
        } else {
            named.push(format!("{} ({})", legible(&related.message), position(place)));
        }
    }
    let statement = Statement {
        title: legible(&finding.message),
        code: code(settled, rule),
        severity: severity(settled),
        url: rule.and_then(|r| r.sources.first()).filter(|_| style.hyperlinks).cloned(),
        labels: snippets.labels(),
        snippets,
    };
    let mut out = String::new();
    frame(style).render_report(&mut out, &statement).expect("writing to a string does not fail");
    // The blank line below the rule's id is worth more as a line of source.
    out = out.replacen("\n\n", "\n", 1);
    if !visible {
        let label = if finding.label.is_empty() { String::new() } else { format!(": {}", finding.label) };
        say(&mut out, style, "at", &format!("{}{label}", position(quote)));
    }
    let mut say = |word: &str, text: &str| say(&mut out, style, word, text);
    if !named.is_empty() {
        let rest = named.len().saturating_sub(3);
        named.truncate(3);
        let more = if rest > 0 { format!(" and {}", count(rest, "more place")) } else { String::new() };
        say("also", &format!("{}{more}", named.join(", ")));
    }
    if let Some(origin) = &finding.origin {
        say("git", &since(origin));
    }
    if let Some(against) = &finding.against {
        say("but", against);
    }
    if let Some(rule) = rule {
        let part = |text: &str| if measure.whole { text.to_owned() } else { first_sentence(text).to_owned() };
        say("why", &part(&rule.why));
        say("fix", &part(&rule.fix));
    }
    let past = finding.origin.as_ref().is_some_and(|origin| origin.past);
    match comment::allow(&quote.path, &finding.rule).filter(|_| !past) {
        _ if finding.kind != FindingKind::Fail => {}
        Some(comment) => {
            let long = format!("{comment} (on that line, or alone above it)");
            say("out", if long.len() + 8 <= style.width { &long } else { &comment });
        }
        None if past => say("out", "an entry in .plimsoll/exceptions.toml, as history takes no comments"),
        None => say("out", "an entry in .plimsoll/exceptions.toml, as this file takes no comments"),
    }
    out
}

/// Since when git holds something.
pub(super) fn since(origin: &Origin) -> String {
    let day = origin.introduction.day().map(|day| format!(" of {day}")).unwrap_or_default();
    let commit = origin.introduction.short();
    let place = match origin.carrier {
        Carrier::File => format!("commit {commit}{day}, in {}", legible(&origin.path)),
        Carrier::CommitMessage => format!("commit {commit}{day}, in its message"),
        Carrier::TagMessage => format!("a tag{day} on {commit}, in its message"),
    };
    match (origin.in_head, origin.carrier) {
        (true, _) => format!("since {place}; HEAD holds it"),
        (false, Carrier::File) => format!("since {place}; HEAD no longer holds it"),
        // No file need ever have held it.
        (false, Carrier::CommitMessage | Carrier::TagMessage) => format!("since {place}"),
    }
}

/// One labelled paragraph below the frame.
fn say(out: &mut String, style: &Style, word: &str, text: &str) {
    let label = format!("  {word:>4}: ");
    let mut lines = wrap(&label, &legible(text), style.width.max(40));
    if style.color {
        lines[0] = format!("\u{1b}[36m{label}\u{1b}[0m{}", &lines[0][label.len()..]);
    }
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
}

fn key(quote: &Quote) -> (&str, u32, u32) {
    (&quote.path, quote.start.line, quote.start.column)
}

fn position(quote: &Quote) -> String {
    format!("{}:{}:{}", legible(&quote.path), quote.start.line, quote.start.column)
}

/// `error[staging-skipped] DOC-009 §10.e, medium confidence`.
fn code(settled: &Settled, rule: Option<&Rule>) -> String {
    let finding = &settled.quoted.finding;
    let mut code = format!("{}[{}]", level_word(settled), finding.rule);
    let clauses: Vec<String> = rule.map_or(&[][..], |r| &r.clauses).iter().map(|c| clause(&c.id)).collect();
    let shown = clauses.len().min(4);
    let mut rest = clauses[..shown].to_vec();
    if clauses.len() > shown {
        rest.push(format!("{} more", clauses.len() - shown));
    }
    if finding.confidence < Confidence::High {
        rest.push(format!("{} confidence", finding.confidence));
    }
    if !rest.is_empty() {
        code = format!("{code} {}", rest.join(", "));
    }
    code
}

fn severity(settled: &Settled) -> miette::Severity {
    let finding = &settled.quoted.finding;
    match (finding.kind, finding.severity) {
        (FindingKind::Fail, Severity::Error) => miette::Severity::Error,
        (FindingKind::Fail, Severity::Warning) => miette::Severity::Warning,
        _ => miette::Severity::Advice,
    }
}

fn frame(style: &Style) -> GraphicalReportHandler {
    let characters = if style.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let styles = if style.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_width(style.width.max(40))
        .with_links(true)
        .with_urls(style.hyperlinks)
        .with_link_display_text("(why)")
        .with_context_lines(1)
        .with_break_words(false)
        .without_syntax_highlighting()
}

/// A finding in the terms of the drawing library.
#[derive(Debug)]
struct Statement {
    title: String,
    code: String,
    severity: miette::Severity,
    url: Option<String>,
    labels: Vec<LabeledSpan>,
    snippets: Snippets,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl std::error::Error for Statement {}

impl Diagnostic for Statement {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.url.as_ref().map(|url| Box::new(url) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.snippets)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<_>)
    }
}

/// The table of all shown findings by rule, and the command that lists each.
fn cut(shown: &[&Settled], told: usize, out: &mut String) {
    let mut rules: BTreeMap<&str, (&Settled, usize, BTreeSet<&str>)> = BTreeMap::new();
    for settled in shown {
        let row = rules.entry(&settled.quoted.finding.rule).or_insert_with(|| (settled, 0, BTreeSet::new()));
        row.1 += 1;
        row.2.insert(&settled.quoted.quote.path);
    }
    let mut rows: Vec<_> = rules.into_iter().collect();
    let level = |s: &Settled| (s.quoted.finding.kind, Reverse(s.quoted.finding.severity));
    rows.sort_by_key(|(_, (settled, n, _))| (level(settled), Reverse(*n)));
    let mut cells = vec![["rule", "level", "count", "files"].map(str::to_owned).to_vec()];
    for (rule, (settled, n, files)) in rows {
        let level = level_word(settled).to_owned();
        cells.push(vec![rule.to_owned(), level, n.to_string(), files.len().to_string()]);
    }
    out.push_str(&table(&cells, &[2, 3]));
    let of = count(shown.len(), "finding");
    let _ = writeln!(out, "\n{told} of {of} are shown; `plimsoll check -f concise` lists them all\n");
}

fn disposed(report: &Report, out: &mut String) {
    let mut any = false;
    for settled in report.findings.iter().filter(|s| s.disposition.is_some()) {
        any = true;
        out.push_str(&concise::line(report, settled));
        out.push('\n');
    }
    if any {
        out.push('\n');
    }
}

fn unread(report: &Report, out: &mut String) {
    if report.unread.is_empty() {
        return;
    }
    let _ = writeln!(out, "not read, so nothing is known about:");
    let mut sorted: Vec<_> = report.unread.iter().collect();
    sorted.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
    let rows: Vec<Vec<String>> = sorted
        .iter()
        .take(LISTED)
        .map(|u| vec![u.class.name().to_owned(), legible(&u.path), legible(&u.reason)])
        .collect();
    out.push_str(&table(&rows, &[]));
    if sorted.len() > LISTED {
        let _ = writeln!(out, "  and {} more", sorted.len() - LISTED);
    }
    out.push('\n');
}

fn notes(report: &Report, style: &Style, out: &mut String) {
    for note in report.notes.iter().take(LISTED) {
        for line in wrap("note: ", &legible(note), style.width.max(40)) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    if report.notes.len() > LISTED {
        let _ = writeln!(out, "      and {} more", count(report.notes.len() - LISTED, "note"));
    }
    if !report.notes.is_empty() {
        out.push('\n');
    }
}

#[cfg(test)]
#[path = "full_tests.rs"]
mod tests;
