//! Cut and codec chosen jointly: for a grid of rates and limits on accuracy, the plan equals brute
//! force over every closed placement and every choice of codecs with the measured drops, which are
//! read straight from the accuracy file.

use std::collections::HashSet;
use std::path::Path;

use cutpoint_core::codec::{Codec, Form};
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};
use cutpoint_core::plan::Status;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::BitRate;
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::{Problem, TimePerBit};
use cutpoint_planner::scenario::{Scenario, U8Input};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{EngineChoice, Options};
use cutpoint_testkit::scenario;

/// A profile with its accuracy file beside it, its 8-bit input, if it has one, and a delay at which
/// splitting is worth while.
const CASES: [(&str, Option<&str>, &str); 1] = [(
    "tests/fixtures/joint/two_heads.toml",
    Some("image=127.5,127.5"),
    "2 ms",
)];
const SERVERS: [&str; 2] = ["sim:2x", "sim:8x"];
const RATES: [&str; 7] = [
    "500kbit/s",
    "2Mbit/s",
    "8Mbit/s",
    "30Mbit/s",
    "100Mbit/s",
    "300Mbit/s",
    "1Gbit/s",
];
/// Percent, for every task; the last only for the first task.
const DROPS: [&str; 8] = ["0%", "0.2%", "0.5%", "1%", "2%", "5%", "100%", "=1%"];
const CONFIDENCES: [f64; 2] = [0.5, 0.95];
/// Brute force is for networks with fewer.
const MOST_PLACEMENTS: usize = 200_000;

/// A placement with its line over the rate and its drop for each task.
struct Placed {
    edge: LayerSet,
    codecs: Vec<(TensorId, Codec)>,
    fixed_ns: u64,
    bits: u64,
    /// In millionths; `None` is unknown.
    drops: Vec<Option<i64>>,
}

fn closed_sets(graph: &Graph) -> Vec<LayerSet> {
    let mut sets = vec![LayerSet::empty(graph.layers().len())];
    for layer in graph.layer_ids() {
        let grown = sets.iter().filter_map(|set| {
            let ready = graph.producers(layer).all(|p| set.contains(p));
            let mut larger = set.clone();
            larger.insert(layer);
            ready.then_some(larger)
        });
        let grown: Vec<LayerSet> = grown.collect();
        sets.extend(grown);
        assert!(sets.len() < MOST_PLACEMENTS, "too many for brute force");
    }
    sets
}

/// The sum of what the file says of each tensor that the server reads on the way to the task.
fn drop(
    graph: &Graph,
    file: &CodecAccuracy,
    (task, needs): &(String, LayerSet),
    placed: (&LayerSet, &[(TensorId, Codec)]),
    confidence: f64,
) -> Option<i64> {
    let z = Confidence::new(confidence).unwrap().z();
    let (edge, codecs) = placed;
    let mut sum = 0;
    for (tensor, codec) in codecs {
        let mut readers = graph.consumers(*tensor).iter();
        let lossless = matches!(codec.form, Form::Own | Form::U8 | Form::Png);
        if lossless || !readers.any(|r| !edge.contains(*r) && needs.contains(*r)) {
            continue;
        }
        let record = file.crossing(&graph.tensor(*tensor).name, *codec)?;
        let drop = record.drops.iter().find(|d| d.task == *task)?;
        let millionths = (drop.mean + z * drop.std_error) * 1e6;
        sum += (millionths - 1e-3).ceil().max(0.0) as i64;
    }
    Some(sum)
}

