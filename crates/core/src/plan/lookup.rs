//! The table a run-time looks plans up in while the rate of its link changes.
//!
//! The plan in use is kept as long as, at the present rate, it is at most a share h slower than the
//! best plan of the table. Seen from the plan's own rates, that holds up to one rate above them and
//! down to one rate below them, because within the range of any other plan the difference of both
//! latencies is a line in one over the rate. So two rates per plan say it all, and a run-time
//! needs no arithmetic but comparisons.

use serde::{Deserialize, Serialize};

use super::{FORMAT, LatencyLine, Plan, PlanFileError, PlannedModel, Segment, Sweep};
use crate::codec::Codec;
use crate::file_kind::FileKind;
use crate::units::Share;

/// How much slower than the best the plan in use may be before another takes over, as a share of
/// the best plan's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hysteresis(pub Share);

/// Which plan to use at which rate, and when to leave it for another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// [`FORMAT`].
    pub format: u32,
    /// What the file holds.
    #[serde(default = "FileKind::lookup")]
    pub kind: FileKind,
    /// Name of the edge board.
    pub edge: String,
    /// Name of the server.
    pub server: String,
    /// One way.
    pub delay_ms: f64,
    /// Server to edge; absent when it follows the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_rate_bit_s: Option<u64>,
    /// The plan in use is at most this share slower than the best.
    pub hysteresis: f64,
    /// Those of the sweep, slowest rate first.
    pub segments: Vec<LookupSegment>,
}

/// A plan, and the rates it is used at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupSegment {
    /// The slowest rate at which the plan is the best.
    pub from_bit_s: u64,
    /// The first rate at which the next plan is the best; of the last segment, the end of the
    /// range.
    pub to_bit_s: u64,
    /// The plan, once in use, is left when the rate falls below this; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_down_bit_s: Option<u64>,
    /// The plan, once in use, is left when the rate rises above this; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_up_bit_s: Option<u64>,
    /// The model that is cut.
    pub model: PlannedModel,
    /// How many layers run on the edge.
    pub edge_layers: usize,
    /// How many layers run on the server.
    pub server_layers: usize,
    /// What is sent.
    pub crossing: Vec<SentTensor>,
    /// Its latency as a function of the rate.
    pub latency: LatencyLine,
}

/// A tensor that is sent, and how it is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentTensor {
    /// Name in the model.
    pub tensor: String,
    /// How it is encoded.
    pub codec: Codec,
}

impl Hysteresis {
    fn share(self) -> f64 {
        self.0.0 as f64 / 1e6
    }
}

impl Lookup {
    /// The table of a sweep.
    pub fn of(sweep: &Sweep, hysteresis: Hysteresis) -> Lookup {
        let setting = sweep.segments.first().map(|s| &s.plan.setting);
        let band = Band {
            segments: &sweep.segments,
            factor: 1.0 + hysteresis.share(),
        };
        let segment = |(index, segment): (usize, &Segment)| LookupSegment {
            from_bit_s: segment.from_bit_s,
            to_bit_s: segment.to_bit_s,
            switch_down_bit_s: band.down(index),
            switch_up_bit_s: band.up(index),
            model: segment.plan.model.clone(),
            edge_layers: segment.plan.edge.len(),
            server_layers: segment.plan.server.len(),
            crossing: sent(&segment.plan),
            latency: segment.latency,
        };
        Lookup {
            format: FORMAT,
            kind: FileKind::Lookup,
            edge: setting.map(|s| s.edge.clone()).unwrap_or_default(),
            server: setting.map(|s| s.server.clone()).unwrap_or_default(),
            delay_ms: setting.map_or(0.0, |s| s.delay_ms),
            down_rate_bit_s: setting.and_then(|s| s.down_rate_bit_s),
            hysteresis: hysteresis.share(),
            segments: sweep.segments.iter().enumerate().map(segment).collect(),
        }
    }

    /// The position of the plan that is the best at a rate, in bit/s; beyond the table, of the plan
    /// at its end. Zero in a table without plans.
    pub fn best_at(&self, bit_s: u64) -> usize {
        let faster = self.segments.partition_point(|s| s.from_bit_s <= bit_s);
        faster.saturating_sub(1)
    }

