//! What compose files make between them: by their names, by the commands that list them, by `include` and
//! `extends`. A file that serves developers in one stack and production in another is production's, too.
//! <https://docs.docker.com/compose/how-tos/multiple-compose-files/>

use crate::facts::{
    Basis, Command, ComposeFile, Facts, File, Owner, Repository, ScriptKind, Service, SettingSource, Stack,
    Stage, Target, Value, in_file, in_file_mut, join_path,
};
use crate::lexicon::{Environments, classify};
use crate::readers::names::{folder, name};
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Files that take in or copy from others are followed so far.
const DEEPEST: usize = 8;
/// More files or stacks than a repository has that people work with.
const MOST_FILES: usize = 2_000;
const MOST_STACKS: usize = 1_000;

/// Names under which compose finds a file by itself, the preferred one first, and those of its override.
const NAMES: &[(&str, &[&str])] = &[
    ("compose.yaml", &["compose.override.yaml", "compose.override.yml"]),
    ("compose.yml", &["compose.override.yml", "compose.override.yaml"]),
    ("docker-compose.yml", &["docker-compose.override.yml", "docker-compose.override.yaml"]),
    ("docker-compose.yaml", &["docker-compose.override.yaml", "docker-compose.override.yml"]),
];

/// Every stack, those of commands first.
pub(super) fn stacks(repository: &Repository) -> Vec<Stack> {
    let all = Files::new(repository);
    if all.by_path.is_empty() || all.by_path.len() > MOST_FILES {
        return Vec::new();
    }
    let mut found: Vec<(Vec<FileId>, Option<Span>, Option<Target>)> = Vec::new();
    let mut add = |files: Vec<FileId>, started: Option<Span>, target: Option<Target>| {
        if !files.is_empty() && found.len() < MOST_STACKS && !found.iter().any(|(f, ..)| *f == files) {
            found.push((files, started, target));
        }
    };
    for (owner, command) in repository.commands() {
        let Some(written) = listed(command) else { continue };
        if let Some(files) = folders(repository, owner, command).find_map(|f| all.resolve(&f, &written)) {
            add(files, Some(command.place), owner.target().cloned());
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| s.key == "COMPOSE_FILE") {
        let Value::Known(value) = &setting.setting else { continue };
        let written: Vec<&str> = value.split([':', ';']).filter(|p| !p.is_empty()).collect();
        if setting.source == SettingSource::Dotenv
            && let Some(files) = all.resolve(folder(repository.path(setting.place)), &written)
        {
            add(files, None, None);
        }
    }
    for (&path, &file) in &all.by_path {
        let own = NAMES.iter().find(|(found, _)| *found == name(path));
        let Some((_, overrides)) = own else { continue };
        let over = overrides.iter().find_map(|name| all.by_path.get(join_path(folder(path), name).as_str()));
        add([file].into_iter().chain(over.copied()).collect(), None, None);
    }
    // What neither builds nor names an image says only what differs from the file beside it.
    for (&path, &file) in &all.by_path {
        let partial = |s: &Service| s.image.is_none() && s.build.is_none() && s.extends.is_none();
        let several = |files: &[FileId]| files.len() > 1 && files.contains(&file);
        if found.iter().any(|(files, ..)| several(files)) || !all.compose(file).services.iter().any(partial) {
            continue;
        }
        let base = NAMES.iter().find_map(|(name, _)| all.by_path.get(join_path(folder(path), name).as_str()));
        if let Some(&base) = base.filter(|base| **base != file) {
            found.push((vec![base, file], None, None));
        }
    }
    for &file in all.by_path.values() {
        if !found.iter().any(|(files, ..)| files.contains(&file)) {
            found.push((vec![file], None, None));
        }
    }
    found.into_iter().map(|(files, started, target)| all.stack(files, started, target)).collect()
}

/// The compose files that a command lists with `-f`.
fn listed(command: &Command) -> Option<Vec<&str>> {
    let args: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
    let rest = match (command.program.as_str(), args.as_slice()) {
        ("docker-compose" | "podman-compose", rest) => rest,
        ("docker" | "podman", ["compose", rest @ ..]) => rest,
        _ => return None,
    };
    let mut files = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next().filter(|w| w.starts_with('-')) {
        let (flag, value) = word.split_once('=').map_or((*word, None), |(flag, value)| (flag, Some(value)));
        let takes = matches!(
            flag,
            "-f" | "--file"
                | "-p"
                | "--project-name"
                | "--profile"
                | "--env-file"
                | "--project-directory"
                | "--ansi"
                | "--parallel"
                | "--progress"
        );
        let value = if takes && value.is_none() { words.next().copied() } else { value };
        if matches!(flag, "-f" | "--file") {
            files.push(value?);
        }
    }
    (!files.is_empty()).then_some(files)
}

/// Folders that the files of a command may be meant from.
fn folders<'r>(
    repository: &'r Repository,
    owner: Owner<'r>,
    command: &Command,
) -> impl Iterator<Item = String> + use<'r> {
    let own = folder(repository.path(command.place)).to_owned();
    let first = match owner {
        Owner::Step { step, .. } => step.folder.clone().unwrap_or_default(),
        // Make and npm run in the folder of their file.
        Owner::Script(s) if matches!(s.script, ScriptKind::Make | ScriptKind::Npm) => own.clone(),
        Owner::Script(_) => String::new(),
    };
    let above = folder(&own).to_owned();
    [first, String::new(), own, above].into_iter()
}

