//! What a user gets wrong, and what the command answers: the place, what is wrong, what to write instead.

mod common;

use std::fs;

use common::{CI, RULE, Repository, workflow};

/// Runs, and demands exit code 2, nothing on the standard output, and all of these words.
#[track_caller]
fn assert_refused(repository: &Repository, arguments: &str, words: &[&str]) {
    let said = repository.run(arguments);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments}: {}", said.err);
    let err = said.plain_err();
    for word in words {
        assert!(err.contains(word), "{arguments} should say `{word}`:\n{}", said.err);
    }
}

#[test]
fn arguments_that_mean_nothing_are_told_what_would() {
    let it = Repository::new(&[(CI, &workflow(1)), ("file", "")]);
    for (arguments, words) in [
        ("check nowhere", &["there is no file or folder `nowhere`", "check the spelling"][..]),
        ("check . nowhere", &["`nowhere`"]),
        ("check --select evil-actoin", &["evil-actoin", "did you mean `evil-action`?"]),
        ("check --ignore stagin-skipped", &["did you mean `staging-skipped`?"]),
        ("check --select evil-action,frobnicate", &["`frobnicate`", "plimsoll rule"]),
        ("check --manual doc-008", &["doc-008", "did you mean `doc-009`?"]),
        ("check --rules nowhere", &["there is no folder", "nowhere"]),
        ("check --rules file", &["file"]),
        ("check --config nowhere.toml", &["nowhere.toml", "does not exist"]),
        ("check --config plimsoll.toml --isolated", &["cannot be used with"]),
        ("check -f sarfi", &["there is no format `sarfi`", "did you mean `sarif`?"]),
        ("check -f frob", &["there is no format `frob`", "there are full, concise, json, sarif"]),
        ("check -f json=", &["`json=` names no file", "--format json=FILE"]),
        ("check -f full -f json", &["two formats go to the standard output", "--format sarif=out.sarif"]),
        ("check -f json=x -f sarif=x", &["two formats go to `x`"]),
        ("check --fail-on warn", &["warn", "warning"]),
        ("check --color sometimes", &["sometimes", "always"]),
        ("check --jobs many", &["many"]),
        ("check -", &["has no name", "--stdin-filename"]),
        ("check - . --stdin-filename x", &["beside other paths"]),
        ("check --stdin-filename x", &["needs `-`"]),
        ("check -q -v", &["cannot be used with"]),
        ("check --staged --since HEAD", &["cannot be used with"]),
        ("check --staged .github", &["leave out the paths"]),
        ("check --rev HEAD", &["is not in a git repository", "leave out"]),
        ("check --exclude [b-a]", &["the exclude pattern `[b-a]`", "as in .gitignore"]),
        ("chekc", &["chekc", "check"]),
        ("check --staeged", &["--staeged", "--staged"]),
        ("rule evil-actoin", &["there is no rule `evil-actoin`", "did you mean `evil-action`?"]),
        ("clause DOC-009/10.zz", &["there is no clause", "did you mean"]),
        ("facts nowhere", &["there is no file or folder `nowhere`"]),
        ("init nowhere", &["there is no file or folder `nowhere`"]),
        ("baseline create .github", &["a part of the repository", "leave out the path"]),
        ("baseline update", &["there is no baseline yet", "plimsoll baseline create"]),
        ("baseline", &["create"]),
        ("test nowhere", &["nowhere"]),
    ] {
        assert_refused(&it, arguments, words);
    }
    assert!(!it.path().join(".plimsoll/baseline").exists());
}

