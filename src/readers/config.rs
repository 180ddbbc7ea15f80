//! Configuration files of applications, as settings. Only what is configuration by its name or folder:
//! elsewhere a text scan looks around what it finds.

use super::images::is_open;
use super::names::{folder, name, problems, vendored, within};
use super::{Parsed, Text, kubernetes, migration, monitoring, pairs};
use crate::facts::{Basis, Setting, SettingSource, Target, Value, is_flag_registry, path_target};
use crate::lexicon::classify;
use crate::source::UnreadClass;
use crate::syntax::json::{self, Dialect};
use crate::syntax::toml;
use crate::syntax::tree::{Kind, Node, Tree};
use crate::syntax::yaml::{self, Mask};
use std::sync::Arc;

/// Larger files are data.
const LARGEST: usize = 1 << 20;

/// More settings of one file tell nothing more.
const MOST_SETTINGS: usize = 20_000;

/// Names of configuration files without their ending.
const STEMS: &[&str] =
    &["settings", "config", "database", "secrets", "credentials", "bootstrap", "application", "flyway"];

/// Names that go on: `application-prod.yml`, `values.staging.yaml`, `appsettings.Production.json`.
const FAMILIES: &[&str] = &["application", "bootstrap", "appsettings", "values", "settings", "config"];

const ENDINGS: &[&str] = &["yml", "yaml", "json", "toml", "ini", "properties", "cfg", "conf", "tfvars"];

pub(super) fn claims(path: &str, _: bool) -> bool {
    let Some((stem, ending)) = name(path).rsplit_once('.') else { return false };
    let promising = ENDINGS.contains(&ending) || matches!(ending, "service" | "conf");
    // Records that a team keeps as evidence are settings as well; answers of servers have a reader of their own.
    let evidence = path.starts_with(".plimsoll/evidence/");
    let hidden = || !evidence && path.split('/').any(|part| part.starts_with('.'));
    if !promising || vendored(path) || hidden() {
        return false;
    }
    // Units of systemd, and what is dropped beside them.
    // <https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html>
    if ending == "service" || ending == "conf" && folder(path).ends_with(".service.d") {
        return true;
    }
    if !ENDINGS.contains(&ending) || stem.ends_with(".schema") {
        return false;
    }
    if ending == "tfvars" || name(path).ends_with(".tfvars.json") {
        return true;
    }
    let family =
        |f: &str| stem.strip_prefix(f).is_some_and(|r| r.is_empty() || r.starts_with(['.', '-', '_']));
    STEMS.contains(&stem)
        || is_flag_registry(path)
        || (FAMILIES.iter().any(|f| family(f)) && ending != "conf")
        || in_config_folder(path)
}

/// Directly in a folder for configuration or one below it, such as `config/production/app.yml`; not
/// translations, schemas and samples, which lie there too.
fn in_config_folder(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "config",
        "conf",
        "configs",
        "settings",
        "configuration",
        "env",
        "environments",
        "deployment-logs",
        "change-records",
        "drills",
        "rollback-drills",
        "restore-tests",
        "evidence",
    ];
    const OTHERS: &[&str] = &[
        "locales",
        "locale",
        "i18n",
        "translations",
        "lang",
        "schema",
        "schemas",
        "fixtures",
        "testdata",
        "crd",
        "rbac",
        "test",
        "tests",
        "spec",
        "packages",
        "samples",
    ];
    let mut near = folder(path).rsplit('/').take(2);
    // Records of deployments, a file for each.
    if folder(path) == "logs/deployments" || folder(path).ends_with("/logs/deployments") {
        return true;
    }
    near.any(|part| FOLDERS.contains(&part)) && !within(path, OTHERS)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    if text.text.len() > LARGEST {
        let reason = "larger than 1 MiB: its settings were not read".to_owned();
        parsed.problems.push((UnreadClass::TooLarge, reason));
        return parsed;
    }
    let target = path_target(text.path, text.file, text.environments);
    let (tree, format) = match text.path.rsplit('.').next().unwrap_or("") {
        "yml" | "yaml" => {
            let templated = ["{{", "{%", "<%"].iter().any(|m| text.text.contains(m));
            let mask = if templated { Mask::Templates } else { Mask::None };
            if kubernetes::is_manifest(text.text) {
                kubernetes::manifest_objects(text, mask, &mut parsed);
            }
            (yaml::parse(text.file, text.text, mask), "YAML")
        }
        "json" => (json::parse_as(text.file, text.text, Dialect::WithComments), "JSON"),
        "toml" => (toml::parse(text.file, text.text), "TOML"),
        _ => {
            parsed.facts.settings = pairs::settings(text, target.as_ref());
            parsed.facts.settings.truncate(MOST_SETTINGS);
            migration::flyway(text, &mut parsed);
            return parsed;
        }
    };
    parsed.problems = problems(&tree, format);
    if format == "YAML" {
        monitoring::settings(&tree, text, &mut parsed);
    }
    parsed.facts.settings.append(&mut settings(&tree, text, target));
    migration::flyway(text, &mut parsed);
    parsed
}

