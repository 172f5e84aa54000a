//! Label maps: the class of every pixel, read one map at a time.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::array::Array;
use super::images::{Images, files};
use super::label_image::LabelImage;
use super::labels::Labels;
use super::values::Values;
use super::{DataError, TaskData};

/// The number of a pixel that has no class, unless a task says otherwise.
const IGNORED: i64 = 255;

/// What a model's output tells about each pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapShape {
    /// Classes told apart.
    pub classes: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

/// The label maps of a task for some rows of a data set.
#[derive(Debug)]
pub struct LabelMaps {
    source: Source,
    task: String,
    /// The number of a pixel that has no class.
    ignored: i64,
    shape: MapShape,
}

#[derive(Debug)]
enum Source {
    /// A row of one array each.
    Array {
        /// Where the array is, for messages.
        place: String,
        array: Arc<Array>,
        rows: Vec<usize>,
    },
    /// A file each, with its row in the table.
    Files {
        table: PathBuf,
        files: Vec<(PathBuf, usize)>,
    },
}

/// Numbers of classes, row by row.
struct LabelMap {
    height: usize,
    width: usize,
    classes: Vec<i64>,
}

impl LabelMaps {
    /// Finds the maps that `task` has as its label, and compares their sizes with those of the
    /// images.
    pub(super) fn find(
        labels: &Labels,
        images: &Images,
        task: &TaskData,
        rows: &[usize],
        shape: MapShape,
    ) -> Result<LabelMaps, DataError> {
        let maps = LabelMaps {
            source: Source::find(labels, &task.label, rows)?,
            task: task.name.clone(),
            ignored: task.ignore.unwrap_or(IGNORED),
            shape,
        };
        for (index, row) in rows.iter().enumerate() {
            let size = maps.source.size(index);
            let size = size.map_err(|problem| maps.bad(index, problem))?;
            let image = images.size(*row);
            let image = image.map_err(|problem| images.bad(*row, labels.path(), problem))?;
            if size != image && size != (shape.height, shape.width) {
                let problem = format!(
                    "a label map of {}x{} pixels for an image of {}x{}: it must be as large as its \
                     image, or as the output of task `{}` ({}x{})",
                    size.0, size.1, image.0, image.1, maps.task, shape.height, shape.width
                );
                return Err(maps.bad(index, problem));
            }
        }
        Ok(maps)
    }

    /// Returns the class of every pixel of a map, row by row in the output's size; `None` is a
    /// pixel that does not count. A map of another size gives each pixel of the output the class at
    /// its centre (nearest neighbour). `index` counts the rows these maps were asked for.
    ///
    /// # Errors
    /// The map cannot be read, or has a class that the model does not know.
    pub fn read(&self, index: usize) -> Result<Vec<Option<usize>>, DataError> {
        let read = || {
            let map = self.source.read(index)?;
            let MapShape { height, width, .. } = self.shape;
            let columns: Vec<usize> = (0..width).map(|x| nearest(x, map.width, width)).collect();
            let rows = (0..height).map(|y| nearest(y, map.height, height));
            let pixels = rows.flat_map(|y| columns.iter().map(move |x| (y, *x)));
            let class = |(y, x): (usize, usize)| {
                let number = map.classes.get(y * map.width + x);
                self.class(number.copied().unwrap_or(self.ignored), y, x)
            };
            pixels.map(class).collect::<Result<_, String>>()
        };
        read().map_err(|problem| self.bad(index, problem))
    }

    fn class(&self, number: i64, y: usize, x: usize) -> Result<Option<usize>, String> {
        if number == self.ignored {
            return Ok(None);
        }
        let class = usize::try_from(number).ok();
        let known = class.filter(|class| *class < self.shape.classes);
        known.map(Some).ok_or_else(|| {
            format!(
                "class {number} at pixel (x {x}, y {y}) is out of range: the model tells {} \
                 classes apart, from 0 to {}, and {} stands for none (`ignore` of task `{}`)",
                self.shape.classes,
                self.shape.classes.saturating_sub(1),
                self.ignored,
                self.task
            )
        })
    }

    fn bad(&self, index: usize, problem: String) -> DataError {
        let origin = self.source.origin(index);
        DataError::Image { origin, problem }
    }
}

