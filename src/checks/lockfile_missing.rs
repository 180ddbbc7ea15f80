//! Manifests beside which no lock file lies.

use crate::facts::{Manifest, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// Ecosystems whose lock file is written by the tool itself, and what to commit.
const LOCKED: &[(&str, &str)] = &[
    ("npm", "a package-lock.json, yarn.lock or pnpm-lock.yaml"),
    ("cargo", "a Cargo.lock"),
    ("go", "a go.sum"),
    ("python", "a lock file"),
    ("ruby", "a Gemfile.lock"),
    ("php", "a composer.lock"),
    ("helm", "a Chart.lock"),
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let manifests = &repository.facts.manifests;
    for manifest in manifests.iter().filter(|m| !m.lock && m.dependencies > 0) {
        let file = repository.file(manifest.place.file);
        let Some((_, wanted)) = LOCKED.iter().find(|(e, _)| *e == manifest.ecosystem) else { continue };
        if file.sample
            || file.vendored
            || file.path.split('/').any(|part| part == "docs" || part == "doc")
            || (manifest.ecosystem == "python" && file.name().starts_with("requirements"))
            || manifest.application == Some(false)
                && manifest.ecosystem != "helm"
                && manifest.ecosystem != "go"
        {
            continue;
        }
        let locked = manifests.iter().any(|lock| locks(repository, lock, manifest));
        if locked {
            verdict.satisfied(manifest.place);
            continue;
        }
        let message = format!(
            "`{}` names {} dependencies, and {wanted} is not committed",
            file.path, manifest.dependencies
        );
        let subject = format!("manifest {}", file.path);
        // Whether a package is published as a library, which leaves the choice to its users, is not written.
        if manifest.application.or_else(|| discovered(repository, manifest)) == Some(true)
            || matches!(manifest.ecosystem.as_str(), "go" | "helm")
        {
            let finding = verdict.fail(manifest.place, subject, message);
            // Every required module may be replaced by a folder, which has no sum.
            finding.at_most(if manifest.ecosystem == "go" { Confidence::Medium } else { Confidence::High });
        } else {
            verdict.open(manifest.place, subject, message);
        }
    }
}

/// Cargo takes `src/main.rs` for a program and `src/lib.rs` for a library, whatever the manifest leaves unsaid.
/// <https://doc.rust-lang.org/cargo/guide/project-layout.html>
fn discovered(repository: &Repository, manifest: &Manifest) -> Option<bool> {
    if manifest.ecosystem != "cargo" {
        return None;
    }
    let folder = if manifest.folder.is_empty() { String::new() } else { format!("{}/", manifest.folder) };
    let has = |file: &str| repository.by_path(&format!("{folder}src/{file}")).is_some();
    (has("main.rs") && !has("lib.rs")).then_some(true)
}

/// Whether `lock` holds what `manifest` names: it lies in the same folder, or in one above, as that of a
/// workspace does. Python's older way is a list of exact versions beside the manifest.
fn locks(repository: &Repository, lock: &Manifest, manifest: &Manifest) -> bool {
    let listed =
        lock.ecosystem == "python" && repository.file(lock.place.file).name().starts_with("requirements");
    lock.ecosystem == manifest.ecosystem
        && (lock.lock || listed)
        && (lock.folder.is_empty()
            || manifest
                .folder
                .strip_prefix(lock.folder.as_str())
                .is_some_and(|r| r.is_empty() || r.starts_with('/')))
}
