//! Which names of tags are versions.

/// Whether a tag's name is the version of a release: SemVer or CalVer with two to four numbers
/// (`v1.2.3`, `2026.11`, `web/v1.2.0-rc.1`, `shop-1.2.3+build`), a day (`2026-11-21`, `release-20261121`), or the dated
/// form `VV.DDMMYYYY.HHMM`. A prefix may stand before it.
///
/// <https://semver.org/spec/v2.0.0.html>, <https://calver.org>
pub fn is_release_tag(name: &str) -> bool {
    let bytes = name.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = 0;
    while at < bytes.len() {
        let first = digits(at);
        if first == 0 {
            at += 1;
            continue;
        }
        if begins_version(&bytes[..at]) {
            let mut end = at + first;
            let mut numbers = 1;
            while numbers < 4 && bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
                end += 1 + digits(end + 1);
                numbers += 1;
            }
            let ends = bytes.get(end).is_none_or(|b| matches!(b, b'-' | b'+' | b'.' | b'_'))
                // PEP 440 writes `1.2rc1`.
                || ["a", "b", "rc", "beta", "alpha", "dev"].iter().any(|pre| name[end..].starts_with(pre));
            if numbers > 1 && ends || numbers == 1 && is_day(&name[at..]) {
                return true;
            }
            at = end;
        } else {
            at += first;
        }
    }
    false
}

/// Whether a number behind this text begins a version: at the start, after a separator, and either with its `v`.
fn begins_version(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"v").or_else(|| before.strip_suffix(b"V")).unwrap_or(before);
    before.last().is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'.')
        || before.eq_ignore_ascii_case(b"release")
        || before.eq_ignore_ascii_case(b"rel")
        || before.eq_ignore_ascii_case(b"r")
}

/// `20261121…` or `2026-11-21…`.
fn is_day(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().take(10).filter(|b| !matches!(b, b'-' | b'_')).collect();
    let number = |range: std::ops::Range<usize>| {
        plain.get(range).and_then(|part| std::str::from_utf8(part).ok()?.parse::<u32>().ok())
    };
    let in_order = |year, month, day| {
        (1990..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    matches!((number(0..4), number(4..6), number(6..8)), (Some(y), Some(m), Some(d)) if in_order(y, m, d))
}

#[cfg(test)]
mod tests {
    use super::is_release_tag;

    #[test]
    fn versions_are_releases_whatever_stands_before_them() {
        for name in [
            "v1.2.3",
            "1.2",
            "V2.0",
            "1.2.3-rc.1",
            "1.2rc1",
            "v4.6.8-beta2",
            "web/v1.2.0",
            "@acme/ui@1.2.3",
            "shop-1.2.3+build.5",
            "release-2026.11",
            "release-20261121",
            "2026-11-21",
            "20261121.3",
            "2026.11.21.1",
            "02.21112026.1405",
            "rel1.4.2",
            "r2.0.1",
            "Release_1.2.3",
            "26.8.0",
        ] {
            assert!(is_release_tag(name), "{name}");
        }
        for name in [
            "",
            "latest",
            "nightly",
            "v1",
            "7",
            "build-1234",
            "jenkins-20",
            "before-refactoring",
            "wip/3d-view",
            "staging",
            "12345678",
            "99999999",
            "deploy-1763730000",
            "ab12.34cd",
            "python3.11x",
            "x86_64",
            "2026-13-41",
        ] {
            assert!(!is_release_tag(name), "{name}");
        }
    }
}
