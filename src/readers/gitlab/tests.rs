//! Whole configurations, read as a repository is.

use crate::facts::*;
use crate::lexicon::Stage;
use crate::readers::samples::{job, lines, needs, repository};
use crate::text::Span;

fn pipeline(text: &str) -> Pipeline {
    pipeline_of(&[(".gitlab-ci.yml", text)])
}

fn pipeline_of(files: &[(&str, &str)]) -> Pipeline {
    let repository = repository(files);
    assert_eq!(repository.facts.pipelines.len(), 1, "one pipeline");
    repository.facts.pipelines.into_iter().next().expect("counted above")
}

fn slice(text: &str, span: Span) -> &str {
    &text[span.range()]
}

#[test]
fn a_job_has_what_its_templates_give_and_its_own_wins() {
    let p = pipeline(
        "\
.base:
  stage: deploy
  tags: [a, b]
  variables: { A: one, B: two }
  script: [echo base]
.other:
  tags: [c]
  variables: { B: three }
ship:
  extends: [.base, .other]
  variables: { C: four }
again:
  extends: ship
  script: [echo own]
",
    );
    let ship = job(&p, "ship");
    assert_eq!(p.jobs.len(), 2, "hidden jobs are no jobs");
    assert_eq!(ship.stage.as_deref(), Some("deploy"));
    assert_eq!(ship.runner.iter().map(|t| t.value.as_str()).collect::<Vec<_>>(), ["c"], "lists are replaced");
    let mut settings: Vec<_> =
        ship.settings.iter().map(|s| format!("{}={}", s.key, s.setting.text())).collect();
    settings.sort();
    assert_eq!(settings, ["A=one", "B=three", "C=four"], "maps are merged, the later parent wins");
    assert_eq!(lines(ship), ["echo base"]);
    assert_eq!(lines(job(&p, "again")), ["echo own"]);
    assert!(p.complete);
}

#[test]
fn circles_and_missing_templates_are_named_and_do_not_hang() {
    let r = repository(&[(
        ".gitlab-ci.yml",
        "a: { extends: b, script: [x] }\nb: { extends: a }\nc: { extends: .no, script: [!reference [.no, script]] }\n",
    )]);
    assert!(!r.facts.pipelines[0].complete);
    let reasons: Vec<_> = r.unread.iter().map(|u| u.reason.as_str()).collect();
    assert!(reasons.iter().any(|x| x.contains("circle")), "{reasons:?}");
    assert!(reasons.iter().any(|x| x.contains("`extends: .no` leads nowhere")), "{reasons:?}");
    assert!(reasons.iter().any(|x| x.contains("!reference [.no, script]")), "{reasons:?}");
}

#[test]
fn references_are_followed_through_references_and_flattened() {
    let p = pipeline(
        "\
.one: { script: [echo 1] }
.two: { script: [!reference [.one, script], echo 2] }
.three: { extends: .two }
.rules: { rules: [{ if: '$CI_COMMIT_BRANCH == \"main\"' }] }
.vars: { variables: { STAGE: staging } }
ship:
  script:
    - !reference [.three, script]
    - [echo 3, [echo 4]]
  rules: [!reference [.rules, rules], { when: never }]
  environment: { name: !reference [.vars, variables, STAGE] }
",
    );
    let ship = job(&p, "ship");
    assert_eq!(lines(ship), ["echo 1", "echo 2", "echo 3", "echo 4"]);
    assert_eq!(ship.condition.as_ref().map(|c| c.branches.clone()), Some(vec!["main".to_owned()]));
    assert!(ship.target.as_ref().is_some_and(|t| t.is(Stage::Staging)));
    assert!(p.complete);
}

#[test]
fn anchors_and_merge_keys_are_applied() {
    let p = pipeline(
        "\
.a: &a { stage: deploy, script: &s [echo a] }
.b: &b { stage: build, tags: [x] }
ship: { <<: [*a, *b], script: [*s, echo own] }
",
    );
    let ship = job(&p, "ship");
    assert_eq!(ship.stage.as_deref(), Some("deploy"), "the earlier merged mapping wins");
    assert_eq!(ship.runner.len(), 1);
    assert_eq!(lines(ship), ["echo a", "echo own"]);
}

