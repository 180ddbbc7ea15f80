//! Everything that was read: files, facts, flow, and what was not read.

use super::*;
use crate::lexicon::Environments;
use crate::source::Unread;
use crate::text::{FileId, Secret, Span};
use std::collections::BTreeSet;

words! {
    /// What became of a file.
    pub enum FileClass {
        /// A reader claimed it and turned it into facts.
        Read = "read",
        /// No reader claims it; its text was scanned.
        Scanned = "scanned",
        /// Binary content.
        Binary = "binary",
        /// Listed as unread, with a reason.
        Unread = "unread",
        /// Not opened, because this run did not need it (staged checks).
        Unopened = "unopened",
    }
}

fact! {
    /// A file of the repository.
    pub struct File = "file" {
        /// Its start.
        place: Span,
        /// Path from the root, with `/`.
        path: String,
        /// Whether git tracks it; absent if there is no git.
        tracked: Option<bool>,
        /// Whether it may be executed.
        executable: bool,
        /// Whether it is a symbolic link, whose content is a path.
        link: bool,
        /// What became of it.
        class: FileClass,
        /// The reader that claimed it.
        reader: Option<String>,
        /// The environment that its path speaks of.
        target: Option<Target>,
        /// Whether it lies among tests, fixtures or examples, so that nobody deploys it.
        sample: bool,
        /// Whether it lies in somebody else's code that was copied in.
        vendored: bool;
        /// Size in bytes of its content, if known.
        size: Option<u64>,
        /// Where in the path its last part begins, in bytes.
        name_at: u32,
    }
}

impl File {
    /// A file of which nothing but its path is known. The place is its start.
    pub fn new(place: Span, path: String) -> File {
        File {
            place,
            tracked: None,
            executable: false,
            link: false,
            class: FileClass::Unopened,
            reader: None,
            target: None,
            sample: is_sample(&path),
            vendored: is_vendored(&path),
            size: None,
            name_at: path.rfind('/').map_or(0, |slash| slash as u32 + 1),
            path,
        }
    }

    /// The path's last part.
    pub fn name(&self) -> &str {
        &self.path[self.name_at as usize..]
    }

    /// Whether somebody might deploy what it holds: it is neither a sample nor copied in from elsewhere.
    pub fn is_own(&self) -> bool {
        !self.sample && !self.vendored
    }

    /// The path without its last part, and without a slash at its end; empty for the root.
    pub fn folder(&self) -> &str {
        self.path[..self.name_at as usize].trim_end_matches('/')
    }
}

/// What a value of a Kubernetes `Secret` is called where nothing but the object says that it is one.
pub const MANIFEST_CREDENTIAL: &str = "kubernetes-secret";

/// All facts, each list sorted by place.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "each list is named after its fact")]
pub struct Facts {
    pub pipelines: Vec<Pipeline>,
    pub scripts: Vec<Script>,
    pub settings: Vec<Setting>,
    pub credentials: Vec<Credential>,
    pub base_images: Vec<BaseImage>,
    pub instructions: Vec<Instruction>,
    pub sections: Vec<Section>,
    pub ignores: Vec<Ignore>,
    pub test_marks: Vec<TestMark>,
    pub manifests: Vec<Manifest>,
    pub text_hits: Vec<TextHit>,
    pub env_reads: Vec<EnvRead>,
    pub commented_keys: Vec<CommentedKey>,
    pub disclosures: Vec<Disclosure>,
    pub allows: Vec<Allow>,
    pub migrations: Vec<Migration>,
    /// As files write them: each value once, in the file that owns it.
    pub resources: Vec<Resource>,
    /// What environments get: overlays put together, templates filled. Places lie in the files that own the values, so
    /// that several of them share places.
    pub deployed: Vec<Resource>,
    pub compose_files: Vec<ComposeFile>,
    pub token_calls: Vec<TokenCall>,
    pub flag_reads: Vec<FlagRead>,
    pub evidence: Vec<Evidence>,
    pub code_owners: Vec<CodeOwner>,
    pub practices: Vec<Practice>,
    pub routes: Vec<Route>,
    pub alerts: Vec<Alert>,
    pub dashboards: Vec<Dashboard>,
    pub log_retentions: Vec<LogRetention>,
    pub stated_versions: Vec<StatedVersion>,
    pub release_notes: Vec<ReleaseNote>,
    /// In the order in which they came; only if history was read.
    pub leaks: Vec<Leak>,
}

