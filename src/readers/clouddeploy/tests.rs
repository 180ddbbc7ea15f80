//! Whole delivery pipelines, read as a repository is.

use crate::facts::*;
use crate::readers::samples::{HOSTILE, job, needs, read, repository};

const PIPELINE: &str = "\
apiVersion: deploy.cloud.google.com/v1
kind: DeliveryPipeline
metadata: { name: shop }
serialPipeline:
  stages:
  - targetId: qa-eu
    strategy: { standard: { verify: true, predeploy: { actions: [ migrate ] } } }
  - targetId: staging
    profiles: [ staging ]
    strategy: { canary: { canaryDeployment: { percentages: [ 25, 50 ], verify: true } } }
  - targetId: eu-1
";

const TARGETS: &str = "\
apiVersion: deploy.cloud.google.com/v1
kind: Target
metadata: { name: eu-1 }
requireApproval: true
gke: { cluster: projects/shop-prod/locations/europe-west1/clusters/main }
---
apiVersion: deploy.cloud.google.com/v1
kind: Automation
metadata: { name: shop/onwards }
selector: { targets: [ { id: qa-eu } ] }
rules: [ { promoteReleaseRule: { name: on, toTargetId: '@next' } } ]
---
apiVersion: deploy.cloud.google.com/v1
kind: Automation
metadata: { name: shop/repair }
selector: [ { target: { id: '*' } } ]
rules: [ { repairRolloutRule: { name: back, repairPhases: [ { retry: { attempts: 2 } }, { rollback: {} } ] } } ]
---
apiVersion: deploy.cloud.google.com/v1
kind: DeployPolicy
metadata: { name: office-hours }
selectors: [ { target: { id: eu-1 } } ]
rules: [ { rolloutRestriction: { id: no, timeWindows: { timeZone: Europe/Berlin } } } ]
";

