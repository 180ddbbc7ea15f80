//! The one model that every CI dialect lowers into.

use super::{Command, Effect, SecretUse, Setting, Target, Tolerance, Trigger, Value, fact, words};
use crate::text::{Span, Spanned};

words! {
    /// A CI system's way of writing pipelines.
    pub enum Dialect {
        /// GitHub Actions.
        Github = "github",
        /// GitLab CI/CD.
        Gitlab = "gitlab",
        /// Google Cloud Build.
        CloudBuild = "cloud-build",
        /// Google Cloud Deploy.
        CloudDeploy = "cloud-deploy",
        /// Azure Pipelines.
        Azure = "azure",
        /// Jenkins.
        Jenkins = "jenkins",
        /// CircleCI.
        CircleCi = "circleci",
        /// Bitbucket Pipelines.
        Bitbucket = "bitbucket",
        /// Buildkite.
        Buildkite = "buildkite",
        /// AWS CodeBuild.
        CodeBuild = "codebuild",
        /// AWS CodePipeline.
        CodePipeline = "codepipeline",
        /// Drone.
        Drone = "drone",
        /// Woodpecker CI.
        Woodpecker = "woodpecker",
        /// Argo CD: Applications and what generates them.
        ArgoCd = "argo-cd",
        /// Flux.
        Flux = "flux",
        /// Tekton Pipelines.
        Tekton = "tekton",
        /// Argo Workflows.
        ArgoWorkflows = "argo-workflows",
    }
}

impl Dialect {
    /// Whether a controller brings a cluster to what a repository says, again and again: then a revert is the
    /// way back, a commit the promotion, and the controller itself looks whether what it applied is healthy.
    pub fn reconciles(self) -> bool {
        matches!(self, Dialect::ArgoCd | Dialect::Flux)
    }
}

words! {
    /// How a pipeline comes to run.
    pub enum Role {
        /// The CI service starts it by its own triggers.
        Entry = "entry",
        /// Other pipelines call it (reusable workflow, template); it may also have triggers of its own.
        Callable = "callable",
        /// A bundle of steps that jobs use (composite action).
        Composite = "composite",
    }
}

