//! `cutpoint sweep`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {}

pub(crate) fn run(_args: &SweepArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