macro_rules! each_list {
    ($apply:ident) => {
        $apply!(
            pipelines,
            scripts,
            settings,
            credentials,
            base_images,
            instructions,
            sections,
            ignores,
            test_marks,
            manifests,
            text_hits,
            env_reads,
            commented_keys,
            disclosures,
            allows,
            migrations,
            resources,
            deployed,
            compose_files,
            token_calls,
            flag_reads,
            evidence,
            code_owners,
            practices,
            routes,
            alerts,
            dashboards,
            log_retentions,
            stated_versions,
            release_notes
        )
    };
}

impl Facts {
    /// Takes over all facts of `other`.
    pub fn append(&mut self, mut other: Facts) {
        macro_rules! append {
            ($($list:ident),*) => { $(self.$list.append(&mut other.$list);)* };
        }
        each_list!(append);
        self.leaks.append(&mut other.leaks);
    }

    /// Drops all facts, and keeps the memory for others.
    pub fn clear(&mut self) {
        macro_rules! clear {
            ($($list:ident),*) => { $(self.$list.clear();)* };
        }
        each_list!(clear);
        self.leaks.clear();
    }

    /// Every credential, those of history included.
    pub fn every_credential(&self) -> impl Iterator<Item = &Credential> {
        let past = self.leaks.iter().flat_map(|leak| &leak.appearances).map(|leaked| &leaked.credential);
        self.credentials.iter().chain(past)
    }

    /// Values that no output may hold, wherever they stand. A well-known default (`postgres`, `password`) is
    /// masked at its own place only: everybody knows it, and masking the word everywhere would tell it.
    ///
    /// A setting that is written with escapes or over several lines has another value than what stands in
    /// the file: then both are meant.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        let all = self.every_credential().filter(|c| !c.default);
        all.flat_map(|c| [Some(c.value.clone()), c.encoded.clone(), self.setting_of(c)].into_iter().flatten())
    }

    /// Values that no path may show: those whose format or proof says that they are credentials. What is a
    /// credential by its name only may be any word, and paths without it would lead nowhere.
    pub fn secrets_in_paths(&self) -> impl Iterator<Item = Secret> {
        let shown = |c: &&Credential| {
            c.form == Form::Path || c.certainty != Certainty::Generic && c.credential != "connection-string"
        };
        self.every_credential().filter(shown).map(|c| c.value.clone())
    }

    /// What a setting makes of the credential that is its value, if that is another text.
    fn setting_of(&self, credential: &Credential) -> Option<Secret> {
        let place = credential.place;
        let before =
            self.settings.partition_point(|s| (s.place.file, s.place.start) < (place.file, place.end));
        let setting = self.settings[..before].last()?;
        let same = setting.place.file == place.file && setting.place.end > place.start;
        // Of an address only a part is the credential.
        let all = setting.place.len() <= place.len() * 3;
        let Value::Known(value) = &setting.setting else { return None };
        (same && all && !value.contains(credential.value.expose())).then(|| Secret::new(value.as_str()))
    }

    /// A manifest's encoded value is what the scan found in it: one credential, and all of it is masked.
    fn name_manifest_credentials(&mut self) {
        let of_manifest = |c: &Credential| c.credential == MANIFEST_CREDENTIAL;
        let whole = self.credentials.iter().filter(|c| of_manifest(c));
        let mut whole: Vec<(Span, Secret)> = whole.map(|c| (c.place, c.value.clone())).collect();
        whole.sort_by_key(|(place, _)| *place);
        let mut named = BTreeSet::new();
        for inner in self.credentials.iter_mut().filter(|c| c.form == Form::Base64 && !of_manifest(c)) {
            let before = whole.partition_point(|(place, _)| {
                (place.file, place.start) <= (inner.place.file, inner.place.start)
            });
            let Some((place, written)) = whole[..before].last() else { continue };
            if place.contains(inner.place) && named.insert(*place) {
                inner.place = *place;
                inner.encoded = Some(written.clone());
            }
        }
        self.credentials.retain(|c| !of_manifest(c) || !named.contains(&c.place));
    }

    /// Brings every list into the order of places, which all later stages rely on, and drops what two
    /// overlapping chunks of one file both found.
    pub fn sort(&mut self) {
        macro_rules! sort {
            ($($list:ident),*) => { $(self.$list.sort_by_key(|fact| fact.place);)* };
        }
        each_list!(sort);
        self.name_manifest_credentials();
        // What the scan knows of a value says more than that a manifest holds it.
        self.credentials.sort_by_key(|c| (c.place, c.credential == MANIFEST_CREDENTIAL));
        self.credentials.dedup_by(|a, b| {
            let same = a.credential == b.credential && a.value == b.value;
            a.place == b.place && (same || a.credential == MANIFEST_CREDENTIAL)
        });
        self.text_hits.dedup_by(|a, b| a.place == b.place && a.rule == b.rule && a.pattern == b.pattern);
        self.allows.dedup_by_key(|a| a.place);
        self.test_marks.dedup_by_key(|m| m.place);
        self.env_reads.dedup_by_key(|r| r.place);
        self.disclosures.dedup_by_key(|t| t.place);
        self.token_calls.dedup_by_key(|c| c.place);
        self.flag_reads.dedup_by_key(|f| f.place);
        self.practices.dedup_by_key(|p| (p.place, p.practice));
        self.routes.dedup_by_key(|r| r.place);
    }
}

