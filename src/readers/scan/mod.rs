//! Stub until merge.
use crate::facts::Facts;
use crate::lexicon::{Environments, Lexicon};
use crate::text::FileId;
/// S
pub struct Scanner;
/// T
#[allow(missing_docs, dead_code)]
pub struct ScanText<'a> {
    pub file: FileId,
    pub path: &'a str,
    pub text: &'a str,
    pub offset: usize,
    pub environments: &'a Environments,
}
impl Scanner {
    /// N
    pub fn new(_: &Lexicon) -> Scanner {
        Scanner
    }
    /// S
    pub fn scan(&self, _: &ScanText<'_>, _: &mut Facts) {}
}