#[test]
fn a_policy_is_told_where_it_is_wrong_and_what_is_right() {
    for (text, words) in [
        ("[x", &["plimsoll.toml:1:"][..]),
        ("selct = []\n", &["plimsoll.toml:1:1", "selct", "did you mean `select`?"]),
        ("\n\nfail-on = 'warn'\n", &["plimsoll.toml:3:", "warn", "warning"]),
        ("fail-on = 3\n", &["plimsoll.toml:1:"]),
        ("select = 'evil-action'\n", &["plimsoll.toml:1:"]),
        ("select = ['evil-actoin']\n", &["plimsoll.toml:1:", "did you mean `evil-action`?"]),
        ("ignore = ['evil-actoin']\n", &["plimsoll.toml:1:", "did you mean `evil-action`?"]),
        ("manuals = ['doc-009', 'wtfb']\n", &["plimsoll.toml:1:", "wtfb"]),
        ("[severity]\nevil-action = 'fatal'\n", &["plimsoll.toml:2:", "fatal", "error"]),
        ("[severity]\nevil-actoin = 'note'\n", &["plimsoll.toml:2:", "did you mean `evil-action`?"]),
        ("[resolve]\n'version.scheem' = 'phase-10'\n", &["plimsoll.toml:2:", "version.scheme"]),
        ("[environments.prodution]\nnames = ['x']\n", &["plimsoll.toml:1:", "production"]),
        ("[environments.production]\nname = ['x']\n", &["plimsoll.toml:2:", "names"]),
        ("[per-path]\n'a/' = { ingore = [] }\n", &["plimsoll.toml:2:", "ignore"]),
        ("[repository]\nkind = 'aplication'\n", &["plimsoll.toml:2:", "application"]),
        ("extends = 'nowhere.toml'\n", &["plimsoll.toml:1:", "nowhere.toml"]),
        ("extends = 'plimsoll.toml'\n", &["plimsoll.toml"]),
        ("a = 1\na = 2\n", &["plimsoll.toml:2:"]),
    ] {
        let it = Repository::new(&[("plimsoll.toml", text), (CI, &workflow(1))]);
        assert_refused(&it, "check", words);
        assert_refused(&it, "check -f json=out.json", words);
        assert!(!it.path().join("out.json").exists(), "a run that cannot begin writes nothing");
        assert_eq!(it.run("check --isolated -q").code, 1);
    }
}

#[test]
fn a_rule_file_is_told_where_it_is_wrong_and_what_is_right() {
    let path = ".plimsoll/rules/evil-action.toml";
    for (old, new, words) in [
        ("each = \"use\"", "each = \"ues\"", &["evil-action.toml:", "ues", "use"][..]),
        ("each =", "eahc =", &["evil-action.toml:", "eahc"]),
        ("where.name", "where.nmae", &["evil-action.toml:", "nmae", "name"]),
        ("severity = \"error\"", "severity = \"fatal\"", &["evil-action.toml:4:", "fatal", "error"]),
        ("confidence = \"high\"", "confidence = 1", &["evil-action.toml:5:"]),
        ("subjects = \"uses\"", "subjects = \"usess\"", &["evil-action.toml:", "usess", "uses"]),
        ("id = \"evil-action\"", "id = \"Evil Action\"", &["evil-action.toml:", "hyphens"]),
        ("id = \"evil-action\"", "id = \"worse-action\"", &["evil-action.toml:", "worse-action.toml"]),
        ("[facts]", "[fcats]", &["evil-action.toml:", "fcats"]),
        ("message = \"This", "message = \"{frob} This", &["evil-action.toml", "frob"]),
        ("why = \"It is evil.\"", "", &["evil-action.toml", "why"]),
        ("title = \"An", "title = An", &["evil-action.toml:3:"]),
    ] {
        assert!(RULE.contains(old), "{old}");
        let it = Repository::new(&[(CI, &workflow(1))]);
        it.write(path, &RULE.replacen(old, new, 1));
        assert_refused(&it, "check", words);
        // Rules that a person asks about are read in the same way.
        assert_refused(&it, "rule", words);
    }
    let it = Repository::new(&[(CI, &workflow(1))]);
    it.write("more/evil-action.toml", RULE);
    assert_refused(&it, "check --rules more", &["`evil-action`", "more/evil-action.toml"]);
}

#[test]
fn an_output_that_cannot_be_written_loses_no_other() {
    let it = Repository::new(&[(CI, &workflow(2))]);
    it.write("taken/x", "");
    for (place, words) in [
        ("no/such/folder/x.sarif", &["cannot be written", "there is no folder `no/such/folder`"][..]),
        ("taken", &["`taken` cannot be written"]),
        (".github/workflows/ci.yml/x", &["cannot be written"]),
    ] {
        let before = it.files();
        let said =
            it.run(&format!("check -f sarif={place} -f json=kept.json -f concise --exclude kept.json"));
        assert_eq!(said.code, 2, "{}", said.err);
        assert_eq!(said.out.lines().count(), 2, "what was found is not lost: {}", said.out);
        for word in words {
            assert!(said.plain_err().contains(word), "{word}: {}", said.err);
        }
        assert!(serde_json::from_str::<serde_json::Value>(&it.read("kept.json")).is_ok());
        it.remove("kept.json");
        assert_eq!(it.files(), before, "nothing is left half-written");
    }
}

