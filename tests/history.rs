//! `check --history` on repositories that git itself made: what was brought by which commit, and what of
//! history could not be read.

mod common;

use common::{Repository, Said};
use serde_json::Value;

const FIRST: &str = "fAIDpzuvoWqC0ktQbf8VsBEx";
const SECOND: &str = "cXh3BuI0bAScIOaBbTmDzz1l";
const THIRD: &str = "pQ7Zk2VxW9mRt4LsN8yHdCfJ";

/// A line with a credential; the seed makes the value.
fn line(seed: &str) -> String {
    format!("key = \"{}{seed}\"\n", concat!("sk_", "live_"))
}

fn repository(files: &[(&str, &str)]) -> Repository {
    let it = Repository::bare(files);
    it.git("init -q -b main");
    it
}

/// A repository in which one commit brought a credential and the next one removed it.
fn removed() -> Repository {
    let it = repository(&[("app.py", &line(FIRST)), ("README.md", "# Shop\n")]);
    it.git("add .");
    it.git("commit -q -m first --date=2021-03-04T23:30:00-08:00");
    it.write("app.py", "import os\n");
    it.commit("second");
    it
}

const HISTORY: &str = "check --history --isolated --select secrets -f json";

fn json(said: &Said) -> Value {
    assert!(said.code < 2, "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}{}", said.out, said.err))
}

fn look(it: &Repository) -> Value {
    json(&it.run(HISTORY))
}

/// `rule path first-path in-head` of every finding, sorted.
fn findings(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut all: Vec<String> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| {
            let origin = &f["introduced"];
            let rule = text(&f["rule"]).replace("secret-in-git-history", "history");
            format!("{rule} {} {} {}", text(&f["path"]), text(&origin["path"]), origin["in_head"])
        })
        .collect();
    all.sort();
    all
}

#[track_caller]
fn assert_findings(it: &Repository, expected: &[&str]) {
    let report = look(it);
    assert_eq!(findings(&report), expected, "{report:#}");
}

fn unread(report: &Value) -> Vec<String> {
    let all = report["unread"].as_array().expect("a list").iter();
    all.map(|u| format!("{} {}: {}", u["path"], u["class"], u["reason"]).replace('"', "")).collect()
}

fn commit_of(it: &Repository, rev: &str) -> String {
    let output = std::process::Command::new("git").args(["rev-parse", rev]).current_dir(it.path()).output();
    String::from_utf8(output.expect("git is there").stdout).expect("hexadecimal").trim().to_owned()
}

#[test]
fn what_was_removed_is_told_with_its_commit_date_and_path() {
    let it = removed();
    let report = look(&it);
    assert_eq!(findings(&report), ["history app.py app.py false"]);
    let finding = &report["findings"][0];
    let commit = commit_of(&it, "HEAD~1");
    assert_eq!(finding["introduced"]["commit"], commit.as_str());
    assert_eq!(finding["introduced"]["date"], "2021-03-04T23:30:00-08:00");
    assert_eq!((&finding["line"], &finding["column"]), (&1.into(), &8.into()));
    for format in ["full -v", "concise", "sarif"] {
        let said = it.run(&format!("check --history --isolated --select secrets -f {format}"));
        assert_eq!(said.code, 1, "{}", said.err);
        for word in [&commit[..12], "2021-03-0", "app.py"] {
            assert!(said.out.contains(word), "{format} does not say {word}: {}", said.out);
        }
        assert!(
            said.out.contains("no longer holds") || said.out.contains("\"inHead\": false"),
            "{}",
            said.out
        );
        assert!(!said.out.contains(FIRST) && !said.err.contains(FIRST), "{format} tells the value");
    }
    let usual = it.run("check --isolated --select secrets -f json");
    assert_eq!((usual.code, json(&usual)["findings"].as_array().map(Vec::len)), (0, Some(0)));
}

#[test]
fn what_the_files_still_hold_is_told_once_and_since_when() {
    let it = repository(&[("a.py", &line(FIRST))]);
    it.commit("first");
    it.git("mv a.py b.py");
    it.commit("second");
    assert_findings(&it, &["secret-in-source b.py a.py true"]);
    // Not committed yet: HEAD has it, the files have not.
    it.write("b.py", "import os\n");
    assert_findings(&it, &["history a.py a.py true"]);
}

