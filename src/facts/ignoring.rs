//! What ignore files keep out. <https://git-scm.com/docs/gitignore#_pattern_format>
//!
//! Only files of the repository count. `.git/info/exclude` and a person's `core.excludesFile` do not: nobody
//! else has them, and a clone is without them.

use super::{Ignore, IgnoreTool, Repository, docker_ignore};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

impl Ignore {
    /// What this file says of a path of the repository or of a folder that it lies in: it is kept out
    /// (`true`), it is let in again by a `!` pattern (`false`), or nothing.
    pub fn decides(&self, path: &str) -> Option<bool> {
        let inner = inside(&self.folder, path)?;
        if self.tool == IgnoreTool::Docker {
            return docker_ignore::decides(self.patterns.iter().map(|p| p.value.as_str()), inner);
        }
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
            // A pattern that the tool itself would not understand matches nothing there either.
            let _ = builder.add_line(None, &pattern.value);
        }
        builder.build().unwrap_or_else(|_| Gitignore::empty())
    }
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
            // The last pattern that matches decides, and a negation has no effect before it.
            (&[("", &["!.env", ".env*"][..])], ".env", true),
            (&[("", &[".env*", "!.env"][..])], ".env", false),
            (&[("", &[".env*", "!.env*", ".env.local"][..])], ".env.local", true),
            // `*` stops at slashes, `**` does not.
            (&[("", &["*/.env"][..])], "api/.env", true),
            (&[("", &["*/.env"][..])], "a/b/.env", false),
            (&[("", &["**/.env"][..])], "a/b/.env", true),
            (&[("", &["config/**"][..])], "config/a/.env", true),
            (&[("", &["a/**/.env"][..])], "a/.env", true),
            // A pattern with a slash in it holds from its own file's folder.
            (&[("", &["config/.env"][..])], "api/config/.env", false),
            (&[("api", &["/.env"][..])], "api/.env", true),
            (&[("api", &["config/.env"][..])], "api/config/.env", true),
            // A pattern with a slash at its end is for folders.
            (&[("", &[".env/"][..])], ".env", false),
            (&[("", &["env/"][..])], "env/production", true),
            // The nearest file that says something decides.
            (&[("", &["!.env"][..]), ("api", &[".env"][..])], "api/.env", true),
            (&[("", &[".env"][..]), ("api", &["*.log"][..])], "api/.env", true),
            (&[("", &[".env.[lp]*"][..])], ".env.local", true),
            (&[("", &[".env.?ocal"][..])], ".env.local", true),
            (&[("", &["\\.env"][..])], ".env", true),
            (&[("", &[".ENV"][..])], ".env", false),
            (&[], ".env", false),
        ] {
            assert_eq!(ignored(files, path), expected, "{files:?} on {path}");
        }
    }
}
