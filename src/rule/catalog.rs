//! The rules that a run uses, with what the policy makes of them.

use super::subject::Absence;
use super::{Matcher, Rule, subject};
use crate::facts::Repository;
use crate::finding::Severity;
use crate::lexicon::patterns::TextPattern;

/// A rule that is switched on.
#[derive(Debug, Clone)]
pub struct Active {
    /// The rule.
    pub rule: Rule,
    /// Its severity under the policy: the strictest of active manuals, then the policy's own.
    pub severity: Severity,
}

/// The rules of one run, sorted by id.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The rules that run.
    pub active: Vec<Active>,
}

impl Catalog {
    /// A catalogue of these rules at their own severities.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Catalog {
        let mut active: Vec<Active> =
            rules.into_iter().map(|rule| Active { severity: rule.severity, rule }).collect();
        active.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
        Catalog { active }
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&Active> {
        self.active.binary_search_by(|a| a.rule.id.as_str().cmp(id)).ok().map(|i| &self.active[i])
    }

    /// What the reading pass has to search for.
    pub fn text_patterns(&self) -> Vec<TextPattern> {
        self.active
            .iter()
            .filter_map(|a| match &a.rule.matcher {
                Matcher::Text(text) => Some(text.patterns(&a.rule.id)),
                _ => None,
            })
            .collect()
    }
}

impl Active {
    /// Why the rule's subject does not exist; `None` if it does.
    pub fn absent_subject(&self, repository: &Repository) -> Option<Absence> {
        subject::exists(&self.rule.subjects, repository).and_then(Result::err)
    }
}
