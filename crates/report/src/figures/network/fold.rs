//! Folding: a network of any size as a few dozen blocks that no cut of interest goes through.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction::Incoming;
use petgraph::algo::toposort;
use petgraph::graph::DiGraph;

use crate::canvas::text::shared_start;
use cutpoint_core::cuts;
use cutpoint_core::graph::{Graph, GraphError, LayerId, LayerSet, TensorId};
use cutpoint_core::task::Task;

/// Most blocks of layers, as long as the cuts leave them in so few.
pub const MOST_BLOCKS: usize = 40;
/// Most blocks beside one another.
const WIDEST: usize = 6;
/// Layers that make a block of usual size in any network that is folded.
const FEW: usize = 4;

/// A network as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Inputs, layers, then tasks; each before those that read from it.
    pub blocks: Vec<Block>,
    /// What flows between them; tensors inside a block are not among them.
    pub links: Vec<Link>,
}

/// What is drawn as one box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Model inputs that the same blocks read.
    Inputs(Vec<TensorId>),
    /// Layers, in execution order.
    Layers(Vec<LayerId>),
    /// Tasks, by their number, whose results the same blocks compute.
    Tasks(Vec<usize>),
}

/// A tensor that one block makes and another reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The tensor.
    pub tensor: TensorId,
    /// Index of the block that makes it.
    pub from: usize,
    /// Index of the block that reads it.
    pub to: usize,
}

impl Block {
    /// Its layers; none for inputs and tasks.
    pub fn layers(&self) -> &[LayerId] {
        match self {
            Block::Layers(layers) => layers,
            Block::Inputs(_) | Block::Tasks(_) => &[],
        }
    }
}

/// Folds a network so that each of `placements` (layers on the edge) has every block on one side.
/// The result depends on nothing else, so that one drawing serves all plans of a sweep.
///
/// Blocks grow along links among layers that the same tasks need, first inside skip connections and
/// other places where no single tensor crosses, then where names start alike; then branches that
/// begin at the same blocks become one. Networks of up to [`MOST_BLOCKS`] layers stay as they are
/// unless many branches lie side by side.
///
/// # Errors
/// A task names a tensor that does not exist.
pub fn fold(graph: &Graph, tasks: &[Task], placements: &[LayerSet]) -> Result<Network, GraphError> {
    let traits = Traits::new(graph, tasks, placements)?;
    let mut folding = Folding::new(graph, &traits);
    while let Some(pair) = folding.next_merge() {
        folding.merge(pair);
    }
    folding.network(graph, tasks)
}

/// What decides which layers fit together.
struct Traits {
    /// Layers with one number are on the same side in every placement.
    side: Vec<usize>,
    /// Layers with one number are needed by the same tasks.
    needed: Vec<usize>,
    /// Tensors that cross alone in some cut.
    natural: BTreeSet<TensorId>,
}

impl Traits {
    fn new(graph: &Graph, tasks: &[Task], placements: &[LayerSet]) -> Result<Traits, GraphError> {
        let needs = tasks
            .iter()
            .map(|task| Ok(graph.ancestors(&task.tensors(graph)?)));
        let needs = needs.collect::<Result<Vec<LayerSet>, GraphError>>()?;
        let natural = cuts::natural(graph, &[]);
        Ok(Traits {
            side: classes(graph, placements),
            needed: classes(graph, &needs),
            natural: natural.into_iter().flat_map(|cut| cut.crossing).collect(),
        })
    }
}

/// A number for each layer: the same for layers that are in the same sets.
fn classes(graph: &Graph, sets: &[LayerSet]) -> Vec<usize> {
    let mut known: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    let class = |layer| {
        let next = known.len();
        let member = sets.iter().map(|set| set.contains(layer)).collect();
        *known.entry(member).or_insert(next)
    };
    graph.layer_ids().map(class).collect()
}

/// A block while blocks grow.
#[derive(Debug)]
struct Group {
    layers: Vec<LayerId>,
    side: usize,
    /// `None` when its layers are needed by different tasks.
    needed: Option<usize>,
    /// What the names of its layers start with.
    prefix: String,
}

/// Blocks by the index of their first layer, and who reads from whom: true where some tensor
/// between them is no place to cut.
#[derive(Debug)]
struct Folding {
    groups: BTreeMap<usize, Group>,
    links: BTreeMap<(usize, usize), bool>,
    /// Layers a block may have before it grows only for want of others.
    usual: usize,
    /// Whether nothing needs to be folded.
    small: bool,
}

