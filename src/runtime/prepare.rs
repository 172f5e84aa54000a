//! What one look at a running model tells: shapes, fusion groups, traced times.

use std::collections::HashMap;

use ort::environment::Environment;

use super::groups::{self, Grouping};
use super::probe::{InputShape, probe, random_inputs};
use super::session::{Level, Provider, Session, SessionOptions, Values};
use super::stats::{mad, median};
use super::{RunError, trace};
use crate::onnx::{Model, Reading};

/// A model on a machine: what tracing it found out.
#[derive(Debug)]
pub struct Prepared {
    /// Inputs of the whole model.
    pub feed: Values,
    /// Node-level graph.
    pub reading: Reading,
    /// Layers as the runtime executes them.
    pub grouping: Grouping,
    /// Traced time of each group, not scaled, with its spread.
    pub traced_us: Vec<(f64, f64)>,
    /// Plain runs of the whole model, in microseconds.
    pub plain_us: Vec<f64>,
}

/// Finds shapes, fusion groups and traced times.
///
/// # Errors
/// The model is bad, or the runtime refuses or fails.
pub fn prepare(
    environment: &Environment,
    model: &Model,
    shapes: &[InputShape],
    provider: Provider,
    runs: usize,
) -> Result<Prepared, RunError> {
    let feed = random_inputs(environment, model, shapes)?;
    let facts = probe(environment, model, &feed)?;
    let reading = model.graph(&facts)?;
    let renamed = model.renamed();
    let folder = tempfile::tempdir().map_err(|cause| RunError::Io {
        path: std::env::temp_dir(),
        cause,
    })?;
    let (dump, prefix) = (
        folder.path().join("rewritten.onnx"),
        folder.path().join("trace"),
    );
    let options = SessionOptions {
        provider,
        ..SessionOptions::default()
    };
    let traced = SessionOptions {
        level: Level::All,
        trace: Some(&prefix),
        // only the processor's rewritten graphs can be written and read back
        dump: (provider == Provider::Cpu).then_some(dump.as_path()),
        ..options
    };
    let mut traced = Session::new(environment, &renamed, &traced)?;
    let mut plain = Session::new(environment, &renamed, &options)?;
    let mut plain_us = Vec::with_capacity(runs);
    for run in 0..runs + 3 {
        traced.run(&feed)?;
        let (_, sample) = plain.run_timed(&feed)?;
        if run >= 3 {
            plain_us.push(sample.wall.as_secs_f64() * 1e6);
        }
    }
    let kernels = match Model::load(&dump) {
        Ok(model) => model.kernels(),
        Err(_) => Vec::new(),
    };
    let node_names: Vec<String> = reading.nodes.iter().map(|n| format!("n{n}")).collect();
    let grouping = groups::group(&reading.graph, &node_names, &kernels)?;
    let times = trace::kernels(&traced.finish_trace()?)?;
    let traced_us = per_group(&grouping, &times, runs);
    Ok(Prepared {
        feed,
        reading,
        grouping,
        traced_us,
        plain_us,
    })
}

/// Median and spread of each group's kernels over the last `runs` runs.
fn per_group(grouping: &Grouping, kernels: &[trace::Kernel], runs: usize) -> Vec<(f64, f64)> {
    let mut samples: HashMap<&str, Vec<f64>> = HashMap::new();
    for kernel in kernels {
        samples
            .entry(kernel.node.as_str())
            .or_default()
            .push(kernel.us);
    }
    let mut times = vec![(0.0, 0.0); grouping.graph.layers().len()];
    for (kernel, samples) in samples {
        if let Some(group) = grouping.kernels.get(kernel) {
            let counted = &samples[samples.len().saturating_sub(runs)..];
            let (centre, spread) = &mut times[group.index()];
            *centre += median(counted);
            *spread += mad(counted);
        }
    }
    times
}
