//! Which candidates need more samples: those that would win a contest if they lose as little as
//! they may, and of which it is not certain that they do.

use std::collections::HashMap;

use super::contests::Candidate;
use super::tried::Tried;
use crate::sensitivity::TaskDrop;

/// Limits on drops that plans may be asked for, in the unit of [`TaskDrop`].
const LIMITS: [f64; 5] = [0.005, 0.01, 0.02, 0.05, 0.1];
/// Standard errors beyond which there is no doubt.
const SURE: f64 = 3.0;

/// When measuring ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stop {
    /// All samples there are.
    pub(super) samples: usize,
    /// Standard errors from the mean to the pessimistic end.
    pub(super) z: f64,
    /// Half-width of an interval that is narrow enough.
    pub(super) precision: f64,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    Breaks,
    Open,
}

impl Stop {
    /// Whether more samples are of no use or not to be had.
    pub(super) fn is_done(&self, tried: &Tried) -> bool {
        let narrow = |drop: &TaskDrop| self.z * drop.std_error <= self.precision;
        tried.samples >= self.samples
            || tried.unusable.is_some()
            || (tried.samples > 0 && tried.drops.iter().all(narrow))
    }

    /// Whether these tasks lose no more than `limit`.
    fn verdict(&self, tried: &Tried, task: Option<usize>, limit: f64) -> Verdict {
        if tried.unusable.is_some() {
            return Verdict::Breaks;
        }
        let drops = || {
            let all = tried.drops.iter().enumerate();
            all.filter(|(at, _)| task.is_none_or(|task| task == *at))
                .map(|(_, drop)| drop)
        };
        let all_within = |z: f64| drops().all(|drop| drop.pessimistic(z) <= limit);
        if self.is_done(tried) {
            return match all_within(self.z) {
                true => Verdict::Holds,
                false => Verdict::Breaks,
            };
        }
        if tried.drops.is_empty() {
            Verdict::Open
        } else if drops().any(|drop| drop.pessimistic(-SURE) > limit) {
            Verdict::Breaks
        } else if all_within(SURE.max(self.z)) {
            Verdict::Holds
        } else {
            Verdict::Open
        }
    }

    /// Positions of those that need more samples, the first wanted first.
    pub(super) fn open(&self, contests: &[Vec<Candidate>], tried: &[Tried]) -> Vec<usize> {
        let places: HashMap<Candidate, usize> = tried
            .iter()
            .enumerate()
            .map(|(at, tried)| ((tried.tensor.clone(), tried.codec.form), at))
            .collect();
        let tasks = tried.iter().map(|t| t.drops.len()).max().unwrap_or(0);
        let mut open = Vec::new();
        for contest in contests {
            let contest: Vec<usize> = contest
                .iter()
                .filter_map(|c| places.get(c).copied())
                .collect();
            for limit in LIMITS {
                for task in (0..tasks).map(Some).chain([None]) {
                    let mut verdicts = contest
                        .iter()
                        .map(|at| (*at, self.verdict(&tried[*at], task, limit)));
                    // the first that holds wins; before it, the first in doubt could
                    let first = verdicts.find(|(_, verdict)| *verdict != Verdict::Breaks);
                    if let Some((at, Verdict::Open)) = first
                        && !open.contains(&at)
                    {
                        open.push(at);
                    }
                }
            }
        }
        open
    }
}
