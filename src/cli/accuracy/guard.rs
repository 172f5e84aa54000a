//! What is refused before a long measurement.

use std::path::Path;

use cutpoint_accuracy::{AccuracyRequest, Evaluation};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, TaskAccuracy};
use cutpoint_onnx::{Model, show};

use super::AccuracyArgs;
use crate::cli::{Kind, OrFail};

/// The accuracy file that is there, unless it may be overwritten.
pub(super) fn existing(
    target: &Path,
    model: &Model,
    force: bool,
) -> anyhow::Result<Option<CodecAccuracy>> {
    if force || !target.exists() {
        return Ok(None);
    }
    let old = CodecAccuracy::load(target).or_fail(Kind::BadInput)?;
    let problem = if old.model.sha256 != model.sha256() {
        format!("is about another model ({})", show(&old.model.file))
    } else if old.data.samples == 0 {
        "holds figures stated by hand".to_owned()
    } else {
        return Ok(Some(old));
    };
    Err(Kind::BadInput.of(anyhow::anyhow!(
        "{} {problem}: add --force to overwrite it, or choose another --out",
        target.display()
    )))
}

/// Refuses codecs asked for that no tensor could be sent in.
pub(super) fn refuse_idle(
    args: &AccuracyArgs,
    evaluation: &Evaluation<'_>,
    request: &AccuracyRequest<'_>,
) -> anyhow::Result<()> {
    for codec in &args.codec {
        let carries = request
            .tensors
            .iter()
            .map(|name| evaluation.can_carry(name, *codec));
        let carries = carries.collect::<Result<Vec<bool>, _>>();
        if !carries.or_fail(Kind::Usage)?.contains(&true) {
            return Err(Kind::Usage.of(anyhow::anyhow!(
                "--codec {codec}: it can carry none of the tensors; image codecs are for an input \
                 of 8-bit images, variants are measured elsewhere"
            )));
        }
    }
    Ok(())
}

/// Refuses to overwrite measurements that this one would not replace.
pub(super) fn refuse_loss(
    old: &CodecAccuracy,
    evaluation: &Evaluation<'_>,
    request: &AccuracyRequest<'_>,
    target: &Path,
) -> anyhow::Result<()> {
    let tasks = |tasks: &[TaskAccuracy]| -> Vec<_> {
        tasks
            .iter()
            .map(|task| (task.name.clone(), task.metric))
            .collect()
    };
    let kept = |codec: &Codec| request.codecs.contains(codec);
    let lost = old
        .crossings
        .iter()
        .find(|record| !kept(&record.codec) || !request.tensors.contains(&record.tensor));
    let problem = if old.data.sha256 != evaluation.data().sha256 {
        format!(
            "was measured on other samples ({} of {})",
            old.data.samples,
            show(&old.data.source)
        )
    } else if tasks(&old.tasks) != tasks(&evaluation.tasks()) {
        "was measured for other tasks".to_owned()
    } else if let Some(lost) = lost {
        let (tensor, codec) = (show(&lost.tensor), lost.codec);
        format!("holds `{tensor}` as {codec}, which would be lost")
    } else {
        return Ok(());
    };
    Err(Kind::BadInput.of(anyhow::anyhow!(
        "{} {problem}: add --force to overwrite it, or choose another --out",
        target.display()
    )))
}
