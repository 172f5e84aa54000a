//! The parts of a placement's time and traffic, and weighted sums of them.
//!
//! Everything that is limited or minimised, but for memory, drops and capacities, is such a sum or
//! the largest of several: so there is one way to add up, for every objective, limit and engine.

use super::time_per_bit::TimePerBit;
use super::times::Encoding;

/// A part of the time of one inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Layers on the edge before anything is sent, handing over what crosses, being split.
    Edge,
    /// Encoders.
    Encode,
    /// Layers on the edge that run while link and server work, being split once more.
    Local,
    /// One way to the server.
    Delay,
    /// On the wire to the server.
    Uplink,
    /// Decoders.
    Decode,
    /// Layers on the server, taking over what crosses, being split, the request.
    Server,
    /// One way back.
    BackDelay,
    /// On the wire back from the server.
    Downlink,
}

const PARTS: usize = 9;

impl Part {
    /// In the order of an inference.
    pub const ALL: [Part; PARTS] = [
        Part::Edge,
        Part::Encode,
        Part::Local,
        Part::Delay,
        Part::Uplink,
        Part::Decode,
        Part::Server,
        Part::BackDelay,
        Part::Downlink,
    ];
}

/// How much a placement has of each part.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CostParts {
    ns: [u64; PARTS],
    /// On the wire to the server, framing included.
    pub uplink_bits: u64,
    /// On the wire back, when that has the link's rate.
    pub downlink_bits: u64,
    /// Encoded payload to the server.
    pub uplink_bytes: u64,
    /// Results back from the server.
    pub downlink_bytes: u64,
}

impl CostParts {
    /// Time of a part that does not depend on the rate, in nanoseconds.
    pub fn ns(&self, part: Part) -> u64 {
        self.ns[part as usize]
    }

    /// As [`CostParts::ns`], to change it.
    pub fn ns_mut(&mut self, part: Part) -> &mut u64 {
        &mut self.ns[part as usize]
    }

    /// Bits of a part that take their time at the link's rate.
    pub fn bits(&self, part: Part) -> u64 {
        match part {
            Part::Uplink => self.uplink_bits,
            Part::Downlink => self.downlink_bits,
            _ => 0,
        }
    }

    /// Time of a part, in the unit of [`TimePerBit::scaled`].
    pub fn scaled(&self, part: Part, time_per_bit: TimePerBit) -> i128 {
        time_per_bit.scaled(self.ns(part), self.bits(part))
    }
}

/// A weighted sum of parts: of times, in the unit of [`TimePerBit::scaled`], or of bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinearCost {
    times: [i64; PARTS],
    /// Per byte of [`CostParts::uplink_bytes`].
    pub uplink_bytes: i64,
    /// Per byte of [`CostParts::downlink_bytes`].
    pub downlink_bytes: i64,
    /// Added to every placement's.
    pub more_ns: i64,
}

impl LinearCost {
    /// The time of these parts together.
    pub fn of(parts: &[Part]) -> LinearCost {
        let mut sum = LinearCost::default();
        for part in parts {
            sum.add(*part, 1);
        }
        sum
    }

    /// Encoded payload to the server.
    pub fn of_uplink_bytes() -> LinearCost {
        LinearCost {
            uplink_bytes: 1,
            ..LinearCost::default()
        }
    }

    /// Results back from the server.
    pub fn of_downlink_bytes() -> LinearCost {
        LinearCost {
            downlink_bytes: 1,
            ..LinearCost::default()
        }
    }

    /// Counts a part `weight` times more.
    pub fn add(&mut self, part: Part, weight: i64) {
        self.times[part as usize] += weight;
    }

    /// Counts all that `other` counts `factor` times more.
    pub fn add_sum(&mut self, other: &LinearCost, factor: i64) {
        for (own, more) in self.times.iter_mut().zip(other.times) {
            *own += factor * more;
        }
        self.uplink_bytes += factor * other.uplink_bytes;
        self.downlink_bytes += factor * other.downlink_bytes;
        self.more_ns += factor * other.more_ns;
    }

