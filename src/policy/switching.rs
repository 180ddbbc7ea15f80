//! What holds in one run: the rules that are on, their severities, the parameters' values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::config::{Config, PerPath};
use super::conflict::conflicts;
use super::error::PolicyError;
use super::manual::{Manual, grade};
use super::stock::{Stock, serves};
use super::written::{Written, meant};
use crate::dispositions::{Rules, Settled};
use crate::facts::words;
use crate::finding::{Confidence, Finding, FindingKind, Severity};
use crate::lexicon::{Environments, Lexicon, TriedKinds};
use crate::parameters::Parameters;
use crate::rule::{Active, Catalog, RuleStage};
use crate::source::{Mapping, Reference};

words! {
    /// The mildest severity that makes the exit code 1.
    pub enum Threshold {
        /// Notes and all above.
        Note = "note",
        /// Warnings and errors.
        Warning = "warning",
        /// Errors only.
        Error = "error",
        /// Nothing.
        Never = "never",
    }
}

/// What was said on the command line, which stands above the policy file.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Manuals, beside those of the file.
    pub manuals: Vec<String>,
    /// Exactly what runs, if anything is named.
    pub select: Vec<String>,
    /// What does not run.
    pub ignore: Vec<String>,
    /// Patterns of files to leave out, beside those of the policy file.
    pub exclude: Vec<String>,
    /// The mildest severity that makes the exit code 1.
    pub fail_on: Option<Threshold>,
    /// Where other repositories lie, above those of the file.
    pub sources: Vec<Mapping>,
}

/// What holds in one run.
///
/// A rule's severity is its own, or that of the strictest active manual that has the rule; then the policy's;
/// then that of the path.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules that are on, with their severities.
    pub catalog: Catalog,
    /// The values of parameters.
    pub parameters: Parameters,
    /// The team's own names for environments.
    pub environments: Environments,
    /// The team's own kinds of credentials.
    pub kinds: Vec<TriedKinds>,
    /// The manuals that are chosen, in the order in which they were named.
    pub manuals: Vec<Manual>,
    /// The mildest severity that makes the exit code 1.
    pub fail_on: Threshold,
    /// Patterns of files to leave out, relative to the audited root, as `source::Options` takes them.
    pub exclude: Vec<String>,
    /// What dispositions have to know of rules.
    pub rules: Rules,
    /// What the repository is, if the policy says it.
    pub kind: Option<String>,
    /// Where other repositories lie.
    pub sources: Vec<Mapping>,
    /// The repository that deploys this one.
    pub deploys_in: Option<Reference>,
    /// Topics that wait for a choice between manuals.
    pub notes: Vec<String>,
    per_path: Vec<Local>,
    prefix: String,
}

/// Where other repositories lie: what is said on the command line stands for what a file says of the same name.
fn sources(config: &Config, said: &Said) -> Vec<Mapping> {
    let spoken = |name: &str| said.sources.iter().any(|s| s.name.eq_ignore_ascii_case(name));
    let written = config.sources.values().map(|w| &w.value).filter(|m| !spoken(&m.name));
    said.sources.iter().chain(written).cloned().collect()
}

fn deploys_in(config: &Config) -> Result<Option<Reference>, Box<PolicyError>> {
    let Some(written) = &config.deploys_in else { return Ok(None) };
    let (name, version) = match written.value.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (written.value.as_str(), None),
    };
    if name.trim().is_empty() || version.is_some_and(|v| v.trim().is_empty()) {
        let error = written.error("`deploys_in` names no repository");
        return Err(error.help("write `name` or `name@version`, and where a clone lies under [sources]"));
    }
    Ok(Some(Reference { name: name.trim().to_owned(), version: version.map(|v| v.trim().to_owned()) }))
}

/// [`PerPath`] with its names resolved to rules.
#[derive(Debug, Clone)]
struct Local {
    written: PerPath,
    ignore: BTreeSet<String>,
}

impl Policy {
    /// What dispositions have to know of rules. Who did not read history cannot tell what is gone from it.
    pub fn rules_that_ran(&self, history: bool) -> Rules {
        let mut rules = self.rules.clone();
        if !history {
            for active in self.catalog.active.iter().filter(|a| a.rule.subjects == "history") {
                rules.ran.remove(&active.rule.id);
            }
        }
        rules
    }

