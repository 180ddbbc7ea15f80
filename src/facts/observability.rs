//! Facts on how what runs is watched: what programs bring along for it, addresses that tell their state, alerts,
//! dashboards, and how long logs are kept.

use super::{Target, Value, fact, words};
use crate::text::Span;

words! {
    /// What a library, an image or a piece of code is there for.
    pub enum PracticeKind {
        /// It answers requests over HTTP.
        Web = "web",
        /// It runs jobs from a queue.
        Jobs = "jobs",
        /// It writes logs that programs can read.
        StructuredLogs = "structured-logs",
        /// It carries one id through all that a request sets off.
        CorrelationId = "correlation-id",
        /// It exposes or collects metrics.
        Metrics = "metrics",
        /// It records traces.
        Tracing = "tracing",
        /// It reports errors to a tracker such as Sentry.
        ErrorTracker = "error-tracker",
        /// It records who did what.
        AuditLog = "audit-log",
        /// It gives responses headers that protect whoever reads them.
        SecureHeaders = "secure-headers",
        /// It limits how often one client may ask.
        RateLimit = "rate-limit",
        /// It answers at an address for health checks by itself.
        HealthEndpoint = "health-endpoint",
        /// It answers at an address for readiness by itself.
        ReadyEndpoint = "ready-endpoint",
        /// It sends logs to a store.
        LogShipping = "log-shipping",
        /// It shows metrics.
        Dashboards = "dashboards",
        /// It raises alerts.
        Alerting = "alerting",
        /// It gives settings a model that is checked when the program starts.
        SettingsModel = "settings-model",
    }
}

words! {
    /// What tells of a practice.
    pub enum PracticeBasis {
        /// A manifest names a library.
        Library = "library",
        /// Program code or its settings.
        Code = "code",
    }
}

fact! {
    /// Something by which a program can be watched, or that makes it a service.
    pub struct Practice = "practice" {
        /// The library's name in a manifest, or the words in code.
        place: Span,
        /// What it is there for.
        practice: PracticeKind,
        /// The library, or the words.
        name: String,
        /// What tells it.
        basis: PracticeBasis,
    }
}

words! {
    /// What an address of a service tells.
    pub enum RouteSort {
        /// That the process lives.
        Live = "live",
        /// That it can serve.
        Ready = "ready",
    }
}

fact! {
    /// An address at which program code answers health checks.
    pub struct Route = "route" {
        /// The path, in its quotes.
        place: Span,
        /// The path as written.
        path: String,
        /// What it tells.
        sort: RouteSort,
        /// The handler stands beside it, and its answer depends on nothing.
        constant: bool,
    }
}

words! {
    /// What an alert looks at.
    pub enum Signal {
        /// The share of requests that fail.
        ErrorRate = "error-rate",
        /// Median latency.
        LatencyP50 = "latency-p50",
        /// Latency of the slowest requests.
        LatencyP99 = "latency-p99",
        /// Latency, or throughput, of another sort.
        Latency = "latency",
        /// Messages or jobs that wait.
        QueueDepth = "queue-depth",
        /// Use of processors.
        Cpu = "cpu",
        /// Use of memory.
        Memory = "memory",
        /// A health check that fails, an instance that is gone or starts again and again.
        Health = "health",
        /// Errors in logs of applications.
        ErrorLog = "error-log",
        /// Access that is unlike the usual.
        Access = "access",
        /// What concerns security.
        Security = "security",
        /// A deploy that fails.
        DeployFailure = "deploy-failure",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// What the number of an alert's limit counts.
    pub enum LimitUnit {
        /// Percent of all there is: of requests, of a processor, of memory.
        Percent = "percent",
        /// Percent by which a value has grown over an earlier one.
        Growth = "growth",
        /// How many times an earlier value.
        Times = "times",
    }
}

fact! {
    /// A rule that tells people when something is wrong.
    pub struct Alert = "alert" {
        /// Its name.
        place: Span,
        /// Its name.
        name: String,
        /// What it looks at.
        signal: Signal,
        /// The limit beyond which it fires, if its unit can be told.
        limit: Option<f64>,
        /// What the limit counts.
        unit: Option<LimitUnit>,
        /// What it measures: the metric's first word, or the namespace.
        scope: String,
        /// The environment that it holds for.
        target: Option<Target>;
        /// The expression or the threshold.
        limit_place: Span,
    }
}

words! {
    /// What a dashboard shows.
    pub enum DashboardTopic {
        /// Deploys and their progress.
        Deployment = "deployment",
        /// Latency, errors and traffic of applications.
        Application = "application",
        /// Processors, memory, network.
        Infrastructure = "infrastructure",
        /// Orders, payments, people who sign up.
        Business = "business",
    }
}

fact! {
    /// A dashboard that the repository brings along.
    pub struct Dashboard = "dashboard" {
        /// The file's start, or the block's name.
        place: Span,
        /// Its name.
        name: String,
        /// What it shows, as far as words tell.
        topics: Vec<DashboardTopic>,
    }
}

words! {
    /// What sort of log something holds.
    pub enum LogSort {
        /// Of applications, and all that says nothing else.
        Application = "application",
        /// Of who asked for what: proxies, load balancers, networks.
        Access = "access",
        /// Of who did what, and of security.
        Audit = "audit",
        /// Of builds and deploys.
        Deployment = "deployment",
    }
}

fact! {
    /// How long logs are kept.
    pub struct LogRetention = "log-retention" {
        /// The number.
        place: Span,
        /// The log group, store or file.
        name: String,
        /// What sort of log, by its name.
        sort: LogSort,
        /// Days; 0 stands for ever.
        days: Value<u32>,
        /// The environment that it holds for.
        target: Option<Target>,
    }
}
