//! What a change brings: `--staged`, `--since` and `--rev` on repositories that git itself made.

mod common;

use common::{CI, Repository, Said, workflow};

/// A rule that finds every credential, so that these tests hang on no rule of the program's own.
const SECRETS: &str = r#"
id = "team-secret"
title = "A secret"
severity = "error"
confidence = "high"
core = true
since = "0.1"
subjects = "files"
why = "It is out."
fix = "Replace it."
[facts]
each = "credential"
forbid.test = false
message = "A secret stands here"
"#;

/// A rule about something that ought to be there.
const ABSENCE: &str = r#"
id = "ignore-file-gone"
title = "No .dockerignore"
severity = "error"
confidence = "high"
since = "0.1"
subjects = "files"
why = "All is sent."
fix = "Write one."
[facts]
each = "base-image"
where.last = true
nowhere = { each = "ignore", where.tool = "docker" }
message = "No ignore file keeps files out of this image"
"#;

const OTHER: &str = ".github/workflows/other.yml";

fn staged(repository: &Repository) -> Said {
    repository.run("check --staged -f concise --select evil-action")
}

#[track_caller]
fn assert_found(said: &Said, places: &[&str]) {
    let found: Vec<&str> = said.out.lines().collect();
    let fits = found.len() == places.len() && places.iter().all(|p| found.iter().any(|f| f.starts_with(p)));
    assert!(fits, "{places:?}: {}{}", said.out, said.err);
    assert_eq!(said.code, i32::from(!places.is_empty()), "{}{}", said.out, said.err);
}

fn key(seed: &str) -> String {
    format!("PAY_KEY={}{seed}\n", concat!("sk_", "live_"))
}

#[test]
fn the_index_decides_and_nothing_else() {
    let it = Repository::committed(&[(CI, &workflow(0))]);
    it.write(CI, &workflow(1));
    it.git("add .");
    it.write(CI, &workflow(0));
    assert_found(&staged(&it), &[CI]);

    it.git("add .");
    it.write(CI, &workflow(1));
    it.write("x", "");
    it.git("add x");
    assert_found(&staged(&it), &[]);

    it.git("add .");
    it.git("rm -q --cached x");
    std::fs::remove_file(it.path().join(CI)).expect("it is there");
    assert_found(&staged(&it), &[CI]);
}

#[test]
fn a_hook_that_passes_says_nothing() {
    let it = Repository::committed(&[(CI, &workflow(1))]);
    it.write("notes.txt", "x");
    it.git("add .");
    for arguments in ["", " -f full", " -f concise", " -q", " -v", " --color always", " --show open"] {
        let said = it.run(&format!("check --staged{arguments}"));
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", ""), "{arguments}");
    }
}

#[test]
fn what_git_does_not_commit_does_not_count() {
    let it = Repository::committed(&[(CI, &workflow(0))]);
    it.write("x", "");
    it.git("add x");
    it.write(OTHER, &workflow(1));
    assert_found(&staged(&it), &[]);
    it.git(&format!("add -N {OTHER}"));
    assert_found(&staged(&it), &[]);
    it.git("add .");
    assert_found(&staged(&it), &[OTHER]);
}

#[test]
fn before_the_first_commit_all_of_the_index_is_new() {
    let it = Repository::new(&[(CI, &workflow(2))]);
    it.git("init -q");
    it.git("add .");
    it.write(OTHER, &workflow(1));
    let said = staged(&it);
    assert_found(&said, &[CI, CI]);
    assert_eq!(said.err, "");
}

#[test]
fn nothing_staged_means_the_whole_index_and_it_is_said() {
    let it = Repository::committed(&[(CI, &workflow(2))]);
    for format in ["full", "concise", "json", "sarif"] {
        let said = it.run(&format!("check --staged -f {format} --select evil-action"));
        assert_eq!(said.code, 1);
        assert!(said.err.contains("nothing is staged: the whole index was judged"), "{format}: {}", said.err);
    }
    assert_found(&staged(&it), &[CI, CI]);
}

#[test]
fn the_index_of_commit_all_counts() {
    let it = Repository::committed(&[(CI, &workflow(0))]);
    let hook = format!(
        "#!/bin/sh\nexec '{}' check --staged --select evil-action -f json=hooked.json -f concise\n",
        env!("CARGO_BIN_EXE_plimsoll")
    );
    it.write(".git/hooks/pre-commit", &hook);
    let hook = it.path().join(".git/hooks/pre-commit");
    let executable = std::process::Command::new("chmod").arg("+x").arg(hook).status();
    assert!(executable.expect("chmod is there").success());
    it.write(CI, &workflow(1));
    // Nothing is in the repository's own index: `-a` and a path make indices of their own.
    assert!(!it.try_git("commit -q -a -m bad"));
    assert!(!it.try_git(&format!("commit -q -m bad -- {CI}")));
    assert!(it.read("hooked.json").contains("evil-action"));
    it.write(CI, &workflow(0).replace("push", "pull_request"));
    it.git("commit -q -a -m good");
}

