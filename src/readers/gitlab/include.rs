//! `include:`.
//! <https://docs.gitlab.com/ci/yaml/#include>

use super::config::{Budget, Conf, merge};
use crate::facts::{Argument, GITLAB_ITSELF, Outside, Use, UseKind, Value, raw_address};
use crate::readers::{Abroad, Trees, read};
use crate::source::Reference;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::text::{FileId, Spanned};

/// Includes of one configuration, nested ones counted, as GitLab limits them.
const MOST: usize = 150;
/// Includes within includes.
const DEEPEST: usize = 20;

/// The part of a file that is configuration: behind the `spec:` header, if there is one.
/// <https://docs.gitlab.com/ci/yaml/#header-keywords>
pub(super) fn body(tree: &Tree) -> Option<Node<'_>> {
    let mut documents = tree.documents();
    let first = documents.next()?;
    let header = first.kind() == Kind::Mapping && first.get("spec").is_some();
    if header { documents.next() } else { Some(first) }.filter(|b| b.kind() == Kind::Mapping)
}

/// The files of this repository that a configuration includes, as written.
pub(super) fn local_paths(body: Node<'_>) -> Vec<String> {
    let entries = body.get("include").into_iter().flat_map(|i| i.one_or_more());
    entries.filter_map(|e| local(e)).map(|n| bare(n.as_str().unwrap_or(""))).collect()
}

/// Files of other projects that a configuration includes, and files of child pipelines that lie there.
pub(super) fn abroad(body: Node<'_>) -> Vec<Abroad> {
    let triggers = body.merged_entries().into_iter().filter_map(|(_, job)| job.get("trigger"));
    let triggers: Vec<Node<'_>> = triggers.collect();
    let downstream = triggers.iter().filter_map(|trigger| downstream(*trigger));
    let maps = triggers.iter().copied().filter(|t| t.kind() == Kind::Mapping);
    let holders = std::iter::once(body).chain(maps);
    let entries = holders.filter_map(|h| h.get("include")).flat_map(|i| i.one_or_more());
    entries.flat_map(|entry| files_abroad(entry).into_iter().flatten()).chain(downstream).collect()
}

/// The pipeline of another project that `trigger:` starts.
/// <https://docs.gitlab.com/ci/pipelines/downstream_pipelines/#multi-project-pipelines>
fn downstream(trigger: Node<'_>) -> Option<Abroad> {
    let project = if trigger.kind() == Kind::Mapping { trigger.get("project")? } else { trigger };
    let version = trigger.get("branch").and_then(|b| b.as_str()).map(str::to_owned);
    let reference = Reference { name: project.as_str()?.trim_matches('/').to_owned(), version };
    Some(Abroad {
        reference,
        path: super::ENTRY.to_owned(),
        kind: super::KIND,
        place: project.span(),
        needed: false,
    })
}

/// The paths at which the files that a child pipeline takes from other projects are read.
pub(super) fn child_paths(trigger: Node<'_>, outside: &Outside) -> Vec<String> {
    let entries = trigger.get("include").into_iter().flat_map(|i| i.one_or_more());
    let files = entries.flat_map(|entry| files_abroad(entry).into_iter().flatten());
    files.filter_map(|f| Some(format!("{}{}", outside.prefix_of(&f.reference)?, f.path))).collect()
}

/// The files that an entry takes from another project; of a component, which may lie in one of two places, both.
/// <https://docs.gitlab.com/ci/components/>
fn files_abroad(entry: Node<'_>) -> Option<Vec<Abroad>> {
    let text = |key: &str| entry.get(key).and_then(|n| n.as_str());
    let file = |reference: &Reference, path: String| Abroad {
        reference: reference.clone(),
        path,
        kind: super::KIND,
        place: entry.span(),
        needed: true,
    };
    if let Some(project) = text("project") {
        let version = text("ref").map(str::to_owned);
        let reference = Reference { name: project.trim_matches('/').to_owned(), version };
        let files = entry.get("file").into_iter().flat_map(|f| f.one_or_more()).filter_map(|f| f.as_str());
        return Some(files.map(|path| file(&reference, bare(path))).collect());
    }
    if let Some((reference, path)) = text("remote").and_then(raw_address) {
        return Some(vec![file(&reference, path)]);
    }
    if let Some(template) = text("template") {
        let reference = Reference { name: GITLAB_ITSELF.to_owned(), version: None };
        return Some(vec![file(&reference, format!("lib/gitlab/ci/templates/{}", bare(template)))]);
    }
    let (path, version) = text("component")?.split_once('@')?;
    let (project, component) = path.split_once('/')?.1.rsplit_once('/')?;
    let reference = Reference { name: project.to_owned(), version: Some(version.to_owned()) };
    Some(vec![file(&reference, format!("templates/{component}.yml|templates/{component}/template.yml"))])
}

