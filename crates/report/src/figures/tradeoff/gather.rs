//! From problems and plans to the data of the figure.

use super::{Choice, RateCurve, TradeoffData};
use super::{MOST_CURVES, NAME};
use crate::canvas::text::bare;
use crate::origin::{edge_origin, server_origin};
use crate::study::{accuracy_source, local_inputs};
use crate::{ReportError, Study, nothing};
use cutpoint_core::codec::Codec;
use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence};
use cutpoint_core::cuts;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::{Plan, TaskPlan};
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{BitRate, Share};
use cutpoint_planner::parametric;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{MaxDrop, RateRange};
use cutpoint_planner::server::Server;

/// Data of the figure of latency against accuracy, from the best plans at each of several links.
pub fn gather(
    problems: &[(Problem, Vec<Plan>)],
    profile: &Profile,
    server: &Server,
    accuracy: &CodecAccuracy,
    confidence: Confidence,
) -> TradeoffData {
    let delay = problems.first().map(|(problem, _)| problem.link().delay);
    let measured = accuracy_source(accuracy);
    TradeoffData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        link: delay.map_or(String::new(), |delay| format!("Delay {delay} one way")),
        accuracy: format!(
            "{measured}; at worst: the end of a one-sided interval of {confidence}, points of the \
             metric, or shares of the error where less of it is better"
        ),
        curves: problems
            .iter()
            .map(|(problem, plans)| curve(problem, plans))
            .collect(),
    }
}

fn curve(problem: &Problem, plans: &[Plan]) -> RateCurve {
    RateCurve {
        rate_bit_s: problem.link().rate.bit_s() as f64,
        best: plans.iter().map(planned).collect(),
        others: others(problem),
    }
}

fn planned(plan: &Plan) -> Choice {
    let crossing = plan.crossing.iter().map(|c| (c.tensor.as_str(), c.codec));
    let side = match (plan.edge.is_empty(), plan.server.is_empty()) {
        (_, true) => "all on the edge",
        (true, false) => "server: ",
        (false, false) => "",
    };
    let worst = |task: &TaskPlan| task.accuracy_drop.unwrap_or(0.0);
    let worst = plan.tasks.iter().map(worst).fold(0.0, f64::max);
    let mean = plan.tasks.iter().filter_map(mean_drop).fold(0.0, f64::max);
    let task = |task: &TaskPlan| {
        let drop = task.accuracy_drop?;
        Some(format!("{}: at worst {:.2} %", task.name, 100.0 * drop))
    };
    let tasks: Vec<String> = plan.tasks.iter().filter_map(task).collect();
    Choice {
        name: format!("{side}{}", named(crossing)),
        latency_us: plan.latency_ms * 1e3,
        worst_drop: worst,
        mean_drop: mean,
        tasks: tasks.join("\n"),
    }
}

/// As measured, in the unit of the limits.
fn mean_drop(task: &TaskPlan) -> Option<f64> {
    let accuracy = task.accuracy.as_ref()?;
    let lost = accuracy.baseline - accuracy.expected;
    Some(if accuracy.is_error {
        -lost / accuracy.baseline
    } else {
        lost
    })
}

fn named<'a>(crossing: impl Iterator<Item = (&'a str, Codec)>) -> String {
    let names = crossing.map(|(tensor, codec)| format!("{} · {codec}", bare(tensor)));
    names.collect::<Vec<_>>().join(" + ")
}

/// The natural cuts and the whole on the server, each in every codec with a known drop.
fn others(problem: &Problem) -> Vec<Choice> {
    let graph = problem.graph();
    let natural = cuts::natural(graph, &local_inputs(problem)).into_iter();
    let natural = natural.map(|cut| (cut.edge, cut.crossing));
    let empty = LayerSet::empty(graph.layers().len());
    let inputs = problem.model().crossing(&empty);
    let single = natural
        .chain([(empty, inputs)])
        .filter(|(_, crossing)| crossing.len() == 1);
    single
        .flat_map(|(edge, crossing)| {
            let tensor = crossing[0];
            let ways = problem.encodings(tensor).iter();
            let choices = ways.filter_map(|way| other(problem, &edge, tensor, way.codec));
            choices.collect::<Vec<_>>()
        })
        .collect()
}

fn other(problem: &Problem, edge: &LayerSet, tensor: TensorId, codec: Codec) -> Option<Choice> {
    let codecs = [(tensor, codec)];
    let cost = problem.cost(edge, &codecs).ok()?;
    let drops: Option<Vec<_>> = (0..problem.tasks().len())
        .map(|task| problem.model().drop(task, edge, &codecs))
        .collect();
    let drops = drops?;
    let name = problem.graph().tensor(tensor).name.as_str();
    let tasks: Vec<String> = problem
        .tasks()
        .iter()
        .zip(&drops)
        .map(|(task, drop)| format!("{}: at worst {:.2} %", task.name, drop.worst as f64 / 1e4))
        .collect();
    Some(Choice {
        name: named([(name, codec)].into_iter()),
        latency_us: cost.latency_ms(problem.time_per_bit()) * 1e3,
        worst_drop: drops
            .iter()
            .map(|d| d.worst as f64 / 1e6)
            .fold(0.0, f64::max),
        mean_drop: drops.iter().map(|d| d.mean).fold(0.0, f64::max),
        tasks: tasks.join("\n"),
    })
}

/// Solves for the best plans at several rates, whatever the scenario's limits on accuracy.
pub(crate) fn curves(
    study: &Study<'_>,
    accuracy: &CodecAccuracy,
) -> Result<Vec<(Problem, Vec<Plan>)>, ReportError> {
    let mut scenario = study.scenario.clone();
    // codecs that lose something join only under limits on what they may lose
    scenario.limits.accuracy.floors.clear();
    scenario.limits.accuracy.drops = vec![MaxDrop {
        task: None,
        most: Share(1_000_000),
    }];
    let (profile, server) = (study.profile, &study.server);
    let problem = Problem::with_accuracy(profile, server, &scenario, Some(accuracy))?;
    let at_rate = |rate: BitRate| {
        let problem = problem.with_rate(rate);
        let plans = study.solve(|_, options| parametric::tradeoff(&problem, options));
        let plans = plans.map_err(|error| nothing(NAME, error.to_string()))?;
        Ok((problem, plans))
    };
    decades(study.rate_range())
        .into_iter()
        .map(at_rate)
        .collect()
}

/// The powers of ten in a range, as many as there are curves; its ends when there are none.
fn decades(range: RateRange) -> Vec<BitRate> {
    let (from, to) = (range.from.bit_s(), range.to.bit_s());
    let powers = (0..19).map(|power| 10u64.pow(power));
    let inside = powers.filter(|rate| (from..=to).contains(rate));
    let inside: Vec<BitRate> = inside.filter_map(BitRate::from_bit_s).collect();
    match inside.as_slice() {
        [] => vec![range.from, range.to],
        some => some.iter().copied().take(MOST_CURVES).collect(),
    }
}
