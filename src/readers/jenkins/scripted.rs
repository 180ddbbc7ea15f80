//! Steps that order others: `node`, `stage`, `parallel`, and `input`, which stops all that follows.

use super::condition::both;
use super::job::Frame;
use super::walk::Walk;
use crate::facts::GateKind;
use crate::syntax::groovy::{Argument, Block, Call, Expr};
use std::ops::Range;

impl<'a> Walk<'a> {
    /// `node('label') { … }`.
    pub(super) fn machine(&mut self, call: &'a Call) {
        let outer = self.frame.agent.clone();
        if call.name == "node" {
            self.frame.agent.labels = self.reading.first(call, "label").into_iter().collect();
        }
        let reading = self.reading;
        reading.pod(call, &mut self.frame.agent);
        if self.frame.name.is_empty() {
            self.frame.name = "node".to_owned();
            self.frame.id = "node".to_owned();
            self.frame.place = reading.span(&call.name_at);
            self.frame.body = reading.span(&call.at);
        }
        call.body.iter().for_each(|b| self.block(b));
        self.finish();
        self.frame.agent = outer;
    }

    /// `stage('x') { … }` among steps, or `stage 'x'`, which begins one that the next ends.
    pub(super) fn scripted_stage(&mut self, call: &'a Call) {
        let name = self.reading.first(call, "name");
        let place = name.as_ref().map_or(self.reading.span(&call.name_at), |n| n.span);
        let label = name.map_or_else(|| "stage".to_owned(), |n| self.known(&n.value));
        let mut frame = self.frame.inner(&label, place, self.reading.span(&call.at));
        // The name of the node is no stage.
        frame.stage = frame.stage.filter(|s| s != "node");
        let guard = self.guards.iter().fold(None, |all, g| both(all.as_ref(), Some(g)));
        frame.condition = both(frame.condition.as_ref(), guard.as_ref());
        frame.tolerated = self.tolerated.clone().or(frame.tolerated);
        let Some(body) = call.body.as_ref().or(match call.arguments.last() {
            Some(Argument { value: Expr::Closure(body), .. }) => Some(body),
            _ => None,
        }) else {
            self.finish();
            self.frame = Frame { stage: self.frame.stage.clone(), ..frame };
            return;
        };
        let guards = std::mem::take(&mut self.guards);
        let tolerated = self.tolerated.take();
        self.within(frame, |walk| walk.block(body));
        self.guards = guards;
        self.tolerated = tolerated;
    }

    /// `parallel a: { … }, b: { … }`.
    pub(super) fn parallel(&mut self, call: &'a Call) {
        let items: &'a [Argument] = match call.arguments.first() {
            Some(Argument { name: None, value: Expr::List(all, _) }) => all,
            _ => &call.arguments,
        };
        let branches: Vec<(&'a str, &'a Range<usize>, &'a Block)> = items
            .iter()
            .filter_map(|a| match (&a.name, &a.value) {
                (Some((name, at)), Expr::Closure(body)) => Some((name.as_str(), at, body)),
                _ => None,
            })
            .collect();
        if branches.is_empty() {
            // Branches that a program makes.
            self.complete = false;
            return;
        }
        self.side_by_side(branches, |walk, (name, at, body)| {
            let mut frame = walk.frame.inner(name, walk.reading.span(at), walk.reading.span(&body.at));
            frame.stage = frame.stage.filter(|s| s != "node");
            walk.within(frame, |walk| walk.block(body));
        });
    }

    /// Waits for a person. <https://www.jenkins.io/doc/pipeline/steps/pipeline-input-step/>
    pub(super) fn input(&mut self, call: &'a Call, given: Option<&str>) {
        let guard = self.guards.iter().fold(None, |all, g| both(all.as_ref(), Some(g)));
        // A condition that whoever starts the run decides lets him go past.
        let asked = guard
            .as_ref()
            .is_some_and(|g| g.text.contains("params.") || g.text.to_ascii_lowercase().contains("skip"));
        let passed_by = self.tolerated.is_some();
        let kind = if passed_by || asked { GateKind::Optional } else { GateKind::Blocking };
        let gate = self.gate(kind, self.reading.span(&call.at));
        let rest = self.frame.clone();
        if !self.frame.steps.is_empty() {
            self.finish();
        }
        self.frame.gates.push(gate);
        self.use_step("input", call, None);
        let _ = given;
        if guard.is_some() {
            // What is asked under a condition is asked in a job of its own under that condition.
            self.frame.condition = both(self.frame.condition.as_ref(), guard.as_ref());
            self.finish();
            self.frame.condition = rest.condition;
        }
    }
}
