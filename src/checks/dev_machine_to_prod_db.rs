//! A way from a developer's machine to the production database: a tunnel, a client, a setting.

use super::addresses::host_of;
use super::hands::{Act, acts, place_name, report_hands};
use crate::facts::{EffectKind, Repository, Setting, SettingSource, Stage, Target, Value};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

/// Words by which a service or host is known to be a database, and the ports of such.
const DATABASES: &[&str] = &[
    "postgres",
    "pgbouncer",
    "mysql",
    "mariadb",
    "mongo",
    "redis",
    "database",
    "-db",
    "db-",
    "/db",
    "rds",
    "sql",
    "cassandra",
    "aurora",
    "5432",
    "3306",
    "27017",
    "6379",
    "1433",
    "1521",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all
        .iter()
        .filter(|act| reaches_database(act))
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)))
        .filter(|(act, target)| act.effect.effect == EffectKind::Tunnel || !act.names_database_only(target));
    report_hands(verdict, repository, found, "leads to the production database", |act, target| {
        let what = if act.effect.effect == EffectKind::Tunnel { "opens a path" } else { "connects" };
        format!(
            "{} {what} from a developer's machine to the production database (`{}`)",
            act.name(),
            place_name(target)
        )
    });
    for setting in &repository.facts.settings {
        judge_setting(setting, repository, verdict);
    }
}

fn reaches_database(act: &Act<'_>) -> bool {
    let line = act.line().to_lowercase();
    match act.effect.effect {
        EffectKind::Tunnel => {
            matches!(act.effect.tool.as_str(), "cloud_sql_proxy" | "cloud-sql-proxy")
                || DATABASES.iter().any(|w| line.contains(w))
        }
        // `redis-cli ping` and the like are told as checks.
        EffectKind::Query => true,
        _ => false,
    }
}

fn judge_setting(setting: &Setting, repository: &Repository, verdict: &mut Verdict) {
    let local = |t: &Target| matches!(t.stage.known(), Some(Stage::Local | Stage::Development));
    if !matches!(setting.source, SettingSource::Dotenv | SettingSource::Config | SettingSource::Service)
        || !setting.target.as_deref().is_some_and(local)
        || !names_database(&setting.path)
    {
        return;
    }
    let Value::Known(value) = &setting.setting else { return };
    let host = host_of(value);
    if host.contains(['$', '{', '<']) || !host.contains('.') && !host.contains('-') {
        return;
    }
    verdict.examined(setting.place);
    if repository.stage_of_host(host) == Some(Stage::Production) {
        let file = repository.path(setting.place);
        verdict
            .fail(
                setting.place,
                format!("setting {}", setting.path),
                format!(
                    "`{}` in `{file}` points a developer's machine at the production database",
                    setting.key
                ),
            )
            .at_most(Confidence::Medium)
            .label("a host of production");
    }
}

fn names_database(path: &str) -> bool {
    let path = path.to_lowercase();
    [
        "database",
        "db_",
        "_db",
        "db.",
        "db-",
        "postgres",
        "pghost",
        "mysql",
        "mongo",
        "redis",
        "sql",
        "dsn",
        "datasource",
        "jdbc",
    ]
    .iter()
    .any(|w| path.contains(w))
}
