//! Descriptors of the rules, and the taxonomies (manuals, CWE) that they refer to.

use super::log::{
    ComponentReference, Configuration, Descriptor, Help, Properties, Relationship, Target, Taxon, Text,
    ToolComponent,
};
use super::sentence;
use crate::finding::{Confidence, Severity};
use crate::report::legible::clause;
use crate::report::{Report, RuleResult};
use std::collections::{BTreeMap, BTreeSet};

/// GitHub rejects descriptions that are longer, in characters.
const LONGEST: usize = 1024;

/// GitHub shows so many tags of a rule.
const TAGS: usize = 10;

/// Manuals and weaknesses that active rules name, in the order in which the log holds them.
pub(super) struct Taxonomies {
    components: Vec<(String, BTreeSet<String>)>,
}

impl Taxonomies {
    pub(super) fn new(report: &Report) -> Taxonomies {
        let mut manuals: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut weaknesses: BTreeSet<u32> = BTreeSet::new();
        for rule in report.rules.iter().map(|r| &r.active.rule) {
            for clause in &rule.clauses {
                manuals.entry(manual(&clause.id).to_owned()).or_default().insert(clause.id.clone());
            }
            weaknesses.extend(&rule.cwe);
        }
        let mut components: Vec<_> = manuals.into_iter().collect();
        if !weaknesses.is_empty() {
            components.push(("CWE".to_owned(), weaknesses.iter().map(|n| format!("CWE-{n}")).collect()));
        }
        Taxonomies { components }
    }

    pub(super) fn supported(&self) -> Vec<ComponentReference> {
        let names = self.components.iter().enumerate();
        names.map(|(index, (name, _))| ComponentReference { name: name.clone(), index }).collect()
    }

    pub(super) fn components(&self) -> Vec<ToolComponent> {
        self.components
            .iter()
            .map(|(name, ids)| {
                let weaknesses = name == "CWE";
                let (organization, short) = match weaknesses {
                    true => ("MITRE", "Common Weakness Enumeration.".to_owned()),
                    false => ("plimsoll", format!("The clauses of {name} that rules of this run serve.")),
                };
                let text = |id: &String| match crate::policy::clause(id) {
                    _ if weaknesses => format!("{id} of the Common Weakness Enumeration."),
                    Some(known) => described(&known.requirement),
                    None => format!("Clause {}.", clause(id)),
                };
                let taxon =
                    |id: &String| Taxon { id: id.clone(), short_description: Text { text: text(id) } };
                ToolComponent {
                    name: name.clone(),
                    organization,
                    short_description: Text { text: short },
                    is_comprehensive: false,
                    taxa: ids.iter().map(taxon).collect(),
                }
            })
            .collect()
    }

    fn target(&self, component: &str, id: &str) -> Option<Target> {
        let index = self.components.iter().position(|(name, _)| name == component)?;
        let of = self.components[index].1.iter().position(|known| known == id)?;
        let tool_component = ComponentReference { name: component.to_owned(), index };
        Some(Target { id: id.to_owned(), index: of, tool_component })
    }

    fn relationships(&self, rule: &RuleResult) -> Vec<Relationship> {
        let rule = &rule.active.rule;
        let clauses = rule.clauses.iter().filter_map(|c| self.target(manual(&c.id), &c.id));
        let clauses = clauses.map(|target| Relationship { target, kinds: ["relevant"] });
        let weaknesses = rule.cwe.iter().filter_map(|n| self.target("CWE", &format!("CWE-{n}")));
        clauses.chain(weaknesses.map(|target| Relationship { target, kinds: ["superset"] })).collect()
    }

    /// Describes a rule; its text never depends on what was found.
    pub(super) fn describe(&self, result: &RuleResult) -> Descriptor {
        let rule = &result.active.rule;
        let title = described(&rule.title);
        Descriptor {
            id: rule.id.clone(),
            name: pascal(&rule.id),
            short_description: Text { text: title },
            full_description: Text { text: described(&rule.why) },
            message_strings: [
                ("default", Text { text: "{0}.".to_owned() }),
                ("related", Text { text: "{0}. See {1}.".to_owned() }),
            ]
            .into(),
            help: help(result),
            default_configuration: Configuration { level: result.active.severity.name() },
            relationships: self.relationships(result),
            properties: properties(result),
        }
    }
}

