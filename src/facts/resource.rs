//! What infrastructure code declares: objects of Kubernetes, blocks of Terraform.

use super::{Setting, Target, Value, fact, words};
use crate::text::Span;

words! {
    /// Whose object it is.
    pub enum System {
        /// A Kubernetes object, or one that a controller in a cluster reads.
        Kubernetes = "kubernetes",
        /// A block of Terraform, OpenTofu or Terragrunt.
        Terraform = "terraform",
    }
}

fact! {
    /// An object or block that infrastructure code declares.
    pub struct Resource = "resource" {
        /// Its name; its type where none is written.
        place: Span,
        /// Whose object it is.
        system: System,
        /// What sort of block: `resource`, `data`, `module`, …; `object` in Kubernetes.
        block: String,
        /// Its type: `Secret`, `aws_iam_role`; for blocks without types the block's own word.
        sort: String,
        /// Its name.
        name: Value<String>,
        /// The namespace that it says it lives in.
        namespace: Option<String>,
        /// The environment that its namespace, its folder or its file speaks of.
        target: Option<Target>,
        /// Whether what it holds is encrypted as it lies there (SOPS).
        encrypted: bool,
        /// Number of values it sets.
        size: u32;
        /// What it sets, by path. Values of a Kubernetes `Secret` are not among them.
        entries: Vec<Setting>,
        /// All of it.
        body: Span,
    }
}

impl Resource {
    /// The entry at exactly this path.
    pub fn entry(&self, path: &str) -> Option<&Setting> {
        self.entries.iter().find(|e| e.path == path)
    }

    /// Entries whose path ends with `end`, a whole part or several.
    pub fn entries_ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.entries.iter().filter(move |e| {
            e.path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// `kind/name` or `type.name`, as people call it.
    pub fn title(&self) -> String {
        match self.system {
            System::Kubernetes => format!("{}/{}", self.sort, self.name.text()),
            System::Terraform => format!("{}.{}", self.sort, self.name.text()),
        }
    }
}
