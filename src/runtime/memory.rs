//! Peak memory of a process that runs a half.
//!
//! A process's peak never falls, so each half is run in a child process of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use ort::environment::Environment;
use serde::{Deserialize, Serialize};

use super::RunError;
use super::probe::random_inputs;
use super::session::{Session, SessionOptions};
use crate::onnx::Model;
use crate::profile::MemoryModel;

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

/// The child's side: runs the model twice and reports; `None` where /proc does not tell.
///
/// # Errors
/// The model is bad, or the runtime refuses or fails.
pub fn observe(environment: &Environment, path: &Path) -> Result<Option<Peak>, RunError> {
    let base_bytes = peak_bytes();
    let model = Model::load(path)?;
    let feed = random_inputs(&model, &[])?;
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

/// The parent's side: saves the half and lets `program` run it; `None` when the child cannot tell.
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
    let folder = tempfile::tempdir().map_err(io)?;
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

/// Fits `base + weight_factor * weights + activation_factor * live` by least squares, both factors
/// at least zero; the base is the median of the children's.
pub fn fit(observations: &[Observation]) -> MemoryModel {
    let bases: Vec<f64> = observations
        .iter()
        .map(|o| o.peak.base_bytes as f64)
        .collect();
    let base = super::stats::median(&bases);
    let rows: Vec<(f64, f64, f64)> = observations
        .iter()
        .map(|o| {
            let above = o.peak.peak_bytes.saturating_sub(o.peak.base_bytes) as f64;
            (o.weight_bytes as f64, o.live_bytes as f64, above)
        })
        .collect();
    let (weight_factor, activation_factor) = two_factors(&rows);
    MemoryModel {
        base_bytes: base.round() as u64,
        weight_factor,
        activation_factor,
    }
}

/// Non-negative least squares in two unknowns: the unbounded optimum, else the better edge.
fn two_factors(rows: &[(f64, f64, f64)]) -> (f64, f64) {
    let sum = |f: &dyn Fn(&(f64, f64, f64)) -> f64| rows.iter().map(f).sum::<f64>();
    let (ww, wa, aa) = (
        sum(&|r| r.0 * r.0),
        sum(&|r| r.0 * r.1),
        sum(&|r| r.1 * r.1),
    );
    let (wy, ay) = (sum(&|r| r.0 * r.2), sum(&|r| r.1 * r.2));
    let determinant = ww * aa - wa * wa;
    if determinant > 1e-9 * ww * aa {
        let (w, a) = (
            (wy * aa - ay * wa) / determinant,
            (ay * ww - wy * wa) / determinant,
        );
        if w >= 0.0 && a >= 0.0 {
            return (w, a);
        }
    }
    let ratio = |y: f64, x: f64| if x > 0.0 { (y / x).max(0.0) } else { 0.0 };
    let (w, a) = (ratio(wy, ww), ratio(ay, aa));
    let error = |w: f64, a: f64| sum(&|r| (w * r.0 + a * r.1 - r.2).powi(2));
    if error(w, 0.0) <= error(0.0, a) {
        (w, 0.0)
    } else {
        (0.0, a)
    }
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
        let model = fit(&[
            observation(1_000_000, 500_000),
            observation(4_000_000, 900_000),
        ]);
        assert!((model.weight_factor - 2.5).abs() < 1e-6);
        assert!((model.activation_factor - 2.0).abs() < 1e-6);
        assert_eq!(model.base_bytes, 30_000_000);
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
