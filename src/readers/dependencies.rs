//! What a program brings along: the libraries of its manifests that the lexicon knows. Those for tests and
//! developers do not count.

use super::Text;
use super::names::{name, within};
use crate::facts::{Practice, PracticeBasis, PracticeKind};
use crate::lexicon::libraries::Libraries;
use crate::syntax::json;
use crate::syntax::tree::Node;
use crate::text::Span;
use std::ops::Range;

/// Files that name libraries and are no manifests by themselves: lists that others include, catalogues of versions.
pub(super) fn is_list(path: &str) -> bool {
    let name = name(path);
    let lists = within(path, &["requirements"]) && (name.ends_with(".txt") || name.ends_with(".in"));
    lists
        || name.starts_with("requirements") && name.ends_with(".in")
        || matches!(name, "libs.versions.toml" | "Directory.Packages.props")
}

/// Known libraries among the keys of these mappings.
pub(super) fn of_keys(root: Node<'_>, paths: &[&[&str]], ecosystem: &str) -> Vec<Practice> {
    let mut found = Found { ecosystem, practices: Vec::new() };
    for (key, _) in paths.iter().filter_map(|path| root.at(path)).flat_map(|n| n.entries()) {
        if let Some(name) = key.as_str() {
            found.add(name, key.span());
        }
    }
    found.practices
}

/// Known libraries of a `composer.json`.
pub(super) fn of_composer(text: &Text<'_>) -> Vec<Practice> {
    let tree = json::parse(text.file, text.text);
    tree.root().map_or_else(Vec::new, |root| of_keys(root, &[&["require"]], "php"))
}

/// Known libraries of a manifest that is read line by line.
pub(super) fn of_lines(text: &Text<'_>, ecosystem: &str) -> Vec<Practice> {
    let stem = name(text.path).to_ascii_lowercase();
    let apart = ["dev", "test", "lint", "doc", "docs", "ci", "local", "tests", "typing"];
    if ecosystem == "python" && stem.split(['-', '_', '.']).any(|word| apart.contains(&word)) {
        return Vec::new();
    }
    let ecosystem = if matches!(ecosystem, "maven" | "gradle") { "jvm" } else { ecosystem };
    let mut found = Found { ecosystem, practices: Vec::new() };
    let mut section = Section::default();
    let mut at = 0;
    for line in text.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        for range in section.names(ecosystem, &stem, line, &text.text[at..]) {
            let span = Span::new(text.file, start + range.start..start + range.end);
            found.add(&line[range], span);
        }
    }
    found.practices
}

struct Found<'e> {
    ecosystem: &'e str,
    practices: Vec<Practice>,
}

impl Found<'_> {
    fn add(&mut self, written: &str, place: Span) {
        let plain = match self.ecosystem {
            "go" => unversioned(written).to_owned(),
            "python" => written.to_ascii_lowercase().replace(['_', '.'], "-"),
            _ => written.to_owned(),
        };
        for word in Libraries::builtin().serve(self.ecosystem, &plain) {
            let Some(practice) = PracticeKind::from_name(word) else { continue };
            if !self.practices.iter().any(|p| p.practice == practice && p.name == written) {
                let basis = PracticeBasis::Library;
                self.practices.push(Practice { place, practice, name: written.to_owned(), basis });
            }
        }
    }
}

/// A module's path without `/v2`.
fn unversioned(path: &str) -> &str {
    match path.rsplit_once("/v") {
        Some((path, version)) if version.bytes().all(|b| b.is_ascii_digit()) => path,
        _ => path,
    }
}

/// What the lines before say of the next.
#[derive(Default)]
struct Section {
    heading: String,
    /// Inside a list of dependencies, or a block of `require`.
    listed: bool,
    /// Nested blocks for tests and developers.
    apart: usize,
}

impl Section {
    /// Where a line names libraries.
    fn names(&mut self, ecosystem: &str, file: &str, line: &str, rest: &str) -> Vec<Range<usize>> {
        let trimmed = line.trim();
        let one = |range: Option<Range<usize>>| range.into_iter().collect();
        if trimmed.is_empty() || trimmed.starts_with("//") || trimmed.starts_with('#') {
            return Vec::new();
        }
        match (ecosystem, file) {
            ("jvm", "libs.versions.toml") => quoted(line).filter_map(|r| artifact(line, r)).collect(),
            ("cargo", _) | ("python", "pyproject.toml" | "pipfile") => self.toml(line, trimmed),
            ("python", _) => one(head(line, 0)),
            ("go", _) => one(self.module(line, trimmed)),
            ("ruby", _) => one(self.gem(line, trimmed)),
            ("jvm", "pom.xml") => {
                let range = between(line, "<artifactId>", '<');
                one(range.filter(|_| !is_of_tests(rest)))
            }
            ("jvm", _) => {
                let used = ["implementation", "api", "runtimeOnly", "compile", "id"];
                let uses =
                    used.iter().any(|u| trimmed.strip_prefix(u).is_some_and(|r| r.starts_with([' ', '('])));
                let names = quoted(line).filter(|_| uses);
                names.filter_map(|r| artifact(line, r)).collect()
            }
            ("nuget", _) => {
                let marks = [
                    "<PackageReference Include=\"",
                    "<PackageVersion Include=\"",
                    "Sdk=\"",
                    "<FrameworkReference Include=\"",
                ];
                one(marks.iter().find_map(|mark| between(line, mark, '"')))
            }
            ("helm", _) => {
                if !line.starts_with([' ', '-']) {
                    self.listed = trimmed.starts_with("dependencies:");
                }
                let name = line.find("name:").filter(|_| self.listed && line.starts_with([' ', '-']));
                one(name.and_then(|at| head(line, at + "name:".len())))
            }
            _ => Vec::new(),
        }
    }

