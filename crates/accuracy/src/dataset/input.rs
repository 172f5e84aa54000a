//! From images to a model's input.

use image::imageops::FilterType;
use image::{ImageBuffer, Luma, Rgb, imageops};
use ndarray::{ArrayD, IxDyn};
use serde::Deserialize;

use super::picture::{Image, Pixels};

/// Longest side to resize to, in pixels.
const LONGEST_SIDE: u32 = 1 << 13;

/// The model's input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Name of the graph's input.
    pub name: String,
    /// Order of the dimensions.
    #[serde(default)]
    pub layout: Layout,
    /// Height and width images are brought to; without it they stay as they are.
    pub resize: Option<[u32; 2]>,
    /// How they are resized.
    #[serde(default)]
    pub filter: Filter,
    /// What the channels are.
    #[serde(default)]
    pub channels: Channels,
    /// Subtracted from each pixel, in the pixels' unit (0 to 255 for image files): one value, or one
    /// per channel.
    #[serde(default = "zero")]
    pub mean: Vec<f32>,
    /// What the difference is divided by, in the same unit: one value, or one per channel.
    #[serde(default = "one")]
    pub std: Vec<f32>,
}

/// Order of an input's dimensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channels, height, width.
    #[default]
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

/// What the channels of an input are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Brightness alone.
    Gray,
}

/// How images are resized. All but `nearest` average over what a new pixel covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// The nearest pixel.
    Nearest,
    /// A linear blend.
    #[default]
    Bilinear,
    /// A cubic blend (Catmull and Rom).
    Bicubic,
    /// Lanczos, three lobes.
    Lanczos,
}

fn zero() -> Vec<f32> {
    vec![0.0]
}

fn one() -> Vec<f32> {
    vec![1.0]
}

impl Input {
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some([height, width]) = self.resize
            && ![height, width]
                .iter()
                .all(|side| (1..=LONGEST_SIDE).contains(side))
        {
            return Err(format!(
                "resize = [{height}, {width}]: both lie between 1 and {LONGEST_SIDE}"
            ));
        }
        let channels = self.channels.count();
        for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != 1 && values.len() != channels {
                return Err(format!(
                    "{key} has {} values: it takes 1, or {channels} (one per channel)",
                    values.len()
                ));
            }
            if !values.iter().all(|value| value.is_finite()) {
                return Err(format!("{key} must be finite"));
            }
        }
        if !self.std.iter().all(|value| *value > 0.0) {
            return Err("std must be positive".into());
        }
        Ok(())
    }

    /// Returns the image in the model's size and channels.
    ///
    /// # Errors
    /// An image of floats that would have to be resized.
    pub(super) fn pixels(&self, image: &Image) -> Result<Image, String> {
        Ok(self.channels.of(self.resized(image)?))
    }

    fn resized(&self, image: &Image) -> Result<Image, String> {
        let Some([height, width]) = self.resize else {
            return Ok(image.clone());
        };
        let (from_height, from_width) = (image.height as u32, image.width as u32);
        if (from_height, from_width) == (height, width) {
            return Ok(image.clone());
        }
        let Pixels::Bytes(bytes) = &image.pixels else {
            return Err(
                "is made of floats, which are not resized: store uint8, or the final size".into(),
            );
        };
        let filter = match self.filter {
            Filter::Nearest => FilterType::Nearest,
            Filter::Bilinear => FilterType::Triangle,
            Filter::Bicubic => FilterType::CatmullRom,
            Filter::Lanczos => FilterType::Lanczos3,
        };
        let bytes = bytes.as_slice();
        let resized = match image.channels {
            1 => ImageBuffer::<Luma<u8>, _>::from_raw(from_width, from_height, bytes)
                .map(|buffer| imageops::resize(&buffer, width, height, filter).into_raw()),
            _ => ImageBuffer::<Rgb<u8>, _>::from_raw(from_width, from_height, bytes)
                .map(|buffer| imageops::resize(&buffer, width, height, filter).into_raw()),
        };
        let resized = resized.ok_or("has fewer values than its size says")?;
        Ok(Image {
            height: height as usize,
            width: width as usize,
            channels: image.channels,
            pixels: Pixels::Bytes(resized),
        })
    }

    /// Returns a batch of one in the model's layout, of an image that has its size and channels.
    ///
    /// # Errors
    /// A pixel that is not finite.
    pub(super) fn normalised(&self, image: &Image) -> Result<ArrayD<f32>, String> {
        let of_channel = |values: &[f32], channel: usize| match values {
            [one] => *one,
            several => several[channel],
        };
        let (height, width, channels) = (image.height, image.width, image.channels);
        let plane = height * width;
        let mut values = vec![0.0; plane * channels];
        for channel in 0..channels {
            let mean = of_channel(&self.mean, channel);
            let std = of_channel(&self.std, channel);
            for pixel in 0..plane {
                let from = pixel * channels + channel;
                let value = match &image.pixels {
                    Pixels::Bytes(bytes) => f32::from(bytes[from]),
                    Pixels::Floats(floats) => floats[from],
                };
                let to = match self.layout {
                    Layout::Nchw => channel * plane + pixel,
                    Layout::Nhwc => from,
                };
                values[to] = (value - mean) / std;
            }
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err("has pixels that are not finite: take the image out".into());
        }
        let shape = match self.layout {
            Layout::Nchw => [1, channels, height, width],
            Layout::Nhwc => [1, height, width, channels],
        };
        ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|error| error.to_string())
    }
}

impl Channels {
    fn count(self) -> usize {
        match self {
            Channels::Rgb | Channels::Bgr => 3,
            Channels::Gray => 1,
        }
    }

    /// The image with these channels; its own are grey, or red, green and blue.
    fn of(self, image: Image) -> Image {
        if image.channels == 1 && self == Channels::Gray
            || image.channels == 3 && self == Channels::Rgb
        {
            return image;
        }
        let pixels = match &image.pixels {
            Pixels::Bytes(values) => {
                Pixels::Bytes(self.convert(values, image.channels, |[r, g, b]| {
                    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
                    // a mean of bytes is a byte
                    ((sum + 500) / 1000) as u8
                }))
            }
            Pixels::Floats(values) => {
                Pixels::Floats(self.convert(values, image.channels, |[r, g, b]| {
                    0.299 * r + 0.587 * g + 0.114 * b
                }))
            }
        };
        Image {
            channels: self.count(),
            pixels,
            ..image
        }
    }

    /// `brightness` weighs red, green and blue as ITU-R BT.601 does.
    fn convert<T: Copy>(
        self,
        values: &[T],
        from: usize,
        brightness: impl Fn([T; 3]) -> T,
    ) -> Vec<T> {
        let pixels = values.chunks_exact(from).map(|pixel| match *pixel {
            [r, g, b] => [r, g, b],
            _ => [pixel[0]; 3],
        });
        match self {
            Channels::Rgb => pixels.flatten().collect(),
            Channels::Bgr => pixels.flat_map(|[r, g, b]| [b, g, r]).collect(),
            Channels::Gray => pixels.map(brightness).collect(),
        }
    }
}
