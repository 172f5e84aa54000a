//! Combinations of an objective with the limits that bound it from below, by Lagrange multipliers.
//!
//! Any combination with counts that are not negative bounds the objective of the placements within
//! the limits. Subgradient ascent finds counts that bound it well (Held and Karp 1971, with
//! Polyak's step), in doubles; the bounds are then computed in whole numbers.

use super::bound::Forest;
use super::bounds_data::BoundsData;
use crate::presolve::Reduced;
use cutpoint_core::graph::{Graph, LayerId, LayerSet};

/// Steps of one climb.
const STEPS: usize = 80;
/// What the counts of the objective's sums add up to, at most.
const WHOLE: f64 = 1_048_576.0;
/// What a combination comes to, at most: far from the end of 128 bits.
const MOST: f64 = 1e35;

/// Rows and how often they count.
pub(crate) type Counts = Vec<(usize, i128)>;

/// The search for counts, for one set of lines.
pub(crate) struct Climb<'a> {
    reduced: &'a Reduced<'a>,
    graph: &'a Graph,
    forest: &'a Forest,
    objectives: usize,
    /// The rows that count: the sums of the first objective, and limits that a placement can break.
    rows: Vec<usize>,
    sizes: Vec<f64>,
    // all in sizes
    base: Vec<f64>,
    layers: Vec<Vec<f64>>,
    tensors: Vec<Vec<Vec<f64>>>,
}

/// A combination's least, and where it is.
struct Point {
    value: f64,
    /// Per row: what it comes to there.
    slopes: Vec<f64>,
    edge: LayerSet,
}

