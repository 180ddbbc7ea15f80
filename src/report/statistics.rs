//! A table of the rules: what each looked at and what it found.

use super::legible::table;
use super::{Report, Style};
use crate::finding::{FindingKind, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Writes one row per rule that looked at something or found something, worst first: level, findings,
/// files with findings, open ones, those disposed of, places examined and satisfied. The last line
/// counts rules that had nothing to look at.
pub fn write(report: &Report, _: &Style) -> Vec<u8> {
    let head = ["rule", "level", "findings", "files", "open", "disposed of", "examined", "satisfied"];
    let mut rows: Vec<(Severity, usize, Vec<String>)> = Vec::new();
    let mut idle = 0;
    let mut all = count(report);
    for rule in &report.rules {
        let counts = all.remove(rule.active.rule.id.as_str()).unwrap_or_default();
        if counts == Counts::default() && rule.examined == 0 && !rule.crashed {
            idle += 1;
            continue;
        }
        let id = &rule.active.rule.id;
        let id = if rule.crashed { format!("{id} (did not come to an end)") } else { id.clone() };
        let mut row = vec![id, rule.active.severity.to_string()];
        let numbers =
            [counts.failures, counts.files, counts.open, counts.disposed, rule.examined, rule.satisfied];
        row.extend(numbers.map(|n| n.to_string()));
        rows.push((rule.active.severity, counts.failures, row));
    }
    rows.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then_with(|| a.2.cmp(&b.2)));
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    cells.extend(rows.into_iter().map(|(_, _, row)| row));
    let mut out = table(&cells, &[2, 3, 4, 5, 6, 7]);
    if idle > 0 {
        out.push_str(&format!("  {} had nothing to look at\n", super::legible::count(idle, "rule")));
    }
    out.into_bytes()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    failures: usize,
    files: usize,
    open: usize,
    disposed: usize,
}

/// Counts per rule, in one pass over findings.
fn count(report: &Report) -> BTreeMap<&str, Counts> {
    let mut all: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for settled in &report.findings {
        let rule = settled.quoted.finding.rule.as_str();
        let counts = all.entry(rule).or_default();
        match (&settled.disposition, settled.quoted.finding.kind) {
            (Some(_), _) => counts.disposed += 1,
            (None, FindingKind::Fail) => {
                counts.failures += 1;
                counts.files += usize::from(seen.insert((rule, &settled.quoted.quote.path)));
            }
            (None, _) => counts.open += 1,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_rule_that_looked_at_something_has_a_row() {
        let text = String::from_utf8(write(&sample::report(), &Style::default())).unwrap();
        insta::assert_snapshot!(text, @r#"
    rule             level    findings  files  open  disposed of  examined  satisfied
    piped-to-shell   error           2      1     0            0         4          1
    staging-skipped  error           1      1     0            0         4          1
    image-floating   warning         1      1     0            4         4          1
    rollback-absent  note            0      0     2            0         4          1
    "#);
    }
}
