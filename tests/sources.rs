//! Pipelines whose parts lie in other repositories: read from clones, at the version that is referred to.

mod common;

use common::{CI, Repository};
use serde_json::Value as Json;

/// A workflow that calls one of another repository for production.
const CALLER: &str = "\
on: { push: { branches: [main] } }
jobs:
  ship:
    uses: acme/ci/.github/workflows/deploy.yml@v1
    with: { stage: production }
";

/// It deploys to the stage that it is called for.
const DEPLOY: &str = "\
on: { workflow_call: { inputs: { stage: { type: string } } } }
jobs:
  deploy:
    runs-on: ubuntu-24.04
    steps:
      - run: helm upgrade --install shop ./chart -n ${{ inputs.stage }}
";

/// A git repository with one commit of these files, tagged `v1`.
fn tagged(files: &[(&str, &str)]) -> Repository {
    let it = Repository::bare(files);
    it.git("init -q -b main");
    it.commit("first");
    it.git("tag v1");
    it
}

/// A repository whose policy maps `acme/ci` to a folder.
fn caller(files: &[(&str, &str)], ci: &Repository) -> Repository {
    let it = Repository::bare(files);
    map(&it, ci);
    it.git("init -q -b main");
    it.commit("first");
    it
}

fn map(repository: &Repository, ci: &Repository) {
    repository.write("plimsoll.toml", &format!("[sources]\n'acme/ci' = '{}'\n", ci.path().display()));
}

fn json(repository: &Repository, arguments: &str) -> Json {
    let said = repository.run(arguments);
    serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {} {}", said.out, said.err))
}

/// Of each finding its kind and path, and the paths of its related places.
fn found(repository: &Repository, rule: &str) -> Vec<String> {
    let report = json(repository, &format!("check --select {rule} --show open -f json"));
    let path = |place: &Json| place["path"].as_str().unwrap_or("").to_owned();
    let findings = report["findings"].as_array().expect("a list").iter().map(|finding| {
        let related = finding["related"].as_array().into_iter().flatten();
        let related: Vec<String> = related.map(path).collect();
        format!("{} {} <- {}", finding["kind"].as_str().unwrap_or(""), path(finding), related.join(" "))
    });
    findings.collect()
}

/// Path, class and reason of what was not read.
fn unread(repository: &Repository) -> Vec<String> {
    let report = json(repository, "check -f json");
    let all = report["unread"].as_array().expect("a list").iter();
    all.map(|u| {
        let text = |key: &str| u[key].as_str().unwrap_or("").to_owned();
        format!("{} {} {}", text("path"), text("class"), text("reason"))
    })
    .collect()
}

const APPROVAL: &str = "production-approval-missing";

#[test]
fn a_called_workflow_is_read_at_the_version_that_is_called() {
    let ci = tagged(&[(".github/workflows/deploy.yml", DEPLOY)]);
    let shop = caller(&[(".github/workflows/cd.yml", CALLER)], &ci);
    // What lies checked out is not what is called.
    ci.write(".github/workflows/deploy.yml", "on: workflow_call\njobs: {}\n");
    ci.commit("second");
    let cd = ".github/workflows/cd.yml";
    let expected = format!("fail {cd} <- {cd} acme/ci@v1/.github/workflows/deploy.yml");
    assert_eq!(found(&shop, APPROVAL), [expected]);
    assert_eq!(unread(&shop), [""; 0]);
    shop.write("plimsoll.toml", "");
    assert_eq!(found(&shop, APPROVAL), [format!("open {cd} <- ")], "nobody has read what it calls");
    let told =
        shop.run(&format!("check --select {APPROVAL} --source acme/*={} -f concise", ci.path().display()));
    assert!(told.out.contains("deploys to production on a push"), "{}", told.out);
}

