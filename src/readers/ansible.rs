//! Ansible: tasks of playbooks and roles, and variables of groups and hosts.
//! <https://docs.ansible.com/ansible/latest/reference_appendices/playbooks_keywords.html>

use super::config::{self, known};
use super::names::{ends, folder, name, problems, target, vendored, within};
use super::{Parsed, Text};
use crate::facts::{Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::syntax::tree::{Kind, Node};
use crate::syntax::yaml::{self, Mask};
use crate::text::Span;
use std::sync::Arc;

/// Tasks of one file.
const MOST_TASKS: usize = 2_000;

/// More entries of one task tell nothing more.
const MOST_ENTRIES: usize = 200;

/// What a task may say besides its module.
const KEYWORDS: &[&str] = &[
    "action",
    "any_errors_fatal",
    "args",
    "async",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "diff",
    "environment",
    "failed_when",
    "ignore_errors",
    "ignore_unreachable",
    "listen",
    "local_action",
    "loop",
    "loop_control",
    "module_defaults",
    "name",
    "no_log",
    "notify",
    "poll",
    "port",
    "register",
    "remote_user",
    "retries",
    "run_once",
    "tags",
    "throttle",
    "timeout",
    "until",
    "vars",
    "when",
];

/// Folders whose files hold variables.
const VARIABLES: &[&str] = &["group_vars", "host_vars"];

pub(super) fn claims(path: &str, _: bool) -> bool {
    if !ends(path, &[".yml", ".yaml"]) || vendored(path) || path.split('/').any(|part| part.starts_with('.'))
    {
        return false;
    }
    let stem = name(path).split('.').next().unwrap_or("");
    within(path, VARIABLES)
        || in_role(path)
        || within(path, &["playbooks", "ansible"])
        || stem == "site"
        || stem.starts_with("playbook")
}

/// Whether a path lies in a role: `roles/NAME/tasks/…`.
fn in_role(path: &str) -> bool {
    const PARTS: &[&str] = &["tasks", "handlers", "defaults", "vars"];
    let mut parts = folder(path).split('/').skip_while(|p| *p != "roles");
    parts.next().is_some() && parts.any(|p| PARTS.contains(&p))
}

/// Whether a file of a role or an inventory holds variables.
fn is_variables(path: &str) -> bool {
    within(path, VARIABLES)
        || matches!(name(folder(path)), "defaults" | "vars" | "main") && within(path, &["defaults", "vars"])
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    if is_variables(text.path) {
        return config::parse(text);
    }
    let mut parsed = Parsed::default();
    let tree = yaml::parse(text.file, text.text, Mask::None);
    // Quotes are asked for around what begins with braces, but a Jinja template may lie here.
    let tree = match tree.errors().is_empty() || !text.text.contains("{%") && !text.text.contains("{{") {
        true => tree,
        false => yaml::parse(text.file, text.text, Mask::Templates),
    };
    let mut found = Tasks {
        target: path_target(text.path, text.file, text.environments),
        text,
        all: Vec::new(),
        settings: Vec::new(),
    };
    let mut is_ansible = false;
    for document in tree.documents() {
        for item in document.items().filter(|i| i.kind() == Kind::Mapping) {
            is_ansible |= found.item(item, None, 0);
        }
    }
    if !is_ansible && !in_role(text.path) {
        return config::parse_other(text);
    }
    parsed.problems = problems(&tree, "YAML");
    parsed.facts.resources = found.all;
    parsed.facts.settings = found.settings;
    parsed
}

struct Tasks<'a> {
    text: &'a Text<'a>,
    target: Option<Target>,
    all: Vec<Resource>,
    settings: Vec<Setting>,
}

