use super::*;
use crate::lexicon::Environments;
use crate::text::FileId;

fn read(text: &str) -> Parsed {
    let environments = Environments::default();
    parse(&Text {
        file: FileId(0),
        path: "buildspec.yml",
        text,
        executable: false,
        environments: &environments,
    })
}

fn pipeline(text: &str) -> Pipeline {
    let mut parsed = read(text);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    parsed.facts.pipelines.remove(0)
}

#[test]
fn files_are_claimed_by_name() {
    for (path, claimed) in [
        ("buildspec.yml", true),
        ("ci/buildspec-deploy.yaml", true),
        ("prod.buildspec.yml", true),
        ("buildspec.json", false),
        ("node_modules/x/buildspec.yml", false),
    ] {
        assert_eq!(claims(path, false), claimed, "{path}");
    }
}

#[test]
fn phases_follow_each_other_and_post_build_runs_after_a_failure() {
    let text = "\
version: 0.2
env:
  variables: { IMAGE: shop }
  parameter-store: { TOKEN: /shop/token }
  secrets-manager: { SHIP_KEY: 'shop-key:api::' }
phases:
  post_build:
    commands: ['docker push $IMAGE']
    finally: [echo done]
  install: { commands: [npm ci], on-failure: CONTINUE }
  build:
    commands:
      - npm test --token $TOKEN
      # - npm run lint
      - docker build -t $IMAGE .
artifacts: { files: ['dist/**/*'], name: shop-$CODEBUILD_RESOLVED_SOURCE_VERSION }
";
    let p = pipeline(text);
    let ids: Vec<&str> = p.jobs.iter().map(|j| j.id.as_str()).collect();
    assert_eq!(ids, ["install", "build", "post_build"]);
    assert_eq!(p.jobs[2].needs[0].job, Some(1));
    assert!(p.jobs[0].tolerated.is_some() && p.jobs[2].condition.as_ref().is_some_and(|c| c.always));
    assert!(p.jobs[2].steps[1].condition.as_ref().is_some_and(|c| c.always));
    let push = p.jobs[2].commands().next().expect("it pushes");
    assert_eq!((push.args[1].values[0].as_str(), &text[push.place.range()]), ("shop", "docker push $IMAGE"));
    assert_eq!(p.jobs[1].secrets.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["/shop/token"]);
    assert!(p.jobs[0].secrets.is_empty() && p.secrets.is_empty());
    assert_eq!((p.jobs[2].transfers.len(), p.commented[0].value.as_str()), (1, "- npm run lint"));
    for (build, asks) in [("on-failure: ABORT, ", "true"), ("", "test $CODEBUILD_BUILD_SUCCEEDING = 1")] {
        let text = format!(
            "phases: {{ build: {{ {build}commands: [make] }}, post_build: {{ commands: ['{asks}', make ship] }} }}"
        );
        assert!(pipeline(&text).jobs[1].condition.is_none(), "{text}");
    }
}

#[test]
fn a_batch_is_a_graph_of_builds() {
    let p = pipeline(
        "\
batch:
  build-graph:
    - { identifier: test, ignore-failure: true }
    - { identifier: ship, buildspec: ci/ship.yml, depend-on: [test] }
phases: { build: { commands: [make] } }
",
    );
    assert_eq!((p.jobs.len(), p.jobs[1].needs[0].job), (2, Some(0)));
    assert!(p.jobs[0].tolerated.is_some() && p.jobs[0].commands().count() == 1);
    assert!(p.jobs[1].calls.is_some() && !p.complete);
    let matrix = pipeline(
        "batch: { build-matrix: { dynamic: { env: { variables: { V: [a, b] } } } } }\nphases: { build: { commands: [make] } }\n",
    );
    assert_eq!(matrix.jobs[0].matrix, ["V=a", "V=b"]);
}

#[test]
fn odd_files_end() {
    for text in [
        "",
        "phases:",
        "phases: []",
        "phases: { build: [] }",
        "- a",
        "batch: { build-list: [1] }",
        "phases: {build: {commands: {a: b}}}",
    ] {
        read(text);
    }
}
