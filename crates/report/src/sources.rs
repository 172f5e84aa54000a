//! What a report is made from, and which of it belongs together.

use std::path::{Path, PathBuf};

use cutpoint_core::plan::{DelayMap, LimitSweep, Plan, Sweep, Verification};
use cutpoint_core::profile::Profile;

use crate::tables::{Table, plan_tables, sweep_tables};
use crate::{Gallery, Study, Subject};

/// What a report is made from, each with its file, in the order given.
#[derive(Debug, Default)]
pub struct Sources {
    /// Profiles.
    pub profiles: Vec<(PathBuf, Profile)>,
    /// Plans.
    pub plans: Vec<(PathBuf, Plan)>,
    /// Sweeps over the rate.
    pub sweeps: Vec<(PathBuf, Sweep)>,
    /// Sweeps over a limit.
    pub limit_sweeps: Vec<(PathBuf, LimitSweep)>,
    /// Maps of rates and delays.
    pub maps: Vec<(PathBuf, DelayMap)>,
    /// Splits that were run.
    pub verifications: Vec<(PathBuf, Verification)>,
}

impl Sources {
    /// Returns the plans made from this profile, with their files.
    pub fn plans_for(&self, profile: &Profile) -> impl Iterator<Item = &(PathBuf, Plan)> {
        let plans = self.plans.iter();
        plans.filter(|(_, plan)| is_of(profile, plan))
    }

    /// Returns the profile that a plan was made from.
    pub fn profile_for(&self, plan: &Plan) -> Option<&Profile> {
        let mut profiles = self.profiles.iter().map(|(_, profile)| profile);
        profiles.find(|profile| is_of(profile, plan))
    }

    /// Draws the figures of sweeps, maps and verifications.
    pub fn draw_computed(&self, gallery: &mut Gallery) {
        for (name, subject) in self.computed() {
            gallery.draw(name, &subject);
        }
    }

    /// Tells a study which of its figures a sweep or a map has already.
    pub fn mark_computed(&self, study: &mut Study<'_>) {
        let stem = study.profile_stem();
        for (_, subject) in self.computed() {
            let is_drawn = subject.emptiness().is_none() && subject.stem() == stem;
            study.has_sweep |= is_drawn && matches!(subject, Subject::Sweep(..));
            study.has_map |= is_drawn && matches!(subject, Subject::Map(..));
        }
    }

    fn computed(&self) -> Vec<(&Path, Subject<'_>)> {
        let of = |plan: Option<&Plan>| plan.and_then(|plan| self.profile_for(plan));
        let mut subjects: Vec<(&Path, Subject<'_>)> = Vec::new();
        for (name, sweep) in &self.sweeps {
            let profile = of(sweep.segments.first().map(|first| &first.plan));
            subjects.push((name, Subject::Sweep(sweep, profile)));
        }
        for (name, sweep) in &self.limit_sweeps {
            let profile = of(sweep.segments.first().map(|first| &first.plan));
            subjects.push((name, Subject::LimitSweep(sweep, profile)));
        }
        for (name, map) in &self.maps {
            let profile = of(map.plans.first().map(|first| &first.plan));
            subjects.push((name, Subject::Map(map, profile)));
        }
        for (name, found) in &self.verifications {
            subjects.push((name, Subject::Verification(found)));
        }
        subjects
    }

    /// Draws the timelines of plans whose profile is not among the sources.
    pub fn draw_plans_alone(&self, gallery: &mut Gallery) {
        for (name, plan) in &self.plans {
            if self.profile_for(plan).is_some() {
                continue;
            }
            gallery.draw(name, &Subject::Plan(name, plan));
            let why = format!(
                "other figures than its timeline need the profile of {}, too: name both files",
                plan.setting.edge
            );
            gallery.leave_out(name, why);
        }
    }

    /// Returns the tables of plans and sweeps.
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = Vec::new();
        for (_, plan) in &self.plans {
            tables.extend(plan_tables(plan, self.profile_for(plan)));
        }
        for (_, sweep) in &self.sweeps {
            let first = sweep.segments.first();
            let profile = first.and_then(|first| self.profile_for(&first.plan));
            tables.extend(sweep_tables(sweep, profile));
        }
        tables
    }
}

/// Whether a plan was made from this profile, as far as the two files say.
pub fn is_of(profile: &Profile, plan: &Plan) -> bool {
    let (planned, model) = (&plan.model, &profile.model);
    // of a table written by hand, nobody may know the model's hash
    let same =
        planned.sha256 == model.sha256 && (!model.sha256.is_empty() || planned.file == model.file);
    same && plan.setting.edge == profile.board.name
}
