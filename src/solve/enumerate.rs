//! The second engine: every closed placement, one after the other, exactly.
//!
//! Real networks have few closed placements (a chain of n layers has n + 1), so this confirms the
//! linear program's plan and settles ties in whole numbers. It gives up beyond a number of
//! placements.

mod budgets;
mod choice;
mod rows;
mod walk;

use super::nearest::within;
use crate::graph::{LayerId, LayerSet};
use crate::problem::{Codecs, Rank};
use crate::solve::reduce::Reduced;
use walk::{Standing, Walk};

/// The best placement found and how many there are.
#[derive(Debug)]
pub(super) struct Enumerated {
    /// `None` when no placement meets the limits.
    pub(super) best: Option<(LayerSet, Codecs)>,
    pub(super) placements: usize,
}

/// Looks at every closed placement; `None` when there are more than `most`, or too many choices of
/// codecs in one of them.
pub(super) fn enumerate(reduced: &Reduced<'_>, most: usize) -> Option<Enumerated> {
    let mut best = None;
    let mut best_rank = None;
    let placements = each(reduced, most, &mut |walk| {
        match walk.standing(best_rank.as_ref()) {
            Standing::Best(rank, codecs) => {
                best_rank = Some(rank);
                best = Some((walk.edge().clone(), codecs));
            }
            Standing::NotBest => {}
            Standing::TooManyChoices => return None,
        }
        Some(())
    })?;
    Some(Enumerated { best, placements })
}

/// The placements whose objective is at most `factor` times the least, best first, `most` of them
/// at most; `None` as in [`enumerate`].
pub(super) fn nearby(
    reduced: &Reduced<'_>,
    most_placements: usize,
    most: usize,
    factor: f64,
) -> Option<Vec<(LayerSet, Codecs)>> {
    let mut kept: Vec<(Rank, LayerSet, Codecs)> = Vec::new();
    each(reduced, most_placements, &mut |walk| {
        let last = kept.get(most.max(1) - 1).map(|(rank, ..)| *rank);
        let bound = kept.first().map(|(least, ..)| Rank {
            aims: [within(least.aims[0], factor), i128::MAX],
            payload: u64::MAX,
            edge_layers: usize::MAX,
        });
        let bound = [last, bound].into_iter().flatten().min();
        match walk.standing(bound.as_ref()) {
            Standing::Best(rank, codecs) => {
                let place = kept.partition_point(|(known, ..)| *known <= rank);
                kept.insert(place, (rank, walk.edge().clone(), codecs));
                let most_aim = within(kept[0].0.aims[0], factor);
                kept.retain(|(rank, ..)| rank.aims[0] <= most_aim);
                kept.truncate(most.max(1));
            }
            Standing::NotBest => {}
            Standing::TooManyChoices => return None,
        }
        Some(())
    })?;
    let placements = kept.into_iter();
    Some(placements.map(|(_, edge, codecs)| (edge, codecs)).collect())
}

/// Looks at every closed placement; their number, or `None` when there are more than `most` or
/// `look` gives up.
fn each<'a, 'p>(
    reduced: &'a Reduced<'p>,
    most: usize,
    look: &mut dyn FnMut(&mut Walk<'a, 'p>) -> Option<()>,
) -> Option<usize> {
    let mut walk = Walk::new(reduced);
    let mut placements = 0;
    // one frame per layer added: the layers that may follow it
    let mut frames: Vec<Frame> = vec![Frame::first(walk.open())];
    loop {
        placements += 1;
        if placements > most {
            return None;
        }
        look(&mut walk)?;
        loop {
            let Some(frame) = frames.last_mut() else {
                return Some(placements);
            };
            if let Some(next) = frame.candidates.get(frame.cursor).copied() {
                frame.cursor += 1;
                let later = frame.candidates[frame.cursor..].to_vec();
                walk.add(next);
                if walk.can_grow() {
                    frames.push(Frame::after(next, later, walk.opened_by(next)));
                    break;
                }
                walk.remove(next);
            } else {
                let added = frame.added;
                frames.pop();
                if let Some(layer) = added {
                    walk.remove(layer);
                }
            }
        }
    }
}

/// A placement on the way, and the layers that may be added to it. Every closed set is reached
/// once, by adding its layers in execution order.
struct Frame {
    added: Option<LayerId>,
    candidates: Vec<LayerId>,
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
        let mut candidates = [later, opened].concat();
        candidates.sort_unstable();
        candidates.dedup();
        Frame {
            added: Some(layer),
            candidates,
            cursor: 0,
        }
    }
}
