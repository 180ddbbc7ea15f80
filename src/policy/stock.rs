//! Every rule and manual that there is: those that come with the program and the team's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::PolicyError;
use super::manual::{self, Manual};
use super::written::{Document, aloud};
use crate::lexicon::{KindFault, TriedKinds};
use crate::rule::{ClauseRef, Rule, RuleError, builtin_heads, load, load_tried, nearest_key};

/// A team's broken rule ends the run with exit code 2: a gate that ran without one of its rules would look as
/// if it had passed.
fn broken(error: RuleError) -> Box<PolicyError> {
    let RuleError { message, source_code, span, help } = error;
    Box::new(PolicyError { message, source_code, span, help })
}

/// Reads files of kinds, each given by its path and its text, and tries them on their examples.
pub type TryKinds = fn(&[(String, String)]) -> Result<Vec<TriedKinds>, KindFault>;

/// Every rule and manual that there is.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    /// Rules by id; a user's manual's clauses are among their clauses.
    pub rules: BTreeMap<String, Rule>,
    /// The team's own kinds of credentials.
    pub kinds: Vec<TriedKinds>,
    /// The team's own manuals by id. Built-in ones are read when they are asked for.
    own: BTreeMap<String, Manual>,
    checks: Vec<&'static str>,
}

impl Stock {
    /// What comes with the program. `checks` names the checks that there are.
    pub fn builtin(checks: Vec<&'static str>) -> Stock {
        let rules = builtin_heads().map(|head| {
            let rule = load_tried(head.path, head.text, &checks).expect("a test loads every built-in rule");
            (rule.id.clone(), rule)
        });
        let rules = rules.collect();
        Stock { rules, kinds: Vec::new(), own: BTreeMap::new(), checks }
    }

    /// What comes with the program, and what the team has: `rules/*.toml` and `manuals/*.toml` below
    /// `.plimsoll` or `compliance` in `root`, and the rules in further folders.
    pub fn open(
        checks: Vec<&'static str>,
        root: &Path,
        folders: &[PathBuf],
    ) -> Result<Stock, Box<PolicyError>> {
        let mut stock = Stock::builtin(checks);
        for own in crate::dispositions::FOLDERS {
            stock.add_rules(root, &root.join(own).join("rules"), false)?;
        }
        for folder in folders {
            stock.add_rules(root, folder, true)?;
        }
        for own in crate::dispositions::FOLDERS {
            for path in toml_files(&root.join(own).join("manuals"), false)? {
                let document = Document::read(&path)?;
                stock.add_manual(manual::load_file(&shown(root, &path), &document.text)?)?;
            }
        }
        Ok(stock)
    }

    /// Takes in the team's own kinds of credentials: `kinds/*.toml` below `.plimsoll` or `compliance` in `root`. An
    /// example that does not hold is an error, as a broken rule is.
    pub fn add_kinds(&mut self, root: &Path, try_kinds: TryKinds) -> Result<(), Box<PolicyError>> {
        let mut files = Vec::new();
        for own in crate::dispositions::FOLDERS {
            for path in toml_files(&root.join(own).join("kinds"), false)? {
                files.push((shown(root, &path), Document::read(&path)?.text.clone()));
            }
        }
        self.kinds = try_kinds(&files).map_err(|fault| {
            let (path, text) = &files[fault.file];
            let help = fault.help.or_else(|| nearest_key(&fault.message));
            let error = PolicyError::new(path, text, fault.span, fault.message);
            match help {
                Some(help) => error.help(help),
                None => error,
            }
        })?;
        Ok(())
    }

    fn add_rules(&mut self, root: &Path, folder: &Path, named: bool) -> Result<(), Box<PolicyError>> {
        for path in toml_files(folder, named)? {
            let document = Document::read(&path)?;
            self.add_rule(&shown(root, &path), &document.text)?;
        }
        Ok(())
    }

    /// Takes in a team's rule from a file's text.
    pub fn add_rule(&mut self, path: &str, text: &str) -> Result<(), Box<PolicyError>> {
        let rule = load(path, text, &self.checks).map_err(|error| broken(*error))?;
        if let Some(other) = self.rules.get(&rule.id) {
            let at = text.find(&rule.id).map(|at| at..at + rule.id.len());
            let origin =
                if other.path == rule.path { "twice".into() } else { format!("in {} too", other.path) };
            let message = format!("the rule `{}` is there {origin}", rule.id);
            return Err(PolicyError::new(path, text, at, message).help("give it another id"));
        }
        self.rules.insert(rule.id.clone(), rule);
        Ok(())
    }

    /// Takes in a team's manual. The rules that its clauses name learn of the clause.
    pub fn add_manual(&mut self, manual: Manual) -> Result<(), Box<PolicyError>> {
        if self.own.contains_key(&manual.id) {
            return Err(aloud(format!("there are two manuals `{}`", manual.id)).help("rename one of them"));
        }
        for clause in &manual.clauses {
            for id in &clause.rules {
                if !self.rules.contains_key(id) {
                    let message = format!("clause {} names the rule `{id}`, which does not exist", clause.id);
                    let known: Vec<&str> = self.rules.keys().map(String::as_str).collect();
                    return Err(match crate::text::nearest(id, known) {
                        Some(near) => aloud(message).help(format!("did you mean `{near}`?")),
                        None => aloud(message).help("`plimsoll rule` lists all rules"),
                    });
                }
            }
        }
        for clause in &manual.clauses {
            for id in &clause.rules {
                let rule = self.rules.get_mut(id).expect("asked a moment ago");
                if !rule.clauses.iter().any(|c| c.id == clause.id) {
                    rule.clauses.push(ClauseRef { id: clause.id.clone(), part: None });
                }
            }
        }
        self.own.insert(manual.id.clone(), manual);
        Ok(())
    }

    /// The ids of all manuals, built-in ones first.
    pub fn manual_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = manual::builtin_ids().collect();
        ids.extend(self.own.keys().map(String::as_str));
        ids
    }

    /// The manual of this id.
    pub fn manual(&self, id: &str) -> Option<&Manual> {
        manual::load_builtin(id).or_else(|| self.own.get(id))
    }

    /// The rules that serve a clause of the manual.
    pub fn serving<'a>(&'a self, manual: &'a Manual) -> impl Iterator<Item = &'a Rule> {
        self.rules.values().filter(|rule| serves(rule, manual))
    }
}

/// Whether a rule serves a clause of the manual.
pub(super) fn serves(rule: &Rule, manual: &Manual) -> bool {
    let of = |id: &str| id.strip_prefix(manual.prefix.as_str()).is_some_and(|rest| rest.starts_with('/'));
    rule.clauses.iter().any(|clause| of(&clause.id))
}

/// The `.toml` files of a folder and its folders, sorted. A folder that was named must exist.
fn toml_files(folder: &Path, named: bool) -> Result<Vec<PathBuf>, Box<PolicyError>> {
    if !folder.is_dir() {
        return match named {
            true => Err(aloud(format!("there is no folder `{}`", folder.display()))
                .help("`--rules` names a folder of rule files")),
            false => Ok(Vec::new()),
        };
    }
    let mut files = Vec::new();
    for entry in ignore::WalkBuilder::new(folder).standard_filters(false).max_depth(Some(8)).build() {
        let entry = entry.map_err(|e| aloud(format!("`{}` cannot be read: {e}", folder.display())))?;
        if entry.path().extension().is_some_and(|e| e == "toml") && entry.path().is_file() {
            files.push(entry.into_path());
        }
    }
    files.sort();
    Ok(files)
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
