//! Machines and links that the tables of commands begin with.

/// A bottleneck and three heads, with rate points of a learned encoder.
pub(crate) const LADON: &str = "--edge ladon.toml --server sim:8x --rate 10Mbit/s --delay 20ms";
/// A recurrent network on a board with capacities and stated power.
pub(crate) const RIVER: &str = "--edge lstm-fpga.toml --server sim:8x --rate 1Mbit/s --delay 5ms";
/// Cuts of several tensors, whose sizes depend on the scene.
pub(crate) const CLOUD: &str =
    "--edge point-cloud.toml --server point-cloud.toml --rate 200Mbit/s --delay 1ms";
/// The bundled model with two heads, and what codecs cost it.
pub(crate) const SHAPES: &str =
    "--edge mobilenet.toml --server sim:8x --rate 300Mbit/s --delay 100us";
/// The bundled model with three heads.
pub(crate) const SKIPNET: &str = "--edge skipnet.toml --server sim:8x --rate 1Gbit/s --delay 100us";

/// What a command line is run for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// What a person reads.
    Text,
    /// What a program reads.
    Json,
    /// The file of `--out`.
    Out,
}

impl Form {
    /// The name of the snapshot and the rest of the command line.
    pub(crate) fn of(self, name: &str) -> (String, &'static str) {
        match self {
            Form::Text => (name.to_owned(), ""),
            Form::Json => (format!("{name}__json"), "--json"),
            Form::Out => (format!("{name}__out"), "--quiet --out written.toml"),
        }
    }
}
