//! `cutpoint demo`.

use clap::Args;

use super::Common;

/// Stub.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}

pub(crate) fn run(_args: &DemoArgs, _common: &Common) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