#[test]
fn an_untracked_env_file_does_not_hide_that_it_was_once_committed() {
    let it = repository(&[(".env", &format!("API_TOKEN={}{FIRST}\n", concat!("sk_", "live_")))]);
    it.commit("first");
    it.git("rm -q --cached .env");
    it.write(".gitignore", ".env\n");
    it.commit("second");
    assert_findings(&it, &["history .env .env false"]);
}

#[test]
fn messages_of_commits_and_tags_are_read_and_told_without_a_file() {
    let it = repository(&[("README.md", "# Shop\n")]);
    it.commit("first");
    let written = |arguments: &str, seed: &str| {
        it.write("message", &format!("Deploy with the new key\n\n{}", line(seed)));
        it.git(&format!("{arguments} -F message"));
        it.remove("message");
    };
    written("commit -q --allow-empty --date=2021-03-04T23:30:00-08:00", FIRST);
    written("tag -a v1.0", SECOND);
    it.git("tag -a -m again again v1.0");
    it.git("tag same v1.0");
    it.commit("last");
    let all = [
        "history .git/commit-message .git/commit-message false",
        "history .git/tag-message/again .git/tag-message/again false",
    ];
    assert_findings(&it, &all);
    let report = look(&it);
    let finding = &report["findings"][0];
    let commit = commit_of(&it, "HEAD~1");
    assert_eq!(finding["introduced"]["commit"], commit.as_str());
    assert_eq!(finding["introduced"]["date"], "2021-03-04T23:30:00-08:00");
    assert_eq!((&finding["line"], &finding["column"]), (&3.into(), &8.into()));
    assert_eq!(report["findings"][1]["introduced"]["commit"], commit.as_str(), "what the tag marks");
    it.git("gc -q --aggressive --prune=now");
    assert_eq!(look(&it), report, "packed");
    for format in ["full -v", "concise", "sarif", "json"] {
        let said =
            it.run(&format!("check --history --isolated --select secrets --fail-on warning -f {format}"));
        assert_eq!(said.code, 1, "{}", said.err);
        for word in [&commit[..12], "he message of commit", "he message of a tag"] {
            assert!(said.out.contains(word), "{format} does not say {word}: {}", said.out);
        }
        assert!(!said.out.contains("no longer holds"), "no file ever held it: {}", said.out);
        assert!(![FIRST, SECOND].iter().any(|seed| said.out.contains(seed)), "{format} tells the value");
    }
    let since = |rev: &str| findings(&json(&it.run(&format!("{HISTORY} --since {rev}"))));
    assert_eq!(since("HEAD~2"), all);
    assert_eq!(since("HEAD~1"), [""; 0]);
}

#[test]
fn a_message_that_names_what_a_file_holds_is_no_second_finding() {
    let it = repository(&[("a.py", &line(FIRST))]);
    it.write("message", &line(FIRST));
    it.git("add a.py");
    it.git("commit -q -F message");
    it.remove("message");
    assert_findings(&it, &["secret-in-source a.py a.py true"]);
    it.remove("a.py");
    it.commit("second");
    let report = look(&it);
    assert_eq!(findings(&report), ["history a.py a.py false"]);
    assert_eq!(report["findings"][0]["related"][0]["path"], ".git/commit-message");
}

#[test]
fn every_ref_and_every_stash_counts() {
    let it = repository(&[("README.md", "# Shop\n")]);
    it.commit("first");
    for (path, seed) in [("old.py", FIRST), ("new.py", SECOND)] {
        it.write(path, &line(seed));
        it.git("add .");
        it.git("stash -q");
    }
    assert_findings(&it, &["history new.py new.py false", "history old.py old.py false"]);

    let it = repository(&[("README.md", "# Shop\n")]);
    it.commit("first");
    it.git("checkout -q -b gone");
    it.write("tagged.py", &line(FIRST));
    it.commit("second");
    it.git("tag -a -m x v1");
    it.git("checkout -q -b other main");
    it.write("light.py", &line(SECOND));
    it.commit("third");
    it.git("tag light");
    it.git("checkout -q main");
    it.git("branch -q -D gone other");
    it.write("note", &line(THIRD));
    it.git("notes add -F note");
    it.remove("note");
    let found = findings(&look(&it));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[1..], ["history light.py light.py false", "history tagged.py tagged.py false"]);
}

