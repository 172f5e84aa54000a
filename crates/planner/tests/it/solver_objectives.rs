//! Objectives, deadlines, frame rates, energy, sides of single tasks and heads overlapped with the transfer:
//! the planner against the naive evaluator over all placements, codecs and orders of work.

use cutpoint_core::plan::{Amounts, Hysteresis, Lookup, NoPlan, Plan, Status};
use cutpoint_core::profile::{LayerRecord, Power, Profile};
use cutpoint_core::units::{BitRate, Bytes, Delay, Energy, Share, Watts};
use cutpoint_planner::parametric::{sweep, switches};
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{
    Deadline, FrameRate, Objective, Results, Scenario, Schedule, Weight,
};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{EngineChoice, ModelProblem, Options, SolveError};
use cutpoint_testkit::Dice;
use cutpoint_testkit::objectives::Weighed;
use cutpoint_testkit::oracle::Oracle;
use cutpoint_testkit::random::{network, random_scenario};
use cutpoint_testkit::rank_of::rank_of;
use cutpoint_testkit::relaxations::{Demand, check_relaxation};
use proptest::prelude::*;

const FACTOR: f64 = 2.0;

struct Case {
    edge: Profile,
    scenario: Scenario,
}

impl Case {
    fn new(seed: u64, layers: usize) -> Case {
        let mut dice = Dice(seed ^ 0xa135);
        let mut edge = network(seed, layers);
        if seed % 7 == 3 {
            // every output is a task
            edge.tasks.clear();
        }
        edge.power = Some(Power {
            compute_w: dice.within(1, 5) as f64,
            transmit_w: dice.within(1, 5) as f64,
            idle_w: dice.below(2) as f64 / 2.0,
        });
        let mut scenario = random_scenario(seed, &edge);
        if dice.percent(60) {
            scenario.limits = Default::default();
        }
        let mut case = Case { edge, scenario };
        case.require(&mut dice);
        case.tighten(&mut dice);
        case
    }

