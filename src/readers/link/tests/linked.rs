//! Whole small repositories: environments of jobs, scripts and their callers.

use super::*;

fn effects_of(repository: &Repository, job: usize) -> String {
    say(&repository.facts.pipelines[0].jobs[job].effects().cloned().collect::<Vec<_>>())
}

fn target_of(repository: &Repository, job: usize) -> Option<String> {
    repository.facts.pipelines[0].jobs[job].target.as_ref().map(say_target)
}

#[test]
fn a_job_has_the_environment_that_speaks_loudest() {
    let branch = |branches: &[&str]| Condition {
        branches: branches.iter().map(|b| (*b).to_owned()).collect(),
        ..Condition::new(at(0, 10), "branch".into())
    };
    let cases: Vec<(&str, Job, Option<&str>)> = vec![
        (
            "declared",
            Job { target: Some(declared("production")), ..job("ship", &["helm upgrade a b"]) },
            Some("@production(declared)"),
        ),
        ("own words", job("ship", &["helm upgrade a b -n staging"]), Some("@staging(context)")),
        (
            "variable",
            Job { settings: vec![setting("STAGE", "prod")], ..job("ship", &["helm upgrade a b"]) },
            Some("@production(context)"),
        ),
        (
            "branch",
            Job { condition: Some(branch(&["staging"])), ..job("ship", &["helm upgrade a b"]) },
            Some("@staging(branch)"),
        ),
        ("name", job("deploy-production", &["helm upgrade a b"]), Some("@production(name)")),
        ("a job that only builds is nowhere", job("build-production", &["docker build -t a:1 ."]), None),
        ("a unit test is nowhere", job("test-production-build", &["npm test"]), None),
        ("a publish is nowhere", job("publish-production", &["npm publish"]), None),
        (
            "e2e tests are where they test",
            job("e2e-staging", &["npx playwright test"]),
            Some("@staging(name)"),
        ),
        ("nothing tells", job("ship", &["helm upgrade a b"]), None),
    ];
    for (what, job, expected) in cases {
        let repository = linked(&["a/ci.yml"], vec![entry(0, vec![job])], Vec::new());
        assert_eq!(target_of(&repository, 0).as_deref(), expected, "{what}");
    }
}

#[test]
fn a_matrix_of_environments_is_one_of_them() {
    let mut ship = job("ship", &["helm upgrade shop ./chart -n ${{ matrix.env }}"]);
    ship.dimensions = vec![("env".into(), vec!["staging".into(), "production".into()])];
    ship.steps.push(step(vec![command("docker build -t shop-${{ matrix.env }} .")]));
    let repository = linked(&["ci.yml"], vec![entry(0, vec![ship])], Vec::new());
    assert_eq!(target_of(&repository, 0).unwrap(), "@staging|production(context)");
    assert!(effects_of(&repository, 0).ends_with("build shop-{matrix.env}"));
    let built = repository.facts.pipelines[0].jobs[0].effects().last().unwrap().artifact.clone().unwrap();
    assert!(built.follows_environment());
}

#[test]
fn known_variables_are_filled_into_artifacts() {
    let mut build = job("build", &["docker build -t $IMAGE:${{ env.TAG }} ."]);
    build.settings = vec![setting("TAG", "${{ github.sha }}"), setting("IMAGE", "registry.example.com/shop")];
    let repository = linked(&["ci.yml"], vec![entry(0, vec![build])], Vec::new());
    assert_eq!(effects_of(&repository, 0), "build registry.example.com/shop:{commit}");
}

#[test]
fn a_chosen_context_holds_for_what_follows() {
    let ship = job(
        "ship",
        &[
            "helm upgrade a b",
            "kubectl config use-context prod-eu",
            "helm upgrade a b",
            "kubectl apply -f x -n staging",
        ],
    );
    let repository = linked(&["ci.yml"], vec![entry(0, vec![ship])], Vec::new());
    let steps = &repository.facts.pipelines[0].jobs[0].steps;
    assert_eq!(say(&steps[2].commands[0].effects), "deploy b @production(context)");
    assert_eq!(say(&steps[3].commands[0].effects), "deploy x @staging(context)");
}

#[test]
fn a_call_has_the_effects_of_what_it_calls() {
    let paths = ["Makefile", "ci.yml", "package.json", "scripts/deploy.sh", "scripts/push-staging.sh"];
    let scripts = || {
        let mut all = script(0, 10, "Makefile:all", ScriptKind::Make, &[]);
        all.calls = vec!["ship".into()];
        vec![
            all,
            script(0, 20, "Makefile:ship", ScriptKind::Make, &["bash scripts/deploy.sh $(ENV)"]),
            script(2, 0, "package.json:test", ScriptKind::Npm, &["echo none", "exit 1"]),
            script(2, 10, "package.json:deploy", ScriptKind::Npm, &["npx gh-pages -d dist"]),
            script(2, 20, "package.json:build", ScriptKind::Npm, &["docker build -t shop:1 ."]),
            script(3, 0, "scripts/deploy.sh", ScriptKind::Shell, &["helm upgrade shop ./chart -n $1"]),
            script(4, 0, "scripts/push-staging.sh", ScriptKind::Shell, &["helm upgrade shop ./chart"]),
        ]
    };
    for (line, expected) in [
        ("bash scripts/deploy.sh production", "deploy ./chart @production(context)"),
        ("./scripts/deploy.sh", "deploy ./chart @?(context)"),
        ("scripts/push-staging.sh", "deploy ./chart @staging(name)"),
        ("make ship ENV=staging", "deploy ./chart @staging(context)"),
        ("make all ENV=staging", "deploy ./chart @staging(context)"),
        ("npm run deploy", "publish:docs dist"),
        ("npm test", ""),
        ("npm run build", "build shop:1"),
        ("make test", "test:unit"),
        ("./deploy-prod.sh", "deploy @production(name)"),
        ("./check-deploy-prod.sh", ""),
        ("npm run deploy:staging", "deploy @staging(name)"),
    ] {
        let ci = Pipeline { place: at(1, 0), ..entry(1, vec![job("x", &[line])]) };
        let repository = linked(&paths, vec![ci], scripts());
        assert_eq!(effects_of(&repository, 0), expected, "{line}");
    }
}

