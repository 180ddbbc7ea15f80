//! plimsoll says whether a repository may ship.
#![forbid(unsafe_code)]

mod audit;
pub mod checks;
pub mod cli;
pub mod dispositions;
pub mod engine;
pub mod examples;
pub mod facts;
pub mod finding;
mod lent;
pub mod lexicon;
pub mod parameters;
pub mod policy;
pub mod quote;
pub mod readers;
pub mod report;
pub mod rule;
pub mod source;
pub mod syntax;
pub mod text;

pub use audit::{Error, Options, audit, audit_history, facts as read_facts, judge};
