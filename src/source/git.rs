//! What git knows beside the files: branches, tags, remotes. Asked lazily; in memory given as data.

use std::sync::{Arc, OnceLock};

use gix::ObjectId;

use super::error::{Unread, UnreadClass};
use super::history::Commit;
use super::moment::Moment;
use super::repo::{REFTABLE, Repo, explain};

/// Git's answers. Each is looked up when it is first asked for, and never needs a git binary.
pub struct Git {
    pub(super) origin: Origin,
    branches: OnceLock<Result<Branches, Unread>>,
    tags: OnceLock<Result<Vec<Tag>, Unread>>,
}

#[allow(clippy::large_enum_variant, reason = "there is one in a run")]
pub(super) enum Origin {
    /// A repository, seen from HEAD or, for a commit target, from that commit.
    Repo(Arc<Repo>, Option<ObjectId>),
    State(GitState),
}

/// Git's answers as data, for files in memory.
#[derive(Debug, Clone, Default)]
pub struct GitState {
    /// The commit and branch that are checked out.
    pub branches: Branches,
    /// The first remote's address.
    pub remote: Option<String>,
    /// Every tag.
    pub tags: Vec<Tag>,
    /// History from the newest commit to the oldest.
    pub commits: Vec<Commit>,
    /// The day on which an example plays.
    pub today: Option<Moment>,
    /// Whether history is cut off.
    pub shallow: bool,
    /// Files that earlier commits held.
    pub past: Vec<super::PastFile>,
    /// What the last release held.
    pub released: Option<super::ReleasedFiles>,
    /// What certain commits held, tagged ones above all.
    pub snapshots: Vec<super::Snapshot>,
}

/// Where HEAD stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branches {
    /// The commit, as hexadecimal digits; `None` before the first commit.
    pub head: Option<String>,
    /// The branch that is checked out, without `refs/heads/`; `None` when HEAD is detached.
    pub current: Option<String>,
    /// The branch that others are merged into: what `origin/HEAD` names, or else the only one of `main`,
    /// `master`, `trunk` and `develop` (in this order) that exists here or at `origin`. A guess.
    pub default: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// Without `refs/tags/`.
    pub name: String,
    /// The commit that it marks in the end, as hexadecimal digits; `None` if it marks none, or one that this
    /// clone does not hold.
    pub commit: Option<String>,
    /// Whether the tag is an object with a date and a message of its own.
    pub annotated: bool,
    /// When it was made; of a lightweight tag, when the commit was.
    pub date: Option<Moment>,
    /// The first line of an annotated tag's message.
    pub message: Option<String>,
}

impl From<GitState> for Git {
    fn from(state: GitState) -> Git {
        Git { origin: Origin::State(state), branches: OnceLock::new(), tags: OnceLock::new() }
    }
}

impl Git {
    pub(super) fn of(repo: Arc<Repo>, commit: Option<ObjectId>) -> Git {
        Git { origin: Origin::Repo(repo, commit), branches: OnceLock::new(), tags: OnceLock::new() }
    }

    /// Where HEAD stands; for a commit target, that commit. An error if refs cannot be read.
    pub fn branches(&self) -> Result<&Branches, Unread> {
        let look = || match &self.origin {
            Origin::State(state) => Ok(state.branches.clone()),
            Origin::Repo(repo, commit) => branches(repo, *commit),
        };
        self.branches.get_or_init(look).as_ref().map_err(Unread::clone)
    }

    /// Every tag, sorted by name. An error if refs cannot be read: then "no tags" must not be concluded.
    pub fn tags(&self) -> Result<&[Tag], Unread> {
        let look = || match &self.origin {
            Origin::State(state) => {
                let mut tags = state.tags.clone();
                tags.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(tags)
            }
            Origin::Repo(repo, _) => tags(repo),
        };
        self.tags.get_or_init(look).as_ref().map(Vec::as_slice).map_err(Unread::clone)
    }

    /// The address of `origin`, or else of the first remote by name; user name and password are removed,
    /// except the user of an ssh address.
    pub fn remote(&self) -> Option<String> {
        match &self.origin {
            Origin::State(state) => state.remote.as_deref().map(without_credentials),
            Origin::Repo(repo, _) => repo.with(|repo| {
                let names = repo.remote_names();
                let origin = names.iter().find(|name| **name == "origin").or_else(|| names.iter().next())?;
                let url = repo.config_snapshot().string(format!("remote.{origin}.url").as_str())?;
                Some(without_credentials(&url.to_string()))
            }),
        }
    }

    /// Whether history ends before its beginning in this clone.
    pub fn is_shallow(&self) -> bool {
        match &self.origin {
            Origin::State(state) => state.shallow,
            Origin::Repo(repo, _) => repo.is_shallow(),
        }
    }

    /// Whether this clone may lack objects that it knows of (`git clone --filter`).
    pub fn is_partial(&self) -> bool {
        let Origin::Repo(repo, _) = &self.origin else { return false };
        repo.with(|repo| {
            let config = repo.config_snapshot();
            let promises =
                |name: &str| config.boolean(format!("remote.{name}.promisor").as_str()) == Some(true);
            let names = repo.remote_names();
            config.string("extensions.partialClone").is_some()
                || names.iter().any(|name| promises(&name.to_string()))
        })
    }

