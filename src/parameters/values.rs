//! How values from several manuals become one.

use std::fmt;

use super::units::Value;

/// Which way a quantity gets stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stricter {
    /// The smaller value asks for more: a time limit, a tolerated share.
    Lower,
    /// The greater value asks for more: a retention, a pass rate.
    Higher,
}

/// A value that a manual gives, and where it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// The manual's id, such as `doc-009`.
    pub manual: String,
    /// The clause's id, such as `DOC-009/2.3.f`.
    pub clause: String,
}

/// Where the value in force comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// No active manual and no policy says anything.
    Default,
    /// The team's own policy.
    Policy,
    /// A clause of an active manual.
    Manual {
        /// The manual's id.
        manual: &'a str,
        /// The clause's id.
        clause: &'a str,
    },
}

/// A quantity of which the strictest active value holds.
///
/// The default holds only as long as nobody gives a value, even if it is stricter than what is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<T> {
    default: T,
    stricter: Stricter,
    given: Vec<Given<T>>,
    policy: Option<T>,
}

impl<T: Value + PartialOrd> Ordered<T> {
    pub(super) fn lower(default: T) -> Ordered<T> {
        Ordered { default, stricter: Stricter::Lower, given: Vec::new(), policy: None }
    }

    pub(super) fn higher(default: T) -> Ordered<T> {
        Ordered { default, stricter: Stricter::Higher, given: Vec::new(), policy: None }
    }

    /// The value in force: the policy's, else the strictest of the active manuals, else the default.
    pub fn value(&self) -> &T {
        match (&self.policy, self.strictest()) {
            (Some(value), _) => value,
            (None, Some(given)) => &given.value,
            (None, None) => &self.default,
        }
    }

    /// Where [`Ordered::value`] comes from.
    pub fn source(&self) -> Source<'_> {
        match (&self.policy, self.strictest()) {
            (Some(_), _) => Source::Policy,
            (None, Some(given)) => Source::Manual { manual: &given.manual, clause: &given.clause },
            (None, None) => Source::Default,
        }
    }

    /// Which way it gets stricter.
    pub fn stricter(&self) -> Stricter {
        self.stricter
    }

    /// Whether `found` satisfies the value in force: is as strict as it or stricter.
    pub fn allows(&self, found: &T) -> bool {
        match self.stricter {
            Stricter::Lower => found <= self.value(),
            Stricter::Higher => found >= self.value(),
        }
    }

    /// Of equals the first, so that the order of manuals in the policy decides which clause is named.
    fn strictest(&self) -> Option<&Given<T>> {
        self.given.iter().reduce(|best, next| {
            let better = match self.stricter {
                Stricter::Lower => next.value < best.value,
                Stricter::Higher => next.value > best.value,
            };
            if better { next } else { best }
        })
    }
}

/// A matter in which no answer is stricter than another: active manuals that differ leave it unresolved
/// until the policy says which of them to follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<T> {
    default: T,
    given: Vec<Given<T>>,
    policy: Option<T>,
    follow: Option<String>,
}

impl<T: Value> Choice<T> {
    pub(super) fn new(default: T) -> Choice<T> {
        Choice { default, given: Vec::new(), policy: None, follow: None }
    }

    /// The answer in force; `None` while active manuals differ and nobody has chosen.
    pub fn value(&self) -> Option<&T> {
        if let Some(value) = &self.policy {
            return Some(value);
        }
        if self.given.is_empty() {
            return Some(&self.default);
        }
        self.chosen().map(|given| &given.value)
    }

    /// Where [`Choice::value`] comes from.
    pub fn source(&self) -> Option<Source<'_>> {
        match (&self.policy, self.given.is_empty()) {
            (Some(_), _) => Some(Source::Policy),
            (None, true) => Some(Source::Default),
            (None, false) => {
                self.chosen().map(|given| Source::Manual { manual: &given.manual, clause: &given.clause })
            }
        }
    }

    /// Every answer that an active manual gives.
    pub fn given(&self) -> &[Given<T>] {
        &self.given
    }

    fn chosen(&self) -> Option<&Given<T>> {
        if let Some(manual) = &self.follow {
            return self.given.iter().find(|given| given.manual == *manual);
        }
        let first = self.given.first()?;
        self.given.iter().all(|given| given.value == first.value).then_some(first)
    }
}

/// Demands that stand side by side: what any active manual asks for is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct All<T> {
    default: Vec<T>,
    given: Vec<Given<T>>,
    policy: Option<Vec<T>>,
}

impl<T: Value> All<T> {
    pub(super) fn new(default: impl Into<Vec<T>>) -> All<T> {
        All { default: default.into(), given: Vec::new(), policy: None }
    }