/// Reads a file that another reader claimed by its name, and that is none of its files.
pub(super) fn parse_other(text: &Text<'_>) -> Parsed {
    if kubernetes::is_manifest(text.text) {
        kubernetes::parse(text)
    } else if claims(text.path, text.executable) {
        parse(text)
    } else {
        Parsed::default()
    }
}

fn settings(tree: &Tree, text: &Text<'_>, target: Option<Target>) -> Vec<Setting> {
    let mut found = Vec::new();
    for document in tree.documents() {
        let target = profile(document, text).or(target.clone()).map(Arc::new);
        for (key, value) in document.entries() {
            // A top-level key with settings below it may be an environment (`production:` in database.yml).
            let own = key.as_str().filter(|_| value.kind() == Kind::Mapping);
            let own = own.and_then(|name| named(name, key, text)).map(Arc::new);
            let target = own.as_ref().or(target.as_ref());
            walk(key, value, &mut key.as_str().unwrap_or("").to_owned(), target, &mut found);
        }
    }
    found
}

/// The profile that a Spring document holds for.
/// <https://docs.spring.io/spring-boot/reference/features/external-config.html#features.external-config.files.activation-properties>
fn profile(document: Node<'_>, text: &Text<'_>) -> Option<Target> {
    let paths: [&[&str]; 4] = [
        &["spring", "config", "activate", "on-profile"],
        &["spring", "profiles"],
        &["spring.config.activate.on-profile"],
        &["spring.profiles"],
    ];
    let node = paths.iter().find_map(|path| document.at(path))?;
    named(node.as_str()?, node, text)
}

fn named(name: &str, node: Node<'_>, text: &Text<'_>) -> Option<Target> {
    classify(name, text.environments).map(|stage| Target {
        stage: Value::Known(stage),
        name: Value::Known(name.to_owned()),
        basis: Basis::Context,
        place: node.span(),
    })
}

/// Every scalar below `key`. A container behind an alias is met where it is anchored. Trees nest at most
/// 128 deep.
fn walk(
    key: Node<'_>,
    value: Node<'_>,
    path: &mut String,
    target: Option<&Arc<Target>>,
    into: &mut Vec<Setting>,
) {
    if into.len() >= MOST_SETTINGS {
        return;
    }
    let whole = path.len();
    match value.kind() {
        Kind::Scalar => {
            let (Some(name), Some(written)) = (key.as_str(), value.as_str()) else { return };
            into.push(Setting {
                place: value.span(),
                key: name.rsplit('.').next().unwrap_or(name).to_owned(),
                path: path.clone(),
                setting: known(written),
                source: SettingSource::Config,
                target: target.cloned(),
                key_place: key.span(),
            });
        }
        Kind::Mapping if !value.is_alias() => {
            for (key, value) in value.entries() {
                path.push('.');
                path.push_str(key.as_str().unwrap_or(""));
                walk(key, value, path, target, into);
                path.truncate(whole);
            }
        }
        Kind::Sequence if !value.is_alias() => {
            for (index, value) in value.items().enumerate() {
                path.push_str(&format!(".{index}"));
                walk(key, value, path, target, into);
                path.truncate(whole);
            }
        }
        _ => {}
    }
}

