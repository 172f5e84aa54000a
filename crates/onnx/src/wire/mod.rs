//! What becomes of a message outside the halves: image formats and compression, between cutpoint's
//! own two ends.
//!
//! A message is one crossing tensor: the bytes of its sent values ([`Codec::in_halves`]), in the
//! order of the description of the split, each little-endian in its own layout, one after another.
//! Its payload, as the planner counts it, is its length after [`pack`].
//!
//! DEFLATE here is the zlib format, which HTTP calls `deflate` and gRPC servers undo by themselves
//! when a request says so. WebP is left out: the `image` crate writes only lossless WebP.

mod image;
mod stage;

pub use stage::{compress, decompress};

use cutpoint_core::codec::{Codec, Form, Stage};
use cutpoint_core::graph::Tensor;

/// Why a message cannot be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A message of another length than its tensor has.
    #[error("a message of {found} bytes instead of {expected}")]
    Length {
        /// Bytes it has; one more than expected stands for any number above.
        found: usize,
        /// Bytes it must have.
        expected: usize,
    },
    /// It cannot be compressed or is no compressed message.
    #[error("the message is not {stage}: {cause}; both ends must use the same codec")]
    Stage {
        /// Name of the compression.
        stage: &'static str,
        /// Why.
        cause: std::io::Error,
    },
    /// It cannot be made an image or is no image.
    #[error("the message is no {format} image: {problem}")]
    Image {
        /// Name of the format.
        format: &'static str,
        /// Why.
        problem: String,
    },
    /// The tensor is no image.
    #[error("a tensor of shape {0:?} is no image: it must be 1x1xHxW or 1x3xHxW")]
    Shape(Vec<u64>),
    /// The codec makes messages that cutpoint cannot make.
    #[error("messages of codec `{0}` cannot be made here")]
    Foreign(Codec),
}

/// Returns whether messages of a tensor can be made in this codec.
///
/// # Errors
/// [`WireError::Shape`] or [`WireError::Foreign`].
pub fn check(codec: Codec, tensor: &Tensor) -> Result<(), WireError> {
    length(codec, tensor)?;
    match codec.form {
        Form::Png | Form::Jpeg(_) => image::check(tensor),
        _ => Ok(()),
    }
}

/// Returns what is sent for the message of a half.
///
/// # Errors
/// See [`WireError`].
pub fn pack(codec: Codec, tensor: &Tensor, message: Vec<u8>) -> Result<Vec<u8>, WireError> {
    check_length(codec, tensor, message.len())?;
    let formed = match codec.form {
        Form::Png => image::png(tensor, &message)?,
        Form::Jpeg(quality) => image::jpeg(tensor, &message, quality)?,
        _ => message,
    };
    match codec.stage {
        Stage::Plain => Ok(formed),
        stage => compress(stage, &formed),
    }
}

/// Returns the message for the other half, from what was sent; never more bytes than it must have.
///
/// # Errors
/// See [`WireError`].
pub fn unpack(codec: Codec, tensor: &Tensor, sent: Vec<u8>) -> Result<Vec<u8>, WireError> {
    let expected = length(codec, tensor)?;
    let message = match codec.form {
        Form::Png | Form::Jpeg(_) => {
            // noise makes an image file longer than its pixels, but not twice
            let most = expected.saturating_mul(2).saturating_add(1 << 16);
            let file = match codec.stage {
                Stage::Plain => sent,
                stage => stage::decompress_up_to(stage, &sent, most)?,
            };
            image::pixels(codec.form, tensor, &file)?
        }
        _ => match codec.stage {
            Stage::Plain => sent,
            stage => decompress(stage, &sent, expected)?,
        },
    };
    check_length(codec, tensor, message.len())?;
    Ok(message)
}

/// Bytes of the message that a half makes of a tensor.
fn length(codec: Codec, tensor: &Tensor) -> Result<usize, WireError> {
    let bytes = codec.in_halves().payload(tensor);
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes.0).ok());
    bytes.ok_or(WireError::Foreign(codec))
}

fn check_length(codec: Codec, tensor: &Tensor, found: usize) -> Result<(), WireError> {
    let expected = length(codec, tensor)?;
    if found == expected {
        Ok(())
    } else {
        Err(WireError::Length { found, expected })
    }
}

#[cfg(test)]
mod tests {
    use cutpoint_core::graph::ElementType;
    use cutpoint_core::units::Bytes;

    use super::*;

