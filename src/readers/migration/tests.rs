use super::*;
use crate::facts::Facts;
use crate::lexicon::Environments;
use crate::readers::samples;
use crate::text::FileId;
use std::collections::BTreeMap;

/// Tool, id, way back, whether it changes nothing, and the text at its place.
fn read(path: &str, text: &str) -> Option<(String, String, String, bool, String)> {
    assert!(claims(path, false), "{path}");
    let parsed = samples::read(parse, path, text);
    let m = parsed.facts.migrations.first()?;
    let names = (m.tool.name().to_owned(), m.id.clone(), m.down.name().to_owned());
    Some((names.0, names.1, names.2, m.empty, text[m.back_or_head().range()].to_owned()))
}

#[track_caller]
fn check(path: &str, text: &str, tool: &str, down: &str, empty: bool) {
    let (seen_tool, _, seen_down, seen_empty, _) = read(path, text).expect("it is a migration");
    assert_eq!((seen_tool.as_str(), seen_down.as_str(), seen_empty), (tool, down, empty), "{path}: {text}");
}

const ALEMBIC: &str =
    "\"\"\"add user\n\nRevision ID: ab12\n\"\"\"\nrevision: str = 'ab12'\ndown_revision = 'cd34'\n\n";

#[test]
fn alembic() {
    let path = "alembic/versions/ab12_add_user.py";
    for (body, down, empty) in [
        (
            "def upgrade():\n    op.add_column()\n\ndef downgrade() -> None:\n    op.drop_column()\n",
            "full",
            false,
        ),
        (
            "def upgrade():\n    op.add_column()\n\ndef downgrade():\n    # never\n    pass\n",
            "only-comments",
            false,
        ),
        (
            "def upgrade():\n    op.add_column()\n\ndef downgrade():\n    \"\"\"No way\n back.\"\"\"\n    raise NotImplementedError(\n    )\n",
            "raises",
            false,
        ),
        ("def upgrade():\n    op.execute(\"\"\"\nDROP TABLE a\n\"\"\")\n", "missing", false),
        ("def upgrade():\n    pass\ndef downgrade():\n    pass\n", "empty", true),
        ("def upgrade():\n    op.x()\ndef downgrade(): pass\n", "empty", false),
        ("def upgrade():\n    op.x()\ndef downgrade():\n    op.execute('''\ndelete\n''')\n", "full", false),
    ] {
        check(path, &format!("{ALEMBIC}{body}"), "alembic", down, empty);
    }
    let merge = "revision = 'm'\ndown_revision = (\n    'a',\n    'b',\n)\ndef upgrade():\n    pass\ndef downgrade():\n    pass\n";
    check(path, merge, "alembic", "empty", true);
    let whole = read(path, &format!("{ALEMBIC}def upgrade():\n    x()\ndef downgrade():\n    y()\n"))
        .expect("it is one");
    assert_eq!((whole.1.as_str(), whole.4.as_str()), ("ab12", "def downgrade():"));
    assert_eq!(read(path, "print('no migration')"), None);
}

#[test]
fn django() {
    let path = "shop/migrations/0002_fill.py";
    let file = |operations: &str| {
        format!("class Migration(migrations.Migration):\n    operations = [{operations}]\n")
    };
    for (operations, down, empty) in [
        ("migrations.AddField('a', 'b')", "derived", false),
        ("migrations.RunPython(fill)", "missing", false),
        ("migrations.RunPython(fill, unfill)", "derived", false),
        ("migrations.RunPython(fill, atomic=True)", "missing", false),
        ("migrations.RunPython(code=fill, reverse_code=migrations.RunPython.noop)", "derived", false),
        ("migrations.RunSQL('a, b (', reverse_sql='c')", "derived", false),
        ("migrations.RunSQL(\"\"\"a, b\"\"\")", "missing", false),
        ("# RunPython(fill)\n", "derived", true),
        ("", "derived", true),
    ] {
        check(path, &file(operations), "django", down, empty);
    }
    assert_eq!(read(path, &file("migrations.RunPython(fill)")).expect("it is one").4, "RunPython");
}

