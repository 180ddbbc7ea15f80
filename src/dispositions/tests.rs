use super::*;
use crate::facts::{Allow, Facts, File, FileClass, Instruction};
use crate::finding::{Confidence, Finding, Severity, Verdict};
use crate::quote::quote;
use crate::source::{MemoryFile, Options};
use crate::text::Spanned;

const TODAY: Date = jiff::civil::date(2026, 3, 1);

/// A repository of one file, with allows where the text has them, a fact from every `key:` to the next blank line, and a finding
/// of `rule` at every `BAD`.
struct Bench {
    source: Source,
    repository: Repository,
    findings: Vec<Finding>,
    rules: Rules,
}

fn bench(text: &str) -> Bench {
    let files =
        vec![MemoryFile { path: "a.yml".into(), bytes: text.into(), tracked: true, ..MemoryFile::default() }];
    let source = crate::source::open(&Target::Memory { files, git: None }, &Options::default())
        .expect("memory opens always");
    let file = FileId(0);
    let index = LineIndex::new(text);
    let line_span = |line: u32| Span::new(file, index.range(text, line));
    let mut facts = Facts::default();
    for (at, _) in text.match_indices("plimsoll: allow[") {
        let rest = &text[at + "plimsoll: allow[".len()..];
        let (ids, reason) = rest.lines().next().expect("a line").split_once(']').expect("closed");
        let line = index.line(at);
        let alone = text[index.range(text, line)].trim_start().starts_with('#');
        let place = Span::new(file, at..at + 8);
        let rules = ids.split(',').filter(|id| !id.is_empty());
        facts.allows.push(Allow {
            place,
            rules: rules.map(|id| Spanned::new(id.to_owned(), place)).collect(),
            reason: Some(reason.to_owned()),
            covers: line_span(if alone { line + 1 } else { line }),
            alone,
        });
    }
    for (at, _) in text.match_indices("key:") {
        let rest = &text[at..];
        let end = at + rest.find("\n\n").unwrap_or(rest.len());
        facts.instructions.push(Instruction {
            place: Span::new(file, at..end),
            keyword: "RUN".into(),
            args: Vec::new(),
            flags: Vec::new(),
            stage: 0,
            last: true,
            exec: false,
        });
    }
    let mut verdict = Verdict::new("bad-thing", Severity::Error, Confidence::High);
    for (at, _) in text.match_indices("BAD") {
        verdict.fail(Span::new(file, at..at + 3), "thing", "This is bad");
    }
    let repository = Repository {
        files: vec![File {
            tracked: Some(true),
            class: FileClass::Read,
            ..File::new(Span::start_of(file), "a.yml".into())
        }],
        facts,
        ..Repository::default()
    };
    let known: BTreeSet<String> = ["bad-thing", "other-thing", "idle-thing"].map(str::to_owned).into();
    let ran = known.iter().filter(|k| *k != "idle-thing").cloned().collect();
    let renamed = [("old-name".to_owned(), "bad-thing".to_owned())].into();
    let rules = Rules { known, renamed, ran, locked: BTreeSet::new() };
    Bench { source, repository, findings: verdict.findings, rules }
}

impl Bench {
    fn settle(&self, books: &Books, whole: bool) -> (Vec<Settled>, Vec<String>) {
        let quoted = quote(&self.source, &self.repository, self.findings.clone(), false);
        let old = BTreeSet::new();
        let on = Circumstances { rules: &self.rules, books, old: &old, whole, today: TODAY };
        settle(quoted, &self.source, &self.repository, &on)
    }

    fn open(&self, books: &Books) -> usize {
        self.settle(books, true).0.iter().filter(|s| s.disposition.is_none()).count()
    }
}

