//! Which script a command calls, and who calls a script.

use super::scope::Scope;
use crate::facts::{Command, Facts, Script, ScriptKind, join_path};
use std::collections::HashMap;

const SHELLS: &[&str] =
    &["bash", "sh", "zsh", "dash", "ksh", "ash", "fish", "source", ".", "pwsh", "powershell"];
const SCRIPT_ENDS: &[&str] =
    &[".sh", ".bash", ".zsh", ".ps1", ".bat", ".cmd", ".py", ".rb", ".js", ".mjs", ".ts", ".pl"];
const MAKEFILES: &[&str] = &["Makefile", "makefile", "GNUmakefile"];
const TASKFILES: &[&str] = &["Taskfile.yml", "Taskfile.yaml", "taskfile.yml"];
const JUSTFILES: &[&str] = &["justfile", "Justfile", ".justfile"];
/// npm's own scripts, which need no `run`.
const NPM_OWN: &[&str] = &["test", "t", "tst", "start", "stop", "restart"];
/// Words of yarn, pnpm and bun that are not names of scripts.
const PACKAGE_WORDS: &[&str] = &[
    "install",
    "i",
    "add",
    "ci",
    "remove",
    "publish",
    "audit",
    "exec",
    "dlx",
    "pack",
    "link",
    "init",
    "why",
    "list",
    "up",
    "upgrade",
    "outdated",
    "config",
    "cache",
    "store",
    "workspace",
    "workspaces",
    "npm",
    "global",
    "info",
    "login",
    "version",
    "set",
    "prune",
    "dedupe",
    "create",
    "import",
    "rebuild",
    "view",
    "x",
    "help",
];

/// A script that a command names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// Names under which the script may stand in the facts, best first.
    pub names: Vec<String>,
    /// What the words call it, for a guess if it is not in the tree.
    pub label: String,
    /// How many words after the program belong to the call; what follows are its arguments.
    pub words: usize,
}

/// All scripts by name.
pub(super) struct Index {
    by_name: HashMap<String, usize>,
    /// By the last part of the path; `None` where several share it.
    by_tail: HashMap<String, Option<usize>>,
    /// The first target of each Makefile, by path.
    first_target: HashMap<String, usize>,
}

impl Index {
    pub(super) fn new(scripts: &[Script]) -> Index {
        let mut index =
            Index { by_name: HashMap::new(), by_tail: HashMap::new(), first_target: HashMap::new() };
        for (i, script) in scripts.iter().enumerate() {
            if matches!(script.script, ScriptKind::Fence | ScriptKind::Image) {
                continue;
            }
            let name = script.name.trim_start_matches("./");
            index.by_name.entry(name.to_owned()).or_insert(i);
            let (path, inside) = split_name(name);
            let tail = &name[path.rfind('/').map_or(0, |at| at + 1)..];
            index.by_tail.entry(tail.to_owned()).and_modify(|e| *e = None).or_insert(Some(i));
            if script.script == ScriptKind::Make && inside.is_some_and(|t| !t.starts_with('.')) {
                index.first_target.entry(path.to_owned()).or_insert(i);
            }
        }
        index
    }

    /// The script that a call means, if it is in the tree.
    pub(super) fn find(&self, call: &Call) -> Option<usize> {
        let exact = call.names.iter().find_map(|n| {
            self.by_name
                .get(n)
                .copied()
                .or_else(|| n.strip_suffix(':').and_then(|path| self.first_target.get(path)).copied())
        });
        exact.or_else(|| {
            // `cd web && npm run build`: the folder is lost, but the name may be the only one of its kind.
            call.names.iter().find_map(|n| {
                let (path, _) = split_name(n);
                let tail = &n[path.rfind('/').map_or(0, |at| at + 1)..];
                self.by_tail.get(tail).copied().flatten()
            })
        })
    }

    /// Other scripts of the same file that a script names.
    pub(super) fn siblings(&self, script: &Script) -> Vec<usize> {
        let (path, inside) = split_name(&script.name);
        let mut names: Vec<String> = script.calls.iter().map(|c| format!("{path}:{c}")).collect();
        if script.script == ScriptKind::Npm
            && let Some(own) = inside
        {
            names.extend(["pre", "post"].map(|when| format!("{path}:{when}{own}")));
        }
        names.iter().filter_map(|n| self.by_name.get(n).copied()).collect()
    }
}

/// `Makefile:build` in path and target. A script's own name may hold colons (`test:unit`), a path none.
fn split_name(name: &str) -> (&str, Option<&str>) {
    let slash = name.find(':').map_or(0, |colon| name[..colon].rfind('/').map_or(0, |at| at + 1));
    match name[slash..].find(':') {
        Some(at) => (&name[..slash + at], Some(&name[slash + at + 1..])),
        None => (name, None),
    }
}

