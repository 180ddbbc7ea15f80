//! The pitfalls of Argo Workflows.

use crate::facts::*;
use crate::readers::samples::{job, lines, needs, repository};

const SHELL: &str = "  - name: run\n    inputs: { parameters: [{ name: line, value: npm test }] }\n    script: { image: 'a:1', command: [sh, -e], source: '{{inputs.parameters.line}}' }\n";

fn workflow(kind: &str, spec: &str) -> String {
    format!("apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{ name: delivery }}\nspec:\n{spec}")
}

fn only(files: &[(&str, &str)]) -> Pipeline {
    let mut all = repository(files).facts.pipelines;
    assert_eq!(all.len(), 1, "{:?}", all.iter().map(|p| &p.name).collect::<Vec<_>>());
    all.remove(0)
}

fn entry(body: &str) -> String {
    workflow("Workflow", &format!("  entrypoint: main\n  templates:\n  - name: main\n{body}{SHELL}"))
}

fn call(name: &str, more: &str) -> String {
    format!("{{ name: {name}, template: run{more} }}")
}

#[test]
fn lists_of_steps_run_one_after_another_and_their_items_side_by_side() {
    let body = format!(
        "    steps:\n    - [{}]\n    - [{}, {}]\n    - - {}\n",
        call("a", ""),
        call("b", ""),
        call("c", ""),
        call("d", "")
    );
    let made = only(&[("argo/w.yaml", &entry(&body))]);
    for (id, wanted) in [("a", &[][..]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])] {
        assert_eq!(needs(job(&made, id)), wanted, "{id}");
    }
    assert_eq!(lines(job(&made, "a")), ["npm test"]);
}

#[test]
fn tasks_of_a_graph_wait_for_what_they_name() {
    let body = format!(
        "    dag:\n      tasks:\n      - {}\n      - {}\n      - {}\n      - {}\n      - {}\n",
        call("a", ""),
        call("b", ", dependencies: [a]"),
        call("c", ", depends: 'a && b.Succeeded'"),
        call("d", ", depends: 'c.Failed'"),
        call("e", ", depends: 'a || b'"),
    );
    let made = only(&[("argo/w.yaml", &entry(&body))]);
    for (id, wanted) in [("a", &[][..]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &["c"]), ("e", &["a", "b"])]
    {
        assert_eq!(needs(job(&made, id)), wanted, "{id}");
    }
    assert!(job(&made, "d").condition.as_ref().is_some_and(|c| c.on_failure));
    assert!(job(&made, "e").needs.iter().all(|n| n.order_only));
}

#[test]
fn a_suspension_without_a_duration_waits_for_a_person() {
    for (suspend, gates) in [("{}", 1), ("{ duration: '20' }", 0)] {
        let text = entry(
            "    steps:\n    - - { name: wait, template: wait }\n    - - { name: ship, template: run }\n",
        ) + &format!("  - name: wait\n    suspend: {suspend}\n");
        let made = only(&[("argo/w.yaml", &text)]);
        assert_eq!(job(&made, "wait").gates.len(), gates, "{suspend}");
        assert_eq!(needs(job(&made, "ship")), ["wait"]);
    }
}

#[test]
fn failures_pass_by_continue_on_and_conditions_are_kept() {
    let body = format!(
        "    steps:\n    - [{}, {}, {}, {}]\n",
        call("a", ", continueOn: { failed: true }"),
        call("b", ", continueOn: { failed: false }"),
        call("c", ", when: 'false'"),
        call("d", ", when: '{{workflow.parameters.x}} == y'"),
    );
    let made = only(&[("argo/w.yaml", &entry(&body))]);
    let seen = |id: &str| {
        let job = job(&made, id);
        (job.tolerated.is_some(), job.condition.as_ref().map(|c| c.never))
    };
    assert_eq!(
        ["a", "b", "c", "d"].map(seen),
        [(true, None), (false, None), (false, Some(true)), (false, Some(false))]
    );
}

#[test]
fn what_runs_on_exit_runs_however_it_ended_unless_it_asks() {
    let exit = "  - name: last\n    steps:\n    - - { name: always, template: run }\n    - - { name: sad, template: run, when: '{{workflow.status}} != Succeeded' }\n      - { name: bad, template: run, when: '{{workflow.status}} == Failed' }\n      - { name: good, template: run, when: '{{workflow.status}} == Succeeded' }\n";
    let text = entry("    steps:\n    - - { name: ship, template: run }\n")
        .replace("  entrypoint", "  onExit: last\n  entrypoint")
        + exit;
    let made = only(&[("argo/w.yaml", &text)]);
    assert_eq!(needs(job(&made, "always")), ["ship"]);
    for (id, always, on_failure) in
        [("always", true, false), ("sad", false, true), ("bad", false, true), ("good", false, false)]
    {
        let condition = job(&made, id).condition.as_ref().expect("it has one");
        assert_eq!((condition.always, condition.on_failure), (always, on_failure), "{id}");
    }
}

