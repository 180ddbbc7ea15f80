//! Whole pipelines, read as a repository is.

use crate::facts::*;
use crate::readers::samples::{job_named as job, needs, repository};

fn pipeline(text: &str) -> Pipeline {
    let mut all = repository(&[(".buildkite/pipeline.yml", text)]).facts.pipelines;
    assert_eq!(all.len(), 1, "one pipeline");
    all.remove(0)
}

#[test]
fn waits_and_blocks_part_the_steps_and_dependencies_override_them() {
    let p = pipeline(
        "\
env: { STAGE: prod }
agents: { queue: linux }
steps:
  - { label: ':hammer: Build', key: build, command: make }
  - { label: Lint, command: make lint, soft_fail: true }
  - { label: Codes, command: make x, soft_fail: [{ exit_status: 2 }] }
  - wait
  - { label: Test, command: make test, timeout_in_minutes: 9 }
  - { label: Early, command: x, depends_on: build }
  - { label: Now, command: x, depends_on: ~ }
  - { block: Release?, branches: main }
  - { label: Ship, command: ./ship.sh $$STAGE, concurrency: 1, concurrency_group: ship, branches: main release/* }
  - { wait: ~, continue_on_failure: true }
  - { label: Report, command: report }
  - { group: Checks, key: checks, steps: [{ label: One, command: one }, { label: Two, command: two }] }
  - { label: After, command: x, depends_on: [{ step: checks, allow_failure: true }] }
  - { label: Off, command: x, skip: flaky }
  - { label: Never, command: x, if: 'false' }
  - { label: Main, command: x, if: build.branch == \"main\" && build.tag == null }
",
    );
    assert_eq!(needs(job(&p, "Test")), ["build", "Lint", "Codes"]);
    assert_eq!(needs(job(&p, "Early")), ["build"]);
    assert_eq!(needs(job(&p, "Now")), [""; 0]);
    assert_eq!(needs(job(&p, "Release?")), ["Test", "Early", "Now"]);
    assert_eq!(job(&p, "Release?").gates[0].gate, GateKind::Blocking);
    let ship = job(&p, "Ship");
    assert_eq!(needs(ship), ["Release?"]);
    assert_eq!(ship.commands().next().expect("a command").args[0].values, ["prod"]);
    assert_eq!(ship.lock.as_ref().map(|l| l.value.as_str()), Some("ship"));
    assert_eq!(ship.condition.as_ref().expect("branches").branches, ["main", "release/*"]);
    assert!(job(&p, "Report").condition.as_ref().is_some_and(|c| c.always));
    assert_eq!(job(&p, "After").needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(9), Some(10)]);
    let tolerated = |name: &str| job(&p, name).tolerated.as_ref().map(|t| t.applies.clone());
    assert_eq!(tolerated("Lint"), Some(Value::Known(true)));
    assert!(matches!(tolerated("Codes"), Some(Value::Expr(_))));
    assert!(["Off", "Never"].iter().all(|n| job(&p, n).condition.as_ref().is_some_and(|c| c.never)));
    assert_eq!(job(&p, "Main").condition.as_ref().expect("if").branches, ["main"]);
    assert_eq!(
        (job(&p, "Test").timeout_minutes, job(&p, "Test").runner[0].value.as_str()),
        (Some(9), "queue=linux")
    );
    assert_eq!(job(&p, "One").stage.as_deref(), Some("Checks"));
    assert!(p.complete);
}

#[test]
fn plugins_matrices_and_the_shell() {
    let p = pipeline(
        "\
- label: Test
  plugins:
    - docker#v5.11.0: { image: 'node:20' }
    - acme/secrets#main
    - ecr: ~
  commands:
    - STAGE={{matrix}}
    - check $$STAGE | tee log
  matrix: [staging, production]
  artifact_paths: out/**
  secrets: [DEPLOY_TOKEN]
- { input: Which?, fields: [] }
- { trigger: deploy-prod, async: true, build: { env: { STAGE: production } } }
",
    );
    let test = job(&p, "Test");
    let used: Vec<_> = test
        .steps
        .iter()
        .filter_map(|s| s.uses.as_ref())
        .map(|u| (u.name.as_str(), u.version.as_ref().map(|v| v.value.as_str())))
        .collect();
    assert_eq!(
        used,
        [
            ("buildkite-plugins/docker", Some("v5.11.0")),
            ("acme/secrets", Some("main")),
            ("buildkite-plugins/ecr", None)
        ]
    );
    assert_eq!(test.images[0].name, "node");
    let check = test.commands().find(|c| c.program == "check").expect("it is there");
    assert_eq!(check.args[0].values, ["staging", "production"]);
    assert_eq!(
        check.tolerated.as_ref().map(|t| t.how),
        Some(How::PipeMasked),
        "agents run `bash -e`, without pipefail"
    );
    assert_eq!(test.secrets[0].name, "DEPLOY_TOKEN");
    assert_eq!(test.transfers.len(), 1);
    assert_eq!(job(&p, "Which?").gates[0].gate, GateKind::Optional, "an input holds nothing up");
    let called = job(&p, "deploy-prod");
    assert!(called.tolerated.is_some() && called.calls.as_ref().is_some_and(|c| c.unresolved.is_some()));
    assert!(!p.complete);
}

#[test]
fn uploaded_pipelines_are_followed_in_the_repository() {
    let entry = "steps:\n- command: buildkite-agent pipeline upload .buildkite/deploy.yml\n";
    let deploy = "steps:\n- command: ./deploy.sh\n";
    let r = repository(&[(".buildkite/pipeline.yml", entry), (".buildkite/deploy.yml", deploy)]);
    let of = |name: &str| r.facts.pipelines.iter().find(|p| p.name.ends_with(name)).expect("it is read");
    assert_eq!(of("deploy.yml").role, Role::Callable);
    assert!(
        of("pipeline.yml").complete && of("pipeline.yml").jobs[0].calls.as_ref().is_some_and(|c| c.local)
    );
    let made = pipeline("steps:\n- command: ./generate.sh | buildkite-agent pipeline upload\n");
    assert!(!made.complete && made.jobs[0].calls.as_ref().is_some_and(|c| c.unresolved.is_some()));
    let gone = pipeline("steps:\n- command: buildkite-agent pipeline upload gone.yml\n");
    assert!(!gone.complete);
}

#[test]
fn what_cannot_be_understood_is_named_and_bombs_end() {
    for (path, text, why) in [
        (".buildkite/pipeline.yml", "env: {}\n", "no `steps`"),
        (".buildkite/pipeline.yml", "a: b: c\n", "not a pipeline"),
    ] {
        let r = repository(&[(path, text)]);
        assert!(r.unread.iter().any(|u| u.reason.contains(why)), "{why}: {:?}", r.unread);
    }
    let other = repository(&[(".buildkite/docker-compose.yml", "services: {}\n")]);
    assert!(other.facts.pipelines.is_empty() && other.unread.is_empty());
    let circle = "steps:\n- command: buildkite-agent pipeline upload\n- command: buildkite-agent pipeline upload .buildkite/pipeline.yml\n";
    assert_eq!(pipeline(circle).jobs.len(), 2);
    let section = "- command: x\n".repeat(600);
    let wide = format!("steps:\n{section}- wait\n{section}");
    assert_eq!(pipeline(&wide).jobs.len(), 1_200);
    assert!(!repository(&[(".buildkite/pipeline.yml", &wide)]).unread.is_empty());
}

#[test]
fn adjustments_leave_combinations_out_and_add_some() {
    let p = pipeline(
        "\
steps:
  - label: Ship
    command: ./ship.sh {{matrix.env}}
    notify: [ { slack: '#releases' } ]
    matrix:
      setup: { env: [ staging, production ], os: [ linux ] }
      adjustments:
        - { with: { env: production, os: linux }, skip: true }
        - { with: { env: review, os: linux } }
",
    );
    let ship = job(&p, "Ship");
    assert_eq!(ship.matrix, ["env=staging", "env=review", "os=linux"]);
    assert!(ship.effects().any(|e| e.effect == EffectKind::Notify));
}
