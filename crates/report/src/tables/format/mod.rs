//! Tables as text, Markdown, CSV, JSON or LaTeX.

mod csv_text;
mod json;
mod latex;
mod markdown;
mod plain;

use std::str::FromStr;

use super::{Cell, Table, rounded};
use crate::ReportError;

/// A way to write tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For the terminal.
    Text,
    /// With pipes between the cells.
    Markdown,
    /// Values separated by commas.
    Csv,
    /// One document.
    Json,
    /// With the rules of the package `booktabs`.
    Latex,
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "text" => Ok(Format::Text),
            "markdown" | "md" => Ok(Format::Markdown),
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            "latex" | "tex" => Ok(Format::Latex),
            _ => Err("write text, markdown, csv, json or latex".to_owned()),
        }
    }
}

/// The text of tables in a format, ending with a line break. In CSV, several stand apart by an
/// empty line, each below a line that begins with `#` and names it.
///
/// # Errors
/// [`ReportError::Writing`] when a table cannot be expressed.
pub fn write(tables: &[Table], format: Format) -> Result<String, ReportError> {
    if format == Format::Json {
        return json::write(tables);
    }
    let several = tables.len() > 1;
    let texts: Result<Vec<String>, ReportError> = tables
        .iter()
        .map(|table| match format {
            Format::Text => Ok(plain::write(&table.for_people())),
            Format::Markdown => Ok(markdown::write(&table.for_people())),
            Format::Latex => Ok(latex::write(&table.for_people())),
            Format::Csv | Format::Json => csv_text::write(table, several),
        })
        .collect();
    Ok(texts?.join("\n"))
}
