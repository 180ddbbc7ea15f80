//! Web interfaces that do not show which build of them a user looks at.

use super::secret_in_frontend_bundle::PREFIXES;
use crate::facts::{File, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;

/// Files by whose names bundlers and frameworks of browsers' programs are known.
const MARKS: &[&str] = &[
    "vite.config",
    "angular.json",
    "vue.config",
    "next.config",
    "nuxt.config",
    "svelte.config",
    "craco.config",
];

/// Words of variables that a build gives a page to show.
const WORDS: &[&str] = &["VERSION", "SHA", "COMMIT", "REVISION", "BUILD", "RELEASE", "DATE"];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let Some(web) = repository.files.iter().find(|f| is_web(f)) else { return };
    let own = |place| !repository.is_sample(place);
    let shown = repository.facts.env_reads.iter().find(|r| own(r.place) && is_stamp(&r.key)).map(|r| r.place);
    let written = || {
        let named = |f: &&File| {
            matches!(
                f.name(),
                "version.json"
                    | "build-info.json"
                    | "buildInfo.json"
                    | "version.ts"
                    | "version.js"
                    | "build-info.ts"
            ) && !f.vendored
        };
        repository.files.iter().find(named).map(|f| f.place)
    };
    let made = || {
        let makes = |line: &str| line.contains("version.json") || line.contains("build-info");
        repository
            .commands()
            .find(|(_, c)| makes(&c.line) || c.writes.iter().any(|w| makes(&w.text)))
            .map(|(_, c)| c.place)
    };
    match shown.or_else(written).or_else(made) {
        Some(place) => verdict.satisfied(place),
        None => {
            let message = format!("Nothing here lets users of the interface of `{}` see its build", web.path);
            verdict.open(web.place, "web stamp", message);
        }
    }
}

fn is_web(file: &File) -> bool {
    let name = file.name();
    MARKS.iter().any(|m| name.starts_with(m))
        && !file.sample
        && !file.vendored
        && !file.path.contains("storybook")
}

fn is_stamp(key: &str) -> bool {
    let Some(rest) = PREFIXES.iter().find_map(|p| key.strip_prefix(p)) else { return false };
    rest.split('_').any(|w| WORDS.contains(&w))
}