    /// The position of the plan to use at a rate, in bit/s, when the one at `current` is in use.
    pub fn next(&self, current: Option<usize>, bit_s: u64) -> usize {
        let keeps = |segment: &LookupSegment| {
            segment.switch_down_bit_s.is_none_or(|down| bit_s >= down)
                && segment.switch_up_bit_s.is_none_or(|up| bit_s <= up)
        };
        match current.and_then(|index| Some((index, self.segments.get(index)?))) {
            Some((index, segment)) if keeps(segment) => index,
            _ => self.best_at(bit_s),
        }
    }

    /// Text of the file in JSON.
    ///
    /// # Errors
    /// [`PlanFileError::Write`].
    pub fn to_json(&self) -> Result<String, PlanFileError> {
        serde_json::to_string_pretty(self).map_err(|error| PlanFileError::Write {
            what: "look-up table",
            message: error.to_string(),
        })
    }
}

fn sent(plan: &Plan) -> Vec<SentTensor> {
    let sent = plan.crossing.iter().map(|crossing| SentTensor {
        tensor: crossing.tensor.clone(),
        codec: crossing.codec,
    });
    sent.collect()
}

/// How far around its own rates a plan is good enough.
struct Band<'a> {
    segments: &'a [Segment],
    /// Times the latency of the best plan.
    factor: f64,
}

impl Band<'_> {
    /// Whether a plan is good enough at a rate at which `best` is the best one.
    fn keeps(&self, index: usize, best: usize, bit_s: u64) -> bool {
        let at = |index: usize| self.segments[index].latency.at_bit_s(bit_s as f64);
        at(index) <= self.factor * at(best)
    }

    /// The slowest rate at which a plan is kept, unless that is the end of the table.
    fn down(&self, index: usize) -> Option<u64> {
        (0..index).rev().find_map(|best| {
            let (first, last) = self.rates(best)?;
            let keeps = |rate| self.keeps(index, best, rate);
            if !keeps(last) {
                return Some(last + 1);
            }
            (!keeps(first)).then(|| least(first, last, keeps))
        })
    }

    /// The fastest rate at which a plan is kept, unless that is the end of the table.
    fn up(&self, index: usize) -> Option<u64> {
        (index + 1..self.segments.len()).find_map(|best| {
            let (first, last) = self.rates(best)?;
            let leaves = |rate| !self.keeps(index, best, rate);
            if leaves(first) {
                return Some(first.saturating_sub(1));
            }
            leaves(last).then(|| least(first, last, leaves) - 1)
        })
    }

    /// The slowest and the fastest rate of a segment; the last one ends with its last rate, the
    /// others before that of the next.
    fn rates(&self, index: usize) -> Option<(u64, u64)> {
        let segment = &self.segments[index];
        let is_last = index + 1 == self.segments.len();
        let last = segment.to_bit_s.checked_sub(u64::from(!is_last))?;
        (segment.from_bit_s <= last).then_some((segment.from_bit_s, last))
    }
}