#[test]
fn an_allow_covers_its_line_or_the_fact_below_it() {
    for (text, open, notes) in [
        ("x: BAD # plimsoll: allow[bad-thing] fine\n", 0, vec![]),
        ("x: BAD # plimsoll: allow[old-name] fine\n", 0, vec![]),
        (
            "x: BAD # plimsoll: allow[other-thing,bad-thing] fine\n",
            0,
            vec!["a.yml:1: `other-thing` finds nothing"],
        ),
        ("# plimsoll: allow[bad-thing] fine\nx: BAD\ny: BAD\n", 1, vec![]),
        ("# plimsoll: allow[bad-thing] fine\nkey:\n  - BAD\n  - BAD\n\nz: BAD\n", 1, vec![]),
        ("key: # plimsoll: allow[bad-thing] fine\n  - BAD\n", 1, vec!["a.yml:1: `bad-thing` finds nothing"]),
        ("x: BAD # plimsoll: allow[bad-thing]\n", 1, vec!["a.yml:1: this allow gives no reason"]),
        ("x: BAD # plimsoll: allow[] fine\n", 1, vec!["a.yml:1: this allow names no rule"]),
        (
            "x: BAD # plimsoll: allow[bad-thign] fine\n",
            1,
            vec!["a.yml:1: there is no rule `bad-thign`; did you mean `bad-thing`?"],
        ),
        ("x: 1 # plimsoll: allow[idle-thing] fine\n", 0, vec![]),
        ("\n\nx: 1 # plimsoll: allow[bad-thing] fine\n", 0, vec!["a.yml:3: `bad-thing` finds nothing"]),
    ] {
        let (settled, said) = bench(text).settle(&Books::default(), true);
        let active = settled.iter().filter(|s| s.disposition.is_none()).count();
        assert_eq!(active, open, "{text}");
        assert_eq!(said.len(), notes.len(), "{text}: {said:?}");
        for (said, note) in said.iter().zip(notes) {
            assert!(said.starts_with(note), "{text}: {said}");
        }
    }
}

#[test]
fn a_locked_rule_cannot_be_allowed() {
    let mut bench = bench("x: BAD # plimsoll: allow[bad-thing] fine\n");
    bench.rules.locked.insert("bad-thing".into());
    let (settled, notes) = bench.settle(&Books::default(), true);
    assert_eq!(settled[0].disposition, None);
    assert_eq!(notes, ["a.yml:1: the policy locks `bad-thing`: this allow has no effect"]);
}

#[test]
fn an_allow_is_not_called_unused_by_a_run_that_saw_only_a_part() {
    let (_, notes) = bench("x: 1 # plimsoll: allow[bad-thing] fine\n").settle(&Books::default(), false);
    assert_eq!(notes, [""; 0]);
}

fn books(baseline: Baseline) -> Books {
    Books { baseline, ..Books::default() }
}

#[test]
fn a_baseline_hides_what_it_knows_and_no_second_equal_defect() {
    let before = bench("x: BAD\ny: BAD\n");
    let created = Baseline::create(&before.settle(&Books::default(), true).0, None);
    assert_eq!(created.lines.len(), 2, "equal subjects count each");
    let text = created.to_text();
    let read = Baseline::parse("b", &text).expect("its own text");
    assert_eq!(read, created);
    assert_eq!(Baseline::parse("b", &text.replace('\n', "\r\n")).expect("CRLF").lines, created.lines);
    let books = books(read);
    assert_eq!(before.open(&books), 0);
    assert_eq!(bench(&format!("{}x: BAD\ny: BAD\n", "# moved\n".repeat(50))).open(&books), 0);
    assert_eq!(bench("x: BAD\ny: BAD\nz: BAD\n").open(&books), 1);
}

#[test]
fn a_baseline_shrinks_by_itself_and_grows_only_when_asked() {
    let two = bench("x: BAD\ny: BAD\n");
    let mut baseline = Baseline::create(&two.settle(&Books::default(), true).0, None);
    let none_left = bench("x: 1\n");
    assert_eq!(
        none_left.settle(&books(baseline.clone()), true).1,
        ["2 lines of the baseline are stale: run `plimsoll baseline update`"]
    );
    let three = bench("x: BAD\ny: BAD\nz: BAD\n").settle(&books(baseline.clone()), true).0;
    let update = |baseline: &mut Baseline, settled: &[Settled], grow| {
        let change = baseline.update(settled, &two.rules, grow, false);
        (change.added, change.removed, change.left_out)
    };
    assert_eq!(update(&mut baseline, &three, false), (0, 0, 1));
    assert_eq!(update(&mut baseline, &three, true), (1, 0, 0));
    assert_eq!(update(&mut baseline, &[], false), (0, 3, 0));
    assert!(baseline.lines.is_empty());
}