#[test]
fn merges_of_two_and_of_many_hide_nothing() {
    let it = repository(&[("README.md", "# Shop\n")]);
    it.commit("first");
    for (branch, seed) in [("one", FIRST), ("two", SECOND), ("three", THIRD)] {
        it.git(&format!("checkout -q -b {branch} main"));
        it.write(&format!("{branch}.py"), &line(seed));
        it.commit("bring");
        it.write(&format!("{branch}.py"), "import os\n");
        it.commit("remove");
    }
    it.git("checkout -q main");
    it.git("merge -q --no-ff -m merge one");
    it.git("merge -q -m octopus two three");
    it.git("branch -q -D one two three");
    let all =
        ["history one.py one.py false", "history three.py three.py false", "history two.py two.py false"];
    assert_findings(&it, &all);
}

#[test]
fn a_renamed_file_is_one_finding_and_the_first_path_its_origin() {
    let it = repository(&[("b/first.py", &line(FIRST))]);
    it.commit("first");
    it.git("mv b a");
    it.write("a/first.py", &format!("# moved\n{}", line(FIRST)));
    it.commit("second");
    it.git("rm -q -r a");
    it.commit("third");
    let report = look(&it);
    assert_eq!(findings(&report), ["history b/first.py b/first.py false"]);
    let related = &report["findings"][0]["related"];
    assert_eq!(related.as_array().map(Vec::len), Some(1), "{related}");
    assert_eq!((&related[0]["path"], &related[0]["line"]), (&"a/first.py".into(), &2.into()));
}

#[test]
fn a_value_that_a_test_had_first_is_judged_by_its_gravest_place() {
    let it = repository(&[("tests/test_pay.py", "password = \"hunter22x9\"\n")]);
    it.commit("first");
    it.write("shop/settings.py", "DATABASE_PASSWORD = \"hunter22x9\"\n");
    it.commit("second");
    it.git("rm -q -r shop tests");
    it.commit("third");
    assert_findings(&it, &["history shop/settings.py tests/test_pay.py false"]);
}

#[test]
fn since_a_revision_only_what_is_new_counts() {
    let it = repository(&[("old.py", &line(FIRST)), ("moved.py", &line(SECOND))]);
    it.commit("first");
    it.git("tag base");
    // Old values in new versions, at new paths, and removed again.
    it.write("old.py", &format!("# edited\n{}", line(FIRST)));
    it.git("mv moved.py elsewhere.py");
    it.write("elsewhere.py", &format!("# edited\n{}", line(SECOND)));
    it.commit("second");
    it.write("new.py", &line(THIRD));
    it.commit("third");
    it.git("rm -q -r .");
    it.write("README.md", "# Shop\n");
    it.commit("fourth");
    let since = |rev: &str| findings(&json(&it.run(&format!("{HISTORY} --since {rev}"))));
    assert_eq!(since("base"), ["history new.py new.py false"]);
    assert_eq!(since("HEAD"), [""; 0]);
    assert_eq!(since("HEAD~1"), [""; 0]);
    assert_eq!(findings(&look(&it)).len(), 3);
    let said = it.run(&format!("{HISTORY} --since nowhere"));
    assert_eq!(said.code, 2);
    assert!(said.plain_err().contains("`nowhere` is not a revision"), "{}", said.err);
}

#[test]
fn packs_alternates_and_work_trees_are_read_like_loose_objects() {
    let it = removed();
    for number in 0..40 {
        it.write("log.py", &(line(SECOND) + &"x = 1\n".repeat(number)));
        it.git("add .");
        it.git("commit -q -m more");
    }
    it.remove("log.py");
    it.commit("last");
    let all = ["history app.py app.py false", "history log.py log.py false"];
    assert_findings(&it, &all);
    let loose = look(&it);
    it.git("gc -q --aggressive --prune=now");
    assert_eq!(look(&it), loose, "packed");
    assert_eq!(json(&it.run(&format!("{HISTORY} --jobs 1"))), loose, "one thread");

    let shared = Repository::bare(&[]);
    shared.git(&format!("clone -q --shared file://{} .", it.path().display()));
    assert_findings(&shared, &all);

    it.git("worktree add -q --detach tree HEAD");
    let tree = Repository::bare(&[]);
    tree.git(&format!(
        "-C {} worktree add -q --detach {} HEAD",
        it.path().display(),
        tree.path().join("t").display()
    ));
    let output = tree.command().current_dir(tree.path().join("t")).args(HISTORY.split(' ')).output();
    let output = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
    let report: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(findings(&report), all);
}

