//! From problems and plans to the data of the figure.

use super::{BarKind, BoardBar, BoardBars, BoardsData};
use crate::Study;
use crate::figures::cuts::Parts;
use crate::figures::cuts::parts;
use crate::origin::server_origin;
use crate::wording::named;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_planner::planning::Outcome;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::problem::baselines;
use cutpoint_planner::server::Server;

/// The bars of one profile for the comparison of several: `plan`, where there is one, is the best of
/// the problem.
pub fn board_bars(
    problem: &Problem,
    profile: &Profile,
    server: &Server,
    plan: Option<&Plan>,
) -> BoardBars {
    let time_per_bit = problem.time_per_bit();
    let mut bars = Vec::new();
    bars.extend(plan.map(|plan| {
        let parts = parts(&plan.breakdown_ms);
        BoardBar {
            kind: BarKind::Best,
            plan: named(plan),
            beside_us: beyond(&parts, plan.latency_ms),
            parts,
            breaks: None,
        }
    }));
    for placement in baselines(problem, time_per_bit) {
        let kind = match placement.name {
            "all-edge" => BarKind::AllEdge,
            "all-server" => BarKind::AllServer,
            _ => continue,
        };
        let Ok(cost) = problem.cost(&placement.edge, &placement.codecs) else {
            continue;
        };
        let broken = problem.check(&placement.edge, &cost).err();
        let breaks = broken.as_ref().and_then(|violation| violation.limit());
        let parts = parts(&cost.breakdown(time_per_bit));
        bars.push(BoardBar {
            kind,
            plan: match kind {
                BarKind::AllServer => "the raw input is sent".to_owned(),
                _ => "nothing is sent".to_owned(),
            },
            beside_us: beyond(&parts, cost.latency_ms(time_per_bit)),
            parts,
            breaks: breaks.map(ToString::to_string),
        });
    }
    BoardBars {
        model: profile.model.file.clone(),
        sha256: profile.model.sha256.clone(),
        board: profile.board.name.clone(),
        server: server_origin(server).label(),
        bars,
    }
}

/// What heads on the edge add that run longer than link and server.
fn beyond(parts: &Parts, latency_ms: f64) -> f64 {
    let more = latency_ms * 1e3 - parts.total_us();
    // less is rounding
    if more > 1e-3 { more } else { 0.0 }
}

/// Data of the comparison of profiles, all at the link of `problem`.
pub fn gather(problem: &Problem, profiles: Vec<BoardBars>) -> BoardsData {
    let link = problem.link();
    BoardsData {
        link: format!("{}, {} one way", link.rate, link.delay),
        profiles,
    }
}

/// Returns the bars of a study, unless a solver gave up on it.
pub(crate) fn of_study(study: &Study<'_>) -> Option<BoardBars> {
    let best = match study.best() {
        Ok(Outcome::Plan(best)) => Some(best),
        Ok(Outcome::NoPlan(_)) => None,
        Err(_) => return None,
    };
    Some(board_bars(
        &study.problem,
        study.profile,
        &study.server,
        best,
    ))
}
