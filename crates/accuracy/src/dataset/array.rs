//! Arrays that stay in their file, alone (`.npy`) or in an archive (`.npz`), and are read row by row.

use std::fs::File;
use std::io::{Error, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::DataError;
use super::npy::{ElementType, Header};
use super::values::Values;

/// Compressed arrays are unpacked into a temporary file; one larger is refused.
const LARGEST_UNPACKED: u64 = 16 << 30;
/// Labels are held in memory.
const LARGEST_COLUMN: u64 = 1 << 30;

/// An array in a file.
#[derive(Debug)]
pub(super) struct Array {
    file: File,
    /// Where the elements begin in the file.
    start: u64,
    element: ElementType,
    shape: Vec<usize>,
}

impl Array {
    /// Opens a `.npy` file.
    pub(super) fn open(path: &Path) -> Result<Array, DataError> {
        let file = File::open(path).map_err(DataError::read(path))?;
        let length = file.metadata().map_err(DataError::read(path))?.len();
        let header = Header::read(&mut &file, length);
        let header = header.map_err(|problem| DataError::invalid(path, "", problem))?;
        Ok(Array::new(file, header.length, header))
    }

    /// Returns the arrays of a `.npz` archive with their names.
    pub(super) fn open_all(path: &Path) -> Result<Vec<(String, Array)>, DataError> {
        let invalid = |place: &str, problem: String| DataError::invalid(path, place, problem);
        let file = File::open(path).map_err(DataError::read(path))?;
        let mut archive = ZipArchive::new(&file)
            .map_err(|error| invalid("", format!("not an archive of arrays (.npz): {error}")))?;
        let mut arrays: Vec<(String, Array)> = Vec::new();
        for index in 0..archive.len() {
            let (name, array) = member(&mut archive, &file, index).map_err(|(name, problem)| {
                invalid(&format!("array `{}`", name.escape_debug()), problem)
            })?;
            if arrays.iter().any(|(known, _)| *known == name) {
                return Err(invalid("", format!("two arrays are named `{name}`")));
            }
            arrays.push((name, array));
        }
        Ok(arrays)
    }

    fn new(file: File, start: u64, header: Header) -> Array {
        Array {
            file,
            start,
            element: header.element,
            shape: header.shape,
        }
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn element(&self) -> ElementType {
        self.element
    }

    /// Returns the elements of a row: of what one index of the first dimension names.
    pub(super) fn row_elements(&self) -> usize {
        let sizes = self.shape.iter().skip(1);
        // only an array without rows can overflow: the file's length was compared
        sizes.fold(1, |product: usize, size| product.saturating_mul(*size))
    }

    /// Returns the bytes of one row.
    pub(super) fn row(&self, row: usize) -> Result<Vec<u8>, Error> {
        let length = self.row_elements() * self.element.size;
        let mut bytes = vec![0; length];
        let offset = self.start + (row * length) as u64;
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Returns the elements of one row of an array of integers.
    pub(super) fn row_integers(&self, row: usize) -> Result<Vec<i64>, String> {
        let bytes = self.row(row);
        let bytes = bytes.map_err(|error| format!("cannot read ({error})"))?;
        let cells = bytes.chunks_exact(self.element.size.max(1));
        cells
            .map(|cell| Ok(self.element.number(cell)? as i64))
            .collect()
    }

    /// Returns all elements of an array with one dimension.
    pub(super) fn column(&self) -> Result<Values, String> {
        let count = self.shape.iter().product::<usize>();
        let length = (count * self.element.size) as u64;
        if length > LARGEST_COLUMN {
            return Err(format!("{length} bytes are too many for labels"));
        }
        let mut bytes = vec![0; length as usize];
        let read = self.file.read_exact_at(&mut bytes, self.start);
        read.map_err(|error| format!("cannot read ({error})"))?;
        let size = self.element.size;
        let cells = (0..count).map(|row| &bytes[row * size..(row + 1) * size]);
        match self.element.kind {
            'U' => cells
                .map(|cell| self.element.text(cell))
                .collect::<Result<_, _>>(),
            'S' => cells.map(ascii).collect(),
            _ => {
                return cells
                    .map(|cell| self.element.number(cell))
                    .collect::<Result<_, _>>()
                    .map(Values::Numbers);
            }
        }
        .map(Values::Texts)
    }
}

impl ElementType {
    /// The number a cell holds.
    fn number(self, cell: &[u8]) -> Result<f64, String> {
        let mut bytes = [0; 8];
        if cell.len() > bytes.len() {
            return Err(self.unusable());
        }
        bytes[..cell.len()].copy_from_slice(cell);
        if self.big_endian {
            bytes[..cell.len()].reverse();
        }
        let whole = u64::from_le_bytes(bytes);
        // the sign's bit moved to the top, and back down through the copies of it
        let unused = 64 - 8 * cell.len() as u32;
        Ok(match (self.kind, self.size) {
            ('b', 1) | ('u', 1 | 2 | 4 | 8) => whole as f64,
            ('i', 1 | 2 | 4 | 8) => (((whole << unused) as i64) >> unused) as f64,
            ('f', 4) => f64::from(f32::from_bits(whole as u32)),
            ('f', 8) => f64::from_bits(whole),
            _ => return Err(self.unusable()),
        })
    }

    /// The text of a cell, which ends before the first zero.
    fn text(self, cell: &[u8]) -> Result<String, String> {
        let letters = cell.chunks_exact(4).map(|letter| {
            let letter: [u8; 4] = letter.try_into().unwrap_or_default();
            if self.big_endian {
                u32::from_be_bytes(letter)
            } else {
                u32::from_le_bytes(letter)
            }
        });
        letters
            .take_while(|letter| *letter != 0)
            .map(|letter| char::from_u32(letter).ok_or_else(|| "text that is no text".to_owned()))
            .collect()
    }

    fn unusable(self) -> String {
        format!(
            "elements of type `{}{}` are no labels: save integers, float32, float64 or text",
            self.kind.escape_debug(),
            self.size
        )
    }
}

fn ascii(cell: &[u8]) -> Result<String, String> {
    let end = cell.iter().position(|byte| *byte == 0);
    let text = &cell[..end.unwrap_or(cell.len())];
    String::from_utf8(text.to_vec()).map_err(|_| "text that is not UTF-8".to_owned())
}

/// One array of an archive; an error comes with its name.
fn member(
    archive: &mut ZipArchive<&File>,
    file: &File,
    index: usize,
) -> Result<(String, Array), (String, String)> {
    let number = |problem: String| (format!("number {}", index + 1), problem);
    let mut entry = archive
        .by_index(index)
        .map_err(|error| number(error.to_string()))?;
    let name = entry.name().map_err(|error| number(error.to_string()))?;
    let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
    let named = |problem: String| (name.clone(), problem);
    let length = entry.size();
    let plain = entry.compression() == CompressionMethod::Stored;
    let header = Header::read(&mut entry, length).map_err(named)?;
    let array = match entry.data_start().filter(|_| plain) {
        Some(start) => {
            let file = file.try_clone().map_err(|error| named(error.to_string()))?;
            Array::new(file, start + header.length, header)
        }
        None => {
            let elements = length - header.length;
            Array::new(unpack(&mut entry, elements).map_err(named)?, 0, header)
        }
    };
    drop(entry);
    Ok((name, array))
}

/// The elements in a file of their own, which vanishes with its last user.
fn unpack(entry: &mut dyn Read, length: u64) -> Result<File, String> {
    if length > LARGEST_UNPACKED {
        return Err(format!(
            "{length} bytes when unpacked: save it without compression (np.savez)"
        ));
    }
    let failed = |error: Error| format!("cannot unpack ({error})");
    let mut unpacked = tempfile::tempfile().map_err(failed)?;
    // one byte more reaches the end, where the checksum is compared
    let copied = std::io::copy(&mut entry.take(length + 1), &mut unpacked).map_err(failed)?;
    if copied == length {
        Ok(unpacked)
    } else {
        Err("damaged: not as long as it says; save it again".into())
    }
}
