//! Facts: what files say, typed and with exact places. Rules see nothing else.

mod artifact;
mod command;
mod docker_ignore;
mod document;
mod evidence;
mod field;
mod flow;
mod git;
mod ignoring;
mod lineage;
mod outside;
mod owners;
mod past;
mod paths;
mod pipeline;
mod repository;
mod resource;
mod target;
mod value;

pub use artifact::*;
pub use command::*;
pub use document::*;
pub use evidence::{Evidence, EvidenceKind, Proof, Protection, name_in_remote};
pub use field::{Fact, Field, FieldKind, FieldRow, FieldValue, Places};
pub(crate) use field::{fact, words};
pub use flow::{Edge, Flow, Node, Path, Run};
pub use git::{FlagChange, GitFacts};
pub use outside::{Outside, github_reference};
pub use owners::{CodeOwner, Owners};
pub use past::{History, Leak, Leaked};
pub use paths::{is_flag_registry, is_sample, is_vendored, path_stage, path_target};
pub use pipeline::*;
pub use repository::{Facts, File, FileClass, Item, KINDS, KindRow, MANIFEST_CREDENTIAL, Owner, Repository};
pub use resource::{Resource, Shape, System};
pub use target::{Basis, Stage, Target};
pub use value::Value;
