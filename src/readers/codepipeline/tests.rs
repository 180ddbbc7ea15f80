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
            "Production/rollback < Production/Ask, Production/Ship",
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
    assert!(!p.complete && p.includes[0].name == "CodePipeline/CodeBuild");
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
