//! Images that are shipped on a whole operating system where a smaller base exists.

use super::image_stages::{Stages, shipped_files};
use super::merged::{Cause, Causes};
use crate::facts::{BaseImage, Repository, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// Images of whole distributions.
const SYSTEMS: &[&str] = &[
    "ubuntu",
    "debian",
    "centos",
    "fedora",
    "rockylinux",
    "almalinux",
    "oraclelinux",
    "amazonlinux",
    "opensuse",
    "leap",
    "archlinux",
    "ubi8",
    "ubi9",
    "ubi10",
    "ubi",
    "kali-rolling",
    "buildpack-deps",
];

/// Images of languages that have a smaller variant, and how it is called.
/// <https://hub.docker.com/_/node>, <https://hub.docker.com/_/python>, <https://hub.docker.com/_/eclipse-temurin>
const LANGUAGES: &[(&str, &str)] = &[
    ("node", "-slim, -alpine"),
    ("python", "-slim, -alpine"),
    ("ruby", "-slim, -alpine"),
    ("php", "-alpine"),
    ("perl", "-slim"),
    ("golang", "a base without the compiler"),
    ("rust", "a base without the compiler"),
    ("gcc", "a base without the compiler"),
    ("swift", "-slim"),
    ("elixir", "-slim, -alpine"),
    ("erlang", "-slim, -alpine"),
    ("haskell", "-slim"),
    ("maven", "a base with the runtime only"),
    ("gradle", "a base with the runtime only"),
    ("sbt", "a base with the runtime only"),
    ("openjdk", "-slim, a base with the runtime only"),
    ("eclipse-temurin", "-jre"),
    ("amazoncorretto", "-alpine"),
    ("sdk", "the aspnet or runtime image"),
];

/// Words of tags and names that say that the base is small.
const SMALL: &[&str] = &[
    "slim",
    "alpine",
    "distroless",
    "minimal",
    "micro",
    "jre",
    "chiseled",
    "nanoserver",
    "busybox",
    "musl",
    "wolfi",
    "scratch",
    // There is no smaller base with this server.
    "apache",
    "headless",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    for file in shipped_files(repository) {
        let stages = Stages::new(repository, file);
        for from in stages.shipped_instructions().filter(|i| i.keyword == "FROM") {
            let Some(base) = repository.facts.base_images.iter().find(|b| from.place.contains(b.place))
            else {
                continue;
            };
            let Value::Known(reference) = &base.reference else { continue };
            if base.stage_reference {
                continue;
            }
            let Some(smaller) = smaller(base) else {
                verdict.satisfied(base.place);
                continue;
            };
            let path = repository.path(base.place);
            let message =
                format!("`{path}` ships on `{reference}`, which brings more than a program needs to run");
            causes.add(format!("base {reference}"), base.place, || Cause {
                message,
                label: smaller,
                also: "and here",
                severity: Severity::Warning,
                confidence: Confidence::Medium,
            });
        }
    }
    causes.report(verdict);
}

/// What there is instead.
fn smaller(base: &BaseImage) -> Option<&'static str> {
    let name = base.name.to_ascii_lowercase();
    let tag = base.tag.as_deref().unwrap_or("").to_ascii_lowercase();
    let mut words = name.split(['/', '-', ':']).chain(tag.split(['-', '.', '_']));
    if words.any(|w| SMALL.iter().any(|s| w.starts_with(s))) {
        return None;
    }
    let (place, last) = name.rsplit_once('/').unwrap_or(("", &name));
    let official = matches!(place, "" | "library" | "docker.io/library" | "docker.io")
        || ["redhat", "ubi", "public.ecr.aws", "mcr.microsoft.com", "quay.io"]
            .iter()
            .any(|p| place.contains(p));
    if !official {
        return None;
    }
    if SYSTEMS.contains(&last) {
        return Some("a slim, minimal or distroless base is smaller");
    }
    let sdk_of_others = last == "sdk" && !place.contains("dotnet");
    LANGUAGES.iter().find(|(n, _)| *n == last && !sdk_of_others).map(|(_, instead)| *instead)
}