#[test]
fn of_several_calls_the_one_is_named_that_is_meant() {
    let ci = tagged(&[(".github/workflows/deploy.yml", DEPLOY)]);
    let call = |stage: &str| {
        format!(
            "  {stage}:\n    uses: acme/ci/.github/workflows/deploy.yml@v1\n    with: {{ stage: {stage} }}\n"
        )
    };
    let workflow =
        format!("on: {{ push: {{ branches: [main] }} }}\njobs:\n{}{}", call("staging"), call("production"));
    let shop = caller(&[(CI, &workflow)], &ci);
    let report = json(&shop, &format!("check --select {APPROVAL} -f json"));
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["line"], 7, "{workflow}");
    let related = findings[0]["related"].to_string();
    assert!(related.contains("used here, too"), "{related}");
}

#[test]
fn a_template_of_another_project_is_part_of_the_pipeline() {
    let gitlab = "include:\n  - project: acme/ci\n    ref: v1\n    file: /templates/ship.yml\n";
    let ship = "include: [{ local: /templates/base.yml }]\nship:\n  extends: .base\n  environment: { name: live, deployment_tier: production }\n";
    let base = ".base: { stage: deploy, script: ['helm upgrade --install shop ./chart'] }\n";
    let ci = tagged(&[("templates/ship.yml", ship), ("templates/base.yml", base)]);
    let shop = caller(&[(".gitlab-ci.yml", gitlab)], &ci);
    let facts = json(&shop, "facts .");
    let pipeline = &facts["pipelines"][0];
    assert_eq!(pipeline["complete"], true, "{pipeline:#}");
    assert_eq!(pipeline["jobs"][0]["id"], "ship");
    assert_eq!(found(&shop, APPROVAL), ["open .gitlab-ci.yml <- acme/ci@v1/templates/ship.yml"]);
    assert_eq!(unread(&shop), [""; 0]);
}

#[test]
fn a_file_at_an_address_a_template_of_the_server_and_a_component_are_read_from_clones() {
    let ship = "ship:\n  environment: { name: live, deployment_tier: production }\n  script: ['helm upgrade --install shop ./chart']\n";
    let newer = ship.replace("ship:", "newer:");
    for (include, path, job, shown) in [
        ("remote: https://gitlab.com/acme/ci/-/raw/v1/ship.yml", "ship.yml", "ship", "acme/ci@v1/ship.yml"),
        (
            "remote: https://raw.githubusercontent.com/acme/ci/v1/ci/ship.yml",
            "ci/ship.yml",
            "ship",
            "acme/ci@v1/ci/ship.yml",
        ),
        (
            "component: gitlab.com/acme/ci/ship@~latest",
            "templates/ship.yml",
            "newer",
            "acme/ci@~latest/templates/ship.yml",
        ),
        (
            "component: $CI_SERVER_FQDN/acme/ci/ship@1",
            "templates/ship.yml",
            "newer",
            "acme/ci@1/templates/ship.yml",
        ),
    ] {
        let ci = tagged(&[(path, ship)]);
        ci.git("tag 1.9.0");
        ci.write(path, &newer);
        ci.commit("second");
        ci.git("tag 1.10.0");
        ci.git("tag 2.0.0-rc.1 v1");
        let shop = caller(&[(".gitlab-ci.yml", &format!("include: [{{ {include} }}]\n"))], &ci);
        let facts = json(&shop, "facts .");
        let pipeline = &facts["pipelines"][0];
        assert_eq!(pipeline["jobs"][0]["id"], job, "{include}: {pipeline:#}");
        assert_eq!(pipeline["complete"], true, "{include}");
        assert_eq!(found(&shop, APPROVAL), [format!("open .gitlab-ci.yml <- {shown}")], "{include}");
    }
    let server = tagged(&[("lib/gitlab/ci/templates/Jobs/Ship.gitlab-ci.yml", ship)]);
    let shop = caller(&[(".gitlab-ci.yml", "include: [{ template: Jobs/Ship.gitlab-ci.yml }]\n")], &server);
    let told = shop.run("sources");
    assert!(told.out.contains("under [sources]: \"gitlab-org/gitlab\" = \"DIR\""), "{}", told.out);
    shop.write("plimsoll.toml", &format!("[sources]\n'gitlab-org/*' = '{}'\n", server.path().display()));
    assert_eq!(json(&shop, "facts .")["pipelines"][0]["jobs"][0]["id"], "ship");
}

