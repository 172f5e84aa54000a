//! `cutpoint split`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct SplitArgs {}

pub(crate) fn run(_args: &SplitArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
