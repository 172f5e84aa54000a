//! What `explain` says against a naive evaluator that looks at every placement and every choice of
//! codecs.

use std::time::Duration;

use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::TensorId;
use cutpoint_core::plan::{
    Breakdown, Breakpoint, Condition, Contender, Explanation, LimitReason, Plan, Segment, Side,
};
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{BitRate, Bytes, Delay, Share};
use cutpoint_planner::explain::{NamedCut, explain};
use cutpoint_planner::parametric::sweep_models;
use cutpoint_planner::planning::{Chosen, Outcome, best_plan, choose};
use cutpoint_planner::problem::{Limit, Problem, with_times};
use cutpoint_planner::scenario::{MaxDrop, Objective, RateRange, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options};
use cutpoint_testkit::Dice;
use cutpoint_testkit::oracle::{Oracle, Placed};
use cutpoint_testkit::random::{accuracy, network, random_scenario};
use cutpoint_testkit::relaxations::{Demand, check_relaxation};

const SEEDS: u64 = 100;
const LAYERS: usize = 7;
const FOREVER: Duration = Duration::from_secs(600);

struct Case {
    edge: Profile,
    scenario: Scenario,
    factor: f64,
    accuracy: Option<CodecAccuracy>,
}

impl Case {
    /// Every other one with limits on accuracy and capacities. Amounts are those of some placement.
    fn new(seed: u64) -> Case {
        let edge = network(seed, LAYERS);
        let mut case = Case {
            scenario: random_scenario(seed, &edge),
            factor: [1.0, 2.0, 4.0][(seed / 3 % 3) as usize],
            accuracy: None,
            edge,
        };
        let mut dice = Dice(seed ^ 0xe7);
        if seed.is_multiple_of(2) {
            case.accuracy = Some(accuracy(seed, &case.edge));
            case.scenario.measured_codecs = true;
            if case.edge.layers.iter().any(|l| !l.uses.is_empty()) && dice.percent(50) {
                let most = dice.below(9);
                case.scenario
                    .limits
                    .capacities
                    .insert("BRAM".to_owned(), most);
            }
            case.scenario.limits.accuracy.drops = vec![MaxDrop {
                task: None,
                most: Share(dice.below(60_000)),
            }];
        }
        let all = case.all();
        let mut some = || all.get(dice.below(all.len().max(1) as u64) as usize);
        let limits = &mut case.scenario.limits;
        if let (Some(memory), Some(placed)) = (&mut limits.edge_memory, some()) {
            *memory = Bytes(placed.edge_memory);
        }
        if let (Some(uplink), Some(placed)) = (&mut limits.max_uplink, some()) {
            *uplink = Bytes(placed.rank.1);
        }
        case
    }

    fn problem(&self) -> Problem {
        let server = Server::faster(self.factor);
        Problem::with_accuracy(&self.edge, &server, &self.scenario, self.accuracy.as_ref()).unwrap()
    }

    fn all(&self) -> Vec<Placed> {
        self.all_with(&self.scenario)
    }

    fn all_with(&self, scenario: &Scenario) -> Vec<Placed> {
        Oracle {
            edge: &self.edge,
            factor: self.factor,
            scenario,
            accuracy: self.accuracy.as_ref(),
        }
        .all()
    }

    /// The milliseconds of a placement's rank.
    fn ms(&self, placed: &Placed) -> f64 {
        placed.rank.0 as f64 / self.scenario.link.rate.bit_s() as f64 / 1e6
    }

    fn layers(&self, ids: &[String]) -> u32 {
        let layers = self.edge.layers.iter().enumerate();
        let here = layers.filter(|(_, l)| ids.contains(&l.id));
        here.map(|(i, _)| 1 << i).sum()
    }

    /// How much a placement uses of what a limit limits.
    fn used(&self, limit: &str, placed: &Placed) -> Option<i64> {
        match limit.split_once(' ') {
            None if limit == "edge-memory" => Some(placed.edge_memory as i64),
            None => Some(placed.rank.1 as i64),
            Some(("capacity", name)) => {
                let uses = placed.uses.iter().find(|(n, _)| n == name);
                uses.map(|(_, used)| *used as i64)
            }
            Some((_, task)) => placed.drop(task),
        }
    }
}

