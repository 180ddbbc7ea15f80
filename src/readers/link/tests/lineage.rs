//! Where deployed things were made, over jobs and pipelines.

use super::*;
use crate::readers::samples;

/// What made the things that each run deploys, as `job: makers`.
fn made(files: &[(&str, &str)]) -> Vec<String> {
    let repository = samples::repository(files);
    let (flow, pipelines) = (&repository.flow, &repository.facts.pipelines);
    let deploys = |n: &Node| flow.has_effect(*n, EffectKind::Deploy, None);
    flow.nodes()
        .filter(deploys)
        .map(|n| {
            let effects = flow.run(n).effects.iter().filter(|e| e.effect == EffectKind::Deploy);
            let mut by: Vec<String> = effects
                .flat_map(|e| flow.makers(n, e, pipelines))
                .map(|(m, _)| flow.job(m, pipelines).id.clone())
                .collect();
            by.sort();
            by.dedup();
            format!("{}: {}", flow.job(n, pipelines).id, by.join(" "))
        })
        .collect()
}

const BUILD: &str = "  build:\n    runs-on: x\n    steps: [{ run: \"docker build -t r/shop:$GITHUB_SHA . && docker push r/shop:$GITHUB_SHA\" }]\n";

fn github(jobs: &str) -> Vec<(String, String)> {
    vec![(".github/workflows/cd.yml".into(), format!("name: CD\non: push\njobs:\n{BUILD}{jobs}"))]
}

fn made_by(files: &[(String, String)]) -> Vec<String> {
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    made(&files)
}

#[test]
fn an_image_is_followed_by_its_name_and_through_promotions() {
    for (what, run, expected) in [
        ("the same tag", "kubectl set image deploy/shop a=r/shop:${{ github.sha }}", "ship: build"),
        (
            "another registry",
            "kubectl set image deploy/shop a=eu.example.com/shop:$GITHUB_SHA",
            "ship: build",
        ),
        ("a chart's tag", "helm upgrade shop ./chart --set image.tag=${GITHUB_SHA}", "ship: build"),
        ("another thing", "kubectl set image deploy/till a=r/till:$GITHUB_SHA", "ship: "),
        ("a moving name", "kubectl set image deploy/shop a=r/shop:latest", "ship: "),
        (
            "a promoted name",
            "docker tag r/shop:$GITHUB_SHA r/shop:live; kubectl set image deploy/shop a=r/shop:live",
            "ship: build",
        ),
    ] {
        let ship = format!("  ship:\n    needs: build\n    runs-on: x\n    steps: [{{ run: \"{run}\" }}]\n");
        assert_eq!(made_by(&github(&ship)), [expected], "{what}");
    }
}

#[test]
fn outputs_and_computed_tags_are_read_where_they_are_written() {
    let text = "
on: push
jobs:
  build:
    runs-on: x
    outputs: { tag: '${{ github.sha }}', image: '${{ steps.meta.outputs.version }}' }
    steps:
      - { id: meta, uses: docker/metadata-action@v5, with: { images: r/shop, tags: 'type=sha,prefix=' } }
      - { uses: docker/build-push-action@v6, with: { push: true, tags: '${{ steps.meta.outputs.tags }}' } }
  ship:
    needs: build
    runs-on: x
    steps: [{ run: 'kubectl set image deploy/shop a=r/shop:${{ needs.build.outputs.tag }}' }]
";
    let repository = samples::repository(&[(".github/workflows/cd.yml", text)]);
    let runs: Vec<String> = repository.flow.runs().iter().map(|r| say(&r.effects)).collect();
    assert_eq!(runs, ["build r/shop:{commit}, publish r/shop:{commit}", "deploy r/shop:{commit}"]);
    assert_eq!(made(&[(".github/workflows/cd.yml", text)]), ["ship: build"]);
}

