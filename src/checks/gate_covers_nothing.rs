//! Joins the paths that tests, scans, builds and images are given to the tree: what is named and is not
//! there is not checked, and not shipped.

use super::gates::starts_apart;
use crate::facts::{Command, Dialect, EffectKind, Job, Pipeline, Repository, Step, Word, folder_of};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::shorten;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A tool and what its words mean.
struct Tool {
    names: &'static [&'static str],
    /// Words after the program that are no path: sub-commands.
    verbs: &'static [&'static str],
    /// Flags that stand alone.
    switches: &'static [&'static str],
    /// Whether a word without a slash is a path, too.
    plain: bool,
}

/// Tools whose words are paths, by their own documentation.
const TOOLS: &[Tool] = &[
    Tool {
        names: &["pytest", "py.test"],
        verbs: &[],
        switches: &[
            "-v",
            "-vv",
            "-vvv",
            "-q",
            "-x",
            "-s",
            "-l",
            "-ra",
            "-rA",
            "--verbose",
            "--quiet",
            "--exitfirst",
            "--strict-markers",
        ],
        plain: false,
    },
    Tool {
        names: &["go"],
        verbs: &["test", "vet"],
        switches: &["-v", "-race", "-short", "-cover"],
        plain: false,
    },
    Tool {
        names: &[
            "flake8",
            "black",
            "isort",
            "mypy",
            "pylint",
            "bandit",
            "pycodestyle",
            "pydocstyle",
            "yamllint",
            "shellcheck",
            "hadolint",
        ],
        verbs: &[],
        switches: &[
            "--check",
            "--diff",
            "--check-only",
            "-r",
            "--recursive",
            "--strict",
            "-v",
            "-q",
            "--verbose",
            "--quiet",
            "--show-source",
            "--profile=black",
            "-ll",
            "-lll",
        ],
        plain: true,
    },
    Tool {
        names: &["ruff"],
        verbs: &["check", "format"],
        switches: &["--check", "--diff", "--no-cache", "--show-fixes", "-q", "-v"],
        plain: true,
    },
    Tool {
        names: &[
            "eslint",
            "stylelint",
            "rubocop",
            "rspec",
            "phpunit",
            "phpcs",
            "ansible-lint",
            "mocha",
            "standardrb",
            "brakeman",
        ],
        verbs: &[],
        switches: &["--fix", "--quiet", "--cache", "-v", "--parallel", "--exit"],
        plain: false,
    },
];

/// Folders and files that work makes.
const MADE: &str = "dist build builds target out output coverage node_modules vendor .venv venv env bin obj tmp \
    temp reports report results test-results artifacts artifact public generated gen _build site \
    site-packages release releases .next www downloads download workspace repo source src-gen cache \
    .cache logs";

/// Paths that are looked up in one repository. Each that is missing costs a walk over all files.
const MOST_PATHS: usize = 500;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    if repository.some_paths || repository.files.iter().any(|f| f.name() == ".gitmodules") {
        // What a submodule brings is not in this tree, and what was not looked at may be there.
        return;
    }
    let mut left = MOST_PATHS;
    let paths = Paths::new(repository);
    let shipping = super::gates::shipping(repository);
    for (index, pipeline) in repository.facts.pipelines.iter().enumerate() {
        if repository.is_sample(pipeline.place) || starts_apart(pipeline) && !shipping.contains(&index) {
            continue;
        }
        // Elsewhere jobs begin with a fresh tree; here one leaves to the next what it has made.
        let shared = !matches!(pipeline.dialect, Dialect::Github | Dialect::Gitlab | Dialect::Azure);
        for job in pipeline.jobs.iter().filter(|j| takes_the_tree(pipeline, j)) {
            if !judge(&paths, job, &mut left, verdict) && shared {
                break;
            }
        }
    }
    copied(&paths, &mut left, verdict);
}

/// The job works on this repository's tree, and on nothing that was brought from elsewhere.
fn takes_the_tree(pipeline: &Pipeline, job: &Job) -> bool {
    let mut checkouts =
        job.steps.iter().filter_map(|s| s.uses.as_ref()).filter(|u| u.name.ends_with("checkout")).peekable();
    let checked_out = pipeline.dialect != Dialect::Github || checkouts.peek().is_some();
    let elsewhere = checkouts.any(|u| {
        ["path", "repository", "submodules", "sparse-checkout"].iter().any(|i| u.input(i).is_some())
    });
    let fetched = job.transfers.iter().any(|t| !t.up);
    checked_out && !elsewhere && !fetched
}

