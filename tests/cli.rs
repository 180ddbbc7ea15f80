//! The command as a user meets it: what it prints where, and with which exit code it ends.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A rule of a team's own: an action that nobody should use.
const RULE: &str = r#"
id = "evil-action"
title = "An action that nobody should use"
severity = "error"
confidence = "high"
core = true
since = "0.1"
subjects = "uses"
why = "It is evil."
fix = "Use a good one."

[facts]
each = "use"
where.name = "evil/action"
forbid.version = "v1"
message = "This step uses the evil action"

[[bad]]
name = "a step uses it"
files.".github/workflows/ci.yml" = '''
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: «evil/action@v1»
'''

[[good]]
name = "a step uses another"
files.".github/workflows/ci.yml" = '''
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: good/action@v1
'''
"#;

struct Repository {
    folder: TempDir,
}

/// What the command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Repository {
    /// A folder with these files, the rule among them, that counts as the top of a repository.
    fn new(files: &[(&str, &str)]) -> Repository {
        let it = Repository { folder: tempfile::tempdir().expect("a folder") };
        it.write(".plimsoll/rules/evil-action.toml", RULE);
        for (path, text) in files {
            it.write(path, text);
        }
        it
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("it is there")
    }

    fn run(&self, arguments: &str) -> Said {
        self.run_with(arguments, "", &[])
    }

    fn run_with(&self, arguments: &str, stdin: &str, variables: &[(&str, &str)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(arguments.split_whitespace()).current_dir(self.path());
        for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "GIT_DIR", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is built");
        // The program may end without reading what it is given.
        let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said {
            code: output.status.code().expect("no signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn git(&self, arguments: &str) {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        let status = Command::new("git")
            .args(identity)
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("git is there").success(), "git {arguments}");
    }
}

fn workflow(evil: usize) -> String {
    let steps = "      - uses: evil/action@v1\n".repeat(evil);
    format!(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: good/action@v1\n{steps}"
    )
}

const CI: &str = ".github/workflows/ci.yml";

#[test]
fn the_exit_code_tells_findings_from_everything_else() {
    let bad = Repository::new(&[(CI, &workflow(1)), ("broken.toml", "[x"), ("unknown.toml", "selct = []")]);
    for (arguments, code, err) in [
        ("check", 1, ""),
        ("check .", 1, ""),
        ("check .github", 1, ""),
        ("check .plimsoll", 0, ""),
        ("check -f json", 1, ""),
        ("check -f sarif", 1, ""),
        ("check --exit-zero", 0, ""),
        ("check --fail-on never", 0, ""),
        ("check --ignore evil-action", 0, ""),
        ("check --select staging-skipped", 0, ""),
        ("check --exclude ci.yml", 0, ""),
        ("check nowhere", 2, "there is no file or folder `nowhere`"),
        ("check --ignore evil-actoin", 2, "did you mean `evil-action`?"),
        ("check --manual doc-008", 2, "did you mean `doc-009`?"),
        ("check --rules nowhere", 2, "there is no folder"),
        ("check --config broken.toml", 2, "broken.toml"),
        ("check --config unknown.toml", 2, "did you mean `select`?"),
        ("check --config nowhere.toml", 2, "does not exist"),
        ("check -f sarfi", 2, "did you mean `sarif`?"),
        ("check -f full -f json", 2, "two formats go to the standard output"),
        ("check -f json=no/such/folder/x.json", 2, "cannot be written"),
        ("check --rev HEAD", 2, "is not in a git repository"),
        ("check --staged", 2, "is not in a git repository"),
        ("check -", 2, "has no name"),
        ("check --frobnicate", 2, "--frobnicate"),
        ("check --fail-on warn", 2, "warn"),
        ("frobnicate", 2, "frobnicate"),
        ("", 2, "Usage"),
        ("--help", 0, ""),
        ("rule evil-actoin", 2, "did you mean `evil-action`?"),
        ("clause DOC-009/10.zz", 2, "there is no clause"),
    ] {
        let said = bad.run(arguments);
        assert_eq!(said.code, code, "{arguments}: {}{}", said.out, said.err);
        // Errors are wrapped at the terminal's width.
        let flat = said.err.split_whitespace().filter(|w| *w != "│").collect::<Vec<_>>().join(" ");
        assert!(flat.contains(err), "{arguments}: {}", said.err);
    }
}

#[test]
fn adopting_it_takes_two_commands() {
    let old = Repository::new(&[(CI, &workflow(1000))]);
    let init = old.run("init");
    assert_eq!(init.code, 0, "{}", init.err);
    assert!(
        init.out.contains("1000 findings") && init.out.contains("plimsoll baseline create"),
        "{}",
        init.out
    );
    assert!(old.read("plimsoll.toml").lines().count() <= 15);
    assert_eq!(old.run("init").code, 2, "it overwrites nothing");

    let create = old.run("baseline create");
    assert_eq!((create.code, create.out.contains("1000 findings written")), (0, true), "{}", create.out);
    assert_eq!(old.run("baseline create").code, 2, "it overwrites nothing");
    let lines = old.read(".plimsoll/baseline");
    let lines: Vec<&str> = lines.lines().skip(1).collect();
    assert_eq!(lines.len(), 1000);
    assert!(lines.is_sorted() && lines.iter().all(|l| l.ends_with(&format!(" evil-action {CI}"))));

    let clean = old.run("check");
    assert_eq!((clean.code, clean.out.lines().count()), (0, 1), "{}", clean.out);

    // One more defect in the same file is one finding, though it equals those that are known.
    old.write(CI, &workflow(1001));
    let one = old.run("check -f concise");
    assert_eq!((one.code, one.out.lines().count()), (1, 1), "{}", one.out);

    // Fifty lines above change nothing.
    old.write(CI, &format!("{}{}", "# a line\n".repeat(50), workflow(1000)));
    assert_eq!(old.run("check").code, 0);

    // What is mended leaves the baseline, what is new does not enter it unasked.
    old.write(CI, &workflow(10));
    let stale = old.run("check");
    assert!(stale.out.contains("990 lines of the baseline are stale"), "{}", stale.out);
    assert!(old.run("baseline update").out.starts_with("990 removed, 0 added, 10 left"));
    old.write(CI, &workflow(12));
    assert!(old.run("baseline update").out.contains("2 new not taken in"));
    assert!(old.run("baseline update --grow").out.starts_with("0 removed, 2 added, 12 left"));
    assert!(old.run("check --ignore evil-action").out.contains("clean"));
    assert!(old.run("baseline update --ignore evil-action").out.starts_with("0 removed"));
    assert!(old.run("baseline prune --ignore evil-action").out.starts_with("12 removed"));
}

#[test]
fn a_broken_baseline_stops_the_run() {
    let repository = Repository::new(&[(CI, &workflow(1)), (".plimsoll/baseline", "<<<<<<< HEAD\n")]);
    let said = repository.run("check");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("merge conflict") && said.err.contains("baseline"), "{}", said.err);
}

