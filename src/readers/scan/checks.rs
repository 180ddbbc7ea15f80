//! Structural checks of credential values: what a provider documents about them beyond their alphabet.

use super::{keys, values};

/// What a check says of a value that has the right shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// It cannot be such a credential.
    Refuted,
    /// It can be one.
    Possible,
    /// A checksum or inner structure proves that it is one.
    Proved,
}

/// A check by its name in a kind file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Check {
    GithubChecksum,
    AwsKeyId,
    Jwt,
    Pem,
    BasicAuth,
    MinEntropy(f64),
    Random,
}

impl Check {
    /// Reads the check's name; the reason if there is no such check.
    pub(super) fn parse(written: &str) -> Result<Check, String> {
        if let Some(bits) = written.strip_prefix("min-entropy = ") {
            return bits.parse().map(Check::MinEntropy).map_err(|_| format!("`{bits}` is no number"));
        }
        match written {
            "crc32-base62-github" => Ok(Check::GithubChecksum),
            "aws-key-id" => Ok(Check::AwsKeyId),
            "jwt" => Ok(Check::Jwt),
            "pem" => Ok(Check::Pem),
            "basic-auth" => Ok(Check::BasicAuth),
            "random" => Ok(Check::Random),
            _ => Err(format!("there is no check `{written}`")),
        }
    }

    pub(super) fn judge(self, value: &str) -> Outcome {
        match self {
            Check::GithubChecksum => github_checksum(value),
            Check::AwsKeyId => refute_unless(
                value.len() == 20 && value.bytes().skip(4).all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7')),
            ),
            Check::Jwt => jwt(value),
            Check::Pem => pem(value),
            Check::BasicAuth => refute_unless(decode_base64(value).is_some_and(|pair| {
                pair.iter().all(|b| (0x20..0x7f).contains(b))
                    && pair.iter().position(|b| *b == b':').is_some_and(|at| at > 0 && at + 4 < pair.len())
            })),
            Check::Random => refute_unless(is_drawn(value) && !values::is_placeholder(value)),
            Check::MinEntropy(bits) => refute_unless(entropy(value.as_bytes()) >= bits),
        }
    }
}

fn refute_unless(holds: bool) -> Outcome {
    if holds { Outcome::Possible } else { Outcome::Refuted }
}

/// Shannon entropy in bits per byte.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for b in bytes {
        counts[usize::from(*b)] += 1;
    }
    let total = bytes.len() as f64;
    -counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / total).map(|p| p * p.log2()).sum::<f64>()
}

/// Whether letters and digits follow one another as if drawn. `datadogApiKeyForProduction` is put together
/// of words, random letters fall into pieces of two or three where their case changes.
fn is_drawn(value: &str) -> bool {
    let class = |c: u8| match c {
        b'0'..=b'9' => 1u8,
        b'a'..=b'z' => 2,
        b'A'..=b'Z' => 3,
        _ => 0,
    };
    let bytes = value.as_bytes();
    let digits = bytes.iter().any(u8::is_ascii_digit);
    let changes = bytes
        .windows(2)
        .map(|w| (class(w[0]), class(w[1])))
        .filter(|(a, b)| a != b && *a != 0 && *b != 0)
        .count();
    let pieces = keys::split(value);
    let letters = pieces.iter().flat_map(|p| p.bytes()).filter(u8::is_ascii_alphabetic).count();
    let worded = values::is_wordy(value) && 2 * letters >= 7 * pieces.len();
    let least = if bytes.len() >= 16 { 3.0 } else { 2.5 };
    entropy(bytes) >= least && 5 * changes >= bytes.len() && (digits || bytes.len() >= 20) && !worded
}

/// "The last 6 digits of each token" are the CRC32 in Base62 (GitHub's announcement of the formats). It
/// does not say whether the prefix is covered, so both readings prove; neither refutes.
fn github_checksum(value: &str) -> Outcome {
    let Some((payload, checksum)) = value.len().checked_sub(6).and_then(|at| value.split_at_checked(at))
    else {
        return Outcome::Possible;
    };
    let body = payload.rsplit('_').next().unwrap_or(payload);
    let matches = |covered: &str| base62(crc32(covered.as_bytes())) == checksum.as_bytes();
    if matches(body) || matches(payload) { Outcome::Proved } else { Outcome::Possible }
}

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

/// Six digits, leading zeros included.
pub(super) fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    out
}

/// RFC 7519: three parts, the first a JSON object with `alg`. A signature that is empty proves nothing.
fn jwt(value: &str) -> Outcome {
    let mut parts = value.split('.');
    let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Outcome::Refuted;
    };
    let object = |part: &str| {
        decode_base64(part).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
    };
    let has_alg = object(header).is_some_and(|h| h.get("alg").is_some_and(serde_json::Value::is_string));
    // Encrypted tokens (RFC 7516) have five parts, of which only the header can be read.
    let readable = object(claims).is_some_and(|c| c.is_object()) || parts.count() == 2;
    if has_alg && readable && signature.len() >= 16 { Outcome::Proved } else { Outcome::Refuted }
}

