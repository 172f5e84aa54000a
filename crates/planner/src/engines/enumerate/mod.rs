//! The second engine: every closed placement, one after the other, exactly.
//!
//! Real networks have few closed placements (a chain of n layers has n + 1), so this confirms the
//! linear program's plan and settles ties in whole numbers. It gives up beyond a number of
//! placements.

mod blocks;
mod codec_choice;
pub(crate) mod dfs;
mod knapsacks;
pub(crate) mod sums;

use super::nearest::within;
use crate::presolve::fixing::Reduced;
use crate::problem::{Codecs, Rank};
use cutpoint_core::graph::{LayerId, LayerSet};
use dfs::{DfsState, Standing};

/// The best placement found and how many were looked at.
#[derive(Debug)]
pub(crate) struct Enumerated {
    /// `None` when no placement meets the limits.
    pub(crate) best: Option<(LayerSet, Codecs)>,
    pub(crate) placements: usize,
    /// Bounds exclude the others; else there are no others.
    pub(crate) bounded: bool,
}

/// Looks at every closed placement; `None` when there are more than `most`, or too many choices of
/// codecs in one of them.
pub(crate) fn enumerate(reduced: &Reduced<'_>, most: usize) -> Option<Enumerated> {
    let mut best = None;
    let mut best_rank = None;
    let placements = each(
        DfsState::new(reduced),
        most,
        &mut Look(|state: &mut DfsState<'_, '_>| {
            match state.standing(best_rank.as_ref()) {
                Standing::Best(rank, codecs) => {
                    best_rank = Some(rank);
                    best = Some((state.edge().clone(), codecs));
                }
                Standing::NotBest => {}
                Standing::TooManyChoices => return None,
            }
            Some(())
        }),
    )?;
    Some(Enumerated {
        best,
        placements,
        bounded: false,
    })
}

/// The placements whose objective is at most `factor` times the least, best first, `most` of them
/// at most; `None` as in [`enumerate`].
pub(crate) fn nearby(
    reduced: &Reduced<'_>,
    most_placements: usize,
    most: usize,
    factor: f64,
) -> Option<Vec<(LayerSet, Codecs)>> {
    let mut kept: Vec<(Rank, LayerSet, Codecs)> = Vec::new();
    each(
        DfsState::new(reduced),
        most_placements,
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
    )?;
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
    each(DfsState::new(reduced), most, &mut look)
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

/// Looks at the closed placements that the visitor does not pass over; their number, or `None` when
/// there are more than `most` or it gives up.
pub(crate) fn each<'a, 'p>(
    mut state: DfsState<'a, 'p>,
    most: usize,
    visitor: &mut dyn Visit<'a, 'p>,
) -> Option<usize> {
    let mut placements = 0;
    // one frame per layer added: the layers that may follow it
    let mut frames = vec![Frame::first(state.open())];
    loop {
        placements += 1;
        if placements > most {
            return None;
        }
        visitor.look(&mut state)?;
        loop {
            let Some(frame) = frames.last_mut() else {
                return Some(placements);
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
