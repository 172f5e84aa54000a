//! Where blocks and links lie: ranks from left to right, wrapped into bands like lines of text.
//!
//! Layered drawing after Sugiyama, Tagawa and Toda (1981): a block's rank is the longest way to it,
//! links over several ranks run in lanes of their own, and the order within a rank follows the
//! centres of gravity of its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::Network;
use super::route::Step;
use crate::canvas::label_layout::{Frame, spread};
use cutpoint_core::graph::TensorId;

/// Height of a box.
pub(super) const TALL: f64 = 34.0;
/// Least and most width of a box.
const NARROWEST: f64 = 98.0;
const WIDEST: f64 = 168.0;
/// Between columns.
const GAP: f64 = 26.0;
/// Between a box and a link that passes by; between boxes it is twice as much.
const APART: f64 = 6.0;
/// Height of a link that passes by.
const LANE: f64 = 7.0;
/// Between links side by side on their way to the next band.
const TRACK: f64 = 5.0;
/// Least and most space between bands, beside the links there.
const GUTTER: [f64; 2] = [16.0, 80.0];

/// Where everything lies.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// One box per block.
    pub(super) boxes: Vec<Frame>,
    /// One path per link.
    pub(super) routes: Vec<Vec<Step>>,
    pub(super) height: f64,
}

/// What lies in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Block(usize),
    /// A tensor that passes by.
    Lane(TensorId),
}

impl Slot {
    fn height(self) -> f64 {
        match self {
            Slot::Block(_) => TALL,
            Slot::Lane(_) => LANE,
        }
    }
}

/// Lays a network out in a page of `room`; the height may come out larger.
pub(super) fn layout(network: &Network, room: Frame) -> Layout {
    let ranked = Ranked::new(network);
    let mut columns = ranked.columns();
    ranked.order(&mut columns);
    let middles = ranked.middles(&columns);
    let fitting = ((room.width + GAP) / (NARROWEST + GAP)).floor().max(2.0) as usize;
    let bands = break_bands(&columns, fitting);
    place(&ranked, &columns, &middles, &bands, room)
}

/// A network whose blocks have ranks.
struct Ranked<'a> {
    network: &'a Network,
    /// Of each block.
    ranks: Vec<usize>,
    /// The block that makes each tensor, and the last rank that reads it.
    reach: BTreeMap<TensorId, (usize, usize)>,
}