/// What rules are run on.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// All files, in the order of their ids.
    pub files: Vec<File>,
    /// What was read of other repositories.
    pub outside: Outside,
    /// All facts.
    pub facts: Facts,
    /// The order of jobs.
    pub flow: Flow,
    /// What compose files make between them.
    pub stacks: Vec<Stack>,
    /// Files that were not read, wholly or partly.
    pub unread: Vec<Unread>,
    /// What was read of history, if it was.
    pub history: Option<History>,
    /// What git tells, if there is a git repository.
    pub git: Option<GitFacts>,
    /// Which migrations a release holds already.
    pub migration_age: MigrationAge,
    /// Whether only some paths were looked at, so that what is not here may be beside them.
    pub some_paths: bool,
    /// In a staged or `--since` run, the files that the change touches.
    pub changed: Option<BTreeSet<FileId>>,
    /// The team's own names for environments.
    pub environments: Environments,
    /// The day on which it is judged; nothing is overdue without one.
    pub today: Option<jiff::civil::Date>,
}

/// Who owns a command.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'a> {
    /// A step of a pipeline.
    Step {
        /// The pipeline.
        pipeline: &'a Pipeline,
        /// The job.
        job: &'a Job,
        /// The step.
        step: &'a Step,
    },
    /// A script.
    Script(&'a Script),
}

impl Owner<'_> {
    /// The environment that the owner declares or speaks of.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Owner::Step { job, .. } => job.target.as_ref(),
            Owner::Script(script) => script.target.as_ref(),
        }
    }
}

impl Repository {
    /// The file of an id.
    pub fn file(&self, id: FileId) -> &File {
        let at = id.0 as usize;
        let Some(at) = at.checked_sub(self.files.len()) else { return &self.files[at] };
        let others = &self.outside.files;
        let of_history =
            || &self.history.as_ref().expect("only history has such ids").files[at - others.len()];
        others.get(at).unwrap_or_else(of_history)
    }

    /// The path of the file that holds `span`.
    pub fn path(&self, span: Span) -> &str {
        &self.file(span.file).path
    }

    /// Whether `span` lies among tests, fixtures or examples.
    pub fn is_sample(&self, span: Span) -> bool {
        self.file(span.file).sample
    }

    /// Whether `span` lies in a file of the repository's own that somebody might deploy.
    pub fn is_own(&self, span: Span) -> bool {
        self.file(span.file).is_own()
    }

    /// The file with this path.
    pub fn by_path(&self, path: &str) -> Option<&File> {
        self.files.binary_search_by(|f| f.path.as_bytes().cmp(path.as_bytes())).ok().map(|i| &self.files[i])
    }

    /// The stage that a host name speaks of, in the team's own words or in common ones.
    pub fn stage_of_host(&self, host: &str) -> Option<Stage> {
        crate::lexicon::classify_host(host, &self.environments)
    }

    /// The stage that a name speaks of, with the team's own names for environments.
    pub fn stage_of(&self, name: &str) -> Option<Stage> {
        crate::lexicon::classify(name, &self.environments)
    }

    /// The stage that a branch stands for; `None` for `main` and for branches that carry one change.
    pub fn stage_of_branch(&self, branch: &str) -> Option<Stage> {
        crate::lexicon::classify_branch(branch, &self.environments)
    }

    /// Every resource as environments get it: what is written whole, and what comes out of bases, overlays,
    /// templates and values. A rule on what is missing, or on how environments differ, asks these, and says a thing once
    /// where several share a place; a rule on a value that is bad wherever it stands may ask `facts.resources`.
    pub fn deployed(&self) -> impl Iterator<Item = &Resource> {
        let whole = self.facts.resources.iter().filter(|r| r.shape != Shape::Part);
        whole.chain(&self.facts.deployed)
    }

