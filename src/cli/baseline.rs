//! `plimsoll baseline create|update|prune`.

use std::path::{Path, PathBuf};

use super::Exit;
use super::args::{Baseline as Args, BaselineHow, BaselineVerb, Common};
use super::check::{files_of_today, to_stdout};
use super::failure::Failure;
use super::plan::{Plan, today};
use crate::dispositions::{BASELINE, Baseline, Books, FOLDERS};
use crate::report::{Report, write_whole};
use crate::source::Target;
use crate::{Options, audit, audit_history};

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let (text, changed) = match &args.what {
        BaselineVerb::Create(how) => {
            let plan = plan(how)?;
            let path = path(&plan.root);
            if path.symlink_metadata().is_ok() {
                return Err(Failure::new(
                    format!("there is a baseline already: `{}`", path.display()),
                    "`plimsoll baseline update` drops what is mended, `update --grow` takes in what is new",
                ));
            }
            (create(&plan, how.history)?, true)
        }
        BaselineVerb::Update { grow, how } => change(how, *grow, false)?,
        BaselineVerb::Prune(how) => change(how, false, true)?,
    };
    if !common.quiet || !changed {
        to_stdout(text.as_bytes())?;
    }
    Ok(Exit::Passed)
}

/// Writes a first baseline, and says how many findings it holds.
pub(super) fn create(plan: &Plan, history: bool) -> Result<String, Failure> {
    let books = Books::open_at(&plan.root, &plan.policy.rules)?;
    let baseline = Baseline::create(&found(plan, history)?.findings, books.exceptions.salt);
    let path = path(&plan.root);
    write(&path, &baseline)?;
    let n = baseline.lines.len();
    let findings = if n == 1 { "1 finding".to_owned() } else { format!("{n} findings") };
    let shown = path.strip_prefix(&plan.root).unwrap_or(&path);
    Ok(format!("{findings} written to {}: from now on, only new ones count\n", shown.display()))
}

fn change(how: &BaselineHow, grow: bool, forget: bool) -> Result<(String, bool), Failure> {
    let plan = plan(how)?;
    let path = path(&plan.root);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::new(
                "there is no baseline yet",
                "`plimsoll baseline create` writes the first one",
            ));
        }
        Err(e) => return Err(Failure::io("read", &path, &e)),
    };
    let books = Books::open_at(&plan.root, &plan.policy.rules)?;
    let mut baseline = Baseline::parse(&path.display().to_string(), &String::from_utf8_lossy(&bytes))?;
    baseline.salt = baseline.salt.or(books.exceptions.salt);
    let report = found(&plan, how.history)?;
    let change = baseline.update(&report.findings, &plan.policy.rules_that_ran(how.history), grow, forget);
    write(&path, &baseline)?;
    let mut text =
        format!("{} removed, {} added, {} left\n", change.removed, change.added, baseline.lines.len());
    if change.left_out > 0 {
        text += &format!("{} new not taken in: mend them, or use `update --grow`\n", change.left_out);
    }
    Ok((text, change.added + change.removed > 0))
}

fn plan(how: &BaselineHow) -> Result<Plan, Failure> {
    let plan = Plan::new(std::slice::from_ref(&how.path), &how.choice, None)?;
    if let Some(part) = plan.paths.first() {
        return Err(Failure::new(
            format!("`{}` is a part of the repository `{}`", part.display(), plan.root.display()),
            "a baseline holds for a whole repository: leave out the path, or name its root",
        ));
    }
    Ok(plan)
}

fn found(plan: &Plan, history: bool) -> Result<Report, Failure> {
    let options = Options { source: plan.source_options(), ..Options::default() };
    if history {
        let target = files_of_today(plan.root.clone());
        return Ok(audit_history(&target, None, &plan.policy, today(), &options)?);
    }
    let target = Target::WorkTree { root: plan.root.clone(), paths: Vec::new() };
    Ok(audit(&target, &plan.policy, today(), &options)?)
}

/// Where the baseline is, or would be.
fn path(root: &Path) -> PathBuf {
    let there = FOLDERS.iter().map(|folder| root.join(folder).join(BASELINE)).find(|p| p.is_file());
    there.unwrap_or_else(|| {
        let folder = FOLDERS.iter().map(|f| root.join(f)).find(|f| f.join("exceptions.toml").is_file());
        folder.unwrap_or_else(|| root.join(FOLDERS[0])).join(BASELINE)
    })
}

fn write(path: &Path, baseline: &Baseline) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Failure::io("created", folder, &e))?;
    }
    write_whole(path, baseline.to_text().as_bytes()).map_err(|e| Failure::io("written", path, &e))
}
