//! Trying forms of a tensor on more samples.

use std::ops::Range;
use std::time::Instant;

use super::{AccuracyObserver, AccuracyProgress, DropMeasurement, SIZES};
use crate::AccuracyError;
use crate::parallel;
use crate::splice::{Splice, SpliceSessions};
use crate::trial::Trial;
use cutpoint_core::codec::Codec;
use cutpoint_runtime::measure::Control;

/// Samples after which what was found is saved.
const SAVED: usize = 64;

/// Forms of one tensor that have been tried on as many samples, and how many they shall have.
struct Unit {
    tensor: usize,
    /// Positions among the tried; or, in the first look, all forms.
    forms: Vec<usize>,
    from: usize,
    to: usize,
}

impl DropMeasurement<'_> {
    /// Measures forms of a tensor until each has as many samples, those with fewest first; whether
    /// there was time.
    pub(super) fn extend(
        &mut self,
        tensor: usize,
        forms: &[usize],
        to: usize,
        observer: &mut dyn AccuracyObserver,
    ) -> Result<bool, AccuracyError> {
        loop {
            let is_short = |trial: &Trial| trial.samples < to && trial.unusable.is_none();
            let short = forms
                .iter()
                .copied()
                .filter(|at| is_short(&self.known.trials[*at]));
            let Some(from) = short.clone().map(|at| self.known.trials[at].samples).min() else {
                return Ok(true);
            };
            let same: Vec<usize> = short
                .filter(|at| self.known.trials[*at].samples == from)
                .collect();
            let later = forms.iter().map(|at| self.known.trials[*at].samples);
            let next = later.filter(|n| *n > from).min().unwrap_or(to).min(to);
            let unit = Unit {
                tensor,
                forms: same,
                from,
                to: next,
            };
            if !self.run(&unit, observer)? {
                return Ok(false);
            }
        }
    }

    /// Runs a unit and saves what it finds; whether there was time for all of it. A tensor around
    /// which the model cannot be cut is dropped.
    fn run(
        &mut self,
        unit: &Unit,
        observer: &mut dyn AccuracyObserver,
    ) -> Result<bool, AccuracyError> {
        let codecs: Vec<Codec> = unit
            .forms
            .iter()
            .map(|at| self.known.trials[*at].codec)
            .collect();
        let mut forms = self.forms(unit.tensor);
        forms.retain(|form| codecs.contains(&form.codec));
        forms.sort_by_key(|form| codecs.iter().position(|codec| *codec == form.codec));
        let splice = match Splice::new(self.evaluation, self.tensors[unit.tensor], forms) {
            Err(AccuracyError::Onnx(error)) => {
                for at in &unit.forms {
                    self.known.trials[*at].unusable = Some(format!("cannot be tried: {error}"));
                }
                return Ok(true);
            }
            splice => splice?,
        };
        let mut lanes = self.evaluation.sessions(|| splice.lane())?;
        let mut from = unit.from;
        while from < unit.to {
            let samples = from..unit.to.min(from + SAVED);
            from = samples.end;
            if !self.run_samples(unit, &splice, &mut lanes, samples, observer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn run_samples(
        &mut self,
        unit: &Unit,
        splice: &Splice<'_>,
        lanes: &mut [SpliceSessions],
        samples: Range<usize>,
        observer: &mut dyn AccuracyObserver,
    ) -> Result<bool, AccuracyError> {
        let all_sizes = self.request.exhaustive;
        let (mut interrupted, before, at_most) = (false, self.done, self.at_most());
        let width = unit.forms.len();
        let watch = &mut |count: usize| {
            let done = before + count * width;
            let progress = AccuracyProgress::Measuring { done, at_most };
            interrupted |= observer.progress(progress) != Control::Continue;
            let deadline = self.request.deadline;
            let late = deadline.is_some_and(|deadline| Instant::now() > deadline);
            if interrupted || late {
                Control::Interrupt
            } else {
                Control::Continue
            }
        };
        let found = parallel::each(lanes, samples, watch, |lane, index| {
            splice.sample(lane, index, all_sizes || index < SIZES)
        })?;
        self.done += found.results.len() * width;
        let evaluation = self.evaluation;
        for sample in found.results {
            for (at, form) in unit.forms.iter().zip(sample) {
                let trial = &mut self.known.trials[*at];
                let row = evaluation.row(trial.samples);
                trial.push(form, || evaluation.subject.samples.place(row));
            }
        }
        for at in &unit.forms {
            self.known.trials[*at].settle(evaluation);
        }
        observer.measured(&self.known, found.stopped)?;
        if interrupted {
            Err(AccuracyError::Interrupted)
        } else {
            Ok(!found.stopped)
        }
    }
}