/// The least number after `first` that `holds`, which holds for `last` and all between, but not for
/// `first`.
fn least(first: u64, last: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut fails, mut found) = (first, last);
    while found - fails > 1 {
        let middle = fails + (found - fails) / 2;
        if holds(middle) {
            found = middle
        } else {
            fails = middle
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;
    use std::path::Path;

    /// Plans with these latencies, `(fixed_ms, wire_bits)`, and the rates at which they begin.
    fn sweep(plans: &[(u64, f64, u64)], end: u64) -> Sweep {
        let ends = plans[1..].iter().map(|(from, _, _)| *from).chain([end]);
        let segment = |(&(from_bit_s, fixed_ms, wire_bits), to_bit_s)| Segment {
            from_bit_s,
            to_bit_s,
            latency: LatencyLine {
                fixed_ms,
                wire_bits,
                at_least_ms: None,
            },
            plan: plan(),
        };
        Sweep {
            format: FORMAT,
            kind: FileKind::Sweep,
            no_plan_below_bit_s: None,
            segments: plans.iter().zip(ends).map(segment).collect(),
            resolution: None,
            baselines: Vec::new(),
        }
    }

    fn hysteresis(text: &str) -> Hysteresis {
        Hysteresis(text.parse().unwrap())
    }

    /// 100 ms on the edge, or 10 ms and a million bits: equal at 11.1 Mbit/s.
    fn two() -> Sweep {
        sweep(&[(1, 100.0, 0), (11_111_112, 10.0, 1_000_000)], 50_000_000)
    }

    #[test]
    fn plans_are_left_where_another_is_better_by_the_hysteresis() {
        let table = Lookup::of(&two(), hysteresis("10%"));
        let [slow, fast] = table.segments.as_slice() else {
            panic!()
        };
        // 100 = 1.1 (10 + 10^9 / r), and 10 + 10^9 / r = 1.1 * 100
        assert_eq!(
            (slow.switch_down_bit_s, slow.switch_up_bit_s),
            (None, Some(12_359_550))
        );
        assert_eq!(
            (fast.switch_down_bit_s, fast.switch_up_bit_s),
            (Some(10_000_000), None)
        );
        for (current, rate, next) in [
            (None, 0, 0),
            (None, 11_111_111, 0),
            (None, 11_111_112, 1),
            (None, u64::MAX, 1),
            (Some(0), 12_359_550, 0),
            (Some(0), 12_359_551, 1),
            (Some(1), 10_000_000, 1),
            (Some(1), 9_999_999, 0),
            (Some(7), 5, 0),
        ] {
            assert_eq!(table.next(current, rate), next, "{current:?} at {rate}");
        }
        // the slow plan is never more than ten times as slow
        let table = Lookup::of(&two(), hysteresis("900%"));
        assert_eq!(table.segments[0].switch_up_bit_s, None);
    }

    #[test]
    fn without_hysteresis_the_best_plan_is_used() {
        let table = Lookup::of(&two(), hysteresis("0%"));
        assert_eq!(table.segments[0].switch_up_bit_s, Some(11_111_111));
        assert_eq!(table.segments[1].switch_down_bit_s, Some(11_111_112));
    }

    #[test]
    fn a_plan_may_be_kept_past_the_next() {
        // the middle one is never better than the first by ten percent, the last one is
        let plans = [
            (1, 100.0, 0),
            (1_000_000, 95.0, 5_000),
            (2_000_000, 50.0, 95_000),
        ];
        let table = Lookup::of(&sweep(&plans, 9_000_000), hysteresis("10%"));
        // 100 = 1.1 (50 + 95 * 10^6 / r)
        assert_eq!(table.segments[0].switch_up_bit_s, Some(2_322_222));
        assert_eq!(table.segments[1].switch_down_bit_s, Some(333_334));
        assert_eq!(table.next(Some(0), 2_000_000), 0);
        assert_eq!(table.next(Some(0), 3_000_000), 2);
    }

    #[test]
    fn files_read_back_what_was_written() {
        let table = Lookup::of(&two(), hysteresis("12.5%"));
        let text = table.to_toml().unwrap();
        assert_eq!(
            Lookup::parse(&text, Path::new("table.toml")).unwrap(),
            table
        );
        let read: Lookup = serde_json::from_str(&table.to_json().unwrap()).unwrap();
        assert_eq!(read, table);
        let error = Lookup::parse("format = 1\n", Path::new("t.toml")).unwrap_err();
        assert!(
            error.to_string().starts_with("t.toml: not a look-up table"),
            "{error}"
        );
    }

    #[test]
    fn a_table_without_plans_answers_all_the_same() {
        let empty = Sweep {
            format: FORMAT,
            kind: FileKind::Sweep,
            no_plan_below_bit_s: None,
            segments: Vec::new(),
            resolution: None,
            baselines: Vec::new(),
        };
        let table = Lookup::of(&empty, hysteresis("10%"));
        assert_eq!(table.next(Some(3), 5), 0);
    }
}