impl<'a> Climb<'a> {
    pub(crate) fn new(
        reduced: &'a Reduced<'a>,
        forest: &'a Forest,
        data: &BoundsData,
    ) -> Climb<'a> {
        let objectives = 0..data.first_objective;
        let limits = data.objectives..data.base.len();
        let can_break = |row: &usize| (data.rooms[*row] as f64) < data.size(*row);
        let rows: Vec<usize> = objectives.chain(limits.filter(can_break)).collect();
        let mut sizes: Vec<f64> = rows.iter().map(|row| data.size(*row)).collect();
        // the sums of one objective are compared
        let objective = sizes[..data.first_objective]
            .iter()
            .copied()
            .fold(1.0, f64::max);
        sizes[..data.first_objective].fill(objective);
        let scaled = |values: &Vec<i128>| -> Vec<f64> {
            let rows = rows.iter().zip(&sizes);
            rows.map(|(row, size)| values[*row] as f64 / size).collect()
        };
        let beyond: Vec<i128> = data
            .base
            .iter()
            .zip(&data.rooms)
            .map(|(a, b)| a - b)
            .collect();
        let encodings = |encodings: &Vec<Vec<i128>>| encodings.iter().map(scaled).collect();
        Climb {
            base: scaled(&beyond),
            layers: data.contributions.layers.iter().map(scaled).collect(),
            tensors: data.contributions.tensors.iter().map(encodings).collect(),
            graph: reduced.problem.graph(),
            reduced,
            forest,
            objectives: data.first_objective,
            rows,
            sizes,
        }
    }

    /// Counts with which the first objective's bound is high. Each placement on the way goes to
    /// `seen`, which returns the least objective that is known to be possible.
    pub(crate) fn for_objective(&self, seen: &mut dyn FnMut(&LayerSet) -> Option<i128>) -> Counts {
        let mut counts = vec![0.0; self.rows.len()];
        counts[..self.objectives].fill(1.0 / self.objectives.max(1) as f64);
        let mut best = (f64::NEG_INFINITY, counts.clone());
        let (mut reach, mut stale) = (1.0, 0);
        for _ in 0..STEPS {
            let point = self.least(&counts);
            stale += 1;
            if point.value > best.0 {
                best = (point.value, counts.clone());
                stale = 0;
            } else if stale % 5 == 0 {
                reach /= 2.0;
            }
            let upper = seen(&point.edge).map(|objective| objective as f64 / self.sizes[0]);
            let target = upper.unwrap_or(best.0 + 0.05 * best.0.abs() + 0.01);
            let far: f64 = point.slopes.iter().map(|slope| slope * slope).sum();
            if target - best.0 < 1e-6 * target.abs() || far < 1e-18 {
                break;
            }
            let step = reach * (target - point.value).max(1e-6) / far;
            for (count, slope) in counts.iter_mut().zip(&point.slopes) {
                *count = (*count + step * slope).max(0.0);
            }
            even_out(&mut counts[..self.objectives]);
        }
        self.whole(&best.1)
    }

    /// Counts of the limits with which they contradict one another, or nearly do.
    pub(crate) fn for_limits(&self) -> Counts {
        let limits = self.rows.len() - self.objectives;
        if limits == 0 {
            return Counts::new();
        }
        let mut counts = vec![0.0; self.rows.len()];
        counts[self.objectives..].fill(1.0 / limits as f64);
        let mut best = (f64::NEG_INFINITY, counts.clone());
        for step in 0..STEPS {
            let mut point = self.least(&counts);
            if point.value > best.0 {
                best = (point.value, counts.clone());
            }
            if best.0 > 1e-9 {
                break;
            }
            point.slopes[..self.objectives].fill(0.0);
            let steepest = point.slopes.iter().fold(1e-12, |a: f64, b| a.max(b.abs()));
            let step = 0.5 / ((step + 1) as f64).sqrt() / steepest;
            for (count, slope) in counts.iter_mut().zip(&point.slopes) {
                *count = (*count + step * slope).max(0.0);
            }
            even_out(&mut counts[self.objectives..]);
        }
        self.whole(&best.1)
    }

    /// Where the combination with these counts is least.
    fn least(&self, counts: &[f64]) -> Point {
        let total = |values: &[f64]| -> f64 { values.iter().zip(counts).map(|(a, b)| a * b).sum() };
        let mut weights: Vec<f64> = self.layers.iter().map(|values| total(values)).collect();
        let mut picks = Vec::with_capacity(self.tensors.len());
        for (tensor, encodings) in self.graph.tensor_ids().zip(&self.tensors) {
            let costs = encodings.iter().map(|encoding| total(encoding)).enumerate();
            let Some((pick, cost)) = costs.min_by(|a, b| a.1.total_cmp(&b.1)) else {
                picks.push(None);
                continue;
            };
            picks.push(Some(pick));
            let cost = cost.max(0.0);
            if let Some(producer) = self.graph.producer(tensor) {
                weights[producer.index()] += cost;
            }
            if let Some(reader) = self.forest.first_reader[tensor.index()] {
                weights[reader.index()] -= cost;
            }
        }
        let free = |layer: usize| self.reduced.is_free(LayerId::new(layer));
        let gains = self.forest.gains(free, &weights);
        let mut edge = self.reduced.edge.clone();
        for layer in self.forest.best(&gains) {
            edge.insert(layer);
        }
        let mut slopes = self.base.clone();
        let mut count = |values: &[f64]| {
            for (slope, value) in slopes.iter_mut().zip(values) {
                *slope += value;
            }
        };
        for layer in edge.iter() {
            count(&self.layers[layer.index()]);
        }
        for (tensor, pick) in self.graph.tensor_ids().zip(picks) {
            let here = self.graph.producer(tensor).is_none_or(|p| edge.contains(p));
            let first = self.forest.first_reader[tensor.index()];
            if let (true, Some(pick)) = (here && first.is_none_or(|r| !edge.contains(r)), pick) {
                count(&self.tensors[tensor.index()][pick]);
            }
        }
        let value = slopes.iter().zip(counts).map(|(a, b)| a * b).sum();
        Point {
            value,
            slopes,
            edge,
        }
    }

    /// The counts as whole numbers of the rows' own units.
    fn whole(&self, counts: &[f64]) -> Counts {
        let unit = if counts[..self.objectives].iter().any(|count| *count > 0.0) {
            self.sizes[0]
        } else {
            self.sizes.iter().copied().fold(1.0, f64::max)
        };
        let rows = self.rows.iter().zip(&self.sizes).zip(counts);
        let whole = WHOLE.min(MOST / unit / 1e3).max(1.0);
        let rows = rows.map(|((row, size), count)| {
            let count = count * whole * unit / size;
            (*row, count.min(MOST / size).round() as i128)
        });
        rows.filter(|(_, count)| *count > 0).collect()
    }
}

/// Makes shares of a whole of them.
fn even_out(counts: &mut [f64]) {
    let sum: f64 = counts.iter().sum();
    let len = counts.len() as f64;
    for count in counts {
        *count = if sum > 0.0 { *count / sum } else { 1.0 / len };
    }
}
