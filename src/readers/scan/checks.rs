//! Checks of credential values beyond their alphabet, by the names that kind files give them.

use super::drawn::is_drawn;
use super::encoding::bech32_holds;
use super::stand_ins::is_placeholder;
use super::structures;

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
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    /// What a structure says of the value.
    Structure(Judge),
    /// At least so many bits of Shannon entropy per byte.
    MinEntropy(f64),
}

/// What a structure says of a value.
type Judge = fn(&str) -> Outcome;

/// The structures, by name.
const STRUCTURES: &[(&str, Judge)] = &[
    ("crc32-base62-github", structures::github_checksum),
    ("crc32-base62-synapse", structures::synapse_checksum),
    ("crc32-hex-packagist", structures::packagist_checksum),
    ("crc32-hex-cloudflare", structures::cloudflare_checksum),
    ("crc32-hex-grafana", structures::grafana_checksum),
    ("crc32-base64-confluent", structures::confluent_checksum),
    ("crc32-base36-gitlab", structures::gitlab_checksum),
    ("aws-key-id", structures::aws_key_id),
    ("jwt", structures::jwt),
    ("json-token", structures::json_token),
    ("pem", structures::pem),
    ("bech32", |value| if bech32_holds(value) { Outcome::Proved } else { Outcome::Refuted }),
    ("macaroon-pypi", structures::pypi_macaroon),
    ("basic-auth", structures::basic_auth),
    ("random", |value| refute_unless(is_drawn(value) && !is_placeholder(value))),
];

impl Check {
    /// Reads the check's name; the reason if there is no such check.
    pub(super) fn parse(written: &str) -> Result<Check, String> {
        if let Some(bits) = written.strip_prefix("min-entropy = ") {
            return bits.parse().map(Check::MinEntropy).map_err(|_| format!("`{bits}` is no number"));
        }
        let known = STRUCTURES.iter().find(|(name, _)| *name == written);
        known.map(|(_, judge)| Check::Structure(*judge)).ok_or_else(|| {
            let names: Vec<&str> = STRUCTURES.iter().map(|(name, _)| *name).collect();
            format!("there is no check `{written}`: it is one of {} or `min-entropy = 3.5`", names.join(", "))
        })
    }

    pub(super) fn judge(self, value: &str) -> Outcome {
        match self {
            Check::Structure(judge) => judge(value),
            Check::MinEntropy(bits) => refute_unless(entropy(value.as_bytes()) >= bits),
        }
    }
}

pub(super) fn refute_unless(holds: bool) -> Outcome {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_of_words_is_not_drawn() {
        let random = Check::parse("random").expect("there is such a check");
        for value in [
            concat!("VsDOumnWdzDaFRsY", "xSyANQZvaQCfEFl3"),
            concat!("MK3DK9NEG2A6MWUAMF", "939LXP53KAM9FK7XYA"),
            concat!("9f3a61c07b2e4d58", "a1c6e0f94b7d2385"),
            concat!("k2mvqd8r0w5yh3jx", "7tn1bzs4"),
        ] {
            assert_eq!(random.judge(value), Outcome::Possible, "{value}");
        }
        // `drawn` has the table of what is not.
        assert_eq!(random.judge("datadogApiKeyForProduction1"), Outcome::Refuted);
    }
}
