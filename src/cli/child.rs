//! The hidden command that measures the memory of one half in a process of its own.

use std::path::PathBuf;

use clap::Args;
use cutpoint_runtime::memory;

use super::{Common, engine};

/// Run a half and report this process's peak memory as JSON
#[derive(Debug, Args)]
pub(crate) struct ChildArgs {
    file: PathBuf,
    #[arg(long)]
    threads: usize,
}

pub(crate) fn run(args: &ChildArgs, common: &Common) -> anyhow::Result<()> {
    let library = engine::library(common)?;
    let environment = engine::open(&library, args.threads)?;
    let peak = memory::observe(environment, &args.file)
        .map_err(|error| engine::run_failure(error, &args.file))?;
    common.print_json(&peak)
}
