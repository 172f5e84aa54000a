//! From plans to what a page shows of them.

use super::summary::in_short;
use super::{
    BlockTimes, Choice, CutView, DelayRow, Explorer, OtherChoice, PARTS, Shown, Stretch, TaskTimes,
    Times,
};
use crate::figures::network::view;
use crate::figures::network::{Block, NetworkData};
use crate::figures::rate::Side;
use crate::wording::side;
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{GraphError, LayerSet, TensorId};
use cutpoint_core::plan::{DelayMap, MapRow, Plan, TaskPlan};
use cutpoint_core::units::{BitRate, Bytes, Delay, format_us};
use cutpoint_planner::problem::baselines;
use cutpoint_planner::problem::sequential;
use cutpoint_planner::problem::{Completion, CostParts, Part, Problem};

/// Names of what [`facts`] tells.
const FACTS: [&str; 5] = [
    "layers on the edge",
    "sent to the server",
    "results sent back",
    "memory on the edge",
    "memory on the server",
];

/// The delays of a page, in nanoseconds: none, the link's own, and round ones from a tenth of it to
/// ten times as long; around 10 ms where it has none.
pub fn delays_around(own: Delay) -> Vec<u64> {
    let own = own.ns();
    let middle = if own == 0 { 10_000_000 } else { own };
    let powers = (0..19).map(|power| 10u64.pow(power));
    let round = powers.flat_map(|power| [1, 2, 5].map(|factor| power.saturating_mul(factor)));
    let near = (middle / 10)..=middle.saturating_mul(10);
    let mut delays: Vec<u64> = round
        .filter(|ns| near.contains(ns))
        .chain([0, own])
        .collect();
    delays.sort_unstable();
    delays.dedup();
    delays
}

/// A plan as a page shows it without its script.
pub fn shown(problem: &Problem, plan: &Plan) -> Shown {
    let ms = plan.breakdown_ms;
    let task = |task: &TaskPlan| {
        let when = format_us(task.latency_ms * 1e3);
        [
            task.name.clone(),
            task_side(task).to_owned(),
            when,
            drop(task),
        ]
    };
    let mut others: Vec<(String, f64)> = Vec::new();
    for placement in baselines(problem, problem.time_per_bit()) {
        if let Some(name) = other_name(placement.name)
            && let Ok(cost) = problem.cost(&placement.edge, &placement.codecs)
        {
            others.push((name.to_owned(), cost.latency_ms(problem.time_per_bit())));
        }
    }
    Shown {
        name: in_short(plan),
        rate: BitRate::from_bit_s(plan.setting.rate_bit_s)
            .map_or(String::new(), |rate| rate.to_string()),
        delay: problem.link().delay.to_string(),
        latency_ms: plan.latency_ms,
        parts_ms: [
            ms.edge,
            ms.encode,
            ms.uplink,
            ms.decode,
            ms.server,
            ms.downlink,
        ],
        local_ms: ms.local,
        facts: FACTS.into_iter().zip(facts(problem, plan)).collect(),
        crossing: crossing(plan),
        tasks: plan.tasks.iter().map(task).collect(),
        others,
    }
}

/// What the sliders of a page move through: `map` is of the problem, and `drawn` is folded for all
/// its plans.
///
/// # Errors
/// The map is not of the problem's model.
pub fn explorer(
    problem: &Problem,
    map: &DelayMap,
    drawn: Option<&NetworkData>,
) -> Result<Explorer, GraphError> {
    let own = problem.link().delay.ns();
    let nearest = |(_, row): &(usize, &MapRow)| row.delay_ns.abs_diff(own);
    let delay = map.rows.iter().enumerate().min_by_key(nearest);
    let plans = map
        .plans
        .iter()
        .map(|plan| choice(problem, &plan.plan, drawn));
    let others = baselines(problem, problem.time_per_bit()).into_iter();
    let others = others.filter_map(|placement| {
        Some(OtherChoice {
            name: other_name(placement.name)?.to_owned(),
            times: times(&parts(problem, &placement.edge, &placement.codecs)?),
        })
    });
    Ok(Explorer {
        from_bit_s: map.from_bit_s,
        to_bit_s: map.to_bit_s,
        rate_bit_s: problem.link().rate.bit_s(),
        delay: delay.map_or(0, |(index, _)| index),
        delays: map.rows.iter().map(row).collect(),
        parts: PARTS,
        facts: FACTS.to_vec(),
        plans: plans.collect::<Result<_, _>>()?,
        others: others.collect(),
        resolution: map.resolution.clone(),
        blocks: drawn.map_or(Vec::new(), blocks),
    })
}

fn blocks(drawn: &NetworkData) -> Vec<BlockTimes> {
    let pairs = drawn.network.blocks.iter().zip(&drawn.nodes);
    let times = pairs.map(|(block, node)| BlockTimes {
        edge_us: node.edge_us,
        server_us: node.server_us,
        tasks: match block {
            Block::Tasks(tasks) => tasks.clone(),
            Block::Inputs(_) | Block::Layers(_) => Vec::new(),
        },
    });
    times.collect()
}

fn cut(problem: &Problem, drawn: &NetworkData, plan: &Plan) -> Result<CutView, GraphError> {
    let view = view(problem, &drawn.network, plan)?;
    Ok(CutView {
        sides: view.sides.iter().map(|side| side.class()).collect(),
        flows: view.flows.iter().map(|flow| flow.class()).collect(),
        labels: view.labels,
    })
}

