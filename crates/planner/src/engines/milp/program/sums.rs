//! Weighted sums of times and bytes as linear expressions: the objective and the rows of limits.

use good_lp::{Expression, IntoAffineExpression, Variable, constraint, variable};

use super::{CrossingVars, Goal, OBJECTIVE_SIZE, Program};
use crate::problem::sums::{limit_room, limit_sums, objective_sums};
use crate::problem::{LinearCost, Part, TimePerBit};
use cutpoint_core::graph::LayerId;

/// The linear expressions of what is paid once, made once.
#[derive(Debug)]
pub(crate) struct Once {
    /// 1 when anything is on the server or sent there.
    split: Expression,
    /// 1 when any result comes back.
    back: Expression,
}

impl Program<'_, '_> {
    /// What is paid once, with the rows that make it so.
    pub(crate) fn once(&mut self) -> Once {
        let graph = self.graph();
        let problem = self.reduced.problem;
        let split = if graph.tensor_ids().any(|t| problem.model.goes_to_server(t)) {
            Expression::from(1.0)
        } else {
            let reads_nothing_of = |l: &LayerId| {
                let outputs = &graph.layer(*l).outputs;
                outputs.iter().all(|t| graph.consumers(*t).is_empty())
            };
            let sinks: Vec<LayerId> = graph.layer_ids().filter(reads_nothing_of).collect();
            self.any_there(&sinks)
        };
        let outputs = graph
            .outputs()
            .iter()
            .filter(|t| problem.model.comes_back(**t));
        let mut producers: Vec<LayerId> = outputs.filter_map(|t| graph.producer(*t)).collect();
        producers.sort_unstable();
        producers.dedup();
        let back = self.any_there(&producers);
        Once { split, back }
    }

    /// Makes the objective that the form asks for as small as possible: the largest of its sums.
    pub(crate) fn add_objective(&mut self, crossings: &[CrossingVars], once: &Once) {
        let Goal::ObjectiveFunction(index) = self.form.goal else {
            // the variable comes with the rows
            return;
        };
        let problem = self.reduced.problem;
        let sums = problem
            .objectives
            .functions
            .get(index)
            .map(|objective| objective_sums(problem, objective, &self.form.done));
        let expressions = self.expressions(
            &sums.unwrap_or_default(),
            self.reduced.time_per_bit,
            crossings,
            once,
        );
        match expressions.as_slice() {
            [] => {}
            [only] => self.objective = scaled(only.clone(), OBJECTIVE_SIZE / size(only)),
            several => {
                let most: Variable = self.variables.add(variable());
                let unit = several.iter().map(size).fold(1.0, f64::max);
                for one in several {
                    self.rows.push(constraint!(
                        scaled(one.clone(), OBJECTIVE_SIZE / unit) <= most
                    ));
                }
                self.objective = most.into();
            }
        }
        let Some(first) = self.form.first_at_most else {
            return;
        };
        let sums = problem
            .objectives
            .functions
            .first()
            .map(|objective| objective_sums(problem, objective, &self.form.done));
        for sum in sums.unwrap_or_default() {
            self.add_row(&sum, first, self.reduced.time_per_bit, crossings, once);
        }
    }

    /// The rows of the limits on sums.
    pub(crate) fn add_limits(&mut self, crossings: &[CrossingVars], once: &Once) {
        let problem = self.reduced.problem;
        for limit in problem.limits() {
            let Some(room) = limit_room(problem, limit) else {
                continue;
            };
            for sum in limit_sums(problem, limit, &self.form.done) {
                self.add_row(&sum, room, problem.time_per_bit(), crossings, once);
            }
        }
    }

    fn add_row(
        &mut self,
        sum: &LinearCost,
        room: i128,
        time_per_bit: TimePerBit,
        crossings: &[CrossingVars],
        once: &Once,
    ) {
        let room = if sum.is_time() {
            time_per_bit.ns(room)
        } else {
            room as f64
        };
        let unit = room.abs().max(1.0);
        for expression in self.expressions(&[*sum], time_per_bit, crossings, once) {
            let row = scaled(expression, 1.0 / unit);
            self.rows.push(constraint!(row <= room / unit));
        }
    }

