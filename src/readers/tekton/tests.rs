//! The pitfalls of Tekton.

use crate::facts::*;
use crate::readers::samples::{job, lines, needs, repository};

fn pipeline(tasks: &str) -> String {
    format!(
        "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{ name: delivery }}\nspec:\n  params: [{{ name: stage, default: dev }}]\n{tasks}"
    )
}

fn only(files: &[(&str, &str)]) -> Pipeline {
    let mut all = repository(files).facts.pipelines;
    assert_eq!(all.len(), 1, "{:?}", all.iter().map(|p| &p.name).collect::<Vec<_>>());
    all.remove(0)
}

fn task(name: &str, more: &str) -> String {
    format!("  - name: {name}\n    taskSpec: {{ steps: [{{ image: 'a:1', script: npm test }}] }}\n{more}")
}

#[test]
fn order_is_run_after_and_results_and_nothing_else() {
    let tasks = format!(
        "  tasks:\n{}{}{}{}",
        task("a", ""),
        task("b", "    runAfter: [a]\n"),
        task("c", "    params: [{ name: x, value: $(tasks.b.results.digest) }]\n"),
        task("d", "    when: [{ input: $(tasks.a.results.go), operator: in, values: ['yes'] }]\n"),
    );
    let made = only(&[("tekton/p.yaml", &pipeline(&tasks))]);
    for (id, wanted) in [("a", &[][..]), ("b", &["a"]), ("c", &["b"]), ("d", &["a"])] {
        assert_eq!(needs(job(&made, id)), wanted, "{id}");
    }
}

#[test]
fn a_guarded_task_holds_up_only_those_that_read_its_results() {
    let when = "    when: [{ input: $(params.stage), operator: in, values: [production] }]\n";
    let tasks = format!(
        "  tasks:\n{}{}{}",
        task("gate", when),
        task("after", "    runAfter: [gate]\n"),
        task("reads", "    params: [{ name: x, value: $(tasks.gate.results.y) }]\n")
    );
    let made = only(&[("tekton/p.yaml", &pipeline(&tasks))]);
    assert!(job(&made, "after").needs[0].order_only);
    assert!(!job(&made, "reads").needs[0].order_only);
}

#[test]
fn finally_runs_however_the_rest_ended_unless_it_asks() {
    let asks = |input: &str, values: &str| {
        format!("    when: [{{ input: $({input}), operator: in, values: [{values}] }}]\n")
    };
    let tasks = format!(
        "  tasks:\n{}{}  finally:\n{}{}{}{}",
        task("a", ""),
        task("b", "    runAfter: [a]\n"),
        task("always", ""),
        task("failed", &asks("tasks.status", "Failed")),
        task("one", &asks("tasks.b.status", "Failed, None")),
        task("good", &asks("tasks.status", "Succeeded, Completed")),
    );
    let made = only(&[("tekton/p.yaml", &pipeline(&tasks))]);
    for (id, always, on_failure) in
        [("always", true, false), ("failed", false, true), ("one", false, true), ("good", false, false)]
    {
        let condition = job(&made, id).condition.as_ref().expect("it has one");
        assert_eq!((condition.always, condition.on_failure), (always, on_failure), "{id}");
        assert_eq!(needs(job(&made, id)), ["b"]);
    }
}

