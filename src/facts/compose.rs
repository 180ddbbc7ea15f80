//! Containers that run together on one machine: services of compose files, and the stacks that several files
//! make between them. <https://docs.docker.com/reference/compose-file/>

use super::{Repository, Setting, SettingSource, Stage, Target, Value, fact, in_file, words};
use crate::text::{FileId, Span, Spanned};
use std::collections::BTreeMap;

words! {
    /// How far another service must have come before this one is started.
    pub enum Readiness {
        /// Its container was started, whether or not the program in it answers.
        Started = "started",
        /// Its health check has passed.
        Healthy = "healthy",
        /// It has come to a good end.
        Completed = "completed",
    }
}

fact! {
    /// A service that must be there before this one is started.
    pub struct Dependency = "dependency" {
        /// Its name where the dependent one says it.
        place: Span,
        /// Its name.
        name: String,
        /// How far it must have come.
        readiness: Readiness,
    }
}

fact! {
    /// A port of a container that the machine around it offers.
    pub struct Port = "port" {
        /// Where it is written.
        place: Span,
        /// The address of the machine at which it is offered; all of them where none is written.
        address: Option<String>,
        /// The machine's port as written; absent if the machine chooses.
        published: Option<String>,
        /// The container's port as written.
        inner: String,
    }
}

fact! {
    /// What another service is copied from.
    pub struct Extends = "extends" {
        /// Where it is written.
        place: Span,
        /// The file from the root; the same file if absent.
        file: Option<String>,
        /// The service.
        service: String,
    }
}

fact! {
    /// A service of a compose file, as one file says it or as several do together.
    pub struct Service = "service" {
        /// Its name; in a stack, where the first file says it.
        place: Span,
        /// Its name.
        name: String,
        /// The image that it runs, or the name of the one that is built.
        image: Option<Spanned<String>>,
        /// The folder that it is built from, from the root; as written if it lies elsewhere.
        build: Option<Spanned<String>>,
        /// The Dockerfile, from the root, if it is not the folder's own.
        dockerfile: Option<String>,
        /// The stage of the Dockerfile that is built.
        stage: Option<String>,
        /// What must be there before it.
        dependencies: Vec<Dependency>,
        /// Profiles without which it is not started.
        profiles: Vec<Spanned<String>>,
        /// Ports that the machine offers.
        ports: Vec<Port>,
        /// Words of its program, where the file says it: entrypoint and command.
        command: Vec<Spanned<String>>,
        /// Folders and volumes that it sees, as written.
        mounts: Vec<Spanned<String>>,
        /// Whether compose itself brings changed files in, or builds anew.
        watches: bool,
        /// Whether a check of its health is written; `false` if it is switched off.
        checked: Option<bool>,
        /// Secrets that are put into it as files.
        secrets: Vec<Spanned<String>>,
        /// The user that its program runs as.
        user: Option<Spanned<String>>,
        /// Whether its memory has a limit.
        bounded: bool,
        /// What it is copied from.
        extends: Option<Extends>,
        /// Whether names in its environment come from the caller's, or from files that are not here.
        open: bool;
        /// The file and the name of each part, in the order in which they are merged: the last wins.
        parts: Vec<(FileId, String)>,
    }
}

fact! {
    /// A compose file.
    pub struct ComposeFile = "compose-file" {
        /// Its key `services`; its start if there is none.
        place: Span,
        /// Whether it serves a developer's machine or a test.
        local_only: bool,
        /// The environment that it speaks of.
        target: Option<Target>,
        /// Other compose files that it takes in, from the root.
        includes: Vec<Spanned<String>>,
        /// Its services.
        services: Vec<Service>,
    }
}

/// What is started together: one compose file, or several that are merged.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its files in the order in which they are merged: the last wins.
    pub files: Vec<FileId>,
    /// The key `services` of the first file.
    pub place: Span,
    /// The command that names the files, if it is not their names that make them one.
    pub started: Option<Span>,
    /// Whether a developer's machine or a test runs it.
    pub local: bool,
    /// The environment that it runs in.
    pub target: Option<Target>,
    /// Its services after merging, by the order of their first appearance.
    pub services: Vec<Service>,
}

impl Port {
    /// Whether every network of the machine reaches it: it is published, and bound to no address of one.
    pub fn is_for_all(&self) -> bool {
        let any = |address: &String| matches!(address.trim_matches(['[', ']']), "0.0.0.0" | "::" | "");
        self.published.is_some() && self.address.as_ref().is_none_or(any)
    }
}

