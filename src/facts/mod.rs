//! Facts: what files say, typed and with exact places. Rules see nothing else.

mod artifact;
mod command;
mod compose;
mod coverage;
mod docker_ignore;
mod document;
mod evidence;
mod field;
mod file;
mod flow;
mod git;
mod ignoring;
mod kinds;
mod lineage;
mod lists;
mod migration;
mod observability;
mod operation;
mod outside;
mod owners;
mod passing;
mod past;
mod paths;
mod pipeline;
mod reach;
pub mod release;
mod released;
mod repository;
mod resource;
mod target;
mod trigger;
mod value;

pub use crate::source::Carrier;
pub use artifact::*;
pub use command::*;
pub use compose::*;
pub use coverage::CoverageFloor;
pub use document::*;
pub use evidence::{Evidence, EvidenceKind, Proof, Protection, name_in_remote};
pub use field::{Fact, Field, FieldKind, FieldRow, FieldValue, Places};
pub(crate) use field::{fact, words};
pub use file::{File, FileClass};
pub use flow::{Edge, Flow, Node, Run};
pub use git::{Answers, FlagChange, GitFacts};
pub use kinds::{Item, KINDS, KindRow};
pub use lists::{Facts, MANIFEST_CREDENTIAL, in_file, in_file_mut};
pub use migration::{
    Database, Down, Migration, MigrationNaming, MigrationTool, Phase, migration_folder, migration_name,
};
pub use observability::*;
pub use operation::{Action, Operation, OperationClass};
pub use outside::{GITLAB_ITSELF, Outside, github_reference, gitlab_reference, raw_address};
pub use owners::{CodeOwner, Owners};
pub use passing::{Held, Passing, Path};
pub use past::{History, Leak, Leaked};
pub use paths::{
    folder_of, is_flag_registry, is_sample, is_vendored, join_path, normalise, path_stage, path_target,
};
pub use pipeline::*;
pub use reach::{Nearest, Reach};
pub use release::{NoteField, NoteForm, Release, ReleaseNote, StatedVersion, VersionSource};
pub use released::{MigrationAge, MigrationsBefore};
pub use repository::{Owner, Repository};
pub use resource::{Resource, Shape, System};
pub use target::{Basis, Stage, Target};
pub use trigger::*;
pub use value::Value;
