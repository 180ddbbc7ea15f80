//! Programs that run another program given in their arguments; from their manuals.

/// One way to wrap a command.
#[derive(Debug)]
pub(super) struct Wrapper {
    /// Names of the program.
    pub(super) names: &'static [&'static str],
    /// Arguments that must follow the name, in order.
    pub(super) sub: &'static [&'static str],
    /// Options whose value is the next word.
    pub(super) values: &'static [&'static str],
    /// Number of arguments between the options and the wrapped command.
    pub(super) skip: usize,
    /// `NAME=value` may stand before the wrapped command.
    pub(super) assigns: bool,
}

const fn wrapper(
    names: &'static [&'static str],
    sub: &'static [&'static str],
    values: &'static [&'static str],
    skip: usize,
    assigns: bool,
) -> Wrapper {
    Wrapper { names, sub, values, skip, assigns }
}

const SUDO: &[&str] =
    &["-u", "--user", "-g", "--group", "-h", "--host", "-p", "-C", "-D", "-R", "-T", "-r", "-t"];
const RUN_ENV: &[&str] = &[
    "-p",
    "--project",
    "-c",
    "--config",
    "--command",
    "--env-file",
    "-e",
    "--env",
    "--path",
    "--projectId",
    "--account",
    "--with",
    "--python",
    "--extra",
    "--group",
    "--package",
    "--directory",
    "-C",
    "-n",
    "--name",
    "-f",
    "--file",
];

/// All wrappers; those with `sub` first, so that the longest match is found first.
pub(super) const WRAPPERS: &[Wrapper] = &[
    wrapper(&["uv"], &["tool", "run"], RUN_ENV, 0, false),
    wrapper(
        &["yarn", "pnpm", "npm", "composer", "bundle", "mise", "nvm", "rbenv", "pyenv"],
        &["exec"],
        &["-p", "--package", "-w", "--workspace", "-C", "--filter"],
        0,
        false,
    ),
    wrapper(&["yarn", "pnpm"], &["dlx"], &["-p", "--package"], 0, false),
    wrapper(&["npm"], &["x"], &["-p", "--package"], 0, false),
    wrapper(&["bun"], &["x"], &[], 0, false),
    wrapper(
        &[
            "poetry",
            "uv",
            "pipenv",
            "pdm",
            "hatch",
            "rye",
            "pipx",
            "conda",
            "mamba",
            "micromamba",
            "doppler",
            "op",
            "infisical",
            "teller",
            "pixi",
            "devbox",
        ],
        &["run"],
        RUN_ENV,
        0,
        false,
    ),
    wrapper(&["coverage"], &["run", "-m"], &[], 0, false),
    wrapper(
        &["aws-vault", "chamber", "direnv", "saml2aws"],
        &["exec"],
        &["-d", "--duration", "--backend", "-b", "-a", "--idp-account"],
        1,
        false,
    ),
    wrapper(&["python", "python2", "python3", "py"], &["-m"], &[], 0, false),
    wrapper(&["sudo", "doas"], &[], SUDO, 0, true),
    wrapper(&["env"], &[], &["-u", "--unset", "-C", "--chdir"], 0, true),
    wrapper(&["cross-env", "cross-env-shell"], &[], &[], 0, true),
    wrapper(&["time", "gtime"], &[], &["-f", "-o", "--format", "--output"], 0, false),
    wrapper(
        &[
            "nohup",
            "setsid",
            "command",
            "builtin",
            "unbuffer",
            "call",
            "winpty",
            "xcrun",
            "tini",
            "dumb-init",
            "caffeinate",
            "dbus-run-session",
        ],
        &[],
        &[],
        0,
        false,
    ),
    wrapper(&["exec"], &[], &["-a"], 0, false),
    wrapper(&["nice", "ionice"], &[], &["-n", "--adjustment", "-c"], 0, false),
    wrapper(&["stdbuf"], &[], &["-i", "-o", "-e"], 0, false),
    wrapper(&["xargs"], &[], &["-I", "-n", "-P", "-L", "-d", "-a", "-E", "-s"], 0, false),
    wrapper(&["timeout", "gtimeout"], &[], &["-s", "--signal", "-k", "--kill-after"], 1, false),
    wrapper(&["flock"], &[], &["-w", "--timeout", "-E"], 1, false),
    wrapper(&["gosu", "su-exec", "chroot"], &[], &[], 1, false),
    wrapper(&["xvfb-run"], &[], &["-n", "--server-num", "-s", "--server-args", "-e", "-f"], 0, false),
    wrapper(
        &["npx", "bunx", "pnpx", "uvx"],
        &[],
        &["-p", "--package", "--from", "--with", "--python"],
        0,
        false,
    ),
    wrapper(&["dotenv", "dotenvx", "env-cmd"], &[], &["-e", "-f", "-c", "-v", "--file"], 0, false),
];

/// Shells whose `-c` takes a script.
pub(super) const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "ash", "ksh"];

/// Options of ssh(1) whose value is the next word.
pub(super) const SSH_VALUES: &[&str] = &[
    "-B", "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-P", "-p",
    "-Q", "-R", "-S", "-W", "-w",
];

/// Options of `docker exec`, `docker compose exec` and `docker compose run` whose value is the next word.
pub(super) const CONTAINER_VALUES: &[&str] = &[
    "-e",
    "--env",
    "--env-file",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "--index",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--name",
    "-v",
    "--volume",
    "--entrypoint",
    "--publish",
    "-l",
    "--label",
    "--project-directory",
    "-H",
    "--host",
    "--context",
    "-c",
];

/// Options of kubectl and of `kubectl exec` whose value is the next word.
pub(super) const KUBECTL_VALUES: &[&str] = &[
    "-n",
    "--namespace",
    "--context",
    "--cluster",
    "--kubeconfig",
    "-c",
    "--container",
    "-s",
    "--server",
    "--user",
];
