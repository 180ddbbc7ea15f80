//! Rights that are wider than any job or container needs.

use super::definitions::{passes, text};
use super::estate::{argument, makes};
use super::merged::{Cause, Causes};
use crate::facts::{Repository, Resource, Setting, System, Value};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for pipeline in &repository.facts.pipelines {
        let of_jobs = pipeline.jobs.iter().map(|j| (format!("Job `{}`", j.name), &j.permissions));
        let of_all = (format!("Pipeline `{}`", pipeline.name), &pipeline.permissions);
        for (who, permissions) in std::iter::once(of_all).chain(of_jobs) {
            for permission in permissions {
                if permission.value == "write-all" {
                    let message = format!("{who} may write everything that its token reaches");
                    let subject = format!("permissions {} {who}", repository.path(permission.span));
                    verdict.fail(permission.span, subject, message).label("every right");
                } else {
                    verdict.satisfied(permission.span);
                }
            }
        }
    }
    for setting in repository.facts.settings.iter().filter(|s| s.key == "privileged") {
        let path = repository.path(setting.place);
        let container = setting.path.contains("securityContext") || setting.path.starts_with("services.");
        let Value::Known(value) = &setting.setting else { continue };
        if !container || !repository.is_own(setting.place) {
            continue;
        }
        if matches!(value.as_str(), "true" | "yes" | "True") {
            let message = format!("A container of `{path}` runs with every right of its host");
            verdict
                .fail(setting.place, format!("privileged {path} {}", setting.path), message)
                .label("privileged");
        } else {
            verdict.satisfied(setting.place);
        }
    }
    let mut causes = Causes::default();
    let passing = repository.facts.resources.iter().filter(|r| passes(repository, r.place));
    for resource in passing {
        for (place, message) in rights(resource) {
            causes.add(format!("rights {}", resource.title()), place.place, || Cause {
                message,
                label: "every right",
                also: "here too",
                severity: Severity::Warning,
                confidence: Confidence::Medium,
            });
        }
    }
    causes.report(verdict);
}

/// Rights over everything that infrastructure code gives to accounts of programs.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege>,
/// <https://docs.cloud.google.com/iam/docs/roles-overview#basic>
fn rights(resource: &Resource) -> Vec<(&Setting, String)> {
    let title = resource.title();
    match (resource.system, resource.sort.as_str()) {
        (System::Kubernetes, "ClusterRoleBinding") => {
            let role = resource.entry("roleRef.name").filter(|e| text(e) == Some("cluster-admin"));
            // People who run the cluster need it; programs and everybody do not.
            let program = resource.entries.iter().any(|e| {
                e.path.starts_with("subjects.")
                    && match e.key.as_str() {
                        "kind" => text(e) == Some("ServiceAccount"),
                        "name" => text(e).is_some_and(|n| {
                            n.starts_with("system:serviceaccounts")
                                || n == "system:authenticated"
                                || n == "system:unauthenticated"
                        }),
                        _ => false,
                    }
            });
            role.filter(|_| program)
                .map(|e| (e, format!("`{title}` makes a program administrator of the whole cluster")))
                .into_iter()
                .collect()
        }
        (System::Terraform, "aws_iam_policy_document") => everything(resource)
            .map(|e| (e, format!("`{title}` allows every action on everything")))
            .into_iter()
            .collect(),
        (System::Terraform, sort)
            if sort.ends_with("_policy_attachment") && sort.starts_with("aws_iam_") && makes(resource) =>
        {
            let all = |v: &str| v.ends_with(":aws:policy/AdministratorAccess");
            let people = sort.contains("group") || sort.contains("user");
            argument(resource, "policy_arn")
                .filter(|e| !people && text(e).is_some_and(all))
                .map(|e| (e, format!("`{title}` gives a role every right in the account")))
                .into_iter()
                .collect()
        }
        (
            System::Terraform,
            "google_project_iam_member" | "google_project_iam_binding" | "google_organization_iam_member",
        ) => {
            let program = resource.entries.iter().any(|e| {
                e.path.starts_with("member") && e.setting.text().to_ascii_lowercase().contains("service")
            });
            let basic = |v: &str| matches!(v, "roles/owner" | "roles/editor");
            resource
                .entry("role")
                .filter(|e| program && text(e).is_some_and(basic))
                .map(|e| (e, format!("`{title}` lets a program change everything in the project")))
                .into_iter()
                .collect()
        }
        // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#container_definition_security>
        (System::CloudFormation, "AWS::ECS::TaskDefinition") => privileged(resource, "Privileged"),
        (System::CloudFormation, "AWS::IAM::Role" | "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy") => {
            let administrates = resource.entries.iter().filter(|e| {
                e.path.starts_with("Properties.ManagedPolicyArns.")
                    && text(e).is_some_and(|v| v.ends_with(":aws:policy/AdministratorAccess"))
            });
            let given =
                administrates.map(|e| (e, format!("`{title}` gives a role every right in the account")));
            given.chain(unbounded(resource)).collect()
        }
        // <https://www.serverless.com/framework/docs/providers/aws/guide/iam>
        (System::Platform, "serverless") if resource.block == "provider" => unbounded(resource).collect(),
        // <https://docs.ansible.com/ansible/latest/collections/community/docker/docker_container_module.html>
        (System::Ansible, sort)
            if sort.ends_with("docker_container") || sort.ends_with("podman_container") =>
        {
            privileged(resource, "privileged")
        }
        _ => Vec::new(),
    }
}

