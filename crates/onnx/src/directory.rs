//! A split directory: `edge.onnx`, `server.onnx`, `local.onnx` where heads are overlapped with the
//! transfer, and `split.toml`, which describes them.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::cut::{CutRequest, Halves};
use super::error::{OnnxError, show};
use super::model::Model;
use super::reading::Reading;
use super::save;
use cutpoint_core::codec::{ClipRange, Codec, Form};
use cutpoint_core::contents::read_text;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::TensorId;
use cutpoint_core::syntax::read_toml;
use cutpoint_core::task::Task;
use cutpoint_core::temporary::{self, TemporaryFolder};

/// Version of `split.toml` that this program reads and writes.
pub const FORMAT: u32 = 1;
/// Name of the description.
pub const DESCRIPTION: &str = "split.toml";
/// Name of the edge half.
pub const EDGE: &str = "edge.onnx";
/// Name of the heads that are overlapped with transfer and server.
pub const LOCAL: &str = "local.onnx";
/// Name of the server half.
pub const SERVER: &str = "server.onnx";

/// What `split.toml` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// [`FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::split")]
    pub kind: FileKind,
    /// Model inputs that the server half takes itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_inputs: Vec<String>,
    /// The model that was cut.
    pub model: FileRecord,
    /// The edge half; absent when nothing is to be done there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<HalfRecord>,
    /// The heads on the edge that are overlapped with transfer and server; reads outputs of the
    /// edge half and model inputs. Absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<HalfRecord>,
    /// The server half; absent when everything is done on the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<HalfRecord>,
    /// What crosses.
    #[serde(default, rename = "crossing", skip_serializing_if = "Vec::is_empty")]
    pub crossings: Vec<CrossingRecord>,
    /// Which half delivers which outputs of each task.
    #[serde(default, rename = "task", skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskRecord>,
}

/// A file and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Name without folders.
    pub file: String,
    /// See [`Model::sha256`].
    pub sha256: String,
}

/// A half and its ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalfRecord {
    /// Name in the split directory.
    pub file: String,
    /// See [`Model::sha256`].
    pub sha256: String,
    /// Names of its inputs.
    pub inputs: Vec<String>,
    /// Names of its outputs.
    pub outputs: Vec<String>,
}

/// A tensor that crosses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossingRecord {
    /// Name in the model.
    pub tensor: String,
    /// How it is encoded; the halves do [`Codec::in_halves`] of it.
    pub codec: Codec,
    /// Type of the tensor's elements.
    pub dtype: String,
    /// Shape of the tensor.
    pub shape: Vec<u64>,
    /// Size of what the halves exchange: the payload, unless an image format or a compression is
    /// added outside.
    pub bytes: u64,
    /// The values that are exchanged, in the order of a message.
    pub sent: Vec<String>,
    /// For codecs with calibrated bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<ClipRange>,
}

/// Outputs of a task by the half that delivers them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TaskRecord {
    pub name: String,
    pub edge: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<String>,
    pub server: Vec<String>,
}

impl Description {
    /// Reads the description in a split directory.
    ///
    /// # Errors
    /// It is missing, or not of this format.
    pub fn load(folder: &Path) -> Result<Description, OnnxError> {
        let path = folder.join(DESCRIPTION);
        let text =
            read_text(&path, "the description of a split").map_err(|cause| OnnxError::Io {
                path: path.clone(),
                cause,
            })?;
        let error = |message: String| OnnxError::Description {
            path: path.clone(),
            message,
        };
        let found: Description =
            read_toml(&text).map_err(|cause| error(format!("not a split: {cause}")))?;
        if found.kind != FileKind::Split {
            return Err(error(format!("not a split: it holds {}", found.kind)));
        }
        match found.format {
            FORMAT => Ok(found),
            other => Err(error(format!(
                "format {other} is not format {FORMAT}, the one this version reads"
            ))),
        }
    }

    fn to_toml(&self, path: &Path) -> Result<String, OnnxError> {
        toml::to_string(self).map_err(|cause| OnnxError::Description {
            path: path.to_owned(),
            message: cause.to_string(),
        })
    }
}

/// Names of the values that stand for a crossing tensor.
fn sent(tensor: &str, codec: Codec) -> Vec<String> {
    match codec.in_halves().form {
        Form::Own => vec![tensor.to_owned()],
        Form::Dynamic8 => ["q8", "scale", "zero"]
            .map(|part| format!("{tensor}/{part}"))
            .to_vec(),
        form => vec![format!("{tensor}/{form}")],
    }
}

