//! What a figure can be of.

use std::path::Path;

use cutpoint_core::plan::{DelayMap, LimitSweep, Plan, Sweep, Verification};
use cutpoint_core::profile::Profile;

use crate::figures::compare::CompareData;
use crate::study::{Study, stem};
use crate::{Origin, edge_origin, origins};

/// What a figure can be of: a profile that is planned for, or what was computed before.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A profile between its board and a server.
    Study(&'a Study<'a>),
    /// Several profiles beside each other.
    Studies(&'a [Study<'a>]),
    /// A sweep over the rate, with the profile it was made from where that is at hand.
    Sweep(&'a Sweep, Option<&'a Profile>),
    /// A sweep over a limit, with its profile.
    LimitSweep(&'a LimitSweep, Option<&'a Profile>),
    /// A map of rates and delays, with its profile.
    Map(&'a DelayMap, Option<&'a Profile>),
    /// What was measured of a split, end to end.
    Verification(&'a Verification),
    /// A plan whose profile is not at hand, with its file.
    Plan(&'a Path, &'a Plan),
    /// What changed between two profiles of one model; the later of them.
    Comparison(&'a CompareData, &'a Profile),
}

impl<'a> Subject<'a> {
    /// Returns the start of the file names of its figures.
    pub fn stem(&self) -> String {
        let planned = |plan: Option<&Plan>| {
            plan.map_or_else(String::new, |plan| {
                stem(&plan.setting.edge, &plan.model.file)
            })
        };
        match self {
            Subject::Study(study) => study.stem(),
            Subject::Studies(_) => "profiles".to_owned(),
            Subject::Verification(found) => stem(&found.board, &found.model),
            Subject::LimitSweep(sweep, _) => {
                let parameter = sweep.over.replace(':', "-");
                stem(&planned(self.first_plan()), &parameter)
            }
            Subject::Comparison(_, after) => stem(&after.board.name, &after.model.file),
            Subject::Plan(file, plan) => stem(&planned(Some(plan)), &plan_name(file)),
            Subject::Sweep(..) | Subject::Map(..) => planned(self.first_plan()),
        }
    }

    /// Returns the study, if it is one.
    pub(crate) fn study(&self) -> Option<&'a Study<'a>> {
        match self {
            Subject::Study(study) => Some(study),
            _ => None,
        }
    }

    /// Says why there is nothing to draw of it at all.
    pub(crate) fn emptiness(&self) -> Option<&'static str> {
        let why = match self {
            Subject::Sweep(..) | Subject::LimitSweep(..) => "the sweep found no plan",
            Subject::Map(..) => "the map has no plan",
            _ => return None,
        };
        self.first_plan().is_none().then_some(why)
    }

    /// Returns the first plan of what was computed before.
    fn first_plan(&self) -> Option<&'a Plan> {
        match self {
            Subject::Sweep(sweep, _) => sweep.segments.first().map(|segment| &segment.plan),
            Subject::LimitSweep(sweep, _) => sweep.segments.first().map(|segment| &segment.plan),
            Subject::Map(map, _) => map.plans.first().map(|first| &first.plan),
            Subject::Plan(_, plan) => Some(plan),
            Subject::Study(_)
            | Subject::Studies(_)
            | Subject::Verification(_)
            | Subject::Comparison(..) => None,
        }
    }
}

/// Returns the name of a plan's file, without its folder and ending.
pub fn plan_name(file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Returns where the times of a plan come from, edge, then server; its profile tells more than the
/// plan itself.
pub(crate) fn known_origins(plan: &Plan, profile: Option<&Profile>) -> [Origin; 2] {
    let [edge, server] = origins(&plan.setting);
    [profile.map_or(edge, edge_origin), server]
}