#[test]
fn what_another_work_tree_has_checked_out_counts() {
    let it = removed();
    it.git("worktree add -q --detach ../history-other HEAD");
    let other = it.path().parent().expect("a folder").join("history-other");
    std::fs::write(other.join("tree.py"), line(SECOND)).expect("writable");
    it.git(&format!("-C {} add .", other.display()));
    it.git(&format!("-C {} commit -q -m bring", other.display()));
    let report = look(&it);
    std::fs::remove_dir_all(other).expect("it is there");
    assert_eq!(findings(&report), ["history app.py app.py false", "history tree.py tree.py false"]);
}

#[test]
fn sha256_is_read_like_sha1() {
    let it = Repository::bare(&[("app.py", &line(FIRST))]);
    if !it.try_git("init -q -b main --object-format=sha256") {
        return;
    }
    it.commit("first");
    it.remove("app.py");
    it.commit("second");
    assert_findings(&it, &["history app.py app.py false"]);
    it.git("gc -q");
    assert_findings(&it, &["history app.py app.py false"]);
}

#[test]
fn a_bare_repository_is_judged_by_its_head() {
    let it = removed();
    it.write("now.py", &line(SECOND));
    it.commit("third");
    let bare = Repository::bare(&[]);
    bare.git(&format!("clone -q --bare {} .", it.path().display()));
    assert_findings(&bare, &["history app.py app.py false", "secret-in-source now.py now.py true"]);
}

#[test]
fn without_a_commit_there_is_nothing_to_tell() {
    let it = repository(&[]);
    assert_findings(&it, &[]);
    let bare = Repository::bare(&[]);
    bare.git("init -q --bare");
    assert_findings(&bare, &[]);
    // HEAD is to be born, and another branch holds something.
    let it = removed();
    it.git("checkout -q --orphan fresh");
    it.git("rm -q -r --cached .");
    assert_findings(&it, &["history app.py app.py false"]);
}

#[test]
fn a_replacement_hides_nothing() {
    let it = removed();
    let (first, second) = (commit_of(&it, "HEAD~1"), commit_of(&it, "HEAD"));
    it.git(&format!("replace {first} {second}"));
    assert_findings(&it, &["history app.py app.py false"]);
    it.git(&format!("replace -d {first}"));
    let blob = commit_of(&it, "HEAD~1:app.py");
    let harmless = commit_of(&it, "HEAD:app.py");
    it.git(&format!("replace {blob} {harmless}"));
    let report = look(&it);
    assert_eq!(findings(&report), ["history app.py app.py false"]);
    let full = it.run("check --history --isolated --select secret-in-git-history");
    assert!(full.out.contains("key = \"***"), "the excerpt is of what was committed: {}", full.out);
}

#[test]
fn what_a_clone_lacks_is_stated_and_not_fatal() {
    let origin = removed();
    origin.write("b.py", "x = 1\n");
    origin.commit("third");
    let url = format!("file://{}", origin.path().display());

    let shallow = Repository::bare(&[]);
    shallow.git(&format!("clone -q --depth 1 {url} ."));
    let report = look(&shallow);
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!(unread(&report).len(), 1, "{report:#}");
    assert!(unread(&report)[0].contains("history: this clone is shallow"), "{:?}", unread(&report));

    origin.git("config uploadpack.allowFilter true");
    for (filter, path) in [("blob:none", "app.py history"), ("tree:0", ". history")] {
        let partial = Repository::bare(&[]);
        partial.git(&format!("clone -q --filter={filter} {url} ."));
        let report = look(&partial);
        assert_eq!(findings(&report), [""; 0]);
        let told = unread(&report);
        assert!(
            told.iter().any(|u| u.starts_with(path) && u.contains("partial clone")),
            "{filter}: {told:?}"
        );
        // Nobody was asked for what is missing.
        assert_eq!(look(&partial), report);
    }
}

