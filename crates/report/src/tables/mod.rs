//! Tables: columns with a unit, and rows, written as text, Markdown, CSV, JSON or LaTeX.

mod contents;
mod format;

pub use contents::{plan_tables, profile_tables, sweep_tables};
pub use format::{Format, write};

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Short name, such as `layers`.
    pub name: &'static str,
    /// What it shows, without a full stop.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// Where the numbers come from, a sentence each.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name for programs, with the unit, such as `edge_us`.
    pub key: &'static str,
    /// Human-readable heading, without the unit.
    pub heading: &'static str,
    /// Unit of its numbers; empty for text and counts.
    pub unit: &'static str,
    /// Whether it is for programs only: people read the same in the notes.
    pub for_programs: bool,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing is known.
    Empty,
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number in the column's unit.
    Number(f64),
}

impl Column {
    /// A column of words or counts.
    pub const fn plain(key: &'static str, heading: &'static str) -> Column {
        Column::number(key, heading, "")
    }

    /// A column of numbers with a unit.
    pub const fn number(key: &'static str, heading: &'static str, unit: &'static str) -> Column {
        Column {
            key,
            heading,
            unit,
            for_programs: false,
        }
    }

    /// A column for programs only.
    pub const fn for_programs(key: &'static str) -> Column {
        Column {
            key,
            heading: key,
            unit: "",
            for_programs: true,
        }
    }

    /// `edge (µs)`.
    pub(crate) fn headed(&self) -> String {
        match self.unit {
            "" => self.heading.to_owned(),
            unit => format!("{} ({unit})", self.heading),
        }
    }
}

impl Cell {
    /// Words; nothing for none.
    pub fn text(text: impl Into<String>) -> Cell {
        match text.into() {
            text if text.is_empty() => Cell::Empty,
            text => Cell::Text(text),
        }
    }

    /// A count; nothing for zero, which stands for unknown.
    pub fn known(count: usize) -> Cell {
        match count {
            0 => Cell::Empty,
            count => Cell::Count(count as u64),
        }
    }

    /// A number; nothing for one that is infinite or no number at all.
    pub fn number(value: f64) -> Cell {
        if value.is_finite() {
            Cell::Number(value)
        } else {
            Cell::Empty
        }
    }

    /// A spread; nothing for zero, which stands for unknown.
    pub fn spread(value: f64) -> Cell {
        if value > 0.0 {
            Cell::number(value)
        } else {
            Cell::Empty
        }
    }

    /// Of a number what people need: three digits, or all before the point.
    pub(crate) fn shown(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Number(value) => digits(*value),
        }
    }

    /// Of a number all, to the sixth place behind the point.
    pub(crate) fn exact(&self) -> String {
        match self {
            Cell::Number(value) => rounded(*value).to_string(),
            other => other.shown(),
        }
    }
}

/// What computing adds behind the sixth place means nothing.
fn rounded(value: f64) -> f64 {
    let rounded = (value * 1e6).round() / 1e6;
    // no negative zero
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// Three significant digits at least.
fn digits(value: f64) -> String {
    if rounded(value) == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

impl Table {
    /// The columns and cells that people see: none that says nothing.
    pub(crate) fn for_people(&self) -> Table {
        let says_something = |index: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(index));
            self.rows.is_empty() || cells.any(|cell| *cell != Cell::Empty)
        };
        let kept = |index: &usize| !self.columns[*index].for_programs && says_something(*index);
        let kept: Vec<usize> = (0..self.columns.len()).filter(kept).collect();
        let row = |row: &Vec<Cell>| {
            let cells = kept.iter().map(|index| row.get(*index));
            cells
                .map(|cell| cell.cloned().unwrap_or(Cell::Empty))
                .collect()
        };
        Table {
            columns: kept.iter().map(|index| self.columns[*index]).collect(),
            rows: self.rows.iter().map(row).collect(),
            ..self.clone()
        }
    }

    /// Whether a column holds numbers, which stand to the right.
    pub(crate) fn is_numeric(&self, column: usize) -> bool {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let mut known = cells.filter(|cell| **cell != Cell::Empty).peekable();
        known.peek().is_some() && known.all(|cell| !matches!(cell, Cell::Text(_)))
    }
}
