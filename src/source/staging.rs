//! The index: what the next commit would hold.

use std::path::Path;

use gix::ObjectId;
use gix::index::entry::{self, Flags, Stage, Stat};

use super::entry::{Mode, is_plain, shown};
use super::error::{Error, Unread, UnreadClass};
use super::repo::{Repo, broken};
use super::tree;

/// A path in the index.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    /// The true name, relative to the folder under audit.
    pub(super) name: Vec<u8>,
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
    /// What the work tree's file looked like when git last saw that it has this content.
    pub(super) stat: Stat,
    /// `git add -N`: announced, without content.
    pub(super) announced: bool,
    /// Left out of the work tree by a sparse checkout.
    pub(super) sparse: bool,
    pub(super) conflicted: bool,
}

/// The index under the folder that is audited, sorted by name.
pub(super) struct Staging {
    pub(super) entries: Vec<Staged>,
    pub(super) unread: Vec<Unread>,
    stat: entry::stat::Options,
    written: gix::index::File,
}

/// Reads the index: versions 2 to 4, split and sparse ones too. One that does not exist is empty.
pub(super) fn read(repo: &Repo) -> Result<Staging, Error> {
    const HELP: &str =
        "`git status` tells whether git can read it; removing the file and `git reset` rebuild it";
    let (kind, stat) = repo.with(|handle| (handle.object_hash(), handle.stat_options().unwrap_or_default()));
    let file = if repo.index.symlink_metadata().is_ok() {
        gix::index::File::at(&repo.index, kind, false, gix::index::decode::Options::default())
            .map_err(|e| broken(&repo.root, &e, HELP))?
    } else {
        gix::index::File::from_state(gix::index::State::new(kind), &repo.index)
    };
    let mut entries: Vec<Staged> = Vec::with_capacity(file.entries().len());
    let mut unread = Vec::new();
    let prefix = &repo.prefix[..];
    for entry in file.entries() {
        let path: &[u8] = entry.path(&file);
        let sparse = entry.flags.contains(Flags::SKIP_WORKTREE);
        if entry.mode.is_sparse() {
            unfold(repo, entry.id, path, &mut entries, &mut unread)?;
            continue;
        }
        let Some(name) = path.strip_prefix(prefix) else { continue };
        if !is_plain(name) {
            unread.push(Unread::new(shown(name), UnreadClass::Outside, "a name that git does not allow"));
            continue;
        }
        let staged = Staged {
            name: name.to_vec(),
            mode: mode(entry.mode),
            id: entry.id,
            stat: entry.stat,
            announced: entry.flags.contains(Flags::INTENT_TO_ADD),
            sparse,
            conflicted: entry.stage() != Stage::Unconflicted,
        };
        match entries.last_mut() {
            // "Ours" (stage 2) speaks for a path in conflict; the others only where "we" have none.
            Some(last) if last.name == staged.name => {
                if entry.stage() == Stage::Ours {
                    *last = staged;
                }
            }
            _ => entries.push(staged),
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries.dedup_by(|a, b| a.name == b.name);
    Ok(Staging { entries, unread, stat, written: file })
}

/// A sparse index holds whole folders as one entry; their files come from the tree.
fn unfold(
    repo: &Repo,
    tree: ObjectId,
    folder: &[u8],
    entries: &mut Vec<Staged>,
    unread: &mut Vec<Unread>,
) -> Result<(), Error> {
    let (inner, cut): (&[u8], &[u8]) = match folder.strip_prefix(&repo.prefix[..]) {
        Some(inner) => (inner, b""),
        None => match repo.prefix.strip_prefix(folder) {
            Some(cut) => (b"", cut),
            None => return Ok(()),
        },
    };
    let listed = tree::list(repo, tree, cut)?;
    unread.extend(listed.unread);
    entries.extend(listed.leaves.into_iter().map(|leaf| Staged {
        name: [inner, &leaf.name].concat(),
        mode: leaf.mode,
        id: leaf.id,
        stat: Stat::default(),
        announced: false,
        sparse: true,
        conflicted: false,
    }));
    Ok(())
}

impl Staging {
    /// The folders of the repository whose tree git has already computed from the index as it is.
    pub(super) fn folders(&self) -> tree::Folders {
        let mut folders = tree::Folders::new();
        let mut ahead: Vec<_> = self.written.tree().into_iter().map(|top| (Vec::new(), top)).collect();
        while let Some((name, folder)) = ahead.pop() {
            for child in &folder.children {
                ahead.push(([&name[..], &child.name[..], b"/"].concat(), child));
            }
            // Git takes the number away when an entry below changes.
            if folder.num_entries.is_some() {
                folders.insert(name, folder.id);
            }
        }
        folders
    }

    /// The entry of that name.
    pub(super) fn get(&self, name: &[u8]) -> Option<&Staged> {
        let at = self.entries.binary_search_by(|staged| staged.name[..].cmp(name)).ok()?;
        Some(&self.entries[at])
    }

    /// Whether git would take a work-tree file that looks like `now` for unmodified without opening it.
    pub(super) fn is_unmodified(&self, staged: &Staged, now: &Stat) -> bool {
        !staged.announced
            && !staged.conflicted
            && staged.stat.matches(now, self.stat)
            && !staged.stat.is_racy(self.written.timestamp(), self.stat)
    }
}

/// How a work-tree file looks to git, without following a link.
pub(super) fn stat_of(path: &Path) -> std::io::Result<(gix::index::fs::Metadata, Stat)> {
    let metadata = gix::index::fs::Metadata::from_path_no_follow(path)?;
    let stat = Stat::from_fs(&metadata).map_err(std::io::Error::other)?;
    Ok((metadata, stat))
}

fn mode(mode: entry::Mode) -> Mode {
    match mode {
        entry::Mode::FILE_EXECUTABLE => Mode::Executable,
        entry::Mode::SYMLINK => Mode::Symlink,
        entry::Mode::COMMIT => Mode::Submodule,
        _ => Mode::File,
    }
}
