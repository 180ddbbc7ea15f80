//! What rules say: findings, and the verdict that collects them.

use crate::facts::{Certainty, words};
use crate::source::{Carrier, Introduction};
use crate::text::{FileId, Span};

words! {
    /// How bad a finding is.
    pub enum Severity {
        /// Hygiene.
        Note = "note",
        /// Likely harm, or a fix that takes planning.
        Warning = "warning",
        /// A reviewer would stop the release; visible in the bytes; somebody here can mend it today.
        Error = "error",
    }
}

words! {
    /// How sure we are that a finding is right.
    pub enum Confidence {
        /// A hint; never reaches the exit code by default.
        Low = "low",
        /// It rests on a name or a classifier.
        Medium = "medium",
        /// True or false from the bytes.
        High = "high",
    }
}

words! {
    /// What a finding states. Only `Fail` counts; the others carry no level.
    pub enum FindingKind {
        /// The bad thing is in the files.
        Fail = "fail",
        /// Something required was not found, but may lie outside the repository.
        Open = "open",
        /// Only a person can decide.
        Review = "review",
    }
}

/// A second place that a finding speaks of, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Span,
    /// What is there, as a label: "staging deploys here".
    pub message: String,
}

/// Since when git holds what a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The commit that brought it.
    pub introduction: Introduction,
    /// Where it stood then; of a message, a name below `.git` where no file lies.
    pub path: String,
    /// Whether it stood in a file, or in a message.
    pub carrier: Carrier,
    /// Whether HEAD's tree holds it.
    pub in_head: bool,
    /// Whether the finding's own place is in history, rather than in the files that were judged.
    pub past: bool,
}

/// One statement of one rule about one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// What it states.
    pub kind: FindingKind,
    /// The rule's severity under the policy.
    pub severity: Severity,
    /// The lower of the rule's confidence and that of the evidence.
    pub confidence: Confidence,
    /// A sentence about the reader's own thing, e.g. "Job `ship` deploys to production without …".
    pub message: String,
    /// Label at the place itself; short.
    pub label: String,
    /// Where.
    pub place: Span,
    /// Other places that it speaks of.
    pub related: Vec<Related>,
    /// Files whose content it depends on, besides that of `place`.
    pub depends: Vec<FileId>,
    /// What it is about, in a form that survives edits elsewhere: `job ship`, `action owner/x@v1`.
    pub subject: String,
    /// What speaks against it, if anything.
    pub against: Option<String>,
    /// How sure we are that the credential which it speaks of is one, if it speaks of one.
    pub certainty: Option<Certainty>,
    /// Since when git holds it, if history was read.
    pub origin: Option<Origin>,
}

impl Finding {
    /// Adds a related place.
    pub fn relate(&mut self, place: Span, message: impl Into<String>) -> &mut Finding {
        self.related.push(Related { place, message: message.into() });
        self
    }

    /// Lowers the confidence to at most `confidence`.
    pub fn at_most(&mut self, confidence: Confidence) -> &mut Finding {
        self.confidence = self.confidence.min(confidence);
        self
    }

    /// Says what speaks against it.
    pub fn against(&mut self, text: impl Into<String>) -> &mut Finding {
        self.against = Some(text.into());
        self
    }

    /// Says how sure we are of the credential that it speaks of.
    pub fn certain(&mut self, certainty: Certainty) -> &mut Finding {
        self.certainty = Some(certainty);
        self
    }

    /// Sets the label at the place.
    pub fn label(&mut self, text: impl Into<String>) -> &mut Finding {
        self.label = text.into();
        self
    }

    /// Names a file whose content it rests on.
    pub fn depend(&mut self, file: FileId) -> &mut Finding {
        self.depends.push(file);
        self
    }
}

/// What a rule says of a repository. Silence is never a pass: what was looked at is stated.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The rule's id.
    pub rule: String,
    /// Its findings.
    pub findings: Vec<Finding>,
    /// Places that were looked at.
    pub examined: Vec<Span>,
    /// Places that positively satisfy the rule.
    pub satisfied: Vec<Span>,
    /// Why the rule has nothing to say here, if its subject does not exist.
    pub not_applicable: Option<String>,
    /// Why nothing was judged though the subject may exist: what it lies in was not read. Its clauses stay open.
    pub not_judged: Option<String>,
    /// The rule did not come to an end.
    pub crashed: bool,
    severity: Severity,
    confidence: Confidence,
}

impl Verdict {
    /// An empty verdict of a rule with this severity and confidence.
    pub fn new(rule: &str, severity: Severity, confidence: Confidence) -> Verdict {
        Verdict {
            rule: rule.to_owned(),
            findings: Vec::new(),
            examined: Vec::new(),
            satisfied: Vec::new(),
            not_applicable: None,
            not_judged: None,
            crashed: false,
            severity,
            confidence,
        }
    }

    /// States that `place` was looked at.
    pub fn examined(&mut self, place: Span) {
        self.examined.push(place);
    }

    /// States that `place` satisfies the rule.
    pub fn satisfied(&mut self, place: Span) {
        self.examined.push(place);
        self.satisfied.push(place);
    }

    /// The bad thing is here.
    pub fn fail(
        &mut self,
        place: Span,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(FindingKind::Fail, place, subject.into(), message.into())
    }

    /// Something required was not found; it may lie outside the repository.
    pub fn open(
        &mut self,
        place: Span,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(FindingKind::Open, place, subject.into(), message.into())
    }

    /// A person must look here.
    pub fn review(
        &mut self,
        place: Span,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(FindingKind::Review, place, subject.into(), message.into())
    }

    /// The rule's subject does not exist here.
    pub fn not_applicable(&mut self, why: impl Into<String>) {
        self.not_applicable = Some(why.into());
    }

    /// What the rule is about may well exist where this run did not look.
    pub fn not_judged(&mut self, why: impl Into<String>) {
        self.not_judged = Some(why.into());
    }

    fn add(&mut self, kind: FindingKind, place: Span, subject: String, message: String) -> &mut Finding {
        self.examined.push(place);
        self.findings.push(Finding {
            rule: self.rule.clone(),
            kind,
            severity: self.severity,
            confidence: self.confidence,
            message,
            label: String::new(),
            place,
            related: Vec::new(),
            depends: Vec::new(),
            subject,
            against: None,
            certainty: None,
            origin: None,
        });
        self.findings.last_mut().expect("just pushed")
    }
}