impl Tasks<'_> {
    /// A play, a block or a task; whether it is one. Trees nest at most 128 deep.
    fn item(&mut self, item: Node<'_>, hosts: Option<Node<'_>>, depth: usize) -> bool {
        if depth > 64 || self.all.len() >= MOST_TASKS || item.is_alias() {
            return false;
        }
        let play = item.get("hosts").filter(|h| h.as_str().is_some());
        let lists = ["pre_tasks", "roles", "tasks", "post_tasks", "handlers", "block", "rescue", "always"];
        let mut is_play = play.is_some() || item.get("import_playbook").is_some();
        for list in lists {
            for inner in
                item.get(list).into_iter().flat_map(|l| l.items()).filter(|i| i.kind() == Kind::Mapping)
            {
                is_play |= list != "roles";
                if list != "roles" {
                    self.item(inner, play.or(hosts), depth + 1);
                }
            }
        }
        for (key, value) in item.get("vars").filter(|_| play.is_some()).into_iter().flat_map(|v| v.entries())
        {
            let mut entries = Vec::new();
            flat(key, value, &mut key.as_str().unwrap_or("").to_owned(), self.target.as_ref(), &mut entries);
            self.settings.append(&mut entries);
        }
        let module = item
            .entries()
            .find(|(k, _)| k.as_str().is_some_and(is_module) && !lists.contains(&k.as_str().unwrap_or("")));
        match module.filter(|_| play.is_none() && item.get("block").is_none()) {
            Some((key, arguments)) => {
                self.task(item, key, arguments, hosts);
                true
            }
            None => is_play,
        }
    }

    fn task(&mut self, item: Node<'_>, key: Node<'_>, arguments: Node<'_>, hosts: Option<Node<'_>>) {
        let mut entries = Vec::new();
        // A group of hosts may say what no folder says.
        let of_hosts = || hosts.and_then(|h| target(h.as_str()?, h.span(), self.text));
        let target = self.target.clone().or_else(of_hosts);
        match arguments.kind() {
            Kind::Scalar => flat(key, arguments, &mut "free_form".to_owned(), target.as_ref(), &mut entries),
            _ => {
                for (name, value) in arguments.entries() {
                    let mut path = name.as_str().unwrap_or("").to_owned();
                    flat(name, value, &mut path, target.as_ref(), &mut entries);
                }
            }
        }
        for (name, value) in item.entries() {
            let keyword = name.as_str().filter(|k| KEYWORDS.contains(k) && *k != "name");
            if let Some(keyword) = keyword {
                flat(name, value, &mut keyword.to_owned(), target.as_ref(), &mut entries);
            }
        }
        entries.extend(hosts.map(|h| setting(h, h, "hosts", target.as_ref())));
        entries.truncate(MOST_ENTRIES);
        entries.shrink_to_fit();
        let named = item.get("name").filter(|n| n.as_str().is_some());
        let module = key.as_str().unwrap_or("");
        let module = module
            .strip_prefix("ansible.builtin.")
            .or(module.strip_prefix("ansible.legacy."))
            .unwrap_or(module);
        self.all.push(Resource {
            place: named.unwrap_or(key).span(),
            system: System::Ansible,
            block: "task".to_owned(),
            sort: module.to_owned(),
            name: named.and_then(|n| n.as_str()).map_or_else(|| Value::Known(module.to_owned()), known),
            namespace: None,
            target,
            encrypted: false,
            size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            entries,
            body: Span::new(self.text.file, item.span().range()),
            shape: Shape::Whole,
            open: Vec::new(),
            via: Vec::new(),
        });
    }
}

fn is_module(key: &str) -> bool {
    let plain = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'));
    plain && !key.is_empty() && !KEYWORDS.contains(&key) && !key.starts_with("with_")
}

fn setting(key: Node<'_>, node: Node<'_>, path: &str, target: Option<&Target>) -> Setting {
    Setting {
        place: node.span(),
        key: path.rsplit('.').next().unwrap_or("").to_owned(),
        path: path.to_owned(),
        setting: known(node.as_str().unwrap_or("")),
        source: SettingSource::Config,
        target: target.cloned().map(Arc::new),
        key_place: key.span(),
    }
}

