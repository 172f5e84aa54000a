//! The one cost model: what every placement of the layers costs, in whole nanoseconds and bits.
//!
//! With x = 1 for a layer on the edge, a placement is *closed* when every layer on the edge finds
//! its producers there. A tensor crosses when it is on the edge and read by the server (or wanted
//! there as a result); it is paid once. When anything runs on the server,
//!
//! `latency = edge + encode + (delay + wire bits / rate) + decode + server + results back`
//!
//! and else the edge's time alone. Every part but the wire is whole nanoseconds and the wire is
//! whole bits, so a latency is `fixed_ns + bits * (ns per bit)`: a line in one over the rate, which
//! is compared exactly (see [`time_per_bit::TimePerBit`]).

pub(crate) mod accuracy;
pub(crate) mod completion;
pub(crate) mod error;
pub(crate) mod model;
pub(crate) mod parts;
pub(crate) mod percentile;
pub(crate) mod placement;
pub(crate) mod power;
pub(crate) mod tables;
pub(crate) mod time_per_bit;
pub(crate) mod times;
pub(crate) mod uncertainty;
