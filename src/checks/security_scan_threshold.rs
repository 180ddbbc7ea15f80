//! Reads the severity and exit code that scanners are given, and looks for a scan that does stop the run.

use super::gates::effects_of;
use crate::facts::{Command, EffectKind, Job, Repository, Step, Use};
use crate::finding::{Confidence, Verdict};
use crate::parameters::{Parameters, VulnerabilityLevel};
use crate::text::Span;

/// Why a scan lets grave findings pass.
struct Hole {
    place: Span,
    tool: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// It stops for critical findings only.
    CriticalOnly,
    /// It succeeds whatever it finds.
    NeverFails,
}

pub(super) fn check(repository: &Repository, parameters: &Parameters, verdict: &mut Verdict) {
    // If high ones may go out, a gate for critical ones is enough.
    let high_blocks = *parameters.vulnerabilities_highest_tolerated.value() < VulnerabilityLevel::High;
    for (_, job, step) in repository.steps() {
        for (command, effect) in effects_of(step).filter(|(_, e)| e.effect == EffectKind::Scan) {
            verdict.examined(effect.place);
            let hole = match (command, &step.uses) {
                (Some(command), _) => of_command(command),
                (None, Some(used)) => of_use(used),
                _ => None,
            };
            let Some(hole) = hole.filter(|h| h.kind == Kind::NeverFails || high_blocks) else { continue };
            if stops_elsewhere(repository, step, effect.detail.as_deref()) {
                continue;
            }
            let message = match hole.kind {
                Kind::CriticalOnly => {
                    format!("`{}` in job `{}` lets findings of high severity pass", hole.tool, job.name)
                }
                Kind::NeverFails => {
                    format!("`{}` in job `{}` succeeds whatever it finds", hole.tool, job.name)
                }
            };
            let finding = verdict.fail(hole.place, subject(job, step, &hole.tool), message);
            finding.label(match hole.kind {
                Kind::CriticalOnly => "stops for critical findings alone",
                Kind::NeverFails => "never stops",
            });
            if writes_report(command, step) {
                finding.at_most(Confidence::Low).against("its report may be judged elsewhere");
            }
            break;
        }
    }
}

fn subject(job: &Job, step: &Step, tool: &str) -> String {
    format!("job {} step {} {tool}", job.id, step.name)
}

fn of_command(command: &Command) -> Option<Hole> {
    let words = || {
        std::iter::once(command.program.as_str()).chain(command.args.iter().take(4).map(|w| w.text.as_str()))
    };
    let is = |tool: &str| words().any(|w| w == tool);
    let hole = |place: Span, tool: &str, kind: Kind| Some(Hole { place, tool: tool.to_owned(), kind });
    let value = |flags: &[&str]| {
        let word = command.flag_value(flags)?;
        let value = word.text.split_once('=').map_or(word.text.as_str(), |(_, v)| v);
        Some((value.to_ascii_lowercase(), word.place))
    };
    let flag = |flags: &[&str]| {
        command.args.iter().find(|w| {
            flags.iter().any(|f| w.text == *f || w.text.strip_prefix(f).is_some_and(|r| r == "=true"))
        })
    };
    if is("trivy") {
        if let Some((_, place)) = value(&["--exit-code"]).filter(|(v, _)| v == "0") {
            return hole(place, "trivy", Kind::NeverFails);
        }
        let (severity, place) = value(&["--severity", "-s"])?;
        return (severity == "critical").then(|| hole(place, "trivy", Kind::CriticalOnly)).flatten();
    }
    for tool in ["npm", "pnpm", "yarn", "bun"] {
        if command.program == tool && is("audit") {
            let (level, place) = value(&["--audit-level", "--severity", "--level"])?;
            let kind = match level.as_str() {
                "critical" => Kind::CriticalOnly,
                "none" => Kind::NeverFails,
                _ => return None,
            };
            return hole(place, &format!("{tool} audit"), kind);
        }
    }
    let critical: &[(&str, &[&str])] = &[
        ("snyk", &["--severity-threshold"]),
        ("grype", &["--fail-on", "-f"]),
        ("audit-ci", &["--level"]),
        ("docker", &["--only-severity", "--only-severities"]),
        ("kics", &["--fail-on"]),
        ("ggshield", &["--minimum-severity"]),
    ];
    for (tool, flags) in critical {
        if is(tool)
            && let Some((_, place)) = value(flags).filter(|(v, _)| v == "critical")
        {
            return hole(place, tool, Kind::CriticalOnly);
        }
    }
    if is("audit-ci")
        && let Some(word) = flag(&["--critical"])
    {
        return hole(word.place, "audit-ci", Kind::CriticalOnly);
    }
    let soft: &[(&str, &[&str])] = &[
        ("checkov", &["--soft-fail", "-s"]),
        ("tfsec", &["--soft-fail", "-s"]),
        ("gosec", &["-no-fail", "--no-fail"]),
        ("brakeman", &["--no-exit-on-warn"]),
        ("bandit", &["--exit-zero"]),
        ("safety", &["--continue-on-error", "--exit-zero"]),
        ("terrascan", &["--non-zero-exit-code=false"]),
        ("ggshield", &["--exit-zero"]),
    ];
    for (tool, flags) in soft {
        if is(tool)
            && let Some(word) = flag(flags)
        {
            return hole(word.place, tool, Kind::NeverFails);
        }
    }
    if is("gitleaks")
        && let Some((_, place)) = value(&["--exit-code"]).filter(|(v, _)| v == "0")
    {
        return hole(place, "gitleaks", Kind::NeverFails);
    }
    if is("kics")
        && let Some((_, place)) = value(&["--ignore-on-exit"]).filter(|(v, _)| v == "all")
    {
        return hole(place, "kics", Kind::NeverFails);
    }
    // CVSS calls 7.0 and more high.
    if (is("dependency-check") || is("dependency-check.sh"))
        && let Some((score, place)) = value(&["--failOnCVSS"])
        && let Ok(score) = score.parse::<f64>()
        && score > 7.0
    {
        let kind = if score > 10.0 { Kind::NeverFails } else { Kind::CriticalOnly };
        return hole(place, "dependency-check", kind);
    }
    None
}

