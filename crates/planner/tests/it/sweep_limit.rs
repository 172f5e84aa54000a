//! Sweeps over limits, delays and both rates and delays, against fresh solves of scenarios with the
//! amount typed in.

use std::time::Duration;

use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::{Power, Profile};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};
use cutpoint_planner::parametric::{map, sweep_limit};
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{
    Deadline, Floor, FrameRate, MaxDrop, Objective, ParameterRange, Results, Scenario, Schedule,
    SweepParameter,
};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{ModelProblem, Options, SolveError};
use cutpoint_testkit::Dice;
use cutpoint_testkit::random::{accuracy, network, random_scenario};
use cutpoint_testkit::rank_of::rank_of;
use proptest::prelude::*;

struct Case {
    edge: Profile,
    accuracy: CodecAccuracy,
    scenario: Scenario,
    over: ParameterRange,
}

impl Case {
    fn new(seed: u64, layers: usize) -> Case {
        let mut dice = Dice(seed ^ 0x0ef);
        let mut edge = network(seed, layers);
        edge.power = Some(Power {
            compute_w: dice.within(1, 5) as f64,
            transmit_w: dice.within(1, 5) as f64,
            idle_w: dice.below(2) as f64 / 2.0,
        });
        for (index, layer) in edge.layers.iter_mut().enumerate() {
            layer.uses.insert("units".to_owned(), index as u32 % 4);
        }
        let mut scenario = random_scenario(seed, &edge);
        if dice.percent(60) {
            scenario.limits = Default::default();
        }
        let objectives = [
            Objective::Latency,
            Objective::Weighted,
            Objective::Energy,
            Objective::Throughput,
            Objective::Uplink,
            Objective::EdgeTime,
        ];
        if dice.percent(60) {
            scenario.objective = objectives[dice.below(6) as usize];
        }
        scenario.then = dice.percent(40).then(|| objectives[dice.below(6) as usize]);
        if dice.percent(50) {
            scenario.limits.deadlines.push(Deadline {
                task: None,
                most: Delay(Duration::from_micros(dice.within(50, 3_000))),
            });
        }
        let accuracy = accuracy(seed, &edge);
        let over = ParameterRange {
            parameter: Quantity::EdgeMemory.into(),
            from: 0,
            to: 0,
        };
        let mut case = Case {
            edge,
            accuracy,
            scenario,
            over,
        };
        case.choose(&mut dice);
        case
    }

    /// What is varied, around what the best plan without that limit uses.
    fn choose(&mut self, dice: &mut Dice) {
        let task = self.tasks().first().cloned();
        let limits = &mut self.scenario.limits;
        let limited_tasks = task.is_some();
        let task = task.unwrap_or_default();
        let (quantity, of) = match dice.below(15) {
            // a network may be without outputs
            8..=11 if !limited_tasks => (Quantity::EdgeMemory, None),
            0 => (Quantity::EdgeMemory, None),
            1 => (Quantity::ServerMemory, None),
            2 => (Quantity::MaxUplink, None),
            3 => (Quantity::MaxDownlink, None),
            4 => (Quantity::MaxMessage, None),
            5 => (Quantity::MaxEnergy, None),
            6 => (Quantity::MaxPower, None),
            7 => (Quantity::LinkShare, None),
            8 => (Quantity::Deadline, Some(task)),
            9 => (Quantity::Deadline, None),
            10 => (Quantity::MaxDrop, dice.percent(50).then_some(task)),
            11 => (Quantity::Floor, Some(task)),
            12 => (Quantity::Capacity, Some("units".to_owned())),
            13 => (Quantity::Fps, None),
            _ => (Quantity::Delay, None),
        };
        let for_all = of.is_none();
        self.over.parameter = SweepParameter { quantity, of };
        match quantity {
            Quantity::EdgeMemory => limits.edge_memory = None,
            Quantity::MaxUplink => limits.max_uplink = None,
            Quantity::MaxPower | Quantity::LinkShare => limits.fps = FrameRate::new(500.0),
            Quantity::Deadline if for_all => limits.deadlines.clear(),
            _ => {}
        }
        // so that sending pays
        let sends = matches!(
            quantity,
            Quantity::MaxUplink | Quantity::MaxDrop | Quantity::Floor
        );
        if sends && dice.percent(80) {
            self.scenario.link.rate = BitRate::from_bit_s(1_000_000_000).unwrap();
            self.scenario.link.delay = Delay::default();
            limits.keep_on_edge.clear();
            self.scenario.codecs = vec![Codec::F32, Codec::F16, Codec::Q8];
            self.scenario.measured_codecs = true;
        }
        let timed = matches!(quantity, Quantity::Deadline | Quantity::Delay);
        if !timed && dice.percent(30) {
            self.scenario.schedule = Schedule::Overlap;
        }
        let (from, to) = match quantity {
            Quantity::EdgeMemory | Quantity::ServerMemory => (0, 60_000),
            Quantity::MaxUplink | Quantity::MaxDownlink | Quantity::MaxMessage => (0, 20_000),
            Quantity::MaxEnergy => (0, 50_000_000),
            Quantity::MaxPower => (0, 20_000_000),
            Quantity::LinkShare => (0, 3_000_000),
            Quantity::Deadline => (0, 20_000_000),
            Quantity::MaxDrop => (0, 60_000),
            Quantity::Floor => (0, 4_000_000),
            Quantity::Capacity => (0, 12),
            Quantity::Fps => (10, 5_000_000),
            _ => (0, 5_000_000),
        };
        (self.over.from, self.over.to) = (from, to);
        if dice.percent(30) {
            // a few amounts only, around one where something changes
            let ends = self.ends();
            if let Some(end) = ends.get(dice.below(ends.len().max(1) as u64) as usize) {
                self.over.from = end.saturating_sub(20).max(from);
                self.over.to = (end + 20).min(to);
            }
        }
    }

