//! Search for the bounds with the least squared error.

use super::histogram::Histogram;
use crate::codec::Bits;

/// Bounds tried on each side in the first round.
const STARTS: i32 = 16;
/// Best of those that are followed.
const FOLLOWED: usize = 4;
/// First and last step of following, as shares of the distance between the bounds.
const STEPS: (f64, f64) = (0.12, 0.001);

/// Squared error of quantising what a histogram holds, as a function of the bounds.
///
/// Values are taken as even within a bin. Sums up to every bin's edge make the error of a code's
/// whole interval two lookups.
pub(super) struct Search {
    top: u8,
    zeros: f64,
    least: f64,
    most: f64,
    low_is_zero: bool,
    edges: Vec<f64>,
    widths: Vec<f64>,
    /// Sums of count, value and squared value below each edge, then of everything.
    sums: Vec<[f64; 3]>,
    /// What values are counted from, to keep the sums small.
    origin: f64,
}

impl Search {
    pub(super) fn new(histogram: &Histogram, bits: Bits) -> Search {
        let (least, most) = histogram.ends().unwrap_or((0.0, 0.0));
        let (least, most) = (f64::from(least), f64::from(most));
        let low_is_zero = least == 0.0 && histogram.zeros > 0;
        let origin = if low_is_zero { 0.0 } else { least };
        let (mut edges, mut widths) = (Vec::new(), Vec::new());
        let mut sums = vec![[0.0; 3]];
        let mut sum = [0.0; 3];
        for (edge, width, count) in histogram.bins() {
            // the outer bins end where the values do
            let from = edge.max(least);
            let width = ((edge + width).min(most) - from).max(width * 1e-9);
            edges.push(from - origin);
            widths.push(width);
            let part = moments(from - origin, width, count);
            sum = [sum[0] + part[0], sum[1] + part[1], sum[2] + part[2]];
            sums.push(sum);
        }
        Search {
            top: bits.top(),
            zeros: histogram.zeros as f64,
            least,
            most,
            low_is_zero,
            edges,
            widths,
            sums,
            origin,
        }
    }

    /// Returns the best bounds; `None` when there are fewer than two different values.
    pub(super) fn best(&self) -> Option<(f32, f32)> {
        if self.least >= self.most {
            return None;
        }
        let mut tried: Vec<(f64, f64, f64)> = self
            .starts()
            .into_iter()
            .map(|(low, high)| (self.error(low, high), low, high))
            .collect();
        tried.sort_by(|a, b| a.0.total_cmp(&b.0));
        let followed = tried.into_iter().take(FOLLOWED).map(|t| self.follow(t));
        let (_, low, high) = followed.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let (low, high) = (low as f32, high as f32);
        (low < high).then_some((low, high))
    }

    /// Bounds between the mean and the outermost values, denser towards the mean.
    fn starts(&self) -> Vec<(f64, f64)> {
        let share = |i: i32| 2_f64.powf(f64::from(i + 1 - STARTS) / 2.5);
        let shares = (0..STARTS).map(share);
        if self.low_is_zero {
            return shares.map(|share| (0.0, self.most * share)).collect();
        }
        let all = self.sums.last().copied().unwrap_or_default();
        let count = (all[0] + self.zeros).max(1.0);
        let mean = self.origin + (all[1] - self.zeros * self.origin) / count;
        shares
            .flat_map(|below| (0..STARTS).map(move |i| (below, share(i))))
            .map(|(below, above)| {
                let low = mean - (mean - self.least) * below;
                (low, mean + (self.most - mean) * above)
            })
            .collect()
    }

    /// Moves one bound at a time while that helps, by smaller and smaller steps.
    fn follow(&self, (mut error, mut low, mut high): (f64, f64, f64)) -> (f64, f64, f64) {
        let mut step = STEPS.0;
        while step > STEPS.1 {
            let by = (high - low) * step;
            let tries = [
                (by, 0.0),
                (-by, 0.0),
                (0.0, by),
                (0.0, -by),
                (by, -by),
                (-by, by),
            ];
            let moved = tries
                .into_iter()
                .filter(|(below, _)| !self.low_is_zero || *below == 0.0)
                .map(|(below, above)| (low + below, high + above))
                .map(|(low, high)| (low.max(self.least), high.min(self.most)))
                .filter(|(low, high)| low < high)
                .map(|(low, high)| (self.error(low, high), low, high))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            match moved {
                Some(better) if better.0 < error => (error, low, high) = better,
                _ => step /= 2.0,
            }
        }
        (error, low, high)
    }

    /// Sum of squared differences between values and what their codes stand for.
    fn error(&self, low: f64, high: f64) -> f64 {
        let step = (high - low) / f64::from(self.top);
        let level = |code: u8| low + step * f64::from(code) - self.origin;
        let mut sum = 0.0;
        let mut below = [0.0; 3];
        for code in 0..=self.top {
            let level = level(code);
            let upto = if code == self.top {
                self.sums.last().copied().unwrap_or_default()
            } else {
                self.below(level + step / 2.0)
            };
            let [count, first, second] = [0, 1, 2].map(|i| upto[i] - below[i]);
            sum += second - 2.0 * level * first + level * level * count;
            below = upto;
        }
        let code = ((0.0 - low) / step + 0.5)
            .floor()
            .clamp(0.0, f64::from(self.top));
        sum.max(0.0) + self.zeros * (low + code * step).powi(2)
    }

    /// Sums over the values below a place.
    fn below(&self, place: f64) -> [f64; 3] {
        let after = self.edges.partition_point(|edge| *edge < place);
        let Some(bin) = after.checked_sub(1) else {
            return [0.0; 3];
        };
        let (edge, width) = (self.edges[bin], self.widths[bin]);
        let before = self.sums[bin];
        if place >= edge + width {
            return self.sums[after];
        }
        let count = self.sums[after][0] - before[0];
        let share = (place - edge) / width;
        let part = moments(edge, place - edge, count * share);
        [0, 1, 2].map(|i| before[i] + part[i])
    }
}

/// Count, sum and sum of squares of values spread evenly from `edge` on.
fn moments(edge: f64, width: f64, count: f64) -> [f64; 3] {
    let middle = edge + width / 2.0;
    [
        count,
        count * middle,
        count * (middle * middle + width * width / 12.0),
    ]
}