#[test]
#[cfg(unix)]
fn an_output_takes_its_name_only_when_it_is_whole() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let it = Repository::new(&[(CI, &workflow(2)), ("out.json", "an older and longer report")]);
    let old = fs::File::open(it.path().join("out.json")).expect("it is there");
    fs::set_permissions(it.path().join("out.json"), fs::Permissions::from_mode(0o640)).expect("ours");
    it.run("check -f json=out.json");
    let new = fs::metadata(it.path().join("out.json")).expect("it is there");
    assert_ne!(old.metadata().expect("open").ino(), new.ino(), "who reads the old one reads it to its end");
    assert_eq!(new.mode() & 0o777, 0o640);
    assert!(serde_json::from_str::<serde_json::Value>(&it.read("out.json")).is_ok());
    // A device is written to directly.
    assert_eq!(it.run("check -f json=/dev/null").code, 1);
    // A full disk is told, and is no success.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = it.command().args(["check", "-f", "json"]).stdout(full).output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"));
}

#[test]
#[cfg(unix)]
fn a_reader_who_has_seen_enough_is_no_error() {
    let it = Repository::new(&[(CI, &workflow(3000))]);
    for arguments in
        ["check -v", "check -f concise", "check -f json", "check -f sarif", "facts", "rule", "clause"]
    {
        let program = env!("CARGO_BIN_EXE_plimsoll");
        let line = format!("'{program}' {arguments} | head -1; echo ${{PIPESTATUS[0]}}");
        let mut shell = std::process::Command::new("bash");
        let output = shell.args(["-c", &line]).current_dir(it.path()).output().expect("bash is there");
        let out = String::from_utf8_lossy(&output.stdout);
        let code = out.lines().last().unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments}");
        assert_eq!(code, if arguments.starts_with("check") { "1" } else { "0" }, "{arguments}");
    }
}

#[test]
fn colour_and_links_follow_the_surroundings() {
    let it = Repository::new(&[(CI, &workflow(1))]);
    for (arguments, variables, coloured) in [
        ("check", &[][..], false),
        ("check", &[("CLICOLOR_FORCE", "1")], true),
        ("check", &[("FORCE_COLOR", "1")], true),
        ("check", &[("CLICOLOR_FORCE", "0")], false),
        ("check", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ("check", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], true),
        ("check", &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
        ("check", &[("TERM", "dumb")], false),
        ("check", &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], false),
        ("check", &[("CI", "true"), ("GITHUB_ACTIONS", "true")], false),
        ("check --color always", &[("NO_COLOR", "1"), ("CI", "true")], true),
        ("check --color never", &[("CLICOLOR_FORCE", "1")], false),
        ("check -f json --color always", &[], false),
        ("check -f sarif --color always", &[], false),
        ("check nowhere", &[("CLICOLOR_FORCE", "1")], true),
        ("check nowhere", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let said = it.run_with(arguments, "", variables);
        let all = format!("{}{}", said.out, said.err);
        assert_eq!(all.contains("\u{1b}["), coloured, "{arguments} {variables:?}\n{all}");
        assert!(!all.contains("\u{1b}]8"), "a pipe gets no links: {arguments} {variables:?}");
        assert!(!all.contains('\r'), "a pipe gets no progress");
    }
    it.run("check --color always -f full=report.txt");
    assert!(!it.read("report.txt").contains('\u{1b}'), "a file is no terminal");
}

#[test]
fn the_width_follows_columns_and_no_report_depends_on_the_format() {
    let it = Repository::new(&[(CI, &workflow(1))]);
    for (columns, most) in [("60", 60), ("1", 40), ("9999", 200), ("wide", 100)] {
        let said = it.run_with("rule evil-actoin", "", &[("COLUMNS", columns)]);
        assert!(said.err.lines().all(|line| line.chars().count() <= most), "{columns}: {}", said.err);
    }
    let codes: Vec<i32> =
        ["full", "concise", "json", "sarif"].iter().map(|f| it.run(&format!("check -f {f}")).code).collect();
    assert_eq!(codes, [1; 4]);
}
