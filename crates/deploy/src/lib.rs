//! Split execution: the edge half here, the server half on an inference server, over a network.
//!
//! Internal, no stability promise: use the crate `cutpoint`.
//!
//! [`halves::SplitDirectory`] opens what `cutpoint split` wrote. [`server::start`] serves the server
//! half over the [Open Inference Protocol](protocol), and a [`client::Client`] calls it, or any other
//! server that speaks the protocol. A [`runner::Runner`] takes frames through edge, link and server,
//! and falls back to a local copy of the server half when network or server fail. A
//! [`link::EmulatedLink`] slows a connection down to a stated rate and delay, and
//! [`verification::measure`] times a split over one, part by part.

pub mod breaker;
pub mod client;
mod clock;
pub mod export;
pub mod frames;
pub mod halves;
pub mod link;
pub mod link_probe;
mod network;
pub mod protocol;
pub mod runner;
pub mod server;
pub mod serving;
pub mod tensor;
pub mod verification;

pub use network::Network;
