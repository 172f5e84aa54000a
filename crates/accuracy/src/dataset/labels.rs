//! Tables of labels: one row per image, one column per label.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DataError;
use super::array::Array;
use super::values::Values;

/// The column that says which rows are for training and which for testing.
const SPLIT: &str = "split";

/// The labels of a data set.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Where they come from, for messages.
    path: PathBuf,
    columns: Vec<(String, Values)>,
    /// Arrays that are no columns: label maps, or of no use.
    arrays: Vec<(String, Arc<Array>)>,
    rows: usize,
}

impl Labels {
    /// Columns from `path` for `rows` images; a column of another length is refused when it is used.
    pub(super) fn new(path: &Path, columns: Vec<(String, Values)>, rows: usize) -> Labels {
        Labels {
            path: path.to_owned(),
            columns,
            arrays: Vec::new(),
            rows,
        }
    }

    /// With arrays of other ranks than a column's.
    pub(super) fn with_arrays(self, arrays: Vec<(String, Array)>) -> Labels {
        let shared = arrays.into_iter().map(|(name, a)| (name, Arc::new(a)));
        Labels {
            arrays: shared.collect(),
            ..self
        }
    }

    /// Returns the error for an array that is no column.
    pub(super) fn array(&self, name: &str) -> Option<Arc<Array>> {
        let found = self.arrays.iter().find(|(known, _)| known == name);
        found.map(|(_, array)| Arc::clone(array))
    }

    /// Reads a table with a header: values separated by tabs in a `.tsv` file, by commas in others.
    pub(super) fn read(path: &Path) -> Result<Labels, DataError> {
        let file = std::fs::File::open(path).map_err(DataError::read(path))?;
        let tabs = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if tabs { b'\t' } else { b',' })
            .trim(csv::Trim::All)
            .from_reader(file);
        let broken = |error: csv::Error| DataError::invalid(path, "", reason(&error));
        let header = reader.headers().map_err(broken)?.clone();
        let names: Vec<String> = header
            .iter()
            // some programs mark UTF-8 by an invisible character
            .map(|name| name.trim_start_matches('\u{feff}').to_owned())
            .collect();
        check_names(path, &names)?;
        let mut cells = vec![Vec::new(); names.len()];
        for record in reader.records() {
            let record = record.map_err(broken)?;
            for (column, cell) in cells.iter_mut().zip(&record) {
                column.push(cell.to_owned());
            }
        }
        let rows = cells.first().map_or(0, Vec::len);
        let columns = names.into_iter().zip(cells.into_iter().map(Values::of));
        Ok(Labels::new(path, columns.collect(), rows))
    }

    /// Returns the rows: as many as images.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns where the labels come from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the cells of a column.
    ///
    /// # Errors
    /// There is no such column (the message lists those there are), or it has not a cell per image.
    pub fn column(&self, name: &str) -> Result<&Values, DataError> {
        let refuse = |problem| {
            let place = format!("column `{}`", name.escape_debug());
            Err(DataError::invalid(&self.path, &place, problem))
        };
        match self.columns.iter().find(|(known, _)| known == name) {
            Some((_, values)) if values.len() == self.rows => Ok(values),
            Some((_, values)) => refuse(format!(
                "{} labels for {} images: there must be one for each",
                values.len(),
                self.rows
            )),
            None => match self.array(name) {
                Some(array) => refuse(format!(
                    "an array of shape {:?}, where one label for each image is expected: maps of \
                     labels are for metric mean-iou",
                    array.shape()
                )),
                None => {
                    let arrays = self.arrays.iter().map(|(name, _)| name.as_str());
                    let known: Vec<&str> = self.names().chain(arrays).collect();
                    refuse(format!("there is none; there are: {}", known.join(", ")))
                }
            },
        }
    }

    /// Returns the number in a cell.
    ///
    /// # Errors
    /// No such column or row, a text, or a missing value.
    pub fn number(&self, name: &str, row: usize) -> Result<f64, DataError> {
        let problem = match self.column(name)? {
            Values::Numbers(cells) => match cells.get(row) {
                Some(number) if number.is_finite() => return Ok(*number),
                Some(_) => "no finite number: fill it in, or take the row out".to_owned(),
                None => format!("there are only {} rows", self.rows),
            },
            values => format!(
                "`{}` is not a number: this task needs numbers",
                values.text(row).escape_debug()
            ),
        };
        Err(self.at(row, name, problem))
    }

    /// Returns what a cell holds, as text.
    ///
    /// # Errors
    /// No such column.
    pub fn text(&self, name: &str, row: usize) -> Result<String, DataError> {
        Ok(self.column(name)?.text(row))
    }

    /// Returns the rows whose column `split` holds `name`, in order.
    ///
    /// # Errors
    /// There is no such column, or no such row.
    pub fn rows_of(&self, name: &str) -> Result<Vec<usize>, DataError> {
        let split = self.column(SPLIT)?;
        let rows: Vec<usize> = (0..self.rows)
            .filter(|row| split.text(*row) == name)
            .collect();
        if rows.is_empty() {
            let mut known: Vec<String> = (0..self.rows).map(|row| split.text(row)).collect();
            known.sort();
            known.dedup();
            known.truncate(8);
            let problem = format!("no row is `{name}`; there are: {}", known.join(", "));
            return Err(DataError::invalid(&self.path, "column `split`", problem));
        }
        Ok(rows)
    }

    /// Returns whether the rows say what they are for.
    pub fn has_split(&self) -> bool {
        self.names().any(|name| name == SPLIT)
    }

    /// Returns an error about a cell. Rows are counted from 1, without the header.
    pub(super) fn at(&self, row: usize, column: &str, problem: impl Into<String>) -> DataError {
        let place = format!("row {}, column `{column}`", row + 1);
        DataError::invalid(&self.path, &place, problem)
    }
}

fn check_names(path: &Path, names: &[String]) -> Result<(), DataError> {
    for (at, name) in names.iter().enumerate() {
        let problem = if name.is_empty() {
            "has no name: give every column one in the first line"
        } else if names[..at].contains(name) {
            "is there twice: rename one"
        } else {
            continue;
        };
        let place = format!("column {} `{name}`", at + 1);
        return Err(DataError::invalid(path, &place, problem));
    }
    Ok(())
}

/// What is wrong with a table, with its line.
fn reason(error: &csv::Error) -> String {
    let line = |place: &Option<csv::Position>| {
        place
            .as_ref()
            .map_or(String::new(), |place| format!("line {}: ", place.line()))
    };
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => format!(
            "{}{len} values, where the first line has {expected_len}: quote values that contain \
             the separator",
            line(pos)
        ),
        csv::ErrorKind::Utf8 { pos, .. } => {
            format!("{}not UTF-8: save the table as UTF-8", line(pos))
        }
        csv::ErrorKind::Io(error) => format!("cannot read ({error})"),
        _ => error.to_string(),
    }
}
