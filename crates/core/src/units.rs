//! Sizes, rates and times with their unit in the type, read and printed the way people write them.
//!
//! Sizes print in SI units (`kB`, `MB`); both SI and IEC (`KiB`, `MiB`) are read. A bare number
//! is refused everywhere: a person always states the unit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A number of bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A data rate in bits per second, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(u64);

/// An amount of energy, in nanojoules.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Energy(pub u64);

/// Power, in microwatts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watts(pub u64);

/// A share of a whole, in millionths, so that sums and comparisons are exact.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(pub u64);

/// Text that is not a quantity with a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {expected}")]
pub struct ParseUnitError {
    text: String,
    what: &'static str,
    expected: String,
}

const SIZE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1024.0 * 1024.0),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
];
const RATE_UNITS: &[(&str, f64)] = &[
    ("bit/s", 1.0),
    ("kbit/s", 1e3),
    ("Mbit/s", 1e6),
    ("Gbit/s", 1e9),
    ("bps", 1.0),
    ("kbps", 1e3),
    ("Mbps", 1e6),
    ("Gbps", 1e9),
];
/// Faster than any link, so that sums stay exact.
pub const MAX_BIT_S: f64 = 1e14;
const TIME_UNITS: &[(&str, f64)] = &[
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
];

const ENERGY_UNITS: &[(&str, f64)] = &[
    ("nJ", 1.0),
    ("uJ", 1e3),
    ("µJ", 1e3),
    ("mJ", 1e6),
    ("J", 1e9),
];
const POWER_UNITS: &[(&str, f64)] = &[("uW", 1.0), ("µW", 1.0), ("mW", 1e3), ("W", 1e6)];

/// Splits `text` into a finite, non-negative number and a known unit, and multiplies them.
fn quantity(text: &str, what: &'static str, units: &[(&str, f64)]) -> Result<f64, ParseUnitError> {
    let error = |expected: String| ParseUnitError {
        text: text.to_owned(),
        what,
        expected,
    };
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..split], trimmed[split..].trim());
    let names = || {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let number: f64 = number
        .parse()
        .map_err(|_| error(format!("write a number and a unit ({})", names())))?;
    let factor = units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
        .ok_or_else(|| error(format!("the unit must be one of {}", names())))?;
    let value = number * factor;
    if value.is_finite() && value < 9e18 {
        Ok(value)
    } else {
        Err(error("the value is out of range".to_owned()))
    }
}

/// The shortest text with one of these units that reads back as the same quantity.
fn shortest<T: FromStr + PartialEq>(quantity: &T, value: f64, units: &[(&str, f64)]) -> String {
    let texts = units
        .iter()
        .rev()
        .map(|(unit, factor)| format!("{} {unit}", value / factor));
    let exact = texts.filter(|text| text.parse().is_ok_and(|read: T| read == *quantity));
    let (base, _) = units[0];
    exact
        .min_by_key(|text| text.chars().count())
        .unwrap_or_else(|| format!("{value} {base}"))
}

/// A whole number of the first of the units, with all its digits, in the largest unit of which there
/// is one.
fn exactly(value: u64, units: &[(&str, u64)]) -> String {
    let fits = units.iter().rev().find(|(_, factor)| value >= *factor);
    let (unit, factor) = fits.copied().unwrap_or(units[0]);
    format!("{} {unit}", value as f64 / factor as f64)
}

impl Bytes {
    /// Returns the size as a person types it, to the byte: `64 MiB`.
    pub fn typed(self) -> String {
        shortest(&self, self.0 as f64, SIZE_UNITS)
    }
}

impl FromStr for Bytes {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = quantity(text, "size", SIZE_UNITS)?;
        Ok(Bytes(value.round() as u64))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} B", self.0),
            1_000..1_000_000 => format!("{} kB", three_digits(value / 1e3)),
            1_000_000..1_000_000_000 => format!("{} MB", three_digits(value / 1e6)),
            _ => format!("{} GB", three_digits(value / 1e9)),
        };
        f.pad(&text)
    }
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(iter: I) -> Bytes {
        Bytes(iter.map(|b| b.0).fold(0, u64::saturating_add))
    }
}

impl BitRate {
    /// One bit per second.
    pub const SLOWEST: BitRate = BitRate(1);

    /// Returns the rate of `bits` per second; `None` for zero.
    pub fn from_bit_s(bits: u64) -> Option<BitRate> {
        (bits > 0).then_some(BitRate(bits))
    }

    /// Returns the bits per second, at least one.
    pub fn bit_s(self) -> u64 {
        self.0
    }

    /// Returns the rate as a person types it, to the bit per second: `10 Mbit/s`.
    pub fn typed(self) -> String {
        shortest(&self, self.0 as f64, &RATE_UNITS[..4])
    }
}

impl FromStr for BitRate {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        BitRate::from_bit_s(parse_bit_s(text)?)
            .ok_or_else(|| rate_error(text, "a link needs at least 1 bit/s"))
    }
}

