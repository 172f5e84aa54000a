//! The measuring protocol, from a model to its profile.
//!
//! Trace the whole model; choose cuts; time their real halves fully interleaved with the whole;
//! calibrate layer and tensor times to them; measure codecs and memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ort::environment::Environment;

use super::anchors::{self, Anchors};
use super::calibrate::{self, Fit};
use super::groups::{self, Grouping};
use super::halves::{BatchTimes, Bench};
use super::measure::{Control, Protocol, Summary};
use super::probe::{InputShape, probe, random_inputs};
use super::session::{Level, Provider, Session, SessionOptions, Values};
use super::stats::{mad, median};
use super::{RunError, board, codecs, memory, trace};
use crate::cuts::Cut;
use crate::graph::{Graph, LayerSet, TensorId};
use crate::onnx::{Model, Reading};
use crate::profile::{
    BoardInfo, CodecRecord, CutRecord, FORMAT, LayerRecord, MemoryModel, Method, ModelInfo,
    PortRecord, Profile, TensorRecord, WeightRecord, Whole,
};
use crate::task::Task;

/// Traced and plain runs of the whole model, in turn.
const TRACE_RUNS: usize = 30;
/// Cuts timed together; more would only hold more sessions in memory.
const BATCH_CUTS: usize = 20;
/// Sessions of one batch may hold this much.
const BATCH_BYTES: u64 = 2 << 30;
/// Bytes a session holds per byte of its model at the deployment level (measured: 2.5).
const SESSION_FACTOR: u64 = 3;
/// A measured half counts as reproduced within this share of the whole model's time.
const REPRODUCED: f64 = 0.004;

/// What to measure and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name of the board.
    pub board: String,
    /// Fixed input shapes.
    pub shapes: Vec<InputShape>,
    /// Named sets of outputs; empty for one per output.
    pub tasks: Vec<Task>,
    /// Inputs that the server has too.
    pub local_inputs: Vec<String>,
    /// Where the model runs.
    pub provider: Provider,
    /// How it is timed.
    pub protocol: Protocol,
    /// Aim for the time spent on timing halves.
    pub budget: Duration,
    /// This program, to be started for each memory measurement; none to leave memory out.
    pub program: Option<PathBuf>,
    /// Version of the runtime, for the record.
    pub runtime: String,
}

/// What is being done, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// Finding shapes, tracing.
    Tracing,
    /// Timing halves: share of the planned work done.
    Timing {
        /// From 0 to 1.
        done: f64,
        /// Cuts finished and planned.
        cuts: (usize, usize),
    },
    /// Fitting times to the measured halves.
    Calibrating,
    /// Running halves in children.
    Memory,
}

/// Watches and steers a measurement.
pub trait Observer {
    /// Called often; return [`Control::Interrupt`] to stop.
    fn progress(&mut self, progress: Progress) -> Control;
    /// Called with the cuts measured so far, so that they can be saved.
    ///
    /// # Errors
    /// They cannot be saved: the measurement stops.
    fn measured(&mut self, partial: &Partial) -> Result<(), RunError>;
}

