//! Traces from files: a table of times and rates, or Mahimahi's list of packets.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{Flaw, RateTrace, RateTraceError, Step};
use crate::contents::Contents;
use crate::units::{Delay, MAX_BIT_S, parse_bit_s};

/// Rows that are read.
pub const MAX_ROWS: usize = 10_000_000;

/// Bytes that are read.
const MAX_BYTES: u64 = 512 << 20;

/// Bytes that are looked at before anything is read; far more than a line.
const BUFFER: usize = 1 << 16;

/// A step this many times as long as the usual one is taken for a gap.
const GAP: u64 = 10;

/// Nanoseconds that packets of Mahimahi's form are counted over.
const WINDOW_NS: u64 = 100_000_000;

/// Bits that a packet of Mahimahi's form delivers.
const PACKET_BITS: u64 = 8 * 1500;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;

/// How a file is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// The longest time that a rate is believed to hold; without it, 10 times the median of all.
    pub max_gap: Option<Delay>,
}

impl RateTrace {
    /// Reads a file in one of two forms.
    ///
    /// - A table of values separated by commas, with a header: the column `time_s` in seconds, in
    ///   increasing order from any beginning, and one of `rate` (with its unit, such as
    ///   `10Mbit/s`), `rate_bit_s` and `rate_mbit_s`; other columns, and lines that begin with `#`,
    ///   are passed over. A rate holds until the next row, that of the last row for the median of
    ///   all steps. Zero is a link that is down.
    /// - Mahimahi's: each line is a whole millisecond at which a packet of 1500 bytes can be
    ///   delivered. Packets are counted over windows of 100 ms, the last of which may be shorter.
    ///
    /// # Errors
    /// [`RateTraceError`] names the line.
    pub fn load(path: &Path, reading: Reading) -> Result<RateTrace, RateTraceError> {
        match File::open(path) {
            Ok(file) => RateTrace::read(file, path, reading),
            Err(error) => Err(Place(path).refuse(None, Flaw::Io(error.to_string()))),
        }
    }

    /// As [`RateTrace::load`], from an open file; `path` is for messages.
    ///
    /// # Errors
    /// As [`RateTrace::load`].
    pub fn read(
        file: impl Read,
        path: &Path,
        reading: Reading,
    ) -> Result<RateTrace, RateTraceError> {
        let place = Place(path);
        let mut file = BufReader::with_capacity(BUFFER, file.take(MAX_BYTES + 1));
        let start = file
            .fill_buf()
            .map_err(|e| place.refuse(None, Flaw::Io(e.to_string())))?;
        if let Some(contents) = Contents::of(start) {
            let flaw = Flaw::NotATable(format!("it is {contents}"));
            return Err(place.refuse(None, flaw));
        }
        let one_line = start.len() == BUFFER && !start.contains(&b'\n');
        if one_line || start.contains(&0) {
            let flaw = Flaw::NotATable("it is not text in lines".to_owned());
            return Err(place.refuse(None, flaw));
        }
        let steps = if is_list(start) {
            packets(file, &place)?
        } else {
            table(file, &place, reading)?
        };
        RateTrace::new(steps).map_err(|flaw| place.refuse(None, flaw))
    }
}

/// Where errors are.
struct Place<'a>(&'a Path);

impl Place<'_> {
    fn refuse(&self, line: Option<u64>, flaw: Flaw) -> RateTraceError {
        RateTraceError {
            path: self.0.to_owned(),
            line,
            flaw,
        }
    }
}

/// Whether a text that begins like this is Mahimahi's: its first line with content is a number
/// without a comma.
fn is_list(start: &[u8]) -> bool {
    let mut lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    first.is_some_and(|line| line.iter().all(u8::is_ascii_digit))
}

