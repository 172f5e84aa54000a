//! The planner against a naive evaluator that looks at every placement and every choice of codecs.

use std::collections::BTreeMap;

use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence, TaskDrop, WholePlanRecord};
use cutpoint_core::graph::{LayerId, LayerSet};
use cutpoint_core::plan::{Amounts, NoPlan, Plan, Status};
use cutpoint_core::profile::Profile;
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::{Bytes, Share};
use cutpoint_planner::parametric::tradeoff;
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{AccuracyLimits, Floor, Limits, MaxDrop, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{EngineChoice, Options, nearest};
use cutpoint_testkit::oracle::{Oracle, Placed, Rank};
use cutpoint_testkit::random::{accuracy, network, random_scenario};
use cutpoint_testkit::{Dice, Net, codec_record, scenario};
use proptest::prelude::*;

const FACTORS: [f64; 3] = [1.0, 2.0, 4.0];

struct Case {
    edge: Profile,
    scenario: Scenario,
    factor: f64,
    accuracy: Option<CodecAccuracy>,
}

impl Case {
    fn new(seed: u64, layers: usize) -> Case {
        let edge = network(seed, layers);
        let scenario = random_scenario(seed, &edge);
        let factor = FACTORS[(seed / 3 % 3) as usize];
        let mut case = Case {
            edge,
            scenario,
            factor,
            accuracy: None,
        };
        case.tighten(seed);
        case
    }

    /// With drops measured one by one and together, and limits on them and on a capacity.
    fn with_accuracy(seed: u64, layers: usize) -> Case {
        let mut case = Case::new(seed, layers);
        let mut dice = Dice(seed ^ 0xd20b);
        case.accuracy = Some(accuracy(seed, &case.edge));
        if dice.percent(70) {
            case.scenario.codecs.retain(|c| *c == Codec::U8);
            case.scenario.codecs.push(Codec::F32);
            case.scenario.measured_codecs = true;
        }
        let limits = &mut case.scenario.limits;
        if dice.percent(60) {
            (limits.edge_memory, limits.max_uplink) = (None, None);
        }
        if dice.percent(50) {
            limits.keep_on_edge.clear();
            limits.keep_on_server.clear();
            limits.raw_stays = false;
        }
        // lossy codecs join once anything is limited
        limits.accuracy.drops = vec!["1%".parse().unwrap()];
        let share = [0.5, 0.9, 0.95][dice.below(3) as usize];
        limits.accuracy.confidence = Confidence::new(share).unwrap();
        case.limit_accuracy(&mut dice);
        case.measure_together(&mut dice);
        case
    }

    /// Records of some placements, costing more or less than the sum says.
    fn measure_together(&mut self, dice: &mut Dice) {
        let all = self.all();
        let lossy = |p: &&Placed| p.codecs.iter().any(|(_, c)| !c.is_lossless());
        let mut lossy: Vec<&Placed> = all.iter().filter(lossy).collect();
        // those that matter: the best, and faster ones that the limits rule out
        if dice.percent(80) {
            let best = best(&all).map_or(i128::MAX, |p| p.rank.0);
            lossy.retain(|p| p.rank.0 <= best && p.breaks.iter().all(|b| b.contains(' ')));
        }
        let mut joints = Vec::new();
        for _ in 0..dice.below(4) {
            if lossy.is_empty() {
                break;
            }
            let placed = lossy[dice.below(lossy.len() as u64) as usize];
            let mut drops = Vec::new();
            for (task, sum) in &placed.drops {
                let percent = dice.within(20, 250) as f64 / 100.0;
                if dice.percent(85) {
                    drops.push(TaskDrop {
                        task: task.clone(),
                        mean: sum.unwrap_or(7_000) as f64 * percent / 1e6,
                        std_error: 0.0,
                    });
                }
            }
            let layers = self.edge.layers.iter().enumerate();
            let here = layers.filter(|(i, _)| placed.edge >> i & 1 == 1);
            joints.push(WholePlanRecord {
                tensors: placed.codecs.iter().map(|(t, _)| t.clone()).collect(),
                codecs: placed.codecs.iter().map(|(_, c)| *c).collect(),
                edge: here.map(|(_, l)| l.id.clone()).collect(),
                samples: 100,
                drops,
            });
        }
        self.accuracy.as_mut().unwrap().whole_plans = joints;
    }

    /// Limits exactly at what some placement costs, or a millionth below.
    fn limit_accuracy(&mut self, dice: &mut Dice) {
        let all = self.all();
        let tasks = self.accuracy.as_ref().unwrap().tasks.clone();
        let mut limits = AccuracyLimits {
            confidence: self.scenario.limits.accuracy.confidence,
            ..AccuracyLimits::default()
        };
        for task in tasks {
            let placed = all.get(dice.below(all.len().max(1) as u64) as usize);
            let drop = placed.and_then(|p| p.drop(&task.name)).unwrap_or(20_000);
            let most = drop - dice.below(2) as i64;
            if dice.percent(60) {
                limits.drops.push(MaxDrop {
                    task: (!dice.percent(20) || !limits.drops.is_empty())
                        .then(|| task.name.clone()),
                    most: Share(most.max(0).unsigned_abs()),
                });
            }
            if dice.percent(25) {
                let after = task.metric.after(task.baseline, most as f64 / 1e6);
                let value = if dice.percent(15) {
                    task.metric.after(task.baseline, -0.01)
                } else {
                    after
                };
                limits.floors.push(Floor {
                    task: task.name,
                    value,
                });
            }
        }
        self.scenario.limits.accuracy = limits;
        if dice.percent(40) && self.edge.layers.iter().any(|l| !l.uses.is_empty()) {
            let most = dice.below(10);
            let capacities = &mut self.scenario.limits.capacities;
            capacities.insert("BRAM".to_owned(), most);
        }
    }

    /// Puts the limits with a size exactly at what some placement needs, or one byte below.
    fn tighten(&mut self, seed: u64) {
        let mut dice = Dice(seed ^ 0x11e5);
        let all = self.all();
        let mut some = || all.get(dice.below(all.len().max(1) as u64) as usize);
        let limits = &mut self.scenario.limits;
        if let (Some(memory), Some(placed)) = (&mut limits.edge_memory, some()) {
            memory.0 = placed.edge_memory.saturating_sub(seed % 2);
        }
        if let (Some(uplink), Some(placed)) = (&mut limits.max_uplink, some()) {
            uplink.0 = placed.rank.1.saturating_sub(seed % 2);
        }
    }

    fn problem(&self) -> Problem {
        let server = Server::faster(self.factor);
        let accuracy = self.accuracy.as_ref();
        Problem::with_accuracy(&self.edge, &server, &self.scenario, accuracy).unwrap()
    }

    fn all(&self) -> Vec<Placed> {
        let oracle = Oracle {
            edge: &self.edge,
            factor: self.factor,
            scenario: &self.scenario,
            accuracy: self.accuracy.as_ref(),
        };
        oracle.all()
    }

    fn with_limits(&self, limits: Limits) -> Case {
        let mut scenario = self.scenario.clone();
        if limits == Limits::default() && !scenario.codecs.contains(&Codec::F32) {
            scenario.codecs.push(Codec::F32);
        }
        Case {
            edge: self.edge.clone(),
            scenario: Scenario { limits, ..scenario },
            factor: self.factor,
            accuracy: self.accuracy.clone(),
        }
    }

    fn layer_bits(&self, ids: &[String]) -> u32 {
        let layers = self.edge.layers.iter().enumerate();
        layers
            .filter(|(_, l)| ids.contains(&l.id))
            .map(|(i, _)| 1 << i)
            .sum()
    }
}

fn best(all: &[Placed]) -> Option<&Placed> {
    all.iter()
        .filter(|p| p.breaks.is_empty())
        .min_by_key(|p| p.rank)
}

/// The naive evaluator's view of a plan.
fn find<'a>(case: &Case, all: &'a [Placed], plan: &Plan) -> &'a Placed {
    let edge = case.layer_bits(&plan.edge);
    let codecs: Vec<_> = plan
        .crossing
        .iter()
        .map(|c| (c.tensor.clone(), c.codec))
        .collect();
    all.iter()
        .find(|p| p.edge == edge && p.codecs == codecs)
        .unwrap_or_else(|| panic!("no such placement: {edge:b} {codecs:?}"))
}