/// Whether what the job leaves behind is known to the end.
fn judge(paths: &Paths<'_>, job: &Job, left: &mut usize, verdict: &mut Verdict) -> bool {
    let mut before: Vec<&str> = Vec::new();
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for step in &job.steps {
        works_in(paths, job, step, left, verdict);
        // What an unknown script or building block leaves behind cannot be told.
        if makes_files(step) {
            return false;
        }
        for command in &step.commands {
            if makes_unknown(command) {
                return false;
            }
            for word in named_paths(command).into_iter().chain(build_file(command)) {
                let Some(path) = clean(&word.text) else { continue };
                let Some(rest) = left.checked_sub(1) else { return false };
                *left = rest;
                let mentioned = before.iter().any(|line| line.contains(path.as_str()));
                if mentioned || paths.hold(step.folder.as_deref(), &path) {
                    verdict.examined(word.place);
                    continue;
                }
                let at = *told.entry(path.clone()).or_insert_with(|| {
                    let message = format!(
                        "`{}` in job `{}` names `{path}`, which is not in the tree",
                        shorten(&command.line, 40),
                        job.name
                    );
                    verdict
                        .fail(word.place, format!("job {} path {path}", job.id), message)
                        .label("there is no such path");
                    verdict.findings.len() - 1
                });
                if verdict.findings[at].place != word.place {
                    verdict.findings[at].relate(word.place, "named here too");
                }
            }
            // What checks makes nothing.
            if named_paths(command).is_empty() {
                before.push(&command.line);
            }
        }
    }
    true
}

/// A step whose folder is not there cannot even begin.
fn works_in(paths: &Paths<'_>, job: &Job, step: &Step, left: &mut usize, verdict: &mut Verdict) {
    let checks = step.all_effects().any(|e| {
        matches!(
            e.effect,
            EffectKind::Test | EffectKind::Lint | EffectKind::Scan | EffectKind::Build | EffectKind::Install
        )
    });
    let Some(path) = step.folder.as_deref().filter(|_| checks).and_then(clean) else { return };
    let Some(rest) = left.checked_sub(1) else { return };
    *left = rest;
    if paths.hold(None, &path) {
        return verdict.examined(step.place);
    }
    let message = format!(
        "Step `{}` of job `{}` works in `{path}`, which is not in the tree",
        shorten(&step.name, 40),
        job.name
    );
    verdict.fail(step.place, format!("job {} path {path}", job.id), message).label("its folder is not there");
}

/// The file that `docker build -f` and its like are given.
fn build_file(command: &Command) -> Option<&Word> {
    let builds = command.effects.iter().any(|e| e.effect == EffectKind::Build && e.origin.is_none());
    let tool = matches!(command.program.as_str(), "docker" | "podman" | "buildah");
    let at = command.args.iter().position(|w| matches!(w.text.as_str(), "-f" | "--file"))?;
    command.args.get(at + 1).filter(|w| builds && tool && w.literal)
}

/// Files that an image copies from its context. The context may be any folder above the file.
fn copied(paths: &Paths<'_>, left: &mut usize, verdict: &mut Verdict) {
    let repository = paths.repository;
    const WRITTEN: &str = ".py .sh .toml .yml .yaml .json .conf .cfg .ini .js .ts .txt .rb .php .cnf .lock .mod .sum .xml \
    .gradle .kts .properties .template .csproj .sln";
    for copy in repository.facts.instructions.iter().filter(|i| matches!(i.keyword.as_str(), "COPY" | "ADD"))
    {
        let path = repository.path(copy.place);
        let elsewhere = copy.flags.iter().any(|f| f.starts_with("--from"));
        if elsewhere || !repository.is_own(copy.place) {
            continue;
        }
        let sources = copy.args.split_last().map_or(&[][..], |(_, sources)| sources);
        // Of several words each may be there or not: a lock file that some have and others have not.
        let [source] = sources else { continue };
        let Some(named) = clean(source.value.trim_start_matches('/')) else { continue };
        // Into a folder that is there people write by hand; a file beside the Dockerfile any program makes.
        let folder = named.rsplit_once('/').map(|(folder, _)| folder);
        if !WRITTEN.split(' ').any(|e| named.ends_with(e)) || !folder.is_some_and(|f| paths.hold(None, f)) {
            continue;
        }
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        if paths.hold(None, &named) {
            verdict.examined(copy.place);
            continue;
        }
        let made = repository
            .commands()
            .any(|(_, c)| c.line.contains(&named) || c.writes.iter().any(|w| w.text.ends_with(&named)));
        if made {
            continue;
        }
        let message = format!("`{path}` copies `{named}`, which is not in the tree");
        verdict.fail(source.span, format!("copy {named}"), message).label("there is no such file");
    }
}

/// Building blocks that set a machine up leave the tree as it is.
fn makes_files(step: &Step) -> bool {
    step.uses.as_ref().is_some_and(|u| {
        let name = u.name.to_ascii_lowercase();
        let harmless = [
            "checkout",
            "setup",
            "cache",
            "login",
            "harden-runner",
            "codecov",
            "configure",
            "install",
            "upload",
            "rust-toolchain",
            "python",
            "node",
        ];
        step.commands.is_empty() && !harmless.iter().any(|w| name.contains(w))
    })
}

