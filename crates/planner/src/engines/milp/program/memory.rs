//! The rows of the limits on the halves' memory.
//!
//! While step i of the execution runs, a tensor made on the edge is alive if it is made by then
//! and either read at i or later, a result, or sent. Read later on the server means sent, so for
//! readers at i or later no side needs to be asked; a tensor with earlier readers only is alive
//! exactly when it crosses. An input is alive while a layer that still reads it is on the edge.
//! These rows hold at steps on the server, too: what they count is alive at the next step on the
//! edge. So their maximum is the exact peak. On the server it is the other way round: what it makes
//! is alive as long as anything reads it, and what it receives until its last reader there.

use good_lp::{Expression, Variable, constraint, variable};

use super::{CrossingVars, Goal, Program};
use crate::presolve::last_step;
use cutpoint_core::graph::{LayerId, TensorId};

impl Program<'_, '_> {
    /// `base + weight_factor * weights + activation_factor * live at step i <= limit`, for the
    /// steps asked for; divided by the limit. With the goal of least memory the limit is a
    /// variable.
    pub(crate) fn add_memory_limit(&mut self, crossings: &[CrossingVars]) {
        let problem = self.reduced.problem;
        let model = problem.model.edge_memory_model();
        let everything: u64 = self.graph().tensors().iter().map(|t| t.bytes.0).sum();
        let (unit, most) = match (self.form.goal, problem.constraints.edge_memory_limit()) {
            (Goal::EdgeMemory, _) => {
                let weights: u64 = self.graph().weights().iter().map(|w| w.bytes.0).sum();
                let unit = (weights + everything).max(1) as f64;
                let most = self.variables.add(variable().min(0.0));
                self.objective.add_mul(super::OBJECTIVE_SIZE, most);
                (unit, Expression::from(most))
            }
            (_, Some(limit)) => {
                let rest = limit.0.saturating_sub(model.base_bytes).max(1) as f64;
                (rest, Expression::from(1.0))
            }
            (_, None) => return,
        };
        let weights = self.weights(model.weight_factor / unit);
        if self.form.steps.is_empty() {
            self.rows.push(constraint!(weights.clone() <= most.clone()));
        }
        let factor = model.activation_factor / unit;
        for step in self.form.steps.clone() {
            let live = self.live(step, factor, crossings);
            self.rows
                .push(constraint!(weights.clone() + live <= most.clone()));
        }
    }

    /// As [`Program::add_memory_limit`], for the server half.
    pub(crate) fn add_server_memory_limit(&mut self) {
        let problem = self.reduced.problem;
        let Some(limit) = problem.constraints.server_memory_limit() else {
            return;
        };
        let model = problem.model.server_memory_model();
        let unit = limit.0.saturating_sub(model.base_bytes).max(1) as f64;
        let mut weights = Expression::from(0.0);
        for (weight, readers) in self.graph().weights().iter().zip(self.readers_of_weights()) {
            let used = self.any_there(&readers);
            weights.add_mul(weight.bytes.0 as f64 * model.weight_factor / unit, used);
        }
        if self.form.server_steps.is_empty() {
            self.rows.push(constraint!(weights.clone() <= 1.0));
        }
        let factor = model.activation_factor / unit;
        for step in self.form.server_steps.clone() {
            let live = self.live_there(step, factor);
            self.rows.push(constraint!(weights.clone() + live <= 1.0));
        }
    }

    /// Bytes alive on the server at a step, times `factor`.
    fn live_there(&mut self, step: usize, factor: f64) -> Expression {
        let graph = self.graph();
        let mut live = Expression::from(0.0);
        for tensor in graph.tensor_ids() {
            let bytes = graph.tensor(tensor).bytes.0 as f64 * factor;
            if let Some(producer) = graph.producer(tensor)
                && producer.index() <= step
                && last_step(graph, tensor, producer) >= step
            {
                live.add_mul(bytes, 1.0 - self.x(producer));
            }
            let later = graph.consumers(tensor).iter().copied();
            let later: Vec<LayerId> = later.filter(|c| c.index() >= step).collect();
            if let Some(received) = self.leaves_for(tensor, &later) {
                live.add_mul(bytes, received);
            }
        }
        live
    }

    fn readers_of_weights(&self) -> Vec<Vec<LayerId>> {
        let graph = self.graph();
        let mut readers: Vec<Vec<LayerId>> = vec![Vec::new(); graph.weights().len()];
        for layer in graph.layer_ids() {
            for weight in &graph.layer(layer).weights {
                readers[weight.index()].push(layer);
            }
        }
        readers
    }

    /// Distinct weights on the edge, as a variable when there are many.
    fn weights(&mut self, factor: f64) -> Expression {
        let graph = self.graph();
        let readers = self.readers_of_weights();
        let mut total = Expression::from(0.0);
        for (weight, readers) in graph.weights().iter().zip(&readers) {
            let used = self.any_on_edge(readers);
            total.add_mul(weight.bytes.0 as f64 * factor, used);
        }
        let sum: Variable = self.variables.add(variable().min(0.0));
        self.rows.push(constraint!(sum >= total));
        sum.into()
    }

    /// 1 when any of `layers` is on the edge.
    fn any_on_edge(&mut self, layers: &[LayerId]) -> Expression {
        if layers.iter().any(|l| self.reduced.edge.contains(*l)) {
            return Expression::from(1.0);
        }
        let free: Vec<LayerId> = layers
            .iter()
            .copied()
            .filter(|l| self.reduced.is_free(*l))
            .collect();
        match self.first_of(&free).as_slice() {
            [] => Expression::from(0.0),
            [only] => self.x(*only),
            several => {
                let any = self.share();
                for layer in several {
                    self.rows.push(constraint!(any >= self.x(*layer)));
                }
                any.into()
            }
        }
    }

    /// Bytes alive at a step, times `factor`.
    fn live(&mut self, step: usize, factor: f64, crossings: &[CrossingVars]) -> Expression {
        let graph = self.graph();
        let mut live = Expression::from(0.0);
        for tensor in graph.tensor_ids() {
            let bytes = graph.tensor(tensor).bytes.0 as f64 * factor;
            match graph.producer(tensor) {
                Some(producer) if producer.index() > step => {}
                Some(producer) if last_step(graph, tensor, producer) >= step => {
                    live.add_mul(bytes, self.x(producer));
                }
                Some(_) => {
                    let crossing = crossings
                        .iter()
                        .find(|c: &&CrossingVars| c.tensor == tensor);
                    if let Some(crossing) = crossing {
                        live.add_mul(bytes, crossing.crosses.clone());
                    }
                }
                None => {
                    let alive = self.input_alive(tensor, step);
                    live.add_mul(bytes, alive);
                }
            }
        }
        live
    }

    fn input_alive(&mut self, input: TensorId, step: usize) -> Expression {
        let readers = self.graph().consumers(input).iter().copied();
        let later: Vec<LayerId> = readers.filter(|c| c.index() >= step).collect();
        self.any_on_edge(&later)
    }
}