/// RFC 7468: a label that says PRIVATE KEY and a body of Base64. An encrypted one is worth less to a thief.
fn pem(value: &str) -> Outcome {
    let Some(label) = value.split("-----").nth(1) else { return Outcome::Refuted };
    let Some(rest) = value.split_once("-----").and_then(|(_, r)| r.split_once("-----")) else {
        return Outcome::Refuted;
    };
    let body = rest.1.split("-----").next().unwrap_or("");
    let mut base64 = String::new();
    let mut headers = false;
    // Line breaks are real, or written as `\n` in a JSON or program string.
    for line in body.split(['\n', '\r', '"', '\'', '+', ',']).flat_map(|l| l.split("\\n")) {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\\' || c == '#' || c == '|');
        headers |= line.contains("ENCRYPTED");
        if line.contains(':') || line.starts_with('=') {
            continue;
        }
        base64.push_str(line);
    }
    let letters = base64.bytes().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'=')).count();
    if letters < 40 || letters + 4 < base64.len() || entropy(base64.as_bytes()) < 3.5 {
        return Outcome::Refuted;
    }
    if headers || label.contains("ENCRYPTED") {
        return Outcome::Possible;
    }
    // DER of a private key is a sequence (`MI…`, `MC…` for Ed25519); OpenSSH's and PGP's are their own.
    let der = base64.starts_with('M');
    let own = base64.starts_with("b3BlbnNzaC1rZXktdjE") || label.contains("PGP");
    if der || own { Outcome::Proved } else { Outcome::Possible }
}

/// Base64 of either alphabet, padding optional. `None` for other characters.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0);
    for b in text.bytes() {
        let digit = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_is_that_of_ieee_802_3() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(&base62(61), b"00000z");
    }

    #[test]
    fn a_github_checksum_proves_and_its_absence_leaves_the_token_possible() {
        let body = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5";
        let sum = String::from_utf8(base62(crc32(body.as_bytes())).to_vec()).expect("digits");
        assert_eq!(Check::GithubChecksum.judge(&format!("ghp_{body}{sum}")), Outcome::Proved);
        assert_eq!(Check::GithubChecksum.judge(&format!("ghp_{body}000000")), Outcome::Possible);
        assert_eq!(Check::GithubChecksum.judge("gé"), Outcome::Possible);
    }

    #[test]
    fn what_is_put_together_of_words_is_not_drawn() {
        for value in [
            concat!("VsDOumnWdzDaFRsY", "xSyANQZvaQCfEFl3"),
            concat!("MK3DK9NEG2A6MWUAMF", "939LXP53KAM9FK7XYA"),
            concat!("9f3a61c07b2e4d58", "a1c6e0f94b7d2385"),
            concat!("k2mvqd8r0w5yh3jx", "7tn1bzs4"),
        ] {
            assert_eq!(Check::Random.judge(value), Outcome::Possible, "{value}");
        }
        for value in [
            "datadogApiKeyForProduction1",
            "shop-production-frontend-and-backend-services",
            "my_application_key_for_production_2024",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "00000000000000000000000000000001",
            "averylonglowercasestringofwords",
            "YourDatadogApiKeyGoesHereInThisPlace",
        ] {
            assert_eq!(Check::Random.judge(value), Outcome::Refuted, "{value}");
        }
    }

    #[test]
    fn a_jwt_needs_a_header_that_names_an_algorithm() {
        let claims = "eyJzdWIiOiJhIn0";
        let signature = "c2lnbmF0dXJlc2lnbmF0dXJl";
        assert_eq!(Check::Jwt.judge(&format!("eyJhbGciOiJIUzI1NiJ9.{claims}.{signature}")), Outcome::Proved);
        assert_eq!(Check::Jwt.judge(&format!("eyJ0eXAiOiJKV1QifQ.{claims}.{signature}")), Outcome::Refuted);
        assert_eq!(Check::Jwt.judge(&format!("eyJhbGciOiJIUzI1NiJ9.{claims}.x")), Outcome::Refuted);
    }

    #[test]
    fn a_private_key_needs_a_body() {
        let body = "MIIEpAIBAAKCAQEAx7Jd9pQ2mZkS4vT8nB1cR6yW3eH5uF0gLaXoKiN";
        for (label, body, expected) in [
            ("RSA PRIVATE KEY", format!("\n{body}\n"), Outcome::Proved),
            ("RSA PRIVATE KEY", format!("\\n{body}\\n"), Outcome::Proved),
            ("ENCRYPTED PRIVATE KEY", format!("\n{body}\n"), Outcome::Possible),
            (
                "RSA PRIVATE KEY",
                format!("\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\n{body}\n"),
                Outcome::Possible,
            ),
            ("RSA PRIVATE KEY", "\n...\n".to_owned(), Outcome::Refuted),
            ("RSA PRIVATE KEY", format!("\n{}\n", "x".repeat(80)), Outcome::Refuted),
        ] {
            assert_eq!(
                Check::Pem.judge(&format!("-----BEGIN {label}-----{body}-----END {label}-----")),
                expected
            );
        }
    }
}
