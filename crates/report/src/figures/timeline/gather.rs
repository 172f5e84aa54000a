//! From problems and plans to the data of the figure.

use super::{Lane, Span, TaskLane, TimelineData, Work};
use crate::Origin;
use crate::wording::{link, planned};
use cutpoint_core::graph::LayerSet;
use cutpoint_core::plan::{Plan, TaskPlan};
use cutpoint_planner::problem::Problem;

/// Data of the timeline of a plan. With the problem that it solves, layers that one task alone needs
/// are told apart from those that several need.
pub fn gather(
    plan: &Plan,
    problem: Option<&Problem>,
    edge: Origin,
    server: Origin,
) -> TimelineData {
    let own = problem.map_or_else(Own::default, |problem| Own::of(plan, problem));
    let ms = &plan.breakdown_ms;
    let steps = [
        (Work::Edge, ms.edge),
        (Work::Encode, ms.encode),
        (Work::Link, ms.uplink),
        (Work::Decode, ms.decode),
        (Work::Server, ms.server),
        (Work::Results, ms.downlink),
    ];
    let mut lanes = Vec::new();
    let (mut at, mut beside_from) = (0.0, 0.0);
    for (work, ms) in steps {
        let (from, to) = (at, at + ms * 1e3);
        at = to;
        let heads = match work {
            Work::Edge => own.edge.as_slice(),
            Work::Server => own.server.as_slice(),
            _ => &[],
        };
        let name = match work {
            Work::Edge => format!("edge: {}", edge.name),
            Work::Encode => "encode".to_owned(),
            Work::Link => "link".to_owned(),
            Work::Decode => "decode".to_owned(),
            Work::Server => format!("server: {}", server.name),
            _ => "results back".to_owned(),
        };
        lanes.push(Lane {
            name,
            spans: spans(work, from, to, heads),
        });
        if work == Work::Encode {
            beside_from = to;
        }
    }
    let beside_to = beside_from + ms.local * 1e3;
    let beside = Lane {
        name: "edge, overlapped".to_owned(),
        spans: spans(Work::Overlapped, beside_from, beside_to, &own.beside),
    };
    lanes.insert(2, beside);
    let chain: Vec<Span> = lanes.iter().flat_map(|lane| lane.spans.clone()).collect();
    TimelineData {
        model: plan.model.file.clone(),
        edge,
        server,
        link: link(&plan.setting),
        plan: planned(plan),
        latency_us: plan.latency_ms * 1e3,
        tasks: plan.tasks.iter().map(|task| lane(task, &chain)).collect(),
        lanes,
    }
}

/// A step as what all need, then what single tasks need.
fn spans(work: Work, from_us: f64, to_us: f64, heads: &[(String, f64)]) -> Vec<Span> {
    let heads_us: f64 = heads.iter().map(|(_, us)| us).sum();
    let mut at = to_us - heads_us;
    // heads cannot take longer than the whole step but by rounding
    let known = heads_us > 0.0 && at >= from_us - 1e-3;
    let mut spans = vec![Span {
        work,
        from_us,
        to_us: if known { at.max(from_us) } else { to_us },
        name: String::new(),
    }];
    for (name, us) in heads.iter().filter(|_| known) {
        spans.push(Span {
            work,
            from_us: at.max(from_us),
            to_us: at + us,
            name: name.clone(),
        });
        at += us;
    }
    spans.retain(|span| span.to_us > span.from_us);
    spans
}

/// What a task waits for: the steps of its own way, up to its results.
fn lane(task: &TaskPlan, chain: &[Span]) -> TaskLane {
    let done_us = task.latency_ms * 1e3;
    let on_its_way = |span: &&Span| {
        if task.beside_link {
            matches!(span.work, Work::Edge | Work::Encode | Work::Overlapped)
        } else {
            span.work != Work::Overlapped
        }
    };
    let mut spans: Vec<Span> = Vec::new();
    for span in chain.iter().filter(on_its_way) {
        let to_us = span.to_us.min(done_us);
        let whose = if span.name == task.name {
            task.name.as_str()
        } else {
            ""
        };
        match spans.last_mut() {
            _ if to_us <= span.from_us => {}
            Some(last) if last.work == span.work && last.name == whose => last.to_us = to_us,
            _ => spans.push(Span {
                to_us,
                name: whose.to_owned(),
                ..*span
            }),
        }
    }
    TaskLane {
        name: task.name.clone(),
        spans,
        done_us,
        deadline_us: task.deadline_ms.map(|ms| ms * 1e3),
    }
}

/// Time of the layers that one task alone needs, by task; without those that take none.
#[derive(Debug, Default)]
struct Own {
    edge: Vec<(String, f64)>,
    beside: Vec<(String, f64)>,
    server: Vec<(String, f64)>,
}

impl Own {
    fn of(plan: &Plan, problem: &Problem) -> Own {
        let graph = problem.graph();
        let set = |names: &[String]| {
            let mut set = LayerSet::empty(graph.layers().len());
            let layers = names.iter().filter_map(|name| graph.find_layer(name).ok());
            layers.for_each(|layer| set.insert(layer));
            set
        };
        let (edge, beside, server) = (set(&plan.edge), set(&plan.local), set(&plan.server));
        let mut own = Own::default();
        for (task, named) in problem.tasks().iter().enumerate() {
            let mut layers = problem.model().needs()[task].clone();
            let others = problem.model().needs().iter().enumerate();
            for (_, needs) in others.filter(|(other, _)| *other != task) {
                layers.subtract(needs);
            }
            let (mut here, mut local, mut there) = (0, 0, 0);
            for layer in layers.iter() {
                let time = problem.model().layer(layer);
                if beside.contains(layer) {
                    local += time.edge_ns;
                } else if edge.contains(layer) {
                    here += time.edge_ns;
                } else if server.contains(layer) {
                    there += time.server_ns;
                }
            }
            for (list, ns) in [
                (&mut own.edge, here),
                (&mut own.beside, local),
                (&mut own.server, there),
            ] {
                if ns > 0 {
                    list.push((named.name.clone(), ns as f64 / 1e3));
                }
            }
        }
        // one task alone needs everything: nothing to tell apart
        if problem.tasks().len() < 2 {
            return Own::default();
        }
        own
    }
}