#[test]
fn rails() {
    let path = "db/migrate/20240101000000_add_x.rb";
    let file = |body: &str| format!("class AddX < ActiveRecord::Migration[7.1]\n{body}end\n");
    for (body, down, empty) in [
        ("  def change\n    add_column :a, :b, :string\n  end\n", "derived", false),
        ("  def change\n    execute 'x'\n  end\n", "missing", false),
        (
            "  def change\n    reversible do |dir|\n      dir.up { execute 'x' }\n    end\n  end\n",
            "derived",
            false,
        ),
        ("  def change\n    remove_column :a, :b\n  end\n", "missing", false),
        ("  def change\n    remove_column :a, :b, :string\n  end\n", "derived", false),
        ("  def change\n  end\n", "derived", true),
        ("  def up\n    x\n  end\n\n  def down\n    # nothing\n  end\n", "only-comments", false),
        (
            "  def up\n    x\n  end\n\n  def down\n    raise ActiveRecord::IrreversibleMigration\n  end\n",
            "raises",
            false,
        ),
        ("  def up\n    x\n  end\n\n  def down\n    y\n  end\n", "full", false),
        ("  def up\n    x\n  end\n", "missing", false),
        ("  def up; x; end\n  def down; end\n", "empty", false),
    ] {
        check(path, &file(body), "rails", down, empty);
    }
    assert_eq!(read(path, &file("  def up\n    x\n  end\n")).expect("it is one").1, "20240101000000");
}

#[test]
fn scripts() {
    for (text, tool, down, empty) in [
        (
            "exports.up = function(knex) { return knex.schema.x('}') };\nexports.down = function(knex) { return knex.y() };",
            "knex",
            "full",
            false,
        ),
        (
            "exports.up = async (knex) => { await knex.x() }\nexports.down = async (knex) => {\n  // no\n}",
            "knex",
            "only-comments",
            false,
        ),
        (
            "exports.up = knex => knex.x();\nexports.down = knex => knex.schema.drop('a');",
            "knex",
            "full",
            false,
        ),
        (
            "export async function up(knex: Knex): Promise<void> { x() }\nexport async function down(knex: Knex): Promise<void> { throw new Error('x') }",
            "knex",
            "raises",
            false,
        ),
        ("export async function up(knex: Knex) { x() }", "knex", "missing", false),
        (
            "module.exports = {\n  async up(queryInterface, S) { a() },\n  async down(queryInterface, S) {\n    /* none */\n  }\n};",
            "sequelize",
            "only-comments",
            false,
        ),
        (
            "module.exports = {\n  up: (queryInterface) => queryInterface.a(),\n  down: (queryInterface) => { return Promise.resolve(); }\n};",
            "sequelize",
            "empty",
            false,
        ),
        (
            "export class A implements MigrationInterface {\n  public async up(q: QueryRunner): Promise<void> { a(`up {`) }\n  public async down(q: QueryRunner): Promise<void> {}\n}",
            "typeorm",
            "empty",
            false,
        ),
    ] {
        check("src/migrations/1588-add.ts", text, tool, down, empty);
    }
    for unclear in [
        "module.exports = 1",
        "exports.up = (k) => k.a();\nexports.down = noop;",
        "exports.up = (k) => { k.a('(') ;\n",
    ] {
        assert_eq!(read("migrations/1-helper.js", unclear), None, "{unclear}");
    }
    for (body, down) in
        [("Schema::drop('a');", "full"), ("//\n", "only-comments"), ("throw new X();", "raises")]
    {
        let text = format!(
            "<?php return new class extends Migration {{ public function up(): void {{ a(); }} public function down(): void {{ {body} }} }};"
        );
        check("database/migrations/2024_01_01_000000_x.php", &text, "laravel", down, false);
    }
    let text = "protected override void Up(MigrationBuilder m) { m.A(); }\nprotected override void Down(MigrationBuilder m)\n{\n}\n";
    check("Data/Migrations/20240101_X.cs", text, "ef-core", "empty", false);
}

#[test]
fn sections_of_sql() {
    for (text, tool, down, empty) in [
        ("-- +goose Up\nCREATE TABLE a();\n-- +goose Down\nDROP TABLE a;\n", "goose", "full", false),
        ("-- +goose Up\nCREATE TABLE a();\n-- +goose Down\n-- nothing\n", "goose", "only-comments", false),
        ("-- +goose Up\nCREATE TABLE a();\n", "goose", "missing", false),
        ("-- migrate:up\nA;\n\n-- migrate:down\n", "dbmate", "empty", false),
        ("-- +migrate Up\n-- nothing\n-- +migrate Down\n", "sql-migrate", "empty", true),
    ] {
        check("db/migrations/0001_a.sql", text, tool, down, empty);
    }
    assert_eq!(read("db/migrations/0001_a.sql", "CREATE TABLE a();").expect("numbered").0, "sql");
    assert_eq!(read("supabase/migrations/2024_a.sql", "CREATE TABLE a();").expect("it is one").2, "missing");
}

