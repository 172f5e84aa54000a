//! How a tensor is encoded for the link.

mod affine;
mod calibrate;
mod payload;
mod ranges;

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use affine::{Affine, AffineError};
pub use calibrate::{Calibration, CalibrationError};
pub use ranges::ClipRange;

/// Encoding of a crossing tensor: its form, and what the message is compressed with.
///
/// Written as `form` or `form+stage`, such as `q4` or `q4+zstd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Codec {
    /// What the numbers become.
    pub form: Form,
    /// What the bytes become.
    pub stage: Stage,
}

/// What the numbers of a tensor become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// The tensor's bytes in its own type, whatever that is; lossless.
    Own,
    /// Half-precision floats.
    F16,
    /// Eight-bit affine quantisation with a scale and a zero point found per tensor at run time
    /// (ONNX `DynamicQuantizeLinear`).
    Dynamic8,
    /// Affine quantisation between bounds calibrated on data, packed without wasted bits.
    Affine {
        /// Bits of an element.
        bits: Bits,
        /// Bounds of each channel (the second dimension), not of the whole tensor.
        per_channel: bool,
    },
    /// The eight-bit image that a float model input was made from; lossless for such an input.
    U8,
    /// That image as PNG; lossless.
    Png,
    /// That image as baseline JPEG of this quality, 1 to 100.
    Jpeg(u8),
    /// A variant that cutpoint cannot make itself, such as a rate point of a learned encoder; its
    /// sizes and drops come from an accuracy file.
    Named(CodecName),
}

/// Name of a [`Form::Named`]: a letter, then at most 23 letters, digits, `.`, `_` or `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodecName(ArrayString<24>);

/// Bits of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Bits {
    Eight,
    Four,
    Two,
}

/// Lossless compression of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The bytes as they are.
    Plain,
    /// DEFLATE, the compression that HTTP and gRPC servers undo by themselves.
    Deflate,
    /// Zstandard, between cutpoint's own two ends.
    Zstd,
}

impl Bits {
    /// Returns how many they are.
    pub fn count(self) -> u32 {
        match self {
            Bits::Eight => 8,
            Bits::Four => 4,
            Bits::Two => 2,
        }
    }

    /// Returns the largest code: codes are 0 to this.
    pub fn top(self) -> u8 {
        match self {
            Bits::Eight => 255,
            Bits::Four => 15,
            Bits::Two => 3,
        }
    }
}

const fn affine(bits: Bits, per_channel: bool) -> Form {
    Form::Affine { bits, per_channel }
}

impl Codec {
    /// The tensor's bytes in its own type.
    pub const F32: Codec = Codec::plain(Form::Own);
    /// Half-precision floats.
    pub const F16: Codec = Codec::plain(Form::F16);
    /// Eight bits, bounds found at run time.
    pub const Q8: Codec = Codec::plain(Form::Dynamic8);
    /// The eight-bit image an input was made from.
    pub const U8: Codec = Codec::plain(Form::U8);
    /// Forms without a parameter, with their names.
    const FORMS: [(&'static str, Form); 10] = [
        ("f32", Form::Own),
        ("f16", Form::F16),
        ("q8", Form::Dynamic8),
        ("q8c", affine(Bits::Eight, true)),
        ("q4", affine(Bits::Four, false)),
        ("q4c", affine(Bits::Four, true)),
        ("q2", affine(Bits::Two, false)),
        ("q2c", affine(Bits::Two, true)),
        ("u8", Form::U8),
        ("png", Form::Png),
    ];
    const STAGES: [(&'static str, Stage); 2] = [("deflate", Stage::Deflate), ("zstd", Stage::Zstd)];

    /// Returns a form, not compressed.
    pub const fn plain(form: Form) -> Codec {
        Codec {
            form,
            stage: Stage::Plain,
        }
    }

    /// This codec followed by a compression.
    #[must_use]
    pub const fn then(self, stage: Stage) -> Codec {
        Codec {
            form: self.form,
            stage,
        }
    }

    /// Returns whether what is decoded is, bit for bit, what was encoded; for [`Codec::U8`] and
    /// PNG, of an input that was made from an eight-bit image.
    pub fn is_lossless(self) -> bool {
        matches!(self.form, Form::Own | Form::U8 | Form::Png)
    }

    /// Returns whether it decodes to the same values as another codec: compressions change nothing,
    /// and what loses nothing is alike.
    pub fn same_values(self, other: Codec) -> bool {
        self.form == other.form || (self.is_lossless() && other.is_lossless())
    }

    /// Returns whether it carries only model inputs made from eight-bit images.
    pub fn is_image(self) -> bool {
        matches!(self.form, Form::U8 | Form::Png | Form::Jpeg(_))
    }

    /// Returns what the halves of a model do of it, in ONNX operators: of an image codec the part
    /// that makes the image. Compression and image formats are added to the message outside.
    #[must_use]
    pub fn in_halves(self) -> Codec {
        match self.form {
            Form::Png | Form::Jpeg(_) => Codec::U8,
            form => Codec::plain(form),
        }
    }

    /// Returns whether the halves do all of it, so that a foreign server can take the message.
    pub fn is_in_halves(self) -> bool {
        self == self.in_halves()
    }

    /// Returns whether it needs bounds calibrated on data.
    pub fn needs_ranges(self) -> bool {
        matches!(self.form, Form::Affine { .. })
    }
}

impl Stage {
    /// Returns the name behind the form's; empty for [`Stage::Plain`].
    pub fn name(self) -> &'static str {
        let named = Codec::STAGES.iter().find(|(_, stage)| *stage == self);
        named.map_or("", |(name, _)| name)
    }
}

impl CodecName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Jpeg(quality) => write!(f, "jpeg{quality}"),
            Form::Named(name) => write!(f, "variant:{}", name.as_str()),
            known => {
                let named = Codec::FORMS.iter().find(|(_, form)| form == known);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            Stage::Plain => f.pad(&self.form.to_string()),
            stage => f.pad(&format!("{}+{}", self.form, stage.name())),
        }
    }
}

