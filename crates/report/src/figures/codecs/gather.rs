//! From problems and plans to the data of the figure.

use std::cmp::Reverse;

use super::{CodecsData, Rung, TaskLadder};
use crate::study::accuracy_source;
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence, CrossingRecord, TaskAccuracy};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::Bytes;

/// Most tensors with a ladder of their own.
const MOST: usize = 3;

/// Data of the codec ladders: of the tensors that the plan sends or, where none of them was
/// measured, of the tensor measured with most codecs.
pub fn gather(
    profile: &Profile,
    accuracy: &CodecAccuracy,
    confidence: Confidence,
    plan: Option<&Plan>,
) -> Vec<CodecsData> {
    let records = |tensor: &str| {
        let all = accuracy.crossings.iter();
        all.filter(|record| record.tensor == tensor).count()
    };
    let sent = plan.iter().flat_map(|plan| &plan.crossing);
    let sent = sent.map(|crossing| (crossing.tensor.as_str(), Some(crossing.codec)));
    let mut tensors: Vec<(&str, Option<Codec>)> = sent.collect();
    tensors.retain(|(tensor, _)| records(tensor) > 0);
    tensors.truncate(MOST);
    if tensors.is_empty() {
        let is_input = |name: &str| profile.inputs.iter().any(|input| input.name == name);
        let known = profile
            .tensors
            .iter()
            .filter(|tensor| records(&tensor.name) > 0);
        // of equals, one that layers make, then the smallest
        let worth = |name: &str, bytes: u64| (records(name), !is_input(name), Reverse(bytes));
        let most = known.max_by_key(|tensor| worth(&tensor.name, tensor.bytes));
        tensors.extend(most.map(|tensor| (tensor.name.as_str(), None)));
    }
    tensors
        .into_iter()
        .map(|(tensor, chosen)| ladder(profile, accuracy, confidence, tensor, chosen))
        .collect()
}

fn ladder(
    profile: &Profile,
    accuracy: &CodecAccuracy,
    confidence: Confidence,
    tensor: &str,
    chosen: Option<Codec>,
) -> CodecsData {
    let raw = profile.tensors.iter().find(|record| record.name == tensor);
    let rung = |task: &str, record: &CrossingRecord| {
        let drop = record.drops.iter().find(|drop| drop.task == task)?;
        Some(Rung {
            codec: record.codec.to_string(),
            form: record.codec.form.to_string(),
            bytes: record.bytes_mean,
            bytes_std: record.bytes_std,
            drop: drop.mean,
            std_error: drop.std_error,
            samples: record.samples,
            chosen: chosen == Some(record.codec),
        })
    };
    let task = |task: &TaskAccuracy| {
        let records = accuracy
            .crossings
            .iter()
            .filter(|record| record.tensor == tensor);
        TaskLadder {
            name: task.name.clone(),
            metric: task.metric.name().to_owned(),
            is_error: task.metric.is_error(),
            baseline: task.baseline,
            rungs: records
                .filter_map(|record| rung(&task.name, record))
                .collect(),
        }
    };
    CodecsData {
        model: profile.model.file.clone(),
        tensor: tensor.to_owned(),
        raw: Bytes(raw.map_or(0, |record| record.bytes)),
        accuracy: accuracy_source(accuracy),
        z: confidence.z(),
        // one-sided at either end
        interval: 2.0 * confidence.share() - 1.0,
        tasks: accuracy.tasks.iter().map(task).collect(),
    }
}