#[test]
fn a_damaged_repository_is_read_as_far_as_it_goes() {
    for what in ["HEAD~1:app.py", "HEAD~1^{tree}", "HEAD~1"] {
        let it = removed();
        it.git("tag keep");
        it.write("later.py", &line(SECOND));
        it.commit("third");
        it.remove("later.py");
        it.commit("fourth");
        let id = commit_of(&it, &what.replace("HEAD", "keep"));
        let object = format!(".git/objects/{}/{}", &id[..2], &id[2..]);
        it.remove(&object);
        let report = look(&it);
        assert_eq!(findings(&report), ["history later.py later.py false"], "{what}");
        assert_eq!(unread(&report).len(), 1, "{what}: {:?}", unread(&report));
        assert!(unread(&report)[0].contains("unreadable: this clone does not hold"), "{:?}", unread(&report));

        it.write_bytes(&object, b"damaged");
        let report = look(&it);
        assert_eq!(findings(&report), ["history later.py later.py false"], "{what}");
        assert_eq!(unread(&report).len(), 1, "{what}: {:?}", unread(&report));
    }
    let it = removed();
    it.git("gc -q");
    let folder = it.path().join(".git/objects/pack");
    let packs = std::fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.path());
    for pack in packs.filter(|p| p.extension().is_some_and(|e| e == "pack" || e == "idx")) {
        let whole = std::fs::read(&pack).expect("readable");
        for cut in [12, whole.len() / 2, whole.len() - 21] {
            let file = pack.strip_prefix(it.path()).expect("within").to_string_lossy().into_owned();
            it.remove(&file);
            it.write_bytes(&file, &whole[..cut]);
            let said = it.run(HISTORY);
            assert!(said.code <= 2 && !said.err.contains("panicked"), "{file} cut at {cut}: {}", said.err);
            it.remove(&file);
            it.write_bytes(&file, &whole);
        }
    }
}

#[test]
fn submodules_and_links_are_not_followed() {
    let inner = removed();
    let it = repository(&[("README.md", "# Shop\n")]);
    it.commit("first");
    it.git(&format!("submodule add -q {} lib", inner.path().display()));
    it.commit("second");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(line(SECOND).trim(), it.path().join("link")).expect("writable");
        it.commit("third");
    }
    let report = look(&it);
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!(unread(&report), ["lib outside: a submodule: its history belongs to another repository"]);
}

#[test]
fn what_the_policy_excludes_is_excluded_in_history_too() {
    let it = removed();
    it.write("vendor/x.py", &line(SECOND));
    it.commit("third");
    it.git("rm -q -r vendor");
    it.commit("fourth");
    let report = json(&it.run(&format!("{HISTORY} --exclude vendor/")));
    assert_eq!(findings(&report), ["history app.py app.py false"]);
}

#[test]
fn a_baseline_knows_history_and_no_new_value() {
    let it = removed();
    let history = "check --history --select secrets -f concise";
    let said = it.run("baseline create --history");
    assert_eq!(said.code, 0, "{}", said.err);
    let baseline = it.read(".plimsoll/baseline");
    assert!(baseline.contains("secret-in-git-history app.py"), "{baseline}");
    assert_eq!((it.run(history).code, it.run(history).err.as_str()), (0, ""));

    // A run that does not look at history takes none of its lines for stale.
    let said = it.run("check --select secrets");
    assert!(!said.out.contains("stale") && !said.err.contains("stale"), "{}{}", said.out, said.err);
    it.run("baseline update");
    assert_eq!(it.read(".plimsoll/baseline"), baseline);

    it.write("app.py", &line(SECOND));
    it.commit("third");
    it.remove("app.py");
    it.commit("fourth");
    let said = it.run(history);
    assert_eq!((said.code, said.out.lines().count()), (1, 1), "{}", said.out);
}

#[test]
fn history_goes_with_nothing_that_names_other_files() {
    let it = removed();
    for (arguments, word) in [
        ("--staged", "cannot be used with"),
        ("--rev HEAD", "cannot be used with"),
        ("--stdin-filename x -", "cannot be used with"),
        ("app.py", "leave out the paths"),
    ] {
        let said = it.run(&format!("check --history {arguments}"));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments}");
        assert!(said.plain_err().contains(word), "{arguments}: {}", said.err);
    }
    let outside = Repository::bare(&[("a", "")]);
    let said = outside.run("check --history");
    assert_eq!(said.code, 2);
    assert!(said.plain_err().contains("is not in a git repository"), "{}", said.err);
}

#[test]
fn history_that_nobody_asked_for_is_not_judged_rather_than_excluded() {
    let it = removed();
    for (arguments, judged) in [("check --isolated --select secrets -f json", false), (HISTORY, true)] {
        let report = json(&it.run(arguments));
        let rules = report["rules"].as_array().expect("a list");
        let rule = rules.iter().find(|r| r["id"] == "secret-in-git-history").expect("the rule ran");
        assert_eq!(rule["not_judged"].is_null(), judged, "{arguments}: {rule}");
        assert!(rule["not_applicable"].is_null(), "{arguments}: {rule}");
    }
}
