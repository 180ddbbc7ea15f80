//! x
use super::{Report, Style};
/// x
pub(super) fn write(_: &Report, _: &Style) -> Vec<u8> {
    Vec::new()
}
