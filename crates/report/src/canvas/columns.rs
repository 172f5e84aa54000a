//! Names below the columns of a bar chart.

use super::panel::Panel;
use super::style::TINY;
use super::text::{bare, fit, width};
use super::{Anchor, Canvas};

/// Least column width that has room for a name below it.
const NAMED: f64 = 11.5;
/// Widest bar.
pub(crate) const WIDEST: f64 = 44.0;
/// Longest name in pixels.
const LONGEST: f64 = 136.0;
/// Shortest room in pixels in which names still tell something.
const SHORTEST: f64 = 40.0;

/// Longest name below a chart in so much height; `None` when columns so narrow, or the page so low,
/// have no room for names.
pub(crate) fn longest(pitch: f64, height: f64) -> Option<f64> {
    let longest = (0.4 * height).min(LONGEST);
    (pitch >= NAMED && longest >= SHORTEST).then_some(longest)
}

/// Height that the names take, reading upwards.
pub(crate) fn names_height<'a>(names: impl Iterator<Item = &'a str>, longest: f64) -> f64 {
    let widest = names
        .map(|name| width(bare(name), TINY))
        .fold(0.0, f64::max);
    widest.min(longest) + 8.0
}

/// Writes each name, with the position of its column, `below` pixels under the panel.
pub(crate) fn write_names<'a>(
    canvas: &mut Canvas,
    panel: &Panel,
    below: f64,
    longest: f64,
    names: impl Iterator<Item = (f64, &'a str)>,
) {
    for (column, name) in names {
        let x = panel.at_x(column) + TINY * 0.35;
        let y = panel.frame.bottom() + below;
        canvas.upwards("tiny", x, y, Anchor::End, &fit(bare(name), TINY, longest));
    }
}
