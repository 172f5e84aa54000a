//! Races: orders of candidates, those that a plan would choose first at the front.
//!
//! With a profile there is one race for each of several rates: every cut through one tensor in
//! every codec, the fastest first, up to the first plan that loses nothing. Candidates after that
//! are never chosen at this rate, whatever they lose. Without a profile there is one for each
//! tensor: its codecs, the smallest first, up to the first that loses nothing.

use std::collections::HashMap;
use std::time::Duration;

use super::AccuracyError;
use cutpoint_core::codec::{Codec, Form};
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::cuts;
use cutpoint_core::graph::LayerSet;
use cutpoint_core::link::Link;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{BitRate, Delay, Share};
use cutpoint_planner::problem::{Problem, TimePerBit};
use cutpoint_planner::scenario::{MaxDrop, Scenario, U8Input};
use cutpoint_planner::server::Server;

/// Slowest and fastest rate of the races, in bit/s.
const RATES: (f64, f64) = (1e5, 1e9);
/// Rates in a factor of ten.
const PER_DECADE: i32 = 4;

/// A tensor and a form.
pub(super) type Candidate = (String, Form);

/// What decides which candidates are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Priority<'a> {
    /// The fewest bytes of each tensor.
    Size,
    /// The latency over a range of rates.
    Latency {
        /// The edge.
        edge: &'a Profile,
        /// The server.
        server: &'a Server,
        /// The image that the input is made from.
        image: Option<&'a U8Input>,
    },
}

impl Priority<'_> {
    /// Returns the races, given the sizes in `known`.
    pub(super) fn races(
        &self,
        known: &CodecAccuracy,
    ) -> Result<Vec<Vec<Candidate>>, AccuracyError> {
        match self {
            Priority::Size => Ok(by_size(known)),
            Priority::Latency {
                edge,
                server,
                image,
            } => by_latency(known, edge, server, *image),
        }
    }
}

fn by_size(known: &CodecAccuracy) -> Vec<Vec<Candidate>> {
    let mut tensors: Vec<&str> = known.crossings.iter().map(|r| r.tensor.as_str()).collect();
    tensors.dedup();
    let race = |tensor: &str| {
        let records = known.crossings.iter().filter(|r| r.tensor == tensor);
        let mut sizes: Vec<(f64, Codec)> = records.map(|r| (r.bytes_mean, r.codec)).collect();
        sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let wanted = sizes
            .into_iter()
            .map_while(|(_, codec)| lossy(tensor, codec));
        unique(wanted)
    };
    tensors.into_iter().map(race).collect()
}

fn lossy(tensor: &str, codec: Codec) -> Option<Candidate> {
    (!codec.is_lossless()).then(|| (tensor.to_owned(), codec.form))
}

fn unique(candidates: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let mut list: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if !list.contains(&candidate) {
            list.push(candidate);
        }
    }
    list
}

fn by_latency(
    known: &CodecAccuracy,
    edge: &Profile,
    server: &Server,
    image: Option<&U8Input>,
) -> Result<Vec<Vec<Candidate>>, AccuracyError> {
    let Some(slowest) = BitRate::from_bit_s(RATES.0 as u64) else {
        return Ok(Vec::new());
    };
    let scenario = scenario(slowest, image);
    let problem = Problem::with_accuracy(edge, server, &scenario, Some(known))?;
    let graph = problem.graph();
    let mut plans = Vec::new();
    let all = LayerSet::full(graph.layers().len());
    if let Ok(cost) = problem.cost(&all, &[]) {
        plans.push((cost, None));
    }
    for cut in cuts::natural(graph, &[]) {
        let [tensor] = cut.crossing[..] else {
            continue;
        };
        for way in &problem.model().tensor(tensor).encodings {
            if let Ok(cost) = problem.cost(&cut.edge, &[(tensor, way.codec)]) {
                plans.push((cost, lossy(&graph.tensor(tensor).name, way.codec)));
            }
        }
    }
    let decades = (RATES.1 / RATES.0).log10().round() as i32;
    let rates = (0..=decades * PER_DECADE).filter_map(|step| {
        let factor = 10_f64.powf(f64::from(step) / f64::from(PER_DECADE));
        BitRate::from_bit_s((RATES.0 * factor) as u64)
    });
    let races = rates.map(|rate| {
        let time_per_bit = TimePerBit::of(rate);
        plans.sort_by_cached_key(|(cost, _)| {
            (
                cost.scaled(time_per_bit),
                cost.uplink_bytes(),
                cost.edge_layers,
            )
        });
        unique(plans.iter().map_while(|(_, candidate)| candidate.clone()))
    });
    Ok(races.collect())
}

/// Every codec that was measured may be used; results go back to the edge.
fn scenario(rate: BitRate, image: Option<&U8Input>) -> Scenario {
    let everything = MaxDrop {
        task: None,
        most: Share(1_000_000),
    };
    let link = Link {
        rate,
        delay: Delay(Duration::ZERO),
        down_rate: None,
    };
    let mut scenario = Scenario::over(link);
    scenario.measured_codecs = true;
    scenario.u8_inputs = image.cloned().into_iter().collect();
    scenario.limits.accuracy.drops = vec![everything];
    scenario
}

/// Returns the place of each tensor: the best of its places in any race.
pub(super) fn places(races: &[Vec<Candidate>]) -> HashMap<&str, usize> {
    let mut best: HashMap<&str, usize> = HashMap::new();
    for race in races {
        for (place, (tensor, _)) in race.iter().enumerate() {
            let known = best.entry(tensor).or_insert(place);
            *known = place.min(*known);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn without_times_the_smallest_messages_come_first() {
        let text = r#"
            format = 1
            model = { file = "m.onnx", sha256 = "00" }
            data = { source = "here", samples = 64 }
            task = []
            crossing = [
                { tensor = "a", codec = "f32", bytes_mean = 800.0 },
                { tensor = "a", codec = "f32+zstd", bytes_mean = 300.0 },
                { tensor = "a", codec = "q8", bytes_mean = 205.0 },
                { tensor = "a", codec = "f16", bytes_mean = 400.0 },
                { tensor = "a", codec = "q4+zstd", bytes_mean = 60.0 },
                { tensor = "a", codec = "q4", bytes_mean = 100.0 },
                { tensor = "b", codec = "q2", bytes_mean = 10.0 },
            ]
        "#;
        let known = CodecAccuracy::parse(text, Path::new("m.accuracy.toml")).unwrap();
        let races = by_size(&known);
        let names = |race: &[Candidate]| -> Vec<String> {
            race.iter().map(|(t, form)| format!("{t} {form}")).collect()
        };
        // compressed losslessly it is smaller than in half precision, which nobody wants then
        assert_eq!(names(&races[0]), ["a q4", "a q8"]);
        assert_eq!(names(&races[1]), ["b q2"]);
        let places = places(&races);
        assert_eq!((places["a"], places["b"]), (0, 0));
    }
}
