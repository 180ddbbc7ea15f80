//! Adopting it on an old repository: `init`, the baseline, and inline allows.

mod common;

use common::{CI, Repository, workflow};

#[test]
fn a_thousand_findings_become_a_baseline_and_one_line() {
    let old = Repository::new(&[(CI, &workflow(1000))]);
    let create = old.run("baseline create");
    assert_eq!((create.code, create.out.contains("1000 findings written")), (0, true), "{}", create.out);
    assert_eq!(old.run("baseline create").code, 2, "it overwrites nothing");
    let text = old.read(".plimsoll/baseline");
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 1000);
    assert!(lines.is_sorted() && lines.iter().all(|l| l.ends_with(&format!(" evil-action {CI}"))));

    let clean = old.run("check");
    assert_eq!((clean.code, clean.out.lines().count(), clean.err.as_str()), (0, 1, ""), "{}", clean.out);
    assert!(clean.out.contains("1000 disposed of (1000 baseline)"), "{}", clean.out);

    old.write(CI, &workflow(1001));
    let one = old.run("check -f concise");
    assert_eq!((one.code, one.out.lines().count()), (1, 1), "one more in a known file: {}", one.out);

    old.write(CI, &format!("{}{}", "# a line\n".repeat(50), workflow(1000)));
    assert_eq!(old.run("check").code, 0, "fifty lines above change nothing");
}

#[test]
fn a_known_defect_moves_within_its_file_and_hides_no_other() {
    let old = Repository::new(&[(CI, &workflow(1))]);
    old.run("baseline create");
    let job = "  b:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n";
    for (change, text, findings) in [
        ("nothing", workflow(1), 0),
        ("lines above", format!("# a\n\n# b\n{}", workflow(1)), 0),
        ("line ends", workflow(1).replace('\n', "\r\n"), 0),
        (
            "a comment behind it",
            workflow(1).replace(
                "evil/action@0123456789abcdef0123456789abcdef01234567",
                "evil/action@0123456789abcdef0123456789abcdef01234567 # known",
            ),
            0,
        ),
        ("a second in the same job", workflow(2), 1),
        ("a second in a job of its own", workflow(1) + job, 1),
        ("it was mended", workflow(0), 0),
    ] {
        old.write(CI, &text);
        assert_eq!(old.run("check -q -f concise").out.lines().count(), findings, "{change}");
    }
    old.write(CI, &workflow(1));
    old.write(".github/workflows/other.yml", &workflow(1));
    let other = old.run("check -q -f concise").out;
    assert!(other.lines().count() == 1 && other.starts_with(".github/workflows/other.yml:"), "{other}");
}

#[test]
fn a_baseline_only_shrinks_unless_it_is_told_to_grow() {
    let old = Repository::new(&[(CI, &workflow(1000))]);
    old.run("baseline create");
    old.write(CI, &workflow(10));
    let stale = old.run("check");
    assert!(stale.code == 0 && stale.out.contains("990 lines of the baseline are stale"), "{}", stale.out);
    assert!(old.run("baseline update").out.starts_with("990 removed, 0 added, 10 left"));
    assert!(!old.run("check").out.contains("stale"));
    old.write(CI, &workflow(12));
    assert!(old.run("baseline update").out.contains("2 new not taken in"));
    assert_eq!(old.run("check").code, 1, "what is new is still found");
    assert!(old.run("baseline update --grow").out.starts_with("0 removed, 2 added, 12 left"));
    assert_eq!(old.run("check").code, 0);

    // Lines of rules that do not run are no business of a run without them.
    assert!(old.run("check --ignore evil-action").out.contains("clean"));
    assert!(old.run("baseline update --ignore evil-action").out.starts_with("0 removed"));
    assert!(old.run("baseline prune --ignore evil-action").out.starts_with("12 removed"));
}

#[test]
fn a_baseline_that_cannot_be_read_stops_the_run_and_tells_what_to_do() {
    let line = "0123456789abcdef0123456789abcdef evil-action .github/workflows/ci.yml";
    for (text, wrong, instead) in [
        ("<<<<<<< HEAD\n".to_owned(), "merge conflict", "keep the lines of both sides"),
        (format!("# plimsoll baseline 1\n{line}\nsome words\n"), "no line of a baseline", "restore the file"),
        (format!("{line}\n"), "no baseline of plimsoll", "its first line is"),
        ("# plimsoll baseline 2\n".into(), "newer plimsoll", "use the version that wrote it"),
    ] {
        let repository = Repository::new(&[(CI, &workflow(1)), (".plimsoll/baseline", &text)]);
        for arguments in ["check", "check -f json", "baseline update"] {
            let said = repository.run(arguments);
            assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments}: {}", said.err);
            let err = said.plain_err();
            assert!(err.contains(wrong) && err.contains(instead) && err.contains("baseline"), "{}", said.err);
        }
        assert_eq!(repository.read(".plimsoll/baseline"), text, "it is left as it is");
    }
    let none = Repository::new(&[(CI, &workflow(1))]);
    let said = none.run("baseline update");
    assert!(said.code == 2 && said.err.contains("plimsoll baseline create"), "{}", said.err);
}

