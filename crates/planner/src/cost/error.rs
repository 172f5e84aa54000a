//! Why profiles and a scenario are no problem.

use crate::scenario::Key;
use crate::server::ServerError;
use cutpoint_core::graph::{GraphError, nearest};
use cutpoint_core::quantity::Quantity;

/// What keeps profiles and a scenario from being a problem.
#[derive(Debug, thiserror::Error)]
pub enum ProblemError {
    /// The edge's profile contradicts itself.
    #[error("the edge's profile: {0}")]
    Graph(GraphError),
    /// The server cannot be used with this profile.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A scenario names a layer, tensor or output that the model does not have.
    #[error("{key}: {cause}")]
    Unknown {
        /// The key.
        key: Key,
        /// The name and its nearest neighbours.
        cause: GraphError,
    },
    /// `--input-u8` or `--local-input` for something that is no model input.
    #[error("{key}: `{name}` is not an input of the model; its inputs are {inputs}")]
    NotAnInput {
        /// The key.
        key: Key,
        /// What was named.
        name: String,
        /// What there is.
        inputs: String,
    },
    /// `--input-u8` for an input that cannot have been an eight-bit image.
    #[error("{key}: `{name}` cannot be an 8-bit image: {why}", key = Key::INPUT_U8)]
    NotAnImage {
        /// The input.
        name: String,
        /// What speaks against it.
        why: String,
    },
    /// A codec was asked for that a profile has no times of.
    #[error(
        "the {machine}'s profile has no times of codec `{codec}`: measure again with \
         `cutpoint profile` (to a profile written by hand, add a [[codec]]), or leave it out of \
         {key}",
        key = Key::from(Quantity::Codec)
    )]
    CodecNotMeasured {
        /// "edge" or "server".
        machine: &'static str,
        /// The codec.
        codec: cutpoint_core::codec::Codec,
    },
    /// A codec was asked for that only an accuracy file can tell the size or the bounds of.
    #[error(
        "codec `{0}` depends on data: measure it with `cutpoint accuracy` and name the file with \
         {file}, or leave it out of {key}",
        file = Key::ACCURACY,
        key = Key::from(Quantity::Codec)
    )]
    CodecNeedsData(cutpoint_core::codec::Codec),
    /// Limits on accuracy without measured drops.
    #[error(
        "{drop} and {floor} need to know what encodings cost: measure it with `cutpoint accuracy \
         MODEL --data DIR` and name the file with {file}",
        drop = Key::from(Quantity::MaxDrop),
        floor = Key::from(Quantity::Floor),
        file = Key::ACCURACY
    )]
    NoAccuracy,
    /// A limit held against the whole model's accuracy at a task, which is not known.
    #[error(
        "the accuracy file says nothing of the whole model at task `{0}`, which a {floor}, or a \
         {drop} among several models, is held against: measure it with `cutpoint accuracy`",
        floor = Key::from(Quantity::Floor),
        drop = Key::from(Quantity::MaxDrop)
    )]
    NoBaseline(String),
    /// Energy without power.
    #[error(
        "the edge's profile does not say what power the board draws, which limits on energy and \
         power need: add [power] with compute_w, transmit_w and idle_w to it"
    )]
    NoPower,
    /// An accuracy file of another model.
    #[error(
        "the accuracy file is of another model: it was measured on {file} with the hash {found}, \
         the profile is of {model}; measure it again with `cutpoint accuracy`, or name another \
         file with {key}",
        key = Key::ACCURACY
    )]
    AccuracyOfOther {
        /// File name in the accuracy file.
        file: String,
        /// Start of its hash.
        found: String,
        /// File name in the profile.
        model: String,
    },
    /// An accuracy file names what the model does not have.
    #[error("the accuracy file: {0}")]
    AccuracyOfUnknown(GraphError),
    /// Sums beyond the range of exact arithmetic.
    #[error("the times or sizes are absurdly large: they add up to {0}")]
    TooLarge(String),
}

/// # Errors
/// No such name is known.
pub(crate) fn known<'a>(
    key: Key,
    what: &'static str,
    name: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ProblemError> {
    if names.clone().any(|known| known == name) {
        return Ok(());
    }
    Err(ProblemError::Unknown {
        key,
        cause: GraphError::Unknown {
            what,
            name: name.to_owned(),
            near: nearest(name, names),
        },
    })
}
