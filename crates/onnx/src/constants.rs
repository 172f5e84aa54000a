//! The constants of a model: where each comes from, how large it is, what it rests on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::check::attribute;
use super::flow::Kind;
use super::model::ValueFacts;
use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use super::{ops, scope, tensor};
use cutpoint_core::graph::ElementType;

/// Where a constant comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is stored in the model.
    Stored,
    /// The node with this index makes it from other constants.
    Node(usize),
    /// The node with this index reads the shape of a run-time tensor: these are the values.
    Known(usize, Vec<i64>),
}

/// All constants of the main graph by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Constants {
    origins: HashMap<String, Origin>,
    /// Shape and size of those whose shape is known.
    sizes: HashMap<String, Size>,
}

#[derive(Debug, Clone)]
struct Size {
    shape: Vec<u64>,
    bytes: u64,
}

/// Constants that a set of names rests on.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// Names of stored constants.
    pub(super) stored: BTreeSet<String>,
    /// Indices of the nodes that make constants.
    pub(super) nodes: BTreeSet<usize>,
    /// Values of those among the nodes that read the shape of a run-time tensor.
    pub(super) known: BTreeMap<usize, Vec<i64>>,
}

impl Constants {
    /// Collects the constants of `graph`.
    pub(super) fn find(
        graph: &GraphProto,
        kinds: &HashMap<&str, Kind>,
        facts: &ValueFacts,
    ) -> Constants {
        let mut found = Constants::default();
        let stored: HashMap<&str, &TensorProto> =
            graph.initializer.iter().map(|t| (t.name(), t)).collect();
        let is_constant = |name: &str| kinds.get(name) == Some(&Kind::Constant);
        for tensor in &graph.initializer {
            let size = size_of(tensor);
            found.add(tensor.name(), Origin::Stored, size);
        }
        for sparse in &graph.sparse_initializer {
            let bytes = tensor::sparse_bytes(sparse);
            let size = tensor::shape(&sparse.dims).map(|shape| Size { shape, bytes });
            found.add(
                sparse.values.as_ref().map_or("", |v| v.name()),
                Origin::Stored,
                size,
            );
        }
        for (index, node) in graph.node.iter().enumerate() {
            for output in scope::outputs(node).filter(|name| is_constant(name)) {
                let of_run_time =
                    ops::reads_shape(node) && node.input.iter().any(|i| !is_constant(i));
                let origin = if of_run_time {
                    Origin::Known(index, shape_values(node, facts))
                } else {
                    Origin::Node(index)
                };
                let size = found.made(node, output, &stored, facts);
                found.add(output, origin, size);
            }
        }
        found
    }

    fn add(&mut self, name: &str, origin: Origin, size: Option<Size>) {
        self.origins.insert(name.to_owned(), origin);
        if let Some(size) = size {
            self.sizes.insert(name.to_owned(), size);
        }
    }

    /// Size of what a node makes: observed, or known without running it.
    fn made(
        &self,
        node: &NodeProto,
        output: &str,
        stored: &HashMap<&str, &TensorProto>,
        facts: &ValueFacts,
    ) -> Option<Size> {
        if let Some((kind, shape)) = facts.get(output) {
            let bytes = kind.bytes(tensor::elements(shape)?).0;
            return Some(Size {
                shape: shape.clone(),
                bytes,
            });
        }
        match node.op_type() {
            "Constant" => constant_node(node),
            "Identity" => self.sizes.get(node.input.first()?).cloned(),
            "ConstantOfShape" => filled(node, stored.get(node.input.first()?.as_str())?),
            _ => None,
        }
    }

