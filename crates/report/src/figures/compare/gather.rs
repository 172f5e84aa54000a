//! Two profiles of one model, layer by layer: what changed beyond noise.
//!
//! The rule, for two medians `a` and `b` of `n` runs each with median absolute deviation MAD:
//!
//! - The standard error of a median is `1.2533 * 1.4826 * MAD / sqrt(n)`: the asymptotic one of a
//!   normal distribution, `sqrt(pi / 2) * sigma / sqrt(n)`, with sigma from the MAD. Box plots draw
//!   their notches from it (McGill, Tukey and Larsen, Variations of Box Plots, The American
//!   Statistician 32(1), 1978).
//! - Two sessions of one model differ for as long as they live, whatever `n` is. A profile knows by
//!   how much (`repeatability`, the median difference of halves measured twice, as a share of the
//!   whole model); the median of the difference of two normal variables is `0.6745 * sqrt(2)` times
//!   their deviation. That share of the whole is added in squares to the error of the whole. Layers
//!   are taken to differ on their own: then each does by more, by `sum t / sqrt(sum t^2)` times that
//!   share of its own time, for the times t of all layers.
//! - The interval of `b / a` is `exp(ln(b / a) +- t * e)`, where `e` is the square root of the sum of
//!   both squared relative errors. A layer changed when that interval leaves out 1, which is stricter
//!   about noise than looking whether two drawn intervals overlap, and misses less (Schenker and
//!   Gentleman, On Judging the Significance of Differences by Examining the Overlap Between
//!   Confidence Intervals, The American Statistician 55(3), 2001).
//! - `t` is Student's quantile with `min(n) - 1` degrees of freedom, on the safe side of Welch's. For
//!   layers it is taken at `5 % / m` for m layers (Bonferroni's correction; Dunn, Multiple Comparisons
//!   Among Means, JASA 56, 1961): the chance that any unchanged layer is called changed is at most 5 %.
//!   The total has an interval of its own, at 5 %.

use std::collections::{BTreeMap, HashMap};

use petgraph::unionfind::UnionFind;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Change, CompareData, LayerChange, Measure};
use crate::Origin;
use crate::origin::edge_origin;
use cutpoint_core::profile::{LayerRecord, Profile};

/// Standard error of a median over MAD / sqrt(n).
const PER_MAD: f64 = 1.2533 * 1.4826;
/// Deviation over the median of the absolute difference of two, `1 / (0.6745 * sqrt(2))`.
const PER_DIFFERENCE: f64 = 1.0484;
/// Chance of calling anything changed that is not.
const MISTAKE: f64 = 0.05;

/// Why two profiles cannot be compared.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompareError {
    /// They measured different things.
    #[error(
        "the profiles are of different models, {0} and {1}: compare two of one file and shape, as \
         `cutpoint profile` measures them on two boards or before and after a change"
    )]
    OtherModel(String, String),
    /// Layers of one that the other does not have.
    #[error(
        "the second profile does not know `{0}` of the first: measure both with the same version of \
         cutpoint"
    )]
    Unmatched(String),
}

/// Compares the traced times of the layers of two profiles. Where one of them runs several layers of
/// the other as one, both sides are taken together.
///
/// # Errors
/// Different models, shapes or layers.
pub fn gather(before: &Profile, after: &Profile) -> Result<CompareData, CompareError> {
    let [a, b] = [&before.model, &after.model];
    let same = if a.sha256.is_empty() || b.sha256.is_empty() {
        // of a table written by hand, nobody may know the model's hash
        a.file == b.file
    } else {
        a.sha256 == b.sha256
    };
    if !same || a.shapes != b.shapes {
        return Err(CompareError::OtherModel(named(before), named(after)));
    }
    let pairs = pairs(before, after)?;
    let sessions = [before, after].map(|profile| PER_DIFFERENCE * profile.method.repeatability);
    let of_a_layer = |side: usize| {
        let times = pairs.iter().map(|pair| pair.measures()[side].median_us);
        let (sum, squares) = times.fold((0.0, 0.0), |(sum, squares), t| (sum + t, squares + t * t));
        sessions[side]
            * if squares > 0.0 {
                sum / squares.sqrt()
            } else {
                1.0
            }
    };
    let layer_sessions = [of_a_layer(0), of_a_layer(1)];
    let judged = pairs.iter().filter(|pair| pair.is_judged()).count();
    let layers = pairs.into_iter().map(|pair| LayerChange {
        change: change(
            &pair.measures(),
            layer_sessions,
            MISTAKE / judged.max(1) as f64,
        ),
        before: pair.before,
        after: pair.after,
        name: pair.name,
        operator: pair.operator,
        merged: pair.merged,
    });
    let whole = |profile: &Profile| Measure {
        median_us: profile.whole.median_us,
        mad_us: profile.whole.mad_us,
        runs: profile.whole.runs,
    };
    let total = [whole(before), whole(after)];
    Ok(CompareData {
        model: before.model.file.clone(),
        before: origin(before, after, "before"),
        after: origin(after, before, "after"),
        layers: layers.collect(),
        total_change: change(&total, sessions, MISTAKE),
        total,
        sessions,
        layer_sessions,
    })
}