fn of_use(used: &Use) -> Option<Hole> {
    let tool = used.name.rsplit('/').next().unwrap_or(&used.name).to_owned();
    let input = |name: &str| {
        let given = used.input(name)?;
        Some((given.value.known()?.trim().to_ascii_lowercase(), given.span))
    };
    let table: &[(&str, &str, &str, Kind)] = &[
        ("aquasecurity/trivy-action", "exit-code", "0", Kind::NeverFails),
        ("aquasecurity/trivy-action", "severity", "critical", Kind::CriticalOnly),
        ("anchore/scan-action", "fail-build", "false", Kind::NeverFails),
        ("anchore/scan-action", "severity-cutoff", "critical", Kind::CriticalOnly),
        ("actions/dependency-review-action", "warn-only", "true", Kind::NeverFails),
        ("actions/dependency-review-action", "fail-on-severity", "critical", Kind::CriticalOnly),
        ("bridgecrewio/checkov-action", "soft_fail", "true", Kind::NeverFails),
        ("aquasecurity/tfsec-action", "soft_fail", "true", Kind::NeverFails),
        ("docker/scout-action", "only-severities", "critical", Kind::CriticalOnly),
        ("checkmarx/kics-github-action", "fail_on", "critical", Kind::CriticalOnly),
    ];
    for (action, name, value, kind) in table {
        if used.name.eq_ignore_ascii_case(action)
            && let Some((_, place)) = input(name).filter(|(v, _)| v == value)
        {
            return Some(Hole { place, tool, kind: *kind });
        }
    }
    let (args, place) = input("args")?;
    let words: Vec<&str> = args.split(|c: char| c.is_whitespace() || c == '=').collect();
    let critical = words.windows(2).any(|w| w[0] == "--severity-threshold" && w[1] == "critical");
    (used.name.to_ascii_lowercase().starts_with("snyk/actions") && critical).then_some(Hole {
        place,
        tool: "snyk".into(),
        kind: Kind::CriticalOnly,
    })
}

/// Whether another scan of the same kind has no such hole, and stops the run: one prints the whole report,
/// the other decides.
fn stops_elsewhere(repository: &Repository, step: &Step, detail: Option<&str>) -> bool {
    repository.steps().filter(|(_, _, s)| s.place != step.place).any(|(_, j, s)| {
        effects_of(s).any(|(c, e)| {
            e.effect == EffectKind::Scan
                && e.detail.as_deref() == detail
                && super::gates::blocks(j, s, c)
                && match (c, &s.uses) {
                    (Some(c), _) => of_command(c).is_none(),
                    (None, Some(used)) => of_use(used).is_none(),
                    _ => true,
                }
        })
    })
}

/// Whether the result goes to a place where it may be judged: a SARIF report.
fn writes_report(command: Option<&Command>, step: &Step) -> bool {
    let sarif = |text: &str| text.to_ascii_lowercase().contains("sarif");
    // <https://github.com/anchore/scan-action>: SARIF, unless another format is asked for.
    let by_default = |u: &Use| u.name == "anchore/scan-action" && u.input("output-format").is_none();
    command.is_some_and(|c| sarif(&c.line))
        || step.uses.as_ref().is_some_and(by_default)
        || step.uses.iter().flat_map(|u| &u.inputs).any(|i| sarif(&i.value.value.text()))
}
