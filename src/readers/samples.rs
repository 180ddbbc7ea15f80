//! Reads one text for a test, and holds that every place lies in it.

use super::{Parsed, Text};
use crate::facts::{KINDS, Repository};
use crate::lexicon::Environments;
use crate::text::{FileId, Span};

/// What `parse` makes of `text` at `path`; fails if a place does not lie in the text.
pub(super) fn read(parse: fn(&Text<'_>) -> Parsed, path: &str, text: &str) -> Parsed {
    let environments = Environments::default();
    let executable = !super::names::name(path).contains('.');
    let parsed = parse(&Text { file: FileId(0), path, text, executable, environments: &environments });
    let mut places = Vec::new();
    let repository = Repository { facts: parsed.facts.clone(), ..Repository::default() };
    for kind in KINDS {
        (kind.each)(&repository, &mut |item| {
            places.push(item.fact.place());
            let note = |span: Span| {
                places_of(span, text, path);
                serde_json::Value::Null
            };
            item.fact.json(&note);
        });
    }
    let words =
        repository.facts.scripts.iter().flat_map(|s| &s.commands).flat_map(|c| &c.args).map(|w| w.place);
    places.extend(words);
    places.extend(repository.facts.settings.iter().map(|s| s.key_place));
    for place in places {
        places_of(place, text, path);
    }
    parsed
}

fn places_of(place: Span, text: &str, path: &str) {
    assert!(
        text.get(place.range()).is_some(),
        "{place:?} is no place of {path}, which has {} bytes",
        text.len()
    );
}

/// Texts that nobody means to write, for every reader.
pub(super) const HOSTILE: &[&str] = &[
    "",
    "\n",
    "\r\n\r\n",
    "\u{feff}",
    "\0",
    "=",
    "#",
    "\\",
    "\"",
    "'",
    "`",
    "é",
    "{",
    "[",
    "(",
    ":",
    "-",
    "- -",
    "$",
    "${",
    "$(",
    "a: &a [*a, *a]\n",
    "FROM\nRUN\nCOPY\n",
    "FROM é\nRUN \\\n",
    "RUN <<E\n",
    "# escape=`\r\nFROM a `\r\n",
    "x:\n\té\n",
    "```sh\n$ é",
    "~~~",
    "A=\"\nB='",
    "export A=é\\",
    "def down\n",
    "def downgrade():",
    "def downgrade():\n  \"\"\"é",
    "exports.down = (",
    "down() {",
    "public function down()\n{",
    "-- +goose Down",
    "é\n# é\n```\n",
    "{\"scripts\":{\"é\":\"é 'a\"}}",
    "services: {a: {image: é, environment: [é, =, 'é=é']}}",
    "apiVersion: v1\nkind: é\nspec: {containers: [{image: é}, 1]}",
    "operations = [RunPython(",
    "operations = [RunSQL(\"\"\"é",
    "\u{2028}\u{85}",
    "a\\\r\nb\\\rc",
];

/// Reads every hostile text, and long runs of its openers, with `parse`.
pub(super) fn endure(parse: fn(&Text<'_>) -> Parsed, path: &str) {
    for text in HOSTILE {
        read(parse, path, text);
        for cut in (0..text.len()).filter(|&at| text.is_char_boundary(at)) {
            read(parse, path, &text[..cut]);
        }
    }
    for piece in [
        "[",
        "{",
        "(",
        "\"",
        "'",
        "$(",
        "${",
        "`",
        "- ",
        "a:\n ",
        "```\n",
        "# ",
        "if a\n",
        "def down\n",
        "down() {",
    ] {
        read(parse, path, &piece.repeat(5_000));
    }
}