fn check_plan(case: &Case, all: &[Placed], plan: &Plan, exact_ties: bool) {
    let placed = find(case, all, plan);
    let expected = best(all).expect("a plan where there is none");
    assert_eq!(plan.status, Status::Optimal);
    assert_eq!(placed.breaks, Vec::<String>::new(), "{}", plan.proof);
    assert_eq!(placed.rank.0, expected.rank.0, "latency, {}", plan.proof);
    if exact_ties {
        assert_eq!(placed.rank, expected.rank, "ties, {}", plan.proof);
    }
    let rate = case.scenario.link.rate.bit_s() as f64;
    let latency_ms = placed.rank.0 as f64 / rate / 1e6;
    let parts = plan.breakdown_ms;
    let sum =
        parts.edge + parts.encode + parts.uplink + parts.decode + parts.server + parts.downlink;
    for value in [plan.latency_ms, plan.bound_ms, sum] {
        assert!(
            (value - latency_ms).abs() <= 1e-9 * latency_ms.max(1e-6),
            "{value} {latency_ms}"
        );
    }
    assert_eq!(plan.uplink_bytes, placed.rank.1);
    assert_eq!(plan.edge_memory_bytes, placed.edge_memory);
    for task in &plan.tasks {
        let drop = task.accuracy_drop.map(|drop| (drop * 1e6).round() as i64);
        assert_eq!(drop, placed.drop(&task.name), "{}", task.name);
        assert_eq!(task.accuracy.is_some(), drop.is_some());
    }
    assert_eq!(plan.edge.len() + plan.server.len(), case.edge.layers.len());
}

