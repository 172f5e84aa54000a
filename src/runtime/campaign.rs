//! Timing the chosen cuts, batch by batch, so that what is measured can be saved as it arrives.

use std::path::Path;
use std::time::Instant;

use super::RunError;
use super::anchors::Anchors;
use super::halves::{BatchTimes, Bench};
use super::measure::Summary;
use super::prepare::Prepared;
use super::profiler::{Observer, Progress, Request};
use super::stats::median;
use crate::cuts::Cut;
use crate::graph::Graph;
use crate::profile::CutRecord;

/// Cuts timed together; more would only hold more sessions in memory.
const BATCH_CUTS: usize = 20;
/// Sessions of one batch may hold this much.
const BATCH_BYTES: u64 = 2 << 30;
/// Bytes a session holds per byte of its model at the deployment level (measured: 2.5).
const SESSION_FACTOR: u64 = 3;

/// Measured cuts of an unfinished profile.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// Everything that must be the same for the measurement to go on.
    pub key: String,
    /// Median of the whole model that the cuts are scaled to.
    pub whole_us: f64,
    /// The cuts, scaled.
    #[serde(rename = "cut", default)]
    pub cuts: Vec<CutRecord>,
}

impl Partial {
    /// Reads the cuts measured before; a file that is missing or damaged is measured anew.
    pub fn read(path: &Path) -> Option<Partial> {
        toml::from_str(&std::fs::read_to_string(path).ok()?).ok()
    }

    /// Text of the file.
    ///
    /// # Errors
    /// [`RunError::Io`] when the cuts cannot be expressed in TOML.
    pub fn to_toml(&self, path: &Path) -> Result<String, RunError> {
        toml::to_string(self).map_err(|error| RunError::Io {
            path: path.to_owned(),
            cause: std::io::Error::other(error),
        })
    }
}

/// The measured cuts and the whole model's time they are scaled to.
pub(super) struct Timing {
    pub(super) cuts: Vec<(Cut, CutRecord)>,
    pub(super) whole: Summary,
    pub(super) disturbed: f64,
    pub(super) drift: f64,
}

/// Measures the chosen cuts batch by batch.
pub(super) struct Campaign<'a> {
    bench: &'a Bench<'a>,
    prepared: &'a Prepared,
    request: &'a Request,
    partial: Partial,
    wholes: Vec<Summary>,
    cuts: Vec<(Cut, CutRecord)>,
}

