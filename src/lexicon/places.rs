//! Which environment a host or a branch belongs to.

use super::environments::Environments;
use super::words::{Mentions, Stage, classify, mentions, split};

/// The stage that a host name or address belongs to, judged by its labels.
///
/// The top-level domain and the plain name registered under it say nothing (`web.dev`, `live.com`), a
/// composed one does (`acme-staging.com`). A port and the root's dot are allowed.
pub fn classify_host(host: &str, environments: &Environments) -> Option<Stage> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let bare = without_port(&host);
    if let Some(declared) = environments.host(bare) {
        return declared;
    }
    if is_own_machine(bare) {
        return Some(Stage::Local);
    }
    if PUBLIC_HOSTS.contains(&bare) || bare.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let labels: Vec<&str> = bare.split('.').collect();
    let telling = telling_labels(&labels);
    let mut found = Vec::new();
    for label in telling {
        let all = mentions(label, environments).0.into_iter();
        // `person-integration-api` is named after what it does.
        found.extend(all.filter(|m| m.stage != Stage::Integration || m.range.end == label.len()));
    }
    Mentions(found).single()
}

/// The stage that a branch stands for; `None` for `main` and for branches that carry one change.
///
/// A branch is an environment's if its name begins with one (`production`, `staging-eu`, `env/prod`) or
/// qualifies one (`web-prod`): `feature/prod-login` and `fix-prod` are changes like any other.
pub fn classify_branch(branch: &str, environments: &Environments) -> Option<Stage> {
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let branch = branch.strip_prefix("origin/").unwrap_or(branch);
    if let Some(declared) = environments.branch(branch) {
        return declared;
    }
    let (first, rest) = branch.split_once('/').map_or((branch, None), |(first, rest)| (first, Some(rest)));
    match (first.to_ascii_lowercase().as_str(), rest) {
        ("develop", None) => Some(Stage::Development),
        ("env" | "envs" | "environment" | "environments" | "deploy" | "deployment", Some(rest)) => {
            classify(rest, environments)
        }
        ("release", Some(rest)) if split(rest).len() == 1 => classify(rest, environments),
        (kind, Some(_)) if CHANGE_KINDS.contains(&kind) => None,
        _ => {
            let found = mentions(first, environments);
            let stage = found.single()?;
            let words = split(first);
            let leads = found.0[0].range.start == words[0].at;
            let qualified =
                words.len() == 2 && !words[0].is_among(CHANGE_KINDS) && !words[0].is_among(CHANGE_VERBS);
            (leads || qualified).then_some(stage)
        }
    }
}

const CHANGE_VERBS: &[&str] =
    &["add", "bump", "change", "drop", "move", "remove", "try", "update", "use", "wip"];

/// First segments of branches that carry one change, after the custom of conventional commits and git-flow.
const CHANGE_KINDS: &[&str] = &[
    "bug", "bugfix", "build", "chore", "ci", "docs", "feat", "feature", "fix", "hotfix", "perf", "refactor",
    "release", "revert", "review", "style", "support", "test", "tests",
];

/// Public services whose names hold a word that says nothing about the reader's own environments.
const PUBLIC_HOSTS: &[&str] = &[
    "acme-staging-v02.api.letsencrypt.org",
    "ci.android.com",
    "ci.appveyor.com",
    "dev.azure.com",
    "dev.mysql.com",
    "test.pypi.org",
];

fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.rsplit_once(':') {
        // More than one colon outside brackets is an IPv6 address without a port.
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_own_machine(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "host.docker.internal"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

/// The labels of a host name that its owner chose to tell environments apart.
fn telling_labels<'a>(labels: &'a [&'a str]) -> &'a [&'a str] {
    const PRIVATE: &[&str] =
        &["corp", "home", "internal", "intranet", "lan", "local", "private", "svc", "cluster"];
    const SECOND_LEVEL: &[&str] = &["ac", "co", "com", "edu", "gov", "net", "org"];
    let Some((last, mut rest)) = labels.split_last() else { return labels };
    if rest.is_empty() {
        return labels;
    }
    if PRIVATE.contains(last) {
        while let Some((inner, outer)) = rest.split_last()
            && PRIVATE.contains(inner)
        {
            rest = outer;
        }
        return rest;
    }
    if last.len() == 2
        && rest.len() > 1
        && let Some((second, outer)) = rest.split_last()
        && SECOND_LEVEL.contains(second)
    {
        rest = outer;
    }
    match rest.split_last() {
        Some((registered, outer)) if split(registered).len() == 1 => outer,
        _ => rest,
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
