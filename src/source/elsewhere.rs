//! Other repositories: which checkout stands for a name, and what its objects hold at a version. Nothing is
//! fetched, and no work tree is looked at: a reference names a version, and what lies checked out may be another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;

use super::entry::{Content, Entry, Mode, Tracked};
use super::error::Error;
use super::options::Options;
use super::repo::{REFTABLE, Repo, explain};
use super::tree::{self, Leaves};
use super::{FileId, Source, file_id};

/// Repositories, each at one version, that one run looks into.
const MOST_HOMES: usize = 64;
/// Files of theirs that are listed.
const MOST_FILES: usize = 5_000;

/// A repository at a version, as a file refers to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Its name as the service knows it: `acme/ci`, `group/sub/project`, the name of a library.
    pub name: String,
    /// The branch, tag or commit; what the checkout's HEAD points at if none is named.
    pub version: Option<String>,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A name, or a pattern of names, and the checkout that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The name; `*` stands for any run of characters. With `@`, a name and a version.
    pub name: String,
    /// The folder; a `*` in it stands for what the one `*` of the name stands for.
    pub folder: PathBuf,
    /// The folder as it was written, for messages.
    pub written: String,
}

impl Mapping {
    /// A mapping, or what is wrong with it. A relative folder is one below `base`.
    pub fn new(name: &str, folder: &str, base: &Path) -> Result<Mapping, &'static str> {
        if name.trim().is_empty() {
            return Err("the name of a source is empty");
        }
        if name.chars().any(char::is_control) {
            return Err("the name of a source holds a control character");
        }
        if folder.trim().is_empty() {
            return Err("the folder of a source is empty");
        }
        if folder.contains("://") || folder.starts_with("git@") {
            return Err("a source is a folder with a clone; plimsoll fetches nothing");
        }
        if folder.contains('*') && name.matches('*').count() != 1 {
            return Err("a `*` in the folder stands for the one `*` in the name");
        }
        let path = base.join(folder.trim());
        Ok(Mapping { name: name.trim().to_owned(), folder: path, written: folder.trim().to_owned() })
    }

    /// The folder that stands for a reference, and the same as it would have been written.
    fn folder_of(&self, reference: &Reference) -> Option<(PathBuf, String)> {
        let whole = self.name.contains('@').then(|| reference.to_string());
        let part = matched(&self.name, whole.as_deref().unwrap_or(&reference.name))?;
        let fill = |text: &str| text.replace('*', part);
        Some((PathBuf::from(fill(&self.folder.to_string_lossy())), fill(&self.written)))
    }

    /// How much of the name is said outright: of several patterns that match, the most exact one counts.
    fn exactness(&self) -> (bool, usize) {
        (!self.name.contains('*'), self.name.len())
    }
}

/// Whether a name fits a pattern, and what its one `*` then stands for; services know names without regard to
/// case.
fn matched<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (p, n) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut i, mut star) = (0, 0, None);
    while i < n.len() {
        if p.get(at) == Some(&b'*') {
            star = Some((at, i));
            at += 1;
        } else if p.get(at).is_some_and(|c| c.eq_ignore_ascii_case(&n[i])) {
            at += 1;
            i += 1;
        } else {
            let (from, met) = star?;
            (at, i) = (from + 1, met + 1);
            star = Some((from, met + 1));
        }
    }
    if !p[at..].iter().all(|c| *c == b'*') {
        return None;
    }
    let Some((before, after)) = pattern.split_once('*') else { return Some(name) };
    name.get(before.len()..name.len() - after.len().min(name.len() - before.len()))
}

/// A repository at a version, whose files are looked at.
#[derive(Debug, Clone)]
pub struct Home {
    /// As it was first referred to.
    pub reference: Reference,
    /// The checkout, as the policy writes it.
    pub folder: String,
    /// The commit, as hexadecimal digits.
    pub commit: String,
    /// What the shown paths of its files begin with; ends in `/`.
    pub prefix: String,
}

/// The same, opened.
pub(super) struct Opened {
    home: Home,
    pub(super) repo: Arc<Repo>,
    tree: ObjectId,
    commit: ObjectId,
    leaves: Leaves,
    brought: BTreeMap<Vec<u8>, FileId>,
}

