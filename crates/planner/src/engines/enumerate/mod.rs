//! Every closed placement, one after the other, exactly.
//!
//! Real networks have few closed placements (a chain of n layers has n + 1), so this confirms the
//! linear program's plan and settles ties in whole numbers. It gives up beyond a number of
//! placements.

mod blocks;
mod codec_choice;
pub(crate) mod dfs;
mod knapsacks;
pub(crate) mod sums;

use crate::engines::deadline::{Deadline, LATE};
use crate::engines::engine::{Answer, Engine, Instance};
use crate::engines::error::SolveError;
use crate::presolve::Reduced;
use crate::problem::{Codecs, Rank};
use crate::schedule::Orders;
use cutpoint_core::graph::{LayerId, LayerSet};
use dfs::{DfsState, Standing};

/// Why not every placement was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// There are too many, or too many choices of codecs in one of them.
    TooMuch,
    /// The time is over.
    Late,
}

/// So many placements are looked at between two looks at the time.
const BETWEEN_LOOKS: usize = 64;

/// Looks at every closed placement.
pub(crate) struct Enumerate {
    /// Without those that presolve finds dominated.
    pub(crate) pruned: bool,
    /// The most placements to look at.
    pub(crate) most: usize,
}

/// What is said where some orders of work are not looked at.
const IN_ORDER: &str = "best in this order: heads that stay run as they are due, then by least time for \
    their weight, and more than eight are not looked at in any other";

impl Engine for Enumerate {
    fn name(&self) -> &'static str {
        "enumerate"
    }

    fn accepts(&self, _: &Instance<'_>) -> bool {
        true
    }

    fn solve(&self, instance: &Instance<'_>) -> Result<Answer, SolveError> {
        let reduced = if self.pruned {
            instance.pruned()
        } else {
            instance.whole()
        };
        let Some(reduced) = reduced else {
            return Ok(Answer::Infeasible);
        };
        let (best, all) = enumerate(reduced, self.most, instance.options.deadline);
        let best = best.map(|(edge, codecs)| instance.confirm(edge, &codecs));
        let best = best.transpose();
        let best = best.map_err(|violation| SolveError::Stopped(violation.to_string()))?;
        let count = match all {
            Ok(count) => count,
            Err(GivenUp::TooMuch) => {
                return Ok(Answer::TooMuch(None, best.into_iter().collect()));
            }
            Err(GivenUp::Late) => {
                let found = best.into_iter().collect();
                return Ok(Answer::Open(None, found, LATE.to_owned()));
            }
        };
        let Some(best) = best else {
            return Ok(Answer::Infeasible);
        };
        let joined = reduced.next.iter().any(Option::is_some);
        let proof = if count == 1 {
            "the only closed placement that is left".to_owned()
        } else if joined {
            format!(
                "best of {count} closed placements; one of these beats any other cut of a chain"
            )
        } else {
            format!("best of all {count} closed placements")
        };
        let problem = instance.problem;
        let proof = if Orders::of(problem).leave_out(&problem.model) {
            format!("{proof}; {IN_ORDER}")
        } else {
            proof
        };
        Ok(Answer::Optimal(best, proof))
    }
}

/// Looks at every closed placement: the best that meets the limits, if any was found, and how many
/// there are.
pub(crate) fn enumerate(
    reduced: &Reduced<'_>,
    most: usize,
    deadline: Deadline,
) -> (Option<(LayerSet, Codecs)>, Result<usize, GivenUp>) {
    let mut best = None;
    let mut best_rank = None;
    let mut look = Look(|state: &mut DfsState<'_, '_>| {
        match state.standing(best_rank.as_ref()) {
            Standing::Best(rank, codecs) => {
                best_rank = Some(rank);
                best = Some((state.edge().clone(), codecs));
            }
            Standing::NotBest => {}
            Standing::TooManyChoices => return None,
        }
        Some(())
    });
    let placements = each(DfsState::new(reduced), (most, deadline), &mut look);
    (best, placements)
}

/// The largest objective within a factor of `least`.
pub(crate) fn within(least: i128, factor: f64) -> i128 {
    let more = (factor - 1.0).max(0.0) * least.unsigned_abs() as f64;
    least.saturating_add(more as i128)
}

/// The placements whose objective is at most `factor` times the least, best first, `most` of them
/// at most; `None` when it gives up.
pub(crate) fn nearby(
    reduced: &Reduced<'_>,
    most_placements: usize,
    most: usize,
    factor: f64,
    deadline: Deadline,
) -> Option<Vec<(LayerSet, Codecs)>> {
    let mut kept: Vec<(Rank, LayerSet, Codecs)> = Vec::new();
    each(
        DfsState::new(reduced),
        (most_placements, deadline),
        &mut Look(|state: &mut DfsState<'_, '_>| {
            let last = kept.get(most.max(1) - 1).map(|(rank, ..)| *rank);
            let bound = kept.first().map(|(least, ..)| Rank {
                objectives: [within(least.objectives[0], factor), i128::MAX],
                payload: u64::MAX,
                edge_layers: usize::MAX,
            });
            let bound = [last, bound].into_iter().flatten().min();
            match state.standing(bound.as_ref()) {
                Standing::Best(rank, codecs) => {
                    let place = kept.partition_point(|(known, ..)| *known <= rank);
                    kept.insert(place, (rank, state.edge().clone(), codecs));
                    let most_objective = within(kept[0].0.objectives[0], factor);
                    kept.retain(|(rank, ..)| rank.objectives[0] <= most_objective);
                    kept.truncate(most.max(1));
                }
                Standing::NotBest => {}
                Standing::TooManyChoices => return None,
            }
            Some(())
        }),
    )
    .ok()?;
    let placements = kept.into_iter();
    Some(placements.map(|(_, edge, codecs)| (edge, codecs)).collect())
}

