//! Opening: from a target to the list of its files.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;

use super::entry::{BlobId, Content, Entry, Mode, State, Tracked, shown, to_path};
use super::error::{Error, Unread, UnreadClass};
use super::git::Git;
use super::options::{MemoryFile, Options, Target};
use super::repo::Repo;
use super::staging::{self, Staging};
use super::tree;
use super::walk::{self, Found};
use super::{FileId, Source, file_id};

/// Lists the files of a target, without opening one.
pub fn open(target: &Target, options: &Options) -> Result<Source, Error> {
    match target {
        Target::WorkTree { root, paths } => Ok(work_tree(&folder(root)?, paths, options)?.0),
        Target::Index { root } => index(&folder(root)?, options),
        Target::Commit { root, rev } => {
            let repo = repository(&folder(root)?, options)?;
            let (tree, commit) = repo.tree_of(rev)?;
            self::commit(repo, tree, commit, options)
        }
        Target::Since { root, rev } => since(&folder(root)?, rev, options),
        Target::Memory { files, git } => memory(files, git.clone().map(Git::from), options),
    }
}

/// The one name of the folder under audit that the operating system and git agree upon.
fn folder(root: &Path) -> Result<PathBuf, Error> {
    match root.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder),
        _ => Err(Error::Missing { path: root.to_path_buf() }),
    }
}

fn repository(root: &Path, options: &Options) -> Result<Arc<Repo>, Error> {
    let repo = Repo::find(root, options)?;
    repo.map(Arc::new).ok_or_else(|| Error::NoRepository { root: root.to_path_buf() })
}

