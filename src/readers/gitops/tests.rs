//! The pitfalls of controllers that follow a repository.

use crate::facts::*;
use crate::readers::samples::{self, job, needs, repository};

fn application(name: &str, stage: &str, more: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\nspec:\n  project: shop\n  source:\n    repoURL: https://git.shop.example/deploy.git\n    path: overlays/{stage}\n    targetRevision: main\n  destination: {{ name: {stage}, namespace: shop }}\n{more}"
    )
}

fn only(files: &[(&str, &str)]) -> Pipeline {
    let mut all = repository(files).facts.pipelines;
    assert_eq!(all.len(), 1, "{:?}", all.iter().map(|p| &p.name).collect::<Vec<_>>());
    all.remove(0)
}

fn gates(job: &Job) -> Vec<(GateKind, &str)> {
    job.gates.iter().map(|g| (g.gate, g.what.as_str())).collect()
}

#[test]
fn an_application_that_is_not_synced_by_itself_waits_for_a_person() {
    let by_hand = [(GateKind::Blocking, "sync by hand")];
    let by_merge = [(GateKind::ServerSide, "automated sync of main")];
    for (policy, expected) in [
        ("", by_hand),
        ("  syncPolicy: {}\n", by_hand),
        ("  syncPolicy:\n    automated:\n", by_hand),
        ("  syncPolicy: { automated: {} }\n", by_merge),
        ("  syncPolicy: { automated: { prune: true, selfHeal: true } }\n", by_merge),
        ("  syncPolicy: { automated: { enabled: true } }\n", by_merge),
        ("  syncPolicy: { automated: { enabled: false, prune: true } }\n", by_hand),
    ] {
        let text = application("shop", "production", policy);
        let pipeline = only(&[("argocd/shop.yaml", &text)]);
        assert_eq!(gates(&pipeline.jobs[0]), expected, "{policy}");
        assert!(pipeline.jobs[0].target.as_ref().is_some_and(|t| t.is(Stage::Production)));
    }
}

#[test]
fn a_pipeline_that_syncs_may_be_the_one_that_is_waited_for() {
    let text = application("shop", "production", "");
    let ci = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n    - run: argocd app sync shop\n";
    let all = repository(&[("argocd/shop.yaml", &text), (".github/workflows/cd.yml", ci)]).facts.pipelines;
    let own = all.iter().find(|p| p.dialect == Dialect::ArgoCd).expect("the Application is one");
    assert_eq!(gates(&own.jobs[0]), [(GateKind::ServerSide, "sync by hand")]);
}

#[test]
fn what_is_followed_says_what_starts_a_sync() {
    for (revision, kind, branches, tags) in [
        ("main", TriggerKind::Push, &["main"][..], &[][..]),
        ("refs/heads/main", TriggerKind::Push, &["main"], &[]),
        ("HEAD", TriggerKind::Push, &[], &[]),
        ("v1.2.3", TriggerKind::Push, &[], &[]),
        ("4f0c1d29", TriggerKind::Push, &[], &[]),
        ("1.2.*", TriggerKind::Tag, &[], &["1.2.*"]),
        ("\">=1.0.0\"", TriggerKind::Tag, &[], &[">=1.0.0"]),
    ] {
        let text = application("shop", "staging", "")
            .replace("targetRevision: main", &format!("targetRevision: {revision}"));
        let pipeline = only(&[("argocd/shop.yaml", &text)]);
        let trigger = &pipeline.triggers[0];
        let texts = |list: &[Text]| list.iter().map(|s| s.value.clone()).collect::<Vec<_>>();
        assert_eq!(trigger.trigger, kind, "{revision}");
        assert_eq!(texts(&trigger.branches), branches, "{revision}");
        assert_eq!(texts(&trigger.tags), tags, "{revision}");
    }
}

