//! Data sets in files: opened and checked as a whole, images read one by one.

use std::path::{Path, PathBuf};

use ndarray::ArrayD;

use super::array::Array;
use super::images::{Images, files};
use super::labels::Labels;
use super::maps::{LabelMaps, MapShape};
use super::picture::Image;
use super::{DataError, Preprocessing, TaskData};

/// The column with the names of image files, unless a [`Preprocessing`] says otherwise.
const FILE: &str = "file";

/// Images with labels, read as they are needed.
#[derive(Debug)]
pub struct DataSet {
    images: Images,
    labels: Labels,
}

impl DataSet {
    /// Opens a data set, in one of these forms:
    ///
    /// - a folder with `images.npy` and `labels.csv` (or `.tsv`), as `cutpoint dataset shapes` makes;
    /// - a folder of image files with `labels.csv` (or `.tsv`), whose column `file` names them
    ///   relative to the folder; a row whose column is empty is refused;
    /// - such a table itself;
    /// - an archive `.npz` with an array `images` and an array with one dimension for each label.
    ///
    /// A label may be a map, which gives each pixel a class: see [`DataSet::label_maps`].
    ///
    /// Arrays of images are `uint8` or `float32`, `[N,H,W,C]`, `[N,C,H,W]` or `[N,H,W]`, with one or
    /// three channels.
    ///
    /// # Errors
    /// Anything missing, damaged, empty or contradictory, naming file, row and remedy. That an image
    /// file can be decoded is not checked yet.
    pub fn open(path: &Path) -> Result<DataSet, DataError> {
        DataSet::open_with(path, FILE)
    }

    /// As [`DataSet::open`], for the model whose input `preprocessing` describes.
    ///
    /// # Errors
    /// As [`DataSet::open`].
    pub fn open_for(path: &Path, preprocessing: &Preprocessing) -> Result<DataSet, DataError> {
        DataSet::open_with(path, preprocessing.file_column().unwrap_or(FILE))
    }

    fn open_with(path: &Path, file_column: &str) -> Result<DataSet, DataError> {
        let about = std::fs::metadata(path).map_err(DataError::read(path))?;
        let archive = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npz"));
        let set = if about.is_dir() {
            DataSet::from_table(&table_in(path)?, path, file_column)?
        } else if archive {
            DataSet::from_archive(path)?
        } else if path.extension().is_some_and(|e| e == "npy") {
            let problem = "an array without labels: name the folder that holds it as images.npy \
                           beside labels.csv";
            return Err(DataError::invalid(path, "", problem));
        } else {
            let folder = path.parent().unwrap_or(Path::new(""));
            DataSet::from_table(path, folder, file_column)?
        };
        if set.is_empty() {
            return Err(DataError::invalid(
                path,
                "",
                "an empty data set: it needs an image",
            ));
        }
        Ok(set)
    }

    fn from_table(table: &Path, folder: &Path, file_column: &str) -> Result<DataSet, DataError> {
        let labels = Labels::read(table)?;
        let array = folder.join("images.npy");
        let names_files = labels.names().any(|name| name == file_column);
        let images = if names_files {
            let rows: Vec<usize> = (0..labels.len()).collect();
            Images::Files(files(&labels, file_column, &rows, "image")?)
        } else if array.is_file() {
            Images::of_array(&array, "", Array::open(&array)?)?
        } else {
            let problem = format!(
                "no column `{file_column}` with names of image files, and no images.npy beside it: \
                 name the column `{file_column}`, or say `file = \"...\"` under [data] in the \
                 model's .data.toml"
            );
            return Err(DataError::invalid(table, "", problem));
        };
        DataSet { images, labels }.checked()
    }

