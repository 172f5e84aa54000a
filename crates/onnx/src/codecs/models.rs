//! A codec alone, as two small models.

use super::super::build::{model, value};
use super::super::error::{OnnxError, show};
use super::super::model::Model;
use super::super::proto::DataType;
use super::{CodecData, fragment};
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::Tensor;

/// The two ends of a codec for one tensor.
#[derive(Debug, Clone)]
pub struct CodecModels {
    /// Reads the tensor under its own name; delivers what is sent, named as in the halves.
    pub encoder: Model,
    /// Reads what is sent; delivers the tensor under its own name.
    pub decoder: Model,
}

/// Returns both ends of `codec`, as far as ONNX operators go ([`Codec::in_halves`]), for a `tensor`
/// of its shape; they compute the same numbers as the halves of a model cut there.
///
/// # Errors
/// [`OnnxError::Cut`]: the codec cannot carry the tensor, lacks data, or leaves it as it is.
pub fn codec_models(
    tensor: &Tensor,
    codec: Codec,
    data: CodecData<'_>,
    opset: i64,
) -> Result<CodecModels, OnnxError> {
    if codec.in_halves() == Codec::F32 {
        return Err(OnnxError::Cut(format!(
            "`{}` as {codec} is not changed by any operator",
            show(&tensor.name)
        )));
    }
    let parts = fragment(codec, tensor, data, opset)?;
    let plain = vec![value(&tensor.name, DataType::Float, Some(&tensor.shape))];
    Ok(CodecModels {
        encoder: model(parts.encoder, plain.clone(), parts.sent.clone(), opset),
        decoder: model(parts.decoder, parts.sent, plain, opset),
    })
}
