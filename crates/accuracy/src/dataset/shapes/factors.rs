//! What distinguishes one scene from another, and which scenes a data set holds.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Hues of the floor, of the walls and of the object.
pub const HUES: u8 = 10;
/// Sizes of the object.
pub const SIZES: u8 = 8;
/// Shapes of the object.
pub const TYPES: u8 = 4;
/// Directions the room is seen from.
pub const ORIENTATIONS: u8 = 15;
/// Different scenes there are.
pub const SCENES: u32 =
    HUES as u32 * HUES as u32 * HUES as u32 * SIZES as u32 * TYPES as u32 * ORIENTATIONS as u32;

/// Which images a network may learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Images to learn from.
    Train,
    /// Images of rooms never learnt from.
    Test,
}

impl Split {
    /// As the column `split` has it.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// One scene, by the classes of its factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Factors {
    /// Colour of the floor, below [`HUES`].
    pub floor_hue: u8,
    /// Colour of the walls, below [`HUES`].
    pub wall_hue: u8,
    /// Colour of the object, below [`HUES`].
    pub object_hue: u8,
    /// Size of the object, below [`SIZES`].
    pub size: u8,
    /// Cube, cylinder, sphere or capsule, below [`TYPES`].
    pub kind: u8,
    /// Where the camera stands, below [`ORIENTATIONS`].
    pub orientation: u8,
}

impl Factors {
    /// Returns the scene of a number below [`SCENES`].
    pub fn of(scene: u32) -> Factors {
        let mut rest = scene % SCENES;
        let mut digit = |base: u8| {
            let value = rest % u32::from(base);
            rest /= u32::from(base);
            // a remainder of a byte fits a byte
            value as u8
        };
        Factors {
            orientation: digit(ORIENTATIONS),
            kind: digit(TYPES),
            size: digit(SIZES),
            object_hue: digit(HUES),
            wall_hue: digit(HUES),
            floor_hue: digit(HUES),
        }
    }

    /// Returns the object's size relative to the middle one: 0.75 to 1.25 in even steps.
    pub fn scale(&self) -> f64 {
        0.75 + 0.5 * f64::from(self.size) / f64::from(SIZES - 1)
    }

    /// Returns how far the camera has walked round the room, in degrees: -30 to 30 in even steps,
    /// counter-clockwise from above.
    pub fn angle_deg(&self) -> f64 {
        -30.0 + 60.0 * f64::from(self.orientation) / f64::from(ORIENTATIONS - 1)
    }

    /// Returns the split that a scene is in. A fifth of the pairs of floor and wall hues is for
    /// testing: those where `2 * floor_hue + wall_hue` is a multiple of 5. Every hue of a floor is
    /// so learnt with eight hues of walls and tested with the other two, and the other way round.
    pub fn split(&self) -> Split {
        if (2 * self.floor_hue + self.wall_hue).is_multiple_of(5) {
            Split::Test
        } else {
            Split::Train
        }
    }
}

/// Returns the first `count` scenes of all in an order drawn by `seed`: no scene comes twice.
pub(super) fn draw(count: u32, seed: u64) -> Vec<Factors> {
    let count = count.min(SCENES) as usize;
    let mut order: Vec<u32> = (0..SCENES).collect();
    let mut random = random(seed, 0);
    // Fisher and Yates, as far as needed
    for at in 0..count {
        let left = u64::from(SCENES) - at as u64;
        // the product's upper half is even to one part in 2^32 / left
        let step = (u64::from(random.next_u32()) * left) >> 32;
        order.swap(at, at + step as usize);
    }
    order[..count].iter().copied().map(Factors::of).collect()
}

/// Returns random numbers of their own for each stream: 0 orders the scenes, `1 + i` is image `i`.
pub(super) fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut key = *b"........cutpoint data set shapes";
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    random.set_stream(stream);
    random
}