#[test]
fn templates_are_found_in_other_files_and_what_is_not_there_is_left_open() {
    let body = "    steps:\n    - - { name: a, templateRef: { name: shared, template: run }, arguments: { parameters: [{ name: line, value: '{{item}}' }] }, withItems: [staging, production] }\n    - - { name: b, templateRef: { name: elsewhere, template: x } }\n";
    let text = workflow("Workflow", &format!("  entrypoint: main\n  templates:\n  - name: main\n{body}"));
    let ship =
        SHELL.replace("'{{inputs.parameters.line}}'", "'kubectl -n {{inputs.parameters.line}} apply -f k8s'");
    let shared = workflow("WorkflowTemplate", &format!("  templates:\n{ship}")).replace("delivery", "shared");
    let made = only(&[("argo/w.yaml", &text), ("argo/shared.yaml", &shared)]);
    assert!(!made.complete);
    assert!(job(&made, "b").calls.as_ref().is_some_and(|c| c.unresolved.is_some()));
    let target = job(&made, "a").target.as_ref().map(|t| t.stage.possible().to_vec());
    assert_eq!(target, Some(vec![Stage::Staging, Stage::Production]));
}

#[test]
fn a_schedule_has_its_time_zone() {
    let spec = "  schedule: '30 14 * * 5'\n  timezone: Europe/Berlin\n  workflowSpec:\n    workflowTemplateRef: { name: delivery }\n";
    let cron = workflow("CronWorkflow", spec).replace("name: delivery }\nspec", "name: nightly }\nspec");
    let template = entry("    steps:\n    - - { name: ship, template: run }\n")
        .replace("kind: Workflow\n", "kind: WorkflowTemplate\n");
    let made = only(&[("argo/cron.yaml", &cron), ("argo/t.yaml", &template)]);
    let trigger = &made.triggers[0];
    assert_eq!((trigger.trigger, trigger.zone.as_deref()), (TriggerKind::Schedule, Some("Europe/Berlin")));
    assert!(trigger.fires.contains(&"fri 14:30".to_owned()));
    assert_eq!(made.jobs.len(), 1);
    let held = only(&[
        ("argo/cron.yaml", &cron.replace("  schedule", "  suspend: true\n  schedule")),
        ("argo/t.yaml", &template),
    ]);
    assert_eq!(held.triggers[0].trigger, TriggerKind::Manual);
}

#[test]
fn a_resource_brings_out_workloads_and_starts_other_things() {
    for (kind, deploys) in [("Deployment", true), ("SparkApplication", false)] {
        let text = workflow(
            "Workflow",
            &format!(
                "  entrypoint: main\n  templates:\n  - name: main\n    resource:\n      action: apply\n      manifest: |\n        apiVersion: x/v1\n        kind: {kind}\n"
            ),
        );
        let made = only(&[("argo/w.yaml", &text)]);
        assert_eq!(made.jobs[0].effects().any(|e| e.effect == EffectKind::Deploy), deploys, "{kind}");
    }
}

#[test]
fn templates_that_call_themselves_or_each_other_without_end_are_bounded() {
    let own = workflow(
        "Workflow",
        "  entrypoint: main\n  templates:\n  - name: main\n    steps:\n    - - { name: again, template: main }\n",
    );
    let made = only(&[("argo/w.yaml", &own)]);
    assert!(!made.complete && made.jobs.len() == 1);
    let level = |n: usize| {
        let calls: String = (0..40).map(|c| format!("{{ name: c{c}, template: t{} }},", n + 1)).collect();
        format!("  - name: t{n}\n    dag: {{ tasks: [{calls}] }}\n")
    };
    let levels: String = (0..8).map(level).collect();
    let bomb = workflow(
        "Workflow",
        &format!("  entrypoint: t0\n  templates:\n{levels}  - {{ name: t8, dag: {{ tasks: [] }} }}\n"),
    );
    assert!(!repository(&[("argo/w.yaml", &bomb)]).facts.pipelines.iter().any(|p| p.complete));
}