/// All other repositories of a source.
#[derive(Default)]
pub(super) struct Elsewhere {
    pub(super) homes: Vec<Opened>,
    pub(super) files: Vec<(Entry, usize)>,
    known: BTreeMap<Reference, Result<usize, String>>,
}

impl Source {
    /// Whether the policy says where any other repository lies.
    pub fn knows_others(&self) -> bool {
        !self.options.elsewhere.is_empty()
    }

    /// The repository that deploys what this one builds, as the policy names it.
    pub fn deploys_in(&self) -> Option<&Reference> {
        self.options.deploys_in.as_ref()
    }

    /// The repositories that were opened so far.
    pub fn homes(&self) -> impl Iterator<Item = &Home> {
        self.elsewhere.homes.iter().map(|opened| &opened.home)
    }

    /// What became of each reference that was asked for: an index into [`Source::homes`], or why it is not
    /// read and what to do about it.
    pub fn references(&self) -> &BTreeMap<Reference, Result<usize, String>> {
        &self.elsewhere.known
    }

    /// Files of other repositories, in the order of their ids, which follow those of [`Source::files`], and
    /// the home of each.
    pub fn others(&self) -> impl Iterator<Item = (FileId, &Entry, usize)> {
        let first = self.files.len();
        let all = self.elsewhere.files.iter().enumerate();
        all.map(move |(at, (entry, home))| (file_id(first + at), entry, *home))
    }

    /// The home of a file of another repository.
    pub fn home_of(&self, id: FileId) -> Option<usize> {
        let at = (id.0 as usize).checked_sub(self.files.len())?;
        self.elsewhere.files.get(at).map(|(_, home)| *home)
    }

    /// The paths of another repository's files, as they are in it, and whether each may be executed.
    pub fn listed_at(&self, home: usize) -> impl Iterator<Item = (&str, bool)> {
        let leaves = self.elsewhere.homes[home].leaves.leaves.iter();
        leaves.filter_map(|leaf| Some((std::str::from_utf8(&leaf.name).ok()?, leaf.mode == Mode::Executable)))
    }

    /// Opens the repository that a reference means. `None` if no source is given for it, else an index into
    /// [`Source::homes`], or why it is not read and what to do about it.
    pub fn open_other(&mut self, reference: &Reference) -> Option<Result<usize, String>> {
        if let Some(known) = self.elsewhere.known.get(reference) {
            return Some(known.clone());
        }
        let mappings = self.options.elsewhere.iter();
        let fitting = mappings.filter_map(|m| Some((m.exactness(), m.folder_of(reference)?)));
        // Of equals the first counts.
        let (_, (folder, written)) = fitting.rev().max_by_key(|(exactness, _)| *exactness)?;
        let opened = self.open_home(reference, &folder, &written);
        self.elsewhere.known.insert(reference.clone(), opened.clone());
        Some(opened)
    }

