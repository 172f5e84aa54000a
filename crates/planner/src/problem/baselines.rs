//! The plans everybody thinks of first.

use super::bundle::Problem;
use crate::cost::placement::Codecs;
use crate::cost::time_per_bit::TimePerBit;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::task;

/// A placement with a name.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NamedPlacement {
    pub name: &'static str,
    pub edge: LayerSet,
    pub codecs: Codecs,
}

/// All-edge, all-server, all-server with eight-bit inputs, and the cut behind the backbone,
/// as far as the model has them and whatever the limits.
pub fn baselines(problem: &Problem, time_per_bit: TimePerBit) -> Vec<NamedPlacement> {
    let layers = problem.graph().layers().len();
    let (full, empty) = (LayerSet::full(layers), LayerSet::empty(layers));
    let mut found = Vec::new();
    let mut add = |name, edge: LayerSet, codecs| found.push(NamedPlacement { name, edge, codecs });
    if let Ok(codecs) = problem.best_codecs(&full, time_per_bit) {
        add("all-edge", full.clone(), codecs);
    }
    let inputs = problem.model.crossing(&empty);
    let raw = |t: &TensorId| (*t, Codec::F32);
    add(
        "all-server",
        empty.clone(),
        inputs.iter().map(raw).collect(),
    );
    let compact = |t: &TensorId| {
        let image = problem
            .model
            .tensor(*t)
            .encodings
            .iter()
            .any(|encoding| encoding.codec == Codec::U8);
        (*t, if image { Codec::U8 } else { Codec::F32 })
    };
    let compact: Codecs = inputs.iter().map(compact).collect();
    if compact.iter().any(|(_, codec)| *codec == Codec::U8) {
        add("all-server u8", empty, compact);
    }
    if let Ok(Some(backbone)) = task::backbone(problem.graph(), problem.tasks())
        && backbone != full
        && let Ok(codecs) = problem.best_codecs(&backbone, time_per_bit)
    {
        add("backbone", backbone, codecs);
    }
    found.retain(|placement| problem.cost(&placement.edge, &placement.codecs).is_ok());
    found
}