fn meets_the_rest(placed: &Placed, limit: &str) -> bool {
    placed.breaks.iter().all(|b| b == limit)
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3)
}

fn explained(problem: &Problem, cut: Option<&NamedCut>) -> Option<(Plan, Explanation)> {
    let options = Options::default();
    let plan = match best_plan(problem, &options).unwrap() {
        Outcome::Plan(plan) => plan,
        Outcome::NoPlan(_) => return None,
    };
    let model = ModelProblem {
        name: "alone",
        problem,
        barred: None,
    };
    let found = explain(&[model], 0, &plan, cut, &options, FOREVER).unwrap();
    assert!(found.open.is_empty(), "{:?}", found.open);
    Some((plan, found))
}

/// Cases with a plan, with what is said about it and every placement.
fn cases() -> impl Iterator<Item = (u64, Case, Plan, Explanation, Vec<Placed>)> {
    (0..SEEDS).filter_map(|seed| {
        let case = Case::new(seed);
        let (plan, found) = explained(&case.problem(), None)?;
        let all = case.all();
        Some((seed, case, plan, found, all))
    })
}

#[test]
fn every_limit_costs_and_gives_what_looking_at_everything_says() {
    let (mut looser, mut tighter, mut costly) = (0, 0, 0);
    for (seed, case, plan, found, all) in cases() {
        let least = |placed: &mut dyn Iterator<Item = &Placed>| {
            placed
                .map(|p| p.rank.0)
                .min()
                .map(|rank| rank as f64 / case.scenario.link.rate.bit_s() as f64 / 1e6)
        };
        for reason in &found.limits {
            let name = reason.limit.as_str();
            let rest = || all.iter().filter(|p| meets_the_rest(p, name));
            let free = least(&mut rest()).unwrap();
            assert!(
                near(plan.latency_ms - reason.costs_ms, free),
                "{seed} {name}"
            );
            assert_eq!(
                reason.binds,
                free < plan.latency_ms - 1e-12,
                "{seed} {name}"
            );
            costly += usize::from(reason.binds);
            let Some(uses) = reason.uses else { continue };
            let within = |most: i64| {
                least(&mut rest().filter(|p| case.used(name, p).is_some_and(|u| u <= most)))
            };
            looser += usize::from(check_next(seed, &case, &plan, reason, &all));
            for step in &reason.steps {
                let then = within(reason.allows.unwrap() + step.more).unwrap();
                assert!(near(step.latency_ms, then), "{seed} {name} {step:?}");
            }
            if let Some(tight) = &reason.tighter {
                assert_eq!(tight.at, uses - 1, "{seed} {name}");
                let expected = within(uses - 1);
                let told = tight.to.as_ref().map(|to| to.latency_ms);
                assert_eq!(told.is_some(), expected.is_some(), "{seed} {name}");
                assert!(
                    told.is_none_or(|ms| near(ms, expected.unwrap())),
                    "{seed} {name}"
                );
                tighter += 1;
            }
        }
        if let Some(joint) = &found.together {
            let free = all
                .iter()
                .filter(|p| !p.breaks.iter().any(|b| b == "cannot"));
            let free = least(&mut free.into_iter()).unwrap();
            assert!(near(plan.latency_ms - joint.costs_ms, free), "{seed}");
        }
    }
    assert!(looser > 20 && tighter > 50 && costly > 30);
}

/// The least amount at which anything is faster, and what it is.
fn check_next(seed: u64, case: &Case, plan: &Plan, reason: &LimitReason, all: &[Placed]) -> bool {
    let name = reason.limit.as_str();
    let faster = all.iter().filter(|p| case.ms(p) < plan.latency_ms - 1e-12);
    let rest = faster.filter(|p| meets_the_rest(p, name));
    let uses = rest.filter_map(|p| Some((case.used(name, p)?, p)));
    let uses: Vec<(i64, &Placed)> = uses.collect();
    let least = uses.iter().map(|(uses, _)| *uses).min();
    assert_eq!(
        reason.next.as_ref().map(|next| next.at),
        least,
        "{seed} {name}"
    );
    if let (Some(next), Some(least)) = (&reason.next, least) {
        let there = uses.iter().filter(|(uses, _)| *uses == least);
        let best = there.map(|(_, p)| case.ms(p)).fold(f64::INFINITY, f64::min);
        assert!(
            near(next.to.as_ref().unwrap().latency_ms, best),
            "{seed} {name}"
        );
        assert!(near(plan.latency_ms - next.saves_ms, best), "{seed} {name}");
    }
    least.is_some()
}

