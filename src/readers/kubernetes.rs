//! Kubernetes manifests: the images that containers run, workloads, and what serves them with secrets.
//! <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>

mod delivery;
mod helm;
mod objects;
mod secret;

use super::images::{image, is_open};
use super::kustomize::{self, is_kustomization};
use super::names::{ends, name, problems, vendored, within};
use super::{Parsed, Text, alerts, cloudformation, config, monitoring, platform};
use crate::facts::{Resource, Setting, SettingSource, Shape, System, Value, path_target};
use crate::syntax::tree::{Kind, Node, Step};
use crate::syntax::yaml::{self, Mask};
use crate::text::Span;
use objects::{is_meant, object};
use secret::credential;
use std::ops::Range;
use std::sync::Arc;

pub(super) use delivery::{Object, lower};

/// Folders that hold manifests, by custom.
const FOLDERS: &[&str] = &[
    "k8s",
    "kube",
    "kubernetes",
    "manifests",
    "deploy",
    "deployment",
    "deployments",
    "overlays",
    "base",
    "templates",
    "apps",
    "app-of-apps",
    "applications",
    "applicationsets",
    "apps-of-apps",
    "appsets",
    "argo",
    "argo-cd",
    "argo-workflows",
    "argocd",
    "bootstrap",
    "cluster",
    "clusters",
    "components",
    "environments",
    "flux",
    "flux-system",
    "fluxcd",
    "gitops",
    "helm",
    "infra",
    "infrastructure",
    "kustomize",
    "releases",
    "resources",
    "secrets",
    "sensors",
    "task",
    "tasks",
    "tekton",
    "workflow",
    "workflows",
    "workflow-templates",
    "workflowtemplates",
];

/// Folders that are hidden from listings and hold manifests nevertheless.
const HIDDEN: &[&str] = &[".argocd", ".argo", ".flux", ".tekton"];

/// Words of names that manifests bear wherever they lie.
const NAMES: &[&str] = &[
    "cloudrun",
    "deployment",
    "secret",
    "secrets",
    "service",
    "serviceaccount",
    "statefulset",
    "daemonset",
    "cronjob",
    "k8s",
    "kubernetes",
    "kubeconfig",
    "application",
    "applications",
    "applicationset",
    "appset",
    "argocd",
    "cronworkflow",
    "eventlistener",
    "flux",
    "helmrelease",
    "hook",
    "kustomization",
    "pipelinerun",
    "rollout",
    "sensor",
    "taskrun",
    "tekton",
    "triggerbinding",
    "triggertemplate",
    "workflow",
    "workflowtemplate",
];

pub(super) fn claims(path: &str, _: bool) -> bool {
    let dotted = |part: &str| part.starts_with('.') && !HIDDEN.contains(&part);
    let yaml = ends(path, &[".yml", ".yaml"]) && !path.split('/').any(dotted) && !vendored(path);
    yaml && (within(path, FOLDERS)
        || within(path, HIDDEN)
        || is_kustomization(path)
        || named(path)
        || helm::is_helmfile(path))
}

fn named(path: &str) -> bool {
    let stem = name(path).rsplit_once('.').map_or("", |(stem, _)| stem);
    stem.split(['-', '_', '.']).any(|word| NAMES.contains(&word))
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    // `flux bootstrap` writes Flux itself there, and over it with each release.
    if name(text.path) == "gotk-components.yaml" {
        return Parsed::default();
    }
    if helm::is_helmfile(text.path) {
        let tree = yaml::parse(text.file, text.text, Mask::Templates);
        return Parsed { problems: problems(&tree, "YAML"), tree: Some(tree), ..Parsed::default() };
    }
    if name(text.path) == "Chart.yaml" {
        return Parsed { tree: Some(yaml::parse(text.file, text.text, Mask::None)), ..Parsed::default() };
    }
    if helm::is_template(text) && is_manifest(text.text) {
        return template(text);
    }
    if !is_manifest(text.text) && !is_kustomization(text.path) {
        return if cloudformation::is_template(text.text) {
            cloudformation::parse(text)
        } else if platform::sort(text.path).is_some() {
            platform::parse(text)
        } else if config::claims(text.path, text.executable) {
            config::parse(text)
        } else if monitoring::claims(text.path, text.executable) {
            monitoring::parse(text)
        } else {
            Parsed::default()
        };
    }
    let mut parsed = Parsed::default();
    let mask = if text.text.contains("{{") { Mask::Templates } else { Mask::None };
    if is_kustomization(text.path) {
        let tree = yaml::parse(text.file, text.text, mask);
        parsed.problems = problems(&tree, "YAML");
        for document in tree.documents() {
            kustomized(document, &mut parsed);
            generated(document, text, &mut parsed);
            parsed.wants.extend(kustomize::wants(text.path, document));
        }
        // Flux has a kind of this name, too, and its file may bear this one.
        if is_manifest(text.text) && text.text.contains("toolkit.fluxcd.io") {
            manifest_objects(text, mask, &mut parsed);
        }
        return parsed;
    }
    manifest_objects(text, mask, &mut parsed);
    parsed
}