/// Reads a rate such as `10 Mbit/s` in whole bits per second; zero is a link that is down.
///
/// # Errors
/// No number with a unit, or a rate that no link has.
pub fn parse_bit_s(text: &str) -> Result<u64, ParseUnitError> {
    let value = quantity(text, "rate", RATE_UNITS)?;
    if value > MAX_BIT_S {
        Err(rate_error(text, "no link is faster than 100 Tbit/s"))
    } else {
        Ok(value.round() as u64)
    }
}

fn rate_error(text: &str, expected: &str) -> ParseUnitError {
    ParseUnitError {
        text: text.to_owned(),
        what: "rate",
        expected: expected.to_owned(),
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} bit/s", self.0),
            1_000..1_000_000 => format!("{} kbit/s", three_digits(value / 1e3)),
            1_000_000..1_000_000_000 => format!("{} Mbit/s", three_digits(value / 1e6)),
            _ => format!("{} Gbit/s", three_digits(value / 1e9)),
        };
        f.pad(&text)
    }
}

/// Read with its percent sign, `0.5 %`; to the ten-thousandth of a percent, rounded down.
impl FromStr for Share {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = quantity(text, "share", &[("%", 1e4)]).map_err(|error| ParseUnitError {
            expected: "write it with a percent sign, such as `1%`".to_owned(),
            ..error
        })?;
        // a little more than what was typed is noise of the conversion
        Ok(Share((value + 1e-3).floor() as u64))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} %", self.0 as f64 / 1e4))
    }
}

impl FromStr for Energy {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = quantity(text, "energy", ENERGY_UNITS)?;
        Ok(Energy(value.round() as u64))
    }
}

impl Energy {
    /// Returns the energy to the nanojoule, so that it can be typed again: `3.744 mJ`.
    pub fn exact(self) -> String {
        exactly(
            self.0,
            &[
                ("nJ", 1),
                ("µJ", 1_000),
                ("mJ", 1_000_000),
                ("J", 1_000_000_000),
            ],
        )
    }

    /// Returns the energy as a person types it, to the nanojoule: `5 mJ`.
    pub fn typed(self) -> String {
        shortest(&self, self.0 as f64, ENERGY_UNITS)
    }
}

impl Watts {
    /// Returns the power to the microwatt, so that it can be typed again: `487.361 mW`.
    pub fn exact(self) -> String {
        exactly(self.0, &[("µW", 1), ("mW", 1_000), ("W", 1_000_000)])
    }

    /// Returns the power as a person types it, to the microwatt: `1.5 W`.
    pub fn typed(self) -> String {
        shortest(&self, self.0 as f64, POWER_UNITS)
    }
}

impl fmt::Display for Energy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} nJ", self.0),
            1_000..1_000_000 => format!("{} µJ", three_digits(value / 1e3)),
            1_000_000..1_000_000_000 => format!("{} mJ", three_digits(value / 1e6)),
            _ => format!("{} J", three_digits(value / 1e9)),
        };
        f.pad(&text)
    }
}

impl FromStr for Watts {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = quantity(text, "power", POWER_UNITS)?;
        Ok(Watts(value.round() as u64))
    }
}

impl fmt::Display for Watts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} µW", self.0),
            1_000..1_000_000 => format!("{} mW", three_digits(value / 1e3)),
            _ => format!("{} W", three_digits(value / 1e6)),
        };
        f.pad(&text)
    }
}

/// Reads a time such as `20 ms`, exact to the nanosecond.
pub fn parse_duration(text: &str) -> Result<Duration, ParseUnitError> {
    let seconds = quantity(text, "time", TIME_UNITS)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| ParseUnitError {
        text: text.to_owned(),
        what: "time",
        expected: "the value is out of range".to_owned(),
    })
}

/// Prints a stated time, given in microseconds, in its best unit and without needless zeros:
/// `20 ms`.
pub fn format_stated_us(us: f64) -> String {
    in_best_unit(us, three_digits)
}

/// Prints a computed or measured time, given in microseconds, with three significant digits in its
/// best unit: `412 µs`, `1.00 ms`, `45.6 s`.
pub fn format_us(us: f64) -> String {
    in_best_unit(us, significant)
}

/// Prints a time so that it can be typed again, to the nanosecond: `33.333333 ms`.
pub fn format_exact_ns(ns: u64) -> String {
    let value = ns as f64;
    match ns {
        0..1_000_000 => format!("{} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{} ms", value / 1e6),
        _ => format!("{} s", value / 1e9),
    }
}

fn in_best_unit(us: f64, print: fn(f64) -> String) -> String {
    match us.abs() {
        x if x < 999.5 => format!("{} µs", print(us)),
        x if x < 999.5e3 => format!("{} ms", print(us / 1e3)),
        _ => format!("{} s", print(us / 1e6)),
    }
}

/// A number with three significant digits: `0.12`, `1.00`, `45.6`, `789`; zero is `0`.
fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        x if x == 0.0 || x >= 99.95 => 0,
        x if x >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// As [`format_us`] for a bare number, without trailing zeros: `0.12`, `3.21`, `45.6`, `10`.
