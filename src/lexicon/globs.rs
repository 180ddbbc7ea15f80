//! Globs of paths, as rules and policies write them: those of an ignore file.

/// One pattern per alternative of `{a,b}`; a pattern without a slash holds at any depth.
#[derive(Debug, Clone)]
pub struct PathGlob {
    /// Parts between slashes, for every alternative.
    alternatives: Vec<Vec<String>>,
}

/// Alternatives beyond this number are dropped: `{a,b}{a,b}{a,b}…` doubles with every pair.
const MOST_ALTERNATIVES: usize = 256;

impl PathGlob {
    /// Takes a pattern apart. `*` and `?` stop at slashes, `**` does not, `[a-z]` is one character,
    /// `{a,b}` either; a pattern that ends in `/` holds for everything below.
    pub fn new(pattern: &str) -> PathGlob {
        let mut alternatives = Vec::new();
        for pattern in expand(pattern) {
            let below = pattern.ends_with('/');
            let anchored = pattern.trim_end_matches('/').contains('/');
            let mut parts: Vec<String> = pattern.trim_matches('/').split('/').map(str::to_owned).collect();
            if !anchored {
                parts.insert(0, "**".to_owned());
            }
            if below {
                parts.push("**".to_owned());
            }
            alternatives.push(parts);
        }
        PathGlob { alternatives }
    }

    /// Whether `path` (from the root, with `/`) is meant.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_parts(&path.split('/').collect::<Vec<_>>())
    }

    /// The same for a path that is in parts already, when many globs ask about one path.
    pub fn matches_parts(&self, path: &[&str]) -> bool {
        self.alternatives.iter().any(|parts| parts_match(parts, path))
    }
}

/// Of deeper paths only the last parts are looked at: a set of positions is one number.
const DEEPEST: usize = 127;

/// Reachable positions are kept as a set, so that many `**` cost no more than one.
fn parts_match(parts: &[String], path: &[&str]) -> bool {
    // The last part tells most paths apart.
    let (Some(last), Some(name)) = (parts.last(), path.last()) else { return false };
    let path = &path[path.len().saturating_sub(DEEPEST)..];
    if last != "**" && !part_matches(last.as_bytes(), name.as_bytes()) {
        return false;
    }
    let mut reached = 1u128;
    for part in parts {
        if reached == 0 {
            return false;
        }
        if part == "**" {
            reached = u128::MAX << reached.trailing_zeros();
            continue;
        }
        let step = |next: u128, (at, name): (usize, &&str)| {
            let matched = reached >> at & 1 != 0 && part_matches(part.as_bytes(), name.as_bytes());
            next | u128::from(matched) << (at + 1)
        };
        reached = path.iter().enumerate().fold(0, step);
    }
    reached >> path.len() & 1 != 0
}

fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    // `*.ext`: most patterns end so.
    if let [b'*', ending @ ..] = pattern
        && !ending.iter().any(|b| matches!(b, b'*' | b'?' | b'['))
    {
        return text.ends_with(ending);
    }
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if t == text.len() {
            return pattern[p..].iter().all(|b| *b == b'*');
        }
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => class(&pattern[p..]).and_then(|(set, length)| set(text[t]).then_some(length)),
            Some(b) if *b == text[t] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((at, taken))) => {
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
            (None, None) => return false,
        }
    }
}

/// A `[…]` at the start of `pattern`: what it holds, and its length.
fn class(pattern: &[u8]) -> Option<(impl Fn(u8) -> bool + '_, usize)> {
    let end = pattern.iter().skip(2).position(|b| *b == b']')? + 2;
    let negated = matches!(pattern[1], b'!' | b'^');
    let set = &pattern[1 + usize::from(negated)..end];
    let holds = move |byte: u8| {
        let mut at = 0;
        let mut found = false;
        while at < set.len() {
            if at + 2 < set.len() && set[at + 1] == b'-' {
                found |= (set[at]..=set[at + 2]).contains(&byte);
                at += 3;
            } else {
                found |= set[at] == byte;
                at += 1;
            }
        }
        found != negated
    };
    Some((holds, end + 1))
}

fn expand(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        let braces = pattern.find('{').and_then(|a| pattern[a..].find('}').map(|b| (a, a + b)));
        match braces {
            Some((a, b)) if done.len() + open.len() < MOST_ALTERNATIVES => {
                for choice in pattern[a + 1..b].split(',').rev() {
                    open.push(format!("{}{choice}{}", &pattern[..a], &pattern[b + 1..]));
                }
            }
            _ => done.push(pattern),
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_hold_where_an_ignore_file_would_say_so() {
        for (pattern, path, expected) in [
            ("*.md", "docs/a.md", true),
            ("*.md", "a.mdx", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/x/a.md", false),
            ("docs/*.md", "x/docs/a.md", false),
            ("docs/**", "docs/x/a.md", true),
            ("**/docs/**/*.md", "x/docs/a.md", true),
            ("**/docs/**/*.md", "docs/y/z/a.md", true),
            ("src/", "src/a/b.rs", true),
            (".github/workflows/*.{yml,yaml}", ".github/workflows/ci.yaml", true),
            (".github/workflows/*.{yml,yaml}", ".github/workflows/ci.json", false),
            ("file[0-9].txt", "a/file7.txt", true),
            ("file[!0-9].txt", "file7.txt", false),
            ("[", "x", false),
            ("a?c", "abc", true),
        ] {
            assert_eq!(PathGlob::new(pattern).matches(path), expected, "{pattern} on {path}");
        }
        assert!(PathGlob::new("**/docs/*.md").matches(&format!("{}docs/a.md", "a/".repeat(300))));
        assert!(!PathGlob::new(&"{a,b}".repeat(40)).matches("x"));
        assert!(!PathGlob::new(&"*a".repeat(200)).matches(&"a".repeat(150)));
    }
}
