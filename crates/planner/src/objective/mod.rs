//! Objectives and limits as weighted sums of a placement's parts.
//!
//! What a task waits for depends on where it is done, so the sums of some objectives and limits
//! depend on which tasks the edge keeps; given that, all of them are linear.

use crate::constraints::limit::Limit;
use crate::cost::parts::{LinearCost, Part};
use crate::cost::placement::Cost;
use crate::cost::time_per_bit::TimePerBit;
use crate::problem::Problem;
use crate::scenario::{Objective, Results};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::profile::Power;

/// Where and when a task is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Completion {
    /// On the edge, before anything is sent.
    Here,
    /// On the edge, while link and server work.
    Local,
    /// On the server, where its results stay.
    There,
    /// On the server, its results sent back.
    Back,
}

/// What a problem makes small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectiveFunction {
    /// What the scenario asks for.
    Scenario(Objective),
    /// What is used of a limit.
    LimitUse(Limit),
    /// What latency is never below, whatever runs beside link and server: the edge's own work, and
    /// everything but that.
    LeastLatency,
}

impl ObjectiveFunction {
    /// A value of this objective in the unit people read: milliseconds, millijoules or bytes; in the unit
    /// of the limit for what is used of one.
    pub fn readable(&self, value: i128, time_per_bit: TimePerBit) -> f64 {
        match self {
            ObjectiveFunction::Scenario(Objective::Uplink) | ObjectiveFunction::LimitUse(_) => {
                value as f64
            }
            ObjectiveFunction::Scenario(Objective::Weighted) => time_per_bit.ns(value) / 1e9,
            // femtojoules
            ObjectiveFunction::Scenario(Objective::Energy) => time_per_bit.ns(value) / 1e12,
            ObjectiveFunction::LeastLatency
            | ObjectiveFunction::Scenario(
                Objective::Latency
                | Objective::Lateness
                | Objective::Throughput
                | Objective::EdgeTime,
            ) => time_per_bit.ns(value) / 1e6,
        }
    }
}

impl Completion {
    /// The time from the input to the task's results.
    pub fn time(self) -> LinearCost {
        use Part::{BackDelay, Decode, Delay, Downlink, Edge, Encode, Local, Server, Uplink};
        match self {
            Completion::Here => LinearCost::of(&[Edge, Encode]),
            Completion::Local => LinearCost::of(&[Edge, Encode, Local]),
            Completion::There => LinearCost::of(&[Edge, Encode, Delay, Uplink, Decode, Server]),
            Completion::Back => LinearCost::of(&[
                Edge, Encode, Delay, Uplink, Decode, Server, BackDelay, Downlink,
            ]),
        }
    }
}

/// Power in microwatts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MicroWatts {
    compute: i64,
    transmit: i64,
    idle: i64,
}

impl MicroWatts {
    pub(crate) fn new(power: Power) -> MicroWatts {
        // profiles state no negative power, and a kilowatt is no edge board
        let micro = |watts: f64| (watts * 1e6).round().clamp(0.0, 1e9) as i64;
        MicroWatts {
            compute: micro(power.compute_w),
            transmit: micro(power.transmit_w),
            idle: micro(power.idle_w),
        }
    }

    /// Energy of one inference in femtojoules: the largest of these sums. While heads run beside
    /// the link, the edge idles for what link and server take longer, if they do.
    fn energy(self, overlaps: bool) -> Vec<LinearCost> {
        let mut busy = LinearCost::default();
        for part in [Part::Edge, Part::Encode, Part::Local] {
            busy.add(part, self.compute);
        }
        busy.add(Part::Uplink, self.transmit);
        let mut waiting = busy;
        for part in [
            Part::Delay,
            Part::Decode,
            Part::Server,
            Part::BackDelay,
            Part::Downlink,
        ] {
            waiting.add(part, self.idle);
        }
        if !overlaps {
            return vec![waiting];
        }
        waiting.add(Part::Local, -self.idle);
        vec![busy, waiting]
    }

    /// Energy of one frame beyond idling, in femtojoules.
    fn beyond_idle(self) -> LinearCost {
        let mut sum = LinearCost::default();
        for part in [Part::Edge, Part::Encode, Part::Local] {
            sum.add(part, (self.compute - self.idle).max(0));
        }
        sum.add(Part::Uplink, (self.transmit - self.idle).max(0));
        sum
    }
}

impl Problem {
    /// What plans are compared by, the first first.
    pub fn objectives(&self) -> &[ObjectiveFunction] {
        &self.objectives
    }