#[test]
fn a_template_of_azure_finds_its_own_beside_itself() {
    let root = "trigger: [main]\nresources:\n  repositories:\n    - { repository: shared, type: git, name: acme/ci, ref: refs/tags/v1 }\nstages:\n  - template: stages/ship.yml@shared\n    parameters: { where: production }\n";
    let ship = "parameters: [{ name: where, type: string }]\nstages:\n  - stage: ship\n    jobs:\n      - job: ship\n        steps:\n          - template: ../steps/helm.yml\n            parameters: { where: '${{ parameters.where }}' }\n";
    let helm = "parameters: [{ name: where, type: string }]\nsteps:\n  - script: helm upgrade --install shop ./chart -n ${{ parameters.where }}\n";
    let ci = tagged(&[("stages/ship.yml", ship), ("steps/helm.yml", helm)]);
    let shop = caller(&[("azure-pipelines.yml", root)], &ci);
    let facts = json(&shop, "facts .");
    assert_eq!(facts["pipelines"].as_array().map(Vec::len), Some(1), "{facts:#}");
    assert_eq!(facts["pipelines"][0]["complete"], true, "{facts:#}");
    assert_eq!(
        found(&shop, APPROVAL),
        ["fail azure-pipelines.yml <- azure-pipelines.yml acme/ci@refs:tags:v1/stages/ship.yml"]
    );
}

#[test]
fn an_action_of_another_repository_does_what_its_steps_do() {
    let action = "name: ship\ninputs: { stage: { required: true } }\nruns:\n  using: composite\n  steps: [{ shell: bash, run: 'helm upgrade --install shop ./chart -n ${{ inputs.stage }}' }]\n";
    let workflow = "on: { push: { branches: [main] } }\njobs:\n  ship:\n    runs-on: ubuntu-24.04\n    steps: [{ uses: acme/ci/ship@v1, with: { stage: production } }]\n";
    let ci = tagged(&[("ship/action.yml", action)]);
    let shop = caller(&[(".github/workflows/cd.yml", workflow)], &ci);
    let cd = ".github/workflows/cd.yml";
    assert_eq!(found(&shop, APPROVAL), [format!("fail {cd} <- {cd}")]);
}

#[test]
fn a_librarys_step_of_jenkins_is_followed() {
    let ship = "def call(Map config) {\n  sh \"helm upgrade --install shop ./chart -n ${config.env}\"\n}\n";
    let whole = "def call(String app) {\n  pipeline {\n    agent any\n    triggers { githubPush() }\n    stages { stage('Ship') { steps { sh 'helm upgrade --install shop ./chart -n production' } } }\n  }\n}\n";
    let ci = tagged(&[("vars/shipTo.groovy", ship), ("vars/standardPipeline.groovy", whole)]);
    let steps = "@Library('acme-ci@v1') _\npipeline {\n  agent any\n  triggers { githubPush() }\n  stages { stage('Ship') { steps { shipTo(env: 'production') } } }\n}\n";
    let all = "@Library('acme-ci@v1') _\nstandardPipeline('shop')\n";
    for (text, expected) in [
        (steps, "fail Jenkinsfile <- Jenkinsfile"),
        (all, "open Jenkinsfile <- acme-ci@v1/vars/standardPipeline.groovy"),
    ] {
        let shop = Repository::bare(&[("Jenkinsfile", text)]);
        shop.write("plimsoll.toml", &format!("[sources]\nacme-ci = '{}'\n", ci.path().display()));
        assert_eq!(found(&shop, APPROVAL), [expected], "{text}");
        let listed = json(&shop, "sources --format json");
        assert!(listed["references"].to_string().contains("\"acme-ci@v1\""), "{listed:#}");
        assert!(
            listed["references"].as_array().is_some_and(|all| all.iter().all(|r| r["state"] == "read")),
            "{listed:#}"
        );
    }
}

