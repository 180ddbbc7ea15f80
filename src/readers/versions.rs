//! Versions that files state of what lies beside them, read line by line: of a manifest only the one place counts
//! where its own ecosystem looks for the version.

use super::names::{folder, name, vendored};
use super::{Parsed, Text, coverage};
use crate::facts::release::{newest, newest_of, releases};
use crate::facts::{GitFacts, StatedVersion, VersionSource};
use crate::lexicon::versions::Version;
use crate::text::Span;

/// Larger files state their version somewhere else.
const LARGEST: usize = 1 << 20;

/// How a kind of file states its version.
#[derive(Clone, Copy)]
enum Style {
    /// Nothing else stands in it.
    Whole,
    /// `version = "1.2.3"` in one of these tables.
    Table(&'static [&'static str]),
    /// A key of the outermost object.
    Json,
    /// A key of the outermost mapping.
    Yaml(&'static [(&'static str, VersionSource)]),
    /// An element at this depth, in one of these elements.
    Xml(usize, &'static [&'static str]),
    /// One of these words at the start of a line, then `=`, `:` or a blank, then the version, quoted.
    Line(&'static [&'static str]),
    /// An argument of `setup(…)`.
    Call,
}

const CHART: &[(&str, VersionSource)] =
    &[("version", VersionSource::Chart), ("appVersion", VersionSource::App)];
const PLAIN: &[(&str, VersionSource)] = &[("version", VersionSource::Manifest)];

/// Manifests that other readers claim, and whether their tools accept nothing but SemVer.
fn of_manifest(path: &str) -> Option<(Style, bool)> {
    let name = name(path);
    Some(match name {
        // <https://doc.rust-lang.org/cargo/reference/manifest.html#the-version-field>
        "Cargo.toml" => (Style::Table(&["package", "workspace.package"]), true),
        // <https://packaging.python.org/en/latest/specifications/pyproject-toml/#version>
        "pyproject.toml" => (Style::Table(&["project", "tool.poetry"]), false),
        // <https://docs.npmjs.com/cli/configuring-npm/package-json#version>
        "package.json" => (Style::Json, true),
        "composer.json" => (Style::Json, false),
        // <https://helm.sh/docs/topics/charts/#charts-and-versioning>
        "Chart.yaml" => (Style::Yaml(CHART), true),
        // <https://maven.apache.org/pom.html#maven-coordinates>
        "pom.xml" => (Style::Xml(1, &["version"]), false),
        "build.gradle" | "build.gradle.kts" => (Style::Line(&["version"]), false),
        _ if [".csproj", ".fsproj"].iter().any(|e| name.ends_with(e)) => {
            (Style::Xml(2, &["Version", "VersionPrefix"]), true)
        }
        _ => return None,
    })
}

/// Files that are read for their version alone.
fn of_its_own(path: &str) -> Option<(Style, bool)> {
    let name = name(path);
    Some(match name {
        "VERSION" | "VERSION.txt" | "version.txt" | ".version" | "VERSION.TXT" => (Style::Whole, false),
        // <https://learn.microsoft.com/en-us/nuget/concepts/package-versioning>
        "Directory.Build.props" | "version.props" => (Style::Xml(2, &["Version", "VersionPrefix"]), true),
        "setup.cfg" => (Style::Table(&["metadata"]), false),
        "setup.py" => (Style::Call, false),
        "gradle.properties" => (Style::Line(&["version"]), false),
        // <https://hexdocs.pm/elixir/Version.html>
        "mix.exs" => (Style::Line(&["@version", "version:"]), true),
        // <https://dart.dev/tools/pub/pubspec#version>
        "pubspec.yaml" => (Style::Yaml(PLAIN), true),
        // <https://docs.ansible.com/ansible/latest/dev_guide/collections_galaxy_meta.html>
        "galaxy.yml" => (Style::Yaml(PLAIN), true),
        "lerna.json" => (Style::Json, true),
        "version.py" | "_version.py" | "__version__.py" | "__about__.py" => {
            (Style::Line(&["__version__", "version", "VERSION"]), false)
        }
        _ if name.ends_with(".gemspec") => {
            (Style::Line(&["s.version", "spec.version", "gem.version"]), false)
        }
        _ => return None,
    })
}

