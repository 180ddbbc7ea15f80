//! Compilers, editors, test suites and dependencies of developers that end in the image that is shipped.

use super::image_stages::{Stages, run_commands, shipped_files};
use crate::facts::{Command, Instruction, Repository};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::{FileId, Span};

/// Packages of systems that only builds and people need.
const TOOLS: &[&str] = &[
    "autoconf",
    "automake",
    "bison",
    "build-base",
    "build-essential",
    "bzr",
    "cargo",
    "clang",
    "cmake",
    "default-jdk",
    "emacs",
    "flex",
    "g++",
    "gcc",
    "gcc-c++",
    "gdb",
    "golang",
    "golang-go",
    "gradle",
    "htop",
    "libtool",
    "linux-headers",
    "llvm",
    "make",
    "maven",
    "mercurial",
    "nano",
    "ninja-build",
    "pkg-config",
    "pkgconf",
    "pkgconfig",
    "rustc",
    "strace",
    "subversion",
    "tcpdump",
    "telnet",
    "tmux",
    "valgrind",
    "vim",
    "vim-tiny",
    "yasm",
];

/// One thing that is left in the image.
struct Left {
    place: Span,
    what: String,
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for file in shipped_files(repository) {
        let stages = Stages::new(repository, file);
        let mut left: Vec<Left> = Vec::new();
        for command in run_commands(repository, file) {
            let Some(run) = stages.shipped_run(command) else { continue };
            left.extend(tools(command, run, repository, file));
            left.extend(dependencies(command, repository, file));
        }
        left.extend(stages.shipped_instructions().filter_map(tests));
        left.sort_by_key(|l| l.place);
        let path = repository.path(Span::start_of(file));
        let Some((first, others)) = left.split_first() else {
            if let Some(from) = stages.shipped_instructions().find(|i| i.keyword == "FROM") {
                verdict.satisfied(from.place);
            }
            continue;
        };
        let mut names: Vec<&str> = left.iter().map(|l| l.what.as_str()).collect();
        names.dedup();
        let more = if names.len() > 3 { " and more" } else { "" };
        let message =
            format!("The image of `{path}` is shipped with {}{more}", names[..names.len().min(3)].join(", "));
        let finding = verdict.fail(first.place, format!("tools {path}"), message);
        finding.label("stays in the image");
        let mut places = vec![first.place];
        for other in others.iter().take(12) {
            if !places.contains(&other.place) {
                places.push(other.place);
                finding.relate(other.place, format!("{}, too", other.what));
            }
        }
    }
}

/// What a package manager of the system puts in and nothing of the same instruction takes out.
fn tools(command: &Command, run: &Instruction, repository: &Repository, file: FileId) -> Option<Left> {
    let words = || command.args.iter().map(|w| w.text.as_str());
    let installs = match command.program.as_str() {
        "apt-get" | "apt" | "aptitude" | "yum" | "dnf" | "microdnf" | "zypper" => {
            words().any(|w| w == "install" || w == "in")
        }
        "apk" => words().any(|w| w == "add"),
        "tdnf" => words().any(|w| w == "install"),
        _ => return None,
    };
    let removed = run_commands(repository, file).any(|other| {
        run.place.contains(other.place)
            && other.place.start > command.place.start
            && ["purge", "remove", "autoremove", "del", "erase"]
                .iter()
                .any(|verb| other.args.iter().any(|w| w.text == *verb))
    });
    if !installs || removed {
        return None;
    }
    let package = |w: &str| w.split(['=', '~', '<', '>']).next().unwrap_or(w).to_owned();
    let found: Vec<String> = words()
        .map(package)
        .filter(|w| {
            let headers = w.ends_with("-dev")
                || w.ends_with("-devel")
                || w.ends_with("-jdk")
                || w.ends_with("-jdk-headless");
            TOOLS.contains(&w.as_str()) || headers && !w.starts_with('-')
        })
        .collect();
    let what = match found.as_slice() {
        [] => return None,
        [one] => format!("`{one}`"),
        [one, other] => format!("`{one}` and `{other}`"),
        [one, other, ..] => format!("`{one}`, `{other}` and other packages for builds"),
    };
    Some(Left { place: command.place, what })
}

/// Dependencies that a package's manifest lists for developers.
fn dependencies(command: &Command, repository: &Repository, file: FileId) -> Option<Left> {
    let set = |key: &str, wanted: &dyn Fn(&str) -> bool| {
        let assigned = command.assignments.iter().any(|a| a.name == key && wanted(&a.word.text));
        assigned || repository.settings_of(file).iter().any(|s| s.key == key && wanted(&s.setting.text()))
    };
    let production = |v: &str| v.contains("production") || v.contains("NODE_ENV");
    let later = |words: &[&str]| {
        run_commands(repository, file)
            .any(|c| c.place.start > command.place.start && words.iter().all(|w| c.line.contains(w)))
    };
    let has = |flags: &[&str]| flags.iter().any(|f| command.line.contains(f));
    let first = command.arg(0).unwrap_or("");
    let node = !set("NODE_ENV", &production) && !later(&["prune"]);
    let names = |w: &str| w.starts_with("-r") || !w.starts_with('-');
    let developers = match command.program.as_str() {
        "npm" => {
            let bare =
                !command.args.iter().skip(1).any(|w| !w.text.starts_with('-') && !w.text.contains('='));
            matches!(first, "ci" | "install" | "i")
                && bare
                && node
                && !has(&[
                    "--omit=dev",
                    "--omit dev",
                    "--production",
                    "--only=prod",
                    "--only prod",
                    " -g",
                    "--global",
                ])
                && !set("NPM_CONFIG_OMIT", &|v| v.contains("dev"))
        }
        "pnpm" => matches!(first, "install" | "i") && node && !has(&["--prod", " -P", " -g"]),
        "composer" => first == "install" && !has(&["--no-dev"]) && !set("COMPOSER_NO_DEV", &|v| v == "1"),
        "poetry" => first == "install" && !has(&["--only", "--no-dev", "--without"]),
        "pipenv" => matches!(first, "install" | "sync") && has(&["--dev", " -d"]),
        "pip" | "pip3" => {
            first == "install"
                && command.args.iter().skip(1).filter(|w| names(&w.text)).any(|w| {
                    let text = w.text.to_ascii_lowercase();
                    let file = text.contains("requirements") || text.ends_with(".txt");
                    let parts = text.split(['/', '-', '_', '.']);
                    let extra =
                        [".[dev]", ".[test]", ".[tests]", ".[dev,test]"].iter().any(|e| text.contains(e));
                    extra
                        || file
                            && parts
                                .into_iter()
                                .any(|p| matches!(p, "dev" | "test" | "tests" | "develop" | "development"))
                })
        }
        _ => false,
    };
    developers.then(|| Left {
        place: command.place,
        what: format!("the dependencies of developers (`{} {first}`)", command.program),
    })
}

/// A folder of tests that is copied by name.
fn tests(instruction: &Instruction) -> Option<Left> {
    if instruction.keyword != "COPY" || instruction.flags.iter().any(|f| f.starts_with("--from")) {
        return None;
    }
    let (_, sources) = instruction.args.split_last()?;
    let found = sources.iter().find(|s| {
        let last = s.value.trim_end_matches('/').rsplit('/').next().unwrap_or("");
        matches!(last, "test" | "tests" | "spec" | "__tests__" | "e2e" | "cypress")
    })?;
    Some(Left { place: instruction.place, what: format!("`{}`", found.value) })
}