const SKAFFOLD: &str = "\
apiVersion: skaffold/v4beta7
kind: Config
verify:
- name: smoke
  container: { name: smoke, image: 'curlimages/curl:8.11.1', command: [ curl ], args: [ -f, https://qa.shop.example/health ] }
customActions:
- name: migrate
  containers:
  - { name: m, image: 'shop/migrate:1', command: [ sh, -c ], args: [ 'npx prisma migrate deploy' ] }
";

#[test]
fn a_release_passes_its_stages_one_after_another() {
    let repository = repository(&[
        ("clouddeploy.yaml", PIPELINE),
        ("deploy/clouddeploy-targets.yaml", TARGETS),
        ("skaffold.yaml", SKAFFOLD),
    ]);
    let pipeline = &repository.facts.pipelines[0];
    assert!(repository.unread.is_empty() && pipeline.complete);
    let stage = |id: &str| job(pipeline, id).target.as_ref().and_then(|t| t.stage.known().copied());
    assert_eq!(stage("eu-1"), Some(Stage::Production), "the project of its cluster tells");
    assert_eq!(stage("staging"), Some(Stage::Staging));
    assert_eq!(needs(job(pipeline, "qa-eu")), ["predeploy qa-eu 1"]);
    assert!(job(pipeline, "predeploy qa-eu 1").effects().any(|e| e.effect == EffectKind::Migrate));
    assert_eq!(needs(job(pipeline, "verify qa-eu")), ["qa-eu"]);
    assert!(job(pipeline, "verify qa-eu").commands().any(|c| c.program == "curl"));
    assert_eq!(needs(job(pipeline, "staging")), ["verify qa-eu"]);
    let rollout = job(pipeline, "staging").steps[0].uses.as_ref().expect("a rollout");
    assert_eq!(rollout.input("percentages").expect("shares").value.text(), "25,50");
    assert!(job(pipeline, "staging").gates.is_empty(), "an automation promotes into it");
    assert_eq!(job(pipeline, "eu-1").gates[0].gate, GateKind::Blocking);
    assert_eq!(needs(job(pipeline, "eu-1")), ["verify staging"]);
    assert!(job(pipeline, "eu-1").condition.as_ref().is_some_and(|c| c.text.contains("office-hours")));
    let back = job(pipeline, "rollback eu-1");
    assert!(back.condition.as_ref().is_some_and(|c| c.on_failure));
    assert!(back.effects().any(|e| e.effect == EffectKind::RollBack));
}

#[test]
fn what_nobody_automates_somebody_promotes_and_the_server_knows_who() {
    let text = PIPELINE.replace("canary", "standard");
    let all = repository(&[("clouddeploy.yaml", &text)]).facts.pipelines;
    let gates = |id: &str| job(&all[0], id).gates.iter().map(|g| g.gate).collect::<Vec<_>>();
    assert_eq!(gates("predeploy qa-eu 1"), [], "a release begins there");
    assert_eq!(gates("staging"), [GateKind::ServerSide]);
}

#[test]
fn a_build_that_creates_a_release_calls_the_pipeline_with_its_image() {
    let build = "\
steps:
- { id: build, name: gcr.io/cloud-builders/docker, args: [ build, -t, 'r.example/shop:$COMMIT_SHA', . ] }
- { id: push, name: gcr.io/cloud-builders/docker, args: [ push, 'r.example/shop:$COMMIT_SHA' ] }
- id: release
  name: gcr.io/google.com/cloudsdktool/cloud-sdk
  entrypoint: gcloud
  args: [ deploy, releases, create, 'r-$SHORT_SHA', --region=europe-west1, --delivery-pipeline=$_PIPELINE,
          '--images=shop=r.example/shop:$COMMIT_SHA' ]
substitutions: { _PIPELINE: shop }
";
    let repository = repository(&[
        ("cloudbuild.yaml", build),
        ("clouddeploy.yaml", PIPELINE),
        (
            "other/clouddeploy.yaml",
            "apiVersion: deploy.cloud.google.com/v1\nkind: DeliveryPipeline\nmetadata: { name: x }\nserialPipeline: { stages: [ { targetId: prod } ] }\n",
        ),
    ]);
    let (flow, pipelines) = (&repository.flow, &repository.facts.pipelines);
    let node = |id: &str| flow.nodes().find(|&n| flow.job(n, pipelines).id == id).expect("a run");
    assert!(flow.before(node("staging")).contains(&node("push")));
    assert!(!flow.before(node("prod")).contains(&node("push")), "another pipeline");
    let deploy =
        flow.run(node("staging")).effects.iter().find(|e| e.effect == EffectKind::Deploy).expect("a rollout");
    let artifact = deploy.artifact.as_ref().expect("the image of the release");
    assert_eq!((artifact.name_text(), artifact.version_text()), ("r.example/shop".into(), "{commit}".into()));
    let release = flow.run(node("release"));
    assert!(
        release.effects.iter().all(|e| e.effect != EffectKind::Deploy),
        "the stages deploy, not the release"
    );
}

#[test]
fn a_command_that_promotes_does_what_the_stage_says() {
    let build = "\
steps:
- id: release
  name: gcr.io/cloud-builders/gcloud
  args: [ deploy, releases, create, r-1, --delivery-pipeline=shop ]
- { id: look, name: curlimages/curl, args: [ -f, https://qa.shop.example/health ] }
- id: onwards
  name: gcr.io/cloud-builders/gcloud
  args: [ deploy, releases, promote, --release=r-1, --delivery-pipeline=shop, --to-target, staging ]
";
    let repository = repository(&[("cloudbuild.yaml", build), ("clouddeploy.yaml", PIPELINE)]);
    let (flow, pipelines) = (&repository.flow, &repository.facts.pipelines);
    let node = |id: &str| flow.nodes().find(|&n| flow.job(n, pipelines).id == id).expect("a run");
    let kinds = |id: &str| flow.run(node(id)).effects.iter().map(|e| e.effect).collect::<Vec<_>>();
    assert_eq!(kinds("onwards"), [EffectKind::Deploy, EffectKind::Verify]);
    assert_eq!(kinds("staging"), [], "it does not happen apart");
    assert!(flow.before(node("onwards")).contains(&node("look")));
}

#[test]
fn hostile_texts_are_read_without_harm() {
    for text in HOSTILE {
        for start in [
            "",
            "apiVersion: deploy.cloud.google.com/v1\nkind: DeliveryPipeline\nserialPipeline: { stages: [ { targetId: ",
        ] {
            read(super::parse, "clouddeploy.yaml", &format!("{start}{text}"));
            repository(&[("clouddeploy.yaml", &format!("{start}{text}"))]);
        }
    }
}
