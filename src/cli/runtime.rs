//! `cutpoint runtime`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct RuntimeArgs {}

pub(crate) fn run(_args: &RuntimeArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
