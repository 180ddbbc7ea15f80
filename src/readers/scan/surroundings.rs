//! What a path says about the text in it: medium, test code, generated text, environment.

use crate::facts::{Basis, Medium, Target, Value, is_sample, is_vendored};
use crate::lexicon::{Environments, Stage, classify, mentions};
use crate::text::{FileId, Span};

/// What is known of a file before its text is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surroundings {
    pub(super) medium: Medium,
    /// Test code, fixtures, examples.
    pub(super) test: bool,
    /// Tests proper, where a skip mark means something.
    pub(super) test_file: bool,
    /// Text that a program wrote, or somebody else's: names there are not this team's.
    pub(super) generated: bool,
    /// Somebody else's text, or packed: what it holds was published with it.
    pub(super) foreign: bool,
    /// Texts for people in several languages.
    pub(super) translations: bool,
    pub(super) compose: bool,
    /// The file name's extension, in lower case.
    pub(super) extension: String,
}

const SOURCE: &[&str] = &[
    "astro", "c", "cc", "clj", "cljs", "cpp", "cs", "cshtml", "cxx", "dart", "ejs", "elm", "erb", "erl",
    "ex", "exs", "fs", "go", "gradle", "groovy", "h", "hpp", "hs", "java", "jl", "js", "jsp", "jsx", "kt",
    "kts", "lua", "m", "mjs", "cjs", "mm", "ml", "php", "phtml", "pl", "pm", "py", "pyi", "pyw", "r", "rb",
    "rs", "scala", "sol", "sql", "svelte", "swift", "ts", "mts", "cts", "tsx", "vb", "vue", "zig", "html",
    "htm", "ipynb",
];
const CONFIG: &[&str] = &[
    "yaml",
    "yml",
    "json",
    "json5",
    "jsonc",
    "toml",
    "ini",
    "properties",
    "xml",
    "conf",
    "cnf",
    "cfg",
    "config",
    "tfvars",
    "tf",
    "hcl",
    "plist",
    "netrc",
    "npmrc",
    "pypirc",
    "pgpass",
    "tfstate",
    "kubeconfig",
    "service",
    "settings",
    "credentials",
    "nomad",
    "bicep",
    "ovpn",
    "reg",
];
const SCRIPT: &[&str] =
    &["sh", "bash", "zsh", "fish", "ksh", "ps1", "psm1", "psd1", "bat", "cmd", "mk", "mak", "just"];
const DOCUMENT: &[&str] =
    &["md", "mdc", "mdx", "markdown", "rst", "txt", "adoc", "asciidoc", "org", "tex", "log"];
const TRANSLATIONS: &[&str] = &[
    "i18n",
    "l10n",
    "lang",
    "langs",
    "locale",
    "locales",
    "translation",
    "translations",
    "lproj",
    "trans",
    "intl",
    "internationalization",
    "internationalisation",
    "localization",
    "localisation",
];
const LOCKS: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "go.sum",
    "composer.lock",
    "packages.lock.json",
    "bun.lock",
    "deno.lock",
    ".terraform.lock.hcl",
    "gradle.lockfile",
    "podfile.lock",
    "flake.lock",
    "manifest.toml",
    "checksums.txt",
];

/// Whether a name is that of a file from which people make their own: `config.yml.dist`, `settings.example.toml`.
fn is_shown(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    matches!(last, "example" | "sample" | "dist" | "template" | "tmpl" | "tpl" | "default" | "defaults")
        || matches!(before, "example" | "sample")
        || before == "default" && !SOURCE.contains(&last)
}

/// Files that tell scanners for secrets what to let pass.
const ALLOWED: &[&str] = &[
    ".gitleaks.toml",
    "gitleaks.toml",
    ".gitleaksignore",
    ".secrets.baseline",
    ".gitguardian.yaml",
    ".gitguardian.yml",
];

/// Words of names of env files that tests are run with: `.env.unit-tests`.
const TESTED: &[&str] = &["test", "tests", "testing", "e2e", "ci", "cypress", "playwright", "fuzz"];

