//! What infrastructure code declares for environments that others depend on: its stores, services and networks.

use super::addresses::speaks_of_store;
use super::definitions::{passes, text};
use crate::facts::{Repository, Resource, Setting, Stage, System, Target, Value, folder_of, normalise};
use crate::finding::{Finding, Verdict};
use crate::text::Span;
use std::collections::BTreeSet;

/// Whether a place serves nobody but those who build: such an environment may come and go.
pub(super) fn is_apart(target: Option<&Target>) -> bool {
    let apart = |s: &Stage| matches!(s, Stage::Local | Stage::Ci | Stage::Preview | Stage::Development);
    target.is_some_and(|t| !t.stage.possible().is_empty() && t.stage.possible().iter().all(apart))
}

/// Objects and blocks as environments that stay get them, and those of which no environment is said.
pub(super) fn standing(repository: &Repository) -> impl Iterator<Item = &Resource> {
    repository
        .deployed()
        .filter(|r| passes(repository, r.place) && r.block != "data" && !is_apart(r.target.as_ref()))
}

/// What several environments get from one place is said once.
pub(super) fn say_once(verdict: &mut Verdict) {
    let mut said = BTreeSet::new();
    verdict.findings.retain(|f| said.insert((f.place, f.kind, f.subject.clone())));
}

/// Blocks and objects that make something, as against those that look something up or give it a name.
pub(super) fn makes(resource: &Resource) -> bool {
    resource.system != System::Nginx && resource.system != System::Terraform
        || matches!(resource.block.as_str(), "resource" | "module")
}

/// Whether a module of Terraform makes stores, by what its folder declares; if that is not here, by its source or name.
pub(super) fn keeps_data(repository: &Repository, module: &Resource) -> bool {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut modules = vec![module];
    while let Some(module) = modules.pop() {
        let source = said(module, "source").unwrap_or("");
        let Some(inside) = module_folder(folder_of(repository.path(module.place)), source) else {
            let named = module.name.known().is_some_and(|name| speaks_of_store(name));
            if named || speaks_of_store(source) {
                return true;
            }
            continue;
        };
        if seen.contains(&inside) {
            continue;
        }
        let all = &repository.facts.resources;
        let own = all
            .iter()
            .filter(|r| r.system == System::Terraform && folder_of(repository.path(r.place)) == inside);
        let mut known = false;
        for block in own {
            known = true;
            match block.block.as_str() {
                "resource" if speaks_of_store(&block.sort) => return true,
                "module" => modules.push(block),
                _ => {}
            }
        }
        if !known && speaks_of_store(source) {
            return true;
        }
        seen.insert(inside);
    }
    false
}

/// The known text of the entry at exactly this path.
pub(super) fn said<'r>(resource: &'r Resource, path: &str) -> Option<&'r str> {
    resource.entry(path).and_then(text)
}

/// The first entry with this key, wherever in the block it stands.
pub(super) fn anywhere<'r>(resource: &'r Resource, key: &str) -> Option<&'r Setting> {
    resource.entries.iter().find(|e| e.key == key)
}

/// Whether a known value says yes.
pub(super) fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "enabled" | "1")
}

/// Whether a known value says no.
pub(super) fn is_no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "disabled")
}

/// Whether the block or object is of production, for certain or as one of several.
pub(super) fn of_production(resource: &Resource) -> bool {
    resource.target.as_ref().is_some_and(|t| t.may_be(Stage::Production))
}

/// Whether the block or object is of staging or production.
pub(super) fn is_shared(target: Option<&Target>) -> bool {
    target.is_some_and(|t| t.may_be(Stage::Staging) || t.may_be(Stage::Production))
}

/// What an entry can be, as far as files here say it: itself, or what is assigned to the variable that it refers to
/// by callers of the module, by files of variables, or else by the variable's default.
/// <https://developer.hashicorp.com/terraform/language/values/variables#assigning-values-to-root-module-variables>
pub(super) fn worths<'r>(
    repository: &'r Repository,
    resource: &Resource,
    entry: &'r Setting,
) -> Vec<&'r Setting> {
    let written = match &entry.setting {
        Value::Known(_) => return vec![entry],
        Value::Expr(text) => text,
        _ => return Vec::new(),
    };
    let bare = written.trim().trim_start_matches("${").trim_end_matches('}').trim();
    let Some(name) = bare.strip_prefix("var.") else { return Vec::new() };
    let folder = |place: Span| folder_of(repository.path(place));
    let own = folder(resource.place);
    let known = |s: &&Setting| s.setting.known().is_some();
    let calls =
        repository.facts.resources.iter().filter(|r| r.block == "module" && r.system == System::Terraform);
    let called = calls
        .filter(|r| {
            said(r, "source")
                .is_some_and(|source| module_folder(folder(r.place), source).as_deref() == Some(own))
        })
        .filter_map(|r| r.entry(name));
    let in_files = repository.facts.settings.iter().filter(|s| {
        s.path == name
            && repository.path(s.place).contains(".tfvars")
            && (own.is_empty() || folder(s.place) == own || folder(s.place).starts_with(&format!("{own}/")))
    });
    let mut all: Vec<&Setting> = called.chain(in_files).filter(known).collect();
    if all.is_empty() {
        let declared = repository.facts.resources.iter().find(|r| {
            r.block == "variable"
                && r.name.known().map(String::as_str) == Some(name)
                && folder(r.place) == own
        });
        all.extend(declared.and_then(|r| r.entry("default")).filter(known));
    }
    all
}

