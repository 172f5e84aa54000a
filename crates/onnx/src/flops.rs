//! Floating-point operations of a node, from the real shapes around it.
//!
//! A multiply-add counts as two, everything else as one; |t| is the number of elements.
//!
//! | operators | operations |
//! |---|---|
//! | convolutions | 2 \|out\| * (weights of one output channel), with a bias + \|out\| |
//! | `ConvTranspose` | 2 \|in\| * (weights of one input channel), with a bias + \|out\| |
//! | matrix products | 2 \|out\| * (summed dimension); `Gemm` with a third input + \|out\| |
//! | `Einsum` | 2 * (product of all labels' sizes) per further operand |
//! | `LSTM`, `GRU`, `RNN` | per step and sample 2 * (input and recurrent weights) + 2 * (gate units) |
//! | `Attention` | 4 \|queries\| * (length of the keys): two products |
//! | windowed pooling | \|out\| * (window); global pooling and reductions \|in\| |
//! | `BatchNormalization` | 2 \|out\|: scale and shift |
//! | other normalisations | 7 \|in\|: mean, centre, variance (2), divide, scale, shift |
//! | `Softmax`, `LogSoftmax` | 5 \|in\|: maximum, subtract, exponential, sum, divide |
//! | moving or choosing data | 0 |
//! | `If`, `Loop`, `Scan`, functions | 0: the shapes inside are not observed |
//! | anything else | \|out\| |

use std::collections::HashMap;

use super::check::{attribute, has_bodies};
use super::proto::NodeProto;

/// Operators that only move, choose or describe data.
const FREE: &[&str] = &[
    "Cast",
    "CastLike",
    "CenterCropPad",
    "Compress",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "DepthToSpace",
    "Dropout",
    "Expand",
    "EyeLike",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "Identity",
    "MaxUnpool",
    "NonZero",
    "OneHot",
    "Pad",
    "Range",
    "ReorderInput",
    "ReorderOutput",
    "Reshape",
    "ReverseSequence",
    "Scatter",
    "ScatterElements",
    "ScatterND",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Split",
    "SplitToSequence",
    "Squeeze",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
];

/// Shape of a tensor, if known.
pub(super) type ShapeOf<'a> = dyn Fn(&str) -> Option<Vec<u64>> + 'a;

/// Operations of one run of `node`; saturating, and zero where shapes are unknown.
pub(super) fn flops(node: &NodeProto, is_function: bool, shape_of: &ShapeOf<'_>) -> u64 {
    if is_function || has_bodies(node) || FREE.contains(&node.op_type()) {
        return 0;
    }
    let values = Values { node, shape_of };
    values.flops().unwrap_or(0)
}

struct Values<'a> {
    node: &'a NodeProto,
    shape_of: &'a ShapeOf<'a>,
}

fn product(dims: &[u64]) -> u64 {
    dims.iter().copied().fold(1, u64::saturating_mul)
}

fn times(factors: &[u64]) -> u64 {
    product(factors)
}

