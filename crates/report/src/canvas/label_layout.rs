//! Finding room for labels: boxes that never overlap one another and never leave their bounds.

/// A box in pixels, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Frame {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The point of the box that is nearest to `(x, y)`.
    pub(crate) fn nearest(&self, x: f64, y: f64) -> (f64, f64) {
        (
            x.clamp(self.left, self.right()),
            y.clamp(self.top, self.bottom()),
        )
    }

    /// The box around the line from this box to the point `(x, y)`, which has a symbol of its own
    /// around it; `None` when they are so close that no line is needed.
    fn leader(&self, x: f64, y: f64) -> Option<Frame> {
        let (near_x, near_y) = self.nearest(x, y);
        if (near_x - x).hypot(near_y - y) <= NEXT_TO {
            return None;
        }
        let (top, bottom) = if near_y < y {
            (near_y + 1.0, y - NEXT_TO)
        } else {
            (y + NEXT_TO, near_y - 1.0)
        };
        Some(Frame {
            left: x.min(near_x),
            top,
            width: (x - near_x).abs(),
            height: (bottom - top).max(0.0),
        })
    }

    pub(crate) fn overlaps(&self, other: &Frame) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }

    pub(crate) fn encloses(&self, inner: &Frame) -> bool {
        const ROUNDING: f64 = 1e-6;
        self.left <= inner.left + ROUNDING
            && self.top <= inner.top + ROUNDING
            && inner.right() <= self.right() + ROUNDING
            && inner.bottom() <= self.bottom() + ROUNDING
    }
}

/// Left ends of boxes on one line between `from` and `to`: each as near to its centre as those
/// before it allow, at least `gap` apart, in order. The boxes are `(centre, width)`, sorted by
/// centre; `None` when they do not fit side by side.
pub(crate) fn spread(boxes: &[(f64, f64)], from: f64, to: f64, gap: f64) -> Option<Vec<f64>> {
    let mut free = from;
    let mut lefts: Vec<f64> = boxes
        .iter()
        .map(|(centre, width)| {
            let left = (centre - width / 2.0).max(free);
            free = left + width + gap;
            left
        })
        .collect();
    let mut end = to;
    for (left, (_, width)) in lefts.iter_mut().zip(boxes).rev() {
        *left = left.min(end - width);
        end = *left - gap;
    }
    let fits = lefts.first().is_none_or(|left| *left >= from - 1e-6);
    fits.then_some(lefts)
}

/// Every `k`-th of `count` evenly spaced labels, with the smallest `k` of 1, 2, 5, 10, 20, ... that
/// keeps neighbours at least `needed` pixels apart when they lie `pitch` pixels apart.
pub(crate) fn stride(pitch: f64, needed: f64) -> usize {
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

/// A label this close to its point, in pixels, needs no line to it.
const NEXT_TO: f64 = 6.0;
/// Rows of text between a point and its farthest label.
const FARTHEST: u32 = 16;

/// Room for labels around points, taken first come, first served.
#[derive(Debug)]
pub(crate) struct Room {
    bounds: Frame,
    taken: Vec<Frame>,
}

impl Room {
    pub(crate) fn new(bounds: Frame) -> Room {
        Room {
            bounds,
            taken: Vec::new(),
        }
    }

    /// Keeps labels off `frame`.
    pub(crate) fn block(&mut self, frame: Frame) {
        self.taken.push(frame);
    }

    /// Takes the nearest free box of `width` x `height` at `(x, y)`: above it, beside it, below it, then
    /// farther above or below, where the line to the point is clear of other boxes; `None` when
    /// there is none.
    pub(crate) fn take(&mut self, x: f64, y: f64, width: f64, height: f64) -> Option<Frame> {
        const GAP: f64 = 5.0;
        let within = |left: f64| left.min(self.bounds.right() - width).max(self.bounds.left);
        let (centred, starting, ending) = (
            within(x - width / 2.0),
            within(x - GAP),
            within(x - width + GAP),
        );
        let (above, beside, below) = (y - height - GAP, y - height / 2.0, y + GAP);
        let (right, left) = (x + GAP, x - width - GAP);
        let near = [
            (centred, above),
            (right, beside),
            (left, beside),
            (centred, below),
            (starting, above),
            (ending, above),
            (starting, below),
            (ending, below),
        ];
        let far = (1..=FARTHEST).flat_map(|step| {
            let dy = f64::from(step) * (height + 2.0);
            [centred, starting, ending]
                .into_iter()
                .flat_map(move |x| [(x, above - dy), (x, below + dy)])
        });
        let candidates = near.into_iter().chain(far).map(|(left, top)| Frame {
            left,
            top,
            width,
            height,
        });
        let clear = |frame: &Frame| !self.taken.iter().any(|taken| taken.overlaps(frame));
        let free = candidates
            .filter(|frame| self.bounds.encloses(frame))
            .find(|frame| clear(frame) && frame.leader(x, y).is_none_or(|line| clear(&line)))?;
        self.taken.push(free);
        self.taken.extend(free.leader(x, y));
        Some(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn boxes_on_a_line_keep_their_order_and_their_distance(
            mut boxes in proptest::collection::vec((0.0..800.0f64, 5.0..60.0f64), 0..20),
        ) {
            boxes.sort_by(|a, b| a.0.total_cmp(&b.0));
            let needed: f64 = boxes.iter().map(|(_, width)| width + 4.0).sum::<f64>() - 4.0;
            match spread(&boxes, 50.0, 750.0, 4.0) {
                None => prop_assert!(needed > 700.0),
                Some(lefts) => {
                    let ends: Vec<f64> = lefts.iter().zip(&boxes).map(|(left, b)| left + b.1).collect();
                    prop_assert!(lefts.iter().all(|left| *left >= 50.0 - 1e-6));
                    prop_assert!(ends.iter().all(|end| *end <= 750.0 + 1e-6));
                    prop_assert!(ends.iter().zip(lefts.iter().skip(1)).all(|(end, next)| end + 4.0 <= next + 1e-6));
                }
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
        let mut room = Room::new(Frame {
            left: 0.0,
            top: 0.0,
            width: 100.0,
            height: 100.0,
        });
        let frame = room.take(50.0, 50.0, 40.0, 10.0).unwrap();
        assert_eq!((frame.left, frame.bottom()), (30.0, 45.0));
    }

    #[test]
    fn a_box_with_room_stays_centred() {
        assert_eq!(
            spread(&[(100.0, 20.0), (200.0, 20.0)], 0.0, 300.0, 4.0),
            Some(vec![90.0, 190.0])
        );
        assert_eq!(
            spread(&[(5.0, 20.0), (299.0, 20.0)], 0.0, 300.0, 4.0),
            Some(vec![0.0, 280.0])
        );
    }

    #[test]
    fn strides_are_round() {
        assert_eq!(
            [30.0, 11.0, 6.0, 1.6, 0.01].map(|pitch| stride(pitch, 20.0)),
            [1, 2, 5, 20, 2000]
        );
    }
}
