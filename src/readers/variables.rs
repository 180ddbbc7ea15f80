//! `$NAME` and `${NAME}`: variables that a dialect puts into fields and shell texts.

use crate::facts::Value;
use crate::text::Passage;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

/// The most values that one text may stand for; beyond it stays as written.
const MOST_VALUES: usize = 32;
/// Longer texts stay as written.
const LONGEST: usize = 8192;
/// Variables that refer to others are followed so far.
const DEEPEST: usize = 8;
/// Replacements for one text; a text that needs more was built to be slow.
const MOST_REPLACED: u32 = 1_000;

/// Variables by name, each with the texts that it can have, in which others may be named. Inner ones win.
#[derive(Debug, Default)]
pub(super) struct Variables<'o> {
    outer: Option<&'o Variables<'o>>,
    known: BTreeMap<String, Vec<String>>,
}

impl<'o> Variables<'o> {
    /// No variables but those of `outer`.
    pub(super) fn inside(outer: &'o Variables<'o>) -> Variables<'o> {
        Variables { outer: Some(outer), known: BTreeMap::new() }
    }

    /// Gives a name all texts that it can have; an empty list hides what an outer scope says.
    pub(super) fn set(&mut self, name: &str, texts: Vec<String>) {
        self.known.insert(name.to_owned(), texts);
    }

    /// The texts that a name can have, as they were set.
    pub(super) fn get(&self, name: &str) -> Option<&[String]> {
        match self.known.get(name) {
            Some(texts) => Some(texts.as_slice()).filter(|t| !t.is_empty()),
            None => self.outer?.get(name),
        }
    }

    /// Whether a name is set, here or outside.
    pub(super) fn has(&self, name: &str) -> bool {
        self.known.contains_key(name) || self.outer.is_some_and(|o| o.has(name))
    }

    /// Every text that this one can stand for. Names that are not known stay as written.
    pub(super) fn expand(&self, text: &str) -> Vec<String> {
        let fuel = Cell::new(MOST_REPLACED);
        self.expanded(text, &mut Vec::new(), &fuel).unwrap_or_else(|| vec![text.to_owned()])
    }

    /// What a text stands for; an expression if a name in it is not known.
    pub(super) fn resolve(&self, text: &str) -> Value<String> {
        if text.contains("$[[") {
            return Value::Expr(text.to_owned());
        }
        let mut all = self.expand(text);
        if all.iter().any(|v| references(v).next().is_some()) {
            return Value::Expr(if all.len() == 1 { all.remove(0) } else { text.to_owned() });
        }
        Value::from_possible(all).unwrap_or_else(|| Value::Expr(text.to_owned()))
    }

    /// `None` when a limit is met. `open` are the names that are being replaced: one that holds itself
    /// stays as written.
    fn expanded(&self, text: &str, open: &mut Vec<String>, fuel: &Cell<u32>) -> Option<Vec<String>> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for (name, range) in references(text) {
            let Some(texts) = self.get(name).filter(|_| !open.iter().any(|o| o == name)) else { continue };
            if open.len() >= DEEPEST {
                return None;
            }
            open.push(name.to_owned());
            fuel.set(fuel.get().checked_sub(1)?);
            let mut values = Vec::new();
            for inner in texts {
                match inner.contains('$') {
                    true => values.append(&mut self.expanded(inner, open, fuel)?),
                    false => values.push(inner.clone()),
                }
            }
            open.pop();
            let before = &text[from..range.start];
            if all.len() * values.len() > MOST_VALUES || all[0].len() + before.len() > LONGEST {
                return None;
            }
            all = all.iter().flat_map(|a| values.iter().map(move |v| format!("{a}{before}{v}"))).collect();
            from = range.end;
        }
        all.iter_mut().for_each(|a| a.push_str(&text[from..]));
        all.iter().all(|a| a.len() <= LONGEST).then_some(all)
    }
}

/// The names that a text refers to, with the bytes of each reference: `$NAME`, `${NAME}`. `$$` is a
/// dollar sign; what has an operator (`${NAME:-x}`) is the shell's own matter.
pub(super) fn references(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(offset) = text.get(at..)?.find('$') {
            let start = at + offset;
            let braced = bytes.get(start + 1) == Some(&b'{');
            let from = start + 1 + usize::from(braced);
            let len = bytes[from.min(bytes.len())..]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count();
            let to = from + len;
            let named = len > 0 && !bytes[from].is_ascii_digit();
            at = match bytes.get(start + 1) {
                Some(b'$') => start + 2,
                _ => to.max(start + 1),
            };
            if named && (!braced || bytes.get(to) == Some(&b'}')) {
                at = to + usize::from(braced);
                return Some((&text[from..to], start..at));
            }
        }
        None
    })
}

/// A text whose `$$`, which the service turns into `$`, is one character.
pub(super) fn unescaped(passage: &Passage) -> Passage {
    let text = passage.text();
    if !text.contains("$$") {
        return passage.clone();
    }
    let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
    let mut from = 0;
    for (at, _) in text.match_indices("$$") {
        out.append(passage, from..at);
        out.push_meaning("$", passage.span(at..at + 2).range());
        from = at + 2;
    }
    out.append(passage, from..text.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_what_its_variables_are_set_to() {
        let mut outer = Variables::default();
        outer.set("STAGE", vec!["staging".into(), "production".into()]);
        outer.set("IMAGE", vec!["$CI_REGISTRY_IMAGE:$TAG".into()]);
        outer.set("LOOP", vec!["$LOOP$LOOP".into()]);
        let mut inner = Variables::inside(&outer);
        inner.set("TAG", vec!["v1".into()]);
        let known = |v: &str| Value::Known(v.to_owned());
        for (text, expected) in [
            ("plain", known("plain")),
            ("a-$TAG.b", known("a-v1.b")),
            ("${TAG}x", known("v1x")),
            ("$TAGx", Value::Expr("$TAGx".into())),
            ("x-$STAGE", Value::OneOf(vec!["x-staging".into(), "x-production".into()])),
            ("$IMAGE", Value::Expr("$CI_REGISTRY_IMAGE:v1".into())),
            ("$LOOP", Value::Expr("$LOOP$LOOP".into())),
            ("cost: 5$", known("cost: 5$")),
            ("$[[ inputs.x ]]", Value::Expr("$[[ inputs.x ]]".into())),
        ] {
            assert_eq!(inner.resolve(text), expected, "{text}");
        }
    }

    #[test]
    fn variables_that_multiply_do_not_cost_more_than_the_limit() {
        let mut variables = Variables::default();
        for n in 0..30 {
            variables.set(&format!("V{n}"), vec![format!("$V{}", n + 1).repeat(1_000)]);
        }
        assert_eq!(variables.expand("$V0"), ["$V0"]);
    }
}
