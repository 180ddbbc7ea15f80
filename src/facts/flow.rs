//! The order in which jobs run, over all pipelines, and questions about it.
//!
//! A [`Run`] is one job in one context: a reusable workflow that is called for staging and again for
//! production yields two runs of each of its jobs, with targets and artifacts filled in from the call.

use super::{Condition, Effect, EffectKind, Gate, GateKind, Job, Pipeline, Stage, Target};
use std::collections::VecDeque;

/// A run; an index into [`Flow::runs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(pub u32);

/// One job in one context.
#[derive(Debug, Clone)]
pub struct Run {
    /// Index of its pipeline in [`super::Facts::pipelines`].
    pub pipeline: usize,
    /// Index of its job in the pipeline.
    pub job: usize,
    /// The run of the job that calls this run's pipeline.
    pub caller: Option<Node>,
    /// Index of the pipeline whose triggers started all this.
    pub root: usize,
    /// The job's environment, with inputs of the call filled in.
    pub target: Option<Target>,
    /// The effects of its steps, likewise; actions and scripts that they call are looked into.
    pub effects: Vec<Effect>,
}

/// Why one run comes after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// It needs the other's success; without it, it does not run.
    Needs,
    /// It comes later, but runs even if the other took no part (stages, optional needs).
    Order,
    /// It is inside the pipeline that the other calls.
    Calls,
    /// It starts when the other's pipeline has ended.
    Triggers,
}

/// The answer to a question about all ways to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// Every way passes.
    Yes,
    /// There is a way that does not pass: these runs, in order, the last is the one asked about.
    No(Vec<Node>),
    /// The files do not tell; the text says what would.
    Unknown(String),
}

/// All runs and their order. Acyclic: edges that would close a circle are left out when it is built.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    runs: Vec<Run>,
    before: Vec<Vec<(Node, Edge)>>,
    after: Vec<Vec<(Node, Edge)>>,
}

impl Flow {
    /// Builds a flow. An edge `(a, b, kind)` says that `a` comes before `b`; edges to missing runs and
    /// edges that close a circle (in order of the list) are dropped.
    pub fn new(runs: Vec<Run>, edges: &[(Node, Node, Edge)]) -> Flow {
        let count = runs.len();
        let mut flow = Flow { runs, before: vec![Vec::new(); count], after: vec![Vec::new(); count] };
        let mut sorted: Vec<_> = edges
            .iter()
            .copied()
            .filter(|(a, b, _)| (a.0 as usize) < count && (b.0 as usize) < count && a != b)
            .collect();
        sorted.sort_by_key(|&(a, b, kind)| (a, b, kind as u8));
        sorted.dedup();
        for (a, b, kind) in sorted {
            flow.after[a.0 as usize].push((b, kind));
            flow.before[b.0 as usize].push((a, kind));
        }
        flow.break_circles();
        flow
    }

    /// Removes back edges found by an iterative depth-first walk, so that every question terminates.
    fn break_circles(&mut self) {
        let count = self.runs.len();
        let mut state = vec![0u8; count];
        let mut back: Vec<(usize, usize)> = Vec::new();
        for root in 0..count {
            if state[root] != 0 {
                continue;
            }
            let mut stack = vec![(root, 0usize)];
            state[root] = 1;
            while let Some((node, next)) = stack.last_mut() {
                let Some(&(to, _)) = self.after[*node].get(*next) else {
                    state[*node] = 2;
                    stack.pop();
                    continue;
                };
                *next += 1;
                let to = to.0 as usize;
                match state[to] {
                    0 => {
                        state[to] = 1;
                        stack.push((to, 0));
                    }
                    1 => back.push((*node, to)),
                    _ => {}
                }
            }
        }
        for (a, b) in back {
            self.after[a].retain(|(n, _)| n.0 as usize != b);
            self.before[b].retain(|(n, _)| n.0 as usize != a);
        }
    }