/// A split, ready to be written.
#[derive(Debug, Clone, Copy)]
pub struct Split<'a> {
    /// The whole model.
    pub model: &'a Model,
    /// The model as it was read.
    pub reading: &'a Reading,
    /// The cut.
    pub request: &'a CutRequest,
    /// Its halves.
    pub halves: &'a Halves,
    /// Named sets of outputs.
    pub tasks: &'a [Task],
}

impl Split<'_> {
    /// Writes a split directory and describes it; files of an earlier split are replaced.
    ///
    /// Everything is written to a temporary folder inside `folder` first: that may be a mount point,
    /// a link, or all that is writable. `split.toml` goes first and comes last, so that a folder
    /// with one always holds what it describes. Old files are set aside until the new ones are in
    /// their places, and come back when one of those cannot be put there.
    ///
    /// # Errors
    /// The folder holds a split of another model, or halves without a description, and `replace`
    /// is false; a task names an output that does not exist; or the folder cannot be written.
    pub fn write(&self, folder: &Path, replace: bool) -> Result<Description, OnnxError> {
        if !replace {
            check_owner(folder, self.model)?;
        }
        if folder.exists() && !folder.is_dir() {
            let cause = std::io::Error::other("is a file; name a folder for the halves");
            return Err(io(folder)(cause));
        }
        let made = MadeFolders::create(folder)?;
        let work = TemporaryFolder::new_in(folder).map_err(io(folder))?;
        let edge = written(self.halves.edge.as_ref(), &work.path().join(EDGE))?;
        let local = written(self.halves.local.as_ref(), &work.path().join(LOCAL))?;
        let server = written(self.halves.server.as_ref(), &work.path().join(SERVER))?;
        let description = self.describe(edge, local, server)?;
        let toml = description.to_toml(&folder.join(DESCRIPTION))?;
        save::write(&work.path().join(DESCRIPTION), &[Bytes::from(toml)])?;
        replace_files(work.path(), folder)?;
        made.keep();
        Ok(description)
    }

    fn describe(
        &self,
        edge: Option<HalfRecord>,
        local: Option<HalfRecord>,
        server: Option<HalfRecord>,
    ) -> Result<Description, OnnxError> {
        let graph = &self.reading.graph;
        let name = |id: &TensorId| graph.tensor(*id).name.clone();
        let crossings = self.request.crossing.iter().map(|(id, codec)| {
            let tensor = graph.tensor(*id);
            CrossingRecord {
                tensor: tensor.name.clone(),
                codec: *codec,
                dtype: tensor.dtype.to_string(),
                shape: tensor.shape.clone(),
                bytes: codec.in_halves().payload(tensor).unwrap_or(tensor.bytes).0,
                sent: sent(&tensor.name, *codec),
                range: codec
                    .needs_ranges()
                    .then(|| self.request.ranges.get(id).cloned())
                    .flatten(),
            }
        });
        let task = |task: &Task| {
            let of = |half: &Option<HalfRecord>| {
                let delivered = |o: &&String| half.as_ref().is_some_and(|h| h.outputs.contains(o));
                task.outputs.iter().filter(delivered).cloned().collect()
            };
            TaskRecord {
                name: task.name.clone(),
                edge: of(&edge),
                local: of(&local),
                server: of(&server),
            }
        };
        for task in self.tasks {
            task.tensors(graph)?;
        }
        Ok(Description {
            format: FORMAT,
            kind: FileKind::Split,
            local_inputs: self.request.local_inputs.iter().map(name).collect(),
            model: FileRecord {
                file: self.model.file_name(),
                sha256: self.model.sha256().to_owned(),
            },
            crossings: crossings.collect(),
            tasks: self.tasks.iter().map(task).collect(),
            edge,
            local,
            server,
        })
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OnnxError {
    let path = path.to_owned();
    move |cause| OnnxError::Io { path, cause }
}

/// Saves a half and reads it back, so that what is described is what is there.
fn written(half: Option<&Model>, path: &Path) -> Result<Option<HalfRecord>, OnnxError> {
    let Some(half) = half else { return Ok(None) };
    half.save(path)?;
    let found = Model::load(path)?;
    Ok(Some(HalfRecord {
        file: found.file_name(),
        sha256: found.sha256().to_owned(),
        inputs: found.inputs().into_iter().map(|input| input.name).collect(),
        outputs: found.output_names(),
    }))
}

/// Folders that did not exist before, removed unless something is kept in them.
struct MadeFolders<'a> {
    made: Vec<&'a Path>,
}

