//! `<model>.data.toml`, beside a model: how images become its input, and which labels its tasks have.

use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use serde::Deserialize;

use super::DataError;
use super::input::Input;
use super::picture::Image;
use super::task::TaskData;
use cutpoint_core::contents::read_text;
use cutpoint_core::syntax::read_toml;

const FORMAT: u32 = 1;

/// What a model takes and what its tasks are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessing {
    path: PathBuf,
    input: Input,
    data: Data,
    tasks: Vec<TaskData>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    input: Input,
    #[serde(default)]
    data: Data,
    #[serde(rename = "task", default)]
    tasks: Vec<TaskData>,
}

/// Where images are found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    file: Option<String>,
}

impl Preprocessing {
    /// Reads such a file.
    ///
    /// # Errors
    /// It cannot be read, has unknown keys, or values that make no sense.
    pub fn load(path: &Path) -> Result<Preprocessing, DataError> {
        let text = read_text(path, "a description of data").map_err(DataError::read(path))?;
        Preprocessing::parse(&text, path)
    }

    /// Reads the text of such a file; `path` is named in errors.
    ///
    /// # Errors
    /// Unknown keys, or values that make no sense.
    pub fn parse(text: &str, path: &Path) -> Result<Preprocessing, DataError> {
        let refuse = |problem: String| DataError::invalid(path, "", problem);
        let file: File = read_toml(text).map_err(refuse)?;
        if file.format != FORMAT {
            return Err(refuse(format!(
                "format = {}: this program reads format = {FORMAT}",
                file.format
            )));
        }
        file.input.check().map_err(refuse)?;
        for (at, task) in file.tasks.iter().enumerate() {
            task.check().map_err(refuse)?;
            if file.tasks[..at].iter().any(|other| other.name == task.name) {
                return Err(refuse(format!("two tasks are named `{}`", task.name)));
            }
        }
        Ok(Preprocessing {
            path: path.to_owned(),
            input: file.input,
            data: file.data,
            tasks: file.tasks,
        })
    }

    /// Reads `<stem>.data.toml` beside a model; `None` when there is none.
    ///
    /// # Errors
    /// As [`Preprocessing::load`].
    pub fn beside(model: &Path) -> Result<Option<Preprocessing>, DataError> {
        let path = Preprocessing::path_beside(model);
        if path.exists() {
            Preprocessing::load(&path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns where a model's file is looked for.
    pub fn path_beside(model: &Path) -> PathBuf {
        model.with_extension("data.toml")
    }

    /// Returns the file this was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the model's input.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Returns the tasks with their labels.
    pub fn tasks(&self) -> &[TaskData] {
        &self.tasks
    }

    /// Returns the task of a name.
    ///
    /// # Errors
    /// The file has none; the message says what to add.
    pub fn task(&self, name: &str) -> Result<&TaskData, DataError> {
        self.tasks
            .iter()
            .find(|task| task.name == name)
            .ok_or_else(|| {
                let problem = format!(
                    "task `{}` has no label: add [[task]] with name, label and metric",
                    name.escape_debug()
                );
                DataError::invalid(&self.path, "", problem)
            })
    }

    /// Returns the column with the names of image files, where it has another name than `file`.
    pub fn file_column(&self) -> Option<&str> {
        self.data.file.as_deref()
    }

    /// Brings an image to the model's size and channels, in the unit it came in.
    ///
    /// # Errors
    /// An image of floats that is to be resized.
    pub fn pixels(&self, image: &Image) -> Result<Image, DataError> {
        self.input.pixels(image).map_err(of_the_image)
    }

    /// Makes an image the model's input: a batch of one, in the model's layout.
    ///
    /// # Errors
    /// As [`Preprocessing::pixels`]; a pixel that is not finite.
    pub fn tensor(&self, image: &Image) -> Result<ArrayD<f32>, DataError> {
        let pixels = self.pixels(image)?;
        self.input.normalised(&pixels).map_err(of_the_image)
    }
}

fn of_the_image(problem: String) -> DataError {
    DataError::Image {
        origin: "the image".into(),
        problem,
    }
}
