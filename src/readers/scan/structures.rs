//! Inner structures of credentials, as their providers or standards document them.

use super::checks::{Outcome, entropy, refute_unless};
use super::encoding::{BASE36, BASE62, crc32, decode_base64, digits};
use super::stand_ins;

/// "The last 6 digits of each token" are the CRC32 in Base62, leading zeros included
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>); npm
/// followed (<https://github.blog/security/announcing-npms-new-access-token-format/>), and Polar, whose
/// `server/polar/kit/crypto.py` leaves the prefix out. Of the others it is not said whether it is covered, so
/// both readings prove; neither refutes, for documents show tokens that were made up.
pub(super) fn github_checksum(value: &str) -> Outcome {
    let Some((payload, checksum)) = value.len().checked_sub(6).and_then(|at| value.split_at_checked(at))
    else {
        return Outcome::Possible;
    };
    let body = payload.rsplit('_').next().unwrap_or(payload);
    let holds = |covered: &str| digits::<6>(crc32(covered.as_bytes()), BASE62) == checksum.as_bytes();
    prove_if(holds(body) || holds(payload))
}

/// Synapse's tokens end in `_` and the CRC32 of all before it in six digits of Base62, leading zeros included
/// (<https://github.com/element-hq/synapse/blob/develop/synapse/handlers/auth.py>).
pub(super) fn synapse_checksum(value: &str) -> Outcome {
    prove_if(value.rsplit_once('_').is_some_and(|(covered, checksum)| {
        digits::<6>(crc32(covered.as_bytes()), BASE62) == checksum.as_bytes()
    }))
}

/// Tokens of Private Packagist end in the CRC32 of all before it in eight hexadecimal digits
/// (<https://packagist.com/docs/composer-authentication>).
pub(super) fn packagist_checksum(value: &str) -> Outcome {
    prove_if(ends_in_hex_crc32(value))
}

/// Cloudflare's tokens are a prefix, 40 characters and a checksum
/// (<https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/>): the CRC32 of the forty in
/// eight hexadecimal digits.
pub(super) fn cloudflare_checksum(value: &str) -> Outcome {
    prove_if(value.split_once('_').is_some_and(|(_, body)| ends_in_hex_crc32(body)))
}

fn ends_in_hex_crc32(text: &str) -> bool {
    let split = text.len().checked_sub(8).and_then(|at| text.split_at_checked(at));
    split.is_some_and(|(covered, checksum)| {
        u32::from_str_radix(checksum, 16).is_ok_and(|sum| sum == crc32(covered.as_bytes()))
    })
}

/// Grafana's tokens end in `_` and the CRC32 of all before it, its bytes in hexadecimal, the lowest first
/// (<https://github.com/grafana/grafana/blob/main/pkg/components/satokengen/tokengen.go>).
pub(super) fn grafana_checksum(value: &str) -> Outcome {
    prove_if(value.rsplit_once('_').is_some_and(|(covered, checksum)| {
        u32::from_str_radix(checksum, 16).is_ok_and(|sum| sum.swap_bytes() == crc32(covered.as_bytes()))
    }))
}

/// "The final 6 characters contain a Base64-encoded CRC32 checksum of the prior 54 characters", the lowest byte
/// first (<https://docs.confluent.io/cloud/current/client-apps/api-keys.html>).
pub(super) fn confluent_checksum(value: &str) -> Outcome {
    let body = value.strip_prefix("cflt").unwrap_or(value);
    let split = body.len().checked_sub(6).and_then(|at| body.split_at_checked(at));
    prove_if(split.is_some_and(|(covered, checksum)| {
        decode_base64(checksum).is_some_and(|sum| sum == crc32(covered.as_bytes()).to_le_bytes())
    }))
}

/// Routable tokens end in a point, the payload's length and the CRC32 of all before it in seven digits of
/// base 36 (<https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>).
pub(super) fn gitlab_checksum(value: &str) -> Outcome {
    let split = value.len().checked_sub(7).and_then(|at| value.split_at_checked(at));
    prove_if(split.is_some_and(|(covered, checksum)| {
        covered.contains('.') && digits::<7>(crc32(covered.as_bytes()), BASE36) == checksum.as_bytes()
    }))
}

