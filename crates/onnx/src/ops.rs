//! What the analysis must know about operators.

use super::proto::NodeProto;

/// How an operator's result depends on its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Its shape follows from the shapes of its inputs and from attributes.
    Plain,
    /// It reads nothing of its input but the shape.
    ReadsShape,
    /// The values of these inputs decide the shape of the result.
    ShapedBy(&'static [usize]),
    /// The values of the data decide the shape of the result, or the result is no plain tensor.
    DataDependent,
    /// Different in every run.
    Random,
    /// An operator of an unknown domain.
    Unknown,
}

const RANDOM: &[&str] = &[
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
];

const DATA_DEPENDENT: &[&str] = &[
    "BeamSearch",
    "Compress",
    "ConcatFromSequence",
    "GreedySearch",
    "ImageDecoder",
    "If",
    "Loop",
    "NonMaxSuppression",
    "NonZero",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "Sampling",
    "Scan",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SequenceMap",
    "SplitToSequence",
    "StringNormalizer",
    "StringSplit",
    "Tokenizer",
    "Unique",
    "WhisperBeamSearch",
    "ZipMap",
];

const SHAPED_BY: &[(&str, &[usize])] = &[
    ("AffineGrid", &[1]),
    ("BlackmanWindow", &[0]),
    ("CenterCropPad", &[1]),
    ("Col2Im", &[1, 2]),
    ("ConstantOfShape", &[0]),
    ("CropAndResize", &[3]),
    ("DFT", &[1, 2]),
    ("Expand", &[1]),
    ("ExpandDims", &[1]),
    ("HammingWindow", &[0]),
    ("HannWindow", &[0]),
    ("MaxUnpool", &[2]),
    ("MelWeightMatrix", &[0, 1]),
    ("OneHot", &[1]),
    ("Pad", &[1, 3]),
    ("Range", &[0, 1, 2]),
    ("Reshape", &[1]),
    ("Resize", &[1, 2, 3]),
    ("STFT", &[1, 3]),
    ("Slice", &[1, 2, 3, 4]),
    ("Split", &[1]),
    ("Squeeze", &[1]),
    ("Tile", &[1, 2]),
    ("TopK", &[1]),
    ("Unsqueeze", &[1]),
    ("Upsample", &[1]),
];

/// Returns whether a node is of ONNX's own operator set.
pub(super) fn is_default_domain(node: &NodeProto) -> bool {
    matches!(node.domain(), "" | "ai.onnx")
}

/// Returns whether a node computes only from its input's shape.
pub(super) fn reads_shape(node: &NodeProto) -> bool {
    rule(node) == Rule::ReadsShape
}

/// Returns the rule for a node that is no function and has no bodies.
pub(super) fn rule(node: &NodeProto) -> Rule {
    let op = node.op_type();
    let known_domain = is_default_domain(node)
        || matches!(
            node.domain(),
            "ai.onnx.ml" | "com.microsoft" | "com.microsoft.nchwc"
        );
    if !known_domain {
        return Rule::Unknown;
    }
    // a third input switches dropping on
    let drops = op == "Dropout" && node.input.get(2).is_some_and(|mode| !mode.is_empty());
    if drops || RANDOM.contains(&op) {
        return Rule::Random;
    }
    if is_default_domain(node) && matches!(op, "Shape" | "Size") {
        return Rule::ReadsShape;
    }
    if DATA_DEPENDENT.contains(&op) {
        return Rule::DataDependent;
    }
    if op.starts_with("Reduce") {
        return Rule::ShapedBy(&[1]);
    }
    match SHAPED_BY.iter().find(|(name, _)| *name == op) {
        Some((_, inputs)) => Rule::ShapedBy(inputs),
        None => Rule::Plain,
    }
}
