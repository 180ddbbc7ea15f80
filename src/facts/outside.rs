//! Other repositories that this one refers to, as far as the policy says where a clone of them lies.

use super::{Dialect, File, Use};
use crate::source::{Home, Reference};
use crate::text::{FileId, Span};
use std::collections::BTreeMap;

/// What was read of other repositories.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Their files, in the order of their ids, which follow those of the repository's own files.
    pub files: Vec<File>,
    /// The home of each of these files: an index into `homes`.
    pub homes_of: Vec<usize>,
    /// Places in the repository's own files that lead to each of these files, directly or through others.
    pub callers: Vec<Vec<Span>>,
    /// The repositories, each at one version.
    pub homes: Vec<Home>,
    /// What became of each reference for which a source is given: an index into `homes`, or why it is not read
    /// and what to do about it.
    pub references: BTreeMap<Reference, Result<usize, String>>,
    /// The repository that deploys this one.
    pub deploys_in: Option<usize>,
    /// The number of the repository's own files.
    pub first: u32,
}

impl Outside {
    /// The number of a file of another repository among those.
    fn at(&self, file: FileId) -> Option<usize> {
        let at = file.0.checked_sub(self.first)? as usize;
        (at < self.files.len()).then_some(at)
    }

    /// The home of a file of another repository; `None` for the repository's own.
    pub fn home(&self, file: FileId) -> Option<usize> {
        self.at(file).map(|at| self.homes_of[at])
    }

    /// Places in the repository's own files that lead to a file of another.
    pub fn callers(&self, file: FileId) -> &[Span] {
        self.at(file).map_or(&[], |at| &self.callers[at])
    }

    /// What the paths of the files begin with that lie in one repository with `file`: empty for the
    /// repository's own, else ending in `/`.
    pub fn prefix(&self, file: FileId) -> &str {
        self.home(file).map_or("", |home| &self.homes[home].prefix)
    }

    /// The same for a file by its path.
    pub fn prefix_of_path(&self, path: &str) -> &str {
        let home = self.homes.iter().find(|home| path.starts_with(&home.prefix));
        home.map_or("", |home| &home.prefix)
    }

    /// What the paths begin with of files in the repository that a reference means, if it is read.
    pub fn prefix_of(&self, reference: &Reference) -> Option<&str> {
        let home = self.references.get(reference)?.as_ref().ok()?;
        Some(&self.homes[*home].prefix)
    }

    /// Whether files only take part in what calls them: those of other repositories, except of the one that
    /// deploys.
    pub fn is_lent(&self, file: FileId) -> bool {
        self.home(file).is_some_and(|home| self.deploys_in != Some(home))
    }

    /// The path at which what a step or job uses is read, if it is: a file, or an action's folder.
    pub fn path_of(&self, used: &Use, dialect: Dialect) -> Option<String> {
        if self.homes.is_empty() || used.local {
            return None;
        }
        if dialect == Dialect::Jenkins {
            return Some(used.name.clone()).filter(|name| !self.prefix_of_path(name).is_empty());
        }
        if dialect == Dialect::Gitlab {
            let version = used.version.as_ref().map(|v| v.value.clone());
            let reference = Reference { name: used.name.trim_matches('/').to_owned(), version };
            return Some(format!("{}.gitlab-ci.yml", self.prefix_of(&reference)?));
        }
        let (reference, path) = github_reference(used)?;
        let path = format!("{}{path}", self.prefix_of(&reference)?);
        Some(path.trim_end_matches('/').to_owned())
    }
}

/// The repository and version that `owner/name/path@ref` names, and the path in it.
pub fn github_reference(used: &Use) -> Option<(Reference, &str)> {
    if used.local {
        return None;
    }
    let mut slashes = used.name.match_indices('/').map(|(at, _)| at);
    let (_, second) = (slashes.next()?, slashes.next());
    let (name, path) = second.map_or((used.name.as_str(), ""), |at| (&used.name[..at], &used.name[at + 1..]));
    let version = used.version.as_ref().map(|v| v.value.clone());
    Some((Reference { name: name.to_owned(), version }, path))
}

/// The repository in which the templates that come with GitLab lie, below `lib/gitlab/ci/templates/`.
/// <https://docs.gitlab.com/ci/yaml/#includetemplate>
pub const GITLAB_ITSELF: &str = "gitlab-org/gitlab";

/// The repository, version and path of a file by the address at which GitLab or GitHub serve it raw.
pub fn raw_address(address: &str) -> Option<(Reference, String)> {
    let (host, path) = address.strip_prefix("https://")?.split_once('/')?;
    let path = path.split(['?', '#']).next()?;
    let (name, version, path) = if host == "raw.githubusercontent.com" {
        let mut parts = path.splitn(4, '/');
        (format!("{}/{}", parts.next()?, parts.next()?), parts.next()?, parts.next()?)
    } else {
        let (name, rest) = path.split_once("/-/raw/")?;
        let (version, path) = rest.split_once('/')?;
        (name.to_owned(), version, path)
    };
    let whole = !address.contains('$');
    whole.then(|| (Reference { name, version: Some(version.to_owned()) }, path.to_owned()))
}

/// The repository that an include of GitLab lies in: of a file at an address, of a template of the server, of a
/// project's file (`acme/ci:deploy.yml`), of a component (`gitlab.com/acme/ci/deploy`).
pub fn gitlab_reference(include: &Use) -> Option<Reference> {
    let version = include.version.as_ref().map(|v| v.value.clone());
    let name = include.name.as_str();
    if name.contains("://") {
        return raw_address(name).map(|(reference, _)| reference);
    }
    if let Some((project, _)) = name.split_once(':') {
        return Some(Reference { name: project.to_owned(), version });
    }
    if name.ends_with(".gitlab-ci.yml") {
        return Some(Reference { name: GITLAB_ITSELF.to_owned(), version: None });
    }
    let (project, _) = name.split_once('/')?.1.rsplit_once('/')?;
    Some(Reference { name: project.to_owned(), version })
}