pub(super) fn claims(path: &str, _: bool) -> bool {
    of_its_own(path).is_some() && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    parsed.facts.stated_versions = stated(text);
    parsed.facts.coverage_floors = coverage::floors(text);
    parsed
}

/// The versions that a file states; none that a variable or a tool fills in.
pub(super) fn stated(text: &Text<'_>) -> Vec<StatedVersion> {
    let Some((style, semver_only)) = of_manifest(text.path).or_else(|| of_its_own(text.path)) else {
        return Vec::new();
    };
    if text.text.len() > LARGEST {
        return Vec::new();
    }
    let found: Vec<(VersionSource, &str, usize)> = match style {
        Style::Whole => {
            whole(text.text).map(|(v, at)| (VersionSource::VersionFile, v, at)).into_iter().collect()
        }
        Style::Yaml(keys) => keys
            .iter()
            .filter_map(|(key, source)| yaml(text.text, key).map(|(v, at)| (*source, v, at)))
            .collect(),
        Style::Table(tables) => manifest(table(text.text, tables)),
        Style::Json => manifest(json(text.text)),
        Style::Xml(depth, names) => manifest(xml(text.text, depth, names)),
        Style::Line(words) => manifest(line(text.text, words)),
        Style::Call => manifest(call(text.text)),
    };
    let is_version = |v: &str| Version::parse(v).is_some() && v.len() <= 64;
    let found = found.into_iter().filter(|(_, version, _)| is_version(version));
    found
        .map(|(source, version, at)| StatedVersion {
            place: Span::new(text.file, at..at + version.len()),
            version: version.to_owned(),
            source,
            folder: folder(text.path).to_owned(),
            semver_only,
            then: None,
        })
        .collect()
}

/// Looks up what files that lag behind the newest release stated when it was tagged: whether it was forgotten then.
pub(super) fn look_back(git: &GitFacts, path: &dyn Fn(Span) -> String, stated_now: &mut [StatedVersion]) {
    let all = releases(&git.tags);
    let environments = Default::default();
    for now in stated_now.iter_mut().filter(|v| v.source != VersionSource::Chart) {
        let release = match now.folder.rsplit('/').next() {
            Some("") | None => newest(&all),
            Some(_) if now.source == VersionSource::App => newest(&all),
            Some(folder) => newest_of(&all, folder),
        };
        let (Some(release), Some(version)) = (release, Version::parse(&now.version)) else { continue };
        let Some(commit) = release.tag.commit.as_deref().filter(|_| version < release.name.version) else {
            continue;
        };
        let path = path(now.place);
        let Some(Some(text)) = git.answers.text_at(commit, &path) else { continue };
        let file = now.place.file;
        let then =
            stated(&Text { file, path: &path, text: &text, executable: false, environments: &environments });
        now.then = then.into_iter().find(|v| v.source == now.source).map(|v| v.version);
    }
}

fn manifest(found: Option<(&str, usize)>) -> Vec<(VersionSource, &str, usize)> {
    found.map(|(version, at)| (VersionSource::Manifest, version, at)).into_iter().collect()
}

/// Lines with the byte at which each begins.
fn lines(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (line.trim_end(), start)
    })
}

fn whole(text: &str) -> Option<(&str, usize)> {
    let mut words = text.split_whitespace();
    let word = words.next().filter(|_| words.next().is_none())?;
    let word = word.trim_start_matches('\u{feff}');
    Some((word, text.find(word)?))
}

/// The value behind a key: quoted, or up to a blank.
fn value(line: &str, start: usize) -> Option<(&str, usize)> {
    let rest = line.get(start..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '=', ':', '(']).len();
    let rest = &rest[blanks..];
    let from = start + blanks;
    let (text, at) = match rest.chars().next()? {
        quote @ ('"' | '\'') => (rest[1..].split(quote).next()?, from + 1),
        _ => (rest.split([' ', '\t', '#', ',']).next()?, from),
    };
    (!text.is_empty()).then_some((text, at))
}

