//! Kustomize: what each overlay makes of its bases, resolved from the files that are here. A value keeps the place in
//! the file that owns it.
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>

mod patch;
mod replace;
#[cfg(test)]
mod tests;

use super::commands::split_image;
use super::config::known;
use super::names::{folder, name};
use super::{Lowering, Parsed, Text, Trees, Want};
use crate::facts::normalise;
use crate::facts::{
    Basis, Resource, Setting, SettingSource, Shape, System, Target, Value, is_sample, path_target,
};
use crate::lexicon::classify;
use crate::source::{Unread, UnreadClass};
use crate::syntax::tree::{Kind, Node};
use crate::syntax::yaml::{self, Mask};
use crate::text::{FileId, Span};
use patch::Patch;
use replace::replace;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Objects that all overlays of one repository yield.
const MOST_OBJECTS: usize = 10_000;

/// Bases below bases.
const DEEPEST: usize = 32;

/// Only what a kustomization sends for: itself and its patches.
pub(super) fn claims(_: &str, _: bool) -> bool {
    false
}

/// Whether a file is a kustomization.
pub(super) fn is_kustomization(path: &str) -> bool {
    matches!(name(path), "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// What a kustomization consists of.
pub(super) fn wants(path: &str, root: Node<'_>) -> Vec<Want> {
    let mut wants = vec![Want { path: path.to_owned(), kind: "kustomize" }];
    let beside = |written: &str| normalise(&format!("{}/{written}", folder(path)));
    let mut want = |node: Node<'_>, kind: &'static str| {
        let written = node.as_str().filter(|w| !is_remote(w) && !w.contains(['*', '?', '\n']));
        if let Some(path) = written
            .and_then(beside)
            .filter(|p| p.ends_with(".yaml") || p.ends_with(".yml") || p.ends_with(".json"))
        {
            wants.push(Want { path, kind });
        }
    };
    for key in ["resources", "bases", "components", "crds"] {
        items(root, key).for_each(|n| want(n, "kubernetes"));
    }
    items(root, "patchesStrategicMerge").for_each(|n| want(n, "kustomize"));
    for key in ["patches", "patchesJson6902", "replacements"] {
        items(root, key).filter_map(|n| n.get("path")).for_each(|n| want(n, "kustomize"));
    }
    wants
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mask = if text.text.contains("{{") { Mask::Templates } else { Mask::None };
    // Who else reads the file says what is wrong with it.
    Parsed { tree: Some(yaml::parse(text.file, text.text, mask)), ..Parsed::default() }
}

fn items<'t>(root: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> + use<'t> {
    root.get(key).into_iter().flat_map(|l| l.items())
}

/// Whether a base lies in another repository.
/// <https://github.com/kubernetes-sigs/kustomize/blob/master/examples/remoteBuild.md>
fn is_remote(written: &str) -> bool {
    let first = written.split('/').next().unwrap_or("");
    written.contains("://")
        || written.contains("?ref=")
        || written.starts_with("git@")
        || first.contains('.')
            && !first.trim_matches('.').is_empty()
            && written.contains('/')
            && !written.starts_with('.')
}

/// What each overlay makes of its bases.
pub(super) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let mut folders: BTreeMap<&str, Kustomization<'_>> = BTreeMap::new();
    for (file, (path, tree)) in trees {
        if let Some(node) = tree.root().filter(|_| is_kustomization(path)) {
            folders.insert(folder(path), Kustomization { path, file: *file, node });
        }
    }
    if folders.is_empty() {
        return;
    }
    let mut objects: BTreeMap<FileId, Vec<usize>> = BTreeMap::new();
    for (index, resource) in lowering.facts.resources.iter().enumerate() {
        if resource.system == System::Kubernetes && resource.block == "object" {
            objects.entry(resource.place.file).or_default().push(index);
        }
    }
    let used: BTreeSet<String> = folders.values().flat_map(|k| k.below()).collect();
    let mut all = Overlays {
        folders: &folders,
        trees,
        objects: &objects,
        resources: &lowering.facts.resources,
        file: lowering.file,
        parts: BTreeSet::new(),
        unread: Vec::new(),
    };
    let mut deployed = Vec::new();
    for (folder, kustomization) in &folders {
        let component = kustomization.node.get("kind").and_then(|k| k.as_str()) == Some("Component");
        if component || used.contains(*folder) || deployed.len() >= MOST_OBJECTS {
            continue;
        }
        let mut build = Build::default();
        all.build(folder, &mut build, 0);
        let target = build
            .namespace
            .and_then(|n| context(n, lowering))
            .or_else(|| path_target(kustomization.path, kustomization.file, lowering.environments));
        let via = Span::start_of(kustomization.file);
        for draft in build.drafts {
            let mut resource = draft.resource;
            resource.target = target.clone().or(resource.target);
            let shared = resource.target.clone().map(Arc::new);
            for entry in &mut resource.entries {
                entry.target = shared.clone();
            }
            if build.open {
                resource.open = vec![String::new()];
            }
            resource.shape = Shape::Effective;
            resource.size = u32::try_from(resource.entries.len()).unwrap_or(u32::MAX);
            resource.via.push(via);
            deployed.push(resource);
        }
    }
    let (parts, unread) = (all.parts, all.unread);
    for index in parts {
        lowering.facts.resources[index].shape = Shape::Part;
    }
    // A patch by itself is no object.
    let patches: BTreeSet<FileId> =
        trees.iter().filter(|(_, (path, _))| !is_kustomization(path)).map(|(file, _)| *file).collect();
    for resource in &mut lowering.facts.resources {
        if patches.contains(&resource.place.file) {
            resource.shape = Shape::Part;
        }
    }
    lowering.facts.deployed.extend(deployed);
    lowering.unread.extend(unread);
}

fn context(node: Node<'_>, lowering: &Lowering<'_>) -> Option<Target> {
    let name = node.as_str()?;
    let stage = classify(name, lowering.environments)?;
    Some(Target {
        stage: Value::Known(stage),
        name: Value::Known(name.to_owned()),
        basis: Basis::Context,
        place: node.span(),
    })
}

/// One kustomization file.
struct Kustomization<'t> {
    path: &'t str,
    file: FileId,
    node: Node<'t>,
}

