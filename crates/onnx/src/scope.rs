//! Which names a node reads, and whether every name is defined once and before it is used.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::error::{show, show_list, show_node};
use super::proto::{GraphProto, NodeProto};
use super::visit::bodies;

/// Returns the names of the constants stored in a graph.
pub(super) fn initializers(graph: &GraphProto) -> impl Iterator<Item = &str> {
    let sparse = graph
        .sparse_initializer
        .iter()
        .filter_map(|s| s.values.as_ref());
    graph.initializer.iter().chain(sparse).map(|t| t.name())
}

fn present(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str).filter(|n| !n.is_empty())
}

/// Returns everything a node reads, each name once: its inputs, then what its bodies capture from
/// outside.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let mut seen = HashSet::new();
    let captured = bodies(node).flat_map(captures);
    present(&node.input)
        .chain(captured)
        .filter(|name| seen.insert(*name))
        .collect()
}

/// Returns the node's results that have a name.
pub(super) fn outputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    present(&node.output)
}

/// Names that a body uses but does not define.
fn captures(body: &GraphProto) -> Vec<&str> {
    let inputs = body.input.iter().map(|i| i.name());
    let own: HashSet<&str> = inputs
        .chain(initializers(body))
        .chain(body.node.iter().flat_map(outputs))
        .collect();
    let read = body.node.iter().flat_map(reads);
    let delivered = body
        .output
        .iter()
        .map(|o| o.name())
        .filter(|n| !n.is_empty());
    read.chain(delivered)
        .filter(|name| !own.contains(name))
        .collect()
}

/// Where a rule is broken, and how.
pub(super) type Broken = (String, String);

/// Brings the nodes of the main graph into an order in which every value is produced before it is
/// read; nodes that are in such an order already stay as they are.
pub(super) fn sort(graph: &mut GraphProto) -> Result<(), Broken> {
    let order = order(graph)?;
    if !order.is_sorted() {
        let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut graph.node)
            .into_iter()
            .map(Some)
            .collect();
        graph.node = order.into_iter().filter_map(|i| nodes[i].take()).collect();
    }
    Ok(())
}

fn order(graph: &GraphProto) -> Result<Vec<usize>, Broken> {
    let outside: HashSet<&str> = graph
        .input
        .iter()
        .map(|i| i.name())
        .chain(initializers(graph))
        .collect();
    let mut producer: HashMap<&str, usize> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for output in outputs(node) {
            if producer.insert(output, index).is_some() || outside.contains(output) {
                return Err(twice(show_node(index, node), output));
            }
        }
    }
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    let mut missing = vec![0_usize; graph.node.len()];
    for (index, node) in graph.node.iter().enumerate() {
        for name in reads(node) {
            match producer.get(name) {
                Some(from) => {
                    readers[*from].push(index);
                    missing[index] += 1;
                }
                None if outside.contains(name) => {}
                None => return Err(undefined(show_node(index, node), name)),
            }
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..missing.len())
        .filter(|i| missing[*i] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for reader in &readers[index] {
            missing[*reader] -= 1;
            if missing[*reader] == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    match (0..missing.len()).find(|i| missing[*i] > 0) {
        None => Ok(order),
        Some(index) => Err((
            show_node(index, &graph.node[index]),
            "it is part of, or behind, a circle of nodes that read one another's results; export \
             the model again"
                .to_owned(),
        )),
    }
}

fn twice(place: String, name: &str) -> Broken {
    (
        place,
        format!("`{}` is defined twice; export the model again", show(name)),
    )
}

fn undefined(place: String, name: &str) -> Broken {
    let problem = format!(
        "`{}` is neither an input, nor a constant, nor the result of an earlier node; export the \
         model again",
        show(name)
    );
    (place, problem)
}

/// Checks the names of a graph in execution order, of its bodies, and what it delivers.
pub(super) fn check(graph: &GraphProto) -> Result<(), Broken> {
    Scope::default().graph(graph, "the graph", true)
}

/// Checks the names of a function's body.
pub(super) fn check_function(
    place: &str,
    inputs: &[String],
    nodes: &[NodeProto],
    delivered: &[String],
) -> Result<(), Broken> {
    let mut scope = Scope::default();
    for input in present(inputs) {
        if !scope.0.insert(input) {
            return Err(twice(place.to_owned(), input));
        }
    }
    scope.nodes(nodes, &mut Vec::new())?;
    match present(delivered).find(|name| !scope.0.contains(name)) {
        Some(name) => Err(undefined(place.to_owned(), name)),
        None => Ok(()),
    }
}

/// Names visible at one place.
#[derive(Default)]
struct Scope<'a>(HashSet<&'a str>);

impl<'a> Scope<'a> {
    /// Leaves the set of visible names as it found it.
    fn graph(&mut self, graph: &'a GraphProto, place: &str, main: bool) -> Result<(), Broken> {
        let mut added = Vec::new();
        let mut own = HashSet::new();
        for name in graph.input.iter().map(|i| i.name()) {
            if !own.insert(name) {
                return Err(twice(format!("inputs of {place}"), name));
            }
        }
        let mut stored = HashSet::new();
        for name in initializers(graph) {
            if !stored.insert(name) {
                return Err(twice(format!("constants of {place}"), name));
            }
        }
        // parameters and constants of a body may hide outer names; results of nodes may not
        for name in own.union(&stored) {
            if self.0.insert(name) {
                added.push(*name);
            }
        }
        self.nodes(&graph.node, &mut added)?;
        let unknown: Vec<&str> = graph
            .output
            .iter()
            .map(|o| o.name())
            .filter(|n| !self.0.contains(n))
            .collect();
        if !unknown.is_empty() {
            return Err((
                format!("outputs of {place}"),
                format!(
                    "nothing computes {}; export the model again",
                    show_list(unknown)
                ),
            ));
        }
        if main && graph.output.is_empty() {
            return Err(("the graph".to_owned(), "it has no outputs".to_owned()));
        }
        for name in added {
            self.0.remove(name);
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &'a [NodeProto], added: &mut Vec<&'a str>) -> Result<(), Broken> {
        for (index, node) in nodes.iter().enumerate() {
            if let Some(name) = present(&node.input).find(|name| !self.0.contains(name)) {
                return Err(undefined(show_node(index, node), name));
            }
            for body in bodies(node) {
                self.graph(
                    body,
                    &format!("a body of {}", show_node(index, node)),
                    false,
                )?;
            }
            for output in outputs(node) {
                if !self.0.insert(output) {
                    return Err(twice(show_node(index, node), output));
                }
                added.push(output);
            }
        }
        Ok(())
    }
}