#[test]
fn init_says_what_it_recognised_and_offers_the_baseline() {
    let old = Repository::new(&[(CI, &workflow(1000))]);
    let init = old.run("init");
    assert_eq!(init.code, 0, "{}", init.err);
    assert!(init.out.contains("Recognised ") && init.out.contains("github"), "{}", init.out);
    assert!(init.out.contains("1000 findings") && init.out.contains("plimsoll baseline create"));
    let policy = old.read("plimsoll.toml");
    assert!(policy.lines().count() <= 15 && policy.contains("# "), "{policy}");

    let again = old.run("init");
    assert_eq!(again.code, 2);
    assert!(again.err.contains("there is a policy already"), "{}", again.err);
    assert_eq!(old.read("plimsoll.toml"), policy);
    assert_eq!(old.run("check").code, 1, "a policy that nobody has edited changes nothing");
}

#[test]
fn init_overwrites_no_policy_wherever_it_stands() {
    for (path, text) in [
        ("plimsoll.toml", ""),
        (".github/plimsoll.toml", "fail-on = 'warning'\n"),
        ("pyproject.toml", "[tool.plimsoll]\nignore = ['evil-action']\n"),
    ] {
        let repository = Repository::new(&[(path, text)]);
        assert_eq!(repository.run("init").code, 2, "{path}");
        assert_eq!(repository.read(path), text);
    }
    let other = Repository::new(&[("pyproject.toml", "[tool.ruff]\nline-length = 100\n")]);
    assert_eq!(other.run("init").code, 0, "another tool's settings are no policy");
}

#[test]
fn init_writes_the_manuals_and_the_baseline_it_is_asked_for() {
    let old = Repository::new(&[(CI, &workflow(3))]);
    let init = old.run("init --manual doc-009 --baseline");
    assert_eq!(init.code, 0, "{}", init.err);
    assert!(old.read("plimsoll.toml").contains("manuals = [\"doc-009\"]"));
    assert!(old.run("config show").out.contains("doc-009"));
    assert_eq!(old.run("check --fail-on note").code, 0, "all of it is known now");
    let wrong = Repository::new(&[]).run("init --manual doc-008");
    assert!(wrong.code == 2 && wrong.plain_err().contains("did you mean `doc-009`?"), "{}", wrong.err);
}

#[test]
fn an_allow_needs_a_reason_and_is_reported_when_it_is_idle() {
    let step = |comment: &str| {
        workflow(0)
            + &format!("      - uses: evil/action@0123456789abcdef0123456789abcdef01234567 {comment}\n")
    };
    for (text, code, note) in [
        (step("# plimsoll: allow[evil-action] a test of the evil"), 0, ""),
        (
            workflow(0)
                + "      # plimsoll: allow[evil-action] a test\n      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n",
            0,
            "",
        ),
        (
            workflow(0)
                + "      # plimsoll: allow[evil-action] it\n      # is a test\n      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n",
            0,
            "",
        ),
        (step("# plimsoll: allow[evil-action]"), 1, "gives no reason"),
        (step("# plimsoll: allow[]  a test"), 1, "names no rule"),
        (step("# plimsoll: allow[evil-actoin] a test"), 1, "did you mean `evil-action`?"),
        (step("# plimsoll: allow[staging-skipped] a test"), 1, "`staging-skipped` finds nothing"),
        (step("# see plimsoll: allow[evil-action] a test"), 1, ""),
        (
            workflow(0).replace("push", "push # plimsoll: allow[evil-action] a test"),
            0,
            "ci.yml:1: `evil-action` finds nothing",
        ),
    ] {
        let said = Repository::new(&[(CI, &text)]).run("check -f concise");
        assert_eq!(said.code, code, "{text}: {}{}", said.out, said.err);
        assert_eq!(said.err.is_empty(), note.is_empty(), "{text}: {}", said.err);
        assert!(said.err.contains(note), "{text}: {}", said.err);
    }
    let locked = Repository::new(&[
        (CI, &step("# plimsoll: allow[evil-action] a test")),
        ("plimsoll.toml", "locked = ['evil-action']\n"),
    ]);
    let said = locked.run("check -f concise");
    assert!(said.code == 1 && said.err.contains("the policy locks `evil-action`"), "{}", said.err);
}

#[test]
fn an_allow_covers_its_own_place_and_no_other() {
    let two = workflow(2).replacen(
        "evil/action@0123456789abcdef0123456789abcdef01234567",
        "evil/action@0123456789abcdef0123456789abcdef01234567 # plimsoll: allow[evil-action] a test",
        1,
    );
    let said = Repository::new(&[(CI, &two)]).run("check -f concise");
    assert_eq!((said.code, said.out.lines().count()), (1, 1), "{}", said.out);
    // At the top of a file it does not silence all of it.
    let top = format!("# plimsoll: allow[evil-action] a test\n{}", workflow(2));
    assert_eq!(Repository::new(&[(CI, &top)]).run("check -f concise").out.lines().count(), 2);
    // Prose about allows is not an allow.
    let document =
        "Write `plimsoll: allow[evil-action] reason` there.\n\n<!-- plimsoll: allow[evil-action] x -->\n";
    let said = Repository::new(&[("README.md", document), (CI, &workflow(1))]).run("check -f concise");
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{}", said.err);
}
