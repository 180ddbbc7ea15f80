//! Whole configurations, read as a repository is.

use crate::facts::*;
use crate::readers::samples::{job_named as job, lines, needs, repository};

fn pipelines(text: &str) -> Vec<Pipeline> {
    repository(&[(".circleci/config.yml", text)]).facts.pipelines
}

fn pipeline(text: &str) -> Pipeline {
    let mut all = pipelines(text);
    assert_eq!(all.len(), 1, "one workflow");
    all.remove(0)
}

/// The values of a job's last command's words.
fn words(job: &Job) -> Vec<String> {
    let last = job.commands().last().expect("a command");
    last.args.iter().map(|a| a.values.join("|")).collect()
}

#[test]
fn jobs_wait_for_what_they_require() {
    let p = pipeline(
        "\
version: 2.1
jobs:
  test: { docker: [{ image: 'cimg/node:20.1' }], steps: [checkout, { run: npm test }] }
  ship:
    machine: { image: 'ubuntu-2404:2024.11.1' }
    parameters: { env: { type: string, default: dev } }
    steps: [{ run: './ship.sh << parameters.env >>' }]
workflows:
  version: 2
  main:
    jobs:
      - test
      - hold: { type: approval, requires: [test] }
      - ship:
          name: ship-prod
          env: production
          requires: [hold]
          context: [prod, org-global]
          serial-group: prod
          filters: { branches: { only: main } }
      - ship: { requires: [nowhere] }
      - test: { name: rescue, requires: [{ ship-prod: [failed, canceled] }] }
      - test: { name: report, requires: [{ ship-prod: terminal }] }
      - test: { name: off, filters: { branches: { ignore: /.*/ } } }
      - test: { name: tagged, filters: { branches: { ignore: /.*/ }, tags: { only: /^v.*/ } } }
",
    );
    assert!(
        job(&p, "hold").gates.iter().all(|g| g.gate == GateKind::Blocking)
            && job(&p, "hold").steps.is_empty()
    );
    let ship = job(&p, "ship-prod");
    assert_eq!((needs(ship), words(ship)), (vec!["hold"], vec!["production".to_owned()]));
    assert_eq!(ship.condition.as_ref().expect("its filter").branches, ["main"]);
    assert_eq!(ship.secrets.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["prod", "org-global"]);
    assert_eq!(ship.lock.as_ref().map(|l| l.value.as_str()), Some("prod"));
    assert_eq!(ship.runner[0].value, "ubuntu-2404:2024.11.1");
    assert_eq!(words(job(&p, "ship")), ["dev"]);
    assert_eq!(job(&p, "ship").needs[0].job, None);
    let condition = |name: &str| job(&p, name).condition.clone().expect("a condition");
    assert!(condition("rescue").on_failure && !condition("rescue").always);
    assert!(condition("report").always && !condition("report").on_failure);
    assert!(condition("off").never);
    assert!(!condition("tagged").never && condition("tagged").events == ["tag"]);
    let kinds: Vec<_> = p.triggers.iter().map(|t| t.trigger).collect();
    assert_eq!(kinds, [TriggerKind::Push, TriggerKind::Tag]);
    assert!(p.complete);
}

