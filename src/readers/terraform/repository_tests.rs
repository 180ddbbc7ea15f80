use crate::facts::{Repository, Resource, Shape, Stage};
use crate::readers::samples;

const MODULE: &str = r#"variable "size" { default = "small" }
variable "tags" { type = map(string) }
variable "enabled" { default = true }
locals {
  name = "db-${var.env}"
  days = { staging = 1, production = 30 }
}
variable "env" {}
resource "aws_db_instance" "main" {
  identifier              = local.name
  instance_class          = "db.${var.size}"
  multi_az                = var.env == "production" ? true : false
  backup_retention_period = local.days[var.env]
  deletion_protection     = lookup({}, "x", null)
  tags                    = var.tags
  storage_encrypted       = true
}
resource "aws_db_instance" "copy" {
  count = var.enabled ? 1 : 0
}
"#;

fn stage(resource: &Resource) -> Option<Stage> {
    resource.target.as_ref().and_then(|t| t.stage.known().copied())
}

fn said<'r>(repository: &'r Repository, resource: &Resource, path: &str) -> Option<(String, &'r str)> {
    resource.entry(path).map(|e| (e.setting.text(), repository.path(e.place)))
}

#[test]
fn modules_are_followed_with_their_arguments() {
    let root = |env: &str, more: &str| {
        format!(
            "module \"db\" {{\n  source = \"../../modules/db\"\n  env = \"{env}\"\n  tags = {{ owner = \"a\", env = local.env }}\n{more}}}\nlocals {{\n  env = \"{env}\"\n}}\n"
        )
    };
    let (staging, production) =
        (root("staging", "enabled = false\n"), root("production", "size = \"large\"\n"));
    let repository = samples::repository(&[
        ("modules/db/main.tf", MODULE),
        ("envs/staging/main.tf", &staging),
        ("envs/production/main.tf", &production),
    ]);
    let deployed = &repository.facts.deployed;
    let seen: Vec<_> = deployed.iter().map(|r| (stage(r), r.title(), r.shape)).collect();
    let row = |stage, name: &str| (Some(stage), format!("aws_db_instance.{name}"), Shape::Effective);
    assert_eq!(
        seen,
        [row(Stage::Production, "main"), row(Stage::Staging, "main"), row(Stage::Production, "copy")]
    );
    let (module, caller) = ("modules/db/main.tf", "envs/production/main.tf");
    for (path, wanted) in [
        ("identifier", Some(("db-production", caller))),
        ("instance_class", Some(("db.large", caller))),
        ("multi_az", Some(("true", module))),
        ("backup_retention_period", Some(("30", module))),
        ("tags.owner", Some(("a", caller))),
        ("tags.env", Some(("production", caller))),
        ("storage_encrypted", Some(("true", module))),
    ] {
        assert_eq!(said(&repository, &deployed[0], path), wanted.map(|(v, p)| (v.to_owned(), p)), "{path}");
    }
    assert_eq!(
        said(&repository, &deployed[1], "instance_class"),
        Some(("db.small".to_owned(), module)),
        "the default"
    );
    let shapes: Vec<_> =
        repository.facts.resources.iter().filter(|r| r.block == "resource").map(|r| r.shape).collect();
    assert_eq!(shapes, [Shape::Part, Shape::Part]);
}

#[test]
fn each_file_of_values_is_an_environment() {
    let repository = samples::repository(&[
        (
            "infra/main.tf",
            "variable \"copies\" { default = 1 }\nvariable \"zone\" {}\nresource \"a_b\" \"c\" {\n  copies = var.copies\n  zone = var.zone\n  fixed = 1\n}\n",
        ),
        ("infra/terraform.tfvars", "zone = \"eu\"\n"),
        ("infra/env/prod.tfvars", "copies = 3\n"),
        ("infra/env/staging.tfvars.json", "{\"copies\": 2}\n"),
    ]);
    let seen: Vec<_> = repository
        .facts
        .deployed
        .iter()
        .map(|r| (stage(r), said(&repository, r, "copies"), said(&repository, r, "zone"), r.is_closed("")))
        .collect();
    let zone = Some(("eu".to_owned(), "infra/terraform.tfvars"));
    let row = |stage, copies: &str, file| (Some(stage), Some((copies.to_owned(), file)), zone.clone(), true);
    let mut wanted = vec![
        row(Stage::Production, "3", "infra/env/prod.tfvars"),
        row(Stage::Staging, "2", "infra/env/staging.tfvars.json"),
    ];
    wanted.sort_by_key(|r| r.0);
    let mut sorted = seen;
    sorted.sort_by_key(|r| r.0);
    assert_eq!(sorted, wanted);
}

#[test]
fn blocks_repeat_over_environments_and_workspaces() {
    let each = "resource \"a_b\" \"c\" {\n  for_each = { staging = { n = 1 }, production = { n = 2 } }\n  name = \"x-${each.key}\"\n  copies = each.value.n\n}\nresource \"a_b\" \"d\" {\n  for_each = toset([\"staging\", \"production\"])\n  name = each.key\n}\nresource \"a_b\" \"e\" {\n  for_each = var.unknown\n  name = each.key\n}\n";
    let workspace = "locals {\n  copies = { default = 0, staging = 1, production = 3 }\n}\nresource \"a_b\" \"c\" {\n  copies = local.copies[terraform.workspace]\n}\n";
    let repository = samples::repository(&[("each/main.tf", each), ("work/main.tf", workspace)]);
    let all = |sort: &str, folder: &str| -> Vec<_> {
        let own = repository
            .facts
            .deployed
            .iter()
            .filter(|r| r.name.text() == sort && repository.path(r.place).starts_with(folder));
        own.map(|r| (stage(r), r.entry("name").or(r.entry("copies")).map(|e| e.setting.text()))).collect()
    };
    let (staging, production) = (Some(Stage::Staging), Some(Stage::Production));
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(all("c", "each"), [(staging, text("x-staging")), (production, text("x-production"))]);
    assert_eq!(all("d", "each"), [(staging, text("staging")), (production, text("production"))]);
    assert_eq!(all("e", "each"), [], "nothing is known of it");
    assert_eq!(all("c", "work"), [(staging, text("1")), (production, text("3"))]);
}

#[test]
fn circles_of_modules_and_locals_end() {
    let circle = "module \"a\" { source = \"../b\" }\nlocals {\n  x = local.y\n  y = \"${local.x}${local.x}\"\n}\nresource \"a_b\" \"c\" {\n  x = local.x\n}\n";
    let mut root = String::from("module \"a\" { source = \"./b\" }\nlocals {\n");
    for i in 0..300 {
        root.push_str(&format!("  l{i} = \"${{local.l{0}}}${{local.l{0}}}\"\n", i + 1));
    }
    root.push_str("}\nresource \"a_b\" \"c\" {\n  x = local.l0\n}\n");
    let nested = format!(
        "resource \"a_b\" \"c\" {{\n  x = {}var.a{}\n}}\nvariable \"a\" {{}}\n",
        "(".repeat(3_000),
        ")".repeat(3_000)
    );
    samples::repository(&[
        ("a/main.tf", circle),
        ("b/main.tf", &circle.replace("../b", "../a")),
        ("main.tf", &root),
        ("n/main.tf", &nested),
    ]);
}
