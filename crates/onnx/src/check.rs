//! The rules a model must keep before anything else looks at it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::error::{OnnxError, show};
use super::proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NEWEST_IR, NodeProto};
use super::visit::bodies;
use super::{scope, tensor, visit};

/// Checks everything and puts the nodes in execution order.
pub(super) fn check(model: &mut ModelProto, path: &Path) -> Result<(), OnnxError> {
    let invalid = |(place, problem)| OnnxError::Invalid {
        path: path.to_owned(),
        place,
        problem,
    };
    version(model).map_err(invalid)?;
    visit::tensors_mut(model, &mut |tensor| match tensor::problem(tensor) {
        None => Ok(()),
        Some(problem) => {
            let place = format!("tensor `{}`", tensor::shown_name(tensor));
            Err(invalid((
                place,
                format!("{problem}; export or copy the model again"),
            )))
        }
    })?;
    let Some(graph) = &mut model.graph else {
        return Err(invalid((
            "the model".to_owned(),
            "it has no graph; export it again".to_owned(),
        )));
    };
    sparse(graph).map_err(invalid)?;
    scope::sort(graph).map_err(invalid)?;
    scope::check(graph).map_err(invalid)?;
    functions(&model.functions).map_err(invalid)
}

fn version(model: &ModelProto) -> Result<(), scope::Broken> {
    let place = || "the model".to_owned();
    match model.ir_version {
        Some(version) if version > NEWEST_IR => Err((
            place(),
            format!("file format version {version} is newer than {NEWEST_IR}: update cutpoint"),
        )),
        Some(version) if version >= 1 => Ok(()),
        _ => Err((
            place(),
            "it states no file format version; export it again".to_owned(),
        )),
    }
}

fn sparse(graph: &GraphProto) -> Result<(), scope::Broken> {
    for sparse in &graph.sparse_initializer {
        let name = sparse.values.as_ref().map_or("", |v| v.name());
        if name.is_empty() || sparse.indices.is_none() || tensor::shape(&sparse.dims).is_none() {
            return Err((
                format!("sparse tensor `{}`", show(name)),
                "it lacks a name, indices or sound dimensions; export the model again".to_owned(),
            ));
        }
    }
    Ok(())
}

type FunctionKey<'a> = (&'a str, &'a str, &'a str);

fn key(function: &FunctionProto) -> FunctionKey<'_> {
    (function.domain(), function.name(), function.overload())
}

/// Returns the function that a node may call.
pub(super) fn called(node: &NodeProto) -> FunctionKey<'_> {
    (node.domain(), node.op_type(), node.overload())
}

/// Checks the names inside every function, and that none calls itself, however indirectly.
fn functions(functions: &[FunctionProto]) -> Result<(), scope::Broken> {
    let place = |f: &FunctionProto| format!("function `{}`", show(f.name()));
    let mut index = HashMap::new();
    for (at, function) in functions.iter().enumerate() {
        scope::check_function(
            &place(function),
            &function.input,
            &function.node,
            &function.output,
        )?;
        if index.insert(key(function), at).is_some() {
            return Err((
                place(function),
                "it is defined twice; export the model again".to_owned(),
            ));
        }
    }
    let mut calls: Vec<HashSet<usize>> = Vec::with_capacity(functions.len());
    for function in functions {
        let mut called_here = HashSet::new();
        visit::nodes(&function.node, &mut |node| {
            called_here.extend(index.get(&called(node)))
        });
        calls.push(called_here);
    }
    // functions that call only finished ones are finished; what is left calls itself
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); functions.len()];
    let mut open: Vec<usize> = calls.iter().map(HashSet::len).collect();
    for (caller, called) in calls.iter().enumerate() {
        called.iter().for_each(|c| callers[*c].push(caller));
    }
    let mut done: Vec<usize> = (0..open.len()).filter(|f| open[*f] == 0).collect();
    let mut finished = 0;
    while let Some(function) = done.pop() {
        finished += 1;
        for caller in &callers[function] {
            open[*caller] -= 1;
            if open[*caller] == 0 {
                done.push(*caller);
            }
        }
    }
    match functions.iter().zip(&open).find(|(_, open)| **open > 0) {
        Some((function, _)) if finished < functions.len() => Err((
            place(function),
            "it calls itself; export the model again".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Attribute of a node by name.
pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name() == name)
}

/// Returns whether a node runs graphs of its own.
pub(super) fn has_bodies(node: &NodeProto) -> bool {
    bodies(node).next().is_some()
}
