//! `pipeline { … }`: stages in their order, with what surrounds them.
//! <https://www.jenkins.io/doc/book/pipeline/syntax/#declarative-pipeline>

use super::condition::both;
use super::head::calls;
use super::job::Frame;
use super::walk::Walk;
use crate::facts::*;
use crate::syntax::groovy::{Block, Call, Expr};

impl<'a> Walk<'a> {
    /// The whole pipeline.
    pub(super) fn declarative(&mut self, pipeline: &'a Call) {
        let Some(body) = &pipeline.body else { return };
        let place = self.reading.span(&pipeline.name_at);
        self.frame = Frame::new("", place, self.reading.span(&pipeline.at));
        self.directives(body, true);
        let mut held = false;
        for call in calls(body) {
            match call.name.as_str() {
                "stages" => {
                    held = true;
                    self.stages(call);
                }
                "libraries" => {
                    let names: Vec<_> = call
                        .body
                        .iter()
                        .flat_map(calls)
                        .filter_map(|c| self.reading.first(c, "lib"))
                        .collect();
                    self.outside.extend(names.iter().map(super::library));
                }
                _ => {}
            }
        }
        self.complete &= held;
        for call in calls(body).filter(|c| c.name == "post") {
            let all: Vec<u32> = (0..self.jobs.len() as u32).collect();
            let on_way: Vec<u32> = all.into_iter().filter(|j| self.late.contains(j)).collect();
            self.last.extend(on_way);
            self.last.sort_unstable();
            self.last.dedup();
            self.post(call, "");
        }
    }

    /// `agent`, `environment`, `options`, `parameters`, `triggers` of a pipeline or a stage.
    fn directives(&mut self, body: &'a Block, top: bool) {
        for call in calls(body) {
            match (call.name.as_str(), &call.body) {
                ("agent", _) => self.frame.agent = self.reading.agent(call),
                ("environment", Some(block)) => {
                    let reading = self.reading;
                    let (settings, secrets) = reading.environment(block, self);
                    if top {
                        self.head.settings.extend(settings);
                        self.head.secrets.extend(secrets);
                    } else {
                        // The nearest is looked at first.
                        let outer = std::mem::replace(&mut self.frame.settings, settings);
                        self.frame.settings.extend(outer);
                        self.frame.secrets.extend(secrets);
                    }
                }
                ("options", Some(block)) => {
                    let reading = self.reading;
                    let limits = reading.options(calls(block), self);
                    self.frame.limits.minutes = limits.minutes.or(self.frame.limits.minutes);
                    self.locked(limits.lock);
                }
                ("parameters", Some(block)) => {
                    let reading = self.reading;
                    reading.parameters(calls(block), reading.span(&call.name_at), self);
                }
                ("triggers", Some(block)) => self.reading.starts(calls(block), &mut self.head),
                _ => {}
            }
        }
    }

    /// `stages { stage('a') { … } }`, one after another.
    fn stages(&mut self, call: &'a Call) {
        for statement in call.body.iter().flat_map(|b| &b.statements) {
            match statement {
                crate::syntax::groovy::Statement::Value { value: Expr::Call(stage), .. }
                    if stage.name == "stage" =>
                {
                    self.stage(stage);
                }
                // Declarative pipelines allow nothing else here.
                _ => self.complete = false,
            }
        }
    }

    fn stage(&mut self, call: &'a Call) {
        if self.too_deep() {
            return;
        }
        self.depth += 1;
        let name = self.reading.first(call, "name");
        let place = name.as_ref().map_or(self.reading.span(&call.name_at), |n| n.span);
        let label = name.map_or_else(|| "stage".to_owned(), |n| self.known(&n.value));
        let frame = self.frame.inner(&label, place, self.reading.span(&call.at));
        let Some(body) = &call.body else {
            self.depth -= 1;
            return;
        };
        let from = self.jobs.len();
        self.within(frame, |walk| {
            walk.directives(body, false);
            walk.conditions(body);
            for part in calls(body) {
                match part.name.as_str() {
                    "steps" => {
                        if let Some(steps) = &part.body {
                            walk.block(steps);
                        }
                        walk.hold_place();
                    }
                    "stages" => walk.stages(part),
                    "parallel" => {
                        let branches: Vec<&Call> =
                            part.body.iter().flat_map(calls).filter(|c| c.name == "stage").collect();
                        walk.side_by_side(branches, |walk, stage| walk.stage(stage));
                    }
                    "matrix" => walk.matrix(part),
                    _ => {}
                }
            }
            walk.finish();
            for post in calls(body).filter(|c| c.name == "post") {
                if walk.jobs.len() > from {
                    walk.post(post, &label);
                }
            }
        });
        self.depth -= 1;
    }