impl Ranked<'_> {
    fn new(network: &Network) -> Ranked<'_> {
        let ranks = ranks(network);
        let mut reach = BTreeMap::new();
        for link in &network.links {
            let (_, last) = reach.entry(link.tensor).or_insert((link.from, 0));
            *last = ranks[link.to].max(*last);
        }
        Ranked {
            network,
            ranks,
            reach,
        }
    }

    /// Blocks of each rank, then the tensors that pass them.
    fn columns(&self) -> Vec<Vec<Slot>> {
        let count = self.ranks.iter().max().map_or(0, |last| last + 1);
        let mut columns = vec![Vec::new(); count];
        for (block, rank) in self.ranks.iter().enumerate() {
            columns[*rank].push(Slot::Block(block));
        }
        for (tensor, (from, last)) in &self.reach {
            let first = self.ranks[*from] + 1;
            for column in &mut columns[first..(*last).max(first)] {
                column.push(Slot::Lane(*tensor));
            }
        }
        columns
    }

    /// What a slot is linked to in the column before.
    fn before(&self, rank: usize, slot: Slot) -> Vec<Slot> {
        let source = |from: usize, tensor| {
            if self.ranks[from] + 1 == rank {
                Slot::Block(from)
            } else {
                Slot::Lane(tensor)
            }
        };
        match slot {
            Slot::Lane(tensor) => vec![source(self.reach[&tensor].0, tensor)],
            Slot::Block(block) => {
                let links = self.network.links.iter().filter(|link| link.to == block);
                links.map(|link| source(link.from, link.tensor)).collect()
            }
        }
    }

    /// What a slot is linked to in the column behind.
    fn behind(&self, rank: usize, slot: Slot) -> Vec<Slot> {
        let links = self.network.links.iter().filter(|link| match slot {
            Slot::Block(block) => link.from == block,
            Slot::Lane(tensor) => link.tensor == tensor && self.ranks[link.to] > rank,
        });
        let near = links.map(|link| {
            if self.ranks[link.to] == rank + 1 {
                Slot::Block(link.to)
            } else {
                Slot::Lane(link.tensor)
            }
        });
        let near: BTreeSet<Slot> = near.collect();
        near.into_iter().collect()
    }

    /// Brings slots near those they are linked to.
    fn order(&self, columns: &mut [Vec<Slot>]) {
        const SWEEPS: usize = 4;
        for _ in 0..SWEEPS {
            for rank in (0..columns.len().saturating_sub(1)).rev() {
                let next = columns[rank + 1].clone();
                arrange(&mut columns[rank], &next, |slot| self.behind(rank, slot));
            }
            for rank in 1..columns.len() {
                let last = columns[rank - 1].clone();
                arrange(&mut columns[rank], &last, |slot| self.before(rank, slot));
            }
        }
    }

    /// Height of the middle of each slot above or below the line that the network runs along:
    /// where its neighbours are, blocks rather than lanes, and clear of others.
    fn middles(&self, columns: &[Vec<Slot>]) -> Vec<Vec<f64>> {
        let mut middles: Vec<Vec<f64>> = columns.iter().map(|c| vec![0.0; c.len()]).collect();
        for rank in 0..columns.len() {
            let known = |slot: &Slot| {
                let column = columns.get(rank.checked_sub(1)?)?;
                let at = column.iter().position(|other| other == slot)?;
                middles.get(rank - 1)?.get(at).copied()
            };
            let wanted = |slot: Slot| {
                let near = self.before(rank, slot);
                let blocks: Vec<f64> = near
                    .iter()
                    .filter(|near| matches!(near, Slot::Block(_)))
                    .filter_map(known)
                    .collect();
                if blocks.is_empty() {
                    mean(near.iter().filter_map(known))
                } else {
                    mean(blocks.into_iter())
                }
            };
            let wanted: Vec<f64> = columns[rank].iter().map(|slot| wanted(*slot)).collect();
            middles[rank] = apart(&columns[rank], &wanted);
        }
        middles
    }
}

/// Sorts a column by the mean position of each slot's neighbours in `beside`; blocks come before
/// the lanes that would lie where they are.
fn arrange(column: &mut [Slot], beside: &[Slot], near: impl Fn(Slot) -> Vec<Slot>) {
    let place = |slot: &Slot| beside.iter().position(|other| other == slot);
    let centre = |at: usize, slot: Slot| {
        let places: Vec<f64> = near(slot)
            .iter()
            .filter_map(place)
            .map(|place| place as f64)
            .collect();
        if places.is_empty() {
            at as f64
        } else {
            mean(places.into_iter())
        }
    };
    let mut keyed: Vec<(f64, bool, Slot)> = column
        .iter()
        .enumerate()
        .map(|(at, slot)| (centre(at, *slot), matches!(slot, Slot::Lane(_)), *slot))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (slot, (.., sorted)) in column.iter_mut().zip(keyed) {
        *slot = sorted;
    }
}

/// The wanted middles, moved until the slots are clear of one another; blocks stay around where
/// they want to be.
fn apart(column: &[Slot], wanted: &[f64]) -> Vec<f64> {
    const FAR: f64 = 1e9;
    let sizes = wanted.iter().zip(column);
    let rim = |slot: &Slot| match slot {
        Slot::Block(_) => APART,
        Slot::Lane(_) => 0.0,
    };
    let sizes: Vec<(f64, f64)> = sizes
        .map(|(middle, slot)| (*middle, slot.height() + rim(slot)))
        .collect();
    let Some(tops) = spread(&sizes, -FAR, FAR, APART) else {
        return wanted.to_vec();
    };
    let middles = tops
        .iter()
        .zip(&sizes)
        .map(|(top, (_, height))| top + height / 2.0);
    let middles: Vec<f64> = middles.collect();
    let moved = middles.iter().zip(wanted).zip(column);
    let moved = moved.filter(|(_, slot)| matches!(slot, Slot::Block(_)));
    let shift = mean(moved.map(|((now, wanted), _)| now - wanted));
    middles.into_iter().map(|middle| middle - shift).collect()
}