    /// Where the plans of the whole range change.
    fn ends(&self) -> Vec<u64> {
        match self.sweep() {
            Ok(found) => found.segments.iter().map(|segment| segment.from).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn tasks(&self) -> Vec<String> {
        match self.edge.tasks.as_slice() {
            [] => self.edge.outputs.iter().map(|o| o.name.clone()).collect(),
            tasks => tasks.iter().map(|task| task.name.clone()).collect(),
        }
    }

    /// The scenario with an amount typed in.
    fn at(&self, amount: u64) -> Scenario {
        let mut scenario = self.scenario.clone();
        let limits = &mut scenario.limits;
        let time = Delay(Duration::from_nanos(amount));
        let SweepParameter { quantity, of } = &self.over.parameter;
        let name = of.clone().unwrap_or_default();
        match quantity {
            Quantity::EdgeMemory => limits.edge_memory = Some(Bytes(amount)),
            Quantity::ServerMemory => limits.server_memory = Some(Bytes(amount)),
            Quantity::MaxUplink => limits.max_uplink = Some(Bytes(amount)),
            Quantity::MaxDownlink => limits.max_downlink = Some(Bytes(amount)),
            Quantity::MaxMessage => limits.max_message = Some(Bytes(amount)),
            Quantity::MaxEnergy => limits.max_energy = Some(Energy(amount)),
            Quantity::MaxPower => limits.max_power = Some(Watts(amount)),
            Quantity::LinkShare => limits.link_share = Some(Share(amount)),
            Quantity::Deadline => limits.deadlines.push(Deadline {
                task: of.clone(),
                most: time,
            }),
            Quantity::MaxDrop => limits.accuracy.drops.push(MaxDrop {
                task: of.clone(),
                most: Share(amount),
            }),
            Quantity::Floor => limits.accuracy.floors.push(Floor {
                task: name,
                value: amount as f64 / 1e6,
            }),
            Quantity::Capacity => {
                limits.capacities.insert(name, amount);
            }
            Quantity::Fps => limits.fps = FrameRate::new(amount as f64 / 1e3),
            Quantity::Delay => scenario.link.delay = time,
            _ => {}
        }
        scenario
    }

    fn problem(&self, scenario: &Scenario) -> Problem {
        let server = Server::faster(2.0);
        Problem::with_accuracy(&self.edge, &server, scenario, Some(&self.accuracy)).unwrap()
    }

    fn sweep(&self) -> Result<cutpoint_core::plan::LimitSweep, SolveError> {
        let scenario = self.at(self.over.loosest());
        let problem = self.problem(&scenario);
        let model = ModelProblem {
            name: "",
            problem: &problem,
            barred: None,
        };
        sweep_limit(&[model], &self.over, &scenario, &Options::default()).map(|(found, _)| found)
    }

    /// Amounts to compare at: all of a short range; else both ends of each segment and some more.
    fn amounts(&self, ends: &[(u64, u64)], dice: &mut Dice) -> Vec<u64> {
        let over = &self.over;
        if over.steps() <= 50 {
            return (over.from..=over.to).collect();
        }
        let mut amounts = vec![over.from, over.to];
        for (from, to) in ends {
            amounts.extend([*from, from.saturating_sub(1), *to, to + 1]);
        }
        amounts.extend((0..6).map(|_| dice.within(over.from, over.to)));
        amounts.retain(|amount| (over.from..=over.to).contains(amount));
        amounts
    }
}

fn fresh(problem: &Problem) -> Option<Plan> {
    match best_plan(problem, &Options::default()).unwrap() {
        Outcome::Plan(plan) => Some(plan),
        Outcome::NoPlan(_) => None,
    }
}

/// At an amount, the sweep's plan and a fresh one are worth the same, or there is neither.
fn check_at(problem: &Problem, swept: Option<&Plan>, what: &str) {
    let best = fresh(problem).map(|plan| rank_of(problem, &plan).expect("it meets the limits"));
    let swept =
        swept.map(|plan| rank_of(problem, plan).expect("the sweep's plan meets the limits"));
    assert_eq!(swept, best, "{what}");
}

fn check(case: &Case) {
    let mut dice = Dice(case.edge.layers.len() as u64 ^ case.over.to);
    let found = match case.sweep() {
        Ok(found) => found,
        Err(SolveError::Infeasible(_)) => {
            let problem = case.problem(&case.at(case.over.loosest()));
            assert!(fresh(&problem).is_none());
            return;
        }
        Err(other) => panic!("{other}"),
    };
    for pair in found.segments.windows(2) {
        assert_eq!(pair[0].to + 1, pair[1].from);
    }
    let ends: Vec<(u64, u64)> = found.segments.iter().map(|s| (s.from, s.to)).collect();
    let (first, last) = (ends[0].0, ends[ends.len() - 1].1);
    assert_eq!(found.no_plan_below.unwrap_or(case.over.from), first);
    assert_eq!(found.no_plan_above.unwrap_or(case.over.to), last);
    for amount in case.amounts(&ends, &mut dice) {
        let problem = case.problem(&case.at(amount));
        let segment = found.at(amount);
        let what = format!("{} at {amount}", case.over.parameter);
        check_at(&problem, segment.map(|segment| &segment.plan), &what);
        if let Some((segment, line)) = segment.and_then(|s| Some((s, s.latency?))) {
            let plan = fresh(&problem).unwrap();
            let latency = line.fixed_ms + line.delays as f64 * amount as f64 / 1e6;
            if plan.edge == segment.plan.edge && plan.crossing == segment.plan.crossing {
                assert!((latency - plan.latency_ms).abs() <= 1e-9 * latency.max(1.0));
            }
        }
        if segment.is_some_and(|segment| segment.from == amount) {
            // the numbers of the plan are those of a fresh one
            let plan = fresh(&problem).unwrap();
            let swept = &segment.unwrap().plan;
            if plan.edge == swept.edge && plan.crossing == swept.crossing {
                assert_eq!(swept.latency_ms, plan.latency_ms, "{what}");
                assert_eq!(swept.breakdown_ms, plan.breakdown_ms, "{what}");
                assert_eq!(swept.setting, plan.setting, "{what}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn sweeps_equal_fresh_plans_at_every_amount(seed in any::<u64>(), layers in 1_usize..=6) {
        check(&Case::new(seed, layers));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_cells_of_a_map_equal_fresh_plans(seed in any::<u64>(), layers in 1_usize..=6) {
        let case = Case::new(seed, layers);
        let problem = case.problem(&case.scenario);
        let model = ModelProblem { name: "", problem: &problem, barred: None };
        let rates = "100kbit/s..10Gbit/s".parse().unwrap();
        let delays = [0, 1_000, 50_000, 1_000_000, 30_000_000];
        let mut dice = Dice(seed);
        let found = match map(&[model], rates, &delays, &Options::default()) {
            Ok((found, _)) => found,
            Err(SolveError::Infeasible(_)) => return Ok(()),
            Err(other) => panic!("{other}"),
        };
        for (index, delay) in delays.iter().enumerate() {
            let mut rates = vec![100_000, 10_000_000_000];
            rates.extend(found.rows[index].segments.iter().map(|s| s.from_bit_s));
            rates.extend((0..3).map(|_| 10_u64.pow(5 + dice.below(5) as u32) * dice.within(1, 9)));
            for rate in rates {
                let mut scenario = case.scenario.clone();
                scenario.link.rate = BitRate::from_bit_s(rate).unwrap();
                scenario.link.delay = Delay(Duration::from_nanos(*delay));
                let number = found.at(index, rate);
                let plan = number.map(|number| &found.plans[number - 1].plan);
                check_at(&case.problem(&scenario), plan, &format!("{delay} ns, {rate} bit/s"));
            }
        }
    }
}

/// The random cases exercise what they are meant to.
#[test]
fn random_sweeps_are_of_every_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    let mut short = 0;
    for seed in 0..400_u64 {
        let case = Case::new(seed.wrapping_mul(0x9e37_79b9), 2 + (seed % 5) as usize);
        short += usize::from(case.over.steps() <= 50 && case.over.steps() > 12);
        let name = case.over.parameter.to_string();
        let name = name.split(':').next().unwrap().to_owned();
        let segments = case.ends().len();
        let most = kinds.entry(name).or_insert(0);
        *most = segments.max(*most);
    }
    println!("{kinds:#?} {short}");
    assert_eq!(kinds.len(), 14, "{kinds:#?}");
    assert!(kinds.values().all(|most| *most >= 2), "{kinds:#?}");
    assert!(short > 20, "{short}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn sweeps_over_delays_of_what_is_no_line_miss_no_plan(seed in any::<u64>(), layers in 1_usize..=6) {
        let mut case = Case::new(seed, layers);
        let mut dice = Dice(seed);
        case.over = "delay=0ms..3ms".parse().unwrap();
        let objectives = [Objective::Lateness, Objective::Latency, Objective::Energy];
        case.scenario.objective = objectives[dice.below(3) as usize];
        if dice.percent(60) || case.scenario.objective != Objective::Lateness {
            case.scenario.schedule = Schedule::Overlap;
        }
        for task in case.tasks() {
            let most = Delay(Duration::from_micros(dice.within(50, 3_000)));
            case.scenario.limits.deadlines.push(Deadline { task: Some(task), most });
        }
        if let Ok(found) = case.sweep() {
            prop_assert_eq!(found.resolution, None);
        }
        check(&case);
    }
}

/// Two tasks, the second due 13.4 ms after the first and wanted on the board, so that it waits for
/// the link twice. The first one on the board waits for no link, but keeps what the second needs from
/// being sent, which is larger, too: best only for delays from 3.95 to 4 ms, with the same other plan
/// for shorter and for longer ones.
#[test]
fn a_plan_that_is_best_for_a_few_delays_alone_is_found() {
    let mut net = cutpoint_testkit::Net::new(1);
    let image = net.input("image", 12_500);
    let stem = net.layer(&[image], 65_150, 2_500.0);
    for edge_us in [2_500.0, 1e6] {
        let head = net.layer(std::slice::from_ref(&stem), 10, edge_us);
        net.output(&head);
    }
    let mut scenario = cutpoint_testkit::scenario("400Mbit/s", "0 ms");
    scenario.objective = Objective::Lateness;
    scenario.task_results = vec![("t1".to_owned(), Results::Anywhere)];
    for (task, most) in [("t1", "1 ms"), ("t2", "14.4 ms")] {
        let deadline = format!("{task}={most}").parse().unwrap();
        scenario.limits.deadlines.push(deadline);
    }
    let edge = net.done();
    let at = |delay_ns: u64| {
        let mut scenario = scenario.clone();
        scenario.link.delay = Delay(Duration::from_nanos(delay_ns));
        Problem::new(&edge, &Server::faster(1e6), &scenario).unwrap()
    };
    let problem = at(0);
    let model = ModelProblem {
        name: "",
        problem: &problem,
        barred: None,
    };
    let over: ParameterRange = "delay=0ms..100ms".parse().unwrap();
    let (found, _) = sweep_limit(&[model], &over, &scenario, &Options::default()).unwrap();
    assert_eq!(found.resolution, None);
    let layers: Vec<usize> = found.segments.iter().map(|s| s.plan.edge.len()).collect();
    assert_eq!(layers, [0, 2, 0]);
    let narrow = &found.segments[1];
    assert!(narrow.to - narrow.from < 200_000, "{narrow:?}");
    for (delay, is_best) in [
        (narrow.from - 1, false),
        (narrow.from, true),
        (narrow.to, true),
        (narrow.to + 1, false),
    ] {
        let plan = fresh(&at(delay)).unwrap();
        assert_eq!(plan.edge == narrow.plan.edge, is_best, "{delay}");
    }
}

/// Objectives and orders of work that deadlines decide about.
#[test]
fn what_cannot_be_swept_over_is_refused() {
    let edge = cutpoint_testkit::multi_head(12, 3);
    let mut scenario = cutpoint_testkit::scenario("10Mbit/s", "1 ms");
    scenario.limits.deadlines.push("1 s".parse().unwrap());
    let refused = |scenario: &Scenario, over: &str| {
        let problem = Problem::new(&edge, &Server::faster(2.0), scenario).unwrap();
        let model = ModelProblem {
            name: "",
            problem: &problem,
            barred: None,
        };
        let over: ParameterRange = over.parse().unwrap();
        let found = sweep_limit(&[model], &over, scenario, &Options::default());
        found.map(|_| ()).unwrap_err().to_string()
    };
    let overlap = Scenario {
        schedule: Schedule::Overlap,
        ..scenario.clone()
    };
    assert!(refused(&overlap, "deadline=1ms..9s").contains("--schedule"));
    let late = Scenario {
        objective: Objective::Lateness,
        ..scenario.clone()
    };
    assert!(refused(&late, "deadline=1ms..9s").contains("goals"));
    let none = refused(&scenario, "deadline=1us..2us");
    assert_eq!(none, "no plan meets the limits");
}
