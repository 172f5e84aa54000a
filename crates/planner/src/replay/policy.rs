//! Ways of choosing plans, and what each costs.

use std::collections::BTreeSet;

use super::{Lookup, Policy, PolicyResult, RateTrace, Timing};

/// Frames on their way through a trace.
pub(super) struct Journey<'a> {
    pub(super) trace: &'a RateTrace,
    /// Of each plan of the table; at least one.
    pub(super) timings: &'a [Timing],
    /// When each frame starts.
    pub(super) starts: Vec<u64>,
}

/// The plan of each frame, and its latency.
#[derive(Debug, Clone)]
pub(super) struct Run {
    plans: Vec<usize>,
    latencies: Vec<u64>,
}

impl Journey<'_> {
    /// For each frame the plan that is the fastest; of equals that in use.
    pub(super) fn clairvoyant(&self) -> Run {
        let mut current = 0;
        let plans = self.starts.iter().map(|start| {
            let all = 0..self.timings.len();
            let fastest = all.min_by_key(|plan| (self.latency(*plan, *start), *plan != current));
            current = fastest.unwrap_or_default();
            current
        });
        let plans = plans.collect();
        self.run(plans)
    }

    /// The table's plans at the rates that are known, with its hysteresis.
    pub(super) fn table(&self, table: &Lookup, known: &[u64]) -> Run {
        let mut current = None;
        let plans = known.iter().map(|rate| {
            let next = table.next(current, *rate);
            current = Some(next);
            next
        });
        let plans = plans.collect();
        self.run(plans)
    }

    /// The best plans of the table at the rates that are known.
    pub(super) fn best_of(&self, table: &Lookup, known: &[u64]) -> Run {
        self.run(known.iter().map(|rate| table.best_at(*rate)).collect())
    }

    /// The same plan for all frames.
    pub(super) fn fixed(&self, plan: usize) -> Run {
        self.run(vec![plan; self.starts.len()])
    }

    /// The one plan with the least mean latency.
    pub(super) fn best_fixed(&self) -> Run {
        let total = |plan: &usize| -> u128 {
            let latency = |start: &u64| u128::from(self.latency(*plan, *start));
            self.starts.iter().map(latency).sum()
        };
        let best = (0..self.timings.len()).min_by_key(total);
        self.fixed(best.unwrap_or_default())
    }

    fn run(&self, plans: Vec<usize>) -> Run {
        let frames = plans.iter().zip(&self.starts);
        let latencies = frames
            .map(|(plan, start)| self.latency(*plan, *start))
            .collect();
        Run { plans, latencies }
    }

    fn latency(&self, plan: usize, start_ns: u64) -> u64 {
        self.timings[plan].latency_ns(self.trace, start_ns)
    }
}

impl Run {
    /// The run in a few numbers.
    pub(super) fn result(self, policy: Policy, best: &Run, late_ns: Option<u64>) -> PolicyResult {
        let plans: BTreeSet<usize> = self.plans.iter().copied().collect();
        let only = match policy {
            Policy::BestFixed | Policy::MeanRate => plans.first().copied(),
            _ => None,
        };
        let mean_ms = self.mean_ms();
        let mut sorted = self.latencies;
        sorted.sort_unstable();
        let late = |most: u64| {
            let late = sorted.len() - sorted.partition_point(|ns| *ns <= most);
            late as f64 / sorted.len().max(1) as f64
        };
        PolicyResult {
            policy,
            plan: only,
            plans: plans.len(),
            switches: switches(&self.plans),
            mean_ms,
            p50_ms: percentile_ms(&sorted, 50),
            p95_ms: percentile_ms(&sorted, 95),
            p99_ms: percentile_ms(&sorted, 99),
            worst_ms: percentile_ms(&sorted, 100),
            regret_ms: mean_ms - best.mean_ms(),
            late: late_ns.map(late),
        }
    }

    fn mean_ms(&self) -> f64 {
        let total: u128 = self.latencies.iter().map(|ns| u128::from(*ns)).sum();
        total as f64 / self.latencies.len().max(1) as f64 / 1e6
    }
}

fn switches(plans: &[usize]) -> u64 {
    let changes = plans.windows(2).filter(|pair| pair[0] != pair[1]);
    changes.count() as u64
}

/// The least latency that this many of 100 frames do not exceed.
fn percentile_ms(sorted: &[u64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    let ns = sorted.get(rank.saturating_sub(1)).copied();
    ns.unwrap_or_default() as f64 / 1e6
}
