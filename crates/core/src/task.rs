//! What the network is for: named sets of its outputs.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, GraphError, LayerSet, TensorId};

/// A named set of graph outputs that belong together, such as one head's boxes and scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name given with `--task`, or the output's own name.
    pub name: String,
    /// Names of the graph outputs.
    pub outputs: Vec<String>,
}

impl Task {
    /// Returns one task per graph output.
    pub fn per_output(graph: &Graph) -> Vec<Task> {
        let names = graph
            .outputs()
            .iter()
            .map(|t| graph.tensor(*t).name.clone());
        names
            .map(|name| Task {
                outputs: vec![name.clone()],
                name,
            })
            .collect()
    }

    /// Returns the tasks asked for; every output in none of them becomes a task of its own.
    ///
    /// # Errors
    /// [`GraphError::Unknown`] for a name that is no output, with the nearest outputs;
    /// [`GraphError::TwoTasks`] for tasks that share a name or an output.
    pub fn complete(graph: &Graph, asked: &[Task]) -> Result<Vec<Task>, GraphError> {
        let mut rest = Task::per_output(graph);
        for name in asked.iter().flat_map(|task| &task.outputs) {
            graph.find_output(name)?;
            let before = rest.len();
            rest.retain(|task| task.name != *name);
            if rest.len() == before {
                return Err(shared("output", name));
            }
        }
        let tasks: Vec<Task> = asked.iter().cloned().chain(rest).collect();
        let mut names = HashSet::new();
        match tasks.iter().find(|task| !names.insert(&task.name)) {
            Some(task) => Err(shared("name", &task.name)),
            None => Ok(tasks),
        }
    }

    /// Returns the tensors this task delivers.
    ///
    /// # Errors
    /// A name that is no tensor of the graph.
    pub fn tensors(&self, graph: &Graph) -> Result<Vec<TensorId>, GraphError> {
        self.outputs
            .iter()
            .map(|name| graph.find_tensor(name))
            .collect()
    }
}

fn shared(what: &'static str, name: &str) -> GraphError {
    GraphError::TwoTasks {
        what,
        name: name.to_owned(),
    }
}

/// Returns the layers that every task needs: the backbone. `None` with fewer than two tasks, or
/// when the tasks share nothing.
///
/// # Errors
/// A task names a tensor that does not exist.
pub fn backbone(graph: &Graph, tasks: &[Task]) -> Result<Option<LayerSet>, GraphError> {
    if tasks.len() < 2 {
        return Ok(None);
    }
    let mut shared = LayerSet::full(graph.layers().len());
    for task in tasks {
        shared.intersect_with(&graph.ancestors(&task.tensors(graph)?));
    }
    Ok((!shared.is_empty()).then_some(shared))
}