#[test]
fn defaults_hold_unless_a_job_says_otherwise() {
    let p = pipeline(
        "\
default: { image: 'node:20', before_script: [npm ci], timeout: 1h 30m }
variables: { GLOBAL: 'yes' }
plain: { script: [npm test] }
own: { image: { name: 'alpine:3' }, before_script: [], script: [echo $GLOBAL] }
none: { inherit: { default: [image], variables: false }, script: [echo $GLOBAL] }
",
    );
    let image = |id| job(&p, id).images.iter().map(|i| i.name.as_str()).collect::<Vec<_>>();
    assert_eq!((image("plain"), image("own"), image("none")), (vec!["node"], vec!["alpine"], vec!["node"]));
    assert_eq!(lines(job(&p, "plain")), ["npm ci", "npm test"]);
    assert_eq!(lines(job(&p, "own")), ["echo $GLOBAL"]);
    assert_eq!(lines(job(&p, "none")), ["echo $GLOBAL"]);
    assert_eq!(job(&p, "plain").timeout_minutes, Some(90));
    assert_eq!(job(&p, "none").timeout_minutes, None);
    let values = |id| job(&p, id).commands().flat_map(|c| c.args[0].values.clone()).collect::<Vec<_>>();
    assert_eq!(values("own"), ["yes"]);
    assert_eq!(values("none"), ["$GLOBAL"], "its variables are not inherited");
}

#[test]
fn stages_and_needs_give_the_order() {
    let p = pipeline(
        "\
stages: [build, test, ship]
b1: { stage: build, script: [x] }
t1: { script: [x] }
t2: { script: [x], needs: [] }
t3: { script: [x], needs: [{ job: b1, optional: true, artifacts: false }, { pipeline: $UP, job: z }] }
s1: { stage: ship, script: [x] }
s2: { stage: ship, script: [x], needs: ['t1: [a, b]', missing] }
early: { stage: .pre, script: [x] }
late: { stage: .post, script: [x], dependencies: [b1] }
",
    );
    assert_eq!(needs(job(&p, "early")), [""; 0]);
    assert_eq!(needs(job(&p, "b1")), ["early"]);
    assert_eq!(needs(job(&p, "t1")), ["b1"]);
    assert_eq!(needs(job(&p, "t2")), [""; 0], "`needs: []` starts at once");
    assert_eq!(needs(job(&p, "t3")), ["b1"]);
    assert!(job(&p, "t3").needs[0].optional && !job(&p, "t3").needs[0].order_only);
    assert_eq!(needs(job(&p, "s1")), ["t1", "t2", "t3"]);
    assert!(job(&p, "s1").needs.iter().all(|n| n.order_only && n.place == job(&p, "s1").place));
    assert_eq!(job(&p, "s2").needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(1), None]);
    assert_eq!(needs(job(&p, "late")), ["s1", "s2"]);
    assert_eq!(job(&p, "late").transfers.iter().filter(|t| !t.up).count(), 1);
}

#[test]
fn a_stage_of_jobs_that_wait_for_nothing_does_not_hide_the_one_before() {
    let p = pipeline(
        "a: { stage: build, script: [x] }\nb: { script: [x], needs: [] }\nc: { stage: deploy, script: [x] }\n",
    );
    assert_eq!(needs(job(&p, "c")), ["b", "a"]);
}

#[test]
fn a_manual_job_is_waited_for_only_where_gitlab_waits() {
    let gate = |body: &str| {
        let p = pipeline(&format!("ship:\n  script: [x]\n{body}"));
        p.jobs[0].gates.first().map(|g| g.gate)
    };
    for (body, expected) in [
        ("  when: manual\n", Some(GateKind::Optional)),
        ("  when: manual\n  allow_failure: false\n", Some(GateKind::Blocking)),
        ("  rules: [{ when: manual }]\n", Some(GateKind::Blocking)),
        ("  rules: [{ when: manual, allow_failure: true }]\n", Some(GateKind::Optional)),
        ("  allow_failure: true\n  rules: [{ when: manual }]\n", Some(GateKind::Optional)),
        ("  when: manual\n  rules: [{ if: $X }]\n", Some(GateKind::Optional)),
        ("  rules: [{ if: $X, when: manual }, { when: on_success }]\n", Some(GateKind::Optional)),
        ("  rules: [{ if: $X, when: never }, { when: manual }]\n", Some(GateKind::Blocking)),
        ("  environment: production\n", Some(GateKind::ServerSide)),
        ("  environment: { name: production, action: stop }\n", None),
        ("  when: on_success\n", None),
    ] {
        assert_eq!(gate(body), expected, "{body}");
    }
}

