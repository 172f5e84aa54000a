//! A splice: one tensor of a model is taken out, encoded, decoded and put back. What does not
//! depend on it runs before, once per sample; the rest runs after, once per codec.

use super::AccuracyError;
use super::estimate::Outcome;
use super::evaluation::{Evaluation, session};
use cutpoint_core::codec::{Codec, Form, Stage};
use cutpoint_core::cuts::Cut;
use cutpoint_core::graph::{LayerSet, Tensor, TensorId};
use cutpoint_onnx::wire;
use cutpoint_onnx::{CodecData, CodecModels, CutRequest, Model, OnnxError};
use cutpoint_runtime::halves::pick;
use cutpoint_runtime::session::{Session, Value, Values};
use cutpoint_runtime::values;

/// A tensor's two sides as encoded models, and the codecs to try on it.
pub(super) struct Splice<'a> {
    evaluation: &'a Evaluation<'a>,
    tensor: &'a Tensor,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
    /// Which tasks depend on the tensor.
    tasks: Vec<bool>,
    forms: Vec<FormEnds>,
}

/// A codec without a compression, and the messages whose size counts.
pub(super) struct FormEnds {
    pub(super) codec: Codec,
    /// Compressions to try.
    pub(super) stages: Vec<Stage>,
    /// Encoder and decoder; none where operators change nothing.
    ends: Option<Ends>,
}

/// An encoder and a decoder, as encoded models.
type Ends = (Vec<u8>, Vec<u8>);

/// Sessions of one worker.
pub(super) struct SpliceSessions {
    before: Option<Session>,
    after: Session,
    ends: Vec<Option<(Session, Session)>>,
}

/// What one sample told about one form.
#[derive(Debug)]
pub(super) struct SampleResult {
    /// Per task that depends on the tensor.
    pub(super) outcomes: Vec<Outcome>,
    /// Encoded bytes, per compression; empty when they were not asked for.
    pub(super) payloads: Vec<u64>,
    /// What was decoded is, bit for bit, what was encoded.
    pub(super) exact: bool,
}

/// Returns which tasks depend on a tensor.
pub(super) fn sees(
    evaluation: &Evaluation<'_>,
    tensor: TensorId,
) -> Result<Vec<bool>, AccuracyError> {
    let graph = &evaluation.subject.reading.graph;
    let depends = graph.descendants(tensor);
    let tasks = evaluation.metrics.iter().map(|metric| {
        let outputs = metric.task.tensors(graph)?;
        let mut makers = outputs.iter().filter_map(|output| graph.producer(*output));
        Ok(makers.any(|layer| depends.contains(layer)))
    });
    tasks.collect()
}

/// Encoder and decoder of one form for a tensor; `None` where operators change nothing.
pub(super) fn ends(
    evaluation: &Evaluation<'_>,
    tensor: &Tensor,
    codec: Codec,
    range: Option<&cutpoint_core::codec::ClipRange>,
) -> Result<Option<Ends>, OnnxError> {
    if codec.in_halves() == Codec::F32 {
        return Ok(None);
    }
    let data = CodecData {
        scale: evaluation.scale.as_ref(),
        range,
    };
    let opset = evaluation.subject.model.opset();
    let CodecModels { encoder, decoder } = cutpoint_onnx::codec_models(tensor, codec, data, opset)?;
    Ok(Some((encoder.encode(), decoder.encode())))
}

impl FormEnds {
    pub(super) fn new(codec: Codec, stages: Vec<Stage>, ends: Option<Ends>) -> Self {
        FormEnds {
            codec,
            stages,
            ends,
        }
    }
}

