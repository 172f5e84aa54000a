//! From measured halves to times per layer and per crossing tensor.
//!
//! A real half is not the plain sum of its layers' traced times: cutting adds layout changes and a
//! copy, and loses fusion. So the times are fitted to the halves that were really measured:
//!
//! ```text
//! minimise  sum_i ((half_i(u) - measured_i) / sigma_i)^2
//!         + ridge * ( sum_v ((layer_v - trace_v) / s_v)^2 + sum_t ((extra_t - prior_t) / r_t)^2 )
//! subject to  u >= 0,   sum_v layer_v = whole
//! ```
//!
//! with `prior_t = a + b * bytes_t`. The problem is strictly convex, so its solution is unique. It is
//! solved in its dual form (one equation per half, which are fewer than layers and tensors) with an
//! active set for the bounds. The ridge is the one that predicts left-out cuts best among those that
//! still reproduce the measured ones.

use ndarray::{Array1, Array2, ArrayView1, Axis, s};

/// One measured half: which unknowns it sums, and what was measured.
#[derive(Debug, Clone)]
pub struct Half {
    /// Indices of its layers.
    pub layers: Vec<usize>,
    /// Indices of the tensors that cross.
    pub tensors: Vec<usize>,
    /// Median time, in microseconds.
    pub measured_us: f64,
    /// Uncertainty of that median, in microseconds.
    pub sigma_us: f64,
}

/// What is known of one side before any half is measured.
#[derive(Debug, Clone)]
pub struct Prior {
    /// Traced time of each layer, scaled so that the sum is `whole_us`.
    pub trace_us: Vec<f64>,
    /// Size of each tensor in bytes.
    pub bytes: Vec<f64>,
    /// Median of the unsplit model.
    pub whole_us: f64,
}

/// Calibrated times of one side, in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Time of each layer; they sum to the whole model's time.
    pub layers_us: Vec<f64>,
    /// Extra time of each tensor when it crosses.
    pub extra_us: Vec<f64>,
    /// Extra time of any split.
    pub split_us: f64,
    /// Predicted minus measured, per half.
    pub residual_us: Vec<f64>,
    /// Predicted without the half in the fit, minus measured, per half.
    pub left_out_us: Vec<f64>,
}

/// Ridge weights tried, from "trust the measured halves" to "trust the trace".
const RIDGES: [f64; 7] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0];
/// Groups of cuts left out together while choosing the ridge.
const FOLDS: usize = 8;
/// More halves than this are left out in groups, not one by one, for the reported error.
const LEAVE_ONE_OUT_LIMIT: usize = 120;

/// Fits of the edge and of the server side.
pub(super) struct Fits {
    pub(super) edge: Fit,
    pub(super) server: Fit,
}

/// Fits one side to its measured halves.
///
/// `tolerance_us` is the largest residual that still counts as reproducing a measurement.
pub fn fit(prior: &Prior, halves: &[Half], tolerance_us: f64) -> Fit {
    let system = System::new(prior, halves);
    let everything: Vec<usize> = (0..halves.len()).collect();
    let mut best: Option<(f64, f64)> = None;
    for ridge in RIDGES {
        let all = system.solve(&everything, ridge, None);
        let worst = everything
            .iter()
            .map(|i| system.residual(&all, *i).abs())
            .fold(0.0, f64::max);
        // the smallest ridge always qualifies: it reproduces as well as any
        if best.is_some() && worst > tolerance_us {
            continue;
        }
        let errors = system.left_out(ridge, FOLDS, &all);
        let score = robust_mean(&errors, 0.05 * prior.whole_us);
        if best.is_none_or(|(least, _)| score < least) {
            best = Some((score, ridge));
        }
    }
    let ridge = best.map_or(1.0, |(_, ridge)| ridge);
    let solution = system.solve(&everything, ridge, None);
    let folds = if halves.len() > LEAVE_ONE_OUT_LIMIT {
        LEAVE_ONE_OUT_LIMIT
    } else {
        halves.len()
    };
    let left_out_us = system.left_out(ridge, folds, &solution);
    system.finish(prior, solution, left_out_us)
}

/// Mean of absolute values, each capped: one hopeless cut must not choose the ridge.
fn robust_mean(errors: &[f64], cap: f64) -> f64 {
    let sum: f64 = errors.iter().map(|e| e.abs().min(cap)).sum();
    sum / errors.len().max(1) as f64
}

