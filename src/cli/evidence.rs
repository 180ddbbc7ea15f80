//! `plimsoll evidence`: which of a server's settings would settle what files cannot show, the one call that
//! exports each, and what became of those that are there.

use super::Exit;
use super::args::Evidence as Args;
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::{Plan, today};
use crate::audit;
use crate::facts::{Dialect, EvidenceKind, Repository};
use crate::source::{Source, Target};
use crate::{Options, read_facts};

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let plan = Plan::new(std::slice::from_ref(&args.path), &args.choice, None)?;
    let target = Target::WorkTree { root: plan.root.clone(), paths: Vec::new() };
    let mut options = Options { source: plan.source_options(), ..Options::default() };
    options.source.evidence = Some((today(), audit::evidence_days(&plan.policy)));
    let (source, repository) = read_facts(&target, &plan.policy, &options)?;
    to_stdout(list(&source, &repository).as_bytes())?;
    Ok(Exit::Passed)
}

fn list(source: &Source, repository: &Repository) -> String {
    let git = source.git();
    let remote = git.and_then(|git| git.remote());
    let name = remote.as_deref().and_then(crate::facts::name_in_remote);
    let branches = git.and_then(|git| git.branches().ok());
    let branch = branches.and_then(|b| b.default.clone().or_else(|| b.current.clone()));
    let (name, branch) =
        (name.unwrap_or_else(|| "OWNER/NAME".into()), branch.unwrap_or_else(|| "main".into()));
    let used = |dialect: Dialect| repository.facts.pipelines.iter().any(|p| p.dialect == dialect);
    let mut out = String::new();
    for &kind in EvidenceKind::ALL {
        let there: Vec<_> = repository.facts.evidence.iter().filter(|e| e.evidence == kind).collect();
        let file = format!(".plimsoll/evidence/{}", kind.name());
        let unread: Vec<_> = repository
            .unread
            .iter()
            .filter(|u| u.path.split_once("evidence/").is_some_and(|(_, name)| name.starts_with(kind.name())))
            .collect();
        if !used(kind.dialect()) && there.is_empty() && unread.is_empty() {
            continue;
        }
        let rest = match kind {
            EvidenceKind::AzureChecks => "-ENVIRONMENT",
            _ => "",
        };
        out += &format!("{}: {}\n", kind.name(), kind.tells());
        out += &format!("  {} > {file}{rest}.json\n", kind.call(&name, &branch));
        for evidence in &there {
            let whole = if evidence.complete { "" } else { ", perhaps not all" };
            let count = evidence.protections.len();
            let path = repository.path(evidence.place);
            out += &format!("  {path} is read: {count} entries{whole}\n");
        }
        for unread in unread {
            out += &format!("  {} is not read: {}\n", unread.path, unread.reason);
        }
    }
    if out.is_empty() {
        out = "no pipeline here is of a service whose settings can be kept as evidence\n".to_owned();
    }
    out.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}
