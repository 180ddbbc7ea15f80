//! What expressions come to before a run, as far as the files tell.

use super::expression::{Expr, parse};
use super::template::{Block, Bound, Chain, Expander, MOST_VALUES, Scope, Taken, deeper};
use crate::facts::Value;
use crate::syntax::tree::Kind;
use std::rc::Rc;

impl<'t> Expander<'t> {
    pub(super) fn taken(&self, block: &Block, scope: &Rc<Scope<'t>>, chain: &mut Chain) -> Taken {
        let (text, first) = match block {
            Block::If(text) => (Some(text), true),
            Block::ElseIf(text) => (Some(text), false),
            _ => (None, false),
        };
        if first {
            *chain = Chain::default();
        }
        let held = match text {
            None => Some(true),
            Some(text) => parse(text).and_then(|e| self.truth(&e, scope)),
        };
        let taken = match (chain.done, held) {
            (true, _) | (_, Some(false)) => Taken::No,
            (_, Some(true)) if !chain.open => Taken::Yes,
            _ => Taken::Perhaps,
        };
        chain.done |= held == Some(true);
        chain.open |= held.is_none();
        taken
    }

    /// Whether an expression holds, as far as it is known before the run.
    fn truth(&self, expr: &Expr, scope: &Rc<Scope<'t>>) -> Option<bool> {
        let texts = |e: &Expr| {
            self.texts(e, scope).map(|all| all.iter().map(|t| t.to_ascii_lowercase()).collect::<Vec<_>>())
        };
        match expr {
            Expr::Call(name, args) => match (name.as_str(), args.as_slice()) {
                ("and", all) => {
                    let held: Vec<_> = all.iter().map(|a| self.truth(a, scope)).collect();
                    if held.contains(&Some(false)) {
                        Some(false)
                    } else {
                        held.iter().all(|h| *h == Some(true)).then_some(true)
                    }
                }
                ("or", all) => {
                    let held: Vec<_> = all.iter().map(|a| self.truth(a, scope)).collect();
                    if held.contains(&Some(true)) {
                        Some(true)
                    } else {
                        held.iter().all(|h| *h == Some(false)).then_some(false)
                    }
                }
                ("not", [a]) => self.truth(a, scope).map(|held| !held),
                ("eq", [a, b]) => equal(&texts(a)?, &texts(b)?),
                ("ne", [a, b]) => equal(&texts(a)?, &texts(b)?).map(|held| !held),
                ("in", [a, all @ ..]) => {
                    let held: Vec<_> = all.iter().map(|b| equal(&texts(a)?, &texts(b)?)).collect();
                    if held.contains(&Some(true)) {
                        Some(true)
                    } else {
                        held.iter().all(|h| *h == Some(false)).then_some(false)
                    }
                }
                ("notin", [a, all @ ..]) => self
                    .truth(&Expr::Call("in".into(), std::iter::once(a).chain(all).cloned().collect()), scope)
                    .map(|h| !h),
                _ => None,
            },
            _ => match texts(expr)?.as_slice() {
                [one] => match one.as_str() {
                    "true" => Some(true),
                    "false" | "" | "null" => Some(false),
                    _ => Some(true),
                },
                _ => None,
            },
        }
    }

    /// The texts that an expression can stand for; `None` if only a run knows.
    pub(super) fn texts(&self, expr: &Expr, scope: &Rc<Scope<'t>>) -> Option<Vec<String>> {
        match self.eval(expr, scope)? {
            Bound::Texts(texts) => Some(texts),
            Bound::Conf(conf) if conf.node.is_null() => Some(vec![String::new()]),
            Bound::Conf(conf) if conf.node.kind() == Kind::Scalar => match self.text(&deeper(&conf)) {
                Value::Expr(_) | Value::Unresolved(_) => None,
                other => Some(other.possible().to_vec()),
            },
            _ => None,
        }
    }

    pub(super) fn eval(&self, expr: &Expr, scope: &Rc<Scope<'t>>) -> Option<Bound<'t>> {
        if !self.spend(scope) {
            return None;
        }
        match expr {
            Expr::Literal(text) => Some(Bound::Texts(vec![text.clone()])),
            Expr::Path(parts) => self.path(parts, scope),
            Expr::Call(name, args) => match (name.as_str(), args.as_slice()) {
                ("lower", [a]) => self.mapped(a, scope, str::to_ascii_lowercase),
                ("upper", [a]) => self.mapped(a, scope, str::to_ascii_uppercase),
                ("trim", [a]) => self.mapped(a, scope, |t| t.trim().to_owned()),
                ("coalesce", args) => {
                    let filled =
                        |a: &&Expr| self.texts(a, scope).is_none_or(|t| t.iter().any(|t| !t.is_empty()));
                    args.iter().find(filled).and_then(|a| self.eval(a, scope))
                }
                ("format", [text, args @ ..]) => {
                    let mut all = self.texts(text, scope)?;
                    for (n, arg) in args.iter().enumerate() {
                        let values = self.texts(arg, scope)?;
                        all = all
                            .iter()
                            .flat_map(|t| {
                                values.iter().map(|v| t.replace(&format!("{{{n}}}"), v)).collect::<Vec<_>>()
                            })
                            .collect();
                        if all.len() > MOST_VALUES {
                            return None;
                        }
                    }
                    Some(Bound::Texts(all))
                }
                ("eq" | "ne" | "and" | "or" | "not" | "in" | "notin", _) => {
                    self.truth(expr, scope).map(|held| Bound::Texts(vec![held.to_string()]))
                }
                _ => None,
            },
        }
    }

    fn mapped(&self, expr: &Expr, scope: &Rc<Scope<'t>>, map: impl Fn(&str) -> String) -> Option<Bound<'t>> {
        Some(Bound::Texts(self.texts(expr, scope)?.iter().map(|t| map(t)).collect()))
    }

    fn path(&self, parts: &[String], scope: &Rc<Scope<'t>>) -> Option<Bound<'t>> {
        let (first, mut rest) = parts.split_first()?;
        let mut bound = if first == "parameters" {
            let (name, more) = rest.split_first()?;
            rest = more;
            scope.get(&format!("parameters.{name}"))?.clone()
        } else if first == "variables" {
            let name = rest.join(".");
            rest = &[];
            Bound::Texts(self.variables.borrow().get(&name)?.clone())
        } else {
            scope.get(first)?.clone()
        };
        for part in rest {
            bound = match bound {
                Bound::Entry(key, _) if part == "key" => Bound::Texts(vec![key]),
                Bound::Entry(_, value) if part == "value" => Bound::Conf(value),
                Bound::Conf(conf) => Bound::Conf(self.get(&deeper(&conf), part)?),
                _ => return None,
            };
        }
        Some(bound)
    }
}

fn equal(a: &[String], b: &[String]) -> Option<bool> {
    match (a, b) {
        ([a], [b]) => Some(a == b),
        _ if a.iter().any(|x| b.contains(x)) => None,
        _ => Some(false),
    }
}
