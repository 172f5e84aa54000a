//! Codecs as ONNX nodes: the encoder ends the edge half, the decoder begins the server half.
//!
//! Every added value is named `<tensor>/<codec>...`; the ones that are sent are `<t>/f16`;
//! `<t>/q8`, `<t>/scale` and `<t>/zero`; `<t>/u8`; `<t>/q4` and so on for calibrated bounds. The
//! decoded tensor has its own name again. Image formats and compression are no operators: of
//! those codecs the halves do [`Codec::in_halves`].

mod affine;
mod models;

use std::collections::HashSet;

use super::build::{constant, float, floats, int, node, value, with};
use super::error::{OnnxError, show};
use super::proto::{DataType, NodeProto, ValueInfoProto};
use cutpoint_core::codec::{Affine, ClipRange, Codec, Form};
use cutpoint_core::graph::{ElementType, Tensor};

pub use models::{CodecModels, codec_models};

/// How a float image was made from 8-bit pixels: `(pixel - mean) / std`, for the whole image or
/// for each channel (the second dimension).
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// In pixels, one or one per channel.
    pub mean: Vec<f32>,
    /// In pixels, one or one per channel.
    pub std: Vec<f32>,
}

impl Scale {
    /// Returns a scale in the precision that the model's operators compute in.
    #[must_use]
    pub fn new(mean: &[f64], std: &[f64]) -> Scale {
        let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
        Scale {
            mean: single(mean),
            std: single(std),
        }
    }
}

/// What a codec adds to the two halves.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    /// Nodes at the end of the edge half.
    pub(super) encoder: Vec<NodeProto>,
    /// What is sent, with types and shapes.
    pub(super) sent: Vec<ValueInfoProto>,
    /// Nodes at the start of the server half.
    pub(super) decoder: Vec<NodeProto>,
}

impl Fragment {
    /// Returns every name that the fragment adds to a half, once, in no order.
    pub(super) fn added(&self, tensor: &str) -> HashSet<&str> {
        let nodes = self.encoder.iter().chain(&self.decoder);
        let names = nodes.flat_map(|n| &n.output).map(String::as_str);
        names.filter(|name| *name != tensor).collect()
    }
}

/// What some codecs need to know of a tensor.
#[derive(Debug, Clone, Copy, Default)]
pub struct CodecData<'a> {
    /// For [`Codec::U8`] and image formats: how the tensor was made from an 8-bit image.
    pub scale: Option<&'a Scale>,
    /// For codecs with calibrated bounds.
    pub range: Option<&'a ClipRange>,
}

/// Oldest operator set the fragments are written for.
const OLDEST: i64 = 7;

/// Builds the nodes of `codec` for `tensor`.
pub(super) fn fragment(
    codec: Codec,
    tensor: &Tensor,
    data: CodecData<'_>,
    opset: i64,
) -> Result<Fragment, OnnxError> {
    let fail = |problem: String| {
        Err(OnnxError::Cut(format!(
            "`{}` cannot be sent as {codec}: {problem}",
            show(&tensor.name)
        )))
    };
    if codec.in_halves() == Codec::F32 {
        return Ok(Fragment::default());
    }
    if tensor.dtype != ElementType::Float32 {
        return fail(format!(
            "it is {}, and only float32 can be encoded",
            tensor.dtype
        ));
    }
    if opset < OLDEST {
        return fail(format!(
            "the model's operator set is {opset}; convert it to {OLDEST} or newer"
        ));
    }
    let names = Names { tensor, opset };
    let made = match codec.in_halves().form {
        Form::F16 => Ok(names.f16()),
        Form::Dynamic8 if opset >= 11 => Ok(names.q8()),
        Form::Dynamic8 => Ok(names.q8_by_hand()),
        Form::U8 => match data.scale {
            Some(scale) => names.u8(scale),
            None => Err("how it was made from an 8-bit image is not known".to_owned()),
        },
        form @ Form::Affine { .. } => match data.range {
            Some(range) => Affine::new(form, tensor, range)
                .map_err(|problem| problem.to_string())
                .map(|affine| names.affine(form, &affine)),
            None => Err(
                "it needs bounds calibrated on data; `cutpoint accuracy` finds them, and \
                 an accuracy file holds them"
                    .to_owned(),
            ),
        },
        _ => Err("cutpoint has no operators for it".to_owned()),
    };
    made.or_else(fail)
}

