//! The nearest rate, delay and speeds at which another plan wins.

use super::Question;
use super::search::{Incumbent, Open, contender, first, nearest, objective_of};
use crate::engines::Solution;
use crate::problem::Problem;
use crate::problem::varied::with_times;
use cutpoint_core::plan::{Breakpoint, Condition, Step, Unit};
use cutpoint_core::units::{BitRate, Delay};

/// No link is faster, in bit/s.
const FASTEST: u64 = 100_000_000_000_000;
/// No link takes longer, in nanoseconds: a day.
const SLOWEST: u64 = 86_400_000_000_000;
/// As many thousandths as times are multiplied by at most.
const LARGEST_FACTOR: u64 = 1_000_000;
/// Times are not multiplied beyond this sum, in nanoseconds, so that it stays exact.
const LARGEST_TIME: u128 = 10_000_000_000_000_000;
/// One Mbit/s.
const MEGABIT: u64 = 1_000_000;

/// The problems with one quantity so far from what it is.
struct Variation<'a> {
    question: &'a Question<'a>,
    vary: &'a dyn Fn(&Problem, u64) -> Problem,
}

/// Another plan, and the position of its problem; without one when no plan meets the limits.
type Other = Option<(usize, Solution)>;

impl Variation<'_> {
    fn problem(&self, model: usize, far: u64) -> Problem {
        (self.vary)(self.question.models[model].problem, far)
    }

    /// What the plan costs so far away, when the limits allow it there.
    fn own(&self, far: u64) -> Option<i128> {
        let Incumbent { edge, codecs, .. } = &self.question.plan;
        let problem = self.problem(self.question.winner, far);
        let cost = problem.evaluate(edge, codecs).ok()?;
        Some(objective_of(&problem, edge, &cost))
    }

    /// What wins instead of the plan so far away, if anything does.
    fn other(&self, far: u64) -> Result<Option<Other>, Open> {
        let own = self.own(far);
        let mut best: Option<(i128, Other)> = None;
        for (index, model) in self.question.models.iter().enumerate() {
            if model.barred.is_some() {
                continue;
            }
            let problem = self.problem(index, far);
            if let Some(found) = self.question.solver.best(&problem)? {
                let value = found.rank.objectives[0];
                let is_less = |least: Option<i128>| least.is_none_or(|least| value < least);
                if is_less(own) && is_less(best.as_ref().map(|(least, _)| *least)) {
                    best = Some((value, Some((index, found))));
                }
            }
        }
        Ok(match (best, own) {
            (Some((_, other)), _) => Some(other),
            (None, None) => Some(None),
            (None, Some(_)) => None,
        })
    }

    /// Whether the plan is not allowed so far away, or slower than another that is.
    fn loses(&self, other: &Other, far: u64) -> bool {
        let Some(own) = self.own(far) else {
            return true;
        };
        let Some((model, best)) = other else {
            return false;
        };
        let problem = self.problem(*model, far);
        let cost = problem.evaluate(&best.edge, &best.cost.crossing);
        cost.is_ok_and(|cost| objective_of(&problem, &best.edge, &cost) < own)
    }

    fn nearest(&self, most: u64) -> Result<Option<(u64, Other)>, Open> {
        nearest(
            most,
            |far| self.other(far),
            |other, before, there| first(before, there, |far| self.loses(other, far)),
        )
    }
}

/// A quantity, what it is now, and the least and the most it can be.
struct Range {
    unit: Unit,
    now: u64,
    least: u64,
    most: u64,
}