fn work_tree(root: &Path, paths: &[PathBuf], options: &Options) -> Result<(Source, Option<Staging>), Error> {
    let starts = walk::starts(root, paths)?;
    let walked = walk::walk(root, &starts, options)?;
    let mut unread = walked.unread;
    let mut repo = None;
    let mut index = None;
    // Without its git data a work tree can still be audited; what that leaves open is said.
    match Repo::find(root, options).map(|found| found.map(Arc::new)) {
        Ok(Some(found)) => {
            match staging::read(&found) {
                Ok(read) => index = Some(read),
                Err(e) => unread.push(Unread::new(".git/index", UnreadClass::Unreadable, e.to_string())),
            }
            repo = Some(found);
        }
        Ok(None) => {}
        Err(e) => unread.push(Unread::new(".git", UnreadClass::Unreadable, e.to_string())),
    }
    let mut files = walked.files;
    let (mut deleted, mut sparse, mut submodules) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(index) = &index {
        let inside = |name: &[u8]| starts.iter().any(|start| root.join(to_path(name)).starts_with(start));
        let all = starts.iter().any(|start| start == root);
        let mut unlisted = Vec::new();
        let mut listed = files.iter().map(|found| &found.name).peekable();
        for staged in &index.entries {
            let name = &staged.name;
            while listed.next_if(|found| *found < name).is_some() {}
            if listed.peek() == Some(&name) || !(all || inside(name)) {
                continue;
            }
            if staged.mode == Mode::Submodule {
                submodules.push(Entry::new(name.clone(), Mode::Submodule, Content::None));
                continue;
            }
            let seen =
                if walk::is_reached_plainly(root, name) { walk::see(root, name.clone()) } else { Ok(None) };
            match seen {
                Ok(Some(found)) => unlisted.push(found),
                _ if staged.sparse => sparse.push(shown(name)),
                // What the walk met and could not take for a file is stated already.
                Err(e) if e.class == UnreadClass::Outside || unread.iter().any(|met| met.path == e.path) => {}
                _ => deleted.push(shown(name)),
            }
        }
        files.append(&mut unlisted);
        files.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let mut staged_ahead = index.iter().flat_map(|index| &index.entries).peekable();
    let entry = |found: Found| {
        while staged_ahead.next_if(|staged| staged.name < found.name).is_some() {}
        let staged = staged_ahead.peek().filter(|staged| staged.name == found.name);
        let staged = index.as_ref().zip(staged.copied());
        let mut entry = Entry::new(found.name, found.mode, found.content);
        entry.size = Some(found.size);
        entry.tracked = match (&index, staged) {
            (None, _) => Tracked::Unknown,
            (Some(_), None) => Tracked::No,
            (Some(_), Some(_)) => Tracked::Yes,
        };
        if let Some((index, staged)) = staged {
            let same_kind = (staged.mode == Mode::Symlink) == (entry.mode == Mode::Symlink);
            let unmodified = same_kind && index.is_unmodified(staged, &found.stat);
            entry.blob = unmodified.then_some(BlobId(staged.id));
            entry.state = if staged.conflicted { State::Conflicted } else { State::Plain };
        }
        entry
    };
    let mut entries: Vec<Entry> = files.into_iter().map(entry).collect();
    submodules.iter_mut().for_each(|entry| entry.tracked = Tracked::Yes);
    entries.extend(submodules);
    let mut source = arrange(root, entries, repo, options)?;
    let known = |folder: &String| source.id(folder).is_some();
    source.nested = walked.nested.into_iter().filter(|folder| !known(folder)).collect();
    source.deleted = deleted;
    source.sparse = sparse;
    source.unread = unread;
    Ok((source, index))
}

fn index(root: &Path, options: &Options) -> Result<Source, Error> {
    let repo = repository(root, options)?;
    let index = staging::read(&repo)?;
    let head = repo.head()?;
    let base = match head {
        Some(head) => {
            let tree = repo.tree_of_commit(head)?;
            tree::list_unknown(&repo, tree, &repo.prefix, &index.folders())?
        }
        None => tree::Leaves::default(),
    };
    if let Some(missing) = base.unread.iter().find(|unread| unread.class == UnreadClass::Unreadable) {
        return Err(Error::Git {
            root: root.to_path_buf(),
            reason: format!("in HEAD, `{}`: {}", missing.path, missing.reason),
            help: "`git fetch` brings trees that a partial clone left out; `git fsck` tells what is damaged"
                .into(),
        });
    }
    let mut changed = BTreeSet::new();
    let mut entries = Vec::with_capacity(index.entries.len());
    for staged in index.entries.iter().filter(|staged| !staged.announced) {
        let content = match staged.mode {
            Mode::Submodule => Content::None,
            _ if staged.sparse || staged.conflicted => Content::Blob(staged.id),
            _ => Content::Staged(staged.id, staged.stat),
        };
        let mut entry = Entry::new(staged.name.clone(), staged.mode, content);
        entry.blob = Some(BlobId(staged.id));
        entry.tracked = Tracked::Yes;
        entry.state = if staged.conflicted { State::Conflicted } else { State::Plain };
        entries.push(entry);
        let is_same = base.is_known(&staged.name)
            || base.get(&staged.name).is_some_and(|was| (was.mode, was.id) == (staged.mode, staged.id));
        if staged.conflicted || !is_same {
            changed.insert(staged.name.clone());
        }
    }
    let gone = base.leaves.iter().filter(|was| index.get(&was.name).is_none());
    let deleted = gone.map(|was| shown(&was.name)).collect();
    let parents = merge_parents(&repo);
    let mut source = arrange(root, entries, Some(repo), options)?;
    source.mark_changed(&changed);
    source.deleted = deleted;
    source.unread = index.unread;
    source.bases = head.into_iter().chain(parents).collect();
    Ok(source)
}

/// The commits that an unfinished merge brings in.
fn merge_parents(repo: &Repo) -> Vec<ObjectId> {
    let file = repo.with(|handle| handle.git_dir().join("MERGE_HEAD"));
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| ObjectId::from_hex(line.trim().as_bytes()).ok()).collect()
}