#[test]
fn the_nearest_policy_holds_and_isolated_ignores_it() {
    let repository = Repository::new(&[
        ("plimsoll.toml", "ignore = ['evil-action']\n"),
        (CI, &workflow(1)),
        ("note.toml", "[severity]\nevil-action = 'note'\n"),
        ("local.toml", "[per-path]\n'.github/' = { ignore = ['evil-action'] }\n"),
    ]);
    fs::create_dir_all(repository.path().join(".git")).expect("writable");
    for (arguments, code) in [
        ("check", 0),
        ("check --isolated", 1),
        ("check --config note.toml", 0),
        ("check --config local.toml", 0),
    ] {
        assert_eq!(repository.run(arguments).code, code, "{arguments}");
    }
    let shown = repository.run("config show");
    assert!(shown.out.contains("# from plimsoll.toml") && shown.out.contains("evil-action"), "{}", shown.out);
    assert!(toml::from_str::<toml::Table>(&shown.out).is_ok(), "{}", shown.out);
    let schema: serde_json::Value = serde_json::from_str(&repository.run("config schema").out).expect("JSON");
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn several_formats_come_from_one_run() {
    let repository = Repository::new(&[(CI, &workflow(2))]);
    let said = repository.run("check -f concise -f json=out.json -f sarif=out.sarif --exclude out.*");
    assert_eq!((said.code, said.out.lines().count()), (1, 2), "{}", said.out);
    let json: serde_json::Value = serde_json::from_str(&repository.read("out.json")).expect("JSON");
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(2));
    let sarif = repository.read("out.sarif");
    repository.run("check -f sarif=again.sarif --exclude *.sarif --exclude out.*");
    assert_eq!(sarif, repository.read("again.sarif"));
}

#[test]
fn the_standard_input_is_checked_under_its_name() {
    let repository = Repository::new(&[]);
    let said =
        repository.run_with("check -f concise --stdin-filename .github/workflows/x.yml -", &workflow(1), &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.starts_with(".github/workflows/x.yml:7:"), "{}", said.out);
}

#[test]
fn a_staged_run_sees_the_index_and_reports_what_it_brings() {
    let repository = Repository::new(&[(CI, &workflow(1))]);
    repository.git("init -q");
    repository.git("add .");
    repository.git("commit -qm one");
    assert_eq!(repository.run("check").code, 1);
    repository.write("x.txt", "x");
    repository.git("add x.txt");
    let quiet = repository.run("check --staged --no-progress");
    assert_eq!(
        (quiet.code, quiet.out.as_str(), quiet.err.as_str()),
        (0, "", ""),
        "a hook that passes is silent"
    );
    repository.write(CI, &workflow(2));
    assert_eq!(repository.run("check --staged").code, 0, "what is not staged does not count");
    repository.git("add .");
    repository.write(CI, &workflow(0));
    let staged = repository.run("check --staged -f concise");
    assert_eq!((staged.code, staged.out.lines().count()), (1, 1), "{}", staged.out);
    repository.git("commit -qm two");
    assert_eq!(repository.run("check --rev HEAD -f concise").out.lines().count(), 2);
    assert_eq!(repository.run("check --rev HEAD~1 -f concise").out.lines().count(), 1);
    assert_eq!(repository.run("check --rev nowhere").code, 2);
}