#[test]
fn a_set_without_a_strategy_reaches_all_places_at_once() {
    let set = |strategy: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{ name: shop }}\nspec:\n  generators:\n  - matrix:\n      generators:\n      - list: {{ elements: [{{ stage: staging }}, {{ stage: production }}] }}\n      - list: {{ elements: [{{ app: web }}, {{ app: api }}] }}\n{strategy}  template:\n    metadata: {{ name: '{{{{app}}}}-{{{{stage}}}}', labels: {{ stage: '{{{{ stage }}}}' }} }}\n    spec:\n      source: {{ repoURL: https://git.shop.example/deploy.git, path: '{{{{app}}}}' }}\n      destination: {{ namespace: '{{{{stage}}}}' }}\n      syncPolicy: {{ automated: {{}} }}\n"
        )
    };
    let at_once = only(&[("argocd/shop.yaml", &set(""))]);
    let ids: Vec<&str> = at_once.jobs.iter().map(|j| j.id.as_str()).collect();
    assert_eq!(ids, ["web-staging", "api-staging", "web-production", "api-production"]);
    assert!(at_once.jobs.iter().all(|j| j.needs.is_empty()));
    let stages: Vec<Stage> =
        at_once.jobs.iter().filter_map(|j| j.target.as_ref()?.stage.known().copied()).collect();
    assert_eq!(stages, [Stage::Staging, Stage::Staging, Stage::Production, Stage::Production]);

    let step = |value: &str| {
        format!("      - matchExpressions: [{{ key: stage, operator: In, values: [{value}] }}]\n")
    };
    let rolling =
        format!("  strategy:\n    type: RollingSync\n    rollingSync:\n      steps:\n{}", step("staging"));
    let some = only(&[("argocd/shop.yaml", &set(&rolling))]);
    assert_eq!(
        gates(job(&some, "web-production")),
        [(GateKind::Blocking, "in no step of the rolling sync")],
        "what no step selects is synced by hand"
    );
    let all = only(&[("argocd/shop.yaml", &set(&format!("{rolling}{}", step("production"))))]);
    assert_eq!(needs(job(&all, "web-production")), ["web-staging", "api-staging"]);
    assert!(gates(job(&all, "web-production")).is_empty(), "the set syncs, whatever the policy says");
}

#[test]
fn waves_of_applications_wait_only_if_their_health_is_told() {
    let root = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: { name: root }\nspec:\n  source: { repoURL: https://git.shop.example/deploy.git, path: apps }\n  destination: { namespace: argocd }\n  syncPolicy: { automated: {} }\n";
    let wave = |name: &str, stage: &str, wave: i32| {
        application(name, stage, "  syncPolicy: { automated: {} }\n").replace(
            "  name: ",
            &format!("  annotations: {{ argocd.argoproj.io/sync-wave: \"{wave}\" }}\n  name: "),
        )
    };
    let (staging, production) =
        (wave("shop-staging", "staging", -1), wave("shop-production", "production", 2));
    let health = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: argocd-cm }\ndata:\n  resource.customizations.health.argoproj.io_Application: |\n    return {}\n";
    for (config, order_only) in [("", true), (health, false)] {
        let pipeline = only(&[
            ("argocd/root.yaml", root),
            ("apps/a.yaml", &production),
            ("apps/b.yaml", &staging),
            ("argocd/argocd-cm.yaml", config),
        ]);
        assert_eq!(pipeline.name, "root");
        let last = job(&pipeline, "shop-production");
        assert_eq!(needs(last), ["shop-staging"]);
        assert_eq!(last.needs[0].order_only, order_only);
        assert_eq!(needs(job(&pipeline, "shop-staging")), ["root"]);
    }
}

