//! Env files: settings by the name of their variable.

use super::images::is_open;
use super::names::{ends, folder, name, vendored};
use super::{Parsed, Text};
use crate::facts::{CommentedKey, Setting, SettingSource, Value, path_target};
use crate::source::UnreadClass;
use crate::syntax::dotenv;
use crate::text::Span;
use std::sync::Arc;

/// Endings behind `.env` that are programs or data of another format.
const FOREIGN: &[&str] = &[
    ".ts",
    ".js",
    ".mjs",
    ".cjs",
    ".tsx",
    ".jsx",
    ".go",
    ".py",
    ".rb",
    ".php",
    ".md",
    ".json",
    ".yml",
    ".yaml",
    ".toml",
    ".rs",
    ".java",
    ".sh",
    ".ps1",
    ".html",
    ".vue",
    ".gpg",
    ".enc",
    ".age",
    ".tpl.yaml",
];

/// Environments that a file without an ending is named after, in a folder `env`.
const STAGES: &[&str] =
    &["production", "prod", "staging", "stage", "development", "dev", "local", "common", "base", "test"];

pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = name(path);
    if ends(name, FOREIGN) {
        return false;
    }
    let named = name == ".envrc"
        || name == ".flaskenv"
        || name.starts_with(".envrc.")
        || [".env", "env"].iter().any(|stem| {
            let rest = name.strip_prefix(stem);
            let plain = *stem == ".env";
            rest.is_some_and(|r| match r {
                "" => plain,
                ".example" | ".sample" | ".template" | ".dist" => true,
                r => plain && r.starts_with(['.', '-', '_']),
            })
        })
        || (name.ends_with(".env") && name.len() > 4);
    // `config/env/production`, as Heroku-like deployments lay them out, and `env/production`.
    let plain = !name.contains('.');
    let of_stage = || folder(path).rsplit('/').next() == Some("env") && STAGES.contains(&name);
    (named || plain && (folder(path).ends_with("config/env") || of_stage())) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let file = dotenv::parse(text.file, text.text);
    // `.envrc` is shell of which only the assignments matter.
    if !file.errors.is_empty() && name(text.path) != ".envrc" {
        let lines = file.errors.len();
        let reason = format!("{lines} of its lines are no assignment");
        parsed.problems.push((UnreadClass::Partly, reason));
    }
    let target = path_target(text.path, text.file, text.environments).map(Arc::new);
    parsed.facts.commented_keys =
        file.comments.iter().filter_map(|place| commented(*place, text.text)).collect();
    parsed.facts.settings = file
        .entries
        .into_iter()
        .map(|entry| Setting {
            place: entry.value.span,
            path: entry.key.value.clone(),
            key: entry.key.value,
            setting: if entry.interpolated && is_open(&entry.value.value) {
                Value::Expr(entry.value.value)
            } else {
                Value::Known(entry.value.value)
            },
            source: SettingSource::Dotenv,
            target: target.clone(),
            key_place: entry.key.span,
        })
        .collect();
    parsed
}

/// The variable that a comment shows: a name in capitals and `=`, as an assignment that was put out of use.
fn commented(place: Span, text: &str) -> Option<CommentedKey> {
    let comment = text.get(place.range())?;
    let bare = comment.trim_start_matches(['#', ' ', '\t']);
    let bare = bare.strip_prefix("export ").unwrap_or(bare);
    let (name, _) = bare.split_once('=')?;
    let name = name.trim_end();
    let known = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let start = place.range().end - bare.len();
    known.then(|| CommentedKey {
        place: Span::new(place.file, start..start + name.len()),
        key: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Stage;
    use crate::readers::samples;

    #[test]
    fn assignments_are_settings_of_the_environment_that_the_name_speaks_of() {
        let text = "# x\nexport A=1\nURL=\"http://$HOST\" # c\nP='a$b'\nEMPTY=\n";
        let parsed = samples::read(parse, "deploy/.env.production", text);
        let seen: Vec<_> = parsed
            .facts
            .settings
            .iter()
            .map(|s| (s.key.as_str(), s.setting.clone(), &text[s.place.range()]))
            .collect();
        let known = |v: &str| Value::Known(v.to_owned());
        assert_eq!(
            seen,
            [
                ("A", known("1"), "1"),
                ("URL", Value::Expr("http://$HOST".into()), "http://$HOST"),
                ("P", known("a$b"), "a$b"),
                ("EMPTY", known(""), ""),
            ]
        );
        assert!(
            parsed.facts.settings.iter().all(|s| s.target.as_ref().is_some_and(|t| t.is(Stage::Production)))
        );
        assert_eq!(parsed.problems, []);
    }

    #[test]
    fn variables_in_comments_are_noted_and_sentences_are_not() {
        let text = "# SMTP_HOST=localhost\n#  export TOKEN = x\nA=1 # B=2\n# see X\n# a = b\n## C=\n";
        let parsed = samples::read(parse, ".env.example", text);
        let seen: Vec<&str> = parsed.facts.commented_keys.iter().map(|k| k.key.as_str()).collect();
        assert_eq!(seen, ["SMTP_HOST", "TOKEN", "B", "C"]);
        for key in &parsed.facts.commented_keys {
            assert_eq!(&text[key.place.range()], key.key);
        }
    }

    #[test]
    fn env_files_are_claimed_and_programs_are_not() {
        for (path, claimed) in [
            (".env", true),
            ("a/.env.local", true),
            (".env.example", true),
            ("prod.env", true),
            (".envrc", true),
            ("env.sample", true),
            ("config/env/production", true),
            ("env/production", true),
            ("src/env/reader", false),
            (".flaskenv", true),
            (".envrc.local", true),
            ("docker.env", true),
            ("env.d.ts", false),
            (".env.ts", false),
            ("env", false),
            ("environment.env.js", false),
            ("environment", false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
        }
        assert_eq!(samples::read(parse, ".env", "not an assignment\nA=1").problems.len(), 1);
        samples::endure(parse, ".env");
    }
}
