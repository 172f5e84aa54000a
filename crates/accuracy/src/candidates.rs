//! Candidates to measure: tensors that may cross, and codecs that can carry them.

use std::collections::BTreeMap;

use super::evaluation::Evaluation;
use super::splice::{FormEnds, ends};
use cutpoint_core::codec::{Codec, Form, Stage};
use cutpoint_core::codec_accuracy::RangeRecord;
use cutpoint_core::cuts;
use cutpoint_core::graph::{ElementType, Graph, GraphError, Tensor};
use cutpoint_core::profile::CutRecord;

/// Forms that are tried on every tensor, and those that are tried on images.
const FORMS: [&str; 8] = ["f32", "f16", "q8", "q8c", "q4", "q4c", "q2", "q2c"];
const IMAGES: [&str; 6] = ["u8", "png", "jpeg50", "jpeg75", "jpeg90", "jpeg95"];

/// Returns every codec that is tried unless others are asked for.
pub fn all_codecs() -> Vec<Codec> {
    let names = FORMS.iter().chain(&IMAGES);
    let forms = names.filter_map(|name| name.parse::<Codec>().ok());
    forms
        .flat_map(|codec| stages(codec.form).map(move |stage| codec.then(stage)))
        .collect()
}

/// The compressions worth trying: image files are compressed already.
fn stages(form: Form) -> impl Iterator<Item = Stage> {
    let all = [Stage::Plain, Stage::Deflate, Stage::Zstd];
    let tried = match form {
        Form::Png | Form::Jpeg(_) => 1,
        _ => all.len(),
    };
    all.into_iter().take(tried)
}

/// Returns the names of the tensors that cross alone in some cut of `graph`, in its order, then of
/// those that cross together in `cuts`.
pub fn tensors(graph: &Graph, cuts: &[CutRecord]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let natural = cuts::natural(graph, &[]);
    let alone = natural.iter().flat_map(|cut| &cut.crossing);
    let alone = alone.map(|tensor| graph.tensor(*tensor).name.clone());
    for name in alone.chain(cuts.iter().flat_map(|cut| cut.tensors.clone())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Returns the codecs among `wanted` that can carry `tensor`, by form, and why others cannot.
pub(super) fn forms(
    evaluation: &Evaluation<'_>,
    tensor: &Tensor,
    wanted: &[Codec],
    ranges: &[RangeRecord],
) -> (Vec<FormEnds>, Vec<String>) {
    let mut by_form: BTreeMap<usize, (Codec, Vec<Stage>)> = BTreeMap::new();
    for (at, codec) in wanted
        .iter()
        .enumerate()
        .filter(|(_, c)| applies(evaluation, tensor, **c))
    {
        let plain = Codec::plain(codec.form);
        let known = by_form.values_mut().find(|(have, _)| *have == plain);
        match known {
            Some((_, stages)) => stages.push(codec.stage),
            None => {
                by_form.insert(at, (plain, vec![codec.stage]));
            }
        }
    }
    let (mut forms, mut problems) = (Vec::new(), Vec::new());
    for (codec, stages) in by_form.into_values() {
        let mut known = ranges.iter();
        let range = known.find(|r| r.tensor == tensor.name && r.codec == codec);
        match ends(
            evaluation,
            tensor,
            codec,
            range.map(RangeRecord::range).as_ref(),
        ) {
            Ok(ends) => forms.push(FormEnds::new(codec, stages, ends)),
            Err(error) => problems.push(error.to_string()),
        }
    }
    (forms, problems)
}

impl Evaluation<'_> {
    /// Returns whether a codec can be tried on a tensor.
    ///
    /// # Errors
    /// The model has no such tensor.
    pub fn can_carry(&self, tensor: &str, codec: Codec) -> Result<bool, GraphError> {
        let graph = &self.subject.reading.graph;
        let tensor = graph.tensor(graph.find_tensor(tensor)?);
        Ok(applies(self, tensor, codec))
    }
}

/// Returns whether a codec makes sense for a tensor.
pub(super) fn applies(evaluation: &Evaluation<'_>, tensor: &Tensor, codec: Codec) -> bool {
    let is_input = evaluation
        .subject
        .reading
        .graph
        .tensor(evaluation.input)
        .name
        == tensor.name;
    let image = is_input && evaluation.scale.is_some();
    match codec.form {
        Form::Own => true,
        _ if tensor.dtype != ElementType::Float32 => false,
        Form::U8 => image,
        Form::Png | Form::Jpeg(_) => image && matches!(tensor.shape[..], [1, 1 | 3, _, _]),
        Form::Named(_) => false,
        // with a single channel it is the same as without
        Form::Affine {
            per_channel: true, ..
        } => codec.form.bounds(tensor) > 1,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_is_named_once() {
        let codecs = all_codecs();
        assert_eq!(codecs.len(), 8 * 3 + 3 + 5);
        let mut names: Vec<String> = codecs.iter().map(Codec::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), codecs.len());
    }
}
