//! Data sets: scenes drawn here, and images with labels read from files.

mod error;
pub mod shapes;

pub use error::DataError;