/// The compose files of a repository.
struct Files<'r> {
    by_path: BTreeMap<&'r str, FileId>,
    all: BTreeMap<FileId, &'r ComposeFile>,
    repository: &'r Repository,
}

impl<'r> Files<'r> {
    fn new(repository: &'r Repository) -> Files<'r> {
        let all = repository.facts.compose_files.iter();
        Files {
            by_path: all.clone().map(|c| (repository.path(c.place), c.place.file)).collect(),
            all: all.map(|c| (c.place.file, c)).collect(),
            repository,
        }
    }

    fn compose(&self, file: FileId) -> &'r ComposeFile {
        self.all[&file]
    }

    /// The files that these words mean from a folder, if all of them are here.
    fn resolve(&self, folder: &str, written: &[&str]) -> Option<Vec<FileId>> {
        let mut files = Vec::new();
        for path in written {
            let file = *self.by_path.get(join_path(folder, path.trim_matches(['"', '\''])).as_str())?;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Some(files)
    }

    fn stack(&self, files: Vec<FileId>, started: Option<Span>, from_command: Option<Target>) -> Stack {
        let mut services: Vec<Service> = Vec::new();
        for &file in &files {
            self.take_in(file, 0, &mut BTreeSet::new(), &mut services);
        }
        let own = files.iter().rev().find_map(|f| self.compose(*f).target.clone());
        let target = own.or(from_command);
        let staged = |t: &Target| t.is(Stage::Production) || t.is(Stage::Staging);
        // `compose.deploy.yml` says that what it is laid over is deployed, though not where to.
        let deploys = files[1..].iter().any(|f| {
            let path = self.repository.path(self.compose(*f).place);
            name(path)
                .split(['.', '-', '_'])
                .any(|w| matches!(w, "deploy" | "deployment" | "server" | "live"))
        });
        let for_developers = !deploys && files.iter().any(|f| self.compose(*f).local_only);
        Stack {
            place: self.compose(files[0]).place,
            local: for_developers && !target.as_ref().is_some_and(staged),
            files,
            started,
            target,
            services,
        }
    }

    /// Merges the services of a file, and of those that it takes in, into what there is.
    fn take_in(&self, file: FileId, depth: usize, seen: &mut BTreeSet<FileId>, into: &mut Vec<Service>) {
        if depth > DEEPEST || !seen.insert(file) {
            return;
        }
        let Some(compose) = self.all.get(&file) else { return };
        for path in &compose.includes {
            if let Some(&included) = self.by_path.get(path.value.as_str()) {
                self.take_in(included, depth + 1, seen, into);
            }
        }
        for service in &compose.services {
            let service = self.extended(service, file, 0);
            match into.iter_mut().find(|s| s.name == service.name) {
                Some(own) => own.merge(&service),
                None => into.push(service),
            }
        }
    }

    /// A service with what it is copied from.
    fn extended(&self, service: &Service, file: FileId, depth: usize) -> Service {
        let mut whole = service.clone();
        whole.open |= reads_elsewhere(self.repository, service, file);
        let Some(extends) = service.extends.as_ref().filter(|_| depth < DEEPEST) else { return whole };
        let from = match &extends.file {
            Some(path) => self.by_path.get(path.as_str()).copied(),
            None => Some(file),
        };
        let base = from.and_then(|from| {
            let base = self.all.get(&from)?.services.iter().find(|s| s.name == extends.service)?;
            (!std::ptr::eq(base, service)).then(|| self.extended(base, from, depth + 1))
        });
        let Some(base) = base else {
            whole.open = true;
            return whole;
        };
        let mut merged = Service { place: service.place, name: service.name.clone(), ..base };
        merged.merge(&whole);
        merged
    }
}

/// Whether a service reads an env file that is not in the tree.
fn reads_elsewhere(repository: &Repository, service: &Service, file: FileId) -> bool {
    let path = format!("services.{}.env_file", service.name);
    let folder = folder(repository.path(service.place));
    repository.settings_of(file).iter().filter(|s| s.path == path).any(|s| match &s.setting {
        Value::Known(written) => repository.by_path(&join_path(folder, written)).is_none(),
        _ => true,
    })
}

/// Variables that name the mode in which a program runs.
const MODES: &[&str] = &[
    "NODE_ENV",
    "RAILS_ENV",
    "RACK_ENV",
    "APP_ENV",
    "FLASK_ENV",
    "DJANGO_ENV",
    "DJANGO_SETTINGS_MODULE",
    "ASPNETCORE_ENVIRONMENT",
    "DOTNET_ENVIRONMENT",
    "SPRING_PROFILES_ACTIVE",
    "MIX_ENV",
    "GO_ENV",
    "API__ENV",
    "ENVIRONMENT",
    "ENV",
    "DEPLOY_ENV",
];

/// Gives production's settings to production: a base file that says it is production's beside an override for
/// developers, and what a file for production leaves as the base says it.
pub(super) fn settle(facts: &mut Facts, files: &[File], stacks: &mut [Stack], environments: &Environments) {
    let mut told: BTreeMap<FileId, Target> = BTreeMap::new();
    let mut kept: Vec<(FileId, BTreeSet<String>, Target)> = Vec::new();
    for stack in stacks.iter().filter(|s| s.files.len() > 1) {
        let compose = |file: FileId| facts.compose_files.iter().find(|c| c.place.file == file);
        let base = stack.files[0];
        let Some(first) = compose(base).filter(|c| c.target.is_none()) else { continue };
        let staged = stack.target.as_ref().filter(|t| t.is(Stage::Production) || t.is(Stage::Staging));
        let later = || stack.files[1..].iter().filter_map(|f| compose(*f));
        if staged.is_none() && later().any(|c| c.local_only && !is_for_tests(files, c.place.file)) {
            let says = said_mode(facts, first, environments);
            told.extend(says.map(|target| (base, target)));
        }
        if let Some(target) = staged {
            let target = Target { basis: Basis::Name, ..target.clone() };
            let overridden = stack.files[1..].iter().flat_map(|f| in_file(&facts.settings, *f));
            kept.push((base, overridden.map(|s| s.path.clone()).collect(), target));
        }
    }
    kept.sort_by_key(|(file, _, target)| (*file, !target.is(Stage::Production)));
    for (base, overridden, target) in kept {
        let places: BTreeSet<Span> = in_file(&facts.settings, base)
            .iter()
            .filter(|s| s.source == SettingSource::Service && !overridden.contains(&s.path))
            .map(|s| s.place)
            .collect();
        give(facts, base, &target, |place| places.iter().any(|p| p.contains(place)));
        facts.base_images.iter_mut().filter(|i| i.place.file == base).for_each(|i| i.local_only = false);
    }
    for (base, target) in told {
        give(facts, base, &target, |_| true);
        facts.base_images.iter_mut().filter(|i| i.place.file == base).for_each(|i| i.local_only = false);
        for compose in facts.compose_files.iter_mut().filter(|c| c.place.file == base) {
            compose.local_only = false;
            compose.target = Some(target.clone());
        }
        for stack in stacks.iter_mut().filter(|s| s.files == [base]) {
            (stack.local, stack.target) = (false, Some(target.clone()));
        }
    }
}

/// Gives settings and credentials of a file that speak of no environment this one.
fn give(facts: &mut Facts, file: FileId, target: &Target, here: impl Fn(Span) -> bool) {
    let shared = Arc::new(target.clone());
    let settings = in_file_mut(&mut facts.settings, file).iter_mut();
    for setting in settings.filter(|s| s.target.is_none() && here(s.place)) {
        setting.target = Some(shared.clone());
    }
    let credentials = in_file_mut(&mut facts.credentials, file).iter_mut();
    for credential in credentials.filter(|c| c.target.is_none() && here(c.place)) {
        credential.target = Some(target.clone());
        credential.ephemeral = false;
    }
}

/// What a file says of its own mode, if all that it says is production.
fn said_mode(facts: &Facts, file: &ComposeFile, environments: &Environments) -> Option<Target> {
    let modes = in_file(&facts.settings, file.place.file)
        .iter()
        .filter(|s| s.path.starts_with("services.") && MODES.contains(&s.key.as_str()))
        .filter_map(|s| Some((s.place, s.setting.known()?.as_str())));
    let mut first = None;
    for (place, value) in modes {
        match classify(value, environments) {
            Some(Stage::Production) => first = first.or(Some((place, value.to_owned()))),
            Some(_) => return None,
            None => {}
        }
    }
    let (place, name) = first?;
    Some(Target {
        stage: Value::Known(Stage::Production),
        name: Value::Known(name),
        basis: Basis::Name,
        place,
    })
}

fn is_for_tests(files: &[File], file: FileId) -> bool {
    let own = files.get(file.0 as usize);
    own.is_some_and(|f| f.target.as_ref().is_some_and(|t| t.is(Stage::Ci)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Setting;
    use crate::readers::samples;

    fn shown(repository: &Repository) -> Vec<(Vec<&str>, bool, Vec<&str>)> {
        let path = |f: &FileId| repository.path(Span::start_of(*f));
        let stacks = repository.stacks.iter();
        stacks
            .map(|s| {
                let services = s.services.iter().map(|s| s.name.as_str()).collect();
                (s.files.iter().map(path).collect(), s.local, services)
            })
            .collect()
    }

    #[test]
    fn files_are_merged_by_their_names_by_commands_and_by_what_they_take_in() {
        let repository = samples::repository(&[
            (
                "Makefile",
                "up:\n\tdocker compose -p shop -f base.yml -f compose.ci.yml up -d\n\nprod:\n\tdocker compose -f compose.yml --file=compose.prod.yml up\n",
            ),
            (
                "compose.yml",
                "include: [db/compose.db.yml]\nservices:\n  web: {image: web, environment: {A: 1, B: 2}}\n",
            ),
            ("compose.override.yml", "services:\n  web: {build: ., environment: {B: 3}, ports: ['80:80']}\n"),
            ("compose.prod.yml", "services:\n  web: {environment: {B: 4}}\n"),
            ("compose.staging.yml", "services:\n  web: {environment: {B: 5}}\n"),
            (
                "db/compose.db.yml",
                "services:\n  db: {extends: {file: compose.base.yml, service: store}, profiles: [x]}\n",
            ),
            ("db/compose.base.yml", "services:\n  store: {image: 'postgres:16', environment: [C=1]}\n"),
        ]);
        assert_eq!(
            shown(&repository),
            [
                (vec!["compose.yml", "compose.prod.yml"], false, vec!["db", "web"]),
                (vec!["compose.yml", "compose.override.yml"], true, vec!["db", "web"]),
                (vec!["compose.yml", "compose.staging.yml"], false, vec!["db", "web"]),
                (vec!["db/compose.base.yml"], false, vec!["store"]),
                (vec!["db/compose.db.yml"], false, vec!["db"]),
            ]
        );
        let local = &repository.stacks[1];
        let web = local.service("web").expect("a service");
        assert!(web.is_own() && web.image.is_some() && web.ports.len() == 1);
        let values: Vec<(&str, String)> =
            repository.environment(web).into_iter().map(|(key, s)| (key, s.setting.text())).collect();
        assert_eq!(values, [("A", "1".to_owned()), ("B", "3".to_owned())]);
        let db = local.service("db").expect("included");
        assert_eq!((db.product(), db.profiles.len()), (Some("postgres"), 1));
        assert_eq!(repository.environment(db).len(), 1, "what is copied keeps its environment");
        // What production's file does not say again holds there as the base says it.
        let target = |key: &str| {
            let all = repository.facts.settings.iter().filter(move |s| s.key == key);
            all.map(|s| s.target.as_ref().is_some_and(|t| t.is(Stage::Production))).collect::<Vec<_>>()
        };
        assert_eq!((target("A"), target("B")), (vec![true], vec![false, true, false, false]));
    }

    #[test]
    fn a_base_with_settings_of_production_beside_an_override_for_developers_is_production() {
        let base =
            "services:\n  web: {build: ., environment: {NODE_ENV: production, DB_PASSWORD: postgres}}\n";
        let over = "services:\n  web: {environment: {NODE_ENV: development}}\n";
        for (name, production) in [("docker-compose.override.yml", true), ("docker-compose.test.yml", false)]
        {
            let repository = samples::repository(&[("docker-compose.yml", base), (name, over)]);
            let base = repository.by_path("docker-compose.yml").expect("it is there").place.file;
            let all = repository.settings_of(base);
            let told = |s: &Setting| s.target.as_ref().is_some_and(|t| t.is(Stage::Production));
            assert!(!all.is_empty() && all.iter().all(|s| told(s) == production), "{name}");
        }
    }

    #[test]
    fn files_that_take_in_or_copy_from_themselves_end() {
        let repository = samples::repository(&[
            (
                "compose.yml",
                "include: [compose.yml, compose.a.yml]\nservices:\n  a: {extends: {service: b}}\n  b: {extends: {service: a}}\n  c: {extends: c}\n",
            ),
            ("compose.a.yml", "include: [compose.yml]\n"),
        ]);
        assert!(repository.stacks.iter().any(|s| s.services.len() == 3));
    }
}