    fn open_home(&mut self, reference: &Reference, folder: &Path, written: &str) -> Result<usize, String> {
        let Reference { name, version } = reference;
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['@', '\\', '*']);
        let named = !name.chars().any(char::is_control) && name.split('/').all(plain);
        let versioned = |v: &String| !v.is_empty() && !v.contains("..") && !v.contains(['$', ' ', '{', '\\']);
        if !named || !version.as_ref().is_none_or(versioned) {
            return Err("it holds a variable, or is no name of a repository and a version".to_owned());
        }
        if self.elsewhere.homes.len() >= MOST_HOMES {
            return Err(format!("more than {MOST_HOMES} other repositories and versions are referred to"));
        }
        let Ok(root) = folder.canonicalize() else {
            return Err(format!("`{written}` does not exist: clone `{name}` there, or correct its source"));
        };
        // A folder inside of another repository would be read at that one's versions.
        let own = root.join(".git").symlink_metadata().is_ok() || super::is_bare(&root).is_some();
        let repo = if own { Repo::find(&root, &Options::default()) } else { Ok(None) };
        let repo = match repo {
            Ok(Some(repo)) => Arc::new(repo),
            Ok(None) => {
                let wanted = version.as_deref().unwrap_or("HEAD");
                return Err(format!(
                    "`{written}` is no git repository: clone `{name}` there, so that `{wanted}` can be read \
                     from its objects"
                ));
            }
            Err(e) => return Err(format!("`{written}`: {e}")),
        };
        let commit = find_commit(&repo, version.as_deref()).map_err(|missing| match missing {
            Some(reason) => format!("`{written}` cannot be read: {reason}"),
            None => {
                let version = version.as_deref().unwrap_or("HEAD");
                format!(
                    "`{written}` holds no tag, branch or commit `{version}`: `git -C {written} fetch --tags \
                     origin` brings what `{name}` has"
                )
            }
        })?;
        let same = |opened: &Opened| opened.commit == commit && opened.repo.root == repo.root;
        if let Some(at) = self.elsewhere.homes.iter().position(same) {
            return Ok(at);
        }
        let unreadable = |e: Error| {
            format!(
                "`{written}` lacks objects of {}: `git -C {written} fetch` brings them ({e})",
                short(commit)
            )
        };
        let tree = repo.tree_of_commit(commit).map_err(unreadable)?;
        let leaves = tree::list(&repo, tree, b"").map_err(|e| format!("`{written}`: {e}"))?;
        // No ref has a colon in its name, so that no two prefixes are alike.
        let at = version.as_ref().map_or_else(|| short(commit), |v| v.replace('/', ":"));
        let home = Home {
            reference: reference.clone(),
            folder: written.to_owned(),
            commit: commit.to_string(),
            prefix: format!("{name}@{at}/"),
        };
        self.elsewhere.homes.push(Opened { home, repo, tree, commit, leaves, brought: BTreeMap::new() });
        Ok(self.elsewhere.homes.len() - 1)
    }

    /// Lists files of another repository, by path, or by what `fits` says of each path, and gives them ids.
    pub fn bring(&mut self, home: usize, exact: Option<&str>, fits: &dyn Fn(&str) -> bool) -> Vec<FileId> {
        let first = self.files.len();
        let opened = &mut self.elsewhere.homes[home];
        let found: Vec<tree::Leaf> = match exact {
            Some(path) => opened.leaves.get(path.as_bytes()).into_iter().cloned().collect(),
            None => {
                let named = |leaf: &&tree::Leaf| std::str::from_utf8(&leaf.name).is_ok_and(fits);
                opened.leaves.leaves.iter().filter(named).cloned().collect()
            }
        };
        let mut ids = Vec::new();
        for leaf in found.into_iter().filter(|l| matches!(l.mode, Mode::File | Mode::Executable)) {
            if let Some(id) = opened.brought.get(&leaf.name) {
                ids.push(*id);
                continue;
            }
            if self.elsewhere.files.len() >= MOST_FILES {
                break;
            }
            let id = file_id(first + self.elsewhere.files.len());
            let mut entry = Entry::new(leaf.name.clone(), leaf.mode, Content::Other(home, leaf.id));
            entry.path.insert_str(0, &opened.home.prefix);
            entry.tracked = Tracked::Yes;
            opened.brought.insert(leaf.name, id);
            self.elsewhere.files.push((entry, home));
            ids.push(id);
        }
        ids
    }

    /// Whether folders of another repository are missing in its checkout, so that a file may be, too.
    pub fn lacks_folders(&self, home: usize) -> bool {
        !self.elsewhere.homes[home].leaves.unread.is_empty()
    }

    /// Another repository as a source of its own, without others beside it.
    pub fn at_home(&self, home: usize) -> Result<Source, Error> {
        let Opened { repo, tree, commit, .. } = &self.elsewhere.homes[home];
        super::open::commit(repo.clone(), *tree, Some(*commit), &Options::default())
    }
}

fn short(commit: ObjectId) -> String {
    commit.to_hex_with_len(12).to_string()
}