/// The linear system in all its unknowns: layers, then tensors, then the split.
struct System {
    /// One row per half, and last the whole model.
    rows: Array2<f64>,
    measured: Array1<f64>,
    variance: Array1<f64>,
    mean: Array1<f64>,
    spread: Array1<f64>,
    layers: usize,
}

struct Solution {
    unknowns: Array1<f64>,
    fixed: Vec<bool>,
}

impl System {
    fn new(prior: &Prior, halves: &[Half]) -> System {
        let (layers, tensors) = (prior.trace_us.len(), prior.bytes.len());
        let unknowns = layers + tensors + 1;
        let mut rows = Array2::zeros((halves.len() + 1, unknowns));
        for (i, half) in halves.iter().enumerate() {
            for layer in &half.layers {
                rows[[i, *layer]] = 1.0;
            }
            for tensor in &half.tensors {
                rows[[i, layers + *tensor]] = 1.0;
            }
            if !half.tensors.is_empty() {
                rows[[i, unknowns - 1]] = 1.0;
            }
        }
        for layer in 0..layers {
            rows[[halves.len(), layer]] = 1.0;
        }
        let whole = prior.whole_us.max(1e-3);
        let mut measured: Array1<f64> = halves.iter().map(|h| h.measured_us).collect();
        let mut variance: Array1<f64> = halves
            .iter()
            .map(|h| h.sigma_us.powi(2) + (0.002 * h.measured_us).powi(2) + (2e-4 * whole).powi(2))
            .collect();
        let append = |array: &mut Array1<f64>, value: f64| {
            let mut values = array.to_vec();
            values.push(value);
            *array = Array1::from(values);
        };
        append(&mut measured, prior.whole_us);
        append(&mut variance, (1e-5 * whole).powi(2));
        let (fixed_us, per_byte_us, split_us) = crossing_prior(prior, halves);
        let extra = prior
            .bytes
            .iter()
            .map(|bytes| fixed_us + per_byte_us * bytes);
        let mean: Array1<f64> = prior
            .trace_us
            .iter()
            .copied()
            .chain(extra)
            .chain([split_us])
            .collect();
        let floor = 5e-4 * whole;
        let spread = mean
            .iter()
            .enumerate()
            .map(|(j, mean)| {
                if j < layers {
                    0.1 * mean + floor
                } else {
                    0.5 * mean + 4.0 * floor
                }
            })
            .collect();
        System {
            rows,
            measured,
            variance,
            mean,
            spread,
            layers,
        }
    }

    fn halves(&self) -> usize {
        self.rows.nrows() - 1
    }

    fn residual(&self, solution: &Solution, half: usize) -> f64 {
        self.rows.row(half).dot(&solution.unknowns) - self.measured[half]
    }

    /// Minimises over the halves in `keep`, always with the whole model, all unknowns >= 0.
    fn solve(&self, keep: &[usize], ridge: f64, start: Option<&[bool]>) -> Solution {
        let mut picked = keep.to_vec();
        picked.push(self.halves());
        let rows = self.rows.select(Axis(0), &picked);
        let measured = self.measured.select(Axis(0), &picked);
        let noise = self.variance.select(Axis(0), &picked) * ridge;
        let unknowns = self.mean.len();
        let mut fixed = start.map_or_else(|| vec![false; unknowns], <[bool]>::to_vec);
        let mut solution = Array1::zeros(unknowns);
        // each pass frees or fixes unknowns; the bound only guards against rounding cycles
        for pass in 0..2 * unknowns {
            let dual = self.dual(&rows, &measured, &noise, &fixed);
            let pull = rows.t().dot(&dual);
            let free = &self.mean + &(&pull * &self.spread.mapv(|s| s * s));
            let mut changed = false;
            for j in 0..unknowns {
                // a fixed unknown is released when its unbounded optimum is positive, in early
                // passes only, so that the loop ends
                let release = fixed[j] && free[j] > 0.0 && pass < 8;
                let fix = !fixed[j] && free[j] < 0.0;
                if release || fix {
                    fixed[j] = fix;
                    changed = true;
                }
            }
            solution = free;
            for (j, value) in solution.iter_mut().enumerate() {
                if fixed[j] || *value < 0.0 {
                    *value = 0.0;
                }
            }
            if !changed {
                break;
            }
        }
        Solution {
            unknowns: solution,
            fixed,
        }
    }