fn table<'t>(text: &'t str, tables: &[&str]) -> Option<(&'t str, usize)> {
    let mut inside = false;
    for (line, start) in lines(text) {
        if let Some(header) = line.strip_prefix('[') {
            inside = header.split(']').next().is_some_and(|name| tables.contains(&name.trim()));
        } else if inside
            && let Some(rest) = line.strip_prefix("version")
            && rest.trim_start().starts_with('=')
        {
            return value(line, "version".len()).map(|(v, at)| (v, start + at));
        }
    }
    None
}

/// Objects are counted, not parsed: whoever reads the rest of the file says what is wrong with it.
fn json(text: &str) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    // The last text at depth 1, and whether a colon followed it.
    let mut key: Option<&str> = None;
    let mut is_value = false;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => is_value = true,
            b',' if depth == 1 => is_value = false,
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let inner = text.get(start..at.min(text.len()))?;
                if depth == 1 && is_value && key == Some("version") {
                    return Some((inner, start));
                }
                if depth == 1 && !is_value {
                    key = Some(inner);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn yaml<'t>(text: &'t str, key: &str) -> Option<(&'t str, usize)> {
    let mut of_key = lines(text).filter_map(|(line, start)| {
        let rest = line.strip_prefix(key)?;
        rest.starts_with(':').then_some((line, start))
    });
    let (line, start) = of_key.next()?;
    value(line, key.len()).map(|(v, at)| (v, start + at))
}

fn xml<'t>(text: &'t str, depth: usize, names: &[&str]) -> Option<(&'t str, usize)> {
    let (mut open, mut at) = (0usize, 0);
    while let Some(next) = text[at..].find('<') {
        let start = at + next;
        let rest = &text[start..];
        let skip = |end: &str| rest.find(end).map_or(rest.len(), |i| i + end.len());
        if rest.starts_with("<!--") {
            at = start + skip("-->");
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            at = start + skip(">");
        } else {
            let end = start + skip(">");
            let tag = &text[start..end];
            if tag.starts_with("</") {
                open = open.saturating_sub(1);
            } else if !tag.ends_with("/>") {
                let name = tag.trim_matches(['<', '>']).split_whitespace().next().unwrap_or("");
                if open == depth && names.contains(&name) {
                    let inner = text[end..].split('<').next().unwrap_or("");
                    let blanks = inner.len() - inner.trim_start().len();
                    return Some((inner.trim(), end + blanks));
                }
                open += 1;
            }
            at = end;
        }
    }
    None
}

fn call(text: &str) -> Option<(&str, usize)> {
    let starts = text.match_indices("setup(").map(|(at, _)| at);
    // Not `def setup(`, nor `my_setup(`.
    let own = |at: &usize| {
        let before = &text[..*at];
        before.is_empty() || before.ends_with(['\n', '.', '\t']) || before.ends_with("    ")
    };
    let at = starts.filter(own).last()?;
    line(&text[at..], &["version"]).map(|(version, from)| (version, at + from))
}

