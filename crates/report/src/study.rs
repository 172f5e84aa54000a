//! What several figures ask of a profile and its problem.

use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::TensorId;
use cutpoint_planner::problem::Problem;

/// The model inputs that the server has, too.
pub(crate) fn local_inputs(problem: &Problem) -> Vec<TensorId> {
    let inputs = problem.graph().inputs().iter().copied();
    inputs.filter(|input| problem.is_local(*input)).collect()
}

/// What drops in accuracy were measured on.
pub(crate) fn accuracy_source(accuracy: &CodecAccuracy) -> String {
    let data = &accuracy.data;
    let labels = if data.labelled {
        ""
    } else {
        ", without labels: against the whole model's own answers"
    };
    match data.samples {
        0 => format!("as stated by hand ({})", data.source),
        samples => format!(
            "measured on up to {samples} samples of {}{labels}",
            data.source
        ),
    }
}
