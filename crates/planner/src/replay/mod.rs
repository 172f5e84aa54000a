//! What each way of choosing plans would have cost while the rate of the link changed as in a
//! trace.
//!
//! A frame starts every period. Each is on its own: it finds edge, link and server free, so that
//! its latency is that of the plan, with what crosses taking the time the trace gives. Changing
//! plans costs nothing. All ways choose among the plans of one sweep, and all but hindsight know
//! only what the link carried before the frame.

mod estimator;
mod policy;
mod timing;

use serde::{Deserialize, Serialize};

use crate::scenario::Key;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{Lookup, Segment, Sweep};
use cutpoint_core::rate_trace::{RateTrace, Summary};
use cutpoint_core::units::Delay;

pub use estimator::{BadEstimator, Estimator};
pub use timing::Timing;

/// Version of the file format.
pub const FORMAT: u32 = 1;

/// Frames that are replayed.
pub const MAX_FRAMES: u64 = 1_000_000;

/// How frames come, and how a run-time chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// From the start of a frame to the start of the next.
    pub period: Delay,
    /// How the run-time knows the rate.
    pub estimator: Estimator,
    /// Frames that take longer are late.
    pub late: Option<Delay>,
}

/// What every way of choosing plans would have cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// [`FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::replay")]
    pub kind: FileKind,
    /// Frames that started during the trace.
    pub frames: u64,
    /// From the start of a frame to the start of the next.
    pub period_ms: f64,
    /// Of the look-up table, as a share.
    pub hysteresis: f64,
    /// How the run-time knows the rate: `last` or `ewma:WEIGHT`.
    pub estimator: String,
    /// Frames that take longer are late; absent when nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_ms: Option<f64>,
    /// The link's rate over time.
    pub trace: Summary,
    /// Hindsight first.
    pub policies: Vec<PolicyResult>,
    /// The plans to choose among, and when the look-up table changes them.
    pub table: Lookup,
}

/// What one way of choosing plans would have cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyResult {
    /// How plans are chosen.
    pub policy: Policy,
    /// The position in the table of the only plan; absent where plans change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<usize>,
    /// Plans that are used at all.
    pub plans: usize,
    /// How often a frame has another plan than the one before.
    pub switches: u64,
    /// Mean latency of a frame.
    pub mean_ms: f64,
    /// Half of the frames take at most this long.
    pub p50_ms: f64,
    /// 95 of 100 frames take at most this long.
    pub p95_ms: f64,
    /// 99 of 100 frames take at most this long.
    pub p99_ms: f64,
    /// The slowest frame.
    pub worst_ms: f64,
    /// Mean latency above that of hindsight.
    pub regret_ms: f64,
    /// Share of frames that are late; absent when nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<f64>,
}

/// How plans are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// For each frame the plan that turns out to be the fastest.
    Clairvoyant,
    /// The table, with its hysteresis.
    TableWithHysteresis,
    /// The best plan of the table at the rate known.
    Table,
    /// One plan for all frames, that with the least mean latency over the trace.
    BestFixed,
    /// One plan for all frames, the best at the mean rate.
    MeanRate,
}

/// What keeps a trace from being replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A sweep without segments.
    #[error("the sweep holds no plan")]
    NoPlan,
    /// No time between frames.
    #[error(
        "the period between frames is zero: give {} a time, such as 100ms",
        Key::PERIOD
    )]
    NoPeriod,
    /// More frames than are replayed.
    #[error(
        "{0} frames are more than {MAX_FRAMES}: let them come less often with {key}, or cut the \
         trace",
        key = Key::PERIOD
    )]
    TooManyFrames(u64),
}

/// Replays a trace: what the plans of a sweep, chosen in several ways, would have cost. The table is
/// that of the sweep.
///
/// # Errors
/// See [`ReplayError`].
pub fn replay(
    sweep: &Sweep,
    table: Lookup,
    trace: &RateTrace,
    options: &Options,
) -> Result<Replay, ReplayError> {
    let period_ns = options.period.ns();
    if sweep.segments.is_empty() {
        return Err(ReplayError::NoPlan);
    }
    if period_ns == 0 {
        return Err(ReplayError::NoPeriod);
    }
    let frames = trace.duration_ns().div_ceil(period_ns);
    if frames > MAX_FRAMES {
        return Err(ReplayError::TooManyFrames(frames));
    }
    let timings: Vec<Timing> = sweep.segments.iter().map(Timing::of).collect();
    let journey = policy::Journey {
        trace,
        timings: &timings,
        starts: (0..frames).map(|frame| frame * period_ns).collect(),
    };
    let known = options.estimator.rates(trace, &journey.starts);
    let late_ns = options.late.map(Delay::ns);
    let hindsight = journey.clairvoyant();
    let policies = [
        (Policy::Clairvoyant, hindsight.clone()),
        (Policy::TableWithHysteresis, journey.table(&table, &known)),
        (Policy::Table, journey.best_of(&table, &known)),
        (Policy::BestFixed, journey.best_fixed()),
        (
            Policy::MeanRate,
            journey.fixed(table.best_at(trace.mean().bit_s())),
        ),
    ];
    let policies = policies.map(|(policy, run)| run.result(policy, &hindsight, late_ns));
    Ok(Replay {
        format: FORMAT,
        kind: FileKind::Replay,
        frames,
        period_ms: period_ns as f64 / 1e6,
        hysteresis: table.hysteresis,
        estimator: options.estimator.to_string(),
        late_ms: late_ns.map(|ns| ns as f64 / 1e6),
        trace: trace.summary(),
        policies: policies.into(),
        table,
    })
}

impl Replay {
    /// Text of the file.
    ///
    /// # Errors
    /// A value cannot be expressed in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}
