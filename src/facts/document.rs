//! Facts of other files: images, documents, ignore files, tests, releases, allow comments.

use super::{SettingSource, Value, fact, words};
use crate::text::{Span, Spanned};

fact! {
    /// A `FROM` of a Dockerfile, or an image that a pipeline or compose file runs.
    pub struct BaseImage = "base-image" {
        /// The reference.
        place: Span,
        /// Registry and repository.
        name: String,
        /// Tag.
        tag: Option<String>,
        /// Digest.
        digest: Option<String>,
        /// Whole reference as written.
        reference: Value<String>,
        /// Whether it names an earlier stage of the same file or `scratch`.
        stage_reference: bool,
        /// Whether it is the base of the final stage, that is of what runs.
        last: bool,
        /// What kind of file says it.
        source: SettingSource,
        /// Whether it serves local development only (Dockerfile.dev, compose override).
        local_only: bool,
    }
}

fact! {
    /// One instruction of a Dockerfile.
    pub struct Instruction = "instruction" {
        /// The instruction.
        place: Span,
        /// Keyword in capitals.
        keyword: String,
        /// Words after the keyword and its flags; for COPY and ADD the sources, then the destination; for FROM
        /// the image and the stage's name.
        args: Vec<Spanned<String>>,
        /// Flags, as `--name=value`.
        flags: Vec<String>,
        /// Number of its stage, from 0.
        stage: u32,
        /// Whether its stage is the final one or one that it builds on.
        last: bool,
        /// Whether it is written as a list of words, which no shell runs.
        exec: bool,
    }
}

fact! {
    /// A heading of a document, with the prose below it up to the next heading.
    pub struct Section = "section" {
        /// The heading.
        place: Span,
        /// Headings above and this one, joined by ` > `.
        heading: String,
        /// Heading level, 1 to 6.
        level: u32,
        /// Prose below it, lines joined.
        text: String,
    }
}

words! {
    /// The tool that reads an ignore file.
    pub enum IgnoreTool {
        /// git.
        Git = "git",
        /// docker build.
        Docker = "docker",
        /// npm publish.
        Npm = "npm",
        /// gcloud.
        Gcloud = "gcloud",
        /// helm package.
        Helm = "helm",
        /// eb deploy, of AWS Elastic Beanstalk.
        Eb = "eb",
        /// cf push, of Cloud Foundry.
        Cf = "cf",
        /// vercel deploy.
        Vercel = "vercel",
        /// The build of a Heroku slug.
        Slug = "slug",
    }
}

fact! {
    /// An ignore file and its patterns.
    pub struct Ignore = "ignore" {
        /// The file's start.
        place: Span,
        /// The tool that reads it.
        tool: IgnoreTool,
        /// The folder that its patterns are relative to; empty for the root.
        folder: String,
        /// Patterns, in order, comments and blanks left out.
        patterns: Vec<Spanned<String>>,
    }
}

words! {
    /// What is done to a test.
    pub enum TestMarkKind {
        /// It is skipped always.
        Skip = "skip",
        /// It is skipped under a condition.
        Conditional = "conditional",
        /// It alone runs (`.only`, `fdescribe`).
        Focus = "focus",
        /// It may fail (`xfail`).
        MayFail = "may-fail",
    }
}

fact! {
    /// A mark that keeps a test from running or from counting.
    pub struct TestMark = "test-mark" {
        /// The mark.
        place: Span,
        /// What is done.
        mark: TestMarkKind,
        /// The mark's words, e.g. `it.skip`.
        words: String,
        /// The reason given, if any.
        reason: Option<String>,
        /// Whether the reason names an issue.
        tracked: bool,
    }
}

fact! {
    /// A lock file or a package manifest.
    pub struct Manifest = "manifest" {
        /// The file's start.
        place: Span,
        /// Ecosystem: npm, cargo, go, …
        ecosystem: String,
        /// The folder it lies in; empty for the root.
        folder: String,
        /// Whether it is a lock file.
        lock: bool,
        /// Whether what it describes is an application rather than a published library, if it tells.
        application: Option<bool>,
        /// Number of dependencies it names.
        dependencies: u32,
        /// What a package takes along, where its manifest lists it (`files` of a package.json).
        files: Vec<Spanned<String>>,
    }
}

fact! {
    /// A match of a rule's own `text` pattern.
    pub struct TextHit = "text-hit" {
        /// The match.
        place: Span,
        /// The rule whose pattern it is.
        rule: String,
        /// The number of the pattern in that rule.
        pattern: u32,
    }
}

fact! {
    /// An environment variable that program code reads.
    pub struct EnvRead = "env-read" {
        /// The read.
        place: Span,
        /// The variable.
        key: String,
        /// Whether a fallback is given.
        fallback: bool,
        /// Whether the program fails, or asks, when it is not set.
        demanded: bool,
        /// The fallback, if it is a short text with an address in it.
        default: Option<Spanned<String>>,
        /// Whether a bundler's configuration writes its value into the program that browsers load.
        bundled: bool,
    }
}

fact! {
    /// A feature flag that program code asks for.
    pub struct FlagRead = "flag-read" {
        /// Its name, as the call gives it.
        place: Span,
        /// Its name.
        key: String,
        /// The call, e.g. `isEnabled`.
        call: String,
        /// Whether a service elsewhere holds its state.
        remote: bool,
    }
}

fact! {
    /// A variable that an env file shows in a comment: `# SMTP_HOST=localhost`.
    pub struct CommentedKey = "commented-key" {
        /// The name.
        place: Span,
        /// The variable.
        key: String,
    }
}

words! {
    /// What becomes of a text that a program makes.
    pub enum DisclosureForm {
        /// It is thrown, raised or returned as an error, or the program ends with it.
        Raised = "raised",
        /// It is the body of an answer to a request.
        Answered = "answered",
        /// It is written to a log.
        Logged = "logged",
    }
}

fact! {
    /// A secret by its name, put into the text of an error or into a log.
    pub struct Disclosure = "disclosure" {
        /// The name.
        place: Span,
        /// The variable, attribute or setting.
        name: String,
        /// What becomes of the text.
        form: DisclosureForm,
    }
}

fact! {
    /// A call that signs or verifies a JSON Web Token.
    pub struct TokenCall = "token-call" {
        /// The call's name.
        place: Span,
        /// The call, e.g. `jwt.sign`.
        call: String,
        /// Whether it signs rather than verifies.
        signs: bool,
        /// Whether a key's id or a set of keys is spoken of beside it.
        key_id: bool,
    }
}

fact! {
    /// An inline `plimsoll: allow[…]` comment.
    pub struct Allow = "allow" {
        /// The comment's directive.
        place: Span,
        /// The rules that it names.
        rules: Vec<Spanned<String>>,
        /// The reason it gives.
        reason: Option<String>,
        /// The line that it covers: its own, or the next one that is no comment.
        covers: Span,
        /// Whether it stands alone on its line, and so covers the fact that begins on the covered line.
        alone: bool,
    }
}