#[test]
fn halves_in_files_of_their_own_meet() {
    let files = [
        ("m/1_a.up.sql", "CREATE TABLE a();"),
        ("m/1_a.down.sql", "DROP TABLE a;"),
        ("m/2_b.up.sql", "A;"),
        ("m/3_c.up.sql", "A;"),
        ("m/3_c.down.sql", "-- no way back"),
        ("m/4_d.down.sql", "B;"),
        ("db/migration/V1.2__x.sql", "A;"),
        ("db/migration/U1.2__x.sql", "B;"),
        ("db/migration/V2__y.sql", "A;"),
        ("prisma/migrations/2024_x/migration.sql", "A;"),
        ("migrations/2024_y/up.sql", "A;"),
        ("migrations/2024_y/down.sql", "B;"),
    ];
    let environments = Environments::default();
    let (mut facts, mut trees) = (Facts::default(), BTreeMap::new());
    for (number, (path, text)) in files.iter().enumerate() {
        let file = FileId(number as u32);
        let parsed = parse(&Text { file, path, text, executable: false, environments: &environments });
        facts.append(parsed.facts);
        trees.insert(file, (*path, parsed.tree.expect("halves meet through their tree")));
    }
    let (file, mut unread) = (|_: &str| None, Vec::new());
    lower(
        &trees,
        &mut Lowering {
            file: &file,
            path: &|_| "",
            outside: &Default::default(),
            environments: &environments,
            facts: &mut facts,
            unread: &mut unread,
        },
    );
    let seen: Vec<_> = facts
        .migrations
        .iter()
        .map(|m| (m.tool.name(), m.id.as_str(), m.down.name(), files[m.back_or_head().file.0 as usize].0))
        .collect();
    assert_eq!(
        seen,
        [
            ("golang-migrate", "1_a", "full", "m/1_a.down.sql"),
            ("golang-migrate", "2_b", "missing", "m/2_b.up.sql"),
            ("golang-migrate", "3_c", "only-comments", "m/3_c.down.sql"),
            ("flyway", "1.2", "full", "db/migration/U1.2__x.sql"),
            ("flyway", "2", "missing", "db/migration/V2__y.sql"),
            ("prisma", "2024_x", "missing", "prisma/migrations/2024_x/migration.sql"),
            ("hasura", "2024_y", "full", "migrations/2024_y/down.sql"),
        ]
    );
}

/// Each change set: id, way back, what it does, and the text at its place.
#[track_caller]
fn change_sets(path: &str, text: &str, expected: &[(&str, &str, &str, &str)]) {
    assert!(claims(path, false), "{path}");
    let parsed = samples::read(parse, path, text);
    let one = |m: &Migration| {
        let actions: Vec<_> = m.operations.iter().map(|o| o.action.name()).collect();
        (m.id.clone(), m.down.name(), actions.join(" "), text[m.place.range()].to_owned())
    };
    let seen: Vec<_> = parsed.facts.migrations.iter().map(one).collect();
    let seen: Vec<_> = seen.iter().map(|(a, b, c, d)| (a.as_str(), *b, c.as_str(), d.as_str())).collect();
    assert_eq!(seen, expected, "{path}");
}