/// Every scalar at or below a node. Trees nest at most 128 deep.
fn flat(key: Node<'_>, node: Node<'_>, path: &mut String, target: Option<&Target>, into: &mut Vec<Setting>) {
    if into.len() >= MOST_ENTRIES || node.is_alias() && node.kind() != Kind::Scalar {
        return;
    }
    let whole = path.len();
    match node.kind() {
        Kind::Mapping => {
            for (key, value) in node.entries() {
                path.push('.');
                path.push_str(key.as_str().unwrap_or(""));
                flat(key, value, path, target, into);
                path.truncate(whole);
            }
        }
        Kind::Sequence => {
            for (index, item) in node.items().enumerate() {
                path.push_str(&format!(".{index}"));
                flat(key, item, path, target, into);
                path.truncate(whole);
            }
        }
        Kind::Scalar => into.push(setting(key, node, path, target)),
        Kind::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Stage;
    use crate::readers::samples;

    #[test]
    fn tasks_of_plays_blocks_and_roles_are_found() {
        let play = "- hosts: web\n  become: true\n  vars: { port: 80, tls: { on: true } }\n  tasks:\n  - name: Install\n    ansible.builtin.apt: { name: nginx, state: present }\n    when: a\n  - block:\n    - service: name=nginx state=started\n      ignore_errors: true\n    rescue:\n    - debug: { msg: \"{{ x }}\" }\n  handlers:\n  - name: again\n    community.docker.docker_container: { name: a, image: b, env: { A: b } }\n- import_playbook: other.yml\n";
        let parsed = samples::read(parse, "playbooks/site.yml", play);
        assert_eq!(parsed.problems, []);
        let seen: Vec<_> = parsed
            .facts
            .resources
            .iter()
            .map(|r| {
                let entries: Vec<_> =
                    r.entries.iter().map(|e| format!("{}={}", e.path, e.setting.text())).collect();
                (r.sort.clone(), r.name.text(), entries.join(" "))
            })
            .collect();
        let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            seen,
            [
                row("apt", "Install", "name=nginx state=present when=a hosts=web"),
                row("service", "service", "free_form=name=nginx state=started ignore_errors=true hosts=web"),
                row("debug", "debug", "msg={{ x }} hosts=web"),
                row("community.docker.docker_container", "again", "name=a image=b env.A=b hosts=web"),
                row("import_playbook", "import_playbook", "free_form=other.yml"),
            ]
        );
        let settings: Vec<_> = parsed.facts.settings.iter().map(|s| s.path.as_str()).collect();
        assert_eq!(settings, ["port", "tls.on"]);
    }

    #[test]
    fn variables_belong_to_the_environment_of_their_group() {
        for path in ["inventories/production/group_vars/all.yml", "group_vars/production.yml"] {
            let parsed = samples::read(parse, path, "db: { host: a }\n");
            let setting = &parsed.facts.settings[0];
            assert_eq!(setting.path, "db.host");
            assert!(setting.target.as_ref().is_some_and(|t| t.is(Stage::Production)), "{path}");
        }
        let defaults = samples::read(parse, "roles/a/defaults/main.yml", "x: 1\n");
        assert_eq!((defaults.facts.settings.len(), defaults.facts.resources.len()), (1, 0));
    }

    #[test]
    fn only_files_of_ansible_are_claimed() {
        for (path, claimed) in [
            ("roles/a/tasks/main.yml", true),
            ("roles/a/templates/b.yml", false),
            ("ansible/deploy.yml", true),
            ("host_vars/a.yml", true),
            ("playbook-prod.yml", true),
            ("src/roles.yml", false),
            (".github/roles/a/tasks/main.yml", false),
        ] {
            assert_eq!(claims(path, false), claimed, "{path}");
        }
        samples::endure(parse, "roles/a/tasks/main.yml");
        samples::endure(parse, "group_vars/all.yml");
    }
}