#[test]
fn a_pipeline_of_bitbucket_is_imported() {
    let shared = "definitions:\n  pipelines:\n    ship: [{ step: { name: ship, script: [helm upgrade --install shop ./chart -n production] } }]\n";
    let ci = tagged(&[("bitbucket-pipelines.yml", shared), ("ci/shared-pipelines.yml", shared)]);
    for import in ["{ import: ship@far }", "{ import: 'shared:v1:ship' }"] {
        let config = format!(
            "definitions:\n  imports: {{ far: 'shared:v1:ci/shared-pipelines.yml' }}\npipelines:\n  branches: {{ main: {import} }}\n"
        );
        let shop = Repository::bare(&[("bitbucket-pipelines.yml", &config)]);
        shop.write("plimsoll.toml", &format!("[sources]\nshared = '{}'\n", ci.path().display()));
        assert_eq!(unread(&shop), [""; 0]);
        let findings = found(&shop, APPROVAL);
        assert!(
            findings.len() == 1 && findings[0].starts_with("fail bitbucket-pipelines.yml <- "),
            "{findings:?}"
        );
        assert!(findings[0].contains("shared@v1/"), "{findings:?}");
    }
}

#[test]
fn the_repository_that_deploys_is_part_of_the_delivery() {
    let build = "on: { push: { branches: [main] } }\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: docker build -t registry.example.com/shop:$GITHUB_SHA . && docker push registry.example.com/shop:$GITHUB_SHA\n      - run: gh workflow run deploy.yml -R acme/gitops\n";
    let deploy = "on: [push, workflow_dispatch]\njobs:\n  ship:\n    runs-on: ubuntu-24.04\n    steps: [{ run: helm upgrade --install shop ./chart -n production }]\n";
    let gitops = tagged(&[(".github/workflows/deploy.yml", deploy), (".env", "A=b\n")]);
    let shop = Repository::bare(&[(CI, build)]);
    let policy = |more: &str| {
        let folder = gitops.path().display();
        shop.write("plimsoll.toml", &format!("[sources]\n'acme/gitops' = '{folder}'\n{more}"));
    };
    policy("");
    let told = json(&shop, "check -f json");
    assert!(!told["taken_for"].as_str().unwrap_or("").contains("production"), "{}", told["taken_for"]);
    policy("[repository]\ndeploys_in = 'acme/gitops@v1'\n");
    let told = json(&shop, "check -f json");
    assert!(
        told["taken_for"].as_str().unwrap_or("").contains("deploys to production"),
        "{}",
        told["taken_for"]
    );
    assert_eq!(unread(&shop), [""; 0]);
    // That nobody approves is the other repository's own defect.
    assert_eq!(found(&gitops, APPROVAL).len(), 1);
    assert_eq!(found(&shop, APPROVAL), [""; 0]);
    policy("[repository]\ndeploys_in = 'acme/gitops@v2'\n");
    let unread = unread(&shop);
    assert!(
        unread.len() == 1 && unread[0].contains("which deploys this repository, is not read"),
        "{unread:?}"
    );
}

#[test]
fn a_templates_own_defect_is_left_to_its_own_repository() {
    let deploy = format!("{DEPLOY}      - uses: some/action@main\n");
    let ci = tagged(&[(".github/workflows/deploy.yml", &deploy)]);
    let shop = caller(&[(".github/workflows/cd.yml", CALLER)], &ci);
    let of_ci = found(&ci, "action-unpinned");
    assert_eq!(of_ci.len(), 1, "{of_ci:?}");
    let of_shop = found(&shop, "action-unpinned");
    assert!(of_shop.iter().all(|f| !f.contains("acme/ci@v1/")), "{of_shop:?}");
    // What makes it a defect is what the caller does with it.
    assert_eq!(found(&ci, APPROVAL), [""; 0]);
    assert_eq!(found(&shop, APPROVAL).len(), 1);
}