/// A commit's tree, or a bare tree, as a source.
pub(super) fn commit(
    repo: Arc<Repo>,
    tree: ObjectId,
    commit: Option<ObjectId>,
    options: &Options,
) -> Result<Source, Error> {
    let listed = tree::list(&repo, tree, &repo.prefix)?;
    let entries = listed.leaves.into_iter().map(|leaf| {
        let submodule = leaf.mode == Mode::Submodule;
        let content = if submodule { Content::None } else { Content::Blob(leaf.id) };
        let mut entry = Entry::new(leaf.name, leaf.mode, content);
        entry.blob = Some(BlobId(leaf.id));
        entry.tracked = Tracked::Yes;
        entry
    });
    let root = repo.root.clone();
    let mut source = arrange(&root, entries.collect(), Some(repo.clone()), options)?;
    source.unread = listed.unread;
    source.git = Some(Arc::new(Git::of(repo, commit)));
    Ok(source)
}

fn since(root: &Path, rev: &str, options: &Options) -> Result<Source, Error> {
    let repo = repository(root, options)?;
    let base = repo.merge_base(rev)?;
    let was = tree::list(&repo, repo.tree_of_commit(base)?, &repo.prefix)?;
    let (mut source, _) = work_tree(root, &[], options)?;
    let mut changed = BTreeSet::new();
    for (id, entry) in source.iter() {
        let same = was.get(entry.name()).is_some_and(|was| {
            was.mode == entry.mode && (entry.mode == Mode::Submodule || source.has_content(id, was.id))
        });
        if !same {
            changed.insert(entry.name().to_vec());
        }
    }
    let gone = was.leaves.iter().filter(|was| source.find(&was.name).is_none());
    let excluder = options.excluder()?;
    let gone = gone.map(|was| shown(&was.name)).filter(|path| !excluder.drops(path));
    source.deleted = gone.filter(|path| source.sparse.binary_search(path).is_err()).collect();
    source.mark_changed(&changed);
    source.unread.extend(was.unread);
    source.bases = vec![base];
    Ok(source)
}

fn memory(files: &[MemoryFile], git: Option<Git>, options: &Options) -> Result<Source, Error> {
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        latest.insert(&file.path, at);
    }
    let entries = latest.into_values().map(|at| {
        let file = &files[at];
        let mode = match (&file.link, file.executable) {
            (Some(_), _) => Mode::Symlink,
            (None, true) => Mode::Executable,
            (None, false) => Mode::File,
        };
        let mut entry = Entry::new(file.path.clone().into_bytes(), mode, Content::Memory(at));
        entry.size = Some(file.link.as_ref().map_or(file.bytes.len(), String::len) as u64);
        entry.tracked = if file.tracked { Tracked::Yes } else { Tracked::No };
        entry
    });
    let mut source = arrange(Path::new(""), entries.collect(), None, options)?;
    source.memory = files.to_vec();
    source.git = git.map(Arc::new);
    Ok(source)
}

/// Leaves out what is excluded, sorts the rest and numbers it.
fn arrange(
    root: &Path,
    mut files: Vec<Entry>,
    repo: Option<Arc<Repo>>,
    options: &Options,
) -> Result<Source, Error> {
    let excluder = options.excluder()?;
    let listed = files.len();
    files.retain(|entry| !excluder.drops(&entry.path));
    files.sort_by(|a, b| a.name().cmp(b.name()));
    let odd = files.iter().enumerate().filter(|(_, entry)| entry.raw.is_some());
    Ok(Source {
        root: root.to_path_buf(),
        escaped: odd.map(|(at, entry)| (entry.path.clone(), file_id(at))).collect(),
        excluded: listed - files.len(),
        files,
        elsewhere: Default::default(),
        past: Vec::new(),
        memory: Vec::new(),
        git: repo.clone().map(|repo| Arc::new(Git::of(repo, None))),
        repo,
        changed: None,
        deleted: Vec::new(),
        sparse: Vec::new(),
        nested: Vec::new(),
        unread: Vec::new(),
        bases: Vec::new(),
        options: options.clone(),
    })
}

impl Source {
    fn mark_changed(&mut self, names: &BTreeSet<Vec<u8>>) {
        let ids: BTreeSet<FileId> = names.iter().filter_map(|name| self.find(name)).collect();
        self.changed = Some(ids);
    }
}
