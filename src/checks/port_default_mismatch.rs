//! Local default ports that differ from those that the manual lists.

use super::env_files::is_example;
use super::gates::words;
use super::merged::{Cause, Causes};
use super::stacks::{Part, default_port, local_stacks, part, store};
use crate::facts::{Repository, SettingSource, Stage};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::{Parameters, Ports};

/// Variables that give a port to a part of the stack.
const VARIABLES: &[(&str, Part)] = &[
    ("API__PORT", Part::Api),
    ("API_PORT", Part::Api),
    ("BACKEND_PORT", Part::Api),
    ("WEB__PORT", Part::Web),
    ("WEB_PORT", Part::Web),
    ("FRONTEND_PORT", Part::Web),
    ("DB__PORT", Part::Database),
    ("DB_PORT", Part::Database),
    ("POSTGRES_PORT", Part::Database),
    ("REDIS_PORT", Part::Cache),
    ("REDIS__PORT", Part::Cache),
];

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    let wanted = |part: Part| match part {
        Part::Api => parameters.ports_api.value(),
        Part::Web => parameters.ports_web.value(),
        Part::Database => parameters.ports_db.value(),
        Part::Cache => parameters.ports_redis.value(),
        Part::Worker | Part::Scheduler => None,
    };
    let mut causes = Causes::default();
    let mut differ = |part: Part, port: u16, ports: &Ports, place, who: &str| {
        causes.add(format!("port of {}", part.name()), place, || Cause {
            message: format!("`{who}` is at port {port} here, the {} belongs at {ports}", part.name()),
            label: "the local default",
            also: "here too",
            severity: Severity::Error,
            confidence: Confidence::Medium,
        });
    };
    for service in local_stacks(repository).flat_map(|s| &s.services) {
        let Some((part, ports)) = part(service).and_then(|p| Some((p, wanted(p)?))) else { continue };
        // `app` and `server` may be anything.
        let told = words(&service.name).iter().any(|w| !matches!(w.as_str(), "app" | "server" | "php"));
        if part.is_program() && (!told || !service.is_own()) {
            continue;
        }
        // The table speaks of PostgreSQL and Redis.
        let known = service.product().and_then(store).map(|(_, product)| product);
        if !part.is_program() && !matches!(known, Some("PostgreSQL" | "Redis" | "Valkey")) {
            continue;
        }
        let given: Vec<_> = service
            .ports
            .iter()
            .filter_map(|p| Some((p.place, default_port(p.published.as_deref()?)?)))
            .collect();
        let Some(&(place, port)) = given.first() else { continue };
        match given.iter().find(|(_, port)| ports.0.contains(port)) {
            Some((place, _)) => verdict.satisfied(*place),
            None => differ(part, port, ports, place, &service.name),
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| s.source == SettingSource::Dotenv) {
        let file = repository.file(setting.place.file);
        let local = setting.target.as_ref().map_or_else(
            || is_example(file.name()) || file.name() == ".env",
            |target| target.is(Stage::Local) || target.is(Stage::Development),
        );
        let named = VARIABLES.iter().find(|(key, _)| *key == setting.key);
        let Some((part, ports)) = named.and_then(|(_, p)| Some((*p, wanted(*p)?))) else { continue };
        let Some(port) = setting.setting.known().and_then(|v| v.parse::<u16>().ok()) else { continue };
        // The variable may speak of another product's database.
        let other =
            part == Part::Database && setting.key.starts_with("DB") && matches!(port, 3306 | 1433 | 27017);
        if !local || other || !file.is_own() {
            continue;
        }
        match ports.0.contains(&port) {
            true => verdict.satisfied(setting.place),
            false => differ(part, port, ports, setting.place, &setting.key),
        }
    }
    causes.report(verdict);
}