#[test]
fn an_inherited_effect_stands_at_the_call_and_knows_its_origin() {
    let scripts = vec![script(1, 0, "ship.sh", ScriptKind::Shell, &["kubectl apply -f x -n prod"])];
    let repository = linked(&["ci.yml", "ship.sh"], vec![entry(0, vec![job("x", &["./ship.sh"])])], scripts);
    let effect = repository.facts.pipelines[0].jobs[0].effects().next().unwrap();
    assert_eq!((effect.place.file.0, effect.origin.unwrap().file.0), (0, 1));
}

#[test]
fn scripts_know_who_calls_them() {
    let mut fence = script(0, 0, "Release", ScriptKind::Fence, &["bash scripts/release.sh"]);
    fence.target = None;
    let scripts = vec![
        fence,
        script(1, 0, "Dockerfile", ScriptKind::Image, &["./entry.sh"]),
        script(2, 0, "entry.sh", ScriptKind::Shell, &["echo"]),
        script(4, 0, "hooks/pre-push", ScriptKind::Shell, &["npm test"]),
        script(5, 0, "scripts/inner.sh", ScriptKind::Shell, &["echo"]),
        script(6, 0, "scripts/lonely.sh", ScriptKind::Shell, &["helm upgrade a b"]),
        script(7, 0, "scripts/outer.sh", ScriptKind::Shell, &["bash scripts/inner.sh"]),
        script(8, 0, "scripts/release.sh", ScriptKind::Shell, &["echo"]),
    ];
    let paths = [
        "A.md",
        "Dockerfile",
        "entry.sh",
        "ci.yml",
        "hooks/pre-push",
        "scripts/inner.sh",
        "scripts/lonely.sh",
        "scripts/outer.sh",
        "scripts/release.sh",
    ];
    let callers = |complete: bool, line: &str| {
        let ci = Pipeline { complete, ..entry(3, vec![job("x", &[line])]) };
        let repository = linked(&paths, vec![ci], scripts.clone());
        repository.facts.scripts.iter().map(|s| s.callers.clone()).collect::<Vec<_>>()
    };

    let known = callers(true, "bash scripts/outer.sh");
    let expected = ["runbook", "container", "container", "hook", "pipeline", "nobody", "pipeline", "runbook"];
    assert_eq!(known, expected.map(|c| vec![Caller::from_name(c).unwrap()]));
    assert_eq!(callers(false, "bash scripts/outer.sh")[5], [Caller::Unknown]);
    assert_eq!(callers(true, "bash scripts/$NAME.sh")[5], [Caller::Unknown]);
}

#[test]
fn a_guard_keeps_a_script_to_pipelines() {
    for (lines, expected) in [
        (&["[ -n \"$CI\" ]", "exit 1"][..], true),
        (&[": \"${CI:?}\""], true),
        (&["[ -n \"$DEBUG\" ]", "exit 1"], false),
        (&["echo $CI", "helm upgrade a b"], false),
    ] {
        let repository = linked(&["x.sh"], Vec::new(), vec![script(0, 0, "x.sh", ScriptKind::Shell, lines)]);
        assert_eq!(repository.facts.scripts[0].guarded, expected, "{lines:?}");
    }
}

#[test]
fn scripts_that_call_each_other_in_circles_or_thousands_end_quickly() {
    let circle = vec![
        script(1, 0, "a.sh", ScriptKind::Shell, &["./b.sh", "helm upgrade a b -n prod"]),
        script(2, 0, "b.sh", ScriptKind::Shell, &["./a.sh", "./b.sh"]),
    ];
    let repository = linked(&["0.yml", "a.sh", "b.sh"], vec![entry(0, vec![job("x", &["./a.sh"])])], circle);
    assert!(effects_of(&repository, 0).contains("@production(context)"));

    // Each calls the next twice: 2^3000 ways through.
    let names: Vec<String> = (0..3000).map(|i| format!("s{i:04}.sh")).collect();
    let chain = (0..3000).map(|i| {
        let next = format!("./s{:04}.sh", i + 1);
        script(i, 0, &names[i as usize], ScriptKind::Shell, &[&next, &next, "helm upgrade a b"])
    });
    let paths: Vec<&str> = names.iter().map(String::as_str).collect();
    linked(&paths, Vec::new(), chain.collect());
}

#[test]
fn a_local_action_has_the_effects_of_its_steps() {
    let mut inner = job("steps", &["helm upgrade shop ./chart -n ${{ inputs.environment }}"]);
    inner.place = at(0, 1);
    let action = pipeline(0, "ship", Role::Composite, vec![trigger(TriggerKind::Call)], vec![inner]);
    let mut ship = job("ship", &[]);
    ship.steps.push(using(used("./.github/actions/ship", &[("environment", "production")])));
    let paths = [".github/actions/ship/action.yml", ".github/workflows/cd.yml"];
    let repository = linked(&paths, vec![action, entry(1, vec![ship])], Vec::new());
    let effects: Vec<_> = repository.facts.pipelines[1].jobs[0].effects().cloned().collect();
    assert_eq!(say(&effects), "deploy ./chart @production(context)");
}
