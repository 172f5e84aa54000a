//! How likely a plan's times are.
//!
//! Given the link's rate R, the time until a task is done is taken to be normal:
//!
//! `T | R ~ N(e + s + d + b / R, (c_e e)^2 + (c_s s)^2 + (sigma_b / R)^2)`
//!
//! with the edge's and the server's times e and s, their relative standard deviations c_e and c_s
//! from the profiles, delays d, and b bits on the wire with standard deviation sigma_b, which is
//! zero where payloads are fixed. Assumed are one rate for the whole of an inference, machines that
//! vary on their own, each as a whole (a slow run is slow in all layers), and payloads of several
//! tensors that are large together. The distribution over R is summed at the middles of 400 equally
//! likely cells, so the same inputs give the same numbers. Where machines do not vary,
//! probabilities are known to one cell.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::cost::times::Encoding;
use crate::cost::uncertainty::Uncertainty;
use crate::problem::varied::with_tables;
use crate::problem::{Completion, Cost, LinearCost, Part, Problem, TimePerBit};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::LatencySpread;

/// Times beyond this, in nanoseconds, are for ever.
const FOREVER_NS: f64 = 1e18;

/// A time that is normal given the rate.
#[derive(Debug)]
struct Law {
    fixed_ns: f64,
    variance: f64,
    bits: f64,
    bits_deviation: f64,
}

impl Law {
    /// Probability that it is at most `ns`.
    fn at_most(&self, ns: f64, bit_s: f64) -> f64 {
        let on_wire = |bits: f64| if bits > 0.0 { bits * 1e9 / bit_s } else { 0.0 };
        let mean = self.fixed_ns + on_wire(self.bits);
        let deviation = self.variance.sqrt().hypot(on_wire(self.bits_deviation));
        if deviation > 0.0 && mean.is_finite() {
            Normal::standard().cdf((ns - mean) / deviation)
        } else if mean <= ns {
            1.0
        } else {
            0.0
        }
    }
}

/// How likely it is that a plan keeps its deadlines, and how its latency is distributed.
#[derive(Debug, Default)]
pub(crate) struct Likelihood {
    pub(crate) latency: Option<LatencySpread>,
    /// Per task; `None` without a deadline.
    pub(crate) on_time: Vec<Option<f64>>,
}

/// Probability that all of several times are at most what stands beside them. Several kinds
/// of times all grow with the same machine's, hence are late together rather than one by one, and
/// the product of their probabilities is a lower bound (association; Esary, Proschan and Walkup,
/// 1967).
fn all_at_most(uncertainty: &Uncertainty, laws: &[(Law, f64)], link: f64) -> f64 {
    let at = |rate: f64| -> f64 {
        let each = laws.iter().map(|(law, ns)| law.at_most(*ns, rate));
        each.product()
    };
    match uncertainty.rates.as_slice() {
        [] => at(link),
        rates => rates.iter().map(|rate| at(*rate)).sum::<f64>() / rates.len() as f64,
    }
}

fn law(uncertainty: &Uncertainty, sum: &LinearCost, cost: &Cost, bits_deviation: f64) -> Law {
    let ns = |parts: &[Part]| -> f64 {
        let each = parts.iter();
        each.map(|part| sum.weight(*part) as f64 * cost.parts.ns(*part) as f64)
            .sum()
    };
    let edge = ns(&[Part::Edge, Part::Encode, Part::Local]);
    let server = ns(&[Part::Decode, Part::Server]);
    let (up, down) = (sum.weight(Part::Uplink), sum.weight(Part::Downlink));
    Law {
        fixed_ns: ns(&Part::ALL),
        variance: (uncertainty.edge * edge).powi(2) + (uncertainty.server * server).powi(2),
        bits: up as f64 * cost.parts.uplink_bits as f64
            + down as f64 * cost.parts.downlink_bits as f64,
        bits_deviation: up as f64 * bits_deviation,
    }
}

