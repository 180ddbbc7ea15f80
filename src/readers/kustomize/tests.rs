use crate::facts::{Repository, Resource, Shape, Stage};
use crate::readers::samples;
use crate::source::UnreadClass;

const BASE: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: web
        image: shop:1.0
        args: [--debug, --all]
        env:
        - name: LOG
          value: debug
        livenessProbe: { httpGet: { path: /health } }
      - name: proxy
        image: proxy:1
"#;

const CONTAINER: &str = "spec.template.spec.containers.web";

fn overlay(kustomization: &str, more: &[(&str, &str)]) -> Repository {
    let mut files = vec![
        ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        ("base/deployment.yaml", BASE),
        ("overlays/prod/kustomization.yaml", kustomization),
    ];
    files.extend(more);
    samples::repository(&files)
}

fn said<'r>(repository: &'r Repository, path: &str) -> Option<(String, &'r str)> {
    let [resource] = repository.facts.deployed.as_slice() else {
        panic!(
            "one object, but: {:?}",
            repository.facts.deployed.iter().map(Resource::title).collect::<Vec<_>>()
        )
    };
    resource.entry(path).map(|e| (e.setting.text(), repository.path(e.place)))
}

#[test]
fn an_overlay_changes_what_it_names_and_each_value_lies_where_it_is_written() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: shop }\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        args: [--quiet]\n        livenessProbe: null\n        env:\n        - { name: LOG, value: warn }\n        - { name: NEW, value: a }\n      - name: proxy\n        $patch: delete\n";
    let kustomization = "namespace: shop-prod\nnamePrefix: my-\nresources: [../../base]\npatchesStrategicMerge: [patch.yaml]\nimages:\n- { name: shop, newName: r.example/shop, newTag: '2.0' }\nreplicas:\n- { name: shop, count: 3 }\n";
    let repository = overlay(kustomization, &[("overlays/prod/patch.yaml", patch)]);
    assert_eq!(repository.unread, []);
    let overlay = "overlays/prod/kustomization.yaml";
    for (path, wanted) in [
        ("spec.replicas", Some(("3", overlay))),
        ("image", Some(("r.example/shop:2.0", overlay))),
        ("args.0", Some(("--quiet", "overlays/prod/patch.yaml"))),
        ("args.1", None),
        ("env.LOG.value", Some(("warn", "overlays/prod/patch.yaml"))),
        ("env.NEW.value", Some(("a", "overlays/prod/patch.yaml"))),
        ("livenessProbe.httpGet.path", None),
    ] {
        let path = if path.starts_with("spec") { path.to_owned() } else { format!("{CONTAINER}.{path}") };
        assert_eq!(said(&repository, &path), wanted.map(|(v, p)| (v.to_owned(), p)), "{path}");
    }
    let resource = &repository.facts.deployed[0];
    assert_eq!((resource.title().as_str(), resource.shape), ("Deployment/my-shop", Shape::Effective));
    assert_eq!(resource.containers(), [(CONTAINER, "web")], "the other one is deleted");
    assert!(resource.target.as_ref().is_some_and(|t| t.is(Stage::Production)));
    assert!(resource.is_closed("") && repository.path(resource.place) == "base/deployment.yaml");
    let shapes: Vec<Shape> = repository.facts.resources.iter().map(|r| r.shape).collect();
    assert_eq!(shapes, [Shape::Part, Shape::Part], "the base and the patch are parts");
}

#[test]
fn patches_by_pointers_count_items() {
    let kustomization = r#"resources: [../../base]
patches:
- target: { kind: Deployment, name: sh.* }
  patch: |-
    - op: replace
      path: /spec/template/spec/containers/1/image
      value: proxy:2
    - op: add
      path: /spec/template/spec/containers/0/env/-
      value: { name: B, value: b }
    - { op: remove, path: /spec/template/spec/containers/0/livenessProbe }
    - { op: add, path: /metadata/annotations/a~1b, value: c }
- path: json.yaml
  target: { kind: StatefulSet }
"#;
    let repository = overlay(kustomization, &[("overlays/prod/json.yaml", "[{op: remove, path: /spec}]")]);
    let here = "overlays/prod/kustomization.yaml";
    for (path, wanted) in [
        ("spec.template.spec.containers.proxy.image", Some(("proxy:2", here))),
        ("spec.template.spec.containers.web.env.B.value", Some(("b", here))),
        ("spec.template.spec.containers.web.livenessProbe.httpGet.path", None),
        ("metadata.annotations.a/b", Some(("c", here))),
    ] {
        assert_eq!(said(&repository, path), wanted.map(|(v, p)| (v.to_owned(), p)), "{path}");
    }
    let entry =
        repository.facts.deployed[0].entry("spec.template.spec.containers.proxy.image").expect("seen above");
    assert_eq!(&kustomization[entry.place.range()], "proxy:2", "the place leads into the text of the patch");
}

