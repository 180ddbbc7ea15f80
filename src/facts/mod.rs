//! Facts: what files say, typed and with exact places. Rules see nothing else.

mod artifact;
mod command;
mod document;
mod field;
mod flow;
mod git;
mod pipeline;
mod repository;
mod target;
mod value;

pub use artifact::*;
pub use command::*;
pub use document::*;
pub use field::{Fact, Field, FieldKind, FieldRow, FieldValue, Places};
pub(crate) use field::{fact, words};
pub use flow::{Flow, Node, Path};
pub use git::GitFacts;
pub use pipeline::*;
pub use repository::{Facts, File, FileClass, Item, KINDS, KindRow, Owner, Repository};
pub use target::{Basis, Stage, Target};
pub use value::Value;
