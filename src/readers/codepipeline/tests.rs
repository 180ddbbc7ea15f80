use super::*;
use crate::lexicon::Environments;
use crate::text::FileId;

fn read(path: &str, text: &str) -> Parsed {
    let environments = Environments::default();
    parse(&Text { file: FileId(0), path, text, executable: false, environments: &environments })
}

const TEMPLATE: &str = "\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Branch: { Type: String, Default: main }
Resources:
  Topic: { Type: AWS::SNS::Topic }
  Delivery:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      Name: shop
      Stages:
        - Name: Source
          Actions:
            - Name: Code
              ActionTypeId: { Category: Source, Owner: AWS, Provider: CodeStarSourceConnection, Version: '1' }
              Configuration: { BranchName: !Ref Branch, FullRepositoryId: acme/shop }
              OutputArtifacts: [{ Name: code }]
        - Name: Staging
          Actions:
            - Name: Ship
              ActionTypeId: { Category: Deploy, Owner: AWS, Provider: ECS, Version: '1' }
              RunOrder: 2
            - Name: Prepare
              ActionTypeId: { Category: Compute, Owner: AWS, Provider: Commands, Version: '1' }
              Commands: [npm test]
        - Name: Production
          OnFailure: { Result: ROLLBACK }
          Actions:
            - { Name: Ask, RunOrder: 1, ActionTypeId: { Category: Approval, Owner: AWS, Provider: Manual, Version: '1' } }
            - { Name: Ship, RunOrder: 2, ActionTypeId: { Category: Deploy, Owner: AWS, Provider: ECS, Version: '1' } }
";

