//! What a request costs beside its halves and the link.

use std::time::{Duration, Instant};

use cutpoint_core::profile::Serving;
use cutpoint_core::units::Bytes;
use cutpoint_runtime::Environment;
use cutpoint_runtime::stats::{mad, median};

use super::frames::{Frames, FramesError};
use super::halves::SplitDirectory;
use super::runner::{Frame, Outcome, Runner};
use super::server::{ServeOptions, start};
use super::verification::{VerifyError, client, run_options};

/// Requests that count, at most, and the time for them.
const REQUESTS: usize = 200;
const TIME: Duration = Duration::from_secs(2);
/// Requests that do not count.
const WARM_UP: usize = 10;

/// Serves a half on this machine, sends it requests without a link, and returns what each costs
/// more than both halves.
///
/// # Errors
/// The halves cannot be run or served here.
pub fn measure_serving(
    directory: &SplitDirectory,
    environment: &'static Environment,
) -> Result<Serving, VerifyError> {
    let half = directory
        .server_half(environment)
        .map_err(|error| VerifyError::Runner(error.into()))?;
    let options = ServeOptions {
        listen: "127.0.0.1:0".to_owned(),
        name: directory.model_name(),
        queue: 1,
        max_message: Bytes(u64::MAX),
        hold: None,
    };
    let server = start(half, environment, &options)
        .map_err(|error| VerifyError::Link(std::io::Error::other(error)))?;
    let client = client(directory, server.address)?;
    let mut runner = Runner::new(directory, environment, Some(client), run_options())?;
    let frames = Frames::made_up(environment, &runner.inputs())?;
    let mut rests = Vec::new();
    let mut message_bytes = 0;
    let begun = Instant::now();
    for number in 0..WARM_UP + REQUESTS {
        if rests.len() > 4 && begun.elapsed() > TIME {
            break;
        }
        let feed = frames
            .frame(environment, number as u64)
            .map_err(FramesError::from)?;
        let mut rest = None;
        runner.frame(&feed, &mut |frame| {
            message_bytes = frame.message_bytes;
            rest = Some(rest_us(&frame));
        })?;
        if let Some(rest) = rest.transpose()?.filter(|_| number >= WARM_UP) {
            rests.push(rest);
        }
    }
    Ok(Serving {
        protocol: "grpc".to_owned(),
        request_us: median(&rests),
        mad_us: mad(&rests),
        runs: rests.len(),
        message_bytes,
    })
}

/// What a frame took beside both halves.
fn rest_us(frame: &Frame) -> Result<f64, VerifyError> {
    let reason = match (&frame.outcome, frame.times.server) {
        (Outcome::Answered { latency, .. }, Some(compute)) => {
            let rest = latency.saturating_sub(frame.times.edge + compute);
            return Ok(rest.as_secs_f64() * 1e6);
        }
        (Outcome::Answered { .. }, None) => "the server did not say what it took".to_owned(),
        (Outcome::Dropped { reason, .. }, _) => reason.clone(),
    };
    Err(VerifyError::NoAnswer {
        index: frame.index,
        reason,
    })
}