impl<'a> Splice<'a> {
    /// Cuts the model around `tensor`.
    pub(super) fn new(
        evaluation: &'a Evaluation<'a>,
        tensor: TensorId,
        forms: Vec<FormEnds>,
    ) -> Result<Splice<'a>, AccuracyError> {
        let subject = &evaluation.subject;
        let graph = &subject.reading.graph;
        let depends = graph.descendants(tensor);
        let (before, after) = match cut_at(evaluation, depends.complement()) {
            Ok(halves) => halves,
            // something else that would cross may not: cut right behind the tensor instead
            Err(error) => cut_at(evaluation, graph.ancestors(&[tensor])).map_err(|_| error)?,
        };
        Ok(Splice {
            evaluation,
            tensor: graph.tensor(tensor),
            before: before.map(|model| model.encode()),
            after: after.encode(),
            tasks: sees(evaluation, tensor)?,
            forms,
        })
    }

    /// Sessions for one worker.
    pub(super) fn lane(&self) -> Result<SpliceSessions, AccuracyError> {
        let session = |model: &Vec<u8>| session(self.evaluation.subject.environment, model);
        let both = |(encoder, decoder): &Ends| {
            Ok::<_, AccuracyError>((session(encoder)?, session(decoder)?))
        };
        let ends = self
            .forms
            .iter()
            .map(|form| form.ends.as_ref().map(both).transpose());
        Ok(SpliceSessions {
            before: self.before.as_ref().map(session).transpose()?,
            after: session(&self.after)?,
            ends: ends.collect::<Result<_, _>>()?,
        })
    }

    /// Runs one sample through every codec.
    pub(super) fn sample(
        &self,
        lane: &mut SpliceSessions,
        index: usize,
        sizes: bool,
    ) -> Result<Vec<SampleResult>, AccuracyError> {
        let mut values = self.evaluation.feed(self.evaluation.row(index))?;
        if let Some(before) = &mut lane.before {
            let made = before.run(&pick(&before.input_names(), &values)?)?;
            values.extend(made);
        }
        let plain = find(&values, &self.tensor.name)?;
        let whole = if self.evaluation.needs_whole_outputs() {
            self.finish(&mut lane.after, &values, plain.clone())?
        } else {
            Values::new()
        };
        let forms = self.forms.iter().zip(&mut lane.ends);
        let samples = forms.map(|(form, ends)| {
            let (sent, message) = self.encode(ends, &plain)?;
            let payloads = if sizes {
                self.payloads(form, &message)?
            } else {
                Vec::new()
            };
            let decoded = self.decode(form.codec, ends, sent, message, &plain)?;
            let lossless = form.codec.is_lossless();
            let exact = lossless && values::message(&decoded) == values::message(&plain);
            let outcomes = if exact {
                self.unchanged(index)
            } else {
                let found = self.finish(&mut lane.after, &values, decoded)?;
                self.outcomes(index, &found, &whole)?
            };
            Ok(SampleResult {
                outcomes,
                payloads,
                exact,
            })
        });
        samples.collect()
    }

    /// The outcomes of the whole model.
    fn unchanged(&self, index: usize) -> Vec<Outcome> {
        let whole = self.evaluation.whole.iter().zip(&self.tasks);
        let seeing = whole.filter(|(_, sees)| **sees);
        seeing.filter_map(|(whole, _)| whole.get(index)).collect()
    }

    fn outcomes(
        &self,
        index: usize,
        found: &Values,
        whole: &Values,
    ) -> Result<Vec<Outcome>, AccuracyError> {
        let evaluation = self.evaluation;
        let metrics = evaluation
            .metrics
            .iter()
            .zip(&evaluation.truths)
            .zip(&self.tasks);
        let seeing = metrics.filter(|(_, sees)| **sees);
        seeing
            .map(|((metric, truth), _)| metric.outcome(truth, index, found, whole))
            .collect()
    }

    /// What is sent, as values and as one message.
    fn encode(
        &self,
        ends: &mut Option<(Session, Session)>,
        plain: &Value,
    ) -> Result<(Values, Vec<u8>), AccuracyError> {
        let named = vec![(self.tensor.name.clone(), plain.clone())];
        let sent = match ends {
            Some((encoder, _)) => encoder.run(&named)?,
            None => named,
        };
        let mut message = Vec::new();
        for (name, value) in &sent {
            message.extend(message_of(value, name)?);
        }
        Ok((sent, message))
    }

    fn payloads(&self, form: &FormEnds, message: &[u8]) -> Result<Vec<u64>, AccuracyError> {
        let packed = |stage: &Stage| {
            let codec = form.codec.then(*stage);
            let packed = wire::pack(codec, self.tensor, message.to_vec()).map_err(misfit)?;
            Ok(packed.len() as u64)
        };
        form.stages.iter().map(packed).collect()
    }

    fn decode(
        &self,
        codec: Codec,
        ends: &mut Option<(Session, Session)>,
        mut sent: Values,
        message: Vec<u8>,
        plain: &Value,
    ) -> Result<Value, AccuracyError> {
        let Some((_, decoder)) = ends else {
            return Ok(plain.clone());
        };
        if let (Form::Png | Form::Jpeg(_), [(_, value)]) = (codec.form, sent.as_mut_slice()) {
            let (_, back) = image_file(codec, self.tensor, message)?;
            let environment = self.evaluation.subject.environment;
            *value = values::from_bytes(environment, &self.tensor.shape, back)?;
        }
        find(&decoder.run(&sent)?, &self.tensor.name)
    }

    /// The model's results with this value for the tensor.
    fn finish(
        &self,
        after: &mut Session,
        values: &Values,
        decoded: Value,
    ) -> Result<Values, AccuracyError> {
        let mut all = vec![(self.tensor.name.clone(), decoded)];
        all.extend(
            values
                .iter()
                .filter(|(name, _)| *name != self.tensor.name)
                .cloned(),
        );
        let feed = pick(&after.input_names(), &all)?;
        let made = after.run(&feed)?;
        all.extend(made);
        Ok(all)
    }
}

