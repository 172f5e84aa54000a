//! What codecs cost in accuracy, measured on data: the file `<model>.accuracy.toml`.

pub mod estimate;
