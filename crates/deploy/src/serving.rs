//! What a request costs beside its halves and the link.

use std::time::{Duration, Instant};

use cutpoint_core::profile::Serving;
use cutpoint_core::units::Bytes;
use cutpoint_runtime::Environment;
use cutpoint_runtime::stats::{mad, median};

use super::frames::{Frames, FramesError};
use super::halves::SplitDirectory;
use super::runner::{Outcome, Runner};
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
        let mut failed = None;
        runner.frame(
            &feed,
            &mut |frame| match (&frame.outcome, frame.times.server) {
                (Outcome::Answered { latency, .. }, Some(compute)) => {
                    message_bytes = frame.message_bytes;
                    if number >= WARM_UP {
                        let rest = latency.saturating_sub(frame.times.edge + compute);
                        rests.push(rest.as_secs_f64() * 1e6);
                    }
                }
                (outcome, _) => {
                    failed = Some(VerifyError::NoAnswer {
                        index: frame.index,
                        reason: match outcome {
                            Outcome::Dropped { reason, .. } => reason.clone(),
                            Outcome::Answered { .. } => {
                                "the server did not say what it took".to_owned()
                            }
                        },
                    });
                }
            },
        )?;
        if let Some(error) = failed {
            return Err(error);
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
