//! What files say of each environment, side by side: overlays, values files, variables of environments.

use crate::facts::{Basis, Repository, Resource, Setting, Shape, Stage, Target, Value};
use crate::lexicon::mentions;
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

/// Environments that several people or systems share and that stay.
pub(super) fn is_lasting(stage: Stage) -> bool {
    !matches!(stage, Stage::Ci | Stage::Local | Stage::Preview)
}

/// A name in which the words for `stage` are replaced: `values-*.yaml`.
pub(super) fn starred(name: &str, stage: Stage, repository: &Repository) -> String {
    let mut out = String::with_capacity(name.len());
    let mut from = 0;
    for mention in mentions(name, &repository.environments).0 {
        if mention.stage == stage && mention.range.start >= from {
            out.push_str(&name[from..mention.range.start]);
            out.push('*');
            from = mention.range.end;
        }
    }
    out.push_str(&name[from..]);
    out
}

/// All that files say of one environment, in one folder or family of files.
#[derive(Default)]
pub(super) struct Definition<'a> {
    /// Settings, by the file within the family and the path of the key.
    pub settings: BTreeMap<(String, String), &'a Setting>,
    /// Objects and blocks, by type and name, in which words for the environment are replaced.
    pub resources: BTreeMap<(String, String), &'a Resource>,
    /// The first place of the definition.
    pub place: Option<Span>,
}

/// One family of definitions: `deploy/values-*.yaml`, `overlays/*`.
pub(super) struct Family<'a> {
    /// The path, with the environment replaced.
    pub name: String,
    /// By stage.
    pub stages: BTreeMap<Stage, Definition<'a>>,
}

impl<'a> Family<'a> {
    /// Staging and production, if both are here.
    pub(super) fn both(&self) -> Option<(&Definition<'a>, &Definition<'a>)> {
        Some((self.stages.get(&Stage::Staging)?, self.stages.get(&Stage::Production)?))
    }
}

/// Of several environments of one stage, the one that comes nearest to its name is compared.
fn rank(name: &str) -> usize {
    let lower = name.to_ascii_lowercase();
    let known = ["production", "prod", "staging", "stg", "stage", "preprod", "pre-prod", "uat", "live"];
    known.iter().position(|k| lower.contains(k)).unwrap_or(known.len())
}

/// Definitions by family, stage, and the name that the environment has there.
type Slots<'a> = BTreeMap<String, BTreeMap<Stage, BTreeMap<String, Definition<'a>>>>;

/// Every family that files of environments form.
pub(super) fn families(repository: &Repository) -> Vec<Family<'_>> {
    let mut all = Slots::new();
    let mut cut = Cut::default();
    let names = names(repository);
    for setting in &repository.facts.settings {
        let Some((target, stage)) = staged(setting.target.as_deref()) else { continue };
        if !passes(repository, setting.place) {
            continue;
        }
        let parts = cut.at(repository, setting.place, target, stage);
        // `production:` of a file of all environments is no part of the key.
        let path = named(setting, &names, |name| starred(name, stage, repository));
        let path = match path.split_once('.') {
            Some((first, path)) if repository.stage_of(first) == Some(stage) => path.to_owned(),
            _ => path,
        };
        let key = (parts.rest.clone(), path);
        slot(&mut all, parts, stage, setting.place).settings.entry(key).or_insert(setting);
    }
    // What an environment gets counts, not the patches and templates that it is made of.
    for resource in repository.deployed() {
        let Some((target, stage)) = staged(resource.target.as_ref()) else { continue };
        if !passes(repository, resource.place) {
            continue;
        }
        // What several environments share belongs to each by the place that names it.
        let told_at = if resource.shape == Shape::Effective { target.place } else { resource.place };
        let parts = cut.at(repository, told_at, target, stage);
        let name = starred(&resource.name.text(), stage, repository);
        let values = match resource.sort.as_str() {
            "ConfigMap" => "data.",
            "HelmRelease" => "spec.values.",
            _ => "",
        };
        let definition = slot(&mut all, parts, stage, told_at);
        for entry in resource.entries.iter().filter(|_| !values.is_empty()) {
            if let Some(path) = entry.path.strip_prefix(values) {
                definition.settings.entry((name.clone(), path.to_owned())).or_insert(entry);
            }
        }
        definition.resources.entry((resource.sort.clone(), name)).or_insert(resource);
    }
    let best = |named: BTreeMap<String, _>| {
        let mut all: Vec<(String, Definition<'_>)> = named.into_iter().collect();
        all.sort_by_key(|(name, _)| rank(name));
        all.into_iter().next().map(|(_, definition)| definition)
    };
    let family = |(name, stages): (String, BTreeMap<Stage, _>)| Family {
        name,
        stages: stages.into_iter().filter_map(|(stage, named)| Some((stage, best(named)?))).collect(),
    };
    all.into_iter().map(family).collect()
}