/// The scripts that a command calls.
pub(super) fn calls(command: &Command, folder: Option<&str>, scope: &Scope<'_>) -> Vec<Call> {
    let args: Vec<String> = command.args.iter().map(|w| first(scope.word(w), &w.text)).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let folder = folder.unwrap_or("");
    match command.program.as_str() {
        "npm" | "pnpm" | "yarn" | "bun" => {
            package_call(&command.program, &args, folder).into_iter().collect()
        }
        "make" | "gmake" => task_calls(&args, folder, MAKEFILES, &["-C", "--directory"], &["-f", "--file"]),
        "task" | "go-task" => task_calls(&args, folder, TASKFILES, &["-d", "--dir"], &["-t", "--taskfile"]),
        "just" => task_calls(&args, folder, JUSTFILES, &["-d", "--working-directory"], &["-f", "--justfile"]),
        shell if SHELLS.contains(&shell) => {
            let at = args.iter().position(|w| !w.starts_with('-'));
            let script = at.filter(|&at| !args[..at].contains(&"-c"));
            script.map(|at| file_call(args[at], folder, at + 1)).into_iter().collect()
        }
        "python" | "python3" | "node" | "ruby" | "perl" | "php" | "deno" | "ts-node" | "tsx" => {
            let at = args.iter().position(|w| !w.starts_with('-'));
            let script = at.filter(|&at| SCRIPT_ENDS.iter().any(|end| args[at].ends_with(end)));
            script.map(|at| file_call(args[at], folder, at + 1)).into_iter().collect()
        }
        program => {
            let written =
                if command.program_word.is_empty() { program } else { command.program_word.as_str() };
            let is_script = SCRIPT_ENDS.iter().any(|end| program.ends_with(end))
                || written.starts_with("./")
                || written.contains("/") && !written.starts_with('/');
            if is_script { vec![file_call(written, folder, 0)] } else { Vec::new() }
        }
    }
}

fn first(values: Vec<String>, text: &str) -> String {
    match values.into_iter().next() {
        Some(value) => value,
        None => text.to_owned(),
    }
}

fn file_call(path: &str, folder: &str, words: usize) -> Call {
    let path = path.trim_matches(['"', '\'']);
    let path = [
        "$GITHUB_WORKSPACE/",
        "${GITHUB_WORKSPACE}/",
        "${{ github.workspace }}/",
        "$CI_PROJECT_DIR/",
        "${CI_PROJECT_DIR}/",
        "/workspace/",
    ]
    .iter()
    .find_map(|root| path.strip_prefix(root))
    .unwrap_or(path);
    let mut names = vec![join_path(folder, path)];
    if !folder.is_empty() {
        names.push(join_path("", path));
    }
    Call { names, label: path.rsplit('/').next().unwrap_or(path).to_owned(), words }
}

fn value_of<'a>(args: &[&'a str], flags: &[&str]) -> Option<&'a str> {
    args.iter().enumerate().find_map(|(i, word)| {
        if flags.contains(word) {
            return args.get(i + 1).copied();
        }
        flags.iter().find_map(|f| word.strip_prefix(f)?.strip_prefix('='))
    })
}

