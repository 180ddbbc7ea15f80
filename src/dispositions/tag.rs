//! What a disposition may tell of a credential's value: enough to see that it is another one, too little to
//! confirm a guess.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use sha2::{Digest, Sha256};

use crate::quote::CredentialValue;

/// Bits that are written of a value which a person may have chosen: of a list of a million passwords about
/// 244 have the same.
const GUESSABLE_BITS: usize = 12;
/// Bits that are written of a token which its provider has drawn at random.
const DRAWN_BITS: usize = 64;

/// A random line that makes tags of one repository useless for another. There is one for each repository, in
/// its baseline or its exceptions: tags of one password under two salts would tell more than either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salt(String);

impl Salt {
    /// A new one.
    pub fn random() -> Salt {
        // The standard library seeds these from the system's source of randomness.
        let half = || RandomState::new().build_hasher().finish();
        Salt(format!("{:016x}{:016x}", half(), half()))
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Salt> {
        is_hexadecimal(text, 32).then(|| Salt(text.to_owned()))
    }

    /// The tag of a value: some first bits of the SHA-256 of salt and value, in hexadecimal. It is a function
    /// of these two alone, so that the same password in two files gives the same bits and not more of them.
    pub fn tag(&self, value: &CredentialValue) -> String {
        self.bits(value.secret.expose(), if value.drawn { DRAWN_BITS } else { GUESSABLE_BITS })
    }

    fn bits(&self, value: &str, bits: usize) -> String {
        let hash = Sha256::new().chain_update(&self.0).chain_update(value).finalize();
        let mut tag: String = hash.iter().take(bits.div_ceil(8)).map(|byte| format!("{byte:02x}")).collect();
        tag.truncate(bits / 4);
        tag
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text has the form of a tag.
pub(super) fn is_tag(text: &str) -> bool {
    [GUESSABLE_BITS, DRAWN_BITS].iter().any(|bits| is_hexadecimal(text, bits / 4))
}

/// Whether a text is this many small hexadecimal digits.
pub(super) fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Secret;

    #[test]
    fn a_list_of_a_million_words_keeps_a_hundred_candidates_for_every_password() {
        let salt = Salt::random();
        let mut candidates = vec![0_u32; 1 << GUESSABLE_BITS];
        for n in 0..1_000_000_u32 {
            let tag = salt.bits(&format!("word{n}"), GUESSABLE_BITS);
            candidates[usize::from_str_radix(&tag, 16).expect("hexadecimal")] += 1;
        }
        assert!(candidates.iter().all(|n| *n >= 100), "{:?}", candidates.iter().min());
    }

    #[test]
    fn tags_differ_by_value_and_by_salt() {
        let (one, two) = (Salt::random(), Salt::random());
        assert_ne!(one, two);
        assert_ne!(one.bits("a token", 64), two.bits("a token", 64));
        assert_ne!(one.bits("a token", 64), one.bits("another", 64));
        let again = Salt::parse(&one.to_string()).expect("its own text");
        assert_eq!(one.bits("a token", 64), again.bits("a token", 64));
        assert!(Salt::parse("0af").is_none());
    }

    #[test]
    fn of_what_a_provider_drew_more_is_told() {
        let salt = Salt::random();
        let tag = |drawn| salt.tag(&CredentialValue { secret: Secret::new("x"), drawn });
        assert_eq!((tag(true).len(), tag(false).len()), (16, 3));
        assert!(is_tag(&tag(true)) && is_tag(&tag(false)) && !is_tag("0a") && !is_tag("0AF"));
    }
}