#[test]
fn failures_that_are_let_pass_are_seen() {
    let tolerated = |body: &str| {
        let p = pipeline(&format!("ship:\n{body}"));
        p.jobs[0].tolerated.as_ref().map(|t| t.applies.clone())
    };
    let expr = |t: &str| Some(Value::Expr(t.to_owned()));
    for (body, expected) in [
        ("  script: [x]\n  allow_failure: true\n", Some(Value::Known(true))),
        ("  script: [x]\n  allow_failure: false\n", None),
        ("  script: [x]\n  allow_failure: { exit_codes: [137, 2] }\n", expr("exit codes 137, 2")),
        ("  script: [x]\n  rules: [{ if: $A, allow_failure: true }, { if: $B }]\n", expr("in some rules")),
        ("  script: [x]\n  when: manual\n", None),
        ("  trigger: { include: ci/child.yml }\n", Some(Value::Known(true))),
        ("  trigger: { include: ci/child.yml, strategy: depend }\n", None),
    ] {
        assert_eq!(tolerated(body), expected, "{body}");
    }
}

#[test]
fn conditions_tell_branch_event_and_failure() {
    let condition = |body: &str| {
        let p = pipeline(&format!("ship:\n  script: [x]\n{body}"));
        p.jobs[0].condition.clone().expect("there is one")
    };
    let c = condition("  rules: [{ if: '$CI_COMMIT_BRANCH == \"main\"' }]\n");
    assert_eq!((c.branches, c.always, c.never), (vec!["main".to_owned()], false, false));
    assert_eq!(condition("  only: [main, tags]\n").branches, [""; 0], "tags are not restricted to it");
    assert_eq!(condition("  only: { refs: [main] }\n").branches, ["main"]);
    assert_eq!(condition("  only: [merge_requests]\n").events, ["merge_request_event"]);
    assert!(condition("  when: always\n").always);
    assert!(condition("  when: on_failure\n").on_failure);
    assert!(condition("  rules: [{ if: $X, when: never }]\n").never);
    assert!(condition("  rules: [{ when: on_failure }]\n").on_failure);
}

#[test]
fn environments_are_classified_by_tier_then_by_name() {
    let target = |body: &str| pipeline(&format!("ship:\n  script: [x]\n{body}")).jobs[0].target.clone();
    let stage = |body: &str| target(body).map(|t| t.stage);
    assert_eq!(stage("  environment: production\n"), Some(Value::Known(Stage::Production)));
    assert_eq!(
        stage("  environment: { name: blue, deployment_tier: production }\n"),
        Some(Value::Known(Stage::Production))
    );
    assert_eq!(
        stage("  variables: { STAGE: staging }\n  environment: { name: '${STAGE}' }\n"),
        Some(Value::Known(Stage::Staging))
    );
    assert_eq!(
        stage("  parallel: { matrix: [{ E: [staging, production] }] }\n  environment: $E\n"),
        Some(Value::OneOf(vec![Stage::Staging, Stage::Production]))
    );
    assert!(matches!(stage("  environment: $WHERE\n"), Some(Value::Expr(_))));
    assert!(matches!(stage("  environment: blue\n"), Some(Value::Unresolved(_))));
}

