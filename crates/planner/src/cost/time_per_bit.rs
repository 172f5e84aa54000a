//! Time per bit as an exact fraction, and latencies as lines in it.

use std::cmp::Ordering;

use cutpoint_core::units::BitRate;

/// Nanoseconds per bit, as an exact fraction of whole numbers: one over a rate.
#[derive(Debug, Clone, Copy)]
pub struct TimePerBit {
    ns: i128,
    bits: i128,
}

const NS_PER_S: i128 = 1_000_000_000;

impl TimePerBit {
    /// The time per bit of a link.
    pub fn of(rate: BitRate) -> TimePerBit {
        TimePerBit::fraction(NS_PER_S, i128::from(rate.bit_s()))
    }

    /// `ns` nanoseconds for `bits` bits; both positive.
    pub fn fraction(ns: i128, bits: i128) -> TimePerBit {
        let (mut a, mut b) = (ns, bits);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = a.max(1);
        TimePerBit {
            ns: ns / divisor,
            bits: bits / divisor,
        }
    }

    /// `fixed_ns + wire_bits * time_per_bit` in units that are the same for every line at this time
    /// per bit.
    pub fn scaled(self, fixed_ns: u64, wire_bits: u64) -> i128 {
        i128::from(fixed_ns) * self.bits + i128::from(wire_bits) * self.ns
    }

    /// As [`TimePerBit::scaled`], for differences.
    pub fn scaled_signed(self, fixed_ns: i128, wire_bits: i128) -> i128 {
        fixed_ns * self.bits + wire_bits * self.ns
    }

    /// Turns [`TimePerBit::scaled`] into nanoseconds.
    pub fn ns(self, scaled: i128) -> f64 {
        // whole part and rest apart keep every digit a double has
        let whole = scaled.div_euclid(self.bits);
        let rest = scaled.rem_euclid(self.bits);
        whole as f64 + rest as f64 / self.bits as f64
    }

    /// Turns [`TimePerBit::scaled`] into whole nanoseconds, rounded up.
    pub fn ns_up(self, scaled: i128) -> i128 {
        -(-scaled).div_euclid(self.bits)
    }

    /// The largest whole rate at which the time per bit is at least this, that is, the rate of
    /// this time per bit rounded down.
    pub fn floor_bit_s(self) -> u64 {
        u64::try_from(NS_PER_S * self.bits / self.ns).unwrap_or(u64::MAX)
    }
}

impl PartialEq for TimePerBit {
    fn eq(&self, other: &TimePerBit) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for TimePerBit {}

impl PartialOrd for TimePerBit {
    fn partial_cmp(&self, other: &TimePerBit) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TimePerBit {
    fn cmp(&self, other: &TimePerBit) -> Ordering {
        (self.ns * other.bits).cmp(&(other.ns * self.bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_compare_exactly_where_floats_cannot() {
        let time_per_bit = TimePerBit::fraction(1, 3);
        // 10^15 ns + 1 bit * 1/3 ns against 10^15 ns + 0 bits
        let (more, less) = (
            time_per_bit.scaled(1_000_000_000_000_000, 1),
            time_per_bit.scaled(1_000_000_000_000_000, 0),
        );
        assert!(more > less);
        assert!((time_per_bit.ns(more) - 1e15 - 1.0 / 3.0).abs() < 0.2);
    }

    #[test]
    fn rates_round_down() {
        let rate = BitRate::from_bit_s(999).unwrap();
        assert_eq!(TimePerBit::of(rate).floor_bit_s(), 999);
        assert_eq!(TimePerBit::fraction(2_000_000_000, 999).floor_bit_s(), 499);
    }
}
