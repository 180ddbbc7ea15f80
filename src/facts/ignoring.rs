//! What ignore files keep out. <https://git-scm.com/docs/gitignore#_pattern_format>,
//! <https://docs.docker.com/build/concepts/context/#syntax>

use super::{Ignore, IgnoreTool, Repository};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

impl Ignore {
    /// What this file says of a path of the repository or of a folder that it lies in: it is kept out
    /// (`true`), it is let in again by a `!` pattern (`false`), or nothing.
    pub fn decides(&self, path: &str) -> Option<bool> {
        let inner = inside(&self.folder, path)?;
        let matcher = self.matcher();
        let folders = inner.match_indices('/').map(|(at, _)| (&inner[..at], true));
        let mut verdict = None;
        for (part, is_folder) in folders.chain([(inner, false)]) {
            let found = matcher.matched(part, is_folder);
            if !found.is_none() {
                verdict = Some(found.is_ignore());
            }
        }
        verdict
    }

    fn matcher(&self) -> Gitignore {
        let mut builder = GitignoreBuilder::new("");
        for pattern in &self.patterns {
            let pattern = pattern.value.as_str();
            let line = if self.tool == IgnoreTool::Docker { rooted(pattern) } else { pattern.to_owned() };
            // A pattern that the tool itself would not understand matches nothing there either.
            let _ = builder.add_line(None, &line);
        }
        builder.build().unwrap_or_else(|_| Gitignore::empty())
    }
}

/// Docker's patterns hold from the root of the context, those of git without a slash at any depth.
fn rooted(pattern: &str) -> String {
    let (not, bare) = pattern.strip_prefix('!').map_or(("", pattern), |rest| ("!", rest));
    let bare = bare.trim().trim_start_matches("./").trim_matches('/');
    format!("{not}/{bare}")
}

fn inside<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

impl Repository {
    /// Whether git would keep a new file of this path out, by the `.gitignore` files of the repository.
    /// What lies below a folder that is kept out cannot be let in again; else the nearest file that says
    /// something decides.
    pub fn git_ignores(&self, path: &str) -> bool {
        let git = |ignore: &&Ignore| ignore.tool == IgnoreTool::Git && inside(&ignore.folder, path).is_some();
        let mut files: Vec<(&Ignore, Gitignore)> =
            self.facts.ignores.iter().filter(git).map(|ignore| (ignore, ignore.matcher())).collect();
        files.sort_by_key(|(ignore, _)| std::cmp::Reverse(ignore.folder.len()));
        let kept_out = |path: &str, is_folder: bool| {
            files.iter().find_map(|(ignore, matcher)| {
                let found = matcher.matched(inside(&ignore.folder, path)?, is_folder);
                (!found.is_none()).then_some(found.is_ignore())
            }) == Some(true)
        };
        path.match_indices('/').any(|(at, _)| kept_out(&path[..at], true)) || kept_out(path, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileId, Span, Spanned};

    fn ignore(tool: IgnoreTool, folder: &str, patterns: &[&str]) -> Ignore {
        let place = Span::start_of(FileId(0));
        let patterns = patterns.iter().map(|p| Spanned::new((*p).to_owned(), place)).collect();
        Ignore { place, tool, folder: folder.to_owned(), patterns }
    }

    fn ignored(files: &[(&str, &[&str])], path: &str) -> bool {
        let mut repository = Repository::default();
        repository.facts.ignores = files.iter().map(|(f, p)| ignore(IgnoreTool::Git, f, p)).collect();
        repository.git_ignores(path)
    }

    #[test]
    fn git_ignores_as_its_manual_says() {
        for (files, path, expected) in [
            (&[("", &[".env"][..])][..], ".env", true),
            (&[("", &[".env"][..])], "api/.env", true),
            (&[("", &["/.env"][..])], "api/.env", false),
            (&[("", &[".env*", "!.env.example"][..])], ".env.example", false),
            (&[("", &[".env*", "!.env.example"][..])], ".env.local", true),
            (&[("", &["*.local"][..])], ".env.local", true),
            (&[("api", &[".env"][..])], ".env", false),
            (&[("api", &[".env"][..])], "api/.env", true),
            (&[("", &[".env"][..]), ("api", &["!.env"][..])], "api/.env", false),
            (&[("", &["api/"][..]), ("api", &["!.env"][..])], "api/.env", true),
            (&[("", &["api/*", "!api/.env"][..])], "api/.env", false),
            (&[("", &["env"][..])], ".env", false),
            (&[], ".env", false),
        ] {
            assert_eq!(ignored(files, path), expected, "{files:?} on {path}");
        }
    }

    #[test]
    fn docker_patterns_hold_from_the_root_of_the_context() {
        for (patterns, path, expected) in [
            (&[".env"][..], ".env", Some(true)),
            (&[".env"], "api/.env", None),
            (&["**/.env"], "api/.env", Some(true)),
            (&["**/.env"], ".env", Some(true)),
            (&["*", "!src"], ".env", Some(true)),
            (&["*", "!src"], "src/a", Some(false)),
            (&[".env*", "!.env"], ".env", Some(false)),
        ] {
            assert_eq!(
                ignore(IgnoreTool::Docker, "", patterns).decides(path),
                expected,
                "{patterns:?} on {path}"
            );
        }
    }
}
