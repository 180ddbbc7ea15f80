//! Credentials of databases that live as long as a CI job or a developer's compose project.

use super::surroundings::Surroundings;
use crate::facts::{Medium, Target};
use crate::lexicon::Stage;

/// Variables with which the official images are told what their first password shall be.
const FIRST_PASSWORDS: &[&str] = &[
    "POSTGRES_PASSWORD",
    "PGPASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "MYSQL_PASSWORD",
    "MARIADB_ROOT_PASSWORD",
    "MARIADB_PASSWORD",
    "MONGO_INITDB_ROOT_PASSWORD",
    "RABBITMQ_DEFAULT_PASS",
    "MINIO_ROOT_PASSWORD",
    "MINIO_SECRET_KEY",
    "MSSQL_SA_PASSWORD",
    "SA_PASSWORD",
    "ELASTIC_PASSWORD",
    "REDIS_PASSWORD",
    "NEO4J_AUTH",
    "ORACLE_PASSWORD",
    "CLICKHOUSE_PASSWORD",
    "COUCHDB_PASSWORD",
    "KEYCLOAK_ADMIN_PASSWORD",
    "ARANGO_ROOT_PASSWORD",
];

/// What a compose project starts beside the program itself.
const DATABASES: &[&str] = &[
    "database",
    "db",
    "postgres",
    "postgresql",
    "pg",
    "mysql",
    "mariadb",
    "mongo",
    "mongodb",
    "redis",
    "rabbitmq",
    "minio",
    "mssql",
];

/// Lines above a credential that are looked at, and bytes of each: the time for one must be bounded.
const MOST_LINES: usize = 200;
const MOST_BYTES: usize = 16 * 1024;

/// Whether what stands at `at`, under `key`, serves a throw-away container.
pub(super) fn serves_throwaway(
    text: &str,
    at: usize,
    key: Option<&str>,
    host: Option<&str>,
    around: &Surroundings,
    target: Option<&Target>,
) -> bool {
    let last = key.and_then(|k| k.rsplit('.').next()).unwrap_or("");
    let first = FIRST_PASSWORDS.contains(&last);
    let own = host.is_some_and(|h| {
        matches!(h, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "[::1]" | "host.docker.internal")
    });
    // Services of a job or a project are reached by names without a dot.
    let neighbour = host.is_some_and(|h| {
        !h.is_empty()
            && !h.contains('.')
            && h.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    });
    let staged = target.is_some_and(|t| t.is(Stage::Production) || t.is(Stage::Staging));
    if around.compose {
        let database = super::keys::split(last).iter().any(|w| DATABASES.contains(&w.as_str()));
        return !staged && (first || own || neighbour || database);
    }
    around.medium == Medium::Pipeline
        && (first || own || neighbour || under_services(text, at) || !staged && is_on_runner(text, at))
}

/// Whether the command around `at` sets up something on the machine that runs the job: a user in its own
/// database, a container that it starts and reaches by its own address.
fn is_on_runner(text: &str, at: usize) -> bool {
    let continued = |line: &&str| line.trim_end().ends_with('\\');
    let floor = text.ceil_char_boundary(at.saturating_sub(1500));
    let mut before = text[floor..at].rsplit('\n');
    let mut lines: Vec<&str> = before.next().into_iter().collect();
    lines.extend(before.take_while(continued));
    let end = text.floor_char_boundary((at + 1500).min(text.len()));
    for line in text[at..end].split('\n') {
        lines.push(line);
        if !continued(&line) {
            break;
        }
    }
    let says = |word: &str| lines.iter().any(|line| line.contains(word));
    let database = (says("CREATE USER") || says("ALTER USER") || says("CREATE ROLE"))
        && !says(" -h ")
        && !says("--host");
    let container = says("docker run") && (says("127.0.0.1") || says("localhost"));
    (database || container) && !says("ssh ")
}

/// Whether a `services:` key stands above `at` with less indentation: the block that `at` is in.
fn under_services(text: &str, at: usize) -> bool {
    let floor = text.ceil_char_boundary(at.saturating_sub(MOST_BYTES));
    let mut lines = text[floor..at].rsplit('\n').take(MOST_LINES);
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let Some(mut inner) = lines.next().map(indentation) else { return false };
    for line in lines {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let outer = indentation(line);
        if outer < inner {
            inner = outer;
            if line.trim().starts_with("services:") {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_sets_up_on_its_own_machine_is_told_from_what_it_reaches() {
        for (text, expected) in [
            ("run: psql -c \"CREATE USER a PASSWORD '@'\"\n", true),
            ("run: psql -h db.corp.io -c \"CREATE USER a PASSWORD '@'\"\n", false),
            ("run: |\n  docker run \\\n  -e PASSWORD=@ \\\n  -e URL=http://127.0.0.1:9000 x\n", true),
            ("run: |\n  docker run -e PASSWORD=@ x\n  curl http://127.0.0.1\n", false),
            ("run: ssh h docker run -e PASSWORD=@ -p 127.0.0.1:80:80 x\n", false),
        ] {
            assert_eq!(is_on_runner(text, text.find('@').expect("marked")), expected, "{text}");
        }
    }

    #[test]
    fn a_services_block_is_seen_from_inside_only() {
        let text =
            "jobs:\n  a:\n    services:\n      db:\n        env:\n          X: 1\n    env:\n      Y: 2\n";
        assert!(under_services(text, text.find("X:").expect("X")));
        assert!(!under_services(text, text.find("Y:").expect("Y")));
        assert!(!under_services("x", 0));
    }
}
