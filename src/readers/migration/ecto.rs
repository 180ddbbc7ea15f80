//! Ecto. <https://hexdocs.pm/ecto_sql/Ecto.Migration.html>

use super::calls::{Call, Code, calls, commands};
use super::changes::Changes;
use super::python::mask;
use super::{stem, whole};
use crate::facts::{Action, Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::text::Span;
use std::ops::Range;

pub(super) fn ecto(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text);
    if !masked.contains(".Migration") {
        return None;
    }
    let mut migration =
        whole(text, MigrationTool::Ecto, stem(text.path).split('_').next().unwrap_or("").to_owned());
    migration.transactional = Some(!masked.contains("@disable_ddl_transaction true"));
    let change = function(&masked, "change");
    let (forward, back) = match change {
        Some(change) => (change, None),
        None => (function(&masked, "up")?, function(&masked, "down")),
    };
    let statement = |body: &Range<usize>| {
        masked[body.clone()]
            .split(['\n', ';'])
            .map(str::trim)
            .find(|l| !l.is_empty() && *l != "end")
            .map(str::to_owned)
    };
    migration.up = Some(Span::new(text.file, forward.body.clone()));
    migration.empty = matches!(statement(&forward.body).as_deref(), None | Some(":ok" | "nil"));
    let found = commands(&masked, forward.body.clone(), &is_command);
    let code = Code::with(text.text, &masked, found);
    let head = |f: &Function| Some(Span::new(text.file, f.head.clone()));
    (migration.down, migration.back) = match &back {
        Some(back) => {
            let down = match statement(&back.body).as_deref() {
                None if text.text[back.body.clone()].trim().trim_end_matches("end").trim().is_empty() => {
                    Down::Empty
                }
                None => Down::OnlyComments,
                Some(":ok" | "nil") => Down::Empty,
                Some(first) if first.starts_with("raise") => Down::Raises,
                Some(_) => Down::Full,
            };
            (down, head(back))
        }
        None if masked[forward.head.clone()].contains("change") => {
            let irreversible = code.calls.iter().any(|call| is_irreversible(&code, call));
            (if irreversible { Down::Missing } else { Down::Derived }, head(&forward))
        }
        None => (Down::Missing, head(&forward)),
    };
    let mut changes = Changes::new(text, &code);
    let mut table = String::new();
    for call in &code.calls {
        operation(&mut changes, call, &mut table);
    }
    changes.tell(&mut migration);
    Some(migration)
}

fn is_command(name: &str) -> bool {
    matches!(
        name,
        "create"
            | "create_if_not_exists"
            | "alter"
            | "drop"
            | "drop_if_exists"
            | "rename"
            | "execute"
            | "add"
            | "add_if_not_exists"
            | "remove"
            | "remove_if_exists"
            | "modify"
            | "update_all"
            | "delete_all"
            | "insert_all"
            | "insert!"
            | "update!"
            | "query!"
            | "query"
    )
}

/// The call of `table(…)`, `index(…)` or `constraint(…)` that is the argument of a command.
struct Object {
    code: Vec<Call>,
}

impl Object {
    fn of(code: &Code<'_>, call: &Call) -> Object {
        let end = call.brackets.end.max(call.name.end);
        Object { code: calls(code.masked, call.name.end..end) }
    }

    fn find(&self, code: &Code<'_>, names: &[&str]) -> Option<&Call> {
        self.code.iter().find(|c| names.contains(&code.name(c)))
    }
}