#[test]
fn lines_of_a_rule_that_did_not_run_stay_until_they_are_pruned() {
    let text = format!("# plimsoll baseline 1\n{} idle-thing a b.yml\n", "0".repeat(32));
    let mut baseline = Baseline::parse("b", &text).expect("right");
    let bench = bench("x: 1\n");
    assert_eq!(baseline.lines.first().expect("one").path, "a b.yml");
    assert_eq!(baseline.update(&[], &bench.rules, false, false).removed, 0);
    assert_eq!(baseline.update(&[], &bench.rules, false, true).removed, 1);
}

#[test]
fn a_baseline_that_cannot_be_trusted_is_an_error_with_its_place() {
    let print = "0".repeat(32);
    for (text, message, place) in [
        (format!("# plimsoll baseline 1\n{print} a b\n<<<<<<< HEAD\n"), "merge conflict", "<<<<<<< HEAD"),
        ("# plimsoll baseline 1\nnonsense\n".to_owned(), "no line of a baseline", "nonsense"),
        ("# plimsoll baseline 2\n".to_owned(), "newer", "# plimsoll baseline 2"),
        (format!("{print} a b\n"), "no baseline of plimsoll", ""),
    ] {
        let error = Baseline::parse("b", &text).expect_err("it is wrong");
        assert!(error.message.contains(message), "{}", error.message);
        let span = error.span.expect("a place");
        assert_eq!(&text[span.offset()..span.offset() + span.len()], place);
    }
}

const WHOLE: &str = "[[exception]]\nid = 'EXC-1'\nrule = 'bad-thing'\npaths = ['*.yml']\njustification = 'old vendor'\n\
    risk = 'low'\ncompensating_controls = ['watched']\napprover = 'the board'\napproved = 2026-01-01\nexpires = '2026-03-01'\n";

#[test]
fn only_a_whole_and_living_exception_disposes() {
    let bench = bench("x: BAD\n");
    for (text, open, note) in [
        (WHOLE.to_owned(), 0, ""),
        (
            WHOLE.replace("'2026-03-01'", "2026-02-28"),
            1,
            "exception EXC-1 has no effect: it expired on 2026-02-28",
        ),
        (
            WHOLE.replace("2026-01-01", "2026-04-01"),
            1,
            "exception EXC-1 has no effect: it is approved only from",
        ),
        (WHOLE.replace("risk = 'low'", ""), 1, "exception EXC-1 has no effect: it lacks risk"),
        (
            WHOLE.replace("'old vendor'", "' '").replace("approver = 'the board'", ""),
            1,
            "exception EXC-1 has no effect: it lacks justification, approver",
        ),
        (WHOLE.replace("*.yml", "b/"), 1, "exception EXC-1 covers nothing any more"),
    ] {
        let exceptions = Exceptions::parse("e", &text, &bench.rules).expect("it can be read");
        let (settled, notes) = bench.settle(&Books { exceptions, ..Books::default() }, true);
        assert_eq!(settled.iter().filter(|s| s.disposition.is_none()).count(), open, "{text}");
        assert_eq!(notes.is_empty(), note.is_empty(), "{notes:?}");
        assert!(notes.iter().all(|n| n.starts_with(note)), "{notes:?}");
    }
}

#[test]
fn a_mistake_in_the_exceptions_is_an_error_with_its_place() {
    let rules = bench("").rules;
    for (from, to, message, place) in [
        ("bad-thing", "bad-thign", "there is no rule `bad-thign`", "'bad-thign'"),
        ("risk", "rsik", "unknown field `rsik`", "rsik"),
        ("'2026-03-01'", "'March'", "no day of the calendar", "'March'"),
    ] {
        let text = WHOLE.replace(from, to);
        let error = Exceptions::parse("e", &text, &rules).expect_err("it is wrong");
        assert!(error.message.contains(message), "{}", error.message);
        let span = error.span.expect("a place");
        assert_eq!(&text[span.offset()..span.offset() + span.len()], place);
    }
}