/// The path of a local include.
fn local(entry: Node<'_>) -> Option<Node<'_>> {
    match entry.kind() {
        Kind::Mapping => entry.get("local"),
        _ => Some(entry).filter(|e| e.as_str().is_some_and(|t| !t.contains("://"))),
    }
}

/// A path from the root without its leading slash.
pub(super) fn bare(path: &str) -> String {
    path.trim().trim_start_matches("./").trim_start_matches('/').to_owned()
}

/// What was put together.
pub(super) struct Whole<'t> {
    pub(super) conf: Conf<'t>,
    pub(super) includes: Vec<Use>,
    pub(super) parts: Vec<FileId>,
    pub(super) complete: bool,
    pub(super) budget: Budget,
}

/// Puts together the configuration that starts with these files, later ones over earlier ones.
pub(super) fn load<'t>(trees: &'t Trees<'_>, outside: &Outside, files: &[FileId]) -> Option<Whole<'t>> {
    let mut loader = Loader {
        trees,
        outside,
        open: Vec::new(),
        count: 0,
        includes: Vec::new(),
        parts: Vec::new(),
        complete: true,
        budget: Budget::default(),
    };
    let mut conf: Option<Conf<'t>> = None;
    for &file in files {
        let Some(next) = loader.file(file) else { continue };
        conf = Some(conf.map_or(next.clone(), |under| merge(&under, &next, &loader.budget)));
    }
    let Loader { includes, mut parts, complete, budget, .. } = loader;
    parts.sort();
    parts.dedup();
    Some(Whole { conf: conf?, includes, parts, complete, budget })
}

struct Loader<'t, 's, 'o> {
    trees: &'t Trees<'s>,
    outside: &'o Outside,
    /// Files that are being put together, so that a circle ends.
    open: Vec<FileId>,
    count: usize,
    includes: Vec<Use>,
    parts: Vec<FileId>,
    complete: bool,
    budget: Budget,
}

