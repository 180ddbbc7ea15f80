//! Encodings in which credentials are written, and the checksums that they carry.

use zlib_rs::{Inflate, InflateFlush, Status};

/// What a base64 digit of either alphabet stands for (RFC 4648 §4 and §5).
pub(super) fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Base64 of either alphabet, padding optional. `None` for other characters.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0);
    for b in text.bytes() {
        bits = (bits << 6) | u32::from(base64_digit(b)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

/// Pairs of hexadecimal digits. `None` for other characters and odd lengths.
pub(super) fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?)).collect()
}

pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// What a gzip file begins with: its magic number and the one method that there is (RFC 1952 §2.3.1).
pub(in crate::readers) const GZIP: &[u8] = &[0x1f, 0x8b, 8];

/// The content of all members of a gzip file (RFC 1952), at most `limit` bytes, and whether that is all of it.
/// A damaged file gives what stands before the damage.
pub(in crate::readers) fn gunzip(mut input: &[u8], limit: usize) -> (Vec<u8>, bool) {
    const GZIP_HEADER_AND_LARGEST_WINDOW: u8 = 16 + 15;
    const STEP: usize = 64 * 1024;
    let mut out = Vec::new();
    while input.starts_with(GZIP) {
        let mut member = Inflate::new(true, GZIP_HEADER_AND_LARGEST_WINDOW);
        loop {
            let from = out.len();
            let room = STEP.min(limit - from);
            if room == 0 {
                return (out, false);
            }
            out.resize(from + room, 0);
            let before = member.total_in();
            let wrote = member.total_out();
            let status = member.decompress(input, &mut out[from..], InflateFlush::NoFlush);
            out.truncate(from + (member.total_out() - wrote) as usize);
            input = &input[(member.total_in() - before) as usize..];
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(_) if member.total_in() > before || out.len() > from => {}
                _ => return (out, false),
            }
        }
    }
    (out, true)
}

/// CRC-32 of IEEE 802.3, which GitHub, npm and GitLab use.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for b in bytes {
        crc ^= u32::from(*b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// `N` digits of a number, leading zeros included, in an alphabet of at least two.
pub(super) fn digits<const N: usize>(mut number: u32, alphabet: &[u8]) -> [u8; N] {
    let mut out = [alphabet[0]; N];
    for digit in out.iter_mut().rev() {
        *digit = alphabet[number as usize % alphabet.len()];
        number /= alphabet.len() as u32;
    }
    out
}

/// Digits, then capitals, then small letters, as GitHub counts.
pub(super) const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// As GitLab counts.
pub(super) const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Whether the checksum at the end of a Bech32 string holds (BIP 173).
pub(super) fn bech32_holds(text: &str) -> bool {
    const ALPHABET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let lower = text.to_ascii_lowercase();
    let Some((name, data)) = lower.rsplit_once('1') else { return false };
    let values: Option<Vec<u8>> =
        data.bytes().map(|b| ALPHABET.iter().position(|a| *a == b).map(|at| at as u8)).collect();
    let Some(values) = values.filter(|values| values.len() >= 6) else { return false };
    let high = name.bytes().map(|b| b >> 5);
    let low = name.bytes().map(|b| b & 31);
    let checked = high.chain([0]).chain(low).chain(values).fold(1u32, |sum, value| {
        let top = sum >> 25;
        let sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        (0..5).filter(|bit| top >> bit & 1 == 1).fold(sum, |sum, bit| sum ^ GENERATOR[bit])
    });
    checked == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_their_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(&digits::<6>(61, BASE62), b"00000z");
        assert_eq!(&digits::<7>(36, BASE36), b"0000010");
        // The first two test vectors of BIP 173, and the second with a letter changed.
        assert!(bech32_holds("A12UEL5L"));
        let long =
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs";
        assert!(bech32_holds(long));
        assert!(!bech32_holds(&long.replace("tt5", "tq5")));
        assert!(!bech32_holds("1qz") && !bech32_holds("none"));
    }

    #[test]
    fn gzip_is_read_up_to_its_limit_and_to_its_damage() {
        // `printf 'secret\n' | gzip -n`, twice: members follow each other.
        let file = decode_base64("H4sIAAAAAAAAAytOTS5KLeECAIyy6+IHAAAA").expect("base64").repeat(2);
        assert_eq!(gunzip(&file, 100), (b"secret\nsecret\n".to_vec(), true));
        assert_eq!(gunzip(&file, 3), (b"sec".to_vec(), false));
        assert!(!gunzip(&file[..file.len() - 9], 100).1);
        assert_eq!(gunzip(b"no gzip", 100), (Vec::new(), true));
    }

    #[test]
    fn what_is_no_encoding_is_refused() {
        assert_eq!(decode_hex(b"6869"), Some(b"hi".to_vec()));
        assert_eq!(decode_hex(b"686"), None);
        assert_eq!(decode_hex(b"6g"), None);
        assert_eq!(decode_base64("aGk="), Some(b"hi".to_vec()));
        assert_eq!(decode_base64("aG k"), None);
    }
}
