//! Timing the chosen cuts, batch by batch, so that what is measured can be saved as it arrives.
//!
//! Two sessions of one model differ by about 1 % for as long as they live, depending on where their
//! weights happen to lie in memory. So every cut is timed twice, in fresh sessions among other
//! neighbours, and the whole model in several sessions of every batch.

use std::time::{Duration, Instant};

use super::RunError;
use super::anchors::Anchors;
use super::halves::{BatchTimes, Bench};
use super::measure::TimeSummary;
use super::partial::{CutNames, PartialProfile};
use super::request::{ProfileObserver, ProfileProgress, ProfileRequest};
use super::stats::median;
use super::trace_model::TracedModel;
use cutpoint_core::cuts::Cut;
use cutpoint_core::graph::{Graph, TensorId};
use cutpoint_core::profile::CutRecord;

/// Fresh sessions of every cut.
const PASSES: usize = 2;
/// Cuts timed together; more would only hold more sessions in memory.
const BATCH_CUTS: usize = 20;
/// Sessions of one batch may hold this much.
const BATCH_BYTES: u64 = 2 << 30;
/// Bytes a session holds per byte of its model at the deployment level (measured: 2.7).
const SESSION_FACTOR: u64 = 3;

fn names(graph: &Graph, cut: &Cut) -> CutNames {
    let tensor = |t: &_| graph.tensor(*t).name.clone();
    let needed = graph.ancestors(&cut.crossing);
    let kept = cut.edge.iter().filter(|l| !needed.contains(*l));
    (
        cut.crossing.iter().map(tensor).collect(),
        kept.map(|l| graph.layer(l).id.clone()).collect(),
    )
}

/// The cut of these names; `None` when the graph has no such cut.
fn named(graph: &Graph, (tensors, kept): &CutNames, local_inputs: &[TensorId]) -> Option<Cut> {
    let tensors: Vec<TensorId> = tensors
        .iter()
        .map(|name| graph.find_tensor(name).ok())
        .collect::<Option<_>>()?;
    let mut edge = graph.ancestors(&tensors);
    for layer in kept {
        edge.insert(graph.find_layer(layer).ok()?);
    }
    let cut = Cut::of(graph, edge, local_inputs);
    let possible = cut.edge.len() < graph.layers().len() && graph.is_closed(&cut.edge);
    (possible && cut.crossing == tensors).then_some(cut)
}

/// The measured cuts and the whole model's time they are scaled to.
pub(super) struct Timing {
    pub(super) cuts: Vec<(Cut, CutRecord)>,
    pub(super) whole: TimeSummary,
    pub(super) disturbed: f64,
    pub(super) drift: f64,
}

/// Measures the chosen cuts batch by batch.
pub(super) struct Schedule<'a> {
    bench: &'a Bench<'a>,
    traced: &'a TracedModel,
    request: &'a ProfileRequest,
    partial: PartialProfile,
    wholes: Vec<TimeSummary>,
}

