//! From files to facts. Each file is opened once: scanned as text, parsed by the one reader that claims
//! its path, and let go.

mod alerts;
mod ansible;
mod assemble;
mod azure;
mod bitbucket;
mod buildkite;
mod chunks;
mod circleci;
mod cloudbuild;
mod clouddeploy;
mod cloudformation;
mod codebuild;
mod codeowners;
mod codepipeline;
mod commands;
mod compose;
mod config;
mod containers;
mod coverage;
mod dependencies;
mod dockerfile;
mod dotenv;
mod drone;
mod evidence;
mod github;
mod gitlab;
mod gitops;
mod history;
mod ignorefile;
mod images;
mod jenkins;
mod kubernetes;
mod kustomize;
mod link;
mod make;
mod manifest;
mod markdown;
mod matrix;
mod migration;
mod monitoring;
mod names;
mod nginx;
mod notes;
mod npm;
mod outside;
mod packed;
mod pairs;
mod placeholders;
mod platform;
mod program;
mod read;
#[cfg(test)]
mod samples;
pub mod scan;
mod scripts;
mod secrets;
mod shell;
mod sql;

mod tekton;
mod terraform;
mod variables;
mod versions;
mod workflows;

use crate::facts::{Facts, Outside};
use crate::lexicon::{Environments, Lexicon};
use crate::source::{Reference, Unread, UnreadClass};
use crate::syntax::tree::Tree;
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

pub use history::read_past;
pub use read::{Reading, read};
pub use scan::try_kinds;

/// A file's text, as readers get it.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The file.
    pub file: FileId,
    /// Its path from the root, with `/`.
    pub path: &'a str,
    /// Its decoded text.
    pub text: &'a str,
    /// Whether it may be executed.
    pub executable: bool,
    /// The team's own names for environments.
    pub environments: &'a Environments,
}

/// What a reader makes of one file.
#[derive(Default)]
pub struct Parsed {
    /// Facts that this file alone yields.
    pub facts: Facts,
    /// The tree, for a reader that lowers all files of its kind together.
    pub tree: Option<Tree>,
    /// Other files that must be read for this one to be understood.
    pub wants: Vec<Want>,
    /// The same, in other repositories.
    pub abroad: Vec<Abroad>,
    /// Names that files of this kind have for other repositories: `@name` in an [`Abroad`] means one of these.
    pub aliases: Vec<(String, Reference)>,
    /// What could not be understood, and why. The run goes on.
    pub problems: Vec<(UnreadClass, String)>,
}

/// A file that another one sends for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// Path from the root, or a glob (`*`, `**`); files that are not there are no error here.
    pub path: String,
    /// The reader that shall read it.
    pub kind: &'static str,
}

/// A file of another repository that one refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Abroad {
    /// The repository and its version; `@name` without a version for one of [`Parsed::aliases`].
    pub reference: Reference,
    /// Path from the root there; of several that are separated by `|`, the first that exists.
    pub path: String,
    /// The reader that shall read it.
    pub kind: &'static str,
    /// Where it is referred to.
    pub place: Span,
    /// Whether it must be there; else it may lie elsewhere, or be something of the service's own.
    pub needed: bool,
}

/// All trees of one kind, by file.
pub type Trees<'a> = BTreeMap<FileId, (&'a str, Tree)>;

/// What a reader that lowers all its files together may use and writes into.
pub struct Lowering<'a> {
    /// Finds a file by path.
    pub file: &'a dyn Fn(&str) -> Option<FileId>,
    /// A file's path.
    pub path: &'a dyn Fn(FileId) -> &'a str,
    /// What is read of other repositories.
    pub outside: &'a Outside,
    /// The team's own names for environments.
    pub environments: &'a Environments,
    /// Facts of all files.
    pub facts: &'a mut Facts,
    /// What could not be understood.
    pub unread: &'a mut Vec<Unread>,
}

/// Reads all files of these trees into facts.
pub type Lower = fn(&Trees<'_>, &mut Lowering<'_>);

