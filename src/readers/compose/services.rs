//! What one compose file says of its services.
//! <https://docs.docker.com/reference/compose-file/services/>

use crate::facts::normalise;
use crate::facts::{Dependency, Extends, Port, Readiness, Service};
use crate::readers::names::beside;
use crate::syntax::tree::{Kind, Node};
use crate::text::Spanned;

/// More of one thing of one service tell nothing more.
const MOST: usize = 100;

/// The service under this key of the compose file at `path`.
pub(super) fn service(name: Spanned<String>, node: Node<'_>, path: &str) -> Service {
    let mut service = Service::new(name);
    service.image = text(node, "image");
    if let Some(build) = node.get("build") {
        built(build, path, &mut service);
    }
    service.dependencies = dependencies(node);
    let list = |key: &str| node.get(key).into_iter().flat_map(|n| n.one_or_more()).take(MOST);
    service.profiles = list("profiles").filter_map(|n| n.spanned()).collect();
    service.ports = list("ports").filter_map(port).collect();
    for key in ["entrypoint", "command"] {
        service.command.extend(list(key).filter_map(|n| n.spanned()));
    }
    service.mounts = list("volumes").filter_map(mount).collect();
    service.secrets = list("secrets").filter_map(|n| n.get("source").unwrap_or(n).spanned()).collect();
    service.watches = node.at(&["develop", "watch"]).is_some();
    service.checked = node.get("healthcheck").map(|check| {
        let test = check.get("test").and_then(|t| t.one_or_more().next()).and_then(|t| t.as_str());
        check.get("disable").and_then(|d| d.as_bool()) != Some(true) && test != Some("NONE")
    });
    service.user = text(node, "user");
    service.bounded =
        node.get("mem_limit").is_some() || node.at(&["deploy", "resources", "limits"]).is_some();
    service.extends = node.get("extends").and_then(|n| extends(n, path));
    service.open = node.get("environment").is_some_and(is_passed_on);
    service
}

/// The other compose files that a root takes in, from the root of the tree.
pub(super) fn includes(root: Node<'_>, path: &str) -> Vec<Spanned<String>> {
    let entries = root.get("include").into_iter().flat_map(|n| n.one_or_more());
    let paths = entries.flat_map(|entry| match entry.get("path") {
        Some(paths) => paths.one_or_more().collect::<Vec<_>>(),
        None => vec![entry],
    });
    let written = paths.filter_map(|n| n.spanned()).take(MOST);
    written.filter_map(|p| Some(Spanned::new(normalise(&beside(path, &p.value))?, p.span))).collect()
}

fn text(node: Node<'_>, key: &str) -> Option<Spanned<String>> {
    node.get(key)?.spanned().filter(|t| !t.value.is_empty())
}

fn built(build: Node<'_>, path: &str, service: &mut Service) {
    let context = build.get("context").unwrap_or(build);
    let place = context.use_span();
    let written = context.as_str().unwrap_or(".");
    let folder = normalise(&beside(path, written)).unwrap_or_else(|| written.to_owned());
    let file = build.get("dockerfile").and_then(|d| d.as_str());
    service.dockerfile = file.and_then(|file| normalise(&format!("{folder}/{file}")));
    service.stage = build.get("target").and_then(|t| t.as_str()).map(str::to_owned);
    service.build = Some(Spanned::new(folder, place));
}

/// `depends_on`, and `links`, which order the start as well.
fn dependencies(node: Node<'_>) -> Vec<Dependency> {
    let mut all = waited_for(node);
    for link in node.get("links").into_iter().flat_map(|n| n.items()).take(MOST) {
        let name = link.as_str().and_then(|l| l.split(':').next()).unwrap_or("");
        if !name.is_empty() && !all.iter().any(|d| d.name == name) {
            let readiness = Readiness::Started;
            all.push(Dependency { place: link.span(), name: name.to_owned(), readiness });
        }
    }
    all
}

fn waited_for(node: Node<'_>) -> Vec<Dependency> {
    let Some(list) = node.get("depends_on") else { return Vec::new() };
    if list.kind() == Kind::Mapping {
        let entries = list.merged_entries().into_iter().take(MOST);
        return entries
            .filter_map(|(key, value)| {
                let readiness = match value.get("condition").and_then(|c| c.as_str()) {
                    Some("service_healthy") => Readiness::Healthy,
                    Some("service_completed_successfully") => Readiness::Completed,
                    _ => Readiness::Started,
                };
                Some(Dependency { place: key.span(), name: key.as_str()?.to_owned(), readiness })
            })
            .collect();
    }
    let items = list.one_or_more().take(MOST).filter_map(|n| n.spanned());
    items.map(|n| Dependency { place: n.span, name: n.value, readiness: Readiness::Started }).collect()
}