impl Surroundings {
    pub(super) fn new(path: &str) -> Surroundings {
        let lower = path.to_ascii_lowercase();
        let mut folders: Vec<&str> = lower.split('/').collect();
        let name = folders.pop().unwrap_or("");
        let extension = name.rsplit_once('.').map_or("", |(_, e)| e).to_owned();
        let in_any = |list: &[&str]| folders.iter().any(|f| list.contains(f));
        let stem = name.strip_suffix(&extension).map_or(name, |s| s.trim_end_matches('.'));
        let medium = medium(&lower, &folders, name, &extension);
        let told =
            ["_test", ".test", "-test", "_spec", ".spec", "-spec", ".cy", ".e2e", ".story", ".stories"];
        let tested = told.iter().any(|end| stem.ends_with(end))
            || ALLOWED.contains(&name)
            || medium != Medium::EnvExample && is_shown(name)
            || medium == Medium::EnvFile && name.split(['.', '-', '_']).any(|w| TESTED.contains(&w))
            || stem.starts_with("test_")
            || stem == "conftest"
            || is_java_test(path);
        let program = SOURCE.contains(&extension.as_str());
        let snapshot = matches!(extension.as_str(), "snap" | "approved");
        let minified =
            [".min.js", ".min.css", ".bundle.js", ".map", "-min.js"].iter().any(|e| name.ends_with(e))
                || name.ends_with(".svg")
                || name.ends_with(".pb.go")
                || name.contains(".generated.")
                || snapshot;
        Surroundings {
            medium,
            test: tested || is_sample(path) || snapshot,
            test_file: program
                && (tested
                    || folders
                        .iter()
                        .any(|f| matches!(*f, "test" | "tests" | "spec" | "specs" | "__tests__" | "e2e"))),
            foreign: minified || is_vendored(&lower),
            generated: minified || is_vendored(&lower) || extension == "lock" || LOCKS.contains(&name),
            translations: in_any(TRANSLATIONS)
                || matches!(extension.as_str(), "po" | "pot" | "xlf" | "resx" | "strings" | "arb" | "ftl")
                || stem.starts_with("messages")
                || stem == "strings"
                || stem.starts_with("locale")
                || (extension == "properties" && names_a_language(stem)),
            compose: name.contains("compose") && matches!(extension.as_str(), "yml" | "yaml"),
            extension,
        }
    }
}

/// Languages by their codes of two letters (ISO 639-1) that programs are translated into; without `id`, which names
/// something else more often.
const LANGUAGES: &[&str] = &[
    "af", "ar", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu",
    "fa", "fi", "fr", "ga", "gl", "he", "hi", "hr", "hu", "hy", "is", "it", "iw", "ja", "ka", "kk", "km",
    "kn", "ko", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "nb", "ne", "nl", "nn", "no", "pl", "pt", "ro",
    "ru", "sk", "sl", "sq", "sr", "sv", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zh",
];

/// `login_de`, `config_pt_br`: the texts of one language, as Java names its bundles of resources.
fn names_a_language(stem: &str) -> bool {
    let mut parts = stem.rsplit('_');
    let last = parts.next().unwrap_or("");
    let before = parts.next();
    let is_language = |part: &str| LANGUAGES.contains(&part);
    before.is_some_and(|before| {
        is_language(last) || (is_language(before) && parts.next().is_some() && matches!(last.len(), 2..=4))
    })
}

/// `UserServiceTest.java`, `LoginTests.cs`, `ClientIT.kt`: the capital tells a test from a word such as `latest`.
fn is_java_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    matches!(extension, "java" | "kt" | "cs" | "scala" | "groovy" | "swift" | "php")
        && ["Test", "Tests", "Spec", "IT", "TestCase"].iter().any(|end| stem.ends_with(end))
}

fn medium(path: &str, folders: &[&str], name: &str, extension: &str) -> Medium {
    // No file lies there: what history keeps is messages, which are prose.
    if folders.first() == Some(&".git") {
        return Medium::Document;
    }
    if name.starts_with("dockerfile") || name.starts_with("containerfile") || extension == "dockerfile" {
        return Medium::Image;
    }
    if name == ".env"
        || name.starts_with(".env.")
        || name == ".envrc"
        || name.starts_with(".envrc.")
        || name == ".flaskenv"
        || name.starts_with(".env-")
        || name.starts_with(".env_")
        || extension == "env"
        || folders.last() == Some(&"env")
            && !name.contains('.')
            && classify(name, &Environments::default()).is_some()
        || name.starts_with("env.") && extension.is_empty()
    {
        let example = ["example", "sample", "template", "dist", "tpl", "defaults", "schema"];
        return if example.iter().any(|e| name.split(['.', '-', '_']).any(|part| part == *e)) {
            Medium::EnvExample
        } else {
            Medium::EnvFile
        };
    }
    if is_pipeline(path, folders, name, extension) {
        return Medium::Pipeline;
    }
    if matches!(name, "makefile" | "gnumakefile" | "justfile" | "procfile" | "rakefile" | "vagrantfile")
        || SCRIPT.contains(&extension)
    {
        return Medium::Script;
    }
    if DOCUMENT.contains(&extension) || matches!(name, "readme" | "changelog" | "license") {
        return Medium::Document;
    }
    if CONFIG.contains(&extension)
        || matches!(name, "credentials" | "config" | ".dockercfg" | "kubeconfig" | "my.cnf")
    {
        return Medium::Config;
    }
    if SOURCE.contains(&extension) { Medium::Source } else { Medium::Other }
}

