//! Data of the figures, from profiles, problems and sweeps.

mod layers;

pub use layers::layers;

use super::Origin;
use crate::graph::{Graph, LayerSet, TensorId};
use crate::profile::Profile;
use crate::units::three_digits;

/// Where the times of a profile come from; `side` (`Edge`, `Server`) starts the sentence.
pub fn measured(side: &str, profile: &Profile) -> Origin {
    let (board, method) = (&profile.board, &profile.method);
    let threads = if board.threads == 1 { "thread" } else { "threads" };
    let method = format!(
        "{side}: measured on `{}` ({}, {} cores), {} ({}), {} {threads}; medians of {} or more rounds, {} caches, spread of the whole model {} %.",
        board.name,
        board.cpu,
        board.cores,
        board.runtime,
        board.provider,
        board.threads,
        method.runs,
        method.cache,
        three_digits(method.noise * 100.0),
    );
    Origin { name: board.name.clone(), method, simulated: false }
}

/// The tensors that alone cross a closed cut, with the layers before the cut, in execution order.
/// Model inputs are not among them.
pub fn natural_cuts(graph: &Graph) -> Vec<(TensorId, LayerSet)> {
    let produced = graph.layers().iter().flat_map(|layer| &layer.outputs);
    produced
        .filter(|tensor| graph.tensor(**tensor).uncuttable.is_none())
        .map(|tensor| (*tensor, graph.ancestors(&[*tensor])))
        .filter(|(tensor, edge)| graph.crossing(edge) == [*tensor])
        .collect()
}
