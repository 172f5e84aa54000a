//! Data sets: scenes drawn here, and images with labels read from files.

mod array;
mod error;
mod images;
mod input;
mod label_image;
mod labels;
mod maps;
mod npy;
mod picture;
mod preprocessing;
mod set;
pub mod shapes;
mod task;
mod values;

pub use error::DataError;
pub use input::{Channels, Filter, Input, Layout};
pub use labels::Labels;
pub use maps::{LabelMaps, MapShape};
pub use picture::{Image, Pixels};
pub use preprocessing::Preprocessing;
pub use set::DataSet;
pub use task::{Targets, TaskData};
pub use values::Values;
