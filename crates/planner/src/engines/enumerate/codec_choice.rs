//! The best choice of codecs for one placement within the limits.

use super::sums::{Crossing, Rows};
use crate::presolve::EncodingUse;

/// One encoding per tensor.
pub(crate) struct Chosen {
    pub(crate) objectives: [i128; 2],
    pub(crate) payload: u64,
    /// Position among each tensor's encodings.
    pub(crate) picks: Vec<usize>,
}

/// There are too many choices to look at.
pub(crate) struct TooMany;

/// Most steps of one search.
const MOST_STEPS: usize = 100_000;

/// A tensor that crosses: its encodings, what they add to the sums, and which knapsacks it counts
/// for.
pub(crate) struct Sent<'a> {
    pub(crate) encodings: &'a [EncodingUse],
    pub(crate) crossing: &'a Crossing,
    pub(crate) counts: Vec<bool>,
}

impl Sent<'_> {
    /// What an encoding uses of each knapsack.
    fn uses(&self, choice: &EncodingUse) -> Vec<i64> {
        let pairs = choice.uses.iter().zip(&self.counts);
        pairs
            .map(|(uses, counts)| if *counts { *uses } else { 0 })
            .collect()
    }
}

/// The choice that the objectives prefer, and among those the smallest, that uses at most `room` of
/// each knapsack and meets the limits; `base` is what the sums come to without encodings.
pub(crate) fn best_within(
    sent: &[Sent<'_>],
    rows: &Rows,
    base: Vec<i128>,
    room: &[i64],
) -> Result<Option<Chosen>, TooMany> {
    let tensors: Vec<Tensor> = sent.iter().map(Tensor::new).collect();
    let mut search = Search {
        rests: rests(sent, &tensors, base.len(), room.len()),
        rows,
        tensors,
        best: None,
        picks: Vec::new(),
        steps: 0,
    };
    search.descend(&base, 0, room);
    if search.steps > MOST_STEPS {
        return Err(TooMany);
    }
    Ok(search.best)
}

/// What the encodings of a tensor add to the sums and the payload, and use of the knapsacks.
struct Tensor(Vec<(Vec<i128>, u64, Vec<i64>)>);

/// The least that the tensors from one on add, each in the encoding that suits.
#[derive(Clone)]
struct Rest {
    sums: Vec<i128>,
    payload: u64,
    uses: Vec<i64>,
}

impl Tensor {
    fn new(sent: &Sent<'_>) -> Tensor {
        let encodings = sent.encodings.iter().zip(&sent.crossing.encodings);
        let encoding = |(choice, sums): (&EncodingUse, &Vec<i128>)| {
            (sums.clone(), choice.encoding.payload.0, sent.uses(choice))
        };
        Tensor(encodings.map(encoding).collect())
    }
}

fn rests(sent: &[Sent<'_>], tensors: &[Tensor], sums: usize, knapsacks: usize) -> Vec<Rest> {
    let mut rest = Rest {
        sums: vec![0; sums],
        payload: 0,
        uses: vec![0; knapsacks],
    };
    let mut rests = vec![rest.clone()];
    for (sent, Tensor(encodings)) in sent.iter().zip(tensors).rev() {
        for (total, least) in rest.sums.iter_mut().zip(&sent.crossing.least) {
            *total += least;
        }
        rest.payload += encodings
            .iter()
            .map(|encoding| encoding.1)
            .min()
            .unwrap_or(0);
        for (index, total) in rest.uses.iter_mut().enumerate() {
            *total += encodings
                .iter()
                .map(|encoding| encoding.2[index])
                .min()
                .unwrap_or(0);
        }
        rests.push(rest.clone());
    }
    rests.reverse();
    rests
}

struct Search<'a> {
    rows: &'a Rows,
    tensors: Vec<Tensor>,
    rests: Vec<Rest>,
    best: Option<Chosen>,
    picks: Vec<usize>,
    steps: usize,
}

impl Search<'_> {
    /// Chooses for the tensors after those that have a pick, depth first; `room` is left.
    fn descend(&mut self, sums: &[i128], payload: u64, room: &[i64]) {
        self.steps += 1;
        let next = self.picks.len();
        let rest = &self.rests[next];
        let at_least: Vec<i128> = sums.iter().zip(&rest.sums).map(|(a, b)| a + b).collect();
        let bound = (self.rows.objectives(&at_least), payload + rest.payload);
        let best = self
            .best
            .as_ref()
            .map(|best| (best.objectives, best.payload));
        let full = rest.uses.iter().zip(room).any(|(uses, room)| uses > room);
        let hopeless =
            full || !self.rows.allow(&at_least) || best.is_some_and(|best| bound >= best);
        if hopeless || self.steps > MOST_STEPS {
            return;
        }
        if next == self.tensors.len() {
            self.best = Some(Chosen {
                objectives: bound.0,
                payload,
                picks: self.picks.clone(),
            });
            return;
        }
        for index in 0..self.tensors[next].0.len() {
            let (added, bytes, uses) = &self.tensors[next].0[index];
            let left: Vec<i64> = room
                .iter()
                .zip(uses)
                .map(|(room, uses)| room - uses)
                .collect();
            let sums: Vec<i128> = sums
                .iter()
                .zip(added)
                .map(|(sum, more)| sum + more)
                .collect();
            let payload = payload + bytes;
            self.picks.push(index);
            self.descend(&sums, payload, &left);
            self.picks.pop();
        }
    }
}
