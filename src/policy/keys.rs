//! Every key that a policy may have, once: what checks a file, what the schema says, and what
//! `config show` prints is derived from this table.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::PolicyError;
use super::written::{Document, meant};

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true`, or a list of texts.
    AllOrTexts,
    /// Anything: what it may be depends on the key.
    Any,
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table whose keys are the user's; or, if words are given, one of those.
    Entries(&'static [&'static str], &'static Shape),
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// What it means.
    pub doc: &'static str,
}

/// Severities as policies write them, worst first.
pub const LEVELS: &[&str] = &["error", "warning", "note"];
/// Thresholds of the exit code.
pub const THRESHOLDS: &[&str] = &["error", "warning", "note", "never"];
/// What a repository may be.
pub const KINDS: &[&str] = &["application", "library", "infrastructure", "documentation"];
const STAGES: &[&str] = &["local", "ci", "development", "integration", "preview", "staging", "production"];

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc }
}

/// The keys of `plimsoll.toml`.
pub const SETTINGS: &[Key] = &[
    key(
        "extends",
        Shape::Text,
        "Path of another policy, relative to this file. Lists add up; single values and entries of this file win.",
    ),
    key(
        "manuals",
        Shape::Texts,
        "Manuals whose rules run beside the core set, such as `doc-009`; `all` turns every rule on, contested ones too.",
    ),
    key(
        "select",
        Shape::Texts,
        "Exactly these rules, families or manuals run; `core` is the set that runs by default, `all` every rule.",
    ),
    key("ignore", Shape::Texts, "Rules, families or manuals that do not run. Beats `select`."),
    key("exclude", Shape::Texts, "Files and folders that are not looked at, written as in .gitignore."),
    key(
        "fail-on",
        Shape::Word(THRESHOLDS),
        "The mildest severity that makes the exit code 1. Default: error.",
    ),
    key(
        "locked",
        Shape::AllOrTexts,
        "Rules or manuals whose findings an inline allow cannot dispose of, and which a policy that extends this one cannot ignore; `true` for all.",
    ),
    key(
        "resolve",
        Shape::Entries(&[], &Shape::Text),
        "On a topic on which the chosen manuals differ: the manual that decides.",
    ),
    key(
        "parameters",
        Shape::Entries(&[], &Shape::Any),
        "Your own values for what manuals leave open or set, such as `friday.cutoff`.",
    ),
    key("severity", Shape::Entries(&[], &Shape::Word(LEVELS)), "A rule's severity here."),
    key(
        "per-path",
        Shape::Entries(
            &[],
            &Shape::Table(&[
                key(
                    "ignore",
                    Shape::Texts,
                    "Rules, families or manuals whose findings do not count in these files.",
                ),
                key("severity", Shape::Word(LEVELS), "Severity of every finding in these files."),
            ]),
        ),
        "What differs in some files; the key is a pattern as in .gitignore.",
    ),
    key(
        "environments",
        Shape::Entries(
            STAGES,
            &Shape::Table(&[
                key("names", Shape::Texts, "Words that name it."),
                key("hosts", Shape::Texts, "Its host names; `*` stands for any run of characters."),
                key(
                    "branches",
                    Shape::Texts,
                    "Branches that deploy to it; `*` stands for any run of characters.",
                ),
            ]),
        ),
        "What your environments are called, where the usual words do not tell.",
    ),
    key(
        "repository",
        Shape::Table(&[
            key("kind", Shape::Word(KINDS), "What the repository is, where its files do not tell."),
            key(
                "deploys_in",
                Shape::Text,
                "The repository, one of `[sources]`, whose pipelines and manifests bring this one's artifacts to its environments, as `name` or `name@version`.",
            ),
        ]),
        "What the repository is.",
    ),
    key(
        "sources",
        Shape::Entries(&[], &Shape::Text),
        "Where clones of other repositories lie that this one's pipelines refer to, relative to this file. The key is a name as the pipelines write it, such as `acme/ci`, a library's name, or a pattern: `*` stands for any run of characters, in the folder for the same. What is read is the version that is referred to, from git's objects.",
    ),
];

/// The JSON Schema (draft 2020-12) of `plimsoll.toml`.
pub fn schema() -> Json {
    let mut root = schema_of(&Shape::Table(SETTINGS));
    root.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".into(), json!("plimsoll.toml"));
    Json::Object(root)
}

fn schema_of(shape: &Shape) -> Map<String, Json> {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let schema = match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Texts => texts(),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::AllOrTexts => json!({ "anyOf": [{ "type": "boolean" }, texts()] }),
        Shape::Any => json!({}),
        Shape::Entries(words, value) => {
            let mut it = json!({ "type": "object", "additionalProperties": schema_of(value) });
            if !words.is_empty() {
                it["propertyNames"] = json!({ "enum": words });
            }
            it
        }
        Shape::Table(keys) => {
            let properties: Map<String, Json> = keys
                .iter()
                .map(|key| {
                    let mut of = schema_of(&key.shape);
                    of.insert("description".into(), json!(key.doc));
                    (key.name.to_owned(), Json::Object(of))
                })
                .collect();
            json!({ "type": "object", "properties": properties, "additionalProperties": false })
        }
    };
    match schema {
        Json::Object(map) => map,
        _ => unreachable!("every shape is an object"),
    }
}

/// Checks a whole table against its keys: afterwards every value has its shape.
pub(super) fn check(
    document: &Arc<Document>,
    table: &DeTable<'_>,
    keys: &[Key],
) -> Result<(), Box<PolicyError>> {
    for (name, value) in table {
        let wrong: &str = name.get_ref();
        let Some(key) = keys.iter().find(|k| k.name == wrong) else {
            let error = document.error(Some(name.span()), format!("there is no setting `{wrong}`"));
            return Err(meant(error, wrong, keys.iter().map(|k| k.name)));
        };
        check_value(document, key.name, value, &key.shape)?;
    }
    Ok(())
}

fn check_value(
    document: &Arc<Document>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    shape: &Shape,
) -> Result<(), Box<PolicyError>> {
    let is = |wanted: &str, span: Range<usize>, found: &DeValue<'_>| {
        let found = found.type_str();
        Err(document.error(Some(span), format!("`{name}` is {wanted}, not {} {found}", article(found))))
    };
    let found = value.get_ref();
    match (shape, found) {
        (Shape::Any, _) | (Shape::Text, DeValue::String(_)) | (Shape::AllOrTexts, DeValue::Boolean(_)) => {
            Ok(())
        }
        (Shape::Word(words), DeValue::String(word)) => {
            if words.contains(&word.as_ref()) {
                return Ok(());
            }
            let message = format!("`{name}` is {}, not `{word}`", words.join(", "));
            Err(meant(document.error(Some(value.span()), message), word, words.iter().copied()))
        }
        (Shape::Texts | Shape::AllOrTexts, DeValue::Array(items)) => {
            match items.iter().find(|item| !item.get_ref().is_str()) {
                Some(item) => is("a list of texts", item.span(), item.get_ref()),
                None => Ok(()),
            }
        }
        (Shape::Table(keys), DeValue::Table(table)) => check(document, table, keys),
        (Shape::Entries(words, shape), DeValue::Table(table)) => {
            for (entry, value) in table {
                let entry_name: &str = entry.get_ref();
                if !words.is_empty() && !words.contains(&entry_name) {
                    let message = format!("`{name}` has no `{entry_name}`");
                    let error = document.error(Some(entry.span()), message);
                    return Err(meant(error, entry_name, words.iter().copied()));
                }
                check_value(document, entry_name, value, shape)?;
            }
            Ok(())
        }
        (Shape::Text, _) => is("a text", value.span(), found),
        (Shape::Word(words), _) => is(&words.join(", "), value.span(), found),
        (Shape::Texts, _) => is("a list of texts", value.span(), found),
        (Shape::AllOrTexts, _) => is("`true` or a list of texts", value.span(), found),
        (Shape::Table(_) | Shape::Entries(..), _) => is("a table", value.span(), found),
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
