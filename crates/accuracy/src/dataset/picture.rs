//! Images in memory, and image files.

use std::fs::File;
use std::io::{BufReader, Error};
use std::path::Path;

use image::{ImageError, ImageReader, Limits};

/// Longest side of an image file in pixels.
const LONGEST_SIDE: u32 = 1 << 14;
/// Memory for decoding one.
const DECODER_BYTES: u64 = 1 << 29;

/// The values of an image, row by row, each pixel with all its channels.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 0 to 255.
    Bytes(Vec<u8>),
    /// As the data set has them.
    Floats(Vec<f32>),
}

/// An image.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` values.
    pub pixels: Pixels,
}

impl Image {
    /// Decodes an image file to red, green and blue bytes. An alpha channel is dropped, 16 bits become
    /// 8.
    ///
    /// # Errors
    /// In words: no image in a known format, damaged, or larger than is sensible.
    pub(super) fn read(path: &Path) -> Result<Image, String> {
        let rgb = open(path)?.decode().map_err(undecodable)?.into_rgb8();
        Ok(Image {
            height: rgb.height() as usize,
            width: rgb.width() as usize,
            channels: 3,
            pixels: Pixels::Bytes(rgb.into_raw()),
        })
    }
}

/// Height and width of an image file, from its header.
///
/// # Errors
/// In words, as [`Image::read`].
pub(super) fn size(path: &Path) -> Result<(usize, usize), String> {
    let (width, height) = open(path)?.into_dimensions().map_err(undecodable)?;
    Ok((height as usize, width as usize))
}

fn open(path: &Path) -> Result<ImageReader<BufReader<File>>, String> {
    let reading = |error: Error| format!("cannot read ({error})");
    let file = File::open(path).map_err(reading)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(reading)?;
    reader.limits(limits);
    Ok(reader)
}

fn undecodable(error: ImageError) -> String {
    format!(
        "cannot be decoded ({error}): replace it by a PNG or JPEG of at most {LONGEST_SIDE} pixels a \
         side, or take the row out"
    )
}
