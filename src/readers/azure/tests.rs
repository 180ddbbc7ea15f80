//! Whole pipelines, read as a repository is.

use crate::facts::*;
use crate::readers::samples::{job, lines, needs, repository};

fn pipeline(text: &str) -> Pipeline {
    pipeline_of(&[("azure-pipelines.yml", text)])
}

fn pipeline_of(files: &[(&str, &str)]) -> Pipeline {
    let mut all = repository(files).facts.pipelines;
    assert_eq!(all.len(), 1, "one pipeline");
    all.remove(0)
}

#[test]
fn stages_follow_one_another_unless_they_say_otherwise() {
    let p = pipeline(
        "\
stages:
- stage: Build
  jobs:
  - job: compile
    steps: [script: make]
  - job: pack
    dependsOn: compile
    steps: [script: make pack]
- stage: Lint
  dependsOn: []
  jobs: [{ job: lint, steps: [script: make lint] }]
- stage: Empty
  dependsOn: [Build, Lint]
- stage: Ship
  condition: and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))
  jobs:
  - deployment: ship
    environment: production.web
    strategy:
      runOnce:
        deploy: { steps: [script: ./ship.sh] }
        on: { failure: { steps: [script: ./back.sh] } }
",
    );
    assert_eq!(needs(job(&p, "Build.compile")), [""; 0]);
    assert_eq!(needs(job(&p, "Build.pack")), ["compile"]);
    assert_eq!(needs(job(&p, "Lint.lint")), [""; 0]);
    let ship = job(&p, "Ship.ship");
    assert_eq!(needs(ship), ["Build.pack", "Lint.lint"], "an empty stage hands on what it waits for");
    assert!(ship.target.as_ref().is_some_and(|t| t.is(Stage::Production) && t.basis == Basis::Declared));
    assert_eq!(ship.gates[0].gate, GateKind::ServerSide);
    assert_eq!(ship.condition.as_ref().expect("the stage's").branches, ["main"]);
    assert_eq!(lines(ship), ["ship.sh", "back.sh"]);
    assert!(ship.steps[1].condition.as_ref().is_some_and(|c| c.on_failure));
    assert!(p.complete);
}

