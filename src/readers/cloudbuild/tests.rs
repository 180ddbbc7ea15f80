use super::*;
use crate::lexicon::Environments;
use crate::text::FileId;

fn read(path: &str, text: &str) -> Parsed {
    let environments = Environments::default();
    parse(&Text { file: FileId(0), path, text, executable: false, environments: &environments })
}

fn pipeline(text: &str) -> Pipeline {
    let mut parsed = read("cloudbuild.yaml", text);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    parsed.facts.pipelines.remove(0)
}

fn lines(pipeline: &Pipeline) -> Vec<String> {
    pipeline.jobs.iter().flat_map(|j| j.commands()).map(|c| c.line.clone()).collect()
}

#[test]
fn files_are_claimed_by_name() {
    for (path, claimed) in [
        ("cloudbuild.yaml", true),
        ("a/cloudbuild-prod.yml", true),
        ("cloudbuild.json", true),
        (".cloudbuild/ship.yaml", true),
        ("a/.cloudbuild/x/ship.yaml", false),
        ("cloudbuild.sh", false),
        ("build.yaml", false),
    ] {
        assert_eq!(claims(path, false), claimed, "{path}");
    }
}

#[test]
fn the_image_or_the_entrypoint_is_the_program() {
    let p = pipeline(
        "\
steps:
- { name: gcr.io/cloud-builders/docker, args: [build, -t, 'shop:$_TAG', .] }
- { name: 'gcr.io/google.com/cloudsdktool/cloud-sdk:slim', entrypoint: gcloud, args: [run, deploy, shop] }
- { name: gcr.io/google.com/cloudsdktool/cloud-sdk, args: [gcloud, info] }
- { name: 'node:20', args: [npm, test] }
- { name: 'node:20', entrypoint: npm, args: [ci] }
- { name: gcr.io/k8s-skaffold/skaffold, args: [run] }
- { name: docker, args: [push, x] }
- { name: bash, entrypoint: bash, args: [./deploy.sh, prod] }
substitutions: { _TAG: v1 }
images: ['shop:$_TAG']
",
    );
    let expected = [
        "docker build -t shop:$_TAG .",
        "gcloud run deploy shop",
        "gcloud info",
        "npm test",
        "npm ci",
        "skaffold run",
        "docker push x",
        "bash ./deploy.sh prod",
        "docker push shop:$_TAG",
    ];
    assert_eq!(lines(&p), expected);
    assert_eq!(p.jobs[0].commands().next().expect("one").args[2].values, ["shop:v1"]);
    assert_eq!(p.jobs[8].needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(7)]);
    let wants = read("cloudbuild.yaml", "steps: [{ name: bash, entrypoint: bash, args: [./ci/x.sh] }]").wants;
    assert_eq!(wants[0].path, "ci/x.sh");
}

#[test]
fn shell_text_is_read_with_the_services_escapes_and_options() {
    let text = "\
steps:
- name: gcr.io/cloud-builders/gcloud
  entrypoint: bash
  args:
  - -c
  - |
    TAG=v2
    docker build -t shop:$$TAG-$_ENV .
    docker push shop
- name: ubuntu
  script: |
    #!/usr/bin/env -S bash -e
    npm test
    echo done
- name: python
  script: |
    #!/usr/bin/env python
    print('no shell')
substitutions: { _ENV: staging }
";
    let p = pipeline(text);
    let all: Vec<&Command> = p.jobs.iter().flat_map(|j| j.commands()).collect();
    let build = all.iter().find(|c| c.args.first().is_some_and(|a| a.text == "build")).expect("it builds");
    assert_eq!(build.args[2].values, ["shop:v2-staging"]);
    assert_eq!(&text[build.place.range()], "docker build -t shop:$$TAG-$_ENV .");
    assert!(all.iter().find(|c| c.program == "npm").expect("it tests").tolerated.is_none());
    assert!(p.jobs[2].commands().next().is_none());
}

#[test]
fn steps_wait_for_all_before_them_or_for_those_they_name() {
    let p = pipeline(
        "\
steps:
- { id: a, name: x/y }
- { id: b, name: x/y, waitFor: ['-'] }
- { id: c, name: x/y, waitFor: [a] }
- { id: d, name: x/y }
- { name: x/y }
",
    );
    let needs: Vec<Vec<&str>> =
        p.jobs.iter().map(|j| j.needs.iter().map(|n| n.name.as_str()).collect()).collect();
    assert_eq!(needs, [vec![], vec![], vec!["a"], vec!["a", "b", "c"], vec!["d"]]);
}

#[test]
fn environment_secrets_time_and_tolerance_are_read() {
    let p = pipeline(
        "\
steps:
- name: x/deploy
  id: ship
  dir: ./app/
  env: ['STAGE=$_ENV', NAME=shop]
  secretEnv: [TOKEN]
  timeout: 90s
  allowFailure: true
- { name: x/y, allowExitCodes: [2] }
timeout: 1200s
options: { env: [ALL=1], machineType: E2_HIGHCPU_8 }
substitutions: { _ENV: staging }
availableSecrets:
  secretManager: [{ versionName: projects/p/secrets/deploy-token/versions/1, env: TOKEN }]
artifacts: { objects: { location: 'gs://b/$_ENV', paths: [dist] }, pythonPackages: [{ repository: https://x.test }] }
",
    );
    let ship = &p.jobs[0];
    let settings: Vec<_> = ship.settings.iter().map(|s| format!("{}={}", s.key, s.setting.text())).collect();
    assert_eq!(settings, ["STAGE=staging", "NAME=shop"]);
    assert_eq!(ship.secrets[0].name, "deploy-token");
    assert_eq!((ship.timeout_minutes, p.jobs[1].timeout_minutes), (Some(2), Some(20)));
    assert_eq!(ship.tolerated.as_ref().map(|t| t.applies.clone()), Some(Value::Known(true)));
    assert!(matches!(p.jobs[1].tolerated.as_ref().map(|t| &t.applies), Some(Value::Expr(_))));
    assert_eq!(ship.steps[0].folder.as_deref(), Some("app"));
    assert_eq!(p.jobs[2].transfers[0].name, Value::Known("gs://b/staging".into()));
    assert!(lines(&p).contains(&"twine upload https://x.test".to_owned()));
    assert_eq!(p.settings.len(), 2);
}

#[test]
fn json_and_crlf_say_the_same() {
    let yaml = "steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, .]\n";
    let json = r#"{"steps": [{"name": "gcr.io/cloud-builders/docker", "args": ["build", "."]}]}"#;
    let of = |path: &str, text: &str| lines(&read(path, text).facts.pipelines[0]);
    assert_eq!(of("cloudbuild.yaml", yaml), of("cloudbuild.json", json));
    assert_eq!(of("cloudbuild.yaml", yaml), of("cloudbuild.yaml", &yaml.replace('\n', "\r\n")));
    for text in [
        "",
        "steps:",
        "steps: [1, [], {}]",
        "steps: {a: b}",
        "- a",
        "steps: [{name: bash, entrypoint: bash, args: [-c]}]",
    ] {
        read("cloudbuild.yaml", text);
    }
}
