//! Reads one text or a whole repository for a test, and holds that every place lies in its text.

use super::{Options, Parsed, Reading, Text};
use crate::facts::{Job, KINDS, Pipeline, Repository};
use crate::lexicon::{Environments, Lexicon};
use crate::source::{self, MemoryFile, Target};
use crate::text::{FileId, Span};

/// Tracked files, read as a repository is.
pub(super) fn repository(files: &[(&str, &str)]) -> Repository {
    let files = files.iter().map(|(path, text)| MemoryFile {
        path: (*path).to_owned(),
        bytes: text.as_bytes().to_vec(),
        tracked: true,
        ..MemoryFile::default()
    });
    let target = Target::Memory { files: files.collect(), git: None };
    let mut source = source::open(&target, &Default::default()).expect("memory opens");
    let lexicon = Lexicon::default();
    super::read(&mut source, &Options { lexicon: &lexicon, jobs: 1, only: None }, &Reading::default())
}

/// The job with this id.
pub(super) fn job<'p>(pipeline: &'p Pipeline, id: &str) -> &'p Job {
    let ids: Vec<_> = pipeline.jobs.iter().map(|j| &j.id).collect();
    pipeline.jobs.iter().find(|j| j.id == id).unwrap_or_else(|| panic!("no job {id} in {ids:?}"))
}

/// The first job that is shown under this name.
pub(super) fn job_named<'p>(pipeline: &'p Pipeline, name: &str) -> &'p Job {
    let names: Vec<_> = pipeline.jobs.iter().map(|j| &j.name).collect();
    pipeline.jobs.iter().find(|j| j.name == name).unwrap_or_else(|| panic!("no job {name} in {names:?}"))
}

/// What a job runs, a command a line.
pub(super) fn lines(job: &Job) -> Vec<&str> {
    job.commands().map(|c| c.line.as_str()).collect()
}

/// The jobs that a job waits for, as written.
pub(super) fn needs(job: &Job) -> Vec<&str> {
    job.needs.iter().map(|n| n.name.as_str()).collect()
}

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