/// The limits of a set that were asked for, by name.
fn only(limits: &Limits, names: &[String]) -> Limits {
    let has = |name: &str| names.iter().any(|n| n == name);
    let kept = |flag: &str, list: &[String]| -> Vec<String> {
        list.iter()
            .filter(|l| has(&format!("{flag} {l}")))
            .cloned()
            .collect()
    };
    Limits {
        edge_memory: limits.edge_memory.filter(|_| has("edge-memory")),
        max_uplink: limits.max_uplink.filter(|_| has("max-uplink")),
        keep_on_edge: kept("keep-on-edge", &limits.keep_on_edge),
        keep_on_server: kept("keep-on-server", &limits.keep_on_server),
        raw_stays: limits.raw_stays && has("raw-stays"),
        ..Limits::default()
    }
}

/// Whether a placement meets the named limits.
fn meets(placed: &Placed, names: &[String]) -> bool {
    !placed.breaks.iter().any(|broken| names.contains(broken))
}

fn check_no_plan(all: &[Placed], none: &NoPlan) {
    let names: Vec<String> = none.conflict.iter().map(|c| c.limit.to_string()).collect();
    assert!(
        !all.iter().any(|p| meets(p, &names)),
        "{names:?} do not contradict"
    );
    for (index, conflict) in none.conflict.iter().enumerate() {
        let mut others = names.clone();
        others.remove(index);
        assert!(
            all.iter().any(|p| meets(p, &others)),
            "{names:?} is not minimal"
        );
        let limit = conflict.limit.to_string();
        let repaired = all.iter().filter(|p| p.breaks == [limit.clone()]);
        let least = match conflict.limit.quantity {
            Quantity::EdgeMemory => repaired.map(|p| p.edge_memory).min(),
            Quantity::MaxUplink => repaired.map(|p| p.rank.1).min(),
            Quantity::Capacity => {
                let least = repaired.map(|p| p.uses[0].1).min();
                assert_eq!(conflict.amounts.least_units(), least, "{limit}");
                continue;
            }
            Quantity::MaxDrop | Quantity::Floor => {
                let task = conflict.limit.of.as_deref().unwrap();
                let least = repaired.filter_map(|p| p.drop(task)).min();
                let Amounts::Drop { drop, metric } = &conflict.amounts else {
                    panic!("{limit} has no drop");
                };
                let found = drop.least.map(|drop| (drop * 1e6).round() as i64);
                assert_eq!(found, least, "{limit}");
                let best = metric.as_ref().and_then(|metric| metric.best);
                assert_eq!(best.is_some(), least.is_some());
                continue;
            }
            _ => None,
        };
        assert_eq!(conflict.amounts.least_bytes(), least, "{limit}");
    }
}

fn check_binding(all: &[Placed], plan: &Plan) {
    let latency = best(all).unwrap().rank.0;
    for placed in all {
        if let [only] = placed.breaks.as_slice()
            && placed.rank.0 < latency
        {
            assert!(
                plan.binding.contains(only),
                "{only} binds, not only {:?}",
                plan.binding
            );
        }
    }
    if !all.iter().any(|p| p.rank.0 < latency) {
        assert!(plan.binding.is_empty(), "{:?}", plan.binding);
    }
}