    fn codec(name: &str) -> Codec {
        name.parse().unwrap()
    }

    fn floats(shape: &[u64]) -> Tensor {
        Tensor {
            name: "t".into(),
            dtype: ElementType::Float32,
            shape: shape.to_vec(),
            bytes: Bytes(4 * shape.iter().product::<u64>()),
            uncuttable: None,
        }
    }

    /// A smooth picture, channel after channel.
    fn picture(channels: usize, height: usize, width: usize) -> Vec<u8> {
        let pixel = |c: usize, y: usize, x: usize| (40 * c + 3 * y + 2 * x) as u8;
        (0..channels)
            .flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| pixel(c, y, x))))
            .collect()
    }

    #[test]
    fn messages_come_back() {
        for (name, length) in [
            ("f32+zstd", 4 * 720),
            ("q4c+deflate", 360),
            ("q8+zstd", 725),
            ("f16", 1440),
        ] {
            let tensor = floats(&[1, 3, 12, 20]);
            let message: Vec<u8> = (0..length).map(|i| (i % 7) as u8).collect();
            let sent = pack(codec(name), &tensor, message.clone()).unwrap();
            assert_eq!(sent.len() < length / 2, name.contains('+'), "{name}");
            assert_eq!(unpack(codec(name), &tensor, sent).unwrap(), message);
            assert!(pack(codec(name), &tensor, vec![0; length - 1]).is_err());
        }
    }

    #[test]
    fn png_is_exact_and_jpeg_is_near() {
        for shape in [[1, 3, 12, 20], [1, 1, 5, 7], [1, 3, 1, 1]] {
            let tensor = floats(&shape);
            let pixels = picture(shape[1] as usize, shape[2] as usize, shape[3] as usize);
            let back = |name: &str| {
                let sent = pack(codec(name), &tensor, pixels.clone()).unwrap();
                unpack(codec(name), &tensor, sent).unwrap()
            };
            assert_eq!(back("png"), pixels, "{shape:?}");
            assert_eq!(back("png+zstd"), pixels, "{shape:?}");
            let far = back("jpeg95");
            let far = far.iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(far.unwrap() <= 12, "{shape:?}: {far:?}");
        }
        let big = floats(&[1, 3, 64, 64]);
        let size = |name: &str| pack(codec(name), &big, picture(3, 64, 64)).unwrap().len();
        assert!(size("jpeg50") < size("jpeg95"));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for shape in [
            &[2, 3, 4, 4][..],
            &[1, 4, 4, 4],
            &[1, 16],
            &[1, 1, 70_000, 1],
        ] {
            let tensor = floats(shape);
            let message = vec![0; tensor.elements() as usize];
            let error = pack(codec("jpeg90"), &tensor, message).unwrap_err();
            assert!(error.to_string().contains("image"), "{error}");
        }
        let variant = pack(codec("variant:a"), &floats(&[1]), vec![0]).unwrap_err();
        assert!(matches!(variant, WireError::Foreign(_)));
    }

    #[test]
    fn hostile_messages_are_refused() {
        let small = floats(&[1, 1, 8, 8]);
        let bomb = vec![0_u8; 50_000_000];
        for name in ["f32+deflate", "f32+zstd", "png+zstd", "jpeg90+deflate"] {
            let codec = codec(name);
            let sent = compress(codec.stage, &bomb).unwrap();
            assert!(unpack(codec, &small, sent).is_err(), "{name}");
            let honest = compress(codec.stage, &[1; 256]).unwrap();
            for cut in 0..honest.len() {
                assert!(unpack(codec, &small, honest[..cut].to_vec()).is_err());
            }
            let mut longer = honest.clone();
            longer.push(0);
            assert!(unpack(codec, &small, longer).is_err(), "{name}");
        }
        // a picture of another size, and a file that claims to be huge
        let other = floats(&[1, 3, 300, 300]);
        for name in ["png", "jpeg90"] {
            let codec = codec(name);
            let mut sent = pack(codec, &other, picture(3, 300, 300)).unwrap();
            let error = unpack(codec, &small, sent.clone()).unwrap_err();
            assert!(matches!(error, WireError::Image { .. }), "{error}");
            sent.truncate(sent.len() / 2);
            assert!(unpack(codec, &other, sent.clone()).is_err(), "{name}");
            sent.truncate(20);
            assert!(unpack(codec, &other, sent).is_err(), "{name}");
            assert!(unpack(codec, &other, b"no picture".to_vec()).is_err());
        }
    }
}
