//! `cutpoint report`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {}

pub(crate) fn run(_args: &ReportArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
