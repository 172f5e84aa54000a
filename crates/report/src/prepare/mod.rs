//! Data of the figures, from profiles, problems and sweeps.

mod boards;
mod codecs;
mod compare;
mod cumulative;
mod cuts;
mod halves;
mod layers;
mod map;
mod names;
mod network;
mod over;
mod page;
mod pareto;
mod rate;
mod roofline;
mod summary;
mod tables;
mod timeline;
mod trace;
mod tradeoff;
mod words;

pub use boards::{board_bars, boards};
pub use codecs::codecs;
pub use compare::{CompareError, compare};
pub use cumulative::cumulative;
pub use cuts::cuts;
pub use halves::halves;
pub use layers::layers;
pub use map::map;
pub use network::{network, view};
pub use over::over;
pub use page::{delays_around, explorer, shown};
pub use pareto::{FrontPlans, pareto};
pub use rate::rate;
pub use roofline::roofline;
pub use summary::{no_plan, summary};
pub use tables::{plan_tables, profile_tables, sweep_tables};
pub use timeline::timeline;
pub use trace::trace;
pub use tradeoff::tradeoff;

use super::Origin;
use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::graph::TensorId;
use cutpoint_core::plan::Setting;
use cutpoint_core::profile::{Profile, TimeOrigin};
use cutpoint_core::units::three_digits;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// The model inputs that the server has, too.
fn local_inputs(problem: &Problem) -> Vec<TensorId> {
    let inputs = problem.graph().inputs().iter().copied();
    inputs.filter(|input| problem.is_local(*input)).collect()
}

/// What drops in accuracy were measured on.
fn accuracy_source(accuracy: &CodecAccuracy) -> String {
    let data = &accuracy.data;
    let labels = if data.labelled {
        ""
    } else {
        ", without labels: against the whole model's own answers"
    };
    match data.samples {
        0 => format!("as stated by hand ({})", data.source),
        samples => format!(
            "measured on up to {samples} samples of {}{labels}",
            data.source
        ),
    }
}

/// Where the times of the edge come from: a profile measured there.
pub fn edge_origin(profile: &Profile) -> Origin {
    measured(profile)
}

/// Where the times of a server come from.
pub fn server_origin(server: &Server) -> Origin {
    match server.profile() {
        Some(profile) => measured(profile),
        None => simulated(&server.name),
    }
}

/// Where the times of a plan or a sweep come from, as far as its file says: edge, then server.
pub fn origins(setting: &Setting) -> [Origin; 2] {
    let known = |name: &str| Origin {
        name: name.to_owned(),
        method: format!("as in the profile of {name}"),
        simulated: false,
    };
    let server = if setting.simulated {
        simulated(&setting.server)
    } else {
        known(&setting.server)
    };
    [known(&setting.edge), server]
}

fn simulated(name: &str) -> Origin {
    Origin {
        name: name.to_owned(),
        method: format!("{name}, simulated from the times of another machine; nothing ran there"),
        simulated: true,
    }
}

fn measured(profile: &Profile) -> Origin {
    let (board, method) = (&profile.board, &profile.method);
    let elsewhere = match profile.origin() {
        TimeOrigin::Measured => None,
        TimeOrigin::Stated(source) => Some(format!("stated by hand for {} ({source})", board.name)),
        TimeOrigin::Imported(source) => {
            let runtime = match board.runtime.as_str() {
                "" => String::new(),
                runtime => format!(", {runtime}"),
            };
            let text = format!(
                "imported from {source}, measured by another tool on {}",
                board.name
            );
            Some(text + &runtime)
        }
    };
    if let Some(method) = elsewhere {
        return Origin {
            name: if profile.imported {
                format!("{} (imported)", board.name)
            } else {
                board.name.clone()
            },
            method,
            simulated: false,
        };
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let rounds = profile.cuts.iter().map(|cut| cut.rounds).min();
    let rounds = rounds.unwrap_or(method.runs);
    let paced = method
        .paced_fps
        .map_or(String::new(), |fps| format!(" at {fps} frames/s"));
    let text = format!(
        "measured on {} ({}, {} core{}), {} ({}), {} thread{}; medians of {} or more \
         {} rounds{paced}, spread of the whole model {} %",
        board.name,
        board.cpu,
        board.cores,
        if board.cores == "1" { "" } else { "s" },
        board.runtime,
        board.provider,
        board.threads,
        plural(board.threads),
        rounds,
        method.cache,
        three_digits(method.noise * 100.0),
    );
    Origin {
        name: board.name.clone(),
        method: text,
        simulated: false,
    }
}
