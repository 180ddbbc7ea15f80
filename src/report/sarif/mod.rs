//! SARIF 2.1.0 (OASIS, errata 01) for code scanning: active failures only, each with one whole place,
//! because consumers show passes and suppressed results as open alerts. One run; every rule that ran is
//! described, so that an alert's text never depends on what else was found. Nothing in it names the
//! machine or the time: the same report gives the same bytes.

mod log;
mod results;
mod rules;
mod uri;

use super::{Report, Style};
use crate::source::UnreadClass;
use log::{
    ArtifactLocation, AutomationDetails, BaseLocation, Driver, Invocation, Location, Log, Notification,
    NotificationId, PhysicalLocation, Run, Text, Tool, VersionControl,
};
use rules::Taxonomies;

/// Stands for the root of the repository; consumers know where that is.
const BASE: &str = "SRCROOT";

/// The home page that `Cargo.toml` names. Consumers require an address; until there is a page, this one
/// can be seen to lead nowhere (RFC 2606 §2) and never belongs to somebody else.
const HOME: &str = match (option_env!("CARGO_PKG_HOMEPAGE"), option_env!("CARGO_PKG_REPOSITORY")) {
    (Some(home), _) if !home.is_empty() => home,
    (_, Some(repository)) if !repository.is_empty() => repository,
    _ => "https://plimsoll.invalid/",
};

/// Writes the log; the style has no say.
pub(super) fn write(report: &Report, _: &Style) -> Vec<u8> {
    let taxonomies = Taxonomies::new(report);
    let version = env!("CARGO_PKG_VERSION");
    let driver = Driver {
        name: "plimsoll",
        full_name: concat!("plimsoll ", env!("CARGO_PKG_VERSION")),
        organization: "plimsoll",
        version,
        semantic_version: version,
        information_uri: HOME,
        rules: report.rules.iter().map(|rule| taxonomies.describe(rule)).collect(),
        supported_taxonomies: taxonomies.supported(),
    };
    let root = BaseLocation { description: Text { text: "The root of the repository.".to_owned() } };
    let run = Run {
        tool: Tool { driver },
        taxonomies: taxonomies.components(),
        automation_details: AutomationDetails { id: "plimsoll/default/" },
        column_kind: "utf16CodeUnits",
        default_encoding: "utf-8",
        newline_sequences: ["\r\n", "\n", "\r"],
        original_uri_base_ids: [(BASE, root)].into(),
        version_control_provenance: provenance(report).into_iter().collect(),
        // Masks are as long as what they hide, so the token is one of their characters.
        redaction_tokens: if masked(report) { vec!["*"] } else { Vec::new() },
        invocations: [invocation(report)],
        results: results::results(report),
    };
    let log = Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] };
    let mut bytes = serde_json::to_vec_pretty(&log).expect("strings and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

/// `text` without the full stop at its end, if it has one; ellipses stay.
fn sentence(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix('.').filter(|rest| !rest.ends_with('.')).unwrap_or(text)
}

fn masked(report: &Report) -> bool {
    report.failures().any(|s| s.quoted.quote.masked || s.quoted.related.iter().any(|(_, quote)| quote.masked))
}

fn provenance(report: &Report) -> Option<VersionControl> {
    let revision = report.revision.as_ref()?;
    Some(VersionControl {
        repository_uri: uri::remote(revision.remote.as_deref()?)?,
        revision_id: revision.commit.clone(),
        branch: revision.branch.clone(),
        mapped_to: ArtifactLocation { uri: None, uri_base_id: BASE },
    })
}

fn invocation(report: &Report) -> Invocation {
    let mut execution = Vec::new();
    for unread in &report.unread {
        let artifact_location = ArtifactLocation { uri: Some(uri::encode(&unread.path)), uri_base_id: BASE };
        let physical_location = PhysicalLocation { artifact_location, region: None, context_region: None };
        execution.push(Notification {
            descriptor: NotificationId { id: format!("unread-{}", unread.class.name()) },
            level: match unread.class {
                UnreadClass::Unreadable | UnreadClass::Unparsed | UnreadClass::TooLarge => "warning",
                UnreadClass::Partly | UnreadClass::Outside | UnreadClass::History | UnreadClass::Archive => {
                    "note"
                }
            },
            message: Text { text: format!("Not read: {}.", sentence(&unread.reason)) },
            locations: vec![Location { id: None, physical_location, message: None }],
        });
    }
    for rule in report.rules.iter().filter(|r| r.crashed) {
        let text = format!("The rule '{}' did not come to an end.", rule.active.rule.id);
        execution.push(notification("rule-crashed", "error", text));
    }
    let notes = report.notes.iter().map(|n| notification("note", "note", format!("{}.", sentence(n))));
    Invocation {
        execution_successful: report.rules.iter().all(|r| !r.crashed),
        tool_execution_notifications: execution,
        tool_configuration_notifications: notes.collect(),
    }
}

fn notification(id: &str, level: &'static str, text: String) -> Notification {
    let descriptor = NotificationId { id: id.to_owned() };
    Notification { descriptor, level, message: Text { text }, locations: Vec::new() }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
