//! What migrations in program code change, tool by tool.

use super::*;
use crate::facts::Down;
use crate::readers::samples;

/// What a migration changes: action, table, column.
#[track_caller]
fn changes(path: &str, text: &str, expected: &[(&str, &str, &str)]) -> Migration {
    assert!(claims(path, false), "{path}");
    let parsed = samples::read(parse, path, text);
    let migration = parsed.facts.migrations.into_iter().next().expect("it is a migration");
    let seen: Vec<_> = migration
        .operations
        .iter()
        .map(|o| (o.action.name(), o.table.as_deref().unwrap_or(""), o.column.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(seen, expected, "{path}: {text}");
    for operation in &migration.operations {
        assert!(!text[operation.place.range()].trim().is_empty(), "every change has a place");
    }
    migration
}

#[test]
fn alembic_operations_batches_and_sql() {
    let text = r#"
revision = "b2"
down_revision: Union[str, None] = "a1"

def upgrade() -> None:
    op.create_table("logs", sa.Column("id", sa.Integer(), nullable=False))
    op.add_column("users", sa.Column("state", sa.String(10), nullable=False))
    op.add_column("users", sa.Column("kind", sa.String(), nullable=False, server_default="x"))
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_column("note")
        batch_op.alter_column("total", existing_type=sa.VARCHAR(length=10), type_=sa.String(length=20))
    op.alter_column("users", "mail", new_column_name="email")
    op.alter_column("users", "name", existing_type=sa.Text(), nullable=False)
    op.create_index("ix", "users", ["mail"], unique=True)
    op.create_index("iy", "users", ["name"], postgresql_concurrently=True)
    op.execute("DROP TABLE old")
    op.execute(sa.text("UPDATE users SET a = 1 WHERE b = 2"))
    conn.execute("select 1 from users")

def downgrade() -> None:
    op.drop_table("logs")
"#;
    let migration = changes(
        "alembic/versions/b2_x.py",
        text,
        &[
            ("create-table", "logs", ""),
            ("add-column-not-null-no-default", "users", "state"),
            ("add-column", "users", "kind"),
            ("drop-column", "orders", "note"),
            ("type-widen", "orders", "total"),
            ("rename-column", "users", "mail"),
            ("set-not-null", "users", "name"),
            ("add-unique", "users", ""),
            ("create-index-concurrently", "users", ""),
            ("drop-table", "old", ""),
            ("update", "users", "a"),
        ],
    );
    assert_eq!((migration.parents, migration.down), (vec!["a1".to_owned()], Down::Full));
}

#[test]
fn django_operations_parents_and_squashes() {
    let text = r#"
class Migration(migrations.Migration):
    atomic = False
    replaces = [("shop", "0001_a"), ("shop", "0002_b")]
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_user"),
    ]

    operations = [
        migrations.CreateModel(name="Order", fields=[("id", models.AutoField(primary_key=True))]),
        migrations.AddField(model_name="user", name="state", field=models.CharField(max_length=9, default="")),
        migrations.AddField("user", "note", models.TextField(null=True)),
        migrations.AddField("order", "note", models.TextField()),
        migrations.RemoveField(model_name="user", name="old"),
        migrations.RenameField("user", "a", "b"),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("ALTER TABLE t DROP COLUMN c", reverse_sql="SELECT 1")],
            state_operations=[migrations.DeleteModel("Gone")],
        ),
        migrations.AddConstraint(model_name="user", constraint=models.UniqueConstraint(fields=["a"], name="u")),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(fill_more),
    ]