/// Measured cuts of an unfinished profile.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// Everything that must be the same for the measurement to go on.
    pub key: String,
    /// Median of the whole model that the cuts are scaled to.
    pub whole_us: f64,
    /// The cuts, scaled.
    #[serde(rename = "cut", default)]
    pub cuts: Vec<CutRecord>,
}

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
    let feed = random_inputs(model, shapes)?;
    let facts = probe(environment, model, &feed)?;
    let reading = model.graph(&facts)?;
    let renamed = model.renamed();
    let folder = tempfile::tempdir().map_err(|source| RunError::Io {
        path: std::env::temp_dir(),
        source,
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

/// Measures `model` and returns its profile; `partial` holds cuts measured before.
///
/// # Errors
/// The model is bad, the runtime refuses or fails, or [`RunError::Interrupted`].
pub fn profile(
    environment: &Environment,
    model: &Model,
    request: &Request,
    partial: Option<Partial>,
    observer: &mut dyn Observer,
) -> Result<Profile, RunError> {
    let start = Instant::now();
    let board_start = board::fingerprint();
    observer.progress(Progress::Tracing);
    let prepared = prepare(
        environment,
        model,
        &request.shapes,
        request.provider,
        TRACE_RUNS,
    )?;
    let graph = &prepared.grouping.graph;
    let tasks = if request.tasks.is_empty() {
        Task::per_output(graph)
    } else {
        request.tasks.clone()
    };
    let local: Vec<TensorId> = request
        .local_inputs
        .iter()
        .map(|n| graph.find_tensor(n))
        .collect::<Result<_, _>>()?;
    let trace_us: Vec<f64> = prepared.traced_us.iter().map(|(us, _)| *us).collect();
    let anchors = anchors::choose(graph, &tasks, &local, &trace_us)?;
    let bench = Bench {
        environment,
        model,
        reading: &prepared.reading,
        feed: &prepared.feed,
        provider: request.provider,
        protocol: request.protocol,
    };
    let mut campaign = Campaign::new(&bench, &prepared, request, key(model, request), partial);
    campaign.run(&anchors, observer)?;
    observer.progress(Progress::Calibrating);
    let timing = campaign.finish();
    let fits = calibrate_sides(graph, &prepared, &timing);
    let codecs = codecs::measure(environment, graph, request.protocol)?;
    observer.progress(Progress::Memory);
    let memory = memory_model(&bench, &prepared, request)?;
    let peak_gflop_s = codecs::peak_gflop_s(environment)?;
    let board = BoardInfo {
        name: request.board.clone(),
        runtime: request.runtime.clone(),
        provider: request.provider.name().to_owned(),
        threads: request.protocol.threads,
        peak_gflop_s,
        ..board_start.finish()
    };
    Ok(assemble(Parts {
        model,
        request,
        prepared: &prepared,
        tasks,
        timing,
        fits,
        codecs,
        memory,
        board,
        duration_s: start.elapsed().as_secs_f64(),
    }))
}

/// Everything that must be the same for measured cuts to be reused.
pub fn key(model: &Model, request: &Request) -> String {
    let shapes: Vec<String> = request.shapes.iter().map(ToString::to_string).collect();
    let protocol = &request.protocol;
    format!(
        "{} {} {} {} {} threads {} {} {:?}",
        model.sha256(),
        request.board,
        request.runtime,
        request.provider.name(),
        shapes.join(","),
        protocol.threads,
        protocol.cache.name(),
        protocol.paced_fps,
    )
}

/// The measured cuts and the whole model's time they are scaled to.
struct Timing {
    cuts: Vec<(Cut, CutRecord)>,
    whole: Summary,
    disturbed: f64,
    drift: f64,
}

/// Measures the chosen cuts batch by batch.
struct Campaign<'a> {
    bench: &'a Bench<'a>,
    prepared: &'a Prepared,
    request: &'a Request,
    partial: Partial,
    wholes: Vec<Summary>,
    cuts: Vec<(Cut, CutRecord)>,
}

impl<'a> Campaign<'a> {
    fn new(
        bench: &'a Bench<'a>,
        prepared: &'a Prepared,
        request: &'a Request,
        key: String,
        partial: Option<Partial>,
    ) -> Campaign<'a> {
        let fresh = Partial {
            key,
            whole_us: 0.0,
            cuts: Vec::new(),
        };
        let partial = partial.filter(|p| p.key == fresh.key).unwrap_or(fresh);
        Campaign {
            bench,
            prepared,
            request,
            partial,
            wholes: Vec::new(),
            cuts: Vec::new(),
        }
    }

    fn run(&mut self, anchors: &Anchors, observer: &mut dyn Observer) -> Result<(), RunError> {
        let start = Instant::now();
        let graph = &self.prepared.grouping.graph;
        let mut open = Vec::new();
        for cut in &anchors.cuts {
            let (tensors, kept) = names(graph, cut);
            let known = self
                .partial
                .cuts
                .iter()
                .find(|r| r.tensors == tensors && r.kept == kept);
            match known {
                Some(record) => self.cuts.push((cut.clone(), record.clone())),
                None => open.push(cut.clone()),
            }
        }
        let known = self.cuts.len();
        // the whole model is always timed, even when every cut is known already
        let mut batches = self.batches(&open);
        if batches.is_empty() {
            batches.push(&[]);
        }
        let total = anchors.cuts.len();
        for (index, batch) in batches.iter().enumerate() {
            let done = self.cuts.len();
            let left = self.request.budget.saturating_sub(start.elapsed());
            let mandatory = done < anchors.required.max(1);
            if index > 0 && left.is_zero() && !mandatory {
                break;
            }
            let share = batch.len().max(1) as f64 / (total - done).max(1) as f64;
            let deadline = Instant::now() + left.mul_f64(share.min(1.0));
            let rounds = self.request.protocol.min_rounds as f64;
            let mut after_round = |round: usize| {
                let part = (round as f64 / rounds).min(1.0) * batch.len() as f64;
                let done = (done as f64 + part) / total.max(1) as f64;
                observer.progress(Progress::Timing {
                    done,
                    cuts: (self.cuts.len(), total),
                })
            };
            let level: Vec<Cut> = batch.iter().map(|cut| self.node_level(cut)).collect();
            let times = self
                .bench
                .time(&level, known + index, deadline, &mut after_round)?;
            self.record(batch, &times);
            observer.measured(&self.partial)?;
        }
        Ok(())
    }

    /// The cut in terms of the model's nodes.
    fn node_level(&self, cut: &Cut) -> Cut {
        let edge = self.prepared.grouping.expand(&cut.edge);
        Cut {
            edge,
            crossing: Vec::new(),
        }
    }

    /// Splits the cuts into batches that fit in memory.
    fn batches<'c>(&self, cuts: &'c [Cut]) -> Vec<&'c [Cut]> {
        let session = self.bench.model.encode().len() as u64 * SESSION_FACTOR;
        let fit = (BATCH_BYTES / session.max(1)).clamp(1, BATCH_CUTS as u64) as usize;
        cuts.chunks(fit).collect()
    }

    fn record(&mut self, cuts: &[Cut], times: &BatchTimes) {
        if self.partial.whole_us == 0.0 {
            self.partial.whole_us = times.whole.median_us;
        }
        let scale = self.partial.whole_us / times.whole.median_us.max(f64::MIN_POSITIVE);
        for (cut, halves) in cuts.iter().zip(&times.halves) {
            let (tensors, kept) = names(&self.prepared.grouping.graph, cut);
            let record = CutRecord {
                tensors,
                kept,
                edge_us: halves.edge.median_us * scale,
                server_us: halves.server.median_us * scale,
                edge_mad_us: halves.edge.mad_us * scale,
                server_mad_us: halves.server.mad_us * scale,
                rounds: halves.edge.rounds.min(halves.server.rounds),
                edge_repeat_us: halves.edge.repeat_us * scale,
                server_repeat_us: halves.server.repeat_us * scale,
                edge_residual_us: 0.0,
                server_residual_us: 0.0,
                edge_loo_us: 0.0,
                server_loo_us: 0.0,
            };
            self.partial.cuts.push(record.clone());
            self.cuts.push((cut.clone(), record));
        }
        self.wholes.push(times.whole);
    }

    /// The whole model over all batches; cuts rescaled to it.
    fn finish(mut self) -> Timing {
        let medians: Vec<f64> = self.wholes.iter().map(|w| w.median_us).collect();
        let mean = |f: &dyn Fn(&Summary) -> f64| {
            self.wholes.iter().map(f).sum::<f64>() / self.wholes.len().max(1) as f64
        };
        let whole = Summary {
            median_us: median(&medians),
            mad_us: mean(&|w| w.mad_us),
            p90_us: mean(&|w| w.p90_us),
            p99_us: mean(&|w| w.p99_us),
            rounds: self.wholes.iter().map(|w| w.rounds).sum(),
            repeat_us: mean(&|w| w.repeat_us),
            drift: mean(&|w| w.drift),
            disturbed: mean(&|w| w.disturbed),
        };
        let between = match (medians.first(), medians.last()) {
            (Some(first), Some(last)) if medians.len() > 1 => last / first - 1.0,
            _ => whole.drift,
        };
        let scale = whole.median_us / self.partial.whole_us.max(f64::MIN_POSITIVE);
        for (_, record) in &mut self.cuts {
            for value in [
                &mut record.edge_us,
                &mut record.server_us,
                &mut record.edge_mad_us,
                &mut record.server_mad_us,
                &mut record.edge_repeat_us,
                &mut record.server_repeat_us,
            ] {
                *value *= scale;
            }
        }
        Timing {
            cuts: self.cuts,
            disturbed: whole.disturbed,
            drift: between,
            whole,
        }
    }
}

