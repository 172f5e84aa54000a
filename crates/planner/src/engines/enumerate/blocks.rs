//! Layers that come to the edge together, as one step.

use crate::presolve::Reduced;
use cutpoint_core::graph::{LayerId, TensorId, WeightId};

/// A layer and those tied to it, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) layers: Vec<LayerId>,
    pub(crate) edge_ns: u64,
    pub(crate) server_ns: u64,
    /// Of the first layer.
    pub(crate) inputs: Vec<TensorId>,
    /// Of the last layer.
    pub(crate) outputs: Vec<TensorId>,
    /// The layers outside that read from it, each once.
    pub(crate) readers: Vec<LayerId>,
    pub(crate) weights: Vec<WeightId>,
    /// What it uses of each knapsack.
    pub(crate) uses: Vec<i64>,
    /// The tasks that need it, and how many of its layers.
    pub(crate) tasks: Vec<(usize, usize)>,
}

/// Per layer that comes first: its run. Empty runs for the others.
pub(crate) fn blocks(reduced: &Reduced<'_>) -> Vec<Block> {
    let follows = reduced.follows();
    let block = |layer: LayerId| {
        if follows[layer.index()] {
            Block::default()
        } else {
            Block::new(reduced, layer)
        }
    };
    reduced.problem.graph().layer_ids().map(block).collect()
}

impl Block {
    fn new(reduced: &Reduced<'_>, first: LayerId) -> Block {
        let problem = reduced.problem;
        let graph = problem.graph();
        let next = |layer: &LayerId| reduced.next[layer.index()];
        let layers: Vec<LayerId> = std::iter::successors(Some(first), next).collect();
        let last = layers.last().copied().unwrap_or(first);
        let outputs = graph.layer(last).outputs.clone();
        let readers = outputs.iter().flat_map(|t| graph.consumers(*t));
        let times = layers.iter().map(|layer| problem.model.layer(*layer));
        let weights = layers.iter().flat_map(|layer| &graph.layer(*layer).weights);
        let uses = |knapsack: &crate::problem::Knapsack| {
            let uses = layers.iter().map(|layer| knapsack.layer(*layer));
            uses.sum()
        };
        let tasks = problem.model.needs().iter().enumerate();
        let tasks = tasks.map(|(task, needs)| {
            let needed = layers.iter().filter(|layer| needs.contains(**layer));
            (task, needed.count())
        });
        Block {
            edge_ns: times.clone().map(|time| time.edge_ns).sum(),
            server_ns: times.map(|time| time.server_ns).sum(),
            inputs: graph.layer(first).inputs.clone(),
            readers: distinct(readers.copied()),
            weights: weights.copied().collect(),
            uses: reduced.knapsacks().iter().map(uses).collect(),
            tasks: tasks.filter(|(_, count)| *count > 0).collect(),
            outputs,
            layers,
        }
    }
}

fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}