"#;
    let migration = changes(
        "shop/migrations/0003_c.py",
        text,
        &[
            ("create-table", "order", ""),
            ("add-column-not-null-no-default", "user", "state"),
            ("add-column", "user", "note"),
            ("add-column-not-null-no-default", "order", "note"),
            ("drop-column", "user", "old"),
            ("rename-column", "user", "a"),
            ("drop-column", "t", "c"),
            ("add-unique", "user", ""),
            ("data-code", "", ""),
            ("data-code", "", ""),
        ],
    );
    assert!(migration.operations[3].own, "its table is made in the same migration");
    assert_eq!(migration.parents, ["auth.0012_user"]);
    assert_eq!(migration.replaces, ["shop.0001_a", "shop.0002_b"]);
    assert_eq!((migration.transactional, migration.down), (Some(false), Down::Missing));
    let built = "class Migration(migrations.Migration):\n    operations = [TrigramExtension()] + [AddIndexConcurrently(m, x) for m in ALL]\n";
    changes(
        "shop/migrations/0004_d.py",
        built,
        &[("create-object", "", ""), ("create-index-concurrently", "", "")],
    );
}

#[test]
fn rails_statements_blocks_and_here_documents() {
    let text = r#"
class A < ActiveRecord::Migration[7.1]
  disable_ddl_transaction!

  def change
    add_column :users, :state, :string, null: false
    add_column(:users, :kind, :string, null: false, default: "x")
    add_index :users, %i[a b], algorithm: :concurrently
    add_reference :orders, :user, null: false, foreign_key: true
    safety_assured { remove_column :users, :old, :string }
    change_column_null :users, :mail, false
    rename_table :a, :b if table_exists?(:a)
    change_table :shops, bulk: true do |t|
      t.remove :x
      t.string :y, null: false
    end
    reversible do |dir|
      dir.up do
        execute <<~SQL.squish
          UPDATE users SET a = 1
            WHERE b IS NULL
        SQL
      end
      dir.down do
        execute "DROP TABLE never"
      end
    end
    User.find_each { |u| u.update!(a: 1) }
  end
end
"#;
    let migration = changes(
        "db/migrate/20260101000000_a.rb",
        text,
        &[
            ("add-column-not-null-no-default", "users", "state"),
            ("add-column", "users", "kind"),
            ("create-index-concurrently", "users", "a"),
            ("add-column-not-null-no-default", "orders", "user_id"),
            ("drop-column", "users", "old"),
            ("set-not-null", "users", "mail"),
            ("rename-table", "a", ""),
            ("drop-column", "shops", "x"),
            ("add-column-not-null-no-default", "shops", "y"),
            ("update", "users", "a"),
            ("data-code", "", ""),
        ],
    );
    assert_eq!((migration.transactional, migration.down), (Some(false), Down::Derived));
}

#[test]
fn javascript_of_four_tools() {
    let knex = "exports.up = async (knex) => {\n  await knex.schema.alterTable('users', (table) => {\n    table.string('state').notNullable();\n    table.string('kind').notNullable().defaultTo('x');\n    table.dropColumn('old');\n    table.integer('n').alter();\n  });\n  await knex('users').where({ a: 1 }).update({ b: 2 });\n  await knex.raw('DROP TABLE gone');\n};\nexports.down = async () => {};";
    let migration = changes(
        "migrations/20260101_a.js",
        knex,
        &[
            ("add-column-not-null-no-default", "users", "state"),
            ("add-column", "users", "kind"),
            ("drop-column", "users", "old"),
            ("type-change", "users", "n"),
            ("update", "users", ""),
            ("drop-table", "gone", ""),
        ],
    );
    assert_eq!(migration.down, Down::Empty);
    let sequelize = "module.exports = {\n  async up(queryInterface, Sequelize) {\n    await queryInterface.addColumn('users', 'state', { type: Sequelize.STRING, allowNull: false });\n    await queryInterface.addIndex('users', ['state'], { concurrently: true });\n    await queryInterface.removeColumn('users', 'old');\n    await queryInterface.sequelize.query('UPDATE users SET a = 1');\n  },\n  async down(queryInterface) { throw new Error('no'); },\n};";
    let migration = changes(
        "migrations/20260101_a.js",
        sequelize,
        &[
            ("add-column-not-null-no-default", "users", "state"),
            ("create-index-concurrently", "users", ""),
            ("drop-column", "users", "old"),
            ("update-all", "users", "a"),
        ],
    );
    assert_eq!(migration.down, Down::Raises);
    let typeorm = "export class A1 implements MigrationInterface {\n  async up(queryRunner: QueryRunner): Promise<void> {\n    await queryRunner.query(`ALTER TABLE \"users\" ADD \"a\" int`);\n    await queryRunner.dropColumn('users', 'old');\n    const rows = await queryRunner.query('SELECT id FROM users');\n  }\n  async down(queryRunner: QueryRunner): Promise<void> { await queryRunner.query('x'); }\n}";
    changes(
        "src/migrations/1700000000000-A.ts",
        typeorm,
        &[("add-column", "users", "a"), ("drop-column", "users", "old")],
    );
    let node_pg = "exports.up = (pgm) => {\n  pgm.createTable('a', { id: 'id' });\n  pgm.addColumns('users', { state: { type: 'text', notNull: true } });\n  pgm.alterColumn('users', 'mail', { notNull: true });\n};";
    let migration = changes(
        "migrations/1700000000000_a.js",
        node_pg,
        &[
            ("create-table", "a", ""),
            ("add-column-not-null-no-default", "users", "state"),
            ("set-not-null", "users", "mail"),
        ],
    );
    assert_eq!(migration.down, Down::Derived, "what is not written is derived");
}