/// 0 without values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / f64::max(count, 1.0)
}

/// Links on the longest way to each block; what reads nothing stands next to its first reader.
fn ranks(network: &Network) -> Vec<usize> {
    let mut ranks = vec![0; network.blocks.len()];
    let mut reads = vec![false; network.blocks.len()];
    let mut links: Vec<_> = network.links.iter().collect();
    // blocks come before their readers
    links.sort_by_key(|link| link.from);
    for link in &links {
        ranks[link.to] = ranks[link.to].max(ranks[link.from] + 1);
        reads[link.to] = true;
    }
    for block in (0..ranks.len()).filter(|block| !reads[*block]) {
        let readers = links.iter().filter(|link| link.from == block);
        let first: Option<usize> = readers.map(|link| ranks[link.to]).min();
        if let Some(first) = first {
            ranks[block] = first.saturating_sub(1);
        }
    }
    ranks
}

/// First column of each band: as few bands as hold `most` columns each, broken where few tensors
/// pass and of about one length.
fn break_bands(columns: &[Vec<Slot>], most: usize) -> Vec<usize> {
    let count = columns.len().div_ceil(most).max(1);
    let usual = columns.len() as f64 / count as f64;
    // best[band][end]: cost and start of the last of so many bands that end there
    let mut best = vec![vec![None; columns.len() + 1]; count + 1];
    best[0][0] = Some((0.0, 0));
    for band in 1..=count {
        for end in 1..=columns.len() {
            for start in end.saturating_sub(most)..end {
                let Some((before, _)) = best[band - 1][start] else {
                    continue;
                };
                let passing = if end < columns.len() {
                    columns[end].len()
                } else {
                    0
                };
                let uneven = (usual - (end - start) as f64).powi(2);
                let cost: f64 = before + passing as f64 * 2.0 + uneven;
                if best[band][end].is_none_or(|(least, _)| cost < least) {
                    best[band][end] = Some((cost, start));
                }
            }
        }
    }
    let (mut starts, mut end) = (Vec::new(), columns.len());
    for band in (1..=count).rev() {
        let Some((_, start)) = best[band][end] else {
            break;
        };
        starts.push(start);
        end = start;
    }
    starts.reverse();
    starts
}

/// A band on the page.
struct Band {
    columns: std::ops::Range<usize>,
    /// Height of the line the network runs along.
    line: f64,
    bottom: f64,
}

