//! What is decided before any engine runs: layers that are fixed to a side, encodings and cuts that
//! are dominated. No optimum is lost.

mod chain_dominance;
pub(crate) mod contribution;
mod encoding_dominance;
mod fixing;
mod reduced;

use std::time::Instant;

use crate::problem::{Completion, Problem, TimePerBit};

pub(crate) use reduced::{Contradiction, EncodingUse, Reduced, last_step};

/// A rule that decides something about every optimal placement.
pub(crate) trait PresolveRule: Sync {
    /// The name in the log.
    fn name(&self) -> &'static str;

    /// When the rule applies.
    fn stages(&self) -> &'static [Stage];

    /// Fixes layers and drops encodings.
    ///
    /// # Errors
    /// No placement meets the limits.
    fn apply(&self, reduced: &mut Reduced<'_>, scope: &Scope<'_>) -> Result<(), Contradiction>;
}

/// When a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// To every problem: what the limits leave no choice about.
    Always,
    /// Unless every placement is to be looked at: what may be optimal, but need not be looked at
    /// since something else is at least as good.
    Dominance,
    /// Before a linear program: what an enumeration finds out on its way.
    Program,
}

/// What a reduced problem has to hold for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    /// The times per bit at which placements are compared, and all between them.
    pub(crate) objectives_at: &'s [TimePerBit],
    /// The times per bit at which limits hold. They are loosest at the problem's own.
    pub(crate) limits_at: &'s [TimePerBit],
    /// Where the tasks are done; `None` for anywhere.
    pub(crate) done: Option<&'s [Completion]>,
}

/// Every rule, in the order in which they apply.
///
/// Pins come first, for all else builds on them, and with them halves that there is no room for,
/// since nothing of what these send is left. Encodings are dropped before the closure, which
/// fixes what a tensor without encodings ties together, and the room that is left is checked once
/// that is known. Chains are compared after that: they count the encodings that are left, and what
/// is fixed in them. What a layer needs in memory or capacities takes longest to find out, one
/// layer at a time, and comes last.
const RULES: [&dyn PresolveRule; 8] = [
    &fixing::Pins,
    &fixing::Halves,
    &encoding_dominance::EncodingDominance,
    &fixing::Closure,
    &fixing::Room,
    &chain_dominance::ChainDominance,
    &fixing::EdgeMemory,
    &fixing::Capacities,
];

/// Reduces a problem that is solved at one time per bit by what the limits leave no choice about.
///
/// # Errors
/// No placement meets the limits.
pub(crate) fn reduce(
    problem: &Problem,
    time_per_bit: TimePerBit,
) -> Result<Reduced<'_>, Contradiction> {
    let scope = Scope {
        objectives_at: &[time_per_bit],
        limits_at: &[problem.time_per_bit()],
        done: None,
    };
    reduce_for(problem, &scope)
}

/// As [`reduce`], for all that a scope covers; the reduced problem has the first of its times per
/// bit.
///
/// # Errors
/// As [`reduce`].
pub(crate) fn reduce_for<'p>(
    problem: &'p Problem,
    scope: &Scope<'_>,
) -> Result<Reduced<'p>, Contradiction> {
    let first = scope.objectives_at.first().copied();
    let time_per_bit = first.unwrap_or(problem.time_per_bit());
    apply(
        Stage::Always,
        Reduced::undecided(problem, time_per_bit)?,
        scope,
    )
}

/// Prunes what is dominated with the tasks done there, or wherever they may be.
///
/// # Errors
/// No placement meets the limits.
pub(crate) fn prune<'p>(
    reduced: Reduced<'p>,
    done: Option<&[Completion]>,
) -> Result<Reduced<'p>, Contradiction> {
    let scope = Scope {
        objectives_at: &[reduced.time_per_bit],
        limits_at: &[reduced.problem.time_per_bit()],
        done,
    };
    apply(Stage::Dominance, reduced, &scope)
}

/// Applies the rules of a stage, one after the other.
///
/// # Errors
/// No placement meets the limits.
pub(crate) fn apply<'p>(
    stage: Stage,
    mut reduced: Reduced<'p>,
    scope: &Scope<'_>,
) -> Result<Reduced<'p>, Contradiction> {
    for rule in RULES.iter().filter(|rule| rule.stages().contains(&stage)) {
        if !tracing::enabled!(target: "cutpoint_planner::presolve", tracing::Level::DEBUG) {
            rule.apply(&mut reduced, scope)?;
            continue;
        }
        let (start, before) = (Instant::now(), Size::of(&reduced));
        let result = rule.apply(&mut reduced, scope);
        before.log(*rule, &reduced, result.is_err(), start);
        result?;
    }
    Ok(reduced)
}

/// What is left to decide.
struct Size {
    free: usize,
    encodings: usize,
}

impl Size {
    fn of(reduced: &Reduced<'_>) -> Size {
        let layers = reduced.problem.graph().layers().len();
        Size {
            free: layers.saturating_sub(reduced.edge.len() + reduced.server.len()),
            encodings: reduced.encodings.iter().map(Vec::len).sum(),
        }
    }

    fn log(
        &self,
        rule: &dyn PresolveRule,
        reduced: &Reduced<'_>,
        contradiction: bool,
        start: Instant,
    ) {
        let after = Size::of(reduced);
        let fixed = self.free.saturating_sub(after.free);
        let dropped = self.encodings.saturating_sub(after.encodings);
        let (name, ms) = (rule.name(), start.elapsed().as_secs_f64() * 1e3);
        if contradiction {
            tracing::debug!(
                target: "cutpoint_planner::presolve",
                "{name}: no placement meets the limits ({ms:.3} ms)"
            );
        } else if fixed + dropped > 0 {
            tracing::debug!(
                target: "cutpoint_planner::presolve",
                "{name}: fixed {fixed} layers, dropped {dropped} encodings; {} layers and {} \
                 encodings left ({ms:.3} ms)",
                after.free,
                after.encodings,
            );
        } else {
            tracing::trace!(
                target: "cutpoint_planner::presolve",
                "{name}: nothing to decide ({ms:.3} ms)"
            );
        }
    }
}