#[test]
fn hooks_run_before_after_and_instead() {
    let text = application("shop", "production", "");
    let hook = |name: &str, phase: &str, command: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{ {phase} }}\nspec:\n  template:\n    spec:\n      containers:\n      - {{ name: a, image: registry.shop.example/tools:1, command: {command} }}\n"
        )
    };
    let before = hook("migrate", "argocd.argoproj.io/hook: PreSync", "[npx, prisma, migrate, deploy]");
    let after =
        hook("smoke", "argocd.argoproj.io/hook: PostSync", "[curl, --fail, https://shop.example/healthz]");
    let helm = hook(
        "mapped",
        "helm.sh/hook: 'post-install,post-upgrade'",
        "[sh, -c, 'curl --fail https://a.example']",
    );
    let other = hook("elsewhere", "argocd.argoproj.io/hook: PostSync", "[curl, https://b.example]");
    let pipeline = only(&[
        ("argocd/shop.yaml", &text),
        ("base/migrate-hook.yaml", "a: 1\n"),
        ("overlays/production/before.yaml", &before),
        ("overlays/production/after.yaml", &after),
        ("overlays/production/helm.yaml", &helm),
        ("overlays/staging/after.yaml", &other),
    ]);
    let ids: Vec<&str> = pipeline.jobs.iter().map(|j| j.id.as_str()).collect();
    assert_eq!(ids, ["shop/migrate", "shop", "shop/smoke", "shop/mapped"]);
    assert_eq!(needs(job(&pipeline, "shop")), ["shop/migrate"]);
    assert_eq!(needs(job(&pipeline, "shop/smoke")), ["shop"]);
    assert_eq!(samples::lines(job(&pipeline, "shop/mapped")), ["curl --fail https://a.example"]);
    // What a person starts, the hooks before it wait for as well.
    assert_eq!(gates(job(&pipeline, "shop/migrate")), gates(job(&pipeline, "shop")));
}

#[test]
fn a_rollout_that_pauses_without_end_waits_for_a_person() {
    let text = application("shop", "production", "  syncPolicy: { automated: {} }\n");
    let rollout = |strategy: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{ name: shop }}\nspec:\n  strategy: {strategy}\n  template: {{ spec: {{ containers: [{{ name: shop, image: 'registry.shop.example/shop:1' }}] }} }}\n"
        )
    };
    for (strategy, gate, verified) in [
        ("{ canary: { steps: [{ setWeight: 5 }, { pause: {} }] } }", Some("pause"), false),
        ("{ canary: { steps: [{ setWeight: 5 }, { pause: { duration: 1h } }] } }", None, false),
        (
            "{ canary: { steps: [{ setWeight: 5 }, { analysis: { templates: [{ templateName: a }] } }] } }",
            None,
            true,
        ),
        (
            "{ blueGreen: { activeService: a, autoPromotionEnabled: false } }",
            Some("autoPromotionEnabled: false"),
            false,
        ),
        ("{ blueGreen: { activeService: a, prePromotionAnalysis: { templates: [] } } }", None, true),
    ] {
        let pipeline =
            only(&[("argocd/shop.yaml", &text), ("overlays/production/rollout.yaml", &rollout(strategy))]);
        let deploy = job(&pipeline, "shop");
        let blocking = deploy.gates.iter().find(|g| g.gate == GateKind::Blocking).map(|g| g.what.as_str());
        assert_eq!(blocking, gate, "{strategy}");
        assert_eq!(deploy.effects().any(|e| e.effect == EffectKind::Verify), verified, "{strategy}");
        let abort = pipeline.jobs.iter().find(|j| j.id == "shop/shop abort");
        assert_eq!(abort.is_some_and(|j| j.condition.as_ref().is_some_and(|c| c.on_failure)), verified);
    }
}

#[test]
fn a_sync_window_is_a_condition_of_the_applications_that_it_names() {
    let text = application("shop", "production", "");
    let project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: { name: shop }\nspec:\n  syncWindows:\n  - { kind: deny, schedule: '0 14 * * 5', duration: 10h, applications: ['other-*'] }\n  - { kind: deny, schedule: '0 15 * * 5', duration: 9h, clusters: ['prod*'] }\n";
    let pipeline = only(&[("argocd/shop.yaml", &text), ("argocd/project.yaml", project)]);
    let condition = pipeline.jobs[0].condition.as_ref().expect("a window holds it");
    assert_eq!(condition.text, "sync window: deny 0 15 * * 5 for 9h");
}

