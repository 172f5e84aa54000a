//! The values between the layers of a profile written by hand.

use std::collections::HashMap;

use super::size::Sizes;
use super::{Typed, at, crossable};
use crate::graph::nearest;
use crate::profile::{LayerRecord, PortRecord, Profile, TensorRecord};

/// The values between the layers, as far as they were typed.
pub(super) struct Values<'a> {
    pub(super) layers: &'a [Typed<LayerRecord>],
    pub(super) inputs: &'a [Typed<PortRecord>],
    pub(super) outputs: &'a [Typed<PortRecord>],
    pub(super) sizes: &'a Sizes,
    pub(super) text: &'a str,
}

impl Values<'_> {
    /// Returns every value in the order of the layers, with its size; values that nobody reads are
    /// the outputs unless some are named.
    pub(super) fn complete(
        &self,
        typed: Vec<Typed<TensorRecord>>,
        profile: &mut Profile,
    ) -> Result<(), String> {
        let mut rows: HashMap<String, Typed<TensorRecord>> = HashMap::new();
        for (row, start) in typed {
            if let Some((twice, _)) = rows.insert(row.name.clone(), (row, start)) {
                return Err(at(
                    self.text,
                    start,
                    format!("`{}` has two [[tensor]]", twice.name),
                ));
            }
        }
        let mut names: Vec<Typed<&str>> = Vec::new();
        names.extend(
            self.inputs
                .iter()
                .map(|(port, start)| (port.name.as_str(), *start)),
        );
        for (layer, start) in self.layers {
            self.check_reads(layer, *start, &names)?;
            names.extend(layer.outputs.iter().map(|name| (name.as_str(), *start)));
        }
        for (name, start) in &names {
            let mut row = rows.remove(*name).map_or_else(crossable, |(row, _)| row);
            let size = self.sizes.of(name).map_err(|e| at(self.text, *start, e))?;
            (row.dtype, row.shape, row.bytes) = size;
            row.name = (*name).to_owned();
            profile.tensors.push(row);
        }
        if let Some((row, start)) = rows.into_values().min_by_key(|(_, start)| *start) {
            return Err(at(self.text, start, unknown(&row.name, &names)));
        }
        profile.inputs = self.ports(self.inputs, profile)?;
        let is_read = |name: &str| {
            self.layers
                .iter()
                .any(|(l, _)| l.inputs.iter().any(|i| i == name))
        };
        let ends = names
            .iter()
            .skip(self.inputs.len())
            .filter(|(name, _)| !is_read(name));
        let ends: Vec<Typed<PortRecord>> = ends.map(|(name, start)| (port(name), *start)).collect();
        let outputs = if self.outputs.is_empty() {
            &ends
        } else {
            self.outputs
        };
        profile.outputs = self.ports(outputs, profile)?;
        Ok(())
    }

    fn check_reads(
        &self,
        layer: &LayerRecord,
        start: usize,
        known: &[Typed<&str>],
    ) -> Result<(), String> {
        let is_known = |name: &&String| known.iter().any(|(known, _)| known == *name);
        match layer.inputs.iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => {
                let problem = unknown(name, known);
                Err(at(
                    self.text,
                    start,
                    format!("[[layer]] `{}`: {problem}", layer.id),
                ))
            }
        }
    }

    fn ports(
        &self,
        typed: &[Typed<PortRecord>],
        profile: &Profile,
    ) -> Result<Vec<PortRecord>, String> {
        let port = |(port, start): &Typed<PortRecord>| {
            let mut tensors = profile.tensors.iter();
            let tensor = tensors.find(|t| t.name == port.name).ok_or_else(|| {
                let names: Vec<Typed<&str>> = profile
                    .tensors
                    .iter()
                    .map(|t| (t.name.as_str(), 0))
                    .collect();
                at(self.text, *start, unknown(&port.name, &names))
            })?;
            Ok(PortRecord {
                name: tensor.name.clone(),
                dtype: tensor.dtype.clone(),
                shape: tensor.shape.clone(),
                bytes: tensor.bytes,
            })
        };
        typed.iter().map(port).collect()
    }
}

fn port(name: &str) -> PortRecord {
    PortRecord {
        name: name.to_owned(),
        ..PortRecord::default()
    }
}

fn unknown(name: &str, known: &[Typed<&str>]) -> String {
    let near = nearest(name, known.iter().map(|(name, _)| *name));
    let near = match near.as_slice() {
        [] => String::new(),
        near => format!("; did you mean `{}`?", near.join("` or `")),
    };
    format!("`{name}` is neither an [[input]] nor the output of a [[layer]] above{near}")
}