fn check(case: &Case) {
    let (problem, all) = (case.problem(), case.all());
    for engine in [EngineChoice::Linear, EngineChoice::Auto] {
        let options = Options {
            engine,
            ..Options::default()
        };
        match best_plan(&problem, &options).unwrap() {
            Outcome::Plan(plan) => {
                check_plan(case, &all, &plan, engine == EngineChoice::Auto);
                check_binding(&all, &plan);
            }
            Outcome::NoPlan(none) => {
                assert!(best(&all).is_none(), "there is a plan");
                check_no_plan(&all, &none);
            }
        }
    }
}

/// The placements near the best are those of the naive evaluator.
fn check_nearest(case: &Case) {
    let (problem, all) = (case.problem(), case.all());
    let mut of_edge: BTreeMap<u32, Rank> = BTreeMap::new();
    for placed in all.iter().filter(|p| p.breaks.is_empty()) {
        let rank = of_edge.entry(placed.edge).or_insert(placed.rank);
        *rank = (*rank).min(placed.rank);
    }
    let least = of_edge.values().map(|rank| rank.0).min().unwrap_or(0);
    let near = |rank: &Rank| 2 * rank.0 <= 3 * least;
    let mut expected: Vec<(Rank, u32)> = of_edge.into_iter().map(|(e, r)| (r, e)).collect();
    expected.retain(|(rank, _)| near(rank));
    expected.sort_unstable();
    for most in [2, 1000] {
        let found = nearest(&problem, 1.5, most, &Options::default()).unwrap();
        assert_eq!(found.complete, expected.len() <= most);
        let bits = |edge: &LayerSet| edge.iter().map(|l| 1_u32 << l.index()).sum::<u32>();
        let ours = found.placements.iter().map(|near| {
            let edge = bits(&near.edge);
            let rank = expected.iter().find(|(_, e)| *e == edge).unwrap().0;
            assert_eq!((near.rank.payload, near.rank.edge_layers), (rank.1, rank.2));
            rank
        });
        let ranks: Vec<Rank> = expected.iter().take(most).map(|(rank, _)| *rank).collect();
        assert_eq!(ours.collect::<Vec<_>>(), ranks);
        let mut edges: Vec<u32> = found.placements.iter().map(|n| bits(&n.edge)).collect();
        edges.sort_unstable();
        edges.dedup();
        assert_eq!(edges.len(), ranks.len());
    }
    // too many placements to look at each: the best one, and some of those near to it
    let few = Options {
        most_placements: 0,
        ..Options::default()
    };
    let found = nearest(&problem, 1.5, 1000, &few).unwrap();
    assert!(!found.complete || expected.is_empty());
    let edges: Vec<u32> = expected.iter().map(|(_, edge)| *edge).collect();
    for placement in &found.placements {
        let edge: u32 = placement.edge.iter().map(|l| 1_u32 << l.index()).sum();
        assert!(edges.contains(&edge));
    }
    assert_eq!(found.placements.is_empty(), expected.is_empty());
}