    /// Returns whether `name` is a constant.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.origins.contains_key(name)
    }

    /// Shape of a constant, if known.
    pub(super) fn shape(&self, name: &str) -> Option<&[u64]> {
        self.sizes.get(name).map(|size| size.shape.as_slice())
    }

    /// Returns what must be copied to a half for these constants to exist there.
    pub(super) fn needed<'a>(
        &'a self,
        nodes: &'a [NodeProto],
        names: impl IntoIterator<Item = &'a str>,
    ) -> Needed {
        let mut needed = Needed::default();
        let mut open: Vec<&str> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            match self.origins.get(name) {
                None => {}
                Some(Origin::Stored) => {
                    needed.stored.insert(name.to_owned());
                }
                Some(Origin::Known(index, values)) => {
                    needed.nodes.insert(*index);
                    needed.known.insert(*index, values.clone());
                }
                Some(Origin::Node(index)) if needed.nodes.insert(*index) => {
                    open.extend(nodes.get(*index).into_iter().flat_map(scope::reads));
                }
                Some(Origin::Node(_)) => {}
            }
        }
        needed
    }

    /// Returns the constant that `name` is another name for: chains of `Identity` are one weight.
    pub(super) fn original<'a>(&'a self, nodes: &'a [NodeProto], name: &'a str) -> &'a str {
        let mut name = name;
        while let Some(Origin::Node(index)) = self.origins.get(name) {
            match nodes.get(*index) {
                Some(node) if node.op_type() == "Identity" && ops::is_default_domain(node) => {
                    match node.input.first() {
                        Some(input) => name = input,
                        None => break,
                    }
                }
                _ => break,
            }
        }
        name
    }

    /// Returns the size of a constant; of one whose size is unknown, that of all it rests on.
    pub(super) fn bytes(&self, nodes: &[NodeProto], name: &str) -> u64 {
        if let Some(size) = self.sizes.get(name) {
            return size.bytes;
        }
        let needed = self.needed(nodes, [name]);
        let made = needed
            .nodes
            .iter()
            .filter_map(|i| nodes.get(*i))
            .flat_map(scope::outputs);
        let all = needed.stored.iter().map(String::as_str).chain(made);
        all.filter_map(|n| self.sizes.get(n))
            .map(|s| s.bytes)
            .fold(0, u64::saturating_add)
    }
}

fn size_of(tensor: &TensorProto) -> Option<Size> {
    tensor::shape(&tensor.dims).map(|shape| Size {
        shape,
        bytes: tensor::bytes(tensor),
    })
}

/// `ConstantOfShape` of a stored shape.
fn filled(node: &NodeProto, shape: &TensorProto) -> Option<Size> {
    let shape = tensor::shape(&tensor::int64_values(shape)?)?;
    let kind = attribute(node, "value")
        .and_then(|a| a.t.as_ref())
        .map(|t| t.data_type());
    let kind = kind.map_or(ElementType::Float32, tensor::element_type);
    let bytes = kind.bytes(tensor::elements(&shape)?).0;
    Some(Size { shape, bytes })
}

fn constant_node(node: &NodeProto) -> Option<Size> {
    if let Some(tensor) = attribute(node, "value").and_then(|a| a.t.as_ref()) {
        return size_of(tensor);
    }
    let list = |count: usize, each: u64| {
        let count = count as u64;
        Some(Size {
            shape: vec![count],
            bytes: count * each,
        })
    };
    let scalar = |bytes: u64| {
        Some(Size {
            shape: Vec::new(),
            bytes,
        })
    };
    let attribute: &AttributeProto = node.attribute.first()?;
    match attribute.name() {
        "value_float" => scalar(4),
        "value_int" => scalar(8),
        "value_string" => scalar(attribute.s().len() as u64),
        "value_floats" => list(attribute.floats.len(), 4),
        "value_ints" => list(attribute.ints.len(), 8),
        "value_strings" => list(attribute.strings.len(), 8),
        _ => None,
    }
}

/// The result of `Shape` or `Size` of a tensor with a known shape.
fn shape_values(node: &NodeProto, facts: &ValueFacts) -> Vec<i64> {
    let shape = node
        .input
        .first()
        .and_then(|i| facts.get(i))
        .map(|(_, shape)| shape.as_slice());
    let dims: Vec<i64> = shape
        .unwrap_or_default()
        .iter()
        .map(|d| i64::try_from(*d).unwrap_or(i64::MAX))
        .collect();
    if node.op_type() == "Size" {
        return vec![dims.iter().copied().fold(1, i64::saturating_mul)];
    }
    let rank = i64::try_from(dims.len()).unwrap_or(i64::MAX);
    let bound = |name: &str, default: i64| {
        let given = attribute(node, name).map_or(default, |a| a.i());
        let counted = if given < 0 {
            given.saturating_add(rank)
        } else {
            given
        };
        usize::try_from(counted.clamp(0, rank)).unwrap_or(0)
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    dims.get(start..end.max(start)).unwrap_or_default().to_vec()
}
