//! Label images: PNG files whose pixels are numbers of classes.
//!
//! The decoder of pictures would turn a palette into its colours, so these are read as they are
//! stored.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, DecodingError, Reader, Transformations};

/// Longest side in pixels.
const LONGEST_SIDE: u32 = 1 << 14;

/// A PNG file whose header was read.
pub(super) struct LabelImage {
    reader: Reader<BufReader<File>>,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Bits of a pixel.
    bits: usize,
}

impl LabelImage {
    /// Reads the header.
    ///
    /// # Errors
    /// In words: no PNG, colours or sixteen bits, or larger than is sensible.
    pub(super) fn open(path: &Path) -> Result<LabelImage, String> {
        let file = File::open(path).map_err(|error| format!("cannot read ({error})"))?;
        let mut decoder = Decoder::new(BufReader::new(file));
        decoder.set_transformations(Transformations::IDENTITY);
        let reader = decoder.read_info().map_err(undecodable)?;
        let info = reader.info();
        let (width, height) = (info.width, info.height);
        if width.max(height) > LONGEST_SIDE {
            return Err(format!(
                "is {height}x{width}: {LONGEST_SIDE} pixels a side are the most"
            ));
        }
        let kind = match (info.color_type, info.bit_depth) {
            (ColorType::Grayscale | ColorType::Indexed, BitDepth::Sixteen) => "16 bits a pixel",
            (ColorType::Grayscale | ColorType::Indexed, _) => "",
            _ => "colours or transparency",
        };
        if !kind.is_empty() {
            return Err(format!(
                "has {kind}, and a label image is a PNG in grey or with a palette of at most 8 bits \
                 a pixel, each the number of a class: save it so"
            ));
        }
        Ok(LabelImage {
            height: height as usize,
            width: width as usize,
            bits: info.bit_depth as usize,
            reader,
        })
    }

    /// Returns the numbers of all pixels, row by row.
    ///
    /// # Errors
    /// In words: damaged.
    pub(super) fn classes(mut self) -> Result<Vec<u8>, String> {
        let bytes = self.reader.output_buffer_size();
        let mut packed = vec![0; bytes.ok_or("is too large")?];
        let frame = self.reader.next_frame(&mut packed).map_err(undecodable)?;
        // rows begin with a byte of their own; the first pixel has a byte's highest bits
        let pixels = |row: &[u8]| -> Vec<u8> {
            let mask = u8::MAX >> (8 - self.bits);
            let pixel = |at: usize| {
                let end = (at + 1) * self.bits - 1;
                row[end / 8] >> (7 - end % 8) & mask
            };
            (0..self.width).map(pixel).collect()
        };
        Ok(packed
            .chunks_exact(frame.line_size)
            .flat_map(pixels)
            .collect())
    }
}

fn undecodable(error: DecodingError) -> String {
    format!("cannot be decoded as PNG ({error}): replace it, or take the row out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(color: ColorType, depth: BitDepth, width: u32, rows: &[u8], path: &Path) {
        let height = rows.len() / (width as usize * depth as usize).div_ceil(8);
        let file = File::create(path).unwrap();
        let mut encoder = png::Encoder::new(file, width, height as u32);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![200; 3 * 256.min(1 << depth as usize)]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(rows).unwrap();
    }

    #[test]
    fn numbers_come_back_from_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        for color in [ColorType::Grayscale, ColorType::Indexed] {
            // three pixels a row, two rows
            for (depth, rows, classes) in [
                (
                    BitDepth::One,
                    vec![0b101_00000, 0b010_00000],
                    [1, 0, 1, 0, 1, 0],
                ),
                (
                    BitDepth::Two,
                    vec![0b00_01_10_00, 0b11_10_01_00],
                    [0, 1, 2, 3, 2, 1],
                ),
                (
                    BitDepth::Four,
                    vec![0x12, 0x30, 0xf0, 0x50],
                    [1, 2, 3, 15, 0, 5],
                ),
                (
                    BitDepth::Eight,
                    vec![0, 1, 2, 3, 128, 255],
                    [0, 1, 2, 3, 128, 255],
                ),
            ] {
                file(color, depth, 3, &rows, &path);
                let image = LabelImage::open(&path).unwrap();
                assert_eq!((image.height, image.width), (2, 3));
                assert_eq!(image.classes().unwrap(), classes, "{color:?} {depth:?}");
            }
        }
    }

    #[test]
    fn colours_and_sixteen_bits_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        for (color, depth, words) in [
            (ColorType::Rgb, BitDepth::Eight, "colours"),
            (ColorType::Grayscale, BitDepth::Sixteen, "16 bits"),
        ] {
            let file = File::create(&path).unwrap();
            let mut encoder = png::Encoder::new(file, 1, 1);
            encoder.set_color(color);
            encoder.set_depth(depth);
            let mut writer = encoder.write_header().unwrap();
            let samples = color.samples() * depth as usize / 8;
            writer.write_image_data(&vec![0; samples]).unwrap();
            drop(writer);
            let error = LabelImage::open(&path).err().unwrap();
            assert!(error.contains(words), "{error}");
        }
    }
}