fn manual(clause: &str) -> &str {
    clause.split_once('/').map_or(clause, |(manual, _)| manual)
}

/// One paragraph that ends with a full stop and is no longer than consumers take.
fn described(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() < LONGEST {
        return format!("{}.", sentence(&text));
    }
    let cut: String = text.chars().take(LONGEST - 4).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(cut, _)| cut);
    format!("{cut} ....")
}

fn help(result: &RuleResult) -> Help {
    let rule = &result.active.rule;
    let clauses: Vec<String> = rule.clauses.iter().map(|c| clause(&c.id)).collect();
    let allow = format!("plimsoll: allow[{}] <reason>", rule.id);
    let mut text = format!("{}\n\nFix: {}", rule.why, rule.fix);
    let mut markdown = format!("{}\n\n**Fix:** {}", rule.why, rule.fix);
    if !clauses.is_empty() {
        text += &format!("\n\nClauses: {}.", clauses.join(", "));
        markdown += &format!("\n\n**Clauses:** {}", clauses.join(", "));
    }
    let out = "Not the defect that is meant? Say so in a comment on the line, or alone above it";
    text += &format!("\n\n{out}: {allow}");
    markdown += &format!("\n\n{out}: `{allow}`");
    if !rule.sources.is_empty() {
        text += &format!("\n\nRests on: {}", rule.sources.join(" "));
        let sources: Vec<String> = rule.sources.iter().map(|s| format!("- <{s}>")).collect();
        markdown += &format!("\n\n**Rests on:**\n\n{}", sources.join("\n"));
    }
    Help { text, markdown }
}

fn properties(result: &RuleResult) -> Properties {
    let rule = &result.active.rule;
    let security = !rule.cwe.is_empty();
    let mut tags = Vec::new();
    if security {
        tags.push("security".to_owned());
    }
    if !rule.family.is_empty() {
        tags.push(rule.family.clone());
    }
    tags.extend(rule.cwe.iter().map(|n| format!("external/cwe/cwe-{n}")));
    let manuals: BTreeSet<String> = rule.clauses.iter().map(|c| manual(&c.id).to_ascii_lowercase()).collect();
    tags.extend(manuals);
    tags.truncate(TAGS);
    Properties {
        tags,
        precision: match rule.confidence {
            Confidence::High => "high",
            Confidence::Medium => "medium",
            Confidence::Low => "low",
        },
        problem_severity: match result.active.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "recommendation",
        },
        // Within GitHub's bands for high, medium and low; no rule claims to be critical.
        security_severity: security.then_some(match result.active.severity {
            Severity::Error => "8.0",
            Severity::Warning => "5.5",
            Severity::Note => "2.0",
        }),
    }
}

/// `staging-skipped` is `StagingSkipped`. A name of one word gets a second, because a name must differ
/// from the id in more than case.
fn pascal(id: &str) -> String {
    let mut name: String = id
        .split('-')
        .flat_map(|part| {
            let mut chars = part.chars();
            chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars)
        })
        .collect();
    if !id.contains('-') {
        name.push_str("Rule");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn names_are_pascal_case() {
        assert_eq!(pascal("staging-skipped"), "StagingSkipped");
        assert_eq!(pascal("secret"), "SecretRule");
    }

    #[test]
    fn descriptions_are_sentences_that_consumers_take() {
        assert_eq!(described("One\n  two"), "One two.");
        let long = described(&"word ".repeat(900));
        assert!(long.chars().count() <= LONGEST && long.ends_with('.'), "{long}");
    }

    #[test]
    fn no_rule_has_more_tags_than_are_shown() {
        let cwe: Vec<String> = (1..40).map(|n| n.to_string()).collect();
        let rule = sample::rule("odd-rule", "error", r#"["A/1"]"#, &format!("[{}]", cwe.join(",")));
        assert_eq!(properties(&rule).tags.len(), TAGS);
    }

    #[test]
    fn only_security_rules_have_a_security_severity() {
        let rule = |cwe| properties(&sample::rule("odd-rule", "error", "[]", cwe));
        assert_eq!(rule("[]").security_severity, None);
        assert!(!rule("[]").tags.contains(&"security".to_owned()));
        assert_eq!(rule("[79]").security_severity, Some("8.0"));
    }
}