    /// Keys of tables of dependencies, and strings of lists of them.
    fn toml(&mut self, line: &str, trimmed: &str) -> Vec<Range<usize>> {
        if trimmed.starts_with('[') && trimmed.ends_with(']') && !self.listed {
            self.heading = trimmed.trim_matches(['[', ']']).to_ascii_lowercase();
            let parts: Vec<&str> = self.heading.split('.').collect();
            // `[dependencies.axum]`
            let own = parts.len() > 1 && parts[parts.len() - 2] == "dependencies";
            if own && !self.heading.starts_with("tool") {
                let at = line.rfind('.').map_or(0, |i| i + 1);
                return head(line, at).into_iter().collect();
            }
            return Vec::new();
        }
        let table = self.heading.ends_with("dependencies")
            && !["dev", "build"].iter().any(|w| self.heading.contains(w))
            && self.heading != "project.optional-dependencies"
            || self.heading == "packages";
        if table {
            let key = line.find('=').map_or("", |at| line[..at].trim());
            return if key.is_empty() { Vec::new() } else { head(line, 0).into_iter().collect() };
        }
        if self.heading == "project" && trimmed.starts_with("dependencies") {
            self.listed = true;
        }
        if !self.listed {
            return Vec::new();
        }
        let names = quoted(line).filter_map(|r| head(&line[..r.end], r.start)).collect();
        self.listed = !trimmed.ends_with(']');
        names
    }

    fn module(&mut self, line: &str, trimmed: &str) -> Option<Range<usize>> {
        if trimmed == ")" {
            self.listed = false;
            return None;
        }
        if trimmed.starts_with("require") && trimmed.ends_with('(') {
            self.listed = true;
            return None;
        }
        let from = match (self.listed, trimmed.strip_prefix("require ")) {
            (_, Some(rest)) => line.len() - line.trim_start().len() + trimmed.len() - rest.len(),
            (true, None) => line.len() - line.trim_start().len(),
            _ => return None,
        };
        // What only others use says nothing of this program.
        if line.contains("// indirect") {
            return None;
        }
        let length = line[from..].find(char::is_whitespace)?;
        Some(from..from + length)
    }

    fn gem(&mut self, line: &str, trimmed: &str) -> Option<Range<usize>> {
        let tests = trimmed.starts_with("group") && trimmed.ends_with("do");
        if self.apart > 0 {
            match trimmed {
                "end" => self.apart -= 1,
                _ if trimmed.ends_with(" do") => self.apart += 1,
                _ => {}
            }
            return None;
        }
        if tests && !trimmed.contains(":production") {
            self.apart = 1;
            return None;
        }
        let called = trimmed.strip_prefix("gem").is_some_and(|rest| rest.starts_with([' ', '(']));
        let alone = ["group: :test", "group: :development", "group: %i", "group: [:"];
        let names = quoted(line).next();
        names.filter(|_| called && !alone.iter().any(|g| trimmed.contains(g)))
    }
}

/// The name that begins at or after `from`: `flask` of `Flask[async]>=2`.
fn head(line: &str, from: usize) -> Option<Range<usize>> {
    let rest = line.get(from..)?;
    let skipped = rest.len() - rest.trim_start_matches([' ', '\t', '"', '\'']).len();
    let start = from + skipped;
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let length = line[start..].find(|c| !part(c)).unwrap_or(line.len() - start);
    (length > 0).then_some(start..start + length)
}

/// Texts in quotes, without them.
fn quoted(line: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        let open = from + line.get(from..)?.find(['"', '\''])?;
        let mark = &line[open..open + 1];
        let close = open + 1 + line[open + 1..].find(mark)?;
        from = close + 1;
        Some(open + 1..close)
    })
}

/// `artifact` of `group:artifact:version`; a text without colons stands for itself.
fn artifact(line: &str, range: Range<usize>) -> Option<Range<usize>> {
    let text = &line[range.clone()];
    let Some((group, rest)) = text.split_once(':') else { return Some(range) };
    let from = range.start + group.len() + 1;
    let length = rest.find([':', '@']).unwrap_or(rest.len());
    (length > 0).then_some(from..from + length)
}