impl Kustomization<'_> {
    /// Folders that it builds on.
    fn below(&self) -> Vec<String> {
        let listed = ["resources", "bases", "components"].into_iter().flat_map(|key| items(self.node, key));
        let local = listed.filter_map(|n| n.as_str().filter(|w| !is_remote(w)));
        local.filter_map(|written| normalise(&format!("{}/{written}", folder(self.path)))).collect()
    }
}

/// One object on its way.
struct Draft {
    resource: Resource,
    /// Its name before prefixes were put in front.
    first_name: String,
}

/// What one overlay comes to.
#[derive(Default)]
struct Build<'t> {
    drafts: Vec<Draft>,
    /// Folders that are in it: none is twice.
    seen: BTreeSet<String>,
    /// A part of it is not here.
    open: bool,
    /// The namespace that the outermost one gives.
    namespace: Option<Node<'t>>,
}

struct Overlays<'a, 't> {
    folders: &'a BTreeMap<&'a str, Kustomization<'t>>,
    trees: &'t Trees<'t>,
    objects: &'a BTreeMap<FileId, Vec<usize>>,
    resources: &'a [Resource],
    file: &'a dyn Fn(&str) -> Option<FileId>,
    /// Objects that came into an overlay.
    parts: BTreeSet<usize>,
    unread: Vec<Unread>,
}