impl<'a> MadeFolders<'a> {
    fn create(folder: &'a Path) -> Result<MadeFolders<'a>, OnnxError> {
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let made = folder.ancestors().take_while(missing).collect();
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        Ok(MadeFolders { made })
    }

    fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for MadeFolders<'_> {
    fn drop(&mut self) {
        for folder in &self.made {
            // only empty folders can be removed
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Moves the files of a split from the temporary folder `work` to the `folder` that it lies in.
/// Either all take their places or the old ones keep theirs.
fn replace_files(work: &Path, folder: &Path) -> Result<(), OnnxError> {
    let old = work.join("old");
    std::fs::create_dir(&old).map_err(io(folder))?;
    let _together = temporary::exchange();
    let mut moved = Vec::new();
    let done = exchange(work, folder, &old, &mut moved);
    if done.is_err() {
        for (from, to) in moved.iter().rev() {
            // it could be moved one way a moment ago
            let _ = std::fs::rename(to, from);
        }
    }
    done
}

fn exchange(
    work: &Path,
    folder: &Path,
    old: &Path,
    moved: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), OnnxError> {
    let mut rename = |from: PathBuf, to: PathBuf, told: &Path| {
        std::fs::rename(&from, &to).map_err(io(told))?;
        moved.push((from, to));
        Ok::<(), OnnxError>(())
    };
    for name in files().iter().rev() {
        let path = folder.join(name);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => {
                let cause = std::io::Error::other("is a folder; choose another one for the halves");
                return Err(io(&path)(cause));
            }
            Ok(_) => rename(path.clone(), old.join(name), &path)?,
            Err(_) => {}
        }
    }
    for name in &files() {
        let new = work.join(name);
        if new.exists() {
            let path = folder.join(name);
            rename(new, path.clone(), &path)?;
        }
    }
    Ok(())
}

/// Returns the names of the files that a split directory may hold, the description last.
pub fn files() -> [PathBuf; 7] {
    let data = |name: &str| PathBuf::from(format!("{name}.data"));
    [
        data(EDGE),
        data(LOCAL),
        data(SERVER),
        EDGE.into(),
        LOCAL.into(),
        SERVER.into(),
        DESCRIPTION.into(),
    ]
}

fn check_owner(folder: &Path, model: &Model) -> Result<(), OnnxError> {
    let refuse = |message: String| {
        Err(OnnxError::Description {
            path: folder.to_owned(),
            message: format!("{message}; choose another folder, or add --force"),
        })
    };
    if !files()
        .iter()
        .any(|name| folder.join(name).symlink_metadata().is_ok())
    {
        return Ok(());
    }
    match Description::load(folder) {
        Ok(found) if found.model.sha256 == model.sha256() => Ok(()),
        Ok(found) => refuse(format!(
            "holds a split of another model, `{}`",
            show(&found.model.file)
        )),
        Err(error) => refuse(format!("holds files that no split describes ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_files_keep_their_places_when_a_new_one_cannot_take_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(place(name), text).unwrap();
        let read = |name: &str| std::fs::read_to_string(place(name)).unwrap();
        std::fs::create_dir(place("work")).unwrap();
        for name in [EDGE, SERVER, DESCRIPTION] {
            write(name, "old");
            write(&format!("work/{name}"), "new");
        }
        write("work/edge.onnx.data", "new");
        // it is met after the others were set aside
        std::fs::create_dir(place("edge.onnx.data")).unwrap();
        let refused = replace_files(&place("work"), folder.path()).unwrap_err();
        assert!(
            refused.to_string().contains("edge.onnx.data: is a folder"),
            "{refused}"
        );
        for name in [EDGE, SERVER, DESCRIPTION] {
            assert_eq!(read(name), "old", "{name}");
        }

        std::fs::remove_dir(place("edge.onnx.data")).unwrap();
        std::fs::remove_dir(place("work/old")).unwrap();
        write(LOCAL, "of a cut with overlapped heads");
        replace_files(&place("work"), folder.path()).unwrap();
        for name in [EDGE, SERVER, DESCRIPTION, "edge.onnx.data"] {
            assert_eq!(read(name), "new", "{name}");
        }
        assert!(!place(LOCAL).exists());
    }
}
