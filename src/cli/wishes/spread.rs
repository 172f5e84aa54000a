//! Arguments for what varies.

use std::path::PathBuf;

use clap::Args;
use cutpoint_core::units::Share;
use cutpoint_planner::scenario::{Percentile, ScenarioSpec};

/// What varies, and how much of it a plan must bear.
#[derive(Debug, Clone, Args)]
pub(super) struct SpreadArgs {
    /// Plan for this percentile of times, payloads and of the rate's slowness, above 50 and below
    /// 100; their spread is that of the profiles [default: medians and means]
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "P",
        help_heading = "Spread"
    )]
    percentile: Option<Percentile>,
    /// Standard deviation of the rate, as a share of --rate, its mean: a log-normal distribution.
    /// The plan then says how likely its times are
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SHARE",
        help_heading = "Spread"
    )]
    rate_spread: Option<Share>,
    /// How likely each rate is, as in this trace; --rate then is its mean unless given
    #[arg(long, value_name = "FILE.csv", help_heading = "Spread")]
    rate_trace: Option<PathBuf>,
}

impl SpreadArgs {
    /// `wishes` with these.
    pub(super) fn add_to(&self, wishes: ScenarioSpec) -> ScenarioSpec {
        ScenarioSpec {
            percentile: self.percentile,
            rate_spread: self.rate_spread,
            rate_trace: self.rate_trace.clone(),
            ..wishes
        }
    }
}
