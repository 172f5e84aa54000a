//! Checks that the halves deliver what the whole model does.

use ort::environment::Environment;

use super::RunError;
use super::halves::pick;
use super::session::{Difference, Session, SessionOptions, Values, compare};
use cutpoint_onnx::{Halves, Model};

/// How one output of the halves compares with the whole model's.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputCheck {
    /// Name of the model output.
    pub output: String,
    /// How it differs.
    pub difference: Difference,
}

/// Runs the whole model, at the deployment level.
///
/// # Errors
/// The runtime refuses or fails.
pub fn run_whole(
    environment: &Environment,
    model: &Model,
    feed: &Values,
) -> Result<Values, RunError> {
    Session::new(environment, &model.encode(), &SessionOptions::default())?.run(feed)
}

/// Runs the edge half on `feed`, the overlapped heads and the server half on what it delivers, and
/// compares every output.
///
/// # Errors
/// The runtime refuses or fails, or an output of the whole model is missing.
pub fn verify(
    environment: &Environment,
    halves: &Halves,
    feed: &Values,
    expected: &Values,
) -> Result<Vec<OutputCheck>, RunError> {
    let mut results: Values = Vec::new();
    if let Some(edge) = &halves.edge {
        let mut session = Session::new(environment, &edge.encode(), &SessionOptions::default())?;
        results = session.run(&pick(&session.input_names(), feed)?)?;
    }
    let mut overlapped = Vec::new();
    if let Some(local) = &halves.local {
        let mut session = Session::new(environment, &local.encode(), &SessionOptions::default())?;
        let known = [results.as_slice(), feed].concat();
        overlapped = session.run(&pick(&session.input_names(), &known)?)?;
    }
    if let Some(server) = &halves.server {
        let mut session = Session::new(environment, &server.encode(), &SessionOptions::default())?;
        let sent = pick(&session.input_names(), &results)?;
        results.extend(session.run(&sent)?);
    }
    results.extend(overlapped);
    expected
        .iter()
        .map(|(output, value)| {
            // the server's result comes last, and is the one delivered
            let found = results.iter().rev().find(|(name, _)| name == output);
            let (_, actual) = found.ok_or_else(|| {
                RunError::Mismatch(format!("no half delivers the model output `{output}`"))
            })?;
            Ok(OutputCheck {
                output: output.clone(),
                difference: compare(value, actual),
            })
        })
        .collect()
}
