//! The profile's tables, from what was measured and fitted.

use super::calibrate::Fits;
use super::request::ProfileRequest;
use super::schedule::Timing;
use super::stats::median;
use super::trace_model::TracedModel;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::TensorId;
use cutpoint_core::profile::{
    BoardInfo, CodecRecord, CutRecord, FORMAT, LayerRecord, MemoryModel, Method, ModelInfo,
    PortRecord, Profile, TensorRecord, WeightRecord, Whole,
};
use cutpoint_core::task::Task;
use cutpoint_onnx::Model;

/// Everything a profile is made of.
pub(super) struct Parts<'a> {
    pub(super) model: &'a Model,
    pub(super) request: &'a ProfileRequest,
    pub(super) traced: &'a TracedModel,
    pub(super) tasks: Vec<Task>,
    pub(super) timing: Timing,
    pub(super) fits: Fits,
    pub(super) codecs: Vec<CodecRecord>,
    pub(super) memory: MemoryModel,
    pub(super) board: BoardInfo,
    pub(super) duration_s: f64,
}

/// Writes the tables.
pub(super) fn assemble(parts: Parts<'_>) -> Profile {
    let graph = &parts.traced.grouping.graph;
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
        kind: FileKind::Profile,
        source: None,
        imported: false,
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
            runs: cuts.iter().map(|c| c.rounds).min().unwrap_or(0),
            optimization: "all".to_owned(),
            cache: protocol.cache.name().to_owned(),
            paced_fps: protocol.paced_fps,
            noise: six(whole.mad_us / whole.median_us.max(f64::MIN_POSITIVE)),
            loo_error_median: six(median(&left_out)),
            loo_error_max: six(left_out.iter().copied().fold(0.0, f64::max)),
            repeatability: six(median(&repeats)),
            drift: six(parts.timing.drift),
            disturbed: six(parts.timing.disturbed),
            duration_s: ns(parts.duration_s),
            split_edge_us: ns(parts.fits.edge.split_us),
            split_server_us: ns(parts.fits.server.split_us),
        },
        whole: Whole {
            median_us: ns(whole.median_us),
            mad_us: ns(whole.mad_us),
            p90_us: ns(whole.p90_us),
            p99_us: ns(whole.p99_us),
            runs: whole.rounds,
        },
        memory: MemoryModel {
            weight_factor: six(parts.memory.weight_factor),
            activation_factor: six(parts.memory.activation_factor),
            ..parts.memory
        },
        power: None,
        serving: None,
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
        codecs: parts.codecs.into_iter().map(rounded_codec).collect(),
    }
}

/// Rounded to nanoseconds, which is all the clock tells and what the planner counts in.
fn ns(us: f64) -> f64 {
    (us * 1e3).round() / 1e3
}

/// A share or factor, to six decimals.
fn six(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Rounds times to nanoseconds so that they still sum to `whole_us`: the largest takes the rest.
fn rounded_to_sum(times_us: &[f64], whole_us: f64) -> Vec<f64> {
    let mut rounded: Vec<f64> = times_us.iter().map(|us| ns(*us)).collect();
    let rest = whole_us - rounded.iter().sum::<f64>();
    if let Some(largest) = rounded.iter_mut().max_by(|a, b| a.total_cmp(b)) {
        *largest = ns(*largest + rest).max(0.0);
    }
    rounded
}

fn layer_records(parts: &Parts<'_>) -> Vec<LayerRecord> {
    let graph = &parts.traced.grouping.graph;
    let traced_us = parts.traced.scaled_us(parts.timing.whole.median_us);
    let names = |ids: &[TensorId]| ids.iter().map(|t| graph.tensor(*t).name.clone()).collect();
    let whole_us = ns(parts.timing.whole.median_us);
    let edge_us = rounded_to_sum(&parts.fits.edge.layers_us, whole_us);
    let server_us = rounded_to_sum(&parts.fits.server.layers_us, whole_us);
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
            uses: Default::default(),
            edge_us: edge_us[index],
            server_us: server_us[index],
            trace_us: ns(traced_us[index].0),
            mad_us: ns(traced_us[index].1),
            runs: parts.traced.plain_us.len(),
        })
        .collect()
}

fn rounded_codec(codec: CodecRecord) -> CodecRecord {
    CodecRecord {
        enc_us: ns(codec.enc_us),
        enc_ns_per_byte: six(codec.enc_ns_per_byte),
        dec_us: ns(codec.dec_us),
        dec_ns_per_byte: six(codec.dec_ns_per_byte),
        ..codec
    }
}

fn tensor_records(parts: &Parts<'_>) -> Vec<TensorRecord> {
    let graph = &parts.traced.grouping.graph;
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
            send_us: ns(parts.fits.edge.extra_us[index]),
            recv_us: ns(parts.fits.server.extra_us[index]),
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
            edge_residual_us: ns(edge.residual_us[index]),
            server_residual_us: ns(server.residual_us[index]),
            edge_loo_us: ns(edge.left_out_us[index]),
            server_loo_us: ns(server.left_out_us[index]),
            edge_us: ns(record.edge_us),
            server_us: ns(record.server_us),
            edge_mad_us: ns(record.edge_mad_us),
            server_mad_us: ns(record.server_mad_us),
            edge_repeat_us: ns(record.edge_repeat_us),
            server_repeat_us: ns(record.server_repeat_us),
            ..record.clone()
        })
        .collect()
}
