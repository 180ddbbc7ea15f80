//! What starts a pipeline, and what its starter is asked.

use super::{fact, words};
use crate::text::{Span, Spanned};

words! {
    /// What starts a pipeline.
    pub enum TriggerKind {
        /// A push to a branch.
        Push = "push",
        /// A tag.
        Tag = "tag",
        /// A pull or merge request, run with the rights of the change.
        PullRequest = "pull-request",
        /// A pull request, run with the rights of the base (`pull_request_target`).
        PullRequestTarget = "pull-request-target",
        /// A time table.
        Schedule = "schedule",
        /// A person, by hand.
        Manual = "manual",
        /// Another pipeline calls it.
        Call = "call",
        /// Another pipeline has ended (`workflow_run`).
        Run = "run",
        /// A release is published.
        Release = "release",
        /// Another event of the service.
        Other = "other",
    }
}

fact! {
    /// A choice that whoever starts the pipeline makes.
    pub struct Input = "input" {
        /// Its key.
        place: Span,
        /// Its name.
        name: String,
        /// Declared type, e.g. `choice`, `boolean`, `string`, `environment`.
        input: Option<String>,
        /// Options of a choice.
        options: Vec<Spanned<String>>,
        /// Default.
        default: Option<String>,
        /// Description.
        description: Option<String>,
    }
}

fact! {
    /// One way in which a pipeline starts.
    pub struct Trigger = "trigger" {
        /// Where it is written.
        place: Span,
        /// What starts it.
        trigger: TriggerKind,
        /// The event's name in the dialect.
        event: String,
        /// Branch patterns; empty means all.
        branches: Vec<Spanned<String>>,
        /// Tag patterns.
        tags: Vec<Spanned<String>>,
        /// Cron expression.
        cron: Option<Spanned<String>>,
        /// Time zone of the cron expression; UTC if absent.
        zone: Option<String>,
        /// When the cron expression can fire in a week, on the clock of its zone, as `fri 21:00`: the first
        /// and the last time of each hour.
        fires: Vec<String>,
        /// Pipelines whose end starts this one.
        upstream: Vec<String>,
        /// What the starter is asked.
        inputs: Vec<Input>,
    }
}

impl Trigger {
    /// A way to start that is bound to nothing.
    pub fn new(trigger: TriggerKind, event: &str, place: Span) -> Trigger {
        Trigger {
            place,
            trigger,
            event: event.to_owned(),
            branches: Vec::new(),
            tags: Vec::new(),
            cron: None,
            zone: None,
            fires: Vec::new(),
            upstream: Vec::new(),
            inputs: Vec::new(),
        }
    }
}
