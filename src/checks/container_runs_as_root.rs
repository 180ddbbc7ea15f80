//! Programs in containers that run as root where others use them.

use super::image_stages::{Stages, shipped_files};
use crate::facts::{Instruction, Repository, ScriptKind, Stage, System, folder_of};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::{FileId, Span};

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    images(repository, verdict);
    objects(repository, verdict);
    for stack in repository.stacks.iter().filter(|s| s.is_deployed()) {
        for service in &stack.services {
            let Some(user) = &service.user else { continue };
            if is_root(&user.value) {
                let message = format!("`{}` runs as root where the stack is deployed", service.name);
                verdict.fail(user.span, format!("service {}", service.name), message).label("root");
            } else {
                verdict.satisfied(user.span);
            }
        }
    }
}

/// <https://docs.docker.com/reference/dockerfile/#user>
fn is_root(user: &str) -> bool {
    matches!(user.split(':').next().unwrap_or(user), "root" | "0" | "ContainerAdministrator")
}

fn images(repository: &Repository, verdict: &mut Verdict) {
    for file in shipped_files(repository) {
        let stages = Stages::new(repository, file);
        let all: Vec<&Instruction> = stages.shipped_instructions().collect();
        let Some(from) = all.iter().rfind(|i| i.keyword == "FROM") else { continue };
        let users = all.iter().filter(|i| i.keyword == "USER");
        // Stages that the last one builds on stand before it.
        let last = users.max_by_key(|i| i.place);
        let named = last.and_then(|user| user.args.first());
        let path = repository.path(Span::start_of(file));
        if let Some(user) = named {
            if !is_root(&user.value) || steps_down(repository, file, &all) {
                verdict.satisfied(user.span);
                continue;
            }
            let message = format!("The image of `{path}` runs as root: its last `USER` says so");
            verdict.fail(user.span, format!("user of {path}"), message).label("stays in force");
            continue;
        }
        let base = from.args.first().map_or("", |a| a.value.as_str());
        // A tool has an entrypoint only; what serves names a port or a command.
        let starts = all.iter().any(|i| matches!(i.keyword.as_str(), "CMD" | "EXPOSE"));
        if !starts || !is_rooted(base) || steps_down(repository, file, &all) || set_outside(repository, path)
        {
            verdict.examined(from.place);
            continue;
        }
        let message = format!("The image of `{path}` names no user, so that its program runs as root");
        let finding = verdict.fail(from.place, format!("user of {path}"), message);
        finding.label("its base starts as root").at_most(Confidence::Medium);
        finding.severity = finding.severity.min(Severity::Note);
        finding.against("what starts the container may name a user");
    }
}

/// Bases of which the makers say that they start as root and leave it so.
/// <https://docs.docker.com/build/building/best-practices/#user>
fn is_rooted(base: &str) -> bool {
    const BASES: &[&str] = &[
        "alpine",
        "debian",
        "ubuntu",
        "python",
        "node",
        "ruby",
        "golang",
        "rust",
        "openjdk",
        "eclipse-temurin",
        "amazoncorretto",
        "busybox",
        "centos",
        "fedora",
        "rockylinux",
        "almalinux",
        "amazonlinux",
        "elixir",
        "erlang",
        "perl",
        "buildpack-deps",
        "bun",
        "deno",
        "swift",
        "maven",
        "gradle",
    ];
    let name = base.split(['@', ':']).next().unwrap_or(base);
    let official =
        name.strip_prefix("docker.io/library/").or_else(|| name.strip_prefix("library/")).unwrap_or(name);
    let public = official.strip_prefix("public.ecr.aws/docker/library/").unwrap_or(official);
    BASES.contains(&public) && !base.contains("nonroot")
}