/// Names of the crossing tensors, and of the layers kept beyond what those need.
fn names(graph: &Graph, cut: &Cut) -> (Vec<String>, Vec<String>) {
    let tensors = cut
        .crossing
        .iter()
        .map(|t| graph.tensor(*t).name.clone())
        .collect();
    let needed = graph.ancestors(&cut.crossing);
    let kept = cut.edge.iter().filter(|l| !needed.contains(*l));
    (tensors, kept.map(|l| graph.layer(l).id.clone()).collect())
}

/// Fits of the edge and of the server side.
struct Fits {
    edge: Fit,
    server: Fit,
}

fn calibrate_sides(graph: &Graph, prepared: &Prepared, timing: &Timing) -> Fits {
    let whole_us = timing.whole.median_us;
    let traced: f64 = prepared.traced_us.iter().map(|(us, _)| us).sum();
    let scale = if traced > 0.0 { whole_us / traced } else { 0.0 };
    let prior = calibrate::Prior {
        trace_us: prepared
            .traced_us
            .iter()
            .map(|(us, _)| us * scale)
            .collect(),
        bytes: graph.tensors().iter().map(|t| t.bytes.0 as f64).collect(),
        whole_us,
    };
    let half = |cut: &Cut, layers: &LayerSet, measured_us: f64, mad_us: f64, rounds: usize| {
        let sigma_us = 1.2533 * 1.4826 * mad_us / (rounds.max(1) as f64).sqrt();
        calibrate::Half {
            layers: layers.iter().map(|l| l.index()).collect(),
            tensors: cut.crossing.iter().map(|t| t.index()).collect(),
            measured_us,
            sigma_us,
        }
    };
    let edge: Vec<_> = timing
        .cuts
        .iter()
        .map(|(cut, r)| half(cut, &cut.edge, r.edge_us, r.edge_mad_us, r.rounds))
        .collect();
    let server: Vec<_> = timing
        .cuts
        .iter()
        .map(|(cut, r)| {
            half(
                cut,
                &cut.edge.complement(),
                r.server_us,
                r.server_mad_us,
                r.rounds,
            )
        })
        .collect();
    let tolerance = REPRODUCED * whole_us;
    Fits {
        edge: calibrate::fit(&prior, &edge, tolerance),
        server: calibrate::fit(&prior, &server, tolerance),
    }
}