fn packets(file: impl BufRead, place: &Place<'_>) -> Result<Vec<Step>, RateTraceError> {
    let mut windows: Vec<u64> = Vec::new();
    let (mut before, mut bytes) = (0_u64, 0_u64);
    for (line, text) in (1..).zip(file.split(b'\n')) {
        let refuse = |flaw| place.refuse(Some(line), flaw);
        let text = text.map_err(|error| refuse(Flaw::Io(error.to_string())))?;
        bytes += text.len() as u64 + 1;
        if bytes > MAX_BYTES {
            return Err(refuse(Flaw::TooLarge(MAX_BYTES >> 20)));
        }
        let text = String::from_utf8_lossy(&text);
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let number = text.parse::<u64>();
        let this = number.map_err(|_| refuse(Flaw::NotMilliseconds(shown(text))))?;
        if this < before {
            return Err(refuse(Flaw::EarlierPacket { before, this }));
        }
        // the packet at 100 ms is the last of the first window
        let window = this.saturating_sub(1) / (WINDOW_NS / NS_PER_MS);
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        if window >= MAX_ROWS {
            return Err(refuse(Flaw::TooManyRows));
        }
        if window >= windows.len() {
            windows.resize(window + 1, 0);
        }
        windows[window] += 1;
        before = this;
    }
    let end = before * NS_PER_MS;
    let step = |(start, packets): (u64, u64)| {
        let hold_ns = end.saturating_sub(start).min(WINDOW_NS);
        let bits = u128::from(packets) * u128::from(PACKET_BITS) * u128::from(NS_PER_S);
        let bit_s = bits / u128::from(hold_ns.max(1));
        Step {
            hold_ns,
            bit_s: u64::try_from(bit_s).unwrap_or(u64::MAX),
        }
    };
    let starts = (0..).step_by(WINDOW_NS as usize);
    Ok(starts.zip(windows).map(step).collect())
}

/// A row of a table.
struct Row {
    line: u64,
    /// From the first row.
    ns: u64,
    bit_s: u64,
}

fn table(
    file: impl Read,
    place: &Place<'_>,
    reading: Reading,
) -> Result<Vec<Step>, RateTraceError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(file);
    let broken = |error: &csv::Error| {
        let line = error.position().map(csv::Position::line);
        place.refuse(line, reason(error))
    };
    let header = reader.headers().map_err(|error| broken(&error))?;
    if header.is_empty() {
        return Err(place.refuse(None, Flaw::Empty));
    }
    let line = header.position().map(csv::Position::line);
    let columns = Columns::find(header).map_err(|flaw| place.refuse(line, flaw))?;
    let mut rows: Vec<Row> = Vec::new();
    let (mut first, mut before) = (None, f64::NEG_INFINITY);
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| broken(&error))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let refuse = |flaw| place.refuse(Some(line), flaw);
        if rows.len() == MAX_ROWS {
            return Err(refuse(Flaw::TooManyRows));
        }
        let (this, bit_s) = columns.values(&record).map_err(refuse)?;
        let ns = (this - *first.get_or_insert(this)) * NS_PER_S as f64;
        // far beyond what a trace may last, but within the range of whole numbers
        let ns = ns.round().min(1e19) as u64;
        if this <= before || rows.last().is_some_and(|last| last.ns >= ns) {
            return Err(refuse(Flaw::Backwards { before, this }));
        }
        rows.push(Row { line, ns, bit_s });
        before = this;
    }
    if reader.position().byte() > MAX_BYTES {
        return Err(place.refuse(None, Flaw::TooLarge(MAX_BYTES >> 20)));
    }
    steps(&rows, reading).map_err(|(line, flaw)| place.refuse(line, flaw))
}

/// What the rows of a table say, each until the next.
fn steps(rows: &[Row], reading: Reading) -> Result<Vec<Step>, (Option<u64>, Flaw)> {
    let holds: Vec<u64> = rows
        .windows(2)
        .map(|pair| pair[1].ns - pair[0].ns)
        .collect();
    let mut sorted = holds.clone();
    sorted.sort_unstable();
    let usual_ns = match (sorted.get(sorted.len().saturating_sub(1) / 2), rows) {
        (Some(median), _) => *median,
        (None, [row]) => return Err((Some(row.line), Flaw::OneRow)),
        (None, _) => return Err((None, Flaw::Empty)),
    };
    let longest = match reading.max_gap {
        Some(longest) => longest.ns(),
        None => usual_ns.saturating_mul(GAP),
    };
    if let Some(at) = holds.iter().position(|hold| *hold > longest) {
        let gap_ns = holds[at];
        return Err((Some(rows[at + 1].line), Flaw::Gap { gap_ns, usual_ns }));
    }
    let holds = holds.into_iter().chain([usual_ns]);
    let step = |(row, hold_ns): (&Row, u64)| Step {
        hold_ns,
        bit_s: row.bit_s,
    };
    Ok(rows.iter().zip(holds).map(step).collect())
}

