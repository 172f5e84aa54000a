//! Images: views with their colours, and noise.

use std::collections::BTreeMap;

use rand_chacha::rand_core::Rng;

use super::factors::{Factors, HUES, random};
use super::view::View;
use super::{BYTES, SIDE};
use crate::dataset::shapes::parallel::in_chunks;

/// What an image of scenes does not owe to its colours.
type Pose = (u8, u8, u8);

fn pose(factors: &Factors) -> Pose {
    (factors.size, factors.kind, factors.orientation)
}

/// Draws images; it has cast the rays already.
#[derive(Debug)]
pub struct Renderer {
    views: BTreeMap<Pose, View>,
    threads: usize,
}

impl Renderer {
    /// Casts the rays of all poses in `scenes` on `threads` threads, which do not change the result.
    pub fn new(scenes: &[Factors], threads: usize) -> Renderer {
        let poses: BTreeMap<Pose, Factors> = scenes.iter().map(|s| (pose(s), *s)).collect();
        let mut views: Vec<(Pose, Factors, Option<View>)> = poses
            .into_iter()
            .map(|(pose, factors)| (pose, factors, None))
            .collect();
        in_chunks(&mut views, 1, threads, |_, chunk| {
            for (_, factors, view) in chunk {
                *view = Some(View::of(factors));
            }
        });
        Renderer {
            views: views
                .into_iter()
                .filter_map(|(pose, _, view)| Some((pose, view?)))
                .collect(),
            threads,
        }
    }

    /// Draws one image into `pixels`: [`SIDE`] rows of [`SIDE`] red, green, blue. A scene in a pose
    /// that was not announced is drawn all the same, slowly.
    pub fn draw(&self, factors: &Factors, pixels: &mut [u8]) {
        let cast;
        let view = match self.views.get(&pose(factors)) {
            Some(view) => view,
            None => {
                cast = View::of(factors);
                &cast
            }
        };
        let floor = hue(factors.floor_hue);
        let wall = hue(factors.wall_hue);
        let object = hue(factors.object_hue);
        let lights = view.floor.iter().zip(&view.wall).zip(&view.object);
        for (pixel, ((f, w), o)) in pixels.chunks_exact_mut(3).zip(lights) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let light = floor[channel] * f + wall[channel] * w + object[channel] * o;
                // displays show about the square of a value, so the root is stored
                *value = (light.sqrt() * 255.0 + 0.5) as u8;
            }
        }
    }

    /// Draws the images of `scenes`, of which the first is number `first` of its data set; one image
    /// after the other, each as [`Renderer::draw`] has it.
    pub fn draw_all(&self, scenes: &[Factors], first: usize, noise: &Noise) -> Vec<u8> {
        let mut pixels = vec![0; scenes.len() * BYTES];
        in_chunks(&mut pixels, BYTES, self.threads, |start, chunk| {
            for (offset, image) in chunk.chunks_exact_mut(BYTES).enumerate() {
                let index = start / BYTES + offset;
                self.draw(&scenes[index], image);
                noise.add((first + index) as u64, image);
            }
        });
        pixels
    }
}

/// Salt and pepper: pixels turned black or white.
#[derive(Debug, Clone, Copy)]
pub struct Noise {
    /// Share of the pixels, 0 to 1.
    pub share: f64,
    /// What draws them, with the image's number.
    pub seed: u64,
}

impl Noise {
    fn add(&self, image: u64, pixels: &mut [u8]) {
        if self.share <= 0.0 {
            return;
        }
        let limit = (self.share * (u64::from(u32::MAX) + 1) as f64) as u64;
        let mut random = random(self.seed, 1 + image);
        for pixel in pixels.chunks_exact_mut(3) {
            let (drawn, colour) = (random.next_u32(), random.next_u32());
            if u64::from(drawn) < limit {
                pixel.fill(if colour & 1 == 0 { 0 } else { 255 });
            }
        }
    }
}

/// The colour of a hue as light: full saturation, evenly round the circle, red first.
fn hue(class: u8) -> [f32; 3] {
    let sixths = f32::from(class) * 6.0 / f32::from(HUES);
    [0.0, 4.0, 2.0].map(|shift| {
        // 1 within a sixth of the channel's own hue, 0 beyond two sixths
        let away = (sixths + shift) % 6.0;
        let away = if away > 3.0 { 6.0 - away } else { away };
        let value = (2.0 - away).clamp(0.0, 1.0);
        value * value
    })
}

/// Returns a sheet of images side by side, row by row: its pixels, width and height. Cells left
/// over are white.
pub(super) fn sheet(images: &[u8], columns: usize) -> (Vec<u8>, usize, usize) {
    const GAP: usize = 2;
    let rows = (images.len() / BYTES).div_ceil(columns).max(1);
    let step = SIDE + GAP;
    let (width, height) = (columns * step + GAP, rows * step + GAP);
    let mut pixels = vec![255; width * height * 3];
    for (index, image) in images.chunks_exact(BYTES).enumerate() {
        let (left, top) = (GAP + index % columns * step, GAP + index / columns * step);
        for (y, row) in image.chunks_exact(SIDE * 3).enumerate() {
            let start = ((top + y) * width + left) * 3;
            pixels[start..start + row.len()].copy_from_slice(row);
        }
    }
    (pixels, width, height)
}
