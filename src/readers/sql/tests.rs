use super::*;
use crate::text::{FileId, Passage, Span};

fn sql(text: &str) -> Sql {
    let found = read(&Passage::contiguous(FileId(0), text, 0), None);
    for operation in &found.operations {
        assert!(text.get(operation.place.range()).is_some(), "{text:?}");
    }
    found
}

/// Each operation, after settling: action, table, column, name, with a mark for its own.
fn told(text: &str) -> Vec<String> {
    let mut migration = Migration::new(Span::start_of(FileId(0)), crate::facts::MigrationTool::Sql, "1");
    sql(text).tell(&mut migration);
    migration.settle();
    let part = |name: &Option<Box<str>>| name.as_ref().map_or(String::new(), |n| format!(" {n}"));
    let one = |o: &Operation| {
        let own = if o.own { "own " } else { "" };
        format!("{own}{}{}{}{}", o.action, part(&o.table), part(&o.column), part(&o.name))
    };
    migration.operations.iter().map(one).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(told(text), expected, "{text}");
}

#[test]
fn columns() {
    check("ALTER TABLE a ADD COLUMN b int", &["add-column a b"]);
    check("ALTER TABLE a ADD b int NOT NULL", &["add-column-not-null-no-default a b"]);
    check(
        "ALTER TABLE a ADD b int NOT NULL DEFAULT 0, ADD c int",
        &["add-column-default a b", "add-column a c"],
    );
    check(
        "ALTER TABLE [dbo].[A] ADD [B] int NOT NULL, [C] int NULL",
        &["add-column-not-null-no-default a b", "add-column a c"],
    );
    check(
        "ALTER TABLE a ADD (b NUMBER(1) NOT NULL, c DATE)",
        &["add-column-not-null-no-default a b", "add-column a c"],
    );
    check(
        "ALTER TABLE a ADD id uuid NOT NULL DEFAULT gen_random_uuid()",
        &["add-column-computed-default a id"],
    );
    check(
        "ALTER TABLE IF EXISTS ONLY \"public\".\"A\" DROP COLUMN IF EXISTS \"B\" CASCADE",
        &["drop-column a b"],
    );
    check("ALTER TABLE a DROP COLUMN b, c", &["drop-column a b", "drop-column a c"]);
    check("ALTER TABLE a DROP b, DROP CONSTRAINT c", &["drop-column a b", "drop-constraint a c"]);
    check(
        "ALTER TABLE a RENAME COLUMN b TO c; ALTER TABLE a RENAME d TO e; ALTER TABLE a RENAME TO f",
        &["rename-column a b c", "rename-column a d e", "rename-table a f"],
    );
    check("ALTER TABLE shop_id_seq RENAME TO store_id_seq", &["other shop_id_seq store_id_seq"]);
    check(
        "EXEC sp_rename 'dbo.A.B', 'C', 'COLUMN'; EXEC sp_rename 'A', 'D'",
        &["rename-column a b c", "rename-table a d"],
    );
    check(
        "ALTER TABLE `a` CHANGE `b` `c` int, CHANGE d d text, MODIFY e varchar(20)",
        &["rename-column a b c", "type-widen a d", "type-change a e"],
    );
    check(
        "ALTER TABLE a ALTER COLUMN b TYPE bigint, ALTER c SET DATA TYPE text, ALTER d TYPE date USING d::date",
        &["type-rewrite a b", "type-widen a c", "type-change a d"],
    );
    check(
        "ALTER TABLE a ALTER b SET NOT NULL, ALTER c DROP NOT NULL, ALTER d SET DEFAULT 1, ALTER e DROP DEFAULT",
        &["set-not-null a b", "drop-not-null a c", "set-default a d", "drop-default a e"],
    );
}

