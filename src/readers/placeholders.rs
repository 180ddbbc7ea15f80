//! `$(params.x)` and `{{inputs.parameters.x}}`: what a controller puts into texts before anything runs. A shell must not
//! take them for its own, so they are read as variables of that name.

use crate::text::Passage;
use std::collections::BTreeMap;
use std::ops::Range;

/// The most values that one text may stand for.
const MOST_VALUES: usize = 16;
/// Longer texts stay as written.
const LONGEST: usize = 8192;
/// Replacements within replacements.
const DEEPEST: usize = 4;

/// Where placeholders stand in a text, each with its name.
pub(super) type Find = fn(&str) -> Vec<(Range<usize>, String)>;

/// Values that names can have, in the order of the files that give them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values(BTreeMap<String, Vec<String>>);

impl Values {
    /// Gives a name these values and no others.
    pub(super) fn set(&mut self, name: &str, values: Vec<String>) {
        self.0.insert(name.to_owned(), values);
    }

    /// Every name with its values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Every text that this one can stand for; names without a value are left as variables.
    pub(super) fn expand(&self, text: &str, find: Find) -> Vec<String> {
        let mut all = vec![as_variables_in(text, find)];
        for _ in 0..DEEPEST {
            let mut next = Vec::new();
            let mut changed = false;
            for text in &all {
                changed |= self.once(text, &mut next);
            }
            next.dedup();
            next.truncate(MOST_VALUES);
            all = next;
            if !changed || all.iter().any(|t| t.len() > LONGEST) {
                break;
            }
        }
        all
    }

    /// Replaces each variable once. Returns whether there was one to replace.
    fn once(&self, text: &str, into: &mut Vec<String>) -> bool {
        let mut made = vec![String::new()];
        let (mut from, mut changed) = (0, false);
        for (at, _) in text.match_indices("${") {
            let Some(end) = text[at..].find('}').map(|end| at + end) else { break };
            if at < from {
                continue;
            }
            let Some(values) = self.0.get(&text[at + 2..end]).filter(|v| !v.is_empty()) else { continue };
            if values.iter().any(|v| v.contains(&text[at..=end])) || made.len() * values.len() > MOST_VALUES {
                continue;
            }
            made = made
                .iter()
                .flat_map(|m| values.iter().map(move |v| format!("{m}{}{v}", &text[from..at])))
                .collect();
            (from, changed) = (end + 1, true);
        }
        made.iter_mut().for_each(|m| m.push_str(&text[from..]));
        into.extend(made);
        changed
    }
}

/// The name of a placeholder as one of a variable.
pub(super) fn variable(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') { c } else { '_' };
    name.chars().map(fits).collect()
}

/// A text with its placeholders as variables.
pub(super) fn as_variables_in(text: &str, find: Find) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, name) in find(text) {
        out.push_str(&text[from..range.start]);
        out.push_str(&format!("${{{}}}", variable(&name)));
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// The same for a text that was lifted out of a file. A placeholder that is all of its line is a command that others
/// give, and stands for its value if there is but one.
pub(super) fn as_variables(passage: &Passage, find: Find, known: &dyn Fn(&str) -> Vec<String>) -> Passage {
    let text = passage.text();
    let found = find(text);
    if found.is_empty() {
        return passage.clone();
    }
    let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
    let mut from = 0;
    for (range, name) in found {
        out.append(passage, from..range.start);
        let mut meaning = format!("${{{}}}", variable(&name));
        let before = text[..range.start].rsplit('\n').next().unwrap_or("");
        let behind = text[range.end..].split('\n').next().unwrap_or("");
        if before.trim().is_empty()
            && behind.trim().is_empty()
            && let [one] = known(&meaning).as_slice()
        {
            meaning.clone_from(one);
        }
        out.push_meaning(&meaning, passage.span(range.clone()).range());
        from = range.end;
    }
    out.append(passage, from..text.len());
    out
}

/// No placeholders.
pub(super) fn none(_: &str) -> Vec<(Range<usize>, String)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn braces(text: &str) -> Vec<(Range<usize>, String)> {
        let found = text.match_indices("{{").filter_map(|(at, _)| {
            let end = at + text[at..].find("}}")? + 2;
            Some((at..end, text[at + 2..end - 2].to_owned()))
        });
        found.collect()
    }

    #[test]
    fn a_placeholder_stands_for_every_value_that_it_can_have() {
        let mut values = Values::default();
        values.set("stage", vec!["staging".to_owned(), "production".to_owned()]);
        values.set("host", vec!["${stage}.example".to_owned()]);
        values.set("loop", vec!["${loop}${loop}".to_owned()]);
        for (text, expected) in [
            ("plain", &["plain"][..]),
            ("a-{{stage}}", &["a-staging", "a-production"]),
            ("{{host}}", &["staging.example", "production.example"]),
            ("{{other-one}}x", &["${other_one}x"]),
            ("{{loop}}", &["${loop}"]),
            ("${open", &["${open"]),
        ] {
            assert_eq!(values.expand(text, braces), expected, "{text}");
        }
    }

    #[test]
    fn values_that_multiply_do_not_cost_more_than_the_limit() {
        let mut values = Values::default();
        for n in 0..9 {
            values.set(&format!("v{n}"), vec![format!("${{v{}}}", n + 1).repeat(500); 3]);
        }
        assert!(values.expand("{{v0}}", braces).len() <= MOST_VALUES);
    }
}
