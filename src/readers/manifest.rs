//! Package manifests and lock files. A lock file is noted and never parsed: it is large, and that it is
//! there is what matters.

use super::names::{folder, name, problems, vendored};
use super::{Parsed, Text, coverage, dependencies, versions};
use crate::facts::Manifest;
use crate::source::UnreadClass;
use crate::syntax::tree::Node;
use crate::syntax::{json, toml, yaml};
use crate::text::Span;

/// Larger manifests are noted like lock files.
const LARGEST: usize = 1 << 20;

/// Lock files by name, with their ecosystem.
const LOCKS: &[(&str, &str)] = &[
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
    ("yarn.lock", "npm"),
    ("pnpm-lock.yaml", "npm"),
    ("bun.lock", "npm"),
    ("Cargo.lock", "cargo"),
    ("go.sum", "go"),
    ("poetry.lock", "python"),
    ("uv.lock", "python"),
    ("pdm.lock", "python"),
    ("pylock.toml", "python"),
    ("Pipfile.lock", "python"),
    ("Gemfile.lock", "ruby"),
    ("gems.locked", "ruby"),
    ("composer.lock", "php"),
    ("gradle.lockfile", "gradle"),
    ("packages.lock.json", "nuget"),
    ("Chart.lock", "helm"),
    (".terraform.lock.hcl", "terraform"),
    ("pubspec.lock", "dart"),
    ("mix.lock", "elixir"),
];

/// What a manifest's content tells.
type Content = (Option<bool>, usize);