/// Runs the whole model and halves at a third and two thirds in children.
fn memory_model(
    bench: &Bench<'_>,
    prepared: &Prepared,
    request: &Request,
) -> Result<MemoryModel, RunError> {
    let mut observations = Vec::new();
    if let Some(program) = &request.program {
        let graph = &prepared.reading.graph;
        let mut observe = |half: &Model, layers: &LayerSet| -> Result<(), RunError> {
            let peak = memory::observe_in_child(program, half, request.protocol.threads)?;
            observations.extend(peak.map(|peak| memory::Observation {
                peak,
                weight_bytes: graph.weight_bytes(layers).0,
                live_bytes: graph.peak_live_bytes(layers).0,
            }));
            Ok(())
        };
        for edge in memory_cuts(graph) {
            let halves = bench.cut(&edge)?;
            if let Some(half) = &halves.edge {
                observe(half, &edge)?;
            }
            if let Some(half) = &halves.server {
                observe(half, &edge.complement())?;
            }
        }
    }
    Ok(memory::fit(&observations))
}

/// All layers, and the cuts nearest to a third and two thirds of the weights.
fn memory_cuts(graph: &Graph) -> Vec<LayerSet> {
    let mut edges = vec![LayerSet::full(graph.layers().len())];
    let total = graph.weight_bytes(&edges[0]).0 as f64;
    let natural = crate::cuts::natural(graph, &[]);
    for share in [1.0 / 3.0, 2.0 / 3.0] {
        let distance = |edge: &LayerSet| (graph.weight_bytes(edge).0 as f64 - share * total).abs();
        let nearest = natural
            .iter()
            .min_by(|a, b| distance(&a.edge).total_cmp(&distance(&b.edge)));
        if let Some(cut) = nearest.filter(|cut| !edges.contains(&cut.edge)) {
            edges.push(cut.edge.clone());
        }
    }
    edges
}

struct Parts<'a> {
    model: &'a Model,
    request: &'a Request,
    prepared: &'a Prepared,
    tasks: Vec<Task>,
    timing: Timing,
    fits: Fits,
    codecs: Vec<CodecRecord>,
    memory: MemoryModel,
    board: BoardInfo,
    duration_s: f64,
}

