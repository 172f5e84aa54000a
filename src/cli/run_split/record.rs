//! What is written of every frame.

use std::collections::BTreeMap;
use std::time::Duration;

use cutpoint_deploy::runner::{AnsweredBy, Frame, FrameTimes, Outcome};
use cutpoint_runtime::session::describe;
use cutpoint_runtime::values::numbers;
use serde::Serialize;

/// A line of the results.
#[derive(Serialize)]
pub(super) struct FrameRecord {
    frame: u64,
    at_ms: f64,
    /// `edge`, `server`, `local-copy`, or null when it was dropped.
    answered_by: Option<&'static str>,
    latency_ms: Option<f64>,
    #[serde(flatten)]
    parts: Parts,
    /// Why there is no answer, or none of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    outputs: BTreeMap<String, OutputRecord>,
}

/// Where the time went; null for what the server does not tell.
#[derive(Serialize)]
struct Parts {
    edge_ms: f64,
    encode_ms: f64,
    uplink_ms: Option<f64>,
    queue_ms: Option<f64>,
    decode_ms: Option<f64>,
    server_ms: Option<f64>,
    downlink_ms: Option<f64>,
}

/// A result.
#[derive(Serialize)]
struct OutputRecord {
    shape: Vec<u64>,
    values: Vec<f64>,
}

/// Name of who answered, in results and tables.
pub(super) fn name(by: AnsweredBy) -> &'static str {
    match by {
        AnsweredBy::Edge => "edge",
        AnsweredBy::Server => "server",
        AnsweredBy::LocalCopy => "local-copy",
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Parts {
    fn of(times: &FrameTimes) -> Parts {
        Parts {
            edge_ms: ms(times.edge),
            encode_ms: ms(times.encode),
            uplink_ms: times.uplink.map(ms),
            queue_ms: times.queue.map(ms),
            decode_ms: times.decode.map(ms),
            server_ms: times.server.map(ms),
            downlink_ms: times.downlink.map(ms),
        }
    }
}

impl FrameRecord {
    pub(super) fn of(frame: &Frame) -> FrameRecord {
        let mut record = FrameRecord {
            frame: frame.index,
            at_ms: ms(frame.at),
            answered_by: None,
            latency_ms: None,
            parts: Parts::of(&frame.times),
            problem: frame.failure.as_ref().map(ToString::to_string),
            outputs: BTreeMap::new(),
        };
        match &frame.outcome {
            Outcome::Answered {
                by,
                results,
                latency,
            } => {
                record.answered_by = Some(name(*by));
                record.latency_ms = Some(ms(*latency));
                record.outputs = results
                    .iter()
                    .map(|(name, value)| {
                        let (_, shape) = describe(value);
                        let output = OutputRecord {
                            shape: shape.unwrap_or_default(),
                            values: numbers(value).unwrap_or_default(),
                        };
                        (name.clone(), output)
                    })
                    .collect();
            }
            Outcome::Dropped { reason, .. } => record.problem = Some(reason.clone()),
        }
        record
    }
}
