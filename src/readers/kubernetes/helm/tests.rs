use super::super::parse;
use crate::facts::{Repository, Resource, Shape, Stage, Value};
use crate::readers::samples;

const CHART: (&str, &str) = ("shop/Chart.yaml", "name: shop\nversion: 1.0.0\nappVersion: \"2.3\"\n");

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  template:
    spec:
      {{- with .Values.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          {{- if .Values.probe.path }}
          livenessProbe:
            httpGet: { path: {{ .Values.probe.path | quote }}, port: http }
          {{- end }}
          env:
            {{- toYaml .Values.env | nindent 12 }}
            - name: MODE
              value: {{ .Values.mode | default "plain" | quote }}
"#;

const VALUES: &str = "replicaCount: 1\nimage: { repository: r.example/shop, tag: '' }\nautoscaling: { enabled: false }\nresources: {}\nprobe: {}\nenv:\n- name: LOG\n  value: debug\n";

const PROD: &str = "replicaCount: 3\nimage: { tag: 2.4.1 }\nresources:\n  limits: { cpu: 1 }\nprobe: { path: /health }\nenv:\n- name: LOG\n  value: warn\n";

fn chart(more: &[(&str, &str)]) -> Repository {
    let mut files = vec![CHART, ("shop/templates/deployment.yaml", DEPLOYMENT), ("shop/values.yaml", VALUES)];
    files.extend(more);
    samples::repository(&files)
}

fn rows(resource: &Resource) -> Vec<(&str, String)> {
    resource.entries.iter().map(|e| (e.path.as_str(), e.setting.text())).collect()
}

fn stage(resource: &Resource) -> Option<Stage> {
    resource.target.as_ref().and_then(|t| t.stage.known().copied())
}

#[test]
fn each_environment_gets_its_own_values_and_they_lie_where_they_are_written() {
    let repository = chart(&[("shop/values-prod.yaml", PROD)]);
    assert_eq!(repository.unread, []);
    let [resource] = repository.facts.deployed.as_slice() else { panic!("one environment, one object") };
    assert_eq!((resource.title().as_str(), resource.shape), ("Deployment/shop", Shape::Effective));
    assert_eq!(stage(resource), Some(Stage::Production));
    let container = "spec.template.spec.containers.shop";
    let said = |path: &str| {
        resource.entry(&format!("{container}.{path}")).map(|e| (e.setting.text(), repository.path(e.place)))
    };
    assert_eq!(resource.entry("spec.replicas").map(|e| e.setting.text()).as_deref(), Some("3"));
    assert_eq!(said("image"), Some(("r.example/shop:2.4.1".into(), "shop/values-prod.yaml")));
    assert_eq!(said("resources.limits.cpu"), Some(("1".into(), "shop/values-prod.yaml")));
    assert_eq!(said("livenessProbe.httpGet.path"), Some(("/health".into(), "shop/values-prod.yaml")));
    assert_eq!(said("env.LOG.value"), Some(("warn".into(), "shop/values-prod.yaml")));
    assert_eq!(said("env.MODE.value"), Some(("plain".into(), "shop/templates/deployment.yaml")));
    assert_eq!(resource.containers(), [(container, "shop")]);
    // What the helper writes nobody knows, and it is all that is open.
    assert_eq!(resource.open, ["metadata.labels"]);
    assert!(
        resource.is_closed(&format!("{container}.readinessProbe"))
            && !resource.is_closed("metadata.labels.app")
    );
    let part: Vec<Shape> = repository.facts.resources.iter().map(|r| r.shape).collect();
    assert_eq!(part, [Shape::Part], "what lies there is no whole object");
    assert_eq!(repository.deployed().count(), 1);
}

#[test]
fn a_chart_without_environments_has_its_defaults() {
    let repository = chart(&[]);
    let [resource] = repository.facts.deployed.as_slice() else { panic!("one object") };
    assert_eq!((stage(resource), resource.shape), (None, Shape::Default));
    let container = "spec.template.spec.containers.shop";
    assert_eq!(
        resource.entry(&format!("{container}.image")).map(|e| e.setting.text()).as_deref(),
        Some("r.example/shop:2.3")
    );
    assert!(
        !resource.has(&format!("{container}.resources"))
            && !resource.has(&format!("{container}.livenessProbe"))
    );
}

#[test]
fn who_installs_a_chart_says_with_which_values() {
    let workflow = "on: push\njobs:\n  ship:\n    runs-on: x\n    steps:\n    - run: helm upgrade --install shop ./shop -f config/live.yaml --set replicaCount=5,mode=$MODE -n shop-staging\n";
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: { name: shop-prod }\nspec:\n  source:\n    path: shop\n    helm: { valueFiles: [values-x.yaml], valuesObject: { replicaCount: 9 } }\n  destination: { namespace: production }\n";
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: shop, namespace: dev }\nspec:\n  chart: { spec: { chart: ./shop } }\n  values: { replicaCount: 2 }\n";
    let repository = chart(&[
        (".github/workflows/cd.yml", workflow),
        ("config/live.yaml", "probe: { path: /live }\n"),
        ("argocd/shop.yaml", application),
        ("clusters/shop.yaml", release),
    ]);
    let mut seen: Vec<_> = repository
        .facts
        .deployed
        .iter()
        .map(|r| {
            let replicas = r.entry("spec.replicas").map(|e| (e.setting.clone(), repository.path(e.place)));
            (stage(r), replicas, r.is_closed("spec.template"))
        })
        .collect();
    seen.sort_by_key(|(stage, ..)| *stage);
    let known = |v: &str, path: &'static str| Some((Value::Known(v.to_owned()), path));
    let mut wanted = vec![
        (Some(Stage::Development), known("2", "clusters/shop.yaml"), true),
        (Some(Stage::Staging), known("5", ".github/workflows/cd.yml"), true),
        // One of its files is not here, and may switch the autoscaler on.
        (Some(Stage::Production), Some((Value::Expr("9".to_owned()), "argocd/shop.yaml")), false),
    ];
    wanted.sort_by_key(|(stage, ..)| *stage);
    assert_eq!(seen, wanted);
}

#[test]
fn helmfile_installs_in_each_of_its_environments() {
    let helmfile = "environments:\n  staging: {}\n  production: {}\n---\nreleases:\n- name: shop\n  chart: ../shop\n  values:\n  - env/{{ .Environment.Name }}.yaml\n  - mode: fast\n";
    let repository = chart(&[
        ("deploy/helmfile.yaml", helmfile),
        ("deploy/env/staging.yaml", "replicaCount: 2\n"),
        ("deploy/env/production.yaml", "replicaCount: 4\n"),
    ]);
    let seen: Vec<_> = repository
        .facts
        .deployed
        .iter()
        .map(|r| {
            let said = |path: &str| r.entry(path).map(|e| (e.setting.text(), repository.path(e.place)));
            (stage(r), said("spec.replicas"), said("spec.template.spec.containers.shop.env.MODE.value"))
        })
        .collect();
    let row = |stage, replicas: &str, file| {
        let mode = Some(("fast".to_owned(), "deploy/helmfile.yaml"));
        (Some(stage), Some((replicas.to_owned(), file)), mode)
    };
    assert_eq!(
        seen,
        [
            row(Stage::Staging, "2", "deploy/env/staging.yaml"),
            row(Stage::Production, "4", "deploy/env/production.yaml"),
        ]
    );
}

#[test]
fn a_chart_in_a_chart_gets_what_the_outer_one_gives_it() {
    let template = "apiVersion: v1\nkind: Service\nmetadata: { name: db }\nspec:\n  type: {{ .Values.type }}\n  clusterIP: {{ .Values.global.ip }}\n";
    let files = [
        ("all/Chart.yaml", "name: all\ndependencies:\n- { name: db, condition: db.enabled }\n"),
        ("all/values.yaml", "db: { type: NodePort, enabled: true }\nglobal: { ip: None }\n"),
        ("all/values-dev.yaml", "db: { enabled: false }\n"),
        ("all/values-prod.yaml", "db: { type: LoadBalancer }\n"),
        ("all/charts/db/Chart.yaml", "name: db\n"),
        ("all/charts/db/values.yaml", "type: ClusterIP\n"),
        ("all/charts/db/templates/service.yaml", template),
    ];
    let repository = samples::repository(&files);
    let seen: Vec<_> = repository.facts.deployed.iter().map(|r| (stage(r), rows(r)[3..].to_vec())).collect();
    let wanted = vec![("spec.type", "LoadBalancer".to_owned()), ("spec.clusterIP", "None".to_owned())];
    assert_eq!(seen, [(Some(Stage::Production), wanted)], "in development it is switched off");
}

#[test]
fn templates_are_read_whole_or_named() {
    let head = "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n";
    for (body, whole) in [
        ("  ports:\n  {{- range .Values.ports }}\n  - port: {{ . }}\n  {{- end }}\n", true),
        ("  ports:\n  - {{- if .Values.a }}\n    port: 1\n    {{- end }}\n", true),
        ("  {{- if .Values.a }}\n  type: a\n  {{- else }}\n  type: b\n  {{- end }}\n", true),
        ("  x: {{- if .Values.a }} 1 {{- else }} 2 {{- end }}\n", true),
        ("  x:\n  {{- if .Values.a }}\n    a: 1\n  {{- else }}\n    - b\n  {{- end }}\n", true),
        ("  {{ .Values.key }}: \"{{ .Values.a | default \"b\" }}\"\n", true),
        ("  x: {{- include \"a\" . | nindent 4 }}\n    y: 1\n", true),
        ("{{/*\n{{ .Values.a }}: : x\n*/}}\n", true),
        ("  x: [ {{ .a }}\n", false),
    ] {
        let text = format!("{head}{body}");
        let parsed = samples::read(parse, "c/templates/s.yaml", &text);
        assert_eq!(parsed.problems.is_empty(), whole, "{body}: {:?}", parsed.problems);
    }
    samples::endure(parse, "c/templates/a.yaml");
}

#[test]
fn hostile_templates_end() {
    for piece in
        ["{{ if .Values.a }}\n", "{{ (", "{{ end }}", "{{- toYaml .Values.a | nindent 8 }}\n", "{{ else }}\n"]
    {
        let text = format!("apiVersion: v1\nkind: Service\nspec:\n  a: b\n{}", piece.repeat(3_000));
        samples::repository(&[CHART, ("shop/templates/s.yaml", &text), ("shop/values.yaml", VALUES)]);
    }
}
