//! What program code and its settings say of how a program is watched: words of loggers, tracers and trackers, and
//! addresses that answer health checks.

use super::surroundings::is_comment;
use crate::facts::{Practice, PracticeBasis, PracticeKind, Route, RouteSort};
use crate::text::{FileId, Span};
use std::ops::Range;

/// Words that tell of a practice, after the libraries' manuals; those with capitals are met only so.
pub(super) const WORDS: &[(&str, PracticeKind)] = &[
    ("slog.NewJSONHandler", PracticeKind::StructuredLogs),
    ("AddJsonConsole", PracticeKind::StructuredLogs),
    ("JSONFormatter", PracticeKind::StructuredLogs),
    ("JsonFormatter", PracticeKind::StructuredLogs),
    ("JSONRenderer", PracticeKind::StructuredLogs),
    ("JsonLayout", PracticeKind::StructuredLogs),
    ("JsonTemplateLayout", PracticeKind::StructuredLogs),
    ("LogstashEncoder", PracticeKind::StructuredLogs),
    ("logging.structured", PracticeKind::StructuredLogs),
    ("x-request-id", PracticeKind::CorrelationId),
    ("x-correlation-id", PracticeKind::CorrelationId),
    ("x-trace-id", PracticeKind::CorrelationId),
    ("x-amzn-trace-id", PracticeKind::CorrelationId),
    ("x-cloud-trace-context", PracticeKind::CorrelationId),
    ("traceparent", PracticeKind::CorrelationId),
    ("correlation_id", PracticeKind::CorrelationId),
    ("correlationid", PracticeKind::CorrelationId),
    ("correlation-id", PracticeKind::CorrelationId),
    (":request_id", PracticeKind::CorrelationId),
    ("middleware.RequestID", PracticeKind::CorrelationId),
    ("promhttp", PracticeKind::Metrics),
    ("\"/metrics", PracticeKind::Metrics),
    ("'/metrics", PracticeKind::Metrics),
    ("MapMetrics", PracticeKind::Metrics),
    ("MapPrometheusScrapingEndpoint", PracticeKind::Metrics),
    ("put_metric_data", PracticeKind::Metrics),
    ("opentelemetry", PracticeKind::Tracing),
    ("OTEL_EXPORTER_OTLP", PracticeKind::Tracing),
    ("sentry_dsn", PracticeKind::ErrorTracker),
    ("sentry.init", PracticeKind::ErrorTracker),
    ("audit_log", PracticeKind::AuditLog),
    ("auditlog", PracticeKind::AuditLog),
    ("audit_event", PracticeKind::AuditLog),
    ("auditevent", PracticeKind::AuditLog),
    ("auditservice", PracticeKind::AuditLog),
    ("audit_trail", PracticeKind::AuditLog),
    ("strict-transport-security", PracticeKind::SecureHeaders),
    ("content-security-policy", PracticeKind::SecureHeaders),
    ("x-frame-options", PracticeKind::SecureHeaders),
    ("SECURE_HSTS_SECONDS", PracticeKind::SecureHeaders),
    ("UseHsts", PracticeKind::SecureHeaders),
    ("config.force_ssl", PracticeKind::SecureHeaders),
    ("content_security_policy", PracticeKind::SecureHeaders),
    ("AddRateLimiter", PracticeKind::RateLimit),
    ("DEFAULT_THROTTLE_RATES", PracticeKind::RateLimit),
    ("throttle_classes", PracticeKind::RateLimit),
    ("Rack::Attack", PracticeKind::RateLimit),
    ("RateLimiter", PracticeKind::RateLimit),
    ("rate_limit(", PracticeKind::RateLimit),
    ("ratelimit(", PracticeKind::RateLimit),
    ("MapHealthChecks", PracticeKind::HealthEndpoint),
    ("UseHealthChecks", PracticeKind::HealthEndpoint),
];

/// Beginnings of paths at which services answer health checks.
pub(super) const ROUTE_WORDS: &[&str] = &[
    "/health",
    "\"health",
    "'health",
    "^health",
    "/_health",
    "/__health",
    "/ready",
    "\"ready",
    "'ready",
    "^ready",
    "/readiness",
    "\"readiness",
    "'readiness",
    "/live",
    "\"live",
    "'live",
    "/ping\"",
    "/ping'",
    "/status\"",
    "/status'",
    "\"/up\"",
    "'/up'",
    "heartbeat",
    "_status\"",
    "_status'",
    " :health",
    " :ping",
    " :ready",
];

