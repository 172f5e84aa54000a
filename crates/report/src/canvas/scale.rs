//! Axes: how values become positions, and which values are worth a tick.

use cutpoint_core::units::{BitRate, Bytes, format_stated_us, three_digits};

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Spread {
    Linear,
    /// By decades; values must be positive.
    Log,
    /// Linear up to about the given value on both sides of zero, by decades beyond
    /// (inverse hyperbolic sine), for errors of either sign.
    Signed(f64),
}

impl Spread {
    /// Position of `value` in axis units, which plotters spreads evenly.
    pub(crate) fn position(self, value: f64) -> f64 {
        match self {
            Spread::Linear => value,
            Spread::Log => value.max(f64::MIN_POSITIVE).log10(),
            Spread::Signed(knee) => (value / knee).asinh(),
        }
    }
}

/// A marked value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// One axis of a panel; `from < to` in value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) spread: Spread,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) title: String,
}

/// What a value means, for ticks with unit words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    TimeUs,
    SizeBytes,
    RateBitS,
}

impl Quantity {
    /// `value` with its unit, such as `20 ms`, `1.5 kB` or `10 Mbit/s`.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Quantity::TimeUs => format_stated_us(value),
            Quantity::SizeBytes => Bytes(value.round() as u64).to_string(),
            Quantity::RateBitS => match BitRate::from_bit_s(value.round() as u64) {
                Some(rate) => rate.to_string(),
                None => format!("{} bit/s", three_digits(value)),
            },
        }
    }
}

impl Axis {
    /// An axis by decades with a tick with unit words at every decade, and at 2 and 5 when there
    /// are few decades. Neither end needs to be round.
    pub(crate) fn log(from: f64, to: f64, quantity: Quantity, title: &str) -> Axis {
        let ticks = log_steps(from, to)
            .into_iter()
            .map(|at| Tick {
                at,
                label: quantity.show(at),
            })
            .collect();
        Axis {
            spread: Spread::Log,
            from,
            to,
            ticks,
            title: title.to_owned(),
        }
    }

    /// A linear time axis with one unit, named in the title, for the whole axis. Values below zero
    /// are labelled without their sign: they are times drawn downwards.
    pub(crate) fn time(from_us: f64, to_us: f64, title: &str) -> Axis {
        let (unit, name) = match to_us.max(-from_us) {
            x if x < 999.5 => (1.0, "µs"),
            x if x < 999.5e3 => (1e3, "ms"),
            _ => (1e6, "s"),
        };
        let ticks = linear_steps(from_us / unit, to_us / unit, 5)
            .into_iter()
            .map(|at| Tick {
                at: at * unit,
                label: plain(at.abs()),
            })
            .collect();
        Axis {
            spread: Spread::Linear,
            from: from_us,
            to: to_us,
            ticks,
            title: format!("{title} ({name})"),
        }
    }

    /// Position of `value` as a share of the axis, 0 at `from`, 1 at `to`.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let [from, to] = self.span();
        (self.spread.position(value) - from) / (to - from)
    }

    /// The value at a share of the way between two values.
    pub(crate) fn between(&self, from: f64, to: f64, share: f64) -> f64 {
        match self.spread {
            Spread::Log => from * (to / from).powf(share),
            Spread::Linear | Spread::Signed(_) => from + (to - from) * share,
        }
    }

    /// Both ends in axis units.
    pub(crate) fn span(&self) -> [f64; 2] {
        [
            self.spread.position(self.from),
            self.spread.position(self.to),
        ]
    }

    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }
}

/// A number without trailing zeros.
pub(crate) fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten from `from` to `to`, about `count` of them.
pub(crate) fn linear_steps(from: f64, to: f64, count: usize) -> Vec<f64> {
    let raw = (to - from) / count.max(1) as f64;
    if !(raw.is_finite() && raw > 0.0) {
        return Vec::new();
    }
    let decade = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|f| f * decade >= raw * 0.75)
        .unwrap_or(10.0);
    let step = factor * decade;
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Round values on a logarithmic axis: 1, 2, 3, 4, 5, 7 within less than a decade, so that nobody
/// takes it for a linear one; 1, 2, 5 over up to three, decades over up to eight, every second or
/// third decade beyond.
pub(crate) fn log_steps(from: f64, to: f64) -> Vec<f64> {
    let decades = (to / from).log10();
    let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let every = if decades > 8.0 {
        (decades / 6.0).ceil() as i32
    } else {
        1
    };
    let factors: &[f64] = match decades {
        few if few < 1.0 => &[1.0, 2.0, 3.0, 4.0, 5.0, 7.0],
        few if few <= 3.0 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    (low..=high)
        .filter(|exponent| exponent.rem_euclid(every) == 0)
        .flat_map(|exponent| factors.iter().map(move |f| f * 10f64.powi(exponent)))
        .filter(|value| (from * 0.999_999..=to * 1.000_001).contains(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn rates_get_unit_words_at_decades() {
        let axis = Axis::log(1e5, 1e9, Quantity::RateBitS, "rate");
        assert_eq!(
            labels(&axis),
            [
                "100 kbit/s",
                "1 Mbit/s",
                "10 Mbit/s",
                "100 Mbit/s",
                "1 Gbit/s"
            ]
        );
        let axis = Axis::log(1.5e6, 2.1e7, Quantity::RateBitS, "rate");
        assert_eq!(
            labels(&axis),
            ["2 Mbit/s", "5 Mbit/s", "10 Mbit/s", "20 Mbit/s"]
        );
    }

    #[test]
    fn a_linear_time_axis_has_one_unit() {
        let axis = Axis::time(-1_000.0, 4_200.0, "time");
        assert_eq!(axis.title, "time (ms)");
        assert_eq!(labels(&axis), ["1", "0", "1", "2", "3", "4"]);
    }

    #[test]
    fn many_decades_are_thinned() {
        assert!(log_steps(1.0, 1e14).len() <= 8);
        assert_eq!(log_steps(2.5, 12.0), [3.0, 4.0, 5.0, 7.0, 10.0]);
        assert_eq!(log_steps(3.2, 3.5), Vec::<f64>::new());
        assert!(linear_steps(1.0, 1.0, 5).is_empty());
    }

    #[test]
    fn errors_of_either_sign_spread_alike() {
        let spread = Spread::Signed(1.0);
        assert_eq!(spread.position(-5.0), -spread.position(5.0));
        assert_eq!(spread.position(0.0), 0.0);
    }
}