#[test]
fn each_workflow_is_a_pipeline_that_starts_in_its_own_way() {
    let all = pipelines(
        "\
version: 2.1
parameters:
  ship: { type: boolean, default: false }
  where: { type: enum, enum: [staging, production], default: staging }
jobs:
  a: { docker: [{ image: a }], steps: [{ run: 'deploy << pipeline.parameters.where >>' }] }
workflows:
  pushed: { jobs: [a] }
  nightly:
    triggers: [{ schedule: { cron: '30 14 * * 5', filters: { branches: { only: [main] } } } }]
    jobs: [a]
  asked: { when: << pipeline.parameters.ship >>, jobs: [a] }
  unasked: { unless: << pipeline.parameters.ship >>, jobs: [a] }
  scheduled: { when: { equal: [scheduled_pipeline, << pipeline.trigger_source >>] }, jobs: [a] }
  on_main: { when: { and: [{ equal: [main, << pipeline.git.branch >>] }, { not: << pipeline.parameters.ship >> }] }, jobs: [a] }
  text: { when: pipeline.git.branch == \"main\" or pipeline.git.branch starts-with \"hotfix\", jobs: [a] }
  off: { when: false, jobs: [a] }
",
    );
    let started = |name: &str| {
        let p = all.iter().find(|p| p.name == name).expect("the workflow");
        p.triggers
            .iter()
            .map(|t| {
                format!(
                    "{} {}",
                    t.trigger.name(),
                    t.branches.iter().map(|b| b.value.as_str()).collect::<Vec<_>>().join(",")
                )
            })
            .collect::<Vec<_>>()
    };
    for (name, expected) in [
        ("pushed", "push "),
        ("nightly", "schedule main"),
        ("asked", "manual "),
        ("unasked", "push "),
        ("scheduled", "schedule "),
        ("on_main", "push main"),
        ("text", "push main,hotfix*"),
        ("off", "push "),
    ] {
        assert_eq!(started(name), [expected], "{name}");
    }
    let of = |name: &str| all.iter().find(|p| p.name == name).expect("the workflow");
    assert!(of("off").jobs[0].condition.as_ref().is_some_and(|c| c.never));
    assert_eq!(of("asked").triggers[0].inputs.len(), 2);
    assert!(of("nightly").triggers[0].fires.contains(&"fri 14:30".to_owned()));
    assert_eq!(words(&of("pushed").jobs[0]), ["staging|production"]);
}

#[test]
fn commands_executors_and_inline_orbs_are_unfolded() {
    let p = pipeline(
        "\
version: 2.1
orbs:
  node: circleci/node@5.1.0
  own:
    commands:
      go:
        parameters:
          to: { type: string }
          then: { type: steps, default: [] }
          loud: { type: boolean, default: false }
        steps:
          - run: go << parameters.to >>
          - when: { condition: << parameters.loud >>, steps: [{ run: shout }] }
          - unless: { condition: << parameters.loud >>, steps: [{ run: whisper }] }
          - steps: << parameters.then >>
    jobs:
      inner: { executor: e, steps: [{ go: { to: inside } }] }
    executors:
      e: { docker: [{ image: 'alpine:3.20' }] }
executors:
  big:
    parameters: { tag: { type: string } }
    docker: [{ image: 'cimg/base:<< parameters.tag >>', environment: { A: container } }, { image: 'postgres:16' }]
    resource_class: large
    environment: { A: executor, B: executor }
jobs:
  outer:
    executor: { name: big, tag: '2024.01' }
    environment: { B: job }
    steps:
      - own/go: { to: outside, loud: true, then: [{ run: after }] }
      - node/install-packages: { pkg-manager: yarn }
      - run: { command: echo $A $B, when: on_fail }
      - run: { command: serve, background: true }
      - deploy: { command: old }
      - persist_to_workspace: { root: out, paths: [bin] }
workflows:
  w:
    jobs:
      - outer
      - own/inner: { pre-steps: [{ run: first }] }
      - node/test: { requires: [outer] }
",
    );
    let outer = job(&p, "outer");
    assert_eq!(lines(outer), ["go outside", "shout", "after", "echo $A $B", "serve", "old"]);
    let echo = outer.commands().find(|c| c.program == "echo").expect("it is there");
    assert_eq!(echo.args.iter().map(|a| a.values.join("|")).collect::<Vec<_>>(), ["executor", "job"]);
    assert!(outer.steps.iter().any(|s| s.condition.as_ref().is_some_and(|c| c.on_failure)));
    assert!(outer.steps.iter().any(|s| s.tolerated.as_ref().is_some_and(|t| t.how == How::Background)));
    let images: Vec<_> = outer
        .images
        .iter()
        .map(|i| format!("{}:{}", i.name, i.version.as_ref().expect("a tag").value))
        .collect();
    assert_eq!(images, ["cimg/base:2024.01", "postgres:16"]);
    assert_eq!(outer.transfers[0].paths[0].value, "out/bin");
    let block = outer.steps.iter().find_map(|s| s.uses.as_ref()).expect("the orb's command");
    assert_eq!(
        (block.name.as_str(), block.version.as_ref().map(|v| v.value.as_str())),
        ("circleci/node/install-packages", Some("5.1.0"))
    );
    assert_eq!(lines(job(&p, "own/inner")), ["first", "go inside", "whisper"]);
    assert!(p.includes.iter().any(|i| i.name == "circleci/node" && i.unresolved.is_some()));
}

#[test]
fn the_default_shell_fails_with_a_pipe_and_others_may_not() {
    let p = pipeline(
        "\
version: 2.1
jobs:
  build:
    docker: [{ image: a }]
    steps:
      - run: test | tee log
      - run: { command: 'test | tee log', shell: /bin/sh }
      - run: |
          #!/bin/sh
          check; other
      - run: { command: 'Get-Item x', shell: powershell.exe }
workflows: { w: { jobs: [build] } }
",
    );
    let tolerated: Vec<_> =
        p.jobs[0].steps.iter().map(|s| s.commands[0].tolerated.as_ref().map(|t| t.how)).collect();
    assert_eq!(tolerated[..2], [None, Some(How::PipeMasked)]);
    assert_eq!(p.jobs[0].steps.len(), 4);
}

#[test]
fn a_matrix_is_one_job_with_all_values() {
    let p = pipeline(
        "\
version: 2.1
jobs:
  deploy:
    parameters: { env: { type: string } }
    docker: [{ image: a }]
    steps: [{ run: 'deploy << parameters.env >>' }]
  check: { docker: [{ image: a }], steps: [{ run: check }] }
workflows:
  w:
    jobs:
      - deploy: { matrix: { parameters: { env: [staging, production] } } }
      - check: { requires: [deploy-production] }
      - check: { name: c2, requires: [deploy] }
",
    );
    let deploy = job(&p, "deploy");
    assert_eq!(deploy.dimensions, [("env".to_owned(), vec!["staging".to_owned(), "production".to_owned()])]);
    assert_eq!(words(deploy), ["staging|production"]);
    assert_eq!(job(&p, "check").needs[0].job, Some(0));
    assert_eq!(job(&p, "c2").needs[0].job, Some(0));
}

#[test]
fn a_setup_workflow_goes_on_with_files_beside_it() {
    let setup = "version: 2.1\nsetup: true\norbs: { c: circleci/continuation@1.0.0 }\njobs:\n  s: { docker: [{ image: a }], steps: [{ c/continue: { configuration_path: PATH } }] }\nworkflows: { setup: { jobs: [s] } }\n";
    let next = "version: 2.1\njobs: { x: { docker: [{ image: a }], steps: [{ run: make }] } }\nworkflows: { next: { jobs: [x] } }\n";
    let named = setup.replace("PATH", ".circleci/next.yml");
    let made = setup.replace("PATH", "/tmp/made.yml");
    let read = |config: &str| repository(&[(".circleci/config.yml", config), (".circleci/next.yml", next)]);
    let r = read(&named);
    assert_eq!(r.facts.pipelines.len(), 2);
    assert!(r.facts.pipelines.iter().all(|p| p.complete));
    assert!(read(&made).facts.pipelines.iter().any(|p| p.name == "setup" && !p.complete));
    let plain = next.replace("next:", "plain:");
    assert_eq!(read(&plain).facts.pipelines.len(), 1, "without setup nothing else is read");
}

#[test]
fn what_cannot_be_understood_is_named() {
    for (text, why) in [
        ("[a]", "a mapping"),
        ("machine: true\n", "no jobs"),
        ("version: 2.1\njobs: {}\nworkflows: { w: { jobs: [gone] } }\n", "`gone` is defined nowhere"),
        (
            "version: 2.1\njobs: { a: { docker: [{ image: a }], steps: [chekout] } }\nworkflows: { w: { jobs: [a] } }\n",
            "`chekout`",
        ),
        ("a: b: c\n", "not YAML"),
    ] {
        let r = repository(&[(".circleci/config.yml", text)]);
        assert!(r.unread.iter().any(|u| u.reason.contains(why)), "{why}: {:?}", r.unread);
        assert!(!r.pipelines_complete(), "{why}");
    }
}

#[test]
fn circles_and_bombs_end() {
    let circle = "version: 2.1\ncommands:\n  a: { parameters: { x: { type: string } }, steps: [{ b: { x: '<< parameters.x >><< parameters.x >>' } }, { b: { x: y } }] }\n  b: { parameters: { x: { type: string } }, steps: [{ a: { x: '<< parameters.x >><< parameters.x >>' } }, { a: { x: y } }] }\njobs: { j: { docker: [{ image: a }], steps: [{ a: { x: xx } }] } }\nworkflows: { w: { jobs: [j] } }\n";
    let r = repository(&[(".circleci/config.yml", circle)]);
    assert!(r.unread.iter().any(|u| u.reason.contains("than")), "{:?}", r.unread);
    let conditions = format!(
        "version: 2.1\njobs: {{ j: {{ docker: [{{ image: a }}], steps: [checkout] }} }}\nworkflows:\n  w:\n    when: {}x{}\n    jobs: [j]\n",
        "{ and: [".repeat(60),
        "] }".repeat(60)
    );
    assert_eq!(pipelines(&conditions).len(), 1);
    let open = format!(
        "version: 2.1\njobs: {{ j: {{ docker: [{{ image: a }}], steps: [{{ run: '{}' }}] }} }}\nworkflows: {{ w: {{ jobs: [j] }} }}\n",
        "<< parameters.".repeat(2_000)
    );
    assert_eq!(pipelines(&open).len(), 1);
}

#[test]
fn a_group_brings_its_jobs_and_whoever_requires_it_waits_for_all() {
    let p = pipeline(
        "\
version: 2.1
jobs:
  unit: { docker: [ { image: cimg/base } ], steps: [ { run: make unit } ] }
  lint: { docker: [ { image: cimg/base } ], steps: [ { run: make lint } ] }
  build: { docker: [ { image: cimg/base } ], steps: [ { run: make } ] }
  ship: { docker: [ { image: cimg/base } ], parameters: { env: { type: string } }, steps: [ { run: make << parameters.env >> } ] }
job-groups:
  checks: { jobs: [ unit, { lint: { requires: [ unit ] } } ] }
workflows:
  main:
    jobs:
      - build
      - checks: { requires: [ build ] }
      - ship:
          requires: [ checks ]
          matrix: { parameters: { env: [ staging, production ] }, exclude: [ { env: production } ] }
",
    );
    assert_eq!(needs(job(&p, "unit")), ["build"]);
    assert_eq!(needs(job(&p, "lint")), ["unit"]);
    let ship = p.jobs.iter().find(|j| j.id.starts_with("ship")).expect("the last job");
    assert_eq!(ship.needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!(ship.matrix, ["env=staging"]);
}
