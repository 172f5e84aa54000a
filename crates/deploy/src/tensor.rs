//! Tensors as the protocol sends them.

use bytes::Bytes;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::ElementType;
use cutpoint_runtime::port::Port;
use cutpoint_runtime::session::{Value, describe};
use cutpoint_runtime::values::{from_message, message};
use cutpoint_runtime::{Environment, RunError};

/// The types that are sent, under the names that the protocol has for them.
const DATATYPES: &[(ElementType, &str)] = &[
    (ElementType::Bool, "BOOL"),
    (ElementType::UInt8, "UINT8"),
    (ElementType::UInt16, "UINT16"),
    (ElementType::UInt32, "UINT32"),
    (ElementType::UInt64, "UINT64"),
    (ElementType::Int8, "INT8"),
    (ElementType::Int16, "INT16"),
    (ElementType::Int32, "INT32"),
    (ElementType::Int64, "INT64"),
    (ElementType::Float16, "FP16"),
    (ElementType::BFloat16, "BF16"),
    (ElementType::Float32, "FP32"),
    (ElementType::Float64, "FP64"),
];

/// Returns the protocol's name of a type; `None` for types that are not sent.
pub fn datatype(dtype: ElementType) -> Option<&'static str> {
    let found = DATATYPES.iter().find(|(own, _)| *own == dtype);
    found.map(|(_, name)| *name)
}

/// Returns the type that the protocol calls so.
pub fn element_type(datatype: &str) -> Option<ElementType> {
    let found = DATATYPES.iter().find(|(_, name)| *name == datatype);
    found.map(|(own, _)| *own)
}

/// Why a tensor cannot be sent or taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tensor `{}`: {problem}", cutpoint_onnx::show(name))]
pub struct TensorError {
    /// Name of the tensor.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

/// A tensor as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentTensor {
    /// Its name.
    pub name: String,
    /// Type of its elements.
    pub dtype: ElementType,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Its elements, little-endian, in order.
    pub bytes: Bytes,
    /// How it was packed for cutpoint's own server; `None` for a tensor that any server can take.
    pub packed: Option<Codec>,
}

impl SentTensor {
    /// Makes a tensor of a value.
    ///
    /// # Errors
    /// The value is of a type that is not sent.
    pub fn of(name: &str, value: &Value) -> Result<SentTensor, TensorError> {
        let (dtype, shape) = describe(value);
        let bytes = shape.zip(message(value));
        let (shape, bytes) = bytes.ok_or_else(|| TensorError {
            name: name.to_owned(),
            problem: format!("values of type {dtype} cannot be sent; cut elsewhere"),
        })?;
        Ok(SentTensor {
            name: name.to_owned(),
            dtype,
            shape,
            bytes: bytes.into(),
            packed: None,
        })
    }

    /// Returns the value that was sent. Values are made by the runtime, which must be open.
    ///
    /// # Errors
    /// [`TensorError`] when type, shape and bytes contradict one another.
    pub fn value(&self, environment: &Environment) -> Result<Value, TensorError> {
        self.check()?;
        from_message(environment, self.dtype, &self.shape, &self.bytes)
            .map_err(|error: RunError| self.error(error.to_string()))
    }

    /// Returns the shape as the protocol has it, which knows no tensors without dimensions.
    pub(crate) fn sent_shape(&self) -> Vec<i64> {
        if self.shape.is_empty() {
            return vec![1];
        }
        let dims = self.shape.iter();
        dims.map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX))
            .collect()
    }

    /// Takes the shape of a port without dimensions, if it was sent as one number for it.
    pub(crate) fn fitted(mut self, port: &Port) -> SentTensor {
        if port.shape.is_empty() && self.shape == [1] {
            self.shape.clear();
        }
        self
    }

    /// Checks that the bytes are as many as type and shape say.
    pub(crate) fn check(&self) -> Result<(), TensorError> {
        let elements = self.shape.iter().try_fold(1_u64, |n, d| n.checked_mul(*d));
        let expected = elements.map(|elements| self.dtype.bytes(elements).0);
        match expected {
            Some(expected) if expected == self.bytes.len() as u64 => Ok(()),
            Some(expected) => Err(self.error(format!(
                "{} of shape {:?} has {expected} bytes, not {}",
                self.dtype,
                self.shape,
                self.bytes.len()
            ))),
            None => Err(self.error(format!("no tensor has the shape {:?}", self.shape))),
        }
    }

    pub(crate) fn error(&self, problem: String) -> TensorError {
        TensorError {
            name: self.name.clone(),
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_names_and_names_types() {
        for (dtype, name) in DATATYPES {
            assert_eq!(datatype(*dtype), Some(*name));
            assert_eq!(element_type(name), Some(*dtype));
        }
        assert_eq!(datatype(ElementType::String), None);
        assert_eq!(element_type("float32"), None);
    }

    #[test]
    fn bytes_must_be_as_many_as_type_and_shape_say() {
        let tensor = |shape: &[u64], bytes: usize| SentTensor {
            name: "t".to_owned(),
            dtype: ElementType::Float32,
            shape: shape.to_vec(),
            bytes: vec![0; bytes].into(),
            packed: None,
        };
        tensor(&[2, 3], 24).check().unwrap();
        tensor(&[], 4).check().unwrap();
        tensor(&[0, 7], 0).check().unwrap();
        for (shape, bytes) in [(&[2, 3][..], 23), (&[], 0), (&[u64::MAX, 2], 8)] {
            let error = tensor(shape, bytes).check().unwrap_err();
            assert!(error.to_string().starts_with("tensor `t`: "), "{error}");
        }
    }
}