fn package_call(program: &str, args: &[&str], folder: &str) -> Option<Call> {
    let flags = ["--prefix", "-C", "--dir", "--cwd"];
    let with_value = ["--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "--filter", "-F"];
    let mut words = Vec::new();
    let mut skip = false;
    for (at, word) in args.iter().enumerate() {
        if std::mem::replace(&mut skip, with_value.contains(word)) || word.starts_with('-') {
            continue;
        }
        words.push((at, *word));
    }
    let (at, name) = match words.as_slice() {
        [(_, "run" | "run-script" | "rum"), (at, name), ..] => (*at, *name),
        [(_, "workspace"), _, (_, "run"), (at, name), ..] | [(_, "workspace"), _, (at, name), ..]
            if program == "yarn" =>
        {
            (*at, *name)
        }
        [(at, name), ..] if NPM_OWN.contains(name) => {
            (*at, if matches!(*name, "t" | "tst") { "test" } else { name })
        }
        [(at, name), ..] if matches!(program, "yarn" | "pnpm") && !PACKAGE_WORDS.contains(name) => {
            (*at, *name)
        }
        _ => return None,
    };
    let folder = value_of(args, &flags).map_or_else(|| folder.to_owned(), |dir| join_path(folder, dir));
    Some(Call {
        names: vec![join_path(&folder, &format!("package.json:{name}"))],
        label: name.to_owned(),
        words: at + 1,
    })
}

fn task_calls(args: &[&str], folder: &str, files: &[&str], dir: &[&str], file: &[&str]) -> Vec<Call> {
    let folder = value_of(args, dir).map_or_else(|| folder.to_owned(), |d| join_path(folder, d));
    let named = value_of(args, file);
    let mut found = Vec::new();
    let mut skip = false;
    for (at, word) in args.iter().enumerate() {
        if std::mem::replace(&mut skip, dir.contains(word) || file.contains(word) || *word == "-j")
            || word.starts_with('-')
            || word.contains('=')
        {
            continue;
        }
        found.push((at, *word));
    }
    if found.is_empty() {
        found.push((args.len(), ""));
    }
    let names = |target: &str| match named {
        Some(file) => vec![format!("{}:{target}", join_path(&folder, file))],
        None => files.iter().map(|f| format!("{}:{target}", join_path(&folder, f))).collect(),
    };
    found.iter().map(|&(at, t)| Call { names: names(t), label: t.to_owned(), words: at + 1 }).collect()
}

/// Whether a file's name or place says that a hook or a scheduler starts it.
pub(super) fn caller_by_place(script: &Script) -> Option<crate::facts::Caller> {
    use crate::facts::Caller;
    const NPM_HOOKS: &[&str] = &[
        "preinstall",
        "install",
        "postinstall",
        "prepare",
        "prepublish",
        "prepublishOnly",
        "prepack",
        "postpack",
    ];
    let (path, inside) = split_name(&script.name);
    let mut folders = path.rsplit('/').skip(1);
    if script.script == ScriptKind::Npm {
        return inside.filter(|i| NPM_HOOKS.contains(i)).map(|_| Caller::Hook);
    }
    if script.script != ScriptKind::Shell && script.script != ScriptKind::PowerShell {
        return None;
    }
    folders.find_map(|folder| match folder {
        ".husky" | ".githooks" | ".git-hooks" | "git-hooks" | "githooks" | ".hooks" | "hooks" => {
            Some(Caller::Hook)
        }
        "cron.d" | "cron.daily" | "cron.hourly" | "cron.weekly" | "cron.monthly" | "cron" | "crontabs" => {
            Some(Caller::Scheduler)
        }
        _ => None,
    })
}

const CI_VARIABLES: &[&str] = &[
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "BUILDKITE",
    "JENKINS_URL",
    "TF_BUILD",
    "CI_PIPELINE_ID",
    "BUILD_ID",
];

fn names_ci(text: &str) -> bool {
    super::scope::pieces(text).iter().any(|p| match p {
        super::scope::Piece::Expr { name, .. } => CI_VARIABLES.contains(name),
        super::scope::Piece::Literal(_) => false,
    })
}

/// Whether a guard lets a script run in a pipeline only: `[ -n "$CI" ] || exit`, `: "${CI:?}"`, or an
/// `exit` under a test of such a variable.
pub(super) fn is_guarded(script: &Script) -> bool {
    let leaves = |c: &Command| matches!(c.program.as_str(), "exit" | "return" | "die" | "fail" | "abort");
    script.commands.iter().enumerate().any(|(i, c)| {
        let tests =
            matches!(c.program.as_str(), "[" | "[[" | "test") && c.args.iter().any(|w| names_ci(&w.text));
        let demands = c.program == ":" && c.args.iter().any(|w| w.text.contains(":?") && names_ci(&w.text));
        let next = script.commands.iter().skip(i + 1).take(3);
        demands
            || tests && next.into_iter().any(leaves)
            || leaves(c) && c.conditions.iter().any(|t| names_ci(t))
    })
}

/// Whether some pipeline runs a script whose name only the run knows, so that no script is surely uncalled.
pub(super) fn runs_unknown_script(facts: &Facts) -> bool {
    let pipelines = facts.pipelines.iter();
    pipelines.flat_map(|p| p.jobs.iter().map(move |j| (p, j))).any(|(pipeline, job)| {
        let scope = Scope::of(pipeline, job, None);
        job.commands().any(|c| {
            let open = |text: &str| text.contains('$');
            open(&c.program) && !c.program.contains('=')
                || SHELLS.contains(&c.program.as_str())
                    && c.args.iter().find(|w| !w.text.starts_with('-')).is_some_and(|w| {
                        !c.args.iter().any(|a| a.text == "-c")
                            && scope.word(w).iter().any(|v| open(v) || v.contains('*'))
                    })
        })
    })
}

/// The folder of a file.
pub(super) fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
}