/// Whether the plan is among the best of `scenario`.
fn is_best(case: &Case, plan: &Plan, scenario: &Scenario) -> bool {
    let edge = case.layers(&plan.edge);
    let sent = |p: &&Placed| {
        let same = |(tensor, codec): &(String, Codec)| {
            plan.crossing
                .iter()
                .any(|c| c.tensor == *tensor && c.codec == *codec)
        };
        p.edge == edge && p.codecs.iter().all(same)
    };
    let all = case.all_with(scenario);
    let own = all.iter().find(sent).unwrap();
    let meets = all.iter().filter(|p| p.breaks.is_empty());
    let best = meets.map(|p| p.rank.0).min();
    own.breaks.is_empty() && best == Some(own.rank.0)
}

#[test]
fn rates_and_delays_flip_the_plan_exactly_where_looking_at_everything_says() {
    let (mut flipped, mut kept) = (0, 0);
    for (seed, case, plan, found, _) in cases() {
        for flip in &found.flips {
            let with = |value: u64| {
                let mut scenario = case.scenario.clone();
                match flip.of {
                    Condition::Rate => scenario.link.rate = BitRate::from_bit_s(value).unwrap(),
                    _ => scenario.link.delay = Delay(Duration::from_nanos(value)),
                }
                scenario
            };
            let now = match flip.of {
                Condition::Rate => case.scenario.link.rate.bit_s(),
                Condition::Delay => case.scenario.link.delay.ns(),
                _ => continue,
            };
            let place = format!("{seed} {flip:?}");
            match flip.at {
                Some(at) => {
                    let before = if flip.up { at - 1 } else { at + 1 };
                    assert!(!is_best(&case, &plan, &with(at)), "{place}");
                    assert!(is_best(&case, &plan, &with(before)), "{place}");
                    assert!(if flip.up { at > now } else { at < now }, "{place}");
                    let all = case.all_with(&with(at));
                    let best = all.iter().filter(|p| p.breaks.is_empty());
                    let best = best.map(|p| p.rank.0).min().unwrap() as f64;
                    let best = best / with(at).link.rate.bit_s() as f64 / 1e6;
                    let told = flip.to.as_ref().unwrap().latency_ms;
                    assert!(near(told, best), "{place}: {told} {best}");
                    flipped += 1;
                }
                None => {
                    let end = match (flip.of, flip.up) {
                        (Condition::Rate, true) => 100_000_000_000_000,
                        (Condition::Rate, false) => 1,
                        (_, true) => 86_400_000_000_000,
                        (_, false) => 0,
                    };
                    assert!(is_best(&case, &plan, &with(end)), "{place}");
                    kept += 1;
                }
            }
        }
    }
    assert!(flipped > 40 && kept > 100);
}

#[test]
fn speeds_flip_the_plan_where_solving_again_says() {
    let mut flipped = 0;
    for (seed, case, plan, found, _) in cases() {
        let problem = case.problem();
        for flip in &found.flips {
            let with = |value: u64| match flip.of {
                Condition::EdgeTime => with_times(&problem, value, 1_000),
                _ => with_times(&problem, 1_000, value),
            };
            if !matches!(flip.of, Condition::EdgeTime | Condition::ServerTime) {
                continue;
            }
            let stays = |value: u64| {
                let changed = with(value);
                let graph = changed.graph();
                let mut edge = cutpoint_core::graph::LayerSet::empty(graph.layers().len());
                for id in &plan.edge {
                    edge.insert(graph.find_layer(id).unwrap());
                }
                let crossing = plan.crossing.iter();
                let codecs: Vec<_> = crossing
                    .map(|c| (graph.find_tensor(&c.tensor).unwrap(), c.codec))
                    .collect();
                let own = changed.evaluate(&edge, &codecs).unwrap();
                let Outcome::Plan(best) = best_plan(&changed, &Options::default()).unwrap() else {
                    panic!("{seed}");
                };
                near(best.latency_ms, own.latency_ms(changed.time_per_bit()))
            };
            if let Some(at) = flip.at {
                assert!(!stays(at), "{seed} {flip:?}");
                assert!(
                    stays(if flip.up { at - 1 } else { at + 1 }),
                    "{seed} {flip:?}"
                );
                flipped += 1;
            }
        }
    }
    assert!(flipped > 25, "{flipped}");
}