const SOURCE: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: { name: deploy }\nspec: { url: https://git.shop.example/deploy.git, ref: { branch: main } }\n";

fn kustomization(name: &str, path: &str, more: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n  namespace: flux-system\nspec:\n  path: {path}\n  sourceRef: {{ kind: GitRepository, name: deploy }}\n{more}"
    )
}

#[test]
fn flux_applies_in_the_order_of_depends_on_within_a_cluster() {
    let files = |cluster: &str, stage: &str| {
        let apps = kustomization("apps", &format!("./apps/{stage}"), "  dependsOn: [{ name: infra }]\n");
        (
            format!("clusters/{cluster}/apps.yaml"),
            format!("{apps}---\n{}", kustomization("infra", "./infra", "  wait: true\n")),
        )
    };
    let (a, b) = (files("staging", "staging"), files("eu-prod", "production"));
    let all = repository(&[("flux/source.yaml", SOURCE), (&a.0, &a.1), (&b.0, &b.1)]).facts.pipelines;
    let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["clusters/eu-prod", "clusters/staging"]);
    for (pipeline, stage) in all.iter().zip([Stage::Production, Stage::Staging]) {
        let apps = job(pipeline, "apps");
        // What is waited for counts as done only then.
        assert_eq!(apps.needs[0].job.map(|j| pipeline.jobs[j as usize].id.as_str()), Some("infra ready"));
        assert!(!apps.needs[0].order_only && apps.needs[0].job.is_some());
        assert!(apps.target.as_ref().is_some_and(|t| t.is(stage)));
        assert_eq!(pipeline.triggers[0].branches[0].value, "main");
        assert_eq!(gates(apps), [(GateKind::ServerSide, "reconciliation of main")]);
    }
}

#[test]
fn of_sources_with_one_name_each_cluster_follows_its_own() {
    let source = |branch: &str| SOURCE.replace("branch: main", &format!("branch: {branch}"));
    let (a, b, apps) = (source("staging"), source("release"), kustomization("apps", "./apps", ""));
    let all = repository(&[
        ("clusters/production/apps.yaml", &apps),
        ("clusters/production/flux-system/sync.yaml", &b),
        ("clusters/staging/apps.yaml", &apps),
        ("clusters/staging/flux-system/sync.yaml", &a),
    ]);
    let branches = all.facts.pipelines.iter().map(|p| p.triggers[0].branches[0].value.as_str());
    assert_eq!(branches.collect::<Vec<_>>(), ["release", "staging"]);
}

#[test]
fn what_a_robot_commits_nobody_merges_and_what_is_suspended_somebody_resumes() {
    let robot = |branch: &str, more: &str| {
        format!(
            "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\nmetadata: {{ name: robot }}\nspec:\n  git: {{ checkout: {{ ref: {{ branch: main }} }}, push: {{ branch: {branch} }} }}\n  update: {{ path: ./apps/production }}\n{more}"
        )
    };
    let merge = (GateKind::ServerSide, "reconciliation of main");
    let text = kustomization("apps", "./apps/production", "");
    for (robot, expected) in [
        (robot("main", ""), None),
        (robot("image-updates", ""), Some(merge)),
        (robot("main", "  suspend: true\n"), Some(merge)),
        (String::new(), Some(merge)),
    ] {
        let pipeline =
            only(&[("flux/source.yaml", SOURCE), ("flux/apps.yaml", &text), ("flux/robot.yaml", &robot)]);
        assert_eq!(gates(&pipeline.jobs[0]), expected.into_iter().collect::<Vec<_>>(), "{robot}");
    }
    let held = kustomization("apps", "./apps/production", "  suspend: true\n");
    let pipeline = only(&[("flux/source.yaml", SOURCE), ("flux/apps.yaml", &held)]);
    assert_eq!(gates(&pipeline.jobs[0]), [(GateKind::Blocking, "suspend: true")]);
}

