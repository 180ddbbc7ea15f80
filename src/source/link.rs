//! Symbolic links, resolved over the names of a source alone: what is not listed is never reached.

use std::collections::VecDeque;

use super::entry::{Mode, shown};
use super::{FileId, Source};

/// So many links one behind the other are a circle; the number at which Linux gives up as well.
const MOST_HOPS: usize = 40;

/// Where a symbolic link leads in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// To a file of this source.
    File(FileId),
    /// To a folder of this source; its files are listed under their own names. The root is `""`.
    Folder(String),
    /// To a path under the root that is not listed: ignored, excluded or missing.
    Unlisted,
    /// Out of the root.
    Outside,
    /// In a circle, or its own text cannot be had.
    Nowhere,
}

impl Source {
    /// Where a link leads, through other links too. Of what is no link: itself. A link is read on demand,
    /// and resolved by name alone, so that no path outside of the source is ever touched.
    pub fn follow(&self, id: FileId) -> Link {
        let mut hops = 0;
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut ahead: VecDeque<Vec<u8>> = split(self.entry(id).name()).collect();
        while let Some(part) = ahead.pop_front() {
            match &part[..] {
                b"" | b"." => continue,
                b".." => {
                    if done.pop().is_none() {
                        return Link::Outside;
                    }
                    continue;
                }
                _ => done.push(part),
            }
            let Some(at) = self.find(&done.join(&b'/')) else { continue };
            let entry = self.entry(at);
            if entry.mode != Mode::Symlink {
                continue;
            }
            hops += 1;
            if hops > MOST_HOPS {
                return Link::Nowhere;
            }
            let Ok(text) = self.link_text(entry) else { return Link::Nowhere };
            if text.starts_with(b"/") || text.get(1) == Some(&b':') {
                return Link::Outside;
            }
            done.pop();
            for part in split(&text).rev() {
                ahead.push_front(part);
            }
        }
        let name = done.join(&b'/');
        if let Some(at) = self.find(&name) {
            return Link::File(at);
        }
        let folder = [&name[..], b"/"].concat();
        let next = self.files.partition_point(|entry| entry.name() < &folder[..]);
        if name.is_empty() || self.files.get(next).is_some_and(|entry| entry.name().starts_with(&folder)) {
            Link::Folder(shown(&name))
        } else {
            Link::Unlisted
        }
    }
}

fn split(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|&b| b == b'/').map(<[u8]>::to_vec)
}