/// Ends of paths that tell whether the process lives.
const LIVE: &[&str] = &[
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "health_check",
    "_health",
    "__health__",
    "_healthcheck",
    "live",
    "livez",
    "liveness",
    "alive",
    "ping",
    "status",
    "up",
    "heartbeat",
    "__heartbeat__",
    "__lbheartbeat__",
    "healthcheck.json",
    "health.json",
    "_status",
    "hc",
];

/// Ends of paths that tell whether it can serve.
const READY: &[&str] = &["ready", "readyz", "readiness", "is-ready", "isready", "__heartbeat__"];

/// Beside a path, what says that it is served here.
const SERVES: &[&str] = &[
    "route",
    "get(",
    "get ",
    "get[",
    "all(",
    "use(",
    "path",
    "handle",
    "mapping",
    "map",
    "url",
    "endpoint",
    "match",
    "register",
    "add_",
    "@",
    "resource",
    "scope",
    "controller",
    "method(",
    "head(",
    "when(",
    "prefix",
    "nest(",
    "service(",
    "case ",
    "==",
    "location",
];

/// Beside a path, what says that it is asked for.
const ASKS: &[&str] = &[
    "fetch(",
    "axios",
    "requests.",
    "httpx",
    "urlopen",
    "http.get(",
    "resttemplate",
    "webclient",
    "http.client",
    "curl",
    "expect(",
    "assert",
    "await_",
    "waitfor",
    "wait_for",
    "client.get",
    "$http",
    "superagent",
    "redirect",
    "window.",
];

/// What an answer that is more than a constant is made of.
const DEPENDS: &[&str] = &[
    "db",
    "database",
    "sql",
    "select",
    "ping",
    "redis",
    "cache",
    "pool",
    "conn",
    "query",
    "exec",
    "check",
    "session",
    "prisma",
    "mongo",
    "knex",
    "ready(",
    "is_ready",
    "isready",
    "health",
    "depend",
    "await",
    "client",
    "repository",
    "service",
    "store",
    "queue",
    "state",
    "if ",
    "?",
    "match",
    "switch",
    "status(",
    "self.",
    "this.",
    "orm",
    "count",
];

/// The practice of the word with this number, at `word`.
pub(super) fn read(
    file: FileId,
    text: &str,
    word: Range<usize>,
    number: usize,
    extension: &str,
    offset: usize,
) -> Option<Practice> {
    let (wanted, practice) = WORDS[number];
    let written = text.get(word.clone())?;
    let exact = wanted.bytes().any(|b| b.is_ascii_uppercase());
    if exact && written != wanted || is_comment(line_before(text, word.start), extension) {
        return None;
    }
    let place = Span::new(file, offset + word.start..offset + word.end);
    Some(Practice { place, practice, name: written.to_owned(), basis: PracticeBasis::Code })
}

/// The line up to `at`, as far as it is looked at.
fn line_before(text: &str, at: usize) -> &str {
    let from = text.ceil_char_boundary(at.saturating_sub(240));
    let before = &text[from.min(at)..at];
    before.rsplit('\n').next().unwrap_or(before)
}

