//! Writing a model, complete or not at all.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use prost::Message;

use super::error::{OnnxError, show};
use super::external::folder_of;
use super::model::Model;
use super::proto::{StringStringEntryProto, tensor_proto::DataLocation};
use super::visit;
use cutpoint_core::temporary::TemporaryFile;

/// A protobuf file cannot be larger; beyond, large tensors move to a second file.
pub(super) const LARGEST: usize = i32::MAX as usize;
/// Smaller tensors stay in the file.
const WORTH_MOVING: usize = 1024;
/// Tensors in the second file begin at multiples of this, so that they can be mapped.
const ALIGNMENT: usize = 4096;

impl Model {
    /// Writes the model to a temporary file beside `path` and renames it. A model of 2 GiB or more
    /// keeps its large tensors in `<file>.data` beside it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), OnnxError> {
        self.save_within(path, LARGEST)
    }

    fn save_within(&self, path: &Path, largest: usize) -> Result<(), OnnxError> {
        if self.proto.encoded_len() <= largest {
            return write(path, &[Bytes::from(self.encode())]);
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".data");
        let Some(location) = name.to_str() else {
            let message = format!(
                "`{}` is not UTF-8: choose another name",
                show(&name.to_string_lossy())
            );
            return Err(OnnxError::Description {
                path: path.to_owned(),
                message,
            });
        };
        let mut proto = self.proto.clone();
        let mut data: Vec<Bytes> = Vec::new();
        let mut end = 0_usize;
        visit::tensors_mut(&mut proto, &mut |tensor| {
            let Some(raw) = tensor.raw_data.take_if(|raw| raw.len() >= WORTH_MOVING) else {
                return Ok(());
            };
            let start = end.next_multiple_of(ALIGNMENT);
            data.push(Bytes::from(vec![0; start - end]));
            end = start + raw.len();
            let entry = |key: &str, value: String| StringStringEntryProto {
                key: Some(key.to_owned()),
                value: Some(value),
            };
            tensor.external_data = vec![
                entry("location", location.to_owned()),
                entry("offset", start.to_string()),
                entry("length", raw.len().to_string()),
            ];
            tensor.data_location = Some(DataLocation::External as i32);
            data.push(raw);
            Ok::<(), OnnxError>(())
        })?;
        // first the data: a model without it would be half-written
        write(&path.with_file_name(&name), &data)?;
        write(path, &[Bytes::from(proto.encode_to_vec())])
    }
}

/// Writes `pieces` one after the other to a temporary file and renames it.
pub(super) fn write(path: &Path, pieces: &[Bytes]) -> Result<(), OnnxError> {
    let io = |cause| OnnxError::Io {
        path: path.to_owned(),
        cause,
    };
    let mut file = TemporaryFile::new_in(folder_of(path)).map_err(io)?;
    for piece in pieces {
        file.write_all(piece).map_err(io)?;
    }
    file.persist(path).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build;

    #[test]
    fn what_does_not_fit_moves_to_a_second_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.onnx");
        let mut model = build::two_layers(&[1]);
        let graph = model.proto.graph.as_mut().unwrap();
        for (name, count) in [("large", 5000), ("small", 3), ("more", 2000)] {
            let mut tensor = build::floats(&[count], &vec![1.5; count as usize]);
            tensor.name = Some(name.to_owned());
            graph.initializer.push(tensor);
        }
        model.save_within(&path, 1000).unwrap();
        let data = std::fs::metadata(folder.path().join("big.onnx.data")).unwrap();
        // 20,000 bytes, filled up to a multiple of 4096, then 8,000
        assert_eq!(data.len(), 20_480 + 8_000);
        assert!(std::fs::metadata(&path).unwrap().len() < 1000);
        let again = Model::load(&path).unwrap();
        assert_eq!(again.encode(), model.encode());
        model.save(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), model.encode());
    }
}
