//! Eight-bit images as files: planes of a `1xCxHxW` tensor, channel after channel, to pixels and
//! back.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, ImageReader, Limits};

use super::WireError;
use cutpoint_core::codec::Form;
use cutpoint_core::graph::Tensor;

/// Marker at the end of a JPEG file.
const END_OF_JPEG: [u8; 2] = [0xff, 0xd9];
/// Of rendered scenes, bytes left of 100 and time per byte: the fast level leaves 28 (2.3 ns), 3
/// leaves 23 (18 ns), the default leaves 21 (45 ns). Below 30 Mbit/s 3 pays.
const PNG_LEVEL: u8 = 3;
/// Longest side of a JPEG image.
const LONGEST_SIDE: u64 = 65_535;

/// Size of an image in pixels, with one channel or three.
struct Size {
    channels: usize,
    height: u32,
    width: u32,
}

impl Size {
    fn of(tensor: &Tensor) -> Result<Size, WireError> {
        match tensor.shape[..] {
            [
                1,
                channels @ (1 | 3),
                height @ 1..=LONGEST_SIDE,
                width @ 1..=LONGEST_SIDE,
            ] => Ok(Size {
                channels: channels as usize,
                height: height as u32,
                width: width as u32,
            }),
            _ => Err(WireError::Shape(tensor.shape.clone())),
        }
    }

    fn color(&self) -> ExtendedColorType {
        match self.channels {
            1 => ExtendedColorType::L8,
            _ => ExtendedColorType::Rgb8,
        }
    }
}

/// Returns whether a tensor is an image.
pub(super) fn check(tensor: &Tensor) -> Result<(), WireError> {
    Size::of(tensor).map(|_| ())
}

/// Returns the image of a tensor as PNG.
pub(super) fn png(tensor: &Tensor, planes: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut file = Vec::new();
    let level = CompressionType::Level(PNG_LEVEL);
    let encoder = PngEncoder::new_with_quality(&mut file, level, FilterType::Adaptive);
    write(encoder, tensor, planes, Form::Png)?;
    Ok(file)
}

/// Returns the image of a tensor as baseline JPEG, colours at full resolution.
pub(super) fn jpeg(tensor: &Tensor, planes: &[u8], quality: u8) -> Result<Vec<u8>, WireError> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, quality);
    write(encoder, tensor, planes, Form::Jpeg(quality))?;
    Ok(file)
}

fn write(
    encoder: impl ImageEncoder,
    tensor: &Tensor,
    planes: &[u8],
    form: Form,
) -> Result<(), WireError> {
    let size = Size::of(tensor)?;
    let pixels = interleaved(planes, size.channels);
    encoder
        .write_image(&pixels, size.width, size.height, size.color())
        .map_err(|error| broken(form, error.to_string()))
}

/// Returns the planes of an image file that must have the tensor's size.
pub(super) fn pixels(form: Form, tensor: &Tensor, file: &[u8]) -> Result<Vec<u8>, WireError> {
    let size = Size::of(tensor)?;
    let format = match form {
        Form::Png => ImageFormat::Png,
        _ => ImageFormat::Jpeg,
    };
    // the decoder makes up what is missing of a JPEG
    if format == ImageFormat::Jpeg && !file.ends_with(&END_OF_JPEG) {
        return Err(broken(form, "its end is missing".to_owned()));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(size.width);
    limits.max_image_height = Some(size.height);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let image = reader
        .decode()
        .map_err(|error| broken(form, error.to_string()))?;
    if (image.width(), image.height()) != (size.width, size.height) {
        let (width, height) = (image.width(), image.height());
        let problem = format!(
            "it has {width}x{height} pixels instead of {}x{}",
            size.width, size.height
        );
        return Err(broken(form, problem));
    }
    match (image, size.channels) {
        (DynamicImage::ImageLuma8(grey), 1) => Ok(grey.into_raw()),
        (DynamicImage::ImageRgb8(rgb), 3) => Ok(planes(&rgb.into_raw(), 3)),
        _ => Err(broken(
            form,
            "it has other channels than the tensor".to_owned(),
        )),
    }
}

fn broken(form: Form, problem: String) -> WireError {
    let format = match form {
        Form::Png => "PNG",
        _ => "JPEG",
    };
    WireError::Image { format, problem }
}

/// Channel after channel to pixel after pixel.
fn interleaved(planes: &[u8], channels: usize) -> Vec<u8> {
    transposed(planes, planes.len() / channels)
}

/// Pixel after pixel to channel after channel.
fn planes(pixels: &[u8], channels: usize) -> Vec<u8> {
    transposed(pixels, channels)
}

/// The columns of a matrix with rows of this length, one after another.
fn transposed(matrix: &[u8], row: usize) -> Vec<u8> {
    let column = |at: usize| matrix.iter().skip(at).step_by(row.max(1)).copied();
    (0..row).flat_map(column).collect()
}