/// Looks at every closed placement that has room; their number, or `None` when there are more than
/// `most` or `look` gives up.
pub(crate) fn each_placement(
    reduced: &Reduced<'_>,
    most: usize,
    look: &mut dyn FnMut(&LayerSet) -> Option<()>,
) -> Option<usize> {
    let mut look = Look(|state: &mut DfsState<'_, '_>| look(state.edge()));
    each(DfsState::new(reduced), (most, Deadline::NEVER), &mut look).ok()
}

/// What happens on the way through the placements.
pub(crate) trait Visit<'a, 'p> {
    /// Looks at a placement; `None` to give up.
    fn look(&mut self, state: &mut DfsState<'a, 'p>) -> Option<()>;
    /// A layer has come to the edge with those tied to it, and others can come now.
    fn added(&mut self, _layer: LayerId, _opened: &[LayerId]) {}
    /// Undoes [`Visit::added`].
    fn removed(&mut self, _layer: LayerId, _opened: &[LayerId]) {}
    /// A layer that could be added to `edge` stays on the server.
    fn passed(&mut self, _layer: LayerId, _edge: &LayerSet) {}
    /// Undoes [`Visit::passed`].
    fn not_passed(&mut self, _layer: LayerId, _edge: &LayerSet) {}
    /// Whether any placement that can be reached from here may be worth a look.
    fn promising(&self) -> bool {
        true
    }
}

/// Looks at every placement.
struct Look<F>(F);

impl<'a, 'p, F: FnMut(&mut DfsState<'a, 'p>) -> Option<()>> Visit<'a, 'p> for Look<F> {
    fn look(&mut self, state: &mut DfsState<'a, 'p>) -> Option<()> {
        (self.0)(state)
    }
}

/// Looks at the closed placements that the visitor does not pass over, `most` at most and until the
/// deadline; their number.
///
/// # Errors
/// Why it gave up.
pub(crate) fn each<'a, 'p>(
    mut state: DfsState<'a, 'p>,
    (most, deadline): (usize, Deadline),
    visitor: &mut dyn Visit<'a, 'p>,
) -> Result<usize, GivenUp> {
    let mut placements = 0;
    let looked = |placements: usize| {
        tracing::debug!(
            target: "cutpoint_planner::engines",
            "looked at {placements} closed placements"
        );
    };
    // one frame per layer added: the layers that may follow it
    let mut frames = vec![Frame::first(state.open())];
    loop {
        placements += 1;
        if placements > most {
            looked(most);
            return Err(GivenUp::TooMuch);
        }
        if placements.is_multiple_of(BETWEEN_LOOKS) && deadline.is_over() {
            looked(placements);
            return Err(GivenUp::Late);
        }
        visitor.look(&mut state).ok_or(GivenUp::TooMuch)?;
        loop {
            let Some(frame) = frames.last_mut() else {
                looked(placements);
                return Ok(placements);
            };
            let next = frame.candidates.get(frame.cursor).copied();
            if let Some(next) = next.filter(|_| visitor.promising()) {
                frame.cursor += 1;
                let later = frame.candidates[frame.cursor..].to_vec();
                state.add(next);
                let opened = state.opened_by(next);
                visitor.added(next, &opened);
                frames.push(Frame::after(next, later, opened));
                if state.can_grow() && visitor.promising() {
                    break;
                }
            }
            leave(&mut frames, &mut state, visitor);
        }
    }
}

/// Goes back to the placement before the last layer was added.
fn leave<'a, 'p>(
    frames: &mut Vec<Frame>,
    state: &mut DfsState<'a, 'p>,
    visitor: &mut dyn Visit<'a, 'p>,
) {
    let Some(frame) = frames.pop() else {
        return;
    };
    for passed in frame.candidates[..frame.cursor].iter().rev() {
        visitor.not_passed(*passed, state.edge());
    }
    if let Some((layer, opened)) = frame.added {
        visitor.removed(layer, &opened);
        state.remove(layer);
        visitor.passed(layer, state.edge());
    }
}

/// A placement on the way, and the layers that may be added to it. Every closed set is reached
/// once, by adding its layers in execution order.
struct Frame {
    /// The layer added, and those that can be since.
    added: Option<(LayerId, Vec<LayerId>)>,
    candidates: Vec<LayerId>,
    /// Candidates before this one were tried.
    cursor: usize,
}

impl Frame {
    fn first(candidates: Vec<LayerId>) -> Frame {
        Frame {
            added: None,
            candidates,
            cursor: 0,
        }
    }

    /// `later` could follow already and come later; `opened` can since `layer` is there.
    fn after(layer: LayerId, later: Vec<LayerId>, opened: Vec<LayerId>) -> Frame {
        let mut candidates = later;
        candidates.extend(&opened);
        candidates.sort_unstable();
        candidates.dedup();
        Frame {
            added: Some((layer, opened)),
            candidates,
            cursor: 0,
        }
    }
}
