//! Finding room for labels: boxes that never overlap one another and never leave their bounds.

/// A box in pixels, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The point of the box that is nearest to `(x, y)`.
    pub(super) fn nearest(&self, x: f64, y: f64) -> (f64, f64) {
        (x.clamp(self.left, self.right()), y.clamp(self.top, self.bottom()))
    }

    /// The box around the line from this box to `(x, y)`, without its ends.
    fn leader(&self, x: f64, y: f64) -> Frame {
        const ENDS: f64 = 1.0;
        let (near_x, near_y) = self.nearest(x, y);
        Frame {
            left: x.min(near_x),
            top: y.min(near_y) + ENDS,
            width: (x - near_x).abs(),
            height: ((y - near_y).abs() - 2.0 * ENDS).max(0.0),
        }
    }

    pub(super) fn overlaps(&self, other: &Frame) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }

    pub(super) fn encloses(&self, inner: &Frame) -> bool {
        const ROUNDING: f64 = 1e-6;
        self.left <= inner.left + ROUNDING
            && self.top <= inner.top + ROUNDING
            && inner.right() <= self.right() + ROUNDING
            && inner.bottom() <= self.bottom() + ROUNDING
    }
}

/// A label in one of several rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slot {
    pub(super) left: f64,
    pub(super) row: usize,
}

/// Spreads labels, each `(centre, width)` and sorted by centre, over as few rows as needed between
/// `from` and `to`, at least `gap` apart. A label wider than the bounds, or one that would need
/// more than `rows` rows, gets no slot.
pub(super) fn rows(labels: &[(f64, f64)], from: f64, to: f64, gap: f64, rows: usize) -> Vec<Option<Slot>> {
    let mut ends = vec![f64::NEG_INFINITY; rows];
    labels
        .iter()
        .map(|&(centre, width)| {
            if width > to - from {
                return None;
            }
            let left = (centre - width / 2.0).clamp(from, to - width);
            let row = ends.iter().position(|end| end + gap <= left)?;
            ends[row] = left + width;
            Some(Slot { left, row })
        })
        .collect()
}

/// Every `k`-th of `count` evenly spaced labels, with the smallest `k` of 1, 2, 5, 10, 20, ... that
/// keeps neighbours at least `needed` pixels apart when they lie `pitch` pixels apart.
pub(super) fn stride(pitch: f64, needed: f64) -> usize {
    let mut decade = 1;
    loop {
        for step in [1, 2, 5] {
            let candidate = step * decade;
            if candidate as f64 * pitch >= needed || candidate > 1_000_000 {
                return candidate;
            }
        }
        decade *= 10;
    }
}

/// Room for labels around points, taken first come, first served.
#[derive(Debug)]
pub(super) struct Room {
    bounds: Frame,
    taken: Vec<Frame>,
}

impl Room {
    pub(super) fn new(bounds: Frame) -> Room {
        Room { bounds, taken: Vec::new() }
    }

    /// Keeps labels off `frame`.
    pub(super) fn block(&mut self, frame: Frame) {
        self.taken.push(frame);
    }

    /// Takes a free box of `width` x `height` near `(x, y)`: above it, beside it, below it, then
    /// farther away; `None` when all of them are taken.
    pub(super) fn take(&mut self, x: f64, y: f64, width: f64, height: f64) -> Option<Frame> {
        const GAP: f64 = 5.0;
        let beside = y - height / 2.0;
        let near = [
            (x - width / 2.0, y - height - GAP),
            (x + GAP, y - height),
            (x + GAP, beside),
            (x - width - GAP, beside),
            (x - width - GAP, y - height),
            (x - width / 2.0, y + GAP),
            (x + GAP, y),
            (x - width - GAP, y),
        ];
        let far = (1..=6).flat_map(|step| {
            let dy = f64::from(step) * (height + 2.0);
            [(x - width / 2.0, y - height - GAP - dy), (x + GAP, beside - dy), (x - width - GAP, beside - dy), (x - width / 2.0, y + GAP + dy)]
        });
        let candidates = near.into_iter().chain(far).map(|(left, top)| Frame { left, top, width, height });
        let clear = |frame: &Frame| !self.taken.iter().any(|taken| taken.overlaps(frame));
        let free = candidates
            .filter(|frame| self.bounds.encloses(frame))
            .find(|frame| clear(frame) && clear(&frame.leader(x, y)))?;
        self.taken.extend([free, free.leader(x, y)]);
        Some(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_in_rows_never_overlap_and_stay_inside(
            mut labels in proptest::collection::vec((0.0..800.0f64, 5.0..220.0f64), 0..60),
            count in 1usize..6,
        ) {
            labels.sort_by(|a, b| a.0.total_cmp(&b.0));
            let slots = rows(&labels, 50.0, 750.0, 4.0, count);
            prop_assert_eq!(slots.len(), labels.len());
            let frames: Vec<Frame> = slots.iter().zip(&labels).filter_map(|(slot, label)| {
                slot.map(|s| Frame { left: s.left, top: s.row as f64 * 10.0, width: label.1, height: 9.0 })
            }).collect();
            let bounds = Frame { left: 50.0, top: 0.0, width: 700.0, height: count as f64 * 10.0 };
            for (i, frame) in frames.iter().enumerate() {
                prop_assert!(bounds.encloses(frame));
                prop_assert!(frames[..i].iter().all(|other| !other.overlaps(frame)));
            }
        }

        #[test]
        fn labels_around_points_never_overlap_and_stay_inside(
            points in proptest::collection::vec((0.0..400.0f64, 0.0..300.0f64, 10.0..150.0f64), 0..60),
        ) {
            let bounds = Frame { left: 0.0, top: 0.0, width: 400.0, height: 300.0 };
            let mut room = Room::new(bounds);
            let obstacle = Frame { left: 100.0, top: 100.0, width: 50.0, height: 50.0 };
            room.block(obstacle);
            let mut placed = vec![obstacle];
            for (x, y, width) in points {
                if let Some(frame) = room.take(x, y, width, 12.0) {
                    prop_assert!(bounds.encloses(&frame));
                    prop_assert!(placed.iter().all(|other| !other.overlaps(&frame)));
                    placed.push(frame);
                }
            }
        }
    }

    #[test]
    fn the_first_label_sits_above_its_point() {
        let mut room = Room::new(Frame { left: 0.0, top: 0.0, width: 100.0, height: 100.0 });
        let frame = room.take(50.0, 50.0, 40.0, 10.0).unwrap();
        assert_eq!((frame.left, frame.bottom()), (30.0, 45.0));
    }

    #[test]
    fn strides_are_round() {
        assert_eq!([30.0, 11.0, 6.0, 1.6, 0.01].map(|pitch| stride(pitch, 20.0)), [1, 2, 5, 20, 2000]);
    }
}