#[test]
fn failures_are_let_pass_by_task_or_by_step() {
    let step = "  - name: step\n    taskSpec: { steps: [{ image: 'a:1', onError: continue, script: npm test }, { image: 'a:1', onError: stopAndFail, script: npm test }] }\n";
    let tasks = format!("  tasks:\n{}{step}", task("task", "    onError: continue\n"));
    let made = only(&[("tekton/p.yaml", &pipeline(&tasks))]);
    assert!(job(&made, "task").tolerated.is_some());
    let steps = &job(&made, "step").steps;
    assert_eq!(steps.iter().map(|s| s.tolerated.is_some()).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_script_without_a_first_line_stops_at_errors_and_one_with_it_need_not() {
    let script = |first: &str| {
        format!(
            "  - name: a\n    taskSpec:\n      steps:\n      - image: 'a:1'\n        script: |\n          {first}npm test; true\n"
        )
    };
    for (first, tolerated) in [
        ("", false),
        ("#!/bin/sh -e\n          ", false),
        ("#!/usr/bin/env bash\n          ", true),
        ("#!/bin/sh\n          ", true),
    ] {
        let made = only(&[("tekton/p.yaml", &pipeline(&format!("  tasks:\n{}", script(first))))]);
        let command = made.jobs[0].commands().next().expect("a shell's script is read");
        assert_eq!(command.tolerated.is_some(), tolerated, "{first}");
    }
    let python = only(&[(
        "tekton/p.yaml",
        &pipeline(&format!("  tasks:\n{}", script("#!/usr/bin/env python3\n          "))),
    )]);
    assert_eq!(python.jobs[0].commands().count(), 0);
}

#[test]
fn an_approval_task_waits_for_a_person() {
    let approve = "  - name: approve\n    taskRef: { apiVersion: openshift-pipelines.org/v1alpha1, kind: ApprovalTask }\n";
    let tasks = format!("  tasks:\n{approve}{}", task("ship", "    runAfter: [approve]\n"));
    let all = repository(&[("tekton/p.yaml", &pipeline(&tasks))]);
    let ship =
        all.flow.nodes().find(|&n| all.flow.job(n, &all.facts.pipelines).id == "ship").expect("it is there");
    assert!(all.flow.held_back(&all.facts.pipelines).any(ship));
    assert!(all.facts.pipelines[0].complete);
}

#[test]
fn runs_give_parameters_and_triggers() {
    let tasks = "  tasks:\n  - name: ship\n    taskRef: { name: ship }\n    params: [{ name: to, value: $(params.stage) }]\n";
    let ship = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: { name: ship }\nspec:\n  params: [{ name: to }]\n  steps: [{ image: 'a:1', script: 'kubectl --context $(params.to) apply -f k8s' }]\n";
    let run = |stage: &str, branch: &str| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata:\n  name: {stage}\n  annotations:\n    pipelinesascode.tekton.dev/on-event: '[push, pull_request]'\n    pipelinesascode.tekton.dev/on-target-branch: '[{branch}]'\nspec:\n  pipelineRef: {{ name: delivery }}\n  params: [{{ name: stage, value: {stage} }}]\n"
        )
    };
    let (text, staging, production) =
        (pipeline(tasks), run("staging", "main"), run("production", "refs/heads/release-*, refs/tags/v*"));
    let all = repository(&[
        (".tekton/a.yaml", &staging),
        (".tekton/b.yaml", &production),
        ("tekton/p.yaml", &text),
        ("tekton/ship.yaml", ship),
    ]);
    let found: Vec<(&str, Option<Stage>, Vec<String>)> = all
        .facts
        .pipelines
        .iter()
        .map(|p| {
            let target = p.jobs[0].target.as_ref().and_then(|t| t.stage.known().copied());
            let triggers = p.triggers.iter().map(|t| {
                let names = t.branches.iter().chain(&t.tags).map(|b| b.value.as_str()).collect::<Vec<_>>();
                format!("{} {}", t.trigger.name(), names.join(" "))
            });
            (p.name.as_str(), target, triggers.collect())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("staging", Some(Stage::Staging), vec!["push main".to_owned(), "pull-request main".to_owned()]),
            (
                "production",
                Some(Stage::Production),
                vec![
                    "tag v*".to_owned(),
                    "push release-*".to_owned(),
                    "pull-request refs/heads/release-* refs/tags/v*".to_owned()
                ]
            ),
        ]
    );
}

