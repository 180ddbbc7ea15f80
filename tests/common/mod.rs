//! A folder that counts as a repository, and the command run in it.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Where most tests have their workflow.
pub(crate) const CI: &str = ".github/workflows/ci.yml";

/// A rule of a team's own: an action that nobody should use.
pub(crate) const RULE: &str = r#"
id = "evil-action"
title = "An action that nobody should use"
severity = "error"
confidence = "high"
core = true
since = "0.1"
subjects = "uses"
why = "It is evil."
fix = "Use a good one."

[facts]
each = "use"
where.name = "evil/action"
forbid.version = "0123456789abcdef0123456789abcdef01234567"
message = "This step uses the evil action"

[[bad]]
name = "a step uses it"
files.".github/workflows/ci.yml" = '''
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: «evil/action@0123456789abcdef0123456789abcdef01234567»
'''

[[good]]
name = "a step uses another"
files.".github/workflows/ci.yml" = '''
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: good/action@0123456789abcdef0123456789abcdef01234567
'''
"#;

/// Variables of the surroundings that would change what a run says.
const SILENCED: [&str; 16] = [
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "TERM",
    "CI",
    "GITHUB_ACTIONS",
    "RUST_BACKTRACE",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_DATE",
    "GIT_EXEC_PATH",
    "GIT_OBJECT_DIRECTORY",
];

/// A folder of its own for a test.
pub(crate) struct Repository {
    folder: TempDir,
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The standard error without the frame and the line ends that diagnostics put in.
    pub(crate) fn plain_err(&self) -> String {
        self.err.split_whitespace().filter(|word| !matches!(*word, "│" | "|")).collect::<Vec<_>>().join(" ")
    }
}

impl Repository {
    /// A folder with these files, the rule among them, that counts as the top of a repository.
    pub(crate) fn new(files: &[(&str, &str)]) -> Repository {
        let it = Repository::bare(files);
        it.write(".plimsoll/rules/evil-action.toml", RULE);
        it
    }

    /// A folder with these files and no rule of its own.
    pub(crate) fn bare(files: &[(&str, &str)]) -> Repository {
        let it = Repository { folder: tempfile::tempdir().expect("a folder") };
        for (path, text) in files {
            it.write(path, text);
        }
        it
    }

    /// The same as a git repository with one commit.
    pub(crate) fn committed(files: &[(&str, &str)]) -> Repository {
        let it = Repository::new(files);
        it.git("init -q -b main");
        it.commit("first");
        it
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).expect("it is there");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("it is there")
    }

    /// Every file below, without git's own, with its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut ahead = vec![self.path().to_owned()];
        while let Some(folder) = ahead.pop() {
            for entry in fs::read_dir(folder).expect("readable").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    ahead.extend((entry.file_name() != ".git").then_some(path));
                } else {
                    found.push((path.clone(), fs::read(path).expect("readable")));
                }
            }
        }
        found.sort();
        found
    }

    pub(crate) fn run(&self, arguments: &str) -> Said {
        self.run_with(arguments, "", &[])
    }

    pub(crate) fn run_with(&self, arguments: &str, stdin: &str, variables: &[(&str, &str)]) -> Said {
        let mut command = self.command();
        command.args(arguments.split_whitespace()).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is built");
        // The program may end without reading what it is given.
        let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said {
            code: output.status.code().expect("no signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The program in this folder, undisturbed by the surroundings.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        for name in SILENCED {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(self.path());
        command
    }

    pub(crate) fn git(&self, arguments: &str) {
        assert!(self.try_git(arguments), "git {arguments}");
    }

    /// Whether git did it.
    pub(crate) fn try_git(&self, arguments: &str) -> bool {
        let mut command = Command::new("git");
        for name in SILENCED {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.args(["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]);
        command.args(["-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"]);
        command.args(arguments.split_whitespace()).current_dir(self.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("git is there").success()
    }

    /// Commits everything as it lies there.
    pub(crate) fn commit(&self, message: &str) {
        self.git("add -A .");
        self.git(&format!("commit -q --allow-empty -m {message}"));
    }
}

/// A workflow that uses the evil action so many times.
pub(crate) fn workflow(evil: usize) -> String {
    let steps = "      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n".repeat(evil);
    format!(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: good/action@0123456789abcdef0123456789abcdef01234567\n{steps}"
    )
}