#[test]
fn php_of_three_tools() {
    let laravel = "<?php\nreturn new class extends Migration {\n  public function up(): void {\n    Schema::create('a', function (Blueprint $table) { $table->id(); $table->string('x'); });\n    Schema::table('users', function (Blueprint $table) {\n      $table->string('state');\n      $table->string('kind')->nullable();\n      $table->dropColumn(['p', 'q']);\n      $table->text('n')->change();\n    });\n    DB::table('users')->where('a', 1)->update(['b' => 2]);\n    DB::statement('DROP TABLE gone');\n  }\n  public function down(): void { Schema::drop('a'); }\n};";
    changes(
        "database/migrations/2026_01_01_000000_a.php",
        laravel,
        &[
            ("create-table", "a", ""),
            ("add-column-not-null-no-default", "users", "state"),
            ("add-column", "users", "kind"),
            ("drop-column", "users", "p"),
            ("drop-column", "users", "q"),
            ("type-change", "users", "n"),
            ("update", "users", ""),
            ("drop-table", "gone", ""),
        ],
    );
    let doctrine = "<?php\nuse Doctrine\\Migrations\\AbstractMigration;\nfinal class Version20260101 extends AbstractMigration {\n  public function up(Schema $schema): void {\n    $this->addSql('ALTER TABLE users\n      DROP old');\n  }\n  public function down(Schema $schema): void { $this->throwIrreversibleMigrationException(); }\n}";
    changes("migrations/Version20260101.php", doctrine, &[("drop-column", "users", "old")]);
    let phinx = "<?php\nuse Phinx\\Migration\\AbstractMigration;\nclass A extends AbstractMigration {\n  public function change() {\n    $this->table('users')->addColumn('a', 'string', ['null' => true])->addIndex(['a'], ['unique' => true])->update();\n    $this->table('new')->addColumn('b', 'string')->create();\n  }\n}";
    let migration = changes(
        "db/migrations/20260101000000_a.php",
        phinx,
        &[("add-column", "users", "a"), ("add-unique", "users", ""), ("create-table", "new", "")],
    );
    assert_eq!(migration.down, Down::Derived);
}