pub fn three_digits(value: f64) -> String {
    let text = significant(value);
    match text.strip_suffix(".00").or_else(|| text.strip_suffix(".0")) {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

macro_rules! read_from_text {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
read_from_text!(BitRate);
read_from_text!(Share);

/// A time as typed by a person: `20 ms`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delay(pub Duration);

impl FromStr for Delay {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_duration(text).map(Delay)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_stated_us(self.0.as_secs_f64() * 1e6))
    }
}
read_from_text!(Delay);

impl Delay {
    /// Returns whole nanoseconds, saturating.
    pub fn ns(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the time as a person types it, to the nanosecond: `20 ms`.
    pub fn typed(self) -> String {
        // in whole nanoseconds, of which floats lose none
        let in_ns = |(unit, seconds): &(&'static str, f64)| (*unit, (seconds * 1e9).round());
        let units: Vec<(&str, f64)> = TIME_UNITS.iter().map(in_ns).collect();
        shortest(&self, self.ns() as f64, &units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_amounts_read_back() {
        for value in [0, 1, 999, 487_361, 1_500_000, 3_744_001, 12_345_678_901] {
            assert_eq!(Energy(value).exact().parse(), Ok(Energy(value)));
            assert_eq!(Watts(value).exact().parse(), Ok(Watts(value)));
        }
        assert_eq!(Energy(3_744_000).exact(), "3.744 mJ");
        assert_eq!(Watts(1_000).exact(), "1 mW");
    }

    #[test]
    fn sizes_read_both_families_and_refuse_bare_or_ambiguous_units() {
        for (text, bytes) in [
            ("64 MiB", 64 << 20),
            ("64MiB", 64 << 20),
            ("1.5 kB", 1500),
            ("0 B", 0),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in [
            "64",
            "64 Mb",
            "64 M",
            "-1 B",
            "MiB",
            "",
            "1e3 B",
            "1 kb",
            "99999999999 GB",
        ] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_in_bits_and_never_zero() {
        for (text, bits) in [
            ("40 Mbit/s", 40_000_000),
            ("40Mbps", 40_000_000),
            ("1.6Mbit/s", 1_600_000),
        ] {
            assert_eq!(text.parse::<BitRate>().unwrap().bit_s(), bits, "{text}");
        }
        for text in [
            "0 bit/s",
            "0.1 bit/s",
            "40 MB/s",
            "40",
            "-3 Mbit/s",
            "inf Mbit/s",
            "NaN bit/s",
            "1000000 Gbit/s",
        ] {
            assert!(text.parse::<BitRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_that_is_down_has_the_rate_zero() {
        assert_eq!(parse_bit_s("0 Mbit/s"), Ok(0));
        assert_eq!(parse_bit_s("1.6Mbit/s"), Ok(1_600_000));
        for text in ["0", "-0 bit/s", "1e3 bit/s", "1000000 Gbit/s", "nan bit/s"] {
            assert!(parse_bit_s(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_need_their_percent_sign() {
        for (text, millionths) in [
            ("1%", 10_000),
            ("0.07 %", 700),
            ("0%", 0),
            ("150%", 1_500_000),
        ] {
            assert_eq!(text.parse(), Ok(Share(millionths)), "{text}");
        }
        assert_eq!(Share(700).to_string(), "0.07 %");
        for text in ["0.01", "1", "-1%", "%", "1 percent"] {
            let error = text.parse::<Share>().unwrap_err().to_string();
            assert!(error.contains("`1%`"), "{error}");
        }
    }

    #[test]
    fn quantities_are_typed_short_and_exactly() {
        for text in ["64 MiB", "1.5 kB", "0 B", "67108865 B"] {
            assert_eq!(text.parse::<Bytes>().unwrap().typed(), text);
        }
        for text in ["10 Mbit/s", "37.5 kbit/s", "1 bit/s", "100000 Gbit/s"] {
            assert_eq!(text.parse::<BitRate>().unwrap().typed(), text);
        }
        for text in ["20 ms", "66.7 ms", "0 s", "1 ns", "2 min", "0.1 ms", "7 µs"] {
            assert_eq!(text.parse::<Delay>().unwrap().typed(), text);
        }
    }

    #[test]
    fn numbers_print_short() {
        assert_eq!(Bytes(1_254_000).to_string(), "1.25 MB");
        assert_eq!(Bytes(999).to_string(), "999 B");
        assert_eq!(format_us(412.4), "412 µs");
        assert_eq!(format_us(3214.6), "3.21 ms");
        assert_eq!(format_us(1000.0), "1.00 ms");
        assert_eq!("20ms".parse::<Delay>().unwrap().to_string(), "20 ms");
        assert_eq!(
            "10Mbit/s".parse::<BitRate>().unwrap().to_string(),
            "10 Mbit/s"
        );
        assert_eq!(parse_duration("20 ms").unwrap(), Duration::from_millis(20));
    }
}