fn all(problem: &Problem, file: &CodecAccuracy, confidence: f64) -> Vec<Placed> {
    let graph = problem.graph();
    let needs = |task: &cutpoint_core::task::Task| {
        let outputs = task.tensors(graph).unwrap();
        (task.name.clone(), graph.ancestors(&outputs))
    };
    let tasks: Vec<(String, LayerSet)> = problem.tasks().iter().map(needs).collect();
    let mut all = Vec::new();
    for edge in closed_sets(graph) {
        let mut choices: Vec<Vec<(TensorId, Codec)>> = vec![Vec::new()];
        for tensor in problem.model().crossing(&edge) {
            let ways = &problem.model().tensor(tensor).encodings;
            let longer = |choice: &Vec<_>| {
                let add = |way: &cutpoint_planner::problem::Encoding| {
                    [choice.as_slice(), &[(tensor, way.codec)]].concat()
                };
                ways.iter().map(add).collect::<Vec<_>>()
            };
            choices = choices.iter().flat_map(longer).collect();
        }
        for codecs in choices {
            let cost = problem.cost(&edge, &codecs).unwrap();
            let of = |task| drop(graph, file, task, (&edge, &codecs), confidence);
            let (fixed_ns, bits) = cost.line();
            all.push(Placed {
                fixed_ns,
                bits,
                drops: tasks.iter().map(of).collect(),
                edge: edge.clone(),
                codecs,
            });
        }
    }
    all
}

fn limited(input_u8: Option<&str>, delay: &str, confidence: f64) -> Scenario {
    let mut scenario = scenario(RATES[0], delay);
    scenario.measured_codecs = true;
    scenario.limits.accuracy.confidence = Confidence::new(confidence).unwrap();
    if let Some(input) = input_u8 {
        scenario.codecs.push(Codec::U8);
        scenario.u8_inputs.push(input.parse::<U8Input>().unwrap());
    }
    scenario
}

/// What a grid has been through.
#[derive(Debug, Default)]
struct Seen {
    points: usize,
    plans: HashSet<(LayerSet, Vec<(TensorId, Codec)>)>,
    codecs: HashSet<Codec>,
    cuts: HashSet<LayerSet>,
}

fn check(profile: &Path, input_u8: Option<&str>, delay: &str, seen: &mut Seen) {
    let edge = Profile::load(profile).unwrap();
    let file = CodecAccuracy::load(&profile.with_extension("accuracy.toml")).unwrap();
    for (server, confidence) in SERVERS.iter().flat_map(|s| CONFIDENCES.map(|c| (s, c))) {
        let server = Server::read(server).unwrap();
        let mut scenario = limited(input_u8, delay, confidence);
        scenario.limits.accuracy.drops = vec!["100%".parse().unwrap()];
        let widest = Problem::with_accuracy(&edge, &server, &scenario, Some(&file)).unwrap();
        let all = all(&widest, &file, confidence);
        for drop in DROPS {
            let drop = match drop.strip_prefix('=') {
                Some(share) => format!("{}={share}", widest.tasks()[0].name),
                None => drop.to_owned(),
            };
            scenario.limits.accuracy.drops = vec![drop.parse().unwrap()];
            let limit = |task: &str| scenario.limits.accuracy.drop_of(task).map(|s| s.0 as i64);
            let limits: Vec<Option<i64>> = widest
                .tasks()
                .iter()
                .map(|task| limit(&task.name))
                .collect();
            let meets = |placed: &&Placed| {
                let mut pairs = placed.drops.iter().zip(&limits);
                pairs.all(|(drop, most)| most.is_none_or(|most| drop.is_some_and(|d| d <= most)))
            };
            let allowed: Vec<&Placed> = all.iter().filter(meets).collect();
            let problem = Problem::with_accuracy(&edge, &server, &scenario, Some(&file)).unwrap();
            for rate in RATES {
                let rate: BitRate = rate.parse().unwrap();
                check_point(&problem.with_rate(rate), &allowed, seen);
            }
        }
    }
}

