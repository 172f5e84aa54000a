//! Neighbouring stretches of one plan as one region with a stepped outline.

use super::{MapData, MapRow};
use crate::canvas::panel::Panel;
use crate::canvas::scale::Quantity;
use crate::canvas::text::fit;
use cutpoint_core::units::format_stated_us;

/// Stands for a plan where there is none.
pub(super) const NO_PLAN: usize = usize::MAX;

/// Where one plan is the best: one stretch of rates in each of several neighbouring rows.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) plan: usize,
    /// Row, slowest and fastest rate; rows without a gap.
    stretches: Vec<(usize, f64, f64)>,
    /// Lower and upper end of each of the figure's rows.
    edges: Vec<f64>,
}

/// Ends of the rows' bands, in delays: halfway between neighbours, by their logarithms. A row
/// without delay has a band below the others.
pub(super) fn edges(data: &MapData) -> Vec<f64> {
    let delays: Vec<f64> = data.rows.iter().map(|row| row.delay_us).collect();
    let positive: Vec<f64> = delays.iter().copied().filter(|us| *us > 0.0).collect();
    let (first, last) = (positive[0], positive[positive.len() - 1]);
    let mut edges = vec![first];
    edges.extend(positive.windows(2).map(|pair| (pair[0] * pair[1]).sqrt()));
    edges.push(last);
    if delays[0] == 0.0 {
        // as high as a line of text on a map of usual height
        edges.insert(0, first / (last / first).powf(0.08));
    }
    edges
}

/// The regions of a map, those without a plan among them.
pub(super) fn regions(data: &MapData) -> Vec<Region> {
    let edges = edges(data);
    let mut regions: Vec<Region> = Vec::new();
    for (row, stretch) in data.rows.iter().enumerate() {
        for (plan, from, to) in stretches(data, stretch) {
            let continues = |region: &&mut Region| {
                let last = region.stretches.last();
                region.plan == plan
                    && last.is_some_and(|(before, a, b)| before + 1 == row && *a < to && from < *b)
            };
            match regions.iter_mut().find(continues) {
                Some(region) => region.stretches.push((row, from, to)),
                None => regions.push(Region {
                    plan,
                    stretches: vec![(row, from, to)],
                    edges: edges.clone(),
                }),
            }
        }
    }
    regions
}

/// The stretches of a row, and those between and beside them, where there is no plan.
fn stretches(data: &MapData, row: &MapRow) -> Vec<(usize, f64, f64)> {
    let mut found: Vec<(usize, f64, f64)> = Vec::new();
    let mut at = data.from_bit_s;
    for segment in &row.segments {
        let from = segment.from_bit_s.clamp(at, data.to_bit_s);
        let to = segment.to_bit_s.clamp(from, data.to_bit_s);
        if from > at {
            found.push((NO_PLAN, at, from));
        }
        match found.last_mut() {
            Some(last) if last.0 == segment.plan => last.2 = to,
            _ if to > from => found.push((segment.plan, from, to)),
            _ => {}
        }
        at = to;
    }
    if at < data.to_bit_s {
        found.push((NO_PLAN, at, data.to_bit_s));
    }
    found
}

impl Region {
    /// Up along the slowest rates, down along the fastest.
    pub(super) fn outline(&self) -> Vec<[f64; 2]> {
        let band = |row: usize| [self.edges[row], self.edges[row + 1]];
        let up = self
            .stretches
            .iter()
            .flat_map(|(row, from, _)| band(*row).map(|delay| [*from, delay]));
        let down = self.stretches.iter().rev().flat_map(|(row, _, to)| {
            let [low, high] = band(*row);
            [[*to, high], [*to, low]]
        });
        up.chain(down).collect()
    }

    /// Left and right end, and middle, in pixels, of the widest box of this height inside.
    pub(super) fn widest(&self, panel: &Panel, height: f64) -> Option<(f64, f64, f64)> {
        let pixel = |(row, from, to): &(usize, f64, f64)| {
            let (top, bottom) = (
                panel.at_y(self.edges[row + 1]),
                panel.at_y(self.edges[*row]),
            );
            (top, bottom, panel.at_x(*from), panel.at_x(*to))
        };
        let rows: Vec<(f64, f64, f64, f64)> = self.stretches.iter().map(pixel).collect();
        let (bottom, top) = (rows.first()?.1, rows.last()?.0);
        let at = |middle: f64| {
            let (high, low) = (middle - height / 2.0, middle + height / 2.0);
            let inside = rows.iter().filter(|row| row.0 < low && high < row.1);
            let (left, right) = inside.fold((f64::NEG_INFINITY, f64::INFINITY), |ends, row| {
                (ends.0.max(row.2), ends.1.min(row.3))
            });
            (left, right, middle)
        };
        let steps = ((bottom - top - height) / 2.0).floor();
        let middles = (0..=steps as usize).map(|step| top + height / 2.0 + 2.0 * step as f64);
        let places = middles.filter(|_| steps >= 0.0).map(at);
        let centre = (top + bottom) / 2.0;
        // of nearly equal ones, the one in the middle
        let worth = |(left, right, y): &(f64, f64, f64)| right - left - 0.3 * (y - centre).abs();
        places.max_by(|a, b| worth(a).total_cmp(&worth(b)))
    }

    pub(super) fn tip(&self, data: &MapData, name: &str) -> String {
        let rates = self.stretches.iter();
        let low = rates
            .clone()
            .map(|(_, from, _)| *from)
            .fold(f64::INFINITY, f64::min);
        let high = rates.map(|(.., to)| *to).fold(0.0, f64::max);
        let delay = |row: usize| format_stated_us(data.rows[row].delay_us);
        let number = match self.plan {
            NO_PLAN => String::new(),
            plan => format!("{}: ", plan + 1),
        };
        let rows = self.stretches.first().zip(self.stretches.last());
        let rows = rows.map_or(String::new(), |(first, last)| {
            format!("{} to {} one way", delay(first.0), delay(last.0))
        });
        format!(
            "{number}{}\n{} to {}\n{rows}",
            fit(name, 1.0, 60.0),
            Quantity::RateBitS.show(low),
            Quantity::RateBitS.show(high),
        )
    }
}
