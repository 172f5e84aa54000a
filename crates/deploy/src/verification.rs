//! Predicted against measured: a split run over an emulated link, part by part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_core::link::Link;
use cutpoint_core::plan::{Breakdown, VerifiedPart};
use cutpoint_core::units::Bytes;
use cutpoint_runtime::Environment;
use cutpoint_runtime::stats::{mad, median};

use super::Network;
use super::breaker::BreakerOptions;
use super::client::{AddressError, Client, ClientOptions};
use super::frames::{Frames, FramesError};
use super::halves::SplitDirectory;
use super::link::EmulatedLink;
use super::runner::{AnsweredBy, Frame, Outcome, RunOptions, Runner, RunnerError};

/// Requests that are not counted: the first ones find cold caches and connections.
const WARM_UP: u64 = 5;
/// A link that needs longer for one request is not waited for.
const LONGEST: Duration = Duration::from_secs(120);

/// Why a split cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A half or the server fails.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// Inputs cannot be made up.
    #[error(transparent)]
    Frames(#[from] FramesError),
    /// The emulated link does not come about.
    #[error("the emulated link failed: {0}")]
    Link(std::io::Error),
    /// A request has no answer.
    #[error("request {index}: {reason}")]
    NoAnswer {
        /// Which one.
        index: u64,
        /// Why.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The parts of an inference, in the order in which they come.
pub const PARTS: [&str; 7] = [
    "edge", "encode", "uplink", "server", "decode", "downlink", "total",
];

/// Times of all requests, part by part, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples([Vec<f64>; 7]);

impl Samples {
    /// Adds those of another series.
    pub fn extend(&mut self, other: Samples) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            own.extend(other);
        }
    }

    /// Returns the times from the inputs to the results.
    pub fn totals(&self) -> &[f64] {
        &self.0[6]
    }

    fn add(&mut self, frame: &Frame, latency: Duration) {
        let times = &frame.times;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let part = |time: Option<Duration>| time.map_or(0.0, ms);
        let server = times
            .server
            .map(|server| server + times.queue.unwrap_or_default());
        let row = [
            ms(times.edge),
            ms(times.encode),
            part(times.uplink),
            part(server),
            part(times.decode),
            part(times.downlink),
            ms(latency),
        ];
        for (samples, value) in self.0.iter_mut().zip(row) {
            samples.push(value);
        }
    }
}

/// What a cost model says of a split.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Predicted {
    /// Part by part.
    pub breakdown: Breakdown,
    /// From the inputs to the results.
    pub latency_ms: f64,
    /// Of the server's part: what the protocol costs, which is seen on the way there and back.
    pub request_ms: f64,
    /// Whether all codecs are part of the halves.
    pub codecs_in_halves: bool,
}

/// Sets times beside what is predicted. Codecs that are part of the halves are timed with them, so
/// their predicted times are counted there, too.
pub fn parts(predicted: &Predicted, measured: &Samples) -> Vec<VerifiedPart> {
    let Predicted {
        breakdown,
        latency_ms,
        request_ms,
        codecs_in_halves,
    } = *predicted;
    let (mut edge, mut encode) = (breakdown.edge, breakdown.encode);
    let (mut server, mut decode) = (breakdown.server - request_ms, breakdown.decode);
    if codecs_in_halves {
        (edge, encode) = (edge + encode, 0.0);
        (server, decode) = (server + decode, 0.0);
    }
    let predicted = [
        edge,
        encode,
        breakdown.uplink + request_ms / 2.0,
        server,
        decode,
        breakdown.downlink + request_ms / 2.0,
        latency_ms,
    ];
    let parts = PARTS.into_iter().zip(predicted).zip(&measured.0);
    parts
        .map(|((name, predicted_ms), samples)| VerifiedPart {
            name: name.to_owned(),
            predicted_ms,
            measured_ms: median(samples),
            mad_ms: mad(samples),
            n: samples.len(),
        })
        .collect()
}

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions {
    /// The link to emulate.
    pub link: Link,
    /// Requests that count.
    pub requests: u64,
    /// Time from one request to the next; none for back to back.
    pub pace: Option<Duration>,
}

/// Runs a split over an emulated link to a server at work, and returns what each part took. Without
/// a server everything must run on the edge.
///
/// # Errors
/// A half fails, the server is not the one to call, or a request has no answer.
pub fn measure(
    directory: &SplitDirectory,
    environment: &'static Environment,
    server: Option<SocketAddr>,
    options: &VerifyOptions,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Samples, VerifyError> {
    let link = server.map(|server| EmulatedLink::start(server, &options.link));
    let link = link.transpose().map_err(VerifyError::Link)?;
    let client = link.as_ref().map(|link| client(directory, link.address));
    let mut runner = Runner::new(directory, environment, client.transpose()?, run_options())?;
    let frames = Frames::made_up(environment, &runner.inputs())?;
    let frame = |number| frames.frame(environment, number).map_err(FramesError::from);
    runner.check(&frame(0)?)?;
    let mut samples = Samples::default();
    let mut failed = None;
    let mut due = std::time::Instant::now();
    for number in 0..WARM_UP + options.requests {
        if !go_on(number) {
            return Err(VerifyError::Interrupted);
        }
        if let Some(pace) = options.pace {
            std::thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
            due = due.max(std::time::Instant::now()) + pace;
        }
        let feed = frame(number)?;
        runner.frame(&feed, &mut |frame| match &frame.outcome {
            Outcome::Answered { by, latency, .. } if *by != AnsweredBy::LocalCopy => {
                if number >= WARM_UP {
                    samples.add(&frame, *latency);
                }
            }
            Outcome::Answered { .. } => {}
            Outcome::Dropped { reason, .. } => {
                failed = Some(VerifyError::NoAnswer {
                    index: number,
                    reason: reason.clone(),
                });
            }
        })?;
        if let Some(error) = failed.take() {
            return Err(error);
        }
    }
    Ok(samples)
}

/// A client of a server half on this machine.
pub(crate) fn client(
    directory: &SplitDirectory,
    server: SocketAddr,
) -> Result<Client, VerifyError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        VerifyError::Link(std::io::Error::other(error))
    };
    let network = Arc::new(Network::start().map_err(VerifyError::Link)?);
    let options = ClientOptions {
        address: server
            .to_string()
            .parse()
            .map_err(|error: AddressError| failed(error.into()))?,
        model: directory.model_name(),
        max_message: Bytes(u64::MAX),
    };
    Client::new(network, options).map_err(|error| failed(error.into()))
}

/// One request after the other, each waited for, and nothing answered here in its place.
pub(crate) fn run_options() -> RunOptions {
    RunOptions {
        deadline: LONGEST,
        pipeline: 1,
        fall_back: false,
        breaker: BreakerOptions::default(),
    }
}
