//! Where settings point: hosts in values, and the stores that keys speak of.

use super::gates::words;

/// Whether a name, by one of its words, is that of a store.
pub(super) fn speaks_of_store(name: &str) -> bool {
    let all = words(&snake(name).to_lowercase());
    STORES.iter().any(|(_, own)| all.iter().any(|w| own.contains(&w.as_str())))
}

/// What a service keeps its data in, or is reached through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Store {
    /// A database.
    Database,
    /// A cache.
    Cache,
    /// A queue, topic or broker.
    Queue,
    /// A bucket or another store of files.
    Bucket,
    /// A search engine.
    Search,
}

impl Store {
    /// As people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Store::Database => "database",
            Store::Cache => "cache",
            Store::Queue => "queue",
            Store::Bucket => "bucket",
            Store::Search => "search engine",
        }
    }
}

const STORES: &[(Store, &[&str])] = &[
    (
        Store::Bucket,
        &["bucket", "buckets", "s3bucket", "bucketname", "blobstorage", "storageaccount", "minio"],
    ),
    (Store::Cache, &["redis", "cache", "memcached", "memcache", "valkey", "elasticache"]),
    (
        Store::Queue,
        &[
            "queue",
            "queues",
            "sqs",
            "sns",
            "kafka",
            "rabbitmq",
            "amqp",
            "rabbit",
            "broker",
            "nats",
            "pubsub",
            "topic",
            "servicebus",
            "eventhub",
            "celery",
        ],
    ),
    (Store::Search, &["elasticsearch", "opensearch", "elastic", "solr", "meilisearch", "typesense"]),
    (
        Store::Database,
        &[
            "database",
            "databases",
            "db",
            "postgres",
            "postgresql",
            "pghost",
            "pg",
            "mysql",
            "mariadb",
            "mongo",
            "mongodb",
            "sql",
            "mssql",
            "sqlserver",
            "dsn",
            "datasource",
            "jdbc",
            "rds",
            "cassandra",
            "dynamodb",
            "clickhouse",
            "oracle",
            "neo4j",
            "aurora",
        ],
    ),
];

/// The store that a key's path speaks of, by whole words; the nearest to the value decides.
pub(super) fn store_of(path: &str) -> Option<Store> {
    // Sentry calls the address that it takes reports at a data source, too.
    if path.to_ascii_lowercase().contains("sentry") {
        return None;
    }
    let parts: Vec<&str> = path.rsplit('.').take(3).collect();
    parts.into_iter().find_map(|part| {
        let lower = snake(part);
        let all = words(&lower);
        STORES.iter().find(|(_, own)| all.iter().any(|w| own.contains(&w.as_str()))).map(|(store, _)| *store)
    })
}

/// `databaseUrl` as `database_url`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            out.push('_');
        }
        out.push(c);
        before = c;
    }
    out
}

