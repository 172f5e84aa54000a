//! Rate, delay and idle penalty of a real link, measured with requests that any server of the
//! protocol answers without having a model: it reads them whole, and says that there is none.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cutpoint_core::graph::ElementType;
use cutpoint_core::link::wire;
use cutpoint_core::units::{self, BitRate};
use cutpoint_runtime::stats::{mad, median, quantile};
use serde::Serialize;

use super::client::{CallError, Client};
use super::tensor::SentTensor;

/// Short requests.
const SHORT: usize = 30;
/// Long requests of each size.
const LONG: usize = 7;
/// Sizes of long requests: from the first, doubled up to the second while they take no longer than
/// [`LONG_ENOUGH`].
const BYTES: [usize; 2] = [16 << 10, 2 << 20];
const LONG_ENOUGH: Duration = Duration::from_millis(250);
/// The message that idleness is measured with, and how long nothing is sent before it.
const IDLE_BYTES: usize = 100_000;
const IDLE: Duration = Duration::from_millis(1500);
/// No request may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a link is like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredLink {
    /// Edge to server, framing included.
    pub rate_bit_s: u64,
    /// Bytes of the largest message that it was measured with.
    pub rate_bytes: u64,
    /// One way: half the median round trip of a short request, in milliseconds.
    pub delay_ms: f64,
    /// Median absolute deviation of the round trip.
    pub round_trip_mad_ms: f64,
    /// 99th percentile of the round trip.
    pub round_trip_p99_ms: f64,
    /// Round trips.
    pub n: usize,
    /// How much longer 100 kB take after a pause of 1.5 s, in milliseconds: TCP starts slowly again.
    pub idle_ms: f64,
}

impl MeasuredLink {
    /// Returns the rate in its own type.
    pub fn rate(&self) -> Option<BitRate> {
        BitRate::from_bit_s(self.rate_bit_s)
    }
}

/// Measures the link to a server.
///
/// # Errors
/// The server does not answer.
pub fn measure_link(client: &mut Client) -> Result<MeasuredLink, CallError> {
    // the first request connects, and tells other servers apart
    client.live()?;
    let short = samples(client, 1, SHORT)?;
    let mut bytes = BYTES[0];
    let mut long = samples(client, bytes, LONG)?;
    while bytes < BYTES[1] && median(&long) < LONG_ENOUGH.as_secs_f64() * 1e3 {
        bytes *= 2;
        long = samples(client, bytes, LONG)?;
    }
    let more_ms = (median(&long) - median(&short)).max(1e-6);
    let more_bits = 8.0 * (wire(units::Bytes(bytes as u64)).0 - wire(units::Bytes(1)).0) as f64;
    let warm = samples(client, IDLE_BYTES, LONG)?;
    let mut idle = Vec::new();
    for _ in 0..3 {
        std::thread::sleep(IDLE);
        idle.push(exchange(client, IDLE_BYTES)?);
    }
    Ok(MeasuredLink {
        rate_bit_s: (more_bits / more_ms * 1e3) as u64,
        rate_bytes: bytes as u64,
        delay_ms: median(&short) / 2.0,
        round_trip_mad_ms: mad(&short),
        round_trip_p99_ms: quantile(&short, 0.99),
        n: short.len(),
        idle_ms: (median(&idle) - median(&warm)).max(0.0),
    })
}

fn samples(client: &Client, bytes: usize, count: usize) -> Result<Vec<f64>, CallError> {
    (0..count).map(|_| exchange(client, bytes)).collect()
}

/// Milliseconds from a request to the answer that there is no such model.
fn exchange(client: &Client, bytes: usize) -> Result<f64, CallError> {
    let message = SentTensor {
        name: "cutpoint".to_owned(),
        dtype: ElementType::UInt8,
        shape: vec![bytes as u64],
        bytes: Bytes::from(vec![0; bytes]),
        packed: None,
    };
    let start = Instant::now();
    let answer = client.infer(&[message], start + PATIENCE).wait();
    match answer {
        // an answer is as good as the refusal that is expected
        Ok(_) => {}
        Err(error) if !error.is_transient() => {}
        // some servers fail inside for what others refuse
        Err(error) if error.kind == "failed" => {}
        Err(error) => return Err(error),
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
