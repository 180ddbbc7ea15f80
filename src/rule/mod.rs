//! Rules as data: one TOML file each, with its matcher, its texts and its own examples.

mod catalog;
mod error;
mod example;
mod facts;
mod load;
mod subject;
mod text;

pub use catalog::{Active, Catalog};
pub use error::RuleError;
pub(crate) use error::nearest_key;
pub use example::{Commit, Example, ExampleFile, Expected, GitState, Tag};
pub use facts::FactsMatcher;
pub use load::{Head, builtin_heads, builtin_tail, load, load_examples, load_tried};
pub use subject::{Absence, SUBJECTS, Subject};
pub use text::TextMatcher;

use crate::facts::words;
use crate::finding::{Confidence, Severity};

words! {
    /// How settled a rule is.
    pub enum RuleStage {
        /// New; its findings never fail a build.
        Preview = "preview",
        /// Settled.
        Stable = "stable",
        /// On its way out.
        Deprecated = "deprecated",
    }
}

/// A clause that a rule serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseRef {
    /// The clause's id, e.g. `DOC-009/10.e`.
    pub id: String,
    /// The part of the clause that the rule decides, if not all of it.
    pub part: Option<String>,
}

/// How a rule looks for what it names.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Patterns over text.
    Text(TextMatcher),
    /// Conditions over one kind of fact.
    Facts(FactsMatcher),
    /// A function of that name in `checks`.
    Check(String),
}

/// A rule, without its examples.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Kebab-case; names the defect.
    pub id: String,
    /// Path of its file, e.g. `rules/pipeline/staging-skipped.toml`.
    pub path: String,
    /// The folder it lies in, e.g. `pipeline`.
    pub family: String,
    /// One line.
    pub title: String,
    /// Default severity.
    pub severity: Severity,
    /// Highest confidence of its findings.
    pub confidence: Confidence,
    /// Whether it runs when no manual is chosen.
    pub core: bool,
    /// The version that brought it.
    pub since: String,
    /// How settled it is.
    pub stage: RuleStage,
    /// Former ids.
    pub renamed_from: Vec<String>,
    /// What must exist for the rule to have something to say; a name of [`SUBJECTS`].
    pub subjects: String,
    /// The one place that there is for its subject, e.g. `Dockerfiles`; `None` if many dialects have it.
    pub only_in: Option<String>,
    /// Clauses that it serves.
    pub clauses: Vec<ClauseRef>,
    /// Topic on which manuals disagree, e.g. `C10`.
    pub contested: Option<String>,
    /// Whether one file alone decides it.
    pub lone_file: bool,
    /// Rules that know more of the same defect: where one of them fails in a file, this one's findings there are
    /// related places of its.
    pub yields_to: Vec<String>,
    /// Common Weakness Enumeration numbers.
    pub cwe: Vec<u32>,
    /// Pages of vendors and standards that it rests on.
    pub sources: Vec<String>,
    /// Why it matters.
    pub why: String,
    /// What to change, and what to leave alone.
    pub fix: String,
    /// How it looks.
    pub matcher: Matcher,
}
