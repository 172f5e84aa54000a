//! What the program makes as small as possible.

use good_lp::{IntoAffineExpression, constraint};

use super::{CrossingVars, Goal, OBJECTIVE_SIZE, Program};
use crate::graph::LayerId;
use crate::scenario::Results;
use crate::solve::reduce::{Choice, way_scaled};

impl Program<'_, '_> {
    /// Adds up what is to be as small as possible, scaled to [`OBJECTIVE_SIZE`].
    pub(super) fn add_objective(&mut self, crossings: &[CrossingVars]) {
        match self.form.goal {
            Goal::Latency => {
                self.add_layers();
                self.add_ways(crossings);
                self.add_split();
                self.add_results();
            }
            // the variable comes with the rows
            Goal::Least(_) | Goal::EdgeMemory => {}
        }
        let size: f64 = self
            .objective
            .clone()
            .linear_coefficients()
            .map(|(_, c)| c.abs())
            .sum();
        if size > 0.0 {
            self.objective *= OBJECTIVE_SIZE / size;
        }
    }

    fn add_layers(&mut self) {
        for layer in self.graph().layer_ids() {
            let time = self.reduced.problem.layer(layer);
            let gain = time.edge_ns as f64 - time.server_ns as f64;
            self.objective.add_mul(gain, self.x(layer));
        }
    }

    fn add_ways(&mut self, crossings: &[CrossingVars]) {
        let pace = self.reduced.pace;
        for crossing in crossings {
            let time = self.reduced.problem.tensor(crossing.tensor);
            let ways = &self.reduced.ways[crossing.tensor.index()];
            let handing_over = (time.send_ns + time.recv_ns) as f64;
            let cost = |choice: &Choice| pace.ns(way_scaled(&choice.way, pace));
            if crossing.ways.is_empty() {
                let fastest = ways.first().map_or(0.0, cost);
                self.objective
                    .add_mul(handing_over + fastest, crossing.crosses.clone());
            } else {
                self.objective
                    .add_mul(handing_over, crossing.crosses.clone());
                for (variable, choice) in crossing.ways.iter().zip(ways) {
                    self.objective.add_mul(cost(choice), *variable);
                }
            }
        }
    }

    /// The cost of being split, once anything is on the server or sent there.
    fn add_split(&mut self) {
        let split = self.reduced.problem.split();
        let cost = (split.edge_ns + split.server_ns + split.delay_ns) as f64;
        let graph = self.graph();
        let results_go = graph
            .tensor_ids()
            .any(|t| self.reduced.problem.goes_to_server(t));
        if results_go || cost == 0.0 {
            return;
        }
        let reads_nothing_of = |l: &LayerId| {
            graph
                .layer(*l)
                .outputs
                .iter()
                .all(|t| graph.consumers(*t).is_empty())
        };
        let sinks: Vec<LayerId> = graph.layer_ids().filter(reads_nothing_of).collect();
        self.add_when_any_there(&sinks, cost);
    }

    fn add_results(&mut self) {
        let problem = self.reduced.problem;
        if problem.results() != Results::Edge {
            return;
        }
        let pace = self.reduced.pace;
        let mut producers = Vec::new();
        for output in self.graph().outputs() {
            if let Some(producer) = self.graph().producer(*output) {
                let time = problem.tensor(*output);
                let cost = pace.ns(pace.scaled(time.down_ns, time.down_bits));
                self.objective.add_mul(-cost, self.x(producer));
                producers.push(producer);
            }
        }
        producers.sort_unstable();
        producers.dedup();
        self.add_when_any_there(&producers, problem.split().delay_ns as f64);
    }

    /// Adds `cost` once when any of `layers` is on the server.
    fn add_when_any_there(&mut self, layers: &[LayerId], cost: f64) {
        if cost == 0.0 || layers.iter().any(|l| self.reduced.server.contains(*l)) {
            return;
        }
        let free: Vec<LayerId> = layers
            .iter()
            .copied()
            .filter(|l| self.reduced.is_free(*l))
            .collect();
        let last = self.last_of(&free);
        match last.as_slice() {
            [] => {}
            [only] => self.objective.add_mul(-cost, self.x(*only)),
            several => {
                let any = self.share();
                for layer in several {
                    self.rows.push(constraint!(any >= 1.0 - self.x(*layer)));
                }
                self.objective.add_mul(cost, any);
            }
        }
    }
}
