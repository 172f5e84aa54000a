//! Data of the figures, from profiles, problems and sweeps.

mod boards;
mod cuts;
mod halves;
mod layers;
mod map;
mod over;
mod pareto;
mod rate;
mod timeline;
mod tradeoff;
mod words;

pub use boards::{board_bars, boards};
pub use cuts::cuts;
pub use halves::halves;
pub use layers::layers;
pub use map::map;
pub use over::over;
pub use pareto::{FrontPlans, pareto};
pub use rate::rate;
pub use timeline::timeline;
pub use tradeoff::tradeoff;

use super::Origin;
use crate::graph::TensorId;
use crate::plan::Setting;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::server::Server;
use crate::units::three_digits;

/// The model inputs that the server has, too.
fn local_inputs(problem: &Problem) -> Vec<TensorId> {
    let inputs = problem.graph().inputs().iter().copied();
    inputs.filter(|input| problem.is_local(*input)).collect()
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
        method: format!("{name}, simulated from measured times; nothing ran there"),
        simulated: true,
    }
}

fn measured(profile: &Profile) -> Origin {
    let (board, method) = (&profile.board, &profile.method);
    if let Some(source) = &profile.source {
        return Origin {
            name: board.name.clone(),
            method: format!("times of {}, stated by hand: {source}", board.name),
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