/// Containers that a switch of this name gives every right of their host.
fn privileged<'r>(resource: &'r Resource, key: &str) -> Vec<(&'r Setting, String)> {
    let on = resource.entries.iter().filter(|e| e.key == key);
    let on = on.filter(|e| text(e).is_some_and(|v| matches!(v, "true" | "True" | "yes")));
    on.map(|e| (e, format!("A container of `{}` runs with every right of its host", resource.title())))
        .collect()
}

/// Statements that allow `*` on `*` without a condition, as AWS writes them.
fn unbounded(resource: &Resource) -> impl Iterator<Item = (&Setting, String)> {
    let all = resource.entries.iter().filter(|e| text(e) == Some("*"));
    all.filter_map(|action| {
        let (statement, rest) = action.path.rsplit_once(".Action")?;
        let below = |key: &str| {
            let path = format!("{statement}.{key}");
            resource.entries.iter().filter(move |e| {
                e.path.strip_prefix(path.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('.'))
            })
        };
        let whole = rest.is_empty() || rest.starts_with('.');
        let everywhere = below("Resource").any(|e| text(e) == Some("*"));
        let allowed = below("Effect").all(|e| text(e) == Some("Allow"));
        let bounded = below("Condition").next().is_some();
        (whole && everywhere && allowed && !bounded)
            .then(|| (action, format!("`{}` allows every action on everything", resource.title())))
    })
}

/// A statement of a policy that allows `*` on `*`. Where a key comes again, another statement begins.
fn everything(policy: &Resource) -> Option<&Setting> {
    let mut statement: Vec<&Setting> = Vec::new();
    let whole = |statement: &[&Setting]| -> Option<usize> {
        let is = |key: &str, value: &str| {
            statement.iter().position(|e| e.path.split('.').any(|p| p == key) && text(e) == Some(value))
        };
        let denies = is("effect", "Deny").is_some();
        let bounded = statement.iter().any(|e| e.path.contains("condition"));
        is("actions", "*").filter(|_| is("resources", "*").is_some() && !denies && !bounded)
    };
    for entry in policy.entries.iter().filter(|e| e.path.starts_with("statement.")) {
        if statement.iter().any(|e| e.path == entry.path) {
            if let Some(at) = whole(&statement) {
                return Some(statement[at]);
            }
            statement.clear();
        }
        statement.push(entry);
    }
    whole(&statement).map(|at| statement[at])
}
