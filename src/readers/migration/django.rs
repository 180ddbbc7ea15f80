//! What Django's operations change.
//! <https://docs.djangoproject.com/en/stable/ref/migration-operations/>

use super::calls::{Call, Code, split};
use super::changes::Changes;
use crate::facts::{Action, Migration};
use crate::readers::Text;
use std::ops::Range;

pub(super) fn operations(text: &Text<'_>, masked: &str, body: Range<usize>, migration: &mut Migration) {
    let code = Code::new(text.text, masked, body);
    let mut changes = Changes::new(text, &code);
    // What is done to the state only never reaches the database.
    let mut state: Vec<Range<usize>> = Vec::new();
    for call in &code.calls {
        if code.name(call) == "SeparateDatabaseAndState" {
            state.extend(code.either(call, 1, "state_operations"));
        }
    }
    for call in &code.calls {
        let receiver = code.receiver(call);
        // `models.…` is a field of an operation.
        if receiver.starts_with("models") || state.iter().any(|range| range.contains(&call.name.start)) {
            continue;
        }
        operation(&mut changes, call);
    }
    changes.tell(migration);
}

fn operation(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let model = changes.word(code.either(call, 0, "model_name")).to_owned();
    let name = changes.word(code.either(call, 1, "name")).to_owned();
    let first = changes.word(code.either(call, 0, "name")).to_owned();
    match code.name(call) {
        "CreateModel" => changes.add(call, Action::CreateTable, &first, ""),
        "DeleteModel" => changes.add(call, Action::DropTable, &first, ""),
        "RenameModel" => {
            let old = changes.word(code.either(call, 0, "old_name")).to_owned();
            let new = changes.word(code.either(call, 1, "new_name")).to_owned();
            changes.add_named(call, Action::RenameTable, &old, "", &new);
        }
        "AlterModelTable" => {
            let to = changes.word(code.either(call, 1, "table")).to_owned();
            changes.add_named(call, Action::RenameTable, &first, "", &to);
        }
        "AddField" => {
            let action =
                code.either(call, 2, "field").map_or(Action::AddColumn, |field| added(changes, field));
            changes.add(call, action, &model, &name);
        }
        "RemoveField" => changes.add(call, Action::DropColumn, &model, &name),
        "RenameField" => {
            let old = changes.word(code.either(call, 1, "old_name")).to_owned();
            let new = changes.word(code.either(call, 2, "new_name")).to_owned();
            changes.add_named(call, Action::RenameColumn, &model, &old, &new);
        }
        // Mostly a help text or choices, of which the database knows nothing; the field as it was is elsewhere.
        "AlterField" => changes.add(call, Action::Other, &model, &name),
        "AddIndex" => changes.add(call, Action::CreateIndex, &model, ""),
        "AddIndexConcurrently" => changes.add(call, Action::CreateIndexConcurrently, &model, ""),
        "RemoveIndex" | "RemoveIndexConcurrently" => {
            changes.add_named(call, Action::DropIndex, &model, "", &name)
        }
        "RenameIndex" => changes.add(call, Action::Other, &model, ""),
        "AddConstraint" => {
            let written = code.either(call, 1, "constraint").map_or("", |range| &code.masked[range]);
            let action = if written.contains("CheckConstraint") {
                Action::AddCheck
            } else if written.contains("UniqueConstraint") {
                Action::AddUnique
            } else {
                Action::AddConstraint
            };
            changes.add(call, action, &model, "");
        }
        "AddConstraintNotValid" => changes.add(call, Action::AddConstraintNotValid, &model, ""),
        "ValidateConstraint" => changes.add(call, Action::ValidateConstraint, &model, ""),
        "RemoveConstraint" => changes.add_named(call, Action::DropConstraint, &model, "", &name),
        "AlterUniqueTogether" => {
            let sets =
                code.either(call, 1, "unique_together").map(|range| code.text[range].contains(['"', '\'']));
            let action = if sets == Some(true) { Action::AddUnique } else { Action::DropConstraint };
            changes.add(call, action, &first, "");
        }
        "AlterIndexTogether" => {
            let sets =
                code.either(call, 1, "index_together").map(|range| code.text[range].contains(['"', '\'']));
            let action = if sets == Some(true) { Action::CreateIndex } else { Action::DropIndex };
            changes.add(call, action, &first, "");
        }
        "RunSQL" => run_sql(changes, call),
        "RunPython" => {
            let noop =
                code.either(call, 0, "code").is_some_and(|range| code.masked[range].ends_with(".noop"));
            if !noop {
                changes.add(call, Action::DataCode, "", "");
            }
        }
        name if name.ends_with("Extension") => changes.add(call, Action::CreateObject, "", ""),
        _ => {}
    }
}

fn run_sql(changes: &mut Changes<'_, '_>, call: &Call) {
    let code = changes.code;
    let Some(argument) = code.either(call, 0, "sql") else { return };
    if code.masked[argument.clone()].ends_with(".noop") {
        return;
    }
    // A list of statements, or of statements with their parameters.
    if code.masked[argument.clone()].starts_with(['[', '(']) && code.literal(argument.clone()).is_none() {
        let inner = code.inside(argument.clone()).unwrap_or(argument);
        for part in split(code.masked, inner) {
            changes.sql(call, Some(part));
        }
        return;
    }
    changes.sql(call, Some(argument));
}

/// What adding a field means: Django takes its default away from the column once the rows are filled, so that the
/// release before, which does not know the column, cannot add rows.
fn added(changes: &Changes<'_, '_>, field: Range<usize>) -> Action {
    let code = changes.code;
    let Some(call) = code.calls.iter().find(|c| c.name.start >= field.start && c.brackets.end <= field.end)
    else {
        return Action::AddColumn;
    };
    let kind = code.name(call);
    if kind.contains("ManyToMany") || kind.contains("Generic") || kind.contains("Taggable") {
        return Action::AddColumn;
    }
    let filled = changes.is(code.named(call, "null"), "True") || code.named(call, "db_default").is_some();
    match kind {
        "NullBooleanField" | "GeneratedField" => Action::AddColumn,
        _ if filled => Action::AddColumn,
        // Another library's field may fill itself.
        _ if !code.receiver(call).starts_with("models") => Action::AddColumn,
        "ForeignKey" | "OneToOneField" => Action::AddColumnNotNull,
        _ => Action::AddColumnNotNull,
    }
}

/// Pairs of application and migration in a list: `('shop', '0001_initial')` is `shop.0001_initial`.
pub(super) fn pairs(code: &Code<'_>, list: Range<usize>) -> Vec<String> {
    let Some(inner) = code.inside(list) else { return Vec::new() };
    let pair = |part: Range<usize>| match code.strings(part)[..] {
        [app, name] => Some(format!("{app}.{name}")),
        _ => None,
    };
    split(code.masked, inner).into_iter().filter_map(pair).collect()
}
