//! Data of the figures, from profiles, problems and sweeps.

mod halves;
mod layers;

pub use halves::halves;
pub use layers::layers;

use super::Origin;
use crate::profile::Profile;
use crate::units::three_digits;

/// Where the times of a profile come from; `side` (`Edge`, `Server`) starts the sentence.
pub fn measured(side: &str, profile: &Profile) -> Origin {
    let (board, method) = (&profile.board, &profile.method);
    let threads = if board.threads == 1 {
        "thread"
    } else {
        "threads"
    };
    let method = format!(
        "{side}: measured on {} ({}, {} cores), {} ({}), {} {threads}; medians of {} or more rounds, {} caches, spread of the whole model {} %.",
        board.name,
        board.cpu,
        board.cores,
        board.runtime,
        board.provider,
        board.threads,
        method.runs,
        method.cache,
        three_digits(method.noise * 100.0),
    );
    Origin {
        name: board.name.clone(),
        method,
        simulated: false,
    }
}