    fn from_archive(path: &Path) -> Result<DataSet, DataError> {
        let mut arrays = Array::open_all(path)?;
        let at = arrays.iter().position(|(name, _)| name == "images");
        let at = at.ok_or_else(|| {
            let names: Vec<&str> = arrays.iter().map(|(name, _)| name.as_str()).collect();
            let problem = format!("no array `images`; there are: {}", names.join(", "));
            DataError::invalid(path, "", problem)
        })?;
        let (_, images) = arrays.remove(at);
        let rows = images.shape().first().copied().unwrap_or(0);
        let images = Images::of_array(path, "array `images`", images)?;
        let (flat, others): (Vec<_>, Vec<_>) =
            arrays.into_iter().partition(|(_, a)| a.shape().len() == 1);
        let mut columns = Vec::new();
        for (name, array) in flat {
            let place = format!("array `{name}`");
            let problem = |problem| DataError::invalid(path, &place, problem);
            let values = array.column().map_err(problem)?;
            columns.push((name, values));
        }
        let labels = Labels::new(path, columns, rows).with_arrays(others);
        DataSet { images, labels }.checked()
    }

    fn checked(self) -> Result<DataSet, DataError> {
        if self.images.count() == self.labels.len() {
            Ok(self)
        } else {
            let problem = format!(
                "{} rows of labels for {} images: they must belong together",
                self.labels.len(),
                self.images.count()
            );
            Err(DataError::invalid(self.labels.path(), "", problem))
        }
    }

    /// Images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never: an empty set is not opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the labels of all images.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the label maps of a task for some rows, for an output of `shape`. Its label is
    ///
    /// - a column of the table with the names of label images relative to the folder: PNG files in
    ///   grey or with a palette, at most 8 bits a pixel, each the number of a class;
    /// - or an array of integers `[N,H,W]` in the archive, or as `<label>.npy` beside the table.
    ///
    /// Maps are as large as their images, or as the output. Pixels with the task's number for
    /// `ignore` (255 unless it says otherwise) do not count.
    ///
    /// # Errors
    /// No such label, or labels of another kind, type or size. That the classes are in range is seen
    /// when a map is read.
    pub fn label_maps(
        &self,
        task: &TaskData,
        rows: &[usize],
        shape: MapShape,
    ) -> Result<LabelMaps, DataError> {
        LabelMaps::find(&self.labels, &self.images, task, rows, shape)
    }

    /// Reads the image of a row.
    ///
    /// # Errors
    /// No such row; the file cannot be read or decoded.
    pub fn image(&self, row: usize) -> Result<Image, DataError> {
        if row >= self.len() {
            let problem = format!("there are only {} images", self.len());
            let place = format!("row {}", row + 1);
            return Err(DataError::invalid(self.labels.path(), &place, problem));
        }
        let image = self.images.read(row);
        image.map_err(|problem| self.bad_image(row, problem))
    }

    /// Reads the image of a row as the model's input of `shape`, a batch of one.
    ///
    /// # Errors
    /// As [`DataSet::image`], or the image does not have that shape after preprocessing.
    pub fn sample(
        &self,
        row: usize,
        preprocessing: &Preprocessing,
        shape: &[usize],
    ) -> Result<ArrayD<f32>, DataError> {
        let image = self.image(row)?;
        let input = preprocessing.input();
        let tensor = input
            .pixels(&image)
            .and_then(|pixels| input.normalised(&pixels));
        let tensor = tensor.map_err(|problem| self.bad_image(row, problem))?;
        if tensor.shape() != shape {
            let problem = format!(
                "makes an input of shape {:?}, but the model wants {shape:?}: set `resize`, \
                 `channels` and `layout` in {}",
                tensor.shape(),
                preprocessing.path().display()
            );
            return Err(self.bad_image(row, problem));
        }
        Ok(tensor)
    }

    fn bad_image(&self, row: usize, problem: String) -> DataError {
        self.images.bad(row, self.labels.path(), problem)
    }
}

/// The table of a folder.
fn table_in(folder: &Path) -> Result<PathBuf, DataError> {
    let tables = ["labels.csv", "labels.tsv"].map(|name| folder.join(name));
    let found: Vec<&PathBuf> = tables.iter().filter(|path| path.is_file()).collect();
    let problem = match found.as_slice() {
        [one] => return Ok((*one).clone()),
        [] => "no labels.csv or labels.tsv: put a table of labels there, or name the table itself",
        _ => "both labels.csv and labels.tsv: name the one to use",
    };
    Err(DataError::invalid(folder, "", problem))
}