impl<'t> Overlays<'_, 't> {
    /// Adds what the kustomization of a folder yields.
    fn build(&mut self, at: &str, build: &mut Build<'t>, depth: usize) {
        let Some(kustomization) = self.folders.get(at) else {
            build.open = true;
            return;
        };
        if depth >= DEEPEST || !build.seen.insert(at.to_owned()) || build.drafts.len() >= MOST_OBJECTS {
            return;
        }
        let (node, path, file) = (kustomization.node, kustomization.path, kustomization.file);
        let from = build.drafts.len();
        for list in ["resources", "bases"] {
            for item in items(node, list) {
                self.add(item, path, build, depth);
            }
        }
        // A component works on all that whoever takes it has.
        for item in items(node, "components") {
            self.add(item, path, build, depth);
        }
        let component = node.get("kind").and_then(|k| k.as_str()) == Some("Component");
        let from = if component { 0 } else { from };
        generate(node, file, &mut build.drafts, from);
        for patch in self.patches(node, path, build) {
            let mut met = build.drafts[from..].iter_mut().filter(|d| patch.meets(&d.resource, &d.first_name));
            met.by_ref().for_each(|draft| patch.apply(&mut draft.resource));
        }
        build.drafts.retain(|d| !d.resource.entries.is_empty());
        let from = from.min(build.drafts.len());
        let drafts = &mut build.drafts[from..];
        images(node, drafts);
        replicas(node, drafts);
        rename(node, drafts);
        if let Some(namespace) = node.get("namespace").filter(|n| n.as_str().is_some()) {
            for draft in drafts {
                draft.resource.namespace = namespace.as_str().map(str::to_owned);
                draft.resource.target = None;
            }
            build.namespace = Some(namespace);
        }
        for item in items(node, "replacements") {
            let drafts = &mut build.drafts[from..];
            let Some(written) = item.get("path").and_then(|p| p.as_str()) else {
                replace(item, drafts);
                continue;
            };
            let tree = normalise(&format!("{}/{written}", folder(path)))
                .and_then(|p| (self.file)(&p))
                .and_then(|file| self.trees.get(&file));
            match tree {
                Some((_, tree)) => {
                    tree.documents().flat_map(|d| d.one_or_more()).for_each(|r| replace(r, drafts));
                }
                None => build.open = true,
            }
        }
        // What these put in, only the tool tells.
        build.open |= ["transformers", "vars"].iter().any(|key| node.get(key).is_some());
    }

    fn add(&mut self, item: Node<'t>, path: &str, build: &mut Build<'t>, depth: usize) {
        let Some(written) = item.as_str() else { return };
        if is_remote(written) {
            build.open = true;
            if is_sample(path) {
                return;
            }
            let reason = format!("`{written}` lies in another repository: what it adds is not known");
            self.unread.push(Unread::new(path, UnreadClass::Outside, reason));
            return;
        }
        let Some(found) = normalise(&format!("{}/{written}", folder(path))) else { return build.open = true };
        let Some(file) = (self.file)(&found) else { return self.build(&found, build, depth + 1) };
        for &index in self.objects.get(&file).into_iter().flatten() {
            self.parts.insert(index);
            let mut resource = self.resources[index].clone();
            // A template that values fill is not known whole either.
            if resource.shape == Shape::Part
                && resource.entries.iter().any(|e| matches!(&e.setting, Value::Expr(t) if t.contains("{{")))
            {
                resource.open.push(String::new());
            }
            let first_name = resource.name.text();
            build.drafts.push(Draft { resource, first_name });
        }
    }

    fn patches(&self, node: Node<'t>, path: &str, build: &mut Build<'_>) -> Vec<Patch> {
        let mut found = Vec::new();
        let mut of_file = |written: &str, target: Option<Node<'t>>, found: &mut Vec<Patch>| {
            let tree = normalise(&format!("{}/{written}", folder(path)))
                .and_then(|p| (self.file)(&p))
                .and_then(|file| self.trees.get(&file));
            match tree {
                Some((_, tree)) => {
                    found.extend(tree.documents().filter_map(|d| Patch::new(d, target, &|span| span)));
                }
                None => build.open = true,
            }
        };
        for item in items(node, "patchesStrategicMerge") {
            match item.as_str() {
                Some(text) if text.contains('\n') => found.extend(inline(item, None)),
                Some(written) => of_file(written, None, &mut found),
                None => {}
            }
        }
        for list in ["patches", "patchesJson6902"] {
            for item in items(node, list) {
                let target = item.get("target");
                if let Some(written) = item.get("path").and_then(|p| p.as_str()) {
                    of_file(written, target, &mut found);
                }
                found.extend(item.get("patch").into_iter().flat_map(|p| inline(p, target)));
            }
        }
        found
    }
}

/// Patches that stand in the kustomization as a text.
fn inline(node: Node<'_>, target: Option<Node<'_>>) -> Vec<Patch> {
    let passage = node.passage();
    let tree = yaml::parse(passage.file(), passage.text(), Mask::None);
    let back = |span: Span| passage.span(span.range());
    tree.documents().filter_map(|d| Patch::new(d, target, &back)).collect()
}

fn setting(path: String, value: Value<String>, place: Span, key_place: Span) -> Setting {
    Setting {
        place,
        key: path.rsplit('.').next().unwrap_or("").to_owned(),
        path,
        setting: value,
        source: SettingSource::Config,
        target: None,
        key_place,
    }
}

