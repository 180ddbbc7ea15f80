//! What of history could not be read. It is named a few times and counted, never fatal: a partial clone lacks
//! a hundred thousand files.

use gix::ObjectId;

use crate::source::error::{Unread, UnreadClass};

/// So many of a kind are named; the rest is counted.
const NAMED: usize = 10;

/// Counts what is missing, by kind.
#[derive(Default)]
pub(super) struct Absent {
    /// The clone was made without everything, and knows it.
    partial: bool,
    commits: Named,
    trees: Named,
    blobs: Named,
    damaged: Named,
    too_large: Named,
    other: Named,
}

#[derive(Default)]
struct Named {
    named: Vec<String>,
    count: usize,
}

impl Named {
    fn add(&mut self, name: &str) {
        self.count += 1;
        // Sorted, so that the order of threads is not told.
        let at = self.named.partition_point(|n| n.as_str() < name);
        if at < NAMED && self.named.get(at).is_none_or(|n| n != name) {
            self.named.insert(at, name.to_owned());
            self.named.truncate(NAMED);
        }
    }
}

impl Absent {
    pub(super) fn of(partial: bool) -> Absent {
        Absent { partial, ..Absent::default() }
    }

    pub(super) fn commit(&mut self, id: ObjectId) {
        self.commits.add(&id.to_string());
    }

    pub(super) fn tree(&mut self, path: &str) {
        self.trees.add(path);
    }

    pub(super) fn blob(&mut self, path: &str) {
        self.blobs.add(path);
    }

    pub(super) fn damaged(&mut self, path: &str) {
        self.damaged.add(path);
    }

    pub(super) fn too_large(&mut self, path: &str) {
        self.too_large.add(path);
    }

    pub(super) fn other(&mut self, what: &str) {
        self.other.add(what);
    }

    /// One statement for each that is named, and one for each kind's rest.
    pub(super) fn state(self) -> Vec<Unread> {
        let missing = if self.partial { UnreadClass::History } else { UnreadClass::Unreadable };
        let clone = if self.partial { "this partial clone" } else { "this clone" };
        let mut unread = Vec::new();
        let mut tell = |kind: Named, class: UnreadClass, reason: &str, many: &str| {
            let rest = kind.count - kind.named.len();
            unread.extend(kind.named.into_iter().map(|name| {
                let name = if name.is_empty() { ".".to_owned() } else { name };
                Unread::new(name, class, reason)
            }));
            if rest > 0 {
                unread.push(Unread::new(".git", class, format!("{rest} more {many} of history: {reason}")));
            }
        };
        let reason = format!("{clone} does not hold a version of it that history knows");
        tell(self.blobs, missing, &reason, "versions of files");
        let reason = format!("{clone} does not hold a version of this folder that history knows");
        tell(self.trees, missing, &reason, "versions of folders");
        let reason = "a version of it in history is damaged; `git fsck` tells more";
        tell(self.damaged, UnreadClass::Unreadable, reason, "versions of files");
        let reason = format!("a version of it in history is over the limit of {} MiB", super::LARGEST >> 20);
        tell(self.too_large, UnreadClass::TooLarge, &reason, "versions of files");
        for (kind, reason) in
            [(self.commits, format!("{clone} does not hold the commit ")), (self.other, String::new())]
        {
            let rest = kind.count - kind.named.len();
            let class = if reason.is_empty() { UnreadClass::Unreadable } else { missing };
            let each =
                kind.named.into_iter().map(|name| Unread::new(".git", class, format!("{reason}{name}")));
            unread.extend(each);
            if rest > 0 {
                unread.push(Unread::new(".git", class, format!("{rest} more like it")));
            }
        }
        unread
    }
}