/// The address for health checks whose beginning is at `word`.
pub(super) fn route(
    file: FileId,
    text: &str,
    word: Range<usize>,
    extension: &str,
    offset: usize,
) -> Option<Route> {
    let bytes = text.as_bytes();
    let part = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'/' | b'_' | b'-' | b'.' | b'{' | b'}' | b':' | b'^' | b'$' | b'?' | b'\\' | b'#')
    };
    let is_quote = |b: u8| matches!(b, b'"' | b'\'' | b'`');
    if bytes.get(word.start) == Some(&b' ') {
        let word = word.start + 1..word.end;
        return if extension == "rb" { symbol(file, text, word, offset) } else { None };
    }
    let mut start = word.start;
    if !is_quote(*bytes.get(start)?) {
        let back = bytes[..start].iter().rev().take(60).take_while(|b| part(**b)).count();
        start = (start - back).checked_sub(1)?;
    }
    let quote = *bytes.get(start).filter(|b| is_quote(**b))?;
    let length = bytes[start + 1..].iter().take(80).take_while(|b| part(**b)).count();
    let end = start + 1 + length;
    // `routes.rb` names controllers so: `rails/health#show`.
    if bytes.get(end) != Some(&quote) {
        return None;
    }
    let path = &text[start + 1..end];
    let sort = sort_of(path)?;
    let line = line_before(text, start);
    if is_comment(line, extension) {
        return None;
    }
    let mut before = line.to_ascii_lowercase();
    if before.trim().len() < 4 {
        let line_start = start - line.len();
        before = format!("{} {before}", line_before(text, line_start.saturating_sub(1)).to_ascii_lowercase());
    }
    let rest = text.get(end + 1..text.floor_char_boundary((end + 60).min(text.len())))?;
    let follows = rest.lines().next().unwrap_or("").to_ascii_lowercase();
    let serves =
        SERVES.iter().any(|w| before.contains(w)) || follows.contains("=>") || follows.contains("->");
    if !serves || ASKS.iter().any(|w| before.contains(w)) {
        return None;
    }
    let constant = is_constant(text, end + 1, extension);
    let place = Span::new(file, offset + start..offset + end + 1);
    Some(Route { place, path: path.to_owned(), sort, constant })
}

/// `get :healthcheck` of Rails' routes.
fn symbol(file: FileId, text: &str, word: Range<usize>, offset: usize) -> Option<Route> {
    let name = text.get(word.start + 1..)?;
    let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let path = &name[..length];
    let sort = sort_of(path)?;
    let line = line_before(text, word.start);
    if !line.trim_start().starts_with("get ") || is_comment(line, "rb") {
        return None;
    }
    let place = Span::new(file, offset + word.start..offset + word.start + 1 + length);
    Some(Route { place, path: path.to_owned(), sort, constant: false })
}

fn sort_of(path: &str) -> Option<RouteSort> {
    let path = path.split('#').next().unwrap_or(path).trim_matches(['/', '^', '$', '?', '\\']);
    let mut parts = path.rsplit('/');
    let last = parts.next()?.to_ascii_lowercase();
    if READY.contains(&last.as_str()) {
        return Some(RouteSort::Ready);
    }
    // Nothing but a prefix stands before it: a field that is called so stands below something.
    (LIVE.contains(&last.as_str()) && parts.count() <= 4).then_some(RouteSort::Live)
}

