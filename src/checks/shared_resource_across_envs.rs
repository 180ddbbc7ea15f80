//! One database, cache, queue, bucket or account that files of several environments name.

use super::addresses::{Store, host_of, is_worldwide, snake, store_of};
use super::definitions::{capital, text, told};
use super::gates::words;
use super::samples::no_worse_than;
use crate::facts::{Repository, Setting, Stage};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use std::collections::BTreeMap;

/// What a value names, in a form that is the same wherever it is written.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    what: &'static str,
    name: String,
}

/// The first setting of each environment.
type Users<'a> = BTreeMap<Stage, &'a Setting>;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let mut used: BTreeMap<Identity, Users<'_>> = BTreeMap::new();
    for (stage, setting) in told(repository) {
        let Some(identity) = identity(setting) else { continue };
        verdict.examined(setting.place);
        let users = used.entry(identity).or_default();
        let first = users.entry(stage).or_insert(setting);
        if setting.place < first.place {
            *first = setting;
        }
    }
    for (identity, users) in &used {
        let mut from_last = users.iter().rev();
        let (Some((last, own)), Some((other, theirs))) = (from_last.next(), from_last.next()) else {
            continue;
        };
        let Identity { what, name } = identity;
        let message = format!("{} and {} use the same {what} `{name}`", capital(*other), last.name());
        let subject = format!("{what} {name}");
        let finding = if *what == ACCOUNT {
            verdict
                .review(own.place, subject, message)
                .against("network and rights can keep resources of one account apart")
        } else if is_on_a_server(what) && names_differ(repository, own, theirs) {
            verdict.review(own.place, subject, message).against("the names of the databases differ")
        } else {
            verdict.fail(own.place, subject, message)
        };
        finding.at_most(Confidence::Medium).label(format!("{} uses it", last.name()));
        if *last != Stage::Production {
            no_worse_than(finding, Severity::Warning);
        }
        for (stage, setting) in users.iter().rev().skip(1) {
            finding.relate(setting.place, format!("{} uses it", stage.name()));
        }
    }
}

const ACCOUNT: &str = "account";

/// Uses that all environments may have in common: what is built, logged and kept of infrastructure itself.
const COMMON: &[&str] = &[
    "artifact",
    "artifacts",
    "release",
    "releases",
    "registry",
    "state",
    "tfstate",
    "backend",
    "terraform",
    "log",
    "logs",
    "logging",
    "access",
    "audit",
    "backup",
    "backups",
    "metrics",
    "cdn",
    "assets",
    "static",
    "public",
    "lambda",
    "code",
    "deploy",
    "deployment",
    "deployments",
    "packages",
    "helm",
    "charts",
    "ecr",
    "ci",
    "build",
    "builds",
    "image",
    "images",
    "config",
    "replica",
    "tfplan",
    "remote",
    "source",
    "driver",
    "dialect",
    "adapter",
    "provider",
    "class",
];

