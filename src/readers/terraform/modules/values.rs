//! What references come to inside one call of a module: variables, locals, keys of what is repeated, the workspace.
//! <https://developer.hashicorp.com/terraform/language/expressions/references>

use super::Roots;
use super::render::Call;
use crate::facts::{Setting, Value};
use crate::readers::terraform::expression::{Outcome, below, is_made, value};

/// Locals that refer to each other in a row.
const LONGEST: usize = 12;

impl Roots<'_> {
    /// What an argument of a call comes to: it may be a mapping whose values refer to others.
    pub(super) fn argument(&self, entries: &[Setting], name: &str, call: &Call<'_>) -> Outcome {
        match below(entries.iter(), name) {
            Outcome::Tree(all) => {
                let mut found = Vec::new();
                for setting in all {
                    match self.resolved(&setting, call) {
                        Some(Outcome::Text(text, owner)) => found.push(owned(&setting, text, owner)),
                        Some(Outcome::Tree(inner)) => {
                            found.extend(inner.into_iter().map(|s| grown(&setting, s)))
                        }
                        Some(Outcome::Nothing) => {}
                        _ => found.push(setting),
                    }
                }
                Outcome::Tree(found)
            }
            known @ Outcome::Text(..) => known,
            _ => entries
                .iter()
                .find(|e| e.path == name)
                .and_then(|e| self.resolved(e, call).map(|o| placed(o, e)))
                .unwrap_or(Outcome::Unknown),
        }
    }

    /// What an entry that is no literal comes to.
    pub(super) fn resolved(&self, entry: &Setting, call: &Call<'_>) -> Option<Outcome> {
        let Value::Expr(text) = &entry.setting else { return None };
        Some(self.value(text, call, 0))
    }

    fn value(&self, text: &str, call: &Call<'_>, depth: usize) -> Outcome {
        value(text, &|reference| self.reference(reference, call, depth))
    }

    fn reference(&self, reference: &str, call: &Call<'_>, depth: usize) -> Outcome {
        let left = self.fuel.get();
        if left == 0 || depth > LONGEST {
            return Outcome::Unknown;
        }
        let mut parts = reference.splitn(3, '.');
        let (kind, name, rest) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
        let Some(module) = self.modules.get(call.folder) else { return Outcome::Unknown };
        // Each look-up goes through all locals.
        self.fuel.set(left.saturating_sub(1 + module.size / 8));
        let whole = match kind {
            "var" => match call.arguments.get(name) {
                Some(Outcome::Unknown) => Outcome::Unknown,
                Some(given) if !matches!(given, Outcome::Nothing) => given.clone(),
                _ => {
                    let default = module.variables.get(name).map(|&v| &self.resources[v].entries);
                    default.map_or(Outcome::Unknown, |entries| below(entries.iter(), "default"))
                }
            },
            "local" => {
                let all = || module.locals.iter().flat_map(|&l| &self.resources[l].entries);
                match below(all(), name) {
                    Outcome::Unknown => match all().find(|e| e.path == name).map(|e| (e, &e.setting)) {
                        Some((entry, Value::Expr(text))) => placed(self.value(text, call, depth + 1), entry),
                        _ => Outcome::Unknown,
                    },
                    Outcome::Tree(mut found) => {
                        // A mapping of locals may refer to others in its turn.
                        for setting in &mut found {
                            if let Value::Expr(text) = &setting.setting
                                && let Outcome::Text(text, owner) = self.value(&text.clone(), call, depth + 1)
                            {
                                let path = setting.path.clone();
                                *setting = owned(setting, text, owner);
                                setting.path = path;
                            }
                        }
                        Outcome::Tree(found)
                    }
                    known => known,
                }
            }
            "each" => match (&call.each, name) {
                (Some((key, _)), "key") => Outcome::Text(key.clone(), None),
                (Some((_, value)), "value") => value.clone(),
                _ => Outcome::Unknown,
            },
            "terraform" if name == "workspace" => {
                call.workspace.map_or(Outcome::Unknown, |w| Outcome::Text(w.to_owned(), None))
            }
            _ => Outcome::Unknown,
        };
        match rest {
            Some(rest) => match &whole {
                Outcome::Tree(all) => below(all.iter(), rest),
                _ => Outcome::Unknown,
            },
            None => whole,
        }
    }
}

/// An entry with a value that another setting owns, or that an expression here made.
pub(super) fn owned(entry: &Setting, text: String, owner: Option<Setting>) -> Setting {
    let owner = owner.filter(|o| !is_made(o));
    Setting {
        place: owner.as_ref().map_or(entry.place, |o| o.place),
        key_place: owner.as_ref().map_or(entry.key_place, |o| o.key_place),
        setting: Value::Known(text),
        ..entry.clone()
    }
}

/// A part of a mapping that stands where an entry refers to it.
pub(super) fn grown(entry: &Setting, part: Setting) -> Setting {
    let path =
        if part.path.is_empty() { entry.path.clone() } else { format!("{}.{}", entry.path, part.path) };
    let made = is_made(&part);
    Setting {
        key: path.rsplit('.').find(|p| !p.bytes().all(|b| b.is_ascii_digit())).unwrap_or("").to_owned(),
        path,
        place: if made { entry.place } else { part.place },
        key_place: if made { entry.key_place } else { part.key_place },
        ..part
    }
}

/// What an expression made, with the place of the expression.
fn placed(outcome: Outcome, entry: &Setting) -> Outcome {
    match outcome {
        Outcome::Text(text, None) => Outcome::Text(text.clone(), Some(owned(entry, text, None))),
        Outcome::Tree(all) => Outcome::Tree(
            all.into_iter()
                .map(|s| {
                    if is_made(&s) {
                        Setting { place: entry.place, key_place: entry.key_place, ..s }
                    } else {
                        s
                    }
                })
                .collect(),
        ),
        other => other,
    }
}
