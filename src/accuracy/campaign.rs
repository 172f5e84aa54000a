//! The whole measurement: a first look at every candidate, then more samples where they decide
//! something.

use std::ops::Range;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::AccuracyError;
use super::calibrate;
use super::candidates::forms;
use super::contests::{Priority, places};
use super::evaluation::Evaluation;
use super::parallel;
use super::tap::{FormEnds, Lane, Tap, sees};
use super::tried::{Partial, Tried};
use super::verdict::Stop;
use crate::codec::{Codec, Stage};
use crate::graph::{Graph, TensorId};
use crate::runtime::measure::Control;
use crate::sensitivity::{Confidence, CrossingRecord, Sensitivity};

/// Samples of the first look.
const FIRST: usize = 64;
/// Samples whose encoded sizes are measured, unless all are wanted: enough for a 95th percentile.
const SIZES: usize = 200;
/// Samples after which what was found is saved.
const SAVED: usize = 64;
/// What a compression is expected to leave before it was measured; few leave less.
const COMPRESSED: f64 = 0.35;

/// What to measure, and how much of it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Names of the tensors.
    pub tensors: Vec<String>,
    /// The codecs, each with the compressions wanted.
    pub codecs: Vec<Codec>,
    /// What decides where more samples are spent.
    pub priority: Priority<'a>,
    /// Measure everything on all samples.
    pub exhaustive: bool,
    /// Measure no longer than this.
    pub deadline: Option<Instant>,
    /// How sure the pessimistic ends are to be.
    pub confidence: Confidence,
    /// Half-width of an interval that is narrow enough, in the unit of drops.
    pub precision: f64,
}

/// What is being done, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Progress {
    /// Samples on which bounds are calibrated.
    Calibrating { done: usize, of: usize },
    /// Runs of the model behind an encoded tensor; `at_most` shrinks as candidates drop out.
    Measuring { done: usize, at_most: usize },
}

/// Watches a long measurement and keeps what it finds.
pub trait Observer {
    /// Called often; return [`Control::Interrupt`] to stop.
    fn progress(&mut self, progress: Progress) -> Control;
    /// Called with what was measured so far, so that it can be saved; `last` when nothing follows.
    ///
    /// # Errors
    /// It cannot be saved: the measurement stops.
    fn measured(&mut self, partial: &Partial, last: bool) -> Result<(), AccuracyError>;
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The accuracy file.
    pub sensitivity: Sensitivity,
    /// Nothing was left open for want of time.
    pub complete: bool,
    /// Runs of the model behind an encoded tensor, over all measurements of this file.
    pub runs: usize,
    /// Runs that measuring everything on all samples takes.
    pub exhaustive_runs: usize,
    /// Candidates that were left out, and why.
    pub notes: Vec<String>,
}

/// Measures what single encoded tensors cost; `partial` is what was measured before.
///
/// # Errors
/// Names the model does not have, a model that does not run, or [`AccuracyError::Interrupted`]
/// when the observer asked to stop, after it was given what there is.
pub fn measure(
    evaluation: &Evaluation<'_>,
    request: &Request<'_>,
    partial: Option<Partial>,
    observer: &mut dyn Observer,
) -> Result<Report, AccuracyError> {
    let mut campaign = Campaign::start(evaluation, request, partial, observer)?;
    let complete = campaign.look(observer)? && campaign.refine(observer)?;
    Ok(campaign.report(complete))
}

/// Of the model, the data and everything else that outcomes depend on.
fn key(evaluation: &Evaluation<'_>, request: &Request<'_>) -> String {
    let samples = &evaluation.subject.samples;
    let mut hash = Sha256::new();
    let tasks = evaluation.tasks();
    let meters: Vec<_> = evaluation.meters.iter().map(|meter| &meter.task).collect();
    let codecs: Vec<String> = request.codecs.iter().map(Codec::to_string).collect();
    let (model, data) = (evaluation.model(), evaluation.data());
    let version = env!("CARGO_PKG_VERSION");
    hash.update(format!(
        "{version} {model:?} {data:?} {tasks:?} {meters:?} {codecs:?}"
    ));
    hash.update(format!("{:?}", samples.calibration()));
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Partial {
    /// Whether what it holds is of this model, these data and the same request.
    pub fn is_of(&self, evaluation: &Evaluation<'_>, request: &Request<'_>) -> bool {
        let (tasks, samples) = (evaluation.meters.len(), evaluation.subject.samples.len());
        self.key == key(evaluation, request)
            && self.tried.iter().all(|tried| tried.fits(tasks, samples))
    }
}

struct Campaign<'a> {
    evaluation: &'a Evaluation<'a>,
    request: &'a Request<'a>,
    tensors: Vec<TensorId>,
    known: Partial,
    stop: Stop,
    notes: Vec<String>,
    done: usize,
}