/// Text that is no codec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a codec: use f32, f16, q8, q8c, q4, q4c, q2, q2c, u8, png, jpeg1 to jpeg100, or \
     the name of a variant in an accuracy file written `variant:NAME`; `+deflate` or `+zstd` after \
     it compresses the message"
)]
pub struct NotACodec(String);

impl FromStr for Codec {
    type Err = NotACodec;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NotACodec(text.chars().take(40).collect());
        let (form, stage) = match text.split_once('+') {
            None => (text, Stage::Plain),
            Some((form, name)) => {
                let stage = Codec::STAGES.iter().find(|(stage, _)| *stage == name);
                (form, stage.ok_or_else(error)?.1)
            }
        };
        let known = Codec::FORMS.iter().find(|(name, _)| *name == form);
        let form = known
            .map(|(_, form)| *form)
            .or_else(|| jpeg(form))
            .or_else(|| named(form))
            .ok_or_else(error)?;
        Ok(Codec { form, stage })
    }
}

fn named(text: &str) -> Option<Form> {
    let name = text.strip_prefix("variant:")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || !name.chars().all(fits) {
        return None;
    }
    ArrayString::from(name).ok().map(CodecName).map(Form::Named)
}

fn jpeg(text: &str) -> Option<Form> {
    let quality: u8 = text.strip_prefix("jpeg")?.parse().ok()?;
    (1..=100).contains(&quality).then_some(Form::Jpeg(quality))
}

impl Serialize for Codec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Codec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let stages = [Stage::Plain, Stage::Deflate, Stage::Zstd];
        let forms = Codec::FORMS.iter().map(|(_, form)| *form);
        let others =
            ["jpeg1", "jpeg100", "variant:ladon-0.32"].map(|t| t.parse::<Codec>().unwrap());
        for form in forms.chain(others.map(|c| c.form)) {
            for stage in stages {
                let codec = Codec { form, stage };
                assert_eq!(codec.to_string().parse(), Ok(codec));
            }
        }
        assert_eq!(Codec::F32.then(Stage::Zstd).to_string(), "f32+zstd");
    }

    #[test]
    fn what_is_no_codec_is_refused() {
        let long = format!("variant:{}", "x".repeat(25));
        for text in [
            "",
            "q5",
            "zip",
            "q4+",
            "+zstd",
            "q4+zip",
            "jpeg0",
            "jpeg101",
            "jpeg",
            "variant:",
            "variant:1",
            "variant:a b",
            "q4+zstd+zstd",
            &long,
        ] {
            assert!(text.parse::<Codec>().is_err(), "{text}");
        }
    }
}
