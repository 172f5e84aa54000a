//! Where the times of a machine come from.

use cutpoint_core::plan::Setting;
use cutpoint_core::profile::{Profile, TimeOrigin};
use cutpoint_core::units::three_digits;
use cutpoint_planner::server::Server;

/// One side's machine, and how its times came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Short name, such as `pi5` or `sim:8x`.
    pub name: String,
    /// The same in words, without a full stop: board, runtime, threads, number of rounds, noise.
    pub method: String,
    /// Whether the times were computed instead of measured.
    pub simulated: bool,
}

impl Origin {
    /// The name, marked when the times are simulated.
    pub fn label(&self) -> String {
        if self.simulated {
            format!("{} (simulated)", self.name)
        } else {
            self.name.clone()
        }
    }
}

/// The sentences that say where both sides' times come from.
pub(crate) fn provenance(edge: &Origin, server: &Origin) -> String {
    format!("Edge: {}. Server: {}.", edge.method, server.method)
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
