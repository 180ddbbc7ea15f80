//! Calls that sign or verify JSON Web Tokens, and whether they go by a key's id.

use super::surroundings::is_comment;
use crate::facts::TokenCall;
use crate::text::{FileId, Span};
use std::ops::Range;

/// A call of a library, in the files of its language.
pub(super) struct Call {
    pub(super) words: &'static str,
    extensions: &'static [&'static str],
    signs: bool,
}

const JS: &[&str] = &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"];
const JVM: &[&str] = &["java", "kt", "kts", "groovy", "scala"];

/// After the libraries' manuals: PyJWT and python-jose, jsonwebtoken and jose, ruby-jwt, golang-jwt, jjwt and
/// java-jwt, firebase/php-jwt, Microsoft.IdentityModel.
pub(super) const CALLS: &[Call] = &[
    Call { words: "jwt.encode(", extensions: &["py", "rb"], signs: true },
    Call { words: "jwt.decode(", extensions: &["py", "rb"], signs: false },
    Call { words: "jwt.sign(", extensions: JS, signs: true },
    Call { words: "jwt.verify(", extensions: JS, signs: false },
    Call { words: "new SignJWT(", extensions: JS, signs: true },
    Call { words: "jwtVerify(", extensions: JS, signs: false },
    Call { words: "jwt.NewWithClaims(", extensions: &["go"], signs: true },
    Call { words: "jwt.ParseWithClaims(", extensions: &["go"], signs: false },
    Call { words: "Jwts.builder(", extensions: JVM, signs: true },
    Call { words: "Jwts.parser", extensions: JVM, signs: false },
    Call { words: "JWT.create(", extensions: JVM, signs: true },
    Call { words: "JWT.require(", extensions: JVM, signs: false },
    Call { words: "JWT::encode(", extensions: &["php"], signs: true },
    Call { words: "JWT::decode(", extensions: &["php"], signs: false },
    Call { words: "new JwtSecurityToken(", extensions: &["cs"], signs: true },
];

/// How far around a call its key's id is looked for: the header is often set some lines away.
const NEAR: usize = 2_000;

/// What tells that keys are told apart by their ids, in lower case.
const IDS: &[&str] = &[
    "kid",
    "keyid",
    "key_id",
    "jwks",
    "jwkset",
    "signing_key_from_jwt",
    "key_queue",
    "public_keys",
    "keyset",
    "key_set",
    "keyring",
];

/// The call whose words are at `word`.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    call: &Call,
    extension: &str,
    offset: usize,
) -> Option<TokenCall> {
    // The automaton knows no case; the libraries do, but for Ruby's `JWT` and Python's `jwt`.
    let written = text.get(word.clone())?;
    let exact = written == call.words || extension == "rb" && written.starts_with("JWT.");
    if !call.extensions.contains(&extension) || !exact || extension == "rb" && written.starts_with("jwt") {
        return None;
    }
    let before = text[..word.start].chars().next_back();
    let line = text[..word.start].rfind('\n').map_or(0, |i| i + 1);
    let line = text.get(line.max(text.ceil_char_boundary(word.start.saturating_sub(512)))..word.start)?;
    if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '\'' | '`'))
        || is_comment(line, extension)
    {
        return None;
    }
    let from = text.ceil_char_boundary(word.start.saturating_sub(NEAR));
    let to = text.floor_char_boundary((word.end + NEAR).min(text.len()));
    let around = text[from..to].to_ascii_lowercase();
    let arguments = &text[word.end..to];
    // What is only taken apart, without a look at its signature, needs no key.
    let head = arguments.get(..arguments.floor_char_boundary(300)).unwrap_or(arguments);
    if !call.signs && ["verify_signature", "verify=False", "nil, false"].iter().any(|w| head.contains(w)) {
        return None;
    }
    Some(TokenCall {
        place: Span::new(file, offset + word.start..offset + word.end - 1),
        call: written.trim_end_matches('(').to_owned(),
        signs: call.signs,
        key_id: IDS.iter().any(|id| has_word(&around, id))
            || fourth_argument(arguments, extension, call.signs),
    })
}

/// Whether `id` stands in `text` and no letter goes on before or behind it; `kidney` is no `kid`.
fn has_word(text: &str, id: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase());
    text.match_indices(id).any(|(at, _)| {
        let glued =
            id == "kid" && (letter(text[..at].chars().next_back()) || letter(text[at + 3..].chars().next()));
        !glued
    })
}

/// `JWT::encode($payload, $key, 'RS256', $keyId)`.
/// <https://github.com/googleapis/php-jwt#example-with-multiple-keys>
fn fourth_argument(arguments: &str, extension: &str, signs: bool) -> bool {
    if extension != "php" || !signs {
        return false;
    }
    let (mut depth, mut commas) = (0usize, 0);
    for c in arguments.chars().take(500) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' if depth == 0 => break,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => commas += 1,
            _ => {}
        }
    }
    commas >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_their_language_and_keys_by_their_ids() {
        for (extension, text, expected) in [
            ("py", "token = jwt.encode(claims, KEY, algorithm='RS256')", Some((true, false))),
            ("py", "jwt.encode(claims, KEY, headers={'kid': key.id})", Some((true, true))),
            ("py", "jwt.decode(t, options={'verify_signature': False})", None),
            ("py", "key = client.get_signing_key_from_jwt(t)\njwt.decode(t, key)", Some((false, true))),
            ("rb", "JWT.encode payload", None),
            ("rb", "JWT.encode(payload, key, 'RS256')", Some((true, false))),
            ("js", "jwt.sign(p, s, { expiresIn: '1h' }) // kidney", Some((true, false))),
            ("ts", "await new SignJWT(p).setProtectedHeader({ alg, kid })", Some((true, true))),
            ("ts", "myjwt.sign(p, s)", None),
            ("ts", "// jwt.sign(p, s)", None),
            ("go", "t := jwt.NewWithClaims(m, c)\nt.Header[\"kid\"] = id", Some((true, true))),
            ("go", "t := jwt.NewWithClaims(m, c)\nreturn t.SignedString(key)", Some((true, false))),
            ("java", "Jwts.builder().signWith(key)", Some((true, false))),
            ("php", "JWT::encode($p, $k, 'RS256')", Some((true, false))),
            ("php", "JWT::encode($p, f($k, 1), 'RS256', $id)", Some((true, true))),
        ] {
            let found = CALLS.iter().find_map(|call| {
                let lower = text.to_ascii_lowercase();
                let at = lower.find(&call.words.to_ascii_lowercase())?;
                let read = read(FileId(0), text, at..at + call.words.len(), call, extension, 0)?;
                Some((read.signs, read.key_id))
            });
            assert_eq!(found, expected, "{text}");
        }
    }
}
