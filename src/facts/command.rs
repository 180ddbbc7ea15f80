//! Commands and what they do, wherever they are written.

use super::{Artifact, Target, Value, fact, words};
use crate::text::{Secret, Span, Spanned};
use std::sync::Arc;

words! {
    /// What a command or an action brings about.
    pub enum EffectKind {
        /// Makes an artifact.
        Build = "build",
        /// Stores an artifact where others can fetch it.
        Publish = "publish",
        /// Fetches an artifact that was stored.
        Fetch = "fetch",
        /// Gives a stored artifact another name or place without building it again.
        Promote = "promote",
        /// Brings an artifact into an environment.
        Deploy = "deploy",
        /// Changes infrastructure by code (terraform apply, cloudformation deploy).
        Provision = "provision",
        /// Changes a running environment by hand (kubectl edit/scale/patch/set, heroku config:set).
        Configure = "configure",
        /// Applies schema migrations.
        Migrate = "migrate",
        /// Takes schema migrations back.
        MigrateDown = "migrate-down",
        /// Runs statements against a database.
        Query = "query",
        /// Runs tests.
        Test = "test",
        /// Lints, formats or type-checks.
        Lint = "lint",
        /// Scans for vulnerabilities, secrets or misconfiguration.
        Scan = "scan",
        /// Checks what was deployed (smoke test, health request, rollout status).
        Verify = "verify",
        /// Goes back to an earlier version.
        RollBack = "roll-back",
        /// Takes a backup or snapshot.
        Backup = "backup",
        /// Reads data out of a database or store.
        Dump = "dump",
        /// Writes data into a database or store.
        Restore = "restore",
        /// Sanitises data.
        Sanitise = "sanitise",
        /// Fills a database with seed or fixture data.
        Seed = "seed",
        /// Tells people.
        Notify = "notify",
        /// Opens a shell on, or runs a command on, a remote machine or container.
        Shell = "shell",
        /// Copies files to or from a remote machine or container.
        CopyFiles = "copy-files",
        /// Opens a network path (port-forward, tunnel, proxy).
        Tunnel = "tunnel",
        /// Installs dependencies.
        Install = "install",
        /// Waits for a person.
        Approve = "approve",
        /// Validates configuration or a plan before a change.
        Validate = "validate",
        /// Signs or attests an artifact.
        Sign = "sign",
        /// Frees space or removes old versions.
        Prune = "prune",
    }
}

fact! {
    /// One effect of one command or action.
    pub struct Effect = "effect" {
        /// The words that have the effect.
        place: Span,
        /// What is brought about.
        effect: EffectKind,
        /// The tool that does it, e.g. `kubectl`.
        tool: String,
        /// The artifact concerned.
        artifact: Option<Artifact>,
        /// The environment concerned; from the command itself if it says one, else from its job, file or name.
        target: Option<Target>,
        /// For dump, restore and copy: where from (or where to, for `CopyFiles` outward).
        peer: Option<Target>,
        /// What kind in particular: test level (`unit`, `integration`, `e2e`), scan kind, copy direction (`up`, `down`).
        detail: Option<String>;
        /// The words in the script or action that was called, if it is not these words that do it.
        origin: Option<Span>,
    }
}

words! {
    /// How a failure is let pass.
    pub enum How {
        /// `|| true`, `|| :`, `|| exit 0`.
        OrTrue = "or-true",
        /// `|| something else` that does not fail.
        OrOther = "or-other",
        /// `; true` ends the list.
        ThenTrue = "then-true",
        /// Not the last of a `&&` list that is followed by another statement.
        AndList = "and-list",
        /// `set +e` is in force and the status is not looked at.
        SetPlusE = "set-plus-e",
        /// Not the last of a pipeline, without `pipefail`.
        PipeMasked = "pipe-masked",
        /// It is the test of an `if` or `while`: a failure is handled, not hidden.
        Condition = "condition",
        /// Started in the background and not waited for.
        Background = "background",
        /// A flag of the tool itself (`--exit-zero`, `-DskipTests`, `-ErrorAction SilentlyContinue`).
        Flag = "flag",
        /// A key of the pipeline (`continue-on-error`, `allow_failure`).
        Key = "key",
        /// A condition that never holds (`if: false`).
        Never = "never",
        /// A `-` before a Make recipe line.
        Dash = "dash",
    }
}

fact! {
    /// A failure that is let pass.
    pub struct Tolerance = "tolerance" {
        /// The words that let it pass.
        place: Span,
        /// How.
        how: How,
        /// Whether it does; an expression when the run decides (`continue-on-error: ${{ matrix.experimental }}`).
        applies: Value<bool>,
    }
}

/// One word of a command, quotes removed, expansions kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where it is written.
    pub place: Span,
    /// Whether it holds no expansion.
    pub literal: bool,
    /// The values it can have, as far as the same file or job assigns them; just `text` for a literal.
    pub values: Vec<String>,
}

