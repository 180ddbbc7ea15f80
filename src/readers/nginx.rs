//! Configuration of nginx: each server, and what holds for all of them, as resources.
//! <https://nginx.org/en/docs/http/ngx_http_core_module.html>

use super::images::is_open;
use super::names::{folder, name, vendored};
use super::{Parsed, Text, config};
use crate::facts::{Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::source::UnreadClass;
use crate::syntax::nginx::{self, Directive};
use crate::text::Span;
use std::sync::Arc;

/// More directives of one server tell nothing more.
const MOST_ENTRIES: usize = 2_000;

pub(super) fn claims(path: &str, _: bool) -> bool {
    let name = name(path);
    let stem =
        [".template", ".tmpl", ".tpl", ".j2"].iter().find_map(|e| name.strip_suffix(e)).unwrap_or(name);
    let parent = folder(path).rsplit('/').next().unwrap_or("");
    let own = stem.ends_with(".nginx")
        || stem.ends_with(".conf")
            && (stem.starts_with("nginx")
                || stem.ends_with("nginx.conf")
                || matches!(parent, "conf.d" | "sites-available" | "sites-enabled" | "nginx"));
    own && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let read = nginx::parse(text.file, text.text);
    let target = path_target(text.path, text.file, text.environments);
    let is = |d: &Directive, name: &str| d.block && d.name.value == name;
    let servers: Vec<usize> = (0..read.directives.len())
        .filter(|&i| {
            let directive = &read.directives[i];
            let within = directive.parent.is_none_or(|p| is(&read.directives[p], "http"));
            is(directive, "server") && within
        })
        .collect();
    let http = read.directives.iter().position(|d| is(d, "http"));
    let mut parsed = Parsed::default();
    if servers.is_empty() && http.is_none() {
        // Other programs keep their files in such folders, too.
        return if config::claims(text.path, text.executable) { config::parse(text) } else { parsed };
    }
    if let Some(problem) = read.problem {
        parsed
            .problems
            .push((UnreadClass::Partly, format!("not configuration of nginx as it should be: {problem}")));
    }
    for &server in &servers {
        let entries = entries(&read.directives, Some(server), target.as_ref());
        let named = entries.iter().find(|e| e.path == "server_name");
        let place = named.map_or(read.directives[server].name.span, |n| n.place);
        let title = named.map_or_else(|| Value::Known("_".to_owned()), |n| n.setting.clone());
        parsed.facts.resources.push(resource(
            "server",
            title,
            place,
            &read.directives[server],
            entries,
            &target,
        ));
    }
    // What stands outside of servers holds for all that the file includes.
    let all = entries(&read.directives, http, target.as_ref());
    if !all.is_empty() {
        let (place, whole) = match http {
            Some(http) => (read.directives[http].name.span, &read.directives[http]),
            None => (all[0].key_place, &read.directives[0]),
        };
        let title = Value::Known("all servers".to_owned());
        parsed.facts.resources.push(resource("http", title, place, whole, all, &target));
    }
    parsed
}

fn resource(
    sort: &str,
    name: Value<String>,
    place: Span,
    whole: &Directive,
    entries: Vec<Setting>,
    target: &Option<Target>,
) -> Resource {
    let end = entries.last().map_or(whole.name.span, |e| e.place);
    Resource {
        place,
        system: System::Nginx,
        block: sort.to_owned(),
        sort: sort.to_owned(),
        name,
        namespace: None,
        target: target.clone(),
        encrypted: false,
        size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        body: whole.name.span.join(end),
        entries,
        shape: Shape::Whole,
        open: Vec::new(),
        via: Vec::new(),
    }
}

/// All that stands in a block, by the names of the blocks around it: `location.2` is the third block's own text,
/// `location.2.proxy_pass` a directive in it. Servers in a block are told by themselves.
fn entries(all: &[Directive], block: Option<usize>, target: Option<&Target>) -> Vec<Setting> {
    let mut paths: Vec<Option<String>> = vec![None; all.len()];
    let mut found = Vec::new();
    let first = block.map_or(0, |b| b + 1);
    for (index, directive) in all.iter().enumerate().skip(first) {
        let around = match directive.parent {
            parent if parent == block => Some(""),
            Some(parent) if parent >= first => paths[parent].as_deref(),
            // Behind the end of the block.
            _ if block.is_some() => break,
            _ => None,
        };
        let Some(around) = around else { continue };
        let name = &directive.name.value;
        if directive.block && matches!(name.as_str(), "server" | "http" | "events" | "stream" | "mail") {
            continue;
        }
        let dot = if around.is_empty() { "" } else { "." };
        let path = if directive.block {
            format!("{around}{dot}{name}.{}", index - first)
        } else {
            format!("{around}{dot}{name}")
        };
        let words: Vec<&str> = directive.args.iter().map(|a| a.value.as_str()).collect();
        let value = words.join(" ");
        let place = match (directive.args.first(), directive.args.last()) {
            (Some(first), Some(last)) => first.span.join(last.span),
            _ => directive.name.span,
        };
        if found.len() < MOST_ENTRIES {
            found.push(Setting {
                place,
                key: name.clone(),
                path: path.clone(),
                setting: if is_open(&value) { Value::Expr(value) } else { Value::Known(value) },
                source: SettingSource::Config,
                target: target.cloned().map(Arc::new),
                key_place: directive.name.span,
            });
        }
        paths[index] = directive.block.then_some(path);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    const FILE: &str = "user www;\nhttp {\n  gzip on;\n  server {\n    listen 80;\n    server_name shop.acme.io;\n    location / { proxy_pass http://app; if ($x) { return 403; } }\n    add_header A b;\n  }\n  server { listen 443 ssl; }\n  upstream app { server app:8000; }\n}\n";

    #[test]
    fn servers_and_what_holds_for_all_become_resources() {
        let parsed = samples::read(parse, "nginx/nginx.conf", FILE);
        assert_eq!(parsed.problems, []);
        let rows: Vec<(String, Vec<(&str, String)>)> = parsed
            .facts
            .resources
            .iter()
            .map(|r| (r.title(), r.entries.iter().map(|e| (e.path.as_str(), e.setting.text())).collect()))
            .collect();
        let row = |title: &str, entries: &[(&'static str, &str)]| {
            (title.to_owned(), entries.iter().map(|(p, v)| (*p, (*v).to_owned())).collect::<Vec<_>>())
        };
        let first = [
            ("listen", "80"),
            ("server_name", "shop.acme.io"),
            ("location.2", "/"),
            ("location.2.proxy_pass", "http://app"),
            ("location.2.if.4", "($x)"),
            ("location.2.if.4.return", "403"),
            ("add_header", "A b"),
        ];
        assert_eq!(rows[0], row("server shop.acme.io", &first));
        assert_eq!(rows[1], row("server _", &[("listen", "443 ssl")]));
        assert_eq!(rows[2].0, "http all servers");
        assert_eq!(rows[2].1[0], ("gzip", "on".to_owned()));
        for resource in &parsed.facts.resources {
            assert!(resource.body.contains(resource.place));
        }
    }

    #[test]
    fn configuration_is_claimed_narrowly() {
        for (path, claimed) in [
            ("nginx.conf", true),
            ("a/nginx.prod.conf", true),
            ("deploy/conf.d/shop.conf", true),
            ("docker/nginx/default.conf.template", true),
            ("httpd.conf", false),
            ("nginx/mime.types", false),
            ("vendor/nginx/nginx.conf", false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
        }
        let other = samples::read(parse, "supervisor/conf.d/app.conf", "[program:app]\ncommand=run\n");
        assert!(other.facts.resources.is_empty() && other.problems.is_empty());
        samples::endure(parse, "nginx.conf");
    }
}
