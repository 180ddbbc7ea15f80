//! Services that speak to a store of their stack and are not started after it; and those that are started when
//! the store is, rather than when it answers.

use super::addresses::{host_of, snake};
use super::gates::words;
use super::merged::{Cause, Causes};
use super::sentences::named;
use super::stacks::{Part, is_aside, part, waits_by_itself};
use crate::facts::{Readiness, Repository, Service, Stack, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn missing(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut said: BTreeSet<Span> = BTreeSet::new();
    for stack in stacks(repository) {
        for service in programs(stack) {
            let before = waited_for(stack, service);
            let stores: Vec<&Service> = used(repository, stack, service)
                .into_iter()
                .filter(|s| !before.contains(s.name.as_str()))
                .collect();
            if stores.is_empty() {
                verdict.satisfied(service.place);
                continue;
            }
            if waits_by_itself(repository, service) || !said.insert(service.place) {
                continue;
            }
            let names: Vec<&str> = stores.iter().map(|s| s.name.as_str()).collect();
            let which = if names.len() > 1 { "them" } else { "it" };
            let message =
                format!("`{}` uses {} and is not started after {which}", service.name, named(&names));
            let finding = verdict.fail(service.place, format!("service {}", service.name), message);
            finding.label("no `depends_on` leads there").at_most(Confidence::Medium);
            for store in stores {
                finding.relate(store.place, "what it uses");
            }
        }
    }
}

pub(super) fn unready(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut causes = Causes::default();
    // Of each file, who waits for a mere start.
    let mut who: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut places: BTreeMap<String, BTreeSet<Span>> = BTreeMap::new();
    for stack in stacks(repository) {
        for service in programs(stack) {
            let mut own_way = None;
            for dependency in &service.dependencies {
                let Some(store) = stack.service(&dependency.name).filter(|s| is_store(s)) else { continue };
                verdict.examined(dependency.place);
                let waits = *own_way.get_or_insert_with(|| waits_by_itself(repository, service));
                if dependency.readiness != Readiness::Started || waits {
                    verdict.satisfied(dependency.place);
                    continue;
                }
                let path = repository.path(dependency.place).to_owned();
                if places.entry(path.clone()).or_default().insert(dependency.place) {
                    who.entry(path).or_default().push((service.name.clone(), store.name.clone()));
                }
            }
        }
    }
    for (path, all) in places {
        let pairs = &who[&path];
        let mut names: Vec<&str> = pairs.iter().map(|(service, _)| service.as_str()).collect();
        names.dedup();
        let store = &pairs[0].1;
        let verb = if names.len() > 1 { "are" } else { "is" };
        let message = format!("{} {verb} started when `{store}` is, not when it answers", named(&names));
        for place in all {
            causes.add(format!("order in {path}"), place, || Cause {
                message: message.clone(),
                label: "its start is waited for, not its health",
                also: "the same",
                severity: Severity::Error,
                confidence: Confidence::Medium,
            });
        }
    }
    let before = verdict.findings.len();
    causes.report(verdict);
    for finding in &mut verdict.findings[before..] {
        finding.against("the program may try again by itself until the store answers");
    }
}

fn stacks(repository: &Repository) -> impl Iterator<Item = &Stack> {
    repository.stacks.iter().filter(|s| !is_aside(repository, s))
}

/// Services that are built here.
fn programs(stack: &Stack) -> impl Iterator<Item = &Service> {
    stack.services.iter().filter(|s| s.is_own() && !is_store(s))
}

fn is_store(service: &Service) -> bool {
    part(service).is_some_and(|p| !p.is_program())
}

/// Everything that is started before a service, whatever it waits for.
fn waited_for<'s>(stack: &'s Stack, service: &'s Service) -> BTreeSet<&'s str> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut next = vec![service];
    while let Some(service) = next.pop() {
        for dependency in &service.dependencies {
            if found.insert(dependency.name.as_str()) {
                next.extend(stack.service(&dependency.name));
            }
        }
    }
    found
}

/// Stores of the stack that a service speaks to: its environment names them; or it is an API, a worker or a
/// scheduler of unknown environment, and there is but one of a sort.
fn used<'s>(repository: &Repository, stack: &'s Stack, service: &Service) -> Vec<&'s Service> {
    let environment = repository.environment(service);
    let stores: Vec<&Service> = stack.services.iter().filter(|s| is_store(s)).collect();
    let named = |store: &Service| {
        environment.values().any(|setting| match &setting.setting {
            Value::Known(text) | Value::Expr(text) => {
                (text.contains("://") || is_address(&setting.key)) && names(text, &store.name)
            }
            _ => false,
        })
    };
    let told: Vec<&Service> = stores.iter().copied().filter(|s| named(s)).collect();
    let serves = matches!(part(service), Some(Part::Api | Part::Worker | Part::Scheduler));
    if !told.is_empty() || !serves || !service.open {
        return told;
    }
    let alone = |sort: Part| {
        let mut all = stores.iter().copied().filter(move |s| part(s) == Some(sort));
        all.next().filter(|_| all.next().is_none())
    };
    [Part::Database, Part::Cache].into_iter().filter_map(alone).collect()
}

/// Whether a variable holds an address: `POSTGRES_DB: db` names a database and no host.
fn is_address(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "host", "hostname", "hosts", "url", "uri", "server", "servers", "address", "addr", "endpoint", "dsn",
        "broker", "nodes",
    ];
    words(&snake(key)).iter().any(|w| WORDS.contains(&w.as_str()))
        || key.to_ascii_lowercase().ends_with("host")
}

/// Whether a text is the address of a host: `db`, `db:5432`, `postgres://u@db/shop`, or `${DB_HOST:-db}`.
fn names(text: &str, host: &str) -> bool {
    let text = text.trim();
    let default = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).and_then(|t| t.split_once(":-"));
    let text = default.map_or(text, |(_, default)| default);
    text.split(',').any(|one| {
        let address =
            one.contains("://") || one.split_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok());
        address && host_of(one.trim()) == host
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_hosts() {
        for (text, named) in [
            ("db", true),
            ("db:5432", true),
            ("postgres://shop:${PASSWORD}@db:5432/shop", true),
            ("${DB_HOST:-db}", true),
            ("a:1,db:2", true),
            ("jdbc:postgresql://db/shop", true),
            ("dbx", false),
            ("mydb.example.com", false),
            ("db:latest", false),
        ] {
            assert_eq!(names(text, "db"), named, "{text}");
        }
    }
}
