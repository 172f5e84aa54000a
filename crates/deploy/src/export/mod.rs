//! Server halves for other servers, and a client for boards without this program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cutpoint_core::temporary::{self, TemporaryFolder};
use cutpoint_runtime::port::Port;

use super::halves::{ServerHalf, SplitDirectory};
use super::server::{parameter, port_shape};
use super::tensor::datatype;

/// Runs a split directory with onnxruntime and tritonclient.
pub const EDGE_CLIENT: &str = include_str!("edge.py");
/// The configuration of a model.
const CONFIG: &str = "config.pbtxt";
/// The folder of its only version here, and what lies in it.
const VERSION: &str = "1";
const MODEL: &str = "model.onnx";
const SCRIPT: &str = "model.py";
/// Runs a half in Triton's Python back end.
const PYTHON_MODEL: &str = include_str!("model.py");

/// What runs the half in Triton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TritonBackend {
    /// Triton's own back end for ONNX Runtime.
    OnnxRuntime,
    /// The Python back end with a small model.py, where the other is not installed.
    Python,
}

/// Why a half cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder cannot be written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// What cannot be written.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Triton has no such type.
    #[error("`{}` is {port}, which Triton does not take; cut elsewhere", cutpoint_onnx::show(&port.name))]
    Type {
        /// The input or output.
        port: Port,
    },
    /// Another model has the folder.
    #[error(
        "{}: holds a model that cutpoint did not write: choose another folder, or add --force",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// Triton knows no tensors without dimensions.
    #[error(
        "`{}` has no dimensions, which Triton does not know: use its Python back end \
         (--triton-backend python), or a codec with calibrated bounds",
        cutpoint_onnx::show(name)
    )]
    Scalar {
        /// The tensor.
        name: String,
    },
    /// The messages need this program at both ends.
    #[error(
        "`{}` crosses as {codec}, which only cutpoint's own server undoes; split with a codec \
         without +zstd, +deflate, png or jpeg",
        cutpoint_onnx::show(tensor)
    )]
    Codec {
        /// What crosses.
        tensor: String,
        /// How.
        codec: cutpoint_core::codec::Codec,
    },
}

/// Writes the server half into a model repository of Triton: a folder named after the model, with
/// `config.pbtxt` and version 1. Returns that folder.
///
/// # Errors
/// The folder cannot be written, Triton cannot take the messages, or it holds a model that is not of
/// cutpoint and `replace` is false.
pub fn triton(
    directory: &SplitDirectory,
    half: &ServerHalf,
    repository: &Path,
    backend: TritonBackend,
    replace: bool,
) -> Result<PathBuf, ExportError> {
    let crossings = &directory.description.crossings;
    if let Some(crossing) = crossings
        .iter()
        .find(|crossing| !crossing.codec.is_in_halves())
    {
        return Err(ExportError::Codec {
            tensor: crossing.tensor.clone(),
            codec: crossing.codec,
        });
    }
    let name = directory.model_name();
    let config = config(&name, half, backend)?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |cause| ExportError::Io { path, cause }
    };
    std::fs::create_dir_all(repository).map_err(io(repository))?;
    let folder = repository.join(&name);
    if !replace && folder.exists() && !is_own(&folder) {
        return Err(ExportError::Foreign { path: folder });
    }
    let work = TemporaryFolder::new_in(repository).map_err(io(repository))?;
    let version = work.path().join(VERSION);
    std::fs::create_dir(&version).map_err(io(&version))?;
    let made = [
        (version.join(MODEL), directory.server_bytes()),
        (work.path().join(CONFIG), config.into_bytes()),
    ];
    let python = (version.join(SCRIPT), PYTHON_MODEL.as_bytes().to_vec());
    let python = (backend == TritonBackend::Python).then_some(python);
    for (path, bytes) in made.into_iter().chain(python) {
        std::fs::write(&path, bytes).map_err(io(&path))?;
    }
    let _together = temporary::exchange();
    let place = folder.join(VERSION);
    std::fs::create_dir_all(&place).map_err(io(&place))?;
    // only what this program writes is replaced; other versions and files stay
    let script = place.join(SCRIPT);
    if std::fs::read(&script).is_ok_and(|text| text == PYTHON_MODEL.as_bytes()) {
        std::fs::remove_file(&script).map_err(io(&script))?;
    }
    for path in files(&folder) {
        let made = work
            .path()
            .join(path.strip_prefix(&folder).unwrap_or(&path));
        if made.exists() {
            std::fs::rename(made, &path).map_err(io(&path))?;
        }
    }
    Ok(folder)
}

/// Returns the files that a model of a repository may have here, the configuration last.
pub fn files(model: &Path) -> [PathBuf; 3] {
    let version = model.join(VERSION);
    [
        version.join(MODEL),
        version.join(SCRIPT),
        model.join(CONFIG),
    ]
}

/// Whether a model of a repository was written by this program.
fn is_own(folder: &Path) -> bool {
    let config = std::fs::read_to_string(folder.join(CONFIG));
    config.is_ok_and(|config| config.contains(parameter::SHA256))
}

/// The text of `config.pbtxt`.
fn config(name: &str, half: &ServerHalf, backend: TritonBackend) -> Result<String, ExportError> {
    let runs = match backend {
        TritonBackend::OnnxRuntime => "onnxruntime",
        TritonBackend::Python => "python",
    };
    let mut text = format!(
        "name: {}\nbackend: \"{runs}\"\nmax_batch_size: 0\n",
        quoted(name)
    );
    for (what, ports) in [("input", &half.inputs), ("output", &half.outputs)] {
        for port in ports {
            let kind =
                datatype(port.dtype).ok_or_else(|| ExportError::Type { port: port.clone() })?;
            if port.shape.is_empty() && backend == TritonBackend::OnnxRuntime {
                return Err(ExportError::Scalar {
                    name: port.name.clone(),
                });
            }
            let dims: Vec<String> = port_shape(port).iter().map(i64::to_string).collect();
            let _ = writeln!(
                text,
                "{what} [ {{ name: {}, data_type: TYPE_{kind}, dims: [ {} ] }} ]",
                quoted(&port.name),
                dims.join(", ")
            );
        }
    }
    let _ = writeln!(
        text,
        "parameters {{ key: \"{}\", value: {{ string_value: \"{}\" }} }}",
        parameter::SHA256,
        half.sha256
    );
    Ok(text)
}

/// A string of the text form of Protocol Buffers.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted() {
        assert_eq!(quoted("a/b_1"), "\"a/b_1\"");
        assert_eq!(quoted("a\"b\\"), "\"a\\\"b\\\\\"");
        assert_eq!(quoted("ü\n"), "\"\\303\\274\\012\"");
    }
}