#[test]
fn margins_are_the_smallest_there_are() {
    let (mut some, mut relative) = (0, 0);
    for (seed, case, _, found, all) in cases() {
        let meets: Vec<&Placed> = all.iter().filter(|p| p.breaks.is_empty()).collect();
        let best = meets.iter().map(|p| p.rank).min().unwrap();
        let edge = case.layers(&found.plan.edge);
        // margin, share of the time, layer
        let mut expected: Vec<(f64, f64, String)> = Vec::new();
        for (index, layer) in case.edge.layers.iter().enumerate() {
            let here = edge >> index & 1;
            let us = if here == 1 {
                layer.edge_us
            } else {
                layer.server_us / case.factor
            };
            let moved = meets.iter().filter(|p| p.edge >> index & 1 != here);
            if let (Some(other), true) = (moved.map(|p| p.rank.0).min(), us > 0.0) {
                let rate = case.scenario.link.rate.bit_s() as f64;
                let ms = (other - best.0) as f64 / rate / 1e6;
                expected.push((ms, ms / (us / 1e3), layer.id.clone()));
            }
        }
        expected.sort_by(|a, b| a.0.total_cmp(&b.0));
        let told: Vec<f64> = found.margins.smallest.iter().map(|m| m.grows_ms).collect();
        assert_eq!(told.len(), expected.len().min(5), "{seed}");
        for (told, (ms, ..)) in told.iter().zip(&expected) {
            assert!((told - ms).abs() < 1e-9, "{seed}: {told} {ms}");
        }
        for margin in &found.margins.smallest {
            let own = expected
                .iter()
                .find(|(.., id)| *id == margin.layer)
                .unwrap();
            assert!((margin.grows_ms - own.0).abs() < 1e-9, "{seed}");
            let here = found.plan.edge.contains(&margin.layer);
            assert_eq!(margin.side == Side::Edge, here, "{seed}");
            some += 1;
        }
        let least = expected
            .iter()
            .map(|(_, share, _)| *share)
            .fold(f64::INFINITY, f64::min);
        if let Some(margin) = &found.margins.relative {
            let share = margin.grows_ms / margin.time_ms;
            assert!(
                (share - least).abs() < 1e-6 * (1.0 + least),
                "{seed}: {share} {least}"
            );
            relative += 1;
        } else {
            assert!(expected.is_empty(), "{seed}");
        }
    }
    assert!(some > 120 && relative > 40);
}

/// What limits cost and give is told in terms of the objective, as fresh plans have it.
#[test]
fn limits_cost_and_give_what_is_made_small() {
    let (mut costly, mut looser, mut faster) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut case = Case::new(seed);
        let objectives = [
            Objective::Throughput,
            Objective::Uplink,
            Objective::EdgeTime,
        ];
        case.scenario.objective = objectives[(seed % 3) as usize];
        let problem = case.problem();
        let value = |problem: &Problem| match best_plan(problem, &Options::default()).unwrap() {
            Outcome::Plan(plan) => plan.objective.value,
            Outcome::NoPlan(none) => panic!("{seed}: {}", none.proof),
        };
        let Outcome::Plan(plan) = best_plan(&problem, &Options::default()).unwrap() else {
            continue;
        };
        let own = plan.objective.value;
        let model = ModelProblem {
            name: "alone",
            problem: &problem,
            barred: None,
        };
        let found = explain(&[model], 0, &plan, None, &Options::default(), FOREVER).unwrap();
        for reason in &found.limits {
            let is_own = |limit: &&Limit| limit.to_string() == reason.limit;
            let limit = problem.limits().iter().find(is_own).unwrap();
            let others = problem.limits().iter().filter(|other| *other != limit);
            let free = value(&problem.with_limits(others.cloned().collect()));
            assert!(near(own - reason.costs, free), "{seed} {limit}");
            costly += usize::from(reason.costs > 0.0);
            for step in &reason.steps {
                let loose = problem.with_limit_allowing(limit, reason.allows.unwrap() + step.more);
                assert!(near(own - step.saves, value(&loose)), "{seed} {limit}");
            }
            if let Some(next) = &reason.next {
                let at = |amount| value(&problem.with_limit_allowing(limit, amount));
                assert!(near(own - next.saves, at(next.at)), "{seed} {limit}");
                assert!(near(next.to.as_ref().unwrap().value, at(next.at)));
                assert!(near(own, at(next.at - 1)), "{seed} {limit}");
                looser += 1;
            }
        }
        let rate = problem.link().rate.bit_s();
        for step in &found.faster_link {
            let there = BitRate::from_bit_s(rate + step.more.unsigned_abs()).unwrap();
            let there = value(&problem.with_rate(there));
            assert!(near(own - step.saves, there), "{seed}");
            faster += usize::from(step.saves > 0.0);
        }
    }
    assert!(
        costly > 10 && looser > 8 && faster > 5,
        "{costly} {looser} {faster}"
    );
}

