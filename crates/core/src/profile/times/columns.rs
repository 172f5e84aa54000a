//! The columns of a table of times, and what their cells say.

use super::{RowKind, RowSide, TimeRow, TimesFlaw};

/// Standard deviation of a normal distribution over its median absolute deviation.
const PER_MAD: f64 = 1.482_602_218_505_602;
/// A day, the longest time a profile holds.
const LONGEST_US: f64 = 86_400e6;

/// Which columns of a table to read.
pub(super) struct Columns {
    names: Vec<String>,
    layer: usize,
    /// With the microseconds in the column's unit.
    time: (usize, f64),
    /// With what makes a median absolute deviation in microseconds of it.
    spread: Option<(usize, f64)>,
    trace: Option<(usize, f64)>,
    runs: Option<usize>,
    side: Option<usize>,
    board: Option<usize>,
    part_of: Option<usize>,
    kind: Option<usize>,
}

/// Microseconds in a unit.
const UNITS: [(&str, f64); 4] = [("ns", 1e-3), ("us", 1.0), ("ms", 1e3), ("s", 1e6)];
/// Names of times.
const TIMES: [(&str, f64); 2] = [("median", 1.0), ("time", 1.0)];
/// Names of spreads, and their median absolute deviation.
const SPREADS: [(&str, f64); 4] = [
    ("mad", 1.0),
    ("spread", 1.0),
    ("iqr", 0.5),
    ("std", 1.0 / PER_MAD),
];

impl Columns {
    pub(super) fn find(header: &csv::StringRecord) -> Result<Columns, TimesFlaw> {
        let names: Vec<String> = header.iter().map(str::to_lowercase).collect();
        let refuse = |problem: String| TimesFlaw::Columns {
            problem,
            found: names.join(", "),
        };
        let one = |wanted: &[&str]| -> Result<Option<usize>, TimesFlaw> {
            let found = names.iter().enumerate();
            let mut found = found.filter(|(_, name)| wanted.contains(&name.as_str()));
            match (found.next(), found.next()) {
                (_, Some((_, name))) => {
                    Err(refuse(format!("`{name}` and another column say the same")))
                }
                (first, None) => Ok(first.map(|(index, _)| index)),
            }
        };
        let in_units = |bases: &[(&str, f64)]| -> Result<Option<(usize, f64)>, TimesFlaw> {
            let mut found = Vec::new();
            for (index, name) in names.iter().enumerate() {
                let (base, unit) = name.rsplit_once('_').unwrap_or((name, ""));
                let Some((_, factor)) = bases.iter().find(|(known, _)| *known == base) else {
                    continue;
                };
                match UNITS.iter().find(|(known, _)| *known == unit) {
                    Some((_, us)) => found.push((index, us * factor)),
                    None => {
                        return Err(refuse(format!(
                            "the column `{name}` needs its unit: `{base}_us` or `{base}_ms`"
                        )));
                    }
                }
            }
            match found.as_slice() {
                [] => Ok(None),
                [one] => Ok(Some(*one)),
                [_, (second, _), ..] => Err(refuse(format!(
                    "`{}` and another column say the same",
                    names[*second]
                ))),
            }
        };
        let missing = |what: &str| refuse(format!("there is no column {what}"));
        Ok(Columns {
            layer: one(&["layer"])?.ok_or_else(|| missing("`layer`"))?,
            time: in_units(&TIMES)?.ok_or_else(|| missing("of times"))?,
            spread: in_units(&SPREADS)?,
            trace: in_units(&[("trace", 1.0)])?,
            runs: one(&["n", "runs"])?,
            side: one(&["side"])?,
            board: one(&["board"])?,
            part_of: one(&["part_of"])?,
            kind: one(&["kind"])?,
            names,
        })
    }

    pub(super) fn row(&self, line: u64, record: &csv::StringRecord) -> Result<TimeRow, TimesFlaw> {
        let cell = |index: usize| record.get(index).unwrap_or_default();
        let stated = |index: Option<usize>| index.map(cell).filter(|text| !text.is_empty());
        let name = cell(self.layer).to_owned();
        let kind = match stated(self.kind) {
            None => RowKind::Layer,
            Some(word) => kind(word)?,
        };
        let side = match stated(self.side) {
            None => None,
            Some(word) => Some(side(word)?),
        };
        if name.is_empty() && !matches!(kind, RowKind::Total | RowKind::Split) {
            return Err(TimesFlaw::NoName);
        }
        let part_of = stated(self.part_of).map(str::to_owned);
        let us = |(index, factor): (usize, f64)| self.time(index, cell(index), factor);
        let median_us = match (&part_of, cell(self.time.0)) {
            (Some(_), "") => 0.0,
            (Some(_), _) => return Err(TimesFlaw::TimeOfPart(name)),
            (None, _) => us(self.time)?,
        };
        let optional = |column: Option<(usize, f64)>| {
            let column = column.filter(|(index, _)| !cell(*index).is_empty());
            column.map(us).transpose()
        };
        Ok(TimeRow {
            line,
            kind,
            name,
            part_of,
            side,
            board: stated(self.board).map(str::to_owned),
            median_us,
            mad_us: optional(self.spread)?.unwrap_or(0.0),
            runs: match (self.runs, stated(self.runs)) {
                (Some(index), Some(text)) => self.count(index, text)?,
                _ => 0,
            },
            trace_us: optional(self.trace)?,
        })
    }

    fn time(&self, index: usize, text: &str, factor: f64) -> Result<f64, TimesFlaw> {
        let value = text.parse::<f64>().ok().map(|value| value * factor);
        let usable = value.filter(|us| (0.0..=LONGEST_US).contains(us));
        usable.ok_or_else(|| self.bad_number(index, text, "a time from 0 to one day"))
    }

    fn count(&self, index: usize, text: &str) -> Result<usize, TimesFlaw> {
        let count = text.parse::<u32>().ok();
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.bad_number(index, text, "a number of runs"))
    }

    fn bad_number(&self, index: usize, text: &str, expected: &'static str) -> TimesFlaw {
        TimesFlaw::BadNumber {
            column: self.names.get(index).cloned().unwrap_or_default(),
            text: text.to_owned(),
            expected,
        }
    }
}

const KINDS: [(&str, RowKind); 5] = [
    ("layer", RowKind::Layer),
    ("total", RowKind::Total),
    ("send", RowKind::Send),
    ("receive", RowKind::Receive),
    ("split", RowKind::Split),
];

fn kind(word: &str) -> Result<RowKind, TimesFlaw> {
    let found = KINDS
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name));
    found
        .map(|(_, kind)| *kind)
        .ok_or_else(|| TimesFlaw::BadWord {
            column: "kind",
            text: word.to_owned(),
            expected: "layer, total, send, receive or split",
        })
}

fn side(word: &str) -> Result<RowSide, TimesFlaw> {
    match word.to_ascii_lowercase().as_str() {
        "edge" => Ok(RowSide::Edge),
        "server" => Ok(RowSide::Server),
        _ => Err(TimesFlaw::BadWord {
            column: "side",
            text: word.to_owned(),
            expected: "edge or server",
        }),
    }
}
