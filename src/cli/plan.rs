//! What the command line means: the repository, the policy that holds there, the target.

use std::path::{Path, PathBuf};

use jiff::Zoned;
use jiff::civil::Date;

use super::args::Choice;
use super::failure::Failure;
use crate::checks;
use crate::policy::{Config, Policy, Said, Stock, Threshold};
use crate::readers::try_kinds;
use crate::source::{self, Mapping, find_root};

/// A repository and what is asked of it.
pub(super) struct Plan {
    /// The folder that paths are relative to: that of the repository, else the current one.
    pub root: PathBuf,
    /// What was asked for within it; all if empty.
    pub paths: Vec<PathBuf>,
    /// What was written in policy files.
    pub config: Config,
    /// What holds.
    pub policy: Policy,
    /// Every rule, manual and kind of the team's own that there is.
    pub stock: Stock,
}

impl Plan {
    /// Finds the repository of `paths` (the current folder if there are none) and its policy.
    pub(super) fn new(paths: &[PathBuf], choice: &Choice, fail_on: Option<&str>) -> Result<Plan, Failure> {
        let here = std::env::current_dir().map_err(|e| Failure::io("read", Path::new("."), &e))?;
        let mut asked = Vec::new();
        for path in paths {
            let whole = here.join(path);
            if whole.symlink_metadata().is_err() {
                return Err(source::Error::Missing { path: path.clone() }.into());
            }
            asked.push(whole.canonicalize().map_err(|e| Failure::io("read", path, &e))?);
        }
        let start = match asked.first() {
            Some(first) if first.is_dir() => first.clone(),
            Some(first) => first.parent().unwrap_or(first).to_owned(),
            None => here.canonicalize().map_err(|e| Failure::io("read", &here, &e))?,
        };
        let root = match &source::Options::from_env().work_tree {
            // Git tells its hooks where the work tree is.
            Some(tree) if start.starts_with(tree) => tree.clone(),
            _ => find_root(&start),
        };
        // Outside of git, paths below the current folder are meant as paths of it: a workflow is one by its
        // whole path.
        let current = here.canonicalize().unwrap_or_else(|_| here.clone());
        let in_git = root.join(".git").symlink_metadata().is_ok();
        let root = if !in_git && start.starts_with(&current) { current } else { root };
        // The root itself is all of it.
        asked.retain(|path| *path != root);
        if asked.len() < paths.len() {
            asked.clear();
        }
        let config = match (&choice.config, choice.isolated) {
            (_, true) => Config { folder: root.clone(), ..Config::default() },
            (Some(path), false) => Config::load(&here.join(path), &root)?,
            (None, false) => Config::find(&start, &root)?,
        };
        let folders: Vec<PathBuf> = choice.rules.iter().map(|folder| here.join(folder)).collect();
        let mut stock = Stock::open(checks::names(), &root, &folders)?;
        stock.add_kinds(&root, try_kinds)?;
        let said = Said {
            manuals: choice.manuals.clone(),
            select: choice.select.clone(),
            ignore: choice.ignore.clone(),
            exclude: choice.exclude.clone(),
            fail_on: fail_on.and_then(Threshold::from_name),
            sources: choice.sources.iter().map(|s| source(s, &here)).collect::<Result<_, _>>()?,
        };
        let policy = Policy::new(&config, &said, &stock, &root)?;
        Ok(Plan { root, paths: asked, config, policy, stock })
    }

    /// How its sources are opened.
    pub(super) fn source_options(&self) -> source::Options {
        source::Options::from_env()
    }
}

/// `NAME=DIR`.
fn source(written: &str, here: &Path) -> Result<Mapping, Failure> {
    let help = "write --source NAME=DIR, such as --source acme/ci=../ci; DIR holds a clone of the repository";
    let Some((name, folder)) = written.split_once('=') else {
        return Err(Failure::new(format!("--source `{written}` names no folder"), help));
    };
    let mapping = Mapping::new(name, folder, here)
        .map_err(|why| Failure::new(format!("--source `{written}`: {why}"), help))?;
    if !folder.contains('*') && !mapping.folder.is_dir() {
        return Err(source::Error::Missing { path: PathBuf::from(folder) }.into());
    }
    Ok(mapping)
}

/// The day on which exceptions expire or do not: the user's own.
pub(super) fn today() -> Date {
    Zoned::now().date()
}