impl<'t> Loader<'t, '_, '_> {
    fn file(&mut self, file: FileId) -> Option<Conf<'t>> {
        let (_, tree) = self.trees.get(&file)?;
        self.parts.push(file);
        // A part that is no YAML may hold anything.
        self.complete &= tree.errors().is_empty();
        let body = body(tree)?;
        let own = Conf::Written(body);
        let Some(include) = body.get("include") else { return Some(own) };
        self.open.push(file);
        let mut under: Option<Conf<'t>> = None;
        for entry in include.one_or_more() {
            for next in self.entry(entry, file) {
                under = Some(under.map_or(next.clone(), |under| merge(&under, &next, &self.budget)));
            }
        }
        self.open.pop();
        Some(under.map_or(own.clone(), |under| merge(&under, &own, &self.budget)))
    }

    /// What one entry of `include:` brings in.
    fn entry(&mut self, entry: Node<'t>, file: FileId) -> Vec<Conf<'t>> {
        let mut used = outside(entry);
        if let Some(path) = local(entry) {
            let prefix = self.outside.prefix(file);
            used.local = prefix.is_empty();
            used.place = path.span();
            used.name = format!("{prefix}{}", bare(path.as_str().unwrap_or("")));
            let (found, why) = self.local(&used.name);
            // Interpolated inputs are not put in, so that names and values may differ.
            self.complete &= found.iter().all(|f| !self.interpolated(*f));
            used.unresolved = why;
            self.complete &= used.unresolved.is_none();
            self.includes.push(used);
            return found.into_iter().filter_map(|f| self.file(f)).collect();
        }
        let mut found = Vec::new();
        for Abroad { reference, path, .. } in files_abroad(entry).unwrap_or_default() {
            let prefix = self.outside.prefix_of(&reference);
            let paths = path.split('|').filter_map(|path| Some(format!("{}{path}", prefix?)));
            let files = paths.map(|path| self.local(&path).0).find(|files| !files.is_empty());
            match files {
                Some(files) => found.extend(files),
                None => {
                    found.clear();
                    break;
                }
            }
        }
        if !found.is_empty() {
            used.unresolved = None;
        }
        self.complete &= used.unresolved.is_none() && found.iter().all(|f| !self.interpolated(*f));
        self.includes.push(used);
        found.into_iter().filter_map(|f| self.file(f)).collect()
    }

    fn interpolated(&self, file: FileId) -> bool {
        self.trees.get(&file).is_some_and(|(_, tree)| tree.text().contains("$[["))
    }

    fn local(&mut self, path: &str) -> (Vec<FileId>, Option<String>) {
        if path.contains('$') {
            return (Vec::new(), Some("its path holds a variable".into()));
        }
        let mut found: Vec<FileId> = if path.contains(['*', '?']) {
            let glob = read::glob(path);
            let matches = |p: &str| glob.as_ref().is_some_and(|g| g.matched(p, false).is_ignore());
            self.trees.iter().filter(|(_, (p, _))| matches(p)).map(|(id, _)| *id).collect()
        } else {
            self.trees.iter().find(|(_, (p, _))| *p == path).map(|(id, _)| *id).into_iter().collect()
        };
        if found.is_empty() {
            return (found, Some("there is no such file in the repository".into()));
        }
        found.retain(|f| !self.open.contains(f));
        self.count += found.len();
        if self.count > MOST || self.open.len() > DEEPEST {
            return (Vec::new(), Some("more includes than GitLab takes".into()));
        }
        (found, None)
    }
}

/// An include from elsewhere.
fn outside(entry: Node<'_>) -> Use {
    let text = |key: &str| entry.get(key).and_then(|n| n.spanned());
    let mut used = Use {
        place: entry.span(),
        sort: UseKind::Template,
        name: entry.as_str().unwrap_or("").to_owned(),
        version: None,
        local: false,
        inputs: Vec::new(),
        unresolved: Some("it lies on another server".into()),
    };
    if let Some(component) = text("component") {
        let (name, version) = match component.value.rsplit_once('@') {
            Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
            None => (component.value.clone(), None),
        };
        used.version = version.map(|v| {
            let passage = entry.get("component").expect("it was read above").passage();
            let end = component.value.len();
            Spanned::new(v.clone(), passage.span(end - v.len()..end))
        });
        used.name = name;
        used.unresolved = Some("the component lies in another project".into());
    } else if let Some(project) = text("project") {
        let files = entry.get("file").into_iter().flat_map(|f| f.one_or_more()).filter_map(|f| f.as_str());
        let files: Vec<&str> = files.collect();
        used.name = format!("{}:{}", project.value, files.join(","));
        used.version = text("ref");
        used.unresolved = Some("the file lies in another project".into());
    } else if let Some(template) = text("template") {
        used.name = template.value;
        used.unresolved = Some("the template comes with the server".into());
    } else if let Some(remote) = text("remote") {
        used.name = remote.value;
        used.version = text("integrity");
    } else if let Some(artifact) = text("artifact") {
        used.name = artifact.value;
        used.unresolved = Some("a job of the pipeline writes the file".into());
    }
    let inputs = entry.get("inputs").map(|i| i.merged_entries()).unwrap_or_default();
    used.inputs = inputs
        .into_iter()
        .filter_map(|(k, v)| {
            let value = Value::Known(v.as_str()?.to_owned());
            Some(Argument { name: k.spanned()?, value: Spanned::new(value, v.span()) })
        })
        .collect();
    used
}