#[test]
fn an_old_defect_is_old_and_a_second_like_it_is_new() {
    let it = Repository::committed(&[(CI, &workflow(1))]);
    it.write(CI, &format!("# touched\n{}", workflow(1)));
    it.git("add .");
    let said = it.run("check --staged -f json --select evil-action");
    let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(said.code, 0);
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(1), "machines are told: {}", said.out);
    assert_eq!(json["findings"][0]["disposition"]["kind"], "old");

    it.write(CI, &format!("# touched\n{}", workflow(2)));
    it.git("add .");
    assert_found(&staged(&it), &[CI]);
    // What is old is told in one line beside what is new.
    let full = it.run("check --staged --select evil-action").out;
    assert_eq!(full.matches("1 old").count(), 1, "{full}");
    assert_eq!(
        full.matches("evil/action@0123456789abcdef0123456789abcdef01234567").count(),
        2,
        "the line above it and its own: {full}"
    );
}

#[test]
fn an_untouched_file_is_nobodys_business() {
    let it = Repository::committed(&[(CI, &workflow(1)), (OTHER, &workflow(0))]);
    it.write(OTHER, &format!("# touched\n{}", workflow(0)));
    it.git("add .");
    assert_found(&staged(&it), &[]);
}

#[test]
fn a_secret_is_new_when_its_value_is() {
    let it = Repository::new(&[
        (".plimsoll/rules/team-secret.toml", SECRETS),
        ("deploy/app.env", &key("fAIDpzuvoWqC0ktQbf8VsBEx")),
    ]);
    it.git("init -q -b main");
    it.commit("first");
    let staged = || it.run("check --staged -f concise --select team-secret");

    it.write("deploy/app.env", &format!("# touched\n\n{}", key("fAIDpzuvoWqC0ktQbf8VsBEx")));
    it.git("add .");
    assert_found(&staged(), &[]);

    it.write("deploy/app.env", &key("cXh3BuI0bAScIOaBbTmDzz1l"));
    it.git("add .");
    assert_found(&staged(), &["deploy/app.env"]);

    it.git("reset -q --hard");
    it.git("mv deploy/app.env deploy/moved.env");
    assert_found(&staged(), &[]);

    it.git("reset -q --hard");
    it.write("deploy/app.env", &(key("fAIDpzuvoWqC0ktQbf8VsBEx") + &key("cXh3BuI0bAScIOaBbTmDzz1l")));
    it.git("add .");
    assert_found(&staged(), &["deploy/app.env:2"]);
}

#[test]
fn findings_of_either_parent_of_a_merge_are_old() {
    let it = Repository::committed(&[(CI, &workflow(0))]);
    it.git("checkout -q -b side");
    it.write(OTHER, &workflow(1));
    it.commit("side");
    it.git("checkout -q main");
    it.write(CI, &workflow(1));
    it.commit("main");
    it.git("merge -q --no-commit --no-ff side");
    assert_found(&staged(&it), &[]);
    it.write(".github/workflows/third.yml", &workflow(1));
    it.git("add .");
    assert_found(&staged(&it), &[".github/workflows/third.yml"]);
}

#[test]
fn a_deletion_can_make_an_absence() {
    let it = Repository::new(&[
        (".plimsoll/rules/ignore-file-gone.toml", ABSENCE),
        ("Dockerfile", "FROM alpine:3.20\nCOPY . /app\n"),
        (".dockerignore", ".git\n"),
    ]);
    it.git("init -q -b main");
    it.commit("first");
    it.write("x", "");
    it.git("add x");
    let check = "check --staged -f concise --select ignore-file-gone";
    assert_found(&it.run(check), &[]);
    it.git("rm -q .dockerignore");
    assert_found(&it.run(check), &["Dockerfile"]);
    it.commit("gone");
    it.remove("x");
    it.git("add -A");
    assert_found(&it.run(check), &[]);
}