fn sum(parts: Breakdown) -> f64 {
    parts.edge + parts.encode + parts.uplink + parts.decode + parts.server + parts.downlink
}

#[test]
fn a_named_cut_is_compared_at_its_best() {
    let (mut met, mut broken, mut barred, mut meet, mut wider) = (0, 0, 0, 0, 0);
    for seed in 0..SEEDS {
        let case = Case::new(seed);
        let problem = case.problem();
        let all = case.all();
        let mut dice = Dice(seed ^ 0xc07);
        for _ in 0..4 {
            let tensors = dice.within(1, 2);
            let names: Vec<&str> = (0..tensors)
                .map(|_| dice.below(case.edge.tensors.len() as u64) as usize)
                .map(|index| case.edge.tensors[index].name.as_str())
                .collect();
            let graph = problem.graph();
            let mut ids: Vec<TensorId> = names
                .iter()
                .map(|n| graph.find_tensor(n).unwrap())
                .collect();
            ids.sort_unstable();
            ids.dedup();
            let local = graph.inputs().iter().copied();
            let local: Vec<TensorId> = local.filter(|t| problem.model().is_local(*t)).collect();
            let Ok(edge) = graph.edge_of_cut(&ids, &local) else {
                continue;
            };
            let cut = NamedCut { tensors: ids, edge };
            let Some((plan, found)) = explained(&problem, Some(&cut)) else {
                continue;
            };
            let why = found.why_not.unwrap();
            let bits: u32 = cut.edge.iter().map(|l| 1 << l.index()).sum();
            let here: Vec<&Placed> = all.iter().filter(|p| p.edge == bits).collect();
            if why.chosen {
                assert_eq!(case.layers(&plan.edge), bits, "{seed}");
                continue;
            }
            assert_eq!(
                why.barred.is_empty(),
                !here.is_empty(),
                "{seed} {:?}",
                why.barred
            );
            let Some(told) = &why.cut else {
                assert!(here.is_empty(), "{seed}");
                barred += 1;
                continue;
            };
            let set_aside: Vec<String> = why.breaks.iter().map(|b| b.limit.to_string()).collect();
            let fit = here
                .iter()
                .filter(|p| p.breaks.iter().all(|b| set_aside.contains(b)));
            let best = fit.map(|p| case.ms(p)).fold(f64::INFINITY, f64::min);
            assert!(near(told.latency_ms, best), "{seed} {names:?}: {why:?}");
            let can = here.iter().any(|p| p.breaks.is_empty());
            assert_eq!(set_aside.is_empty(), can, "{seed} {names:?} {set_aside:?}");
            met += usize::from(can);
            broken += usize::from(!can);
            let parts = why.difference_ms.unwrap();
            assert!((sum(parts) - (told.latency_ms - plan.latency_ms)).abs() < 1e-9);
            if told.latency_ms >= plan.latency_ms {
                meet += usize::from(check_meeting(&case, &plan, told, bits, why.faster.as_ref()));
            }
            let crossing = cut.tensors.iter().map(|t| graph.tensor(*t).name.clone());
            let crossing: Vec<String> = crossing.collect();
            wider += usize::from(check_wider(
                &case,
                &all,
                &crossing,
                bits,
                why.containing.as_ref(),
            ));
        }
    }
    assert!(met > 15 && broken > 15 && barred > 5 && meet > 8 && wider > 15);
}

