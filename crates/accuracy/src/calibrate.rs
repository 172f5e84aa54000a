//! Bounds of quantisation, from samples that are not evaluated.

use super::AccuracyError;
use super::candidates::applies;
use super::evaluation::{Evaluation, session};
use super::parallel;
use cutpoint_core::codec::{Calibration, Codec, Form};
use cutpoint_core::codec_accuracy::RangeRecord;
use cutpoint_core::graph::TensorId;
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::values::as_floats;

/// Samples whose activations are held at once, for each worker.
const AT_ONCE: usize = 4;

/// Returns the best bounds of every affine codec among `wanted` for each tensor, and what has none.
/// One run of the whole model per sample shows all tensors.
pub(super) fn ranges(
    evaluation: &Evaluation<'_>,
    tensors: &[TensorId],
    wanted: &[Codec],
    watch: &mut dyn FnMut(usize) -> Control,
) -> Result<(Vec<RangeRecord>, Vec<String>), AccuracyError> {
    let subject = &evaluation.subject;
    let graph = &subject.reading.graph;
    let mut forms: Vec<Codec> = wanted
        .iter()
        .map(|codec| Codec::plain(codec.form))
        .collect();
    forms.retain(|codec| codec.needs_ranges());
    forms.sort();
    forms.dedup();
    let needed = |id: &&TensorId| {
        let tensor = graph.tensor(**id);
        forms
            .iter()
            .any(|codec| applies(evaluation, tensor, *codec))
    };
    let tensors: Vec<TensorId> = tensors.iter().filter(needed).copied().collect();
    if tensors.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let made = tensors.iter().filter(|id| graph.producer(**id).is_some());
    let names: Vec<&str> = made.map(|id| graph.tensor(*id).name.as_str()).collect();
    let model = subject.model.with_extra_outputs(&names).encode();
    let mut sessions = evaluation.sessions(|| session(subject.environment, &model))?;
    let mut found: Vec<Result<Calibration, String>> = tensors
        .iter()
        .map(|id| Ok(Calibration::new(graph.tensor(*id))))
        .collect();
    let rows = subject.samples.calibration();
    for (chunk, rows) in rows.chunks(AT_ONCE * sessions.len()).enumerate() {
        let before = chunk * AT_ONCE * sessions.len();
        let watch = &mut |done| watch(before + done);
        let done = parallel::each(&mut sessions, 0..rows.len(), watch, |session, at| {
            let mut values = evaluation.feed(rows[at])?;
            let outputs = session.run(&values)?;
            values.extend(outputs);
            Ok(values)
        })?;
        if done.stopped {
            return Err(AccuracyError::Interrupted);
        }
        // in the order of the samples, so that the histograms are the same every time
        for values in &done.results {
            for (id, calibration) in tensors.iter().zip(&mut found) {
                let name = &graph.tensor(*id).name;
                let value = values.iter().find(|(have, _)| have == name);
                let floats = value
                    .and_then(|(_, value)| as_floats(value))
                    .unwrap_or_default();
                if let Ok(known) = calibration
                    && let Err(error) = known.add(floats)
                {
                    *calibration = Err(error.to_string());
                }
            }
        }
    }
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for (id, calibration) in tensors.iter().zip(found) {
        let tensor = graph.tensor(*id);
        for codec in forms
            .iter()
            .filter(|codec| applies(evaluation, tensor, **codec))
        {
            let Form::Affine { bits, per_channel } = codec.form else {
                continue;
            };
            let range = calibration.as_ref().map_err(Clone::clone);
            let range = range.and_then(|c| c.range(bits, per_channel).map_err(|e| e.to_string()));
            match range {
                Ok(range) => records.push(RangeRecord {
                    tensor: tensor.name.clone(),
                    codec: *codec,
                    low: range.low,
                    high: range.high,
                }),
                Err(error) => problems.push(format!("`{}` as {codec}: {error}", tensor.name)),
            }
        }
    }
    Ok((records, problems))
}
