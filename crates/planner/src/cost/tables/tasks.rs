//! What the scenario requires of each task.

use crate::cost::error::{ProblemError, known};
use crate::scenario::{Key, Results, Scenario};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::task::Task;

/// One entry per task, in their order.
pub(crate) struct TaskRequirements {
    pub(crate) wanted: Vec<Results>,
    /// In thousandths.
    pub(crate) weights: Vec<u32>,
    /// In nanoseconds.
    pub(crate) deadlines: Vec<Option<u64>>,
}

impl TaskRequirements {
    /// # Errors
    /// A requirement of a task that does not exist.
    pub(crate) fn new(
        tasks: &[Task],
        scenario: &Scenario,
    ) -> Result<TaskRequirements, ProblemError> {
        let limits = &scenario.limits;
        let results = scenario.task_results.iter().map(|(task, _)| task);
        let weights = scenario.weights.iter().map(|weight| &weight.task);
        let deadlines = limits.deadlines.iter().filter_map(|d| d.task.as_ref());
        let named = results
            .map(|task| (Key::RESULTS, task))
            .chain(weights.map(|task| (Key::WEIGHT, task)))
            .chain(deadlines.map(|task| (Key::from(Quantity::Deadline), task)));
        for (key, name) in named {
            known(key, "task", name, tasks.iter().map(|t| t.name.as_str()))?;
        }
        let wanted = |task: &Task| {
            let mut single = scenario.task_results.iter();
            let own = single.find(|(name, _)| *name == task.name);
            own.map_or(scenario.results, |(_, results)| *results)
        };
        let weight = |task: &Task| {
            let mut weights = scenario.weights.iter();
            let own = weights.find(|weight| weight.task == task.name);
            own.map_or(1000, |weight| weight.thousandths)
        };
        let deadline = |task: &Task| {
            let of = |name: Option<&str>| {
                let mut deadlines = limits.deadlines.iter();
                deadlines.find(|deadline| deadline.task.as_deref() == name)
            };
            let own = of(Some(&task.name)).or_else(|| of(None));
            own.map(|deadline| deadline.most.ns())
        };
        Ok(TaskRequirements {
            wanted: tasks.iter().map(wanted).collect(),
            weights: tasks.iter().map(weight).collect(),
            deadlines: tasks.iter().map(deadline).collect(),
        })
    }
}
