//! What a placement uses of the knapsacks, kept up to date as layers come and go.

use crate::presolve::{EncodingUse, Reduced};
use crate::problem::Counts;
use cutpoint_core::graph::TensorId;

/// KnapsackUse per knapsack.
pub(crate) struct KnapsackUse<'a, 'p> {
    reduced: &'a Reduced<'p>,
    /// Of the layers on the edge.
    layers: Vec<i64>,
    /// With the fastest encoding of each tensor that crosses: at most this is used.
    fastest: Vec<i64>,
    /// With the encoding of each tensor that uses least: at least this is used.
    least: Vec<i64>,
    /// Per tensor: the fastest and the least use of each knapsack.
    tensors: Vec<Vec<(i64, i64)>>,
}

impl<'a, 'p> KnapsackUse<'a, 'p> {
    pub(crate) fn new(reduced: &'a Reduced<'p>) -> Self {
        let knapsacks = reduced.knapsacks().len();
        let tensors = reduced.problem.graph().tensor_ids();
        KnapsackUse {
            reduced,
            layers: vec![0; knapsacks],
            fastest: vec![0; knapsacks],
            least: vec![0; knapsacks],
            tensors: tensors.map(|tensor| of_tensor(reduced, tensor)).collect(),
        }
    }

    /// Adds what layers use of each knapsack `times` over.
    pub(crate) fn add_layers(&mut self, uses: &[i64], times: i64) {
        for (sum, uses) in self.layers.iter_mut().zip(uses) {
            *sum += times * uses;
        }
    }

    pub(crate) fn add_tensor(&mut self, tensor: TensorId) {
        for (index, (fastest, least)) in self.tensors[tensor.index()].iter().enumerate() {
            self.fastest[index] += fastest;
            self.least[index] += least;
        }
    }

    pub(crate) fn remove_tensor(&mut self, tensor: TensorId) {
        for (index, (fastest, least)) in self.tensors[tensor.index()].iter().enumerate() {
            self.fastest[index] -= fastest;
            self.least[index] -= least;
        }
    }

    /// What the layers leave of each knapsack.
    pub(crate) fn room(&self) -> Vec<i64> {
        let pairs = self.reduced.allows.iter().zip(&self.layers);
        pairs.map(|(allows, layers)| allows - layers).collect()
    }

    pub(crate) fn layers_fit(&self) -> bool {
        let mut pairs = self.reduced.allows.iter().zip(&self.layers);
        pairs.all(|(allows, layers)| layers <= allows)
    }

    /// Whether some knapsack is exceeded whatever the codecs.
    pub(crate) fn exceed(&self) -> bool {
        let mut least = self
            .least
            .iter()
            .zip(&self.layers)
            .zip(&self.reduced.allows);
        least.any(|((least, layers), allows)| least + layers > *allows)
    }

    /// Whether the fastest encodings exceed no knapsack for sure.
    pub(crate) fn fastest_fit(&self) -> bool {
        let mut fastest = self
            .fastest
            .iter()
            .zip(&self.layers)
            .zip(&self.reduced.allows);
        fastest.all(|((fastest, layers), allows)| fastest + layers <= *allows)
    }
}

fn of_tensor(reduced: &Reduced<'_>, tensor: TensorId) -> Vec<(i64, i64)> {
    let encodings = &reduced.encodings[tensor.index()];
    let graph = reduced.problem.graph();
    let knapsacks = reduced.knapsacks().iter().enumerate();
    let uses = knapsacks.map(|(index, knapsack)| {
        let of = |choice: &EncodingUse| choice.uses[index];
        let fastest = encodings.first().map_or(0, of);
        let least = encodings.iter().map(of).min().unwrap_or(0);
        match knapsack.when(graph, tensor) {
            Counts::Always => (fastest, least),
            // perhaps it does not count
            Counts::Sometimes => (fastest, least.min(0)),
            Counts::Never => (0, 0),
        }
    });
    uses.collect()
}
