//! The second engine: every closed placement, one after the other, exactly.
//!
//! Real networks have few closed placements (a chain of n layers has n + 1), so this confirms the
//! linear program's plan and settles ties in whole numbers. It gives up beyond a number of
//! placements.

mod budgets;
mod choice;
mod rows;
mod walk;

use crate::graph::{LayerId, LayerSet};
use crate::problem::Codecs;
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
    let mut walk = Walk::new(reduced);
    let mut found = Enumerated {
        best: None,
        placements: 0,
    };
    let mut best_rank = None;
    // one frame per layer added: the layers that may follow it
    let mut frames: Vec<Frame> = vec![Frame::first(walk.open())];
    loop {
        found.placements += 1;
        if found.placements > most {
            return None;
        }
        match walk.standing(best_rank.as_ref()) {
            Standing::Best(rank, codecs) => {
                best_rank = Some(rank);
                found.best = Some((walk.edge().clone(), codecs));
            }
            Standing::NotBest => {}
            Standing::TooManyChoices => return None,
        }
        loop {
            let Some(frame) = frames.last_mut() else {
                return Some(found);
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