impl Stack {
    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|s| s.name == name)
    }

    /// Whether it serves nothing but production or staging.
    pub fn is_deployed(&self) -> bool {
        let staged = |t: &Target| t.is(Stage::Production) || t.is(Stage::Staging);
        !self.local && self.target.as_ref().is_some_and(staged)
    }
}

impl Service {
    /// A service of this name that says nothing else yet.
    pub fn new(name: Spanned<String>) -> Service {
        Service {
            place: name.span,
            parts: vec![(name.span.file, name.value.clone())],
            name: name.value,
            image: None,
            build: None,
            dockerfile: None,
            stage: None,
            dependencies: Vec::new(),
            profiles: Vec::new(),
            ports: Vec::new(),
            command: Vec::new(),
            mounts: Vec::new(),
            watches: false,
            checked: None,
            secrets: Vec::new(),
            user: None,
            bounded: false,
            extends: None,
            open: false,
        }
    }

    /// Takes over what a later file says: single values are replaced, lists are added to.
    /// <https://docs.docker.com/reference/compose-file/merge/>
    pub fn merge(&mut self, later: &Service) {
        fn replace<T: Clone>(own: &mut Option<T>, later: &Option<T>) {
            if later.is_some() {
                own.clone_from(later);
            }
        }
        replace(&mut self.image, &later.image);
        replace(&mut self.build, &later.build);
        replace(&mut self.dockerfile, &later.dockerfile);
        replace(&mut self.stage, &later.stage);
        replace(&mut self.checked, &later.checked);
        replace(&mut self.user, &later.user);
        for dependency in &later.dependencies {
            match self.dependencies.iter_mut().find(|d| d.name == dependency.name) {
                Some(own) => *own = dependency.clone(),
                None => self.dependencies.push(dependency.clone()),
            }
        }
        self.profiles.extend(later.profiles.iter().cloned());
        let new = later
            .ports
            .iter()
            .filter(|p| !self.ports.iter().any(|own| own.published == p.published && own.inner == p.inner));
        let new: Vec<Port> = new.cloned().collect();
        self.ports.extend(new);
        if !later.command.is_empty() {
            self.command.clone_from(&later.command);
        }
        self.mounts.extend(later.mounts.iter().cloned());
        self.secrets.extend(later.secrets.iter().cloned());
        self.watches |= later.watches;
        self.bounded |= later.bounded;
        self.open |= later.open;
        self.parts.extend(later.parts.iter().cloned());
    }

    /// Whether it is a program of this repository rather than one that others make.
    pub fn is_own(&self) -> bool {
        self.build.is_some()
    }

    /// The last part of its image's name: `postgres` of `docker.io/library/postgres:16`.
    pub fn product(&self) -> Option<&str> {
        let reference = self.image.as_ref()?.value.as_str();
        let name = reference.split('@').next()?;
        let last = name.rsplit('/').next()?;
        last.split(':').next().filter(|n| !n.is_empty())
    }
}

impl Repository {
    /// Settings of one file, in the order in which they are written.
    pub fn settings_of(&self, file: FileId) -> &[Setting] {
        in_file(&self.facts.settings, file)
    }

    /// The environment that a service gets, by name: of files that it reads, then of its own lines, in the order in
    /// which its parts are merged.
    pub fn environment<'r>(&'r self, service: &Service) -> BTreeMap<&'r str, &'r Setting> {
        let mut files: BTreeMap<&str, &Setting> = BTreeMap::new();
        let mut own: BTreeMap<&str, &Setting> = BTreeMap::new();
        for (file, name) in &service.parts {
            for setting in self.settings_of(*file).iter().filter(|s| s.source == SettingSource::Service) {
                let Some(rest) = setting.path.strip_prefix("services.") else { continue };
                let Some(rest) = rest.strip_prefix(name.as_str()) else { continue };
                if rest == ".env_file" {
                    for read in self.env_file(*file, setting) {
                        files.insert(&read.key, read);
                    }
                } else if rest.strip_prefix(".environment.").is_some_and(|key| key == setting.key) {
                    own.insert(&setting.key, setting);
                }
            }
        }
        files.append(&mut own);
        files
    }

    /// The settings of the env file that a service of a compose file reads.
    fn env_file(&self, file: FileId, setting: &Setting) -> &[Setting] {
        let Value::Known(path) = &setting.setting else { return &[] };
        let folder = self.file(file).folder();
        self.by_path(&super::join_path(folder, path)).map_or(&[], |f| self.settings_of(f.place.file))
    }
}