/// The rate at which a cut becomes faster than the plan.
fn check_meeting(
    case: &Case,
    plan: &Plan,
    told: &Contender,
    edge: u32,
    flip: Option<&Breakpoint>,
) -> bool {
    let at = |rate: u64, edge: u32, crossing: &[cutpoint_core::plan::Crossing]| {
        let mut scenario = case.scenario.clone();
        scenario.link.rate = BitRate::from_bit_s(rate).unwrap();
        let same = |(tensor, codec): &(String, Codec)| {
            crossing
                .iter()
                .any(|c| c.tensor == *tensor && c.codec == *codec)
        };
        let all = case.all_with(&scenario);
        let own = all
            .iter()
            .find(|p| p.edge == edge && p.codecs.iter().all(same));
        own.unwrap().rank.0
    };
    let plans = case.layers(&plan.edge);
    let faster = |rate| at(rate, edge, &told.crossing) < at(rate, plans, &plan.crossing);
    match flip.and_then(|flip| Some((flip.up, flip.at?))) {
        Some((up, rate)) => {
            assert!(faster(rate));
            assert!(!faster(if up { rate - 1 } else { rate + 1 }));
            true
        }
        None => {
            assert!(!faster(1) && !faster(100_000_000_000_000));
            false
        }
    }
}

/// The best plan in which the tensors cross, maybe with others.
fn check_wider(
    case: &Case,
    all: &[Placed],
    crossing: &[String],
    edge: u32,
    told: Option<&Contender>,
) -> bool {
    let oracle = Oracle {
        edge: &case.edge,
        factor: case.factor,
        scenario: &case.scenario,
        accuracy: None,
    };
    let crosses = |p: &Placed, name: &String| {
        let made = oracle.producer(name).is_none_or(|l| p.edge >> l & 1 == 1);
        let readers = oracle.readers(name);
        // a result that nobody reads only has to be made on the edge
        let read = readers.is_empty() || readers.iter().any(|r| p.edge >> r & 1 == 0);
        let wanted = p.codecs.iter().any(|(t, _)| t == name);
        made && (read || wanted)
    };
    let meets = all.iter().filter(|p| p.breaks.is_empty());
    let with = meets.filter(|p| crossing.iter().all(|name| crosses(p, name)));
    let best = with.min_by_key(|p| p.rank);
    let expected = best.filter(|p| p.edge != edge).map(|p| case.ms(p));
    // among equals, either may be told
    match (told, expected) {
        (Some(told), Some(ms)) => assert!(near(told.latency_ms, ms), "{told:?} {ms}"),
        (None, None) => {}
        (told, expected) => {
            let own = all.iter().filter(|p| p.edge == edge && p.breaks.is_empty());
            let own = own.map(|p| case.ms(p)).fold(f64::INFINITY, f64::min);
            let other = expected.or(told.map(|t| t.latency_ms)).unwrap();
            assert!(near(own, other), "{told:?} {expected:?}");
        }
    }
    told.is_some()
}