    /// Multipliers of the rows: `(A S A' + ridge * noise)^-1 (y - A mean)` over the free unknowns.
    fn dual(
        &self,
        rows: &Array2<f64>,
        measured: &Array1<f64>,
        noise: &Array1<f64>,
        fixed: &[bool],
    ) -> Array1<f64> {
        let mut scaled = rows.clone();
        let mut mean = self.mean.clone();
        for (j, fixed) in fixed.iter().enumerate() {
            let spread = if *fixed { 0.0 } else { self.spread[j] };
            scaled.column_mut(j).mapv_inplace(|a| a * spread);
            if *fixed {
                mean[j] = 0.0;
            }
        }
        let mut gram = scaled.dot(&scaled.t());
        for (i, noise) in noise.iter().enumerate() {
            gram[[i, i]] += noise;
        }
        let right = measured - &rows.dot(&mean);
        cholesky_solve(gram, right)
    }

    /// Prediction minus measurement of each half when its fold is left out.
    fn left_out(&self, ridge: f64, folds: usize, full: &Solution) -> Vec<f64> {
        let mut errors = vec![0.0; self.halves()];
        for fold in 0..folds {
            let (out, keep): (Vec<_>, Vec<_>) = (0..self.halves()).partition(|i| i % folds == fold);
            if out.is_empty() {
                continue;
            }
            let solution = self.solve(&keep, ridge, Some(&full.fixed));
            for i in out {
                errors[i] = self.residual(&solution, i);
            }
        }
        errors
    }

    fn finish(&self, prior: &Prior, solution: Solution, left_out_us: Vec<f64>) -> Fit {
        let layers = solution.unknowns.slice(s![..self.layers]);
        let scale = exact_scale(layers, prior.whole_us);
        let layers_us = layers.iter().map(|us| us * scale).collect();
        let tensors_end = solution.unknowns.len() - 1;
        Fit {
            layers_us,
            extra_us: solution
                .unknowns
                .slice(s![self.layers..tensors_end])
                .to_vec(),
            split_us: solution.unknowns[tensors_end],
            residual_us: (0..self.halves())
                .map(|i| self.residual(&solution, i))
                .collect(),
            left_out_us,
        }
    }
}

/// Factor that makes the layers sum to the whole.
fn exact_scale(layers: ArrayView1<'_, f64>, whole_us: f64) -> f64 {
    let sum = layers.sum();
    if sum > 0.0 { whole_us / sum } else { 1.0 }
}

/// Least-squares estimate of `split + a * crossings + b * bytes`, the excess of the halves over
/// their traced layers; negative coefficients are dropped.
fn crossing_prior(prior: &Prior, halves: &[Half]) -> (f64, f64, f64) {
    let crossing: Vec<&Half> = halves.iter().filter(|h| !h.tensors.is_empty()).collect();
    let excess: Array1<f64> = crossing
        .iter()
        .map(|h| h.measured_us - h.layers.iter().map(|l| prior.trace_us[*l]).sum::<f64>())
        .collect();
    let bytes = |h: &Half| h.tensors.iter().map(|t| prior.bytes[*t]).sum::<f64>();
    let mean_bytes =
        (crossing.iter().map(|h| bytes(h)).sum::<f64>() / crossing.len().max(1) as f64).max(1.0);
    let mut active = vec![0, 1, 2];
    loop {
        let features =
            Array2::from_shape_fn((crossing.len(), active.len()), |(i, j)| match active[j] {
                0 => 1.0,
                1 => bytes(crossing[i]) / mean_bytes,
                _ => crossing[i].tensors.len() as f64 - 1.0,
            });
        let mut gram = features.t().dot(&features);
        for j in 0..active.len() {
            gram[[j, j]] += 1e-6 * (1.0 + gram[[j, j]]);
        }
        let solution = cholesky_solve(gram, features.t().dot(&excess));
        match solution.iter().position(|c| *c < 0.0) {
            Some(negative) => {
                active.remove(negative);
            }
            None => {
                let of = |which| {
                    active
                        .iter()
                        .position(|a| *a == which)
                        .map_or(0.0, |j| solution[j])
                };
                return (of(2), of(1) / mean_bytes, of(0));
            }
        }
    }
}

