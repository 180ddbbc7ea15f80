//! plimsoll says whether a repository may ship.
#![forbid(unsafe_code)]

pub mod lexicon;
pub mod text;
