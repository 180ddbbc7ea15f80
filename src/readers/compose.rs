//! Compose files: images that services run, and the environment they get.
//! <https://docs.docker.com/reference/compose-file/services/>

mod services;

use super::images::{image, is_open};
use super::names::{ends, name, problems, vendored};
use super::{Parsed, Text};
use crate::facts::{ComposeFile, Setting, SettingSource, Stage, Target, Value, path_target};
use crate::syntax::tree::{Kind, Node, Step};
use crate::syntax::yaml::{self, Mask};
use crate::text::{Span, Spanned};
use std::sync::Arc;

/// More ports or limits of one service tell nothing more.
const MOST_LEAVES: usize = 100;

pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = name(path);
    let stem = ["docker-compose", "compose", "podman-compose"].iter().find_map(|s| name.strip_prefix(s));
    let stem = stem.is_some_and(|rest| rest.starts_with(['.', '-', '_']));
    stem && ends(name, &[".yml", ".yaml"]) && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::None);
    parsed.problems = problems(&tree, "YAML");
    let Some(root) = tree.root() else { return parsed };
    let mut compose = ComposeFile {
        place: root.key("services").map_or(Span::start_of(text.file), |key| key.span()),
        local_only: true,
        target: None,
        includes: services::includes(root, text.path),
        services: Vec::new(),
    };
    let Some(services) = root.get("services") else {
        if !compose.includes.is_empty() {
            parsed.facts.compose_files.push(compose);
        }
        return parsed;
    };
    let target = path_target(text.path, text.file, text.environments);
    let local_only = local_only(text.path, target.as_ref(), services);
    for (key, service) in services.merged_entries() {
        let Some(service_name) = key.as_str() else { continue };
        compose.services.extend(key.spanned().map(|name| services::service(name, service, text.path)));
        // Beside `build`, `image` names what is built.
        if service.get("build").is_none()
            && let Some(node) = service.get("image")
            && let Some(reference) = node.as_str()
        {
            let mut image = image(reference, node.span(), SettingSource::Service);
            image.last = true;
            image.local_only = local_only;
            // An image that several services share through an anchor is one reference.
            if !parsed.facts.base_images.iter().any(|b| b.place == image.place) {
                parsed.facts.base_images.push(image);
            }
        }
        if let Some(privileged) = service.get("privileged")
            && let Some(value) = privileged.spanned()
        {
            let path = format!("services.{service_name}.privileged");
            parsed.facts.settings.push(plain("privileged", path, value, &target));
        }
        for key in ["image", "ports", "deploy", "healthcheck", "user", "mem_limit"] {
            let path = format!("services.{service_name}.{key}");
            parsed.facts.settings.extend(leaves(service.get(key), key, &path, &target));
        }
        // One path, a list of them, or a list of `{path, required}`.
        let files = service.get("env_file").into_iter().flat_map(|f| f.one_or_more());
        for file in files.filter_map(|f| f.get("path").unwrap_or(f).spanned()) {
            parsed.facts.settings.push(plain(
                "env_file",
                format!("services.{service_name}.env_file"),
                file,
                &target,
            ));
        }
        if let Some(arguments) = service.at(&["build", "args"]) {
            let path = format!("services.{service_name}.build.args");
            parsed.facts.settings.extend(environment_settings(arguments, &path, target.as_ref()));
        }
        if let Some(environment) = service.get("environment") {
            let path = format!("services.{service_name}.environment");
            for setting in environment_settings(environment, &path, target.as_ref()) {
                if !parsed.facts.settings.iter().any(|s| s.place == setting.place && s.key == setting.key) {
                    parsed.facts.settings.push(setting);
                }
            }
        }
    }
    parsed.facts.settings.extend(leaves(root.get("networks"), "networks", "networks", &target));
    (compose.local_only, compose.target) = (local_only, target);
    parsed.facts.compose_files.push(compose);
    parsed
}

/// Every scalar below a key. What an anchor shares is said where it stands.
fn leaves(node: Option<Node<'_>>, key: &str, path: &str, target: &Option<Target>) -> Vec<Setting> {
    let leaves = node.into_iter().flat_map(|n| n.leaves()).take(MOST_LEAVES);
    let said = leaves.filter_map(|leaf| {
        let mut path = path.to_owned();
        for step in &leaf.path {
            path.push('.');
            match step {
                Step::Key(part) => path.push_str(part),
                Step::Item(index) => path.push_str(&index.to_string()),
            }
        }
        Some(plain(key, path, leaf.node.spanned()?, target))
    });
    said.collect()
}

/// A key of a service itself.
fn plain(key: &str, path: String, value: Spanned<String>, target: &Option<Target>) -> Setting {
    Setting {
        place: value.span,
        key: key.to_owned(),
        path,
        setting: if is_open(&value.value) { Value::Expr(value.value) } else { Value::Known(value.value) },
        source: SettingSource::Service,
        target: target.clone().map(Arc::new),
        key_place: value.span,
    }
}