/// Ten bytes in Base32, of which the first bit of a key of today is set and the next forty are the number of
/// the account: twelve decimal digits (`aws sts get-access-key-info` tells it of any such id). Keys from
/// before begin with `I` or `J` and hold none.
pub(super) fn aws_key_id(value: &str) -> Outcome {
    let digit = |b: u8| match b {
        b'A'..=b'Z' => Some(u64::from(b - b'A')),
        b'2'..=b'7' => Some(u64::from(b - b'2') + 26),
        _ => None,
    };
    let digits: Option<Vec<u64>> = value.bytes().skip(4).map(digit).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == 16) else { return Outcome::Refuted };
    if digits[0] < 16 {
        return Outcome::Possible;
    }
    // Nine digits are 45 bits: the generation, the account, four of what follows.
    let account = digits[..9].iter().fold(0, |bits, digit| bits << 5 | digit) >> 4 & ((1 << 40) - 1);
    refute_unless((1..1_000_000_000_000).contains(&account))
}

/// RFC 7519: three parts, the first a JSON object with `alg`. A signature that is empty proves nothing.
pub(super) fn jwt(value: &str) -> Outcome {
    let mut parts = value.split('.');
    let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Outcome::Refuted;
    };
    let has_alg = json(header).is_some_and(|h| h.get("alg").is_some_and(serde_json::Value::is_string));
    // Encrypted tokens (RFC 7516) have five parts, of which only the header can be read.
    let readable = json(claims).is_some() || parts.count() == 2;
    if has_alg && readable && signature.len() >= 16 { Outcome::Proved } else { Outcome::Refuted }
}

/// A JSON object in Base64.
fn json(part: &str) -> Option<serde_json::Value> {
    let bytes = decode_base64(part)?;
    serde_json::from_slice(&bytes).ok().filter(serde_json::Value::is_object)
}

/// A prefix, a JSON object in Base64, and perhaps more behind a `.` or `_`: tokens of Sentry
/// (`sntrys_`), Mapbox (`sk.`), Grafana Cloud (`glc_`), 1Password (`ops_`).
pub(super) fn json_token(value: &str) -> Outcome {
    let Some(at) = value.find("eyJ") else { return Outcome::Possible };
    let rest = &value[at..];
    let parts = [rest, rest.split('.').next().unwrap_or(rest), rest.split(['.', '_']).next().unwrap_or(rest)];
    prove_if(parts.iter().any(|part| json(part).is_some()))
}

/// PyPI's tokens are macaroons of version 2, whose first field is where they serve: `pypi.org` or
/// `test.pypi.org` (<https://github.com/pypi/warehouse>, `warehouse/macaroons`).
pub(super) fn pypi_macaroon(value: &str) -> Outcome {
    let body = value.strip_prefix("pypi-").and_then(decode_base64);
    body.map_or(Outcome::Refuted, |bytes| {
        let named =
            |host: &[u8]| bytes.get(..3) == Some(&[2, 1, host.len() as u8]) && bytes[3..].starts_with(host);
        prove_if(named(b"pypi.org") || named(b"test.pypi.org"))
    })
}

/// `user:password` in Base64 (RFC 7617), as Docker keeps it in `auths`; a pair that every manual shows is none.
pub(super) fn basic_auth(value: &str) -> Outcome {
    let Some(pair) = decode_base64(value).and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Outcome::Refuted;
    };
    let Some((user, password)) = pair.split_once(':') else { return Outcome::Refuted };
    let named = |word: &str, names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    let shown = named(user, &["user", "username", "foo", "test", "aladdin"])
        && (named(password, &["pass", "password", "passwd", "bar", "test", "open sesame", "opensesame"]))
        || stand_ins::is_placeholder(password);
    let plain = pair.bytes().all(|b| (0x20..0x7f).contains(&b));
    match plain && !user.is_empty() && password.len() > 3 && !shown {
        true => Outcome::Proved,
        false => Outcome::Refuted,
    }
}

/// RFC 7468: a label that says PRIVATE KEY and a body of Base64. An encrypted one is worth less to a thief.
///
/// Proved is one whose body is a DER sequence of the length that it says (RFC 5208, 5915, 8017), OpenSSH's
/// `openssh-key-v1` (PROTOCOL.key), or an OpenPGP packet of a secret key (RFC 9580 §5.5).
pub(super) fn pem(value: &str) -> Outcome {
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
    // A `+` at the start of a line joins strings of a program; inside of one it is a digit.
    let whole: String = body.replace("\\n", "\n").chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = decode_base64(&whole).or_else(|| decode_base64(&base64)).unwrap_or_default();
    let secret_key = |first: &u8| matches!(first, 0xc5 | 0xc7) || matches!(first >> 2, 0x25 | 0x27);
    prove_if(match label.contains("PGP") {
        true => bytes.first().is_some_and(secret_key),
        false => bytes.starts_with(b"openssh-key-v1\0") || is_sequence(&bytes),
    })
}