    /// How objects are named: `sha1` or `sha256`.
    pub fn object_format(&self) -> &'static str {
        match &self.origin {
            Origin::Repo(repo, _) if repo.with(|repo| repo.object_hash()) != gix::hash::Kind::Sha1 => {
                "sha256"
            }
            _ => "sha1",
        }
    }

    /// The day on which an example plays, where files in memory give one.
    pub fn today(&self) -> Option<Moment> {
        match &self.origin {
            Origin::State(state) => state.today,
            Origin::Repo(..) => None,
        }
    }
}

/// A question to git that cannot be answered.
pub(super) fn unanswered(reason: impl Into<String>) -> Unread {
    Unread::new(".git", UnreadClass::History, reason)
}

fn branches(repo: &Repo, commit: Option<ObjectId>) -> Result<Branches, Unread> {
    if repo.has_reftable() {
        return Err(unanswered(REFTABLE));
    }
    repo.with(|handle| {
        let mut head = handle.head()?;
        let current = head.referent_name().map(|name| name.shorten().to_string());
        let head = match commit {
            Some(commit) => Some(commit),
            None => head.try_peel_to_id()?.map(gix::Id::detach),
        };
        let origin = handle.try_find_reference("refs/remotes/origin/HEAD")?;
        let named = origin.and_then(|origin| {
            let target = origin.target().try_name()?.as_bstr().to_string();
            target.strip_prefix("refs/remotes/origin/").map(str::to_owned)
        });
        let exists = |name: &str| {
            ["refs/heads/", "refs/remotes/origin/"].iter().any(|folder| {
                handle
                    .try_find_reference(format!("{folder}{name}").as_str())
                    .is_ok_and(|found| found.is_some())
            })
        };
        let usual = || ["main", "master", "trunk", "develop"].into_iter().find(|name| exists(name));
        let default = named.or_else(|| usual().map(str::to_owned));
        Ok(Branches { head: head.map(|id| id.to_string()), current, default })
    })
    .map_err(|e: gix::Error| unanswered(explain(&e)))
}

fn tags(repo: &Repo) -> Result<Vec<Tag>, Unread> {
    if repo.has_reftable() {
        return Err(unanswered(REFTABLE));
    }
    repo.with(|handle| {
        let mut tags = Vec::new();
        for reference in handle.references()?.tags()? {
            let reference = reference?;
            let name = reference.name().shorten().to_string();
            // A tag whose object is missing still exists; only its date and target are unknown.
            let told = reference.try_id().and_then(|id| tag(handle, id.detach()).ok());
            tags.push(Tag { name, ..told.unwrap_or_default() });
        }
        tags.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tags)
    })
    .map_err(|e: gix::Error| unanswered(explain(&e)))
}

fn tag(repo: &gix::Repository, id: ObjectId) -> gix::Result<Tag> {
    let object = repo.find_object(id)?;
    let mut tag = Tag::default();
    if object.kind == gix::objs::Kind::Tag {
        let object = object.clone().into_tag();
        let told = object.decode()?;
        tag.annotated = true;
        tag.date = told.tagger()?.and_then(|tagger| tagger.time().ok()).map(Moment::from);
        tag.message = told.message.to_string().lines().next().map(|line| line.trim().to_owned());
    }
    let Ok(end) = object.peel_tags_to_end() else { return Ok(tag) };
    if end.kind == gix::objs::Kind::Commit {
        let commit = end.into_commit();
        tag.commit = Some(commit.id.to_string());
        if !tag.annotated {
            tag.date = commit.time().ok().map(Moment::from);
        }
    }
    Ok(tag)
}

impl From<gix::date::Time> for Moment {
    fn from(time: gix::date::Time) -> Moment {
        Moment { seconds: time.seconds, offset: time.offset }
    }
}

/// An address as it may be printed. A user name is kept before an ssh host, where it is no secret; in a web
/// address it can be a token.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let Some((user, host)) = authority.rsplit_once('@') else { return url.to_owned() };
    match user.split_once(':').map_or(user, |(user, _)| user) {
        user if scheme.contains("ssh") => format!("{scheme}://{user}@{host}{path}"),
        _ => format!("{scheme}://{host}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn an_address_is_printed_without_credentials() {
        for (url, printed) in [
            ("https://host/a.git", "https://host/a.git"),
            ("https://oauth2:word@host:8080/a.git", "https://host:8080/a.git"),
            ("https://word@host/a@b.git", "https://host/a@b.git"),
            ("https://user:p@ss@host", "https://host"),
            ("ssh://git:word@host/a.git", "ssh://git@host/a.git"),
            ("git@host:owner/a.git", "git@host:owner/a.git"),
            ("/srv/a.git", "/srv/a.git"),
        ] {
            assert_eq!(without_credentials(url), printed);
        }
    }
}
