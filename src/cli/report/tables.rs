//! The tables that `report` prints.

use clap::Args;
use cutpoint_report::tables::{Format, Table, write};

use super::super::{Common, Kind, OrFail};

/// Which tables, and how they are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tables")]
pub(super) struct TableArgs {
    /// Print tables as text, markdown, csv, json or latex
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only these: whole, layers, halves, cuts (of profiles), plan, crossing, tasks (of plans),
    /// sweep, compare [default: all there are]
    #[arg(
        long = "table",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "format"
    )]
    names: Vec<String>,
    /// Of layers only the N slowest on the edge, slowest first
    #[arg(long, value_name = "N", requires = "format", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
}

const NAMES: [&str; 9] = [
    "whole", "layers", "halves", "cuts", "plan", "crossing", "tasks", "sweep", "compare",
];

impl TableArgs {
    pub(super) fn are_asked(&self) -> bool {
        self.format.is_some()
    }

    pub(super) fn top(&self) -> Option<usize> {
        self.top.and_then(|top| usize::try_from(top).ok())
    }

    /// Refuses what makes no sense before any work is done.
    pub(super) fn check(&self, common: &Common) -> anyhow::Result<()> {
        let usage = |problem: String| Err(Kind::Usage.of(anyhow::anyhow!(problem)));
        if let Some(name) = self
            .names
            .iter()
            .find(|name| !NAMES.contains(&name.as_str()))
        {
            let known = NAMES.join(", ");
            return usage(format!(
                "--table `{name}`: there is no such table; there are {known}"
            ));
        }
        if self.are_asked() && common.json {
            usage("--json: write --format json for tables as JSON".to_owned())
        } else {
            Ok(())
        }
    }

    /// The text of the tables wanted, in the format `otherwise` when none was asked for; `None` when
    /// none are wanted.
    pub(super) fn text(
        &self,
        tables: &[Table],
        otherwise: Option<Format>,
    ) -> anyhow::Result<Option<String>> {
        let Some(format) = self.format.or(otherwise) else {
            return Ok(None);
        };
        let wanted = |table: &&Table| {
            self.names.is_empty() || self.names.iter().any(|name| name == table.name)
        };
        let wanted: Vec<Table> = tables.iter().filter(wanted).cloned().collect();
        if wanted.is_empty() {
            let hint = anyhow::anyhow!(
                "no such table can be made of these files: {}",
                match self.names.as_slice() {
                    [] => "name a profile, a plan or a sweep".to_owned(),
                    names => format!("leave out --table {}", names.join(",")),
                }
            );
            return Err(Kind::BadInput.of(hint));
        }
        Ok(Some(write(&wanted, format).or_fail(Kind::Other)?))
    }
}