fn between(line: &str, open: &str, close: char) -> Option<Range<usize>> {
    let from = line.find(open)? + open.len();
    let length = line[from..].find(close)?;
    Some(from..from + length)
}

/// Whether what follows an artifact says that only tests use it.
fn is_of_tests(rest: &str) -> bool {
    let block = rest.get(..rest.floor_char_boundary(600)).unwrap_or(rest);
    let end = block.find("</dependency>").unwrap_or(0);
    block[..end].contains("<scope>test</scope>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::{manifest, npm, samples};

    fn read(path: &str, text: &str) -> Vec<(String, &'static str)> {
        let parse = if path.ends_with("package.json") { npm::parse } else { manifest::parse };
        let parsed = samples::read(parse, path, text);
        let row = |p: &Practice| {
            assert_eq!(&text[p.place.range()].trim_matches('"'), &p.name.as_str(), "{path}");
            (p.name.clone(), p.practice.name())
        };
        parsed.facts.practices.iter().map(row).collect()
    }

    #[test]
    fn manifests_name_what_a_program_answers_and_watches_itself_with() {
        for (path, text, name, practice) in [
            ("package.json", r#"{"dependencies": {"koa": "2"}}"#, "koa", "web"),
            ("Cargo.toml", "[dependencies]\naxum = \"0.8\"\n", "axum", "web"),
            (
                "Cargo.toml",
                "[workspace.dependencies]\nsentry = { version = \"1\" }\n",
                "sentry",
                "error-tracker",
            ),
            ("Cargo.toml", "[dependencies.axum]\nversion = \"1\"\n", "axum", "web"),
            (
                "go.mod",
                "module x\nrequire (\n\tgithub.com/labstack/echo/v4 v4.1.0\n)\n",
                "github.com/labstack/echo/v4",
                "web",
            ),
            ("requirements.txt", "# a\nFlask[async]>=2\n", "Flask", "web"),
            ("requirements/base.in", "structlog\n", "structlog", "structured-logs"),
            (
                "pyproject.toml",
                "[project]\nname = 'x'\ndependencies = [\n  \"fastapi>=0.1\",\n]\n",
                "fastapi",
                "web",
            ),
            ("pyproject.toml", "[tool.poetry.dependencies]\ndjango = \"^5\"\n", "django", "web"),
            ("Pipfile", "[packages]\nflask = '*'\n", "flask", "web"),
            ("Gemfile", "gem 'sinatra', '~> 4'\n", "sinatra", "web"),
            (
                "pom.xml",
                "<dependency>\n<artifactId>spring-webmvc</artifactId>\n</dependency>\n",
                "spring-webmvc",
                "web",
            ),
            ("build.gradle.kts", "implementation(\"io.javalin:javalin:6.1\")\n", "javalin", "web"),
            ("gradle/libs.versions.toml", "j = { module = \"io.javalin:javalin\" }\n", "javalin", "web"),
            ("App.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n", "Microsoft.NET.Sdk.Web", "web"),
            ("composer.json", r#"{"require": {"slim/slim": "4"}}"#, "slim/slim", "web"),
            ("Chart.yaml", "name: x\ndependencies:\n  - name: alertmanager\n", "alertmanager", "alerting"),
        ] {
            assert!(
                read(path, text).contains(&(name.to_owned(), practice)),
                "{path}: {:?}",
                read(path, text)
            );
        }
    }

    #[test]
    fn what_tests_and_others_use_says_nothing() {
        for (path, text) in [
            (
                "package.json",
                r#"{"name": "express", "keywords": ["express"], "devDependencies": {"express": "4"}}"#,
            ),
            ("Cargo.toml", "[dev-dependencies]\naxum = \"0.8\"\n"),
            ("go.mod", "require github.com/gin-gonic/gin v1.9.1 // indirect\n"),
            ("requirements-dev.txt", "flask\n"),
            ("pyproject.toml", "[project]\nkeywords = [\"flask\"]\n[dependency-groups]\ndev = [\"flask\"]\n"),
            ("Gemfile", "group :test do\n  gem 'sinatra'\nend\n"),
            (
                "pom.xml",
                "<dependency>\n<artifactId>spring-webmvc</artifactId>\n<scope>test</scope>\n</dependency>\n",
            ),
            ("build.gradle", "testImplementation 'io.javalin:javalin:6.1'\n"),
            ("Chart.yaml", "name: grafana\n"),
        ] {
            assert_eq!(read(path, text), [], "{path}: {text}");
        }
    }

    #[test]
    fn every_word_of_the_table_is_a_practice() {
        for word in Libraries::builtin().practices() {
            assert!(PracticeKind::from_name(word).is_some(), "{word}");
        }
        for path in
            ["requirements/a.txt", "libs.versions.toml", "Directory.Packages.props", "go.mod", "Gemfile"]
        {
            samples::endure(manifest::parse, path);
        }
    }
}
