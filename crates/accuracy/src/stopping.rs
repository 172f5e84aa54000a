//! The stopping rule: a candidate needs more samples while it may still win a race and its drop is
//! not yet known well enough to decide.

use std::collections::HashMap;

use super::racing::Candidate;
use super::trial::Trial;
use cutpoint_core::codec_accuracy::TaskDrop;

/// Limits on drops that plans may be asked for, in the unit of [`TaskDrop`].
const LIMITS: [f64; 5] = [0.005, 0.01, 0.02, 0.05, 0.1];
/// Standard errors beyond which there is no doubt.
const SURE: f64 = 3.0;

/// The rule that ends measuring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StoppingRule {
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

impl StoppingRule {
    /// Returns whether more samples would change nothing or there are none.
    pub(super) fn is_done(&self, trial: &Trial) -> bool {
        let narrow = |drop: &TaskDrop| self.z * drop.std_error <= self.precision;
        trial.samples >= self.samples
            || trial.unusable.is_some()
            || (trial.samples > 0 && trial.drops.iter().all(narrow))
    }

    /// Whether these tasks lose no more than `limit`.
    fn verdict(&self, trial: &Trial, task: Option<usize>, limit: f64) -> Verdict {
        if trial.unusable.is_some() {
            return Verdict::Breaks;
        }
        let drops = || {
            let all = trial.drops.iter().enumerate();
            all.filter(|(at, _)| task.is_none_or(|task| task == *at))
                .map(|(_, drop)| drop)
        };
        let all_within = |z: f64| drops().all(|drop| drop.pessimistic(z) <= limit);
        if self.is_done(trial) {
            return if all_within(self.z) {
                Verdict::Holds
            } else {
                Verdict::Breaks
            };
        }
        if trial.drops.is_empty() {
            Verdict::Open
        } else if drops().any(|drop| drop.pessimistic(-SURE) > limit) {
            Verdict::Breaks
        } else if all_within(SURE.max(self.z)) {
            Verdict::Holds
        } else {
            Verdict::Open
        }
    }

    /// Returns the positions of those that need more samples, the first wanted first.
    pub(super) fn open(&self, races: &[Vec<Candidate>], trials: &[Trial]) -> Vec<usize> {
        let places: HashMap<Candidate, usize> = trials
            .iter()
            .enumerate()
            .map(|(at, trial)| ((trial.tensor.clone(), trial.codec.form), at))
            .collect();
        let tasks = trials.iter().map(|t| t.drops.len()).max().unwrap_or(0);
        let mut open = Vec::new();
        for race in races {
            let race: Vec<usize> = race.iter().filter_map(|c| places.get(c).copied()).collect();
            for limit in LIMITS {
                for task in (0..tasks).map(Some).chain([None]) {
                    let mut verdicts = race
                        .iter()
                        .map(|at| (*at, self.verdict(&trials[*at], task, limit)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_core::codec::Codec;

    const STOP: StoppingRule = StoppingRule {
        samples: 1000,
        z: 1.645,
        precision: 0.0,
    };

    fn race(trials: &[Trial]) -> Vec<Candidate> {
        trials
            .iter()
            .map(|t| (t.tensor.clone(), t.codec.form))
            .collect()
    }

    fn open(trials: &[Trial]) -> Vec<usize> {
        STOP.open(&[race(trials)], trials)
    }

    #[test]
    fn only_what_could_win_is_open() {
        // the first surely loses too much for any limit, the second nobody knows, the third comes
        // after one that may win at every limit
        let lost = Trial::with("t", "q2", 64, &[(0.5, 0.06)]);
        let doubtful = Trial::with("t", "q4", 64, &[(0.01, 0.02)]);
        let late = Trial::with("t", "q8", 64, &[(0.0, 0.03)]);
        assert_eq!(open(&[lost.clone(), doubtful, late.clone()]), [1]);
        // a winner beyond doubt at the wide limits leaves the narrow ones open
        let good = Trial::with("t", "q4", 64, &[(0.0, 0.01)]);
        assert_eq!(open(&[lost, good.clone(), late]), [1]);
        let sure = Trial::with("t", "q2", 900, &[(0.0, 0.0015)]);
        assert!(open(&[sure, good]).is_empty());
    }

    #[test]
    fn every_task_may_be_limited_alone() {
        // useless for both tasks together, and perhaps the best for the second alone
        let first = Trial::with("t", "q2", 64, &[(0.9, 0.04), (0.0, 0.02)]);
        let safe = Trial::with("t", "q8", 1000, &[(0.0, 0.0), (0.0, 0.0)]);
        assert_eq!(open(&[first.clone(), safe.clone()]), [0]);
        // with all samples used there is nothing to be done
        let used = Trial::with("t", "q2", 1000, &[(0.9, 0.04), (0.0, 0.02)]);
        assert!(open(&[used, safe]).is_empty());
    }

    #[test]
    fn what_does_not_compete_needs_nothing() {
        let alone = Trial::with("t", "q4", 64, &[(0.0, 0.02)]);
        assert!(STOP.open(&[], std::slice::from_ref(&alone)).is_empty());
        let absent = vec![("u".to_owned(), Codec::Q8.form)];
        assert!(STOP.open(&[absent], &[alone]).is_empty());
    }
}
