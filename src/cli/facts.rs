//! `plimsoll facts`: what the tool sees, as JSON. Secrets are masked by place and by value.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::Exit;
use super::args::Facts;
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::Plan;
use super::rules::pretty;
use crate::facts::{FieldKind, FieldRow, KINDS, Repository};
use crate::source::{Source, Target};
use crate::text::{FileId, LineColumn, LineIndex, Redactor, Span, decode};
use crate::{Options, read_facts};

pub(super) fn run(facts: &Facts) -> Result<Exit, Failure> {
    if facts.schema {
        to_stdout(pretty(&schema()).as_bytes())?;
        return Ok(Exit::Passed);
    }
    let plan = Plan::new(std::slice::from_ref(&facts.path), &facts.choice, None)?;
    let target = Target::WorkTree { root: plan.root.clone(), paths: plan.paths.clone() };
    let options = Options { source: plan.source_options(), ..Options::default() };
    let (source, repository) = read_facts(&target, &plan.policy, &options)?;
    to_stdout(pretty(&to_json(&source, &repository)).as_bytes())?;
    Ok(Exit::Passed)
}

/// Largest file whose lines are counted, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Lines and columns of places, each file read once.
pub(super) struct Lines<'a> {
    source: &'a Source,
    repository: &'a Repository,
    texts: RefCell<BTreeMap<FileId, (String, LineIndex)>>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: &'a Source, repository: &'a Repository) -> Lines<'a> {
        Lines { source, repository, texts: RefCell::default() }
    }

    fn ends(&self, span: Span) -> (LineColumn, LineColumn) {
        let mut texts = self.texts.borrow_mut();
        let (text, lines) = texts.entry(span.file).or_insert_with(|| {
            let bytes = self.source.read(span.file, LARGEST).ok();
            let text = bytes.and_then(decode).map(|d| d.text).unwrap_or_default();
            let lines = LineIndex::new(&text);
            (text, lines)
        });
        (lines.line_column(text, span.start as usize), lines.line_column(text, span.end as usize))
    }

    /// Path, first and last line and column.
    pub(super) fn json(&self, span: Span) -> Json {
        let (start, end) = self.ends(span);
        json!({
            "path": self.repository.path(span),
            "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column,
        })
    }

    /// `path:line`.
    pub(super) fn short(&self, span: Span) -> String {
        format!("{}:{}", self.repository.path(span).replace(char::is_control, "?"), self.ends(span).0.line)
    }
}

/// The only way in which facts become JSON: places as path and line, every text through the redactor.
fn to_json(source: &Source, repository: &Repository) -> Json {
    let lines = Lines::new(source, repository);
    let places = |span: Span| lines.json(span);
    let mut root = Map::new();
    root.insert("version".into(), json!(1));
    for kind in KINDS.iter().filter(|kind| kind.parents.is_empty()) {
        let mut list = Vec::new();
        (kind.each)(repository, &mut |item| list.push(item.fact.json(&places)));
        root.insert(plural(kind.name), Json::Array(list));
    }
    let unread = repository.unread.iter();
    let unread = unread.map(|u| json!({ "path": u.path, "class": u.class.name(), "reason": u.reason }));
    root.insert("unread".into(), unread.collect());
    let redactor = Redactor::new(repository.facts.secrets());
    redacted(Json::Object(root), &redactor)
}

fn plural(kind: &str) -> String {
    format!("{}s", kind.replace('-', "_"))
}

fn redacted(json: Json, redactor: &Redactor) -> Json {
    match json {
        Json::String(text) => Json::String(redactor.redact(&text)),
        Json::Array(all) => all.into_iter().map(|one| redacted(one, redactor)).collect(),
        Json::Object(map) => {
            Json::Object(map.into_iter().map(|(k, v)| (redactor.redact(&k), redacted(v, redactor))).collect())
        }
        other => other,
    }
}

fn schema() -> Json {
    let lists = KINDS.iter().filter(|kind| kind.parents.is_empty()).map(|kind| {
        let items = json!({ "$ref": format!("#/$defs/{}", kind.name) });
        (plural(kind.name), json!({ "type": "array", "items": items }))
    });
    let mut properties: Map<String, Json> = lists.collect();
    properties.insert("version".into(), json!({ "const": 1 }));
    properties.insert("unread".into(), json!({ "type": "array", "items": { "type": "object" } }));
    let mut defs: Map<String, Json> =
        KINDS.iter().map(|kind| (kind.name.to_owned(), table(kind.rows))).collect();
    defs.insert(
        "place".into(),
        json!({
            "type": "object",
            "properties": {
                "path": { "type": "string" },
                "line": { "type": "integer" }, "column": { "type": "integer" },
                "end_line": { "type": "integer" }, "end_column": { "type": "integer" },
            },
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plimsoll facts",
        "type": "object",
        "properties": properties,
        "$defs": defs,
    })
}

fn table(rows: &[FieldRow]) -> Json {
    let field = |row: &FieldRow| {
        let mut of = match row.kind {
            FieldKind::Place => json!({ "$ref": "#/$defs/place" }),
            // Every other value may be absent, or an object that says why it is not known.
            _ => json!({}),
        };
        of["description"] = json!(format!("{} ({})", row.doc.trim(), row.kind.name()));
        (row.name.to_owned(), of)
    };
    json!({ "type": "object", "properties": rows.iter().map(field).collect::<Map<_, _>>() })
}
