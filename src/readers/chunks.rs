//! Large texts, piece by piece.

use crate::source::UnreadClass;
use crate::text::decode;
use std::io::Read as _;

/// Chunks of large files, and how much two neighbours share, so that nothing at a border is missed.
pub(super) const CHUNK: usize = 1 << 20;
pub(super) const OVERLAP: usize = 128 << 10;
const _: () = assert!(OVERLAP > super::scan::LONGEST + (16 << 10), "no match is cut by two chunks");

/// Gives a large text to `scan` in overlapping chunks, each with its offset. Of a binary file returns the start.
pub(super) fn in_chunks(
    mut stream: impl std::io::Read,
    mut scan: impl FnMut(&str, usize),
) -> Result<Option<Vec<u8>>, (UnreadClass, String)> {
    let (mut buffer, mut offset) = (Vec::with_capacity(CHUNK + OVERLAP), 0usize);
    loop {
        let kept = buffer.len();
        let got = (&mut stream).take(CHUNK as u64).read_to_end(&mut buffer);
        let got = got.map_err(|error| (UnreadClass::Unreadable, error.kind().to_string()))?;
        if buffer.len() == kept {
            return Ok(None);
        }
        if offset == 0 && (buffer.starts_with(&[0xff, 0xfe]) || buffer.starts_with(&[0xfe, 0xff])) {
            return Err((UnreadClass::TooLarge, "UTF-16 text of this size is not read".into()));
        }
        // Chunks begin and end between characters, so that no offset shifts.
        let last = buffer.len() - incomplete(&buffer);
        let Some(decoded) = decode(buffer[..last].to_vec()) else {
            if offset == 0 {
                return Ok(Some(buffer));
            }
            return Err((UnreadClass::Partly, "it turns binary behind its start".into()));
        };
        scan(&decoded.text, offset);
        let mut keep = last.saturating_sub(OVERLAP);
        while keep < last && buffer[keep] & 0xc0 == 0x80 {
            keep += 1;
        }
        if got < CHUNK {
            return Ok(None);
        }
        buffer.drain(..keep);
        offset += keep;
    }
}

/// Bytes at the end of a chunk that begin a character which the next chunk completes.
fn incomplete(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(3).position(|b| b & 0xc0 == 0xc0).map_or(0, |i| i + 1);
    match tail {
        0 => 0,
        n => {
            let lead = bytes[bytes.len() - n];
            let length = if lead >= 0xf0 {
                4
            } else if lead >= 0xe0 {
                3
            } else {
                2
            };
            if n < length { n } else { 0 }
        }
    }
}