/// Of `from` pixels the one that holds the centre of pixel `at` of `to`.
fn nearest(at: usize, from: usize, to: usize) -> usize {
    (2 * at + 1) * from / (2 * to)
}

impl Source {
    /// A column with the names of files, an array of the archive, or `<label>.npy` beside the table.
    fn find(labels: &Labels, label: &str, rows: &[usize]) -> Result<Source, DataError> {
        if let Some((array, path, place)) = array(labels, label)? {
            check(&array, labels.len()).map_err(|p| DataError::invalid(&path, &place, p))?;
            let place = [path.display().to_string(), place];
            return Ok(Source::Array {
                place: place.join(", ").trim_end_matches(", ").to_owned(),
                array,
                rows: rows.to_vec(),
            });
        }
        match labels.column(label)? {
            Values::Numbers(_) => {
                let problem = "holds one number for each image, and mean-iou needs a class for each \
                               pixel: name label images (PNG) there, or save an integer array \
                               [N,H,W]";
                let place = format!("column `{label}`");
                Err(DataError::invalid(labels.path(), &place, problem))
            }
            Values::Texts(_) => {
                let paths = files(labels, label, rows, "label image")?;
                Ok(Source::Files {
                    table: labels.path().to_owned(),
                    files: paths.into_iter().zip(rows.iter().copied()).collect(),
                })
            }
        }
    }

    /// Height and width.
    fn size(&self, index: usize) -> Result<(usize, usize), String> {
        match self {
            Source::Array { array, .. } => Ok((array.shape()[1], array.shape()[2])),
            Source::Files { files, .. } => {
                let image = LabelImage::open(&files[index].0)?;
                Ok((image.height, image.width))
            }
        }
    }

    fn read(&self, index: usize) -> Result<LabelMap, String> {
        match self {
            Source::Array { array, rows, .. } => Ok(LabelMap {
                height: array.shape()[1],
                width: array.shape()[2],
                classes: array.row_integers(rows[index])?,
            }),
            Source::Files { files, .. } => {
                let image = LabelImage::open(&files[index].0)?;
                Ok(LabelMap {
                    height: image.height,
                    width: image.width,
                    classes: image.classes()?.into_iter().map(i64::from).collect(),
                })
            }
        }
    }

    fn origin(&self, index: usize) -> String {
        match self {
            Source::Array { place, rows, .. } => format!("{place}, row {}", rows[index] + 1),
            Source::Files { table, files } => {
                let (file, row) = &files[index];
                format!(
                    "{} (row {} of {})",
                    file.display(),
                    row + 1,
                    table.display()
                )
            }
        }
    }
}

/// An array of label maps for `rows` images.
fn check(array: &Array, rows: usize) -> Result<(), String> {
    let (shape, element) = (array.shape(), array.element());
    if !matches!(element.kind, 'b' | 'u' | 'i') {
        return Err(format!(
            "elements of type `{}{}`: a label map holds integers",
            element.kind.escape_debug(),
            element.size
        ));
    }
    match *shape {
        [maps, height, width] if maps == rows && height > 0 && width > 0 => Ok(()),
        [maps, _, _] if maps != rows => Err(format!(
            "{maps} label maps for {rows} images: there must be one for each"
        )),
        _ => Err(format!(
            "shape {shape:?}: label maps are [N,H,W], the number of a class for each pixel"
        )),
    }
}

/// The array of a label that is no column, with its file and the place there.
fn array(labels: &Labels, label: &str) -> Result<Option<(Arc<Array>, PathBuf, String)>, DataError> {
    let table = labels.path();
    if labels.names().any(|name| name == label) {
        return Ok(None);
    }
    if let Some(array) = labels.array(label) {
        return Ok(Some((array, table.to_owned(), format!("array `{label}`"))));
    }
    let folder = table.parent().unwrap_or(Path::new(""));
    let path = folder.join(format!("{label}.npy"));
    // a label is no way out of the folder
    let plain = matches!(
        Path::new(label).components().collect::<Vec<_>>()[..],
        [Component::Normal(_)]
    );
    if plain && path.is_file() {
        Ok(Some((Arc::new(Array::open(&path)?), path, String::new())))
    } else {
        Ok(None)
    }
}
