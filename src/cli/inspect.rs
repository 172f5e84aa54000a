//! `cutpoint inspect`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {}

pub(crate) fn run(_args: &InspectArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
