//! Labels side by side along a horizontal line, each belonging to a stretch of it.

use super::label_layout::spread;
use super::style::SMALL;
use super::text::width;
use super::{Anchor, Canvas};

/// Width of a label that reads upwards.
const COLUMN: f64 = SMALL + 3.0;
/// Least distance between neighbours.
const GAP: f64 = 3.0;

/// A label that looks for its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// Ends in pixels of what the label belongs to.
    pub(crate) stretch: [f64; 2],
    /// What it says.
    pub(crate) text: String,
    /// Width up to which the label may lie level.
    pub(crate) room: f64,
}

impl Wanted {
    /// What it takes of the line, with the distance to the next.
    pub(crate) fn width(&self) -> f64 {
        let level = width(&self.text, SMALL);
        GAP + if level > self.room { COLUMN } else { level }
    }
}

/// A label with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Label {
    pub(crate) stretch: [f64; 2],
    text: String,
    left: f64,
    upwards: bool,
}

/// Most labels side by side that still help.
const MOST: usize = 24;

/// Places labels, sorted from left to right, between `from` and `to`: level where there is room,
/// reading upwards elsewhere. When they are too many, those with the least room are left out.
pub(crate) fn arrange(wanted: &[Wanted], from: f64, to: f64) -> Vec<Label> {
    let mut labels: Vec<(Label, f64)> = wanted
        .iter()
        .map(|w| {
            let upwards = width(&w.text, SMALL) > w.room;
            let label = Label {
                stretch: w.stretch,
                text: w.text.clone(),
                left: 0.0,
                upwards,
            };
            (label, w.room)
        })
        .collect();
    while labels.len() > MOST {
        drop_tightest(&mut labels);
    }
    loop {
        let centre = |label: &Label| (label.stretch[0] + label.stretch[1]) / 2.0;
        let boxes: Vec<(f64, f64)> = labels.iter().map(|(l, _)| (centre(l), l.width())).collect();
        if let Some(lefts) = spread(&boxes, from, to, GAP) {
            let placed = labels.into_iter().zip(lefts);
            return placed
                .map(|((label, _), left)| Label { left, ..label })
                .collect();
        }
        if let Some((level, _)) = labels.iter_mut().find(|(label, _)| !label.upwards) {
            level.upwards = true;
        } else {
            drop_tightest(&mut labels);
        }
    }
}

fn drop_tightest(labels: &mut Vec<(Label, f64)>) {
    if let Some(least) = (0..labels.len()).min_by(|a, b| labels[*a].1.total_cmp(&labels[*b].1)) {
        labels.remove(least);
    }
}

/// Height of the tallest label.
pub(crate) fn height(labels: &[Label]) -> f64 {
    labels.iter().map(Label::height).fold(0.0, f64::max)
}

impl Label {
    fn width(&self) -> f64 {
        if self.upwards {
            COLUMN
        } else {
            width(&self.text, SMALL)
        }
    }

    pub(crate) fn height(&self) -> f64 {
        if self.upwards {
            width(&self.text, SMALL)
        } else {
            SMALL
        }
    }

    /// Horizontal middle of the label.
    pub(crate) fn middle(&self) -> f64 {
        self.left + self.width() / 2.0
    }

    /// Writes the label with its lower end at `bottom`.
    pub(crate) fn write(&self, canvas: &mut Canvas, class: &str, bottom: f64) {
        if self.upwards {
            canvas.upwards(
                class,
                self.left + COLUMN * 0.78,
                bottom,
                Anchor::Start,
                &self.text,
            );
        } else {
            canvas.text(class, self.middle(), bottom, Anchor::Middle, &self.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(from: f64, to: f64, text: &str) -> Wanted {
        Wanted {
            stretch: [from, to],
            text: text.to_owned(),
            room: to - from,
        }
    }

    #[test]
    fn labels_lie_level_where_they_fit_and_never_overlap() {
        let labels = arrange(
            &[
                wanted(0.0, 300.0, "edge"),
                wanted(300.0, 304.0, "a long name"),
                wanted(304.0, 310.0, "another"),
            ],
            0.0,
            310.0,
        );
        assert_eq!(
            labels.iter().map(|l| l.upwards).collect::<Vec<_>>(),
            [false, true, true]
        );
        assert!(
            labels
                .windows(2)
                .all(|pair| pair[0].left + pair[0].width() <= pair[1].left)
        );
        assert!(
            labels
                .iter()
                .all(|l| l.left >= 0.0 && l.left + l.width() <= 310.0)
        );
    }

    #[test]
    fn what_has_least_room_is_left_out_first() {
        let narrow: Vec<Wanted> = (0..40)
            .map(|i| wanted(f64::from(i), f64::from(i) + 1.0, "x"))
            .collect();
        let wide = wanted(40.0, 100.0, "name");
        let all: Vec<Wanted> = narrow.into_iter().chain([wide]).collect();
        let labels = arrange(&all, 0.0, 100.0);
        assert!(
            labels.len() < all.len() && labels.iter().any(|l| l.text == "name"),
            "{labels:?}"
        );
    }
}
