//! The order of jobs over several pipelines.

use super::*;

fn said(repository: &Repository) -> Vec<String> {
    let flow = &repository.flow;
    let one = |run: &Run| {
        let job = &repository.facts.pipelines[run.pipeline].jobs[run.job];
        format!("{}: {}", job.id, say(&run.effects))
    };
    flow.runs().iter().map(one).collect()
}

fn calling(id: &str, path: &str, inputs: &[(&str, &str)]) -> Job {
    Job { calls: Some(Use { sort: UseKind::Workflow, ..used(path, inputs) }), ..job(id, &[]) }
}

/// A pipeline that others call to ship an image to an environment.
fn shipping(file: u32) -> Pipeline {
    let mut ship = job("ship", &["kubectl set image deploy/shop app=acme/shop:${{ inputs.tag }}"]);
    ship.target = Some(declared("${{ inputs.environment }}"));
    pipeline(file, "ship", Role::Callable, vec![trigger(TriggerKind::Call)], vec![ship])
}

#[test]
fn a_pipeline_that_is_called_twice_runs_twice() {
    let jobs = vec![
        job("build", &["docker build -t acme/shop:${{ github.sha }} ."]),
        needs(
            calling(
                "stage",
                "./.github/workflows/ship.yml",
                &[("environment", "staging"), ("tag", "${{ github.sha }}")],
            ),
            &[0],
        ),
        needs(
            calling(
                "prod",
                "./.github/workflows/ship.yml",
                &[("environment", "production"), ("tag", "${{ github.sha }}")],
            ),
            &[1],
        ),
    ];
    let paths = [".github/workflows/cd.yml", ".github/workflows/ship.yml"];
    let repository = linked(&paths, vec![entry(0, jobs), shipping(1)], Vec::new());
    assert_eq!(
        said(&repository),
        [
            "build: build acme/shop:{commit}",
            "stage: ",
            "prod: ",
            "ship: deploy acme/shop:{commit} @staging(declared)",
            "ship: deploy acme/shop:{commit} @production(declared)",
        ]
    );
    let flow = &repository.flow;
    let stage = flow.with_effect(EffectKind::Deploy, Some(Stage::Staging));
    let prod = flow.with_effect(EffectKind::Deploy, Some(Stage::Production));
    assert_eq!((stage.len(), prod.len()), (1, 1));
    assert!(flow.before(prod[0]).contains(&stage[0]));
    let path = flow.passing(&repository.facts.pipelines, |n| n == stage[0]).to(prod[0]);
    assert_eq!(path, Path::Yes);
    let image = |n: Node| flow.run(n).effects[0].artifact.clone().unwrap();
    assert_eq!(image(stage[0]).same(&image(prod[0])), crate::facts::Same::Yes);
}

#[test]
fn a_called_pipeline_goes_where_the_calling_jobs_name_says_at_last() {
    let callee = pipeline(
        1,
        "ship",
        Role::Callable,
        vec![trigger(TriggerKind::Call)],
        vec![job("ship", &["helm upgrade a b"])],
    );
    let jobs = vec![calling("deploy-production", "./ship.yml", &[])];
    let repository = linked(&["cd.yml", "ship.yml"], vec![entry(0, jobs), callee], Vec::new());
    assert_eq!(said(&repository)[1], "ship: deploy b @production(name)");
}

#[test]
fn a_choice_of_environments_is_one_of_them() {
    let mut manual = trigger(TriggerKind::Manual);
    let option = |o: &str| Spanned::new(o.to_owned(), at(0, 1));
    manual.inputs = vec![Input {
        place: at(0, 1),
        name: "environment".into(),
        input: Some("choice".into()),
        options: vec![option("staging"), option("production")],
        default: None,
        description: None,
    }];
    let mut ship = job("ship", &["helm upgrade a b"]);
    ship.target = Some(declared("${{ inputs.environment }}"));
    let repository =
        linked(&["cd.yml"], vec![pipeline(0, "cd", Role::Entry, vec![manual], vec![ship])], Vec::new());
    assert_eq!(said(&repository), ["ship: deploy b @staging|production(declared)"]);
}

#[test]
fn the_end_of_one_pipeline_starts_another() {
    let first = pipeline(
        0,
        "Stage",
        Role::Entry,
        vec![trigger(TriggerKind::Push)],
        vec![job("deploy", &["helm upgrade a b -n staging"])],
    );
    let after = Trigger { upstream: vec!["Stage".into()], ..trigger(TriggerKind::Run) };
    let second =
        pipeline(1, "Prod", Role::Entry, vec![after], vec![job("deploy", &["helm upgrade a b -n prod"])]);
    let repository = linked(&["a.yml", "b.yml"], vec![first, second], Vec::new());
    let path = repository.flow.passing(&repository.facts.pipelines, |n| n == Node(0)).to(Node(1));
    assert_eq!(path, Path::Yes);
}

#[test]
fn five_thousand_jobs_and_calls_in_circles_end_quickly() {
    let jobs = (0..5_000u32)
        .map(|i| needs(job("x", &["helm upgrade a b -n prod"]), &if i > 0 { vec![i - 1] } else { vec![] }));
    let repository = linked(&["a.yml"], vec![entry(0, jobs.collect())], Vec::new());
    assert_eq!(repository.flow.runs().len(), 5_000);
    assert_eq!(repository.flow.before(Node(4_999)).len(), 4_999);

    let circle = |file: u32, to: &str| {
        let jobs = (0..20).map(|_| calling("again", to, &[])).collect();
        pipeline(file, "circle", Role::Entry, vec![trigger(TriggerKind::Push)], jobs)
    };
    let repository =
        linked(&["a.yml", "b.yml"], vec![circle(0, "./b.yml"), circle(1, "./a.yml")], Vec::new());
    assert!(repository.flow.runs().len() <= 20_000);
    assert!(!repository.flow.runs().is_empty());
}