/// Whether the file serves a developer's machine: its name says so, or it is the plain compose file of a
/// tree that builds its own services, which a deployment would fetch.
fn local_only(path: &str, target: Option<&Target>, services: Node<'_>) -> bool {
    const LOCAL: &[&str] = &["override", "dev", "devel", "local", "test", "tests", "testing", "ci", "debug"];
    if super::names::within(path, &[".devcontainer", "dev", "test", "tests", "e2e"]) {
        return true;
    }
    let stem = name(path).trim_end_matches(".yaml").trim_end_matches(".yml");
    let mut words =
        stem.split(['.', '-', '_']).skip_while(|w| matches!(*w, "docker" | "podman")).skip(1).peekable();
    if words.peek().is_none() {
        if target.is_some_and(|t| t.may_be(Stage::Production) || t.may_be(Stage::Staging)) {
            return false;
        }
        return services.entries().any(|(_, s)| s.get("build").is_some());
    }
    words.any(|w| LOCAL.contains(&w))
}

/// `environment:` in either form. A name without value is taken from the caller's environment, and so
/// says nothing.
fn environment_settings(node: Node<'_>, path: &str, target: Option<&Target>) -> Vec<Setting> {
    let setting = |key: &str, value: &str, key_place: Span, place: Span| Setting {
        place,
        key: key.to_owned(),
        path: format!("{path}.{key}"),
        setting: if is_open(&value.replace("$$", "")) {
            Value::Expr(value.to_owned())
        } else {
            Value::Known(value.replace("$$", "$"))
        },
        source: SettingSource::Service,
        target: target.cloned().map(Arc::new),
        key_place,
    };
    match node.kind() {
        Kind::Mapping => node
            .merged_entries()
            .into_iter()
            .filter_map(|(k, v)| Some(setting(k.as_str()?, v.as_str()?, k.span(), v.span())))
            .collect(),
        _ => node
            .items()
            .filter_map(|item| {
                let (key, value) = item.as_str()?.split_once('=')?;
                let passage = item.passage();
                let whole = passage.text().len();
                let key_place = passage.span(0..key.len());
                Some(setting(key, value, key_place, passage.span(key.len() + 1..whole)))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    const FILE: &str = r#"
x-env: &env
  LOG: debug
services:
  web:
    build: .
    image: shop/web:${TAG}
    ports: ["443:8080"]
    environment:
      <<: *env
      PORT: 8080
      URL: http://${HOST}/
      PRICE: "5$$"
      HOME:
  db:
    image: postgres:16.3@sha256:ab
    environment:
      - POSTGRES_PASSWORD=postgres
      - "LABEL=a b"
      - PGDATA
networks:
  all: { external: true }
"#;

    #[test]
    fn services_give_images_and_settings() {
        let parsed = samples::read(parse, "deploy/docker-compose.prod.yml", FILE);
        let images = &parsed.facts.base_images;
        assert_eq!(images.len(), 1, "what is built here is no base image");
        assert_eq!(&FILE[images[0].place.range()], "postgres:16.3@sha256:ab");
        assert_eq!((images[0].tag.as_deref(), images[0].local_only), (Some("16.3"), false));
        let seen: Vec<(&str, String, &str)> = parsed
            .facts
            .settings
            .iter()
            .map(|s| (s.path.as_str(), s.setting.text(), &FILE[s.place.range()]))
            .collect();
        assert_eq!(
            seen,
            [
                ("services.web.image", "shop/web:${TAG}".into(), "shop/web:${TAG}"),
                ("services.web.ports.0", "443:8080".into(), "\"443:8080\""),
                ("services.web.environment.PORT", "8080".into(), "8080"),
                ("services.web.environment.URL", "http://${HOST}/".into(), "http://${HOST}/"),
                ("services.web.environment.PRICE", "5$".into(), "\"5$$\""),
                ("services.web.environment.LOG", "debug".into(), "debug"),
                ("services.db.image", "postgres:16.3@sha256:ab".into(), "postgres:16.3@sha256:ab"),
                ("services.db.environment.POSTGRES_PASSWORD", "postgres".into(), "postgres"),
                ("services.db.environment.LABEL", "a b".into(), "a b"),
                ("networks.all.external", "true".into(), "true"),
            ]
        );
        assert!(matches!(parsed.facts.settings[3].setting, Value::Expr(_)));
        assert!(parsed.facts.settings[0].target.as_ref().is_some_and(|t| t.is(Stage::Production)));
    }

    #[test]
    fn a_file_for_developers_is_told_from_one_that_is_deployed() {
        let built = "services: {a: {build: .}, b: {image: x}}";
        let fetched = "services: {b: {image: x}}";
        for (path, text, local) in [
            ("docker-compose.yml", built, true),
            ("docker-compose.yml", fetched, false),
            ("compose.override.yaml", fetched, true),
            ("docker-compose.dev.yml", fetched, true),
            ("docker-compose-test.yml", fetched, true),
            (".devcontainer/local/docker-compose.yml", fetched, true),
            ("dev/docker-compose.yml", fetched, true),
            ("docker-compose.prod.yml", built, false),
            ("production/docker-compose.yml", built, false),
        ] {
            let parsed = samples::read(parse, path, text);
            assert_eq!(parsed.facts.base_images[0].local_only, local, "{path}: {text}");
        }
    }

    #[test]
    fn compose_files_are_claimed_by_name() {
        for (path, claimed) in [
            ("docker-compose.yml", true),
            ("a/compose.prod.yaml", true),
            ("docker-compose-ci.yml", true),
            ("composer.yml", false),
            ("compose.json", false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
        }
        samples::endure(parse, "compose.yml");
    }
}
