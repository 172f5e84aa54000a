//! Tables of times that other tools write and read: a layer per row, values separated by commas.

mod columns;
mod write;

use std::path::{Path, PathBuf};

use columns::Columns;

use crate::contents::Contents;

/// A table of times, read from one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// The file.
    pub path: PathBuf,
    /// Its rows.
    pub rows: Vec<TimeRow>,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeRow {
    /// Where it is in the file, counted from one.
    pub line: u64,
    /// What the time is of.
    pub kind: RowKind,
    /// Name of the layer or tensor.
    pub name: String,
    /// The layer that runs this one, too: it has no time of its own.
    pub part_of: Option<String>,
    /// The side that the time holds for; both when it is not said.
    pub side: Option<RowSide>,
    /// The machine, where it is said.
    pub board: Option<String>,
    /// Median.
    pub median_us: f64,
    /// Median absolute deviation; zero where no spread is said.
    pub mad_us: f64,
    /// Number of runs; zero where it is not said.
    pub runs: usize,
    /// Time in the runtime's own trace, where that is another number.
    pub trace_us: Option<f64>,
}

/// What the time of a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A layer.
    Layer,
    /// The whole model.
    Total,
    /// Handing a crossing tensor over, on the edge.
    Send,
    /// Taking it over, on the server.
    Receive,
    /// Any split, whatever crosses.
    Split,
}

/// The side that a row holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RowSide {
    Edge,
    Server,
}

/// A table of times that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}{flaw}", path.display(), place(*.line))]
pub struct TimesError {
    /// The file.
    pub path: PathBuf,
    /// Where, counted from one.
    pub line: Option<u64>,
    /// Why.
    pub flaw: TimesFlaw,
}

fn place(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

/// Why a table of times cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TimesFlaw {
    /// The file cannot be read.
    #[error("{0}")]
    Io(String),
    /// Not text in the form of a table.
    #[error("not a table of values separated by commas: {0}")]
    NotATable(String),
    /// A column is missing, or is there twice.
    #[error(
        "{problem}; it has {found}: a table of times has a column `layer` and one of times with \
         its unit, such as `median_us` or `time_ms`"
    )]
    Columns {
        /// What about which column.
        problem: String,
        /// What there is.
        found: String,
    },
    /// No row.
    #[error("there is no row below the header")]
    NoRows,
    /// Something that is no number, or none that a time or a count can be.
    #[error("`{text}` in column `{column}` is not {expected}")]
    BadNumber {
        /// The column.
        column: String,
        /// What stands there.
        text: String,
        /// What may.
        expected: &'static str,
    },
    /// Another word than those that a column takes.
    #[error("`{text}` in column `{column}`: write {expected}")]
    BadWord {
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// What may.
        expected: &'static str,
    },
    /// A row of nothing.
    #[error("the row names no layer")]
    NoName,
    /// A time for what runs as part of something else.
    #[error("`{0}` is part of another layer, whose time holds for both: leave its own out")]
    TimeOfPart(String),
    /// A name that the model does not have.
    #[error("the model has no {what} `{name}`{}", hint(.near))]
    Unknown {
        /// "layer" or "tensor".
        what: &'static str,
        /// The name.
        name: String,
        /// The nearest existing names.
        near: Vec<String>,
    },
    /// A node name that several layers have.
    #[error("several layers are named `{0}`: name the layer by its first output")]
    Ambiguous(String),
    /// Two times of one thing.
    #[error("`{name}` has a time already, in {first}: leave one")]
    Twice {
        /// What has two times.
        name: String,
        /// Where the first one stands.
        first: String,
    },
    /// A layer is part of one that is itself a part.
    #[error("`{0}` is itself part of another layer: name that one")]
    PartOfPart(String),
}

fn hint(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean `{}`?", near.join("` or `")),
    }
}

impl Times {
    /// Reads a file.
    ///
    /// The first line names the columns: `layer`; one time, `median_us` or `time_us`, or in `ns`,
    /// `ms` or `s`; and as far as they are known `mad_us` or `spread_us` (median absolute
    /// deviation), `iqr_us` (interquartile range, twice that of a symmetric distribution) or
    /// `std_us` (standard deviation, 1.4826 times that of a normal one), `n` or `runs`, `side`
    /// (edge or server), `board`, `part_of` and `kind`. Other columns, and lines that begin with
    /// `#`, are passed over. Semicolons and tabs separate as well as commas.
    ///
    /// # Errors
    /// [`TimesError`] names the line.
    pub fn load(path: &Path) -> Result<Times, TimesError> {
        let text = std::fs::read(path).map_err(|error| TimesError {
            path: path.to_owned(),
            line: None,
            flaw: TimesFlaw::Io(error.to_string()),
        })?;
        if let Some(contents) = Contents::of(&text) {
            return Err(TimesError {
                path: path.to_owned(),
                line: None,
                flaw: TimesFlaw::NotATable(format!("it is {contents}")),
            });
        }
        Times::parse(&text, path)
    }

    /// As [`Times::load`], from the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Times::load`].
    pub fn parse(text: &[u8], path: &Path) -> Result<Times, TimesError> {
        let refuse = |line, flaw| TimesError {
            path: path.to_owned(),
            line,
            flaw,
        };
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .delimiter(separator(text))
            .from_reader(text);
        let broken = |error: &csv::Error| {
            let line = error.position().map(csv::Position::line);
            refuse(line, TimesFlaw::NotATable(reason(error)))
        };
        let header = reader.headers().map_err(|error| broken(&error))?;
        let line = header.position().map(csv::Position::line);
        let columns = Columns::find(header).map_err(|flaw| refuse(line, flaw))?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = columns.row(line, &record);
            rows.push(row.map_err(|flaw| refuse(Some(line), flaw))?);
        }
        if rows.is_empty() {
            Err(refuse(None, TimesFlaw::NoRows))
        } else {
            Ok(Times {
                path: path.to_owned(),
                rows,
            })
        }
    }
}

/// What separates the names in the first line that says something.
fn separator(text: &[u8]) -> u8 {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let header = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let count = |mark: u8| header.map_or(0, |line| line.iter().filter(|b| **b == mark).count());
    let most = [b'\t', b';', b','].into_iter().max_by_key(|m| count(*m));
    most.unwrap_or(b',')
}

/// What the reader of tables says, without the place, which stands before it.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("the line has {len} values, the header {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
