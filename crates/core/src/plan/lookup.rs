//! The table a run-time looks plans up in while the rate of its link changes.
//!
//! The plan in use is kept as long as, at the present rate, it meets its limits and is at most a share
//! worse than the best plan of the table. Seen from the plan's own rates, that holds up to one rate
//! above them and down to one rate below them. So two rates per plan say it all, and a run-time needs
//! no arithmetic but comparisons.

use serde::{Deserialize, Serialize};

use super::{FORMAT, LatencyLine, Plan, PlanFileError, PlannedModel, Segment, Sweep};
use crate::codec::Codec;
use crate::file_kind::FileKind;
use crate::units::Share;

/// How much worse than the best the plan in use may be before another takes over, as a share of what
/// the objective comes to for the best plan.
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
    /// The plan in use is at most this share worse than the best, in the objective.
    pub hysteresis: f64,
    /// Those of the sweep, slowest rate first.
    pub segments: Vec<LookupSegment>,
}

/// The rates at which a plan, once in use, is left.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Left below this rate; `None` is never.
    pub down_bit_s: Option<u64>,
    /// Left above this rate; `None` is never.
    pub up_bit_s: Option<u64>,
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
    /// The table of a sweep, with the rates at which each plan is left.
    pub fn of(sweep: &Sweep, hysteresis: Hysteresis, switches: &[Switches]) -> Lookup {
        let setting = sweep.segments.first().map(|s| &s.plan.setting);
        let segment = |(segment, switches): (&Segment, &Switches)| LookupSegment {
            from_bit_s: segment.from_bit_s,
            to_bit_s: segment.to_bit_s,
            switch_down_bit_s: switches.down_bit_s,
            switch_up_bit_s: switches.up_bit_s,
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
            segments: sweep.segments.iter().zip(switches).map(segment).collect(),
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

    /// The table of [`two`], with a band of ten percent.
    fn table() -> Lookup {
        let switches = [(None, Some(12_359_550)), (Some(10_000_000), None)];
        let switches = switches.map(|(down_bit_s, up_bit_s)| Switches {
            down_bit_s,
            up_bit_s,
        });
        Lookup::of(&two(), hysteresis("12.5%"), &switches)
    }

    #[test]
    fn the_plan_in_use_is_kept_between_its_switches() {
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
            assert_eq!(table().next(current, rate), next, "{current:?} at {rate}");
        }
    }

    #[test]
    fn files_read_back_what_was_written() {
        let table = table();
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
        let table = Lookup::of(&empty, hysteresis("10%"), &[]);
        assert_eq!(table.next(Some(3), 5), 0);
    }
}