impl Pipeline {
    /// A pipeline of which nothing but its name is known yet.
    pub fn new(name: impl Into<String>, dialect: Dialect, place: Span) -> Pipeline {
        Pipeline {
            place,
            name: name.into(),
            dialect,
            role: Role::Entry,
            triggers: Vec::new(),
            settings: Vec::new(),
            secrets: Vec::new(),
            permissions: Vec::new(),
            includes: Vec::new(),
            complete: true,
            commented: Vec::new(),
            jobs: Vec::new(),
            parts: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

words! {
    /// How a gate stops.
    pub enum GateKind {
        /// Nothing goes on until a person says so, and the file shows it.
        Blocking = "blocking",
        /// A person can act, but what follows does not wait (GitLab `when: manual` with `allow_failure`).
        Optional = "optional",
        /// The server may hold it (protected environment); the file cannot show it.
        ServerSide = "server-side",
    }
}

impl Condition {
    /// A condition that says nothing yet but its words.
    pub fn new(place: Span, text: String) -> Condition {
        Condition {
            place,
            text,
            always: false,
            never: false,
            on_failure: false,
            branches: Vec::new(),
            events: Vec::new(),
        }
    }
}

fact! {
    /// Something that waits for a person before a job runs.
    pub struct Gate = "gate" {
        /// Where it is written.
        place: Span,
        /// How it stops.
        gate: GateKind,
        /// The dialect's name for it, e.g. `when: manual`, `environment: production`.
        what: String,
    }
}

fact! {
    /// When a job or step runs.
    pub struct Condition = "condition" {
        /// The expression.
        place: Span,
        /// As written.
        text: String,
        /// It holds even after an earlier failure (`always()`, `!cancelled()`, `when: always`).
        always: bool,
        /// It never holds.
        never: bool,
        /// It holds only after a failure.
        on_failure: bool,
        /// Branches that it restricts to, if it can be told.
        branches: Vec<String>,
        /// Trigger kinds that it restricts to (`github.event_name == 'push'`), by name, if it can be told.
        events: Vec<String>,
    }
}

words! {
    /// What sort of building block is used.
    pub enum UseKind {
        /// A step from an action, pipe, plugin or task.
        Action = "action",
        /// A whole pipeline called as a job, or an include.
        Workflow = "workflow",
        /// A container image.
        Image = "image",
        /// A template, orb or component.
        Template = "template",
    }
}

/// A named input of a building block.
#[derive(Debug, Clone)]
pub struct Argument {
    /// Name.
    pub name: Spanned<String>,
    /// Value.
    pub value: Spanned<Value<String>>,
}

impl super::Field for Argument {
    const KIND: super::FieldKind = super::FieldKind::Text;
    fn value(&self) -> super::FieldValue {
        super::FieldValue::Text(format!("{}={}", self.name.value, self.value.value.text()))
    }
}

fact! {
    /// A building block that a step or job uses.
    pub struct Use = "use" {
        /// The reference.
        place: Span,
        /// What sort.
        sort: UseKind,
        /// Name without version: `actions/checkout`, `alpine`, `./.github/actions/x`.
        name: String,
        /// Version, tag or ref; `None` if none is written.
        version: Option<Spanned<String>>,
        /// Whether it lies in this repository.
        local: bool,
        /// Its inputs, as `name=value`.
        inputs: Vec<Argument>,
        /// Why it could not be followed, if it is a pipeline or template that could not.
        unresolved: Option<String>,
    }
}

impl Use {
    /// The value of input `name` (ASCII case-insensitive, as the services match them).
    pub fn input(&self, name: &str) -> Option<&Spanned<Value<String>>> {
        self.inputs.iter().find(|a| a.name.value.eq_ignore_ascii_case(name)).map(|a| &a.value)
    }
}

fact! {
    /// One step of a job.
    pub struct Step = "step" {
        /// The step: from its first key to its last value.
        place: Span,
        /// Its name or label; for a step without one, what it runs.
        name: String,
        /// Whether the name is written, not derived.
        named: bool,
        /// The building block it uses.
        uses: Option<Use>,
        /// The commands it runs.
        commands: Vec<Command>,
        /// When it runs.
        condition: Option<Condition>,
        /// How its failure is let pass.
        tolerated: Option<Tolerance>,
        /// Variables of this step.
        settings: Vec<Setting>,
        /// Secrets it refers to.
        secrets: Vec<SecretUse>,
        /// The step's own effects that come from `uses`; those of commands are at the commands.
        effects: Vec<Effect>,
        /// The shell that runs the commands, if it is not the default.
        shell: Option<String>,
        /// The folder the commands run in, relative to the repository root.
        folder: Option<String>,
        /// The step's id, by which outputs are read.
        id: Option<String>,
    }
}

impl Step {
    /// A step of this place and name, which is derived unless `named` says otherwise, that does nothing yet.
    pub fn new(place: Span, name: String) -> Step {
        Step {
            place,
            name,
            named: false,
            uses: None,
            commands: Vec::new(),
            condition: None,
            tolerated: None,
            settings: Vec::new(),
            secrets: Vec::new(),
            effects: Vec::new(),
            shell: None,
            folder: None,
            id: None,
        }
    }

    /// All effects: of the building block and of every command.
    pub fn all_effects(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().chain(self.commands.iter().flat_map(|c| &c.effects))
    }
}

fact! {
    /// A job that must end well before this one starts.
    pub struct Need = "need" {
        /// Where it is written; the job's name if the order is implied by stages or list position.
        place: Span,
        /// Index of the needed job in the pipeline, written as a number; absent if there is no such job.
        job: Option<u32>,
        /// The needed job as written.
        name: String,
        /// The need may be absent (`optional: true`).
        optional: bool,
        /// Only order: it says when, but if the other job does not take part, this one still runs (GitLab stages).
        order_only: bool,
    }
}

fact! {
    /// An artifact handed from job to job.
    pub struct Transfer = "transfer" {
        /// Where it is written.
        place: Span,
        /// Uploaded (true) or downloaded.
        up: bool,
        /// Its name.
        name: Value<String>,
        /// Paths that go into it.
        paths: Vec<Spanned<String>>,
        /// How long it is kept, in days.
        retention_days: Option<u32>,
    }
}

fact! {
    /// A job: steps that run on one machine.
    pub struct Job = "job" {
        /// Its key or name.
        place: Span,
        /// The whole job.
        body: Span,
        /// The key by which others need it.
        id: String,
        /// Its display name.
        name: String,
        /// The pipeline's stage it belongs to, in dialects that have stages.
        stage: Option<String>,
        /// The environment it declares, or that its effects or name tell.
        target: Option<Target>,
        /// What must end before it starts.
        needs: Vec<Need>,
        /// What waits for a person before it.
        gates: Vec<Gate>,
        /// When it runs.
        condition: Option<Condition>,
        /// How its failure is let pass.
        tolerated: Option<Tolerance>,
        /// The pipeline that it calls instead of running steps.
        calls: Option<Use>,
        /// The image it runs in, and images of its services.
        images: Vec<Use>,
        /// Runner labels.
        runner: Vec<Spanned<String>>,
        /// Secrets it refers to, those of its steps included.
        secrets: Vec<SecretUse>,
        /// Every secret of the caller is handed on (`secrets: inherit`).
        inherits_secrets: Option<Span>,
        /// Variables of this job.
        settings: Vec<Setting>,
        /// Matrix dimensions, as `name=value`.
        matrix: Vec<String>,
        /// Artifacts handed on or fetched.
        transfers: Vec<Transfer>,
        /// Rights it is given, as `name=level`.
        permissions: Vec<Spanned<String>>,
        /// Its steps.
        steps: Vec<Step>,
        /// A named lock that keeps two runs apart (`concurrency`, `resource_group`).
        lock: Option<Spanned<String>>,
        /// Longest time it may take, in minutes.
        timeout_minutes: Option<u32>;
        /// Matrix dimensions with all their values.
        dimensions: Vec<(String, Vec<String>)>,
        /// What later jobs can read of it, by name, as written.
        outputs: Vec<(String, String)>,
    }
}

impl Job {
    /// A job of this key and display name that says nothing else yet.
    pub fn new(place: Span, body: Span, id: String, name: String) -> Job {
        Job {
            place,
            body,
            id,
            name,
            stage: None,
            target: None,
            needs: Vec::new(),
            gates: Vec::new(),
            condition: None,
            tolerated: None,
            calls: None,
            images: Vec::new(),
            runner: Vec::new(),
            secrets: Vec::new(),
            inherits_secrets: None,
            settings: Vec::new(),
            matrix: Vec::new(),
            transfers: Vec::new(),
            permissions: Vec::new(),
            steps: Vec::new(),
            lock: None,
            timeout_minutes: None,
            dimensions: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// All effects of all steps.
    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.steps.iter().flat_map(Step::all_effects)
    }

    /// All commands of all steps.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.steps.iter().flat_map(|s| &s.commands)
    }
}

fact! {
    /// A pipeline: one workflow file, one GitLab configuration with its includes, one Cloud Build file.
    pub struct Pipeline = "pipeline" {
        /// Its name's value, or its first key.
        place: Span,
        /// Its name, or its path.
        name: String,
        /// The dialect.
        dialect: Dialect,
        /// How it comes to run.
        role: Role,
        /// What starts it.
        triggers: Vec<Trigger>,
        /// Variables of the whole pipeline.
        settings: Vec<Setting>,
        /// Secrets in scope of the whole pipeline.
        secrets: Vec<SecretUse>,
        /// Rights it gives to every job, as `name=level`.
        permissions: Vec<Spanned<String>>,
        /// Included files and templates.
        includes: Vec<Use>,
        /// Whether everything it is made of was found (no outside include, template or dynamic part).
        complete: bool,
        /// Commented-out lines that look like steps: the text and its place.
        commented: Vec<Spanned<String>>,
        /// Its jobs.
        jobs: Vec<Job>;
        /// Other files it is made of.
        parts: Vec<crate::text::FileId>,
        /// What it gives back to what calls it: names, and the expressions of their values.
        outputs: Vec<(String, String)>,
    }
}
