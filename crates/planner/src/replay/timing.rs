//! The parts of a plan's latency, apart from what the rate decides.

use super::Segment;
use cutpoint_core::rate_trace::RateTrace;

/// A plan as its frames go through it: work on the edge, what is sent, work on the server, what is
/// sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Before the first bit is sent: the edge and its encoders.
    pub before_ns: u64,
    /// On the wire to the server, framing included.
    pub up_bits: u64,
    /// From the last bit sent to the first sent back: delay, decoders and server.
    pub between_ns: u64,
    /// On the wire back to the edge at the rate of the trace, framing included.
    pub down_bits: u64,
    /// From the last bit sent back: the delay, and the whole way back at a rate of its own.
    pub after_ns: u64,
}

impl Timing {
    /// The parts of a segment's plan.
    ///
    /// A plan states times of messages at its own rate; what is not delay is their bits.
    pub fn of(segment: &Segment) -> Timing {
        let plan = &segment.plan;
        let parts = plan.breakdown_ms;
        let setting = &plan.setting;
        let wire_bits = segment.latency.wire_bits;
        let delay = |message_ms: f64| setting.delay_ms.min(message_ms);
        let back_ms = parts.downlink - delay(parts.downlink);
        let (down_bits, after_ms) = match setting.down_rate_bit_s {
            Some(_) => (0, parts.downlink),
            None => {
                let bits = (back_ms * setting.rate_bit_s as f64 / 1e3).round() as u64;
                (bits.min(wire_bits), delay(parts.downlink))
            }
        };
        Timing {
            before_ns: whole_ns(parts.edge + parts.encode),
            up_bits: wire_bits - down_bits,
            between_ns: whole_ns(delay(parts.uplink) + parts.decode + parts.server),
            down_bits,
            after_ns: whole_ns(after_ms),
        }
    }

    /// The latency of a frame that starts at a time of the trace, in nanoseconds.
    pub fn latency_ns(&self, trace: &RateTrace, start_ns: u64) -> u64 {
        let sent = trace.sent_at(start_ns.saturating_add(self.before_ns), self.up_bits);
        let done = sent.saturating_add(self.between_ns);
        let back = trace.sent_at(done, self.down_bits);
        back.saturating_add(self.after_ns) - start_ns
    }
}

fn whole_ns(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}