/// The model before and after the edge of `layers`, everything crossing as it is.
fn cut_at(
    evaluation: &Evaluation<'_>,
    edge: LayerSet,
) -> Result<(Option<Model>, Model), OnnxError> {
    let subject = &evaluation.subject;
    let cut = Cut::of(&subject.reading.graph, edge, &[]);
    let request = CutRequest {
        edge: cut.edge,
        crossing: cut.crossing.into_iter().map(|t| (t, Codec::F32)).collect(),
        ..CutRequest::default()
    };
    let halves = cutpoint_onnx::cut(subject.model, subject.reading, &request)?;
    match halves.server {
        Some(server) => Ok((halves.edge, server)),
        None => Err(OnnxError::Cut("nothing depends on the tensor".to_owned())),
    }
}

/// Returns the file of an image message, and the message that comes back out of it.
pub(super) fn image_file(
    codec: Codec,
    tensor: &Tensor,
    message: Vec<u8>,
) -> Result<(usize, Vec<u8>), AccuracyError> {
    let form = Codec::plain(codec.form);
    let file = wire::pack(form, tensor, message).map_err(misfit)?;
    let bytes = file.len();
    Ok((bytes, wire::unpack(form, tensor, file).map_err(misfit)?))
}

/// Returns the bytes of a value that is sent.
pub(super) fn message_of(value: &Value, name: &str) -> Result<Vec<u8>, AccuracyError> {
    values::message(value)
        .ok_or_else(|| AccuracyError::Misfit(format!("`{name}` is of a type that cannot be sent")))
}

fn find(values: &Values, name: &str) -> Result<Value, AccuracyError> {
    let found = values.iter().rev().find(|(have, _)| have == name);
    let value = found.map(|(_, value)| value.clone());
    value.ok_or_else(|| AccuracyError::Misfit(format!("no half delivers `{name}`")))
}

fn misfit(error: wire::WireError) -> AccuracyError {
    AccuracyError::Misfit(error.to_string())
}
