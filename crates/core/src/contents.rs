//! Text files read, and what else a file is told by its first bytes.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// What a file is that this program has no use for as it is, or only in another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// A model, as far as its first bytes tell.
    Onnx,
    /// A Git LFS pointer, which stands for a file that was not fetched.
    LfsPointer,
    /// A page, as servers answer where a file was expected.
    Html,
    /// Files packed into one, such as .zip or .npz.
    Zip,
    /// Something compressed with gzip.
    Gzip,
    /// An image.
    Image,
    /// A document.
    Pdf,
    /// A program or a library.
    Program,
}

/// Bytes that say all that can be said.
const ENOUGH: usize = 512;

impl Contents {
    /// Returns what begins with these bytes; `None` when they do not tell.
    pub fn of(bytes: &[u8]) -> Option<Contents> {
        let start = bytes.get(..ENOUGH).unwrap_or(bytes);
        let signatures: [(&[u8], Contents); 8] = [
            (b"version https://git-lfs", Contents::LfsPointer),
            (b"PK\x03\x04", Contents::Zip),
            (b"PK\x05\x06", Contents::Zip),
            (b"\x1f\x8b", Contents::Gzip),
            (b"\x89PNG\r\n\x1a\n", Contents::Image),
            (b"\xff\xd8\xff", Contents::Image),
            (b"%PDF-", Contents::Pdf),
            (b"\x7fELF", Contents::Program),
        ];
        let known = signatures.iter().find(|(sign, _)| start.starts_with(sign));
        if let Some((_, contents)) = known {
            return Some(*contents);
        }
        if is_html(start) {
            return Some(Contents::Html);
        }
        is_onnx(start).then_some(Contents::Onnx)
    }
}

/// With its article, and what to do with it where nothing but that helps.
impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contents::Onnx => "an ONNX model",
            Contents::LfsPointer => {
                "a Git LFS pointer, which stands for a file that `git lfs pull` fetches"
            }
            Contents::Html => "an HTML page, perhaps a server's answer in place of the file",
            Contents::Zip => "a zip archive",
            Contents::Gzip => "compressed with gzip",
            Contents::Image => "an image",
            Contents::Pdf => "a PDF document",
            Contents::Program => "a program",
        })
    }
}

fn is_html(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    let begins = |with: &[u8]| {
        let head = text.get(..with.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(with))
    };
    begins(b"<!doctype html") || begins(b"<html")
}

/// A model begins with its IR version, a small number, and then with who produced it, its graph or
/// the operators that it needs.
fn is_onnx(start: &[u8]) -> bool {
    match start {
        [0x08, version, next, ..] => {
            (1..=64).contains(version) && matches!(next, 0x12 | 0x1a | 0x22 | 0x28 | 0x3a | 0x42)
        }
        _ => false,
    }
}

/// Reads a text file; `wanted` is what it is expected to be, with its article.
///
/// # Errors
/// The file cannot be read, is not UTF-8, or is something else by its first bytes; the error says
/// what, but not its path.
pub fn read_text(path: &Path, wanted: &str) -> Result<String, Error> {
    let bytes = std::fs::read(path)?;
    let refuse = |what: String| {
        let message = format!("this is {what}: name {wanted}");
        Error::new(ErrorKind::InvalidData, message)
    };
    if let Some(contents) = Contents::of(&bytes) {
        return Err(refuse(contents.to_string()));
    }
    String::from_utf8(bytes).map_err(|_| refuse("no text in UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_is_told_by_its_first_bytes() {
        let cases: [(&[u8], Option<Contents>); 9] = [
            (b"\x08\x08\x12\x07pytorch", Some(Contents::Onnx)),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                Some(Contents::LfsPointer),
            ),
            (b"\xef\xbb\xbf\n <!DOCTYPE HTML>", Some(Contents::Html)),
            (b"<HTML lang=en>", Some(Contents::Html)),
            (b"PK\x03\x04 and so on", Some(Contents::Zip)),
            (b"format = 1\n", None),
            (b"version = 1\n", None),
            (b"{\"kind\": \"plan\"}", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Contents::of(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_text_that_is_none_is_refused_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        let told = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_text(&path, "a profile").map_err(|error| error.to_string())
        };
        assert_eq!(told(b"a = 1"), Ok("a = 1".to_owned()));
        assert_eq!(
            told(b"\x08\x08\x12\x07pytorch"),
            Err("this is an ONNX model: name a profile".to_owned())
        );
        assert_eq!(
            told(b"a = \xff"),
            Err("this is no text in UTF-8: name a profile".to_owned())
        );
    }
}