#[test]
fn colours_are_the_environments_choice() {
    let repository = Repository::new(&[(CI, &workflow(1))]);
    for (arguments, variables, coloured) in [
        ("check", vec![], false),
        ("check", vec![("FORCE_COLOR", "1")], true),
        ("check", vec![("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
        ("check --color always", vec![("NO_COLOR", "1")], true),
        ("check --color never", vec![("CLICOLOR_FORCE", "1")], false),
        ("check -f json", vec![("FORCE_COLOR", "1")], false),
    ] {
        let said = repository.run_with(arguments, "", &variables);
        assert_eq!(said.out.contains('\u{1b}'), coloured, "{arguments} {variables:?}");
    }
}

#[test]
fn quiet_says_nothing_of_a_repository_that_passes() {
    let repository = Repository::new(&[(CI, &workflow(0))]);
    let said = repository.run("check -q");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", ""));
}

#[test]
fn rules_and_clauses_know_each_other() {
    let repository = Repository::new(&[]);
    let json = |arguments: &str| -> serde_json::Value {
        let said = repository.run(arguments);
        assert_eq!(said.code, 0, "{arguments}: {}", said.err);
        serde_json::from_str(&said.out).expect("JSON")
    };
    let (rules, clauses) = (json("rule --format json"), json("clause --format json"));
    let rules = rules.as_array().expect("a list");
    for rule in rules {
        for named in rule["clauses"].as_array().expect("a list") {
            let found = clauses.as_array().expect("a list").iter().find(|c| c["id"] == named["id"]);
            let clause = found.unwrap_or_else(|| panic!("{} names {}", rule["id"], named["id"]));
            assert!(clause["rules"].as_array().expect("a list").contains(&rule["id"]));
        }
    }
    assert!(rules.iter().any(|rule| rule["id"] == "evil-action"));
    assert_eq!(json("rule evil-action --format json")["fix"], "Use a good one.");
    assert!(repository.run("rule evil-action").out.contains("plimsoll: allow[evil-action] reason"));
}

#[test]
fn a_teams_rules_are_tested_by_their_examples() {
    let repository = Repository::new(&[]);
    let said = repository.run("test");
    assert_eq!((said.code, said.out.as_str()), (0, "2 passed, 0 failed\n"), "{}", said.err);
    repository.write("more/evil-action.toml", RULE);
    let twice = repository.run("test more");
    assert_eq!(twice.code, 2);
    assert!(twice.err.contains("`evil-action` is there in"), "{}", twice.err);
    repository.write(".plimsoll/rules/evil-action.toml", &RULE.replace("good/action@v1", "evil/action@v1"));
    let failed = repository.run("test");
    assert_eq!(failed.code, 1);
    assert!(failed.out.contains("a step uses another"), "{}", failed.out);
    repository.write(".plimsoll/rules/evil-action.toml", &RULE.replace("each =", "eahc ="));
    let broken = repository.run("check");
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("eahc") && broken.err.contains("evil-action.toml"), "{}", broken.err);
}

#[test]
fn facts_are_json_that_their_schema_describes() {
    let repository = Repository::new(&[(CI, &workflow(1))]);
    let said = repository.run("facts");
    let facts: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let schema: serde_json::Value =
        serde_json::from_str(&repository.run("facts --schema").out).expect("JSON");
    for (key, list) in facts.as_object().expect("an object") {
        assert!(schema["properties"][key].is_object(), "{key}");
        let of = schema["properties"][key]["items"]["$ref"].as_str().and_then(|r| r.rsplit('/').next());
        for fact in list.as_array().into_iter().flatten().filter(|_| of.is_some()) {
            for field in fact.as_object().expect("an object").keys() {
                let known = &schema["$defs"][of.expect("asked")]["properties"][field];
                assert!(known.is_object(), "{key}: {field}");
            }
        }
    }
    assert_eq!(facts["pipelines"][0]["place"]["path"], CI);
}

#[test]
fn an_allow_needs_a_reason_and_is_reported_when_it_is_idle() {
    let step = |comment: &str| workflow(0) + &format!("      - uses: evil/action@v1 {comment}\n");
    for (text, code, note) in [
        (step("# plimsoll: allow[evil-action] a test of the evil"), 0, ""),
        (workflow(0) + "      # plimsoll: allow[evil-action] a test\n      - uses: evil/action@v1\n", 0, ""),
        (step("# plimsoll: allow[evil-action]"), 1, "gives no reason"),
        (step("# plimsoll: allow[evil-actoin] a test"), 1, "did you mean `evil-action`?"),
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
    assert_eq!(locked.run("check").code, 1);
}

/// A reader who has seen enough is no error.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_quiet() {
    let repository = Repository::new(&[(CI, &workflow(1000))]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["check", "-f", "json"])
        .current_dir(repository.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
