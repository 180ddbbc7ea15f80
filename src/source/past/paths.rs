//! Paths of all of history, each folder's name kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::entry::shown;

/// The number of a path. The root is [`ROOT`].
pub(super) type PathId = u32;

/// The folder that all others lie in.
pub(super) const ROOT: PathId = 0;

/// A tree of names.
pub(super) struct Paths {
    names: HashMap<Arc<[u8]>, u32>,
    texts: Vec<Arc<[u8]>>,
    /// Folder and name of each path; the root's are its own.
    paths: Vec<(PathId, u32)>,
    inner: HashMap<(PathId, u32), PathId>,
}

impl Paths {
    pub(super) fn new() -> Paths {
        let empty: Arc<[u8]> = Arc::from(&b""[..]);
        Paths {
            names: HashMap::from([(empty.clone(), 0)]),
            texts: vec![empty],
            paths: vec![(ROOT, 0)],
            inner: HashMap::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }

    /// The path of `name` in a folder.
    pub(super) fn inside(&mut self, folder: PathId, name: &[u8]) -> PathId {
        let name = match self.names.get(name) {
            Some(&known) => known,
            None => {
                let text: Arc<[u8]> = Arc::from(name);
                let number = self.texts.len() as u32;
                self.names.insert(text.clone(), number);
                self.texts.push(text);
                number
            }
        };
        let next = self.paths.len() as PathId;
        let path = *self.inner.entry((folder, name)).or_insert(next);
        if path == next {
            self.paths.push((folder, name));
        }
        path
    }

    /// What is needed to write paths, without what is needed to find them.
    pub(super) fn close(&mut self) {
        self.names = HashMap::new();
        self.inner = HashMap::new();
    }

    /// The true name, from the root.
    pub(super) fn name(&self, mut path: PathId) -> Vec<u8> {
        let mut parts = Vec::new();
        while path != ROOT {
            let (folder, name) = self.paths[path as usize];
            parts.push(&self.texts[name as usize][..]);
            path = folder;
        }
        parts.reverse();
        parts.join(&b'/')
    }

    /// As it is shown.
    pub(super) fn shown(&self, path: PathId) -> String {
        shown(&self.name(path))
    }
}