/// Shows the block where its value is given somewhere else: by a caller, a file of variables, or a default.
pub(super) fn relate_block(finding: &mut Finding, resource: &Resource, value: &Setting) {
    if !resource.body.contains(value.place) {
        finding.relate(resource.place, "used here");
    }
}

/// The folder that a module's relative `source` means.
fn module_folder(folder: &str, source: &str) -> Option<String> {
    source.starts_with('.').then(|| normalise(&format!("{folder}/{source}")))?
}

/// Whether a value of an environment that comes and goes is meant, by the value's own file or by the block's.
pub(super) fn is_apart_here(resource: &Resource, value: &Setting) -> bool {
    is_apart(resource.target.as_ref()) || is_apart(value.target.as_deref())
}

/// Resources of CloudFormation that are the same as blocks of Terraform.
const SAME: &[(&str, &str)] = &[
    ("AWS::RDS::DBInstance", "aws_db_instance"),
    ("AWS::RDS::DBCluster", "aws_rds_cluster"),
    ("AWS::DocDB::DBCluster", "aws_docdb_cluster"),
    ("AWS::Neptune::DBCluster", "aws_neptune_cluster"),
    ("AWS::Redshift::Cluster", "aws_redshift_cluster"),
    ("AWS::DynamoDB::Table", "aws_dynamodb_table"),
    ("AWS::ElastiCache::ReplicationGroup", "aws_elasticache_replication_group"),
    ("AWS::EC2::Instance", "aws_instance"),
    ("AWS::EC2::VPC", "aws_vpc"),
    ("AWS::EC2::Volume", "aws_ebs_volume"),
    ("AWS::EFS::FileSystem", "aws_efs_file_system"),
    ("AWS::S3::Bucket", "aws_s3_bucket"),
    ("AWS::ECS::Service", "aws_ecs_service"),
    ("AWS::EKS::Cluster", "aws_eks_cluster"),
    ("AWS::EC2::SecurityGroup", "aws_security_group"),
    ("AWS::EC2::SecurityGroupIngress", "aws_vpc_security_group_ingress_rule"),
    ("AWS::ElasticLoadBalancingV2::Listener", "aws_lb_listener"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "aws_lb"),
    ("AWS::CloudFront::Distribution", "aws_cloudfront_distribution"),
    ("AWS::WAFv2::WebACL", "aws_wafv2_web_acl"),
    ("AWS::ApplicationAutoScaling::ScalableTarget", "aws_appautoscaling_target"),
    ("AWS::Backup::BackupSelection", "aws_backup_selection"),
    ("AWS::Backup::BackupPlan", "aws_backup_plan"),
];

/// Modules of Ansible that make the same, with arguments of the same names.
/// <https://docs.ansible.com/ansible/latest/collections/amazon/aws/rds_instance_module.html>
const TASKS: &[(&str, &str)] = &[("rds_instance", "aws_db_instance"), ("rds_cluster", "aws_rds_cluster")];

/// The type of a block by its name in Terraform, in whichever language it is written.
pub(super) fn kind(resource: &Resource) -> &str {
    let sort = resource.sort.as_str();
    match resource.system {
        System::CloudFormation => {}
        // What a task takes away is not made; what a variable decides, is not known.
        System::Ansible if said(resource, "state").is_none_or(|s| matches!(s, "present" | "created")) => {
            let module = sort.rsplit('.').next().unwrap_or(sort);
            return TASKS.iter().find(|(theirs, _)| *theirs == module).map_or(sort, |(_, ours)| ours);
        }
        _ => return sort,
    }
    SAME.iter().find(|(theirs, _)| *theirs == sort).map_or(sort, |(_, ours)| ours)
}

/// The argument of this name, in whichever of the two languages it is written: `backup_retention_period` is
/// `Properties.BackupRetentionPeriod`.
pub(super) fn argument<'r>(resource: &'r Resource, name: &str) -> Option<&'r Setting> {
    if resource.system != System::CloudFormation {
        return resource.entry(name).or_else(|| {
            resource
                .entries
                .iter()
                .find(|e| e.path.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')))
        });
    }
    let camel: String = name
        .split(['_', '.'])
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
        })
        .collect();
    resource
        .entries
        .iter()
        .find(|e| e.path.strip_prefix("Properties.").is_some_and(|rest| rest.replace('.', "") == camel))
}