#[test]
fn what_is_not_there_is_unread_with_what_to_do() {
    let ci = tagged(&[(".github/workflows/deploy.yml", DEPLOY)]);
    let plain = Repository::bare(&[(".github/workflows/deploy.yml", DEPLOY)]);
    let at = |repository: &Repository| repository.path().display().to_string();
    let file = |what: &str| CALLER.replace("deploy.yml@v1", what);
    for (workflow, folder, said) in [
        (file("deploy.yml@v2"), at(&ci), "holds no tag, branch or commit `v2`"),
        (file("ship.yml@v1"), at(&ci), "holds no file `.github/workflows/ship.yml`"),
        (file(&format!("deploy.yml@{}", "0".repeat(40))), at(&ci), "git -C"),
        (file("deploy.yml@HEAD~1"), at(&ci), "holds no tag, branch or commit `HEAD~1`"),
        (file("deploy.yml@a..b"), at(&ci), "no name of a repository and a version"),
        (CALLER.to_owned(), "../nowhere".to_owned(), "`../nowhere` does not exist: clone `acme/ci` there"),
        (CALLER.to_owned(), at(&plain), "is no git repository: clone `acme/ci` there"),
    ] {
        let shop = Repository::bare(&[(".github/workflows/cd.yml", &workflow)]);
        shop.write("plimsoll.toml", &format!("[sources]\n'acme/ci' = '{folder}'\n"));
        let unread = unread(&shop);
        assert_eq!(unread.len(), 1, "{said}: {unread:?}");
        assert!(unread[0].starts_with(".github/workflows/cd.yml outside `acme/ci@"), "{unread:?}");
        assert!(unread[0].contains(said), "{said}: {unread:?}");
    }
}

#[test]
fn a_clone_may_be_bare_hold_sha256_or_know_a_branch_of_its_remote_only() {
    let deploy = [(".github/workflows/deploy.yml", DEPLOY)];
    let ci = tagged(&deploy);
    ci.git("checkout -q -b release/1");
    ci.git("checkout -q main");
    let clones = Repository::bare(&[]);
    clones.git(&format!("clone -q --bare {} bare.git", ci.path().display()));
    clones.git(&format!("clone -q {} plain", ci.path().display()));
    clones.write("hashed/.github/workflows/deploy.yml", DEPLOY);
    let hashed = |arguments: &str| clones.git(&format!("-C hashed {arguments}"));
    hashed("init -q -b main --object-format=sha256");
    hashed("add -A");
    hashed("commit -q -m first");
    for (folder, version) in [
        ("bare.git", "v1"),
        ("bare.git", "refs/heads/release/1"),
        ("plain", "release/1"),
        ("plain", "refs/tags/v1"),
        ("hashed", "main"),
    ] {
        let workflow = CALLER.replace("@v1", &format!("@{version}"));
        let shop = Repository::bare(&[(".github/workflows/cd.yml", &workflow)]);
        let folder = clones.path().join(folder);
        shop.write("plimsoll.toml", &format!("[sources]\n'acme/*' = '{}'\n", folder.display()));
        let findings = found(&shop, APPROVAL);
        assert_eq!(findings.len(), 1, "{version} {:?}", unread(&shop));
        assert!(findings[0].starts_with("fail"), "{version}: {findings:?}");
    }
}

#[test]
fn what_a_partial_clone_lacks_is_unread() {
    let ci = tagged(&[(".github/workflows/deploy.yml", DEPLOY)]);
    ci.git("config uploadpack.allowFilter true");
    let clones = Repository::bare(&[]);
    clones.git(&format!("clone -q --bare --filter=blob:none file://{} ci", ci.path().display()));
    let shop = Repository::bare(&[(".github/workflows/cd.yml", CALLER)]);
    map(&shop, &clones);
    shop.write("plimsoll.toml", &format!("[sources]\n'acme/*' = '{}/*'\n", clones.path().display()));
    let unread = unread(&shop);
    assert_eq!(unread.len(), 1, "{unread:?}");
    assert!(unread[0].starts_with("acme/ci@v1/.github/workflows/deploy.yml outside"), "{unread:?}");
    assert!(unread[0].contains("git -C"), "{unread:?}");
}