/// `images:` gives an image another name, tag or digest.
fn images(node: Node<'_>, drafts: &mut [Draft]) {
    for entry in items(node, "images") {
        let of = |key| entry.get(key).filter(|n| n.as_str().is_some());
        let Some(name) = of("name").and_then(|n| n.as_str()) else { continue };
        let (new, tag, digest) = (of("newName"), of("newTag"), of("digest"));
        let Some(owner) = tag.or(digest).or(new) else { continue };
        let images = drafts.iter_mut().flat_map(|d| &mut d.resource.entries).filter(|e| {
            e.key == "image"
                && e.path.contains("ontainers.")
                && e.setting.known().is_some_and(|i| split_image(i).0 == name)
        });
        for image in images {
            let old = image.setting.text();
            let mut whole = new.and_then(|n| n.as_str()).unwrap_or(name).to_owned();
            let (kept, old_digest) = old.split_once('@').map_or((old.as_str(), None), |(k, d)| (k, Some(d)));
            match (tag.and_then(|t| t.as_str()), digest.and_then(|d| d.as_str())) {
                (tag, Some(digest)) => {
                    whole.extend(tag.map(|t| format!(":{t}")));
                    whole.push_str(&format!("@{digest}"));
                }
                (Some(tag), None) => whole.push_str(&format!(":{tag}")),
                (None, None) => {
                    whole.extend(split_image(kept).1.map(|t| format!(":{t}")));
                    whole.extend(old_digest.map(|d| format!("@{d}")));
                }
            }
            image.setting = known(&whole);
            image.place = owner.span();
            image.key_place = owner.span();
        }
    }
}

/// `replicas:` gives workloads a number of copies.
fn replicas(node: Node<'_>, drafts: &mut [Draft]) {
    for entry in items(node, "replicas") {
        let name = entry.get("name").and_then(|n| n.as_str());
        let Some((name, count)) = name.zip(entry.get("count").filter(|c| c.as_str().is_some())) else {
            continue;
        };
        let scales = |d: &&mut Draft| {
            let kind = matches!(
                d.resource.sort.as_str(),
                "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController"
            );
            kind && (d.first_name == name || d.resource.name.text() == name)
        };
        for draft in drafts.iter_mut().filter(scales) {
            let value = known(count.as_str().unwrap_or(""));
            let new = setting("spec.replicas".to_owned(), value, count.span(), count.span());
            draft.resource.entries.retain(|e| e.path != new.path);
            draft.resource.entries.push(new);
        }
    }
}

fn rename(node: Node<'_>, drafts: &mut [Draft]) {
    let of = |key| node.get(key).and_then(|n| n.as_str()).unwrap_or("");
    let (before, after) = (of("namePrefix"), of("nameSuffix"));
    if before.is_empty() && after.is_empty() {
        return;
    }
    for draft in drafts {
        if let Value::Known(name) | Value::Expr(name) = &mut draft.resource.name {
            *name = format!("{before}{name}{after}");
        }
    }
}

/// `configMapGenerator:` and `secretGenerator:`, whose values are no settings of the object if they are secret.
fn generate(node: Node<'_>, file: FileId, drafts: &mut Vec<Draft>, from: usize) {
    for (list, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
        for generator in items(node, list).filter(|g| g.kind() == Kind::Mapping) {
            let Some(named) = generator.get("name").filter(|n| n.as_str().is_some()) else { continue };
            let name = named.as_str().unwrap_or("").to_owned();
            let mut entries = Vec::new();
            for literal in items(generator, "literals") {
                let Some((key, value)) = literal.as_str().and_then(|l| l.split_once('=')) else { continue };
                let hidden = kind == "Secret";
                let value =
                    if hidden { Value::Unresolved("a value of a Secret".to_owned()) } else { known(value) };
                entries.push(setting(format!("data.{key}"), value, literal.span(), literal.span()));
            }
            let mut open = Vec::new();
            for list in ["files", "envs", "env"] {
                if generator.get(list).is_some() {
                    open.push("data".to_owned());
                }
            }
            let merges = generator.get("behavior").and_then(|b| b.as_str()).is_some_and(|b| b != "create");
            let since = from.min(drafts.len());
            let old = drafts[since..]
                .iter_mut()
                .find(|d| merges && d.resource.sort == kind && d.first_name == name);
            if let Some(draft) = old {
                let resource = &mut draft.resource;
                resource.entries.retain(|e| entries.iter().all(|new| new.path != e.path));
                resource.entries.append(&mut entries);
                resource.open.append(&mut open);
                continue;
            }
            // An object without entries was deleted by a patch.
            entries.push(setting(
                "metadata.name".to_owned(),
                Value::Known(name.clone()),
                named.span(),
                named.span(),
            ));
            let resource = Resource {
                place: named.span(),
                system: System::Kubernetes,
                block: "object".to_owned(),
                sort: kind.to_owned(),
                name: Value::Known(name.clone()),
                namespace: None,
                target: None,
                encrypted: false,
                size: 0,
                entries,
                body: Span::new(file, generator.span().range()),
                shape: Shape::Effective,
                open,
                via: Vec::new(),
            };
            drafts.push(Draft { resource, first_name: name });
        }
    }
}