/// `evaluate` says of every placement what the naive evaluator says.
fn check_evaluate(case: &Case) {
    let problem = case.problem();
    let pace = problem.time_per_bit();
    let tensor = |name: &str| problem.graph().find_tensor(name).unwrap();
    for placed in case.all() {
        let mut edge = LayerSet::empty(case.edge.layers.len());
        (0..case.edge.layers.len())
            .filter(|i| placed.edge >> i & 1 == 1)
            .for_each(|i| edge.insert(LayerId::new(i)));
        let codecs: Vec<_> = placed.codecs.iter().map(|(t, c)| (tensor(t), *c)).collect();
        let cost = problem.cost(&edge, &codecs).unwrap();
        let rate = i128::from(case.scenario.link.rate.bit_s());
        let expected = placed.rank.0;
        // the pace is a reduced fraction: compare latencies, not multiples of different units
        let (fixed_ns, wire_bits) = cost.line();
        let exact = i128::from(fixed_ns) * rate + i128::from(wire_bits) * 1_000_000_000;
        assert_eq!(exact, expected, "{placed:?}");
        assert!((cost.latency_ms(pace) - expected as f64 / rate as f64 / 1e6).abs() < 1e-9);
        assert_eq!(cost.edge_memory.0, placed.edge_memory, "{placed:?}");
        let allowed = problem.evaluate(&edge, &codecs).is_ok();
        assert_eq!(allowed, placed.breaks.is_empty(), "{placed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn plans_equal_the_best_of_all_placements(seed in any::<u64>(), layers in 1_usize..=8) {
        check(&Case::new(seed, layers));
    }

    #[test]
    fn plans_without_limits_equal_the_best_of_all_placements(seed in any::<u64>(), layers in 1_usize..=9) {
        check(&Case::new(seed, layers).with_limits(Limits::default()));
    }

    #[test]
    fn one_limit_alone_is_met_exactly(seed in any::<u64>(), layers in 1_usize..=8, memory in any::<bool>()) {
        let case = Case::new(seed, layers);
        let name = if memory { "edge-memory" } else { "max-uplink" };
        let limits = only(&case.scenario.limits, &[name.to_owned()]);
        check(&case.with_limits(limits));
    }

    #[test]
    fn the_nearest_placements_are_those_of_the_naive_evaluator(seed in any::<u64>(), layers in 1_usize..=7) {
        check_nearest(&Case::new(seed, layers));
    }

    #[test]
    fn evaluate_equals_the_naive_evaluator(seed in any::<u64>(), layers in 1_usize..=7) {
        check_evaluate(&Case::new(seed, layers));
    }

    #[test]
    fn plans_within_limits_on_accuracy_are_the_best_of_all(seed in any::<u64>(), layers in 1_usize..=6) {
        check(&Case::with_accuracy(seed, layers));
    }

    #[test]
    fn evaluate_sums_drops_as_the_naive_evaluator_does(seed in any::<u64>(), layers in 1_usize..=5) {
        check_evaluate(&Case::with_accuracy(seed, layers));
    }
}

/// The random problems exercise what they are meant to.
#[test]
fn random_problems_are_of_every_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    let mut count = |kind: String| *kinds.entry(kind).or_insert(0) += 1;
    let alone = Options {
        engine: EngineChoice::Linear,
        ..Options::default()
    };
    for seed in 0..600_u64 {
        let case = Case::new(seed.wrapping_mul(0x9e37_79b9), 3 + (seed % 6) as usize);
        let all = case.all();
        match best_plan(&case.problem(), &alone).unwrap() {
            Outcome::NoPlan(none) => {
                count("no plan".to_owned());
                if none
                    .conflict
                    .iter()
                    .any(|c| c.amounts.least_bytes().is_some())
                {
                    count("no plan, repairable".to_owned());
                }
            }
            Outcome::Plan(plan) => {
                count(plan.proof.clone());
                if !plan.binding.is_empty() {
                    count("binding".to_owned());
                }
                if plan.crossing.iter().any(|c| c.codec != Codec::F32) {
                    count("coded".to_owned());
                }
                let split = !plan.edge.is_empty() && !plan.server.is_empty();
                count(format!("split {split}"));
                let rank = best(&all).unwrap().rank;
                if all
                    .iter()
                    .filter(|p| p.breaks.is_empty() && p.rank.0 == rank.0)
                    .count()
                    > 1
                {
                    count("tie".to_owned());
                }
            }
        }
    }
    println!("{kinds:#?}");
    assert!(
        kinds.values().all(|n| *n >= 5) && kinds.len() >= 9,
        "{kinds:#?}"
    );
}