fn is_pipeline(path: &str, folders: &[&str], name: &str, extension: &str) -> bool {
    let yaml = matches!(extension, "yml" | "yaml");
    if name.starts_with("jenkinsfile") || extension == "jenkinsfile" {
        return true;
    }
    if !yaml {
        return path == ".circleci/config.yml" || name == "cloudbuild.json";
    }
    let stem = name.trim_end_matches(extension).trim_end_matches('.');
    (folders.starts_with(&[".github"]) && (folders.get(1) == Some(&"workflows") || stem == "action"))
        || folders.contains(&".gitlab")
        || folders.contains(&".circleci")
        || folders.contains(&".buildkite")
        || folders.contains(&".woodpecker")
        || folders.contains(&".tekton")
        || stem.ends_with(".gitlab-ci")
        || [
            "azure-pipelines",
            "bitbucket-pipelines",
            "cloudbuild",
            "buildspec",
            ".travis",
            ".drone",
            "appveyor",
            ".appveyor",
            "codemagic",
            "bitrise",
            ".woodpecker",
            ".cirrus",
            "wercker",
            ".semaphore",
        ]
        .iter()
        .any(|own| stem.starts_with(own))
}

/// The environment that the path speaks of: the nearest part that names one wins.
pub(super) fn target(file: FileId, path: &str, environments: &Environments) -> Option<Target> {
    for part in path.rsplit('/') {
        let Some(stage) = classify(part, environments) else { continue };
        // A folder of tests is no environment.
        if stage == Stage::Ci {
            continue;
        }
        let written = mentions(part, environments);
        let name = written.0.first().and_then(|m| part.get(m.range.clone())).unwrap_or(part);
        return Some(Target {
            stage: Value::Known(stage),
            name: Value::Known(name.to_owned()),
            basis: Basis::Name,
            place: Span::start_of(file),
        });
    }
    None
}

/// Whether `line` begins with a comment opener, in any of the usual languages.
pub(super) fn is_comment(line: &str, extension: &str) -> bool {
    let line = line.trim_start();
    let directive =
        matches!(extension, "rs" | "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "m" | "mm" | "swift");
    if let Some(rest) = line.strip_prefix('#') {
        return !directive && !rest.starts_with('!');
    }
    if let Some(rest) = line.strip_prefix("--") {
        return !rest.starts_with('-') && (rest.is_empty() || rest.starts_with([' ', '\t', '[']));
    }
    if let Some(rest) = line.strip_prefix('*') {
        return rest.is_empty() || rest.starts_with([' ', '\t', '/', '*']);
    }
    if let Some(rest) = line.strip_prefix('%') {
        return rest.is_empty() || rest.starts_with([' ', '\t', '%']);
    }
    ["//", "/*", "<!--", "{{/*", "{{- /*", "{#", ";", "REM ", "rem "]
        .iter()
        .any(|opener| line.starts_with(opener))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_medium() {
        for (path, medium, test) in [
            ("Dockerfile", Medium::Image, false),
            ("api/Dockerfile.prod", Medium::Image, false),
            (".env", Medium::EnvFile, false),
            ("app/.env.production", Medium::EnvFile, false),
            ("config/prod.env", Medium::EnvFile, false),
            (".env.example", Medium::EnvExample, false),
            (".env.local.sample", Medium::EnvExample, false),
            (".github/workflows/ci.yml", Medium::Pipeline, false),
            (".gitlab-ci.yml", Medium::Pipeline, false),
            ("Jenkinsfile", Medium::Pipeline, false),
            ("cloudbuild.yaml", Medium::Pipeline, false),
            ("config/app.yaml", Medium::Config, false),
            ("deploy.sh", Medium::Script, false),
            ("Makefile", Medium::Script, false),
            ("docs/runbook.md", Medium::Document, false),
            ("src/main.rs", Medium::Source, false),
            ("src/latest.java", Medium::Source, false),
            ("src/UserTest.java", Medium::Source, true),
            ("tests/test_api.py", Medium::Source, true),
            ("web/login.spec.ts", Medium::Source, true),
            ("testdata/a.yaml", Medium::Config, true),
            ("bin/tool", Medium::Other, false),
        ] {
            let s = Surroundings::new(path);
            assert_eq!((s.medium, s.test), (medium, test), "{path}");
        }
    }

    #[test]
    fn the_nearest_part_of_the_path_names_the_environment() {
        let stage = |path: &str| {
            target(FileId(0), path, &Environments::default()).and_then(|t| t.stage.known().copied())
        };
        assert_eq!(stage("deploy/prod/staging.yaml"), Some(Stage::Staging));
        assert_eq!(stage("deploy/prod/values.yaml"), Some(Stage::Production));
        assert_eq!(stage("tests/values.yaml"), None);
        assert_eq!(stage("src/product/values.yaml"), None);
    }
}