impl Folding {
    fn new(graph: &Graph, traits: &Traits) -> Folding {
        let group = |id: LayerId| {
            let group = Group {
                layers: vec![id],
                side: traits.side[id.index()],
                needed: Some(traits.needed[id.index()]),
                prefix: full_name(graph, id).to_owned(),
            };
            (id.index(), group)
        };
        let mut links = BTreeMap::new();
        for id in graph.layer_ids() {
            for tensor in &graph.layer(id).inputs {
                if let Some(producer) = graph.producer(*tensor) {
                    let tight = !traits.natural.contains(tensor);
                    *links.entry((producer.index(), id.index())).or_insert(false) |= tight;
                }
            }
        }
        Folding {
            groups: graph.layer_ids().map(group).collect(),
            links,
            usual: (2 * graph.layers().len()).div_ceil(MOST_BLOCKS).max(FEW),
            small: graph.layers().len() <= MOST_BLOCKS,
        }
    }

    /// The two blocks that are best made one; `None` when the drawing is small enough, or when no
    /// two fit together.
    fn next_merge(&self) -> Option<(usize, usize)> {
        let ranks = self.ranks();
        let mut beside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (block, rank) in &ranks {
            beside.entry(*rank).or_default().push(*block);
        }
        let few = self.groups.len() <= MOST_BLOCKS;
        // along a link from one rank to the next there is no other way from block to block, and
        // within a rank there is none at all: the merged network has no cycle
        let along = self.links.keys().copied();
        let along: Vec<(usize, usize)> = along
            .filter(|(from, to)| ranks[to] == ranks[from] + 1)
            .filter(|(from, to)| self.groups[from].side == self.groups[to].side)
            .collect();
        let crowded = beside.values().filter(|row| !few || row.len() > WIDEST);
        let across: Vec<(usize, usize)> = crowded.flat_map(|row| self.pairs(row)).collect();
        let before = |block: usize| {
            let links = self.links.keys().filter(move |(_, to)| *to == block);
            links.map(|(from, _)| *from).collect::<Vec<_>>()
        };
        let best = |pairs: &[(usize, usize)], fit: &dyn Fn(&(usize, usize)) -> bool| {
            let pairs = pairs.iter().copied().filter(|pair| fit(pair));
            pairs.min_by_key(|pair| self.cost(*pair))
        };
        best(&along, &|pair| {
            if few {
                !self.small && self.is_inner(*pair)
            } else {
                self.is_together(*pair)
            }
        })
        .or_else(|| best(&across, &|(a, b)| before(*a) == before(*b)))
        .or_else(|| best(&along, &|_| !few))
        .or_else(|| best(&across, &|_| true))
    }

    /// Neighbours among blocks of one rank that are on one side.
    fn pairs(&self, row: &[usize]) -> Vec<(usize, usize)> {
        let mut row: Vec<(usize, usize)> = row
            .iter()
            .map(|block| (self.groups[block].side, *block))
            .collect();
        row.sort_unstable();
        let pairs = row.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        pairs.map(|pair| (pair[0].1, pair[1].1)).collect()
    }

    /// Whether the same tasks need both blocks.
    fn is_together(&self, (a, b): (usize, usize)) -> bool {
        let (one, two) = (&self.groups[&a], &self.groups[&b]);
        one.needed.is_some() && one.needed == two.needed
    }

    /// Whether a link is within a skip connection or the like, and no longer needed as a place to
    /// begin a new block: blocks are then of one kind, not some of them halves.
    fn is_inner(&self, (a, b): (usize, usize)) -> bool {
        let (one, two) = (&self.groups[&a], &self.groups[&b]);
        let size = one.layers.len() + two.layers.len();
        size <= self.usual && self.is_together((a, b)) && self.links.get(&(a, b)) == Some(&true)
    }

    /// The less, the better the two blocks are made one.
    fn cost(&self, (a, b): (usize, usize)) -> impl Ord + use<> {
        let (one, two) = (&self.groups[&a], &self.groups[&b]);
        let size = one.layers.len() + two.layers.len();
        let tight = self.links.get(&(a, b)) == Some(&true);
        let shared = shared_start(&one.prefix, &two.prefix);
        let depth = shared.matches(['/', '.', ':']).count();
        (
            !self.is_together((a, b)),
            size > self.usual,
            !tight,
            Reverse(depth),
            size,
            a,
            b,
        )
    }

