//! Choosing among models and sets of models, against a naive search over models, cuts and codecs.

use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Metric};
use cutpoint_core::plan::{HalfEvidence, Plan, Status};
use cutpoint_core::profile::{CutRecord, Member, Names, Profile};
use cutpoint_core::task::Task;
use cutpoint_core::units::{BitRate, Bytes, Share};
use cutpoint_planner::parametric::sweep_models;
use cutpoint_planner::planning::{Chosen, Outcome, best_plan, choose};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{Floor, MaxDrop, Results, Scenario, U8Input};
use cutpoint_planner::select::{ModelChoice, ModelInput, SelectError, model_choices, model_names};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options};
use cutpoint_testkit::oracle::{Oracle, Placed};
use cutpoint_testkit::random::{accuracy, network, random_scenario};
use cutpoint_testkit::{Dice, Net, chain, scenario};
use proptest::prelude::*;

fn task(name: &str, outputs: &[String]) -> Task {
    Task {
        name: name.to_owned(),
        outputs: outputs.to_vec(),
    }
}

/// A random network with these tasks, its outputs shared out among them.
fn model(mut seed: u64, layers: usize, file: &str, tasks: &[&str]) -> Profile {
    let mut profile = loop {
        let profile = network(seed, layers);
        if profile.outputs.len() >= tasks.len() {
            break profile;
        }
        seed = seed.wrapping_add(0x51ed);
    };
    let outputs: Vec<String> = profile.outputs.iter().map(|o| o.name.clone()).collect();
    let last = tasks.len() - 1;
    let of = |(index, name): (usize, &&str)| {
        if index == last {
            task(name, &outputs[index..])
        } else {
            task(name, &outputs[index..=index])
        }
    };
    profile.tasks = tasks.iter().enumerate().map(of).collect();
    file.clone_into(&mut profile.model.file);
    profile.model.sha256 = format!("{seed:064x}");
    profile
}

fn model_inputs(models: Vec<(Profile, Option<CodecAccuracy>)>, factor: f64) -> Vec<ModelInput> {
    let files: Vec<&str> = models.iter().map(|(p, _)| p.model.file.as_str()).collect();
    let names = model_names(&files);
    let entrant = |(name, (edge, accuracy))| ModelInput {
        name,
        edge,
        server: Server::faster(factor),
        accuracy,
    };
    names.into_iter().zip(models).map(entrant).collect()
}

fn model_problems(choices: &[ModelChoice]) -> Vec<ModelProblem<'_>> {
    let mut models = Vec::new();
    for choice in choices {
        models.push(ModelProblem {
            name: &choice.name,
            problem: &choice.problem,
            barred: choice.barred.as_deref(),
        });
    }
    models
}

/// A set as the naive evaluator sees it: its union, with every name spelled out.
struct Set {
    profile: Profile,
    accuracy: Option<CodecAccuracy>,
    scenario: Scenario,
}

impl Set {
    fn new(inputs: &[&ModelInput], scenario: &Scenario) -> Set {
        let members: Vec<Member<'_>> = inputs
            .iter()
            .map(|e| Member {
                name: &e.name,
                profile: &e.edge,
                tasks: &e.edge.tasks,
            })
            .collect();
        let names = Names::new(&members);
        let profile = Profile::union(&members).unwrap();
        let renamed = |(index, entrant): (usize, &&ModelInput)| {
            let own = entrant.accuracy.as_ref()?;
            let tensor = |name: &str| names.tensor(index, name);
            Some(own.renamed(tensor, |name| names.layer(index, name)))
        };
        let parts: Option<Vec<CodecAccuracy>> = inputs.iter().enumerate().map(renamed).collect();
        let model = cutpoint_core::codec_accuracy::ModelId {
            file: profile.model.file.clone(),
            sha256: profile.model.sha256.clone(),
        };
        Set {
            accuracy: parts.map(|parts| CodecAccuracy::union(&parts, model)),
            scenario: spelled_out(scenario, &members, &names),
            profile,
        }
    }

    fn all(&self, factor: f64) -> Vec<Placed> {
        let oracle = Oracle {
            edge: &self.profile,
            factor,
            scenario: &self.scenario,
            accuracy: self.accuracy.as_ref(),
        };
        oracle.all()
    }
}