/// Which columns of a table to read.
struct Columns {
    time: usize,
    rate: usize,
    unit: RateUnit,
}

#[derive(Clone, Copy)]
enum RateUnit {
    Stated,
    Bits,
    Megabits,
}

const TIME: &str = "time_s";

impl RateUnit {
    const ALL: [RateUnit; 3] = [RateUnit::Stated, RateUnit::Bits, RateUnit::Megabits];

    fn column(self) -> &'static str {
        match self {
            RateUnit::Stated => "rate",
            RateUnit::Bits => "rate_bit_s",
            RateUnit::Megabits => "rate_mbit_s",
        }
    }
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Columns, Flaw> {
        // some programs mark UTF-8 by an invisible character
        let name = |cell: &str| cell.trim_start_matches('\u{feff}').to_owned();
        let names: Vec<String> = header.iter().map(name).collect();
        let refuse = |problem: &str| Flaw::Columns {
            problem: problem.to_owned(),
            found: shown(&names.join(", ")),
        };
        let all = |wanted: &str| -> Vec<usize> {
            let found = names.iter().enumerate().filter(|(_, name)| *name == wanted);
            found.map(|(index, _)| index).collect()
        };
        let rates = RateUnit::ALL.into_iter();
        let rates: Vec<(usize, RateUnit)> = rates
            .flat_map(|unit| all(unit.column()).into_iter().map(move |at| (at, unit)))
            .collect();
        match (all(TIME).as_slice(), rates.as_slice()) {
            ([time], [(rate, unit)]) => Ok(Columns {
                time: *time,
                rate: *rate,
                unit: *unit,
            }),
            ([], _) => Err(refuse("there is no column `time_s`")),
            ([_], []) => Err(refuse("there is no column of rates")),
            ([_], _) => Err(refuse("there is more than one column of rates")),
            _ => Err(refuse("there is more than one column `time_s`")),
        }
    }

    /// Seconds and bits per second.
    fn values(&self, record: &csv::StringRecord) -> Result<(f64, u64), Flaw> {
        let cell = |index| record.get(index).unwrap_or_default();
        let time = number(
            cell(self.time),
            TIME,
            "write the time in seconds, such as 12.5",
        )?;
        let text = cell(self.rate);
        let column = self.unit.column();
        let bit_s = match self.unit {
            RateUnit::Stated => return Ok((time, stated(text)?)),
            RateUnit::Bits => number(text, column, "write bits per second, such as 10000000")?,
            RateUnit::Megabits => {
                1e6 * number(text, column, "write megabits per second, such as 10.5")?
            }
        };
        Ok((time, whole_bits(bit_s, text)?))
    }
}

/// A rate with its unit; what a rate below zero lacks is not a unit.
fn stated(text: &str) -> Result<u64, Flaw> {
    match text.strip_prefix('-').map(parse_bit_s) {
        Some(Ok(_)) => Err(bad_rate(text, "below zero")),
        _ => Ok(parse_bit_s(text)?),
    }
}

fn whole_bits(bit_s: f64, text: &str) -> Result<u64, Flaw> {
    match bit_s {
        below if below < 0.0 => Err(bad_rate(text, "below zero")),
        beyond if beyond > MAX_BIT_S => Err(bad_rate(text, "faster than any link")),
        rate => Ok(rate.round() as u64),
    }
}

fn bad_rate(text: &str, problem: &'static str) -> Flaw {
    let text = shown(text);
    Flaw::BadRate { text, problem }
}

fn number(text: &str, column: &'static str, expected: &'static str) -> Result<f64, Flaw> {
    let value: Option<f64> = text.parse().ok();
    value
        .filter(|v| v.is_finite())
        .ok_or_else(|| Flaw::NotANumber {
            column,
            text: shown(text),
            expected,
        })
}

