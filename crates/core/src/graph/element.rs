//! Element types and their sizes.

use std::fmt;
use std::str::FromStr;

use crate::units::Bytes;

/// Type of a tensor's elements, by its ONNX name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are ONNX's own
pub enum ElementType {
    Float32,
    Float64,
    Float16,
    BFloat16,
    Float8,
    Int4,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt4,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Bool,
    Complex64,
    Complex128,
    String,
    /// A sequence, an optional, or a type this version does not know.
    Other,
}

const ELEMENT_TYPES: &[(ElementType, &str, u64)] = &[
    (ElementType::Float32, "float32", 32),
    (ElementType::Float64, "float64", 64),
    (ElementType::Float16, "float16", 16),
    (ElementType::BFloat16, "bfloat16", 16),
    (ElementType::Float8, "float8", 8),
    (ElementType::Int4, "int4", 4),
    (ElementType::Int8, "int8", 8),
    (ElementType::Int16, "int16", 16),
    (ElementType::Int32, "int32", 32),
    (ElementType::Int64, "int64", 64),
    (ElementType::UInt4, "uint4", 4),
    (ElementType::UInt8, "uint8", 8),
    (ElementType::UInt16, "uint16", 16),
    (ElementType::UInt32, "uint32", 32),
    (ElementType::UInt64, "uint64", 64),
    (ElementType::Bool, "bool", 8),
    (ElementType::Complex64, "complex64", 64),
    (ElementType::Complex128, "complex128", 128),
    (ElementType::String, "string", 0),
    (ElementType::Other, "other", 0),
];

impl ElementType {
    fn row(self) -> (&'static str, u64) {
        ELEMENT_TYPES
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or(("other", 0), |(_, name, bits)| (*name, *bits))
    }

    /// Returns the size of `elements` packed elements; zero for types without a fixed size.
    pub fn bytes(self, elements: u64) -> Bytes {
        Bytes(elements.saturating_mul(self.row().1).div_ceil(8))
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().0)
    }
}

impl FromStr for ElementType {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ELEMENT_TYPES
            .iter()
            .find(|(_, name, _)| *name == text)
            .map(|(kind, ..)| *kind)
            .ok_or_else(|| format!("`{text}` is not an element type"))
    }
}
