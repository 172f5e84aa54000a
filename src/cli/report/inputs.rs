//! What `report` was given: each file is a profile, a plan, a sweep or a map, and says so
//! itsources.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cutpoint_core::plan::{DelayMap, OverSweep, Plan, Sweep};
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{BitRate, Delay};
use cutpoint_planner::scenario::{Percentile, RateRange, ScenarioSpec};
use cutpoint_report::Sources;

use super::super::{Kind, OrFail};

/// Reads all files.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    for path in paths {
        add(&mut sources, path).or_fail(Kind::BadInput)?;
    }
    Ok(sources)
}

fn add(sources: &mut Sources, path: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    if text.trim_start().starts_with('{') {
        return add_json(sources, path, &text);
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
        sources.limit_sweeps.push((path, over));
    } else if has("[[segments]]") {
        let sweep = Sweep::parse(&text, &path)?;
        sources.sweeps.push((path, sweep));
    } else if has("[[rows]]") && says("from_bit_s") {
        let map = DelayMap::parse(&text, &path)?;
        sources.maps.push((path, map));
    } else if has("[breakdown_ms]") {
        let plan = Plan::parse(&text, &path)?;
        sources.plans.push((path, plan));
    } else if has("[whole]") || has("[[layer]]") {
        let profile = Profile::parse(&text, &path)?;
        sources.profiles.push((path, profile));
    } else {
        anyhow::bail!(
            "{}: neither a profile, nor a plan, nor a sweep, nor a map",
            path.display()
        );
    }
    Ok(())
}

/// What `plan --json` and `sweep --json` print.
fn add_json(sources: &mut Sources, path: &Path, text: &str) -> anyhow::Result<()> {
    let name = || path.display().to_string();
    let value: serde_json::Value = serde_json::from_str(text).with_context(name)?;
    let has = |key: &str| value.get(key).is_some();
    let path = path.to_owned();
    if has("segments") && has("over") {
        let over = serde_json::from_value(value).with_context(name)?;
        sources.limit_sweeps.push((path, over));
    } else if has("segments") {
        let sweep = serde_json::from_value(value).with_context(name)?;
        sources.sweeps.push((path, sweep));
    } else if has("rows") {
        let map = serde_json::from_value(value).with_context(name)?;
        sources.maps.push((path, map));
    } else if has("breakdown_ms") {
        let plan = serde_json::from_value(value).with_context(name)?;
        sources.plans.push((path, plan));
    } else {
        anyhow::bail!("{}: neither a plan, nor a sweep, nor a map", path.display());
    }
    Ok(())
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
