//! plimsoll says whether a repository may ship.
#![forbid(unsafe_code)]

pub mod checks;
pub mod dispositions;
pub mod engine;
pub mod examples;
pub mod facts;
pub mod finding;
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

use facts::Repository;
use finding::Verdict;
use lexicon::Lexicon;
use parameters::Parameters;
use rule::Catalog;
use source::Source;

/// Reads a source into facts and judges it by every rule of the catalogue.
pub fn judge(
    source: &Source,
    lexicon: &Lexicon,
    catalog: &Catalog,
    parameters: &Parameters,
) -> (Repository, Vec<Verdict>) {
    let options = readers::Options { lexicon, jobs: 1, only: None };
    let repository = readers::read(source, &options, &readers::Reading::default());
    let verdicts = engine::run(catalog, parameters, &repository);
    (repository, verdicts)
}
