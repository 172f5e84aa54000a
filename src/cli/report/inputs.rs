//! What `report` was given: each file is a profile, a plan, a sweep or a map, and says so
//! itself.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cutpoint_core::plan::{DelayMap, OverSweep, Plan, Sweep};
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{BitRate, Delay};
use cutpoint_planner::scenario::{Percentile, RateRange, ScenarioSpec};

use super::super::{Kind, OrFail};

/// The files by kind, each kind in the order given.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) profiles: Vec<(PathBuf, Profile)>,
    pub(super) plans: Vec<(PathBuf, Plan)>,
    pub(super) sweeps: Vec<(PathBuf, Sweep)>,
    pub(super) overs: Vec<(PathBuf, OverSweep)>,
    pub(super) maps: Vec<(PathBuf, DelayMap)>,
}

impl Inputs {
    pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Inputs> {
        let mut inputs = Inputs::default();
        for path in paths {
            inputs.add(path).or_fail(Kind::BadInput)?;
        }
        Ok(inputs)
    }

    fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        if text.trim_start().starts_with('{') {
            return self.add_json(path, &text);
        }
        let has = |table: &str| text.lines().any(|line| line.trim() == table);
        let says = |key: &str| {
            let mut keys = text
                .lines()
                .take_while(|line| !line.trim_start().starts_with('['));
            keys.any(|line| {
                line.split_once('=')
                    .is_some_and(|(own, _)| own.trim() == key)
            })
        };
        let path = path.to_owned();
        if has("[[segments]]") && says("over") {
            let over = OverSweep::parse(&text, &path)?;
            self.overs.push((path, over));
        } else if has("[[segments]]") {
            let sweep = Sweep::parse(&text, &path)?;
            self.sweeps.push((path, sweep));
        } else if has("[[rows]]") && says("from_bit_s") {
            let map = DelayMap::parse(&text, &path)?;
            self.maps.push((path, map));
        } else if has("[breakdown_ms]") {
            let plan = Plan::parse(&text, &path)?;
            self.plans.push((path, plan));
        } else if has("[whole]") || has("[[layer]]") {
            let profile = Profile::parse(&text, &path)?;
            self.profiles.push((path, profile));
        } else {
            anyhow::bail!(
                "{}: neither a profile, nor a plan, nor a sweep, nor a map",
                path.display()
            );
        }
        Ok(())
    }

    /// What `plan --json` and `sweep --json` print.
    fn add_json(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let name = || path.display().to_string();
        let value: serde_json::Value = serde_json::from_str(text).with_context(name)?;
        let has = |key: &str| value.get(key).is_some();
        let path = path.to_owned();
        if has("segments") && has("over") {
            let over = serde_json::from_value(value).with_context(name)?;
            self.overs.push((path, over));
        } else if has("segments") {
            let sweep = serde_json::from_value(value).with_context(name)?;
            self.sweeps.push((path, sweep));
        } else if has("rows") {
            let map = serde_json::from_value(value).with_context(name)?;
            self.maps.push((path, map));
        } else if has("breakdown_ms") {
            let plan = serde_json::from_value(value).with_context(name)?;
            self.plans.push((path, plan));
        } else {
            anyhow::bail!("{}: neither a plan, nor a sweep, nor a map", path.display());
        }
        Ok(())
    }

    /// The first plan made from this profile.
    pub(super) fn plan_for(&self, profile: &Profile) -> Option<&Plan> {
        self.plans
            .iter()
            .map(|(_, plan)| plan)
            .find(|plan| is_of(profile, plan))
    }

    /// The profile that a plan was made from.
    pub(super) fn profile_for(&self, plan: &Plan) -> Option<&Profile> {
        self.profiles
            .iter()
            .map(|(_, profile)| profile)
            .find(|profile| is_of(profile, plan))
    }

    /// Plans without the profile they were made from.
    pub(super) fn plans_alone(&self) -> impl Iterator<Item = &(PathBuf, Plan)> {
        self.plans
            .iter()
            .filter(|(_, plan)| self.profile_for(plan).is_none())
    }
}

/// Whether a plan was made from this profile, as far as the two files say.
pub(crate) fn is_of(profile: &Profile, plan: &Plan) -> bool {
    let (planned, model) = (&plan.model, &profile.model);
    // of a table written by hand, nobody may know the model's hash
    let same =
        planned.sha256 == model.sha256 && (!model.sha256.is_empty() || planned.file == model.file);
    same && plan.setting.edge == profile.board.name
}

/// The link, the choices and the limits that a plan was made for.
pub(super) fn wishes(plan: &Plan) -> ScenarioSpec {
    let setting = &plan.setting;
    let asked = plan.request.as_ref();
    // a request that another version wrote says nothing about choices and limits
    let asked = asked.and_then(|request| ScenarioSpec::from_table(&request.wishes).ok());
    let asked = asked.unwrap_or_default();
    let rate = BitRate::from_bit_s(setting.rate_bit_s).map(|rate| RateRange {
        from: rate,
        to: rate,
    });
    let delay = std::time::Duration::try_from_secs_f64(setting.delay_ms / 1e3).ok();
    ScenarioSpec {
        // the rate is the one that was planned with, whatever its spread
        link: None,
        rate,
        rate_spread: None,
        rate_trace: None,
        delay: delay.map(Delay),
        down_rate: setting.down_rate_bit_s.and_then(BitRate::from_bit_s),
        results: std::iter::once(&setting.results)
            .chain(&setting.task_results)
            .filter_map(|text| text.parse().ok())
            .collect(),
        local_input: setting.local_inputs.clone(),
        percentile: setting.percentile.and_then(|p| Percentile::new(p).ok()),
        ..asked
    }
}

/// Whether wishes limit what encodings may cost in accuracy.
pub(super) fn limits_accuracy(wishes: &ScenarioSpec) -> bool {
    !wishes.max_drop.is_empty() || !wishes.floor.is_empty()
}