/// A value as configuration writes it: one with an expansion or a template is decided elsewhere.
pub(super) fn known(written: &str) -> Value<String> {
    let open = is_open(written) || written.starts_with("%{") || written.starts_with("#{");
    if open { Value::Expr(written.to_owned()) } else { Value::Known(written.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Stage;
    use crate::readers::samples;

    fn read(path: &str, text: &str) -> Vec<(String, String, String, Option<Stage>)> {
        let parsed = samples::read(parse, path, text);
        assert_eq!(parsed.problems, [], "{path}");
        let stage = |s: &Setting| s.target.as_ref().and_then(|t| t.stage.known().copied());
        let row =
            |s: &Setting| (s.path.clone(), s.setting.text(), text[s.place.range()].to_owned(), stage(s));
        parsed.facts.settings.iter().map(row).collect()
    }

    fn row(
        path: &str,
        value: &str,
        written: &str,
        stage: Option<Stage>,
    ) -> (String, String, String, Option<Stage>) {
        (path.into(), value.into(), written.into(), stage)
    }

    #[test]
    fn every_scalar_is_a_setting_with_its_path() {
        let yaml = "default: &default\n  host: \"db\"\nproduction:\n  <<: *default\n  password: <%= ENV['P'] %>\n  ports: [1, 2]\ntest: {}\nempty:\n";
        assert_eq!(
            read("config/database.yml", yaml),
            [
                row("default.host", "db", "\"db\"", None),
                row("production.password", "<%= ENV['P'] %>", "<%= ENV['P'] %>", Some(Stage::Production)),
                row("production.ports.0", "1", "1", Some(Stage::Production)),
                row("production.ports.1", "2", "2", Some(Stage::Production)),
            ]
        );
        let erb = "<% host = 'a: b' %>\nproduction:\n  host: <%= \"x: #{host}\" %>\n  password: 'é<%= a['b'] %>'\n<% if c %>\n  user: app\n<% end %>\n";
        assert_eq!(
            read("config/database.yml", erb),
            [
                row(
                    "production.host",
                    "<%= \"x: #{host}\" %>",
                    "<%= \"x: #{host}\" %>",
                    Some(Stage::Production)
                ),
                row("production.password", "é<%= a['b'] %>", "'é<%= a['b'] %>'", Some(Stage::Production)),
                row("production.user", "app", "app", Some(Stage::Production)),
            ]
        );
        assert_eq!(
            read("appsettings.Staging.json", "{ // note\n\"A\": {\"B\": true}, }"),
            [row("A.B", "true", "true", Some(Stage::Staging))]
        );
        assert_eq!(read("settings.toml", "[a]\nb = 'c'\n"), [row("a.b", "c", "'c'", None)]);
        assert_eq!(
            read("application.yml", "a: 1\n---\nspring:\n  profiles: prod\nb: 2\n")[2],
            row("b", "2", "2", Some(Stage::Production))
        );
        assert_eq!(
            read("charts/shop/values.yaml", "image: {tag: \"{{ .x }}\"}\n"),
            [row("image.tag", "{{ .x }}", "\"{{ .x }}\"", None)]
        );
    }

    #[test]
    fn lines_of_keys_and_values_are_settings_too() {
        let properties = "# x\nspring.datasource.url = jdbc:x\na:b\n";
        assert_eq!(
            read("src/main/resources/application-prod.properties", properties),
            [
                row("spring.datasource.url", "jdbc:x", "jdbc:x", Some(Stage::Production)),
                row("a", "b", "b", Some(Stage::Production)),
            ]
        );
        assert_eq!(
            read(
                "envs/prod.tfvars",
                "region = \"eu\" # here\nkey = <<EOT\na = b\nEOT\nlist = [\n  \"a\",\n]\nn = 3\n"
            ),
            [
                row("region", "eu", "\"eu\"", Some(Stage::Production)),
                row("n", "3", "3", Some(Stage::Production)),
            ]
        );
        assert_eq!(read("config/app.ini", "[db]\nhost=h\n"), [row("db.host", "h", "h", None)]);
    }

    #[test]
    fn claims_are_conservative() {
        for (path, claimed) in [
            ("config/database.yml", true),
            ("config/production/app.yaml", true),
            ("config/locales/de.yml", false),
            ("src/main/resources/application.properties", true),
            ("charts/x/values-prod.yaml", true),
            ("values.schema.json", false),
            ("x.tfvars", true),
            ("deploy/shop.service", true),
            ("deploy/shop.service.d/env.conf", true),
            ("tsconfig.json", false),
            (".vscode/settings.json", false),
            ("node_modules/a/config.json", false),
            ("src/app.yml", false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
        }
        for path in [
            "config/a.yml",
            "config/a.json",
            "config/a.toml",
            "a.tfvars",
            "config/a.properties",
            "config/a.ini",
        ] {
            samples::endure(parse, path);
        }
    }
}