#[test]
fn liquibase_in_every_format() {
    change_sets(
        "src/main/resources/db/changelog/db.changelog-1.xml",
        "<databaseChangeLog>\n<changeSet author=\"a\" id=\"1\">\n<addColumn tableName=\"t\"><column name=\"c\" type=\"int\"><constraints nullable=\"false\"/></column></addColumn></changeSet>\n<changeSet author='a' id='2' dbms='oracle'><preConditions><tableExists tableName='t'/></preConditions><sql>UPDATE t SET c = 1 WHERE d &lt; 2; DROP TABLE u</sql><rollback>SELECT restore()</rollback></changeSet>\n<changeSet author='a' id='3'><dropTable tableName='t'/></changeSet>\n<changeSet author='a' id='4'><dropTable tableName='t'/><rollback/></changeSet>\n<changeSet author='a' id='5'><createTable tableName='v'/><createIndex tableName='v' indexName='i'><column name='c'/></createIndex></changeSet></databaseChangeLog>",
        &[
            ("a:1", "derived", "add-column-not-null-no-default", "<changeSet author=\"a\" id=\"1\">"),
            ("a:2", "full", "update drop-table", "<changeSet author='a' id='2' dbms='oracle'>"),
            ("a:3", "missing", "drop-table", "<changeSet author='a' id='3'>"),
            ("a:4", "empty", "drop-table", "<changeSet author='a' id='4'>"),
            ("a:5", "derived", "create-table create-index", "<changeSet author='a' id='5'>"),
        ],
    );
    change_sets(
        "src/main/resources/db/changelog/db.changelog-1.yaml",
        "databaseChangeLog:\n- changeSet:\n    id: 1\n    author: a\n    changes:\n    - renameColumn: {tableName: t, oldColumnName: c, newColumnName: d}\n- changeSet:\n    id: 2\n    author: a\n    changes:\n    - sql: DELETE FROM t\n    - modifyDataType:\n        tableName: t\n        columnName: c\n        newDataType: bigint\n    rollback: INSERT INTO t SELECT * FROM kept\n- include: {file: x.xml}\n",
        &[("a:1", "derived", "rename-column", "id"), ("a:2", "full", "delete-all type-rewrite", "id")],
    );
    change_sets(
        "db/changelog/1.json",
        r#"{"databaseChangeLog": [{"changeSet": {"id": "1", "author": "a", "changes": [{"dropColumn": {"tableName": "t", "columnName": "c"}}]}}]}"#,
        &[("a:1", "missing", "drop-column", "\"id\"")],
    );
    change_sets(
        "db/changelog/1.sql",
        "--liquibase formatted sql\n\n--changeset a:1 runInTransaction:false\nCREATE INDEX CONCURRENTLY i ON t (c);\n--rollback DROP INDEX i;\n\n--changeset a:2\nDELETE FROM t;\n--rollback not required\n--changeset a:3\nALTER TABLE t DROP c;\n",
        &[
            ("a:1", "full", "create-index-concurrently", "--changeset a:1 runInTransaction:false"),
            ("a:2", "only-comments", "delete-all", "--changeset a:2"),
            ("a:3", "missing", "drop-column", "--changeset a:3"),
        ],
    );
}

