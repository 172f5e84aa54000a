//! Finding things by name, with suggestions for what is not there.

use super::{Graph, GraphError, LayerId, TensorId};

/// Names this much alike are worth suggesting; 1 is equal.
const ALIKE: f64 = 0.75;
/// Similarity that is enough when nothing is closer: `y3` and `y1`.
const HARDLY_ALIKE: f64 = 0.65;
/// With at most this many names, all are suggested when none resembles the one asked for.
const FEW: usize = 3;

impl Graph {
    /// Finds a layer by id.
    ///
    /// # Errors
    /// [`GraphError::Unknown`] with the nearest names.
    pub fn find_layer(&self, name: &str) -> Result<LayerId, GraphError> {
        let found = self.layer_names.get(name).copied();
        found.ok_or_else(|| unknown("layer", name, self.layers.iter().map(|l| l.id.as_str())))
    }

    /// Finds a tensor by name.
    ///
    /// # Errors
    /// [`GraphError::Unknown`] with the nearest names.
    pub fn find_tensor(&self, name: &str) -> Result<TensorId, GraphError> {
        let found = self.tensor_names.get(name).copied();
        found.ok_or_else(|| {
            let names = self.tensors.iter().map(|t| t.name.as_str());
            unknown("tensor", name, names)
        })
    }

    /// Finds a model input by name.
    ///
    /// # Errors
    /// [`GraphError::Unknown`] with the nearest inputs.
    pub fn find_input(&self, name: &str) -> Result<TensorId, GraphError> {
        self.find_among("input", name, &self.inputs)
    }

    /// Finds a model output by name.
    ///
    /// # Errors
    /// [`GraphError::Unknown`] with the nearest outputs.
    pub fn find_output(&self, name: &str) -> Result<TensorId, GraphError> {
        self.find_among("output", name, &self.outputs)
    }

    fn find_among(
        &self,
        what: &'static str,
        name: &str,
        ids: &[TensorId],
    ) -> Result<TensorId, GraphError> {
        let of = |id: &TensorId| self.tensor(*id).name.as_str();
        let found = ids.iter().find(|id| of(id) == name).copied();
        found.ok_or_else(|| unknown(what, name, ids.iter().map(of)))
    }
}

fn unknown<'a>(what: &'static str, name: &str, names: impl Iterator<Item = &'a str>) -> GraphError {
    GraphError::Unknown {
        what,
        name: name.to_owned(),
        near: nearest(name, names),
    }
}

/// Returns up to two existing names that look like `name`, best first, whatever their case; all
/// names when there are hardly more.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let names: Vec<&str> = names.collect();
    let mut scored: Vec<_> = names
        .iter()
        .map(|candidate| {
            let alike = strsim::jaro_winkler(&wanted, &candidate.to_lowercase());
            (alike, *candidate)
        })
        .filter(|(alike, _)| *alike > HARDLY_ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    if scored.first().is_some_and(|(best, _)| *best > ALIKE) {
        scored.retain(|(alike, _)| *alike > ALIKE);
    }
    scored.truncate(2);
    if scored.is_empty() && names.len() <= FEW {
        return names.into_iter().map(str::to_owned).collect();
    }
    scored
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

pub(super) fn hint(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => format!("; did you mean `{}`?", names.join("` or `")),
    }
}

/// Returns up to five names, quoted.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len() - shown.len()));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_whatever_their_case() {
        let names = ["boxes", "scores", "landmarks", "mask"];
        assert_eq!(nearest("Boxes", names.into_iter()), ["boxes"]);
        assert_eq!(
            nearest("y3", ["y1", "y2", "image", "h"].into_iter()),
            ["y1", "y2"]
        );
        assert!(nearest("qqq", names.into_iter()).is_empty());
        assert_eq!(nearest("qqq", ["x"].into_iter()), ["x"]);
    }
}
