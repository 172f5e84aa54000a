//! A spec one key of which a sweep varies.

use cutpoint_planner::scenario::{ParameterRange, ScenarioSpec};

use super::super::{Kind, OrFail};
use super::{PlanInputs, ScenarioArgs};

impl ScenarioArgs {
    /// As [`ScenarioArgs::read`], with what a sweep varies at its loosest.
    pub(crate) fn read_varied(&self, over: &ParameterRange) -> anyhow::Result<PlanInputs> {
        let spec = self.choices.merged(ScenarioSpec::default())?;
        let spec = over.loosened(spec).or_fail(Kind::Usage)?;
        let (scenario, rates) = spec.clone().complete().or_fail(Kind::Usage)?;
        self.read_for(scenario, rates, spec)
    }
}
