//! Which tools deliver here, against those that the manual names.

use super::delivery::{absent, entries};
use crate::facts::{Dialect, EffectKind, File, Repository, System};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::{Span, contains_in_any_case};
use std::collections::BTreeMap;

/// Tools of infrastructure code beside Terraform, with files that tell them.
const OTHERS: &[(&str, &[&str])] = &[
    ("Pulumi", &["Pulumi.yaml", "Pulumi.yml"]),
    ("the AWS CDK", &["cdk.json"]),
    ("the Serverless Framework", &["serverless.yml", "serverless.yaml"]),
    ("AWS SAM", &["samconfig.toml"]),
    ("Bicep", &["main.bicep"]),
    ("Ansible", &["ansible.cfg"]),
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut services: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for pipeline in entries(repository) {
        if pipeline.dialect == Dialect::Github {
            verdict.satisfied(pipeline.place);
        } else {
            services.entry(pipeline.dialect.name()).or_default().push(pipeline.place);
        }
    }
    for (service, places) in services {
        let message = format!(
            "`{}` is a pipeline of {service}, where GitHub Actions is asked for",
            repository.path(places[0])
        );
        let finding = verdict.fail(places[0], format!("service {service}"), message);
        finding.label("another service");
        for &place in places[1..].iter().take(5) {
            finding.relate(place, "likewise");
        }
    }
    let coolify = |text: &str| contains_in_any_case(text, "coolify");
    let named = repository.commands().find(|(_, c)| coolify(&c.line)).map(|(_, c)| c.place);
    let used = || {
        repository
            .steps()
            .find(|(_, _, s)| s.uses.as_ref().is_some_and(|u| coolify(&u.name)) || coolify(&s.name))
            .map(|(_, _, s)| s.place)
    };
    let secret = || {
        repository
            .facts
            .pipelines
            .iter()
            .flat_map(|p| &p.jobs)
            .flat_map(|j| &j.secrets)
            .find(|s| coolify(&s.name))
            .map(|s| s.place)
    };
    let file = || repository.files.iter().find(|f| coolify(&f.path)).map(|f| f.place);
    if let Some(place) = named.or_else(used).or_else(secret).or_else(file) {
        verdict.satisfied(place);
    } else if repository.flow.runs().iter().flat_map(|r| &r.effects).any(|e| e.effect == EffectKind::Deploy) {
        absent(
            repository,
            verdict,
            "Coolify",
            "No pipeline here deploys by Coolify, which is asked for".to_owned(),
        );
    }
    if let Some(own) = repository.facts.resources.iter().find(|r| r.system == System::Terraform) {
        verdict.satisfied(own.place);
    }
    let mut named: BTreeMap<&str, &File> = BTreeMap::new();
    for file in repository.files.iter().filter(|f| f.is_own()) {
        for (tool, _) in OTHERS.iter().filter(|(_, names)| names.contains(&file.name())) {
            named.entry(tool).or_insert(file);
        }
    }
    for (tool, _) in OTHERS {
        if let Some(file) = named.get(tool) {
            let message =
                format!("`{}` describes infrastructure for {tool}, where Terraform is asked for", file.path);
            verdict.fail(file.place, format!("tool {tool}"), message).label("another tool");
        }
    }
}