/// What is left of the budget, and of the cuts that share it.
struct Allowance {
    until: Instant,
    open: usize,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(
        bench: &'a Bench<'a>,
        traced: &'a TracedModel,
        request: &'a ProfileRequest,
        key: String,
        partial: Option<PartialProfile>,
    ) -> Schedule<'a> {
        let fresh = PartialProfile {
            key,
            whole_us: 0.0,
            cuts: Vec::new(),
        };
        let partial = partial.filter(|p| p.key == fresh.key).unwrap_or(fresh);
        Schedule {
            bench,
            traced,
            request,
            partial,
            wholes: Vec::new(),
        }
    }

    /// Adds the cuts that were measured before and are not among the chosen ones: the choice rests
    /// on a trace, which differs a little from run to run.
    pub(super) fn adopt(&self, anchors: &mut Anchors, local_inputs: &[TensorId]) {
        let graph = &self.traced.grouping.graph;
        for record in &self.partial.cuts {
            let names = (record.tensors.clone(), record.kept.clone());
            let cut = named(graph, &names, local_inputs);
            let new = |cut: &Cut| !anchors.cuts.iter().any(|known| known.edge == cut.edge);
            if let Some(cut) = cut.filter(new) {
                anchors.cuts.push(cut);
            }
        }
    }

    /// Times the cuts in order of importance until the budget is spent, then all of them again.
    pub(super) fn run(
        &mut self,
        anchors: &Anchors,
        observer: &mut dyn ProfileObserver,
    ) -> Result<(), RunError> {
        let until = Instant::now() + self.request.budget;
        let planned = PASSES * anchors.cuts.len();
        for pass in 0..PASSES {
            let open: Vec<&Cut> = anchors
                .cuts
                .iter()
                .filter(|cut| self.partial.of(&self.names(cut)).count() <= pass)
                .collect();
            let batches = self.batches(&open, pass);
            for (index, batch) in batches.iter().enumerate() {
                let required = pass == 0 && self.partial.cuts.len() < anchors.required;
                let first = self.wholes.is_empty();
                if Instant::now() >= until && !required && !first {
                    break;
                }
                let left = batches[index..].iter().map(Vec::len).sum::<usize>();
                let open = left + (PASSES - 1 - pass) * anchors.cuts.len();
                let allowance = Allowance { until, open };
                self.batch(batch, pass, planned, &allowance, observer)?;
            }
        }
        if self.wholes.is_empty() {
            // every cut is known already, but the whole model is always timed
            let allowance = Allowance { until, open: 1 };
            self.batch(&[], 0, planned, &allowance, observer)?;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        cuts: &[&Cut],
        pass: usize,
        planned: usize,
        allowance: &Allowance,
        observer: &mut dyn ProfileObserver,
    ) -> Result<(), RunError> {
        let done = self.partial.cuts.len();
        let left = allowance.until.saturating_duration_since(Instant::now());
        let share = cuts.len().max(1) as f64 / allowance.open.max(1) as f64;
        let rounds = self.bench.protocol.min_rounds as f64;
        let mut watch = |round: usize| {
            let part = (round as f64 / rounds).min(1.0) * cuts.len() as f64;
            observer.progress(ProfileProgress::Timing {
                done: (done as f64 + part) / planned.max(1) as f64,
                cuts: (done, planned),
                pass: pass + 1,
            })
        };
        let nodes: Vec<Cut> = cuts.iter().map(|cut| self.node_level(cut)).collect();
        let time = Duration::from_secs_f64(left.as_secs_f64() * share.min(1.0));
        let number = self.wholes.len() + done;
        let times = self.bench.time(&nodes, number, time, &mut watch)?;
        self.record(cuts, &times);
        observer.measured(&self.partial)
    }

    /// The cut in terms of the model's nodes.
    fn node_level(&self, cut: &Cut) -> Cut {
        let edge = self.traced.grouping.expand(&cut.edge);
        Cut {
            edge,
            crossing: Vec::new(),
        }
    }

    fn names(&self, cut: &Cut) -> CutNames {
        names(&self.traced.grouping.graph, cut)
    }

    /// Splits the cuts into batches that fit in memory, of equal size as far as possible: the more
    /// sessions run in turn, the colder the caches that each finds. The second pass deals the cuts
    /// out like cards, last one first, so that each has other neighbours.
    fn batches<'c>(&self, cuts: &[&'c Cut], pass: usize) -> Vec<Vec<&'c Cut>> {
        if cuts.is_empty() {
            return Vec::new();
        }
        let session = self.bench.model.encode().len() as u64 * SESSION_FACTOR;
        let fit = (BATCH_BYTES / session.max(1)).clamp(1, BATCH_CUTS as u64) as usize;
        let count = cuts.len().div_ceil(fit);
        let size = cuts.len().div_ceil(count);
        if pass == 0 {
            return cuts.chunks(size).map(<[&Cut]>::to_vec).collect();
        }
        let hand = |first: usize| {
            let cards = cuts.iter().rev().skip(first);
            cards.step_by(count).copied().collect()
        };
        (0..count).map(hand).collect()
    }

    fn record(&mut self, cuts: &[&Cut], times: &BatchTimes) {
        if self.partial.whole_us == 0.0 {
            self.partial.whole_us = times.whole.median_us;
        }
        let scale = self.partial.whole_us / times.whole.median_us.max(f64::MIN_POSITIVE);
        for (cut, halves) in cuts.iter().zip(&times.halves) {
            let (tensors, kept) = self.names(cut);
            self.partial.cuts.push(CutRecord {
                tensors,
                kept,
                edge_us: halves.edge.median_us * scale,
                server_us: halves.server.median_us * scale,
                edge_mad_us: halves.edge.mad_us * scale,
                server_mad_us: halves.server.mad_us * scale,
                rounds: halves.edge.rounds.min(halves.server.rounds),
                edge_repeat_us: halves.edge.repeat_us * scale,
                server_repeat_us: halves.server.repeat_us * scale,
                ..CutRecord::default()
            });
        }
        self.wholes.push(times.whole);
    }

    /// Returns the whole model over all batches; cuts rescaled to it.
    pub(super) fn finish(self, anchors: &Anchors) -> Timing {
        let whole = over_all(&self.wholes);
        let medians: Vec<f64> = self.wholes.iter().map(|w| w.median_us).collect();
        let drift = match (medians.first(), medians.last()) {
            (Some(first), Some(last)) if medians.len() > 1 => last / first - 1.0,
            _ => whole.drift,
        };
        let scale = whole.median_us / self.partial.whole_us.max(f64::MIN_POSITIVE);
        let cuts = anchors.cuts.iter().filter_map(|cut| {
            let names = self.names(cut);
            let found: Vec<&CutRecord> = self.partial.of(&names).collect();
            Some((cut.clone(), merged(&found, scale)?))
        });
        Timing {
            cuts: cuts.collect(),
            disturbed: whole.disturbed,
            drift,
            whole,
        }
    }
}

