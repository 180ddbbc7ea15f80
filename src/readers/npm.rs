//! package.json: scripts, and what the package is.
//! <https://docs.npmjs.com/cli/using-npm/scripts>, <https://docs.npmjs.com/cli/configuring-npm/package-json>

use super::names::{beside, folder, name, problems, target, vendored};
use super::scripts::script;
use super::{Parsed, Text, commands, coverage, dependencies, versions};
use crate::facts::{Command, Manifest, ScriptKind};
use crate::syntax::json::{self, Dialect};
use crate::syntax::shell::Options;
use crate::syntax::tree::{Kind, Node};
use crate::text::Span;

pub(super) fn claims(path: &str, _: bool) -> bool {
    name(path) == "package.json" && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    let tree = json::parse_as(text.file, text.text, Dialect::Strict);
    parsed.problems = problems(&tree, "JSON");
    let Some(root) = tree.root().filter(|r| r.kind() == Kind::Mapping) else { return parsed };
    let scripts = root.get("scripts");
    let entries: Vec<(&str, Node<'_>, Node<'_>)> = scripts
        .iter()
        .flat_map(|s| s.entries())
        .filter(|(_, v)| v.as_str().is_some())
        .filter_map(|(k, v)| Some((k.as_str()?, k, v)))
        .collect();
    let names: std::collections::HashSet<&str> = entries.iter().map(|(n, ..)| *n).collect();
    let file = beside(text.path, "package.json");
    for (name, key, value) in &entries {
        let commands = commands::lower(&value.passage(), Options::default(), &[]);
        let mut calls: Vec<String> = ["pre", "post"].iter().map(|hook| format!("{hook}{name}")).collect();
        calls.extend(commands.iter().flat_map(called));
        calls.retain(|c| c != name && names.contains(c.as_str()));
        calls.sort();
        calls.dedup();
        let here = Some(folder(text.path));
        parsed.wants.extend(commands.iter().filter_map(|c| commands::called_script(c, here)));
        let mut script_fact = script(key.span(), format!("{file}:{name}"), ScriptKind::Npm, commands);
        script_fact.target = target(name, key.span(), text);
        script_fact.calls = calls.into_iter().map(|c| format!("{file}:{c}")).collect();
        parsed.facts.scripts.push(script_fact);
    }
    parsed.facts.manifests.push(manifest(root, text));
    let used: &[&[&str]] = &[&["dependencies"], &["optionalDependencies"]];
    parsed.facts.practices = dependencies::of_keys(root, used, "npm");
    parsed.facts.stated_versions = versions::stated(text);
    parsed.facts.coverage_floors = coverage::floors(text);
    parsed
}

/// Scripts of the same package that a command runs.
fn called(command: &Command) -> Vec<String> {
    let words: Vec<&str> = command.args.iter().map(|w| w.text.as_str()).collect();
    let plain = || words.iter().copied().filter(|w| !w.starts_with('-'));
    // A script of another package is none of ours.
    let elsewhere = command.has_flag(&["--prefix", "--cwd", "-C", "--filter", "-F", "--workspace", "-w"]);
    match command.program.as_str() {
        "npm-run-all" | "run-s" | "run-p" | "npm-run-all2" => plain().map(str::to_owned).collect(),
        "npm" | "yarn" | "pnpm" | "bun" if !elsewhere => {
            let mut words = plain();
            let script = match words.next() {
                Some("run" | "run-script" | "rum" | "urn") => words.next(),
                Some("t" | "tst") if command.program == "npm" => Some("test"),
                Some(first @ ("test" | "start" | "stop" | "restart")) => Some(first),
                Some(first) if matches!(command.program.as_str(), "yarn" | "pnpm") => Some(first),
                _ => None,
            };
            script.map(str::to_owned).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn manifest(root: Node<'_>, text: &Text<'_>) -> Manifest {
    let count = |key| root.get(key).map_or(0, |d| d.entries().len());
    let dependencies =
        ["dependencies", "devDependencies", "optionalDependencies"].into_iter().map(count).sum::<usize>();
    let private = root.get("private").and_then(|p| p.as_bool()) == Some(true);
    let started = root.at(&["scripts", "start"]).is_some();
    let published = ["main", "module", "exports", "types", "bin", "publishConfig", "files"]
        .into_iter()
        .any(|key| root.get(key).is_some());
    Manifest {
        place: Span::start_of(text.file),
        ecosystem: "npm".into(),
        folder: folder(text.path).to_owned(),
        lock: false,
        application: if private || started { Some(true) } else { published.then_some(false) },
        dependencies: u32::try_from(dependencies).unwrap_or(u32::MAX),
        files: root.get("files").map_or(Vec::new(), |f| f.items().filter_map(|i| i.spanned()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::samples;

    #[test]
    fn a_script_has_its_commands_its_hooks_and_what_it_runs() {
        let text = r#"{
  "private": true,
  "scripts": {
    "prebuild": "rimraf dist",
    "build": "npm run lint && yarn compile --watch=false \"a b\"",
    "compile": "tsc || true",
    "lint": "eslint .",
    "deploy:prod": "./scripts/deploy.sh production && npm --prefix api run build"
  },
  "dependencies": { "a": "1" }, "devDependencies": { "b": "1", "c": "2" }
}"#;
        let parsed = samples::read(parse, "web/package.json", text);
        let scripts = &parsed.facts.scripts;
        let build = &scripts[1];
        assert_eq!(build.name, "web/package.json:build");
        assert_eq!(&text[build.place.range()], "\"build\"");
        assert_eq!(build.calls, ["compile", "lint", "prebuild"].map(|c| format!("web/package.json:{c}")));
        assert_eq!(&text[build.commands[1].args[2].place.range()], "\\\"a b\\\"");
        assert!(scripts[2].commands[0].tolerated.is_some());
        let deploy = &scripts[4];
        assert_eq!(deploy.calls, [] as [&str; 0]);
        assert!(deploy.target.as_ref().is_some_and(|t| t.is(crate::facts::Stage::Production)));
        assert_eq!(parsed.wants[0].path, "web/scripts/deploy.sh");
        let manifest = &parsed.facts.manifests[0];
        assert_eq!((manifest.application, manifest.dependencies), (Some(true), 3));
    }

    #[test]
    fn a_package_is_an_application_if_it_is_private_or_starts() {
        for (text, application) in [
            (r#"{"scripts":{"start":"node ."}}"#, Some(true)),
            (r#"{"name":"x","main":"index.js"}"#, Some(false)),
            (r#"{"name":"x"}"#, None),
        ] {
            let parsed = samples::read(parse, "package.json", text);
            assert_eq!(parsed.facts.manifests[0].application, application, "{text}");
        }
    }

    #[test]
    fn other_peoples_packages_are_not_claimed_and_broken_ones_are_listed() {
        assert!(claims("a/package.json", false) && !claims("node_modules/a/package.json", false));
        assert_eq!(samples::read(parse, "package.json", "{\"scripts\": ").problems.len(), 1);
        samples::endure(parse, "package.json");
    }
}