/// Where times come from, under a name that the other profile's have not.
fn origin(profile: &Profile, other: &Profile, place: &str) -> Origin {
    let origin = edge_origin(profile);
    let (here, there) = (&profile.board, &other.board);
    let name = if here.name != there.name {
        origin.name
    } else if here.runtime != there.runtime && !here.runtime.is_empty() {
        format!("{}, {}", origin.name, here.runtime)
    } else {
        format!("{}, {place}", origin.name)
    };
    Origin { name, ..origin }
}

/// A model's file and the start of its hash, with shapes.
fn named(profile: &Profile) -> String {
    let model = &profile.model;
    let hash = model.sha256.get(..12).unwrap_or_default();
    let shapes = match model.shapes.as_slice() {
        [] => String::new(),
        shapes => format!(", {}", shapes.join(" ")),
    };
    format!("{} ({hash}{shapes})", model.file)
}

/// What one or several layers take in both profiles.
struct Pair {
    name: String,
    operator: String,
    merged: usize,
    before: Measure,
    after: Measure,
}

impl Pair {
    fn measures(&self) -> [Measure; 2] {
        [self.before, self.after]
    }

    fn is_judged(&self) -> bool {
        self.measures().iter().all(is_judged)
    }
}

/// Whether anybody knows how far a time can be trusted.
fn is_judged(measure: &Measure) -> bool {
    measure.median_us > 0.0 && measure.mad_us > 0.0 && measure.runs > 1
}

/// The ratio of two times with its interval; `None` where a spread or a number of runs is missing.
fn change([a, b]: &[Measure; 2], shares: [f64; 2], mistake: f64) -> Option<Change> {
    if !(is_judged(a) && is_judged(b)) {
        return None;
    }
    let relative = |m: &Measure, share: f64| {
        let median = PER_MAD * m.mad_us / (m.runs as f64).sqrt() / m.median_us;
        median.powi(2) + share.powi(2)
    };
    let error = (relative(a, shares[0]) + relative(b, shares[1])).sqrt();
    let freedom = (a.runs.min(b.runs) - 1) as f64;
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    let reach = student.inverse_cdf(1.0 - mistake / 2.0) * error;
    let ratio = b.median_us / a.median_us;
    let found = Change {
        ratio,
        low: ratio * (-reach).exp(),
        high: ratio * reach.exp(),
    };
    [found.ratio, found.low, found.high]
        .iter()
        .all(|value| value.is_finite() && *value > 0.0)
        .then_some(found)
}

/// The finest sets of layers that both profiles have, in the order of the first.
fn pairs(before: &Profile, after: &Profile) -> Result<Vec<Pair>, CompareError> {
    let home: HashMap<&str, usize> = before
        .layers
        .iter()
        .enumerate()
        .flat_map(|(index, layer)| members(layer).map(move |member| (member, index)))
        .collect();
    let mut joined = UnionFind::new(before.layers.len());
    let mut homes = Vec::new();
    for layer in &after.layers {
        let mut own: Vec<usize> = Vec::new();
        for member in members(layer) {
            let found = home.get(member).copied();
            own.push(found.ok_or_else(|| CompareError::Unmatched(member.to_owned()))?);
        }
        for pair in own.windows(2) {
            joined.union(pair[0], pair[1]);
        }
        homes.push(own.first().copied().unwrap_or_default());
    }
    let label = joined.into_labeling();
    // a set stands where the earliest of its layers does
    let mut place = HashMap::new();
    let mut sets: BTreeMap<usize, [Vec<&LayerRecord>; 2]> = BTreeMap::new();
    for (index, layer) in before.layers.iter().enumerate() {
        let first = *place.entry(label[index]).or_insert(index);
        sets.entry(first).or_default()[0].push(layer);
    }
    for (layer, home) in after.layers.iter().zip(homes) {
        if let Some(first) = label.get(home).and_then(|label| place.get(label)) {
            sets.entry(*first).or_default()[1].push(layer);
        }
    }
    let pair = |[before, after]: [Vec<&LayerRecord>; 2]| {
        let last = before.last().copied();
        let name = last.map_or_else(String::new, |layer| layer.id.clone());
        if after.is_empty() {
            return Err(CompareError::Unmatched(name));
        }
        Ok(Pair {
            name,
            operator: before
                .iter()
                .map(|l| l.op.as_str())
                .collect::<Vec<_>>()
                .join("+"),
            merged: before.len().max(after.len()),
            before: together(&before),
            after: together(&after),
        })
    };
    sets.into_values().map(pair).collect()
}

fn members(layer: &LayerRecord) -> impl Iterator<Item = &str> {
    let own = layer.members.is_empty().then_some(layer.id.as_str());
    layer.members.iter().map(String::as_str).chain(own)
}

/// Times add up, and so do spreads at worst.
fn together(layers: &[&LayerRecord]) -> Measure {
    let sum = |of: fn(&LayerRecord) -> f64| layers.iter().map(|layer| of(layer)).sum();
    let silent = layers.iter().any(|l| l.trace_us > 0.0 && l.mad_us == 0.0);
    Measure {
        median_us: sum(|l| l.trace_us),
        // with one spread unknown, that of the sum is unknown
        mad_us: if silent { 0.0 } else { sum(|l| l.mad_us) },
        runs: layers.iter().map(|l| l.runs).min().unwrap_or(0),
    }
}