/// Whether the command may leave any file behind.
fn makes_unknown(command: &Command) -> bool {
    const HARMLESS: &str = "echo printf set export cd pwd ls cat test [ [[ true false source . env exit if which command \
    apt-get apt sudo apk yum dnf brew npm yarn pnpm pip pip3 poetry uv pipenv bundle gem composer \
    corepack nvm go cargo rustup mkdir chmod chown sleep date curl psql createdb docker \
    docker-compose git python python3 node coverage pre-commit tox nox rm export-env pyenv asdf \
    mise";
    let known = command.effects.iter().any(|e| {
        matches!(
            e.effect,
            EffectKind::Test
                | EffectKind::Lint
                | EffectKind::Scan
                | EffectKind::Install
                | EffectKind::Validate
                | EffectKind::Notify
        )
    });
    let copies = command.line.starts_with("git clone")
        || command.line.starts_with("git submodule")
        || command.line.contains("generate");
    // An own script may do anything.
    let own = command.program_word.contains('/') && !known
        || matches!(command.program.as_str(), "python" | "python3" | "node")
            && !known
            && command.arg(0).is_some_and(|a| a.ends_with(".py") || a.ends_with(".js"));
    copies || own || !known && !HARMLESS.split(' ').any(|program| program == command.program)
}

/// Words of a test or scan that can only be paths.
fn named_paths(command: &Command) -> Vec<&Word> {
    let gate = command.effects.iter().any(|e| {
        e.origin.is_none() && matches!(e.effect, EffectKind::Test | EffectKind::Lint | EffectKind::Scan)
    });
    let Some(tool) = TOOLS.iter().find(|t| t.names.contains(&command.program.as_str())) else {
        return Vec::new();
    };
    if !gate || command.remote.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut free = true;
    for (index, word) in command.args.iter().enumerate() {
        let text = word.text.as_str();
        if text.starts_with('-') {
            free = tool.switches.contains(&text) || text.contains('=');
            continue;
        }
        let here = std::mem::replace(&mut free, true);
        let verb = index == 0 && tool.verbs.contains(&text);
        let path = text.contains('/') || tool.plain || text.ends_with(".py");
        if here && !verb && word.literal && path {
            found.push(word);
        }
    }
    found
}

/// The path that a word names, without the pattern at its end; nothing where it is none that can be told.
fn clean(word: &str) -> Option<String> {
    let word = word.split("::").next().unwrap_or(word);
    let word = word.trim_start_matches("./").trim_end_matches("/...").trim_end_matches('/');
    let odd = |c: char| {
        matches!(
            c,
            '*' | '?'
                | '{'
                | '['
                | '$'
                | '~'
                | '\\'
                | ':'
                | ','
                | '<'
                | '>'
                | '('
                | '@'
                | '!'
                | '='
                | '%'
                | '|'
        )
    };
    let first = word.split('/').next().unwrap_or("");
    let fine = !word.is_empty()
        && word != "."
        && !word.starts_with('/')
        && !word.contains("..")
        && !word.contains(odd)
        && !MADE.split(' ').any(|made| made == first)
        && word.len() < 200;
    fine.then(|| word.to_owned())
}

/// The paths of a repository, to look others up in.
struct Paths<'r> {
    repository: &'r Repository,
    folders: OnceCell<Vec<&'r str>>,
}

impl<'r> Paths<'r> {
    fn new(repository: &'r Repository) -> Paths<'r> {
        Paths { repository, folders: OnceCell::new() }
    }

    /// Every folder that holds something, once for each time that others come between its files.
    fn folders(&self) -> &[&'r str] {
        self.folders.get_or_init(|| {
            let mut folders = Vec::new();
            let mut last = "";
            for file in &self.repository.files {
                let mut folder = file.folder();
                let own = folder;
                while folder != last && !folder.is_empty() && !is_within(last, folder) {
                    folders.push(folder);
                    folder = folder_of(folder);
                }
                last = own;
            }
            folders
        })
    }

    /// Whether the tree holds the path, from whatever folder it is meant, or git is told to ignore it.
    fn hold(&self, folder: Option<&str>, path: &str) -> bool {
        let files = &self.repository.files;
        let under = |path: &str| {
            let at = files.partition_point(|f| f.path.as_bytes() < path.as_bytes());
            let whole = files.get(at).is_some_and(|f| f.path == path);
            let start = format!("{path}/");
            let at = files.partition_point(|f| f.path.as_bytes() < start.as_bytes());
            whole || files.get(at).is_some_and(|f| f.path.starts_with(&start))
        };
        let here = folder.map(|f| format!("{}/{path}", f.trim_start_matches("./").trim_end_matches('/')));
        if under(path) || here.is_some_and(|p| under(&p)) || self.repository.git_ignores(path) {
            return true;
        }
        let end = format!("/{path}");
        let linked = files.iter().any(|f| f.link && path.starts_with(f.path.as_str()));
        let name = path.rsplit('/').next().unwrap_or(path);
        linked
            || files.iter().any(|f| f.name() == name && f.path.ends_with(&end))
            || self.folders().iter().any(|folder| folder.ends_with(&end))
    }
}

/// Whether a folder is the other one, or lies in it.
fn is_within(folder: &str, other: &str) -> bool {
    folder.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
