//! The joint relaxation of limits against a list of all placements.

use cutpoint_core::plan::NoPlan;

/// What a placement takes of each limit with an amount.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Names of the limits it breaks.
    pub breaks: Vec<String>,
    /// In the order of the limits; `None` is unknown.
    pub uses: Vec<Option<i64>>,
    pub latency_ms: f64,
}

/// The smallest share, in millionths, by which a limit has to give for `needs`.
fn share(name: &str, allows: i64, needs: i64) -> i128 {
    let is_drop = name.starts_with("max-drop") || name.starts_with("floor");
    let whole = i128::from(allows.max(if is_drop { 10_000 } else { 1 }));
    let more = (i128::from(needs) - i128::from(allows)).max(0) * 1_000_000;
    (more + whole - 1) / whole
}

/// Compares a joint relaxation, or that there is none, with all placements; `limits` are those with
/// an amount and what they allow. Returns whether there is one.
pub fn check_relaxation(
    none: &NoPlan,
    limits: &[(String, i64)],
    demands: &[Demand],
    by_latency: bool,
) -> bool {
    let position = |name: &String| limits.iter().position(|(limit, _)| limit == name);
    let reachable = |demand: &&Demand| demand.breaks.iter().all(|b| position(b).is_some());
    let shared = |demand: &Demand| {
        let shares = limits.iter().zip(&demand.uses);
        let shares = shares.map(|((name, allows), uses)| Some(share(name, *allows, (*uses)?)));
        shares.collect::<Option<Vec<i128>>>()?.into_iter().max()
    };
    let candidates: Vec<(i128, &Demand)> = demands
        .iter()
        .filter(reachable)
        .filter_map(|demand| Some((shared(demand)?, demand)))
        .collect();
    let Some(least) = candidates.iter().map(|(share, _)| *share).min() else {
        assert!(none.relaxation.is_none(), "{none:?}");
        return false;
    };
    let within = |loose: &[String]| {
        let kept = candidates.iter().filter(|(share, _)| *share <= least);
        let mut kept = kept.filter(|(_, demand)| demand.breaks.iter().all(|b| loose.contains(b)));
        let latency = |(_, demand): &(i128, &Demand)| demand.latency_ms;
        let first = kept.next().map(latency)?;
        Some(kept.map(latency).fold(first, f64::min))
    };
    let Some(relaxation) = &none.relaxation else {
        let mut alone = limits.iter();
        let alone = alone.any(|(name, _)| within(std::slice::from_ref(name)).is_some());
        assert!(limits.len() < 2 || alone, "nothing is said: {none:?}");
        return false;
    };
    assert_eq!(
        (relaxation.percent * 1e4).round() as i128,
        least,
        "{none:?}"
    );
    let loose = relaxation.limits.iter().map(|c| c.limit.to_string());
    let loose: Vec<String> = loose.collect();
    assert!(loose.len() > 1, "{none:?}");
    let best = within(&loose).expect("what is said is enough");
    if by_latency {
        let off = (relaxation.latency_ms - best).abs();
        assert!(off <= 1e-9 * best.max(1e-3), "{none:?} {best}");
    }
    for spared in 0..loose.len() {
        let mut fewer = loose.clone();
        let spared = fewer.remove(spared);
        assert!(within(&fewer).is_none(), "{spared} buys nothing: {none:?}");
    }
    true
}