/// Solves `matrix * x = right` for a symmetric positive definite matrix.
pub(super) fn cholesky_solve(mut matrix: Array2<f64>, right: Array1<f64>) -> Array1<f64> {
    let n = right.len();
    // row by row, so that every inner product runs along two rows: with hundreds of halves
    // nearly all of the fit's time is spent here
    for i in 0..n {
        let (above, mut rest) = matrix.view_mut().split_at(Axis(0), i);
        let mut row = rest.row_mut(0);
        for j in 0..i {
            let factor = above.row(j);
            let known = row.slice(s![..j]).dot(&factor.slice(s![..j]));
            row[j] = (row[j] - known) / factor[j];
        }
        let known = row.slice(s![..i]);
        row[i] = (row[i] - known.dot(&known)).max(f64::MIN_POSITIVE).sqrt();
    }
    let mut x = right;
    for i in 0..n {
        let known = matrix.slice(s![i, ..i]).dot(&x.slice(s![..i]));
        x[i] = (x[i] - known) / matrix[[i, i]];
    }
    for i in (0..n).rev() {
        x[i] /= matrix[[i, i]];
        let solved = x[i];
        x.slice_mut(s![..i])
            .scaled_add(-solved, &matrix.slice(s![i, ..i]));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain whose true times differ from the trace by up to 30 %, cut after every layer.
    fn chain(layers: usize) -> (Prior, Vec<Half>, Vec<f64>) {
        let truth: Vec<f64> = (0..layers)
            .map(|v| 50.0 + 30.0 * ((v * 7) % 5) as f64)
            .collect();
        let whole_us: f64 = truth.iter().sum();
        let mut trace_us: Vec<f64> = truth
            .iter()
            .enumerate()
            .map(|(v, t)| t * (1.0 + 0.3 * ((v as f64).sin())))
            .collect();
        let scale = whole_us / trace_us.iter().sum::<f64>();
        trace_us.iter_mut().for_each(|t| *t *= scale);
        let bytes: Vec<f64> = (0..layers).map(|v| 4000.0 * (1 + v % 4) as f64).collect();
        let halves = (0..layers - 1)
            .map(|cut| Half {
                layers: (0..=cut).collect(),
                tensors: vec![cut],
                measured_us: truth[..=cut].iter().sum::<f64>() + 5.0 + 2e-3 * bytes[cut],
                sigma_us: 0.5,
            })
            .collect();
        (
            Prior {
                trace_us,
                bytes,
                whole_us,
            },
            halves,
            truth,
        )
    }

    #[test]
    fn measured_halves_are_reproduced_and_layers_sum_to_the_whole() {
        let (prior, halves, _) = chain(30);
        let fit = fit(&prior, &halves, 0.01 * prior.whole_us);
        let sum: f64 = fit.layers_us.iter().sum();
        assert!((sum - prior.whole_us).abs() < 1e-6 * prior.whole_us);
        for residual in &fit.residual_us {
            assert!(residual.abs() <= 0.01 * prior.whole_us, "{residual}");
        }
        let all = fit
            .layers_us
            .iter()
            .chain(&fit.extra_us)
            .chain([&fit.split_us]);
        assert!(all.into_iter().all(|us| *us >= 0.0));
    }

    #[test]
    fn left_out_cuts_are_predicted_better_than_by_the_trace_alone() {
        let (prior, halves, _) = chain(30);
        let fit = fit(&prior, &halves, 0.01 * prior.whole_us);
        let by_trace: Vec<f64> = halves
            .iter()
            .map(|h| h.layers.iter().map(|l| prior.trace_us[*l]).sum::<f64>() - h.measured_us)
            .collect();
        let mean = |errors: &[f64]| robust_mean(errors, f64::INFINITY);
        assert!(
            mean(&fit.left_out_us) < 0.75 * mean(&by_trace),
            "{} against {}",
            mean(&fit.left_out_us),
            mean(&by_trace)
        );
    }

    #[test]
    fn a_half_slower_than_the_whole_is_explained_by_its_crossing_tensor() {
        let (prior, mut halves, _) = chain(10);
        halves[4].measured_us = 2.0 * prior.whole_us;
        let fit = fit(&prior, &halves, 0.01 * prior.whole_us);
        assert!(fit.residual_us[4].abs() < 0.01 * prior.whole_us);
        assert!(fit.extra_us[4] > prior.whole_us);
        assert!(fit.residual_us[5].abs() < 0.01 * prior.whole_us);
    }

    #[test]
    fn no_halves_leave_the_trace() {
        let (prior, _, _) = chain(5);
        let fit = fit(&prior, &[], 1.0);
        for (fitted, traced) in fit.layers_us.iter().zip(&prior.trace_us) {
            assert!((fitted - traced).abs() < 1e-3 * traced);
        }
    }
}