    /// The layers that each task needs.
    pub fn needs(&self) -> &[LayerSet] {
        &self.tables.needs
    }

    /// Where a task is done, by its position, when heads that the edge keeps run before anything is
    /// sent; `kept` says whether all layers that it needs are on the edge.
    pub fn done(&self, task: usize, kept: bool) -> Completion {
        match self.tables.wanted[task] {
            Results::Server => Completion::There,
            _ if kept => Completion::Here,
            Results::Edge => Completion::Back,
            Results::Anywhere => Completion::There,
        }
    }

    /// Whether any limit allows more at a faster rate.
    pub fn depends_on_rate(&self) -> bool {
        let limit = |limit: &Limit| {
            matches!(
                limit,
                Limit::Deadline { .. }
                    | Limit::Fps(_)
                    | Limit::LinkShare { .. }
                    | Limit::MaxEnergy(_)
                    | Limit::MaxPower { .. }
            )
        };
        self.limits.iter().any(limit)
    }

    /// Whether what plans are compared by or limited in depends on which tasks the edge keeps.
    pub fn depends_on_tasks(&self) -> bool {
        let limit = |limit: &Limit| matches!(limit, Limit::Deadline { .. });
        let objective = |objective: &ObjectiveFunction| match objective {
            ObjectiveFunction::Scenario(objective) => {
                matches!(objective, Objective::Weighted | Objective::Lateness)
            }
            ObjectiveFunction::LimitUse(of) => limit(of),
            ObjectiveFunction::LeastLatency => false,
        };
        self.overlaps() || self.objectives.iter().any(objective) || self.limits.iter().any(limit)
    }

    /// What the first objective never is below, in its unit: times and amounts are not negative.
    pub fn least_possible(&self) -> i128 {
        match self.objectives.first() {
            Some(ObjectiveFunction::Scenario(Objective::Lateness)) => {
                let latest = self.tables.deadlines.iter().flatten().max();
                let latest = latest.map_or(0, |ns| i128::from(*ns));
                self.time_per_bit().scaled_signed(-latest, 0)
            }
            _ => 0,
        }
    }

    /// A problem whose optimum no latency of this one is below, with heads beside the link or not:
    /// without the limits that depend on when things are done.
    #[must_use]
    pub fn without_order(&self) -> Problem {
        let timeless = |limit: &&Limit| {
            !matches!(
                limit,
                Limit::Deadline { .. }
                    | Limit::Fps(_)
                    | Limit::MaxEnergy(_)
                    | Limit::MaxPower { .. }
            )
        };
        let limits = self.limits.iter().filter(timeless).cloned().collect();
        let relaxed = self.sequential().with_limits(limits);
        relaxed.with_objective(ObjectiveFunction::LeastLatency)
    }

    /// Sums of which an objective is the largest, given where each task is done. Empty for objectives that are
    /// no sums of times and bytes.
    pub fn objective_sums(
        &self,
        objective: &ObjectiveFunction,
        done: &[Completion],
    ) -> Vec<LinearCost> {
        match objective {
            ObjectiveFunction::Scenario(objective) => self
                .delays
                .in_objectives(self.sums_of_objective(*objective, done)),
            ObjectiveFunction::LimitUse(limit) => self.limit_sums(limit, done),
            ObjectiveFunction::LeastLatency => {
                let mut elsewhere = Completion::Back.time();
                elsewhere.add(Part::Edge, -1);
                self.delays
                    .in_objectives(vec![Completion::Here.time(), elsewhere])
            }
        }
    }

    fn sums_of_objective(&self, objective: Objective, done: &[Completion]) -> Vec<LinearCost> {
        match objective {
            Objective::Latency => self.latency(done),
            Objective::Weighted => {
                let mut sum = LinearCost::default();
                for (done, weight) in done.iter().zip(&self.tables.weights) {
                    sum.add_sum(&done.time(), i64::from(*weight));
                }
                vec![sum]
            }
            Objective::Lateness => {
                let due = self.tables.deadlines.iter().zip(done);
                let late = due.filter_map(|(most, done)| {
                    let mut sum = done.time();
                    sum.more_ns = -i64::try_from((*most)?).unwrap_or(i64::MAX);
                    Some(sum)
                });
                // without tasks there is nothing to be late
                match distinct(late.collect()) {
                    sums if sums.is_empty() => vec![LinearCost::default()],
                    sums => sums,
                }
            }
            Objective::Energy => self.energy(done),
            Objective::Throughput => busy(),
            Objective::Uplink => vec![LinearCost::of_uplink_bytes()],
            Objective::EdgeTime => vec![Completion::Local.time()],
        }
    }

