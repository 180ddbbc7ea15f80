//! What has surely happened before a run, and who had to say yes.

use super::{Condition, Edge, Flow, Gate, GateKind, Job, Nearest, Node, Pipeline};
use std::cell::OnceCell;

/// The answer to a question about all ways to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// Every way passes.
    Yes,
    /// There is a way that does not pass.
    No,
    /// The files do not tell; the text says what would.
    Unknown(String),
}

/// For every run, whether all ways to it have passed some marked runs.
///
/// What is needed always came first, so one such run among the needs is enough; alternatives arise
/// from triggers: a pipeline that starts by the end of another *or* by hand has two ways.
///
/// Up to 64 questions are answered at once, each of which marks runs of its own; bit *n* is the *n*-th.
pub struct Passing<'f> {
    flow: &'f Flow,
    pipelines: &'f [Pipeline],
    marks: Vec<u64>,
    /// Through what is needed, with success.
    firm: Vec<u64>,
    /// Through a pipeline at whose end this one starts.
    onward: Vec<u64>,
    /// By question, the marked run that comes before, surely or not.
    weak: Vec<OnceCell<Nearest>>,
}

impl Passing<'_> {
    /// Whether every way to `to` has passed, with success, a run that question number `question` marks.
    pub fn answer(&self, to: Node, question: usize) -> Path {
        let bit = 1u64 << question;
        if self.firm[to.0 as usize] & bit != 0 {
            return Path::Yes;
        }
        if let Some(weak) = self.weak(question).of(to) {
            if self.flow.job(to, self.pipelines).condition.as_ref().is_some_and(|c| c.always) {
                return Path::No;
            }
            let name = &self.flow.job(weak, self.pipelines).name;
            return Path::Unknown(format!(
                "`{name}` comes before it, but may take no part under another condition"
            ));
        }
        if self.onward[to.0 as usize] & bit == 0 {
            return Path::No;
        }
        match started_otherwise(self.flow, self.pipelines, to) {
            None => Path::Yes,
            Some(event) => Path::Unknown(format!(
                "it runs after another pipeline that does, but `{event}` starts it too"
            )),
        }
    }

    /// Whether every way to `to` has passed, with success, a marked run: the answer to the only question.
    pub fn to(&self, to: Node) -> Path {
        self.answer(to, 0)
    }

    fn weak(&self, question: usize) -> &Nearest {
        self.weak[question].get_or_init(|| {
            let marked = |n: Node| self.marks[n.0 as usize] >> question & 1 == 1;
            self.flow.nearest_by(|edge| edge != Edge::Triggers, marked)
        })
    }
}

/// What else than another pipeline starts a run.
fn started_otherwise<'p>(flow: &Flow, pipelines: &'p [Pipeline], node: Node) -> Option<&'p str> {
    let root = &pipelines[flow.run(node).root];
    root.triggers.iter().find(|t| t.upstream.is_empty()).map(|t| t.event.as_str())
}

/// For every run, a gate that holds it.
pub struct Held<'f> {
    flow: &'f Flow,
    pipelines: &'f [Pipeline],
    accept: fn(GateKind) -> bool,
    firm: Nearest,
    late: Nearest,
}

impl<'f> Held<'f> {
    /// The first gate that holds `node`, and the run whose gate it is: its own or one of a run that it needs or
    /// is called by. A later stage does not wait for an optional gate of an earlier one, but a blocking gate
    /// holds it too.
    pub fn of(&self, node: Node) -> Option<(&'f Gate, Node)> {
        let gate = |n: Node, accept: fn(GateKind) -> bool| {
            let gates = &self.flow.job(n, self.pipelines).gates;
            gates.iter().find(|g| accept(g.gate)).map(|g| (g, n))
        };
        gate(node, self.accept)
            .or_else(|| gate(self.firm.of(node)?, self.accept))
            .or_else(|| gate(self.late.of(node)?, is_blocking))
    }

    /// Whether any holds it.
    pub fn any(&self, node: Node) -> bool {
        self.of(node).is_some()
    }
}

fn is_blocking(gate: GateKind) -> bool {
    gate == GateKind::Blocking
}