#[test]
fn files_are_followed_from_job_to_job() {
    for (path, text, expected) in [
        (
            ".github/workflows/cd.yml",
            "
on: push
jobs:
  build: { runs-on: x, steps: [{ run: vite build }, { uses: actions/upload-artifact@v4, with: { name: site, path: dist } }] }
  docs: { runs-on: x, steps: [{ run: make build }, { uses: actions/upload-artifact@v4, with: { name: docs, path: out } }] }
  ship:
    needs: [build, docs]
    runs-on: x
    steps: [{ uses: actions/download-artifact@v4, with: { name: site } }, { run: aws s3 sync . s3://shop-production }]
",
            "ship: build",
        ),
        (
            ".gitlab-ci.yml",
            "
stages: [build, ship]
build: { stage: build, script: [vite build], artifacts: { paths: [dist] } }
ship: { stage: ship, environment: production, script: [aws s3 sync dist s3://shop-production] }
",
            "ship: build",
        ),
        (
            ".circleci/config.yml",
            "
version: 2.1
jobs:
  build: { docker: [{ image: a }], steps: [{ run: vite build }, { persist_to_workspace: { root: ., paths: [dist] } }] }
  ship: { docker: [{ image: a }], steps: [{ attach_workspace: { at: . } }, { run: aws s3 sync dist s3://shop-production }] }
workflows: { cd: { jobs: [build, { ship: { requires: [build] } }] } }
",
            "ship: build",
        ),
        (
            "Jenkinsfile",
            "
pipeline { agent any
  stages {
    stage('build') { steps { sh 'vite build'
      stash name: 'site', includes: 'dist/**' } }
    stage('ship') { steps { unstash 'site'
      sh 'aws s3 sync dist s3://shop-production' } }
  }
}
",
            "ship: build",
        ),
    ] {
        assert_eq!(made(&[(path, text)]), [expected], "{path}");
    }
}

#[test]
fn pipelines_that_others_call_start_or_wait_for_have_what_these_made() {
    let ship = "  ship: { runs-on: x, environment: production, steps: [{ run: \"kubectl set image deploy/shop a=r/shop:${{ github.event.workflow_run.head_sha || 1 }}\" }] }\n";
    let by_commit = ship.replace(" || 1", "");
    let called = by_commit.replace("github.event.workflow_run.head_sha", "inputs.tag");
    for (what, jobs, other) in [
        ("workflow_run", String::new(), format!("on: {{ workflow_run: {{ workflows: [CD] }} }}\njobs:\n{by_commit}")),
        (
            "workflow_call",
            "  go: { needs: build, uses: ./.github/workflows/ship.yml, with: { tag: \"${{ github.sha }}\" } }\n".into(),
            format!("on: {{ workflow_call: {{ inputs: {{ tag: {{ type: string }} }} }} }}\njobs:\n{called}"),
        ),
        (
            "a dispatch",
            "  go: { needs: build, runs-on: x, steps: [{ run: gh workflow run ship.yml }] }\n".into(),
            format!("on: workflow_dispatch\njobs:\n{}", by_commit.replace("github.event.workflow_run.head_sha", "github.sha")),
        ),
    ] {
        let mut files = github(&jobs);
        files.push((".github/workflows/ship.yml".into(), other));
        assert_eq!(made_by(&files), ["ship: build"], "{what}");
    }
}

#[test]
fn a_child_pipeline_has_what_its_parent_made() {
    let parent = "
stages: [build, ship]
build: { stage: build, script: ['docker build -t r/shop:$CI_COMMIT_SHA .', 'docker push r/shop:$CI_COMMIT_SHA'] }
ship: { stage: ship, trigger: { include: [{ local: ci/ship.yml }], strategy: depend } }
";
    let child = "ship: { environment: production, script: ['kubectl set image deploy/shop a=r/shop:$CI_COMMIT_SHA'] }\n";
    assert_eq!(made(&[(".gitlab-ci.yml", parent), ("ci/ship.yml", child)]), ["ship: build"]);
}

#[test]
fn an_input_may_list_several_references() {
    let caller = "on: push\njobs:\n  go: { uses: ./.github/workflows/build.yml, with: { tags: \"r/shop:${{ github.sha }},r/shop:latest\" } }\n";
    let callee = "on: { workflow_call: { inputs: { tags: { type: string } } } }\njobs:\n  build: { runs-on: x, steps: [{ uses: docker/build-push-action@v6, with: { push: false, tags: \"${{ inputs.tags }}\" } }] }\n";
    let files = [(".github/workflows/build.yml", callee), (".github/workflows/cd.yml", caller)];
    let repository = samples::repository(&files);
    let run = repository.flow.runs().iter().find(|r| !r.effects.is_empty()).expect("the called job builds");
    assert_eq!(say(&run.effects), "build r/shop:{commit}, build r/shop:latest");
}

#[test]
fn an_image_is_followed_through_outputs_of_workflows_and_actions() {
    let build = "name: Build\non: { workflow_call: { inputs: { name: { type: string } }, outputs: { image: { value: \"${{ jobs.image.outputs.ref }}\" } } } }\njobs:\n  image:\n    outputs: { ref: \"r/${{ inputs.name }}:${{ github.sha }}\" }\n    runs-on: x\n    steps: [{ run: \"docker build -t r/shop:$GITHUB_SHA . && docker push r/shop:$GITHUB_SHA\" }]\n";
    let ship = |name: &str| {
        format!(
            "name: CD\non: push\njobs:\n  made: {{ uses: ./.github/workflows/build.yml, with: {{ name: {name} }} }}\n  ship:\n    needs: made\n    runs-on: x\n    steps: [{{ run: \"kubectl set image deploy/shop a=${{{{ needs.made.outputs.image }}}}\" }}]\n"
        )
    };
    for (name, expected) in [("shop", "ship: image"), ("till", "ship: ")] {
        let files = [
            (".github/workflows/build.yml".to_owned(), build.to_owned()),
            (".github/workflows/cd.yml".to_owned(), ship(name)),
        ];
        assert_eq!(made_by(&files), [expected], "{name}");
    }
    let action = "name: tag\noutputs: { image: { value: \"${{ steps.meta.outputs.tags }}\" } }\nruns:\n  using: composite\n  steps:\n    - { id: meta, uses: docker/metadata-action@v5, with: { images: r/shop, tags: \"type=sha,prefix=\" } }\n";
    let jobs = |image: &str| {
        format!(
            "{BUILD}  ship:\n    needs: build\n    runs-on: x\n    steps:\n      - {{ id: tag, uses: ./.github/actions/tag }}\n      - run: \"kubectl set image deploy/shop a={image}\"\n"
        )
    };
    for (image, expected) in [("${{ steps.tag.outputs.image }}", "ship: build"), ("r/till:1", "ship: ")] {
        let files = [
            (".github/actions/tag/action.yml".to_owned(), action.to_owned()),
            (".github/workflows/cd.yml".to_owned(), format!("name: CD\non: push\njobs:\n{}", jobs(image))),
        ];
        assert_eq!(made_by(&files), [expected], "{image}");
    }
}
