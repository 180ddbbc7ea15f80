//! Whole configurations, read as a repository is.

use crate::facts::*;
use crate::readers::samples::{job_named as job, lines, needs, repository};

fn pipelines(text: &str) -> Vec<Pipeline> {
    repository(&[("bitbucket-pipelines.yml", text)]).facts.pipelines
}

#[test]
fn steps_follow_one_another_but_for_those_side_by_side() {
    let all = pipelines(
        "\
image: node:20.1
pipelines:
  branches:
    '{main,develop}':
      - step: { name: build, max-time: 7, script: [npm run build], artifacts: [dist/**] }
      - parallel:
          steps:
            - step: { name: a, script: [npm test] }
            - step: { name: b, on-fail: { strategy: ignore }, script: [npm run lint] }
      - stage:
          name: Production
          deployment: production
          trigger: manual
          steps:
            - step: { name: ship, script: ['./ship.sh $BITBUCKET_DEPLOYMENT_ENVIRONMENT'] }
            - step: { name: check, script: [curl -f https://x.example] }
",
    );
    let p = &all[0];
    assert_eq!(
        p.triggers[0].branches.iter().map(|b| b.value.as_str()).collect::<Vec<_>>(),
        ["main", "develop"]
    );
    assert_eq!(needs(job(p, "a")), ["build"]);
    assert_eq!(needs(job(p, "ship")), ["a", "b"]);
    assert_eq!(needs(job(p, "check")), ["ship"]);
    let gates = |name| job(p, name).gates.iter().map(|g| g.gate).collect::<Vec<_>>();
    assert_eq!(gates("ship"), [GateKind::ServerSide, GateKind::Blocking]);
    assert_eq!(gates("check"), [GateKind::ServerSide], "only the first of a stage waits for a person");
    let ship = job(p, "ship");
    assert!(ship.target.as_ref().is_some_and(|t| t.is(Stage::Production) && t.basis == Basis::Declared));
    assert_eq!(ship.lock.as_ref().map(|l| l.value.as_str()), Some("production"));
    assert_eq!(ship.commands().next().expect("a command").args[0].values, ["production"]);
    assert!(job(p, "b").tolerated.is_some() && job(p, "a").tolerated.is_none());
    assert_eq!((job(p, "build").timeout_minutes, job(p, "build").transfers.len()), (Some(7), 1));
    assert_eq!(job(p, "a").images[0].name, "node");
}

#[test]
fn every_start_condition_is_a_pipeline_of_its_own() {
    let all = pipelines(
        "\
pipelines:
  default: [{ step: { script: [make] } }]
  tags: { 'v*': [{ step: { script: [make] } }] }
  pull-requests: { '**': [{ step: { script: [make] } }] }
  custom:
    roll:
      - variables: [{ name: Where, default: staging, allowed-values: [staging, production] }]
      - step: { deployment: $Where, script: [deploy $Where] }
triggers:
  repository-push:
    - condition: BITBUCKET_BRANCH == \"main\"
      pipelines: [roll]
",
    );
    let kinds: Vec<_> = all.iter().map(|p| (p.name.as_str(), p.triggers[0].trigger)).collect();
    assert_eq!(
        kinds,
        [
            ("default", TriggerKind::Push),
            ("tags: v*", TriggerKind::Tag),
            ("pull-requests: **", TriggerKind::PullRequest),
            ("custom: roll", TriggerKind::Manual),
        ]
    );
    let roll = &all[3];
    assert_eq!(roll.triggers[1].branches[0].value, "main");
    assert_eq!(roll.triggers[0].inputs[0].options.len(), 2);
    let target = roll.jobs[0].target.as_ref().expect("the deployment");
    assert_eq!(target.stage, Value::OneOf(vec![Stage::Staging, Stage::Production]));
}

#[test]
fn anchors_pipes_and_what_runs_afterwards() {
    let all = pipelines(
        "\
definitions:
  services: { db: { image: 'postgres:16' } }
  steps:
    - step: &ship
        name: ship
        oidc: true
        services: [db, docker]
        script:
          - STAGE=a
          - pipe: atlassian/aws-s3-deploy:1.1.0
            variables: { S3_BUCKET: shop-prod, KEY: $AWS_SECRET_KEY }
          - echo $STAGE | grep x
        after-script:
          - pipe: atlassian/slack-notify:2.0.0
          - cleanup
pipelines:
  branches:
    main:
      - step: *ship
      - step: { <<: *ship, name: again, condition: { changesets: { includePaths: [a/**] } } }
",
    );
    let p = &all[0];
    assert_ne!(p.jobs[0].place, p.jobs[1].place, "a step's place is where it is used");
    assert_eq!(needs(job(p, "again")), ["ship"]);
    assert!(job(p, "again").condition.is_some());
    let ship = job(p, "ship");
    let names: Vec<_> = ship.steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        ["STAGE=a", "atlassian/aws-s3-deploy", "echo $STAGE | grep x", "atlassian/slack-notify", "cleanup"]
    );
    let echo = &ship.steps[2].commands[0];
    assert_eq!(echo.args[0].values, ["a"], "one shell runs what stands around a pipe");
    assert_eq!(echo.tolerated.as_ref().map(|t| t.how), Some(How::PipeMasked), "no pipefail");
    assert!(
        ship.steps[3..]
            .iter()
            .all(|s| s.tolerated.is_some() && s.condition.as_ref().is_some_and(|c| c.always))
    );
    assert_eq!(ship.secrets.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["AWS_SECRET_KEY"]);
    assert_eq!(ship.permissions[0].value, "id-token=write");
    assert_eq!(ship.images[0].name, "postgres");
}

#[test]
fn imports_are_followed_in_the_repository_and_named_outside() {
    let config = "definitions:\n  imports: { own: .bitbucket/shared-pipelines.yml, far: shared:main:x }\npipelines:\n  default: { import: lib@own }\n  custom: { other: { import: lib@far }, old: { import: 'shared:master:lib' } }\n";
    let shared =
        "definitions:\n  pipelines:\n    lib: [{ step: { name: shared, script: [./ci/build.sh] } }]\n";
    let r = repository(&[
        ("bitbucket-pipelines.yml", config),
        (".bitbucket/shared-pipelines.yml", shared),
        ("ci/build.sh", "make\n"),
    ]);
    let p = &r.facts.pipelines;
    assert_eq!(lines(job(&p[0], "shared")).len(), 1);
    assert!(p[0].complete && !p[1].complete && !p[2].complete);
    assert!(p[1].includes[0].unresolved.is_some());
    assert!(
        r.facts.scripts.iter().any(|s| s.name.contains("ci/build.sh")),
        "scripts of imported steps are read"
    );
}

#[test]
fn what_cannot_be_understood_is_named_and_bombs_end() {
    for (text, why) in [("[a]", "a mapping"), ("image: a\n", "no `pipelines`"), ("a: b: c\n", "not YAML")] {
        let r = repository(&[("bitbucket-pipelines.yml", text)]);
        assert!(r.unread.iter().any(|u| u.reason.contains(why)), "{why}: {:?}", r.unread);
    }
    let deep = format!(
        "pipelines:\n  default:\n  - {}step: {{ script: [x] }}{}\n",
        "parallel: [{ ".repeat(40),
        " }]".repeat(40)
    );
    let r = repository(&[("bitbucket-pipelines.yml", &deep)]);
    assert!(r.unread.iter().any(|u| u.reason.contains("deeper")), "{:?}", r.unread);
    let step = "{ step: { script: [x] } },".repeat(600);
    let wide = format!("pipelines:\n  default:\n  - parallel: [{step}]\n  - parallel: [{step}]\n");
    assert!(!pipelines(&wide).is_empty());
}
