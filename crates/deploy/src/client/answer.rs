//! What a server answers, checked.

use std::time::Instant;

use bytes::Bytes;
use cutpoint_core::graph::ElementType;
use cutpoint_runtime::port::Port;

use super::error::CallError;
use crate::protocol::infer_parameter::ParameterChoice;
use crate::protocol::{InferTensorContents, ModelInferResponse};
use crate::server::{AnswerNote, parameter};
use crate::tensor::{SentTensor, element_type};

/// The answer to a call.
#[derive(Debug)]
pub struct Answer {
    /// The results.
    pub results: Vec<SentTensor>,
    /// When the request left, in nanoseconds since 1970 by the client's clock.
    pub sent_ns: u64,
    /// When the answer was there.
    pub arrived: Instant,
    /// The same, in nanoseconds since 1970.
    pub arrived_ns: u64,
    /// Which half answered and where its time went, if the server says.
    pub note: Option<AnswerNote>,
}

impl Answer {
    pub(super) fn of(
        response: ModelInferResponse,
        sent_ns: u64,
        (arrived, arrived_ns): (Instant, u64),
    ) -> Result<Answer, CallError> {
        let note = response.parameters.get(parameter::ANSWER);
        let note = note.and_then(|found| match &found.parameter_choice {
            Some(ParameterChoice::StringParam(text)) => text.parse().ok(),
            _ => None,
        });
        let raw = &response.raw_output_contents;
        if !raw.is_empty() && raw.len() != response.outputs.len() {
            return Err(CallError::bad(format!(
                "{} outputs have {} contents",
                response.outputs.len(),
                raw.len()
            )));
        }
        let outputs = response.outputs.iter().enumerate();
        let results = outputs.map(|(index, output)| {
            let name = cutpoint_onnx::show(&output.name);
            let bad = |problem: &str| CallError::bad(format!("`{name}`: {problem}"));
            let dtype = element_type(&output.datatype).ok_or_else(|| bad("unknown type"))?;
            let dims = output.shape.iter().map(|dim| u64::try_from(*dim));
            let shape = dims.collect::<Result<Vec<u64>, _>>();
            let bytes = match (raw.get(index), &output.contents) {
                (Some(bytes), _) => bytes.clone(),
                (None, Some(contents)) => {
                    elements(dtype, contents).ok_or_else(|| bad("no contents"))?
                }
                (None, None) => Bytes::new(),
            };
            let result = SentTensor {
                name: output.name.clone(),
                dtype,
                shape: shape.map_err(|_| bad("a dimension is negative"))?,
                bytes,
                packed: None,
            };
            match result.check() {
                Ok(()) => Ok(result),
                Err(error) => Err(CallError::bad(error.to_string())),
            }
        });
        Ok(Answer {
            results: results.collect::<Result<_, _>>()?,
            sent_ns,
            arrived,
            arrived_ns,
            note,
        })
    }

    /// Returns the answer as the results of a half with these outputs, of this hash.
    ///
    /// # Errors
    /// An output is missing, of another type or shape, or holds numbers that are none; or the
    /// answer comes from another half.
    pub fn checked(mut self, outputs: &[Port], sha256: Option<&str>) -> Result<Answer, CallError> {
        if let (Some(expected), Some(note)) = (sha256, &self.note)
            && !note.is_of(expected)
        {
            return Err(CallError::other_half(expected, &note.sha256));
        }
        let mut results = Vec::new();
        for port in outputs {
            let name = cutpoint_onnx::show(&port.name);
            let at = self
                .results
                .iter()
                .position(|result| result.name == port.name);
            let at = at.ok_or_else(|| CallError::bad(format!("`{name}` is missing")))?;
            let result = self.results.swap_remove(at).fitted(port);
            if !port.takes(result.dtype, &result.shape) {
                return Err(CallError::bad(format!(
                    "`{name}` is {} of shape {:?} instead of {port}",
                    result.dtype, result.shape
                )));
            }
            if !is_finite(&result) {
                return Err(CallError::bad(format!(
                    "`{name}` holds numbers that are none"
                )));
            }
            results.push(result);
        }
        self.results = results;
        Ok(self)
    }
}

/// Whether a result holds neither NaN nor infinities.
fn is_finite(result: &SentTensor) -> bool {
    let bytes = &result.bytes[..];
    match result.dtype {
        ElementType::Float32 => {
            let (numbers, _) = bytes.as_chunks();
            numbers.iter().all(|n| f32::from_le_bytes(*n).is_finite())
        }
        ElementType::Float64 => {
            let (numbers, _) = bytes.as_chunks();
            numbers.iter().all(|n| f64::from_le_bytes(*n).is_finite())
        }
        _ => true,
    }
}

/// The bytes of elements that were sent one by one.
fn elements(dtype: ElementType, contents: &InferTensorContents) -> Option<Bytes> {
    macro_rules! bytes {
        ($field:ident as $t:ty) => {
            contents
                .$field
                .iter()
                .flat_map(|x| (*x as $t).to_le_bytes())
                .collect()
        };
    }
    Some(match dtype {
        ElementType::Bool => contents
            .bool_contents
            .iter()
            .map(|x| u8::from(*x))
            .collect(),
        ElementType::Int8 => bytes!(int_contents as i8),
        ElementType::Int16 => bytes!(int_contents as i16),
        ElementType::Int32 => bytes!(int_contents as i32),
        ElementType::Int64 => bytes!(int64_contents as i64),
        ElementType::UInt8 => bytes!(uint_contents as u8),
        ElementType::UInt16 => bytes!(uint_contents as u16),
        ElementType::UInt32 => bytes!(uint_contents as u32),
        ElementType::UInt64 => bytes!(uint64_contents as u64),
        ElementType::Float32 => bytes!(fp32_contents as f32),
        ElementType::Float64 => bytes!(fp64_contents as f64),
        _ => return None,
    })
}
