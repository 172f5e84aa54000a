//! Profiles as tables of times.

use std::path::Path;

use crate::profile::{LayerRecord, Profile, ProfileError};

/// The columns that are written.
const COLUMNS: [&str; 9] = [
    "kind",
    "layer",
    "part_of",
    "side",
    "board",
    "median_us",
    "mad_us",
    "n",
    "trace_us",
];

impl Profile {
    /// Returns the times as a table that [`Times::load`](crate::profile::Times::load) reads: every
    /// layer and what runs as part of it, the whole model, and what splitting costs. Times of
    /// codecs, measured halves and memory are not in it.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] when the table cannot be written; `path` is for that message.
    pub fn to_csv(&self, path: &Path) -> Result<String, ProfileError> {
        let invalid = |message: String| ProfileError::Invalid {
            path: path.to_owned(),
            message,
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = writer.write_record(COLUMNS);
        written.map_err(|error| invalid(error.to_string()))?;
        for row in self.time_rows() {
            let written = writer.write_record(row);
            written.map_err(|error| invalid(error.to_string()))?;
        }
        let bytes = writer.into_inner();
        let bytes = bytes.map_err(|error| invalid(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| invalid(error.to_string()))
    }

    fn time_rows(&self) -> Vec<[String; 9]> {
        let mut rows = Vec::new();
        for layer in &self.layers {
            let spread = (layer.mad_us, layer.runs);
            for (side, us) in by_side(layer.edge_us, layer.server_us) {
                let trace = (us != layer.trace_us).then_some(layer.trace_us);
                rows.push(self.row("layer", &layer.id, side, us, spread, trace));
            }
            for member in parts(layer) {
                let mut row = self.row("layer", member, "", 0.0, (0.0, 0), None);
                row[2] = layer.id.clone();
                row[5] = String::new();
                rows.push(row);
            }
        }
        let whole = &self.whole;
        let spread = (whole.mad_us, whole.runs);
        rows.push(self.row("total", "", "", whole.median_us, spread, None));
        let method = &self.method;
        let splits = by_side(method.split_edge_us, method.split_server_us);
        for (side, us) in splits.into_iter().filter(|(_, us)| *us > 0.0) {
            rows.push(self.row("split", "", side, us, (0.0, 0), None));
        }
        for tensor in &self.tensors {
            for (kind, us) in [("send", tensor.send_us), ("receive", tensor.recv_us)] {
                if us > 0.0 {
                    rows.push(self.row(kind, &tensor.name, "", us, (0.0, 0), None));
                }
            }
        }
        rows
    }

    fn row(
        &self,
        kind: &str,
        name: &str,
        side: &str,
        us: f64,
        (mad_us, runs): (f64, usize),
        trace_us: Option<f64>,
    ) -> [String; 9] {
        let unless_zero = |text: String, zero: bool| if zero { String::new() } else { text };
        [
            kind.to_owned(),
            name.to_owned(),
            String::new(),
            side.to_owned(),
            self.board.name.clone(),
            us.to_string(),
            unless_zero(mad_us.to_string(), mad_us == 0.0),
            unless_zero(runs.to_string(), runs == 0),
            trace_us.map_or_else(String::new, |us| us.to_string()),
        ]
    }
}

/// One time for both sides where they are alike.
fn by_side(edge_us: f64, server_us: f64) -> Vec<(&'static str, f64)> {
    if edge_us == server_us {
        vec![("", edge_us)]
    } else {
        vec![("edge", edge_us), ("server", server_us)]
    }
}

/// The other nodes that a layer runs.
fn parts(layer: &LayerRecord) -> impl Iterator<Item = &String> {
    layer.members.iter().filter(|member| **member != layer.id)
}
