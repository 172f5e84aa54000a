//! The same problem with one thing changed.

use std::sync::Arc;

use super::swept::Delays;
use super::{Problem, ProblemError};
use crate::cost::tables::Tables;
use cutpoint_core::units::Delay;

/// Thousandths in a whole.
const WHOLE: u64 = 1_000;

impl Problem {
    /// The same problem at another one-way delay.
    #[must_use]
    pub fn with_delay(&self, delay: Delay) -> Problem {
        let mut problem = self.clone();
        problem.link.delay = delay;
        problem.delays = Delays::of(delay);
        problem
    }

    /// The same problem with all times of the edge, and all times of the server, at so many
    /// thousandths of what they are.
    #[must_use]
    pub fn with_times(&self, edge: u64, server: u64) -> Problem {
        let by = |thousandths: u64| {
            move |time: u64| {
                let scaled = u128::from(time) * u128::from(thousandths) / u128::from(WHOLE);
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
        };
        let mut problem = self.clone();
        Arc::make_mut(&mut problem.tables).scale(by(edge), by(server));
        problem
    }

    /// As [`Problem::with_times`], with any factors.
    ///
    /// # Errors
    /// [`ProblemError::TooLarge`].
    pub fn with_times_by(&self, edge: f64, server: f64) -> Result<Problem, ProblemError> {
        let mut problem = self.clone();
        Arc::make_mut(&mut problem.tables).scale_by(edge, server)?;
        Ok(problem)
    }
}

impl Tables {
    /// Multiplies all times on the edge and all on the server by a factor each.
    ///
    /// # Errors
    /// Sums beyond the range of exact arithmetic.
    pub(crate) fn scale_by(&mut self, edge: f64, server: f64) -> Result<(), ProblemError> {
        let by = |factor: f64| move |time: u64| (time as f64 * factor).round() as u64;
        self.scale(by(edge), by(server));
        self.check_range()
    }

    fn scale(&mut self, edge: impl Fn(u64) -> u64, server: impl Fn(u64) -> u64) {
        let on_edge = |time: &mut u64| *time = edge(*time);
        let on_server = |time: &mut u64| *time = server(*time);
        for layer in &mut self.layers {
            on_edge(&mut layer.edge_ns);
            on_server(&mut layer.server_ns);
        }
        for tensor in &mut self.tensors {
            on_edge(&mut tensor.send_ns);
            on_server(&mut tensor.recv_ns);
            for encoding in &mut tensor.encodings {
                on_edge(&mut encoding.encode_ns);
                on_server(&mut encoding.decode_ns);
            }
        }
        on_edge(&mut self.split.edge_ns);
        on_server(&mut self.split.server_ns);
    }
}