#[test]
fn entity_framework_ecto_go_and_java() {
    let ef = "public partial class A : Migration {\n  protected override void Up(MigrationBuilder migrationBuilder) {\n    migrationBuilder.AddColumn<string>(name: \"State\", table: \"Users\", type: \"text\", nullable: false);\n    migrationBuilder.AddColumn<int>(name: \"N\", table: \"Users\", nullable: false, defaultValue: 0);\n    migrationBuilder.AlterColumn<string>(name: \"Mail\", table: \"Users\", nullable: false, oldClrType: typeof(string), oldNullable: true);\n    migrationBuilder.Sql(@\"\n      DELETE FROM Users\n      WHERE A = 1;\");\n  }\n  protected override void Down(MigrationBuilder migrationBuilder) { }\n}";
    let migration = changes(
        "Data/Migrations/20260101000000_A.cs",
        ef,
        &[
            ("add-column-not-null-no-default", "users", "state"),
            ("add-column", "users", "n"),
            ("set-not-null", "users", "mail"),
            ("delete", "users", ""),
        ],
    );
    assert_eq!(migration.down, Down::Empty);
    let ecto = "defmodule A do\n  use Ecto.Migration\n  @disable_ddl_transaction true\n\n  def change do\n    create table(:logs) do\n      add :x, :string\n    end\n\n    alter table(:users) do\n      add :state, :string, null: false\n      remove :old\n      modify :n, :text, from: :string\n    end\n\n    create unique_index(:users, [:state])\n    rename table(:a), to: table(:b)\n    execute(\"UPDATE users SET a = 1 WHERE b\", \"\")\n  end\nend\n";
    let migration = changes(
        "priv/repo/migrations/20260101000000_a.exs",
        ecto,
        &[
            ("create-table", "logs", ""),
            ("add-column", "logs", "x"),
            ("add-column-not-null-no-default", "users", "state"),
            ("drop-column", "users", "old"),
            ("type-change", "users", "n"),
            ("add-unique", "users", ""),
            ("rename-table", "a", ""),
            ("update", "users", "a"),
        ],
    );
    assert_eq!(
        (migration.down, migration.transactional),
        (Down::Missing, Some(false)),
        "`remove` lacks its type"
    );
    let go = "package migrations\n\nfunc init() { goose.AddMigrationContext(up1, nil) }\n\nfunc up1(ctx context.Context, tx *sql.Tx) error {\n\t_, err := tx.ExecContext(ctx, `ALTER TABLE users DROP COLUMN old`)\n\treturn err\n}\n";
    let migration = changes("migrations/00001_a.go", go, &[("drop-column", "users", "old")]);
    assert_eq!(migration.down, Down::Missing);
    let java = "public class V2_1__Users extends BaseJavaMigration {\n  public void migrate(Context context) throws Exception {\n    statement.execute(\"DROP TABLE old\");\n  }\n}\n";
    let migration =
        changes("src/main/java/db/migration/V2_1__Users.java", java, &[("drop-table", "old", "")]);
    assert_eq!(migration.id, "2.1");
}

#[test]
fn hostile_code_ends() {
    for path in [
        "priv/repo/migrations/1_a.exs",
        "migrations/1_a.go",
        "db/migration/V1__a.java",
        "migrations/Version1.php",
        "db/migrate/1_a.rb",
    ] {
        samples::endure(parse, path);
    }
    let deep = "a(".repeat(30_000);
    let chained = "x()".to_owned() + &".a()".repeat(30_000);
    for body in
        [deep, chained, "[".repeat(60_000), "execute <<~SQL\n".repeat(5_000), ".down do\n".repeat(5_000)]
    {
        samples::read(parse, "migrations/1.js", &format!("exports.up = (knex) => {{ {body} }}"));
        samples::read(parse, "a/migrations/0001_a.py", &format!("class Migration:\n operations = [{body}]"));
        samples::read(
            parse,
            "db/migrate/1_a.rb",
            &format!("class A < Migration\n  def change\n    {body}\n  end\nend\n"),
        );
        samples::read(
            parse,
            "priv/repo/migrations/1_a.exs",
            &format!("use Ecto.Migration\ndef change do\n {body}\nend\n"),
        );
    }
}