/// One rate under one limit, by both engines.
fn check_point(problem: &Problem, allowed: &[&Placed], seen: &mut Seen) {
    let pace: TimePerBit = problem.time_per_bit();
    let latency = |placed: &&Placed| pace.scaled(placed.fixed_ns, placed.bits);
    let best = allowed.iter().map(latency).min().expect("a lossless plan");
    for engine in [EngineChoice::Linear, EngineChoice::Auto] {
        let options = Options {
            engine,
            ..Options::default()
        };
        let Outcome::Plan(plan) = best_plan(problem, &options).unwrap() else {
            panic!("no plan where there is one");
        };
        assert_eq!(plan.status, Status::Optimal);
        let graph = problem.graph();
        let mut edge = LayerSet::empty(graph.layers().len());
        plan.edge
            .iter()
            .for_each(|id| edge.insert(graph.find_layer(id).unwrap()));
        let codecs: Vec<_> = plan
            .crossing
            .iter()
            .map(|c| (graph.find_tensor(&c.tensor).unwrap(), c.codec))
            .collect();
        let same = |placed: &&&Placed| placed.edge == edge && placed.codecs == codecs;
        let placed = allowed.iter().find(same).expect("it meets the limits");
        assert_eq!(latency(placed), best, "{}", plan.proof);
        for (task, drop) in plan.tasks.iter().zip(&placed.drops) {
            let found = task.accuracy_drop.map(|d| (d * 1e6).round() as i64);
            assert_eq!(found, *drop);
        }
        seen.codecs.extend(codecs.iter().map(|(_, codec)| *codec));
        seen.cuts.insert(edge.clone());
        seen.plans.insert((edge, codecs));
    }
    seen.points += 1;
}

#[test]
fn plans_equal_brute_force_over_cuts_and_codecs() {
    for (profile, input_u8, delay) in CASES {
        let path = cutpoint_testkit::repository().join(profile);
        let mut seen = Seen::default();
        check(&path, input_u8, delay, &mut seen);
        println!(
            "{profile}: {} points, {} plans, {} cuts, codecs {:?}",
            seen.points,
            seen.plans.len(),
            seen.cuts.len(),
            seen.codecs.iter().map(Codec::to_string).collect::<Vec<_>>()
        );
        // a grid that always gives the same plan would show nothing
        assert!(seen.cuts.len() > 2 && seen.codecs.len() > 2);
    }
}

#[test]
fn closed_sets_of_a_chain_are_its_beginnings() {
    let graph = cutpoint_testkit::chain(4, 1).graph().unwrap();
    let sets = closed_sets(&graph);
    assert_eq!(sets.len(), 5);
    assert!(sets.iter().all(|set| graph.is_closed(set)));
    assert!(!sets[0].contains(LayerId::new(0)));
}

/// Writes the fixture anew; run with `--ignored` after a change of the file formats.
#[test]
#[ignore = "writes files"]
fn write_fixture() {
    let folder = cutpoint_testkit::repository().join("tests/fixtures/joint");
    let (profile, accuracy) = two_heads();
    let path = folder.join("two_heads.toml");
    std::fs::write(&path, profile.to_toml(&path).unwrap()).unwrap();
    let path = folder.join("two_heads.accuracy.toml");
    std::fs::write(path, accuracy.to_toml().unwrap()).unwrap();
}

