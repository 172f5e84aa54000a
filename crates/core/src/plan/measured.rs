//! Plans that were really measured against one another.

use serde::{Deserialize, Serialize};

/// The measurement that decided between the plans nearest to the predicted best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Processor of the machine that measured.
    pub cpu: String,
    /// Threads of the runtime.
    pub threads: usize,
    /// Median of the whole model in the same rounds; far from the profile's, the machine is busier
    /// or slower than it was then.
    pub whole_ms: f64,
    /// The same in the profile.
    pub whole_profiled_ms: f64,
    /// Whether the server half was measured, too, and its time divided by the simulated server's
    /// speed-up; else it counts as predicted.
    pub server_measured: bool,
    /// Plans whose predicted latency exceeds the least by no more than this were looked at: what
    /// the profile's prediction of two plans may be wrong by.
    pub band_ms: f64,
    /// Every plan within the band was measured.
    pub complete: bool,
    /// Measured latency of the predicted best minus that of the chosen plan.
    pub regret_ms: f64,
    /// Half the 95 % interval of `regret_ms`; zero when the predicted best was chosen.
    pub regret_spread_ms: f64,
    /// The plans, in predicted order.
    pub plans: Vec<MeasuredPlan>,
}

/// A plan that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredPlan {
    /// Number of layers on the edge.
    pub edge_layers: usize,
    /// What crosses, as `TENSOR as CODEC`.
    pub crossing: Vec<String>,
    /// What the planner expects.
    pub predicted_ms: f64,
    /// Measured halves, with the link's time by the same formula.
    pub measured_ms: f64,
    /// Half the 95 % interval of `measured_ms`.
    pub spread_ms: f64,
    /// Median of the edge half, encoders included.
    pub edge_ms: f64,
    /// Its median absolute deviation.
    pub edge_mad_ms: f64,
    /// Median of the server half here, decoders included; absent where it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ms: Option<f64>,
    /// Its median absolute deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_mad_ms: Option<f64>,
    /// Median of the heads overlapped with the transfer; absent without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_ms: Option<f64>,
    /// Runs of each half that counted, at least.
    pub rounds: usize,
    /// This is the plan.
    pub chosen: bool,
    /// It cannot be told from the least measured one.
    pub tied: bool,
}

impl Measurement {
    /// Which of the measured plans to take: the least, or, where others cannot be told from it, the
    /// first of them in predicted order. Marks it and the ties, and states the regret of the first.
    pub fn decide(&mut self) {
        let least = self
            .plans
            .iter()
            .min_by(|a, b| a.measured_ms.total_cmp(&b.measured_ms));
        let Some(least) = least.cloned() else { return };
        for plan in &mut self.plans {
            let apart = plan.spread_ms.hypot(least.spread_ms);
            plan.tied = plan.measured_ms - least.measured_ms <= apart;
            plan.chosen = false;
        }
        let Some(chosen) = self.plans.iter().position(|plan| plan.tied) else {
            return;
        };
        self.plans[chosen].chosen = true;
        let (first, chosen) = (&self.plans[0], &self.plans[chosen]);
        self.regret_ms = first.measured_ms - chosen.measured_ms;
        self.regret_spread_ms = if first.chosen {
            0.0
        } else {
            first.spread_ms.hypot(chosen.spread_ms)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(measured: &[(f64, f64)]) -> Measurement {
        let plan = |(measured_ms, spread_ms): &(f64, f64)| MeasuredPlan {
            edge_layers: 1,
            crossing: Vec::new(),
            predicted_ms: 1.0,
            measured_ms: *measured_ms,
            spread_ms: *spread_ms,
            edge_ms: 1.0,
            edge_mad_ms: 0.0,
            server_ms: None,
            server_mad_ms: None,
            local_ms: None,
            rounds: 9,
            chosen: false,
            tied: false,
        };
        let mut measurement = Measurement {
            cpu: String::new(),
            threads: 1,
            whole_ms: 2.0,
            whole_profiled_ms: 2.0,
            server_measured: false,
            band_ms: 1.0,
            complete: true,
            regret_ms: 0.0,
            regret_spread_ms: 0.0,
            plans: measured.iter().map(plan).collect(),
        };
        measurement.decide();
        measurement
    }

    #[test]
    fn the_least_is_taken_and_its_gain_is_the_regret_of_the_first() {
        let found = decided(&[(5.0, 0.3), (3.0, 0.4), (4.5, 0.1)]);
        let chosen: Vec<bool> = found.plans.iter().map(|plan| plan.chosen).collect();
        assert_eq!(chosen, [false, true, false]);
        assert_eq!(found.regret_ms, 2.0);
        assert!((found.regret_spread_ms - 0.5).abs() < 1e-12);
        assert_eq!(found.plans.iter().filter(|plan| plan.tied).count(), 1);
    }

    #[test]
    fn ties_keep_the_predicted_order() {
        let found = decided(&[(5.0, 0.1), (3.2, 0.3), (3.0, 0.1)]);
        assert!(found.plans[1].chosen && found.plans[1].tied && found.plans[2].tied);
        assert!(!found.plans[2].chosen && !found.plans[0].tied);
        assert!((found.regret_ms - 1.8).abs() < 1e-12);
        let found = decided(&[(3.1, 0.2), (3.0, 0.1)]);
        assert!(found.plans[0].chosen);
        assert_eq!((found.regret_ms, found.regret_spread_ms), (0.0, 0.0));
    }
}
