//! What the rules on env files share: what a file's name says of its purpose, which frameworks want theirs
//! committed, which are examples.

use crate::facts::{File, Repository, Stage, path_stage};
use crate::text::contains_in_any_case;

/// What an env file's name says of its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// One developer's own values: `.env.local`, `.env.production.local`.
    Own,
    /// `.env`: one developer's, or in some frameworks everybody's defaults.
    Plain,
    /// What its tool means to be committed: `.flaskenv`, `.envrc`.
    Shared(&'static str),
    /// The values of one environment or service: `.env.production`, `staging.env`, `env/production`, `docker.env`.
    Named,
}

/// Words of names that are examples, files for tests, encrypted stores, or no env files at all.
const OTHERS: &[&str] = &[
    "example",
    "examples",
    "sample",
    "template",
    "tmpl",
    "tpl",
    "dist",
    "default",
    "defaults",
    "schema",
    "vault",
    "encrypted",
    "enc",
    "test",
    "tests",
    "testing",
    "ci",
    "d",
    "ts",
    "js",
    "py",
    "j2",
    "erb",
    "md",
    "sops",
    "age",
    "gpg",
];

/// The purpose of an env file that is neither an example nor one for tests.
pub(super) fn purpose(file: &File, repository: &Repository) -> Option<Purpose> {
    // What has a dot and no `env` in its name has another purpose, as nearly every file.
    if file.name().contains('.') && !contains_in_any_case(file.name(), "env") {
        return None;
    }
    let name = file.name().to_ascii_lowercase();
    match name.as_str() {
        // <https://flask.palletsprojects.com/en/stable/cli/#environment-variables-from-dotenv>
        ".flaskenv" => return Some(Purpose::Shared("Flask")),
        // <https://direnv.net/#how-it-works>: it is a program, and runs only after its reader has allowed it.
        ".envrc" => return Some(Purpose::Shared("direnv")),
        ".env" => return Some(Purpose::Plain),
        _ => {}
    }
    if !name.contains('.') {
        let claimed = file.reader.as_deref() == Some("dotenv");
        let stage = claimed.then(|| path_stage(&name, &repository.environments))??.0;
        return (stage != Stage::Ci).then_some(Purpose::Named);
    }
    let rest = name.strip_prefix(".envrc").or_else(|| name.strip_prefix(".env"));
    let (words, leading) = match rest {
        Some(rest) if rest.starts_with(['.', '-', '_']) => (rest, true),
        Some(_) => return None,
        None => (name.strip_suffix(".env")?, false),
    };
    let words: Vec<&str> = words.split(['.', '-', '_']).filter(|w| !w.is_empty()).collect();
    if words.iter().any(|w| OTHERS.contains(w)) {
        return None;
    }
    if leading && matches!(words.last(), Some(&("local" | "keys" | "private"))) {
        return Some(Purpose::Own);
    }
    match path_stage(&words.join("-"), &repository.environments) {
        Some((Stage::Ci, _)) => None,
        None if leading => None,
        _ => Some(Purpose::Named),
    }
}

/// Whether a name is that of an example of an env file, from which people make their own.
pub(super) fn is_example(name: &str) -> bool {
    // Asked of every file, and most are called otherwise.
    if !contains_in_any_case(name, "env") {
        return false;
    }
    let name = name.to_ascii_lowercase();
    let words = |rest: &str| {
        rest.split(['.', '-', '_']).any(|w| {
            matches!(w, "example" | "examples" | "sample" | "template" | "dist" | "tpl" | "tmpl" | "defaults")
        })
    };
    let program = [".ts", ".js", ".py", ".rb", ".go", ".md", ".json", ".yml", ".yaml", ".php"];
    if program.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    let before = name.strip_prefix(".env").or_else(|| name.strip_prefix("env"));
    before.filter(|rest| rest.starts_with(['.', '-', '_'])).is_some_and(words)
        || name.strip_suffix(".env").is_some_and(words)
}

