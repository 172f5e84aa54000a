//! How a server is named: by the speed-up of a simulated one, or by a file.

use std::path::Path;

/// What begins the name of a simulated server, such as `sim:8x`.
const SIMULATED: &str = "sim:";

/// What the name of a server refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRef<'a> {
    /// A simulated server, by how many times as fast as the edge board it is, as typed: `8x`.
    Simulated(&'a str),
    /// The profile of a machine, or the description of a simulated one.
    File(&'a Path),
}

impl<'a> ServerRef<'a> {
    /// Returns what a name refers to.
    pub fn of(name: &'a str) -> ServerRef<'a> {
        match name.strip_prefix(SIMULATED) {
            Some(speed_up) => ServerRef::Simulated(speed_up),
            None => ServerRef::File(Path::new(name)),
        }
    }

    /// Whether it is a simulated server named by its speed-up.
    pub fn is_simulated(self) -> bool {
        matches!(self, ServerRef::Simulated(_))
    }
}

/// Returns the name of a simulated server, `factor` times as fast as the edge board.
pub fn simulated_name(factor: f64) -> String {
    format!("{SIMULATED}{factor}x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_simulated_servers_and_files_are_told_apart() {
        assert_eq!(ServerRef::of("sim:8x"), ServerRef::Simulated("8x"));
        assert!(ServerRef::of(&simulated_name(2.5)).is_simulated());
        assert!(!ServerRef::of("profiles/sim.toml").is_simulated());
    }
}
