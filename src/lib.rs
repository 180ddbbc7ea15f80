//! plimsoll says whether a repository may ship.
#![forbid(unsafe_code)]

pub mod checks;
pub mod dispositions;
pub mod engine;
pub mod facts;
pub mod finding;
pub mod lexicon;
pub mod parameters;
pub mod policy;
pub mod quote;
pub mod report;
pub mod rule;
pub mod source;
pub mod syntax;
pub mod text;
