//! What a plan was made from, so that it can be made again.

use serde::{Deserialize, Serialize};

/// The files, limits and choices that a plan was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The profiles on the edge, one per model.
    pub edge: Vec<Source>,
    /// The servers: one for all models, or one per model.
    pub server: Vec<Source>,
    /// Files that say what encodings cost, one per model that has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accuracy: Vec<Source>,
    /// Link, choices and limits: the keys of a scenario file, as a person types them.
    #[serde(rename = "wishes", default)]
    pub spec: toml::Table,
}

/// Something named on the command line, and what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// As given: a path, relative to the working directory unless it is absolute, or `sim:8x`.
    pub name: String,
    /// Hash of the file's bytes, lower-case hex; absent when it is no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}
