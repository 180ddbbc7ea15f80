//! References to images that are put together from several words: by the action that computes tags, and by the
//! values that a chart is given.

use super::scope::{Piece, Scope, pieces};
use crate::facts::{Use, Word};
use crate::text::Span;
use std::collections::BTreeMap;

/// More images or tags of one build tell nothing more.
const MOST: usize = 16;

/// The references that `${{ steps.meta.outputs.tags }}` stands for, one a line, if a step of the same job computes
/// them.
pub(super) fn references(text: &str, scope: &Scope<'_>) -> Option<String> {
    let all = pieces(text.trim());
    let [Piece::Expr { name, .. }] = all.as_slice() else { return None };
    let (step, "tags") = scope.step_output(name)? else { return None };
    let used = step.uses.as_ref().filter(|u| u.name == "docker/metadata-action")?;
    let images = rows(used, "images");
    let mut tags: Vec<String> = rows(used, "tags").iter().filter_map(|row| tag(row)).collect();
    if tags.is_empty() {
        tags = ["branch", "tag"].map(|event| format!("{{{{{event}}}}}")).to_vec();
    }
    let of_image = |row: &String| {
        let name = row.split(',').next().unwrap_or("");
        name.strip_prefix("name=").unwrap_or(name).trim().to_owned()
    };
    let lines: Vec<String> = images
        .iter()
        .take(MOST)
        .map(of_image)
        .flat_map(|image| tags.iter().take(MOST).map(move |tag| format!("{image}:{tag}")))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn rows(used: &Use, input: &str) -> Vec<String> {
    let text = used.input(input).map(|v| v.value.text()).unwrap_or_default();
    // Within a row commas part attributes, except where a row is all that there is.
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect()
}

/// The tag that a row of `tags` makes; what the run fills in stands in braces.
/// <https://github.com/docker/metadata-action#tags-input>
fn tag(row: &str) -> Option<String> {
    let mut attributes: BTreeMap<&str, &str> = BTreeMap::new();
    for part in row.split(',') {
        match part.split_once('=') {
            Some((key, value)) => attributes.insert(key.trim(), value.trim()),
            None => attributes.insert("value", part.trim()),
        };
    }
    if attributes.get("enable") == Some(&"false") {
        return None;
    }
    let get = |key: &str| attributes.get(key).copied().filter(|v| !v.is_empty());
    let event = get("event").unwrap_or("branch");
    let (prefix, body) = match get("type").unwrap_or("raw") {
        "sha" => ("sha-", "${{ github.sha }}".to_owned()),
        "semver" | "pep440" | "match" => ("", get("pattern").unwrap_or("{{version}}").to_owned()),
        "ref" if event == "pr" => ("pr-", "{{pr}}".to_owned()),
        "ref" => ("", format!("{{{{{event}}}}}")),
        "schedule" => ("", get("pattern").unwrap_or("nightly").to_owned()),
        "edge" => ("", "edge".to_owned()),
        _ => ("", get("value")?.to_owned()),
    };
    let prefix = attributes.get("prefix").copied().unwrap_or(prefix);
    Some(format!("{prefix}{body}{}", get("suffix").unwrap_or("")))
}

/// Images that `--set image.tag=…` and its like give a chart, with the word that names them. Where only a tag is
/// given, the reference has no name.
pub(super) fn images_of_values(args: &[Word]) -> impl Iterator<Item = (String, Span)> {
    type Found<'w> = (Option<&'w str>, Option<(&'w str, &'w str)>, Span);
    let mut found: BTreeMap<&str, Found<'_>> = BTreeMap::new();
    for (at, word) in args.iter().enumerate() {
        let set = |text: &str| matches!(text, "--set" | "--set-string");
        let text = match word.text.split_once('=') {
            Some((flag, rest)) if set(flag) => rest,
            _ if at > 0 && set(&args[at - 1].text) => word.text.as_str(),
            _ => continue,
        };
        for (key, value) in text.split(',').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim_matches(['"', '\'']);
            let (group, last) = key.rsplit_once('.').unwrap_or(("", key));
            let lower = group.to_ascii_lowercase();
            let mut new = found.get(group).copied().unwrap_or((None, None, word.place));
            match last {
                "tag" if lower.ends_with("image") => (new.1, new.2) = (Some((":", value)), word.place),
                "digest" if lower.ends_with("image") => (new.1, new.2) = (Some(("@", value)), word.place),
                "repository" if lower.ends_with("image") => new.0 = Some(value),
                "image" if value.contains(['/', ':']) => {
                    new = (Some(value), Some(("", "")), word.place);
                }
                "imageTag" | "image_tag" => (new.1, new.2) = (Some((":", value)), word.place),
                _ => {}
            }
            found.insert(group, new);
        }
    }
    found.into_values().filter_map(|(name, end, place)| {
        let (mark, value) = end?;
        Some((format!("{}{mark}{value}", name.unwrap_or("")), place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_tag_computing_action_are_tags() {
        for (row, expected) in [
            ("type=sha", Some("sha-${{ github.sha }}")),
            ("type=sha,prefix=,format=long", Some("${{ github.sha }}")),
            ("type=semver,pattern={{version}}", Some("{{version}}")),
            ("type=semver,pattern=v{{major}}.{{minor}}", Some("v{{major}}.{{minor}}")),
            ("type=ref,event=branch", Some("{{branch}}")),
            ("type=ref,event=pr", Some("pr-{{pr}}")),
            ("type=raw,value=latest,enable={{is_default_branch}}", Some("latest")),
            ("type=raw,value=old,enable=false", None),
            ("1.4.2", Some("1.4.2")),
            ("type=raw", None),
        ] {
            assert_eq!(tag(row).as_deref(), expected, "{row}");
        }
    }
}