/// Whether what starts changes the user by itself.
fn steps_down(repository: &Repository, file: FileId, all: &[&Instruction]) -> bool {
    const SIGNS: &[&str] = &["gosu", "su-exec", "setpriv", "runuser", "chpst", "s6-setuidgid", "su -"];
    // Their masters stay root and give their workers a user.
    const SERVERS: &[&str] = &[
        "nginx",
        "httpd",
        "apache2",
        "php-fpm",
        "supervisord",
        "mysqld",
        "postgres",
        "sshd",
        "cron",
        "crond",
    ];
    let signed = |text: &str| SIGNS.iter().any(|s| text.contains(s));
    let started = all.iter().filter(|i| matches!(i.keyword.as_str(), "CMD" | "ENTRYPOINT" | "RUN"));
    if started.flat_map(|i| &i.args).any(|a| signed(&a.value)) {
        return true;
    }
    let runs =
        all.iter().filter(|i| matches!(i.keyword.as_str(), "CMD" | "ENTRYPOINT")).flat_map(|i| &i.args);
    let words =
        |text: &str| text.split(['/', ' ', '-']).any(|w| SERVERS.contains(&w)) || text.contains("php-fpm");
    if runs.clone().any(|a| words(&a.value)) {
        return true;
    }
    // What an entrypoint's file says, if its file lies near the Dockerfile.
    let path = repository.path(Span::start_of(file));
    let folder = folder_of(path);
    let names: Vec<&str> = runs.filter_map(|a| a.value.rsplit('/').next()).collect();
    let scripts = repository.facts.scripts.iter().filter(|s| s.script == ScriptKind::Shell);
    scripts
        .filter(|s| {
            let own = repository.path(s.place);
            own.starts_with(folder) && names.iter().any(|n| own.rsplit('/').next() == Some(n))
        })
        .any(|s| s.commands.iter().any(|c| signed(&c.line) || signed(&c.wrappers.join(" "))))
}

/// Whether a manifest or a compose file gives a user to what is built from this Dockerfile, or to every container.
fn set_outside(repository: &Repository, dockerfile: &str) -> bool {
    let folder = folder_of(dockerfile);
    let services = repository.facts.compose_files.iter().flat_map(|c| &c.services);
    let named = services.filter(|s| s.user.as_ref().is_some_and(|u| !is_root(&u.value)));
    let mut built = named.filter(|s| s.build.as_ref().is_some_and(|b| b.value == folder));
    let entries = repository.facts.resources.iter().flat_map(|r| &r.entries);
    built.next().is_some()
        || entries.filter(|e| e.path.contains("securityContext.")).any(|e| {
            let value = e.setting.text();
            e.key == "runAsNonRoot" && value == "true" || e.key == "runAsUser" && value != "0"
        })
        || repository.facts.settings.iter().any(|s| s.key == "runAsNonRoot" && s.setting.text() == "true")
}

/// <https://kubernetes.io/docs/tasks/configure-pod-container/security-context/>
fn objects(repository: &Repository, verdict: &mut Verdict) {
    let all = repository.facts.resources.iter().filter(|r| r.system == System::Kubernetes);
    for resource in all {
        let elsewhere = resource.target.as_ref().is_some_and(|t| {
            [Stage::Local, Stage::Development, Stage::Ci, Stage::Preview].iter().any(|s| t.is(*s))
        });
        if elsewhere || !repository.is_own(resource.place) || resource.sort == "DaemonSet" {
            continue;
        }
        for entry in resource.entries.iter().filter(|e| e.path.contains("securityContext.")) {
            let value = entry.setting.text();
            let root = match entry.key.as_str() {
                "runAsUser" => value == "0",
                "runAsNonRoot" => value == "false",
                _ => continue,
            };
            if !root {
                verdict.satisfied(entry.place);
                continue;
            }
            // What prepares a volume before the program starts may need it.
            if entry.path.contains("initContainers") {
                continue;
            }
            let message = format!("`{}` lets its program run as root", resource.title());
            verdict.fail(entry.place, format!("{} {}", resource.title(), entry.path), message).label("root");
        }
    }
}
