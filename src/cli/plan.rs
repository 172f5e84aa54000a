//! `cutpoint plan`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {}

pub(crate) fn run(_args: &PlanArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