    fn oracle(&self) -> Oracle<'_> {
        Oracle {
            edge: &self.edge,
            factor: FACTOR,
            scenario: &self.scenario,
            accuracy: None,
        }
    }

    fn problem(&self) -> Problem {
        Problem::new(&self.edge, &Server::faster(FACTOR), &self.scenario).unwrap()
    }

    /// Objectives, weights, sides and the schedule.
    fn require(&mut self, dice: &mut Dice) {
        let tasks: Vec<String> = self.oracle().tasks().into_iter().map(|(t, _)| t).collect();
        let objective = |dice: &mut Dice| Objective::ALL[dice.below(7) as usize];
        let scenario = &mut self.scenario;
        scenario.objective = objective(dice);
        scenario.then = dice.percent(40).then(|| objective(dice));
        if dice.percent(40) {
            scenario.schedule = Schedule::Overlap;
        }
        for task in &tasks {
            if dice.percent(25) {
                let sides = [Results::Edge, Results::Server, Results::Anywhere];
                let side = sides[dice.below(3) as usize];
                scenario.task_results.push((task.clone(), side));
            }
            if dice.percent(30) {
                scenario.weights.push(Weight {
                    task: task.clone(),
                    thousandths: dice.below(4) as u32 * 700,
                });
            }
        }
    }

    /// Limits exactly at what some placement needs, or one below.
    fn tighten(&mut self, dice: &mut Dice) {
        let tasks: Vec<String> = self.oracle().tasks().into_iter().map(|(t, _)| t).collect();
        // so that everything is weighed against a frame rate
        self.scenario.limits.fps = FrameRate::new(1000.0);
        let all = self.oracle().weighed();
        self.scenario.limits.fps = None;
        let some = |dice: &mut Dice| all.get(dice.below(all.len().max(1) as u64) as usize);
        let amount = |dice: &mut Dice, name: &str| {
            let used = some(dice)?.used(name)? - i128::from(dice.percent(30));
            Some(u64::try_from(used.max(0)).unwrap())
        };
        let limits = &mut self.scenario.limits;
        for task in &tasks {
            if dice.percent(35)
                && let Some(ns) = amount(dice, &format!("deadline {task}"))
            {
                limits.deadlines.push(Deadline {
                    task: Some(task.clone()),
                    most: Delay(std::time::Duration::from_nanos(ns)),
                });
            }
        }
        if self.scenario.objective == Objective::Lateness && limits.deadlines.is_empty() {
            limits.deadlines.push(Deadline {
                task: None,
                most: "5 us".parse().unwrap(),
            });
        }
        let kind = dice.below(9);
        let few = dice.percent(70);
        let wanted = |dice: &mut Dice, index| kind == index || !few && dice.percent(30);
        if wanted(dice, 0) {
            limits.server_memory = amount(dice, "server-memory").map(Bytes);
        }
        if wanted(dice, 1) {
            limits.max_downlink = amount(dice, "max-downlink").map(Bytes);
        }
        if wanted(dice, 2) {
            limits.max_message = amount(dice, "max-message").map(Bytes);
        }
        if wanted(dice, 3) {
            limits.max_energy = amount(dice, "max-energy").map(Energy);
        }
        if wanted(dice, 4)
            && let Some(placed) = some(dice)
        {
            let period = placed.used("fps").unwrap() as f64;
            limits.fps = FrameRate::new(1e9 / period.max(1e3));
        }
        if wanted(dice, 5) {
            limits.fps = limits.fps.or(FrameRate::new(1000.0));
            limits.link_share = amount(dice, "link-share").map(Share);
        }
        if wanted(dice, 6) {
            limits.fps = limits.fps.or(FrameRate::new(1000.0));
            limits.max_power = amount(dice, "max-power").map(Watts);
        }
        if wanted(dice, 7) {
            limits.min_depth = Some(dice.below(3) as u32);
        }
        if dice.percent(20) && self.edge.layers.iter().any(|l| !l.uses.is_empty()) {
            limits.capacities.insert("BRAM".to_owned(), dice.below(8));
        }
    }

    fn layer_bits(&self, ids: &[String]) -> u32 {
        let layers = self.edge.layers.iter().enumerate();
        let here = layers.filter(|(_, l)| ids.contains(&l.id));
        here.map(|(i, _)| 1 << i).sum()
    }
}

fn best(all: &[Weighed]) -> Option<&Weighed> {
    let allowed = all.iter().filter(|w| w.breaks.is_empty());
    allowed.min_by_key(|w| w.rank)
}

fn find<'a>(case: &Case, all: &'a [Weighed], plan: &Plan) -> &'a Weighed {
    let (edge, local) = (case.layer_bits(&plan.edge), case.layer_bits(&plan.local));
    let codecs: Vec<_> = plan
        .crossing
        .iter()
        .map(|c| (c.tensor.clone(), c.codec))
        .collect();
    let this = |w: &&Weighed| w.edge == edge && w.local == local && w.codecs == codecs;
    all.iter().find(this).expect("no such placement")
}