    /// Every command of every step and script, with its owner.
    pub fn commands(&self) -> impl Iterator<Item = (Owner<'_>, &Command)> {
        let steps = self.facts.pipelines.iter().flat_map(|pipeline| {
            pipeline.jobs.iter().flat_map(move |job| {
                job.steps.iter().flat_map(move |step| {
                    step.commands.iter().map(move |c| (Owner::Step { pipeline, job, step }, c))
                })
            })
        });
        let scripts = self
            .facts
            .scripts
            .iter()
            .flat_map(|script| script.commands.iter().map(move |c| (Owner::Script(script), c)));
        steps.chain(scripts)
    }

    /// Every step, with its pipeline and job.
    pub fn steps(&self) -> impl Iterator<Item = (&Pipeline, &Job, &Step)> {
        self.facts
            .pipelines
            .iter()
            .flat_map(|p| p.jobs.iter().flat_map(move |j| j.steps.iter().map(move |s| (p, j, s))))
    }

    /// What the repository is taken for, in a few words: its kind if the policy says it, its pipelines, and
    /// where they deploy to.
    pub fn describe(&self, kind: Option<&str>) -> String {
        let mut parts = Vec::new();
        for &dialect in Dialect::ALL {
            let entries =
                self.facts.pipelines.iter().filter(|p| p.dialect == dialect && p.role != Role::Composite);
            match entries.count() {
                0 => {}
                1 => parts.push(format!("1 {dialect} pipeline")),
                n => parts.push(format!("{n} {dialect} pipelines")),
            }
        }
        let mut stages: Vec<Stage> = Vec::new();
        for run in self.flow.runs() {
            for effect in run.effects.iter().filter(|e| e.effect == EffectKind::Deploy) {
                let target = effect.target.as_ref().or(run.target.as_ref());
                stages.extend(target.into_iter().flat_map(|t| t.stage.possible()));
            }
        }
        stages.sort();
        stages.dedup();
        let images =
            self.facts.base_images.iter().filter(|i| i.source == SettingSource::Image && i.last).count();
        if images > 0 {
            parts.push(if images == 1 { "1 image".into() } else { format!("{images} images") });
        }
        let mut text = if parts.is_empty() { "no pipeline".to_owned() } else { parts.join(", ") };
        if !stages.is_empty() {
            let names: Vec<&str> = stages.iter().map(|s| s.name()).collect();
            text.push_str(&format!(", deploys to {}", names.join(", ")));
        }
        match kind {
            Some(kind) => format!("{kind}: {text}"),
            None => text,
        }
    }

    /// Whether every pipeline was read and followed completely. Statements of the form "nobody does X"
    /// hold only then.
    pub fn pipelines_complete(&self) -> bool {
        self.facts.pipelines.iter().all(|p| p.complete)
            && !self.unread.iter().any(|u| u.path.contains("ci") || u.path.contains(".github"))
    }
}

/// A fact and the facts that it stands in, outermost first.
#[derive(Clone)]
pub struct Item<'a> {
    /// The fact.
    pub fact: &'a dyn Fact,
    /// Pipeline, job, step … around it.
    pub parents: Vec<&'a dyn Fact>,
}

/// One kind of fact: its name, its field table, and how to list all of them.
pub struct KindRow {
    /// Name in rule files.
    pub name: &'static str,
    /// Field table.
    pub rows: &'static [FieldRow],
    /// Kinds that stand around it; their fields are reached as `job.target`.
    pub parents: &'static [&'static str],
    /// Lists all of this kind, sorted by place.
    pub each: for<'a> fn(&'a Repository, &mut dyn FnMut(Item<'a>)),
}

macro_rules! flat {
    ($type:ident, $list:ident) => {
        KindRow {
            name: $type::KIND_NAME,
            rows: $type::ROWS,
            parents: &[],
            each: |repository, visit| {
                for fact in &repository.facts.$list {
                    visit(Item { fact, parents: Vec::new() });
                }
            },
        }
    };
}

