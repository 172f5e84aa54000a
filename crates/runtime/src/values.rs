//! What values hold, as plain numbers and bytes; and values made of them.

use std::sync::Arc;

use ort::environment::Environment;
use ort::value::{DynValue, PrimitiveTensorElementType, Tensor};

use super::RunError;
use super::session::{Value, describe, first_line};
use cutpoint_core::graph::ElementType;

/// Returns a `float32` value. Values are made by the runtime, which must be open.
///
/// # Errors
/// The numbers do not fill the shape.
pub fn from_floats(
    _environment: &Environment,
    shape: &[u64],
    numbers: Vec<f32>,
) -> Result<Value, RunError> {
    value(shape, numbers)
}

/// Returns a `uint8` value.
///
/// # Errors
/// The bytes do not fill the shape.
pub fn from_bytes(
    _environment: &Environment,
    shape: &[u64],
    bytes: Vec<u8>,
) -> Result<Value, RunError> {
    value(shape, bytes)
}

fn value<T>(shape: &[u64], data: Vec<T>) -> Result<Value, RunError>
where
    T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
{
    let dims: Vec<i64> = shape.iter().map(|d| *d as i64).collect();
    let tensor = Tensor::from_array((dims, data));
    let tensor = tensor.map_err(|error| RunError::Run {
        message: first_line(&error.to_string()),
    })?;
    Ok(Arc::new(tensor.into_dyn()))
}

/// Returns the elements of a `float32` value.
pub fn as_floats(value: &DynValue) -> Option<&[f32]> {
    let (_, elements) = value.try_extract_tensor::<f32>().ok()?;
    Some(elements)
}

/// Returns the elements of a value of real numbers; `None` for other types.
pub fn numbers(value: &DynValue) -> Option<Vec<f64>> {
    macro_rules! elements {
        ($t:ty, $wide:expr) => {{
            let (_, elements) = value.try_extract_tensor::<$t>().ok()?;
            Some(elements.iter().copied().map($wide).collect())
        }};
    }
    match describe(value).0 {
        ElementType::Float32 => elements!(f32, f64::from),
        ElementType::Float64 => elements!(f64, f64::from),
        ElementType::Float16 => elements!(half::f16, f64::from),
        ElementType::BFloat16 => elements!(half::bf16, f64::from),
        ElementType::Int8 => elements!(i8, f64::from),
        ElementType::UInt8 => elements!(u8, f64::from),
        ElementType::Int16 => elements!(i16, f64::from),
        ElementType::UInt16 => elements!(u16, f64::from),
        ElementType::Int32 => elements!(i32, f64::from),
        ElementType::UInt32 => elements!(u32, f64::from),
        ElementType::Int64 => elements!(i64, |x| x as f64),
        ElementType::UInt64 => elements!(u64, |x| x as f64),
        ElementType::Bool => elements!(bool, |x| f64::from(u8::from(x))),
        _ => None,
    }
}

/// Returns the value whose elements [`message`] would send so.
///
/// # Errors
/// The bytes do not fill the shape, or elements of this type are not sent.
pub fn from_message(
    _environment: &Environment,
    dtype: ElementType,
    shape: &[u64],
    message: &[u8],
) -> Result<Value, RunError> {
    macro_rules! elements {
        ($t:ty) => {{
            let (chunks, rest) = message.as_chunks();
            if !rest.is_empty() {
                return Err(RunError::Mismatch(format!(
                    "{} bytes are no whole number of elements of type {dtype}",
                    message.len()
                )));
            }
            value(
                shape,
                chunks.iter().copied().map(<$t>::from_le_bytes).collect(),
            )
        }};
    }
    match dtype {
        ElementType::Float32 => elements!(f32),
        ElementType::Float64 => elements!(f64),
        ElementType::Float16 => elements!(half::f16),
        ElementType::BFloat16 => elements!(half::bf16),
        ElementType::Int8 => elements!(i8),
        ElementType::UInt8 => elements!(u8),
        ElementType::Int16 => elements!(i16),
        ElementType::UInt16 => elements!(u16),
        ElementType::Int32 => elements!(i32),
        ElementType::UInt32 => elements!(u32),
        ElementType::Int64 => elements!(i64),
        ElementType::UInt64 => elements!(u64),
        ElementType::Bool => value(shape, message.iter().map(|byte| *byte != 0).collect()),
        other => Err(RunError::Mismatch(format!(
            "elements of type {other} are not sent"
        ))),
    }
}

/// Returns the elements of a value as they are sent: little-endian, in order; `None` for types that
/// are not sent.
pub fn message(value: &DynValue) -> Option<Vec<u8>> {
    macro_rules! bytes {
        ($t:ty) => {{
            let (_, elements) = value.try_extract_tensor::<$t>().ok()?;
            let mut bytes = Vec::with_capacity(size_of_val(elements));
            for element in elements {
                bytes.extend_from_slice(&element.to_le_bytes());
            }
            Some(bytes)
        }};
    }
    match describe(value).0 {
        ElementType::Float32 => bytes!(f32),
        ElementType::Float64 => bytes!(f64),
        ElementType::Float16 => bytes!(half::f16),
        ElementType::BFloat16 => bytes!(half::bf16),
        ElementType::Int8 => bytes!(i8),
        ElementType::UInt8 => bytes!(u8),
        ElementType::Int16 => bytes!(i16),
        ElementType::UInt16 => bytes!(u16),
        ElementType::Int32 => bytes!(i32),
        ElementType::UInt32 => bytes!(u32),
        ElementType::Int64 => bytes!(i64),
        ElementType::UInt64 => bytes!(u64),
        ElementType::Bool => {
            let (_, elements) = value.try_extract_tensor::<bool>().ok()?;
            Some(elements.iter().map(|x| u8::from(*x)).collect())
        }
        _ => None,
    }
}