/// Whether a handler stands right behind the path and answers the same always: one look, so that what it cannot
/// tell is no.
fn is_constant(text: &str, from: usize, extension: &str) -> bool {
    let rest = text.get(from..text.floor_char_boundary((from + 500).min(text.len()))).unwrap_or("");
    // A handler that is only named stands elsewhere.
    let first = rest.lines().next().unwrap_or("");
    let stands_here = match extension {
        "js" | "ts" | "mjs" | "cjs" => first.contains("=>") || first.contains("function"),
        "go" => first.contains("func("),
        "rb" => first.contains("do"),
        _ => true,
    };
    let ends: &[&str] = match extension {
        "py" => &["\n@", "\n\n\n", "\nclass ", "\n    @"],
        "js" | "ts" | "mjs" | "cjs" => &["\n});", "});", "\n})", "));"],
        "go" => &["\n\t})", "\n})"],
        "java" | "kt" | "cs" => &["\n    }\n", "\n  }\n"],
        "rb" => &["\nend"],
        _ => return false,
    };
    let Some(end) =
        ends.iter().filter_map(|e| rest.find(e)).min().or_else(|| (rest.len() < 400).then_some(rest.len()))
    else {
        return false;
    };
    let body = rest[..end].to_ascii_lowercase();
    let answers = ["return", "send", "json(", "write", ".end("].iter().any(|w| body.contains(w));
    // The names of the handler and of the answer's helpers say nothing.
    let inner = body.split_once(['{', ':', '>']).map_or("", |(_, inner)| inner);
    let inner = match extension {
        "py" => {
            let name = body.find("def ").unwrap_or(body.len());
            body[name..].find('(').map_or("", |at| &body[name + at..])
        }
        _ => inner,
    };
    let said = ["health_check", "healthcheck", "readyz", "ready"]
        .iter()
        .fold(inner.to_owned(), |t, w| t.replace(w, ""));
    let said = said
        .replace("status(200)", "")
        .replace("sendstatus(200)", "")
        .replace("\"status\"", "")
        .replace("'status'", "");
    stands_here && answers && !inner.is_empty() && !DEPENDS.iter().any(|w| said.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(text: &str, extension: &str) -> Vec<(String, RouteSort, bool)> {
        let lower = text.to_ascii_lowercase();
        let mut found: Vec<(usize, Route)> = ROUTE_WORDS
            .iter()
            .flat_map(|w| lower.match_indices(w).map(|(at, _)| at..at + w.len()).collect::<Vec<_>>())
            .filter_map(|r| Some((r.start, route(FileId(0), text, r, extension, 0)?)))
            .collect();
        found.sort_by_key(|(_, r)| r.place);
        found.dedup_by_key(|(_, r)| r.place);
        found.into_iter().map(|(_, r)| (r.path, r.sort, r.constant)).collect()
    }

    #[test]
    fn addresses_for_health_checks_are_met_in_every_framework() {
        use RouteSort::{Live, Ready};
        for (text, extension, path, sort) in [
            ("app.get('/health', (req, res) => res.send('ok'))", "js", "/health", Live),
            ("@app.get(\"/healthz\")\ndef health(): ...", "py", "/healthz", Live),
            ("    path(\"health/\", views.health),", "py", "health/", Live),
            ("url(r'^healthcheck/$', x)", "py", "^healthcheck/$", Live),
            ("r.HandleFunc(\"/ready\", ready)", "go", "/ready", Ready),
            ("@GetMapping(\"/health/readiness\")", "java", "/health/readiness", Ready),
            ("app.MapHealthChecks(\"/health/live\");", "cs", "/health/live", Live),
            ("get \"up\" => \"rails/health#show\"", "rb", "rails/health#show", Live),
            ("  get :healthcheck, controller: :heartbeat", "rb", "healthcheck", Live),
            (".route(\"/readyz\", get(ready))", "rs", "/readyz", Ready),
            ("HEALTHCHECK_PATH = \"/healthcheck\"", "py", "/healthcheck", Live),
            ("Route::get('/health', fn () => 'ok');", "php", "/health", Live),
            ("    \"/ping\": handlePing,\n", "go", "", Live),
        ] {
            let found = routes(text, extension);
            if path.is_empty() {
                assert_eq!(found, [], "{text}");
                continue;
            }
            assert_eq!(found.first().map(|(p, s, _)| (p.as_str(), *s)), Some((path, sort)), "{text}");
        }
    }

    #[test]
    fn what_asks_for_an_address_serves_none() {
        for (text, extension) in [
            ("fetch('/health')", "js"),
            ("requests.get(f\"http://x/health\")", "py"),
            ("// app.get('/health', x)", "js"),
            ("const text = 'healthy food'", "js"),
            ("label: \"already\"", "ts"),
            ("expect(await get('/health')).toBe(1)", "js"),
        ] {
            assert_eq!(routes(text, extension), [], "{text}");
        }
    }

    #[test]
    fn an_answer_that_depends_on_nothing_is_told_from_one_that_asks() {
        for (text, extension, constant) in [
            ("app.get('/ready', (req, res) => { res.send('ok'); });", "js", true),
            ("app.get('/ready', async (req, res) => { await db.ping(); res.send('ok'); });", "js", false),
            ("app.get('/ready', readiness);\napp.get('/x', (req, res) => { res.send('ok'); });", "js", false),
            ("@app.get(\"/ready\")\ndef ready():\n    return {\"status\": \"ok\"}\n", "py", true),
            (
                "@app.get(\"/ready\")\ndef ready(db=Depends(db)):\n    db.execute('select 1')\n    return {\"status\": \"ok\"}\n",
                "py",
                false,
            ),
        ] {
            assert_eq!(routes(text, extension)[0].2, constant, "{text}");
        }
    }
}
