//! Migrations of Flyway that are written in Java or Kotlin.
//! <https://documentation.red-gate.com/flyway/flyway-concepts/migrations/java-based-migrations>

use super::braces::{mask, method};
use super::calls::Code;
use super::changes::Changes;
use super::whole;
use crate::facts::{Action, Migration, MigrationTool};
use crate::readers::Text;
use crate::readers::names::name;
use crate::text::Span;

pub(super) fn flyway(text: &Text<'_>) -> Option<Migration> {
    let masked = mask(text.text, false);
    if !masked.contains("JavaMigration") && !masked.contains("JdbcMigration") {
        return None;
    }
    let file = name(text.path);
    let (version, _) = file.get(1..)?.split_once("__")?;
    let forward = method(&masked, "migrate")?;
    let mut migration = whole(text, MigrationTool::Flyway, version.replace('_', "."));
    migration.repeatable = file.starts_with('R');
    migration.up = Some(Span::new(text.file, forward.body.clone()));
    let code = Code::new(text.text, &masked, forward.body);
    let mut changes = Changes::new(text, &code);
    for call in &code.calls {
        match code.name(call) {
            "execute" | "executeUpdate" | "prepareStatement" | "update" | "addBatch"
                if !call.arguments.is_empty() =>
            {
                changes.sql(call, code.argument(call, 0));
            }
            _ => {}
        }
    }
    if changes.found.is_empty() {
        let all = changes.at(code.calls.first().map_or(0..0, |call| code.range(call)), Action::RunCode);
        changes.found.push(all);
    }
    changes.tell(&mut migration);
    Some(migration)
}
