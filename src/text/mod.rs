//! Text and places in it. Layer 0: imports nothing of plimsoll.

mod case;
mod decode;
mod line_hash;
mod lines;
mod nearest;
mod passage;
mod secret;
mod shorten;
mod span;

pub use case::{contains_in_any_case, ends_in_any_case};
pub use decode::{BINARY_WITHIN, Decoded, Encoding, decode, is_binary};
pub use line_hash::{LineHash, line_hashes};
pub use lines::{LineColumn, LineIndex};
pub use nearest::nearest;
pub use passage::Passage;
pub use secret::{Redactor, Secret, mask};
pub use shorten::shorten;
pub use span::{FileId, Span, Spanned};