    /// Everything demanded, each once, in the order in which it was given.
    pub fn values(&self) -> Vec<&T> {
        let all: Vec<&T> = match &self.policy {
            Some(values) => values.iter().collect(),
            None if self.given.is_empty() => self.default.iter().collect(),
            None => self.given.iter().map(|given| &given.value).collect(),
        };
        let mut once = Vec::new();
        for value in all {
            if !once.contains(&value) {
                once.push(value);
            }
        }
        once
    }

    /// The clauses that ask for `value`.
    pub fn clauses<'a>(&'a self, value: &'a T) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(move |given| given.value == *value).map(|given| given.clause.as_str())
    }
}

/// What [`super::Parameters`] does with every field alike.
pub(super) trait Parameter {
    fn accept(&mut self, manual: &str, value: &toml::Value, clause: &str) -> Result<(), String>;
    fn set(&mut self, value: &toml::Value) -> Result<(), String>;
    fn follow(&mut self, manual: &str) -> Result<(), String>;
    fn is_unresolved(&self) -> bool;
    fn form(&self) -> (&'static str, String, Option<Stricter>);
}

fn read_given<T: Value>(manual: &str, value: &toml::Value, clause: &str) -> Result<Given<T>, String> {
    Ok(Given { value: T::read(value)?, manual: manual.to_owned(), clause: clause.to_owned() })
}

const NO_CHOICE: &str = "nothing to resolve here: what the manuals ask for can be kept together";

impl<T: Value + PartialOrd> Parameter for Ordered<T> {
    fn accept(&mut self, manual: &str, value: &toml::Value, clause: &str) -> Result<(), String> {
        self.given.push(read_given(manual, value, clause)?);
        Ok(())
    }

    fn set(&mut self, value: &toml::Value) -> Result<(), String> {
        self.policy = Some(T::read(value)?);
        Ok(())
    }

    fn follow(&mut self, _: &str) -> Result<(), String> {
        Err(NO_CHOICE.to_owned())
    }

    fn is_unresolved(&self) -> bool {
        false
    }

    fn form(&self) -> (&'static str, String, Option<Stricter>) {
        (T::UNIT, self.default.to_string(), Some(self.stricter))
    }
}

impl<T: Value> Parameter for Choice<T> {
    fn accept(&mut self, manual: &str, value: &toml::Value, clause: &str) -> Result<(), String> {
        let given: Given<T> = read_given(manual, value, clause)?;
        // Following a manual that gives two answers would choose nothing.
        if let Some(other) =
            self.given.iter().find(|other| other.manual == manual && other.value != given.value)
        {
            return Err(format!("{manual} already says {} in {}", other.value, other.clause));
        }
        self.given.push(given);
        Ok(())
    }

    fn set(&mut self, value: &toml::Value) -> Result<(), String> {
        self.policy = Some(T::read(value)?);
        Ok(())
    }

    fn follow(&mut self, manual: &str) -> Result<(), String> {
        if !self.given.iter().any(|given| given.manual == manual) {
            let names: Vec<&str> = self.given.iter().map(|given| given.manual.as_str()).collect();
            return Err(match names.as_slice() {
                [] => "no active manual gives a value here".to_owned(),
                names => format!("{manual} gives no value here; these do: {}", names.join(", ")),
            });
        }
        self.follow = Some(manual.to_owned());
        Ok(())
    }

    fn is_unresolved(&self) -> bool {
        self.value().is_none()
    }

    fn form(&self) -> (&'static str, String, Option<Stricter>) {
        (T::UNIT, self.default.to_string(), None)
    }
}

impl<T: Value> Parameter for All<T> {
    fn accept(&mut self, manual: &str, value: &toml::Value, clause: &str) -> Result<(), String> {
        self.given.push(read_given(manual, value, clause)?);
        Ok(())
    }

    fn set(&mut self, value: &toml::Value) -> Result<(), String> {
        self.policy = Some(match value.as_array() {
            Some(values) => values.iter().map(T::read).collect::<Result<_, _>>()?,
            None => vec![T::read(value)?],
        });
        Ok(())
    }

    fn follow(&mut self, _: &str) -> Result<(), String> {
        Err(NO_CHOICE.to_owned())
    }

    fn is_unresolved(&self) -> bool {
        false
    }

    fn form(&self) -> (&'static str, String, Option<Stricter>) {
        let default: Vec<String> = self.default.iter().map(T::to_string).collect();
        let default = if default.is_empty() { "none".to_owned() } else { default.join(", ") };
        (T::UNIT, default, None)
    }
}

impl fmt::Display for Stricter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stricter::Lower => "lower",
            Stricter::Higher => "higher",
        })
    }
}