/// So do those with limits on accuracy.
#[test]
fn random_accuracies_are_of_every_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    let mut count =
        |kind: &str, yes: bool| *kinds.entry(kind.to_owned()).or_insert(0) += usize::from(yes);
    let alone = Options {
        engine: EngineChoice::Linear,
        ..Options::default()
    };
    for seed in 0..800_u64 {
        let case = Case::with_accuracy(seed.wrapping_mul(0x9e37_79b9), 2 + (seed % 5) as usize);
        let mut apart = case.accuracy.clone().unwrap();
        apart.whole_plans.clear();
        let apart = Case {
            accuracy: Some(apart),
            edge: case.edge.clone(),
            scenario: case.scenario.clone(),
            factor: case.factor,
        };
        let apart = match best_plan(&apart.problem(), &alone).unwrap() {
            Outcome::NoPlan(_) => None,
            Outcome::Plan(plan) => Some(plan.latency_ms),
        };
        match best_plan(&case.problem(), &alone).unwrap() {
            Outcome::NoPlan(none) => {
                let conflict = &none.conflict;
                count(
                    "no plan, drop to give",
                    conflict.iter().any(|c| c.amounts.least_drop().is_some()),
                );
                count(
                    "no plan, floor above the whole",
                    conflict.iter().any(
                        |c| matches!(&c.amounts, Amounts::Drop { drop, .. } if drop.allows < 0.0),
                    ),
                );
                count(
                    "no plan, capacity to give",
                    conflict.iter().any(|c| c.amounts.least_units().is_some()),
                );
            }
            Outcome::Plan(plan) => {
                let names = plan.binding.join(" ");
                for limit in ["max-drop", "floor", "capacity"] {
                    count(&format!("{limit} binds"), names.contains(limit));
                }
                count(
                    "lossy",
                    plan.crossing.iter().any(|c| !c.codec.is_lossless()),
                );
                count(
                    "several lossy",
                    plan.crossing
                        .iter()
                        .filter(|c| !c.codec.is_lossless())
                        .count()
                        > 1,
                );
                count("lets in", apart.is_none_or(|apart| plan.latency_ms < apart));
                count(
                    "rules out",
                    apart.is_some_and(|apart| plan.latency_ms > apart),
                );
                count("mixed-integer", plan.proof.contains("mixed"));
                count(
                    "unknown",
                    plan.tasks.iter().any(|t| t.accuracy_drop.is_none()),
                );
            }
        }
    }
    println!("{kinds:#?}");
    assert!(kinds.values().all(|n| *n >= 3), "{kinds:#?}");
}

#[test]
fn the_tradeoff_has_every_plan_that_no_other_beats() {
    let mut longest = 0;
    for seed in 0..150 {
        let case = Case::with_accuracy(seed, 5);
        // latency and drop of the task that loses most, of all that meets the other limits
        let measured = |p: &Placed| {
            let other = |b: &String| !b.starts_with("max-drop") && !b.starts_with("floor");
            let drops: Option<Vec<i64>> = p.drops.iter().map(|(_, drop)| *drop).collect();
            let worst = drops?.into_iter().max().unwrap_or(0);
            (!p.breaks.iter().any(other)).then_some((worst, p.rank.0))
        };
        let mut points: Vec<(i64, i128)> = case.all().iter().filter_map(measured).collect();
        points.sort_unstable();
        let mut front: Vec<(i64, i128)> = Vec::new();
        for (drop, latency) in points {
            if front.last().is_none_or(|(_, fastest)| latency < *fastest) {
                front.push((drop, latency));
            }
        }
        let plans = tradeoff(&case.problem(), &Options::default()).unwrap();
        let rate = case.scenario.link.rate.bit_s() as f64;
        let point = |plan: &Plan| {
            let drops = plan.tasks.iter().filter_map(|task| task.accuracy_drop);
            let worst = drops.fold(0.0, f64::max);
            let latency = (plan.latency_ms * 1e6 * rate).round() as i128;
            ((worst * 1e6).round() as i64, latency)
        };
        let found: Vec<(i64, i128)> = plans.iter().map(point).collect();
        assert_eq!(found.len(), front.len(), "seed {seed}: {found:?} {front:?}");
        for (found, expected) in found.iter().zip(&front) {
            assert_eq!(found.0, expected.0, "seed {seed}");
            // milliseconds in files have fifteen digits
            let off = (found.1 - expected.1).abs() as f64;
            assert!(off <= 1e-9 * expected.1 as f64, "seed {seed}");
        }
        longest = longest.max(front.len());
    }
    assert!(longest > 2, "the cases have hardly anything to trade");
}

/// A cut that is slower than the one before it in a chain, and needed: what crosses earlier is
/// larger, and waits beside what another branch makes.
#[test]
fn a_slower_cut_of_a_chain_is_taken_where_a_faster_one_has_no_room() {
    let mut net = Net::new(0);
    let input = net.input("in", 5_000);
    let large = net.layer(std::slice::from_ref(&input), 1_000, 1.0);
    let small = net.layer(&[large], 10, 100.0);
    let beside = net.layer(&[input], 1_500, 1.0);
    let short = net.layer(&[beside], 1, 1.0);
    let rest = net.layer(&[small], 1, 1e6);
    net.output(&short);
    net.output(&rest);
    let profile = net.done();
    let mut scenario = scenario("10Gbit/s", "0 ms");
    scenario.limits.raw_stays = true;
    scenario.limits.keep_on_edge = vec![short];
    let best = |scenario: &Scenario| {
        let problem = Problem::new(&profile, &Server::faster(100.0), scenario).unwrap();
        match best_plan(&problem, &Options::default()).unwrap() {
            Outcome::Plan(plan) => plan,
            Outcome::NoPlan(none) => panic!("{}", none.proof),
        }
    };
    let free = best(&scenario);
    assert_eq!(free.edge, ["t0", "t2", "t3"]);
    scenario.limits.edge_memory = Some(Bytes(free.edge_memory_bytes - 1));
    assert_eq!(best(&scenario).edge, ["t0", "t1", "t2", "t3"]);
}

