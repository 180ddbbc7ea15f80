//! Groovy as pipelines write it: blocks, calls with their arguments, texts with expressions in them
//! (<https://groovy-lang.org/syntax.html>).
//!
//! It is no compiler: operators are not told apart, types are passed over, and what cannot be read is left
//! out up to the next line. Every node keeps the bytes that it was read from.

mod expression;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod text;

pub use parse::parse;
pub use text::variable;

use std::ops::Range;

/// A file as statements.
#[derive(Debug, Default)]
pub struct Script {
    /// The file's own statements.
    pub statements: Vec<Statement>,
    /// Comments, their marks included.
    pub comments: Vec<Range<usize>>,
    /// What could not be read, and why.
    pub errors: Vec<(Range<usize>, &'static str)>,
    /// False when blocks nest too deeply to be read whole.
    pub complete: bool,
}

/// One statement.
#[derive(Debug)]
pub enum Statement {
    /// An expression, most often a call; `name` if its value is given to a variable.
    Value {
        /// The variable that gets the value.
        name: Option<(String, Range<usize>)>,
        /// The expression.
        value: Expr,
    },
    /// `if` with its `else if`, and `else` as a branch without a condition.
    If(Vec<(Option<Expr>, Block)>),
    /// `try`.
    Try {
        /// What is tried.
        body: Block,
        /// Every `catch`.
        catches: Vec<Block>,
        /// `finally`.
        finally: Option<Block>,
    },
    /// `for`, `while` or `switch`: a body that runs any number of times.
    Repeat(Expr, Block),
    /// A function.
    Function {
        /// Its name.
        name: String,
        /// Names of its parameters.
        parameters: Vec<String>,
        /// Its body.
        body: Block,
    },
    /// `return` or `throw`, with what follows.
    Leave {
        /// Whether it is `throw`.
        throws: bool,
        /// What is returned or thrown.
        value: Option<Expr>,
        /// The statement.
        at: Range<usize>,
    },
}

/// Statements in braces.
#[derive(Debug, Default)]
pub struct Block {
    /// The statements.
    pub statements: Vec<Statement>,
    /// The braces and what they hold.
    pub at: Range<usize>,
}

/// An expression.
#[derive(Debug)]
pub enum Expr {
    /// A text.
    Text(Literal),
    /// A call.
    Call(Box<Call>),
    /// A name with its properties, `env.BRANCH_NAME`; numbers and `true` too.
    Name(String, Range<usize>),
    /// A list, or a map if its items have names.
    List(Vec<Argument>, Range<usize>),
    /// A closure.
    Closure(Block),
    /// Expressions joined by `+`.
    Sum(Vec<Expr>, Range<usize>),
    /// Anything else, with the expressions in it.
    Other(Vec<Expr>, Range<usize>),
}

impl Expr {
    /// Its bytes.
    pub fn at(&self) -> Range<usize> {
        match self {
            Expr::Text(text) => text.at.clone(),
            Expr::Call(call) => call.at.clone(),
            Expr::Closure(block) => block.at.clone(),
            Expr::Name(_, at) | Expr::List(_, at) | Expr::Sum(_, at) | Expr::Other(_, at) => at.clone(),
        }
    }
}

/// A call: `sh 'make'`, `docker.build("x")`, `stage('Test') { … }`.
#[derive(Debug)]
pub struct Call {
    /// Its name with the names before it, `docker.build`; only the last one if `receiver` is no name.
    pub name: String,
    /// What it is called on, if that is no name.
    pub receiver: Option<Expr>,
    /// Its arguments, those of the map form with their names.
    pub arguments: Vec<Argument>,
    /// The closure behind it.
    pub body: Option<Block>,
    /// The name.
    pub name_at: Range<usize>,
    /// The whole call.
    pub at: Range<usize>,
}

impl Call {
    /// The argument of this name; also within one map that stands for all of them (`sh([script: 'x'])`).
    pub fn named(&self, name: &str) -> Option<&Argument> {
        let find = |all: &'_ [Argument]| all.iter().position(|a| a.name_is(name));
        if let Some(found) = find(&self.arguments) {
            return self.arguments.get(found);
        }
        match self.arguments.first() {
            Some(Argument { name: None, value: Expr::List(all, _) }) => find(all).and_then(|i| all.get(i)),
            _ => None,
        }
    }

    /// The arguments without a name, in order.
    pub fn plain(&self) -> impl Iterator<Item = &Expr> {
        self.arguments.iter().filter(|a| a.name.is_none()).map(|a| &a.value)
    }
}

/// An argument of a call, or an item of a list or map.
#[derive(Debug)]
pub struct Argument {
    /// Its name.
    pub name: Option<(String, Range<usize>)>,
    /// Its value.
    pub value: Expr,
}

impl Argument {
    /// Whether this is its name.
    pub fn name_is(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|(n, _)| n == name)
    }
}

/// How a text is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// `'…'` or `'''…'''`: nothing is put in.
    Single,
    /// `"…"` or `"""…"""`: `$name` and `${…}` are put in.
    Double,
    /// `/…/`: `$name` is put in, and a backslash is one.
    Slashy,
    /// `$/…/$`: the same, with `$` before what shall be itself.
    Dollar,
}

/// A text.
#[derive(Debug, Clone)]
pub struct Literal {
    /// The quotes and what they hold.
    pub at: Range<usize>,
    /// What they hold.
    pub inside: Range<usize>,
    /// The quotes.
    pub quote: Quote,
}
