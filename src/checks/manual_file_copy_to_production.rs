//! Files that a person copies to a machine or container of production.

use super::hands::{Act, acts, place_name, report_hands};
use crate::facts::{EffectKind, Repository, Stage};
use crate::finding::Verdict;
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let all = acts(repository);
    let found = all
        .iter()
        .filter(|act| act.effect.effect == EffectKind::CopyFiles && copies_to_host(act) && goes_up(act))
        .filter_map(|act| Some((*act, act.at(Stage::Production)?)));
    report_hands(verdict, repository, found, "copies files to production", |act, target| {
        format!(
            "{} copies files to production (`{}`) with `{}`",
            act.name(),
            place_name(target),
            act.effect.tool
        )
    });
}

/// Whether the tool writes to machines or containers, not into a store that others serve from.
pub(super) fn copies_to_host(act: &Act<'_>) -> bool {
    let tool = act.effect.tool.as_str();
    matches!(
        tool,
        "scp" | "pscp" | "rsync" | "sftp" | "psftp" | "lftp" | "ftp" | "ncftpput" | "sshpass" | "curl"
    ) || matches!(
        tool,
        "kubectl" | "oc" | "k" | "docker" | "podman" | "nerdctl" | "fly" | "flyctl" | "heroku" | "gcloud"
    ) && !act.line().contains("storage ")
        || is_single_upload(act)
}

/// Whether one file goes into a bucket, unlike a whole site that is brought there.
fn is_single_upload(act: &Act<'_>) -> bool {
    let line = act.line();
    line.contains(" cp ")
        && matches!(act.effect.tool.as_str(), "aws" | "gsutil" | "gcloud")
        && !act.has(&["--recursive", "-r", "-R"])
}

fn goes_up(act: &Act<'_>) -> bool {
    match act.effect.detail.as_deref() {
        Some(direction) => direction == "up",
        // Both sides of `kubectl cp` and `gcloud compute scp` look alike but for the colon.
        None => act
            .command
            .and_then(|c| c.args.iter().rfind(|w| !w.text.starts_with('-')))
            .is_some_and(|w| w.text.contains(':')),
    }
}
