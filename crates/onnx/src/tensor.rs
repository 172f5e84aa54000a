//! Element types and sizes of constants.

use super::error::show;
use super::proto::{DataType, SparseTensorProto, TensorProto};
use cutpoint_core::graph::ElementType;

/// Returns the element type behind an ONNX type number.
pub(super) fn element_type(data_type: i32) -> ElementType {
    match DataType::try_from(data_type).unwrap_or(DataType::Undefined) {
        DataType::Float => ElementType::Float32,
        DataType::Double => ElementType::Float64,
        DataType::Float16 => ElementType::Float16,
        DataType::Bfloat16 => ElementType::BFloat16,
        DataType::Float8E4m3fn
        | DataType::Float8E4m3fnuz
        | DataType::Float8E5m2
        | DataType::Float8E5m2fnuz
        | DataType::Float8E8m0 => ElementType::Float8,
        DataType::Int4 => ElementType::Int4,
        DataType::Int8 => ElementType::Int8,
        DataType::Int16 => ElementType::Int16,
        DataType::Int32 => ElementType::Int32,
        DataType::Int64 => ElementType::Int64,
        DataType::Uint4 => ElementType::UInt4,
        DataType::Uint8 => ElementType::UInt8,
        DataType::Uint16 => ElementType::UInt16,
        DataType::Uint32 => ElementType::UInt32,
        DataType::Uint64 => ElementType::UInt64,
        DataType::Bool => ElementType::Bool,
        DataType::Complex64 => ElementType::Complex64,
        DataType::Complex128 => ElementType::Complex128,
        DataType::String => ElementType::String,
        DataType::Undefined
        | DataType::Float4E2m1
        | DataType::Uint2
        | DataType::Int2
        | DataType::Float6E2m3
        | DataType::Float6E3m2 => ElementType::Other,
    }
}

/// Returns the ONNX type number of values that can be passed from one session to another.
pub(super) fn data_type(kind: ElementType) -> Option<DataType> {
    Some(match kind {
        ElementType::Float32 => DataType::Float,
        ElementType::Float64 => DataType::Double,
        ElementType::Float16 => DataType::Float16,
        ElementType::BFloat16 => DataType::Bfloat16,
        ElementType::Int8 => DataType::Int8,
        ElementType::Int16 => DataType::Int16,
        ElementType::Int32 => DataType::Int32,
        ElementType::Int64 => DataType::Int64,
        ElementType::UInt8 => DataType::Uint8,
        ElementType::UInt16 => DataType::Uint16,
        ElementType::UInt32 => DataType::Uint32,
        ElementType::UInt64 => DataType::Uint64,
        ElementType::Bool => DataType::Bool,
        ElementType::Float8
        | ElementType::Int4
        | ElementType::UInt4
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::String
        | ElementType::Other => return None,
    })
}

/// Size of one element in bits; `None` for strings and unknown types.
fn bits(data_type: i32) -> Option<u64> {
    Some(match DataType::try_from(data_type).ok()? {
        DataType::Undefined | DataType::String => return None,
        DataType::Uint2 | DataType::Int2 => 2,
        DataType::Uint4 | DataType::Int4 | DataType::Float4E2m1 => 4,
        DataType::Float6E2m3 | DataType::Float6E3m2 => 6,
        DataType::Float16 | DataType::Bfloat16 | DataType::Uint16 | DataType::Int16 => 16,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 32,
        DataType::Double | DataType::Int64 | DataType::Uint64 | DataType::Complex64 => 64,
        DataType::Complex128 => 128,
        DataType::Uint8
        | DataType::Int8
        | DataType::Bool
        | DataType::Float8E4m3fn
        | DataType::Float8E4m3fnuz
        | DataType::Float8E5m2
        | DataType::Float8E5m2fnuz
        | DataType::Float8E8m0 => 8,
    })
}

/// Returns the dimensions; `None` when one is negative or their product overflows.
pub(super) fn shape(dims: &[i64]) -> Option<Vec<u64>> {
    let dims: Vec<u64> = dims
        .iter()
        .map(|d| u64::try_from(*d).ok())
        .collect::<Option<_>>()?;
    elements(&dims).map(|_| dims)
}

