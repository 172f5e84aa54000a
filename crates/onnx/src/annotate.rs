//! Copies of a model with notes about its nodes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;

use super::error::{OnnxError, show_path};
use super::model::decode;
use super::proto::{ModelProto, StringStringEntryProto};
use super::save::{LARGEST, write};
use super::{external, scope};
use external::CopyTarget;

/// Keys of cutpoint's own properties begin with this.
pub const PREFIX: &str = "cutpoint.";

/// A key, without [`PREFIX`], and its value.
pub type Note = (&'static str, String);

/// The notes of a copy.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Notes {
    /// Of the model.
    pub model: Vec<Note>,
    /// Of the nodes of the main graph, by the name of their first output.
    pub nodes: HashMap<String, Vec<Note>>,
}

/// Writes a copy of the model in `path` to `out`, in which the model and its nodes have these
/// notes as metadata properties (`ModelProto.metadata_props`, and `NodeProto.metadata_props` of IR
/// version 10, which older runtimes pass over; the file's own IR version stays). Notes of an earlier
/// call are replaced; nothing else changes. Data in other files is copied along when `out` is in
/// another folder; those files are returned. What is copied stays inside that folder, and replaces
/// nothing.
///
/// # Errors
/// The model cannot be read, is the file to be written, or no longer fits into one; what is in the
/// way of its data; the folder cannot be written.
pub fn annotate(path: &Path, notes: &Notes, out: &Path) -> Result<Vec<PathBuf>, OnnxError> {
    let io = |cause| OnnxError::Io {
        path: path.to_owned(),
        cause,
    };
    let refuse = |message: String| OnnxError::Description {
        path: out.to_owned(),
        message,
    };
    if same_file(path, out) {
        return Err(refuse(
            "this is the model itself: choose another name".to_owned(),
        ));
    }
    let mut proto = decode(path, Bytes::from(std::fs::read(path).map_err(io)?))?;
    let files = external::inline(&mut proto.clone(), path)?;
    put(&mut proto, notes);
    if proto.encoded_len() > LARGEST {
        let hint = "with its notes the model is larger than an ONNX file can be: keep its data \
                    in other files";
        return Err(refuse(hint.to_owned()));
    }
    let mut copies = Vec::new();
    for (location, data) in files {
        let (from, to) = (
            path.with_file_name(&location),
            out.with_file_name(&location),
        );
        if same_file(&from, out) || same_file(&to, out) {
            return Err(refuse(
                "the model keeps its data under this name: choose another".into(),
            ));
        }
        if same_file(&from, &to) {
            continue;
        }
        let problem = match external::copy_target(external::folder_of(out), &location) {
            Ok(CopyTarget::There(there)) if there == data => continue,
            Ok(CopyTarget::Free) => {
                copies.push((to, data));
                continue;
            }
            Ok(CopyTarget::There(_)) => "holds something else".to_owned(),
            Err(problem) => problem,
        };
        return Err(refuse(format!(
            "the model's data belongs into {}, which {problem}: choose another folder, or save the \
             model as one file",
            show_path(&to)
        )));
    }
    for (to, data) in &copies {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|cause| OnnxError::Io {
                path: folder.to_owned(),
                cause,
            })?;
        }
        write(to, std::slice::from_ref(data))?;
    }
    write(out, &[Bytes::from(proto.encode_to_vec())])?;
    Ok(copies.into_iter().map(|(to, _)| to).collect())
}

/// Whether a file is a copy that [`annotate`] wrote.
pub fn is_copy(path: &Path) -> bool {
    let bytes = std::fs::read(path).ok();
    let proto = bytes.and_then(|bytes| decode(path, Bytes::from(bytes)).ok());
    proto.is_some_and(|proto| {
        let mut props = proto.metadata_props.iter();
        props.any(|entry| entry.key().starts_with(PREFIX))
    })
}

fn same_file(one: &Path, other: &Path) -> bool {
    // a file that does not exist is no other
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn put(proto: &mut ModelProto, notes: &Notes) {
    replace(&mut proto.metadata_props, &notes.model);
    for node in proto.graph.iter_mut().flat_map(|graph| &mut graph.node) {
        let known = scope::outputs(node)
            .next()
            .and_then(|id| notes.nodes.get(id));
        let known = known.map_or(&[][..], Vec::as_slice);
        replace(&mut node.metadata_props, known);
    }
}

fn replace(props: &mut Vec<StringStringEntryProto>, notes: &[Note]) {
    props.retain(|entry| !entry.key().starts_with(PREFIX));
    props.extend(notes.iter().map(|(key, value)| StringStringEntryProto {
        key: Some(format!("{PREFIX}{key}")),
        value: Some(value.clone()),
    }));
}