    /// All runs; a [`Node`] is an index into them.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// All nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.runs.len() as u32).map(Node)
    }

    /// The run of a node.
    pub fn run(&self, node: Node) -> &Run {
        &self.runs[node.0 as usize]
    }

    /// The job of a node.
    pub fn job<'p>(&self, node: Node, pipelines: &'p [Pipeline]) -> &'p Job {
        let run = self.run(node);
        &pipelines[run.pipeline].jobs[run.job]
    }

    /// Runs with an effect of this kind, whose target may be `stage` if one is given.
    pub fn with_effect(&self, effect: EffectKind, stage: Option<Stage>) -> Vec<Node> {
        self.nodes().filter(|&n| self.has_effect(n, effect, stage)).collect()
    }

    /// Whether the run has such an effect.
    pub fn has_effect(&self, node: Node, effect: EffectKind, stage: Option<Stage>) -> bool {
        let run = self.run(node);
        run.effects.iter().any(|e| {
            e.effect == effect
                && stage
                    .is_none_or(|s| e.target.as_ref().or(run.target.as_ref()).is_some_and(|t| t.may_be(s)))
        })
    }

    /// Everything that comes before `node`, nearest first, by whatever kind of edge.
    pub fn before(&self, node: Node) -> Vec<Node> {
        walk(&[node], &self.before, |_| true)
    }

    /// Everything that comes after `node`, nearest first.
    pub fn after(&self, node: Node) -> Vec<Node> {
        walk(&[node], &self.after, |_| true)
    }

    /// Everything that comes before any of these, without themselves, in one walk.
    pub fn before_any(&self, nodes: &[Node]) -> Vec<Node> {
        walk(nodes, &self.before, |_| true)
    }

    /// Everything that comes after any of these, without themselves, in one walk.
    pub fn after_any(&self, nodes: &[Node]) -> Vec<Node> {
        walk(nodes, &self.after, |_| true)
    }

    /// The direct predecessors and the kinds of their edges.
    pub fn edges_before(&self, node: Node) -> &[(Node, Edge)] {
        &self.before[node.0 as usize]
    }

    /// Whether every way to `to` has passed, with success, a run for which `through` holds.
    ///
    /// What is needed always came first, so one such run among the needs is enough; alternatives arise
    /// from triggers: a pipeline that starts by the end of another *or* by hand has two ways.
    pub fn every_path(&self, to: Node, pipelines: &[Pipeline], through: &dyn Fn(Node) -> bool) -> Path {
        self.passes(to, pipelines, through, 0)
    }

    fn passes(&self, to: Node, pipelines: &[Pipeline], through: &dyn Fn(Node) -> bool, depth: u8) -> Path {
        let job = self.job(to, pipelines);
        let mut weak: Option<Node> = None;
        let mut firm = vec![to];
        let mut seen = vec![false; self.runs.len()];
        seen[to.0 as usize] = true;
        let mut queue = VecDeque::from([(to, true)]);
        let mut chain: Vec<Node> = Vec::new();
        while let Some((node, strong)) = queue.pop_front() {
            chain.push(node);
            let passes_on = !self.job(node, pipelines).condition.as_ref().is_some_and(|c| c.always);
            for &(earlier, edge) in self.edges_before(node) {
                if edge == Edge::Triggers || std::mem::replace(&mut seen[earlier.0 as usize], true) {
                    continue;
                }
                let same = same_condition(
                    self.job(earlier, pipelines).condition.as_ref(),
                    self.job(node, pipelines).condition.as_ref(),
                );
                let holds = strong && passes_on && (edge != Edge::Order || same);
                let tolerated = self.job(earlier, pipelines).tolerated.as_ref();
                let blocking = tolerated.is_none_or(|t| t.applies.known() != Some(&true));
                if through(earlier) {
                    if holds && blocking {
                        return Path::Yes;
                    }
                    weak.get_or_insert(earlier);
                }
                if holds {
                    firm.push(earlier);
                }
                queue.push_back((earlier, holds));
            }
        }
        if let Some(weak) = weak {
            let name = &self.job(weak, pipelines).name;
            let always = job.condition.as_ref().is_some_and(|c| c.always);
            return if always {
                Path::No(vec![weak, to])
            } else {
                Path::Unknown(format!(
                    "`{name}` comes before it, but may take no part under another condition"
                ))
            };
        }
        self.passes_by_trigger(to, &chain, pipelines, through, depth)
    }

    /// Whether each trigger of the root pipeline brings a pipeline before it that passes.
    fn passes_by_trigger(
        &self,
        to: Node,
        chain: &[Node],
        pipelines: &[Pipeline],
        through: &dyn Fn(Node) -> bool,
        depth: u8,
    ) -> Path {
        let mut upstream: Vec<Node> = Vec::new();
        for &node in chain {
            upstream.extend(
                self.edges_before(node).iter().filter(|(_, e)| *e == Edge::Triggers).map(|(n, _)| *n),
            );
        }
        let mut witness: Vec<Node> = chain.to_vec();
        witness.reverse();
        if upstream.is_empty() || depth > 8 {
            return Path::No(witness);
        }
        let passed = upstream
            .iter()
            .any(|&n| through(n) || matches!(self.passes(n, pipelines, through, depth + 1), Path::Yes));
        if !passed {
            return Path::No(witness);
        }
        let root = &pipelines[self.run(to).root];
        match root.triggers.iter().find(|t| t.upstream.is_empty()) {
            None => Path::Yes,
            Some(other) => Path::Unknown(format!(
                "it runs after another pipeline that does, but `{}` starts it too",
                other.event
            )),
        }
    }

    /// All gates that hold a run: its own and those of every run that it needs or is called by. A later
    /// stage does not wait for an optional gate of an earlier one, but a blocking gate holds it too.
    pub fn gates<'p>(&self, node: Node, pipelines: &'p [Pipeline]) -> Vec<(&'p Gate, Node)> {
        let mut firm = walk(&[node], &self.before, |e| e != Edge::Order);
        firm.insert(0, node);
        let mut known = vec![false; self.runs.len()];
        firm.iter().for_each(|n| known[n.0 as usize] = true);
        let ordered = walk(&[node], &self.before, |_| true);
        let gates = |n: Node| self.job(n, pipelines).gates.iter().map(move |g| (g, n));
        let held = ordered.into_iter().filter(|n| !known[n.0 as usize]).flat_map(gates);
        let held: Vec<_> = held.filter(|(g, _)| g.gate == GateKind::Blocking).collect();
        firm.iter().copied().flat_map(gates).chain(held).collect()
    }

    /// Whether a gate that surely stops stands before `node`.
    pub fn has_blocking_gate(&self, node: Node, pipelines: &[Pipeline]) -> bool {
        self.gates(node, pipelines).iter().any(|(g, _)| g.gate == GateKind::Blocking)
    }
}

fn same_condition(a: Option<&Condition>, b: Option<&Condition>) -> bool {
    match (a, b) {
        (None, _) => true,
        (Some(a), Some(b)) => a.text == b.text,
        (Some(_), None) => false,
    }
}

fn walk(starts: &[Node], edges: &[Vec<(Node, Edge)>], follow: impl Fn(Edge) -> bool) -> Vec<Node> {
    let mut seen = vec![false; edges.len()];
    starts.iter().for_each(|start| seen[start.0 as usize] = true);
    let mut queue: VecDeque<Node> = starts.iter().copied().collect();
    let mut order = Vec::new();
    while let Some(node) = queue.pop_front() {
        for &(next, edge) in &edges[node.0 as usize] {
            if follow(edge) && !std::mem::replace(&mut seen[next.0 as usize], true) {
                order.push(next);
                queue.push_back(next);
            }
        }
    }
    order
}
