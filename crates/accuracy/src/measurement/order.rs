//! The order of the tensors before any message was measured.

use super::{DropMeasurement, graph};
use crate::AccuracyError;
use crate::racing::places;
use cutpoint_core::codec::{Codec, Stage};
use cutpoint_core::codec_accuracy::CrossingRecord;

/// What a compression is expected to leave before it was measured; few leave less.
const COMPRESSED: f64 = 0.35;

impl DropMeasurement<'_> {
    /// Returns the positions of the tensors, those that could win a race first.
    pub(super) fn order(&self) -> Result<Vec<usize>, AccuracyError> {
        let mut guess = self.accuracy();
        for tensor in 0..self.tensors.len() {
            guess.crossings.extend(self.guesses(tensor));
        }
        let races = self.request.priority.races(&guess)?;
        let places = places(&races);
        let mut order: Vec<usize> = (0..self.tensors.len()).collect();
        order.sort_by_key(|at| places.get(self.name(*at)).copied().unwrap_or(usize::MAX));
        Ok(order)
    }

    /// What a tensor's messages may be like, before any was made.
    fn guesses(&self, tensor: usize) -> Vec<CrossingRecord> {
        let facts = graph(self.evaluation).tensor(self.tensors[tensor]);
        let guess = |codec: Codec, stage: Stage| {
            let plain = codec.in_halves().payload(facts)?.0 as f64;
            let is_plain = stage == Stage::Plain && codec == codec.in_halves();
            let left = if is_plain { 1.0 } else { COMPRESSED };
            Some(CrossingRecord {
                tensor: facts.name.clone(),
                codec: codec.then(stage),
                samples: 0,
                bytes_mean: plain * left,
                bytes_std: 0.0,
                bytes_p95: None,
                drops: Vec::new(),
            })
        };
        let forms = self.forms(tensor);
        let forms = forms
            .iter()
            .filter(|form| self.position(&facts.name, form.codec).is_none());
        forms
            .flat_map(|form| {
                form.stages
                    .iter()
                    .filter_map(|stage| guess(form.codec, *stage))
            })
            .collect()
    }
}
