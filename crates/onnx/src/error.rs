//! Errors of models, and how names from models are shown.

use std::path::{Path, PathBuf};

use super::proto::NodeProto;
use cutpoint_core::graph::GraphError;

/// Why a model cannot be read, cut or written. Names from the file are escaped.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", show_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// The bytes are no ONNX model.
    #[error(
        "{}: not an ONNX model, or cut short ({detail}): export or copy it again",
        show_path(path)
    )]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// What the decoder met.
        detail: String,
    },
    /// The file is something else.
    #[error("{}: not an ONNX model: {what}: name the .onnx file", show_path(path))]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The model breaks a rule of ONNX.
    #[error("{}: {place}: {problem}", show_path(path))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Node or tensor.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Data outside the file is missing or out of bounds.
    #[error(
        "{}: tensor `{tensor}`: external data: {problem}; keep plain data files in the model's own \
         folder, or save the model as one file",
        show_path(path)
    )]
    ExternalData {
        /// The model file.
        path: PathBuf,
        /// The tensor, escaped.
        tensor: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing in the model depends on its inputs.
    #[error(
        "{}: no node computes anything from the model's inputs: there is nothing to cut",
        show_path(path)
    )]
    NothingToCut {
        /// The file.
        path: PathBuf,
    },
    /// The cut asked for is impossible.
    #[error("this cut is impossible: {0}")]
    Cut(String),
    /// A description of a split cannot be read or written.
    #[error("{}: {message}", show_path(path))]
    Description {
        /// The file.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// A name that the graph does not have, or tables that contradict one another.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Longest name shown in full.
const LONGEST_SHOWN: usize = 200;

/// `name` without control characters and of bearable length, for messages.
pub fn show(name: &str) -> String {
    let mut shown = String::new();
    for (count, c) in name.chars().enumerate() {
        if count == LONGEST_SHOWN {
            shown.push('…');
            break;
        }
        match c {
            '\'' | '"' | '\\' => shown.push(c),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

pub(super) fn show_path(path: &Path) -> String {
    show(&path.to_string_lossy())
}

/// `` node 3 (Conv `stem/conv`) ``.
pub(super) fn show_node(index: usize, node: &NodeProto) -> String {
    let op = show(node.op_type());
    let name = match node.name() {
        "" => node
            .output
            .iter()
            .map(String::as_str)
            .find(|o| !o.is_empty()),
        name => Some(name),
    };
    match name {
        Some(name) => format!("node {index} ({op} `{}`)", show(name)),
        None => format!("node {index} ({op})"),
    }
}

/// Returns up to five names, quoted and escaped.
pub(super) fn show_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = all
        .iter()
        .take(5)
        .map(|n| format!("`{}`", show(n)))
        .collect();
    if all.len() > shown.len() {
        shown.push(format!("{} more", all.len() - shown.len()));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(
            show("a\u{1b}[31m\r\n\u{202e}b"),
            "a\\u{1b}[31m\\r\\n\\u{202e}b"
        );
        assert_eq!(show("é/層'\"\\"), "é/層'\"\\");
        assert_eq!(show(&"x".repeat(10_000)).chars().count(), LONGEST_SHOWN + 1);
    }
}