    /// Settles what holds, or says which name of the policy means nothing. `root` is the audited folder,
    /// which paths of findings are relative to.
    pub fn new(config: &Config, said: &Said, stock: &Stock, root: &Path) -> Result<Policy, Box<PolicyError>> {
        let names = Names::new(stock);
        let aloud = |all: &[String]| all.iter().cloned().map(Written::aloud).collect::<Vec<_>>();
        let (manuals, everything) = choose_manuals(&config.manuals, &aloud(&said.manuals), stock)?;
        let mut notes = Vec::new();
        let parameters = set_parameters(config, &manuals, &names, everything, &mut notes)?;

        let mut on = names.core.clone();
        for manual in &manuals {
            on.extend(stock.serving(manual).map(|rule| rule.id.clone()));
        }
        if everything {
            on.extend(stock.rules.keys().cloned());
        } else {
            let waiting = contested(config, &manuals, stock, &mut notes);
            on.retain(|id| !waiting.contains(id));
        }
        if !config.select.is_empty() {
            on = names.resolve_all(&config.select)?;
        }
        let mut off = names.resolve_all(&config.ignore)?;
        if !said.select.is_empty() {
            on = names.resolve_all(&aloud(&said.select))?;
            // Who names one rule on the command line wants to see it.
            off.retain(|id| !said.select.iter().any(|s| names.present(s) == Some(id)));
        }
        off.extend(names.resolve_all(&aloud(&said.ignore))?);
        on.retain(|id| !off.contains(id));

        let mut severities = BTreeMap::new();
        for (id, severity) in &config.severity {
            let Some(id) = names.present(id) else {
                let error = severity.error(format!("there is no rule `{id}`"));
                return Err(meant(error, id, stock.rules.keys().map(String::as_str)));
            };
            severities.insert(id, severity.value);
        }
        let active_manuals: Vec<&Manual> = manuals.iter().collect();
        let active = on.iter().map(|id| {
            let rule = &stock.rules[id];
            let severity = severities.get(id).copied().unwrap_or_else(|| {
                let clauses = rule.clauses.iter().map(|c| c.id.as_str());
                grade(id, rule.severity, clauses, &active_manuals)
            });
            Active { rule: rule.clone(), severity }
        });
        let catalog = Catalog { active: active.collect() };

        let mut locked = names.resolve_all(&config.locked)?;
        if config.locked_all {
            locked.extend(stock.rules.keys().cloned());
        }
        let rules = Rules {
            known: stock.rules.keys().cloned().collect(),
            renamed: names.renamed.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect(),
            ran: on,
            locked,
        };
        let per_path = config.per_path.iter().map(|written| {
            Ok(Local { ignore: names.resolve_all(&written.ignore)?, written: written.clone() })
        });
        let prefix = prefix(&config.folder, root);
        let excluded = config.exclude.iter().map(|e| rooted(&prefix, &e.value));
        let written = config.fail_on.as_ref().and_then(|f| Threshold::from_name(&f.value));
        Ok(Policy {
            catalog,
            parameters,
            environments: Environments::from(config.environments.clone()),
            kinds: stock.kinds.clone(),
            fail_on: said.fail_on.or(written).unwrap_or(Threshold::Error),
            exclude: excluded.chain(said.exclude.iter().cloned()).collect(),
            rules,
            kind: config.kind.as_ref().map(|k| k.value.clone()),
            sources: sources(config, said),
            deploys_in: deploys_in(config)?,
            notes,
            per_path: per_path.collect::<Result<_, Box<PolicyError>>>()?,
            manuals,
            prefix,
        })
    }

    /// The core set, without any policy file.
    pub fn core(stock: &Stock) -> Policy {
        Policy::new(&Config::default(), &Said::default(), stock, Path::new(""))
            .expect("nothing was named that could be wrong")
    }

    /// What reading looks up where this policy holds.
    pub fn lexicon(&self) -> Lexicon {
        Lexicon {
            environments: self.environments.clone(),
            patterns: self.catalog.text_patterns(),
            own_kinds: self.kinds.clone(),
            ..Lexicon::default()
        }
    }

    /// Applies `[per-path]`: findings in files where their rule is ignored go, the others get the severity
    /// of the place. Returns how many went. Of several patterns the last one that says something counts.
    pub fn localise(&self, findings: &mut Vec<Finding>, path: impl Fn(&Finding) -> String) -> usize {
        if self.per_path.is_empty() {
            return 0;
        }
        let before = findings.len();
        findings.retain_mut(|finding| {
            let path = path(finding);
            let Some(path) = path.strip_prefix(&self.prefix) else { return true };
            for local in self.per_path.iter().filter(|l| l.written.pattern.matches(path)) {
                if local.ignore.contains(&finding.rule) {
                    return false;
                }
                finding.severity = local.written.severity.unwrap_or(finding.severity);
            }
            true
        });
        before - findings.len()
    }