/// Turns one kind of file into facts, and itself says which files it claims.
pub struct Reader {
    /// Its name, in `plimsoll facts` and wants.
    pub kind: &'static str,
    /// Whether it claims a file, by path and execute permission alone, so that a staged check need not
    /// open what it will not read.
    pub claims: fn(path: &str, executable: bool) -> bool,
    /// Reads one file. Must not panic, and guards its depth.
    pub parse: fn(&Text<'_>) -> Parsed,
    /// Lowers all trees of this kind together, once every wanted file is there.
    pub lower: Option<Lower>,
}

/// Every reader. The first that claims a path gets it.
pub const READERS: &[Reader] = &[
    Reader { kind: "github", claims: github::claims, parse: github::parse, lower: None },
    Reader { kind: "dockerfile", claims: dockerfile::claims, parse: dockerfile::parse, lower: None },
    Reader { kind: "gitlab", claims: gitlab::claims, parse: gitlab::parse, lower: Some(gitlab::lower) },
    Reader { kind: "cloud-build", claims: cloudbuild::claims, parse: cloudbuild::parse, lower: None },
    Reader {
        kind: "cloud-deploy",
        claims: clouddeploy::claims,
        parse: clouddeploy::parse,
        lower: Some(clouddeploy::lower),
    },
    Reader { kind: "azure", claims: azure::claims, parse: azure::parse, lower: Some(azure::lower) },
    Reader { kind: "jenkins", claims: jenkins::claims, parse: jenkins::parse, lower: None },
    Reader {
        kind: "bitbucket",
        claims: bitbucket::claims,
        parse: bitbucket::parse,
        lower: Some(bitbucket::lower),
    },
    Reader {
        kind: "buildkite",
        claims: buildkite::claims,
        parse: buildkite::parse,
        lower: Some(buildkite::lower),
    },
    Reader { kind: "circleci", claims: circleci::claims, parse: circleci::parse, lower: None },
    Reader { kind: "codebuild", claims: codebuild::claims, parse: codebuild::parse, lower: None },
    Reader { kind: "codepipeline", claims: codepipeline::claims, parse: codepipeline::parse, lower: None },
    Reader { kind: "drone", claims: drone::claims, parse: drone::parse, lower: None },
    Reader {
        kind: "woodpecker",
        claims: drone::claims_woodpecker,
        parse: drone::parse_woodpecker,
        lower: Some(drone::lower_woodpecker),
    },
    Reader { kind: "code-owners", claims: codeowners::claims, parse: codeowners::parse, lower: None },
    Reader { kind: "compose", claims: compose::claims, parse: compose::parse, lower: None },
    Reader { kind: "npm", claims: npm::claims, parse: npm::parse, lower: None },
    Reader { kind: "make", claims: make::claims, parse: make::parse, lower: None },
    Reader { kind: "dotenv", claims: dotenv::claims, parse: dotenv::parse, lower: None },
    Reader { kind: "manifest", claims: manifest::claims, parse: manifest::parse, lower: None },
    Reader {
        kind: "migration",
        claims: migration::claims,
        parse: migration::parse,
        lower: Some(migration::lower),
    },
    Reader { kind: "markdown", claims: markdown::claims, parse: markdown::parse, lower: None },
    Reader { kind: "release-notes", claims: notes::claims, parse: notes::parse, lower: None },
    Reader { kind: "coverage", claims: coverage::claims, parse: coverage::parse, lower: None },
    Reader { kind: "version", claims: versions::claims, parse: versions::parse, lower: None },
    Reader { kind: "ignore", claims: ignorefile::claims, parse: ignorefile::parse, lower: None },
    Reader {
        kind: "terraform",
        claims: terraform::claims,
        parse: terraform::parse,
        lower: Some(terraform::lower),
    },
    Reader { kind: "platform", claims: platform::claims, parse: platform::parse, lower: None },
    Reader { kind: "ansible", claims: ansible::claims, parse: ansible::parse, lower: None },
    Reader {
        kind: "cloudformation",
        claims: cloudformation::claims,
        parse: cloudformation::parse,
        lower: None,
    },
    Reader {
        kind: "kubernetes",
        claims: kubernetes::claims,
        parse: kubernetes::parse,
        lower: Some(kubernetes::lower),
    },
    Reader { kind: "nginx", claims: nginx::claims, parse: nginx::parse, lower: None },
    Reader {
        kind: "kustomize",
        claims: kustomize::claims,
        parse: kustomize::parse,
        lower: Some(kustomize::lower),
    },
    Reader { kind: "evidence", claims: evidence::claims, parse: evidence::parse, lower: None },
    Reader { kind: "config", claims: config::claims, parse: config::parse, lower: None },
    Reader { kind: "monitoring", claims: monitoring::claims, parse: monitoring::parse, lower: None },
    Reader {
        kind: "powershell",
        claims: shell::claims_powershell,
        parse: shell::parse_powershell,
        lower: None,
    },
    Reader { kind: "shell", claims: shell::claims, parse: shell::parse, lower: None },
];

/// The number of the reader that claims a file.
pub fn claim(path: &str, executable: bool) -> Option<usize> {
    READERS.iter().position(|r| (r.claims)(path, executable))
}

/// The reader of this kind.
fn by_kind(kind: &str) -> Option<usize> {
    READERS.iter().position(|r| r.kind == kind)
}

/// What reading needs to know besides the files.
pub struct Options<'a> {
    /// Words, effects, credential kinds, rules' patterns.
    pub lexicon: &'a Lexicon,
    /// Worker threads; 0 means one per core.
    pub jobs: usize,
    /// Only files that a reader claims, that another file sends for, or that this set holds are opened.
    pub only: Option<&'a std::collections::BTreeSet<FileId>>,
}