#[test]
fn circles_between_repositories_end() {
    let one = "on: workflow_call\njobs:\n  a: { uses: acme/two/.github/workflows/x.yml@v1 }\n";
    let two = "on: workflow_call\njobs:\n  b: { uses: acme/one/.github/workflows/x.yml@v1 }\n  c: { uses: ./.github/workflows/x.yml }\n";
    let base = "include: [{ project: acme/two, ref: v1, file: g.yml }, { project: acme/one, ref: v1, file: g.yml }]\njob: { script: [make] }\n";
    let back = "include: [{ project: acme/one, ref: v1, file: g.yml }]\nother: { script: [make] }\n";
    let one = tagged(&[(".github/workflows/x.yml", one), ("g.yml", base)]);
    let two = tagged(&[(".github/workflows/x.yml", two), ("g.yml", back)]);
    let start = "on: push\njobs:\n  s: { uses: acme/one/.github/workflows/x.yml@v1 }\n";
    let shop = Repository::bare(&[(".github/workflows/cd.yml", start), (".gitlab-ci.yml", base)]);
    let (one, two) = (one.path().display(), two.path().display());
    shop.write("plimsoll.toml", &format!("[sources]\n'acme/one' = '{one}'\n'acme/two' = '{two}'\n"));
    let said = shop.run("check --manual all --exit-zero -f concise");
    assert_eq!(said.code, 0, "{}", said.err);
    let jobs = json(&shop, "facts .")["pipelines"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|p| p["dialect"] == "gitlab")
        .flat_map(|p| p["jobs"].as_array().cloned().unwrap_or_default())
        .filter_map(|j| j["id"].as_str().map(str::to_owned))
        .collect::<Vec<_>>();
    assert_eq!(jobs, ["job", "other"]);
}

#[test]
fn sources_lists_what_lies_elsewhere_and_what_it_keeps_open() {
    let ci = tagged(&[(".github/workflows/deploy.yml", DEPLOY)]);
    let gitlab = "include: [{ project: acme/more, file: x.yml }]\nship: { script: ['helm upgrade --install shop ./chart -n production'] }\n";
    let uses = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{ uses: actions/checkout@v4 }, { uses: some/thing@v2 }]\n";
    let files = [
        (".github/workflows/cd.yml", CALLER),
        (".github/workflows/ci.yml", uses),
        (".gitlab-ci.yml", gitlab),
    ];
    let shop = caller(&files, &ci);
    let listed = json(&shop, "sources --format json");
    let rows: Vec<String> = listed["references"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| {
            format!(
                "{} {} {}",
                r["name"].as_str().unwrap_or(""),
                r["state"].as_str().unwrap_or(""),
                r["places"][0]["path"].as_str().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "acme/ci/.github/workflows/deploy.yml@v1 read .github/workflows/cd.yml",
            "acme/more:x.yml not-read .gitlab-ci.yml",
            "actions/checkout@v4 known .github/workflows/ci.yml",
            "some/thing@v2 not-read .github/workflows/ci.yml",
        ]
    );
    let more = &listed["references"][1];
    let open: Vec<&str> =
        more["open_rules"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    assert!(open.contains(&APPROVAL), "{open:?}");
    let clauses = more["open_clauses"].as_array().expect("a list");
    assert!(clauses.contains(&Json::from("DOC-009/5.2.t")), "{clauses:?}");
    assert!(more["reason"].as_str().unwrap_or("").contains("\"acme/more\" = \"DIR\""), "{more:#}");
    let text = shop.run("sources");
    assert_eq!(text.code, 0);
    assert!(text.out.contains("4 references: 1 read, 1 known, 2 not read"), "{}", text.out);
}

#[test]
fn a_wrong_source_is_an_error_with_place_and_remedy() {
    let shop = Repository::bare(&[(".github/workflows/cd.yml", CALLER)]);
    for (policy, said) in [
        ("[sources]\n'acme/ci' = 3\n", "`acme/ci` is a text, not an integer"),
        ("[sources]\n'acme/ci' = 'https://example.com/ci'\n", "plimsoll fetches nothing"),
        ("[repository]\ndeploys_in = ''\n", "`deploys_in` names no repository"),
    ] {
        shop.write("plimsoll.toml", policy);
        let run = shop.run("check");
        assert_eq!(run.code, 2, "{policy}");
        assert!(run.plain_err().contains(said) && run.err.contains("plimsoll.toml"), "{}", run.err);
    }
    shop.write("plimsoll.toml", "");
    for (argument, said) in
        [("acme/ci", "names no folder"), ("acme/ci=nowhere", "there is no file or folder `nowhere`")]
    {
        let run = shop.run(&format!("check --source {argument}"));
        assert_eq!(run.code, 2, "{argument}");
        assert!(run.plain_err().contains(said), "{}", run.err);
    }
}