    /// Sums none of which may exceed what a limit allows; empty for limits that are no sums of
    /// times and bytes.
    pub fn limit_sums(&self, limit: &Limit, done: &[Completion]) -> Vec<LinearCost> {
        let sums = match limit {
            Limit::MaxUplink(_) => vec![LinearCost::of_uplink_bytes()],
            Limit::MaxDownlink(_) => vec![LinearCost::of_downlink_bytes()],
            Limit::MaxMessage(_) => vec![
                LinearCost::of_uplink_bytes(),
                LinearCost::of_downlink_bytes(),
            ],
            Limit::Deadline { task, .. } => vec![done[*task].time()],
            Limit::Fps(_) => busy(),
            Limit::LinkShare { .. } => vec![
                LinearCost::of(&[Part::Uplink]),
                LinearCost::of(&[Part::Downlink]),
            ],
            Limit::MaxEnergy(_) => self.energy(done),
            Limit::MaxPower { .. } => {
                let power = self.tables.power.map(MicroWatts::new);
                power.iter().map(|power| power.beyond_idle()).collect()
            }
            _ => Vec::new(),
        };
        self.delays.in_limits(sums)
    }

    /// What the sums of a limit may come to, in their unit.
    pub fn limit_room(&self, limit: &Limit) -> Option<i128> {
        let ns = |ns: u64| Some(self.time_per_bit().scaled_signed(i128::from(ns), 0));
        let bytes = |bytes: cutpoint_core::units::Bytes| Some(i128::from(bytes.0));
        match limit {
            Limit::MaxUplink(most) | Limit::MaxDownlink(most) | Limit::MaxMessage(most) => {
                bytes(*most)
            }
            Limit::Deadline { allows_ns, .. } => ns(*allows_ns),
            Limit::Fps(period_ns) => ns(*period_ns),
            Limit::LinkShare { share, period_ns } => {
                let part = i128::from(*period_ns) * i128::from(share.0);
                Some(
                    self.time_per_bit()
                        .scaled_signed(part, 0)
                        .div_euclid(1_000_000),
                )
            }
            // nanojoules are a million femtojoules
            Limit::MaxEnergy(most) => Some(
                self.time_per_bit()
                    .scaled_signed(i128::from(most.0) * 1_000_000, 0),
            ),
            Limit::MaxPower { most, period_ns } => {
                let spare = i128::from(most.0) - i128::from(self.idle_uw());
                let spare = spare * i128::from(*period_ns);
                Some(self.time_per_bit().scaled_signed(spare, 0))
            }
            _ => None,
        }
    }

    /// What the edge draws while it waits, in microwatts; zero when unknown.
    pub(crate) fn idle_uw(&self) -> i64 {
        self.tables
            .power
            .map_or(0, |power| MicroWatts::new(power).idle)
    }

    /// The largest of `sums` for a cost.
    pub(crate) fn largest(
        &self,
        sums: &[LinearCost],
        cost: &Cost,
        time_per_bit: TimePerBit,
    ) -> i128 {
        let values = sums.iter().map(|sum| sum.value(&cost.parts, time_per_bit));
        values.max().unwrap_or(0)
    }

    fn latency(&self, done: &[Completion]) -> Vec<LinearCost> {
        let mut sums = vec![Completion::Back.time()];
        sums.extend(
            done.contains(&Completion::Local)
                .then(|| Completion::Local.time()),
        );
        sums
    }

    fn energy(&self, done: &[Completion]) -> Vec<LinearCost> {
        let power = self.tables.power.map(MicroWatts::new);
        let overlaps = done.contains(&Completion::Local);
        power.map_or(Vec::new(), |power| power.energy(overlaps))
    }
}

/// The busiest of edge, uplink, server and downlink; delays pass while other frames are under way.
fn busy() -> Vec<LinearCost> {
    vec![
        Completion::Local.time(),
        LinearCost::of(&[Part::Uplink]),
        LinearCost::of(&[Part::Decode, Part::Server]),
        LinearCost::of(&[Part::Downlink]),
    ]
}

/// Of sums that differ in what is added only, the largest.
fn distinct(sums: Vec<LinearCost>) -> Vec<LinearCost> {
    let mut kept: Vec<LinearCost> = Vec::new();
    for sum in sums {
        let alike = |other: &&mut LinearCost| other.same_weights(&sum);
        match kept.iter_mut().find(alike) {
            Some(other) => other.more_ns = other.more_ns.max(sum.more_ns),
            None => kept.push(sum),
        }
    }
    kept
}
