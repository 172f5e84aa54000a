use std::collections::HashMap;

use super::edge_origin;
use crate::roofline::{RooflineData, Work};
use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_core::units::Bytes;

/// Data of the roofline: the layers as traced in the whole model, on the profile's own board.
pub fn roofline(profile: &Profile) -> RooflineData {
    let tensors = profile.tensors.iter().map(|t| (t.name.as_str(), t.bytes));
    let weights = profile.weights.iter().map(|w| (w.name.as_str(), w.bytes));
    let (tensors, weights): (HashMap<_, _>, HashMap<_, _>) = (tensors.collect(), weights.collect());
    let work = |layer: &LayerRecord| {
        let values = layer.inputs.iter().chain(&layer.outputs);
        let values = values.filter_map(|name| tensors.get(name.as_str()));
        let constants = layer
            .weights
            .iter()
            .filter_map(|name| weights.get(name.as_str()));
        Work {
            name: layer.id.clone(),
            op: layer.op.clone(),
            flops: layer.flops,
            bytes: values.chain(constants).copied().map(Bytes).sum(),
            us: layer.trace_us,
        }
    };
    RooflineData {
        model: profile.model.file.clone(),
        board: edge_origin(profile),
        peak_gflop_s: profile.board.peak_gflop_s,
        mem_gb_s: profile.board.mem_gb_s,
        layers: profile.layers.iter().map(work).collect(),
    }
}