    /// Whether a finding makes the exit code 1: a failure that nothing disposes of, at or above the
    /// threshold, of at least medium confidence, by a rule that is no preview.
    pub fn fails(&self, settled: &Settled) -> bool {
        let finding = &settled.quoted.finding;
        let threshold = match self.fail_on {
            Threshold::Note => Severity::Note,
            Threshold::Warning => Severity::Warning,
            Threshold::Error => Severity::Error,
            Threshold::Never => return false,
        };
        let preview = || self.catalog.get(&finding.rule).is_some_and(|a| a.rule.stage == RuleStage::Preview);
        settled.disposition.is_none()
            && finding.kind == FindingKind::Fail
            && finding.severity >= threshold
            && finding.confidence > Confidence::Low
            && !preview()
    }
}

fn choose_manuals(
    file: &[Written<String>],
    said: &[Written<String>],
    stock: &Stock,
) -> Result<(Vec<Manual>, bool), Box<PolicyError>> {
    let mut manuals: Vec<Manual> = Vec::new();
    let mut everything = false;
    for id in file.iter().chain(said) {
        let ids = if id.value == "all" {
            everything = true;
            stock.manual_ids()
        } else {
            vec![id.value.as_str()]
        };
        for name in ids {
            let Some(manual) = stock.manual(name) else {
                let error = id.error(format!("there is no manual `{name}`"));
                return Err(meant(error, name, stock.manual_ids().into_iter().chain(["all"])));
            };
            if !manuals.iter().any(|m| m.id == manual.id) {
                manuals.push(manual.clone());
            }
        }
    }
    Ok((manuals, everything))
}

fn set_parameters(
    config: &Config,
    manuals: &[Manual],
    names: &Names<'_>,
    everything: bool,
    notes: &mut Vec<String>,
) -> Result<Parameters, Box<PolicyError>> {
    let mut parameters = Parameters::default();
    for manual in manuals {
        manual.apply_to(&mut parameters).expect("the manual's loader has tried it");
    }
    for (name, value) in &config.parameters {
        parameters.set(name, &value.value).map_err(|why| value.error(format!("`{name}`: {why}")))?;
    }
    let known: Vec<&str> = Parameters::describe().iter().map(|d| d.name).collect();
    for (topic, manual) in &config.resolve {
        if names.stock.manual(&manual.value).is_none() {
            let error = manual.error(format!("there is no manual `{}`", manual.value));
            return Err(meant(error, &manual.value, names.stock.manual_ids()));
        }
        let conflict = conflicts().iter().find(|c| c.id == *topic);
        if conflict.is_none() && !known.contains(&topic.as_str()) {
            let error = manual.error(format!("there is no topic `{topic}` on which manuals could differ"));
            let ids = conflicts().iter().map(|c| c.id.as_str());
            return Err(meant(error, topic, known.iter().copied().chain(ids)));
        }
        let topics = match conflict {
            Some(conflict) => conflict.parameters.iter().map(String::as_str).collect(),
            None => vec![topic.as_str()],
        };
        for topic in topics {
            // A manual that is not chosen, or says nothing of this topic, decides nothing.
            if let Err(why) = parameters.resolve(topic, &manual.value)
                && conflict.is_none()
            {
                return Err(manual.error(format!("`{topic}`: {why}")));
            }
        }
    }
    if !everything {
        for topic in parameters.unresolved() {
            notes.push(format!(
                "the chosen manuals differ on `{topic}`: rules on it stay open until the policy says \
                 [resolve] \"{topic}\" = \"<manual>\""
            ));
        }
    }
    Ok(parameters)
}

