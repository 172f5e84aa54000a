//! The table that a run-time looks plans up in, as a file.

use std::path::{Path, PathBuf};

use clap::Args;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{Hysteresis, Lookup, Sweep, Switches};
use cutpoint_core::units::Share;

use super::run_files::{Holds, RunFiles};
use super::{Kind, OrFail, files};

/// Where the table goes, and how slow it is to change plans.
#[derive(Debug, Args)]
#[command(next_help_heading = "Run time")]
pub(crate) struct LookupArgs {
    /// Write which plan to use at which rate, and when to change it, for use at run time (JSON if
    /// the name ends with .json, else TOML)
    #[arg(long, value_name = "FILE")]
    lookup: Option<PathBuf>,
    /// How much worse than the best, in the objective, the plan in use may be before another takes
    /// over
    #[arg(
        long,
        allow_hyphen_values = true,
        value_name = "SHARE",
        default_value = "10%",
        requires = "lookup"
    )]
    hysteresis: Share,
}

impl LookupArgs {
    /// Whether a table was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.lookup.is_some()
    }

    /// How much worse than the best the plan in use may be.
    pub(crate) fn hysteresis(&self) -> Hysteresis {
        Hysteresis(self.hysteresis)
    }

    /// Declares the table, if it was asked for.
    pub(crate) fn declare(&self, files: &mut RunFiles) {
        let kind = Holds::Kind(FileKind::Lookup);
        files.writes("--lookup", self.lookup.as_deref(), kind);
    }

    /// Writes the table, if it was asked for.
    pub(crate) fn write(&self, sweep: &Sweep, switches: &[Switches]) -> anyhow::Result<()> {
        let Some(path) = &self.lookup else {
            return Ok(());
        };
        let table = Lookup::of(sweep, self.hysteresis(), switches);
        let text = if is_json(path) {
            table.to_json()
        } else {
            table.to_toml()
        };
        files::write("--lookup", path, text.or_fail(Kind::Other)?.as_bytes())
    }
}

/// Whether a file's name asks for JSON.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}
