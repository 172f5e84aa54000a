//! Scenes in the manner of 3D Shapes (Burgess and Kim, 2018): an object stands on the floor of a room
//! with two walls, and six independent factors say how it looks. Nothing is downloaded: the images
//! are ray-cast, and they are the same on every machine.
//!
//! The split follows MTL-Split (arXiv 2407.05982): a network is tested on rooms whose combination of
//! floor and wall hue it has never seen; see [`Factors::split`].

mod factors;
mod files;
mod parallel;
mod render;
mod solid;
mod view;

pub use factors::{Factors, HUES, ORIENTATIONS, SCENES, SIZES, Split, TYPES};
pub use files::{FILES, ShapesRequest, ShapesSummary, write};
pub use render::{Noise, Renderer};

/// Width and height of an image in pixels.
pub const SIDE: usize = 64;
/// Bytes of an image: red, green and blue of each pixel.
pub const BYTES: usize = SIDE * SIDE * 3;

/// Returns the scenes of a data set in order: the first `count` (at most [`SCENES`]) of all scenes
/// as `seed` shuffles them, so that none comes twice.
pub fn scenes(count: u32, seed: u64) -> Vec<Factors> {
    factors::draw(count, seed)
}