#[test]
fn a_release_is_taken_back_only_if_it_is_tried_again_or_told_so() {
    let release = |more: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{ name: shop, namespace: production }}\nspec:\n  chart: {{ spec: {{ chart: shop, version: '1.2.3', sourceRef: {{ kind: HelmRepository, name: shop }} }} }}\n{more}"
        )
    };
    for (more, undone, verified) in [
        ("", false, true),
        ("  upgrade: { remediation: { retries: 0 } }\n", false, true),
        ("  upgrade: { remediation: { retries: 3 } }\n", true, true),
        ("  upgrade: { remediation: { retries: -1, strategy: rollback } }\n", true, true),
        ("  upgrade: { remediation: { retries: 3, strategy: uninstall } }\n", false, true),
        ("  upgrade: { remediation: { remediateLastFailure: true } }\n", true, true),
        ("  upgrade: { strategy: { name: RetryOnFailure }, remediation: { retries: 3 } }\n", false, true),
        ("  upgrade: { disableWait: true }\n", false, false),
        ("  upgrade: { disableWait: true }\n  test: { enable: true }\n", false, true),
    ] {
        let pipeline = only(&[("flux/shop.yaml", &release(more))]);
        let back = pipeline.jobs.iter().flat_map(Job::effects).any(|e| e.effect == EffectKind::RollBack);
        assert_eq!(back, undone, "{more}");
        let seen = pipeline.jobs.iter().flat_map(Job::effects).any(|e| e.effect == EffectKind::Verify);
        assert_eq!(seen, verified, "{more}");
    }
}

#[test]
fn patches_schemas_and_examples_deliver_nothing() {
    let patch = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec: { syncPolicy: { automated: {} } }\n";
    let values = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: shop }\nspec: { values: { a: 1 } }\n";
    let schema = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: applications.argoproj.io }\nspec: { group: argoproj.io }\n";
    let text = application("shop", "production", "");
    let all = repository(&[
        ("apps/production/patch.yaml", patch),
        ("apps/production/values.yaml", values),
        ("argocd/crds.yaml", schema),
        ("examples/argocd/shop.yaml", &text),
    ]);
    assert!(all.facts.pipelines.is_empty());
    assert!(all.unread.is_empty(), "{:?}", all.unread);
}

#[test]
fn places_behind_blanked_documents_stay_where_they_are() {
    let schema = "apiVersion: v1\r\nkind: ConfigMap\r\ndata: { é: \"ünï\" }\r\n---\r\n";
    let text = format!("{schema}{}", application("shop-prod", "production", "").replace('\n', "\r\n"));
    let all = repository(&[("argocd/all.yaml", &text)]);
    let job = &all.facts.pipelines[0].jobs[0];
    assert_eq!(&text[job.place.range()], "shop-prod");
    let target = job.target.as_ref().expect("the cluster tells it");
    assert_eq!(&text[target.place.range()], "production");
}

#[test]
fn sets_that_multiply_and_circles_of_applications_end() {
    let elements = "{ a: b },".repeat(600);
    let list = format!("      - list: {{ elements: [{elements}] }}\n");
    let set = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{ name: bomb }}\nspec:\n  generators:\n  - matrix:\n      generators:\n{}  template:\n    metadata: {{ name: '{{{{a}}}}' }}\n    spec: {{ source: {{ path: x }} }}\n",
        list.repeat(4)
    );
    assert_eq!(only(&[("argocd/set.yaml", &set)]).jobs.len(), 500);
    let circle = |name: &str, path: &str| application(name, path, "").replace("overlays/", "");
    let all = repository(&[
        ("argocd/a/x.yaml", &circle("x", "argocd/b")),
        ("argocd/b/y.yaml", &circle("y", "argocd/a")),
    ]);
    assert_eq!(all.facts.pipelines.iter().map(|p| p.jobs.len()).sum::<usize>(), 2);
    let around: String = (0..60)
        .map(|n| {
            format!(
                "{}---\n",
                kustomization(
                    &format!("k{n}"),
                    "./",
                    &format!("  dependsOn: [{{ name: k{} }}]\n", (n + 1) % 60)
                )
            )
        })
        .collect();
    assert_eq!(repository(&[("flux/all.yaml", &around)]).facts.pipelines[0].jobs.len(), 60);
}