/// An image, a backbone of five layers with a connection around two of them, and two heads.
fn two_heads() -> (Profile, CodecAccuracy) {
    use cutpoint_core::codec_accuracy::{
        CrossingRecord, DataInfo, Metric, ModelId, RangeRecord, TaskAccuracy, TaskDrop,
    };
    use cutpoint_core::task::Task;
    use cutpoint_testkit::{Net, codec_record};
    let mut net = Net::new(3);
    let image = net.input("image", 3 * 64 * 64);
    let stem = net.layer(&[image], 16 * 32 * 32, 4_200.0);
    let one = net.layer(std::slice::from_ref(&stem), 16 * 32 * 32, 6_100.0);
    let two = net.layer(&[stem, one], 24 * 16 * 16, 3_800.0);
    let three = net.layer(&[two], 40 * 8 * 8, 7_000.0);
    let features = net.layer(&[three], 96 * 4 * 4, 9_000.0);
    let size = net.layer(std::slice::from_ref(&features), 128, 1_500.0);
    let size = net.layer(&[size], 8, 200.0);
    let angle = net.layer(&[features], 256, 2_600.0);
    let angle = net.layer(&[angle], 1, 300.0);
    for (name, output) in [("size", size), ("angle", angle)] {
        net.output(&output);
        net.profile.tasks.push(Task {
            name: name.to_owned(),
            outputs: vec![output],
        });
    }
    net.profile.tensors[0].shape = vec![1, 3, 64, 64];
    let times = [
        ("f16", 2.0, 0.3),
        ("q8", 4.0, 0.6),
        ("u8", 1.0, 0.2),
        ("q4", 3.0, 0.7),
        ("q2", 3.0, 0.7),
        ("zstd", 6.0, 3.0),
        ("png", 20.0, 12.0),
        ("jpeg75", 10.0, 4.0),
    ];
    net.profile.codecs = times
        .map(|(n, fixed, rate)| codec_record(n, fixed, rate))
        .to_vec();
    let mut file = CodecAccuracy {
        format: 1,
        kind: FileKind::Accuracy,
        model: ModelId {
            file: net.profile.model.file.clone(),
            sha256: net.profile.model.sha256.clone(),
        },
        data: DataInfo {
            source: "made up for the test".to_owned(),
            samples: 2_000,
            sha256: String::new(),
            calibration_samples: 500,
            labelled: true,
        },
        tasks: [("size", Metric::Top1, 0.962), ("angle", Metric::Mae, 3.4)]
            .map(|(name, metric, baseline)| TaskAccuracy {
                name: name.to_owned(),
                metric,
                baseline,
                std_error: 0.004,
            })
            .to_vec(),
        ranges: Vec::new(),
        crossings: Vec::new(),
        whole_plans: Vec::new(),
    };
    // drop of the two tasks in percent, and bytes per element
    let forms = [
        ("f16", 0.01, 2.0),
        ("q8", 0.05, 1.0),
        ("q4", 0.6, 0.5),
        ("q4+zstd", 0.6, 0.21),
        ("q2", 3.0, 0.25),
        ("q2+zstd", 3.0, 0.08),
        ("f32+zstd", 0.0, 3.1),
    ];
    let images = [("png", 0.0, 0.55), ("jpeg75", 1.4, 0.11)];
    for tensor in &net.profile.tensors {
        let is_image = tensor.name == "image";
        let chosen: &[_] = if is_image { &images } else { &forms };
        for (codec, percent, bytes) in chosen {
            let codec: Codec = codec.parse().unwrap();
            let mut drop = |task: &str, factor: f64| {
                let spread = net.dice.within(40, 180) as f64 / 100.0;
                TaskDrop {
                    task: task.to_owned(),
                    mean: (factor * spread * percent * 10.0).round() / 1e3 - 0.000_2,
                    std_error: (spread * percent * 1.5).round() / 1e3,
                }
            };
            let drops = if codec.is_lossless() {
                Vec::new()
            } else {
                vec![drop("size", 0.5), drop("angle", 1.0)]
            };
            let mean = *bytes * tensor.bytes as f64 / 4.0;
            file.crossings.push(CrossingRecord {
                tensor: tensor.name.clone(),
                codec,
                samples: 2_000,
                bytes_mean: mean,
                bytes_std: mean * 0.05,
                bytes_p95: Some(mean * 1.1),
                drops,
            });
            if codec.needs_ranges() && codec == Codec::plain(codec.form) {
                file.ranges.push(RangeRecord {
                    tensor: tensor.name.clone(),
                    codec,
                    low: vec![0.0],
                    high: vec![6.0],
                });
            }
        }
    }
    (net.done(), file)
}
