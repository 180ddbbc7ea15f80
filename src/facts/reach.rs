//! What comes before and after every run, asked once for all of them.

use super::{Edge, Flow, Node};

/// For every run the nearest of some marked ones on one side of it, as a walk would have found it first.
#[derive(Debug, Clone, Default)]
pub struct Nearest(Vec<(u32, Node)>);

impl Nearest {
    /// The nearest marked run on that side of `node`, which itself does not count.
    pub fn of(&self, node: Node) -> Option<Node> {
        self.0.get(node.0 as usize).filter(|(steps, _)| *steps != u32::MAX).map(|(_, found)| *found)
    }

    /// Whether there is one.
    pub fn any(&self, node: Node) -> bool {
        self.of(node).is_some()
    }
}

/// For every run which of at most 64 groups of marked ones lie on one side of it, a bit for each in their order.
#[derive(Debug, Clone)]
pub struct Reach(Vec<u64>);

impl Reach {
    /// The bits of the groups with a run on that side of `node`, which itself does not count.
    pub fn of(&self, node: Node) -> u64 {
        self.0.get(node.0 as usize).copied().unwrap_or(0)
    }
}

/// A run is a group by itself.
impl AsRef<[Node]> for Node {
    fn as_ref(&self) -> &[Node] {
        std::slice::from_ref(self)
    }
}

impl Flow {
    /// For every run the nearest marked one before it, by whatever kind of edge.
    pub fn nearest_before(&self, marked: impl Fn(Node) -> bool) -> Nearest {
        self.nearest(&self.before, self.order.iter(), |_| true, marked)
    }

    /// For every run the nearest marked one after it, by whatever kind of edge.
    pub fn nearest_after(&self, marked: impl Fn(Node) -> bool) -> Nearest {
        self.nearest(&self.after, self.order.iter().rev(), |_| true, marked)
    }

    /// For every run the nearest marked one before it to which edges lead for which `follow` holds.
    pub fn nearest_by(&self, follow: impl Fn(Edge) -> bool, marked: impl Fn(Node) -> bool) -> Nearest {
        self.nearest(&self.before, self.order.iter(), follow, marked)
    }

    fn nearest<'f>(
        &self,
        edges: &[Vec<(Node, Edge)>],
        order: impl Iterator<Item = &'f Node>,
        follow: impl Fn(Edge) -> bool,
        marked: impl Fn(Node) -> bool,
    ) -> Nearest {
        let marks: Vec<bool> = self.nodes().map(marked).collect();
        if !marks.contains(&true) {
            return Nearest::default();
        }
        let mut near = vec![(u32::MAX, Node(0)); marks.len()];
        for &node in order {
            let mut best = (u32::MAX, Node(0));
            self.looked(edges[node.0 as usize].len());
            for &(next, _) in edges[node.0 as usize].iter().filter(|(_, e)| follow(*e)) {
                let at = next.0 as usize;
                let (steps, found) =
                    if marks[at] { (1, next) } else { (near[at].0.saturating_add(1), near[at].1) };
                if steps < best.0 {
                    best = (steps, found);
                }
            }
            near[node.0 as usize] = best;
        }
        Nearest(near)
    }

    /// For every run which of `marks`, at most 64 groups of them, come before it.
    pub fn reach_before(&self, marks: &[impl AsRef<[Node]>]) -> Reach {
        self.reach(&self.before, self.order.iter(), marks)
    }

    /// For every run which of `marks`, at most 64 groups of them, come after it.
    pub fn reach_after(&self, marks: &[impl AsRef<[Node]>]) -> Reach {
        self.reach(&self.after, self.order.iter().rev(), marks)
    }

    fn reach<'f>(
        &self,
        edges: &[Vec<(Node, Edge)>],
        order: impl Iterator<Item = &'f Node>,
        marks: &[impl AsRef<[Node]>],
    ) -> Reach {
        let mut own = vec![0u64; edges.len()];
        for (bit, group) in marks.iter().take(64).enumerate() {
            group.as_ref().iter().for_each(|mark| own[mark.0 as usize] |= 1 << bit);
        }
        let mut reach = vec![0u64; edges.len()];
        for &node in order {
            self.looked(edges[node.0 as usize].len());
            let all = edges[node.0 as usize].iter().map(|(next, _)| next.0 as usize);
            reach[node.0 as usize] = all.fold(0, |bits, next| bits | own[next] | reach[next]);
        }
        Reach(reach)
    }
}
