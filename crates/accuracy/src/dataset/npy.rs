//! The header of NumPy's array files: a magic word, a version, and a Python dictionary of three keys.
//! See `numpy.lib.format`.

use std::io::{Error, Read, Write};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy's own headers are far below.
const LONGEST_HEADER: usize = 1 << 16;
const MOST_DIMENSIONS: usize = 32;

/// Type of an array's elements, such as `<f4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementType {
    pub(super) big_endian: bool,
    /// NumPy's letter: `b` truth values, `i` and `u` integers, `f` floats, `U` and `S` text.
    pub(super) kind: char,
    /// Bytes of an element.
    pub(super) size: usize,
}

/// What a file says about its array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: ElementType,
    pub(super) shape: Vec<usize>,
    /// Bytes of the header itself, after which the elements follow.
    pub(super) length: u64,
}

impl Header {
    /// Reads the header at the beginning of `file`, which has `length` bytes.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do where there is a remedy; also when the elements are
    /// more or fewer than the bytes that follow.
    pub(super) fn read(file: &mut dyn Read, length: u64) -> Result<Header, String> {
        let header = Header::parse(file)?;
        header.check(length.saturating_sub(header.length))?;
        Ok(header)
    }

    fn parse(file: &mut dyn Read) -> Result<Header, String> {
        let cut_short = |_: Error| "not a NumPy array, or cut short".to_owned();
        let mut start = [0; 8];
        file.read_exact(&mut start).map_err(cut_short)?;
        if !start.starts_with(MAGIC) {
            return Err("not a NumPy array (.npy)".into());
        }
        let mut length = [0; 4];
        let digits = if start[6] == 1 { 2 } else { 4 };
        file.read_exact(&mut length[..digits]).map_err(cut_short)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST_HEADER {
            return Err(format!("a header of {length} bytes is no NumPy array's"));
        }
        let mut text = vec![0; length];
        file.read_exact(&mut text).map_err(cut_short)?;
        let text = String::from_utf8(text).map_err(|_| "a header that is not text".to_owned())?;
        let (element, shape) = Dictionary { rest: &text }.read()?;
        Ok(Header {
            element,
            shape,
            length: (start.len() + digits + length) as u64,
        })
    }

    /// Compares the shape with the bytes that follow the header.
    fn check(&self, there: u64) -> Result<(), String> {
        let wanted = match self.data_bytes() {
            Some(wanted) if wanted == there => return Ok(()),
            Some(wanted) => format!("{wanted} bytes"),
            None => "more bytes than can be counted".to_owned(),
        };
        Err(format!(
            "shape {:?} takes {wanted}, but {there} follow: the file is cut short or damaged; save \
             it again",
            self.shape
        ))
    }

    /// Bytes of all elements; `None` beyond what can be counted.
    fn data_bytes(&self) -> Option<u64> {
        let size = u64::try_from(self.element.size).ok()?;
        let mut sizes = self.shape.iter().map(|n| u64::try_from(*n).ok());
        sizes.try_fold(size, |product, n| product.checked_mul(n?))
    }
}

/// Writes the header of an array of bytes, whose elements are to follow in C order.
pub(super) fn write_header(file: &mut dyn Write, shape: &[usize]) -> Result<(), Error> {
    let sizes: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sizes}), }}");
    // the elements begin at a multiple of 64 bytes
    let length = (MAGIC.len() + 4 + text.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    file.write_all(MAGIC)?;
    file.write_all(&[1, 0])?;
    file.write_all(&(length as u16).to_le_bytes())?;
    writeln!(file, "{text:width$}", width = length - 1)
}

/// The rest of a header's text that is still to be read.
struct Dictionary<'a> {
    rest: &'a str,
}