    /// A stage that only says something is a stage all the same.
    fn hold_place(&mut self) {
        if self.frame.steps.is_empty() && self.frame.transfers.is_empty() && self.frame.gates.is_empty() {
            return;
        }
        self.finish();
    }

    /// `when` and the `input` of a stage.
    fn conditions(&mut self, body: &'a Block) {
        for call in calls(body) {
            let Some(block) = &call.body else { continue };
            match call.name.as_str() {
                "when" => {
                    let when = self.reading.when(block);
                    if !when.branches.is_empty()
                        || when.text.contains("changeRequest")
                        || when.text.contains("buildingTag")
                    {
                        self.head.branches.get_or_insert(when.place);
                    }
                    self.frame.condition = both(self.frame.condition.as_ref(), Some(&when));
                }
                "input" => {
                    let gate = self.gate(GateKind::Blocking, self.reading.span(&call.at));
                    self.frame.gates.push(gate);
                }
                _ => {}
            }
        }
    }

    /// `matrix { axes { axis { name 'X'; values 'a', 'b' } } stages { … } }`.
    fn matrix(&mut self, call: &'a Call) {
        let Some(body) = &call.body else { return };
        for axis in calls(body).filter(|c| c.name == "axes").flat_map(|c| c.body.iter().flat_map(calls)) {
            let of = |key: &str| axis.body.iter().flat_map(calls).find(|c| c.name == key);
            let Some(name) = of("name").and_then(|c| self.reading.first(c, "name")) else { continue };
            let values: Vec<String> = of("values")
                .into_iter()
                .flat_map(|c| {
                    c.plain().filter_map(|e| self.reading.said(e)).map(|t| t.value).collect::<Vec<_>>()
                })
                .collect();
            self.variables.set(&name.value, values.clone());
            self.frame.dimensions.push((name.value, values));
        }
        self.directives(body, false);
        self.conditions(body);
        for stages in calls(body).filter(|c| c.name == "stages") {
            self.stages(stages);
        }
    }

    /// `post { always { … } failure { … } }`: what runs when the stages before have ended, by how they did.
    /// <https://www.jenkins.io/doc/book/pipeline/syntax/#post>
    fn post(&mut self, call: &'a Call, stage: &str) {
        self.finish();
        let before = self.last.clone();
        let mut onward = before.clone();
        for part in call.body.iter().flat_map(calls) {
            let Some(block) = &part.body else { continue };
            let place = self.reading.span(&part.name_at);
            let kind = part.name.as_str();
            let name = format!("{stage} post {kind}").trim_start().to_owned();
            let mut frame = self.frame.inner(&name, place, self.reading.span(&part.at));
            frame.gates.clear();
            let condition = Condition {
                always: matches!(kind, "always" | "cleanup"),
                on_failure: matches!(
                    kind,
                    "failure" | "unsuccessful" | "regression" | "unstable" | "aborted"
                ),
                ..Condition::new(place, format!("post {kind}"))
            };
            let condition = if kind == "success" { None } else { Some(condition) };
            frame.condition = both(self.frame.condition.as_ref(), condition.as_ref());
            frame.stage = Some(stage.to_owned()).filter(|s| !s.is_empty());
            self.last.clone_from(&before);
            let from = self.jobs.len() as u32;
            self.within(frame, |walk| walk.block(block));
            let to = self.jobs.len() as u32;
            self.late.extend(from..to);
            // What is done after success or in any case, the next stage waits for.
            if matches!(kind, "success" | "always") && to > from {
                onward.push(to - 1);
            }
        }
        self.last = onward;
    }
}
