//! The same problem with one thing changed.

use std::sync::Arc;

use super::Problem;
use super::tables::Tables;
use crate::units::Delay;

/// Thousandths in a whole.
const WHOLE: u64 = 1_000;

impl Problem {
    /// The same problem at another one-way delay.
    #[must_use]
    pub fn with_delay(&self, delay: Delay) -> Problem {
        let mut problem = self.clone();
        problem.link.delay = delay;
        let tables = Arc::make_mut(&mut problem.tables);
        tables.split.delay_ns = delay.ns();
        tables.setting.delay_ms = delay.ns() as f64 / 1e6;
        problem
    }

    /// The same problem with all times of the edge, and all times of the server, at so many
    /// thousandths of what they are.
    #[must_use]
    pub fn with_times(&self, edge: u64, server: u64) -> Problem {
        let mut problem = self.clone();
        Arc::make_mut(&mut problem.tables).scale(edge, server);
        problem
    }
}

impl Tables {
    fn scale(&mut self, edge: u64, server: u64) {
        let scale = |time: &mut u64, by: u64| {
            let scaled = u128::from(*time) * u128::from(by) / u128::from(WHOLE);
            *time = u64::try_from(scaled).unwrap_or(u64::MAX);
        };
        for layer in &mut self.layers {
            scale(&mut layer.edge_ns, edge);
            scale(&mut layer.server_ns, server);
        }
        for tensor in &mut self.tensors {
            scale(&mut tensor.send_ns, edge);
            scale(&mut tensor.recv_ns, server);
            for way in &mut tensor.ways {
                scale(&mut way.encode_ns, edge);
                scale(&mut way.decode_ns, server);
            }
        }
        scale(&mut self.split.edge_ns, edge);
        scale(&mut self.split.server_ns, server);
    }
}