#[test]
fn jobs_without_dependencies_run_side_by_side() {
    let p = pipeline(
        "jobs:\n- job: a\n  steps: [script: x]\n- job: b\n  steps: [script: y]\n- job: c\n  dependsOn: [a, b]\n",
    );
    assert_eq!((needs(job(&p, "a")).len(), needs(job(&p, "b")).len()), (0, 0));
    assert_eq!(job(&p, "c").needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[test]
fn templates_are_unfolded_where_they_are_used() {
    let p = pipeline_of(&[
        (
            "azure-pipelines.yml",
            "\
parameters:
- { name: region, type: string, default: eu, values: [eu, us] }
stages:
- ${{ each env in split }}:
  - stage: never
- template: ci/deploy.yml
  parameters: { env: staging, tests: true }
- template: /ci/deploy.yml@self
  parameters:
    env: production
    after:
    - script: notify
",
        ),
        (
            "ci/deploy.yml",
            "\
parameters:
- { name: env, type: string }
- { name: tests, type: boolean, default: false }
- { name: after, type: stepList, default: [] }
stages:
- stage: ${{ parameters.env }}
  jobs:
  - deployment: deploy
    environment: ${{ parameters.env }}
    strategy:
      runOnce:
        deploy:
          steps:
          - template: steps/run.yml
            parameters: { target: '${{ parameters.env }}' }
          - ${{ if eq(parameters.tests, true) }}:
            - script: test ${{ parameters.env }}
          - ${{ elseif eq(parameters.env, 'production') }}:
            - script: careful
          - ${{ else }}:
            - script: never
          - ${{ parameters.after }}
",
        ),
        (
            "ci/steps/run.yml",
            "parameters: { target: none }\nsteps:\n- bash: ./deploy.sh ${{ parameters.target }}\n",
        ),
    ]);
    let deploy = |env: &str| {
        let found = job(&p, &format!("{env}.deploy"));
        let told = found.target.as_ref().and_then(|t| t.name.known().cloned());
        assert_eq!(told.as_deref(), Some(env));
        found
            .commands()
            .map(|c| c.args.last().map_or(c.program.clone(), |a| a.values.join("|")))
            .collect::<Vec<_>>()
    };
    assert_eq!(deploy("staging"), ["staging", "staging"]);
    assert_eq!(deploy("production"), ["production", "careful", "notify"]);
    assert_eq!(needs(job(&p, "production.deploy")), ["staging.deploy"]);
    assert_eq!(p.triggers.last().expect("the question").inputs[0].options.len(), 2);
}

#[test]
fn what_only_a_run_knows_stays_conditional() {
    let p = pipeline(
        "\
parameters:
- { name: ship, type: boolean, default: false }
jobs:
- ${{ if eq(parameters.ship, true) }}:
  - job: ship
    steps: [script: ./ship.sh]
- ${{ if eq(variables['Build.SourceBranchName'], 'main') }}:
  - job: main
    steps: [script: x]
",
    );
    assert_eq!(
        job(&p, "ship").condition.as_ref().map(|c| c.text.as_str()),
        Some("if eq(parameters.ship, true)")
    );
    assert_eq!(job(&p, "main").condition.as_ref().expect("the guard").branches, ["main"]);
}

#[test]
fn a_person_is_waited_for_where_the_file_says_so() {
    let p = pipeline(
        "\
stages:
- stage: Wait
  jobs:
  - job: ask
    pool: server
    steps:
    - task: ManualValidation@1
      inputs: { notifyUsers: team@example.io }
  - job: lenient
    pool: server
    steps:
    - task: ManualValidation@0
      inputs: { onTimeout: resume }
- stage: Hand
  trigger: manual
  jobs: [{ job: ship, steps: [script: x] }]
",
    );
    let gates = |id| job(&p, id).gates.iter().map(|g| g.gate).collect::<Vec<_>>();
    assert_eq!(gates("Wait.ask"), [GateKind::Blocking]);
    assert_eq!(gates("Wait.lenient"), [GateKind::Optional]);
    assert_eq!(gates("Hand.ship"), [GateKind::Blocking]);
}

#[test]
fn tasks_run_what_their_inputs_say() {
    let p = pipeline(
        "\
variables:
  image: shop
  major: '1'
  tag: $(major).2
steps:
- task: Docker@2
  inputs:
    command: buildAndPush
    containerRegistry: registry.example.io
    repository: $(image)
    tags: |
      $(tag)
      latest
- task: DotNetCoreCLI@2
  inputs: { command: test, projects: '**/*Tests.csproj', arguments: --no-build }
  continueOnError: true
- task: Npm@1
  inputs: { command: custom, customCommand: run build:prod }
- task: AzureCLI@2
  inputs:
    scriptType: bash
    inlineScript: az webapp up --name $(image)
- task: SSH@0
  inputs: { sshEndpoint: prod-web, commands: systemctl restart shop }
- task: Gradle@3
  enabled: false
  inputs: { tasks: test }
- task: Bash@3
  inputs: { filePath: scripts/check.sh }
- script: echo $(IMAGE) $(date) $TAG
",
    );
    let job = &p.jobs[0];
    assert_eq!(
        lines(job),
        [
            "docker build -t registry.example.io/shop:1.2 -t registry.example.io/shop:latest .",
            "docker push registry.example.io/shop:1.2",
            "docker push registry.example.io/shop:latest",
            "dotnet test **/*Tests.csproj --no-build",
            "npm run build:prod",
            "az webapp up --name ${image}",
            "systemctl restart shop",
            "gradle test",
            "bash scripts/check.sh",
            "echo ${IMAGE} $(date) $TAG",
            "date",
        ]
    );
    assert!(job.steps[1].tolerated.is_some());
    assert_eq!(
        job.commands().find(|c| c.program == "systemctl").and_then(|c| c.remote.as_deref()),
        Some("prod-web")
    );
    assert!(job.steps[5].condition.as_ref().is_some_and(|c| c.never));
    let echo = job.commands().find(|c| c.program == "echo").expect("the last step");
    assert_eq!(echo.args.iter().map(|a| a.values.join("|")).collect::<Vec<_>>(), ["shop", "$(date)", "1.2"]);
}

#[test]
fn what_lies_elsewhere_is_named() {
    let p = pipeline(
        "\
resources:
  repositories: [{ repository: shared, type: git, name: org/shared, ref: refs/tags/v1 }]
  pipelines: [{ pipeline: up, source: Build, trigger: { branches: [main] } }]
trigger: none
schedules: [{ cron: '0 3 * * 5', branches: { include: [main] } }]
extends:
  template: deploy.yml@shared
",
    );
    assert!(!p.complete);
    assert!(p.includes[0].unresolved.as_ref().is_some_and(|why| why.contains("`shared`")));
    let kinds: Vec<_> = p.triggers.iter().map(|t| t.trigger).collect();
    assert_eq!(kinds, [TriggerKind::Schedule, TriggerKind::Run]);
    assert_eq!(p.triggers[1].upstream, ["Build"]);
}

#[test]
fn circles_and_bombs_end() {
    let circle = "steps:\n- template: azure-pipelines.yml\n- template: azure-pipelines.yml\n";
    let r = repository(&[("azure-pipelines.yml", circle)]);
    assert!(r.unread.iter().any(|u| u.reason.contains("more than is followed")), "{:?}", r.unread);
    let deep = format!("steps:\n- script: {}x{}\n", "${{ ".repeat(2_000), " }}".repeat(2_000));
    assert!(!repository(&[("azure-pipelines.yml", &deep)]).facts.pipelines.is_empty());
    let grows = "parameters:\n- { name: a, type: object, default: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }\nsteps:\n- ${{ each a in parameters.a }}:\n  - ${{ each b in parameters.a }}:\n    - ${{ each c in parameters.a }}:\n      - ${{ each d in parameters.a }}:\n        - ${{ each e in parameters.a }}:\n          - script: x\n";
    let grows = grows.replace("type: object", "type: stepList");
    assert!(!repository(&[("azure-pipelines.yml", &grows)]).facts.pipelines.is_empty());
    let own = "parameters: { a: '${{ parameters.a }}' }\nsteps:\n- ${{ parameters.a }}\n- script: ${{ parameters.a }}\n";
    assert!(!repository(&[("azure-pipelines.yml", own)]).facts.pipelines.is_empty());
}
