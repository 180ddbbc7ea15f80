//! Sources, tried on repositories that git itself made.

mod commit;
mod facts;
mod index;
mod memory;
mod past;
mod released;
mod since;
mod work_tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

/// A repository in a temporary folder.
struct Fixture {
    dir: tempfile::TempDir,
}

impl Fixture {
    /// An empty folder without git.
    fn folder() -> Fixture {
        Fixture { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A repository before its first commit.
    fn new() -> Fixture {
        Fixture::init(&[])
    }

    fn init(options: &[&str]) -> Fixture {
        let fixture = Fixture::folder();
        fixture.git(&[&["init", "-q", "-b", "main"], options].concat());
        fixture
    }

    /// A repository in which these files are committed.
    fn with(files: &[(&str, &str)]) -> Fixture {
        let fixture = Fixture::new();
        for (path, text) in files {
            fixture.write(path, text);
        }
        fixture.commit("first", "2026-01-23T10:00:00+01:00");
        fixture
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("it exists")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.path(path)).expect("the file is there");
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_at(self.dir.path(), arguments, "2026-01-23T10:00:00+01:00")
    }

    fn stage(&self, path: &str, text: &str) {
        self.write(path, text);
        self.git(&["add", "-f", "--", path]);
    }

    fn commit(&self, message: &str, date: &str) {
        self.git(&["add", "-A"]);
        git_at(self.dir.path(), &["commit", "-q", "--allow-empty", "-m", message], date);
    }

    fn work_tree(&self) -> Source {
        self.open(&Target::WorkTree { root: self.root(), paths: Vec::new() })
    }

    fn within(&self, paths: &[&str]) -> Result<Source, Error> {
        let paths = paths.iter().map(PathBuf::from).collect();
        super::open(&Target::WorkTree { root: self.root(), paths }, &Options::default())
    }

    fn index(&self) -> Source {
        self.open(&Target::Index { root: self.root() })
    }

    fn at(&self, rev: &str) -> Source {
        self.open(&Target::Commit { root: self.root(), rev: rev.to_owned() })
    }

    fn since(&self, rev: &str) -> Result<Source, Error> {
        super::open(&Target::Since { root: self.root(), rev: rev.to_owned() }, &Options::default())
    }

    fn open(&self, target: &Target) -> Source {
        super::open(target, &Options::default()).expect("the target opens")
    }
}

fn run_git(folder: &Path, arguments: &[&str], date: &str) -> std::process::Output {
    let mut command = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command
        .args(["-c", "protocol.file.allow=always", "-c", "user.name=T", "-c", "user.email=t@example.org"])
        .args(arguments)
        .current_dir(folder)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .envs([("GIT_AUTHOR_DATE", date), ("GIT_COMMITTER_DATE", date), ("GIT_EDITOR", "true")])
        .output()
        .expect("these tests need the git binary")
}

fn git_at(folder: &Path, arguments: &[&str], date: &str) -> String {
    let output = run_git(folder, arguments, date);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn paths(source: &Source) -> Vec<&str> {
    source.files().iter().map(|entry| entry.path.as_str()).collect()
}

fn changed(source: &Source) -> Vec<&str> {
    source.changed().expect("this target knows").iter().map(|id| source.path(*id)).collect()
}

fn id(source: &Source, path: &str) -> FileId {
    source.id(path).unwrap_or_else(|| panic!("{path} is not among {:?}", paths(source)))
}

fn read(source: &Source, path: &str) -> Result<String, Unread> {
    source
        .read(id(source, path), 1 << 20)
        .map(|bytes| String::from_utf8(bytes).expect("the tests write text"))
}

fn text(source: &Source, path: &str) -> String {
    read(source, path).expect("the file can be read")
}

fn why(source: &Source, path: &str) -> (UnreadClass, String) {
    let unread = read(source, path).expect_err("the file cannot be read");
    assert_eq!(unread.path, path);
    (unread.class, unread.reason)
}

fn help(error: &Error) -> String {
    miette::Diagnostic::help(error).expect("every error helps").to_string()
}