/// A template of a chart: what it says as it lies there. What comes out of it, values tell.
fn template(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    if !documents(text.text).any(|d| is_meant(&text.text[d]))
        && delivery::tree(text, Mask::Templates).is_none()
    {
        return parsed;
    }
    let tree = helm::tree(text);
    parsed.problems = helm::problems(&tree);
    for document in tree.documents().filter(|d| is_meant(d.raw())) {
        facts_of(document, 0, text, &mut parsed);
    }
    for resource in &mut parsed.facts.resources {
        resource.shape = Shape::Part;
    }
    parsed.wants = delivery::wants(&tree);
    parsed.wants.extend(helm::wants(text.path));
    parsed.tree = Some(tree);
    parsed
}

/// Whether a text holds Kubernetes objects.
pub(super) fn is_manifest(text: &str) -> bool {
    text.contains("apiVersion:") && text.contains("kind:")
}

/// What the objects of a manifest say.
pub(super) fn manifest_objects(text: &Text<'_>, mask: Mask, parsed: &mut Parsed) {
    if let Some(tree) = delivery::tree(text, mask) {
        if parsed.problems.is_empty() {
            parsed.problems = problems(&tree, "YAML");
        }
        for document in tree.documents().filter(|d| is_meant(d.raw())) {
            facts_of(document, 0, text, parsed);
        }
        parsed.wants.extend(delivery::wants(&tree));
        parsed.tree = Some(tree);
        return;
    }
    for from_to in documents(text.text).filter(|document| is_meant(&text.text[document.clone()])) {
        let tree = yaml::parse(text.file, &text.text[from_to.clone()], mask);
        if parsed.problems.is_empty() {
            parsed.problems = problems(&tree, "YAML");
        }
        for document in tree.documents() {
            facts_of(document, from_to.start, text, parsed);
        }
    }
}

/// What a document that begins at `offset` of its file says.
fn facts_of(document: Node<'_>, offset: usize, text: &Text<'_>, parsed: &mut Parsed) {
    if document.get("apiVersion").is_some() && document.get("kind").is_some() {
        containers(document, offset, parsed);
        workload_settings(document, offset, text, parsed);
        if document.get("kind").and_then(|k| k.as_str()).is_some_and(|k| objects::RULES.contains(&k)) {
            let target = path_target(text.path, text.file, text.environments);
            alerts::of_document(document, offset, target.as_ref(), &mut parsed.facts);
        }
        object(document, offset, text, parsed);
    }
}

/// The documents of a text.
fn documents(text: &str) -> impl Iterator<Item = Range<usize>> {
    let ends = text.match_indices("\n---").map(|(at, _)| at + 1).chain([text.len()]);
    ends.scan(0, |from, to| Some(std::mem::replace(from, to)..to))
}

/// Containers of a document that begins at `offset` of its file.
fn containers(document: Node<'_>, offset: usize, parsed: &mut Parsed) {
    for leaf in document.leaves() {
        let [
            ..,
            Step::Key("containers" | "initContainers" | "ephemeralContainers"),
            Step::Item(_),
            Step::Key("image"),
        ] = leaf.path.as_slice()
        else {
            continue;
        };
        if let Some(reference) = leaf.node.as_str().filter(|r| !r.trim().is_empty()) {
            let mut image = image(reference, behind(offset, leaf.node.span()), SettingSource::Config);
            image.last = true;
            parsed.facts.base_images.push(image);
        }
    }
}