fn line<'t>(text: &'t str, words: &[&str]) -> Option<(&'t str, usize)> {
    lines(text).find_map(|(line, start)| {
        let indent = line.len() - line.trim_start().len();
        words.iter().find_map(|word| {
            // Arguments may stand on one line: `setup(name="x", version="1.2.3")`.
            let inside = || {
                let found = line.match_indices(word).map(|(at, _)| at);
                let mut found = found.filter(|&at| {
                    line[..at].ends_with(['(', ' ']) && line[at + word.len()..].starts_with('=')
                });
                found.find(|&at| line[..at].contains('('))
            };
            let at = if line[indent..].starts_with(word) { indent } else { inside()? };
            let rest = &line[at + word.len()..];
            let assigned = rest.trim_start().starts_with(['=', ':', '"', '\'']) || word.ends_with(':');
            // A comparison, or another name that begins alike.
            let (found, at) =
                value(line, at + word.len()).filter(|_| assigned && !rest.trim_start().starts_with("=="))?;
            Version::parse(found).map(|_| (found, start + at))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;
    use crate::text::FileId;

    fn all(path: &str, text: &str) -> Vec<(String, VersionSource)> {
        let environments = Default::default();
        let text_of = Text { file: FileId(0), path, text, executable: false, environments: &environments };
        let found = stated(&text_of);
        for version in &found {
            assert_eq!(&text[version.place.range()], version.version, "{path}");
        }
        found.into_iter().map(|v| (v.version, v.source)).collect()
    }

    #[test]
    fn a_manifest_states_the_version_of_what_it_describes_and_no_other() {
        use VersionSource::{App, Chart, Manifest, VersionFile};
        for (path, text, expected) in [
            ("VERSION", "1.4.2\n", vec![("1.4.2", VersionFile)]),
            ("VERSION", "\u{feff}v01.23012026.1430", vec![("v01.23012026.1430", VersionFile)]),
            ("VERSION", "1.4.2 and more", vec![]),
            (
                "Cargo.toml",
                "[dependencies]\nversion = \"9.9.9\"\n[package]\nversion = \"1.2.3\"",
                vec![("1.2.3", Manifest)],
            ),
            ("Cargo.toml", "[package]\nversion.workspace = true\n", vec![]),
            (
                "pyproject.toml",
                "[tool.poetry]\nname='x'\nversion = '4.14.0rc1'",
                vec![("4.14.0rc1", Manifest)],
            ),
            (
                "package.json",
                r#"{"a":{"version":"9.9.9"},"version" : "1.2.3","b":["version"]}"#,
                vec![("1.2.3", Manifest)],
            ),
            ("package.json", r#"{"x":"version","y":"9.9.9"}"#, vec![]),
            (
                "Chart.yaml",
                "version: 0.3.0\nappVersion: \"1.2.3\"\ndependencies:\n- version: 9.9.9",
                vec![("0.3.0", Chart), ("1.2.3", App)],
            ),
            (
                "pom.xml",
                "<?xml version='1.0'?><project>\n<!-- <version>8.8.8</version> --><parent><version>9.9.9</version></parent><version>1.2.3</version></project>",
                vec![("1.2.3", Manifest)],
            ),
            ("pom.xml", "<project><parent><version>9.9.9</version></parent></project>", vec![]),
            ("pom.xml", "<project><version>${revision}</version></project>", vec![]),
            (
                "App.csproj",
                "<Project><PropertyGroup><Version>1.2.3</Version></PropertyGroup></Project>",
                vec![("1.2.3", Manifest)],
            ),
            ("build.gradle", "group 'x'\nversion '1.2.3'\n", vec![("1.2.3", Manifest)]),
            ("build.gradle.kts", "  version = \"1.2.3\"", vec![("1.2.3", Manifest)]),
            ("setup.py", "setup(\n    name='x',\n    version='1.2.3',\n)", vec![("1.2.3", Manifest)]),
            ("setup.py", "setup(name='x', python_version='9.9', version='1.2.3')", vec![("1.2.3", Manifest)]),
            ("build.gradle", "plugins { id 'x' version '9.9.9' }", vec![]),
            (
                "setup.py",
                "DEPS = [\n    Dep(\n        version='9.9.9',\n    )]\nsetup(\n    name='x',\n)",
                vec![],
            ),
            ("setup.cfg", "[metadata]\nversion = attr: x.__version__\n", vec![]),
            ("mix.exs", "  version: \"1.2.3\",", vec![("1.2.3", Manifest)]),
            ("x/version.py", "import os\n__version__ = '1.2.3'", vec![("1.2.3", Manifest)]),
            ("x.gemspec", "  s.version = '1.2.3'", vec![("1.2.3", Manifest)]),
            ("README.md", "version: 1.2.3", vec![]),
        ] {
            let expected: Vec<(String, VersionSource)> =
                expected.into_iter().map(|(v, s)| (v.to_owned(), s)).collect();
            assert_eq!(all(path, text), expected, "{path}: {text}");
        }
    }

    #[test]
    fn broken_files_are_harmless() {
        for path in
            ["VERSION", "setup.py", "Directory.Build.props", "lerna.json", "pubspec.yaml", "setup.cfg"]
        {
            assert!(claims(path, false), "{path}");
            samples::endure(parse, path);
        }
        assert!(!claims("node_modules/x/VERSION", false));
        for text in
            ["{\"version\"", "{\"version\":\"\\", "{\"é\\", "<version>1", "<", "<!--", "version = '1.2.3"]
        {
            for path in ["package.json", "pom.xml", "setup.py", "Cargo.toml"] {
                all(path, text);
            }
        }
    }
}
