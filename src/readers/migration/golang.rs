//! Migrations in Go that goose runs, and what they change.
//! <https://pressly.github.io/goose/documentation/>

use super::braces::{body_of, mask};
use super::calls::Code;
use super::changes::Changes;
use super::{stem, whole};
use crate::facts::{Down, Migration, MigrationTool};
use crate::readers::Text;
use crate::text::Span;

pub(super) fn goose(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text, false);
    let all = Code::new(text.text, &masked, 0..masked.len());
    let registers = |name: &str| {
        matches!(
            name,
            "AddMigration"
                | "AddMigrationContext"
                | "AddMigrationNoTx"
                | "AddMigrationNoTxContext"
                | "AddNamedMigration"
                | "AddNamedMigrationContext"
                | "AddNamedMigrationNoTx"
                | "AddNamedMigrationNoTxContext"
        )
    };
    let call = all.calls.iter().find(|c| registers(all.name(c)) && all.receiver(c) == "goose")?;
    let named = usize::from(all.name(call).contains("Named"));
    let function = |at: usize| all.argument(call, at + named).map(|range| masked[range].to_owned());
    let (up, down) = (function(0)?, function(1)?);
    let forward = body_of(&masked, &up);
    let mut migration = whole(text, MigrationTool::Goose, stem(text.path));
    migration.transactional = Some(!all.name(call).contains("NoTx"));
    migration.up = forward.clone().map(|body| Span::new(text.file, body));
    migration.empty = up == "nil";
    (migration.down, migration.back) = match body_of(&masked, &down) {
        _ if down == "nil" => (Down::Missing, None),
        Some(body) => {
            let name = masked[..body.start].rfind(&down).unwrap_or(body.start);
            (
                does(&masked[body.clone()], &text.text[body]),
                Some(Span::new(text.file, name..name + down.len())),
            )
        }
        // It is written in another file.
        None => (Down::Full, None),
    };
    if let Some(body) = forward {
        let code = Code::new(text.text, &masked, body);
        let mut changes = Changes::new(text, &code);
        for call in &code.calls {
            match code.name(call) {
                "Exec" => changes.sql(call, code.argument(call, 0)),
                "ExecContext" => changes.sql(call, code.argument(call, 1)),
                _ => {}
            }
        }
        changes.tell(&mut migration);
    }
    Some(migration)
}

/// What the body of a reverse function does: `return nil` is nothing.
fn does(masked: &str, text: &str) -> Down {
    let squeezed: String = masked.split_whitespace().collect();
    match squeezed.as_str() {
        "" if text.trim().is_empty() => Down::Empty,
        "returnnil" if text.trim() == "return nil" => Down::Empty,
        "" | "returnnil" => Down::OnlyComments,
        _ if squeezed.starts_with("returnerrors.New(") || squeezed.starts_with("returnfmt.Errorf(") => {
            Down::Raises
        }
        _ if squeezed.starts_with("panic(") => Down::Raises,
        _ => Down::Full,
    }
}