#[test]
fn a_joint_relaxation_is_enough_and_one_part_less_is_not() {
    let mut relaxed = 0;
    for seed in 0..2 * SEEDS {
        let mut case = Case::new(seed);
        // hard to meet
        let limits = &mut case.scenario.limits;
        let mut dice = Dice(seed ^ 0x9e1a);
        limits.edge_memory = Some(Bytes(dice.within(1, 3_000)));
        limits.max_uplink = Some(Bytes(dice.within(0, 300)));
        let problem = case.problem();
        let Outcome::NoPlan(none) = best_plan(&problem, &Options::default()).unwrap() else {
            continue;
        };
        let amounts = problem.limits().iter();
        let amounts = amounts.filter_map(|l| Some((l.to_string(), l.allows()?)));
        let limits: Vec<(String, i64)> = amounts.collect();
        let demand = |p: &Placed| Demand {
            breaks: p.breaks.clone(),
            uses: limits.iter().map(|(name, _)| case.used(name, p)).collect(),
            latency_ms: case.ms(p),
        };
        let demands: Vec<Demand> = case.all().iter().map(demand).collect();
        let given = check_relaxation(&none, &limits, &demands, true);
        let Some(relaxation) = none.relaxation.as_ref().filter(|_| given) else {
            continue;
        };
        // as it is said, it is feasible
        let mut loose = problem.clone();
        for conflict in &relaxation.limits {
            let limit = loose.limits().iter().find(|l| l.name() == conflict.limit);
            let limit = limit.unwrap().clone();
            let amounts = &conflict.amounts;
            let amount = amounts.least_bytes().or(amounts.least_units());
            let amount = amount.map(|a| a as i64);
            let drop = amounts.least_drop().map(|drop| (drop * 1e6).round() as i64);
            loose = loose.with_limit_allowing(&limit, amount.or(drop).unwrap());
        }
        let solved = best_plan(&loose, &Options::default()).unwrap();
        assert!(matches!(solved, Outcome::Plan(_)), "{seed}");
        relaxed += 1;
    }
    assert!(relaxed > 30);
}

#[test]
fn rates_flip_to_other_models_where_the_sweep_switches() {
    let mut switched = 0;
    for seed in 0..60 {
        let (one, two) = (Case::new(2 * seed + 1), Case::new(2 * seed + 201));
        let mut other = two.scenario;
        other.link = one.scenario.link;
        let two = Case {
            scenario: other,
            ..two
        };
        let problems = [one.problem(), two.problem()];
        let model = |(index, problem)| ModelProblem {
            name: ["one", "two"][index],
            problem,
            barred: None,
        };
        let models: Vec<ModelProblem<'_>> = problems.iter().enumerate().map(model).collect();
        let options = Options::default();
        let Chosen::Plan(winner, plan) = choose(&models, &options).unwrap() else {
            continue;
        };
        let found = explain(&models, winner, &plan, None, &options, FOREVER).unwrap();
        let rate = one.scenario.link.rate;
        let ends = [
            BitRate::from_bit_s(1).unwrap(),
            BitRate::from_bit_s(100_000_000_000_000).unwrap(),
        ];
        let swept = |from, to| {
            sweep_models(&models, RateRange { from, to }, &options)
                .unwrap()
                .0
        };
        let (slow, fast) = (swept(ends[0], rate), swept(rate, ends[1]));
        let at = |up: bool| {
            let mut flips = found.flips.iter();
            let flip = flips.find(|f| f.of == Condition::Rate && f.up == up);
            flip.unwrap().at
        };
        let above = fast.segments.get(1).map(|segment| segment.from_bit_s);
        // where both are equally fast, the plan is not beaten yet
        let tied = above.filter(|above| {
            let at = |segment: &Segment| segment.latency.at_bit_s(*above as f64);
            let (own, other) = (at(&fast.segments[0]), at(&fast.segments[1]));
            (own - other).abs() <= 1e-12 * own
        });
        assert_eq!(at(true), tied.map(|at| at + 1).or(above), "{seed}");
        // below, the next plan is the best up to the bit before
        let last = slow.segments.last().unwrap();
        let below = (slow.segments.len() > 1 && last.from_bit_s < rate.bit_s())
            .then(|| last.from_bit_s - 1);
        if let Some(below) = below {
            // where both are equally fast, the plan is not beaten yet
            let told = at(false).unwrap();
            assert!(told <= below && told + 2 > below, "{seed}");
        }
        switched += usize::from(above.is_some()) + usize::from(below.is_some());
    }
    assert!(switched > 20);
}

#[test]
fn without_time_every_question_is_left_open() {
    let case = Case::new(4);
    let problem = case.problem();
    let options = Options::default();
    let Outcome::Plan(plan) = best_plan(&problem, &options).unwrap() else {
        panic!()
    };
    let model = ModelProblem {
        name: "",
        problem: &problem,
        barred: None,
    };
    let found = explain(&[model], 0, &plan, None, &options, Duration::ZERO).unwrap();
    assert!(found.flips.is_empty() && found.limits.is_empty());
    assert!(
        found
            .open
            .iter()
            .all(|question| question.ends_with("no time left"))
    );
    assert!(found.open.len() > 4, "{:?}", found.open);
}