fn place(
    ranked: &Ranked<'_>,
    columns: &[Vec<Slot>],
    middles: &[Vec<f64>],
    starts: &[usize],
    room: Frame,
) -> Layout {
    let ends = starts.iter().skip(1).copied().chain([columns.len()]);
    let ranges: Vec<_> = starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(a, b)| a..b)
        .collect();
    let longest = ranges.iter().map(|range| range.len()).max().unwrap_or(1) as f64;
    // tensors that go from each band to the next
    let passing: Vec<Vec<TensorId>> = starts
        .iter()
        .skip(1)
        .map(|start| {
            let reach = ranked.reach.iter();
            let over =
                reach.filter(|(_, (from, last))| ranked.ranks[*from] < *start && last >= start);
            over.map(|(tensor, _)| *tensor).collect()
        })
        .collect();
    let most = passing
        .iter()
        .map(Vec::len)
        .max()
        .map_or(0.0, |most| most as f64);
    let side = if passing.is_empty() {
        0.0
    } else {
        10.0 + TRACK * most
    };
    let width = room.width - 2.0 * side;
    let wide = ((width + GAP) / longest - GAP).clamp(24.0, WIDEST);
    let gap = if longest > 1.0 {
        ((width - longest * wide) / (longest - 1.0)).clamp(GAP, 2.0 * GAP)
    } else {
        GAP
    };
    let left = room.left + side;

    let extent = |range: &std::ops::Range<usize>| {
        let slots = columns[range.clone()].iter().zip(&middles[range.clone()]);
        let slots = slots.flat_map(|(column, middles)| column.iter().zip(middles));
        slots.fold((0.0_f64, 0.0_f64), |(up, down), (slot, middle)| {
            let half = slot.height() / 2.0;
            (up.min(middle - half), down.max(middle + half))
        })
    };
    let extents: Vec<(f64, f64)> = ranges.iter().map(extent).collect();
    let tracks: f64 = passing
        .iter()
        .map(|tensors| TRACK * tensors.len() as f64)
        .sum();
    let needed: f64 = extents.iter().map(|(up, down)| down - up).sum::<f64>() + tracks;
    let gutters = ranges.len() as f64 + 1.0;
    let gutter = ((room.height - needed) / gutters).clamp(GUTTER[0], GUTTER[1]);
    let mut top = room.top;
    let mut bands: Vec<Band> = Vec::new();
    for (number, (range, (up, down))) in ranges.into_iter().zip(&extents).enumerate() {
        let above = number.checked_sub(1).and_then(|last| passing.get(last));
        top += gutter + above.map_or(0.0, |tensors| TRACK * tensors.len() as f64);
        bands.push(Band {
            columns: range,
            line: top - up,
            bottom: top + down - up,
        });
        top += down - up;
    }

    let band_of = |rank: usize| {
        bands
            .iter()
            .position(|b| b.columns.contains(&rank))
            .unwrap_or(0)
    };
    let frame = |rank: usize, slot: Slot| {
        let (band, at) = (
            &bands[band_of(rank)],
            columns[rank].iter().position(|s| *s == slot),
        );
        let middle = at.map_or(0.0, |at| middles[rank][at]);
        Frame {
            left: left + (rank - band.columns.start) as f64 * (wide + gap),
            top: band.line + middle - slot.height() / 2.0,
            width: wide,
            height: slot.height(),
        }
    };
    let boxes: Vec<Frame> = ranked
        .ranks
        .iter()
        .enumerate()
        .map(|(b, rank)| frame(*rank, Slot::Block(b)))
        .collect();
    let routes = ranked.network.links.iter().map(|link| {
        let mut from = boxes[link.from];
        let mut steps = vec![Step::Start(from.right(), from.top + from.height / 2.0)];
        for rank in ranked.ranks[link.from] + 1..=ranked.ranks[link.to] {
            let slot = if rank == ranked.ranks[link.to] {
                Slot::Block(link.to)
            } else {
                Slot::Lane(link.tensor)
            };
            let to = frame(rank, slot);
            let (y, there) = (from.top + from.height / 2.0, to.top + to.height / 2.0);
            let band = band_of(rank);
            if band_of(rank - 1) == band {
                steps.push(Step::Curve(to.left, there));
            } else {
                let track = passing[band - 1].iter().position(|t| *t == link.tensor);
                let inset = 6.0 + TRACK * track.unwrap_or(0) as f64;
                let (right, below) = (from.right() + inset, bands[band - 1].bottom + inset);
                let corners = [
                    (right, y),
                    (right, below),
                    (left - inset, below),
                    (left - inset, there),
                ];
                steps.extend(corners.map(|(x, y)| Step::Line(x, y)));
                steps.push(Step::Line(to.left, there));
            }
            if slot != Slot::Block(link.to) {
                steps.push(Step::Line(to.right(), there));
            }
            from = to;
        }
        steps
    });
    Layout {
        routes: routes.collect(),
        boxes,
        height: top + gutter - room.top,
    }
}
