//! Errors of rate traces.

use std::path::PathBuf;

use crate::units::{ParseUnitError, format_stated_us};

/// A trace that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {}{flaw}", place(*.line))]
pub struct RateTraceError {
    /// The file.
    pub path: PathBuf,
    /// Where, counted from one.
    pub line: Option<u64>,
    /// Why.
    pub flaw: Flaw,
}

/// Why a trace cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// The file cannot be read.
    #[error("{0}")]
    Io(String),
    /// Not text in the form of a table.
    #[error("not a table of values separated by commas: {0}")]
    NotATable(String),
    /// A column is missing, or is there twice.
    #[error(
        "{problem}; it has {found}: a trace is a table with a column `time_s` and one of `rate` \
         (such as 10Mbit/s), `rate_bit_s` and `rate_mbit_s`, or Mahimahi's list of milliseconds, one \
         per line"
    )]
    Columns {
        /// What about which column.
        problem: String,
        /// What there is.
        found: String,
    },
    /// Text where a number belongs.
    #[error("`{text}` in column `{column}` is not a number: {expected}")]
    NotANumber {
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// What may.
        expected: &'static str,
    },
    /// A rate without a unit, or none at all.
    #[error(transparent)]
    Rate(#[from] ParseUnitError),
    /// A rate below zero or beyond any link.
    #[error("the rate {text} is {problem}: zero says that the link is down")]
    BadRate {
        /// What stands there.
        text: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A line that is not of Mahimahi's form.
    #[error(
        "`{0}` is not a whole number of milliseconds: in Mahimahi's form each line is the time at \
         which one packet of 1500 bytes can be delivered"
    )]
    NotMilliseconds(String),
    /// Rows out of order.
    #[error(
        "the time {this} s {}: rows stand in increasing time, so sort them, or leave one out",
        order(*.before, *.this)
    )]
    Backwards {
        /// Of the row before, in seconds as typed.
        before: f64,
        /// Of this row.
        this: f64,
    },
    /// A time of Mahimahi's form out of order.
    #[error("{this} ms comes after {before} ms: times never go back")]
    EarlierPacket {
        /// Of the line before.
        before: u64,
        /// Of this line.
        this: u64,
    },
    /// A gap: much longer than usual without a row.
    #[error(
        "nothing is known for {} before this row, while rows are mostly {} apart: if the rate before \
         held that long, allow it with `--max-gap {}`; else cut the trace there",
        seconds(*.gap_ns), seconds(*.usual_ns), typed(*.gap_ns)
    )]
    Gap {
        /// From the row before.
        gap_ns: u64,
        /// The median of all steps.
        usual_ns: u64,
    },
    /// No row.
    #[error("the trace is empty: it needs at least two rows")]
    Empty,
    /// One row: how long its rate holds is unknown.
    #[error("one row does not say how long its rate holds: add a second one at a later time")]
    OneRow,
    /// The rate is zero throughout.
    #[error("the link is down all the time: no rate is above zero")]
    AlwaysDown,
    /// Longer than any recording.
    #[error("the trace is longer than thirty years: are its times in seconds?")]
    TooLong,
    /// More rows than are read.
    #[error(
        "more than {} million rows, or windows of 100 ms: cut the trace into shorter ones",
        super::MAX_ROWS / 1_000_000
    )]
    TooManyRows,
    /// More text than is read.
    #[error("more than {0} MiB: cut the trace into shorter ones")]
    TooLarge(u64),
}

fn place(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

fn order(before: f64, this: f64) -> String {
    if this < before {
        format!("comes after {before} s")
    } else {
        "stands there twice".to_owned()
    }
}

fn seconds(ns: u64) -> String {
    format_stated_us(ns as f64 / 1e3)
}

/// A time, not shorter, as it can be typed.
fn typed(ns: u64) -> String {
    match ns {
        0..10_000_000_000 => format!("{}ms", ns.div_ceil(1_000_000)),
        _ => format!("{}s", ns.div_ceil(1_000_000_000)),
    }
}