#[test]
fn files_around_tell_the_tool_and_the_database() {
    let files = [
        ("drizzle/0000_a.sql", "CREATE TABLE a (b int);"),
        ("drizzle/meta/_journal.json", r#"{"dialect": "mysql", "entries": []}"#),
        ("prisma/migrations/1_a/migration.sql", "CREATE TABLE a (b int);"),
        ("prisma/migrations/migration_lock.toml", "provider = \"sqlite\"\n"),
        ("service/Cargo.toml", "[package]\nname = \"a\"\n"),
        ("service/migrations/1_a.sql", "CREATE TABLE a (b int);"),
        ("service/migrations/2_b/up.sql", "CREATE TABLE a (b int);"),
        ("service/migrations/V3__c.sql", "CREATE TABLE a (b int);"),
        ("migrations/postgres/4_d.sql", "CREATE TABLE a (b int);"),
    ];
    let repository = samples::repository(&files);
    let seen: Vec<_> = repository
        .facts
        .migrations
        .iter()
        .map(|m| (repository.path(m.place), m.tool.name(), m.database.map_or("", |d| d.name())))
        .collect();
    assert_eq!(
        seen,
        [
            ("drizzle/0000_a.sql", "drizzle", "mysql"),
            ("migrations/postgres/4_d.sql", "sql", "postgresql"),
            ("prisma/migrations/1_a/migration.sql", "prisma", "sqlite"),
            ("service/migrations/1_a.sql", "sqlx", ""),
            ("service/migrations/2_b/up.sql", "diesel", ""),
            ("service/migrations/V3__c.sql", "refinery", ""),
        ]
    );
}

#[test]
fn flyway_is_asked_how_migrations_are_named() {
    let files = [
        (
            "flyway.conf",
            "flyway.locations=filesystem:supabase/sql, s3:x\nflyway.sqlMigrationPrefix=\nflyway.sqlMigrationSeparator=_\n",
        ),
        ("supabase/sql/20240101_a.sql", "CREATE TABLE a (b int);"),
        ("supabase/sql/seed.sql", "INSERT INTO a VALUES (1);"),
        (
            "shop/src/main/resources/application.yml",
            "spring:\n  flyway:\n    locations: classpath:db/{vendor}\n    sql-migration-prefix: M\n    undo-sql-migration-prefix: B\n    sql-migration-suffixes: [.sql, .pkb]\n",
        ),
        ("shop/src/main/resources/db/oracle/M1.2__a.pkb", "CREATE TABLE a (b int);"),
        ("shop/src/main/resources/db/oracle/B1.2__a.sql", "DROP TABLE a;"),
        ("shop/src/main/resources/db/oracle/M2__b.sql", "CREATE TABLE b (b int);"),
        ("shop/src/main/resources/db/oracle/B2__b.sql", "-- nothing\n"),
        ("shop/src/main/resources/db/oracle/R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT 1;"),
        ("other/sql/M1.2__a.sql", "CREATE TABLE a (b int);"),
        // No tool would run it.
        ("other/migrations/helpers.sql", "CREATE TABLE a (b int);"),
        ("legacy/src/main/resources/application.properties", "spring.flyway.enabled=true\n"),
        ("legacy/src/main/resources/db/migration/V1__a.sql", "CREATE TABLE a (b int);"),
    ];
    let repository = samples::repository(&files);
    let row = |m: &Migration| {
        let name = repository.path(m.place).rsplit('/').next().unwrap_or("").to_owned();
        (name, m.tool.name(), m.id.clone(), m.down.name(), m.repeatable)
    };
    let seen: Vec<_> = repository.facts.migrations.iter().map(row).collect();
    let expected = [
        ("V1__a.sql", "1", "missing", false),
        ("M1.2__a.pkb", "1.2", "full", false),
        ("M2__b.sql", "2", "only-comments", false),
        ("R__view.sql", "R__view", "missing", true),
        ("20240101_a.sql", "20240101", "missing", false),
    ];
    let expected =
        expected.map(|(name, id, down, again)| (name.to_owned(), "flyway", id.to_owned(), down, again));
    assert_eq!(seen, expected);
}

#[test]
fn tools_are_told_to_leave_the_transaction() {
    let files = [
        ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
        ("a/migrations/1_a.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (c);"),
        ("a/migrations/2_b.up.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t (c);"),
        ("a/migrations/3_c/metadata.toml", "run_in_transaction = false\n"),
        ("a/migrations/3_c/up.sql", "CREATE INDEX CONCURRENTLY i ON t (c);"),
        ("a/migrations/4_d/metadata.toml", "run_in_transaction = true\n"),
        ("a/migrations/4_d/up.sql", "CREATE TABLE d (e int);"),
        ("b/go.mod", "module b\n"),
        ("b/migrations/1_a.up.sql", "-- no-transaction\nCREATE TABLE d (e int);"),
    ];
    let repository = samples::repository(&files);
    let row = |m: &Migration| (m.tool.name(), m.transactional);
    let seen: Vec<_> = repository.facts.migrations.iter().map(row).collect();
    assert_eq!(
        seen,
        [
            ("sqlx", Some(false)),
            ("sqlx", Some(false)),
            ("diesel", Some(false)),
            ("diesel", Some(true)),
            ("golang-migrate", None),
        ]
    );
}

#[test]
fn hostile_files_end() {
    for path in [
        "alembic/versions/a.py",
        "a/migrations/0001_a.py",
        "db/migrate/1_a.rb",
        "migrations/1.js",
        "a/migrations/1.php",
        "Migrations/1.cs",
        "migrations/1.sql",
        "db/changelog/1.sql",
        "db/changelog/1.xml",
        "db/changelog/1.yaml",
        "prisma/migrations/migration_lock.toml",
    ] {
        samples::endure(parse, path);
    }
    samples::read(
        parse,
        "a/migrations/0001_a.py",
        &format!("class Migration:\n operations = [{}", "RunSQL(".repeat(3_000)),
    );
    samples::read(parse, "migrations/1.js", &"down: (".repeat(3_000));
}
