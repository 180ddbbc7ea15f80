//! The command as a user meets it: what it prints where, and with which exit code it ends.

mod common;

use std::fs;
use std::process::Stdio;

use common::{CI, RULE, Repository, workflow};

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
    repository.write(
        ".plimsoll/rules/evil-action.toml",
        &RULE.replace(
            "good/action@0123456789abcdef0123456789abcdef01234567",
            "evil/action@0123456789abcdef0123456789abcdef01234567",
        ),
    );
    let failed = repository.run("test");
    assert_eq!(failed.code, 1);
    assert!(failed.out.contains("a step uses another"), "{}", failed.out);
    repository.write(".plimsoll/rules/evil-action.toml", &RULE.replace("each =", "eahc ="));
    let broken = repository.run("check");
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("eahc") && broken.err.contains("evil-action.toml"), "{}", broken.err);
}

/// Kinds of a team's own, in the form of the built-in ones.
const KINDS: &str = r#"
provider = "Acme"
source   = "https://handbook.acme.test/tokens"

[[kind]]
id = "acme-deploy-token"
title = "Acme deploy token"
keywords = ["acmd_"]
regex = '\b(?P<secret>acmd_[0-9a-z]{24})\b'

[[kind]]
id = "acme-ledger-key"
title = "Key of Acme's ledger"
keywords = ["ledger_key", "ledgerkey", "ledger-key"]
key = 'acme[_.-]?ledger[_.-]?key'
value = '[0-9a-f]{32}'

[[bad]]
kind = "acme-deploy-token"
path = "deploy.sh"
text = '''
curl -H "X-Acme: «acmd_7k2m9⁀x4q8w1z5v3n6b0c2r7t»" https://deploy.acme.test
'''

[[bad]]
kind = "acme-ledger-key"
path = "config/app.yaml"
text = '''
acmeLedgerKey: «9f3a61c07b2e4d58⁀a1c6e0f94b7d2385»
'''

[[good]]
path = "docs/tokens.md"
text = '''
A token begins with `acmd_`; ACME_LEDGER_KEY=${ACME_LEDGER_KEY} comes from the store.
'''
"#;

#[test]
fn a_teams_kinds_of_credentials_are_found_like_the_built_in_ones() {
    let token = concat!("acmd_3h8d5", "s9f2j7k4l1p6q0w8e5y");
    let repository = Repository::committed(&[
        (".plimsoll/kinds/acme.toml", KINDS),
        ("src/deploy.py", &format!("send(\"{token}\")\n")),
    ]);
    assert_eq!(repository.run("test").out, "5 passed, 0 failed\n");
    for arguments in ["check", "check --staged", "check --rev HEAD", "check --history"] {
        repository.write("src/deploy.py", &format!("send(\"{token}\")\n"));
        if arguments.ends_with("staged") {
            repository.write("src/deploy.py", &format!("deliver(\"{}\")\n", token.replace("3h8d", "8h3d")));
            repository.git("add src/deploy.py");
        }
        if arguments.ends_with("history") {
            repository.remove("src/deploy.py");
        }
        let said = repository.run(&format!("{arguments} --select secrets -f concise"));
        assert_eq!(said.code, 1, "{arguments}: {}{}", said.out, said.err);
        assert!(said.out.contains("src/deploy.py:1:"), "{arguments}: {}", said.out);
        assert!(said.out.contains("acme deploy token") && said.out.contains("(shaped)"), "{}", said.out);
        assert!(!said.out.contains("s9f2j7k4l1p6"), "{arguments} writes the value");
    }
}

#[test]
fn a_broken_kind_ends_the_run_and_says_where_and_what_to_write() {
    for (good, bad, place, remedy) in [
        ("title = \"Acme", "titel = \"Acme", "titel", "did you mean `title`?"),
        ("id = \"acme-d", "id = \"Acme D", "not the id of a kind", "lower case with hyphens"),
        ("id = \"acme-deploy-token\"", "id = \"stripe-secret-key\"", "there is a kind", "another id"),
        ("keywords = [\"acmd_\"]", "keywords = []", "keywords of `acme-deploy-token`", "its prefix"),
        ("keywords = [\"acmd_\"]", "keywords = [\"a\"]", "keywords of `acme-deploy-token`", "its prefix"),
        ("(?P<secret>", "(", "group named `secret`", "docs/kinds.md"),
        ("[0-9a-z]{24}", "[0-9a-z{24}", "acme-deploy-token: regex parse error", "docs/kinds.md"),
        ("value = ", "checks = [\"magic\"]\nvalue = ", "there is no check `magic`", "docs/kinds.md"),
        ("value = ", "window = 999999999\nvalue = ", "reaches too far", "at most 98304 bytes"),
        ("kind = \"acme-ledger-key\"", "kind = \"acme-deploy-token\"", "has no bad example", "[[bad]]"),
        (
            "[[good]]",
            "[[good]]\nkind = \"acme-ledger-key\"",
            "a good example names no `kind`",
            "mend the kind",
        ),
        ("{24}", "{25}", "no credential of the kind is found in line 1", "mend the kind or the example"),
        (
            "«acmd_7k2m9⁀x4q8w1z5v3n6b0c2r7t»",
            "acmd_7k2m9⁀x4q8w1z5v3n6b0c2r7t",
            "marks its credential",
            "mend",
        ),
        ("`acmd_`;", "`acmd_7k2m9⁀x4q8w1z5v3n6b0c2r7t`;", "is found in line 1", "in a good one none"),
        (KINDS.split_once("[[good]]").expect("there is one").1, "", "path", ""),
    ] {
        let text = KINDS.replacen(good, bad, 1);
        assert_ne!(text, KINDS, "{good}");
        let repository = Repository::new(&[(".plimsoll/kinds/acme.toml", &text)]);
        for command in ["check", "test"] {
            let said = repository.run(command);
            let told = said.plain_err();
            assert_eq!(said.code, 2, "{bad}: {}{told}", said.out);
            assert!(told.contains("kinds/acme.toml") || said.err.contains("acme.toml"), "{bad}: {told}");
            assert!(told.contains(place) && told.contains(remedy), "{bad}: {told}");
            assert!(!told.contains("x4q8w1z5v3n6b0c2r7t»"), "{bad}: {told}");
        }
    }
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

/// A reader who has seen enough is no error.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_quiet() {
    let repository = Repository::new(&[(CI, &workflow(1000))]);
    let mut child = repository
        .command()
        .args(["check", "-f", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn what_lies_beside_the_named_paths_is_not_taken_for_missing() {
    let revision = |id: &str, parent: &str| {
        format!(
            "revision = '{id}'\ndown_revision = '{parent}'\n\n\ndef upgrade():\n    op.drop_table('t{id}')\n\n\n\
             def downgrade():\n    op.create_table('t{id}')\n"
        )
    };
    let repository = Repository::new(&[
        ("alembic/versions/a1.py", &revision("a1", "").replace("''", "None")),
        ("alembic/versions/b2.py", &revision("b2", "a1")),
        ("alembic/versions/c3.py", &revision("c3", "b2")),
        ("alembic/versions/d4.py", &revision("d4", "b2")),
    ]);
    let heads = "--select migration-multiple-heads -f concise";
    assert_eq!(repository.run(&format!("check {heads}")).code, 1, "two heads");
    let part = repository.run(&format!("check alembic/versions/c3.py alembic/versions/d4.py {heads}"));
    assert_eq!(part.code, 0, "{}", part.out);
}
