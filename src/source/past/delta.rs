//! Git's delta format: a content written as copies from another one and insertions.
//! <https://git-scm.com/docs/pack-format#_deltified_representation>

/// The size of the base and of the result, and where the instructions begin.
pub(super) fn sizes(delta: &[u8]) -> Option<(u64, u64, usize)> {
    let (base, first) = size(delta)?;
    let (result, second) = size(&delta[first..])?;
    Some((base, result, first + second))
}

fn size(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut size = 0u64;
    for (at, &byte) in bytes.iter().enumerate().take(9) {
        size |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((size, at + 1));
        }
    }
    None
}

/// The content that `delta` makes of `base`; `None` if the delta is damaged or belongs to another base.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let (expected, size, start) = sizes(delta)?;
    if expected != base.len() as u64 {
        return None;
    }
    let size = usize::try_from(size).ok()?;
    let mut out = Vec::with_capacity(size);
    let mut rest = &delta[start..];
    while let Some((&instruction, behind)) = rest.split_first() {
        rest = behind;
        if instruction & 0x80 != 0 {
            let from = number(&mut rest, instruction, 4)?;
            let length = match number(&mut rest, instruction >> 4, 3)? {
                0 => 0x1_0000,
                length => length,
            };
            out.extend_from_slice(base.get(from..from.checked_add(length)?)?);
        } else {
            let (inserted, behind) = rest.split_at_checked(usize::from(instruction))?;
            if inserted.is_empty() {
                return None;
            }
            out.extend_from_slice(inserted);
            rest = behind;
        }
        if out.len() > size {
            return None;
        }
    }
    (out.len() == size).then_some(out)
}

/// A number of which only those bytes are written whose bits are set.
fn number(rest: &mut &[u8], bits: u8, bytes: u8) -> Option<usize> {
    let mut number = 0;
    for byte in (0..bytes).filter(|byte| bits >> byte & 1 != 0) {
        let (&value, behind) = rest.split_first()?;
        number |= usize::from(value) << (8 * byte);
        *rest = behind;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::{apply, sizes};

    #[test]
    fn copies_and_insertions_make_the_content() {
        // Base of 5 bytes, result of 6: copy 3 from 1, insert two, copy 1 from 0.
        let delta = [5, 6, 0x91, 1, 3, 2, b'x', b'y', 0x90, 1];
        assert_eq!(apply(b"abcde", &delta).as_deref(), Some(&b"bcdxya"[..]));
        assert_eq!(sizes(&delta), Some((5, 6, 2)));
    }

    #[test]
    fn damage_is_no_content() {
        let whole = [5, 6, 0x91, 1, 3, 2, b'x', b'y', 0x90, 1];
        for length in 0..whole.len() {
            assert_eq!(apply(b"abcde", &whole[..length]), None, "cut at {length}");
        }
        for bad in [&[4, 1, 0x90, 1][..], &[5, 1, 0x90, 9], &[5, 1, 0], &[5, 1, 0x90, 2], &[5, 1, 0xff, 1]] {
            assert_eq!(apply(b"abcde", bad), None, "{bad:?}");
        }
        assert_eq!(sizes(&[0x80; 20]), None);
    }
}