struct Names<'a> {
    tensor: &'a Tensor,
    opset: i64,
}

impl Names<'_> {
    fn name(&self, suffix: &str) -> String {
        format!("{}/{suffix}", self.tensor.name)
    }

    fn sent(&self, suffix: &str, kind: DataType) -> ValueInfoProto {
        value(&self.name(suffix), kind, Some(&self.tensor.shape))
    }

    fn scalar(&self, suffix: &str, kind: DataType) -> ValueInfoProto {
        value(&self.name(suffix), kind, Some(&[]))
    }

    /// A node among added values, named by their suffixes; an empty one is the tensor itself.
    fn node(&self, op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let full = |suffix: &&str| match *suffix {
            "" => self.tensor.name.clone(),
            suffix => self.name(suffix),
        };
        let mut node = node(op, &[], &[]);
        node.input = inputs.iter().map(full).collect();
        node.output = outputs.iter().map(full).collect();
        node
    }

    fn cast(&self, from: &str, to: &str, kind: DataType) -> NodeProto {
        with(
            self.node("Cast", &[from], &[to]),
            int("to", i64::from(kind as i32)),
        )
    }

    fn constant(&self, suffix: &str, dims: &[i64], values: &[f32]) -> NodeProto {
        constant(&self.name(suffix), floats(dims, values))
    }

    /// Nodes that round to bytes.
    fn to_byte(&self, codec: &str, from: &str, to: &str) -> Vec<NodeProto> {
        let clipped = format!("{codec}/clipped");
        let mut nodes = self.to_codes(codec, from, &clipped, u8::MAX);
        nodes.push(self.cast(&clipped, to, DataType::Uint8));
        nodes
    }

    /// Nodes that round, ties upwards, to whole numbers from 0 to `top`, as floats.
    ///
    /// `Round` and limits as inputs of `Clip` came with operator set 11.
    fn to_codes(&self, codec: &str, from: &str, to: &str, top: u8) -> Vec<NodeProto> {
        let inner = |what: &str| format!("{codec}/{what}");
        let (half, up, whole) = (inner("half"), inner("up"), inner("whole"));
        let (low, high, top) = (inner("least"), inner("most"), f32::from(top));
        let mut nodes = vec![
            self.constant(&half, &[], &[0.5]),
            self.node("Add", &[from, &half], &[&up]),
            self.node("Floor", &[&up], &[&whole]),
        ];
        if self.opset >= 11 {
            nodes.push(self.constant(&low, &[], &[0.0]));
            nodes.push(self.constant(&high, &[], &[top]));
            nodes.push(self.node("Clip", &[&whole, &low, &high], &[to]));
        } else {
            let clip = with(self.node("Clip", &[&whole], &[to]), float("min", 0.0));
            nodes.push(with(clip, float("max", top)));
        }
        nodes
    }

    fn f16(&self) -> Fragment {
        Fragment {
            encoder: vec![self.cast("", "f16", DataType::Float16)],
            sent: vec![self.sent("f16", DataType::Float16)],
            decoder: vec![self.cast("f16", "", DataType::Float)],
        }
    }

    fn q8_sent(&self) -> Vec<ValueInfoProto> {
        vec![
            self.sent("q8", DataType::Uint8),
            self.scalar("scale", DataType::Float),
            self.scalar("zero", DataType::Uint8),
        ]
    }

    fn q8(&self) -> Fragment {
        Fragment {
            encoder: vec![self.node("DynamicQuantizeLinear", &[""], &["q8", "scale", "zero"])],
            sent: self.q8_sent(),
            decoder: vec![self.node("DequantizeLinear", &["q8", "scale", "zero"], &[""])],
        }
    }

    /// The same for operator sets without `DynamicQuantizeLinear`: the range, stretched to contain
    /// zero, is divided into 255 steps.
    fn q8_by_hand(&self) -> Fragment {
        let all = |op: &str, to: &str| with(self.node(op, &[""], &[to]), int("keepdims", 0));
        let mut encoder = vec![
            self.constant("q8/none", &[], &[0.0]),
            self.constant("q8/steps", &[], &[255.0]),
            self.constant("q8/tiny", &[], &[1e-30]),
            all("ReduceMin", "q8/least"),
            all("ReduceMax", "q8/most"),
            self.node("Min", &["q8/least", "q8/none"], &["q8/bottom"]),
            self.node("Max", &["q8/most", "q8/none"], &["q8/top"]),
            self.node("Sub", &["q8/top", "q8/bottom"], &["q8/range"]),
            self.node("Div", &["q8/range", "q8/steps"], &["q8/step"]),
            // of a tensor of zeros
            self.node("Max", &["q8/step", "q8/tiny"], &["scale"]),
            self.node("Div", &["q8/bottom", "scale"], &["q8/offset"]),
            self.node("Neg", &["q8/offset"], &["q8/zero_exact"]),
        ];
        encoder.extend(self.to_byte("q8/zero", "q8/zero_exact", "zero"));
        encoder.push(self.cast("zero", "q8/zero_float", DataType::Float));
        encoder.push(self.node("Div", &["", "scale"], &["q8/scaled"]));
        encoder.push(self.node("Add", &["q8/scaled", "q8/zero_float"], &["q8/shifted"]));
        encoder.extend(self.to_byte("q8/data", "q8/shifted", "q8"));
        Fragment {
            encoder,
            sent: self.q8_sent(),
            decoder: vec![
                self.cast("q8", "q8/float", DataType::Float),
                self.cast("zero", "q8/zero_float", DataType::Float),
                self.node("Sub", &["q8/float", "q8/zero_float"], &["q8/centred"]),
                self.node("Mul", &["q8/centred", "scale"], &[""]),
            ],
        }
    }

    /// The decoder computes `(pixel - mean) / std` in this order, so that a float input made the
    /// same way comes back bit for bit.
    fn u8(&self, scale: &Scale) -> Result<Fragment, String> {
        let mean = self.per_channel("u8/mean", &scale.mean)?;
        let std = self.per_channel("u8/std", &scale.std)?;
        let usable = |x: &f32| x.is_finite() && *x != 0.0;
        if !scale.std.iter().all(usable) || !scale.mean.iter().all(|m| m.is_finite()) {
            return Err("mean and std must be finite, and std not zero".to_owned());
        }
        let mut encoder = vec![
            mean.clone(),
            std.clone(),
            self.node("Mul", &["", "u8/std"], &["u8/spread"]),
            self.node("Add", &["u8/spread", "u8/mean"], &["u8/pixel"]),
        ];
        encoder.extend(self.to_byte("u8/data", "u8/pixel", "u8"));
        Ok(Fragment {
            encoder,
            sent: vec![self.sent("u8", DataType::Uint8)],
            decoder: vec![
                mean,
                std,
                self.cast("u8", "u8/float", DataType::Float),
                self.node("Sub", &["u8/float", "u8/mean"], &["u8/centred"]),
                self.node("Div", &["u8/centred", "u8/std"], &[""]),
            ],
        })
    }

    /// One value for all, or one per channel, shaped to meet the channels.
    fn per_channel(&self, suffix: &str, values: &[f32]) -> Result<NodeProto, String> {
        let shape = &self.tensor.shape;
        if values.len() == 1 {
            return Ok(self.constant(suffix, &[], values));
        }
        if shape
            .get(1)
            .is_none_or(|channels| *channels != values.len() as u64)
        {
            return Err(format!(
                "{} values for mean or std fit neither all of it nor the channels of its shape {:?}",
                values.len(),
                shape
            ));
        }
        let mut dims = vec![1_i64; shape.len() - 1];
        dims[0] = values.len() as i64;
        Ok(self.constant(suffix, &dims, values))
    }
}