#[test]
fn listeners_and_expressions_tell_what_starts_a_run() {
    let template = "apiVersion: triggers.tekton.dev/v1beta1\nkind: TriggerTemplate\nmetadata: { name: t }\nspec:\n  params: [{ name: rev }]\n  resourcetemplates:\n  - apiVersion: tekton.dev/v1\n    kind: PipelineRun\n    metadata: { generateName: run- }\n    spec:\n      pipelineSpec: { tasks: [{ name: a, taskSpec: { steps: [{ image: 'a:1', script: npm test }] } }] }\n";
    let listener = |interceptor: &str| {
        format!(
            "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata: {{ name: l }}\nspec:\n  triggers:\n  - name: hook\n    interceptors:\n{interceptor}    template: {{ ref: t }}\n"
        )
    };
    for (interceptor, kind, branches) in [
        (
            "    - ref: { name: github }\n      params: [{ name: eventTypes, value: [push] }]\n",
            "push",
            &[][..],
        ),
        ("    - github: { eventTypes: [pull_request] }\n", "pull-request", &[]),
        (
            "    - ref: { name: cel }\n      params: [{ name: filter, value: \"header.match('X-GitHub-Event', 'push') && body.ref == 'refs/heads/main'\" }]\n",
            "push",
            &["main"],
        ),
        ("    - cel: { filter: \"body.ref.startsWith('refs/tags/')\" }\n", "tag", &[]),
        ("    - webhook: { objectRef: { name: x } }\n", "other", &[]),
    ] {
        let made = only(&[("tekton/t.yaml", template), ("tekton/l.yaml", &listener(interceptor))]);
        assert_eq!(made.name, "run");
        let trigger = &made.triggers[0];
        assert_eq!(trigger.trigger.name(), kind, "{interceptor}");
        assert_eq!(
            trigger.branches.iter().map(|b| b.value.as_str()).collect::<Vec<_>>(),
            branches,
            "{interceptor}"
        );
    }
}

#[test]
fn what_lies_outside_leaves_the_pipeline_open_but_for_the_catalog() {
    let of = |reference: &str| {
        pipeline(&format!(
            "  tasks:\n  - name: x\n    taskRef: {reference}\n    params: [{{ name: IMAGE, value: 'registry.shop.example/shop:1' }}]\n"
        ))
    };
    for (reference, complete, effect) in [
        ("{ name: company-deploy }", false, Some(EffectKind::Deploy)),
        ("{ name: buildah, kind: ClusterTask }", true, Some(EffectKind::Build)),
        (
            "{ resolver: hub, params: [{ name: name, value: buildah }, { name: version, value: '0.9' }] }",
            true,
            Some(EffectKind::Build),
        ),
        (
            "{ resolver: bundles, params: [{ name: name, value: buildah }, { name: bundle, value: 'quay.io/x/y:0.1@sha256:aa' }] }",
            true,
            Some(EffectKind::Build),
        ),
        (
            "{ resolver: git, params: [{ name: url, value: x }, { name: pathInRepo, value: tasks/magic.yaml }] }",
            false,
            None,
        ),
        ("{ apiVersion: example.dev/v1, kind: Magic, name: m }", false, None),
    ] {
        let all = repository(&[("tekton/p.yaml", &of(reference))]);
        assert_eq!(all.facts.pipelines[0].complete, complete, "{reference}");
        let first = all.flow.runs()[0].effects.first().map(|e| e.effect);
        assert_eq!(first, effect, "{reference}");
    }
}

#[test]
fn a_task_that_nothing_runs_is_a_bundle_and_its_steps_are_seen() {
    let text = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: { name: lone }\nspec:\n  stepTemplate: { env: [{ name: A, value: b }] }\n  steps:\n  - image: 'a:1'\n    ref: { name: act }\n";
    let act = "apiVersion: tekton.dev/v1beta1\nkind: StepAction\nmetadata: { name: act }\nspec: { image: 'b:2', params: [{ name: p, default: npm test }], script: '$(params.p)' }\n";
    let made = only(&[("tekton/t.yaml", text), ("tekton/a.yaml", act)]);
    assert_eq!(made.role, Role::Composite);
    assert_eq!(lines(&made.jobs[0]), ["npm test"]);
    assert_eq!(made.jobs[0].images[0].name, "b");
}

#[test]
fn circles_and_crowds_end() {
    let circle =
        format!("  tasks:\n{}{}", task("a", "    runAfter: [b]\n"), task("b", "    runAfter: [a, a, c]\n"));
    assert_eq!(only(&[("tekton/p.yaml", &pipeline(&circle))]).jobs.len(), 2);
    let crowd: String = (0..1_500).map(|n| task(&format!("t{n}"), "")).collect();
    let last: String = (0..500).map(|n| task(&format!("f{n}"), "")).collect();
    let made = only(&[("tekton/p.yaml", &pipeline(&format!("  tasks:\n{crowd}  finally:\n{last}")))]);
    assert!(made.jobs.iter().map(|j| j.needs.len()).sum::<usize>() <= 100_000);
}