impl super::Field for Word {
    const KIND: super::FieldKind = super::FieldKind::Text;
    fn value(&self) -> super::FieldValue {
        super::FieldValue::Text(self.text.clone())
    }
}

/// `NAME=value` before a command, or a variable of its step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// Name.
    pub name: String,
    /// Value.
    pub word: Word,
}

impl super::Field for Assignment {
    const KIND: super::FieldKind = super::FieldKind::Text;
    fn value(&self) -> super::FieldValue {
        super::FieldValue::Text(format!("{}={}", self.name, self.word.text))
    }
}

fact! {
    /// One simple command after its wrappers (sudo, env, npx, `bash -c` …) are taken off.
    pub struct Command = "command" {
        /// The whole simple command, wrappers included, without a `|| true` behind it.
        place: Span,
        /// The program's base name, e.g. `kubectl`.
        program: String,
        /// The program's word as written, directory included.
        program_word: String,
        /// The words after the program.
        args: Vec<Word>,
        /// The program and its words, joined by single blanks; what patterns are matched against.
        line: String,
        /// Variables set for this command alone.
        assignments: Vec<Assignment>,
        /// Wrappers that were taken off, outermost first.
        wrappers: Vec<String>,
        /// How its failure is let pass, if it is.
        tolerated: Option<Tolerance>,
        /// The shell function it stands in.
        function: Option<String>,
        /// Tests of the `if`, `case`, `&&` around it, as written.
        conditions: Vec<String>,
        /// The host or container that it is sent to (`ssh host '…'`, `kubectl exec … -- …`).
        remote: Option<String>,
        /// What it brings about; filled in by linking.
        effects: Vec<Effect>;
        /// Files that it writes its output to (`> file`).
        writes: Vec<Word>,
        /// Files that it reads its input from (`< file`).
        reads: Vec<Word>,
        /// Commands of one shell pipeline share a number; the index counts from its start.
        pipeline: Option<(u32, u32)>,
        /// Its status decides the status of the whole text: nothing runs after it.
        last: bool,
        /// Its output is taken by the word of another command (`x=$(…)`), not shown.
        captured: bool,
    }
}

impl Command {
    /// The word at position `i` after the program.
    pub fn arg(&self, i: usize) -> Option<&str> {
        self.args.get(i).map(|w| w.text.as_str())
    }

    /// Whether any word equals one of `flags`, or starts with it and `=`.
    pub fn has_flag(&self, flags: &[&str]) -> bool {
        self.args.iter().any(|w| {
            flags.iter().any(|f| w.text == *f || w.text.strip_prefix(f).is_some_and(|r| r.starts_with('=')))
        })
    }

    /// The value of the first of `flags` that is given: `--flag value`, `--flag=value`, `-f value`, `-fvalue`.
    pub fn flag_value(&self, flags: &[&str]) -> Option<&Word> {
        let mut words = self.args.iter().peekable();
        while let Some(word) = words.next() {
            for flag in flags {
                if word.text == *flag {
                    return words.peek().copied();
                }
                if let Some(rest) = word.text.strip_prefix(flag) {
                    let short = flag.len() == 2 && !flag.starts_with("--");
                    if rest.starts_with('=') || short {
                        return Some(word);
                    }
                }
            }
        }
        None
    }
}

/// A secret that a pipeline or script refers to by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretUse {
    /// The name in the secret store; `*` where all of them are taken at once.
    pub name: String,
    /// The reference.
    pub place: Span,
}

impl super::Field for SecretUse {
    const KIND: super::FieldKind = super::FieldKind::Text;
    fn value(&self) -> super::FieldValue {
        super::FieldValue::Text(self.name.clone())
    }
}

words! {
    /// Who runs a script.
    pub enum Caller {
        /// A pipeline does.
        Pipeline = "pipeline",
        /// A container image does (build or start).
        Container = "container",
        /// A git hook or package manager hook does.
        Hook = "hook",
        /// A scheduler does.
        Scheduler = "scheduler",
        /// A document tells a person to.
        Runbook = "runbook",
        /// Nobody does, and every pipeline was fully resolved.
        Nobody = "nobody",
        /// Not to be told: some pipeline was not fully resolved.
        Unknown = "unknown",
    }
}

words! {
    /// What a script is written in.
    pub enum ScriptKind {
        /// A shell file.
        Shell = "shell",
        /// A PowerShell or batch file.
        PowerShell = "powershell",
        /// One target of a Makefile.
        Make = "make",
        /// One script of a package.json.
        Npm = "npm",
        /// A code fence of a document.
        Fence = "fence",
        /// RUN, CMD, ENTRYPOINT of an image.
        Image = "image",
    }
}

