//! What is asked of a profile measurement, and who watches it.

use std::path::PathBuf;
use std::time::Duration;

use super::RunError;
use super::measure::{Control, Protocol};
use super::partial::PartialProfile;
use super::probe::InputShape;
use super::session::Provider;
use cutpoint_core::task::Task;

/// What to measure and how.
#[derive(Debug, Default, Clone)]
pub struct ProfileRequest {
    /// Name of the board.
    pub board: String,
    /// Fixed input shapes.
    pub shapes: Vec<InputShape>,
    /// Named sets of outputs; empty for one per output.
    pub tasks: Vec<Task>,
    /// Inputs that the server has too.
    pub local_inputs: Vec<String>,
    /// Where the model runs.
    pub provider: Provider,
    /// How it is timed.
    pub protocol: Protocol,
    /// Target for the time spent on timing halves.
    pub budget: Duration,
    /// This program, to be started for each memory measurement; none to leave memory out.
    pub program: Option<PathBuf>,
    /// Version of the runtime, for the record.
    pub runtime: String,
}

/// Progress of the measurement, for an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProfileProgress {
    /// Finding shapes, tracing.
    Tracing,
    /// Timing halves: share of the planned work done.
    Timing {
        /// From 0 to 1.
        done: f64,
        /// Cuts finished and planned, each pass counted.
        cuts: (usize, usize),
        /// Every cut is timed twice.
        pass: usize,
    },
    /// Fitting times to the measured halves.
    Calibrating,
    /// Running halves in children.
    Memory,
}

/// Observes a measurement and may stop it.
pub trait ProfileObserver {
    /// Called often; return [`Control::Interrupt`] to stop.
    fn progress(&mut self, _progress: ProfileProgress) -> Control {
        Control::Continue
    }
    /// Called with the cuts measured so far, so that they can be saved.
    ///
    /// # Errors
    /// They cannot be saved: the measurement stops.
    fn measured(&mut self, _partial: &PartialProfile) -> Result<(), RunError> {
        Ok(())
    }
}