/// Returns the number of elements, unless a dimension is out of reason.
///
/// Zeros are left out of the product: a huge dimension beside a zero is as wrong as alone.
pub(super) fn elements(dims: &[u64]) -> Option<u64> {
    let product = dims
        .iter()
        .filter(|d| **d > 0)
        .try_fold(1_u64, |n, d| n.checked_mul(*d))?;
    // more bytes than a file can have
    i64::try_from(product).ok()?.checked_mul(16)?;
    Some(if dims.contains(&0) { 0 } else { product })
}

/// Returns the size of a constant's packed elements; strings count their text.
pub(super) fn bytes(tensor: &TensorProto) -> u64 {
    let count = shape(&tensor.dims)
        .and_then(|dims| elements(&dims))
        .unwrap_or(0);
    match bits(tensor.data_type()) {
        Some(bits) => count.saturating_mul(bits).div_ceil(8),
        None => tensor.string_data.iter().map(|s| s.len() as u64).sum(),
    }
}

/// Returns the size of a sparse constant as stored.
pub(super) fn sparse_bytes(tensor: &SparseTensorProto) -> u64 {
    tensor.values.iter().chain(&tensor.indices).map(bytes).sum()
}

/// Returns what is wrong with a tensor whose data is in the file, if anything.
pub(super) fn problem(tensor: &TensorProto) -> Option<String> {
    let Some(count) = shape(&tensor.dims).and_then(|dims| elements(&dims)) else {
        return Some(format!(
            "its dimensions {:?} are negative or too large",
            short(&tensor.dims)
        ));
    };
    let kind = tensor.data_type();
    let Some(typed) = typed_len(tensor) else {
        return Some(format!(
            "its element type {kind} is unknown to this version"
        ));
    };
    let (found, wanted, unit) = match (&tensor.raw_data, bits(kind)) {
        (Some(raw), Some(bits)) => (
            raw.len() as u64,
            count.saturating_mul(bits).div_ceil(8),
            "bytes",
        ),
        (Some(_), None) => {
            return Some("it is made of strings, which raw data cannot hold".to_owned());
        }
        (None, _) => (typed.0 as u64, typed.1(count), "elements"),
    };
    (found != wanted).then(|| {
        format!(
            "its dimensions {:?} need {wanted} {unit}, but there are {found}",
            short(&tensor.dims)
        )
    })
}

/// From a number of elements to the length of the list that holds them.
type LengthOf = fn(u64) -> u64;

/// Elements of the list that holds this type, and how many that should be.
fn typed_len(tensor: &TensorProto) -> Option<(usize, LengthOf)> {
    let same: LengthOf = |n| n;
    Some(match DataType::try_from(tensor.data_type()).ok()? {
        DataType::Undefined => return None,
        DataType::Float => (tensor.float_data.len(), same),
        DataType::Complex64 => (tensor.float_data.len(), |n| n.saturating_mul(2)),
        DataType::Double => (tensor.double_data.len(), same),
        DataType::Complex128 => (tensor.double_data.len(), |n| n.saturating_mul(2)),
        DataType::Int64 => (tensor.int64_data.len(), same),
        DataType::Uint32 | DataType::Uint64 => (tensor.uint64_data.len(), same),
        DataType::String => (tensor.string_data.len(), same),
        DataType::Uint4 | DataType::Int4 | DataType::Float4E2m1 => {
            (tensor.int32_data.len(), |n| n.div_ceil(2))
        }
        DataType::Uint2 | DataType::Int2 => (tensor.int32_data.len(), |n| n.div_ceil(4)),
        DataType::Float6E2m3 | DataType::Float6E3m2 => {
            (tensor.int32_data.len(), |n| n.saturating_mul(6).div_ceil(8))
        }
        _ => (tensor.int32_data.len(), same),
    })
}

fn short(dims: &[i64]) -> &[i64] {
    &dims[..dims.len().min(8)]
}

/// Returns the values of an `int64` constant, as shapes are given.
pub(super) fn int64_values(tensor: &TensorProto) -> Option<Vec<i64>> {
    if tensor.data_type() != DataType::Int64 as i32 {
        return None;
    }
    match &tensor.raw_data {
        None => Some(tensor.int64_data.clone()),
        Some(raw) => {
            let (chunks, _) = raw.as_chunks::<8>();
            Some(chunks.iter().map(|c| i64::from_le_bytes(*c)).collect())
        }
    }
}

/// Returns a tensor's name for messages.
pub(super) fn shown_name(tensor: &TensorProto) -> String {
    match tensor.name() {
        "" => "(without a name)".to_owned(),
        name => show(name),
    }
}