fact! {
    /// A sequence of commands outside a pipeline: a shell file, a Make target, an npm script, a code fence.
    pub struct Script = "script" {
        /// The file's start, the target's or script's name, the fence.
        place: Span,
        /// Path, `Makefile:target`, `package.json:script`, or the heading above a fence.
        name: String,
        /// What it is written in.
        script: ScriptKind,
        /// Who runs it; filled in by linking.
        callers: Vec<Caller>,
        /// Whether a guard such as `[ -n "$CI" ]` lets it run in a pipeline only.
        guarded: bool,
        /// The environment that its path or name speaks of.
        target: Option<Target>,
        /// Its commands.
        commands: Vec<Command>;
        /// Prose directly before a fence, for negations ("never run …").
        before: Option<String>,
        /// Other scripts of the same file that it runs (Make prerequisites, `npm run x`).
        calls: Vec<String>,
        /// Where pipeline steps call it from; filled in by linking.
        called_from: Vec<Span>,
    }
}

fact! {
    /// A key and the value that a configuration file gives it.
    pub struct Setting = "setting" {
        /// The value.
        place: Span,
        /// The key's last part, e.g. `DATABASE_URL`.
        key: String,
        /// The whole path of the key, parts joined by dots.
        path: String,
        /// The value.
        setting: Value<String>,
        /// What kind of file says it.
        source: SettingSource,
        /// The environment that the file or its place in it speaks of.
        target: Option<Arc<Target>>;
        /// The key.
        key_place: Span,
    }
}

words! {
    /// Where a setting is written.
    pub enum SettingSource {
        /// A dotenv file.
        Dotenv = "dotenv",
        /// `env:`, `variables:` or substitutions of a pipeline.
        Pipeline = "pipeline",
        /// ENV or ARG of a Dockerfile.
        Image = "image",
        /// A configuration file (YAML, JSON, TOML, INI, properties).
        Config = "config",
        /// A service container of a pipeline or a compose file.
        Service = "service",
        /// A shell or Make assignment.
        Script = "script",
    }
}

words! {
    /// How sure we are that a value is a credential.
    pub enum Certainty {
        /// Name and value look like one.
        Generic = "generic",
        /// Format and context are those of a provider.
        Shaped = "shaped",
        /// A checksum or structure proves it.
        Proved = "proved",
    }
}

fact! {
    /// A literal credential.
    pub struct Credential = "credential" {
        /// The value.
        place: Span,
        /// The credential kind, e.g. `aws-access-key-id`; `password`, `connection-string` for generic ones.
        credential: String,
        /// How sure.
        certainty: Certainty,
        /// The key or variable that it is given to.
        key: Option<String>,
        /// What kind of file it lies in.
        medium: Medium,
        /// The environment that the file speaks of.
        target: Option<Target>,
        /// Whether the value is a well-known default (postgres/postgres, admin/admin).
        default: bool,
        /// Whether it is the fallback of an environment lookup (`getenv("X", "…")`, `${X:-…}`).
        fallback: bool,
        /// Whether it serves a throw-away service container of a CI job or a local compose file.
        ephemeral: bool,
        /// Whether it lies in test code or fixtures.
        test: bool,
        /// How it is written where it lies.
        form: Form;
        /// The value, decoded; it has no way out.
        value: Secret,
        /// The text at its place, if that is an encoding of it.
        encoded: Option<Secret>,
    }
}

words! {
    /// How a credential is written where it lies.
    pub enum Form {
        /// As it is.
        Plain = "plain",
        /// In Base64, perhaps compressed before.
        Base64 = "base64",
        /// In hexadecimal digits.
        Hex = "hex",
        /// With percent signs, as in addresses.
        Percent = "percent",
        /// In a compressed file.
        Gzip = "gzip",
        /// In the file's path.
        Path = "path",
    }
}

impl Credential {
    /// Whether anybody can make such a value at home, as against one that only its provider issues.
    pub fn is_self_made(&self) -> bool {
        let kind = self.credential.as_str();
        self.certainty == Certainty::Generic
            || matches!(
                kind,
                "connection-string" | "private-key" | "json-web-token" | super::MANIFEST_CREDENTIAL
            )
            || ["jwt", "http", "netrc", "private-key", "basic"].iter().any(|word| kind.starts_with(word))
    }

    /// Whether only its provider can have made the value, by drawing it at random: nobody can guess it.
    pub fn is_drawn(&self) -> bool {
        let text = self.value.expose().as_bytes();
        let mut seen = [false; 256];
        text.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        let letters = seen.iter().filter(|seen| **seen).count();
        self.certainty != Certainty::Generic && !self.is_self_made() && text.len() >= 20 && letters >= 10
    }
}

words! {
    /// What kind of file a credential lies in.
    pub enum Medium {
        /// Program source.
        Source = "source",
        /// A configuration file.
        Config = "config",
        /// An env file.
        EnvFile = "env-file",
        /// An example env file.
        EnvExample = "env-example",
        /// A pipeline.
        Pipeline = "pipeline",
        /// A Dockerfile.
        Image = "image",
        /// A script.
        Script = "script",
        /// A document.
        Document = "document",
        /// Anything else.
        Other = "other",
    }
}

/// A text with its place, as a field.
pub type Text = Spanned<String>;
