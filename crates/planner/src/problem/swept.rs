//! The same problem with what a sweep varies at another amount.

use std::time::Duration;

use super::{Limit, LinearCost, Problem, ProblemError};
use crate::constraints::limit;
use crate::scenario::{AccuracyLimits, FrameRate, MaxDrop, Over, Scenario, SweepParameter};
use cutpoint_core::units::{Delay, Share};

/// How delays count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delays {
    /// One way.
    pub(crate) ns: u64,
    /// How often limits and objectives count a delay.
    limits: i64,
    objectives: i64,
}

impl Delays {
    pub(crate) fn of(delay: Delay) -> Delays {
        Delays {
            ns: delay.ns(),
            limits: 1,
            objectives: 1,
        }
    }

    pub(crate) fn in_limits(self, sums: Vec<LinearCost>) -> Vec<LinearCost> {
        repeat(sums, self.limits)
    }

    pub(crate) fn in_objectives(self, sums: Vec<LinearCost>) -> Vec<LinearCost> {
        repeat(sums, self.objectives)
    }
}

fn repeat(mut sums: Vec<LinearCost>, times: i64) -> Vec<LinearCost> {
    sums.iter_mut().for_each(|sum| sum.repeat_delays(times));
    sums
}

impl Problem {
    /// The same problem with one delay for its limits and another for its objectives, in nanoseconds. A
    /// placement's parts count a delay as one nanosecond then, whatever the delays are.
    #[must_use]
    pub fn with_delays_apart(&self, limits: u64, objectives: u64) -> Problem {
        let times = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let delays = Delays {
            ns: 1,
            limits: times(limits),
            objectives: times(objectives),
        };
        Problem {
            delays,
            ..self.clone()
        }
    }

    /// The same problem with what a sweep varies at one amount, in the unit of [`Over`]; `scenario`
    /// is the one that the problem was made of. The server's speed is not varied here.
    ///
    /// # Errors
    /// Limits on accuracy that cannot be held against anything.
    pub fn with_amount(
        &self,
        over: &Over,
        amount: u64,
        scenario: &Scenario,
    ) -> Result<Problem, ProblemError> {
        let accuracy = &scenario.limits.accuracy;
        let whole = i64::try_from(amount).unwrap_or(i64::MAX);
        Ok(match &over.parameter {
            SweepParameter::Delay => self.with_delay(Delay(Duration::from_nanos(amount))),
            SweepParameter::Speed => self.clone(),
            SweepParameter::Fps => match Over::frame_rate(amount) {
                Some(rate) => self.with_frame_rate(rate),
                None => self.clone(),
            },
            SweepParameter::MaxDrop(task) => {
                let mut accuracy = accuracy.clone();
                accuracy.drops.retain(|drop| drop.task != *task);
                accuracy.drops.push(MaxDrop {
                    task: task.clone(),
                    most: Share(amount),
                });
                self.with_accuracy_limits(&accuracy)?
            }
            SweepParameter::Floor(task) => {
                let mut accuracy = accuracy.clone();
                let floors = accuracy.floors.iter_mut();
                for floor in floors.filter(|floor| floor.task == *task) {
                    floor.value = Over::metric(amount);
                }
                self.with_accuracy_limits(&accuracy)?
            }
            _ => {
                let mut problem = self.clone();
                for limit in self.limits_on(over, scenario) {
                    problem = problem.with_limit_allowing(limit, whole);
                }
                problem
            }
        })
    }

    /// The limits whose amount a sweep varies as it is; those of a frame rate and on accuracy are
    /// not among them.
    pub fn limits_on<'a>(
        &'a self,
        over: &'a Over,
        scenario: &'a Scenario,
    ) -> impl Iterator<Item = &'a Limit> {
        let varied = |limit: &&Limit| is_varied(limit, &over.parameter, scenario);
        self.limits.iter().filter(varied)
    }

    /// Limits that speak of a frame rate, at another one.
    fn with_frame_rate(&self, rate: FrameRate) -> Problem {
        let mut limits = self.limits.clone();
        for limit in &mut limits {
            match limit {
                Limit::Fps(period_ns)
                | Limit::LinkShare { period_ns, .. }
                | Limit::MaxPower { period_ns, .. } => *period_ns = rate.period_ns(),
                _ => {}
            }
        }
        self.with_limits(limits)
    }

    fn with_accuracy_limits(&self, wishes: &AccuracyLimits) -> Result<Problem, ProblemError> {
        let others = |limit: &&Limit| !matches!(limit, Limit::Drop { .. });
        let mut limits: Vec<Limit> = self.limits.iter().filter(others).cloned().collect();
        limits.extend(limit::drops(&self.tables, wishes)?);
        Ok(Problem {
            knapsacks: limit::knapsacks(&self.tables, &limits),
            limits,
            ..self.clone()
        })
    }
}

/// Whether a sweep varies this limit.
fn is_varied(limit: &Limit, parameter: &SweepParameter, scenario: &Scenario) -> bool {
    match (limit, parameter) {
        (Limit::EdgeMemory(_), SweepParameter::EdgeMemory)
        | (Limit::ServerMemory(_), SweepParameter::ServerMemory)
        | (Limit::MaxUplink(_), SweepParameter::MaxUplink)
        | (Limit::MaxDownlink(_), SweepParameter::MaxDownlink)
        | (Limit::MaxMessage(_), SweepParameter::MaxMessage)
        | (Limit::MaxEnergy(_), SweepParameter::MaxEnergy)
        | (Limit::MaxPower { .. }, SweepParameter::MaxPower)
        | (Limit::LinkShare { .. }, SweepParameter::LinkShare) => true,
        (Limit::Deadline { name, .. }, SweepParameter::Deadline(Some(task))) => name == task,
        // every task without a deadline of its own
        (Limit::Deadline { name, .. }, SweepParameter::Deadline(None)) => {
            let mut own = scenario.limits.deadlines.iter();
            !own.any(|deadline| deadline.task.as_ref() == Some(name))
        }
        (Limit::Capacity { name, .. }, SweepParameter::Capacity(of)) => name == of,
        _ => false,
    }
}
