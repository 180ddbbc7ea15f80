//! Which migrations were there before: what a release holds is no longer this team's to change.

use crate::text::{FileId, Span};
use std::collections::HashSet;

/// What git tells of the age of migrations.
#[derive(Debug, Clone, Default)]
pub enum MigrationAge {
    /// There is no release and no branch to compare with, or no git.
    #[default]
    Untold,
    /// This clone cannot tell, and why.
    Unknown(String),
    /// They were compared with an earlier state.
    Since(MigrationsBefore),
}

/// Migrations of an earlier state, compared with those of today.
#[derive(Debug, Clone, Default)]
pub struct MigrationsBefore {
    /// The tag of the release, or the branch.
    pub name: String,
    /// Whether `name` is a release; otherwise the branch that work returns to.
    pub released: bool,
    /// Files that were there, unchanged or moved.
    pub files: HashSet<FileId>,
    /// Places of those migrations that were there in files which have changed since.
    pub held: HashSet<Span>,
    /// Of those that were there, the places of those that now say something else: not in comments or layout, nor
    /// in their reverse half.
    pub edited: Vec<Span>,
    /// Those that are no more, by path.
    pub gone: Vec<String>,
}

impl MigrationsBefore {
    /// Whether the migration at this place was there.
    pub fn holds(&self, place: Span) -> bool {
        self.files.contains(&place.file) || self.held.contains(&place)
    }
}