/// The commit that a version names: a tag, what a remote's branch or a branch here points at, a commit's whole
/// id, or the newest release of a range. `Err(None)` if there is none, else the reason.
fn find_commit(repo: &Repo, version: Option<&str>) -> Result<ObjectId, Option<String>> {
    if repo.has_reftable() {
        return Err(Some(REFTABLE.to_owned()));
    }
    let Some(version) = version else {
        return repo.head().map_err(|e| Some(e.to_string()))?.ok_or(None);
    };
    repo.with(|handle| {
        let named = |name: &str| {
            let reference = handle.try_find_reference(name).ok().flatten()?;
            Some(reference.into_fully_peeled_id().ok()?.detach())
        };
        let id = match ObjectId::from_hex(version.as_bytes()) {
            Ok(id) => Some(id).filter(|id| id.kind() == handle.object_hash()),
            Err(_) => names_of(version).iter().find_map(|name| named(name)).or_else(|| {
                let tags = handle.references().ok()?;
                let tags: Vec<String> =
                    tags.tags().ok()?.flatten().map(|tag| tag.name().as_bstr().to_string()).collect();
                let names = tags.iter().filter_map(|name| name.strip_prefix("refs/tags/"));
                named(&format!("refs/tags/{}", newest_within(version, names)?))
            }),
        };
        let Some(object) = id.and_then(|id| handle.try_find_object(id).ok().flatten()) else {
            return Err(None);
        };
        let end = object.peel_tags_to_end().map_err(|e| Some(explain(&e)))?;
        if end.kind == gix::objs::Kind::Commit { Ok(end.id) } else { Err(None) }
    })
}

/// The refs that a version may mean, the likeliest first: tags never move, and of a branch the remote's is what
/// the service has.
fn names_of(version: &str) -> Vec<String> {
    let branch = |name: &str| [format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")];
    match version.strip_prefix("refs/heads/") {
        Some(name) => branch(name).to_vec(),
        None if version.starts_with("refs/") => vec![version.to_owned()],
        None => std::iter::once(format!("refs/tags/{version}")).chain(branch(version)).collect(),
    }
}

/// The newest release among `tags` that a range of a component of GitLab stands for: `~latest` for any, `1` and
/// `1.2` for those that begin so. Versions with a pre-release are in no range.
/// <https://docs.gitlab.com/ci/components/#component-versions>
fn newest_within<'t>(range: &str, tags: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let digits = |part: &str| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
        text.split('.').map(digits).collect()
    };
    let wanted = if range == "~latest" { Vec::new() } else { numbers(range).filter(|w| w.len() < 3)? };
    let versions = tags.filter_map(|tag| {
        let version = numbers(tag.split('+').next()?).filter(|v| v.len() == 3)?;
        version.starts_with(&wanted).then_some((version, tag))
    });
    versions.max().map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::{matched, newest_within};

    #[test]
    fn a_range_stands_for_the_newest_release_in_it() {
        let tags = ["1.2.0", "1.10.3", "2.0.0-rc.1", "1.9.9", "v3.0.0", "2.0", "0.9.0"];
        for (range, version) in [
            ("~latest", Some("1.10.3")),
            ("1", Some("1.10.3")),
            ("1.2", Some("1.2.0")),
            ("0", Some("0.9.0")),
            ("2", None),
            ("1.2.0", None),
            ("main", None),
        ] {
            assert_eq!(newest_within(range, tags.into_iter()), version, "{range}");
        }
    }

    #[test]
    fn a_pattern_tells_what_its_star_stands_for() {
        for (pattern, name, part) in [
            ("acme/ci", "Acme/CI", Some("Acme/CI")),
            ("acme/ci", "acme/cid", None),
            ("acme/*", "acme/ci", Some("ci")),
            ("acme/*", "acme/group/ci", Some("group/ci")),
            ("*", "acme/ci", Some("acme/ci")),
            ("acme/*-ci", "acme/shop-ci", Some("shop")),
            ("acme/*-ci", "acme/shop-cd", None),
            ("acme/ci@*", "acme/ci@v4", Some("v4")),
            ("acme/*", "acme/", Some("")),
            ("acme/*", "other/ci", None),
        ] {
            assert_eq!(matched(pattern, name), part, "{pattern} on {name}");
        }
    }
}