/// The rules whose subject another chosen manual allows, while nobody has said which to follow; one note
/// for each topic.
fn contested(
    config: &Config,
    manuals: &[Manual],
    stock: &Stock,
    notes: &mut Vec<String>,
) -> BTreeSet<String> {
    let mut waiting = BTreeSet::new();
    for conflict in conflicts().iter().filter(|c| c.ordered != Some(true)) {
        let takes_part = |m: &Manual| {
            let own = |id: &String| id.strip_prefix(m.prefix.as_str()).is_some_and(|r| r.starts_with('/'));
            conflict.positions.iter().any(|p| p.clauses.iter().any(own))
        };
        let parties: Vec<&Manual> = manuals.iter().filter(|m| takes_part(m)).collect();
        let rules = stock.rules.values().filter(|r| r.contested.as_deref() == Some(conflict.id.as_str()));
        let decided = std::iter::once(&conflict.id)
            .chain(&conflict.parameters)
            .find_map(|topic| config.resolve.get(topic))
            .map(|manual| manual.value.as_str());
        let mut undecided = false;
        for rule in rules {
            let against = parties.iter().any(|m| !serves(rule, m));
            let on = match decided {
                _ if !against => true,
                Some(decided) => stock.manual(decided).is_some_and(|m| serves(rule, m)),
                None => {
                    undecided |= parties.iter().any(|m| serves(rule, m));
                    false
                }
            };
            if !on {
                waiting.insert(rule.id.clone());
            }
        }
        if undecided {
            let ids: Vec<&str> = parties.iter().map(|m| m.id.as_str()).collect();
            notes.push(format!(
                "{} differ on {} ({}): its rules stay off until the policy says [resolve] {} = \"<manual>\"",
                ids.join(" and "),
                conflict.id,
                conflict.topic,
                conflict.id
            ));
        }
    }
    waiting
}

/// What a name in `select`, `ignore` or `locked` can mean.
struct Names<'a> {
    stock: &'a Stock,
    core: BTreeSet<String>,
    renamed: BTreeMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    fn new(stock: &'a Stock) -> Names<'a> {
        let core = stock.rules.values().filter(|r| r.core).map(|r| r.id.clone()).collect();
        let renamed = stock
            .rules
            .values()
            .flat_map(|rule| rule.renamed_from.iter().map(|old| (old.as_str(), rule.id.as_str())))
            .collect();
        Names { stock, core, renamed }
    }

    /// The present id of the rule that has or had this one.
    fn present(&self, id: &str) -> Option<&'a String> {
        let id = self.renamed.get(id).copied().unwrap_or(id);
        self.stock.rules.get_key_value(id).map(|(id, _)| id)
    }

    fn resolve_all(&self, all: &[Written<String>]) -> Result<BTreeSet<String>, Box<PolicyError>> {
        let mut ids = BTreeSet::new();
        for name in all {
            ids.extend(self.resolve(name)?);
        }
        Ok(ids)
    }

    fn resolve(&self, name: &Written<String>) -> Result<BTreeSet<String>, Box<PolicyError>> {
        let rules = &self.stock.rules;
        let wanted = name.value.as_str();
        match wanted {
            "all" => return Ok(rules.keys().cloned().collect()),
            "core" => return Ok(self.core.clone()),
            _ => {}
        }
        if let Some(id) = self.present(wanted) {
            return Ok([id.clone()].into());
        }
        if let Some(manual) = self.stock.manual(wanted) {
            return Ok(self.stock.serving(manual).map(|r| r.id.clone()).collect());
        }
        let family: BTreeSet<String> =
            rules.values().filter(|r| r.family == wanted).map(|r| r.id.clone()).collect();
        if !family.is_empty() {
            return Ok(family);
        }
        let families: BTreeSet<&str> = rules.values().map(|r| r.family.as_str()).collect();
        let known = rules.keys().map(String::as_str).chain(families).chain(self.stock.manual_ids());
        let error = name.error(format!("`{wanted}` is no rule, no family of rules and no manual"));
        Err(match crate::text::nearest(wanted, known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("`plimsoll rule` lists all rules, `plimsoll clause` all manuals"),
        })
    }
}

/// Where the policy's folder lies in the audited one: empty, or a path that ends in `/`.
fn prefix(folder: &Path, root: &Path) -> String {
    match folder.strip_prefix(root) {
        Ok(inner) if inner.as_os_str().is_empty() => String::new(),
        Ok(inner) => format!("{}/", inner.to_string_lossy().replace('\\', "/")),
        Err(_) => String::new(),
    }
}

/// A pattern of a policy in the folder `prefix`, as a pattern of the root.
fn rooted(prefix: &str, pattern: &str) -> String {
    if prefix.is_empty() {
        return pattern.to_owned();
    }
    let (not, pattern) = pattern.strip_prefix('!').map_or(("", pattern), |rest| ("!", rest));
    // A pattern with a slash in its middle or at its start is bound to its folder.
    match pattern.strip_prefix('/') {
        Some(bound) => format!("{not}/{prefix}{bound}"),
        None if pattern.trim_end_matches('/').contains('/') => format!("{not}/{prefix}{pattern}"),
        None => format!("{not}/{prefix}**/{pattern}"),
    }
}

#[cfg(test)]
#[path = "switching_tests.rs"]
mod tests;