fn operation(changes: &mut Changes<'_, '_>, call: &Call, table: &mut String) {
    let code = changes.code;
    let object = Object::of(code, call);
    let first =
        |call: Option<&Call>, at: usize| changes.word(call.and_then(|c| code.argument(c, at))).to_owned();
    let own = changes.word(code.argument(call, 0)).to_owned();
    let index = object.find(code, &["index", "unique_index"]);
    let constraint = object.find(code, &["constraint"]);
    let of_table = object.find(code, &["table"]);
    let demanded = changes.is(code.named(call, "null"), "false");
    match code.name(call) {
        "create" | "create_if_not_exists" => match (index, constraint, of_table) {
            (Some(index), ..) => {
                let says = |key: &str| changes.is(code.named(index, key), "true");
                let action =
                    match (code.name(index) == "unique_index" || says("unique"), says("concurrently")) {
                        (true, _) => Action::AddUnique,
                        (_, true) => Action::CreateIndexConcurrently,
                        _ => Action::CreateIndex,
                    };
                changes.add(call, action, &first(Some(index), 0), "");
            }
            (_, Some(constraint), _) => {
                let late = changes.is(code.named(constraint, "validate"), "false");
                let action = if late { Action::AddConstraintNotValid } else { Action::AddCheck };
                changes.add_named(call, action, &first(Some(constraint), 0), "", &first(Some(constraint), 1));
            }
            (_, _, made) => {
                let name = first(made, 0);
                changes.add(call, Action::CreateTable, &name, "");
                *table = name;
            }
        },
        "alter" => *table = first(of_table, 0),
        "drop" | "drop_if_exists" => match (index, constraint, of_table) {
            (Some(index), ..) => changes.add(call, Action::DropIndex, &first(Some(index), 0), ""),
            (_, Some(constraint), _) => {
                changes.add_named(
                    call,
                    Action::DropConstraint,
                    &first(Some(constraint), 0),
                    "",
                    &first(Some(constraint), 1),
                );
            }
            (_, _, dropped) => changes.add(call, Action::DropTable, &first(dropped, 0), ""),
        },
        "rename" => {
            let column = changes.word(code.argument(call, 1)).to_owned();
            if column.is_empty() {
                let tables: Vec<String> = object.code.iter().map(|c| first(Some(c), 0)).collect();
                let to = tables.get(1).cloned().unwrap_or_default();
                changes.add_named(call, Action::RenameTable, &first(of_table, 0), "", &to);
            } else {
                let to = changes.word(code.named(call, "to")).to_owned();
                changes.add_named(call, Action::RenameColumn, &first(of_table, 0), &column, &to);
            }
        }
        "add" | "add_if_not_exists" if !own.is_empty() => {
            let fills = code.named(call, "default").is_some();
            let action = if demanded && !fills { Action::AddColumnNotNull } else { Action::AddColumn };
            changes.add(call, action, table, &own);
        }
        "remove" | "remove_if_exists" if !own.is_empty() => {
            changes.add(call, Action::DropColumn, table, &own)
        }
        "modify" if !own.is_empty() => {
            if demanded {
                changes.add(call, Action::SetNotNull, table, &own);
            } else if changes.is(code.named(call, "null"), "true") {
                changes.add(call, Action::DropNotNull, table, &own);
            } else {
                changes.add(call, Action::TypeChange, table, &own);
            }
        }
        "execute" | "query" | "query!" => match code.argument(call, 0) {
            Some(range) if code.masked[range.clone()].trim_start().starts_with("fn") => {
                changes.add(call, Action::DataCode, "", "");
            }
            argument => changes.sql(call, argument),
        },
        "update_all" | "delete_all" | "insert_all" | "insert!" | "update!"
            if !code.receiver(call).is_empty() =>
        {
            changes.add(call, Action::DataCode, "", "");
        }
        _ => {}
    }
}

/// Whether a statement of `change` has no reverse that Ecto could derive.
fn is_irreversible(code: &Code<'_>, call: &Call) -> bool {
    let object = Object::of(code, call);
    match code.name(call) {
        "execute" => call.arguments.len() < 2,
        "remove" => call.arguments.len() < 2,
        "remove_if_exists" => true,
        "modify" => code.named(call, "from").is_none(),
        "drop" | "drop_if_exists" => {
            object.find(code, &["table"]).is_some() || object.find(code, &["constraint"]).is_some()
        }
        _ => false,
    }
}

struct Function {
    head: Range<usize>,
    body: Range<usize>,
}

/// `def up do … end`, by indentation, or `def up, do: expression`. Clauses of one name make one body.
fn function(masked: &str, name: &str) -> Option<Function> {
    let mut at = 0;
    for line in masked.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let head = line.trim();
        let Some(rest) = head.strip_prefix("def ").map(str::trim_start) else { continue };
        if !rest.strip_prefix(name).is_some_and(|r| r.starts_with([' ', ',', '(']) || r.is_empty()) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let begin = start + indent;
        let head_range = begin..begin + head.len();
        let mut end = at;
        for line in masked[at..].split_inclusive('\n') {
            let inner = line.trim_start();
            if !inner.is_empty() && line.len() - inner.len() <= indent {
                break;
            }
            end += line.len();
        }
        if let Some(inline) = head.find("do:") {
            return Some(Function {
                head: head_range,
                body: begin + inline + 3..end.max(begin + inline + 3),
            });
        }
        return Some(Function { head: head_range, body: at.min(end)..end });
    }
    None
}
