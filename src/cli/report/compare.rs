//! `cutpoint report --compare`.

use std::path::Path;

use cutpoint_core::profile::Profile;
use cutpoint_report::figures::compare;
use cutpoint_report::tables::Table;
use cutpoint_report::{Gallery, Subject};

use super::super::{Kind, OrFail};

/// Draws what changed between two profiles, and returns its table.
pub(super) fn run(before: &Path, after: &Path, gallery: &mut Gallery) -> anyhow::Result<Table> {
    let [a, b] = [before, after].map(|path| Profile::load(path).or_fail(Kind::BadInput));
    let (a, b) = (a?, b?);
    let data = compare::gather(&a, &b).map_err(|error| {
        let files = format!("{}, {}", before.display(), after.display());
        Kind::BadInput.of(anyhow::Error::new(error).context(files))
    })?;
    gallery.draw(after, &Subject::Comparison(&data, &b));
    Ok(data.table())
}