    /// The sums in nanoseconds or bytes, times what they are weighted by.
    fn expressions(
        &self,
        sums: &[LinearCost],
        time_per_bit: TimePerBit,
        crossings: &[CrossingVars],
        once: &Once,
    ) -> Vec<Expression> {
        let express = |sum: &LinearCost| {
            let mut total = Expression::from(sum.more_ns as f64);
            self.add_layers(sum, &mut total);
            self.add_crossings_of(sum, time_per_bit, crossings, &mut total);
            self.add_results(sum, time_per_bit, &mut total);
            let problem = self.reduced.problem;
            let split = problem.model.split();
            let weight = |part| sum.weight(part) as f64;
            let cost = weight(Part::Edge) * split.edge_ns as f64
                + weight(Part::Server) * split.server_ns as f64
                + weight(Part::Delay) * split.delay_ns as f64;
            total.add_mul(cost, once.split.clone());
            let delay = weight(Part::BackDelay) * split.delay_ns as f64;
            total.add_mul(delay, once.back.clone());
            total
        };
        sums.iter().map(express).collect()
    }

    fn add_layers(&self, sum: &LinearCost, total: &mut Expression) {
        let (edge, server) = (sum.weight(Part::Edge), sum.weight(Part::Server));
        if edge == 0 && server == 0 {
            return;
        }
        for layer in self.graph().layer_ids() {
            let time = self.reduced.problem.model.layer(layer);
            let there = server as f64 * time.server_ns as f64;
            *total += there;
            total.add_mul(edge as f64 * time.edge_ns as f64 - there, self.x(layer));
        }
    }

    fn add_crossings_of(
        &self,
        sum: &LinearCost,
        time_per_bit: TimePerBit,
        crossings: &[CrossingVars],
        total: &mut Expression,
    ) {
        for crossing in crossings {
            let time = self.reduced.problem.model.tensor(crossing.tensor);
            let encodings = &self.reduced.encodings[crossing.tensor.index()];
            let handing_over = sum.weight(Part::Edge) as f64 * time.send_ns as f64
                + sum.weight(Part::Server) as f64 * time.recv_ns as f64;
            let added: Vec<f64> = encodings
                .iter()
                .map(|choice| {
                    let added = sum.of_encoding(&choice.encoding, time_per_bit);
                    if sum.is_time() {
                        time_per_bit.ns(added)
                    } else {
                        added as f64
                    }
                })
                .collect();
            if crossing.encodings.is_empty() {
                let first = added.first().copied().unwrap_or(0.0);
                total.add_mul(handing_over + first, crossing.crosses.clone());
            } else {
                total.add_mul(handing_over, crossing.crosses.clone());
                for (variable, added) in crossing.encodings.iter().zip(added) {
                    total.add_mul(added, *variable);
                }
            }
        }
    }

    fn add_results(&self, sum: &LinearCost, time_per_bit: TimePerBit, total: &mut Expression) {
        let problem = self.reduced.problem;
        for output in self.graph().outputs() {
            let Some(producer) = self.graph().producer(*output) else {
                continue;
            };
            if !problem.model.comes_back(*output) {
                continue;
            }
            let time = problem.model.tensor(*output);
            let down = time_per_bit.ns(time_per_bit.scaled(time.down_ns, time.down_bits));
            let bytes = self.graph().tensor(*output).bytes.0 as f64;
            let cost = sum.weight(Part::Downlink) as f64 * down + sum.downlink_bytes as f64 * bytes;
            *total += cost;
            total.add_mul(-cost, self.x(producer));
        }
    }

    /// 1 when any of `layers` is on the server.
    pub(crate) fn any_there(&mut self, layers: &[LayerId]) -> Expression {
        if layers.iter().any(|l| self.reduced.server.contains(*l)) {
            return Expression::from(1.0);
        }
        let free: Vec<LayerId> = layers
            .iter()
            .copied()
            .filter(|l| self.reduced.is_free(*l))
            .collect();
        let last = self.last_of(&free);
        match last.as_slice() {
            [] => Expression::from(0.0),
            [only] => 1.0 - self.x(*only),
            several => {
                let any = self.share();
                for layer in several {
                    self.rows.push(constraint!(any >= 1.0 - self.x(*layer)));
                }
                any.into()
            }
        }
    }
}

/// The sum of the coefficients' sizes, at least one.
fn size(expression: &Expression) -> f64 {
    let coefficients = expression.clone().linear_coefficients();
    let size: f64 = coefficients.map(|(_, c)| c.abs()).sum();
    if size > 0.0 { size } else { 1.0 }
}

fn scaled(expression: Expression, factor: f64) -> Expression {
    expression * factor
}
