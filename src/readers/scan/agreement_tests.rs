//! Settings of files that a reader claims, and what the look around a key word finds there, must agree: over
//! all fixtures and all examples of rules and kinds, and in both directions.

use super::keys::{KEY_WORDS, classify_key};
use super::pairs;
use super::surroundings::Surroundings;
use crate::lexicon::Environments;
use crate::readers::{READERS, Text, claim};
use crate::text::FileId;
use std::path::Path;

/// Every file of the fixtures and of the examples, by path.
fn corpus() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("tests/fixtures"), root.join("rules")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is part of this repository").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            match text.parse::<toml::Table>() {
                Ok(table) if path.starts_with(root.join("rules")) => examples(&table, &mut found),
                _ => {
                    let name = path.strip_prefix(root.join("tests/fixtures")).unwrap_or(&path);
                    found.push((name.to_string_lossy().into_owned(), text));
                }
            }
        }
    }
    found
}

fn examples(table: &toml::Table, into: &mut Vec<(String, String)>) {
    let plain = |text: &str| text.replace(['⁀', '«', '»', '‹', '›'], "");
    for list in ["bad", "good"] {
        for example in table.get(list).and_then(toml::Value::as_array).into_iter().flatten() {
            if let (Some(path), Some(text)) =
                (example.get("path").and_then(|v| v.as_str()), example.get("text").and_then(|v| v.as_str()))
            {
                into.push((path.to_owned(), plain(text)));
            }
            for (path, text) in example.get("files").and_then(toml::Value::as_table).into_iter().flatten() {
                into.extend(text.as_str().map(|text| (path.clone(), plain(text))));
            }
        }
    }
}

/// Where the look around stays silent though a reader knows the value, or says another: the syntax is the
/// reader's own. Each with the reason.
const EXCEPTIONS: &[(&str, &str)] =
    &[("ENV.MAPILLARY_TOKEN", "in an instruction `|` is a sign like others; in a command it ends the word")];

#[test]
fn settings_and_the_look_around_a_key_word_agree() {
    let environments = Environments::default();
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut excepted = std::collections::BTreeSet::new();
    for (path, text) in corpus() {
        let Some(reader) = claim(&path, false) else { continue };
        let file = Text {
            file: FileId(0),
            path: &path,
            text: &text,
            executable: false,
            environments: &environments,
        };
        let settings = (READERS[reader].parse)(&file).facts.settings;
        let around = Surroundings::new(&path);
        for setting in settings {
            let Some(told) = pairs::told(&text, setting.key_place.range(), setting.place.range()) else {
                continue;
            };
            let lower = text[told.key.clone()].to_ascii_lowercase();
            let Some(word) = KEY_WORDS.iter().find_map(|w| Some((lower.find(w)?, w.len()))) else { continue };
            let at = told.key.start + word.0;
            let (key, _) = pairs::key_around(text.as_bytes(), at..at + word.1);
            let read = pairs::read(&text, key, around.medium, &around.extension, classify_key);
            compared += 1;
            let value = |p: &pairs::Pair| text[p.value.clone()].to_owned();
            let (told, read) = (value(&told), read.as_ref().map(value));
            if read.as_deref() != Some(&told) {
                match EXCEPTIONS.iter().find(|(name, _)| setting.path == *name) {
                    Some((name, _)) => _ = excepted.insert(*name),
                    None => wrong.push(format!("{path}: {} is {told:?}, but {read:?} is read", setting.path)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(excepted.len(), EXCEPTIONS.len(), "an exception is needed no more: {excepted:?}");
    assert!(compared >= 30, "only {compared} pairs were compared");
}

/// Readers that make a setting of every value of a file.
const WHOLE: &[&str] = &["config", "dotenv"];

#[test]
fn what_the_look_around_finds_in_a_file_of_settings_is_a_setting() {
    let environments = Environments::default();
    let (mut compared, mut wrong) = (0, Vec::new());
    for (path, text) in corpus() {
        let Some(reader) = claim(&path, false).filter(|r| WHOLE.contains(&READERS[*r].kind)) else {
            continue;
        };
        let file = Text {
            file: FileId(0),
            path: &path,
            text: &text,
            executable: false,
            environments: &environments,
        };
        let parsed = (READERS[reader].parse)(&file);
        // Of what could not be parsed the look around is all that there is.
        if !parsed.problems.is_empty() {
            continue;
        }
        let entries = parsed.facts.resources.iter().flat_map(|r| &r.entries);
        let settings: Vec<_> = parsed.facts.settings.iter().chain(entries).map(|s| s.place.range()).collect();
        let around = Surroundings::new(&path);
        let lower = text.to_ascii_lowercase();
        for at in KEY_WORDS.iter().flat_map(|w| lower.match_indices(w).map(|(at, _)| at..at + w.len())) {
            let (key, cut) = pairs::key_around(text.as_bytes(), at);
            let line = pairs::line_before(&text, key.start).trim_start();
            if cut || line.starts_with(['#', ';']) || line.starts_with("//") {
                continue;
            }
            let Some(read) = pairs::read(&text, key, around.medium, &around.extension, classify_key) else {
                continue;
            };
            compared += 1;
            let within = |s: &std::ops::Range<usize>| s.start <= read.value.start && read.value.end <= s.end;
            if settings.iter().any(within) {
                continue;
            }
            let (key, value) = (&text[read.key.clone()], &text[read.value.clone()]);
            wrong.push(format!("{path}: {key} is {value:?}, and no setting"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 30, "only {compared} pairs were compared");
}