/// What a workload says of how it is replaced, how far back it can go, and of its rights.
fn workload_settings(document: Node<'_>, offset: usize, text: &Text<'_>, parsed: &mut Parsed) {
    let target = path_target(text.path, text.file, text.environments).map(Arc::new);
    for leaf in document.leaves() {
        let key = match leaf.path.as_slice() {
            [.., Step::Key("strategy"), Step::Key("type")] => "type",
            [Step::Key("spec"), Step::Key("revisionHistoryLimit")] => "revisionHistoryLimit",
            [.., Step::Key("securityContext"), Step::Key("privileged")] => "privileged",
            _ => continue,
        };
        let Some(value) = leaf.node.spanned() else { continue };
        let keys = leaf.path.iter().filter_map(|s| if let Step::Key(k) = s { Some(*k) } else { None });
        let open = is_open(&value.value);
        let place = behind(offset, value.span);
        parsed.facts.settings.push(Setting {
            place,
            key: key.to_owned(),
            path: keys.collect::<Vec<_>>().join("."),
            setting: if open { Value::Expr(value.value) } else { Value::Known(value.value) },
            source: SettingSource::Config,
            target: target.clone(),
            key_place: place,
        });
    }
}

/// A place in a document that begins at `offset` of its file.
fn behind(offset: usize, span: Span) -> Span {
    Span::new(span.file, offset + span.start as usize..offset + span.end as usize)
}

/// `images:` gives an image that manifests name another name, tag or digest.
fn kustomized(document: Node<'_>, parsed: &mut Parsed) {
    let images = document.get("images").into_iter().flat_map(|i| i.items());
    for entry in images.filter(|e| e.kind() == Kind::Mapping) {
        let text = |key| entry.get(key).and_then(|n| n.as_str());
        let Some(name) = text("newName").or(text("name")) else { continue };
        let (tag, digest) = (text("newTag"), text("digest"));
        if tag.is_none() && digest.is_none() {
            continue;
        }
        let mut reference = name.to_owned();
        for (mark, part) in [(':', tag), ('@', digest)] {
            if let Some(part) = part {
                reference.push(mark);
                reference.push_str(part);
            }
        }
        let mut image = image(&reference, entry.span(), SettingSource::Config);
        image.last = true;
        parsed.facts.base_images.push(image);
    }
}