/// Forms of one tensor that have been tried on as many samples, and how many they shall have.
struct Unit {
    tensor: usize,
    /// Positions among the tried; or, in the first look, all forms.
    forms: Vec<usize>,
    from: usize,
    to: usize,
}

impl<'a> Campaign<'a> {
    fn start(
        evaluation: &'a Evaluation<'a>,
        request: &'a Request<'a>,
        partial: Option<Partial>,
        observer: &mut dyn Observer,
    ) -> Result<Campaign<'a>, AccuracyError> {
        let graph = graph(evaluation);
        let tensors = request.tensors.iter().map(|name| graph.find_tensor(name));
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        let samples = evaluation.subject.samples.len();
        let mut notes = Vec::new();
        let known = match partial.filter(|partial| partial.is_of(evaluation, request)) {
            Some(known) => known,
            None => {
                let of = evaluation.subject.samples.calibration().len();
                let watch = &mut |done| observer.progress(Progress::Calibrating { done, of });
                let (ranges, problems) =
                    calibrate::ranges(evaluation, &tensors, &request.codecs, watch)?;
                notes.extend(problems);
                Partial {
                    key: key(evaluation, request),
                    ranges,
                    tried: Vec::new(),
                }
            }
        };
        let mut campaign = Campaign {
            done: known.runs(),
            evaluation,
            request,
            tensors,
            known,
            stop: Stop {
                samples,
                z: request.confidence.z(),
                precision: request.precision,
            },
            notes,
        };
        campaign
            .known
            .tried
            .iter_mut()
            .for_each(|tried| tried.settle(evaluation));
        Ok(campaign)
    }

    /// Tries every form on every tensor, those first that could win something; whether there was
    /// time for all.
    fn look(&mut self, observer: &mut dyn Observer) -> Result<bool, AccuracyError> {
        let samples = self.stop.samples;
        let to = if self.request.exhaustive {
            samples
        } else {
            FIRST.min(samples)
        };
        for tensor in self.order()? {
            let name = self.name(tensor).to_owned();
            let sees = sees(self.evaluation, self.tensors[tensor])?;
            let mut known = Vec::new();
            for form in self.forms(tensor) {
                known.push(match self.position(&name, form.codec) {
                    Some(position) => position,
                    None => {
                        let tried = Tried::new(self.evaluation, &name, &form, &sees);
                        self.known.tried.push(tried);
                        self.known.tried.len() - 1
                    }
                });
            }
            if !self.extend(tensor, &known, to, observer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Spends samples on what is open until nothing is; whether there was time for all.
    fn refine(&mut self, observer: &mut dyn Observer) -> Result<bool, AccuracyError> {
        loop {
            let contests = self.request.priority.contests(&self.sensitivity())?;
            let open = self.stop.open(&contests, &self.known.tried);
            if open.is_empty() || self.request.exhaustive {
                return Ok(true);
            }
            for tensor in 0..self.tensors.len() {
                let name = self.name(tensor);
                let mine = open
                    .iter()
                    .filter(|at| self.known.tried[**at].tensor == name);
                let mine: Vec<usize> = mine.copied().collect();
                let fewest = mine.iter().map(|at| self.known.tried[*at].samples).min();
                let to = (2 * fewest.unwrap_or(0)).clamp(FIRST, self.stop.samples.max(FIRST));
                let to = to.min(self.stop.samples);
                if !self.extend(tensor, &mine, to, observer)? {
                    return Ok(false);
                }
            }
        }
    }

    /// Brings forms of a tensor to as many samples, the ones with fewest first; whether there was
    /// time.
    fn extend(
        &mut self,
        tensor: usize,
        forms: &[usize],
        to: usize,
        observer: &mut dyn Observer,
    ) -> Result<bool, AccuracyError> {
        loop {
            let is_short = |tried: &Tried| tried.samples < to && tried.unusable.is_none();
            let short = forms
                .iter()
                .copied()
                .filter(|at| is_short(&self.known.tried[*at]));
            let Some(from) = short.clone().map(|at| self.known.tried[at].samples).min() else {
                return Ok(true);
            };
            let same: Vec<usize> = short
                .filter(|at| self.known.tried[*at].samples == from)
                .collect();
            let later = forms.iter().map(|at| self.known.tried[*at].samples);
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
    /// which the model cannot be cut is given up.
    fn run(&mut self, unit: &Unit, observer: &mut dyn Observer) -> Result<bool, AccuracyError> {
        let codecs: Vec<Codec> = unit
            .forms
            .iter()
            .map(|at| self.known.tried[*at].codec)
            .collect();
        let mut forms = self.forms(unit.tensor);
        forms.retain(|form| codecs.contains(&form.codec));
        forms.sort_by_key(|form| codecs.iter().position(|codec| *codec == form.codec));
        let tap = match Tap::new(self.evaluation, self.tensors[unit.tensor], forms) {
            Err(AccuracyError::Onnx(error)) => {
                for at in &unit.forms {
                    self.known.tried[*at].unusable = Some(format!("cannot be tried: {error}"));
                }
                return Ok(true);
            }
            tap => tap?,
        };
        let mut lanes = self.evaluation.sessions(|| tap.lane())?;
        let mut from = unit.from;
        while from < unit.to {
            let samples = from..unit.to.min(from + SAVED);
            from = samples.end;
            if !self.run_samples(unit, &tap, &mut lanes, samples, observer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn run_samples(
        &mut self,
        unit: &Unit,
        tap: &Tap<'_>,
        lanes: &mut [Lane],
        samples: Range<usize>,
        observer: &mut dyn Observer,
    ) -> Result<bool, AccuracyError> {
        let all_sizes = self.request.exhaustive;
        let (mut interrupted, before, at_most) = (false, self.done, self.at_most());
        let width = unit.forms.len();
        let watch = &mut |count: usize| {
            let done = before + count * width;
            let progress = Progress::Measuring { done, at_most };
            interrupted |= observer.progress(progress) != Control::Continue;
            let deadline = self.request.deadline;
            let late = deadline.is_some_and(|deadline| Instant::now() > deadline);
            match interrupted || late {
                true => Control::Interrupt,
                false => Control::Continue,
            }
        };
        let found = parallel::each(lanes, samples, watch, |lane, index| {
            tap.sample(lane, index, all_sizes || index < SIZES)
        })?;
        self.done += found.results.len() * width;
        let evaluation = self.evaluation;
        for sample in found.results {
            for (at, form) in unit.forms.iter().zip(sample) {
                let tried = &mut self.known.tried[*at];
                let row = evaluation.row(tried.samples);
                tried.push(form, || evaluation.subject.samples.place(row));
            }
        }
        for at in &unit.forms {
            self.known.tried[*at].settle(evaluation);
        }
        observer.measured(&self.known, found.stopped)?;
        match interrupted {
            true => Err(AccuracyError::Interrupted),
            false => Ok(!found.stopped),
        }
    }

    /// Positions of the tensors, those that could win a contest first.
    fn order(&self) -> Result<Vec<usize>, AccuracyError> {
        let mut guess = self.sensitivity();
        for tensor in 0..self.tensors.len() {
            guess.crossings.extend(self.guesses(tensor));
        }
        let contests = self.request.priority.contests(&guess)?;
        let places = places(&contests);
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

    fn sensitivity(&self) -> Sensitivity {
        Sensitivity {
            format: crate::sensitivity::FORMAT,
            model: self.evaluation.model(),
            data: self.evaluation.data(),
            tasks: self.evaluation.tasks(),
            ranges: self.known.ranges.clone(),
            crossings: self.known.tried.iter().flat_map(Tried::records).collect(),
            joints: Vec::new(),
        }
    }

    fn report(mut self, complete: bool) -> Report {
        for tried in &self.known.tried {
            if let Some(problem) = &tried.unusable {
                let (tensor, codec) = (&tried.tensor, tried.codec);
                self.notes
                    .push(format!("`{tensor}` as {codec} {problem}: left out"));
            }
        }
        let mut sensitivity = self.sensitivity();
        let order = |record: &CrossingRecord| {
            let mut tensors = self.request.tensors.iter();
            tensors.position(|name| *name == record.tensor)
        };
        sensitivity.crossings.sort_by_key(order);
        let forms: usize = (0..self.tensors.len()).map(|t| self.forms(t).len()).sum();
        Report {
            sensitivity,
            complete,
            runs: self.done,
            exhaustive_runs: forms * self.stop.samples,
            notes: self.notes,
        }
    }

    /// Runs that may still come, those done included.
    fn at_most(&self) -> usize {
        let samples = self.stop.samples;
        let open = |tried: &&Tried| !tried.exact && !self.stop.is_done(tried);
        let tried = self.known.tried.iter().filter(open);
        let more: usize = tried.map(|tried| samples - tried.samples).sum();
        self.done + more
    }

    fn forms(&self, tensor: usize) -> Vec<FormEnds> {
        let tensor = graph(self.evaluation).tensor(self.tensors[tensor]);
        forms(
            self.evaluation,
            tensor,
            &self.request.codecs,
            &self.known.ranges,
        )
        .0
    }

    fn name(&self, tensor: usize) -> &'a str {
        &graph(self.evaluation).tensor(self.tensors[tensor]).name
    }

    fn position(&self, tensor: &str, codec: Codec) -> Option<usize> {
        let mut tried = self.known.tried.iter();
        tried.position(|tried| tried.tensor == tensor && tried.codec == codec)
    }
}

fn graph<'a>(evaluation: &'a Evaluation<'_>) -> &'a Graph {
    &evaluation.subject.reading.graph
}