/// Whether a word of a command or a path in a pipeline is an env file that is no example.
pub(super) fn is_env_path(word: &str) -> bool {
    if !contains_in_any_case(word, ".env") {
        return false;
    }
    let word = word.trim_matches(['"', '\'']).trim_end_matches('/');
    let name = word.rsplit('/').next().unwrap_or(word);
    if !name.as_bytes().windows(4).any(|w| w.eq_ignore_ascii_case(b".env")) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    let env = name == ".env"
        || name == ".env*"
        || name.strip_prefix(".env.").is_some_and(|rest| {
            let last = rest.rsplit('.').next().unwrap_or(rest);
            !matches!(last, "js" | "ts" | "json" | "py" | "md" | "d" | "yml" | "yaml" | "enc" | "gpg" | "age" | "vault")
        })
        || name.strip_suffix(".env").is_some_and(|stem| {
            !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'$' | b'{' | b'}'))
                // `process.env`, `import.meta.env` are no files.
                && !stem.ends_with("process") && !stem.ends_with("meta")
        });
    env && !is_example(&name)
        && !OTHERS.iter().any(|o| name.split(['.', '-', '_']).any(|w| w == *o && o.len() > 1))
}

/// The framework that documents a committed `.env`, judged by files beside it.
/// <https://symfony.com/doc/current/configuration.html#configuration-based-on-environment-variables>,
/// <https://create-react-app.dev/docs/adding-custom-environment-variables/>, <https://vite.dev/guide/env-and-mode>,
/// <https://nextjs.org/docs/pages/guides/environment-variables>, <https://docs.expo.dev/guides/environment-variables/>,
/// <https://github.com/bkeepers/dotenv#should-i-commit-my-env-file>
pub(super) fn convention(path: &str, repository: &Repository) -> Option<&'static str> {
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let beside = |names: &[&str]| names.iter().any(|n| repository.by_path(&format!("{folder}{n}")).is_some());
    let configured = |stem: &str| {
        ["js", "ts", "mjs", "mts", "cjs", "cts"].iter().any(|ending| beside(&[&format!("{stem}.{ending}")]))
    };
    // Laravel has `artisan` where Symfony has `bin/console`, and means `.env` to stay out.
    if beside(&["symfony.lock", "config/bundles.php"])
        || beside(&["bin/console"]) && beside(&["composer.json"])
    {
        Some("Symfony")
    } else if configured("vite.config") {
        Some("Vite")
    } else if configured("next.config") {
        Some("Next.js")
    } else if configured("vue.config") {
        Some("Vue CLI")
    } else if configured("gatsby-config") {
        Some("Gatsby")
    } else if beside(&["package.json"]) && beside(&["public/index.html"]) {
        Some("Create React App")
    } else if beside(&["package.json"]) && (configured("app.config") || beside(&["eas.json"])) {
        Some("Expo")
    } else if beside(&["config/application.rb"]) {
        Some("dotenv for Rails")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_env_files() {
        for (word, env) in [
            (".env", true),
            ("./api/.env", true),
            (".env.production", true),
            ("config/prod.env", true),
            ("\"$APP/.env\"", true),
            (".env.example", false),
            ("example.env", false),
            (".env.vault", false),
            (".env.test", false),
            ("process.env", false),
            ("src/env.ts", false),
            ("main.env.ts", false),
            (".environment", false),
        ] {
            assert_eq!(is_env_path(word), env, "{word}");
        }
    }

    #[test]
    fn names_of_examples() {
        for (name, example) in [
            (".env.example", true),
            (".env.local.example", true),
            (".env-sample", true),
            ("env.example", true),
            ("example.env", true),
            (".env.dist", true),
            (".env", false),
            ("env.example.ts", false),
            ("environment.example", false),
        ] {
            assert_eq!(is_example(name), example, "{name}");
        }
    }
}