#[test]
fn constraints_and_indexes() {
    check(
        "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (e) ON DELETE SET NULL",
        &["add-foreign-key a b c"],
    );
    check(
        "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c",
        &["add-constraint-not-valid a b c", "validate-constraint a c"],
    );
    check("ALTER TABLE a WITH NOCHECK ADD CONSTRAINT c CHECK (b > 0)", &["add-constraint-not-valid a b c"]);
    check(
        "ALTER TABLE a ADD UNIQUE (b), ADD PRIMARY KEY (c), ADD UNIQUE KEY `k` (`d`), ADD INDEX i (e)",
        &["add-unique a b", "add-primary-key a c", "add-unique a d k", "create-index a e i"],
    );
    check(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a USING gin (b)",
        &["create-index-concurrently a b i"],
    );
    check("CREATE UNIQUE INDEX i ON ONLY a (lower(b))", &["add-unique a i"]);
    check(
        "CREATE NONCLUSTERED INDEX [I] ON [dbo].[A] ([B]) WITH (ONLINE = ON)",
        &["create-index-concurrently a b i"],
    );
    check(
        "ALTER TABLE a DROP CONSTRAINT c; ALTER TABLE a ADD CONSTRAINT c CHECK (b IN (1, 2, 3))",
        &["drop-constraint a c", "replace-constraint a b c"],
    );
}

#[test]
fn what_the_migration_makes_is_its_own() {
    check(
        "CREATE TABLE a (b int); CREATE INDEX i ON a (b); ALTER TABLE a ALTER b SET NOT NULL; UPDATE a SET b = 1",
        &["own create-table a", "own create-index a b i", "own set-not-null a b", "own update-all a b"],
    );
    check(
        "ALTER TABLE a ADD b int; UPDATE a SET b = 1; ALTER TABLE a ALTER b SET NOT NULL",
        &["add-column a b", "update-all a b", "set-not-null a b"],
    );
    check(
        "ALTER TABLE a ADD b int; ALTER TABLE a ALTER b SET DEFAULT 1; ALTER TABLE a ALTER b SET NOT NULL",
        &["add-column a b", "set-default a b", "own set-not-null a b"],
    );
    // https://sqlite.org/lang_altertable.html#otheralter
    check(
        "CREATE TABLE new_a (b); INSERT INTO new_a SELECT * FROM a; DROP TABLE a; ALTER TABLE new_a RENAME TO a",
        &["own create-table new_a", "own insert new_a", "rebuild-table a", "own rename-table new_a a"],
    );
    check(
        "DROP VIEW v; CREATE VIEW v AS SELECT 1; DROP VIEW w",
        &["other v", "create-view v", "drop-view w"],
    );
}

#[test]
fn rows() {
    check("UPDATE a SET b = 1 WHERE c; UPDATE d SET e = 1", &["update a b", "update-all d e"]);
    check(
        "DELETE FROM a WHERE b; DELETE FROM c; TRUNCATE TABLE d, e",
        &["delete a", "delete-all c", "truncate d", "truncate e"],
    );
    check(
        "INSERT INTO a (b) VALUES (1); INSERT INTO c SELECT 1 ON CONFLICT (d) DO UPDATE SET e = 2; REPLACE INTO f VALUES (1)",
        &["insert a", "merge c", "merge f"],
    );
    check(
        "WITH x AS (SELECT 1) UPDATE a SET b = 1 FROM x; WITH d AS (DELETE FROM c WHERE e RETURNING *) SELECT 1 FROM d",
        &["update a b", "delete c"],
    );
    check(
        "COPY a (b) FROM stdin;\n1\n\\.\nMERGE INTO c USING d ON e WHEN MATCHED THEN UPDATE SET f = 1",
        &["insert a", "merge c"],
    );
}

#[test]
fn bodies_that_run_are_read_and_those_that_are_stored_are_not() {
    check(
        "DO $$ BEGIN IF NOT EXISTS (SELECT 1) THEN ALTER TABLE a DROP COLUMN b; END IF; END $$",
        &["drop-column a b"],
    );
    check(
        "DO $$ BEGIN\n ALTER TABLE a ADD CONSTRAINT c CHECK (d);\nEXCEPTION WHEN duplicate_object THEN null;\nEND $$",
        &["add-check a d c"],
    );
    check("DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$", &["drop-table a"]);
    check(
        "CREATE FUNCTION f() RETURNS void AS $$ BEGIN DROP TABLE a; END $$ LANGUAGE plpgsql",
        &["create-routine f"],
    );
    check(
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END; DROP TABLE c",
        &["create-routine t", "drop-table c"],
    );
    check(
        "IF COL_LENGTH('[dbo].[A]', 'B') IS NULL\nBEGIN\n  ALTER TABLE [dbo].[A]\n  ADD [B] int NULL\nEND\nGO\nUPDATE [dbo].[A]\nSET [B] = 1\nGO\n",
        &["add-column a b", "update-all a b"],
    );
    check(
        "DROP TABLE a\nDROP TABLE b\nALTER TABLE c\nDROP COLUMN d\nGO",
        &["drop-table a", "drop-table b", "drop-column c d"],
    );
    check(
        "CREATE PROCEDURE p AS\nBEGIN\n DELETE FROM a;\n DROP TABLE b\nEND\nGO\nDROP TABLE c\nGO",
        &["create-routine p", "drop-table c"],
    );
    check(
        "-- +goose StatementBegin\nDROP TABLE a;\nCREATE FUNCTION f() AS $$ BEGIN DELETE FROM b; END $$;\nDROP TABLE c;\n-- +goose StatementEnd",
        &["drop-table a", "create-routine f", "drop-table c"],
    );
    check("ALTER TABLE a ON CLUSTER b MODIFY QUERY SELECT c, d FROM e", &["other a"]);
    check(
        "BEGIN\n  EXECUTE IMMEDIATE 'DROP TABLE a';\nEXCEPTION WHEN OTHERS THEN NULL;\nEND;\n/\n",
        &["drop-table a"],
    );
}