fn identity(setting: &Setting) -> Option<Identity> {
    let value = text(setting)?.trim();
    if value.len() > 300 || value.is_empty() || value.contains(['<', '{', ' ', '*']) {
        return None;
    }
    if let Some(name) = account(setting, value) {
        return Some(Identity { what: ACCOUNT, name });
    }
    let store = store_of(&setting.path)?;
    // Pages bear such names, too; what is asked over HTTP is a search engine or a queue.
    if store == Store::Database && (value.starts_with("https://") || value.starts_with("http://")) {
        return None;
    }
    let lower = snake(&setting.path);
    if words(&lower).iter().any(|w| COMMON.contains(&w.as_str())) {
        return None;
    }
    let key = words(&snake(&setting.key));
    let last = key.last().map_or("", String::as_str);
    let key_is = |names: &[&str]| key.iter().any(|w| names.contains(&w.as_str()));
    let name = match store {
        Store::Bucket => {
            let name = ["s3://", "gs://", "arn:aws:s3:::"].iter().find_map(|p| value.strip_prefix(p));
            let of_bucket = ["bucket", "bucketname", "s3bucket"];
            let names = of_bucket.contains(&last)
                || key_is(&of_bucket) && matches!(last, "name" | "id" | "arn") && !key_is(&["domain"]);
            let bare = name.unwrap_or(value).trim_end_matches('/');
            let well_formed = (3..=63).contains(&bare.len())
                && bare
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_'))
                && bare.contains(['-', '.'])
                && bare.bytes().any(|b| b.is_ascii_lowercase())
                && !bare.starts_with("your")
                && !bare.starts_with("my-");
            (well_formed && (name.is_some() || names) && !common_value(bare)).then(|| bare.to_owned())
        }
        Store::Queue if value.starts_with("https://sqs.") => {
            (value.matches('/').count() > 3).then(|| value.to_owned())
        }
        Store::Queue if value.starts_with("arn:aws:s") => Some(value.to_owned()),
        Store::Queue if value.starts_with("projects/") => Some(value.to_owned()),
        _ => {
            let host = host_of(value);
            let address = value.contains("://")
                || key_is(&[
                    "host", "hostname", "url", "uri", "endpoint", "server", "address", "addr", "dsn",
                    "pghost",
                ]);
            // The name of a database behind the host tells two databases of one server apart.
            let path =
                value.rsplit_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, p)| p);
            let path = path.split(['?', '#']).next().unwrap_or("");
            (address && is_worldwide(host) && !is_of_a_provider(host)).then(|| match path {
                "" => host.to_owned(),
                path => format!("{host}/{path}"),
            })
        }
    }?;
    Some(Identity { what: store.name(), name })
}

/// Addresses at which a provider serves all of its customers.
fn is_of_a_provider(host: &str) -> bool {
    const ENDS: &[&str] = &[
        ".amazonaws.com",
        ".googleapis.com",
        ".azure.com",
        ".windows.net",
        ".cloudflare.com",
        ".sentry.io",
        ".datadoghq.com",
    ];
    let own = [
        ".rds.",
        ".cache.",
        ".redshift.",
        ".docdb.",
        ".mq.",
        ".es.",
        ".kafka.",
        ".database.",
        ".redis.",
        ".servicebus.",
    ];
    ENDS.iter().any(|e| host.ends_with(e)) && !own.iter().any(|o| host.contains(o))
}

fn common_value(bucket: &str) -> bool {
    words(bucket).iter().any(|w| COMMON.contains(&w.as_str()) && w != "public" && w != "access")
}

/// The account that an environment's resources are in.
fn account(setting: &Setting, value: &str) -> Option<String> {
    let key = snake(&setting.key).to_ascii_lowercase();
    let aws = matches!(key.as_str(), "account_id" | "aws_account_id" | "accountid" | "aws_account")
        && value.len() == 12
        && value.bytes().all(|b| b.is_ascii_digit())
        && value != "123456789012"
        && !value.bytes().all(|b| b == value.as_bytes()[0]);
    let google =
        matches!(key.as_str(), "gcp_project" | "gcp_project_id" | "google_project" | "google_cloud_project")
            && (6..=30).contains(&value.len())
            && value.contains('-');
    let azure = matches!(key.as_str(), "subscription_id" | "azure_subscription_id" | "arm_subscription_id")
        && value.len() == 36
        && !value.starts_with("00000000");
    (aws || google || azure).then(|| value.to_owned())
}

/// Whether one host of this sort holds several databases.
fn is_on_a_server(what: &str) -> bool {
    what == Store::Database.name() || what == Store::Cache.name()
}

/// Whether settings beside the two hosts give databases of different names.
fn names_differ(repository: &Repository, own: &Setting, theirs: &Setting) -> bool {
    let name = |of: &Setting| {
        let parent = of.path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let near = |s: &&Setting| {
            let key = snake(&s.key).to_ascii_lowercase();
            s.path.rsplit_once('.').map_or("", |(parent, _)| parent) == parent
                && (matches!(key.as_str(), "database" | "dbname" | "db" | "name" | "pgdatabase")
                    || key.ends_with("db_name")
                    || key.ends_with("_database")
                    || key.ends_with("database_name"))
        };
        repository.settings_of(of.place.file).iter().find(near).and_then(text)
    };
    matches!((name(own), name(theirs)), (Some(a), Some(b)) if a != b)
}