/// The same on the server: a cut behind a larger tensor is faster, but that is there from the start,
/// beside what another branch makes.
#[test]
fn a_slower_cut_of_a_chain_is_taken_where_the_server_has_no_room_for_a_faster_one() {
    let mut net = Net::new(0);
    let image = net.input("image", 5_000);
    let other = net.input("other", 1);
    let small = net.layer(&[image], 10, 1.0);
    let beside = net.layer(&[other], 1_500, 1.0);
    let short = net.layer(&[beside], 1, 1.0);
    let large = net.layer(&[small], 1_000, 1.0);
    net.profile.layers[3].server_us = 100_000.0;
    let rest = net.layer(&[large], 1, 1e6);
    net.output(&short);
    net.output(&rest);
    let profile = net.done();
    let mut scenario = scenario("10Gbit/s", "0 ms");
    scenario.limits.keep_on_server = vec!["t1".to_owned()];
    let best = |scenario: &Scenario| {
        let problem = Problem::new(&profile, &Server::faster(100.0), scenario).unwrap();
        match best_plan(&problem, &Options::default()).unwrap() {
            Outcome::Plan(plan) => plan,
            Outcome::NoPlan(none) => panic!("{}", none.proof),
        }
    };
    let free = best(&scenario);
    assert_eq!(free.edge, ["t0", "t3"]);
    scenario.limits.server_memory = Some(Bytes(free.server_memory_bytes - 1));
    assert_eq!(best(&scenario).edge, ["t0"]);
}

/// A tensor crosses for one task, in a codec that another task must not lose by: a cut of the other
/// one's head behind its first layer saves sending that tensor as it is.
#[test]
fn a_cut_of_a_chain_is_not_given_up_for_a_tensor_that_counts_for_others_alone() {
    let mut net = Net::new(0);
    let image = net.input("image", 1_000);
    let shared = net.layer(&[image], 1_000, 1.0);
    let first = net.layer(std::slice::from_ref(&shared), 500, 1.0);
    let careful = net.layer(&[first], 1, 1e6);
    let careless = net.layer(&[shared], 1, 1e6);
    net.output(&careful);
    net.output(&careless);
    let mut profile = net.done();
    profile.codecs.push(codec_record("q8", 1.0, 0.0));
    let mut file = accuracy(0, &profile);
    file.crossings.retain(|record| record.tensor == "t0");
    file.crossings.truncate(1);
    let record = &mut file.crossings[0];
    record.codec = "q8".parse().unwrap();
    record.drops = [("t2", 0.5), ("t3", 0.0)]
        .map(|(task, mean)| TaskDrop {
            task: task.to_owned(),
            mean,
            std_error: 0.0,
        })
        .to_vec();
    let mut scenario = scenario("10Mbit/s", "0 ms");
    scenario.codecs = vec![Codec::F32, Codec::Q8];
    scenario.limits.raw_stays = true;
    scenario.limits.keep_on_server = vec!["t3".to_owned()];
    scenario.limits.accuracy.drops = vec!["1%".parse().unwrap()];
    let server = Server::faster(1e3);
    let problem = Problem::with_accuracy(&profile, &server, &scenario, Some(&file)).unwrap();
    let Outcome::Plan(plan) = best_plan(&problem, &Options::default()).unwrap() else {
        panic!("there is a plan");
    };
    assert_eq!(plan.edge, ["t0", "t1"]);
    let sent: Vec<(&str, Codec)> = plan
        .crossing
        .iter()
        .map(|c| (c.tensor.as_str(), c.codec))
        .collect();
    assert_eq!(sent, [("t0", Codec::Q8), ("t1", Codec::F32)]);
}