/// The host of an address, without user, port and path; nothing of an identity such as
/// `deployer@shop-dev.iam.gserviceaccount.com`, behind whose `@` no machine stands.
pub(super) fn host_of(value: &str) -> &str {
    let (address, rest) = value.rsplit_once("://").map_or((false, value), |(_, rest)| (true, rest));
    let authority = rest.split(['/', '?', ' ', ';', ',']).next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        // A port or a path makes it an address without its scheme.
        Some((_, domain)) if !address && authority == rest && !domain.contains(':') => "",
        Some((_, host)) => host.split(':').next().unwrap_or(host),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

/// Whether a text is a full host name that means the same machine wherever it is written: not a name of a
/// container or cluster, not one of the machine itself, and no stand-in.
/// <https://www.rfc-editor.org/rfc/rfc2606>, <https://www.rfc-editor.org/rfc/rfc6762>
pub(super) fn is_worldwide(host: &str) -> bool {
    const LOCAL: &[&str] = &[
        "local",
        "localhost",
        "internal",
        "test",
        "example",
        "invalid",
        "lan",
        "home",
        "svc",
        "docker",
        "dev",
    ];
    const STAND_INS: &[&str] = &["example.com", "example.org", "example.net", "domain.com", "company.com"];
    let host = host.trim_end_matches('.');
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let labels: Vec<&str> = host.split('.').collect();
    let (Some(last), true) = (labels.last(), labels.len() > 1 && host.bytes().all(named)) else {
        return false;
    };
    last.len() > 1
        && last.bytes().all(|b| b.is_ascii_alphabetic())
        && !LOCAL.contains(last)
        && !STAND_INS.iter().any(|s| host == *s || host.strip_suffix(s).is_some_and(|r| r.ends_with('.')))
        && !labels.iter().any(|l| l.is_empty() || l.starts_with("your") || l.starts_with("my-"))
}

/// The name under which a host is registered, as far as its form tells: `example.com`, `example.co.uk`.
pub(super) fn domain_of(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    let mut ends = host.rmatch_indices('.').map(|(at, _)| at + 1);
    let Some(last) = ends.next() else { return host };
    let second = ends.next();
    let second_label = host.get(second.unwrap_or(0)..last - 1).unwrap_or("");
    let composed = host.len() - last == 2
        && matches!(second_label, "ac" | "co" | "com" | "edu" | "gov" | "net" | "org" | "gouv");
    let from = if composed { ends.next().or(second.map(|_| 0)) } else { second };
    &host[from.unwrap_or(0)..]
}

/// Ports of databases, caches and brokers, which nobody but services speaks to.
pub(super) const STORE_PORTS: &[u16] = &[
    1433, 1434, 1521, 3306, 33060, 5432, 5672, 5984, 6379, 7687, 9042, 9092, 9200, 11211, 26257, 27017,
    27018, 27019,
];

/// Whether an image is that of a database, cache or broker.
pub(super) fn is_store_image(reference: &str) -> bool {
    const IMAGES: &[&str] = &[
        "postgres",
        "postgresql",
        "postgis",
        "mysql",
        "mysql-server",
        "mariadb",
        "mongo",
        "mongodb",
        "redis",
        "valkey",
        "memcached",
        "elasticsearch",
        "opensearch",
        "cassandra",
        "clickhouse-server",
        "rabbitmq",
        "influxdb",
        "neo4j",
        "couchdb",
        "cockroach",
        "timescaledb",
        "pgvector",
        "kafka",
        "keydb",
        "dragonfly",
        "percona",
        "server",
    ];
    let name = reference.split('@').next().unwrap_or(reference);
    let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
    let last = name.rsplit('/').next().unwrap_or(name);
    // `mssql/server` is SQL Server; other servers are anything.
    IMAGES.contains(&last) && (last != "server" || name.contains("mssql"))
}

/// Whether an image is that of a database: what nobody can make again from elsewhere.
pub(super) fn is_database_image(reference: &str) -> bool {
    const PASSING: &[&str] = &["redis", "valkey", "memcached", "rabbitmq", "kafka", "keydb", "dragonfly"];
    let name = reference.split('@').next().unwrap_or(reference).rsplit('/').next().unwrap_or(reference);
    is_store_image(reference) && !PASSING.contains(&name.split(':').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_the_store_that_it_points_at() {
        for (path, expected) in [
            ("DATABASE_URL", Some(Store::Database)),
            ("spring.datasource.url", Some(Store::Database)),
            ("redis.host", Some(Store::Cache)),
            ("CELERY_BROKER_URL", Some(Store::Queue)),
            ("s3.bucketName", Some(Store::Bucket)),
            ("db.cache.host", Some(Store::Cache)),
            ("FEEDBACK_URL", None),
            ("SENTRY_DSN", None),
            ("api.url", None),
        ] {
            assert_eq!(store_of(path), expected, "{path}");
        }
    }

    #[test]
    fn hosts_are_told_from_names_inside_a_cluster() {
        for (value, host, worldwide, domain) in [
            ("postgres://u@db.shop.com:5432/x", "db.shop.com", true, "shop.com"),
            ("https://api.shop.co.uk/v1", "api.shop.co.uk", true, "shop.co.uk"),
            ("db", "db", false, "db"),
            ("redis://cache:6379", "cache", false, "cache"),
            ("db.prod.svc.cluster.local", "db.prod.svc.cluster.local", false, "cluster.local"),
            ("db.example.com", "db.example.com", false, "example.com"),
            ("10.0.0.1", "10.0.0.1", false, "0.1"),
            ("x.gov.uk", "x.gov.uk", true, "x.gov.uk"),
            ("app:secret@db.shop.com/x", "db.shop.com", true, "shop.com"),
            ("app@db.shop.com:5432", "db.shop.com", true, "shop.com"),
            ("deployer@shop-dev.iam.gserviceaccount.com", "", false, ""),
            ("serviceAccount:deployer@shop-dev.iam.gserviceaccount.com", "", false, ""),
        ] {
            assert_eq!(host_of(value), host, "{value}");
            assert_eq!(is_worldwide(host), worldwide, "{host}");
            assert_eq!(domain_of(host), domain, "{host}");
        }
    }
}
