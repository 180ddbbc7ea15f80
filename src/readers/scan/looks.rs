//! How a value looks: derived from something, made of words, drawn at random.

use super::checks::entropy;
use super::keys::split;

/// Keys that their vendors publish for everybody: those of emulators and test pages, as far as it takes to
/// know them, and the beginnings of those that are made for browsers.
/// <https://learn.microsoft.com/en-us/azure/cosmos-db/emulator#authentication>
/// <https://learn.microsoft.com/en-us/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>
/// <https://developers.google.com/recaptcha/docs/faq>
/// <https://developers.cloudflare.com/turnstile/troubleshooting/testing/>
/// <https://posthog.com/docs/api>
/// <https://docs.stripe.com/keys>
const PUBLISHED: &[&str] = &[
    "C2y6yDjf5/R+ob0N",
    "Eby8vdM02xNOcqFl",
    "6LeIxAcTAAAAA",
    "1x000000000000000000",
    "2x000000000000000000",
    "phc_",
    "pk_test_",
    "pk_live_",
    "sb_publishable_",
];

/// Whether a value is public by intention.
pub(super) fn is_published(value: &str) -> bool {
    PUBLISHED.iter().any(|p| value.starts_with(p))
}

/// Hashes, identifiers and dates are found under the names of credentials, but give nothing away.
pub(super) fn is_derived(value: &str) -> bool {
    let b = value.as_bytes();
    const HASHES: &[&str] = &[
        "$2a$", "$2b$", "$2y$", "$argon2", "$5$", "$6$", "$1$", "$y$", "$pbkdf2", "$scrypt", "{ssha}",
        "{sha}", "pbkdf2", "scrypt:", "bcrypt", "sha1:", "sha1-", "sha256:", "sha256-", "sha384-", "sha512-",
        "sha512:", "md5:", "pbkdf2_",
    ];
    let lower = value.to_ascii_lowercase();
    if HASHES.iter().any(|p| lower.starts_with(p)) {
        return true;
    }
    // `rl-sha256:…`, with the name of whoever hashed before it; `CWE-798` is what a scanner calls a find.
    let hex = |t: &str| t.len() >= 32 && t.bytes().all(|c| c.is_ascii_hexdigit());
    let hashed = lower.rsplit_once(':').is_some_and(|(by, t)| by.ends_with("sha256") && hex(t));
    let weakness = ["cwe-", "cve-"]
        .iter()
        .filter_map(|p| lower.strip_prefix(p))
        .any(|n| n.bytes().all(|c| c.is_ascii_digit() || c == b'-'));
    if hashed || weakness || is_published(value) {
        return true;
    }
    let uuid = b.len() == 36
        && b.iter()
            .enumerate()
            .all(|(i, c)| if [8, 13, 18, 23].contains(&i) { *c == b'-' } else { c.is_ascii_hexdigit() });
    // An address is no password; `P@ss.word` has no domain.
    let mail = value.split_once('@').is_some_and(|(a, d)| {
        !a.is_empty()
            && d.contains('.')
            && is_wordy(a)
            && d.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
            && d.rsplit('.').next().is_some_and(|t| t.len() > 1 && t.bytes().all(|c| c.is_ascii_lowercase()))
    });
    uuid || mail
}

/// Whether the value is made of words alone: letters between separators, at most a short number behind.
pub(super) fn is_wordy(value: &str) -> bool {
    split(value).iter().all(|word| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = word.len() - letters.len();
        if letters.is_empty() {
            return digits <= 4;
        }
        digits <= 4 && letters.chars().all(char::is_alphabetic) && has_rhythm(letters)
    })
}

/// Words have a vowel at least every five letters; random letters seldom do for long.
fn has_rhythm(letters: &str) -> bool {
    let mut run = 0;
    for c in letters.chars() {
        run = if matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'A' | 'E' | 'I' | 'O' | 'U' | 'Y')
            || !c.is_ascii()
        {
            0
        } else {
            run + 1
        };
        if run > 5 {
            return false;
        }
    }
    true
}

/// Whether the value looks drawn at random: letters and digits change often, and none prevails.
pub(super) fn is_random(value: &str) -> bool {
    let b = value.as_bytes();
    if b.len() < 8 || !b.is_ascii() || b.iter().any(u8::is_ascii_whitespace) {
        return false;
    }
    let kind = |c: u8| match c {
        b'0'..=b'9' => 1u8,
        b'a'..=b'z' => 2,
        b'A'..=b'Z' => 3,
        _ => 0,
    };
    let digits = b.iter().filter(|c| c.is_ascii_digit()).count();
    if digits == b.len() || digits == 0 && b.len() < 20 {
        return false;
    }
    // `k8s_etcd`: one digit and no capital make no random word of a short one.
    if b.len() < 16 && digits < 2 && !b.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let changes =
        b.windows(2).filter(|w| kind(w[0]) != kind(w[1]) && kind(w[0]) != 0 && kind(w[1]) != 0).count();
    let share = changes as f64 / b.len() as f64;
    let least = if b.len() >= 16 { 3.0 } else { 2.5 };
    entropy(b) >= least && share >= 0.2 && !is_wordy(value)
}
