//! Jobs while they are collected, and their order.

use super::containers::Agent;
use super::head::Limits;
use super::walk::Walk;
use crate::facts::*;
use crate::text::{Span, Spanned};

/// A stage, or the steps outside all stages.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) stage: Option<String>,
    pub(super) place: Span,
    pub(super) body: Span,
    pub(super) agent: Agent,
    pub(super) limits: Limits,
    pub(super) condition: Option<Condition>,
    pub(super) tolerated: Option<Tolerance>,
    pub(super) settings: Vec<Setting>,
    pub(super) secrets: Vec<SecretUse>,
    pub(super) gates: Vec<Gate>,
    pub(super) dimensions: Vec<(String, Vec<String>)>,
    pub(super) steps: Vec<Step>,
    pub(super) transfers: Vec<Transfer>,
}

impl Frame {
    pub(super) fn new(name: &str, place: Span, body: Span) -> Frame {
        Frame {
            id: name.to_owned(),
            name: name.to_owned(),
            stage: None,
            place,
            body,
            agent: Agent::default(),
            limits: Limits::default(),
            condition: None,
            tolerated: None,
            settings: Vec::new(),
            secrets: Vec::new(),
            gates: Vec::new(),
            dimensions: Vec::new(),
            steps: Vec::new(),
            transfers: Vec::new(),
        }
    }

    /// A stage within this one: what is said of the outer one holds in it.
    pub(super) fn inner(&self, name: &str, place: Span, body: Span) -> Frame {
        Frame {
            id: name.to_owned(),
            name: name.to_owned(),
            stage: Some(self.name.clone()).filter(|n| !n.is_empty()),
            place,
            body,
            steps: Vec::new(),
            transfers: Vec::new(),
            ..self.clone()
        }
    }
}

/// Jobs of one file; what is longer was made by a program.
const MOST_JOBS: usize = 10_000;

/// A job waits for at most so many by name.
const MOST_NEEDS: usize = 32;

impl Walk<'_> {
    /// Ends the job that is being collected. It is left out if nothing is in it.
    pub(super) fn finish(&mut self) {
        let steps = std::mem::take(&mut self.frame.steps);
        let transfers = std::mem::take(&mut self.frame.transfers);
        if steps.is_empty() && transfers.is_empty() && self.frame.gates.is_empty() {
            return;
        }
        if self.jobs.len() >= MOST_JOBS {
            self.complete = false;
            return;
        }
        let frame = self.frame.clone();
        self.frame.gates.clear();
        let index = self.jobs.len() as u32;
        let mut id = frame.id.clone();
        let taken = self.ids.entry(id.clone()).or_insert(0);
        *taken += 1;
        if *taken > 1 {
            id = format!("{id} #{taken}");
        }
        let mut job = Job::new(frame.place, frame.body, id, frame.name);
        job.stage = frame.stage;
        job.needs = self.last.iter().map(|&before| self.need(before, frame.place)).collect();
        job.gates = frame.gates;
        job.condition = frame.condition;
        // A job all of whose steps may fail cannot fail.
        let all = steps.iter().all(|s| s.tolerated.is_some());
        job.tolerated = frame.tolerated.or_else(|| steps.first().filter(|_| all)?.tolerated.clone());
        job.images = frame.agent.images;
        job.runner = frame.agent.labels;
        job.secrets = frame.secrets;
        job.secrets.extend(steps.iter().flat_map(|s| s.secrets.iter().cloned()));
        job.settings = frame.settings;
        job.matrix =
            frame.dimensions.iter().flat_map(|(n, v)| v.iter().map(move |v| format!("{n}={v}"))).collect();
        job.dimensions = frame.dimensions;
        job.transfers = transfers;
        job.lock = frame.limits.lock;
        job.timeout_minutes = frame.limits.minutes;
        job.steps = steps;
        // A stage that may be skipped does not stand between what follows and what came before.
        let before = match job.condition.is_some() && self.last.len() < MOST_NEEDS {
            true => std::mem::take(&mut self.last),
            false => Vec::new(),
        };
        self.jobs.push(job);
        self.last = std::iter::once(index).chain(before).collect();
    }

    fn need(&self, before: u32, place: Span) -> Need {
        let job = &self.jobs[before as usize];
        // A stage that its `when` skips lets the next one run.
        let order_only = job.condition.is_some();
        Need { place, job: Some(before), name: job.id.clone(), optional: false, order_only }
    }

    /// Collects steps into a job of their own, behind all that came before.
    pub(super) fn within(&mut self, frame: Frame, walk: impl FnOnce(&mut Self)) {
        self.finish();
        let outer = std::mem::replace(&mut self.frame, frame);
        walk(self);
        self.finish();
        // What follows in the outer stage is a part of it.
        self.frame = Frame { steps: Vec::new(), transfers: Vec::new(), gates: Vec::new(), ..outer };
    }

    /// Runs each of these behind what came before, and lets what follows wait for all.
    pub(super) fn side_by_side<T>(&mut self, branches: Vec<T>, mut walk: impl FnMut(&mut Self, T)) {
        self.finish();
        let before = self.last.clone();
        let mut ends: Vec<u32> = Vec::new();
        for branch in branches {
            self.last.clone_from(&before);
            walk(self, branch);
            self.finish();
            ends.extend(self.last.iter().copied().filter(|l| !before.contains(l)));
        }
        ends.sort_unstable();
        ends.dedup();
        self.last = if ends.is_empty() { before } else { ends };
    }

    pub(super) fn gate(&self, kind: GateKind, place: Span) -> Gate {
        Gate { place, gate: kind, what: "input".to_owned() }
    }

    /// A label or resource, as the name of a lock.
    pub(super) fn locked(&mut self, lock: Option<Spanned<String>>) {
        if lock.is_some() {
            self.frame.limits.lock = lock;
        }
    }
}
