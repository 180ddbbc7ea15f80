//! Exported settings of a server settle what files cannot show, as long as they are fresh, whole and about this
//! repository.

mod common;

use common::{CI, Repository};
use serde_json::Value as Json;

const DEPLOY: &str = "\
on: { push: { branches: [main] } }
jobs:
  ship:
    environment: production
    runs-on: ubuntu-24.04
    steps: [{ run: helm upgrade --install shop ./chart -n production }]
";

const FILE: &str = ".plimsoll/evidence/github-environments.json";
const APPROVAL: &str = "production-approval-missing";

/// What GitHub answers about an environment `production` of `acme/shop` that asks so many teams.
fn environments(reviewers: usize) -> String {
    let team = "{ \"type\": \"Team\", \"reviewer\": { \"slug\": \"releases\" } }";
    let teams = vec![team; reviewers].join(", ");
    format!(
        "{{ \"total_count\": 1, \"environments\": [{{ \"name\": \"production\", \
         \"url\": \"https://api.github.com/repos/acme/shop/environments/production\", \
         \"protection_rules\": [{{ \"type\": \"required_reviewers\", \"reviewers\": [{teams}] }}] }}] }}"
    )
}

/// A clone of `acme/shop` that deploys to production, with this evidence, all of it committed now.
fn shop(evidence: &str) -> Repository {
    let it = Repository::bare(&[(CI, DEPLOY), (FILE, evidence)]);
    it.git("init -q -b main");
    it.git("remote add origin git@github.com:acme/shop.git");
    it.commit("first");
    it
}

fn report(repository: &Repository) -> Json {
    let said = repository.run(&format!("check --select {APPROVAL} --show open -f json"));
    serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {} {}", said.out, said.err))
}

/// Kind, path and related paths of each finding.
fn found(report: &Json) -> Vec<String> {
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or("").to_owned();
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .map(|finding| {
            let related = finding["related"].as_array().into_iter().flatten();
            let related: Vec<String> = related.map(|r| text(r, "path")).collect();
            format!("{} {} <- {}", text(finding, "kind"), text(finding, "path"), related.join(" "))
        })
        .collect()
}

fn unread(report: &Json) -> Vec<String> {
    let all = report["unread"].as_array().expect("a list").iter();
    all.map(|u| format!("{} {} {}", u["path"], u["class"], u["reason"]).replace('"', "")).collect()
}

#[test]
fn what_was_open_passes_or_fails_by_what_the_server_says() {
    let without = shop("");
    without.remove(FILE);
    assert_eq!(found(&report(&without)), [format!("open {CI} <- ")]);
    let asked = report(&shop(&environments(1)));
    assert_eq!((found(&asked), unread(&asked)), (vec![], vec![]));
    let satisfied = asked["rules"].as_array().expect("a list").iter().find(|r| r["id"] == APPROVAL);
    assert!(satisfied.is_some_and(|r| r["satisfied"].as_u64() > Some(0)), "{satisfied:?}");
    let unasked = report(&shop(&environments(0)));
    assert_eq!((found(&unasked), unread(&unasked)), (vec![format!("fail {CI} <- {FILE} {CI}")], vec![]));
}

#[test]
fn stale_foreign_and_broken_evidence_is_unread_and_never_a_pass() {
    let wrapped = |taken: &str| format!("{{ \"taken\": \"{taken}\", \"response\": {} }}", environments(1));
    let of = |repository: &str| {
        format!(
            "{{ \"taken\": \"2999-01-01\", \"repository\": \"{repository}\", \"response\": {} }}",
            environments(1)
        )
    };
    for (evidence, class, said) in [
        (wrapped("2020-01-01"), "outside", "it was taken on 2020-01-01"),
        (wrapped("2999-01-01"), "outside", "which is to come"),
        (wrapped("yesterday"), "outside", "`taken` is no date"),
        (of("acme/other"), "outside", "it speaks of `acme/other`, and this repository is `acme/shop`"),
        (environments(1).replace("acme/shop", "acme/fork"), "outside", "it speaks of `acme/fork`"),
        ("{ \"message\": \"Not Found\", \"status\": \"404\" }".to_owned(), "unparsed", "an error of the API"),
        ("[]".to_owned(), "unparsed", "not the answer of the call"),
        ("{ \"environments\": ".to_owned(), "unparsed", "JSON"),
        (String::new(), "unparsed", "empty"),
    ] {
        let report = report(&shop(&evidence));
        assert_eq!(found(&report), [format!("open {CI} <- ")], "{said}");
        let unread = unread(&report);
        assert_eq!(unread.len(), 1, "{said}: {unread:?}");
        assert!(
            unread[0].starts_with(&format!("{FILE} {class}")) && unread[0].contains(said),
            "{said}: {unread:?}"
        );
    }
}

#[test]
fn an_answer_without_a_day_is_as_old_as_its_commit() {
    let old = shop(&environments(1));
    let amend = ["commit", "-q", "--amend", "--no-edit", "--date", "2020-02-02T12:00:00Z"];
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@example.com"]).args(amend).current_dir(old.path());
    let done = git.env("GIT_COMMITTER_DATE", "2020-02-02T12:00:00Z").status().expect("git is there");
    assert!(done.success());
    let told = unread(&report(&old));
    assert!(told.len() == 1 && told[0].contains("it was taken on 2020-02-02"), "{told:?}");
    // What a job of the pipeline has just exported is in no commit.
    old.write(FILE, &environments(2));
    assert_eq!(unread(&report(&old)), [""; 0]);
    old.write("plimsoll.toml", "[parameters]\n'evidence.max_age' = '20 years'\n");
    old.git("checkout -q -- .plimsoll");
    let told = old.run("check --select production-approval-missing -f json");
    assert!(told.code != 2 || told.err.contains("evidence.max_age"), "{}", told.err);

    // The one commit that a shallow clone holds may have changed any file.
    let full = shop(&environments(1));
    full.commit("second");
    let clones = Repository::bare(&[]);
    clones.git(&format!("clone -q --depth 1 file://{} shop", full.path().display()));
    let said = clones.run(&format!("check shop --select {APPROVAL} --show open -f json"));
    let report: Json = serde_json::from_str(&said.out).expect("JSON");
    let told = unread(&report);
    assert!(told.len() == 1 && told[0].contains("shallow") && told[0].contains("taken"), "{told:?}");
}

#[test]
fn the_calls_are_told_with_this_repositorys_name() {
    let shop = shop(&environments(1).replace("acme/shop", "acme/fork"));
    let said = shop.run("evidence");
    assert_eq!(said.code, 0, "{}", said.err);
    let call = format!("gh api 'repos/acme/shop/environments?per_page=100' > {FILE}\n");
    assert!(said.out.contains(&call), "{}", said.out);
    assert!(said.out.contains("gh api 'repos/acme/shop/branches/main/protection'"), "{}", said.out);
    assert!(said.out.contains("is not read: it speaks of `acme/fork`"), "{}", said.out);
    assert!(!said.out.contains("glab"), "{}", said.out);
}
