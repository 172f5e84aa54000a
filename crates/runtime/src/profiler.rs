//! The measuring protocol: from a model to its profile.
//!
//! Trace the whole model; choose cuts; time their real halves fully interleaved with the whole;
//! calibrate layer and tensor times to them; measure codecs and memory.

use std::path::{Path, PathBuf};
use std::time::Instant;

use ort::environment::Environment;

use super::board::{Board, Sensors, memory_gb_s};
use super::calibrate::{self, Fits};
use super::halves::Bench;
use super::measure::go_on;
pub use super::partial::PartialProfile;
use super::records::{Parts, assemble};
pub use super::request::{ProfileObserver, ProfileProgress, ProfileRequest};
use super::schedule::{Schedule, Timing};
use super::trace_model::{TracedModel, trace_model};
use super::{RunError, anchors, codecs, memory};
use cutpoint_core::cuts::Cut;
use cutpoint_core::graph::{Graph, LayerSet, TensorId};
use cutpoint_core::profile::{BoardInfo, MemoryModel, Profile};
use cutpoint_core::task::Task;
use cutpoint_onnx::Model;

/// Traced and plain runs of the whole model, in turn.
const TRACE_RUNS: usize = 30;
/// A measured half counts as reproduced within this share of the whole model's time.
const REPRODUCED: f64 = 0.008;

/// Watches nothing.
impl ProfileObserver for () {}

/// Measures `model` and returns its profile; `partial` holds cuts measured before.
///
/// # Errors
/// The model is bad, the runtime refuses or fails, or [`RunError::Interrupted`].
pub fn profile(
    environment: &Environment,
    model: &Model,
    request: &ProfileRequest,
    partial: Option<PartialProfile>,
    observer: &mut dyn ProfileObserver,
) -> Result<Profile, RunError> {
    let start = Instant::now();
    let board = Board::read();
    let before = Sensors::read();
    let traced = trace_model(
        environment,
        model,
        &request.shapes,
        request.provider,
        TRACE_RUNS,
        &mut || observer.progress(ProfileProgress::Tracing),
    )?;
    let graph = &traced.grouping.graph;
    let tasks = Task::complete(graph, &request.tasks)?;
    let local: Vec<TensorId> = request
        .local_inputs
        .iter()
        .map(|n| graph.find_input(n))
        .collect::<Result<_, _>>()?;
    let trace_us: Vec<f64> = traced.traced_us.iter().map(|(us, _)| *us).collect();
    let mut anchors = anchors::choose(graph, &tasks, &local, &trace_us)?;
    let bench = Bench {
        environment,
        model,
        reading: &traced.reading,
        feed: &traced.feed,
        provider: request.provider,
        protocol: request.protocol,
    };
    let mut schedule = Schedule::new(&bench, &traced, request, key(model, request), partial);
    schedule.adopt(&mut anchors, &local);
    schedule.run(&anchors, observer)?;
    go_on(observer.progress(ProfileProgress::Calibrating))?;
    let timing = schedule.finish(&anchors);
    let fits = calibrate_sides(graph, &traced, &timing);
    let codecs = codecs::measure(environment, graph, request.protocol)?;
    let memory = memory_model(&bench, &traced, request, observer)?;
    let after = Sensors::read();
    let threads = request.protocol.threads;
    let board = BoardInfo {
        name: request.board.clone(),
        server: None,
        cpu: board.cpu,
        cores: board.cores,
        memory_bytes: board.memory_bytes,
        os: board.os,
        runtime: request.runtime.clone(),
        provider: request.provider.name().to_owned(),
        threads,
        governor: board.governor.unwrap_or_default(),
        temperature_start_c: before.temperature_c,
        temperature_end_c: after.temperature_c,
        frequency_start_mhz: before.frequency_mhz,
        frequency_end_mhz: after.frequency_mhz,
        peak_gflop_s: codecs::peak_gflop_s(environment)?.round(),
        mem_gb_s: (10.0 * memory_gb_s(threads)).round() / 10.0,
    };
    Ok(assemble(Parts {
        model,
        request,
        traced: &traced,
        tasks,
        timing,
        fits,
        codecs,
        memory,
        board,
        duration_s: start.elapsed().as_secs_f64(),
    }))
}

/// Returns a text of everything that must be the same for measured cuts to be reused.
pub fn key(model: &Model, request: &ProfileRequest) -> String {
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

fn calibrate_sides(graph: &Graph, traced: &TracedModel, timing: &Timing) -> Fits {
    let whole_us = timing.whole.median_us;
    let prior = calibrate::Prior {
        trace_us: traced
            .scaled_us(whole_us)
            .iter()
            .map(|(us, _)| *us)
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
    traced: &TracedModel,
    request: &ProfileRequest,
    observer: &mut dyn ProfileObserver,
) -> Result<MemoryModel, RunError> {
    let mut observations = Vec::new();
    if let Some(program) = &request.program {
        let graph = &traced.reading.graph;
        let mut observe = |half: &Model, layers: &LayerSet| -> Result<(), RunError> {
            go_on(observer.progress(ProfileProgress::Memory))?;
            let peak = memory::observe_in_child(program, half, request.protocol.threads)?;
            // Ctrl-C in a terminal ends the child, too: no peak then means nothing
            go_on(observer.progress(ProfileProgress::Memory))?;
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
    let natural = cutpoint_core::cuts::natural(graph, &[]);
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

/// Returns where an unfinished profile is kept: beside the finished one.
pub fn partial_path(profile: &Path) -> PathBuf {
    profile.with_extension("partial.toml")
}
