//! Checks whether a cut is possible.

use std::collections::HashSet;

use super::super::error::{OnnxError, show, show_list};
use super::super::reading::Reading;
use super::super::tensor;
use super::CutRequest;
use cutpoint_core::graph::TensorId;

/// Names the first thing that makes a cut impossible.
pub(super) fn check(reading: &Reading, request: &CutRequest) -> Result<(), OnnxError> {
    let graph = &reading.graph;
    let impossible = |problem: String| Err(OnnxError::Cut(problem));
    let name = |t: TensorId| graph.tensor(t).name.as_str();
    if request
        .edge
        .iter()
        .any(|l| l.index() >= graph.layers().len())
    {
        return impossible("it names layers that the model does not have".to_owned());
    }
    if let Some(layer) = reading.graph.first_open(&request.edge) {
        return impossible(format!(
            "`{}` is on the edge, but reads results of the server",
            show(&graph.layer(layer).id)
        ));
    }
    check_overlapped(reading, request)?;
    let mut named: HashSet<TensorId> = HashSet::new();
    let needed: HashSet<TensorId> = graph
        .crossing(&request.edge)
        .into_iter()
        .filter(|t| !request.local_inputs.contains(t))
        .collect();
    if let Some(made) = request
        .local_inputs
        .iter()
        .find(|t| graph.producer(**t).is_some())
    {
        return impossible(format!("`{}` is not a model input", show(name(*made))));
    }
    for (tensor, _) in &request.crossing {
        if !named.insert(*tensor) {
            return impossible(format!("`{}` crosses twice", show(name(*tensor))));
        }
        let kept = graph
            .producer(*tensor)
            .is_none_or(|p| request.edge.contains(p));
        let is_result = kept && graph.outputs().contains(tensor);
        if !needed.contains(tensor) && !is_result {
            return impossible(format!(
                "nothing on the server reads `{}`",
                show(name(*tensor))
            ));
        }
        if let Some(reason) = &graph.tensor(*tensor).uncuttable {
            return impossible(format!(
                "`{}` may not cross: {}",
                show(name(*tensor)),
                show(reason)
            ));
        }
    }
    let missing: Vec<&str> = graph
        .tensor_ids()
        .filter(|t| needed.contains(t) && !named.contains(t))
        .map(name)
        .collect();
    if !missing.is_empty() {
        return impossible(format!("{} would cross too", show_list(missing)));
    }
    Ok(())
}

/// Checks that the overlapped layers are on the edge and end there.
fn check_overlapped(reading: &Reading, request: &CutRequest) -> Result<(), OnnxError> {
    let graph = &reading.graph;
    for id in request.overlapped.iter() {
        if id.index() >= graph.layers().len() {
            let problem = "it names layers that the model does not have";
            return Err(OnnxError::Cut(problem.to_owned()));
        }
        let layer = graph.layer(id);
        let impossible = |problem: String| {
            let name = show(&layer.id);
            let error = format!("`{name}` is to be overlapped with the transfer, but {problem}");
            Err(OnnxError::Cut(error))
        };
        if !request.edge.contains(id) {
            return impossible("it is not on the edge".to_owned());
        }
        for output in &layer.outputs {
            if request.crossing.iter().any(|(sent, _)| sent == output) {
                let name = show(&graph.tensor(*output).name);
                return impossible(format!("its result `{name}` is sent to the server"));
            }
            let mut readers = graph.consumers(*output).iter();
            if let Some(reader) = readers.find(|reader| !request.overlapped.contains(**reader)) {
                let name = show(&graph.layer(*reader).id);
                return impossible(if request.edge.contains(*reader) {
                    format!("`{name}`, which runs before, reads its result")
                } else {
                    format!("`{name}` on the server reads its result")
                });
            }
        }
        for read in &layer.inputs {
            let tensor = graph.tensor(*read);
            let is_handed = graph
                .producer(*read)
                .is_some_and(|p| !request.overlapped.contains(p));
            if is_handed && tensor::data_type(tensor.dtype).is_none() {
                let name = show(&tensor.name);
                let kind = tensor.dtype;
                return impossible(format!(
                    "it reads `{name}`, and {kind} values cannot be handed from model to model: \
                     plan with --schedule sequential"
                ));
            }
        }
    }
    Ok(())
}