    /// Counts both delays this often where it counts them once.
    pub(crate) fn repeat_delays(&mut self, times: i64) {
        for part in [Part::Delay, Part::BackDelay] {
            let weight = &mut self.times[part as usize];
            *weight = weight.saturating_mul(times);
        }
    }

    /// Whether both count the same, but for what is added to every placement's.
    pub fn same_weights(&self, other: &LinearCost) -> bool {
        let own = LinearCost {
            more_ns: other.more_ns,
            ..*self
        };
        own == *other
    }

    /// How often a part counts.
    pub fn weight(&self, part: Part) -> i64 {
        self.times[part as usize]
    }

    /// Whether it adds up times, not bytes.
    pub fn is_time(&self) -> bool {
        self.uplink_bytes == 0 && self.downlink_bytes == 0
    }

    /// What it comes to.
    pub fn value(&self, parts: &CostParts, time_per_bit: TimePerBit) -> i128 {
        let mut value = time_per_bit.scaled_signed(i128::from(self.more_ns), 0);
        for (part, weight) in Part::ALL.into_iter().zip(self.times) {
            if weight != 0 {
                value += i128::from(weight) * parts.scaled(part, time_per_bit);
            }
        }
        let bytes = |weight: i64, bytes: u64| i128::from(weight) * i128::from(bytes);
        value
            + bytes(self.uplink_bytes, parts.uplink_bytes)
            + bytes(self.downlink_bytes, parts.downlink_bytes)
    }

    /// What an encoding adds.
    pub fn of_encoding(&self, encoding: &Encoding, time_per_bit: TimePerBit) -> i128 {
        let weigh = |part, ns, bits| i128::from(self.weight(part)) * time_per_bit.scaled(ns, bits);
        weigh(Part::Encode, encoding.encode_ns, 0)
            + weigh(Part::Decode, encoding.decode_ns, 0)
            + weigh(Part::Uplink, 0, encoding.wire_bits)
            + i128::from(self.uplink_bytes) * i128::from(encoding.payload.0)
    }
}

/// The same sums with both delays counted this often.
pub(crate) fn repeat_delays(mut sums: Vec<LinearCost>, times: i64) -> Vec<LinearCost> {
    sums.iter_mut().for_each(|sum| sum.repeat_delays(times));
    sums
}

impl CostParts {
    /// Takes back [`CostParts::add_encoding`].
    pub(crate) fn remove_encoding(&mut self, encoding: &Encoding) {
        *self.ns_mut(Part::Encode) -= encoding.encode_ns;
        *self.ns_mut(Part::Decode) -= encoding.decode_ns;
        self.uplink_bits -= encoding.wire_bits;
        self.uplink_bytes -= encoding.payload.0;
    }

    /// Adds what an encoding has of each part.
    pub(crate) fn add_encoding(&mut self, encoding: &Encoding) {
        *self.ns_mut(Part::Encode) += encoding.encode_ns;
        *self.ns_mut(Part::Decode) += encoding.decode_ns;
        self.uplink_bits += encoding.wire_bits;
        self.uplink_bytes += encoding.payload.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::units::BitRate;

    #[test]
    fn sums_weigh_times_by_the_pace_and_bytes_as_they_are() {
        let time_per_bit = TimePerBit::of(BitRate::from_bit_s(1_000).unwrap());
        let mut parts = CostParts {
            uplink_bits: 3,
            uplink_bytes: 5,
            ..CostParts::default()
        };
        *parts.ns_mut(Part::Edge) = 7;
        let mut sum = LinearCost::of(&[Part::Edge, Part::Uplink]);
        sum.add_sum(&LinearCost::of(&[Part::Edge]), 2);
        // 3 * 7 ns and 3 bits at a million nanoseconds each
        assert_eq!(
            time_per_bit.ns(sum.value(&parts, time_per_bit)),
            3_000_021.0
        );
        sum.more_ns = -21;
        assert_eq!(time_per_bit.ns(sum.value(&parts, time_per_bit)), 3e6);
        assert_eq!(LinearCost::of_uplink_bytes().value(&parts, time_per_bit), 5);
    }
}