    fn merge(&mut self, (kept, gone): (usize, usize)) {
        let Some(other) = self.groups.remove(&gone) else {
            return;
        };
        if let Some(group) = self.groups.get_mut(&kept) {
            group.layers.extend(other.layers);
            group.layers.sort_unstable();
            group.prefix = shared_start(&group.prefix, &other.prefix).to_owned();
            group.needed = group.needed.filter(|needed| Some(*needed) == other.needed);
        }
        let now = |block: usize| if block == gone { kept } else { block };
        let old = std::mem::take(&mut self.links);
        for ((from, to), tight) in old {
            let (from, to) = (now(from), now(to));
            if from != to {
                *self.links.entry((from, to)).or_insert(false) |= tight;
            }
        }
    }

    /// Links on the longest way to each block.
    fn ranks(&self) -> BTreeMap<usize, usize> {
        let numbers: BTreeMap<usize, u32> = self.groups.keys().copied().zip(0..).collect();
        let keys: Vec<usize> = self.groups.keys().copied().collect();
        let links = self.links.keys();
        let mut network = DiGraph::<(), (), u32>::from_edges(
            links.map(|(from, to)| (numbers[from], numbers[to])),
        );
        while network.node_count() < keys.len() {
            network.add_node(());
        }
        let mut ranks = vec![0; keys.len()];
        // a merge never makes a cycle
        for node in toposort(&network, None).unwrap_or_default() {
            let before = network.neighbors_directed(node, Incoming);
            ranks[node.index()] = before.map(|n| ranks[n.index()] + 1).max().unwrap_or(0);
        }
        keys.into_iter().zip(ranks).collect()
    }

    /// The blocks in an order in which each comes before its readers, with inputs and tasks.
    fn network(&self, graph: &Graph, tasks: &[Task]) -> Result<Network, GraphError> {
        let ranks = self.ranks();
        let mut order: Vec<usize> = self.groups.keys().copied().collect();
        order.sort_by_key(|block| (ranks[block], *block));
        let mut block_of = vec![0; graph.layers().len()];
        for (number, block) in order.iter().enumerate() {
            for layer in &self.groups[block].layers {
                block_of[layer.index()] = number;
            }
        }
        let readers = |tensor: TensorId| -> BTreeSet<usize> {
            let layers = graph.consumers(tensor).iter();
            layers.map(|layer| block_of[layer.index()]).collect()
        };
        // by who reads or computes them
        let mut inputs: BTreeMap<BTreeSet<usize>, Vec<TensorId>> = BTreeMap::new();
        for input in graph.inputs() {
            inputs.entry(readers(*input)).or_default().push(*input);
        }
        let mut outputs: BTreeMap<BTreeSet<Option<usize>>, Vec<usize>> = BTreeMap::new();
        for (number, task) in tasks.iter().enumerate() {
            let makers = task.tensors(graph)?.into_iter().map(|t| graph.producer(t));
            let makers = makers.map(|layer| layer.map(|layer| block_of[layer.index()]));
            outputs.entry(makers.collect()).or_default().push(number);
        }
        let first = inputs.len();
        let mut blocks: Vec<Block> = inputs.into_values().map(Block::Inputs).collect();
        let layers = order.iter().map(|block| self.groups[block].layers.clone());
        blocks.extend(layers.map(Block::Layers));
        let last = blocks.len();
        blocks.extend(outputs.into_values().map(Block::Tasks));

        let mut maker: BTreeMap<TensorId, usize> = BTreeMap::new();
        for (number, block) in blocks[..first].iter().enumerate() {
            if let Block::Inputs(tensors) = block {
                maker.extend(tensors.iter().map(|tensor| (*tensor, number)));
            }
        }
        for tensor in graph.tensor_ids() {
            if let Some(layer) = graph.producer(tensor) {
                maker.insert(tensor, first + block_of[layer.index()]);
            }
        }
        let mut links = BTreeSet::new();
        for (tensor, from) in &maker {
            let to = readers(*tensor).into_iter().map(|block| first + block);
            let to = to.filter(|to| to != from);
            links.extend(to.map(|to| Link {
                tensor: *tensor,
                from: *from,
                to,
            }));
        }
        for (number, block) in blocks.iter().enumerate().skip(last) {
            let Block::Tasks(members) = block else {
                continue;
            };
            for task in members.iter().filter_map(|task| tasks.get(*task)) {
                for tensor in task.tensors(graph)? {
                    if let Some(from) = maker.get(&tensor) {
                        links.insert(Link {
                            tensor,
                            from: *from,
                            to: number,
                        });
                    }
                }
            }
        }
        Ok(Network {
            blocks,
            links: links.into_iter().collect(),
        })
    }
}

/// A layer's human-readable name.
pub(crate) fn full_name(graph: &Graph, id: LayerId) -> &str {
    let layer = graph.layer(id);
    match layer.name.as_str() {
        "" => &layer.id,
        name => name,
    }
}