fn row(row: &MapRow) -> DelayRow {
    let stretches = row.segments.iter().map(|segment| Stretch {
        from: segment.from_bit_s,
        plan: segment.plan - 1,
    });
    DelayRow {
        ns: row.delay_ns,
        text: Delay(std::time::Duration::from_nanos(row.delay_ns)).to_string(),
        segments: stretches.collect(),
    }
}

fn choice(
    problem: &Problem,
    plan: &Plan,
    drawn: Option<&NetworkData>,
) -> Result<Choice, GraphError> {
    let cut = drawn.map(|drawn| cut(problem, drawn, plan)).transpose()?;
    let graph = problem.graph();
    let mut edge = LayerSet::empty(graph.layers().len());
    for layer in &plan.edge {
        edge.insert(graph.find_layer(layer)?);
    }
    let sent = plan
        .crossing
        .iter()
        .map(|c| Ok((graph.find_tensor(&c.tensor)?, c.codec)));
    let sent = sent.collect::<Result<Vec<(TensorId, Codec)>, GraphError>>()?;
    let mut local = LayerSet::empty(graph.layers().len());
    for layer in &plan.local {
        local.insert(graph.find_layer(layer)?);
    }
    let parts = parts(problem, &edge, &sent);
    let parts = parts.map(|parts| problem.model().with_local(&parts, &local));
    let tasks = plan.tasks.iter().enumerate().map(|(index, task)| {
        let kept = task.side == cutpoint_core::plan::Side::Edge;
        TaskTimes {
            name: task.name.clone(),
            side: task_side(task),
            parts: match problem.model().done(index, kept) {
                Completion::Here | Completion::Local => 2,
                Completion::There => 5,
                Completion::Back => 6,
            },
            beside: task.beside_link,
            drop: drop(task),
        }
    });
    Ok(Choice {
        name: in_short(plan),
        side: match side(plan) {
            Side::Edge => "edge",
            Side::Server => "server",
            Side::Split => "split",
        },
        edge_layers: plan.edge.len(),
        facts: facts(problem, plan).into(),
        crossing: crossing(plan),
        tasks: tasks.collect(),
        cut: cut.unwrap_or_default(),
        times: parts.as_ref().map(times).unwrap_or_default(),
    })
}

/// The parts of a placement with nothing overlapped, and with a delay of one nanosecond, so
/// that delays can be counted.
fn parts(problem: &Problem, edge: &LayerSet, sent: &[(TensorId, Codec)]) -> Option<CostParts> {
    let counting = problem.with_delay(Delay(std::time::Duration::from_nanos(1)));
    let cost = sequential(&counting).cost(edge, sent).ok()?;
    Some(cost.parts)
}

fn times(parts: &CostParts) -> Times {
    Times {
        edge_ns: parts.ns(Part::Edge),
        encode_ns: parts.ns(Part::Encode),
        local_ns: parts.ns(Part::Local),
        delays: parts.ns(Part::Delay),
        up_bits: parts.uplink_bits,
        decode_ns: parts.ns(Part::Decode),
        server_ns: parts.ns(Part::Server),
        back_delays: parts.ns(Part::BackDelay),
        back_bits: parts.downlink_bits,
        back_ns: parts.ns(Part::Downlink),
    }
}

fn facts(problem: &Problem, plan: &Plan) -> [String; 5] {
    let all = problem.graph().layers().len();
    [
        format!("{} of {all}", plan.edge.len()),
        Bytes(plan.uplink_bytes).to_string(),
        Bytes(plan.downlink_bytes).to_string(),
        Bytes(plan.edge_memory_bytes).to_string(),
        Bytes(plan.server_memory_bytes).to_string(),
    ]
}

fn crossing(plan: &Plan) -> Vec<[String; 3]> {
    let sent = plan.crossing.iter();
    let texts = sent.map(|c| {
        [
            c.tensor.clone(),
            c.codec.to_string(),
            Bytes(c.bytes).to_string(),
        ]
    });
    texts.collect()
}

fn task_side(task: &TaskPlan) -> &'static str {
    use cutpoint_core::plan::Side;
    match task.side {
        Side::Edge if task.beside_link => "edge, overlapped",
        Side::Edge => "edge",
        Side::Server => "server",
        Side::Both => "both",
    }
}

fn drop(task: &TaskPlan) -> String {
    match (task.accuracy_drop, &task.accuracy) {
        (Some(0.0), _) => "nothing".to_owned(),
        (Some(drop), Some(accuracy)) => format!(
            "at worst {:.2} %: {} {:.4} instead of {:.4}",
            100.0 * drop,
            accuracy.metric,
            accuracy.worst,
            accuracy.baseline
        ),
        (Some(drop), None) => format!("at worst {:.2} %", 100.0 * drop),
        (None, _) => "not measured".to_owned(),
    }
}

/// A plan to compare with in words; only those whose codecs do not depend on the rate.
fn other_name(name: &str) -> Option<&'static str> {
    match name {
        "all-edge" => Some("everything on the edge"),
        "all-server" => Some("everything on the server"),
        "all-server u8" => Some("everything on the server, the input as u8"),
        _ => None,
    }
}
