//! Ignore files of git and of tools that copy git's format.
//! <https://git-scm.com/docs/gitignore>, <https://docs.docker.com/build/concepts/context/#dockerignore-files>

use super::names::{folder, name};
use super::{Parsed, Text};
use crate::facts::{Ignore, IgnoreTool};
use crate::text::{Span, Spanned};

pub(super) fn claims(path: &str, _: bool) -> bool {
    tool(path).is_some()
}

fn tool(path: &str) -> Option<IgnoreTool> {
    Some(match name(path) {
        ".gitignore" => IgnoreTool::Git,
        ".npmignore" => IgnoreTool::Npm,
        ".gcloudignore" => IgnoreTool::Gcloud,
        ".helmignore" => IgnoreTool::Helm,
        ".ebignore" => IgnoreTool::Eb,
        ".cfignore" => IgnoreTool::Cf,
        ".vercelignore" => IgnoreTool::Vercel,
        ".slugignore" => IgnoreTool::Slug,
        ".containerignore" => IgnoreTool::Docker,
        // `web.Dockerfile.dockerignore` serves that Dockerfile alone.
        other if other.ends_with(".dockerignore") => IgnoreTool::Docker,
        _ => return None,
    })
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(tool) = tool(text.path) else { return parsed };
    let mut patterns = Vec::new();
    let mut at = 0;
    for line in text.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let lead = if start == 0 { line.len() - line.trim_start_matches('\u{feff}').len() } else { 0 };
        let mut pattern = &line[lead..];
        // git keeps a trailing blank that a backslash protects.
        while pattern.ends_with([' ', '\t']) && !pattern.ends_with("\\ ") {
            pattern = &pattern[..pattern.len() - 1];
        }
        // `#!include:.gitignore` is an instruction to gcloud.
        let include = tool == IgnoreTool::Gcloud && pattern.starts_with("#!include:");
        if pattern.is_empty() || pattern.starts_with('#') && !include {
            continue;
        }
        let start = start + lead;
        patterns.push(Spanned::new(pattern.to_owned(), Span::new(text.file, start..start + pattern.len())));
    }
    let place = Span::start_of(text.file);
    parsed.facts.ignores.push(Ignore { place, tool, folder: folder(text.path).to_owned(), patterns });
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    #[test]
    fn patterns_come_without_comments_and_blanks() {
        let text = "\u{feff}# secrets\n.env*\r\n!.env.example  \n\nnode_modules/\nkeep\\ \n*.key";
        let parsed = samples::read(parse, "web/.gitignore", text);
        let ignore = &parsed.facts.ignores[0];
        assert_eq!((ignore.tool, ignore.folder.as_str()), (IgnoreTool::Git, "web"));
        let patterns: Vec<&str> = ignore.patterns.iter().map(|p| p.value.as_str()).collect();
        assert_eq!(patterns, [".env*", "!.env.example", "node_modules/", "keep\\ ", "*.key"]);
        for pattern in &ignore.patterns {
            assert_eq!(&text[pattern.span.range()], pattern.value);
        }
    }

    #[test]
    fn ignore_files_are_claimed_for_the_tool_that_reads_them() {
        for (path, expected) in [
            (".gitignore", Some(IgnoreTool::Git)),
            ("a/.dockerignore", Some(IgnoreTool::Docker)),
            ("web.Dockerfile.dockerignore", Some(IgnoreTool::Docker)),
            ("web/.ebignore", Some(IgnoreTool::Eb)),
            (".cfignore", Some(IgnoreTool::Cf)),
            (".vercelignore", Some(IgnoreTool::Vercel)),
            (".slugignore", Some(IgnoreTool::Slug)),
            (".eslintignore", None),
            ("gitignore", None),
        ] {
            assert_eq!(tool(path), expected, "{path}");
        }
        samples::endure(parse, ".gitignore");
    }
}
