//! Walking everything in a model, at any depth.
//!
//! The decoder bounds the depth of graphs within graphs, so these walks may recurse.

use super::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, SparseTensorProto,
    TensorProto,
};

/// Calls `see` for every tensor that carries data.
pub(super) fn tensors_mut<E>(
    model: &mut ModelProto,
    see: &mut impl FnMut(&mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(graph) = &mut model.graph {
        in_graph(graph, see)?;
    }
    for training in &mut model.training_info {
        for graph in training
            .initialization
            .iter_mut()
            .chain(&mut training.algorithm)
        {
            in_graph(graph, see)?;
        }
    }
    for FunctionProto {
        node,
        attribute_proto,
        ..
    } in &mut model.functions
    {
        in_nodes(node, see)?;
        in_attributes(attribute_proto, see)?;
    }
    Ok(())
}

fn in_graph<E>(
    graph: &mut GraphProto,
    see: &mut impl FnMut(&mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    graph.initializer.iter_mut().try_for_each(&mut *see)?;
    graph
        .sparse_initializer
        .iter_mut()
        .try_for_each(|s| in_sparse(s, see))?;
    in_nodes(&mut graph.node, see)
}

fn in_nodes<E>(
    nodes: &mut [NodeProto],
    see: &mut impl FnMut(&mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    nodes
        .iter_mut()
        .try_for_each(|node| in_attributes(&mut node.attribute, see))
}

fn in_attributes<E>(
    attributes: &mut [AttributeProto],
    see: &mut impl FnMut(&mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    for attribute in attributes {
        attribute
            .t
            .iter_mut()
            .chain(&mut attribute.tensors)
            .try_for_each(&mut *see)?;
        let sparse = attribute
            .sparse_tensor
            .iter_mut()
            .chain(&mut attribute.sparse_tensors);
        sparse.into_iter().try_for_each(|s| in_sparse(s, see))?;
        let mut graphs = attribute.g.iter_mut().chain(&mut attribute.graphs);
        graphs.try_for_each(|graph| in_graph(graph, see))?;
    }
    Ok(())
}

fn in_sparse<E>(
    tensor: &mut SparseTensorProto,
    see: &mut impl FnMut(&mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    tensor
        .values
        .iter_mut()
        .chain(&mut tensor.indices)
        .try_for_each(&mut *see)
}

/// Returns the graphs held by a node's attributes.
pub(super) fn bodies(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute
        .iter()
        .flat_map(|a| a.g.iter().chain(&a.graphs))
}

/// Returns the graphs held by a node's attributes, to be changed.
pub(super) fn bodies_mut(node: &mut NodeProto) -> impl Iterator<Item = &mut GraphProto> {
    node.attribute
        .iter_mut()
        .flat_map(|a| a.g.iter_mut().chain(&mut a.graphs))
}

/// Calls `see` for `nodes` and all nodes of their bodies.
pub(super) fn nodes<'a>(nodes: &'a [NodeProto], see: &mut impl FnMut(&'a NodeProto)) {
    for node in nodes {
        see(node);
        for body in bodies(node) {
            self::nodes(&body.node, see);
        }
    }
}