impl Flow {
    /// Answers, for all runs, whether each way to them has passed, with success, a run for which `through` holds.
    pub fn passing<'f>(&'f self, pipelines: &'f [Pipeline], through: impl Fn(Node) -> bool) -> Passing<'f> {
        self.passing_each(pipelines, 1, |node| u64::from(through(node)))
    }

    /// Answers so many such questions at once, at most 64; `through` gives the bits of those that mark a run.
    pub fn passing_each<'f>(
        &'f self,
        pipelines: &'f [Pipeline],
        questions: usize,
        through: impl Fn(Node) -> u64,
    ) -> Passing<'f> {
        let count = self.runs().len();
        let marks: Vec<u64> = self.nodes().map(through).collect();
        let mut firm = vec![0u64; count];
        // What comes before at all, and which pipelines that started this one pass.
        let (mut any, mut onward) = (vec![0u64; count], vec![0u64; count]);
        for &node in &self.order {
            let at = node.0 as usize;
            let condition = self.job(node, pipelines).condition.as_ref();
            let passes_on = !condition.is_some_and(|c| c.always);
            self.looked(self.before[at].len());
            for &(earlier, edge) in &self.before[at] {
                let from = earlier.0 as usize;
                if edge == Edge::Triggers {
                    let alone = onward[from] & !any[from];
                    let yes = if started_otherwise(self, pipelines, earlier).is_none() { alone } else { 0 };
                    onward[at] |= marks[from] | firm[from] | yes;
                    continue;
                }
                let job: &Job = self.job(earlier, pipelines);
                let holds =
                    passes_on && (edge != Edge::Order || same_condition(job.condition.as_ref(), condition));
                if holds {
                    let blocking = job.tolerated.as_ref().is_none_or(|t| t.applies.known() != Some(&true));
                    firm[at] |= firm[from] | if blocking { marks[from] } else { 0 };
                }
                any[at] |= any[from] | marks[from];
                onward[at] |= onward[from];
            }
        }
        let weak = (0..questions).map(|_| OnceCell::new()).collect();
        Passing { flow: self, pipelines, marks, firm, onward, weak }
    }

    /// For all runs, which gate of an accepted kind holds them.
    pub fn held<'f>(&'f self, pipelines: &'f [Pipeline], accept: fn(GateKind) -> bool) -> Held<'f> {
        let has = |n: Node, accept: fn(GateKind) -> bool| {
            self.job(n, pipelines).gates.iter().any(|g| accept(g.gate))
        };
        let firm = self.nearest_by(|edge| edge != Edge::Order, |n| has(n, accept));
        let late = if accept(GateKind::Blocking) {
            self.nearest_before(|n| has(n, is_blocking))
        } else {
            Nearest::default()
        };
        Held { flow: self, pipelines, accept, firm, late }
    }

    /// For all runs, whether a gate that surely stops stands before them.
    pub fn held_back<'f>(&'f self, pipelines: &'f [Pipeline]) -> Held<'f> {
        self.held(pipelines, is_blocking)
    }

    /// All gates that hold a run, as [`Held::of`] has it.
    pub fn gates<'p>(&self, node: Node, pipelines: &'p [Pipeline]) -> Vec<(&'p Gate, Node)> {
        let mut firm = self.walk(&[node], &self.before, |e| e != Edge::Order);
        firm.insert(0, node);
        let mut known = vec![false; self.runs().len()];
        firm.iter().for_each(|n| known[n.0 as usize] = true);
        let ordered = self.before(node);
        let gates = |n: Node| self.job(n, pipelines).gates.iter().map(move |g| (g, n));
        let held = ordered.into_iter().filter(|n| !known[n.0 as usize]).flat_map(gates);
        let held: Vec<_> = held.filter(|(g, _)| g.gate == GateKind::Blocking).collect();
        firm.iter().copied().flat_map(gates).chain(held).collect()
    }
}

fn same_condition(a: Option<&Condition>, b: Option<&Condition>) -> bool {
    match (a, b) {
        (None, _) => true,
        (Some(a), Some(b)) => a.text == b.text,
        (Some(_), None) => false,
    }
}
