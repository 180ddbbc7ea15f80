//! The order in which jobs run, over all pipelines, and questions about it.
//!
//! A [`Run`] is one job in one context: a reusable workflow that is called for staging and again for
//! production yields two runs of each of its jobs, with targets and artifacts filled in from the call.

use super::{Effect, EffectKind, Job, Pipeline, Stage, Target};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

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

/// All runs and their order. Acyclic: edges that would close a circle are left out when it is built.
///
/// A question about one run (`before`, `after`, `gates`) walks as far as it must. Who asks for every run asks
/// once for all of them (`nearest_before`, `held`, `passing`, `reach_before`): that stays linear in jobs.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    runs: Vec<Run>,
    pub(super) before: Vec<Vec<(Node, Edge)>>,
    pub(super) after: Vec<Vec<(Node, Edge)>>,
    /// Every run once, none ahead of what comes before it.
    pub(super) order: Vec<Node>,
    looks: Looks,
}

/// How often runs and edges were looked at; counted in builds with debug assertions alone.
#[derive(Debug, Default)]
struct Looks(AtomicU64);

impl Clone for Looks {
    fn clone(&self) -> Looks {
        Looks(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Flow {
    /// Builds a flow. An edge `(a, b, kind)` says that `a` comes before `b`; edges to missing runs and
    /// edges that close a circle (in order of the list) are dropped.
    pub fn new(runs: Vec<Run>, edges: &[(Node, Node, Edge)]) -> Flow {
        let count = runs.len();
        let mut flow = Flow {
            runs,
            before: vec![Vec::new(); count],
            after: vec![Vec::new(); count],
            order: Vec::with_capacity(count),
            looks: Looks::default(),
        };
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

    /// Removes back edges found by an iterative depth-first walk, so that every question terminates, and
    /// notes the order in which the walk leaves runs, which is the order of all of them.
    fn break_circles(&mut self) {
        let count = self.runs.len();
        let mut state = vec![0u8; count];
        let mut back: HashSet<(usize, usize)> = HashSet::new();
        for root in 0..count {
            if state[root] != 0 {
                continue;
            }
            let mut stack = vec![(root, 0usize)];
            state[root] = 1;
            while let Some((node, next)) = stack.last_mut() {
                let Some(&(to, _)) = self.after[*node].get(*next) else {
                    state[*node] = 2;
                    self.order.push(Node(*node as u32));
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
                    1 => {
                        back.insert((*node, to));
                    }
                    _ => {}
                }
            }
        }
        self.order.reverse();
        let (froms, tos): (HashSet<usize>, HashSet<usize>) = back.iter().copied().unzip();
        for a in froms {
            self.after[a].retain(|(n, _)| !back.contains(&(a, n.0 as usize)));
        }
        for b in tos {
            self.before[b].retain(|(n, _)| !back.contains(&(n.0 as usize, b)));
        }
    }

    /// How often a build with debug assertions has looked at runs and edges since the flow was made, and 0 in
    /// others: what grows faster than jobs is a question that is asked anew for each of them.
    pub fn looks(&self) -> u64 {
        self.looks.0.load(Ordering::Relaxed)
    }

    pub(super) fn looked(&self, times: usize) {
        if cfg!(debug_assertions) {
            self.looks.0.fetch_add(times as u64, Ordering::Relaxed);
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
        self.looked(1);
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
        self.walk(&[node], &self.before, |_| true)
    }

    /// Everything that comes after `node`, nearest first.
    pub fn after(&self, node: Node) -> Vec<Node> {
        self.walk(&[node], &self.after, |_| true)
    }

    /// Everything that comes before any of these, without themselves, in one walk.
    pub fn before_any(&self, nodes: &[Node]) -> Vec<Node> {
        self.walk(nodes, &self.before, |_| true)
    }

    /// Everything that comes after any of these, without themselves, in one walk.
    pub fn after_any(&self, nodes: &[Node]) -> Vec<Node> {
        self.walk(nodes, &self.after, |_| true)
    }

    /// The direct predecessors and the kinds of their edges.
    pub fn edges_before(&self, node: Node) -> &[(Node, Edge)] {
        &self.before[node.0 as usize]
    }

    pub(super) fn walk(
        &self,
        starts: &[Node],
        edges: &[Vec<(Node, Edge)>],
        follow: impl Fn(Edge) -> bool,
    ) -> Vec<Node> {
        let mut seen = vec![false; edges.len()];
        starts.iter().for_each(|start| seen[start.0 as usize] = true);
        let mut queue: VecDeque<Node> = starts.iter().copied().collect();
        let mut order = Vec::new();
        while let Some(node) = queue.pop_front() {
            self.looked(edges[node.0 as usize].len());
            for &(next, edge) in &edges[node.0 as usize] {
                if follow(edge) && !std::mem::replace(&mut seen[next.0 as usize], true) {
                    order.push(next);
                    queue.push_back(next);
                }
            }
        }
        order
    }
}