impl Question<'_> {
    /// The nearest slower and faster rates, and so on, at which the plan is not the best.
    pub(crate) fn breakpoint(&self, of: Condition, up: bool) -> Result<Breakpoint, Open> {
        let range = self.range(of);
        let most = if up {
            range.most.saturating_sub(range.now)
        } else {
            range.now.saturating_sub(range.least)
        };
        let value = |far: u64| {
            if up {
                range.now.saturating_add(far)
            } else {
                range.now.saturating_sub(far)
            }
        };
        let vary = |problem: &Problem, far: u64| varied(problem, of, value(far));
        let variation = Variation {
            question: self,
            vary: &vary,
        };
        let found = variation.nearest(most)?;
        Ok(Breakpoint {
            of,
            unit: range.unit,
            up,
            at: found.as_ref().map(|(far, _)| value(*far)),
            to: found.and_then(|(far, other)| {
                let (model, best) = other?;
                let problem = variation.problem(model, far);
                let cost = problem.evaluate(&best.edge, &best.cost.crossing).ok()?;
                Some(contender(&problem, &best.edge, &cost))
            }),
        })
    }

    fn range(&self, of: Condition) -> Range {
        let link = self.problem.link();
        let (unit, now, least, most) = match of {
            Condition::Rate => (Unit::BitPerSecond, link.rate.bit_s(), 1, FASTEST),
            Condition::Delay => (Unit::Nanosecond, link.delay.ns(), 0, SLOWEST),
            // memory has a limit of its own
            Condition::EdgeMemory => (Unit::Byte, 0, 0, 0),
            Condition::EdgeTime | Condition::ServerTime => {
                (Unit::Permille, 1_000, 1, self.largest_factor())
            }
        };
        Range {
            unit,
            now,
            least,
            most,
        }
    }

    fn largest_factor(&self) -> u64 {
        let layers = self.problem.graph().layer_ids();
        let times = layers.map(|id| self.problem.model.layer(id));
        let total: u128 = times.map(|t| u128::from(t.edge_ns + t.server_ns)).sum();
        let total = total + u128::from(self.plan.cost.line().0);
        let factor = 1_000 * LARGEST_TIME / total.max(1);
        u64::try_from(factor)
            .unwrap_or(u64::MAX)
            .clamp(1_000, LARGEST_FACTOR)
    }

    /// What a link one Mbit/s, and one that is a tenth, faster would buy.
    pub(crate) fn faster_link(&self) -> Result<Vec<Step>, Open> {
        let rate = self.problem.link().rate.bit_s();
        let mut steps = Vec::new();
        let megabit = (rate >= MEGABIT).then_some(MEGABIT);
        for more in megabit.into_iter().chain([(rate / 10).max(1)]) {
            if steps
                .iter()
                .any(|step: &Step| step.more.unsigned_abs() == more)
            {
                continue;
            }
            let vary = |problem: &Problem, far: u64| varied(problem, Condition::Rate, rate + far);
            let variation = Variation {
                question: self,
                vary: &vary,
            };
            let (model, edge, cost) = match variation.other(more)? {
                Some(Some((model, best))) => (Some(model), best.edge, best.cost),
                _ => (None, self.plan.edge.clone(), self.plan.cost.clone()),
            };
            let problem = variation.problem(model.unwrap_or(self.winner), more);
            let latency_ms = cost.latency_ms(problem.time_per_bit());
            let there = problem
                .rank(&edge, &cost, problem.time_per_bit())
                .objectives[0];
            steps.push(Step {
                more: i64::try_from(more).unwrap_or(i64::MAX),
                unit: Unit::BitPerSecond,
                saves_ms: self.latency_ms() - latency_ms,
                saves: self.readable(self.problem, self.value) - self.readable(&problem, there),
                latency_ms,
                changes: model.is_some(),
            });
        }
        Ok(steps)
    }

    /// The rate nearest to the present one from which a placement beats the plan, which does not
    /// now.
    pub(crate) fn faster_at(&self, other: &Solution) -> Option<Breakpoint> {
        let now = self.problem.link().rate.bit_s();
        let own = Some((self.winner, other.clone()));
        let from = |up: bool| {
            let value = |far: u64| if up { now + far } else { now - far };
            let vary = |problem: &Problem, far: u64| {
                varied(problem, Condition::Rate, value(far)).with_limits(Vec::new())
            };
            let variation = Variation {
                question: self,
                vary: &vary,
            };
            let most = if up {
                FASTEST.saturating_sub(now)
            } else {
                now - 1
            };
            if most == 0 || !variation.loses(&own, most) {
                return None;
            }
            let far = first(0, most, |far| variation.loses(&own, far));
            let problem = variation.problem(self.winner, far);
            Some(Breakpoint {
                of: Condition::Rate,
                unit: Unit::BitPerSecond,
                up,
                at: Some(value(far)),
                to: Some(contender(&problem, &other.edge, &other.cost)),
            })
        };
        from(true).or_else(|| from(false))
    }
}

fn varied(problem: &Problem, of: Condition, value: u64) -> Problem {
    match of {
        Condition::Rate => match BitRate::from_bit_s(value) {
            Some(rate) => problem.with_rate(rate),
            None => problem.clone(),
        },
        Condition::Delay => problem.with_delay(Delay(std::time::Duration::from_nanos(value))),
        Condition::EdgeMemory => problem.clone(),
        Condition::EdgeTime => with_times(problem, value, 1_000),
        Condition::ServerTime => with_times(problem, 1_000, value),
    }
}
