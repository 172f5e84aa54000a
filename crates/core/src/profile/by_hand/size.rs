//! Sizes of tensors, stated by shape and element type, in bytes, or both.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Table;

use crate::graph::ElementType;

/// The element type when none is stated.
pub(super) const FLOAT: &str = "float32";

/// What a person says about the size of a tensor.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Size {
    dtype: Option<String>,
    shape: Option<Vec<u64>>,
    bytes: Option<u64>,
}

/// Moves the keys of a size out of a table; `None` when there is none.
pub(super) fn take_size(typed: &mut Table) -> Result<Option<Size>, String> {
    let keys = ["dtype", "shape", "bytes"];
    let found: Table = keys
        .iter()
        .filter_map(|key| typed.remove_entry(*key))
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    let size = found.try_into();
    size.map(Some).map_err(|error: toml::de::Error| {
        let message = error.to_string();
        let lines: Vec<&str> = message.lines().map(str::trim).collect();
        lines.join(" ")
    })
}

/// The sizes stated anywhere in a file.
#[derive(Debug, Default)]
pub(super) struct Sizes(HashMap<String, Size>);

impl Sizes {
    pub(super) fn state(&mut self, tensor: &str, size: Size) -> Result<(), String> {
        match self.0.get(tensor) {
            Some(other) if *other != size => {
                Err("its size is stated twice, differently".to_owned())
            }
            _ => {
                self.0.insert(tensor.to_owned(), size);
                Ok(())
            }
        }
    }

    /// Element type, shape and bytes: bytes follow from the shape, or a flat shape from the bytes.
    pub(super) fn of(&self, tensor: &str) -> Result<(String, Vec<u64>, u64), String> {
        let size = self.0.get(tensor).cloned().unwrap_or_default();
        let name = size.dtype.unwrap_or_else(|| FLOAT.to_owned());
        let dtype: ElementType = name
            .parse()
            .map_err(|e| format!("tensor `{tensor}`: {e}"))?;
        let (shape, bytes) = match (size.shape, size.bytes) {
            (Some(shape), Some(bytes)) => (shape, bytes),
            (Some(shape), None) => {
                let elements = shape.iter().copied().fold(1, u64::saturating_mul);
                let bytes = dtype.bytes(elements).0;
                (shape, bytes)
            }
            (None, Some(bytes)) => {
                let bits = dtype.bytes(8).0;
                let elements = bytes.saturating_mul(8).checked_div(bits).unwrap_or(0);
                (vec![elements], bytes)
            }
            (None, None) => {
                return Err(format!(
                    "tensor `{tensor}` has no size: state `bytes` or `shape` with the layer or \
                     input, or in a [[tensor]] of that name"
                ));
            }
        };
        Ok((name, shape, bytes))
    }
}
