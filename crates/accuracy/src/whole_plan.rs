//! A plan measured as a whole: its two real halves, with the encoders and decoders of everything
//! that crosses.

use super::AccuracyError;
use super::estimate::{Outcome, Outcomes};
use super::evaluation::{Evaluation, session};
use super::parallel;
use super::splice::{image_file, message_of};
use cutpoint_core::codec::{Codec, Form};
use cutpoint_core::codec_accuracy::{CodecAccuracy, WholePlanRecord};
use cutpoint_core::graph::TensorId;
use cutpoint_onnx::{CutRequest, Model};
use cutpoint_runtime::halves::pick;
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::session::{Session, Values};
use cutpoint_runtime::values;

/// A plan to be measured as a whole: its sides by the ids of their layers, and what crosses.
#[derive(Debug, Clone, Copy)]
pub struct WholePlan<'a> {
    /// Layers on the edge, as in [`cutpoint_core::plan::Plan::edge`].
    pub edge: &'a [String],
    /// Layers on the server.
    pub server: &'a [String],
    /// Tensors that cross, with their codecs.
    pub crossing: &'a [(String, Codec)],
}

/// Sessions of one worker.
struct HalfSessions {
    edge: Option<Session>,
    server: Option<Session>,
}

impl Evaluation<'_> {
    /// Measures a plan as a whole on all samples, with the bounds of `known`. `watch` is asked,
    /// with the number of samples done, whether to go on.
    ///
    /// A codec that loses nothing has exactly no drop; a task computed on the edge sees nothing of
    /// the codecs.
    ///
    /// # Errors
    /// The plan is not of this model, bounds are missing, values that are no numbers, or
    /// [`AccuracyError::Interrupted`].
    pub fn measure_whole_plan(
        &self,
        request: WholePlan<'_>,
        known: &CodecAccuracy,
        watch: &mut dyn FnMut(usize) -> Control,
    ) -> Result<WholePlanRecord, AccuracyError> {
        let lossless = request
            .crossing
            .iter()
            .all(|(_, codec)| codec.is_lossless());
        let outcomes = if lossless {
            vec![None; self.metrics.len()]
        } else {
            self.whole_plan_outcomes(&self.cut_request(request, known)?, watch)?
        };
        let (tensors, codecs) = request.crossing.iter().cloned().unzip();
        Ok(WholePlanRecord {
            tensors,
            codecs,
            edge: request.edge.to_vec(),
            samples: self.subject.samples.len() as u64,
            drops: self.drops(&outcomes),
        })
    }

    fn cut_request(
        &self,
        request: WholePlan<'_>,
        known: &CodecAccuracy,
    ) -> Result<CutRequest, AccuracyError> {
        let reading = self.subject.reading;
        let mut cut = CutRequest::default();
        for (name, codec) in request.crossing {
            let tensor = reading.graph.find_tensor(name)?;
            cut.crossing.push((tensor, *codec));
            if codec.is_image()
                && let Some(scale) = &self.scale
            {
                cut.u8_scales.insert(tensor, scale.clone());
            }
            if let Some(range) = known.range(name, *codec) {
                cut.ranges.insert(tensor, range);
            }
        }
        let crossing: Vec<TensorId> = cut.crossing.iter().map(|(t, _)| *t).collect();
        cut.edge = reading.edge_of_plan(request.edge, request.server, &crossing)?;
        Ok(cut)
    }

    fn whole_plan_outcomes(
        &self,
        request: &CutRequest,
        watch: &mut dyn FnMut(usize) -> Control,
    ) -> Result<Vec<Option<Outcomes>>, AccuracyError> {
        let halves = cutpoint_onnx::cut(self.subject.model, self.subject.reading, request)?;
        let encoded = |half: &Option<Model>| half.as_ref().map(Model::encode);
        let (edge, server) = (encoded(&halves.edge), encoded(&halves.server));
        let needs_whole = self.needs_whole_outputs();
        let whole = needs_whole.then(|| self.subject.model.encode());
        let made = |model: &Option<Vec<u8>>| {
            let model = model.as_ref();
            model
                .map(|m| session(self.subject.environment, m))
                .transpose()
        };
        let mut lanes = self.sessions(|| {
            let (edge, server) = (made(&edge)?, made(&server)?);
            Ok((HalfSessions { edge, server }, made(&whole)?))
        })?;
        let samples = 0..self.subject.samples.len();
        let done = parallel::each(&mut lanes, samples, watch, |(lane, whole), index| {
            let feed = self.feed(self.row(index))?;
            let reference = match whole {
                Some(whole) => whole.run(&feed)?,
                None => Values::new(),
            };
            let found = self.run_halves(lane, &feed, request)?;
            let tasks = self.metrics.iter().zip(&self.truths);
            let outcomes = tasks.map(|(metric, truth)| {
                match metric.outcome(truth, index, &found, &reference)? {
                    Outcome::NotANumber => Err(AccuracyError::Misfit(format!(
                        "{}: with these codecs, task `{}` gives values that are no numbers",
                        self.subject.samples.place(self.row(index)),
                        metric.task.name
                    ))),
                    outcome => Ok(outcome),
                }
            });
            outcomes.collect::<Result<Vec<_>, _>>()
        })?;
        if done.stopped {
            return Err(AccuracyError::Interrupted);
        }
        let mut columns: Vec<Outcomes> = self
            .metrics
            .iter()
            .map(|metric| Outcomes::none(metric.kind))
            .collect();
        for sample in done.results {
            columns
                .iter_mut()
                .zip(sample)
                .for_each(|(column, outcome)| column.push(outcome));
        }
        Ok(columns.into_iter().map(Some).collect())
    }

    /// The results of both halves, the server's last.
    fn run_halves(
        &self,
        lane: &mut HalfSessions,
        feed: &Values,
        request: &CutRequest,
    ) -> Result<Values, AccuracyError> {
        let mut results = match &mut lane.edge {
            Some(edge) => edge.run(&pick(&edge.input_names(), feed)?)?,
            None => feed.clone(),
        };
        for (tensor, codec) in &request.crossing {
            if let Form::Jpeg(_) = codec.form {
                let tensor = self.subject.reading.graph.tensor(*tensor);
                let sent = format!("{}/u8", tensor.name);
                if let Some((_, value)) = results.iter_mut().find(|(name, _)| *name == sent) {
                    let (_, back) = image_file(*codec, tensor, message_of(value, &sent)?)?;
                    let environment = self.subject.environment;
                    *value = values::from_bytes(environment, &tensor.shape, back)?;
                }
            }
        }
        if let Some(server) = &mut lane.server {
            let sent = pick(&server.input_names(), &results)?;
            results.extend(server.run(&sent)?);
        }
        Ok(results)
    }
}