/// Every kind of fact that a rule file can name.
pub const KINDS: &[KindRow] = &[
    flat!(Pipeline, pipelines),
    flat!(Script, scripts),
    flat!(Setting, settings),
    flat!(Credential, credentials),
    flat!(BaseImage, base_images),
    flat!(Instruction, instructions),
    flat!(Section, sections),
    flat!(Ignore, ignores),
    flat!(TestMark, test_marks),
    flat!(Manifest, manifests),
    flat!(EnvRead, env_reads),
    flat!(CommentedKey, commented_keys),
    flat!(Disclosure, disclosures),
    flat!(Migration, migrations),
    flat!(Resource, resources),
    KindRow {
        name: "deployed_resource",
        rows: Resource::ROWS,
        parents: &[],
        each: |repository, visit| {
            for fact in &repository.facts.deployed {
                visit(Item { fact, parents: Vec::new() });
            }
        },
    },
    flat!(ComposeFile, compose_files),
    flat!(TokenCall, token_calls),
    flat!(FlagRead, flag_reads),
    flat!(Evidence, evidence),
    flat!(CodeOwner, code_owners),
    flat!(Practice, practices),
    flat!(Route, routes),
    flat!(Alert, alerts),
    flat!(Dashboard, dashboards),
    flat!(LogRetention, log_retentions),
    flat!(StatedVersion, stated_versions),
    flat!(ReleaseNote, release_notes),
    KindRow {
        name: Operation::KIND_NAME,
        rows: Operation::ROWS,
        parents: &["migration"],
        each: |repository, visit| {
            for m in &repository.facts.migrations {
                for fact in &m.operations {
                    visit(Item { fact, parents: vec![m] });
                }
            }
        },
    },
    KindRow {
        name: File::KIND_NAME,
        rows: File::ROWS,
        parents: &[],
        each: |repository, visit| {
            for fact in &repository.files {
                visit(Item { fact, parents: Vec::new() });
            }
        },
    },
    KindRow {
        name: Service::KIND_NAME,
        rows: Service::ROWS,
        parents: &["compose-file"],
        each: |repository, visit| {
            for c in &repository.facts.compose_files {
                for fact in &c.services {
                    visit(Item { fact, parents: vec![c] });
                }
            }
        },
    },
    KindRow {
        name: Trigger::KIND_NAME,
        rows: Trigger::ROWS,
        parents: &["pipeline"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for fact in &p.triggers {
                    visit(Item { fact, parents: vec![p] });
                }
            }
        },
    },
    KindRow {
        name: Input::KIND_NAME,
        rows: Input::ROWS,
        parents: &["pipeline", "trigger"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for t in &p.triggers {
                    for fact in &t.inputs {
                        visit(Item { fact, parents: vec![p, t] });
                    }
                }
            }
        },
    },
    KindRow {
        name: Job::KIND_NAME,
        rows: Job::ROWS,
        parents: &["pipeline"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for fact in &p.jobs {
                    visit(Item { fact, parents: vec![p] });
                }
            }
        },
    },
    KindRow {
        name: Step::KIND_NAME,
        rows: Step::ROWS,
        parents: &["pipeline", "job"],
        each: |repository, visit| {
            for (p, j, fact) in repository.steps() {
                visit(Item { fact, parents: vec![p, j] });
            }
        },
    },
    KindRow {
        name: Transfer::KIND_NAME,
        rows: Transfer::ROWS,
        parents: &["pipeline", "job"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for j in &p.jobs {
                    for fact in &j.transfers {
                        visit(Item { fact, parents: vec![p, j] });
                    }
                }
            }
        },
    },
    KindRow {
        name: Use::KIND_NAME,
        rows: Use::ROWS,
        parents: &["pipeline", "job", "step"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for fact in &p.includes {
                    visit(Item { fact, parents: vec![p] });
                }
                for j in &p.jobs {
                    for fact in j.calls.iter().chain(&j.images) {
                        visit(Item { fact, parents: vec![p, j] });
                    }
                    for s in &j.steps {
                        if let Some(fact) = &s.uses {
                            visit(Item { fact, parents: vec![p, j, s] });
                        }
                    }
                }
            }
        },
    },
    KindRow {
        name: Command::KIND_NAME,
        rows: Command::ROWS,
        parents: &["pipeline", "job", "step", "script"],
        each: |repository, visit| {
            for (owner, fact) in repository.commands() {
                visit(Item { fact, parents: owner_facts(owner) });
            }
        },
    },
    KindRow {
        name: Effect::KIND_NAME,
        rows: Effect::ROWS,
        parents: &["pipeline", "job", "step", "script", "command"],
        each: |repository, visit| {
            for (p, j, s) in repository.steps() {
                for fact in &s.effects {
                    visit(Item { fact, parents: vec![p, j, s] });
                }
            }
            for (owner, command) in repository.commands() {
                for fact in &command.effects {
                    let mut parents = owner_facts(owner);
                    parents.push(command);
                    visit(Item { fact, parents });
                }
            }
        },
    },
];

fn owner_facts(owner: Owner<'_>) -> Vec<&dyn Fact> {
    match owner {
        Owner::Step { pipeline, job, step } => vec![pipeline, job, step],
        Owner::Script(script) => vec![script],
    }
}