/// `secretGenerator:` makes Secrets of literals and files.
/// <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/secretgenerator/>
fn generated(document: Node<'_>, text: &Text<'_>, parsed: &mut Parsed) {
    let target = path_target(text.path, text.file, text.environments);
    let shared = target.clone().map(Arc::new);
    let generators = document.get("secretGenerator").into_iter().flat_map(|g| g.items());
    for generator in generators.filter(|g| g.kind() == Kind::Mapping) {
        let mut entries = Vec::new();
        for list in ["files", "envs", "env"] {
            for item in generator.get(list).into_iter().flat_map(|l| l.one_or_more()) {
                let Some(written) = item.as_str() else { continue };
                // `key=path` names the key.
                let (key, path) = written.split_once('=').unwrap_or((name(written), written));
                entries.push(Setting {
                    place: item.span(),
                    key: key.to_owned(),
                    path: list.to_owned(),
                    setting: config::known(path),
                    source: SettingSource::Config,
                    target: shared.clone(),
                    key_place: item.span(),
                });
            }
        }
        for item in generator.get("literals").into_iter().flat_map(|l| l.items()) {
            let Some((key, value)) = item.as_str().and_then(|w| w.split_once('=')) else { continue };
            let span = item.span();
            let Some(at) = item.raw().find('=') else { continue };
            let quote = usize::from(item.raw().starts_with(['"', '\'']) && item.raw().len() > at + 1);
            let place = Span::new(span.file, span.start as usize + at + 1..span.end as usize - quote);
            let bare = value.trim_matches(['"', '\'']);
            parsed.facts.credentials.extend(credential(key, bare, false, place, target.as_ref()));
        }
        let named = generator.get("name");
        parsed.facts.resources.push(Resource {
            place: named.map_or(generator.span(), |n| n.span()),
            system: System::Kubernetes,
            block: "generator".to_owned(),
            sort: "Secret".to_owned(),
            name: match named.and_then(|n| n.as_str()) {
                Some(name) => Value::Known(name.to_owned()),
                None => Value::Unresolved("no name is written".to_owned()),
            },
            namespace: None,
            target: target.clone(),
            encrypted: false,
            size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries,
            body: generator.span(),
            shape: Shape::Whole,
            open: Vec::new(),
            via: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Value;
    use crate::readers::samples;

    #[test]
    fn containers_of_every_workload_give_their_images() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      initContainers:\n      - image: busybox\n      containers:\n      - name: a\n        image: 'shop/web:1.2'\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  image: not/one:1\n---\napiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{image: \"r/{{ .Values.x }}:1\"}]}}}}}\n";
        let parsed = samples::read(parse, "k8s/prod/all.yaml", text);
        let images = &parsed.facts.base_images;
        let written: Vec<&str> = images.iter().map(|i| &text[i.place.range()]).collect();
        assert_eq!(written, ["busybox", "'shop/web:1.2'", "\"r/{{ .Values.x }}:1\""]);
        assert_eq!(images[1].reference, Value::Known("shop/web:1.2".into()));
        assert!(matches!(images[2].reference, Value::Expr(_)));
    }

    #[test]
    fn a_workload_tells_how_it_is_replaced() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  revisionHistoryLimit: 0\n  strategy: {type: Recreate}\n  template: {spec: {containers: [{image: a/b:1, securityContext: {privileged: true}}]}}\n";
        let parsed = samples::read(parse, "k8s/prod/shop.yaml", text);
        let settings = &parsed.facts.settings;
        let seen: Vec<(&str, String)> = settings.iter().map(|s| (s.key.as_str(), s.setting.text())).collect();
        let wanted = [("revisionHistoryLimit", "0"), ("type", "Recreate"), ("privileged", "true")];
        assert_eq!(seen, wanted.map(|(k, v)| (k, v.to_owned())));
    }

    #[test]
    fn a_kustomization_gives_the_tag_that_runs() {
        let text = "images:\n- name: shop\n  newName: r.example.com/shop\n  newTag: latest\n- name: kept\n";
        let parsed = samples::read(parse, "overlays/prod/kustomization.yaml", text);
        assert_eq!(parsed.facts.base_images.len(), 1);
        assert_eq!(parsed.facts.base_images[0].name, "r.example.com/shop");
        assert_eq!(parsed.facts.base_images[0].tag.as_deref(), Some("latest"));
    }

    #[test]
    fn other_yaml_in_these_folders_yields_nothing() {
        let parsed = samples::read(parse, "deploy/list.yaml", "spec: {containers: [{image: a}]}");
        assert!(parsed.facts.base_images.is_empty());
        assert!(!claims(".github/deploy/a.yml", false) && claims("a/k8s/b.yml", false));
        samples::endure(parse, "k8s/a.yaml");
        for head in [
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: é\n---\n",
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec: {generators: [{list: {elements: [é]}}], template: [1]}\n---\n",
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypoint: é, templates: [{name: é, steps: [[1, {template: é}]]}]}\n---\n",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: é, dependsOn: [é, {name: é}]}\n---\n",
            "apiVersion: tekton.dev/v1\nkind: PipelineRun\nspec: {pipelineSpec: {tasks: [{name: é, runAfter: é, taskSpec: {steps: [{image: é, script: '$(params.é'}]}}]}}\n---\n",
        ] {
            // A repository for each text would take minutes.
            let all = samples::HOSTILE.join("\n---\n");
            samples::repository(&[("k8s/a.yaml", &format!("{head}{all}\n---\n{head}"))]);
            for cut in (0..head.len()).step_by(11).filter(|&at| head.is_char_boundary(at)) {
                samples::repository(&[("k8s/a.yaml", &head[..cut])]);
            }
        }
    }
}