#[test]
fn components_work_on_what_their_users_have() {
    let component = "kind: Component\npatches:\n- patch: '{kind: Deployment, apiVersion: apps/v1, metadata: {name: shop}, spec: {replicas: 7}}'\nconfigMapGenerator:\n- name: shop\n  literals: [A=1]\n";
    let repository = overlay(
        "resources: [../../base]\ncomponents: [../../more]\n",
        &[("more/kustomization.yaml", component)],
    );
    let deployed = &repository.facts.deployed;
    let seen: Vec<_> = deployed.iter().map(|r| (r.title(), r.target.is_some())).collect();
    assert_eq!(seen, [("Deployment/shop".to_owned(), true), ("ConfigMap/shop".to_owned(), true)]);
    assert_eq!(deployed[0].entry("spec.replicas").map(|e| e.setting.text()).as_deref(), Some("7"));
    assert_eq!(deployed[1].entry("data.A").map(|e| e.setting.text()).as_deref(), Some("1"));
}

#[test]
fn what_lies_elsewhere_is_named_and_leaves_everything_open() {
    let repository = overlay("resources:\n- ../../base\n- https://github.com/a/b//deploy?ref=v1\n", &[]);
    let classes: Vec<UnreadClass> = repository.unread.iter().map(|u| u.class).collect();
    assert_eq!(classes, [UnreadClass::Outside]);
    assert!(!repository.facts.deployed[0].is_closed("spec"));
}

#[test]
fn circles_and_repetitions_end() {
    let files: Vec<(String, String)> = (0..60)
        .map(|i| {
            let next = (i + 1) % 60;
            (
                format!("o{i}/kustomization.yaml"),
                format!("resources: [../o{next}, ../o{next}, ../o{i}, d.yaml]\n"),
            )
        })
        .collect();
    let mut all: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    all.push(("prod/kustomization.yaml", "resources: [../o0, ../o1]\n"));
    all.push(("o3/d.yaml", BASE));
    let repository = samples::repository(&all);
    assert_eq!(repository.facts.deployed.len(), 1);
    samples::endure(super::parse, "kustomization.yaml");
}

#[test]
fn replacements_copy_what_their_source_tells_and_leave_the_rest_open() {
    let kustomization = "resources: [../../base, map.yaml]\nreplacements:\n- path: more.yaml\n- source: { kind: ConfigMap, name: versions, fieldPath: data.web }\n  targets:\n  - select: { kind: Deployment }\n    fieldPaths: ['spec.template.spec.containers.[name=web].image']\n    options: { delimiter: ':', index: 1 }\n  - select: { kind: Deployment }\n    fieldPaths: ['metadata.annotations.shop\\.io/version']\n    options: { create: true }\n- source: { kind: Secret, name: none }\n  targets:\n  - select: { kind: Deployment }\n    fieldPaths: ['spec.template.spec.containers.*.image']\n";
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: versions }\ndata: { web: '3.1', log: info }\n";
    let more = "source: { kind: ConfigMap, name: versions, fieldPath: data.log }\ntargets:\n- select: { name: shop }\n  fieldPaths: ['spec.template.spec.containers.[name=web].env.0.value']\n- select: { name: shop }\n  reject: [{ kind: Deployment }]\n  fieldPaths: [spec.replicas]\n";
    let repository =
        overlay(kustomization, &[("overlays/prod/map.yaml", map), ("overlays/prod/more.yaml", more)]);
    let shop = repository.facts.deployed.iter().find(|r| r.sort == "Deployment").expect("it is deployed");
    for (path, wanted) in [
        ("spec.template.spec.containers.web.image", "shop:3.1"),
        ("spec.template.spec.containers.web.env.LOG.value", "info"),
        ("metadata.annotations.shop.io/version", "3.1"),
    ] {
        let entry = shop.entry(path).unwrap_or_else(|| panic!("{path} is set"));
        assert_eq!(entry.setting.text(), wanted, "{path}");
        assert_eq!(repository.path(entry.place), "overlays/prod/map.yaml", "{path}");
    }
    assert_eq!(shop.entry("spec.replicas").map(|e| e.setting.text()), Some("1".to_owned()));
    assert_eq!(shop.open, ["spec.template.spec.containers"], "what nothing tells may stand there");
}
