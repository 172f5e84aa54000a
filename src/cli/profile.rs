//! `cutpoint profile`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {}

pub(crate) fn run(_args: &ProfileArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
