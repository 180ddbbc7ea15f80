//! Objects by which software is delivered: those of Argo CD, Flux and their kin, and of pipelines that run in a
//! cluster. They refer to each other over files, so their trees are kept until all are there.

use crate::facts;
use crate::readers::names::within;
use crate::readers::{Lowering, Text, Trees, Want, commands, containers, gitops, tekton, workflows};
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use crate::text::Span;
use aho_corasick::AhoCorasick;
use std::ops::Range;
use std::sync::LazyLock;

/// API groups of these objects, as they stand in `apiVersion`.
const GROUPS: &[&str] = &["argoproj.io/", ".toolkit.fluxcd.io/", "tekton.dev/"];

/// Annotations of jobs that run before or after a deploy.
const HOOKS: &[&str] = &["argocd.argoproj.io/hook:", "helm.sh/hook:"];

/// The configuration of Argo CD itself.
const SETTINGS: &str = "resource.customizations";

/// A text with such objects as one tree, from the first document that matters to the last. What lies between and is of
/// another sort is blanked out, so that schemas which lie in the same file cost nothing.
pub(super) fn tree(text: &Text<'_>, mask: Mask) -> Option<Tree> {
    static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        AhoCorasick::new(GROUPS.iter().chain(HOOKS).chain([&SETTINGS])).expect("a few words are an automaton")
    });
    if !MARKS.is_match(text.text)
        || !super::documents(text.text).any(|document| delivers(&text.text[document]))
    {
        return None;
    }
    let matters = |document: &str| delivers(document) || super::is_meant(document);
    let kept: Vec<Range<usize>> =
        super::documents(text.text).filter(|d| matters(&text.text[d.clone()])).collect();
    let (first, last) = (kept.first()?.start, kept.last()?.end);
    let mut part = String::with_capacity(last - first);
    let mut done = first;
    for document in kept {
        // Bytes, not characters: every place behind stays where it is.
        let blank = |byte: u8| if matches!(byte, b'\n' | b'\r') { byte as char } else { ' ' };
        part.extend(text.text[done..document.start].bytes().map(blank));
        part.push_str(&text.text[document.clone()]);
        done = document.end;
    }
    Some(yaml::parse(text.file, &part, mask).of_part(first))
}

/// Whether a document holds such an object.
fn delivers(document: &str) -> bool {
    // Schemas are most of the bytes of many manifests.
    if document.lines().any(|l| l.starts_with("kind: CustomResourceDefinition")) {
        return false;
    }
    let mut lines = document.lines();
    let grouped = lines
        .by_ref()
        .any(|l| l.strip_prefix("apiVersion:").is_some_and(|v| GROUPS.iter().any(|g| v.contains(g))));
    let other = || HOOKS.iter().any(|h| document.contains(h)) || document.contains(SETTINGS);
    grouped || other()
}

/// Scripts of the repository that containers of these objects run.
pub(super) fn wants(tree: &Tree) -> Vec<Want> {
    let mut wants = Vec::new();
    for document in tree.documents() {
        scripts(document, &mut wants);
    }
    wants.sort();
    wants.dedup();
    wants
}

/// Trees nest at most 128 deep.
fn scripts(node: Node<'_>, wants: &mut Vec<Want>) {
    if node.is_alias() {
        return;
    }
    if node.kind() == Kind::Mapping && node.get("image").is_some() {
        let known = |text: &str| vec![text.to_owned()];
        let reading = containers::Reading { known: &known, find: tekton::placeholders };
        let mut commands = containers::commands(node, reading);
        for key in ["script", "source"] {
            let script = node.get(key).into_iter();
            commands.extend(script.flat_map(|s| containers::script(s, "/bin/sh", reading)));
        }
        wants.extend(commands.iter().filter_map(|c| commands::called_script(c, None)));
    }
    for (_, value) in node.entries() {
        scripts(value, wants);
    }
    for item in node.items() {
        scripts(item, wants);
    }
}

/// One object of a manifest.
#[derive(Clone, Copy)]
pub(in crate::readers) struct Object<'t> {
    /// The file's path.
    pub path: &'t str,
    /// All of it.
    pub node: Node<'t>,
    /// The API group, without version.
    pub group: &'t str,
    /// What it is.
    pub kind: &'t str,
}

impl<'t> Object<'t> {
    fn new(path: &'t str, node: Node<'t>) -> Option<Object<'t>> {
        let version = node.get("apiVersion")?.as_str()?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        Some(Object { path, node, group, kind: node.get("kind")?.as_str()? })
    }

    /// A node of `spec`.
    pub(in crate::readers) fn spec(&self, path: &[&str]) -> Option<Node<'t>> {
        self.node.get("spec")?.at(path)
    }

    /// Its name, empty if it has none.
    pub(in crate::readers) fn name(&self) -> &'t str {
        self.node.at(&["metadata", "name"]).and_then(|n| n.as_str()).unwrap_or("")
    }

    /// Its name, or its kind where it has none.
    pub(in crate::readers) fn place(&self) -> Span {
        let name = self.node.at(&["metadata", "name"]).or(self.node.get("kind"));
        name.map_or(self.node.span(), |n| n.span())
    }

    /// An annotation's value.
    pub(in crate::readers) fn annotation(&self, name: &str) -> Option<Node<'t>> {
        self.node.at(&["metadata", "annotations", name]).filter(|n| n.as_str().is_some())
    }
}

/// Reads the objects of all files together.
pub(in crate::readers) fn lower(trees: &Trees<'_>, lowering: &mut Lowering<'_>) {
    let mut objects = Vec::new();
    for (path, tree) in trees.values() {
        objects.extend(tree.documents().filter_map(|node| Object::new(path, node)));
    }
    // What lies among examples, tests and documents delivers nothing.
    let shown =
        |path: &str| facts::is_sample(path) || facts::is_vendored(path) || within(path, &["doc", "docs"]);
    objects.retain(|o| !shown(o.path));

    let mut pipelines = tekton::pipelines(&objects);
    pipelines.extend(workflows::pipelines(&objects));
    lowering.facts.base_images.extend(commands::base_images(&pipelines));
    lowering.facts.pipelines.extend(pipelines);
    gitops::lower(&objects, lowering);
    super::helm::lower(trees, &objects, lowering);
}
