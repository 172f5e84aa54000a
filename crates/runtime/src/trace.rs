//! The runtime's own trace: one JSON event per kernel launch.

use std::collections::HashMap;

use serde::Deserialize;

use super::RunError;
use cutpoint_core::graph::ElementType;

/// One kernel launch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KernelTime {
    /// Name of the node in the (rewritten) graph.
    pub(super) node: String,
    /// Duration in microseconds.
    pub(super) us: f64,
    /// Type and shape of each output.
    pub(super) outputs: Vec<(ElementType, Vec<u64>)>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    dur: f64,
    #[serde(default)]
    args: Arguments,
}

#[derive(Deserialize, Default)]
struct Arguments {
    #[serde(default)]
    output_type_shape: Vec<HashMap<String, Vec<i64>>>,
}

/// Reads the kernel launches of a trace, in order.
///
/// # Errors
/// [`RunError::Trace`] when the text is not a trace.
pub(super) fn kernels(trace: &str) -> Result<Vec<KernelTime>, RunError> {
    let events: Vec<Event> = serde_json::from_str(trace).map_err(|error| RunError::Trace {
        message: error.to_string(),
    })?;
    Ok(events
        .into_iter()
        .filter(|event| event.cat == "Node")
        .filter_map(|event| {
            let node = event.name.strip_suffix("_kernel_time")?.to_owned();
            let outputs = event
                .args
                .output_type_shape
                .into_iter()
                .filter_map(port)
                .collect();
            Some(KernelTime {
                node,
                us: event.dur,
                outputs,
            })
        })
        .collect())
}

/// The runtime writes each output as a map of its one type to its shape.
fn port(entry: HashMap<String, Vec<i64>>) -> Option<(ElementType, Vec<u64>)> {
    let (name, dims) = entry.into_iter().next()?;
    let kind = match name.as_str() {
        "float" => ElementType::Float32,
        "double" => ElementType::Float64,
        other => other.parse().unwrap_or(ElementType::Other),
    };
    Some((
        kind,
        dims.into_iter()
            .map(|d| u64::try_from(d).unwrap_or(0))
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_kernels_with_their_shapes_and_skips_the_rest() {
        let text = r#"[
          {"cat":"Session","name":"model_run","dur":5,"args":{}},
          {"cat":"Node","name":"n3_kernel_time","dur":41,
           "args":{"op_name":"Conv","output_type_shape":[{"float":[1,16,32,32]},{"int64":[]}]}},
          {"cat":"Node","name":"n3_fence_before","dur":1,"args":{"op_name":"Conv"}}]"#;
        let kernels = kernels(text).unwrap();
        assert_eq!(
            kernels,
            [KernelTime {
                node: "n3".into(),
                us: 41.0,
                outputs: vec![
                    (ElementType::Float32, vec![1, 16, 32, 32]),
                    (ElementType::Int64, vec![])
                ]
            }]
        );
    }

    #[test]
    fn text_that_is_no_trace_is_an_error() {
        assert!(super::kernels("{").is_err());
    }
}