/// Reads a manifest's content; errors go into the problems.
type Look = fn(&Text<'_>, &mut Vec<(UnreadClass, String)>) -> Content;

/// Manifests by name, with their ecosystem.
const MANIFESTS: &[(&str, &str, Look)] = &[
    ("Cargo.toml", "cargo", cargo),
    ("go.mod", "go", go),
    ("pyproject.toml", "python", pyproject),
    ("Pipfile", "python", pipfile),
    ("Gemfile", "ruby", gemfile),
    ("composer.json", "php", composer),
    ("pom.xml", "maven", maven),
    ("build.gradle", "gradle", gradle),
    ("build.gradle.kts", "gradle", gradle),
    ("Chart.yaml", "helm", chart),
];

pub(super) fn claims(path: &str, _: bool) -> bool {
    (kind(path).is_some() || dependencies::is_list(path)) && !vendored(path)
}

fn kind(path: &str) -> Option<(&'static str, Option<Look>)> {
    let name = name(path);
    if let Some((_, ecosystem)) = LOCKS.iter().find(|(lock, _)| *lock == name) {
        return Some((ecosystem, None));
    }
    if let Some((_, ecosystem, look)) = MANIFESTS.iter().find(|(manifest, ..)| *manifest == name) {
        return Some((ecosystem, Some(*look)));
    }
    if name.ends_with(".csproj") || name.ends_with(".fsproj") {
        return Some(("nuget", Some(dotnet)));
    }
    let requirements = name.starts_with("requirements") && name.ends_with(".txt");
    requirements.then_some(("python", Some(requirement_lines as Look)))
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let Some((ecosystem, look)) = kind(text.path) else {
        let ecosystem = match name(text.path) {
            "libs.versions.toml" => "gradle",
            "Directory.Packages.props" => "nuget",
            _ => "python",
        };
        if text.text.len() <= LARGEST {
            parsed.facts.practices = dependencies::of_lines(text, ecosystem);
        }
        return parsed;
    };
    let (application, dependencies) = match look {
        Some(look) if text.text.len() <= LARGEST => {
            parsed.facts.practices = match ecosystem {
                "php" => dependencies::of_composer(text),
                _ => dependencies::of_lines(text, ecosystem),
            };
            look(text, &mut parsed.problems)
        }
        _ => (None, 0),
    };
    parsed.facts.manifests.push(Manifest {
        place: Span::start_of(text.file),
        ecosystem: ecosystem.into(),
        folder: folder(text.path).to_owned(),
        lock: look.is_none(),
        application,
        dependencies: u32::try_from(dependencies).unwrap_or(u32::MAX),
        files: Vec::new(),
    });
    parsed.facts.stated_versions = versions::stated(text);
    parsed.facts.coverage_floors = coverage::floors(text);
    parsed
}

/// Entries of mappings and items of sequences at these paths below `root`.
fn count(root: Node<'_>, paths: &[&[&str]]) -> usize {
    let found = paths.iter().filter_map(|path| root.at(path));
    found.map(|n| n.entries().len() + n.items().len()).sum()
}

fn is(root: Node<'_>, path: &[&str], value: bool) -> bool {
    root.at(path).and_then(|n| n.as_bool()) == Some(value)
}

fn lines<'t>(text: &'t Text<'_>) -> impl Iterator<Item = &'t str> {
    text.text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#') && !l.starts_with("//"))
}

/// <https://doc.rust-lang.org/cargo/reference/manifest.html>
fn cargo(text: &Text<'_>, into: &mut Vec<(UnreadClass, String)>) -> Content {
    let tree = toml::parse(text.file, text.text);
    into.extend(problems(&tree, "TOML"));
    let Some(root) = tree.root() else { return (None, 0) };
    let kept = is(root, &["package", "publish"], false);
    let application = if root.get("bin").is_some() || (kept && root.get("lib").is_none()) {
        Some(true)
    } else {
        root.get("lib").map(|_| false)
    };
    let tables: &[&[&str]] =
        &[&["dependencies"], &["dev-dependencies"], &["build-dependencies"], &["workspace", "dependencies"]];
    (application, count(root, tables))
}

/// <https://go.dev/ref/mod#go-mod-file>
fn go(text: &Text<'_>, _: &mut Vec<(UnreadClass, String)>) -> Content {
    let (mut inside, mut found) = (false, 0);
    for line in lines(text) {
        match line {
            ")" => inside = false,
            _ if inside => found += 1,
            _ if line.starts_with("require") && line.ends_with('(') => inside = true,
            _ if line.starts_with("require ") => found += 1,
            _ => {}
        }
    }
    (None, found)
}

/// <https://packaging.python.org/en/latest/specifications/pyproject-toml/>
fn pyproject(text: &Text<'_>, into: &mut Vec<(UnreadClass, String)>) -> Content {
    let tree = toml::parse(text.file, text.text);
    into.extend(problems(&tree, "TOML"));
    let Some(root) = tree.root() else { return (None, 0) };
    let unpackaged =
        is(root, &["tool", "poetry", "package-mode"], false) || is(root, &["tool", "uv", "package"], false);
    let tables: &[&[&str]] = &[
        &["project", "dependencies"],
        &["tool", "poetry", "dependencies"],
        &["tool", "poetry", "dev-dependencies"],
        &["dependency-groups", "dev"],
    ];
    (unpackaged.then_some(true), count(root, tables))
}

/// <https://pipenv.pypa.io/en/latest/pipfile.html>
fn pipfile(text: &Text<'_>, into: &mut Vec<(UnreadClass, String)>) -> Content {
    let tree = toml::parse(text.file, text.text);
    into.extend(problems(&tree, "TOML"));
    let found = tree.root().map_or(0, |root| count(root, &[&["packages"], &["dev-packages"]]));
    // Pipenv manages what is deployed, not what is published.
    (Some(true), found)
}

/// <https://pip.pypa.io/en/stable/reference/requirements-file-format/>
fn requirement_lines(text: &Text<'_>, _: &mut Vec<(UnreadClass, String)>) -> Content {
    (None, lines(text).filter(|l| !l.starts_with('-')).count())
}

/// <https://bundler.io/man/gemfile.5.html>
fn gemfile(text: &Text<'_>, _: &mut Vec<(UnreadClass, String)>) -> Content {
    let called = |line: &str, word: &str| {
        line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(']))
    };
    let library = lines(text).any(|l| called(l, "gemspec"));
    (Some(!library), lines(text).filter(|l| called(l, "gem")).count())
}

/// <https://getcomposer.org/doc/04-schema.md>
fn composer(text: &Text<'_>, into: &mut Vec<(UnreadClass, String)>) -> Content {
    let tree = json::parse(text.file, text.text);
    into.extend(problems(&tree, "JSON"));
    let Some(root) = tree.root() else { return (None, 0) };
    let application = match root.get("type").and_then(|t| t.as_str()) {
        Some("project") => Some(true),
        Some("library") => Some(false),
        _ => None,
    };
    (application, count(root, &[&["require"], &["require-dev"]]))
}

/// <https://maven.apache.org/pom.html>
fn maven(text: &Text<'_>, _: &mut Vec<(UnreadClass, String)>) -> Content {
    let war = ["<packaging>war</packaging>", "<packaging>ear</packaging>", "spring-boot-maven-plugin"];
    let application = war.iter().any(|mark| text.text.contains(mark)).then_some(true);
    (application, text.text.matches("<dependency>").count())
}

/// <https://docs.gradle.org/current/userguide/dependency_configurations.html>
fn gradle(text: &Text<'_>, _: &mut Vec<(UnreadClass, String)>) -> Content {
    const USED: &[&str] = &[
        "implementation",
        "api",
        "compileOnly",
        "runtimeOnly",
        "testImplementation",
        "kapt",
        "annotationProcessor",
    ];
    let plugin = |names: &[&str]| {
        let quoted =
            |line: &str, name: &str| ["'", "\""].iter().any(|q| line.contains(&format!("{q}{name}{q}")));
        let plugins =
            lines(text).filter(|l| l.starts_with("id") || l.starts_with("apply") || l.starts_with("plugins"));
        plugins.into_iter().any(|l| names.iter().any(|n| quoted(l, n)))
    };
    let application =
        if plugin(&["application", "org.springframework.boot", "com.android.application", "war"]) {
            Some(true)
        } else {
            plugin(&["java-library", "maven-publish", "com.android.library"]).then_some(false)
        };
    let uses =
        |line: &&str| USED.iter().any(|u| line.strip_prefix(u).is_some_and(|r| r.starts_with([' ', '('])));
    (application, lines(text).filter(uses).count())
}

/// <https://learn.microsoft.com/en-us/dotnet/core/project-sdk/msbuild-props>
fn dotnet(text: &Text<'_>, _: &mut Vec<(UnreadClass, String)>) -> Content {
    let any = |marks: &[&str]| marks.iter().any(|mark| text.text.contains(mark));
    let application = if any(&[
        "<OutputType>Exe<",
        "<OutputType>WinExe<",
        "Microsoft.NET.Sdk.Web\"",
        "Microsoft.NET.Sdk.Worker\"",
    ]) {
        Some(true)
    } else {
        any(&["<PackageId>", "<IsPackable>true<", "<GeneratePackageOnBuild>true<"]).then_some(false)
    };
    (application, text.text.matches("<PackageReference ").count())
}

/// <https://helm.sh/docs/topics/charts/#the-chartyaml-file>
fn chart(text: &Text<'_>, into: &mut Vec<(UnreadClass, String)>) -> Content {
    let tree = yaml::parse(text.file, text.text, yaml::Mask::Templates);
    into.extend(problems(&tree, "YAML"));
    let Some(root) = tree.root() else { return (None, 0) };
    let library = root.get("type").and_then(|t| t.as_str()) == Some("library");
    let dependencies = root.get("dependencies").into_iter().flat_map(|d| d.items());
    // An exact version fixes a chart without a lock file, and a folder needs none.
    let open = dependencies.filter(|d| {
        let text = |key: &str| d.get(key).and_then(|n| n.as_str()).unwrap_or("");
        !is_exact(text("version")) && !text("repository").starts_with("file:")
    });
    (Some(!library), open.count())
}

/// `1.4.2`, `v1.4.2-rc.1`; `1.4`, `~1.4.2` and `1.4.x` are ranges.
/// <https://github.com/Masterminds/semver#checking-version-constraints>
fn is_exact(version: &str) -> bool {
    let number = version.trim().trim_start_matches('v').split(['-', '+']).next().unwrap_or("");
    number.split('.').filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())).count() == 3
        && number.matches('.').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    #[test]
    fn a_manifest_tells_its_ecosystem_and_how_much_it_depends_on() {
        for (path, text, ecosystem, application, dependencies) in [
            ("Cargo.toml", "[[bin]]\nname='x'\n[dependencies]\na='1'\nb='2'", "cargo", Some(true), 2),
            ("Cargo.toml", "[lib]\nname='x'\n[dev-dependencies]\na='1'", "cargo", Some(false), 1),
            ("go.mod", "module x\nrequire (\n\ta v1\n\tb v2 // indirect\n)\nrequire c v1\n", "go", None, 3),
            ("pyproject.toml", "[project]\ndependencies=['a','b']", "python", None, 2),
            ("requirements-dev.txt", "# x\n-r base.txt\na==1\nb>=2\n", "python", None, 2),
            ("Pipfile", "[packages]\na='*'", "python", Some(true), 1),
            ("Gemfile", "source 'x'\ngem 'rails'\n  gem('pg')\ngemstone 1", "ruby", Some(true), 2),
            ("Gemfile", "gemspec\n", "ruby", Some(false), 0),
            ("composer.json", r#"{"type":"library","require":{"php":"8"}}"#, "php", Some(false), 1),
            ("pom.xml", "<packaging>war</packaging><dependency></dependency>", "maven", Some(true), 1),
            (
                "build.gradle.kts",
                "plugins {\n  id(\"java-library\")\n}\nimplementation(\"a\")",
                "gradle",
                Some(false),
                1,
            ),
            (
                "a/App.csproj",
                "<OutputType>Exe</OutputType><PackageReference Include='a'/>",
                "nuget",
                Some(true),
                1,
            ),
            ("chart/Chart.yaml", "type: application\ndependencies:\n- name: a\n", "helm", Some(true), 1),
            (
                "chart/Chart.yaml",
                "dependencies:\n- { name: a, version: 1.4.2 }\n- { name: b, version: ^1.4.2 }\n- { name: c, version: 1.x.x }\n- { name: d, repository: 'file://../d' }\n",
                "helm",
                Some(true),
                2,
            ),
        ] {
            assert!(claims(path, false), "{path}");
            let parsed = samples::read(parse, path, text);
            let manifest = &parsed.facts.manifests[0];
            let seen =
                (manifest.ecosystem.as_str(), manifest.lock, manifest.application, manifest.dependencies);
            assert_eq!(seen, (ecosystem, false, application, dependencies), "{path}: {text}");
        }
    }

    #[test]
    fn a_lock_file_is_noted_and_not_parsed() {
        for (name, ecosystem) in LOCKS {
            let parsed = samples::read(parse, &format!("a/{name}"), "{ broken");
            let lock = &parsed.facts.manifests[0];
            assert_eq!((lock.ecosystem.as_str(), lock.lock, lock.folder.as_str()), (*ecosystem, true, "a"));
            assert_eq!(parsed.problems, []);
        }
        assert!(!claims("node_modules/a/yarn.lock", false));
    }

    #[test]
    fn broken_manifests_are_listed_and_harmless() {
        assert_eq!(samples::read(parse, "composer.json", "{").problems.len(), 1);
        for (name, ..) in MANIFESTS {
            samples::endure(parse, name);
        }
    }
}
