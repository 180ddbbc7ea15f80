//! Everything that was read: files, facts, flow, and what was not read.

use super::*;
use crate::lexicon::Environments;
use crate::source::Unread;
use crate::text::{FileId, Span};
use std::collections::BTreeSet;

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