impl<'a> Campaign<'a> {
    pub(super) fn new(
        bench: &'a Bench<'a>,
        prepared: &'a Prepared,
        request: &'a Request,
        key: String,
        partial: Option<Partial>,
    ) -> Campaign<'a> {
        let fresh = Partial {
            key,
            whole_us: 0.0,
            cuts: Vec::new(),
        };
        let partial = partial.filter(|p| p.key == fresh.key).unwrap_or(fresh);
        Campaign {
            bench,
            prepared,
            request,
            partial,
            wholes: Vec::new(),
            cuts: Vec::new(),
        }
    }

    /// Times the cuts in order of importance until the budget is spent.
    pub(super) fn run(
        &mut self,
        anchors: &Anchors,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let start = Instant::now();
        let graph = &self.prepared.grouping.graph;
        let mut open = Vec::new();
        for cut in &anchors.cuts {
            let (tensors, kept) = names(graph, cut);
            let known = self
                .partial
                .cuts
                .iter()
                .find(|r| r.tensors == tensors && r.kept == kept);
            match known {
                Some(record) => self.cuts.push((cut.clone(), record.clone())),
                None => open.push(cut.clone()),
            }
        }
        let known = self.cuts.len();
        // the whole model is always timed, even when every cut is known already
        let mut batches = self.batches(&open);
        if batches.is_empty() {
            batches.push(&[]);
        }
        let total = anchors.cuts.len();
        for (index, batch) in batches.iter().enumerate() {
            let done = self.cuts.len();
            let left = self.request.budget.saturating_sub(start.elapsed());
            let mandatory = done < anchors.required.max(1);
            if index > 0 && left.is_zero() && !mandatory {
                break;
            }
            let share = batch.len().max(1) as f64 / (total - done).max(1) as f64;
            let deadline = Instant::now() + left.mul_f64(share.min(1.0));
            let rounds = self.request.protocol.min_rounds as f64;
            let mut after_round = |round: usize| {
                let part = (round as f64 / rounds).min(1.0) * batch.len() as f64;
                let done = (done as f64 + part) / total.max(1) as f64;
                observer.progress(Progress::Timing {
                    done,
                    cuts: (self.cuts.len(), total),
                })
            };
            let level: Vec<Cut> = batch.iter().map(|cut| self.node_level(cut)).collect();
            let times = self
                .bench
                .time(&level, known + index, deadline, &mut after_round)?;
            self.record(batch, &times);
            observer.measured(&self.partial)?;
        }
        Ok(())
    }

    /// The cut in terms of the model's nodes.
    fn node_level(&self, cut: &Cut) -> Cut {
        let edge = self.prepared.grouping.expand(&cut.edge);
        Cut {
            edge,
            crossing: Vec::new(),
        }
    }

    /// Splits the cuts into batches that fit in memory.
    fn batches<'c>(&self, cuts: &'c [Cut]) -> Vec<&'c [Cut]> {
        let session = self.bench.model.encode().len() as u64 * SESSION_FACTOR;
        let fit = (BATCH_BYTES / session.max(1)).clamp(1, BATCH_CUTS as u64) as usize;
        cuts.chunks(fit).collect()
    }

    fn record(&mut self, cuts: &[Cut], times: &BatchTimes) {
        if self.partial.whole_us == 0.0 {
            self.partial.whole_us = times.whole.median_us;
        }
        let scale = self.partial.whole_us / times.whole.median_us.max(f64::MIN_POSITIVE);
        for (cut, halves) in cuts.iter().zip(&times.halves) {
            let (tensors, kept) = names(&self.prepared.grouping.graph, cut);
            let record = CutRecord {
                tensors,
                kept,
                edge_us: halves.edge.median_us * scale,
                server_us: halves.server.median_us * scale,
                edge_mad_us: halves.edge.mad_us * scale,
                server_mad_us: halves.server.mad_us * scale,
                rounds: halves.edge.rounds.min(halves.server.rounds),
                edge_repeat_us: halves.edge.repeat_us * scale,
                server_repeat_us: halves.server.repeat_us * scale,
                edge_residual_us: 0.0,
                server_residual_us: 0.0,
                edge_loo_us: 0.0,
                server_loo_us: 0.0,
            };
            self.partial.cuts.push(record.clone());
            self.cuts.push((cut.clone(), record));
        }
        self.wholes.push(times.whole);
    }

    /// The whole model over all batches; cuts rescaled to it.
    pub(super) fn finish(mut self) -> Timing {
        let medians: Vec<f64> = self.wholes.iter().map(|w| w.median_us).collect();
        let mean = |f: &dyn Fn(&Summary) -> f64| {
            self.wholes.iter().map(f).sum::<f64>() / self.wholes.len().max(1) as f64
        };
        let whole = Summary {
            median_us: median(&medians),
            mad_us: mean(&|w| w.mad_us),
            p90_us: mean(&|w| w.p90_us),
            p99_us: mean(&|w| w.p99_us),
            rounds: self.wholes.iter().map(|w| w.rounds).sum(),
            repeat_us: mean(&|w| w.repeat_us),
            drift: mean(&|w| w.drift),
            disturbed: mean(&|w| w.disturbed),
        };
        let between = match (medians.first(), medians.last()) {
            (Some(first), Some(last)) if medians.len() > 1 => last / first - 1.0,
            _ => whole.drift,
        };
        let scale = whole.median_us / self.partial.whole_us.max(f64::MIN_POSITIVE);
        for (_, record) in &mut self.cuts {
            for value in [
                &mut record.edge_us,
                &mut record.server_us,
                &mut record.edge_mad_us,
                &mut record.server_mad_us,
                &mut record.edge_repeat_us,
                &mut record.server_repeat_us,
            ] {
                *value *= scale;
            }
        }
        Timing {
            cuts: self.cuts,
            disturbed: whole.disturbed,
            drift: between,
            whole,
        }
    }
}

/// Names of the crossing tensors, and of the layers kept beyond what those need.
fn names(graph: &Graph, cut: &Cut) -> (Vec<String>, Vec<String>) {
    let tensors = cut
        .crossing
        .iter()
        .map(|t| graph.tensor(*t).name.clone())
        .collect();
    let needed = graph.ancestors(&cut.crossing);
    let kept = cut.edge.iter().filter(|l| !needed.contains(*l));
    (tensors, kept.map(|l| graph.layer(l).id.clone()).collect())
}
