use super::{claims, parse};
use crate::facts::{Resource, Shape, Stage, Value};
use crate::readers::samples;

const TEMPLATE: &str = r#"AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Env: { Type: String, AllowedValues: [staging, production], Default: staging }
  Size: { Type: String, Default: db.t3.small }
  Vpc: { Type: "AWS::EC2::VPC::Id" }
Mappings:
  Sizes:
    staging: { Days: 1 }
    production: { Days: 30 }
Conditions:
  IsProd: !Equals [!Ref Env, production]
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Retain
    Properties:
      DBInstanceClass: !Ref Size
      MultiAZ: !If [IsProd, true, false]
      BackupRetentionPeriod: !FindInMap [Sizes, !Ref Env, Days]
      DBName: !Sub "shop-${Env}"
      Port: { "Fn::If": [IsProd, !Ref "AWS::NoValue", 5433] }
      VPCSecurityGroups: [!GetAtt Group.GroupId]
      PubliclyAccessible: false
  Copy:
    Type: AWS::RDS::DBInstance
    Condition: IsProd
    Properties: { StorageEncrypted: true }
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: web
          Image: "r.example/web:1"
          Environment: [{ Name: LOG, Value: !Ref Env }]
"#;

fn rows(resource: &Resource) -> Vec<(&str, Value<String>)> {
    resource.entries.iter().map(|e| (e.path.as_str(), e.setting.clone())).collect()
}

#[test]
fn parameters_mappings_and_conditions_are_put_in_for_each_environment() {
    let parsed = samples::read(parse, "cloudformation/shop.yaml", TEMPLATE);
    assert_eq!(parsed.problems, []);
    let known = |v: &str| Value::Known(v.to_owned());
    for (stage, more, count) in [
        (
            Stage::Staging,
            vec![
                ("MultiAZ", "false"),
                ("BackupRetentionPeriod", "1"),
                ("DBName", "shop-staging"),
                ("Port", "5433"),
            ],
            2,
        ),
        (
            Stage::Production,
            vec![("MultiAZ", "true"), ("BackupRetentionPeriod", "30"), ("DBName", "shop-production")],
            3,
        ),
    ] {
        let of = |r: &&Resource| r.target.as_ref().is_some_and(|t| t.is(stage));
        let all: Vec<&Resource> = parsed.facts.deployed.iter().filter(of).collect();
        assert_eq!(all.len(), count, "{stage:?}");
        let database = all[0];
        assert_eq!(
            (database.title().as_str(), database.shape),
            ("Database (AWS::RDS::DBInstance)", Shape::Effective)
        );
        let mut wanted = vec![
            ("DeletionPolicy".to_owned(), known("Retain")),
            ("Properties.DBInstanceClass".to_owned(), known("db.t3.small")),
        ];
        wanted.extend(more.iter().map(|(k, v)| (format!("Properties.{k}"), known(v))));
        wanted.push(("Properties.VPCSecurityGroups.0".to_owned(), Value::Expr("Group.GroupId".to_owned())));
        wanted.push(("Properties.PubliclyAccessible".to_owned(), known("false")));
        let seen: Vec<_> = rows(database).into_iter().map(|(p, v)| (p.to_owned(), v)).collect();
        assert_eq!(seen, wanted, "{stage:?}");
    }
    let production =
        parsed.facts.deployed.iter().find(|r| r.target.as_ref().is_some_and(|t| t.is(Stage::Production)));
    let days = production.and_then(|r| r.entry("Properties.BackupRetentionPeriod")).expect("seen above");
    assert_eq!(&TEMPLATE[days.place.range()], "30", "the value lies where the mapping writes it");
    let written = &parsed.facts.resources;
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|r| r.shape == Shape::Part));
    assert_eq!(
        written[0].entry("Properties.DBName").map(|e| e.setting.clone()),
        Some(Value::Expr("shop-${Env}".to_owned()))
    );
    assert!(!written[0].is_closed("Properties.MultiAZ") && written[0].has("Properties.MultiAZ"));
    assert_eq!(parsed.facts.base_images[0].name, "r.example/web");
    assert!(parsed.facts.settings.iter().any(|s| s.key == "LOG"));
}

#[test]
fn json_and_serverless_templates_are_templates_too() {
    let json = r#"{"AWSTemplateFormatVersion": "2010-09-09", "Parameters": {"P": {"Default": "x"}},
        "Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Join": ["-", ["a", {"Ref": "P"}]]}, "Acl": {"Ref": "Other"}}}}}"#;
    let parsed = samples::read(parse, "cdk.out/App.template.json", json);
    let bucket = &parsed.facts.resources[0];
    assert_eq!(
        rows(bucket),
        [
            ("Properties.BucketName", Value::Known("a-x".into())),
            ("Properties.Acl", Value::Expr("Other".into()))
        ]
    );
    assert_eq!(bucket.shape, Shape::Whole);
    let sam = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function: { Timeout: 3, Runtime: python3.13, Environment: { Variables: { A: b } } }\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: { Runtime: nodejs22.x }\n";
    let parsed = samples::read(parse, "template.yaml", sam);
    let function = &parsed.facts.resources[0];
    let said = |path: &str| function.entry(path).map(|e| e.setting.text());
    assert_eq!(
        said("Properties.Runtime").as_deref(),
        Some("nodejs22.x"),
        "its own word goes before that of all"
    );
    assert_eq!(said("Properties.Timeout").as_deref(), Some("3"));
    assert_eq!(parsed.facts.settings.iter().map(|s| s.key.as_str()).collect::<Vec<_>>(), ["A"]);
}

#[test]
fn only_templates_are_read() {
    for (path, claimed) in [
        ("template.yaml", true),
        ("sam/app.yml", true),
        ("cdk.out/Shop.template.json", true),
        ("infra/shop.cfn.yaml", true),
        ("src/templates/mail.yaml", false),
        ("templates.json", false),
        (".aws-sam/build/template.yaml", false),
    ] {
        assert_eq!(claims(path, false), claimed, "{path}");
    }
    assert!(samples::read(parse, "template.yaml", "a: b\n").facts.resources.is_empty());
}

#[test]
fn hostile_templates_end() {
    samples::endure(parse, "template.yaml");
    let mut twice = String::from("AWSTemplateFormatVersion: x\nConditions:\n");
    for i in 0..200 {
        twice.push_str(&format!("  C{i}: !Or [!Condition C{}, !Condition C{}]\n", i + 1, i + 1));
    }
    twice.push_str("Resources:\n  A: { Type: T, Condition: C0, Properties: { X: !If [C0, a, b] } }\n");
    samples::read(parse, "template.yaml", &twice);
    let mut bomb = String::from("AWSTemplateFormatVersion: x\nA0: &a0 [x, x]\n");
    for i in 0..40 {
        bomb.push_str(&format!("A{0}: &a{0} [*a{i}, *a{i}, *a{i}]\n", i + 1));
    }
    bomb.push_str("Resources: { R: { Type: T, Properties: *a40 } }\n");
    samples::read(parse, "template.yaml", &bomb);
}