fn spelled_out(scenario: &Scenario, members: &[Member<'_>], names: &Names) -> Scenario {
    let inputs = |name: &String| {
        let has = |p: &Profile| p.inputs.iter().any(|i| i.name == *name);
        let all = members.iter().enumerate().filter(|(_, m)| has(m.profile));
        let mut all: Vec<String> = all.map(|(i, _)| names.tensor(i, name)).collect();
        all.dedup();
        all
    };
    let layers = |name: &String| {
        let has = |p: &Profile| p.layers.iter().any(|l| l.id == *name);
        let all = members.iter().enumerate().filter(|(_, m)| has(m.profile));
        all.map(|(i, _)| names.layer(i, name)).collect::<Vec<_>>()
    };
    let mut own = scenario.clone();
    own.local_inputs = scenario.local_inputs.iter().flat_map(inputs).collect();
    own.u8_inputs = Vec::new();
    for declared in &scenario.u8_inputs {
        own.u8_inputs
            .extend(inputs(&declared.name).into_iter().map(|name| U8Input {
                name,
                ..declared.clone()
            }));
    }
    own.limits.keep_on_edge = scenario
        .limits
        .keep_on_edge
        .iter()
        .flat_map(layers)
        .collect();
    own.limits.keep_on_server = scenario
        .limits
        .keep_on_server
        .iter()
        .flat_map(layers)
        .collect();
    own
}

fn best(all: &[Placed]) -> Option<&Placed> {
    all.iter()
        .filter(|p| p.breaks.is_empty())
        .min_by_key(|p| p.rank)
}

struct Case {
    inputs: Vec<ModelInput>,
    scenario: Scenario,
    factor: f64,
}

/// The multi-task model, two single-task ones, and a second of the first task.
const MODELS: [(&str, &[&str]); 4] = [
    ("both.onnx", &["a", "b"]),
    ("a.onnx", &["a"]),
    ("b.onnx", &["b"]),
    ("a2.onnx", &["a"]),
];
const SETS: [&[usize]; 3] = [&[0], &[1, 2], &[2, 3]];

impl Case {
    fn new(seed: u64, with_accuracy: bool) -> Case {
        let mut dice = Dice(seed);
        let models = MODELS.iter().map(|(file, tasks)| {
            let layers = dice.within(2, if with_accuracy { 3 } else { 4 }) as usize;
            let layers = if tasks.len() > 1 { layers + 2 } else { layers };
            let profile = model(dice.next() / 3 * 3 + seed % 3, layers, file, tasks);
            let known = with_accuracy.then(|| {
                let mut known = accuracy(dice.next(), &profile);
                for task in &mut known.tasks {
                    task.metric = Metric::Top1;
                    task.baseline = dice.within(85, 95) as f64 / 100.0;
                }
                known
            });
            (profile, known)
        });
        let models: Vec<(Profile, Option<CodecAccuracy>)> = models.collect();
        let mut scenario = random_scenario(seed, &models[0].0);
        let factor = [1.0, 2.0, 4.0][(seed / 3 % 3) as usize];
        if with_accuracy {
            let floor = dice.within(80, 93) as f64 / 100.0;
            match dice.below(3) {
                0 => scenario.limits.accuracy.floors.push(Floor {
                    task: "a".to_owned(),
                    value: floor,
                }),
                _ => scenario.limits.accuracy.drops.push(MaxDrop {
                    task: dice.percent(50).then(|| "b".to_owned()),
                    most: Share(dice.below(12) * 10_000),
                }),
            }
            scenario.measured_codecs = dice.percent(50);
        }
        let inputs = model_inputs(models, factor);
        Case {
            inputs,
            scenario,
            factor,
        }
    }

    /// The limits on accuracy as floors of the metric, which mean the same for every model.
    fn with_floors(&self) -> Scenario {
        let mut scenario = self.scenario.clone();
        let accuracy = &mut scenario.limits.accuracy;
        for name in ["a", "b"] {
            if let Some(drop) = accuracy.drop_of(name) {
                let known = self.inputs.iter().filter_map(|e| e.accuracy.as_ref());
                let whole = known.filter_map(|k| k.task(name)).map(|t| t.baseline);
                accuracy.floors.push(Floor {
                    task: name.to_owned(),
                    value: whole.fold(0.0, f64::max) - drop.0 as f64 / 1e6,
                });
            }
        }
        accuracy.drops.clear();
        scenario
    }

    fn check(&self) -> Option<Plan> {
        let found = model_choices(&self.inputs, &self.scenario).unwrap();
        let scenario = self.with_floors();
        let all: Vec<Vec<Placed>> = SETS
            .iter()
            .map(|set| {
                let members: Vec<&ModelInput> = set.iter().map(|i| &self.inputs[*i]).collect();
                Set::new(&members, &scenario).all(self.factor)
            })
            .collect();
        let expected = all.iter().filter_map(|all| best(all)).map(|p| p.rank).min();
        match choose(&model_problems(&found), &Options::default()).unwrap() {
            Chosen::Plan(winner, plan) => {
                let expected = expected.expect("a plan where there is none");
                let rate = self.scenario.link.rate.bit_s() as f64;
                let latency_ms = expected.0 as f64 / rate / 1e6;
                assert!((plan.latency_ms - latency_ms).abs() <= 1e-9 * latency_ms.max(1e-6));
                assert_eq!(plan.uplink_bytes, expected.1);
                assert_eq!(plan.status, Status::Optimal);
                assert_eq!(best(&all[winner]).map(|p| p.rank), Some(expected));
                self.check_alternatives(&found, &all, winner, &plan);
                Some(found[winner].finish(*plan))
            }
            Chosen::NoPlan(none) => {
                assert_eq!(expected, None, "there is a plan");
                assert!(none.proof.contains("both.onnx") && none.proof.contains("a2.onnx"));
                None
            }
        }
    }

    fn check_alternatives(
        &self,
        found: &[ModelChoice],
        all: &[Vec<Placed>],
        winner: usize,
        plan: &Plan,
    ) {
        let rate = self.scenario.link.rate.bit_s() as f64;
        for (index, choice) in found.iter().enumerate().filter(|(i, _)| *i != winner) {
            let of_it = plan.alternatives.iter().find(|a| a.name == choice.name);
            let Some(other) = of_it else {
                assert!(best(&all[index]).is_none());
                continue;
            };
            assert_eq!(other.model.as_ref(), Some(&choice.name));
            match best(&all[index]) {
                None => assert!(other.breaks.is_some()),
                Some(placed) => {
                    let latency_ms = placed.rank.0 as f64 / rate / 1e6;
                    assert!((other.latency_ms - latency_ms).abs() < 1e-9 * latency_ms.max(1e-6));
                    assert_eq!(other.breaks, None);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_choice_is_the_best_of_all_models_and_cuts(seed in any::<u64>()) {
        Case::new(seed, false).check();
    }

    #[test]
    fn the_choice_under_limits_on_accuracy_is_the_best_of_all(seed in any::<u64>()) {
        Case::new(seed, true).check();
    }
}

/// Sets and single models both win at times, and limits rule out either.
#[test]
fn random_choices_are_of_every_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    for seed in 0..120_u64 {
        let plan = Case::new(seed.wrapping_mul(0x9e37_79b9), seed % 2 == 0).check();
        let kind = match &plan {
            None => "none",
            Some(plan) if plan.members.is_empty() => "one model",
            Some(plan) if plan.crossing.is_empty() => "a set, nothing crosses",
            Some(_) => "a set, split",
        };
        *kinds.entry(kind).or_insert(0) += 1;
        let barred = plan.iter().flat_map(|p| &p.alternatives);
        if barred
            .clone()
            .any(|a| a.model.as_ref() == Some(&a.name) && a.breaks.is_some())
        {
            *kinds.entry("ruled out").or_insert(0) += 1;
        }
    }
    println!("{kinds:#?}");
    assert!(
        kinds.len() == 5 && kinds.values().all(|n| *n >= 3),
        "{kinds:#?}"
    );
}

fn named(profile: Profile, file: &str, input: &str, task_name: &str) -> Profile {
    let mut profile = profile;
    file.clone_into(&mut profile.model.file);
    profile.model.sha256 = format!("{:0>64}", file.len());
    let old = profile.inputs[0].name.clone();
    input.clone_into(&mut profile.inputs[0].name);
    for tensor in profile.tensors.iter_mut().filter(|t| t.name == old) {
        input.clone_into(&mut tensor.name);
    }
    for name in profile.layers.iter_mut().flat_map(|l| &mut l.inputs) {
        if *name == old {
            input.clone_into(name);
        }
    }
    let outputs: Vec<String> = profile.outputs.iter().map(|o| o.name.clone()).collect();
    profile.tasks = vec![task(task_name, &outputs)];
    profile
}

fn plan_of(problem: &Problem) -> Plan {
    match best_plan(problem, &Options::default()).unwrap() {
        Outcome::Plan(plan) => plan,
        Outcome::NoPlan(none) => panic!("{none:?}"),
    }
}

fn union_of<'a>(profiles: &'a [Profile], names: &'a [&'a str]) -> Profile {
    let member = |(profile, name): (&'a Profile, &&'a str)| Member {
        name,
        profile,
        tasks: &profile.tasks,
    };
    let members: Vec<Member<'_>> = profiles.iter().zip(names).map(member).collect();
    Profile::union(&members).unwrap()
}

#[test]
fn the_union_of_one_model_is_that_model() {
    let one = named(chain(6, 3), "a.onnx", "image", "a");
    assert_eq!(union_of(std::slice::from_ref(&one), &["a"]), one);
}

#[test]
fn models_that_share_nothing_cost_their_sum() {
    for seed in 0..20 {
        let profiles = [
            named(chain(8, seed), "a.onnx", "left", "a"),
            named(chain(5, seed + 100), "bb.onnx", "right", "b"),
        ];
        let mut scenario = scenario("20 Mbit/s", "0 ms");
        scenario.results = Results::Anywhere;
        let server = Server::faster(8.0);
        let problem = |profile: &Profile| Problem::new(profile, &server, &scenario).unwrap();
        let alone = profiles.each_ref().map(|p| plan_of(&problem(p)));
        let set = plan_of(&problem(&union_of(&profiles, &["a", "b"])));
        let sum: f64 = alone.iter().map(|p| p.latency_ms).sum();
        assert!(
            (set.latency_ms - sum).abs() < 1e-9,
            "{} {sum}",
            set.latency_ms
        );
        let bytes: u64 = alone.iter().map(|p| p.uplink_bytes).sum();
        assert_eq!(set.uplink_bytes, bytes);
        // base once, factors alike
        let memory: u64 = alone.iter().map(|p| p.edge_memory_bytes).sum();
        assert!(set.edge_memory_bytes <= memory + 1);
    }
}

#[test]
fn a_shared_input_is_sent_once_and_every_request_is_paid() {
    let mut profiles = [
        named(chain(4, 1), "a.onnx", "image", "a"),
        named(chain(4, 2), "bb.onnx", "image", "b"),
    ];
    for (index, profile) in profiles.iter_mut().enumerate() {
        profile.tensors[0].send_us = 10.0 * (index + 1) as f64;
        profile.method.split_edge_us = 3.0;
        profile.layers.iter_mut().for_each(|l| l.edge_us = 1e6);
    }
    let set = union_of(&profiles, &["a", "b"]);
    assert_eq!(set.inputs.len(), 1);
    assert_eq!(set.tensors[0].send_us, 20.0);
    assert_eq!(set.method.split_edge_us, 6.0);
    assert_eq!(set.model.file, "a.onnx + bb.onnx");
    let problem = Problem::new(&set, &Server::faster(8.0), &scenario("1 Gbit/s", "1 ms"));
    let plan = plan_of(&problem.unwrap());
    assert!(plan.edge.is_empty());
    assert_eq!(plan.uplink_bytes, profiles[0].inputs[0].bytes);
    assert_eq!(plan.setting.delay_ms, 1.0);
}

#[test]
fn inputs_that_differ_are_sent_apart() {
    let mut profiles = [
        named(chain(3, 1), "a.onnx", "image", "a"),
        named(chain(3, 2), "bb.onnx", "image", "b"),
    ];
    profiles[1].inputs[0].shape = vec![2, 75_264];
    let set = union_of(&profiles, &["a", "b"]);
    let names: Vec<&str> = set.inputs.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["a/image", "b/image"]);
}

/// The whole net, cut after its first layer, as if it had been measured.
fn measured_cut(profile: &Profile) -> CutRecord {
    CutRecord {
        tensors: vec![profile.layers[0].id.clone()],
        rounds: 15,
        ..CutRecord::default()
    }
}

#[test]
fn a_set_was_measured_when_every_member_was() {
    let mut net = Net::new(1);
    let input = net.input("image", 100_000);
    let first = net.layer(&[input], 100, 10.0);
    let last = net.layer(&[first], 10, 50_000.0);
    net.output(&last);
    let small = net.done();
    let mut profiles = [
        named(small.clone(), "a.onnx", "image", "a"),
        named(small, "bb.onnx", "image", "b"),
    ];
    let choice = |profiles: &[Profile; 2]| {
        let models = profiles.iter().map(|p| (p.clone(), None)).collect();
        let found =
            model_choices(&model_inputs(models, 8.0), &scenario("10 Mbit/s", "0 ms")).unwrap();
        match choose(&model_problems(&found), &Options::default()).unwrap() {
            Chosen::Plan(index, plan) => found[index].finish(*plan),
            Chosen::NoPlan(none) => panic!("{none:?}"),
        }
    };
    profiles[0].cuts.push(measured_cut(&profiles[0]));
    let plan = choice(&profiles);
    assert_eq!(plan.evidence.edge, HalfEvidence::Predicted);
    let member = &plan.members[1];
    assert_eq!(member.edge, ["t0"]);
    assert_eq!(member.server, ["t1"]);
    assert_eq!(member.crossing[0].tensor, "t0");
    assert_eq!(plan.crossing[1].tensor, "bb/t0");
    assert_eq!(member.tasks, ["b"]);
    profiles[1].cuts.push(measured_cut(&profiles[1]));
    assert_eq!(choice(&profiles).evidence.edge, HalfEvidence::Measured);
    assert_eq!(choice(&profiles).evidence.server, HalfEvidence::Simulated);
}

#[test]
fn models_of_two_boards_are_not_compared() {
    let one = named(chain(3, 1), "a.onnx", "image", "a");
    let mut other = named(chain(3, 2), "bb.onnx", "image", "a");
    let error = |other: &Profile| {
        let models = vec![(one.clone(), None), (other.clone(), None)];
        model_choices(&model_inputs(models, 8.0), &scenario("1 Mbit/s", "0 ms"))
            .unwrap_err()
            .to_string()
    };
    other.board.name = "elsewhere".to_owned();
    assert!(
        error(&other).contains("synthetic and elsewhere"),
        "{}",
        error(&other)
    );
    other.board.name.clone_from(&one.board.name);
    other.board.threads = 4;
    assert!(error(&other).contains("threads"), "{}", error(&other));
}

#[test]
fn tasks_that_no_set_covers_and_unknown_names_are_errors() {
    let both = |a: &str, b: &str, file: &str| {
        let mut profile = model(9, 5, file, &[a, b]);
        profile.tasks[0].name = a.to_owned();
        profile
    };
    let models = vec![
        (both("a", "b", "ab.onnx"), None),
        (both("b", "c", "bc.onnx"), None),
    ];
    let inputs = model_inputs(models, 8.0);
    let scenario = scenario("1 Mbit/s", "0 ms");
    let error = model_choices(&inputs, &scenario).unwrap_err();
    assert!(matches!(error, SelectError::NoCover { .. }), "{error}");
    let mut scenario = scenario;
    scenario.limits.keep_on_edge.push("t99".to_owned());
    let error = model_choices(&inputs, &scenario).unwrap_err().to_string();
    assert!(
        error.contains("--keep-on-edge") && error.contains("t99"),
        "{error}"
    );
}

/// Faster networks that are less accurate lose under limits, whichever way those are stated.
#[test]
fn drops_count_from_the_best_whole_model() {
    let fast = named(chain(3, 1), "fast.onnx", "image", "a");
    let mut slow = named(chain(3, 1), "accurate.onnx", "image", "a");
    slow.layers.iter_mut().for_each(|l| l.edge_us *= 3.0);
    let known = |profile: &Profile, baseline: f64| {
        let mut known = accuracy(1, profile);
        (known.crossings, known.whole_plans) = (Vec::new(), Vec::new());
        known.tasks[0].metric = Metric::Top1;
        known.tasks[0].baseline = baseline;
        Some(known)
    };
    let models = vec![
        (fast.clone(), known(&fast, 0.90)),
        (slow.clone(), known(&slow, 0.92)),
    ];
    let chosen = |models: &[(Profile, Option<CodecAccuracy>)], percent: u64| {
        let mut scenario = scenario("1 kbit/s", "0 ms");
        scenario.limits.accuracy.drops.push(MaxDrop {
            task: None,
            most: Share(percent * 10_000),
        });
        let found = model_choices(&model_inputs(models.to_vec(), 8.0), &scenario).unwrap();
        match choose(&model_problems(&found), &Options::default()).unwrap() {
            Chosen::Plan(index, plan) => found[index].finish(*plan),
            Chosen::NoPlan(none) => panic!("{none:?}"),
        }
    };
    let plan = chosen(&models, 2);
    assert_eq!(plan.model.file, "fast.onnx");
    assert_eq!(plan.binding, Vec::<String>::new());
    let plan = chosen(&models, 1);
    assert_eq!(plan.model.file, "accurate.onnx");
    assert_eq!(plan.binding, ["max-drop a"]);
    let other = plan
        .alternatives
        .iter()
        .find(|a| a.name == "fast.onnx")
        .unwrap();
    assert_eq!(other.breaks.as_deref(), Some("max-drop a"));
    // without an accuracy file, a model can only be compared with, not chosen
    let unknown = [(fast, None), models[1].clone()];
    let plan = chosen(&unknown, 2);
    assert_eq!(plan.model.file, "accurate.onnx");
    let other = plan
        .alternatives
        .iter()
        .find(|a| a.name == "fast.onnx")
        .unwrap();
    assert!(other.breaks.as_ref().unwrap().contains("cutpoint accuracy"));
}

#[test]
fn a_sweep_over_models_has_the_best_model_at_every_rate() {
    for seed in 0..12_u64 {
        let mut case = Case::new(seed.wrapping_mul(0x9e37_79b9), false);
        case.scenario.limits = cutpoint_planner::scenario::Limits::default();
        case.scenario.codecs = vec![Codec::F32];
        let found = model_choices(&case.inputs, &case.scenario).unwrap();
        let rates = "10 kbit/s..10 Gbit/s".parse().unwrap();
        let options = Options::default();
        let Ok((sweep, winners)) = sweep_models(&model_problems(&found), rates, &options) else {
            panic!("no limits, no plan")
        };
        assert_eq!(sweep.segments.len(), winners.len());
        for (segment, winner) in sweep.segments.iter().zip(&winners) {
            assert_eq!(segment.plan.model.file, found[*winner].name);
            for bits in [segment.from_bit_s, segment.to_bit_s] {
                let rate = BitRate::from_bit_s(bits).unwrap();
                let bests = found
                    .iter()
                    .map(|c| plan_of(&c.problem.with_rate(rate)).latency_ms);
                let best = bests.fold(f64::INFINITY, f64::min);
                let here = segment.latency.at_bit_s(bits as f64);
                assert!(
                    (here - best).abs() <= 1e-9 * best.max(1e-6),
                    "{here} {best}"
                );
            }
        }
    }
}

#[test]
fn memory_is_shared_by_a_set() {
    let profiles = [
        named(chain(3, 1), "a.onnx", "image", "a"),
        named(chain(3, 2), "bb.onnx", "image", "b"),
    ];
    let alone = |profile: &Profile| {
        let problem = Problem::new(profile, &Server::faster(1.0), &scenario("1 kbit/s", "0 ms"));
        plan_of(&problem.unwrap()).edge_memory_bytes
    };
    let most = profiles.iter().map(alone).max().unwrap();
    let mut scenario = scenario("1 kbit/s", "0 ms");
    scenario.limits.edge_memory = Some(Bytes(most));
    let models = profiles.iter().map(|p| (p.clone(), None)).collect();
    let found = model_choices(&model_inputs(models, 1.0), &scenario).unwrap();
    let plan = plan_of(&found[0].problem);
    assert!(!plan.server.is_empty());
    assert_eq!(plan.binding, ["edge-memory"]);
}