impl<'a> Dictionary<'a> {
    fn read(mut self) -> Result<(ElementType, Vec<usize>), String> {
        let (mut element, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let key = self.quoted()?;
            self.expect(':')?;
            match key {
                "descr" => element = Some(self.element()?),
                "fortran_order" => fortran = Some(self.truth()?),
                "shape" => shape = Some(self.tuple()?),
                _ => return Err(format!("unknown key `{key}` in the header")),
            }
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        let missing = |key: &str| format!("no `{key}` in the header");
        if fortran.ok_or_else(|| missing("fortran_order"))? {
            return Err(
                "in Fortran order: save it in C order (np.ascontiguousarray) instead".into(),
            );
        }
        Ok((
            element.ok_or_else(|| missing("descr"))?,
            shape.ok_or_else(|| missing("shape"))?,
        ))
    }

    fn take(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) {
            Ok(())
        } else {
            Err(format!("a header without the expected `{c}`"))
        }
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.expect('\'')?;
        }
        let (text, rest) = self
            .rest
            .split_once(quote)
            .ok_or("a header with an open quotation")?;
        self.rest = rest;
        Ok(text)
    }

    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric());
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn truth(&mut self) -> Result<bool, String> {
        match self.word() {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err("`fortran_order` is neither True nor False".into()),
        }
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            let size = self.word().parse();
            shape.push(size.map_err(|_| "a shape that is not made of sizes")?);
            if shape.len() > MOST_DIMENSIONS {
                return Err(format!("more than {MOST_DIMENSIONS} dimensions"));
            }
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    /// Such as `'<f4'`; records are a list instead.
    fn element(&mut self) -> Result<ElementType, String> {
        if self.take('[') {
            return Err("records (a structured array): save one plain array per field".into());
        }
        let text = self.quoted()?;
        let unknown = || format!("elements of the unknown type `{}`", text.escape_debug());
        let mut letters = text.chars();
        let big_endian = match letters.next() {
            Some('<' | '|') => false,
            Some('>') => true,
            _ => return Err(unknown()),
        };
        let kind = letters.next().ok_or_else(unknown)?;
        if kind == 'O' {
            return Err(
                "Python objects (a pickle), which are never loaded: save plain numbers, or text \
                 by `.astype(str)`"
                    .into(),
            );
        }
        let count: usize = letters.as_str().parse().map_err(|_| unknown())?;
        let size = match kind {
            // text is counted in characters of four bytes
            'U' => count.checked_mul(4),
            _ => Some(count),
        };
        Ok(ElementType {
            big_endian,
            kind,
            size: size.ok_or_else(unknown)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dictionary: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.bytes());
        bytes
    }

    fn read(dictionary: &str) -> Result<Header, String> {
        Header::parse(&mut file(dictionary).as_slice())
    }

    #[test]
    fn what_is_written_is_read_and_begins_at_a_multiple_of_64() {
        for shape in [vec![], vec![7], vec![2, 3], vec![480_000, 64, 64, 3]] {
            let mut bytes = Vec::new();
            write_header(&mut bytes, &shape).unwrap();
            assert_eq!(bytes.len() % 64, 0);
            assert_eq!(bytes.last(), Some(&b'\n'));
            let header = Header::parse(&mut bytes.as_slice()).unwrap();
            assert_eq!(header.shape, shape);
            assert_eq!(header.length, bytes.len() as u64);
            assert_eq!((header.element.kind, header.element.size), ('u', 1));
        }
    }

    #[test]
    fn the_ways_numpy_writes_are_read() {
        let header =
            read("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n").unwrap();
        assert_eq!(header.shape, [3, 4]);
        assert_eq!(header.data_bytes(), Some(48));
        let header = read("{\"shape\":(5,),\"descr\":\">U8\",\"fortran_order\":False}").unwrap();
        assert_eq!(header.shape, [5]);
        assert_eq!(
            header.element,
            ElementType {
                big_endian: true,
                kind: 'U',
                size: 32
            }
        );
    }

    #[test]
    fn broken_headers_are_refused_in_words() {
        for (dictionary, words) in [
            ("", "expected `{`"),
            ("{'descr': '<f4', 'fortran_order': False}", "no `shape`"),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (3,)}",
                "C order",
            ),
            (
                "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}",
                "pickle",
            ),
            ("{'descr': [('a', '<f4')]}", "structured"),
            ("{'descr': '<f4', 'shape': (-3,)}", "sizes"),
            ("{'descr': '<f99999999999999999999999'}", "unknown type"),
            ("{'descr': '<U9999999999999999999'}", "unknown type"),
            ("{'more': 1}", "unknown key"),
            ("{'descr", "open quotation"),
        ] {
            let error = read(dictionary).unwrap_err();
            assert!(error.contains(words), "{dictionary}: {error}");
        }
        let many = format!("{{'shape': ({})}}", "1,".repeat(40));
        assert!(read(&many).unwrap_err().contains("dimensions"));
        let huge = format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': ({0}, {0})}}",
            u64::MAX
        );
        assert_eq!(read(&huge).unwrap().data_bytes(), None);
        for bytes in [
            b"".as_slice(),
            b"PK\x03\x04abcdefgh",
            b"\x93NUMPY\x01\x00\xff\xff{",
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        ] {
            assert!(Header::parse(&mut &bytes[..]).is_err());
        }
    }
}
