//! Stub until merge.
/// Parameters.
#[derive(Debug, Clone, Default)]
pub struct Parameters;