/// `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, or the long form.
fn port(node: Node<'_>) -> Option<Port> {
    let place = node.span();
    if node.kind() == Kind::Mapping {
        let part = |key: &str| node.get(key).and_then(|n| n.as_str()).map(str::to_owned);
        let place = node.get("published").or(node.get("target"))?.span();
        let (address, published) = (part("host_ip"), part("published"));
        return Some(Port { place, address, published, inner: part("target")? });
    }
    let written = node.as_str()?;
    let (rest, inner) = cut_last(written);
    let inner = inner.split('/').next().unwrap_or(inner).to_owned();
    let (address, published) = match rest.map(cut_last) {
        Some((address, published)) => (address.map(str::to_owned), Some(published.to_owned())),
        None => (None, None),
    };
    Some(Port { place, address, published, inner })
}

/// What stands before and behind the last colon outside `${…}`.
fn cut_last(text: &str) -> (Option<&str>, &str) {
    let mut depth = 0usize;
    let mut last = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => last = Some(at),
            _ => {}
        }
    }
    match last {
        Some(at) => (Some(&text[..at]), &text[at + 1..]),
        None => (None, text),
    }
}

fn mount(node: Node<'_>) -> Option<Spanned<String>> {
    let source = node.get("source").filter(|_| node.kind() == Kind::Mapping).unwrap_or(node);
    source.spanned()
}

fn extends(node: Node<'_>, path: &str) -> Option<Extends> {
    let place = node.use_span();
    if let Some(name) = node.as_str() {
        return Some(Extends { place, file: None, service: name.to_owned() });
    }
    let file = node.get("file").and_then(|f| f.as_str());
    Some(Extends {
        place,
        file: file.and_then(|file| normalise(&beside(path, file))),
        service: node.get("service")?.as_str()?.to_owned(),
    })
}

/// Whether a name stands without a value, which is then the caller's.
fn is_passed_on(environment: Node<'_>) -> bool {
    match environment.kind() {
        Kind::Mapping => environment.merged_entries().iter().any(|(_, value)| value.is_null()),
        _ => environment.items().any(|i| i.as_str().is_some_and(|text| !text.contains('='))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::compose::parse;
    use crate::readers::samples;

    #[test]
    fn a_service_tells_what_it_waits_for_and_what_it_offers() {
        let file = r#"
include: [../infra/compose.yml, { path: [a.yml, b.yml] }]
services:
  web:
    build: { context: ../web, dockerfile: docker/Dockerfile, target: dev }
    extends: { file: common.yml, service: base }
    depends_on:
      api: { condition: service_healthy }
    ports: ["8080:80", "127.0.0.1:${WEB_PORT:-5173}:5173/tcp", "9000", { target: 80, published: "81" }]
    command: ["npm", "run", "dev"]
    volumes: ["./src:/app/src:ro", { type: bind, source: ./x, target: /x }]
    profiles: [full]
    environment: [A, B=1]
  db:
    image: docker.io/library/postgres:16
    depends_on: [web]
    healthcheck: { test: ["NONE"] }
"#;
        let parsed = samples::read(parse, "deploy/compose.yml", file);
        let compose = &parsed.facts.compose_files[0];
        assert_eq!(&file[compose.place.range()], "services");
        let includes: Vec<&str> = compose.includes.iter().map(|i| i.value.as_str()).collect();
        assert_eq!(includes, ["infra/compose.yml", "deploy/a.yml", "deploy/b.yml"]);
        let [web, db] = compose.services.as_slice() else { panic!("two services") };
        assert_eq!(web.build.as_ref().map(|b| b.value.as_str()), Some("web"));
        assert_eq!(web.dockerfile.as_deref(), Some("web/docker/Dockerfile"));
        assert_eq!(web.stage.as_deref(), Some("dev"));
        assert_eq!(web.dependencies[0].readiness, Readiness::Healthy);
        let ports: Vec<(Option<&str>, &str)> =
            web.ports.iter().map(|p| (p.published.as_deref(), p.inner.as_str())).collect();
        let bound: Vec<bool> = web.ports.iter().map(Port::is_for_all).collect();
        assert_eq!(bound, [true, false, false, true]);
        assert_eq!(
            ports,
            [(Some("8080"), "80"), (Some("${WEB_PORT:-5173}"), "5173"), (None, "9000"), (Some("81"), "80"),]
        );
        let mounts: Vec<&str> = web.mounts.iter().map(|m| m.value.as_str()).collect();
        assert_eq!(mounts, ["./src:/app/src:ro", "./x"]);
        let base = web.extends.as_ref().expect("it extends another");
        assert_eq!((base.file.as_deref(), base.service.as_str()), (Some("deploy/common.yml"), "base"));
        assert!(web.open && web.profiles.len() == 1 && web.command.len() == 3);
        assert_eq!((db.product(), db.checked), (Some("postgres"), Some(false)));
        assert_eq!(db.dependencies[0].readiness, Readiness::Started);
    }
}
