//! The link between edge and server, and the time a message takes on it.

use crate::units::{BitRate, Bytes, Delay};

/// A point-to-point link with a warm connection (no slow start).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Edge to server.
    pub rate: BitRate,
    /// One way: half the round trip.
    pub delay: Delay,
    /// Server to edge; `None` means the same as `rate`, and follows it in a sweep.
    pub down_rate: Option<BitRate>,
}

/// A named kind of link; the figures state rate and one-way delay.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Name on the command line.
    pub name: &'static str,
    /// Edge to server and back, in bit/s.
    pub rate_bit_s: u64,
    /// One way, in microseconds.
    pub delay_us: u64,
    /// Where the figures come from.
    pub source: &'static str,
}

/// Links that `--link` knows.
///
/// 3G, 4G and Wi-Fi are those of the Scission study (UCC 2020).
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "lora",
        rate_bit_s: 37_500,
        delay_us: 100_000,
        source: "LoRa SF7, 500 kHz",
    },
    Preset {
        name: "3g",
        rate_bit_s: 1_600_000,
        delay_us: 66_700,
        source: "Scission, UCC 2020",
    },
    Preset {
        name: "4g",
        rate_bit_s: 20_000_000,
        delay_us: 20_000,
        source: "Scission, UCC 2020",
    },
    Preset {
        name: "wifi",
        rate_bit_s: 50_000_000,
        delay_us: 20_000,
        source: "Scission, UCC 2020",
    },
    Preset {
        name: "5g",
        rate_bit_s: 320_000_000,
        delay_us: 2_000,
        source: "3GPP TS 22.261, split inference",
    },
    Preset {
        name: "gbe",
        rate_bit_s: 1_000_000_000,
        delay_us: 100,
        source: "Gigabit Ethernet, one switch",
    },
];

/// Returns the bytes on the wire for a message of `payload` bytes: TCP, IP and Ethernet add 66
/// bytes to each segment of at most 1,448 bytes.
pub fn wire(payload: Bytes) -> Bytes {
    let segments = payload.0.div_ceil(1448);
    Bytes(payload.0.saturating_add(segments.saturating_mul(66)))
}

impl Preset {
    /// Finds a preset by name.
    pub fn find(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|p| p.name == name)
    }
}