/// The beginning of what stands in a file.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn reason(error: &csv::Error) -> Flaw {
    match error.kind() {
        csv::ErrorKind::Io(error) => Flaw::Io(error.to_string()),
        csv::ErrorKind::Utf8 { .. } => Flaw::NotATable("it is not UTF-8".to_owned()),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => Flaw::NotATable(format!("{len} values where the header has {expected_len}")),
        _ => Flaw::NotATable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, u64)>, RateTraceError> {
        read_with(text, None)
    }

    /// Steps in milliseconds and bits per second.
    fn read_with(text: &str, gap: Option<&str>) -> Result<Vec<(u64, u64)>, RateTraceError> {
        let reading = Reading {
            max_gap: gap.map(|gap| gap.parse().unwrap()),
        };
        let trace = RateTrace::read(text.as_bytes(), Path::new("t.csv"), reading)?;
        let steps = trace
            .steps()
            .map(|step| (step.hold_ns / NS_PER_MS, step.bit_s));
        Ok(steps.collect())
    }

    #[test]
    fn tables_name_their_columns_in_any_order() {
        let same = [(500, 1_500_000), (500, 0), (500, 2_000_000)];
        for text in [
            "time_s,rate\n0,1.5 Mbit/s\n0.5,0 bit/s\n1,2Mbps\n",
            "\u{feff}time_s , rate_bit_s\r\n10,1500000\r\n10.5,0\r\n11,2e6\r\n",
            "# from a car\ncell,rate_mbit_s,time_s\nA,1.5,-1\nB,0,-0.5\nB,2,0",
            "time_s,rate\n\n1700000000.0,1.5Mbit/s\n1700000000.5,0kbit/s\n1700000001,2Mbit/s",
        ] {
            assert_eq!(read(text).unwrap(), same, "{text}");
        }
    }

    #[test]
    fn the_last_rate_holds_as_long_as_most() {
        let text = "time_s,rate_bit_s\n0,1\n1,2\n3,3\n4,4\n4.5,5\n";
        let holds: Vec<u64> = read(text).unwrap().iter().map(|(ms, _)| *ms).collect();
        assert_eq!(holds, [1_000, 2_000, 1_000, 500, 1_000]);
    }

    #[test]
    fn gaps_are_refused_unless_allowed() {
        let text = "time_s,rate_bit_s\n0,1\n1,2\n2,3\n12.5,4\n13.5,5\n";
        let error = read(text).unwrap_err().to_string();
        assert_eq!(
            error,
            "t.csv: line 5: nothing is known for 10.5 s before this row, while rows are mostly 1 s \
             apart: if the rate before held that long, allow it with `--max-gap 11s`; else cut the \
             trace there"
        );
        assert_eq!(read_with(text, Some("11s")).unwrap()[2], (10_500, 3));
        assert!(read_with(text, Some("10s")).is_err());
        // ten times the usual step is none yet, and a shorter limit can be asked for
        let text = text.replace("12.5", "12");
        assert_eq!(read(&text).unwrap()[2], (10_000, 3));
        assert!(read_with(&text, Some("5s")).is_err());
        let error = read_with("time_s,rate_bit_s\n0,1\n0.25,2\n", Some("100ms")).unwrap_err();
        assert!(error.to_string().contains("--max-gap 250ms"), "{error}");
    }

    #[test]
    fn packets_are_counted_over_windows() {
        // 3 packets in (0, 100], none in (100, 200], 1 in (200, 250]
        let text = "# up\n5\n5\n\n100\n250\n";
        let packet = 12_000;
        assert_eq!(
            read(text).unwrap(),
            [(100, 30 * packet), (100, 0), (50, 20 * packet)]
        );
        // all that was listed is delivered, whatever the windows
        let trace = RateTrace::read(text.as_bytes(), Path::new("t"), Reading::default()).unwrap();
        assert_eq!(trace.sent_at(0, 4 * packet), trace.duration_ns());
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_place() {
        let many_days = format!("1\n{}\n", 86_400_000_u64 * 365);
        for (text, place, word) in [
            ("", "t.csv: ", "empty"),
            ("time_s,rate\n", "t.csv: ", "empty"),
            ("# nothing\n", "t.csv: ", "empty"),
            ("time_s,rate\n0,1Mbit/s\n", "line 2: ", "one row"),
            ("0,1\n1,2\n", "line 1: ", "no column `time_s`; it has 0, 1"),
            ("time_s;rate\n0;1\n", "line 1: ", "no column `time_s`"),
            ("time_s,speed\n0,1\n", "line 1: ", "no column of rates"),
            (
                "time_s,rate,rate_bit_s\n0,1,1\n",
                "line 1: ",
                "more than one column of",
            ),
            (
                "time_s,rate,time_s\n0,1,1\n",
                "line 1: ",
                "more than one column `time_s`",
            ),
            (
                "time_s,rate\n0,1Mbit/s\n1\n",
                "line 3: ",
                "1 values where the header has 2",
            ),
            (
                "time_s,rate\n0,1Mbit/s\n1,fast\n",
                "line 3: ",
                "`fast` is not a rate",
            ),
            ("time_s,rate\n0,10\n1,10\n", "line 2: ", "unit"),
            (
                "time_s,rate\n0,-1Mbit/s\n1,1Mbit/s\n",
                "line 2: ",
                "below zero",
            ),
            (
                "time_s,rate_bit_s\n0,5\n1,-5\n",
                "line 3: ",
                "-5 is below zero",
            ),
            (
                "time_s,rate_bit_s\n0,1e15\n1,1\n",
                "line 2: ",
                "faster than any link",
            ),
            (
                "time_s,rate_bit_s\n0,inf\n1,1\n",
                "line 2: ",
                "`inf` in column `rate_bit_s`",
            ),
            (
                "time_s,rate_mbit_s\n0,NaN\n1,1\n",
                "line 2: ",
                "not a number",
            ),
            (
                "time_s,rate_mbit_s\n0,1 Mbit/s\n1,1\n",
                "line 2: ",
                "not a number",
            ),
            ("time_s,rate_bit_s\n0,\n1,1\n", "line 2: ", "`` in column"),
            (
                "time_s,rate_bit_s\nnoon,5\n1,1\n",
                "line 2: ",
                "`noon` in column `time_s`",
            ),
            (
                "time_s,rate_bit_s\n1,5\n0,1\n",
                "line 3: ",
                "0 s comes after 1 s",
            ),
            ("time_s,rate_bit_s\n1,5\n1,1\n", "line 3: ", "twice"),
            ("time_s,rate_bit_s\n0,5\n1e-12,1\n", "line 3: ", "twice"),
            (
                "time_s,rate_bit_s\n0,0\n1,0\n",
                "t.csv: ",
                "down all the time",
            ),
            (
                "time_s,rate_bit_s\n0,1\n1e10,1\n",
                "t.csv: ",
                "thirty years",
            ),
            (
                "time_s,rate_bit_s\n0,1\n1e300,1\n",
                "t.csv: ",
                "thirty years",
            ),
            ("5\n4\n", "line 2: ", "4 ms comes after 5 ms"),
            ("5\nsix\n", "line 2: ", "`six` is not a whole number"),
            ("5\n-6\n", "line 2: ", "`-6` is not a whole number"),
            ("0\n0\n", "t.csv: ", "empty"),
            (&many_days, "line 2: ", "10 million"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.starts_with("t.csv: ") && error.contains(place),
                "{text:?}: {error}"
            );
            assert!(error.contains(word), "{text:?}: {error}");
            assert!(error.lines().count() == 1, "{error}");
        }
        for text in ["\0\0\n".to_owned(), "1".repeat(BUFFER + 5)] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains("not text in lines"), "{error}");
        }
        let raw: &[u8] = b"time_s,rate_bit_s\n0,1\n1,\xff\n";
        let error = RateTrace::read(raw, Path::new("t.csv"), Reading::default()).unwrap_err();
        assert!(error.to_string().contains("UTF-8"), "{error}");
        let error = RateTrace::load(Path::new("nowhere.csv"), Reading::default()).unwrap_err();
        assert!(error.to_string().starts_with("nowhere.csv: "), "{error}");
    }

    #[test]
    fn long_cells_are_shown_by_their_beginning() {
        let text = format!("time_s,rate_bit_s\n0,{}\n1,1\n", "é".repeat(5_000));
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains("ééé…") && error.len() < 400, "{error}");
    }
}
