//! `cutpoint report --compare`.

use std::path::Path;

use cutpoint_core::profile::Profile;
use cutpoint_report::figures::compare;
use cutpoint_report::tables::Table;

use super::super::{Kind, OrFail};
use super::draw::Figures;

/// Draws what changed between two profiles, and returns its table.
pub(super) fn run(before: &Path, after: &Path, figures: &mut Figures<'_>) -> anyhow::Result<Table> {
    let [a, b] = [before, after].map(|path| Profile::load(path).or_fail(Kind::BadInput));
    let (a, b) = (a?, b?);
    let data = compare::gather(&a, &b).map_err(|error| {
        let files = format!("{}, {}", before.display(), after.display());
        Kind::BadInput.of(anyhow::Error::new(error).context(files))
    })?;
    figures.compare(after, &b, &data);
    Ok(data.table())
}
