//! Services of a local stack that show a change of their code only after they are built anew.

use super::merged::{Cause, Causes};
use super::stacks::{Part, local_stack, part};
use crate::facts::{Repository, ScriptKind, Service, folder_of, join_path};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(stack) = local_stack(repository) else {
        return verdict.not_applicable("no compose file here starts a local stack");
    };
    let mut causes = Causes::default();
    for service in stack.services.iter().filter(|s| matches!(part(s), Some(Part::Api | Part::Web))) {
        let Some(build) = &service.build else { continue };
        if service.watches || sees_its_code(repository, service, &build.value) {
            verdict.satisfied(service.place);
            continue;
        }
        if let Some(place) = runs_outside(repository, &build.value) {
            verdict.satisfied(place);
            continue;
        }
        let path = repository.path(service.place);
        causes.add(format!("reload in {path}"), service.place, || Cause {
            message: format!("`{}` runs what was built: a change of its code is not seen", service.name),
            label: "neither a folder of its code nor `develop.watch`",
            also: "the same",
            severity: Severity::Error,
            confidence: Confidence::Medium,
        });
    }
    causes.report(verdict);
}

/// Whether a folder of what it is built from is mounted into it.
fn sees_its_code(repository: &Repository, service: &Service, build: &str) -> bool {
    service.mounts.iter().any(|mount| {
        let source = mount.value.split(':').next().unwrap_or("");
        if source.starts_with(['$', '~']) {
            return true;
        }
        let bound = source.starts_with(['.', '/']);
        let file = source.rsplit('/').next().is_some_and(|n| n.trim_start_matches('.').contains('.'));
        let folder = folder_of(repository.path(mount.span));
        let source = join_path(folder, source);
        let below = |inner: &str, outer: &str| {
            outer.is_empty()
                || inner == outer
                || inner.strip_prefix(outer).is_some_and(|r| r.starts_with('/'))
        };
        bound && !file && (below(&source, build) || below(build, &source))
    })
}

/// The script with which developers run the program on their own machine.
fn runs_outside(repository: &Repository, build: &str) -> Option<crate::text::Span> {
    let inside = |path: &str| folder_of(path) == build;
    let scripts = repository.facts.scripts.iter().filter(|s| s.script == ScriptKind::Npm);
    let named = |name: &str| matches!(name.rsplit(':').next(), Some("dev" | "serve" | "start" | "develop"));
    let reloads = |line: &str| {
        ["vite", "next dev", "nuxt", "nodemon", "--watch", "tsx watch", "react-scripts start", "ng serve"]
            .iter()
            .any(|s| line.contains(s))
    };
    scripts
        .filter(|s| named(&s.name) && inside(repository.path(s.place)))
        .find(|s| s.commands.iter().any(|c| reloads(&c.line)))
        .map(|s| s.place)
}