impl Values<'_> {
    fn shape(&self, index: usize) -> Option<Vec<u64>> {
        let name = self.node.input.get(index).filter(|name| !name.is_empty())?;
        (self.shape_of)(name)
    }

    fn input(&self, index: usize) -> Option<u64> {
        self.shape(index).map(|dims| product(&dims))
    }

    fn output(&self) -> Option<u64> {
        let name = self.node.output.iter().find(|name| !name.is_empty())?;
        (self.shape_of)(name).map(|dims| product(&dims))
    }

    fn bias(&self, index: usize) -> u64 {
        let given = self
            .node
            .input
            .get(index)
            .is_some_and(|name| !name.is_empty());
        if given { self.output().unwrap_or(0) } else { 0 }
    }

    fn ints(&self, name: &str) -> Option<Vec<u64>> {
        let values = &attribute(self.node, name)?.ints;
        values.iter().map(|v| u64::try_from(*v).ok()).collect()
    }

    fn flag(&self, name: &str) -> bool {
        attribute(self.node, name).is_some_and(|a| a.i() != 0)
    }

    fn flops(&self) -> Option<u64> {
        let op = self.node.op_type();
        match op {
            "Conv" | "FusedConv" | "ConvInteger" | "NhwcConv" => {
                Some(self.convolution(1)?.saturating_add(self.bias(2)))
            }
            "DeformConv" => Some(self.convolution(1)?.saturating_add(self.bias(3))),
            "QLinearConv" => Some(self.convolution(3)?.saturating_add(self.bias(8))),
            "ConvTranspose" => {
                let weights = self.shape(1)?;
                let products = times(&[2, self.input(0)?, product(weights.get(1..)?)]);
                Some(products.saturating_add(self.bias(2)))
            }
            "MatMul" | "MatMulInteger" | "QLinearMatMul" | "FusedMatMul" => {
                let left = self.shape(0)?;
                let across = self.flag("transA") && left.len() > 1;
                let summed = if across {
                    left.len() - 2
                } else {
                    left.len().checked_sub(1)?
                };
                Some(times(&[2, self.output()?, *left.get(summed)?]))
            }
            "Gemm" | "FusedGemm" => {
                let summed = *self.shape(0)?.get(usize::from(!self.flag("transA")))?;
                Some(times(&[2, self.output()?, summed]).saturating_add(self.bias(2)))
            }
            "Einsum" => self.einsum().or_else(|| self.output()),
            "LSTM" | "GRU" | "RNN" => self.recurrent(),
            "Attention" if self.node.domain().is_empty() => {
                let keys = self.shape(1)?;
                Some(times(&[
                    4,
                    self.input(0)?,
                    *keys.get(keys.len().checked_sub(2)?)?,
                ]))
            }
            "AveragePool" | "MaxPool" | "LpPool" => Some(times(&[
                self.output()?,
                product(&self.ints("kernel_shape")?),
            ])),
            "BatchNormalization" => Some(times(&[2, self.output()?])),
            "Softmax" | "LogSoftmax" | "Hardmax" => Some(times(&[5, self.input(0)?])),
            _ if op.starts_with("Global") || op.starts_with("Reduce") => self.input(0),
            "ArgMax" | "ArgMin" | "CumSum" | "TopK" => self.input(0),
            "LRN" => Some(times(&[7, self.input(0)?])),
            _ if op.ends_with("Normalization") => Some(times(&[7, self.input(0)?])),
            _ => self.output(),
        }
    }

    /// The weights are `[output channels, input channels / groups, window...]`.
    fn convolution(&self, weights: usize) -> Option<u64> {
        let weights = self.shape(weights)?;
        Some(times(&[2, self.output()?, product(weights.get(1..)?)]))
    }

    fn recurrent(&self) -> Option<u64> {
        let data = self.shape(0)?;
        let steps = product(data.get(..2)?);
        let (input, recurrent) = (self.shape(1)?, self.shape(2)?);
        let products = times(&[
            2,
            steps,
            product(&input).saturating_add(product(&recurrent)),
        ]);
        // directions * gates * hidden
        let units = product(input.get(..2)?);
        Some(products.saturating_add(times(&[2, steps, units])))
    }

    fn einsum(&self) -> Option<u64> {
        let equation = attribute(self.node, "equation")?.s.as_ref()?;
        let equation = std::str::from_utf8(equation).ok()?.replace(' ', "");
        let operands: Vec<&str> = equation.split("->").next()?.split(',').collect();
        let mut sizes: HashMap<char, u64> = HashMap::new();
        for (index, labels) in operands.iter().enumerate() {
            let dims = self.shape(index)?;
            if labels.chars().count() != dims.len() || labels.contains('.') {
                return None;
            }
            sizes.extend(labels.chars().zip(dims));
        }
        let all = sizes.into_values().fold(1, u64::saturating_mul);
        let products = operands.len().saturating_sub(1) as u64;
        Some(times(&[2 * products.max(1), all]))
    }
}
