//! How the rate of a link changes over time, and how likely a rate is.
//!
//! A [`RateTrace`] is a row of steps: each holds a rate for a while, and a rate of zero is an outage,
//! during which nothing is sent. A transfer takes what the trace gives from its start on, over as
//! many steps as it needs, and after the last step the trace begins again, as in Mahimahi
//! (Netravali et al., USENIX ATC 2015). Times are whole nanoseconds and rates whole bits per second,
//! so that sums are exact.

mod error;
mod read;
mod spread;

use serde::{Deserialize, Serialize};

use crate::units::BitRate;

pub use error::{Flaw, RateTraceError};
pub use read::{MAX_ROWS, Reading};
pub use spread::{BadRateSpread, RateQuantiles, RateSpread};

/// A link's rate over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateTrace {
    /// Start of each step in nanoseconds from the first, and the end of the last.
    starts: Vec<u64>,
    /// Of each step, in bit/s.
    rates: Vec<u64>,
    /// What can be sent before each of `starts`, in billionths of a bit.
    sent: Vec<u128>,
}

/// A rate, and how long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds, at least one.
    pub hold_ns: u64,
    /// Zero while the link is down.
    pub bit_s: u64,
}

/// A trace in a few numbers; shares and quantiles are of its time, not of its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Rates that follow one another.
    pub steps: usize,
    /// How long it is.
    pub duration_s: f64,
    /// What can be sent, over the duration.
    pub mean_bit_s: f64,
    /// Half of the time is at most this fast.
    pub median_bit_s: u64,
    /// Standard deviation over the mean.
    pub spread: f64,
    /// A twentieth of the time is at most this fast.
    pub p5_bit_s: u64,
    /// A twentieth of the time is at least this fast.
    pub p95_bit_s: u64,
    /// The slowest rate but zero.
    pub slowest_bit_s: u64,
    /// The fastest rate.
    pub fastest_bit_s: u64,
    /// Share of the time during which nothing is sent.
    pub down: f64,
}

/// Billionths of a bit in a bit, as nanoseconds in a second.
const NANO: u128 = 1_000_000_000;

/// Longer than anyone records; keeps sums exact.
const LONGEST_NS: u64 = 1_000_000_000 * NANO as u64;

impl RateTrace {
    /// Returns the trace of these steps.
    ///
    /// # Errors
    /// [`Flaw::Empty`], [`Flaw::AlwaysDown`], or [`Flaw::TooLong`].
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<RateTrace, Flaw> {
        let mut trace = RateTrace {
            starts: vec![0],
            rates: Vec::new(),
            sent: vec![0],
        };
        let (mut end, mut sent) = (0_u64, 0_u128);
        for step in steps.into_iter().filter(|step| step.hold_ns > 0) {
            end = end.saturating_add(step.hold_ns);
            if end > LONGEST_NS {
                return Err(Flaw::TooLong);
            }
            let bit_s = step.bit_s.min(crate::units::MAX_BIT_S as u64);
            sent += u128::from(step.hold_ns) * u128::from(bit_s);
            trace.rates.push(bit_s);
            trace.starts.push(end);
            trace.sent.push(sent);
        }
        match (trace.rates.is_empty(), sent) {
            (true, _) => Err(Flaw::Empty),
            (false, 0) => Err(Flaw::AlwaysDown),
            _ => Ok(trace),
        }
    }

    /// Returns the nanoseconds from its start to its end.
    pub fn duration_ns(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// Its steps.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        let holds = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        holds
            .zip(&self.rates)
            .map(|(hold_ns, &bit_s)| Step { hold_ns, bit_s })
    }

    /// Returns the rate at a time, in bit/s.
    pub fn bit_s_at(&self, ns: u64) -> u64 {
        self.rates[self.step_at(ns % self.duration_ns())]
    }

    /// The step that a time before the end lies in.
    fn step_at(&self, ns: u64) -> usize {
        self.starts.partition_point(|start| *start <= ns) - 1
    }