#[test]
fn since_reports_what_came_after_the_merge_base() {
    let it = Repository::committed(&[(CI, &workflow(1))]);
    it.git("checkout -q -b topic");
    it.write(CI, &workflow(2));
    it.commit("topic");
    it.write(OTHER, &workflow(1));
    it.git("checkout -q main");
    it.write(".github/workflows/third.yml", &workflow(1));
    it.git("add .github/workflows/third.yml");
    it.git("commit -q -m later");
    it.git("checkout -q topic");
    // Neither what main has had since nor what was there before; what is not committed yet counts.
    assert_found(&it.run("check --since main -f concise --select evil-action"), &[CI, OTHER]);
    let none = it.run("check --since HEAD~0 --exclude other.yml -f concise --select evil-action");
    assert_found(&none, &[CI, CI]);
    assert!(
        none.err.contains("nothing differs from `HEAD~0`: the whole work tree was judged"),
        "{}",
        none.err
    );
}

#[test]
fn a_shallow_clone_is_told_what_to_change() {
    let it = Repository::committed(&[(CI, &workflow(0))]);
    it.git("checkout -q -b topic");
    it.write(CI, &workflow(1));
    it.commit("topic");
    it.git("checkout -q main");
    it.write(OTHER, &workflow(1));
    it.commit("later");
    it.git("checkout -q topic");
    let clone = Repository::bare(&[]);
    let from = format!("file://{}", it.path().display());
    clone.git(&format!("clone -q --depth 1 --no-single-branch {from} ."));
    let said = clone.run("check --since origin/main");
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
    let err = said.plain_err();
    assert!(err.contains("fetch-depth: 0") && err.contains("GIT_DEPTH: 0"), "{}", said.err);
    let far = clone.run("check --since HEAD~5");
    assert!(far.code == 2 && far.plain_err().contains("fetch-depth: 0"), "{}", far.err);
    clone.git("fetch -q --unshallow");
    let whole = clone.run("check --since origin/main -f concise --select evil-action");
    assert_found(&whole, &[CI]);
}

#[test]
fn a_revision_is_judged_as_it_was() {
    let it = Repository::committed(&[(CI, &workflow(2))]);
    it.git("tag -a v1 -m one");
    it.write(CI, &workflow(1));
    it.commit("second");
    it.write(CI, &workflow(0));
    for (rev, findings) in [("HEAD", 1), ("HEAD~1", 2), ("v1", 2), ("main", 1)] {
        let said = it.run(&format!("check --rev {rev} -f concise --select evil-action"));
        assert_eq!(said.out.lines().count(), findings, "{rev}: {}{}", said.out, said.err);
    }
    for (arguments, wrong) in [
        ("check --rev nowhere", "`nowhere` is not a revision"),
        ("check --since nowhere", "`nowhere` is not a revision"),
        ("check --rev HEAD .github", "look at the whole repository"),
        ("check --staged --rev HEAD", "cannot be used with"),
    ] {
        let said = it.run(arguments);
        assert!(said.code == 2 && said.plain_err().contains(wrong), "{arguments}: {}", said.err);
    }
}

#[test]
fn work_tree_index_and_commit_of_one_content_say_the_same() {
    let dockerfile = "FROM node:latest\nARG NPM_TOKEN\nRUN npm ci || true\nCOPY . .\n";
    let gitlab = "stages: [test, ship]\nunit:\n  stage: test\n  script: [npm test || true]\nship:\n  stage: ship\n  \
                  environment: production\n  script: [kubectl --context prod apply -f k8s/]\n";
    let it = Repository::new(&[
        (".plimsoll/rules/team-secret.toml", SECRETS),
        (CI, &workflow(3)),
        (".gitlab-ci.yml", gitlab),
        ("Dockerfile", dockerfile),
        ("deploy/app.env", &key("fAIDpzuvoWqC0ktQbf8VsBEx")),
        ("deploy/crlf.env", &key("cXh3BuI0bAScIOaBbTmDzz1l").replace('\n', "\r\n")),
        ("package.json", "{\"scripts\": {\"test\": \"jest || true\", \"build\": \"webpack\"}}\n"),
        ("broken/docker-compose.yml", "services: [}\n"),
    ]);
    it.git("init -q -b main");
    it.git("add .");
    it.write("hollow", "");
    let index = it.run("check --staged --manual all -f json");
    it.remove("hollow");
    it.commit("first");
    let tree = it.run("check --manual all -f json");
    let commit = it.run("check --manual all -f json --rev HEAD");
    let say = |said: &Said| {
        let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        (said.code, json["findings"].clone(), json["unread"].clone())
    };
    let (of_tree, of_index, of_commit) = (say(&tree), say(&index), say(&commit));
    assert!(of_tree.1.as_array().is_some_and(|f| f.len() >= 5), "{}", tree.out);
    assert_eq!(of_tree, of_index);
    assert_eq!(of_tree, of_commit);
}