/// Whether these bytes are one DER SEQUENCE (X.690 §8.1.3) and nothing else.
fn is_sequence(bytes: &[u8]) -> bool {
    let (length, header) = match bytes {
        [0x30, short @ 0..=0x7f, ..] => (usize::from(*short), 2),
        [0x30, 0x81, one, ..] => (usize::from(*one), 3),
        [0x30, 0x82, one, two, ..] => (usize::from(*one) << 8 | usize::from(*two), 4),
        _ => return false,
    };
    bytes.len() == header + length
}

fn prove_if(holds: bool) -> Outcome {
    if holds { Outcome::Proved } else { Outcome::Possible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_github_checksum_proves_and_its_absence_leaves_the_token_possible() {
        let body = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5";
        let sum = String::from_utf8(digits::<6>(crc32(body.as_bytes()), BASE62).to_vec()).expect("digits");
        assert_eq!(github_checksum(&format!("ghp_{body}{sum}")), Outcome::Proved);
        assert_eq!(github_checksum(&format!("ghp_{body}000000")), Outcome::Possible);
        assert_eq!(github_checksum("gé"), Outcome::Possible);
    }

    #[test]
    fn a_checksum_over_all_before_it_proves() {
        let covered = concat!("sy", "t_Ym90_kQzWvTnRbXcLmPdHsGfJ");
        let sum = String::from_utf8(digits::<6>(crc32(covered.as_bytes()), BASE62).to_vec()).expect("digits");
        assert_eq!(synapse_checksum(&format!("{covered}_{sum}")), Outcome::Proved);
        assert_eq!(synapse_checksum(&format!("{covered}_000000")), Outcome::Possible);
        let covered = format!("packagist_{}", "ort_9f3a61c07b2e4d58a1c6e0f94b7d2385");
        let sum = crc32(covered.as_bytes());
        assert_eq!(packagist_checksum(&format!("{covered}{sum:08x}")), Outcome::Proved);
        assert_eq!(packagist_checksum(&format!("{covered}{:08x}", !sum)), Outcome::Possible);
        assert_eq!(
            (synapse_checksum("é"), packagist_checksum("éé+0001")),
            (Outcome::Possible, Outcome::Possible)
        );
    }

    #[test]
    fn a_checksum_over_the_body_alone_proves() {
        let body = "Qm3vT8xLk2Zr7WbN5yHdJ9sPaE4uGc6FoXi1tR0V";
        let sum = crc32(body.as_bytes());
        assert_eq!(cloudflare_checksum(&format!("cfut_{body}{sum:08x}")), Outcome::Proved);
        assert_eq!(cloudflare_checksum(&format!("cfut_{body}{:08x}", !sum)), Outcome::Possible);
        let covered = concat!("gls", "a_FdULMIeskGTY0E4hggdmwyPmd0ycblRy");
        let sum = crc32(covered.as_bytes()).swap_bytes();
        assert_eq!(grafana_checksum(&format!("{covered}_{sum:08x}")), Outcome::Proved);
        assert_eq!(grafana_checksum(&format!("{covered}_{:08x}", !sum)), Outcome::Possible);
        // The sample of the provider's page, and the same with its last digit changed.
        let sample = concat!("cfl", "tT8d8RzkNseTMEDKcjNM1BZTFPHqRn/dQm9q7w6SjzZ12wZfwjaJdipHZtDj");
        assert_eq!(confluent_checksum(&format!("{sample}w")), Outcome::Proved);
        assert_eq!(confluent_checksum(&format!("{sample}A")), Outcome::Possible);
        for text in ["é", "cfut_é", "cflté", "_", "é_é"] {
            let outcomes = [cloudflare_checksum(text), grafana_checksum(text), confluent_checksum(text)];
            assert_eq!(outcomes, [Outcome::Possible; 3], "{text}");
        }
    }

    #[test]
    fn a_routable_gitlab_token_holds_its_own_checksum() {
        let covered = concat!("glp", "at-bzox79Of-KE9FD2LjoXXF4CvyxA.0r");
        assert_eq!(gitlab_checksum(&format!("{covered}03gxo7s")), Outcome::Proved);
        assert_eq!(gitlab_checksum(&format!("{covered}03gxo7t")), Outcome::Possible);
        assert_eq!(gitlab_checksum("é"), Outcome::Possible);
    }

    #[test]
    fn a_key_id_of_aws_holds_an_account_of_twelve_digits() {
        for (id, expected) in [
            // The account of this one is 609629065308, as AWS itself tells.
            (concat!("ASIA", "Y34FZKBOKMUTVV7A"), Outcome::Possible),
            (concat!("AKIA", "I7Q2DHX5ZM4TNC6B"), Outcome::Possible),
            (concat!("AKIA", "77777777KMUTVV7A"), Outcome::Refuted),
            (concat!("AKIA", "QAAAAAAAKMUTVV7A"), Outcome::Refuted),
            (concat!("AKIA", "Y34FZKBOKMUTVV1A"), Outcome::Refuted),
        ] {
            assert_eq!(aws_key_id(id), expected, "{id}");
        }
    }

    #[test]
    fn a_jwt_needs_a_header_that_names_an_algorithm() {
        let claims = "eyJzdWIiOiJhIn0";
        let signature = "c2lnbmF0dXJlc2lnbmF0dXJl";
        assert_eq!(jwt(&format!("eyJhbGciOiJIUzI1NiJ9.{claims}.{signature}")), Outcome::Proved);
        assert_eq!(jwt(&format!("eyJ0eXAiOiJKV1QifQ.{claims}.{signature}")), Outcome::Refuted);
        assert_eq!(jwt(&format!("eyJhbGciOiJIUzI1NiJ9.{claims}.x")), Outcome::Refuted);
    }

    #[test]
    fn tokens_that_hold_json_or_a_place_are_proved_by_it() {
        // {"iat":1700000000,"org":"acme"}
        let json = "eyJpYXQiOjE3MDAwMDAwMDAsIm9yZyI6ImFjbWUifQ==";
        assert_eq!(json_token(&format!("sntrys_{json}_q7Rk2ZpL9vXw")), Outcome::Proved);
        assert_eq!(json_token(&format!("sk.{}.q7Rk2ZpL9v-Xw", json.trim_end_matches('='))), Outcome::Proved);
        assert_eq!(json_token("sk.eyJhYmM.q7"), Outcome::Possible);
        assert_eq!(pypi_macaroon("pypi-AgEIcHlwaS5vcmcCJDk"), Outcome::Proved);
        assert_eq!(pypi_macaroon("pypi-AgEIcHlwaS5uZXQCJDk"), Outcome::Possible);
    }

    #[test]
    fn user_and_password_of_every_manual_are_none() {
        for (pair, expected) in [
            ("ZGVwbG95Olp4OTJwUW03cks=", Outcome::Proved), // deploy:Zx92pQm7rK
            ("dXNlcm5hbWU6cGFzc3dvcmQ=", Outcome::Refuted), // username:password
            ("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Outcome::Refuted), // RFC 7617's Aladdin
            ("bm8gY29sb24gaGVyZQ==", Outcome::Refuted),
            ("/////w==", Outcome::Refuted),
        ] {
            assert_eq!(basic_auth(pair), expected, "{pair}");
        }
    }

    #[test]
    fn a_private_key_needs_a_body_and_is_proved_by_its_structure() {
        // A sequence of 40 bytes.
        let der = "MCgCAQAEIMd5A0mZl2ae0fT6yS8kQx4Vb1Rj7LpNw3UgHcOiEuDsAgEB";
        let truncated = "MIIEpAIBAAKCAQEAx7Jd9pQ2mZkS4vT8nB1cR6yW3eH5uF0gLaXoKiN";
        let ssh = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt";
        for (label, body, expected) in [
            ("PRIVATE KEY", format!("\n{der}\n"), Outcome::Proved),
            ("PRIVATE KEY", format!("\\n{}\\n{}\\n", &der[..32], &der[32..]), Outcome::Proved),
            ("RSA PRIVATE KEY", format!("\n{truncated}\n"), Outcome::Possible),
            ("OPENSSH PRIVATE KEY", format!("\n{ssh}\n"), Outcome::Proved),
            ("ENCRYPTED PRIVATE KEY", format!("\n{der}\n"), Outcome::Possible),
            (
                "RSA PRIVATE KEY",
                format!("\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\n{der}\n"),
                Outcome::Possible,
            ),
            ("RSA PRIVATE KEY", "\n...\n".to_owned(), Outcome::Refuted),
            ("RSA PRIVATE KEY", format!("\n{}\n", "x".repeat(80)), Outcome::Refuted),
        ] {
            let key = format!("-----BEGIN {label}-----{body}-----END {label}-----");
            assert_eq!(pem(&key), expected, "{label}: {body}");
        }
    }
}