fn close(value: f64, exact: i128, rate: f64) {
    let expected = exact as f64 / rate / 1e6;
    assert!(
        (value - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
        "{value} {expected}"
    );
}

fn check_plan(case: &Case, all: &[Weighed], plan: &Plan, engine: EngineChoice) {
    let placed = find(case, all, plan);
    let expected = best(all).expect("a plan where there is none");
    assert_eq!(placed.breaks, Vec::<String>::new(), "{}", plan.proof);
    let overlaps = case.scenario.schedule == Schedule::Overlap;
    let exact = engine != EngineChoice::Linear;
    if exact {
        assert_eq!(placed.rank, expected.rank, "{}", plan.proof);
    }
    let rate = case.scenario.link.rate.bit_s() as f64;
    if case.scenario.objective == Objective::Latency {
        let best = expected.rank.0[0] as f64 / rate / 1e6;
        assert!(
            plan.bound_ms <= best * (1.0 + 1e-9),
            "{} {best}",
            plan.bound_ms
        );
        assert!(plan.bound_ms > 0.0 || best == 0.0, "{}", plan.proof);
    }
    assert!(!plan.proof.contains("not agree"), "{}", plan.proof);
    if plan.status == Status::Optimal {
        assert_eq!(placed.rank.0[0], expected.rank.0[0], "{}", plan.proof);
    }
    assert_eq!(
        plan.status == Status::Optimal,
        exact || !overlaps,
        "{}",
        plan.proof
    );
    close(plan.latency_ms, placed.latency, rate);
    for (task, done) in plan.tasks.iter().zip(&placed.tasks) {
        close(task.latency_ms, *done, rate);
    }
    close(
        plan.edge_energy_mj.unwrap() * 1e6,
        placed.objective(Objective::Energy),
        rate,
    );
    close(
        plan.period_ms,
        placed.objective(Objective::Throughput),
        rate,
    );
    assert_eq!(plan.server_memory_bytes, placed.server_memory);
}

/// What a limit allows when its amount is typed as it was printed.
fn typed(limit: &str, text: &str) -> i128 {
    let number = |of: &str| text.strip_suffix(of).unwrap().parse::<f64>().unwrap();
    match limit.split(' ').next().unwrap() {
        "deadline" => i128::from(text.parse::<Delay>().unwrap().ns()),
        "max-energy" => i128::from(text.parse::<Energy>().unwrap().0),
        "max-power" => i128::from(text.parse::<Watts>().unwrap().0),
        "link-share" => i128::from(text.parse::<Share>().unwrap().0),
        "fps" => i128::from(FrameRate::new(number(" frames/s")).unwrap().period_ns()),
        "capacity" => number(" BRAM") as i128,
        _ => number(" B") as i128,
    }
}

/// Whether two amounts of a limit are the same as far as they can be typed.
fn alike(limit: &str, printed: i128, needed: i128) -> bool {
    let rate = |period: i128| FrameRate::of_period(u64::try_from(period).unwrap());
    match limit {
        "fps" => printed >= needed && rate(printed) == rate(needed),
        _ => printed == needed,
    }
}

fn check_no_plan(case: &Case, all: &[Weighed], none: &NoPlan) {
    let names: Vec<String> = none.conflict.iter().map(|c| c.limit.to_string()).collect();
    let meets = |w: &Weighed, names: &[String]| !w.breaks.iter().any(|b| names.contains(b));
    assert!(
        !all.iter().any(|w| meets(w, &names)),
        "{names:?} do not contradict"
    );
    let problem = case.problem();
    let with_amounts = problem.limits().iter();
    let with_amounts = with_amounts.filter_map(|l| Some((l.to_string(), l.allows()?)));
    let limits: Vec<(String, i64)> = with_amounts.collect();
    for (index, conflict) in none.conflict.iter().enumerate() {
        let mut others = names.clone();
        others.remove(index);
        assert!(
            all.iter().any(|w| meets(w, &others)),
            "{names:?} is not minimal"
        );
        let limit = conflict.limit.to_string();
        let Some((_, allows)) = limits.iter().find(|(name, _)| *name == limit) else {
            continue;
        };
        let only = [limit.clone()];
        let repaired = all.iter().filter(|w| w.breaks == only);
        let least = repaired.map(|w| w.used(&limit).unwrap()).min();
        let found = match &conflict.amounts {
            Amounts::Text(text) => text.least.as_ref().map(|text| typed(&limit, text)),
            Amounts::Units(units) => units.least.map(i128::from),
            amounts => amounts.least_bytes().map(i128::from),
        };
        match (found, least) {
            (Some(found), Some(least)) => assert!(alike(&limit, found, least), "{none:?} {least}"),
            (found, least) => assert_eq!(found, least, "{none:?}"),
        }
        let possible = all.iter().map(|w| w.used(&limit).unwrap()).min();
        let possible = possible.filter(|p| least.is_none() && *p > i128::from(*allows));
        let found = conflict.possible.as_ref().map(|text| typed(&limit, text));
        match (found, possible) {
            (Some(found), Some(least)) => assert!(alike(&limit, found, least), "{none:?} {least}"),
            (found, least) => assert_eq!(found, least, "{none:?}"),
        }
    }
    let demand = |w: &Weighed| Demand {
        breaks: w.breaks.clone(),
        uses: limits
            .iter()
            .map(|(name, _)| i64::try_from(w.used(name).unwrap()).ok())
            .collect(),
        latency_ms: w.latency as f64,
    };
    let demands: Vec<Demand> = all.iter().map(demand).collect();
    check_relaxation(none, &limits, &demands, false);
}

fn check(case: &Case) {
    let (problem, all) = (case.problem(), case.oracle().weighed());
    for engine in [
        EngineChoice::Enumerate,
        EngineChoice::Branch,
        EngineChoice::Linear,
        EngineChoice::Both,
    ] {
        let options = Options {
            engine,
            ..Options::default()
        };
        match best_plan(&problem, &options) {
            Ok(Outcome::Plan(plan)) => check_plan(case, &all, &plan, engine),
            Ok(Outcome::NoPlan(none)) => {
                assert!(best(&all).is_none(), "there is a plan");
                check_no_plan(case, &all, &none);
            }
            Err(SolveError::Stopped(why)) => {
                let overlaps = case.scenario.schedule == Schedule::Overlap;
                assert!(engine == EngineChoice::Linear && overlaps, "{why}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// At every rate, the sweep's plan is as good as a fresh one, and there is none where it says so.
fn check_sweep(case: &Case) {
    let problem = case.problem();
    let range = "100kbit/s..10Gbit/s".parse().unwrap();
    let options = Options::default();
    let fresh = |rate: u64| {
        let problem = problem.with_rate(BitRate::from_bit_s(rate).unwrap());
        best_plan(&problem, &options).unwrap()
    };
    let found = match sweep(&problem, range, &options) {
        Ok(found) => found,
        Err(SolveError::Infeasible(_)) => {
            assert!(matches!(fresh(10_000_000_000), Outcome::NoPlan(_)));
            return;
        }
        Err(other) => panic!("{other}"),
    };
    let mut rates = vec![100_000, 10_000_000_000];
    for segment in &found.segments {
        rates.extend([segment.from_bit_s, segment.from_bit_s.saturating_sub(1)]);
    }
    let mut dice = Dice(case.edge.layers.len() as u64);
    assert_eq!(found.resolution, None);
    rates.extend((0..20).map(|_| 10_u64.pow(5 + dice.below(5) as u32) * dice.within(1, 9)));
    for rate in rates
        .into_iter()
        .filter(|rate| (100_000..=10_000_000_000).contains(rate))
    {
        let segment = found.at(rate);
        match fresh(rate) {
            Outcome::NoPlan(_) => assert!(segment.is_none(), "{rate}"),
            Outcome::Plan(plan) => {
                let there = problem.with_rate(BitRate::from_bit_s(rate).unwrap());
                let swept = &segment.unwrap().plan;
                assert_eq!(rank_of(&there, swept), rank_of(&there, &plan), "{rate}");
                if case.scenario.objective == Objective::Latency {
                    let swept = segment.unwrap().latency.at_bit_s(rate as f64);
                    assert!((swept - plan.latency_ms).abs() <= 1e-9 * swept, "{rate}");
                }
            }
        }
    }
}

/// What plans are worth at a rate.
struct AtRate {
    /// Of each plan of a table: what its objective comes to, and whether it meets the limits.
    plans: Vec<(i128, bool)>,
    /// The objective of the best plan; `None` where there is none.
    best: Option<i128>,
}

/// Tables name the plan that is best at every rate; the plan in use meets the limits wherever any
/// does, and is at most the hysteresis worse than the best. It is left for nothing else, and never
/// at a rate of its own. Returns how often another plan than the best is kept, and how often one is
/// left for a limit.
fn check_table(case: &Case, dice: &mut Dice) -> (usize, usize) {
    let problem = case.problem();
    let range = "100kbit/s..10Gbit/s".parse().unwrap();
    let Ok(found) = sweep(&problem, range, &Options::default()) else {
        return (0, 0);
    };
    let alone = ModelProblem {
        name: "",
        problem: &problem,
        barred: None,
    };
    let millionths = [0, 10_000, 100_000, 500_000][dice.below(4) as usize];
    let hysteresis = Hysteresis(Share(millionths));
    let chosen = vec![0; found.segments.len()];
    let switches = switches(&[alone], &chosen, &found, hysteresis).unwrap();
    let table = Lookup::of(&found, hysteresis, &switches);
    let at = |rate: u64| {
        let mut there = Case {
            edge: case.edge.clone(),
            scenario: case.scenario.clone(),
        };
        there.scenario.link.rate = BitRate::from_bit_s(rate).unwrap();
        let all = there.oracle().weighed();
        let plans = found.segments.iter().map(|segment| {
            let placed = find(&there, &all, &segment.plan);
            (placed.rank.0[0], placed.breaks.is_empty())
        });
        AtRate {
            plans: plans.collect(),
            best: best(&all).map(|best| best.rank.0[0]),
        }
    };
    let share = i128::from(millionths);
    let enough = |there: &AtRate, plan: usize| {
        let ((value, allowed), best) = (there.plans[plan], there.best.unwrap());
        allowed && (value - best) * 1_000_000 <= best.abs() * share
    };
    let start = table.segments[0].from_bit_s;
    let (mut kept, mut left) = (0, 0);
    let rates = table
        .segments
        .iter()
        .flat_map(|s| [s.from_bit_s, s.from_bit_s - 1]);
    let some = (0..6).map(|_| 10_u64.pow(5 + dice.below(5) as u32) * dice.within(1, 9));
    for rate in rates.chain(some).collect::<Vec<u64>>() {
        let there = at(rate);
        let Some(best) = there.best else {
            assert!(rate < start, "there is no plan at {rate}");
            continue;
        };
        let named = table.best_at(rate);
        assert_eq!(there.plans[named], (best, true), "{named} at {rate}");
        for current in 0..table.segments.len() {
            let next = table.next(Some(current), rate);
            assert!(enough(&there, next), "{current} {next} at {rate}");
            assert!(next == current || next == named);
            kept += usize::from(next != named);
        }
    }
    for (plan, segment) in table.segments.iter().enumerate() {
        let (down, up) = (segment.switch_down_bit_s, segment.switch_up_bit_s);
        assert!(down.is_none_or(|down| (start..=segment.from_bit_s).contains(&down)));
        assert!(up.is_none_or(|up| up + 1 >= segment.to_bit_s));
        // beyond a switch the plan is not good enough, before it is
        for (kept, beyond) in [(down, down.map(|down| down - 1)), (up, up.map(|up| up + 1))] {
            if let (Some(kept), Some(beyond)) = (kept, beyond) {
                assert!(enough(&at(kept), plan), "{plan} at {kept}");
                assert!(!enough(&at(beyond), plan), "{plan} at {beyond}");
                left += usize::from(!at(beyond).plans[plan].1);
            }
        }
    }
    (kept, left)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn plans_equal_the_best_of_all_placements(seed in any::<u64>(), layers in 1_usize..=7) {
        check(&Case::new(seed, layers));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_layers_changes_nothing(seed in any::<u64>(), layers in 1_usize..=12) {
        let mut case = Case::new(seed, layers.min(7));
        // what is alive at once depends on the order, and so do sums over what is limited by it
        case.scenario.limits.edge_memory = None;
        case.scenario.limits.server_memory = None;
        if layers > 7 {
            case = Case { edge: network(seed, layers), scenario: random_scenario(seed, &network(seed, layers)) };
            case.scenario.limits = Default::default();
        }
        let other = Case {
            edge: reordered(&case.edge, &mut Dice(seed)),
            scenario: case.scenario.clone(),
        };
        let answer = |case: &Case| match best_plan(&case.problem(), &Options::default()).unwrap() {
            Outcome::NoPlan(none) => {
                // which of several minimal conflicts is named may depend on the order of the tasks
                Err(none.conflict.is_empty())
            }
            Outcome::Plan(plan) => Ok((
                plan.objective.value.to_bits(),
                plan.uplink_bytes,
                plan.edge.len(),
                (case.scenario.objective == Objective::Latency).then(|| plan.latency_ms.to_bits()),
            )),
        };
        prop_assert_eq!(answer(&case), answer(&other));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn sweeps_equal_fresh_plans_at_every_rate(seed in any::<u64>(), layers in 1_usize..=7) {
        check_sweep(&Case::new(seed, layers));
    }
}

#[test]
fn tables_keep_plans_while_they_are_good_enough_and_no_longer() {
    let (mut kept, mut left) = (0, 0);
    for seed in 0..250_u64 {
        let case = Case::new(seed.wrapping_mul(0x9e37_79b9), 2 + (seed % 5) as usize);
        let (more_kept, more_left) = check_table(&case, &mut Dice(seed));
        (kept, left) = (kept + more_kept, left + more_left);
    }
    assert!(kept > 20 && left > 10, "{kept} {left}");
}

/// A network of heads on one input: some that are best kept, and one that is best sent away.
fn heads(kept_us: &[f64]) -> Problem {
    let mut net = cutpoint_testkit::Net::new(1);
    let image = net.input("image", 100);
    for (index, edge_us) in kept_us.iter().chain([&1e6]).enumerate() {
        let head = net.layer(std::slice::from_ref(&image), 10, *edge_us);
        net.profile.layers[index].server_us = if *edge_us < 1e6 { 1e6 } else { 100.0 };
        net.output(&head);
    }
    let mut scenario = cutpoint_testkit::scenario("10Mbit/s", "1 ms");
    scenario.objective = Objective::Weighted;
    scenario.schedule = Schedule::Overlap;
    Problem::new(&net.done(), &Server::faster(1.0), &scenario).unwrap()
}

/// A quick head and the one that is sent away do not wait for a slow one, whichever is named first.
#[test]
fn a_quick_head_runs_before_a_slow_one_is_done() {
    let plan = |kept_us: &[f64]| match best_plan(&heads(kept_us), &Options::default()).unwrap() {
        Outcome::Plan(plan) => plan,
        Outcome::NoPlan(none) => panic!("{}", none.proof),
    };
    for kept_us in [[10_000.0, 100.0], [100.0, 10_000.0]] {
        let found = plan(&kept_us);
        let slow = kept_us.iter().position(|us| *us > 1_000.0).unwrap();
        assert_eq!(found.local, [format!("t{slow}")]);
        assert_eq!(found.status, Status::Optimal);
        assert!(!found.proof.contains("order"), "{}", found.proof);
    }
    // too many for every choice of them
    let many: Vec<f64> = (0..9)
        .map(|index| 3_000.0 - 300.0 * f64::from(index))
        .collect();
    let found = plan(&many);
    assert!(
        found.proof.contains("best in this order"),
        "{}",
        found.proof
    );
    // the quickest run before
    assert!(!found.local.contains(&"t8".to_owned()), "{:?}", found.local);
}

/// Two tasks, the second due 13.4 ms after the first. On the server both wait for the image; with the
/// first on the board that has 5 ms of work, and three times as many bytes go up for the second: best
/// only where the image takes from 4 to 4.2 ms, between two of the rates first looked at.
#[test]
fn a_plan_that_is_best_for_a_few_rates_alone_is_found() {
    let mut net = cutpoint_testkit::Net::new(1);
    let image = net.input("image", 31_250);
    let stem = net.layer(&[image], 93_750, 2_500.0);
    for edge_us in [2_500.0, 1e6] {
        let head = net.layer(std::slice::from_ref(&stem), 10, edge_us);
        net.output(&head);
    }
    let mut scenario = cutpoint_testkit::scenario("1Mbit/s", "0 ms");
    scenario.objective = Objective::Lateness;
    scenario.results = Results::Anywhere;
    for (task, most) in [("t1", "1 ms"), ("t2", "14.4 ms")] {
        scenario
            .limits
            .deadlines
            .push(format!("{task}={most}").parse().unwrap());
    }
    let problem = Problem::new(&net.done(), &Server::faster(1_000.0), &scenario).unwrap();
    let range = "2Mbit/s..2Gbit/s".parse().unwrap();
    let found = sweep(&problem, range, &Options::default()).unwrap();
    let narrow = found.segments.iter().find(|segment| {
        let ratio = segment.to_bit_s as f64 / segment.from_bit_s as f64;
        segment.plan.edge.len() == 2 && ratio < 1.2
    });
    let narrow = narrow.expect("the plan with the first head on the board");
    assert_eq!(found.resolution, None);
    for (rate, is_best) in [
        (narrow.from_bit_s - 1, false),
        (narrow.from_bit_s, true),
        (narrow.to_bit_s - 1, true),
        (narrow.to_bit_s, false),
    ] {
        let there = problem.with_rate(BitRate::from_bit_s(rate).unwrap());
        match best_plan(&there, &Options::default()).unwrap() {
            Outcome::Plan(plan) => assert_eq!(plan.edge == narrow.plan.edge, is_best, "{rate}"),
            Outcome::NoPlan(none) => panic!("{}", none.proof),
        }
    }
}

/// The same network with its layers in another execution order, and its tensors in another order.
fn reordered(edge: &Profile, dice: &mut Dice) -> Profile {
    let mut other = edge.clone();
    let mut waiting = std::mem::take(&mut other.layers);
    while !waiting.is_empty() {
        let made = |waiting: &[LayerRecord], tensor: &String| {
            !waiting.iter().any(|layer| layer.outputs.contains(tensor))
        };
        let ready: Vec<usize> = (0..waiting.len())
            .filter(|i| waiting[*i].inputs.iter().all(|t| made(&waiting, t)))
            .collect();
        let next = ready[dice.below(ready.len() as u64) as usize];
        other.layers.push(waiting.remove(next));
    }
    other.tensors.reverse();
    other
}

/// The random cases exercise what they are meant to.
#[test]
fn random_cases_are_of_every_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    let mut count =
        |kind: &str, yes: bool| *kinds.entry(kind.to_owned()).or_insert(0) += usize::from(yes);
    for seed in 0..900_u64 {
        let case = Case::new(seed.wrapping_mul(0x9e37_79b9), 2 + (seed % 6) as usize);
        match best_plan(&case.problem(), &Options::default()).unwrap() {
            Outcome::NoPlan(none) => {
                for conflict in &none.conflict {
                    let kind = conflict.limit.quantity.name();
                    count(&format!("conflict {kind}"), true);
                }
            }
            Outcome::Plan(plan) => {
                count(&format!("objective {}", plan.objective.name), true);
                count("local", !plan.local.is_empty());
                count("chain", plan.proof.contains("other cut of a chain"));
                for name in &plan.binding {
                    count(&format!("binds {}", name.split(' ').next().unwrap()), true);
                }
            }
        }
    }
    println!("{kinds:#?}");
    for kind in [
        "deadline",
        "fps",
        "link-share",
        "max-energy",
        "max-power",
        "server-memory",
    ] {
        assert!(kinds[&format!("binds {kind}")] > 0, "{kind}: {kinds:#?}");
        assert!(kinds[&format!("conflict {kind}")] > 0, "{kind}: {kinds:#?}");
    }
    assert!(kinds["local"] > 5, "{kinds:#?}");
    assert!(kinds["chain"] > 40, "{kinds:#?}");
}