    /// Returns when the last of `bits` bits has been sent whose first is ready at `start_ns`,
    /// rounded up to the nanosecond. Outages are waited for.
    pub fn sent_at(&self, start_ns: u64, bits: u64) -> u64 {
        if bits == 0 {
            return start_ns;
        }
        let target = self.sent_before(start_ns) + u128::from(bits) * NANO;
        let whole = self.whole();
        // what is complete just as the trace ends needs no next round
        let rounds = (target - 1) / whole;
        let rest = target - rounds * whole;
        let step = self.sent.partition_point(|sent| *sent < rest) - 1;
        let within = (rest - self.sent[step]).div_ceil(u128::from(self.rates[step]));
        let ns = rounds * u128::from(self.duration_ns()) + u128::from(self.starts[step]) + within;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Returns what can be sent between two times over the time between them, in bit/s; the rate at
    /// `from_ns` when there is no time between them.
    pub fn mean_between(&self, from_ns: u64, to_ns: u64) -> f64 {
        match to_ns.saturating_sub(from_ns) {
            0 => self.bit_s_at(from_ns) as f64,
            ns => (self.sent_before(to_ns) - self.sent_before(from_ns)) as f64 / ns as f64,
        }
    }

    /// What can be sent before a time, in billionths of a bit.
    fn sent_before(&self, ns: u64) -> u128 {
        let (rounds, ns) = (ns / self.duration_ns(), ns % self.duration_ns());
        let step = self.step_at(ns);
        let within = u128::from(ns - self.starts[step]) * u128::from(self.rates[step]);
        u128::from(rounds) * self.whole() + self.sent[step] + within
    }

    /// What can be sent from its start to its end, in billionths of a bit.
    fn whole(&self) -> u128 {
        self.sent.last().copied().unwrap_or_default()
    }

    /// Returns the mean over its time, rounded to whole bits per second, at least one.
    pub fn mean(&self) -> BitRate {
        let mean = self.mean_between(0, self.duration_ns()).round() as u64;
        rate_or_slowest(mean)
    }

    /// Returns the slowest rate but zero, and the fastest.
    pub fn extremes(&self) -> (BitRate, BitRate) {
        let up = || self.rates.iter().copied().filter(|rate| *rate > 0);
        let ends = (up().min(), up().max());
        (
            rate_or_slowest(ends.0.unwrap_or_default()),
            rate_or_slowest(ends.1.unwrap_or_default()),
        )
    }

    /// Returns how its time is distributed over rates.
    pub fn quantiles(&self) -> RateQuantiles {
        RateQuantiles::of(self.steps())
    }

    /// Returns the trace in a few numbers.
    pub fn summary(&self) -> Summary {
        let duration = self.duration_ns() as f64;
        let mean = self.mean_between(0, self.duration_ns());
        let square = |step: Step| step.hold_ns as f64 * (step.bit_s as f64 - mean).powi(2);
        let variance = self.steps().map(square).sum::<f64>() / duration;
        let quantiles = self.quantiles();
        let (slowest, fastest) = self.extremes();
        Summary {
            steps: self.rates.len(),
            duration_s: duration / 1e9,
            mean_bit_s: mean,
            median_bit_s: quantiles.quantile(0.5),
            spread: variance.sqrt() / mean,
            p5_bit_s: quantiles.quantile(0.05),
            p95_bit_s: quantiles.quantile(0.95),
            slowest_bit_s: slowest.bit_s(),
            fastest_bit_s: fastest.bit_s(),
            down: quantiles.at_most(0),
        }
    }
}

fn rate_or_slowest(bit_s: u64) -> BitRate {
    BitRate::from_bit_s(bit_s).unwrap_or(BitRate::SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn trace(steps: &[(u64, u64)]) -> RateTrace {
        let step = |&(ms, bit_s): &(u64, u64)| Step {
            hold_ns: ms * MS,
            bit_s,
        };
        RateTrace::new(steps.iter().map(step)).unwrap()
    }

    #[test]
    fn a_transfer_takes_what_each_step_gives() {
        // 100 ms at 1 kbit/s is 100 bits, an outage, then 50 ms at 10 kbit/s is 500 bits
        let trace = trace(&[(100, 1_000), (30, 0), (50, 10_000)]);
        for (start_ms, bits, end_ms) in [
            (0, 0, 0),
            (0, 50, 50),
            (0, 100, 100),         // complete as the outage begins
            (0, 110, 131),         // 10 bits after it
            (110, 10, 131),        // starts during the outage
            (100, 0, 100),         // nothing to send is sent at once
            (0, 600, 180),         // complete as the trace ends
            (0, 601, 181),         // one bit of the next round
            (0, 1_200, 360),       // two rounds
            (90, 610, 280),        // 10 bits, 500 bits, and 100 bits of the next round
            (180 + 130, 500, 360), // starts in the second round
        ] {
            let end = trace.sent_at(start_ms * MS, bits);
            assert_eq!(end, end_ms * MS, "{bits} bits from {start_ms} ms");
        }
        // a third of a bit per nanosecond is rounded up
        let odd = RateTrace::new([Step {
            hold_ns: 1_000,
            bit_s: 3_000_000_000,
        }]);
        assert_eq!(odd.unwrap().sent_at(5, 1), 6);
    }

    #[test]
    fn transfers_take_the_time_that_sends_their_bits() {
        let trace = trace(&[(7, 3_000_000), (5, 0), (11, 250_000), (1, 90_000_000)]);
        for start in (0..60 * MS).step_by(777_777) {
            for bits in [1, 1_000, 12_345, 300_000] {
                let half = trace.sent_at(start, bits / 2);
                for end in [
                    trace.sent_at(half, bits - bits / 2),
                    trace.sent_at(start, bits),
                ] {
                    // what was sent is what can be sent in that time, but for the rounding up
                    let sent = trace.mean_between(start, end) * (end - start) as f64 / 1e9;
                    let more = sent - bits as f64;
                    assert!((-1e-6..0.2).contains(&more), "{start} {bits}: {more}");
                }
            }
        }
    }

    #[test]
    fn statistics_weigh_by_time() {
        // 60 s at 1 Mbit/s, 30 s at 4 Mbit/s, 10 s without a link
        let summary = trace(&[(60_000, 1_000_000), (30_000, 4_000_000), (10_000, 0)]).summary();
        assert_eq!(summary.mean_bit_s, 1_800_000.0);
        assert_eq!(summary.median_bit_s, 1_000_000);
        assert_eq!((summary.p5_bit_s, summary.p95_bit_s), (0, 4_000_000));
        assert_eq!(
            (summary.slowest_bit_s, summary.fastest_bit_s),
            (1_000_000, 4_000_000)
        );
        assert_eq!(summary.down, 0.1);
        // variance 0.6 * 0.8^2 + 0.3 * 2.2^2 + 0.1 * 1.8^2 = 2.16
        assert!((summary.spread - 2.16_f64.sqrt() / 1.8).abs() < 1e-12);
        assert_eq!((summary.steps, summary.duration_s), (3, 100.0));
    }

    #[test]
    fn what_never_sends_is_no_trace() {
        assert_eq!(RateTrace::new([]), Err(Flaw::Empty));
        let down = Step {
            hold_ns: 5,
            bit_s: 0,
        };
        assert_eq!(RateTrace::new([down]), Err(Flaw::AlwaysDown));
        let long = Step {
            hold_ns: u64::MAX,
            bit_s: 1,
        };
        assert_eq!(RateTrace::new([long, long]), Err(Flaw::TooLong));
    }
}