#[test]
fn a_template_says_order_gates_and_ways_back() {
    let parsed = read("cfn/codepipeline.yml", TEMPLATE);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let p = &parsed.facts.pipelines[0];
    let order: Vec<String> = p
        .jobs
        .iter()
        .map(|j| {
            format!("{} < {}", j.id, j.needs.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert_eq!(
        order,
        [
            "Source/Code < ",
            "Staging/Prepare < Source/Code",
            "Staging/Ship < Staging/Prepare",
            "Production/Ask < Staging/Ship",
            "Production/Ship < Production/Ask",
            "Production/rollback < Production/Ship",
        ]
    );
    assert_eq!(p.jobs[3].gates[0].gate, GateKind::Blocking);
    assert!(p.jobs[5].condition.as_ref().is_some_and(|c| c.on_failure));
    assert_eq!(
        (p.triggers[0].trigger, p.triggers[0].branches[0].value.as_str()),
        (TriggerKind::Push, "main")
    );
    assert_eq!(p.jobs[1].commands().next().map(|c| c.line.as_str()), Some("npm test"));
    assert_eq!(&TEMPLATE[p.jobs[4].place.range()], "Ship");
    assert!(p.complete && p.jobs[4].stage.as_deref() == Some("Production"));
}

#[test]
fn the_services_own_definition_says_the_same() {
    let text = r#"{"pipeline": {"name": "shop", "version": 1, "stages": [
        {"name": "Source", "actions": [{"name": "Code", "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}}]},
        {"name": "Build", "actions": [{"name": "Make", "runOrder": 1, "configuration": {"ProjectName": "shop"},
          "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}}]}]}}"#;
    let parsed = read("codepipeline.json", text);
    let p = &parsed.facts.pipelines[0];
    assert_eq!((p.jobs.len(), p.triggers[0].trigger), (2, TriggerKind::Other));
    // What the project builds is not in this file.
    let outside = p.jobs.iter().flat_map(|j| &j.steps).filter_map(|s| s.uses.as_ref()?.unresolved.as_ref());
    assert!(outside.count() == 1);
}

#[test]
fn other_files_of_that_name_are_left_alone() {
    for (path, claimed) in [
        ("codepipeline.yml", true),
        ("infra/pipeline.yaml", true),
        ("my-code-pipeline.json", true),
        ("pipeline.yml", false),
        ("infra/azure-pipelines.yml", false),
    ] {
        assert_eq!(claims(path, false), claimed, "{path}");
    }
    for text in [
        "",
        "a: b",
        "stages: [build, test]",
        "Resources: []",
        "Resources: { X: { Type: AWS::CodePipeline::Pipeline } }",
        "[1]",
        "{",
    ] {
        assert!(read("codepipeline.yml", text).facts.pipelines.is_empty(), "{text}");
    }
    let empty =
        "Resources: { X: { Type: AWS::CodePipeline::Pipeline, Properties: { Stages: { 'Fn::If': [a] } } } }";
    assert_eq!(read("codepipeline.yml", empty).facts.pipelines.len(), 1);
}

fn built(spec: &str) -> String {
    format!(
        "Resources:\n  Project:\n    Type: AWS::CodeBuild::Project\n    Properties:\n      Name: shop-build\n      Source: {spec}\n  \
         Delivery:\n    Type: AWS::CodePipeline::Pipeline\n    Properties:\n      Stages:\n      - Name: Build\n        Actions:\n        \
         - Name: Make\n          ActionTypeId: {{ Category: Build, Owner: AWS, Provider: CodeBuild, Version: '1' }}\n          \
         Configuration: {{ ProjectName: !Ref Project, EnvironmentVariables: '[{{\"name\":\"STAGE\",\"value\":\"prod\"}}]' }}\n"
    )
}

#[test]
fn an_action_runs_the_buildspec_of_its_project_wherever_it_stands() {
    let spec = "version: 0.2\nphases: { build: { commands: [ './up.sh \"$STAGE\"' ] } }\n";
    let block = "\n        BuildSpec: |\n          version: 0.2\n          phases:\n            build:\n              commands: [ 'make \"all\"' ]";
    let quoted =
        "{ BuildSpec: \"version: 0.2\\nphases:\\n  build:\\n    commands:\\n      - make \\\"all\\\"\\n\" }";
    for (source, called) in [
        ("{ BuildSpec: ./ci/build.yml }", "ci/build.yml"),
        ("{ Type: CODEPIPELINE }", "buildspec.yml"),
        (block, "codepipeline.yml#Project"),
        (quoted, "codepipeline.yml#Project"),
    ] {
        let text = built(source);
        let repository = crate::readers::samples::repository(&[
            ("codepipeline.yml", &text),
            ("ci/build.yml", spec),
            ("buildspec.yml", spec),
        ]);
        let pipelines = &repository.facts.pipelines;
        let delivery = pipelines.iter().find(|p| p.dialect == Dialect::CodePipeline).expect("the pipeline");
        let call = delivery.jobs[0].calls.as_ref().unwrap_or_else(|| panic!("{source} is followed"));
        assert_eq!(
            (call.name.as_str(), call.unresolved.as_deref(), delivery.complete),
            (called, None, true),
            "{source}"
        );
        let inside = pipelines.iter().find(|p| p.name == called).expect("the buildspec");
        assert_eq!(inside.role, Role::Callable, "it does not start by itself");
        let word = &inside.jobs[0].commands().next().expect("a command").args[0];
        if called.contains('#') {
            assert!(
                text[word.place.range()].starts_with("\"all"),
                "{source}: {:?}",
                &text[word.place.range()]
            );
        }
    }
}

#[test]
fn what_no_file_here_tells_stays_open() {
    for source in [
        "{ BuildSpec: gone.yml }",
        "{ BuildSpec: 'arn:aws:s3:::bucket/spec.yml' }",
        "{ BuildSpec: !Sub '${X}' }",
    ] {
        let repository = crate::readers::samples::repository(&[("codepipeline.yml", &built(source))]);
        let delivery = &repository.facts.pipelines[0];
        assert!(!delivery.complete && !delivery.includes.is_empty(), "{source}");
    }
}
