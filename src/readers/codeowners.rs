//! Files that say who must look at a change.
//! <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>,
//! <https://docs.gitlab.com/user/project/codeowners/reference/>

use super::{Parsed, Text};
use crate::facts::CodeOwner;
use crate::text::Span;

/// Lines beyond these are not read: every file would be matched against each.
const MOST_LINES: usize = 2_000;

pub(super) fn claims(path: &str, _: bool) -> bool {
    matches!(
        path,
        "CODEOWNERS"
            | ".github/CODEOWNERS"
            | "docs/CODEOWNERS"
            | ".gitlab/CODEOWNERS"
            | ".bitbucket/CODEOWNERS"
    )
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let mut at = 0;
    for line in text.text.split_inclusive('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        let line = line.trim();
        // GitLab groups lines under `[Section]` and `^[Optional section]`.
        let section = line.starts_with('[') || line.starts_with("^[");
        if line.is_empty() || line.starts_with('#') || section || parsed.facts.code_owners.len() == MOST_LINES
        {
            continue;
        }
        let end = pattern_end(line);
        let (pattern, rest) = line.split_at(end);
        let owners = rest.split('#').next().unwrap_or("").split_whitespace().map(str::to_owned);
        parsed.facts.code_owners.push(CodeOwner {
            place: Span::new(text.file, start..start + end),
            pattern: pattern.to_owned(),
            owners: owners.collect(),
        });
    }
    parsed
}

/// Where the pattern ends: at the first blank that no backslash protects.
fn pattern_end(line: &str) -> usize {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use crate::readers::samples::{endure, repository};

    #[test]
    fn the_last_line_that_takes_a_file_in_names_its_owners() {
        let text = "# who looks\n* @acme/all # everything\n/infra/ @acme/ops ops@acme.dev\n*.md\n[Docs]\ndocs/a\\ b.txt @d\n";
        let read = repository(&[(".github/CODEOWNERS", text)]);
        let owners = read.owners().expect("the file has lines");
        for (path, expected) in [
            ("src/main.rs", "@acme/all"),
            ("infra/prod/main.tf", "@acme/ops ops@acme.dev"),
            ("api/infra/x", "@acme/all"),
            ("README.md", ""),
            ("docs/a b.txt", "@d"),
        ] {
            assert_eq!(owners.of(path).map(|o| o.owners.join(" ")).as_deref(), Some(expected), "{path}");
        }
        let read = repository(&[("CODEOWNERS", "/infra/ @ops\n!x @ops\n")]);
        assert!(read.owners().expect("the file has lines").of("src/a").is_none());
    }

    #[test]
    fn whatever_it_holds_is_endured() {
        endure(super::parse, "CODEOWNERS");
    }
}
