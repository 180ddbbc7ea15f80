//! Values as files state them: known, one of several, or not to be told from here.

/// What is known of a value. Never guessed: a matrix of two environments is `OneOf` both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value<T> {
    /// The file says it.
    Known(T),
    /// The file says that it is one of these (a matrix, a choice input), in file order; for a stage, of these
    /// or of names that speak of none.
    OneOf(Vec<T>),
    /// An expression of the dialect, as written, whose value depends on the run.
    Expr(String),
    /// It stands outside the repository, or could not be followed; the text says why.
    Unresolved(String),
}

impl<T> Value<T> {
    /// Every value that it can have, as far as known; empty for an expression.
    pub fn possible(&self) -> &[T] {
        match self {
            Value::Known(v) => std::slice::from_ref(v),
            Value::OneOf(all) => all,
            Value::Expr(_) | Value::Unresolved(_) => &[],
        }
    }

    /// The one value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Value::Known(v) => Some(v),
            _ => None,
        }
    }

    /// Whether all possible values are known.
    pub fn is_certain(&self) -> bool {
        matches!(self, Value::Known(_) | Value::OneOf(_))
    }

    /// From a list of possibilities: one is `Known`, several are `OneOf`.
    pub fn from_possible(mut all: Vec<T>) -> Option<Value<T>>
    where
        T: PartialEq,
    {
        let mut distinct: Vec<T> = Vec::with_capacity(all.len());
        for v in all.drain(..) {
            if !distinct.contains(&v) {
                distinct.push(v);
            }
        }
        match distinct.len() {
            0 => None,
            1 => distinct.pop().map(Value::Known),
            _ => Some(Value::OneOf(distinct)),
        }
    }
}

impl Value<String> {
    /// The text as a person would write it: the value, `a|b`, or the expression.
    pub fn text(&self) -> String {
        match self {
            Value::Known(v) => v.clone(),
            Value::OneOf(all) => all.join("|"),
            Value::Expr(e) => e.clone(),
            Value::Unresolved(why) => format!("<{why}>"),
        }
    }
}
