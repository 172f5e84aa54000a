//! Whether a plan is missed between rates at which the best plans are known, where what is made
//! small is the largest of several lines in the pace.
//!
//! The difference of two such plans is linear in the pace between the rates at which the largest
//! line of either changes. So a plan that is better than another anywhere in a range, at both ends
//! of which it is not, is better at one of those rates, or at the slowest at which it meets the
//! limits, which only get looser as the rate grows.

use std::collections::BTreeSet;

use super::choose::Rival;
use super::enumerate::each_placement;
use super::reduce::Reduced;
use crate::codec::Codec;
use crate::graph::{LayerSet, TensorId};
use crate::problem::{Codecs, Cost, Pace, Problem, Rank};
use crate::scenario::RateRange;
use crate::units::BitRate;

/// More placements than this are too many.
const MOST_PLACEMENTS: usize = 20_000;
/// More ways to send what crosses in one placement are too many.
const MOST_WAYS: usize = 1_000;
/// So many rates are enough to look again.
const ENOUGH: usize = 32;

/// Rates of a range, and the plans known there.
pub(super) struct Between<'a> {
    pub(super) rivals: &'a [Rival<'a>],
    pub(super) rates: RateRange,
    /// The rank of the plan known for a rate, and the position of its problem; `None` where no plan
    /// meets the limits.
    pub(super) known: &'a dyn Fn(u64) -> Option<(Rank, usize)>,
}

impl Between<'_> {
    /// Rates at which another plan is better than the known one; `turns` are those at which the
    /// largest line of a known one changes. `None` when there are too many plans to look at.
    pub(super) fn missed(&self, turns: &BTreeSet<u64>) -> Option<Vec<u64>> {
        let mut missed = BTreeSet::new();
        for (index, rival) in self.rivals.iter().enumerate() {
            if rival.barred.is_some() {
                continue;
            }
            let fastest = rival.problem.with_rate(self.rates.to);
            let Ok(reduced) = Reduced::new(&fastest, fastest.pace()) else {
                continue;
            };
            each_placement(&reduced, MOST_PLACEMENTS, &mut |edge| {
                if missed.len() >= ENOUGH {
                    return Some(());
                }
                for codecs in ways_to_send(&fastest, edge)? {
                    // those that cannot be are no plans
                    let costs = fastest.costs(edge, &codecs).unwrap_or_default();
                    for cost in costs {
                        missed.extend(self.better(index, &fastest, edge, &cost, turns));
                    }
                }
                Some(())
            })?;
        }
        Some(missed.into_iter().collect())
    }

    /// Rates, of those that decide, at which a plan is better than the known one.
    fn better(
        &self,
        rival: usize,
        fastest: &Problem,
        edge: &LayerSet,
        cost: &Cost,
        turns: &BTreeSet<u64>,
    ) -> Vec<u64> {
        let meets = |bit_s: u64| at(fastest, bit_s).check(edge, cost).is_ok();
        let (from, to) = (self.rates.from.bit_s(), self.rates.to.bit_s());
        if !meets(to) {
            return Vec::new();
        }
        let mut rates = turns.clone();
        rates.extend(turning_rates(fastest, cost, self.rates));
        if fastest.depends_on_rate() && !meets(from) {
            let (mut breaks, mut holds) = (from, to);
            while holds - breaks > 1 {
                let middle = breaks + (holds - breaks) / 2;
                match meets(middle) {
                    true => holds = middle,
                    false => breaks = middle,
                }
            }
            rates.insert(holds);
        }
        let is_better = |bit_s: &u64| {
            let rank = fastest.rank(edge, cost, pace(*bit_s));
            let beats = (self.known)(*bit_s).is_none_or(|known| (rank, rival) < known);
            beats && meets(*bit_s)
        };
        rates.into_iter().filter(is_better).collect()
    }
}

/// The whole rates on both sides of each at which the largest line of a plan can change.
pub(super) fn turning_rates(problem: &Problem, cost: &Cost, rates: RateRange) -> BTreeSet<u64> {
    const NS_PER_S: i128 = 1_000_000_000;
    let mut turns = BTreeSet::new();
    for aim in problem.aims() {
        let sums = problem.aim_sums(aim, &cost.timing.done);
        let line = |pace: Pace| sums.iter().map(move |sum| sum.value(&cost.parts, pace));
        let fixed = line(Pace::fraction(0, 1));
        let lines: Vec<(i128, i128)> = fixed.zip(line(Pace::fraction(1, 0))).collect();
        for (index, (ns, bits)) in lines.iter().enumerate() {
            for (other_ns, other_bits) in &lines[..index] {
                let (rise, fall) = (bits - other_bits, other_ns - ns);
                if fall != 0 && (rise > 0) == (fall > 0) && rise != 0 {
                    let slower = u64::try_from(NS_PER_S * rise / fall).unwrap_or(u64::MAX);
                    turns.extend([slower, slower.saturating_add(1)]);
                }
            }
        }
    }
    turns.retain(|bit_s| (rates.from.bit_s()..=rates.to.bit_s()).contains(bit_s));
    turns
}

fn pace(bit_s: u64) -> Pace {
    Pace::of(BitRate::from_bit_s(bit_s).unwrap_or(BitRate::SLOWEST))
}

fn at(problem: &Problem, bit_s: u64) -> Problem {
    problem.with_rate(BitRate::from_bit_s(bit_s).unwrap_or(BitRate::SLOWEST))
}

/// Every choice of codecs for what crosses; `None` when there are too many.
fn ways_to_send(problem: &Problem, edge: &LayerSet) -> Option<Vec<Codecs>> {
    let mut all: Vec<Codecs> = vec![Vec::new()];
    for tensor in problem.crossing(edge) {
        let ways: Vec<(TensorId, Codec)> = problem
            .ways(tensor)
            .iter()
            .map(|way| (tensor, way.codec))
            .collect();
        let with = |sent: &Codecs| {
            let longer = |way: &(TensorId, Codec)| [sent.as_slice(), &[*way]].concat();
            ways.iter().map(longer).collect::<Vec<Codecs>>()
        };
        all = all.iter().flat_map(with).collect();
        if all.len() > MOST_WAYS {
            return None;
        }
    }
    Some(all)
}
