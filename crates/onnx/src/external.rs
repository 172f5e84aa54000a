//! Data that a model keeps outside its file, brought inside.
//!
//! A model is untrusted: it may name any file of the machine. Only plain files with one name,
//! really inside the model's folder, are read; afterwards no tensor refers to a file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

use super::error::{OnnxError, show};
use super::proto::{ModelProto, TensorProto, tensor_proto::DataLocation};
use super::{tensor, visit};
use cutpoint_core::contents::Contents;

/// Replaces every reference to a file by the bytes, and returns the files by location.
pub(super) fn inline(
    model: &mut ModelProto,
    path: &Path,
) -> Result<BTreeMap<String, Bytes>, OnnxError> {
    let mut files = Files {
        folder: folder_of(path).to_owned(),
        read: BTreeMap::new(),
    };
    visit::tensors_mut(model, &mut |tensor| {
        files
            .inline(tensor)
            .map_err(|problem| OnnxError::ExternalData {
                path: path.to_owned(),
                tensor: tensor::shown_name(tensor),
                problem,
            })
    })?;
    Ok(files.read)
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

struct Files {
    folder: PathBuf,
    read: BTreeMap<String, Bytes>,
}

impl Files {
    fn inline(&mut self, tensor: &mut TensorProto) -> Result<(), String> {
        if tensor.data_location() != DataLocation::External {
            return if tensor.external_data.is_empty() {
                Ok(())
            } else {
                Err("given, although the tensor says its data is inside".to_owned())
            };
        }
        let place = Place::of(tensor)?;
        let file = self.file(&place.location)?;
        let end = match place.length {
            Some(length) => place.offset.checked_add(length),
            None => Some(file.len() as u64),
        };
        let range = end
            .filter(|end| (place.offset..=file.len() as u64).contains(end))
            .and_then(|end| Some(usize::try_from(place.offset).ok()?..usize::try_from(end).ok()?))
            .ok_or_else(|| {
                format!(
                    "bytes {} to {} do not lie in `{}`, which has {}",
                    place.offset,
                    end.map_or("?".to_owned(), |e| e.to_string()),
                    show(&place.location),
                    file.len()
                )
            })?;
        tensor.raw_data = Some(file.slice(range));
        tensor.external_data.clear();
        tensor.data_location = None;
        Ok(())
    }

    fn file(&mut self, location: &str) -> Result<Bytes, String> {
        if let Some(known) = self.read.get(location) {
            return Ok(known.clone());
        }
        let bytes = read_inside(&self.folder, location)
            .map_err(|problem| format!("`{}` {problem}", show(location)))?;
        self.read.insert(location.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

/// A path that goes down only.
fn relative(location: &str) -> Result<&Path, String> {
    let relative = Path::new(location);
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    // a backslash or a colon is a path of another system
    let foreign = location.contains(['\\', ':', '\0']);
    if location.is_empty() || foreign || !relative.components().all(plain) {
        return Err("is not a path inside the model's folder".to_owned());
    }
    Ok(relative)
}

fn unreadable(error: std::io::Error) -> String {
    format!("cannot be read ({error})")
}

/// Where a copy of a data file goes.
pub(super) enum CopyTarget {
    /// There is a file already, with these bytes.
    There(Bytes),
    /// There is none, and nothing on the way leaves the folder.
    Free,
}

/// Finds where in `folder` a copy of the data of a model goes, by the rules for reading it; a place
/// that is hidden is refused as well, since programs find their settings there.
pub(super) fn copy_target(folder: &Path, location: &str) -> Result<CopyTarget, String> {
    let relative = relative(location)?;
    let names = relative.components().filter_map(|c| match c {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    if names.iter().any(|n| n.as_encoded_bytes().starts_with(b".")) {
        return Err("is hidden, and nothing is written there".to_owned());
    }
    let root = folder.canonicalize().map_err(unreadable)?;
    let mut place = root.clone();
    for name in &names {
        place.push(name);
        match place.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(CopyTarget::Free);
            }
            Err(error) => return Err(unreadable(error)),
            Ok(found) if found.is_symlink() => place = place.canonicalize().map_err(unreadable)?,
            Ok(_) => {}
        }
        if !place.starts_with(&root) {
            return Err("is a link that leaves the folder".to_owned());
        }
    }
    read_inside(folder, location).map(CopyTarget::There)
}

/// Reads a plain file that lies in `folder`, or says why not.
fn read_inside(folder: &Path, location: &str) -> Result<Bytes, String> {
    let relative = relative(location)?;
    let root = folder.canonicalize().map_err(unreadable)?;
    let file = root.join(relative).canonicalize().map_err(unreadable)?;
    if !file.starts_with(&root) {
        return Err("is a link that leaves the model's folder".to_owned());
    }
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err("is not a plain file".to_owned());
    }
    if names(&facts) > 1 {
        return Err("has a second name elsewhere (a hard link): copy it".to_owned());
    }
    let bytes = std::fs::read(&file).map_err(unreadable)?;
    match Contents::of(&bytes) {
        // weights may begin with anything shorter
        Some(contents @ (Contents::LfsPointer | Contents::Html)) => Err(format!("is {contents}")),
        _ => Ok(Bytes::from(bytes)),
    }
}

#[cfg(unix)]
fn names(facts: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(facts)
}

#[cfg(not(unix))]
fn names(_facts: &std::fs::Metadata) -> u64 {
    1
}

/// Where a tensor says its data is.
struct Place {
    location: String,
    offset: u64,
    length: Option<u64>,
}

impl Place {
    fn of(tensor: &TensorProto) -> Result<Place, String> {
        let mut place = Place {
            location: String::new(),
            offset: 0,
            length: None,
        };
        let mut seen = Vec::new();
        for entry in &tensor.external_data {
            let (key, value) = (entry.key(), entry.value());
            if seen.contains(&key) {
                return Err(format!("`{}` is given twice", show(key)));
            }
            seen.push(key);
            let number = || {
                let parsed = value
                    .parse::<u64>()
                    .ok()
                    .filter(|n| i64::try_from(*n).is_ok());
                parsed.ok_or_else(|| format!("`{}` is not {}", show(value), a(key)))
            };
            match key {
                "location" => place.location = value.to_owned(),
                "offset" => place.offset = number()?,
                "length" => place.length = Some(number()?),
                // neither is needed to find the data
                "checksum" | "basepath" => {}
                other => return Err(format!("the key `{}` is unknown", show(other))),
            }
        }
        let inside = tensor.raw_data.as_ref().is_some_and(|raw| !raw.is_empty());
        if inside {
            Err("given beside data inside".to_owned())
        } else {
            Ok(place)
        }
    }
}

fn a(key: &str) -> &'static str {
    if key == "offset" {
        "an offset"
    } else {
        "a length"
    }
}
