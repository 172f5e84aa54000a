//! What the network is for: named sets of its outputs.

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, GraphError, LayerSet, TensorId, nearest};

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
    /// One task per graph output.
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

    /// The tasks asked for; every output that none of them has is a task of its own.
    ///
    /// # Errors
    /// [`GraphError::Unknown`] for a name that is no output, with the nearest outputs.
    pub fn complete(graph: &Graph, asked: &[Task]) -> Result<Vec<Task>, GraphError> {
        let mut rest = Task::per_output(graph);
        for name in asked.iter().flat_map(|task| &task.outputs) {
            if !graph
                .outputs()
                .iter()
                .any(|t| graph.tensor(*t).name == *name)
            {
                let outputs = graph
                    .outputs()
                    .iter()
                    .map(|t| graph.tensor(*t).name.as_str());
                return Err(GraphError::Unknown {
                    what: "output",
                    name: name.clone(),
                    near: nearest(name, outputs),
                });
            }
            rest.retain(|task| task.name != *name);
        }
        Ok(asked.iter().cloned().chain(rest).collect())
    }

    /// The tensors this task delivers.
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

/// The layers that every task needs: the backbone. `None` with fewer than two tasks, or when the
/// tasks share nothing.
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
