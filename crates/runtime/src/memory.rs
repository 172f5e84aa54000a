//! Peak memory of a process that runs a half.
//!
//! A process's peak never falls, so each half is run in a child process of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use ndarray::{Array1, Array2};
use ort::environment::Environment;
use serde::{Deserialize, Serialize};

use super::RunError;
use super::calibrate::cholesky_solve;
use super::probe::random_inputs;
use super::session::{Session, SessionOptions};
use super::stats::median;
use cutpoint_core::profile::MemoryModel;
use cutpoint_core::temporary::TemporaryFolder;
use cutpoint_onnx::Model;

/// Hidden subcommand that a child process is started with, followed by the model's path.
pub const CHILD_COMMAND: &str = "peak-memory";

/// What a child reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Peak with the runtime loaded and nothing else.
    pub base_bytes: u64,
    /// Peak after the half has run.
    pub peak_bytes: u64,
}

/// One half that was run, with what the model of its memory may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// What the child reported.
    pub peak: Peak,
    /// Distinct weights of the half.
    pub weight_bytes: u64,
    /// Most bytes of activations alive at once.
    pub live_bytes: u64,
}

/// Peak resident memory of this process so far; `None` where /proc does not tell.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Runs the model twice and reports, on the child's side; `None` where /proc does not tell.
///
/// # Errors
/// The model is bad, or the runtime refuses or fails.
pub fn observe(environment: &Environment, path: &Path) -> Result<Option<Peak>, RunError> {
    let base_bytes = peak_bytes();
    let model = Model::load(path)?;
    let feed = random_inputs(environment, &model, &[])?;
    let encoded = model.encode();
    drop(model);
    let mut session = Session::new(environment, &encoded, &SessionOptions::default())?;
    drop(encoded);
    for _ in 0..2 {
        session.run(&feed)?;
    }
    let peaks = base_bytes.zip(peak_bytes());
    Ok(peaks.map(|(base_bytes, peak_bytes)| Peak {
        base_bytes,
        peak_bytes,
    }))
}

/// Saves the half and lets `program` run it, on the parent's side; `None` when the child cannot
/// tell.
///
/// # Errors
/// The file cannot be written or the child cannot be started.
pub fn observe_in_child(
    program: &Path,
    half: &Model,
    threads: usize,
) -> Result<Option<Peak>, RunError> {
    let io = |cause| RunError::Io {
        path: program.to_owned(),
        cause,
    };
    let folder = TemporaryFolder::new_in(&std::env::temp_dir()).map_err(io)?;
    let path = folder.path().join("half.onnx");
    half.save(&path)?;
    let output = Command::new(program)
        .arg(CHILD_COMMAND)
        .arg(&path)
        .args(["--threads", &threads.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(io)?;
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(None))
}

/// Fits `base + weight_factor * weights + activation_factor * live` by least squares; the base is at
/// least what a process holds with the runtime loaded, both factors are at least zero.
pub fn fit(observations: &[Observation]) -> MemoryModel {
    let bases: Vec<f64> = observations
        .iter()
        .map(|o| o.peak.base_bytes as f64)
        .collect();
    let loaded = median(&bases);
    let rows: Vec<([f64; 3], f64)> = observations
        .iter()
        .map(|o| {
            let above = o.peak.peak_bytes.saturating_sub(o.peak.base_bytes) as f64;
            ([1.0, o.weight_bytes as f64, o.live_bytes as f64], above)
        })
        .collect();
    let [session, weight_factor, activation_factor] = non_negative(&rows);
    MemoryModel {
        base_bytes: (loaded + session).round() as u64,
        weight_factor,
        activation_factor,
    }
}

/// Non-negative least squares in three unknowns: the best of the eight ways to hold some at zero.
fn non_negative(rows: &[([f64; 3], f64)]) -> [f64; 3] {
    let error = |x: &[f64; 3]| -> f64 {
        let residual =
            |(a, y): &([f64; 3], f64)| (a[0] * x[0] + a[1] * x[1] + a[2] * x[2] - y).powi(2);
        rows.iter().map(residual).sum()
    };
    let mut best = [0.0; 3];
    for mask in 1_u8..8 {
        let free: Vec<usize> = (0..3).filter(|j| mask & (1 << j) != 0).collect();
        // columns of one size, so that bytes and ones can share a matrix
        let size = |j: usize| rows.iter().map(|(a, _)| a[j].abs()).fold(1.0, f64::max);
        let mut gram = Array2::zeros((free.len(), free.len()));
        let mut right = Array1::zeros(free.len());
        for (a, y) in rows {
            for (i, p) in free.iter().enumerate() {
                right[i] += a[*p] / size(*p) * y;
                for (j, q) in free.iter().enumerate() {
                    gram[[i, j]] += a[*p] / size(*p) * a[*q] / size(*q);
                }
            }
        }
        for i in 0..free.len() {
            // columns that say the same share the effect instead of cancelling each other
            gram[[i, i]] += 1e-9;
        }
        let solution = cholesky_solve(gram, right);
        let mut candidate = [0.0; 3];
        for (i, j) in free.iter().enumerate() {
            candidate[*j] = solution[i] / size(*j);
        }
        if candidate.iter().all(|x| *x >= 0.0) && error(&candidate) < error(&best) {
            best = candidate;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(weights: u64, live: u64) -> Observation {
        let peak_bytes = 30_000_000 + 5 * weights / 2 + 2 * live;
        Observation {
            peak: Peak {
                base_bytes: 30_000_000,
                peak_bytes,
            },
            weight_bytes: weights,
            live_bytes: live,
        }
    }

    #[test]
    fn factors_are_recovered() {
        let sizes = [
            (1_000_000, 500_000),
            (4_000_000, 900_000),
            (2_000_000, 3_000_000),
        ];
        let model = fit(&sizes.map(|(weights, live)| observation(weights, live)));
        assert!((model.weight_factor - 2.5).abs() < 1e-3, "{model:?}");
        assert!((model.activation_factor - 2.0).abs() < 1e-3, "{model:?}");
        assert!(model.base_bytes.abs_diff(30_000_000) < 10_000, "{model:?}");
    }

    #[test]
    fn factors_are_never_negative() {
        let mut falling = observation(4_000_000, 100_000);
        falling.peak.peak_bytes = 30_100_000;
        let model = fit(&[falling, observation(1_000, 3_000_000)]);
        assert!(model.weight_factor >= 0.0 && model.activation_factor >= 0.0);
        assert_eq!(fit(&[]).weight_factor, 0.0);
    }

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
