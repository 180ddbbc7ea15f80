//! What a column's definition means for rows and programs that do not know it.

use super::cursor::Cursor;
use crate::facts::Action;

/// Functions whose value differs per row, so that PostgreSQL writes the whole table anew.
/// <https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES>
const VOLATILE: &[&str] = &[
    "gen_random_uuid",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
    "random",
    "clock_timestamp",
    "timeofday",
    "nextval",
    "gen_random_bytes",
];

/// What adding a column is whose definition (type and constraints) is this.
pub(super) fn added(definition: &Cursor<'_>) -> Action {
    let has = |word: &str| definition.find(&[word]).is_some();
    let serial = definition.is_one_of(0, &["serial", "bigserial", "smallserial", "serial4", "serial8"]);
    if serial || has("identity") || has("generated") && has("stored") || has("auto_increment") {
        return Action::AddColumnComputed;
    }
    if let Some(at) = definition.find(&["default"]) {
        // `DEFAULT NULL` leaves NULL in, so NOT NULL beside it would be an error.
        let call = definition.is_one_of(at + 1, VOLATILE) && definition.symbol(at + 2, b'(');
        return match call {
            true => Action::AddColumnComputed,
            false if definition.is(at + 1, "null") => Action::AddColumn,
            false => Action::AddColumnDefault,
        };
    }
    // Computed columns, and those that SQL Server fills itself.
    if has("generated")
        || definition.is(0, "as")
        || definition.is_one_of(0, &["rowversion", "timestamp"]) && has("rowversion")
    {
        return Action::AddColumnDefault;
    }
    let not_null = definition.find(&["not"]).is_some_and(|at| definition.is(at + 1, "null"));
    if not_null || has("primary") { Action::AddColumnNotNull } else { Action::AddColumn }
}

/// What changing a column's type to this one is. The old type stands in another file, so only types that hold what
/// nearly any other of their family holds count as wider.
pub(super) fn retyped(definition: &Cursor<'_>) -> Action {
    if definition.find(&["using"]).is_some() {
        return Action::TypeChange;
    }
    let size = if definition.symbol(1, b'(') { definition.text(2) } else { "" };
    let name = definition.text(0).trim_matches(['[', ']', '"', '`']).to_ascii_lowercase();
    match name.as_str() {
        "text" | "mediumtext" | "longtext" | "ntext" | "clob" | "nclob" | "longblob" | "citext" => {
            Action::TypeWiden
        }
        "varchar" | "nvarchar" | "varbinary" | "varchar2" | "nvarchar2" | "character" => {
            let size = if definition.is(1, "varying") { definition.text(3) } else { size };
            let wide = size.is_empty()
                || size.eq_ignore_ascii_case("max")
                || size.parse::<u32>().is_ok_and(|n| n >= 255);
            if wide { Action::TypeWiden } else { Action::TypeChange }
        }
        "bigint" | "int8" | "numeric" | "decimal" | "double" | "number" => Action::TypeRewrite,
        "enum" => Action::EnumAddition,
        _ => Action::TypeChange,
    }
}
