//! What the edge spends and how busy machines and link are, as sums of times.

use super::completion::Completion;
use super::model::CostModel;
use super::parts::{LinearCost, Part};
use cutpoint_core::profile::Power;

/// Power in microwatts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MicroWatts {
    compute: i64,
    transmit: i64,
    pub(crate) idle: i64,
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
    pub(crate) fn energy(self, overlaps: bool) -> Vec<LinearCost> {
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
    pub(crate) fn beyond_idle(self) -> LinearCost {
        let mut sum = LinearCost::default();
        for part in [Part::Edge, Part::Encode, Part::Local] {
            sum.add(part, (self.compute - self.idle).max(0));
        }
        sum.add(Part::Uplink, (self.transmit - self.idle).max(0));
        sum
    }
}

/// Energy of one inference in femtojoules: the largest of these sums; none when the profile says
/// nothing about it.
pub(crate) fn energy(model: &CostModel, done: &[Completion]) -> Vec<LinearCost> {
    let power = model.tables.power.map(MicroWatts::new);
    let overlaps = done.contains(&Completion::Local);
    power.map_or(Vec::new(), |power| power.energy(overlaps))
}

/// What the edge draws while it waits, in microwatts; zero when unknown.
pub(crate) fn idle_uw(model: &CostModel) -> i64 {
    model
        .tables
        .power
        .map_or(0, |power| MicroWatts::new(power).idle)
}

/// The busiest of edge, uplink, server and downlink; delays pass while other frames are under way.
pub(crate) fn busy() -> Vec<LinearCost> {
    vec![
        Completion::Local.time(),
        LinearCost::of(&[Part::Uplink]),
        LinearCost::of(&[Part::Decode, Part::Server]),
        LinearCost::of(&[Part::Downlink]),
    ]
}
