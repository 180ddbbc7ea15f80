//! Fields that need no more than their own value: variables, images, artifacts, times.

use super::config::{Conf, Config};
use crate::facts::*;
use crate::readers::commands;
use crate::readers::variables::Variables;
use crate::syntax::tree::Kind;
use crate::text::Spanned;
use std::sync::Arc;

/// `variables:` as settings; the scope learns them. A value may name others, in any order.
/// <https://docs.gitlab.com/ci/yaml/#variables>
pub(super) fn settings<'t>(
    config: &Config<'t>,
    variables: &Conf<'t>,
    path: &str,
    scope: &mut Variables<'_>,
    target: Option<&Target>,
) -> Vec<Setting> {
    let mut written = Vec::new();
    for (key, value) in variables.entries() {
        let (Some(name), Some(value)) = (key.as_str(), config.follow(value)) else { continue };
        let mut options = Vec::new();
        let node = match value.kind() {
            Kind::Mapping => {
                let listed = config.get(&value, "options").map(|(_, o)| config.items(&o)).unwrap_or_default();
                options = listed.iter().filter_map(|o| o.text()).map(str::to_owned).collect();
                config.get(&value, "value").map(|(_, v)| v.node())
            }
            _ => Some(value.node()),
        };
        let Some((node, text)) = node.and_then(|n| Some((n, n.as_str()?))) else { continue };
        if !options.iter().any(|o| o == text) {
            options.insert(0, text.to_owned());
        }
        scope.set(name, options);
        written.push((key, node, name));
    }
    let resolved = written.into_iter().map(|(key, node, name)| Setting {
        place: node.span(),
        key: name.to_owned(),
        path: format!("{path}.{name}"),
        setting: scope.resolve(&format!("${{{name}}}")),
        source: SettingSource::Pipeline,
        target: target.cloned().map(Arc::new),
        key_place: key.span(),
    });
    resolved.collect()
}

/// `image:` and `services:`.
pub(super) fn images<'t>(config: &Config<'t>, job: &Conf<'t>, variables: &Variables<'_>) -> Vec<Use> {
    let image = config.inherited(job, "image").map(|(_, i)| i);
    let services = config.inherited(job, "services").map(|(_, s)| config.items(&s)).unwrap_or_default();
    image.into_iter().chain(services).filter_map(|i| one_image(config, &i, variables)).collect()
}

fn one_image<'t>(config: &Config<'t>, image: &Conf<'t>, variables: &Variables<'_>) -> Option<Use> {
    let node = match image.kind() {
        Kind::Mapping => config.get(image, "name")?.1.node(),
        _ => image.node(),
    };
    let written = node.as_str().filter(|t| !t.is_empty())?;
    let reference = match variables.resolve(written) {
        Value::Known(known) => known,
        _ => written.to_owned(),
    };
    let place = node.span();
    Some(commands::image_use(&reference, place))
}

/// `parallel: matrix` as dimensions with all their values.
/// <https://docs.gitlab.com/ci/yaml/#parallelmatrix>
pub(super) fn dimensions<'t>(config: &Config<'t>, job: &Conf<'t>) -> Vec<(String, Vec<String>)> {
    let Some((_, parallel)) = config.get(job, "parallel").filter(|(_, p)| p.kind() == Kind::Mapping) else {
        return Vec::new();
    };
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    let rows = config.get(&parallel, "matrix").map(|(_, m)| config.items(&m)).unwrap_or_default();
    for (key, values) in rows.iter().filter(|r| r.kind() == Kind::Mapping).flat_map(|r| r.entries()) {
        let Some(name) = key.as_str() else { continue };
        let values = config.items(&values);
        let texts = values.iter().filter_map(|v| v.text()).map(str::to_owned);
        match all.iter_mut().find(|(n, _)| n == name) {
            Some((_, known)) => {
                let new: Vec<String> = texts.filter(|t| !known.contains(t)).collect();
                known.extend(new);
            }
            None => all.push((name.to_owned(), texts.collect())),
        }
    }
    all
}

