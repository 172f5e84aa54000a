//! What tracing a model tells: shapes, fusion groups and times.

use std::collections::{BTreeSet, HashMap};

use ort::environment::Environment;

use super::groups::{self, Grouping};
use super::measure::{Control, go_on};
use super::probe::{InputShape, probe, random_inputs};
use super::session::{OptimizationLevel, Provider, Session, SessionOptions, Values};
use super::stats::{mad, median};
use super::{RunError, trace};
use cutpoint_core::temporary::TemporaryFolder;
use cutpoint_onnx::{Kernel, Model, Reading};

/// A model traced on this machine.
#[derive(Debug)]
pub struct TracedModel {
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

impl TracedModel {
    /// Traced time and spread of each group, scaled so that the times sum to `whole_us`; equal
    /// shares when the trace shows nothing.
    pub fn scaled_us(&self, whole_us: f64) -> Vec<(f64, f64)> {
        let sum: f64 = self.traced_us.iter().map(|(us, _)| us).sum();
        if sum > 0.0 {
            let scale = whole_us / sum;
            let scaled = |(us, mad): &(f64, f64)| (us * scale, mad * scale);
            self.traced_us.iter().map(scaled).collect()
        } else {
            let share = whole_us / self.traced_us.len().max(1) as f64;
            vec![(share, 0.0); self.traced_us.len()]
        }
    }
}

/// Finds shapes, fusion groups and traced times; asks `watch` before every run.
///
/// # Errors
/// The model is bad, the runtime refuses or fails, or [`RunError::Interrupted`].
pub fn trace_model(
    environment: &Environment,
    model: &Model,
    shapes: &[InputShape],
    provider: Provider,
    runs: usize,
    watch: &mut dyn FnMut() -> Control,
) -> Result<TracedModel, RunError> {
    let feed = random_inputs(environment, model, shapes)?;
    let facts = probe(environment, model, &feed)?;
    let reading = model.graph(&facts)?;
    let renamed = model.renamed();
    let folder = TemporaryFolder::new_in(&std::env::temp_dir()).map_err(|cause| RunError::Io {
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
        level: OptimizationLevel::All,
        trace: Some(&prefix),
        // only the processor's rewritten graphs can be written and read back
        dump: (provider == Provider::Cpu).then_some(dump.as_path()),
        ..options
    };
    let mut traced = Session::new(environment, &renamed, &traced)?;
    let mut plain = Session::new(environment, &renamed, &options)?;
    let mut plain_us = Vec::with_capacity(runs);
    for run in 0..runs + 3 {
        go_on(watch())?;
        traced.run(&feed)?;
        let (_, sample) = plain.run_timed(&feed)?;
        if run >= 3 {
            plain_us.push(sample.wall.as_secs_f64() * 1e6);
        }
    }
    let times = trace::kernels(&traced.finish_trace()?)?;
    let kernels = match Model::load(&dump) {
        Ok(model) => model.kernels(),
        Err(_) => named_only(&times),
    };
    let node_names: Vec<String> = reading.nodes.iter().map(|n| format!("n{n}")).collect();
    let grouping = groups::group(&reading.graph, &node_names, &kernels)?;
    let traced_us = per_group(&grouping, &times, runs);
    Ok(TracedModel {
        feed,
        reading,
        grouping,
        traced_us,
        plain_us,
    })
}

/// What the trace alone tells of the rewritten graph: the names of its nodes.
fn named_only(times: &[trace::KernelTime]) -> Vec<Kernel> {
    let names: BTreeSet<&str> = times.iter().map(|kernel| kernel.node.as_str()).collect();
    let kernel = |name: &str| Kernel {
        name: name.to_owned(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        activation: None,
    };
    names.into_iter().map(kernel).collect()
}

/// Median and spread of each group's kernels over the last `runs` runs.
fn per_group(grouping: &Grouping, kernels: &[trace::KernelTime], runs: usize) -> Vec<(f64, f64)> {
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
