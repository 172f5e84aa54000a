//! From problems and plans to the data of the figure.

use super::{CutBar, CutKind, CutsData, Parts};
use crate::canvas::text::bare;
use crate::origin::{edge_origin, server_origin};
use crate::study::local_inputs;
use cutpoint_core::cuts;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_core::plan::{Breakdown, HalfEvidence};
use cutpoint_core::profile::Profile;
use cutpoint_core::task;
use cutpoint_planner::planning::PlanWriter;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// Data of the figure of all cuts, at the problem's link and with the fastest codecs the scenario
/// allows: all-server, every natural cut, all-edge, whether or not they meet the limits.
pub fn gather(problem: &Problem, profile: &Profile, server: &Server) -> CutsData {
    let graph = problem.graph();
    let layers = graph.layers().len();
    let locals = local_inputs(problem);
    let backbone = task::backbone(graph, problem.tasks()).ok().flatten();
    let natural = cuts::natural(graph, &locals).into_iter();
    let natural = natural.filter(|cut| !cut.edge.is_empty()).map(|cut| {
        let kind = if Some(&cut.edge) == backbone.as_ref() {
            CutKind::Backbone
        } else {
            CutKind::Natural
        };
        let name = name(problem, &cut.crossing, &cut.edge);
        (name, kind, cut.edge)
    });
    let all_server = (
        "all on the server".to_owned(),
        CutKind::AllServer,
        LayerSet::empty(layers),
    );
    let all_edge = (
        "all on the edge".to_owned(),
        CutKind::AllEdge,
        LayerSet::full(layers),
    );
    let placements = std::iter::once(all_server).chain(natural).chain([all_edge]);
    let link = problem.link();
    CutsData {
        model: profile.model.file.clone(),
        edge: edge_origin(profile),
        server: server_origin(server),
        link: format!("{}, {} one way", link.rate, link.delay),
        bars: placements
            .filter_map(|(name, kind, edge)| bar(problem, name, kind, &edge))
            .collect(),
    }
}

/// The crossing tensor; there may be two cuts there, one of them with heads kept on the edge.
fn name(problem: &Problem, crossing: &[TensorId], edge: &LayerSet) -> String {
    let graph = problem.graph();
    let names: Vec<&str> = crossing
        .iter()
        .map(|t| bare(&graph.tensor(*t).name))
        .collect();
    let kept = if graph.ancestors(crossing) == *edge {
        ""
    } else {
        " (heads stay)"
    };
    format!("{}{kept}", names.join(", "))
}

/// The bar of a placement; `None` when something that cannot be sent would cross.
fn bar(problem: &Problem, name: String, kind: CutKind, edge: &LayerSet) -> Option<CutBar> {
    let time_per_bit = problem.time_per_bit();
    let codecs = problem.best_codecs(edge, time_per_bit).ok()?;
    let cost = problem.cost(edge, &codecs).ok()?;
    let mut used: Vec<String> = cost
        .crossing
        .iter()
        .map(|(_, codec)| codec.to_string())
        .collect();
    used.sort_unstable();
    used.dedup();
    let payload = format!("{} as {}", cost.uplink_bytes(), used.join(" and "));
    let evidence = PlanWriter::new(problem).evidence(edge);
    let whole = matches!(kind, CutKind::AllEdge | CutKind::AllServer);
    Some(CutBar {
        name,
        payload: if used.is_empty() {
            String::new()
        } else {
            payload
        },
        kind,
        parts: parts(&cost.breakdown(time_per_bit)),
        measured: whole
            || evidence.edge == HalfEvidence::Measured
                && evidence.server != HalfEvidence::Predicted,
    })
}

pub(crate) fn parts(ms: &Breakdown) -> Parts {
    Parts {
        edge_us: ms.edge * 1e3,
        encode_us: ms.encode * 1e3,
        uplink_us: ms.uplink * 1e3,
        decode_us: ms.decode * 1e3,
        server_us: ms.server * 1e3,
        downlink_us: ms.downlink * 1e3,
    }
}