/// `cost` is that of `edge`.
pub(crate) fn likelihood(problem: &Problem, edge: &LayerSet, cost: &Cost) -> Likelihood {
    let found = problem.uncertainty.as_ref().and_then(|uncertainty| {
        let usual = usual_cost(problem, uncertainty, edge, cost)?;
        Some(likelihood_at(problem, uncertainty, &usual))
    });
    found.unwrap_or_else(|| Likelihood {
        latency: None,
        on_time: vec![None; problem.tasks().len()],
    })
}

/// What the same placement costs with medians and means.
fn usual_cost(
    problem: &Problem,
    uncertainty: &Uncertainty,
    edge: &LayerSet,
    cost: &Cost,
) -> Option<Cost> {
    let usual = with_tables(problem, &uncertainty.usual);
    let costs = usual.costs(edge, &cost.crossing).ok()?.into_iter();
    costs.into_iter().find(|own| own.timing == cost.timing)
}

fn likelihood_at(problem: &Problem, uncertainty: &Uncertainty, cost: &Cost) -> Likelihood {
    let link = problem.link().rate.bit_s() as f64;
    let encodings = cost.crossing.iter().filter_map(|(tensor, codec)| {
        let encodings = &uncertainty.usual.tensors[tensor.index()].encodings;
        encodings.iter().find(|encoding| encoding.codec == *codec)
    });
    let bits_deviation: f64 = encodings.map(Encoding::wire_deviation).sum();
    let law_of = |done: Completion| law(uncertainty, &done.time(), cost, bits_deviation);
    let deadlines = &problem.model.tables.deadlines;
    let on_time = cost.timing.done.iter().zip(deadlines).map(|(done, most)| {
        let most = (*most)? as f64;
        Some(rounded(all_at_most(
            uncertainty,
            &[(law_of(*done), most)],
            link,
        )))
    });
    let on_time: Vec<Option<f64>> = on_time.collect();
    let tightest = |kind: Completion| {
        let due = cost.timing.done.iter().zip(deadlines);
        let of_kind = due.filter(|(done, _)| **done == kind);
        let most = of_kind.filter_map(|(_, most)| *most).min()?;
        Some((law_of(kind), most as f64))
    };
    let kinds = [
        Completion::Here,
        Completion::Local,
        Completion::There,
        Completion::Back,
    ];
    let due: Vec<(Law, f64)> = kinds.into_iter().filter_map(tightest).collect();
    let mut last = vec![Completion::Back];
    last.extend((!cost.timing.local.is_empty()).then_some(Completion::Local));
    let at_most = |ns: f64| {
        let laws: Vec<(Law, f64)> = last.iter().map(|done| (law_of(*done), ns)).collect();
        all_at_most(uncertainty, &laws, link)
    };
    let start =
        TimePerBit::ns(problem.time_per_bit(), cost.scaled(problem.time_per_bit())).max(1.0);
    let quantile = |p: f64| quantile(&at_most, p, start).map(|ns| rounded(ns / 1e6));
    Likelihood {
        latency: Some(LatencySpread {
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            on_time: (!due.is_empty()).then(|| rounded(all_at_most(uncertainty, &due, link))),
        }),
        on_time,
    }
}

/// Where an increasing function reaches `p`, by bisection up from `start`.
fn quantile(at_most: &impl Fn(f64) -> f64, p: f64, start: f64) -> Option<f64> {
    let (mut low, mut high) = (0.0, start);
    while at_most(high) < p {
        low = high;
        high *= 2.0;
        if high > FOREVER_NS {
            return None;
        }
    }
    // to a thousandth of a nanosecond or the precision of the sum, whichever comes first
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if high - low < 1e-3_f64.max(high * 1e-9) {
            break;
        }
        if at_most(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    Some(high)
}

/// To six decimals, so that the last digits of libraries do not show.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
