//! The path of a link as SVG.

use std::fmt::Write as _;

use crate::canvas::panel::pixels;

/// A part of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Where the path begins.
    Start(f64, f64),
    /// A curve that leaves and arrives level.
    Curve(f64, f64),
    /// A straight line; the corner behind it is rounded.
    Line(f64, f64),
}

impl Step {
    /// Where the step ends.
    pub(super) fn end(self) -> (f64, f64) {
        match self {
            Step::Start(x, y) | Step::Curve(x, y) | Step::Line(x, y) => (x, y),
        }
    }
}

/// Radius of a corner.
const CORNER: f64 = 5.0;

/// The path with an arrow's head at its end, as the attribute `d`.
pub(super) fn path(steps: &[Step]) -> String {
    let p = pixels;
    let mut d = String::new();
    let (mut x, mut y) = (0.0, 0.0);
    for (at, step) in steps.iter().enumerate() {
        let (to_x, to_y) = step.end();
        match step {
            Step::Start(..) => {
                let _ = write!(d, "M{} {}", p(to_x), p(to_y));
            }
            Step::Curve(..) if to_y == y => {
                let _ = write!(d, "H{}", p(to_x));
            }
            Step::Curve(..) => {
                let half = (x + to_x) / 2.0;
                let (half, to_x, to_y) = (p(half), p(to_x), p(to_y));
                let _ = write!(d, "C{half} {} {half} {to_y} {to_x} {to_y}", p(y));
            }
            Step::Line(..) => match steps.get(at + 1) {
                Some(Step::Line(next_x, next_y)) => {
                    let (near, far) = (
                        toward((to_x, to_y), (x, y)),
                        toward((to_x, to_y), (*next_x, *next_y)),
                    );
                    let _ = write!(
                        d,
                        "L{} {}Q{} {} {} {}",
                        p(near.0),
                        p(near.1),
                        p(to_x),
                        p(to_y),
                        p(far.0),
                        p(far.1)
                    );
                }
                _ => {
                    let _ = write!(d, "L{} {}", p(to_x), p(to_y));
                }
            },
        }
        (x, y) = (to_x, to_y);
    }
    let (back, up, down) = (p(x - 5.0), p(y - 3.2), p(y + 3.2));
    let _ = write!(d, "M{back} {up}L{} {}L{back} {down}", p(x), p(y));
    d
}

/// The point at most a corner's radius from `corner` on the way to `other`, and at most half way.
fn toward(corner: (f64, f64), other: (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (other.0 - corner.0, other.1 - corner.1);
    let share = (CORNER / dx.hypot(dy).max(1e-9)).min(0.5);
    (corner.0 + dx * share, corner.1 + dy * share)
}