#[test]
fn includes_are_merged_in_order_and_places_stay_in_their_files() {
    let root = "\
include:
  - local: /ci/*.yml
  - 'ci/deep/one.yml'
ship: { extends: .tpl, variables: { A: own } }
";
    let tpl = ".tpl: { script: [./deploy.sh prod] }\nship: { stage: deploy, variables: { A: x, B: y } }\n";
    let deep = "include: { local: ci/deep/two.yml }\nother: { script: [echo one] }\n";
    let two = "other: { script: [echo two], tags: [t] }\n";
    let r = repository(&[
        (".gitlab-ci.yml", root),
        ("ci/a.yml", tpl),
        ("ci/deep/one.yml", deep),
        ("ci/deep/two.yml", two),
        ("unused.yml", "x: { script: [no] }\n"),
    ]);
    let p = &r.facts.pipelines[0];
    assert_eq!(p.jobs.len(), 2);
    let ship = job(p, "ship");
    assert_eq!((r.path(ship.place), slice(root, ship.place)), (".gitlab-ci.yml", "ship"));
    assert_eq!(ship.stage.as_deref(), Some("deploy"));
    let command = ship.commands().next().expect("there is one");
    assert_eq!((r.path(command.place), slice(tpl, command.place)), ("ci/a.yml", "./deploy.sh prod"));
    let mut settings: Vec<_> =
        ship.settings.iter().map(|s| (s.key.as_str(), r.path(s.place), s.setting.text())).collect();
    settings.sort();
    assert_eq!(settings, [("A", ".gitlab-ci.yml", "own".into()), ("B", "ci/a.yml", "y".into())]);
    assert_eq!(lines(job(p, "other")), ["echo one"], "the including file wins");
    assert_eq!(job(p, "other").runner.len(), 1);
    assert!(p.complete && p.includes.iter().all(|i| i.local && i.unresolved.is_none()));
    assert_eq!(p.parts.len(), 4);
}

#[test]
fn includes_from_elsewhere_leave_the_pipeline_open() {
    let p = pipeline(
        "\
include:
  - template: Jobs/SAST.gitlab-ci.yml
  - project: group/ci
    ref: v1
    file: [a.yml, b.yml]
  - component: gitlab.com/org/c@1.2
  - https://x.test/a.yml
  - local: missing.yml
sast: { variables: { A: b } }
ship: { extends: .elsewhere }
",
    );
    assert!(!p.complete);
    let names: Vec<_> = p.includes.iter().map(|i| i.name.as_str()).collect();
    let expected = [
        "Jobs/SAST.gitlab-ci.yml",
        "group/ci:a.yml,b.yml",
        "gitlab.com/org/c",
        "https://x.test/a.yml",
        "missing.yml",
    ];
    assert_eq!(names, expected);
    assert!(p.includes.iter().all(|i| i.unresolved.is_some()));
    let versions: Vec<_> = p.includes.iter().filter_map(|i| i.version.as_ref()).map(|v| &*v.value).collect();
    assert_eq!(versions, ["v1", "1.2"]);
    assert_eq!(p.jobs.len(), 2, "jobs of templates are jobs");
}

#[test]
fn a_header_document_is_no_configuration() {
    let p = pipeline(
        "spec:\n  inputs:\n    env: { default: x }\n---\nship:\n  script: [x]\n  environment: $[[ inputs.env ]]\n",
    );
    assert!(p.jobs[0].target.as_ref().is_some_and(|t| matches!(t.stage, Value::Expr(_))));
    let r = repository(&[(".gitlab-ci.yml", "a: { script: [x] }\n---\nb: { script: [x] }\n")]);
    assert!(r.unread.iter().any(|u| u.reason.contains("one document")), "{:?}", r.unread);
}

#[test]
fn a_child_pipeline_is_a_pipeline_of_its_own() {
    let r = repository(&[
        (".gitlab-ci.yml", "go: { trigger: { include: [{ local: /ci/child.yml }], strategy: depend } }\n"),
        ("ci/child.yml", "ship: { script: [x], environment: production }\n"),
    ]);
    assert_eq!(r.facts.pipelines.len(), 2);
    let calls = r.facts.pipelines[0].jobs[0].calls.as_ref().expect("it calls");
    assert_eq!((calls.name.as_str(), calls.local, &calls.unresolved), ("ci/child.yml", true, &None));
    assert_eq!(r.facts.pipelines[1].role, Role::Callable);
    assert_eq!(r.path(r.facts.pipelines[1].place), "ci/child.yml");
    let away = pipeline("go: { trigger: group/other }\n");
    assert!(!away.complete && away.jobs[0].calls.as_ref().is_some_and(|c| c.unresolved.is_some()));
}

#[test]
fn one_shell_runs_the_whole_list() {
    let p = pipeline(
        "\
ship:
  before_script: [TAG=v1, set +e]
  script:
    - docker build -t shop:$TAG .
    - |
      npm test | tee log
      echo done
  after_script: ['echo $TAG']
",
    );
    let ship = job(&p, "ship");
    assert_eq!(ship.steps.len(), 3);
    let build = ship.commands().find(|c| c.program == "docker").expect("it builds");
    assert_eq!(build.args[2].values, ["shop:v1"]);
    assert!(build.tolerated.is_some(), "`set +e` of the first section still holds");
    let test = ship.commands().find(|c| c.program == "npm").expect("it tests");
    assert_ne!(test.tolerated.as_ref().map(|t| t.how), Some(How::PipeMasked), "the runner sets pipefail");
    assert_eq!(ship.steps[1].commands.iter().filter(|c| c.last).count(), 1);
    assert!(ship.steps[2].tolerated.is_some() && ship.steps[2].condition.as_ref().is_some_and(|c| c.always));
    assert_eq!(ship.steps[2].commands[0].args[0].values, ["$TAG"], "another shell runs `after_script`");
}

#[test]
fn artifacts_locks_secrets_and_releases_are_read() {
    let p = pipeline(
        "\
ship:
  script: [deploy --token $DEPLOY_TOKEN --sha $CI_COMMIT_SHA]
  resource_group: production
  artifacts: { paths: [dist/, log], expire_in: 4 weeks }
  id_tokens: { OIDC: { aud: x } }
  secrets: { DB: { vault: a/b } }
  services: ['postgres:16', { name: 'redis:7', alias: r }]
  release: { tag_name: v1, description: x }
",
    );
    let ship = job(&p, "ship");
    assert_eq!(ship.lock.as_ref().map(|l| l.value.as_str()), Some("production"));
    assert_eq!(ship.transfers[0].retention_days, Some(28));
    assert_eq!(ship.transfers[0].paths.len(), 2);
    let secrets: Vec<_> = ship.secrets.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(secrets, ["DB", "DEPLOY_TOKEN"]);
    assert_eq!(ship.images.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["postgres", "redis"]);
    assert_eq!(lines(ship).last().copied(), Some("release-cli create --tag-name v1"));
    assert_eq!(ship.permissions[0].value, "id-token=write");
}

#[test]
fn workflow_rules_are_the_triggers() {
    let p = pipeline(
        "\
workflow:
  name: Shop
  rules:
    - { if: '$CI_COMMIT_TAG' , when: never }
    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"
    - if: $CI_COMMIT_BRANCH == \"main\"
a: { script: [x] }
",
    );
    assert_eq!(p.name, "Shop");
    let triggers: Vec<_> = p.triggers.iter().map(|t| (t.trigger, t.branches.len())).collect();
    assert_eq!(triggers, [(TriggerKind::PullRequest, 0), (TriggerKind::Push, 1)]);
}

#[test]
fn line_breaks_of_either_kind_give_the_same_facts() {
    let text = "\
default:
  before_script:
    - npm ci
ship:
  stage: deploy
  environment: production
  script:
    - |
      docker build -t a .
      docker push a
    - >
      kubectl
      apply
  rules:
    - if: $CI_COMMIT_BRANCH == \"main\"
      when: manual
";
    let crlf = text.replace('\n', "\r\n");
    let (a, b) = (pipeline(text), pipeline(&crlf));
    let view = |p: &Pipeline, text: &str| -> Vec<String> {
        let job = &p.jobs[0];
        let commands = job.commands().map(|c| format!("{} @ {}", c.line, slice(text, c.place)));
        let gates = job.gates.iter().map(|g| format!("{:?} {} {}", g.gate, g.what, slice(text, g.place)));
        let all: Vec<String> = commands.chain(gates).map(|l| l.replace("\r\n", "\n")).collect();
        all
    };
    assert_eq!(view(&a, text), view(&b, &crlf));
    assert_eq!(a.jobs[0].commands().count(), 4);
}

#[test]
fn configurations_that_are_built_to_be_slow_end() {
    let mut bomb = String::from(".a0: &a0 [echo x, echo x]\n");
    for n in 1..30 {
        bomb.push_str(&format!(".a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1));
    }
    bomb.push_str("job: { script: *a29 }\n");
    let mut many = String::from("stages: [a, b]\n");
    for n in 0..3_000 {
        many.push_str(&format!("a{n}: {{ stage: a, script: [x] }}\nb{n}: {{ stage: b, script: [x] }}\n"));
    }
    let circle = "include: .gitlab-ci.yml\na: { script: [x] }\n".to_owned();
    for text in [bomb, many] {
        let r = repository(&[(".gitlab-ci.yml", &text)]);
        assert!(!r.facts.pipelines[0].complete && !r.unread.is_empty());
    }
    assert_eq!(pipeline(&circle).jobs.len(), 1);
    for text in [
        "",
        "[]",
        "a",
        "- x",
        "&a [*a]",
        "a: {script: *x}",
        "include: [[[]]]",
        "a: !reference [a]",
        "spec: 1\n---\n",
    ] {
        repository(&[(".gitlab-ci.yml", text)]);
    }
}