#[test]
fn timeouts_count_unless_they_wait_for_ever() {
    for (text, lock, statement) in [
        ("SET lock_timeout = '5s'", true, false),
        ("SET LOCAL lock_timeout TO '500ms'; SET statement_timeout = 60000", true, true),
        ("SET statement_timeout = 0; SET lock_timeout = '0'", false, false),
        ("SET LOCK_TIMEOUT 1800", true, false),
        ("SET LOCK_TIMEOUT -1", false, false),
        ("SET SESSION lock_wait_timeout = 5", true, false),
        ("SELECT set_config('lock_timeout', '5s', true)", true, false),
        ("SET search_path = a", false, false),
    ] {
        let found = sql(text);
        assert_eq!((found.lock_timeout, found.statement_timeout), (lock, statement), "{text}");
    }
}

#[test]
fn halves() {
    for (text, down) in [
        ("", Down::Empty),
        (" \n", Down::Empty),
        ("-- nothing", Down::OnlyComments),
        ("SELECT 1;", Down::OnlyComments),
        ("BEGIN; COMMIT;", Down::OnlyComments),
        ("DROP TABLE a", Down::Full),
        ("SELECT drop_it()", Down::Full),
        ("DO $$ BEGIN RAISE EXCEPTION 'no way back'; END $$", Down::Raises),
        ("SOMETHING ELSE", Down::Full),
    ] {
        assert_eq!(sql(text).does(), down, "{text}");
    }
}

#[test]
fn databases_and_phases() {
    for (text, database) in [
        ("CREATE TABLE a (b jsonb)", Some(Database::Postgresql)),
        ("CREATE TABLE `a` (`b` int AUTO_INCREMENT) ENGINE=InnoDB", Some(Database::Mysql)),
        ("PRAGMA foreign_keys=OFF", Some(Database::Sqlite)),
        ("ALTER TABLE a ADD b int\nGO", Some(Database::SqlServer)),
        ("CREATE TABLE a (b VARCHAR2(10))", Some(Database::Oracle)),
        ("CREATE TABLE a (b int)", None),
    ] {
        assert_eq!(sql(text).database, database, "{text}");
    }
    assert_eq!(
        sql("-- contract phase: nobody reads it since 2.3\nDROP TABLE a").phase,
        Some(Phase::Contract)
    );
    assert_eq!(sql("-- Expand step\nALTER TABLE a ADD b int").phase, Some(Phase::Expand));
    assert_eq!(sql("-- the contract of a customer\nDROP TABLE a").phase, None);
}

#[test]
fn hostile_sql_ends() {
    for piece in [
        "ALTER TABLE ",
        "ALTER TABLE a ADD (",
        "(",
        ")",
        "WITH a AS (",
        "DO $$ ",
        "EXECUTE 'EXECUTE ''",
        "CASE ",
        "IF ",
        "BEGIN ",
        "BEGIN\nDROP TABLE a\nEND\nGO\n",
        ",",
        "a.",
        "CREATE OR REPLACE ",
        "é",
        "$$",
        "DROP ",
    ] {
        sql(&piece.repeat(5_000));
    }
    sql(&format!("{}DROP TABLE a", "WITH x AS (SELECT 1) ".repeat(5_000)));
}
