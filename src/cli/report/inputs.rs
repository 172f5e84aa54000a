//! What `report` was given: each file is a profile, a plan, a sweep, a map or a verification, and
//! says so itself.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cutpoint_core::contents::read_text;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{DelayMap, LimitSweep, Plan, Sweep, Verification};
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
    let name = || path.display().to_string();
    let text = read_text(path, "a profile, a plan, a sweep or a map").with_context(name)?;
    let kind = FileKind::of(&text).map_err(|message| anyhow::anyhow!("{}: {message}", name()))?;
    let path = path.to_owned();
    match kind {
        Some(FileKind::LimitSweep) => {
            let sweep = LimitSweep::parse(&text, &path)?;
            sources.limit_sweeps.push((path, sweep));
        }
        Some(FileKind::Sweep) => {
            let sweep = Sweep::parse(&text, &path)?;
            sources.sweeps.push((path, sweep));
        }
        Some(FileKind::Map) => {
            let map = DelayMap::parse(&text, &path)?;
            sources.maps.push((path, map));
        }
        Some(FileKind::Plan) => {
            let plan = Plan::parse(&text, &path)?;
            sources.plans.push((path, plan));
        }
        Some(FileKind::Verification) => {
            let found = Verification::parse(&text, &path)?;
            sources.verifications.push((path, found));
        }
        Some(FileKind::Profile) => {
            let profile = Profile::parse(&text, &path)?;
            sources.profiles.push((path, profile));
        }
        other => return Err(no_figures(&path, other)),
    }
    Ok(())
}

fn no_figures(path: &Path, kind: Option<FileKind>) -> anyhow::Error {
    let holds = kind.map_or_else(String::new, |kind| format!("it holds {kind}, "));
    anyhow::anyhow!(
        "{}: {holds}neither a profile, nor a plan, nor a sweep, nor a map, nor a verification",
        path.display()
    )
}

/// The link, the choices and the limits that a plan was made for.
pub(super) fn spec_of(plan: &Plan) -> ScenarioSpec {
    let setting = &plan.setting;
    let asked = plan.request.as_ref();
    // a request that another version wrote says nothing about choices and limits
    let asked = asked.and_then(|request| ScenarioSpec::from_table(&request.spec).ok());
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

/// Whether a spec limits what encodings may cost in accuracy.
pub(super) fn limits_accuracy(spec: &ScenarioSpec) -> bool {
    !spec.max_drop.is_empty() || !spec.floor.is_empty()
}
