//! Where the images of a data set are: in one array, or in a file each.

use std::path::{Component, Path, PathBuf};

use super::DataError;
use super::array::Array;
use super::labels::Labels;
use super::npy::ElementType;
use super::picture::{self, Image, Pixels};
use super::values::Values;

#[derive(Debug)]
pub(super) enum Images {
    /// One array for all.
    Array {
        path: PathBuf,
        array: Array,
        format: Format,
    },
    /// One file each.
    Files(Vec<PathBuf>),
}

/// How an array holds an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    height: usize,
    width: usize,
    channels: usize,
    channels_first: bool,
}

impl Images {
    pub(super) fn of_array(path: &Path, place: &str, array: Array) -> Result<Images, DataError> {
        let refuse = |problem: String| DataError::invalid(path, place, problem);
        let element = array.element();
        if !matches!((element.kind, element.size), ('u', 1) | ('f', 4)) {
            return Err(refuse(format!(
                "elements of type `{}{}`: images are uint8 or float32",
                element.kind.escape_debug(),
                element.size
            )));
        }
        let format = Format::of(array.shape()).map_err(refuse)?;
        Ok(Images::Array {
            path: path.to_owned(),
            array,
            format,
        })
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Images::Array { array, .. } => array.shape().first().copied().unwrap_or(0),
            Images::Files(files) => files.len(),
        }
    }

    /// Returns the image of a row there is.
    ///
    /// # Errors
    /// In words.
    pub(super) fn read(&self, row: usize) -> Result<Image, String> {
        match self {
            Images::Files(files) => Image::read(&files[row]),
            Images::Array { array, format, .. } => {
                let bytes = array.row(row);
                let bytes = bytes.map_err(|error| format!("cannot read ({error})"))?;
                Ok(format.image(&bytes, array.element()))
            }
        }
    }

    /// Height and width of the image of a row there is, without reading all of it.
    ///
    /// # Errors
    /// In words.
    pub(super) fn size(&self, row: usize) -> Result<(usize, usize), String> {
        match self {
            Images::Array { format, .. } => Ok((format.height, format.width)),
            Images::Files(files) => picture::size(&files[row]),
        }
    }

    /// That the image of a row is not as it must be.
    pub(super) fn bad(&self, row: usize, table: &Path, problem: String) -> DataError {
        let origin = self.origin(row, table);
        DataError::Image { origin, problem }
    }

    /// Where the image of a row comes from, in words.
    fn origin(&self, row: usize, table: &Path) -> String {
        let place = row + 1;
        match self {
            Images::Files(files) => {
                format!(
                    "{} (row {place} of {})",
                    files[row].display(),
                    table.display()
                )
            }
            Images::Array { path, .. } => format!("{}, row {place}", path.display()),
        }
    }
}

impl Format {
    fn of(shape: &[usize]) -> Result<Format, String> {
        let is_channels = |n: usize| n == 1 || n == 3;
        let (height, width, channels, channels_first) = match *shape {
            [_, height, width] => (height, width, 1, false),
            [_, a, _, c] if is_channels(a) && is_channels(c) => {
                return Err(format!(
                    "shape {shape:?} may be [N,H,W,C] or [N,C,H,W]: images that small are not read"
                ));
            }
            [_, height, width, c] if is_channels(c) => (height, width, c, false),
            [_, c, height, width] if is_channels(c) => (height, width, c, true),
            _ => {
                return Err(format!(
                    "shape {shape:?}: images are [N,H,W,C], [N,C,H,W] or [N,H,W] with 1 or 3 channels"
                ));
            }
        };
        if shape.contains(&0) {
            return Err(format!(
                "shape {shape:?}: an empty data set: it needs an image"
            ));
        }
        Ok(Format {
            height,
            width,
            channels,
            channels_first,
        })
    }

    /// The image of a row's bytes, channels last.
    fn image(&self, bytes: &[u8], element: ElementType) -> Image {
        let pixels = match element.size {
            1 => Pixels::Bytes(self.channels_last(bytes.to_vec())),
            _ => {
                let value = |bytes: &[u8]| {
                    let bytes = bytes.try_into().unwrap_or_default();
                    if element.big_endian {
                        f32::from_be_bytes(bytes)
                    } else {
                        f32::from_le_bytes(bytes)
                    }
                };
                Pixels::Floats(self.channels_last(bytes.chunks_exact(4).map(value).collect()))
            }
        };
        Image {
            height: self.height,
            width: self.width,
            channels: self.channels,
            pixels,
        }
    }

    fn channels_last<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        if !self.channels_first || self.channels == 1 {
            return values;
        }
        let plane = self.height * self.width;
        let places =
            (0..plane).flat_map(|pixel| (0..self.channels).map(move |c| c * plane + pixel));
        places.map(|place| values[place]).collect()
    }
}

/// Returns the files that some rows name in a column. Names lead only into the table's folder.
pub(super) fn files(
    labels: &Labels,
    column: &str,
    rows: &[usize],
    what: &str,
) -> Result<Vec<PathBuf>, DataError> {
    let folder = labels.path().parent().unwrap_or(Path::new(""));
    let Values::Texts(names) = labels.column(column)? else {
        let problem = format!("a number, where the name of a file ({what}) is expected");
        return Err(labels.at(0, column, problem));
    };
    let file = |row: &usize| {
        let name = names.get(*row).map_or("", String::as_str);
        let refuse = |problem: String| {
            let problem = format!("`{}` {problem}", name.escape_debug());
            Err(labels.at(*row, column, problem))
        };
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if name.is_empty() {
            return refuse(format!(
                "names no {what} file: fill it in, or take the row out"
            ));
        }
        if !Path::new(name).components().all(inside) {
            return refuse(
                "leads out of the data set's folder: names must be relative, without `..`".into(),
            );
        }
        let path = folder.join(name);
        if path.is_file() {
            Ok(path)
        } else {
            refuse(format!(
                "is no file in the data set's folder: add the {what}, or take the row out"
            ))
        }
    };
    rows.iter().map(file).collect()
}