/// The names of items of lists, by the file and the path of the item.
type Names<'a> = BTreeMap<(FileId, &'a str), &'a str>;

fn names(repository: &Repository) -> Names<'_> {
    let named = repository.facts.settings.iter().filter(|s| s.key == "name").filter_map(|s| {
        let item = s.path.strip_suffix(".name")?;
        if !item.rsplit('.').next().is_some_and(is_item) {
            return None;
        }
        Some(((s.place.file, item), text(s)?))
    });
    named.collect()
}

/// Whether a part of a path is the number of an item in a list.
pub(super) fn is_item(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

/// A setting's path in which items of lists stand by their names: the lists of two files need not be in one order.
fn named(setting: &Setting, names: &Names<'_>, written: impl Fn(&str) -> String) -> String {
    let path = setting.path.as_str();
    let mut out = String::with_capacity(path.len());
    let mut from = 0;
    for part in path.split('.') {
        let to = from + part.len();
        if from > 0 {
            out.push('.');
        }
        match names.get(&(setting.place.file, &path[..to])).filter(|_| is_item(part)) {
            Some(name) => out.push_str(&written(name)),
            None => out.push_str(part),
        }
        from = to + 1;
    }
    out
}

fn slot<'m, 'a>(all: &'m mut Slots<'a>, parts: &Parts, stage: Stage, place: Span) -> &'m mut Definition<'a> {
    let named = all.entry(parts.family.clone()).or_default().entry(stage).or_default();
    let definition = named.entry(parts.name.clone()).or_default();
    if definition.place.is_none_or(|p| place < p) {
        definition.place = Some(place);
    }
    definition
}

fn staged(target: Option<&Target>) -> Option<(&Target, Stage)> {
    let target = target?;
    Some((target, *target.stage.known().filter(|s| is_lasting(**s))?))
}

/// Whether somebody deploys what lies at a place.
pub(super) fn passes(repository: &Repository, place: Span) -> bool {
    repository.is_own(place)
}

/// A path, cut where it first names the environment.
struct Parts {
    /// Up to there: `overlays/*` holds all files below `overlays/staging`.
    family: String,
    /// The file within the family.
    rest: String,
    /// What the environment is called there.
    name: String,
}

/// The parts of the place that was asked for last: facts of one file follow each other.
#[derive(Default)]
struct Cut(Option<(FileId, Stage, Parts)>);

impl Cut {
    fn at(&mut self, repository: &Repository, place: Span, target: &Target, stage: Stage) -> &Parts {
        let by_path = target.basis == Basis::Name;
        let known = self.0.take().filter(|(f, s, _)| by_path && (*f, *s) == (place.file, stage));
        let parts = known.map_or_else(|| parts(repository, place, target, stage), |(.., parts)| parts);
        // What a key of the file names is another environment at the next key.
        let file = if by_path { place.file } else { FileId(u32::MAX) };
        &self.0.insert((file, stage, parts)).2
    }
}

fn parts(repository: &Repository, place: Span, target: &Target, stage: Stage) -> Parts {
    let path = repository.path(place);
    let mut name = target.name.known().cloned().unwrap_or_default();
    if target.basis != Basis::Name {
        return Parts { family: starred(path, stage, repository), rest: String::new(), name };
    }
    let mut family = Vec::new();
    let mut parts = path.split('/');
    for part in parts.by_ref() {
        let found = starred(part, stage, repository);
        let names = found != part;
        family.push(found);
        if names {
            name = part.to_owned();
            break;
        }
    }
    let rest: Vec<String> = parts.map(|part| starred(part, stage, repository)).collect();
    Parts { family: family.join("/"), rest: rest.join("/"), name }
}

/// Every setting and every entry of an object of a lasting environment, with its stage.
pub(super) fn told(repository: &Repository) -> impl Iterator<Item = (Stage, &Setting)> {
    let entries = repository.facts.resources.iter().flat_map(|r| &r.entries);
    lasting(repository, repository.facts.settings.iter().chain(entries))
}

/// Those settings that belong to a lasting environment, with its stage.
pub(super) fn lasting<'r>(
    repository: &'r Repository,
    settings: impl Iterator<Item = &'r Setting>,
) -> impl Iterator<Item = (Stage, &'r Setting)> {
    settings.filter_map(move |setting| {
        let (_, stage) = staged(setting.target.as_deref())?;
        passes(repository, setting.place).then_some((stage, setting))
    })
}

/// The known text of a setting.
pub(super) fn text(setting: &Setting) -> Option<&str> {
    match &setting.setting {
        Value::Known(text) => Some(text.as_str()),
        _ => None,
    }
}

/// `Staging`, as a sentence begins.
pub(super) fn capital(stage: Stage) -> String {
    let mut letters = stage.name().chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}