/// The whole model over several batches.
fn over_all(wholes: &[TimeSummary]) -> TimeSummary {
    let medians: Vec<f64> = wholes.iter().map(|w| w.median_us).collect();
    let mean = |f: &dyn Fn(&TimeSummary) -> f64| {
        wholes.iter().map(f).sum::<f64>() / wholes.len().max(1) as f64
    };
    TimeSummary {
        median_us: median(&medians),
        mad_us: mean(&|w| w.mad_us),
        p90_us: mean(&|w| w.p90_us),
        p99_us: mean(&|w| w.p99_us),
        rounds: wholes.iter().map(|w| w.rounds).sum(),
        repeat_us: mean(&|w| w.repeat_us),
        drift: mean(&|w| w.drift),
        disturbed: mean(&|w| w.disturbed),
    }
}

/// One record of a cut from its measurements: the mean, and their difference as repeatability when
/// there are two (else that of even and odd rounds).
fn merged(found: &[&CutRecord], scale: f64) -> Option<CutRecord> {
    let first = found.first()?;
    let mean = |f: &dyn Fn(&CutRecord) -> f64| {
        scale * found.iter().map(|r| f(r)).sum::<f64>() / found.len() as f64
    };
    let repeat = |f: &dyn Fn(&CutRecord) -> f64, within: f64| match found {
        [one, two, ..] => scale * (f(one) - f(two)),
        _ => scale * within,
    };
    Some(CutRecord {
        edge_us: mean(&|r| r.edge_us),
        server_us: mean(&|r| r.server_us),
        edge_mad_us: mean(&|r| r.edge_mad_us),
        server_mad_us: mean(&|r| r.server_mad_us),
        rounds: found.iter().map(|r| r.rounds).sum(),
        edge_repeat_us: repeat(&|r| r.edge_us, first.edge_repeat_us),
        server_repeat_us: repeat(&|r| r.server_us, first.server_repeat_us),
        ..(*first).clone()
    })
}
