//! Bytes to text, byte for byte where that is possible.

/// How the bytes of a file were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark: offsets in the text are offsets in the file.
    Utf8,
    /// UTF-8 with invalid bytes, each of which became one `?`: offsets still agree with the file.
    Utf8Lossy,
    /// UTF-16 little endian with byte order mark, transcoded.
    Utf16Le,
    /// UTF-16 big endian with byte order mark, transcoded.
    Utf16Be,
}

/// A file's text.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The text. A UTF-8 byte order mark stays in it, as bytes 0 to 3.
    pub text: String,
    /// How it was written.
    pub encoding: Encoding,
}

/// Whether content is binary is told by so many bytes from its start.
pub const BINARY_WITHIN: usize = 8 * 1024;

/// Whether content is binary: a NUL among the first 8 KiB without a UTF-16 byte order mark.
pub fn is_binary(bytes: &[u8]) -> bool {
    let marked = matches!(bytes.get(..2), Some([0xff, 0xfe] | [0xfe, 0xff]));
    !marked && bytes[..bytes.len().min(BINARY_WITHIN)].contains(&0)
}

/// Decodes a file. Returns `None` for binary content.
pub fn decode(bytes: Vec<u8>) -> Option<Decoded> {
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => return Some(utf16(&bytes[2..], u16::from_le_bytes, Encoding::Utf16Le)),
        Some([0xfe, 0xff]) => return Some(utf16(&bytes[2..], u16::from_be_bytes, Encoding::Utf16Be)),
        _ => {}
    }
    if is_binary(&bytes) {
        return None;
    }
    Some(match String::from_utf8(bytes) {
        Ok(text) => Decoded { text, encoding: Encoding::Utf8 },
        Err(e) => Decoded { text: question_marks(e.as_bytes()), encoding: Encoding::Utf8Lossy },
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, encoding: Encoding) -> Decoded {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text = char::decode_utf16(units).map(|c| c.unwrap_or('?')).collect();
    Decoded { text, encoding }
}

/// Replaces each invalid byte by one `?`, so that the length does not change.
fn question_marks(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                return text;
            }
            Err(e) => {
                let (good, bad) = bytes.split_at(e.valid_up_to());
                text.push_str(std::str::from_utf8(good).expect("valid up to here"));
                let skipped = e.error_len().unwrap_or(bad.len());
                text.extend(std::iter::repeat_n('?', skipped));
                bytes = &bad[skipped..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_byte_becomes_one_question_mark() {
        let d = decode(b"a\xffb\xe2\x82".to_vec()).expect("text");
        assert_eq!((d.text.as_str(), d.encoding), ("a?b??", Encoding::Utf8Lossy));
    }

    #[test]
    fn utf16_with_a_byte_order_mark_is_text_and_nul_without_one_is_binary() {
        let d = decode(vec![0xff, 0xfe, b'h', 0, b'i', 0]).expect("text");
        assert_eq!((d.text.as_str(), d.encoding), ("hi", Encoding::Utf16Le));
        let d = decode(vec![0xfe, 0xff, 0, b'h']).expect("text");
        assert_eq!((d.text.as_str(), d.encoding), ("h", Encoding::Utf16Be));
        assert!(decode(b"h\0i".to_vec()).is_none());
    }

    #[test]
    fn a_byte_order_mark_keeps_its_bytes() {
        let d = decode("\u{feff}x".as_bytes().to_vec()).expect("text");
        assert_eq!(d.text.len(), 4);
    }
}
