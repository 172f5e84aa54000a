//! The file of an unfinished profile, from which a measurement goes on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::RunError;
use cutpoint_core::profile::CutRecord;

/// Names of the crossing tensors, and of the layers kept beyond what those need.
pub(super) type CutNames = (Vec<String>, Vec<String>);

/// No half takes longer than an hour.
const LONGEST_US: f64 = 3600e6;

/// Measured cuts of an unfinished profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialProfile {
    /// Everything that must be the same for the measurement to go on.
    pub key: String,
    /// Median of the whole model that the cuts are scaled to.
    pub whole_us: f64,
    /// The cuts, scaled; one timed twice stands here twice.
    #[serde(rename = "cut", default)]
    pub cuts: Vec<CutRecord>,
}

impl PartialProfile {
    /// Reads the cuts measured before; a file that is missing or damaged is measured anew.
    pub fn read(path: &Path) -> Option<PartialProfile> {
        let partial: PartialProfile = toml::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
        partial.is_sound().then_some(partial)
    }

    /// Whether all numbers can have been measured.
    fn is_sound(&self) -> bool {
        let time = |us: f64| us > 0.0 && us < LONGEST_US;
        self.whole_us >= 0.0
            && (self.cuts.is_empty() || time(self.whole_us))
            && self.cuts.iter().all(|cut| {
                let spreads = [
                    cut.edge_mad_us,
                    cut.server_mad_us,
                    cut.edge_repeat_us,
                    cut.server_repeat_us,
                ];
                time(cut.edge_us)
                    && time(cut.server_us)
                    && spreads.iter().all(|us| us.abs() < LONGEST_US)
            })
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// [`RunError::Io`] when the cuts cannot be expressed in TOML.
    pub fn to_toml(&self, path: &Path) -> Result<String, RunError> {
        toml::to_string(self).map_err(|error| RunError::Io {
            path: path.to_owned(),
            cause: std::io::Error::other(error),
        })
    }

    /// The measurements of this cut so far.
    pub(super) fn of(&self, (tensors, kept): &CutNames) -> impl Iterator<Item = &CutRecord> {
        let same = move |r: &&CutRecord| r.tensors == *tensors && r.kept == *kept;
        self.cuts.iter().filter(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_partial_file_is_measured_anew() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cut = CutRecord {
            edge_us: 3.0,
            server_us: 4.0,
            ..CutRecord::default()
        };
        let partial = PartialProfile {
            key: "k".to_owned(),
            whole_us: 7.0,
            cuts: vec![cut],
        };
        let text = partial.to_toml(file.path()).unwrap();
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            PartialProfile::read(file.path())
        };
        assert_eq!(read(&text), Some(partial));
        for (from, to) in [
            ("edge_us = 3.0", "edge_us = nan"),
            ("server_us = 4.0", "server_us = -4.0"),
            ("edge_mad_us = 0.0", "edge_mad_us = inf"),
            ("whole_us = 7.0", "whole_us = 0.0"),
            ("key", "keys"),
        ] {
            let damaged = text.replacen(from, to, 1);
            assert_ne!(damaged, text, "{from}");
            assert_eq!(read(&damaged), None, "{to}");
        }
        assert_eq!(read(&text[..text.len() / 2]), None);
        assert_eq!(PartialProfile::read(Path::new("missing")), None);
    }
}