fn assemble(parts: Parts<'_>) -> Profile {
    let graph = &parts.prepared.grouping.graph;
    let whole = parts.timing.whole;
    let (layers, tensors) = (layer_records(&parts), tensor_records(&parts));
    let cuts = cut_records(&parts);
    let share = |us: f64| us.abs() / whole.median_us.max(f64::MIN_POSITIVE);
    let both = |pair: fn(&CutRecord) -> [f64; 2]| -> Vec<f64> {
        cuts.iter().flat_map(pair).map(share).collect()
    };
    let left_out = both(|c| [c.edge_loo_us, c.server_loo_us]);
    let repeats = both(|c| [c.edge_repeat_us, c.server_repeat_us]);
    let protocol = parts.request.protocol;
    let port = |tensor: &TensorId| {
        let tensor = graph.tensor(*tensor);
        PortRecord {
            name: tensor.name.clone(),
            dtype: tensor.dtype.to_string(),
            shape: tensor.shape.clone(),
            bytes: tensor.bytes.0,
        }
    };
    Profile {
        format: FORMAT,
        model: ModelInfo {
            file: parts.model.file_name(),
            sha256: parts.model.sha256().to_owned(),
            opset: parts.model.opset(),
            shapes: parts
                .request
                .shapes
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
        board: parts.board,
        method: Method {
            warmup: protocol.warmup,
            runs: protocol.min_rounds,
            optimization: "all".to_owned(),
            cache: protocol.cache.name().to_owned(),
            paced_fps: protocol.paced_fps,
            noise: whole.mad_us / whole.median_us.max(f64::MIN_POSITIVE),
            loo_error_median: median(&left_out),
            loo_error_max: left_out.iter().copied().fold(0.0, f64::max),
            repeatability: median(&repeats),
            drift: parts.timing.drift,
            disturbed: parts.timing.disturbed,
            duration_s: parts.duration_s,
            split_edge_us: parts.fits.edge.split_us,
            split_server_us: parts.fits.server.split_us,
        },
        whole: Whole {
            median_us: whole.median_us,
            mad_us: whole.mad_us,
            p90_us: whole.p90_us,
            p99_us: whole.p99_us,
            runs: whole.rounds,
        },
        memory: parts.memory,
        power: None,
        inputs: graph.inputs().iter().map(port).collect(),
        outputs: graph.outputs().iter().map(port).collect(),
        tasks: parts.tasks,
        tensors,
        weights: graph
            .weights()
            .iter()
            .map(|w| WeightRecord {
                name: w.name.clone(),
                bytes: w.bytes.0,
            })
            .collect(),
        layers,
        cuts,
        codecs: parts.codecs,
    }
}

fn layer_records(parts: &Parts<'_>) -> Vec<LayerRecord> {
    let graph = &parts.prepared.grouping.graph;
    let traced: f64 = parts.prepared.traced_us.iter().map(|(us, _)| us).sum();
    let scale = if traced > 0.0 {
        parts.timing.whole.median_us / traced
    } else {
        0.0
    };
    let names = |ids: &[TensorId]| ids.iter().map(|t| graph.tensor(*t).name.clone()).collect();
    graph
        .layers()
        .iter()
        .enumerate()
        .map(|(index, layer)| LayerRecord {
            id: layer.id.clone(),
            name: layer.name.clone(),
            op: layer.op.clone(),
            members: layer.members.clone(),
            inputs: names(&layer.inputs),
            outputs: names(&layer.outputs),
            weights: layer
                .weights
                .iter()
                .map(|w| graph.weights()[w.index()].name.clone())
                .collect(),
            flops: layer.flops,
            edge_us: parts.fits.edge.layers_us[index],
            server_us: parts.fits.server.layers_us[index],
            trace_us: parts.prepared.traced_us[index].0 * scale,
            mad_us: parts.prepared.traced_us[index].1 * scale,
        })
        .collect()
}

fn tensor_records(parts: &Parts<'_>) -> Vec<TensorRecord> {
    let graph = &parts.prepared.grouping.graph;
    graph
        .tensors()
        .iter()
        .enumerate()
        .map(|(index, tensor)| TensorRecord {
            name: tensor.name.clone(),
            dtype: tensor.dtype.to_string(),
            shape: tensor.shape.clone(),
            bytes: tensor.bytes.0,
            cuttable: tensor.uncuttable.is_none(),
            reason: tensor.uncuttable.clone().unwrap_or_default(),
            send_us: parts.fits.edge.extra_us[index],
            recv_us: parts.fits.server.extra_us[index],
        })
        .collect()
}

fn cut_records(parts: &Parts<'_>) -> Vec<CutRecord> {
    let (edge, server) = (&parts.fits.edge, &parts.fits.server);
    parts
        .timing
        .cuts
        .iter()
        .enumerate()
        .map(|(index, (_, record))| CutRecord {
            edge_residual_us: edge.residual_us[index],
            server_residual_us: server.residual_us[index],
            edge_loo_us: edge.left_out_us[index],
            server_loo_us: server.left_out_us[index],
            ..record.clone()
        })
        .collect()
}

/// Where an unfinished profile is kept: beside the finished one.
pub fn partial_path(profile: &Path) -> PathBuf {
    profile.with_extension("partial.toml")
}