/// `artifacts:`, and those of other jobs that `dependencies` and `needs` fetch. A job's artifacts are
/// fetched by the job's name.
pub(super) fn transfers<'t>(config: &Config<'t>, job: &Conf<'t>, id: &str) -> Vec<Transfer> {
    let mut all = Vec::new();
    if let Some((key, artifacts)) =
        config.inherited(job, "artifacts").filter(|(_, a)| a.kind() == Kind::Mapping)
    {
        let list = |conf: &Conf<'t>| -> Vec<Spanned<String>> {
            config.items(conf).iter().filter_map(|p| p.node().spanned()).collect()
        };
        let mut paths = config.get(&artifacts, "paths").map(|(_, p)| list(&p)).unwrap_or_default();
        if paths.is_empty() {
            let reports = config.get(&artifacts, "reports").filter(|(_, r)| r.kind() == Kind::Mapping);
            let reports = reports.map(|(_, r)| r.entries()).unwrap_or_default();
            paths = reports
                .iter()
                .filter(|(_, v)| v.kind() != Kind::Mapping)
                .flat_map(|(_, v)| list(v))
                .collect();
        }
        let kept = config.get(&artifacts, "expire_in").and_then(|(_, e)| retention_days(e.text()?));
        all.push(Transfer {
            place: key.span(),
            up: true,
            name: Value::Known(id.to_owned()),
            paths,
            retention_days: kept,
        });
    }
    let fetch = |node: crate::syntax::tree::Node<'t>| {
        let name = node.spanned()?;
        let transfer = Transfer {
            place: name.span,
            up: false,
            name: Value::Known(name.value),
            paths: Vec::new(),
            retention_days: None,
        };
        Some(transfer)
    };
    if let Some((_, dependencies)) = config.get(job, "dependencies") {
        all.extend(config.items(&dependencies).iter().filter_map(|d| fetch(d.node())));
    } else if let Some((_, needs)) = config.get(job, "needs") {
        for need in config.items(&needs) {
            let named = match need.kind() {
                Kind::Mapping => {
                    let kept = config.get(&need, "artifacts").is_none_or(|(_, a)| a.text() != Some("false"));
                    config.get(&need, "job").map(|(_, j)| j.node()).filter(|_| kept)
                }
                _ => Some(need.node()),
            };
            all.extend(named.and_then(fetch));
        }
    }
    all
}

/// Days that `expire_in` keeps artifacts; `never` is the largest number.
fn retention_days(text: &str) -> Option<u32> {
    if text.trim() == "never" {
        return Some(u32::MAX);
    }
    seconds(text).map(|s| u32::try_from(s / 86_400).unwrap_or(u32::MAX))
}

/// Minutes of a `timeout:`.
pub(super) fn minutes(text: &str) -> Option<u32> {
    seconds(text).map(|s| u32::try_from(s.div_ceil(60)).unwrap_or(u32::MAX))
}

/// A duration in words, as GitLab takes it: `3h 30m`, `1 week`, `6 mos 1 day`, `90 minutes`, `42`.
/// <https://docs.gitlab.com/ci/yaml/#artifactsexpire_in>
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "" | "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "wk" | "wks" | "week" | "weeks" => 604_800,
            "mo" | "mos" | "month" | "months" => 30 * 86_400,
            "y" | "yr" | "yrs" | "year" | "years" => 31_557_600,
            _ => return None,
        };
        total = total.saturating_add(number.saturating_mul(unit));
        rest = rest[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    (!text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_words() {
        for (text, expected) in [
            ("3h 30m", Some(210)),
            ("1 hour 30 minutes", Some(90)),
            ("90 minutes", Some(90)),
            ("3600", Some(60)),
            ("1 day and 2 hours", Some(1_560)),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
        assert_eq!(retention_days("4 weeks"), Some(28));
        assert_eq!(retention_days("never"), Some(u32::MAX));
    }
}
