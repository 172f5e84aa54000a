//! The rows of the knapsacks.
//!
//! A tensor that counts whenever it crosses adds what its chosen encoding uses. One that counts
//! only for some of its readers crosses once more, for those: `u` follows its encodings, and is
//! chosen when such a reader is on the server.

use good_lp::{Expression, constraint, variable};

use super::{CrossingVars, Goal, OBJECTIVE_SIZE, Program};
use crate::presolve::EncodingUse;
use crate::problem::{Counts, Knapsack};

impl Program<'_, '_> {
    /// `layers on the edge + encodings <= allows` for every knapsack, divided by what it allows;
    /// the one that is to be used least is bounded by a variable instead.
    pub(crate) fn add_knapsacks(&mut self, crossings: &[CrossingVars]) {
        let allows = self.reduced.allows.clone();
        for (index, (knapsack, allows)) in self.reduced.knapsacks().iter().zip(allows).enumerate() {
            let unit = allows.max(1) as f64;
            let row = Row {
                index,
                allows,
                unit,
            };
            let mut sum = Expression::from(0.0);
            if knapsack.has_layers() {
                for layer in self.graph().layer_ids() {
                    sum.add_mul(row.share(knapsack.layer(layer)), self.x(layer));
                }
            }
            for crossing in crossings {
                let uses = self.uses(knapsack, &row, crossing);
                sum += uses;
            }
            if self.form.goal == Goal::Least(index) {
                let most = self.variables.add(variable().min(0.0));
                self.objective.add_mul(OBJECTIVE_SIZE, most);
                self.rows.push(constraint!(sum <= most));
            } else {
                self.rows.push(constraint!(sum <= row.share(allows)));
            }
        }
    }

    /// What a tensor adds to a row.
    fn uses(&mut self, knapsack: &Knapsack, row: &Row, crossing: &CrossingVars) -> Expression {
        let encodings = &self.reduced.encodings[crossing.tensor.index()];
        let mut sum = Expression::from(0.0);
        if encodings.iter().all(|choice| choice.uses[row.index] == 0) {
            return sum;
        }
        match knapsack.when(self.graph(), crossing.tensor) {
            Counts::Never => {}
            Counts::Always if crossing.encodings.is_empty() => {
                let uses = encodings.first().map_or(0.0, |choice| row.uses(choice));
                sum.add_mul(uses, crossing.crosses.clone());
            }
            Counts::Always => {
                for (variable, choice) in crossing.encodings.iter().zip(encodings) {
                    sum.add_mul(row.uses(choice), *variable);
                }
            }
            Counts::Sometimes => sum = self.uses_for_some(knapsack, row, crossing),
        }
        sum
    }

    fn uses_for_some(
        &mut self,
        knapsack: &Knapsack,
        row: &Row,
        crossing: &CrossingVars,
    ) -> Expression {
        let tensor = crossing.tensor;
        let encodings = &self.reduced.encodings[tensor.index()];
        let readers = knapsack.counting_readers(self.graph(), tensor);
        let mut sum = Expression::from(0.0);
        let Some(counts) = self.leaves_for(tensor, &readers) else {
            return sum;
        };
        if crossing.encodings.is_empty() {
            let uses = encodings.first().map_or(0.0, |choice| row.uses(choice));
            sum.add_mul(uses, counts);
            return sum;
        }
        let mut chosen = Expression::from(0.0);
        for (variable, choice) in crossing.encodings.iter().zip(encodings) {
            let u = self.share();
            self.rows.push(constraint!(u <= *variable));
            chosen += u;
            sum.add_mul(row.uses(choice), u);
        }
        self.rows.push(constraint!(chosen >= counts));
        sum
    }
}

/// A knapsack in the unit of its row.
struct Row {
    index: usize,
    allows: i64,
    unit: f64,
}

impl Row {
    fn share(&self, amount: i64) -> f64 {
        amount as f64 / self.unit
    }

    /// Whatever exceeds the knapsack alone does so clearly.
    fn uses(&self, choice: &EncodingUse) -> f64 {
        match choice.uses[self.index] {
            uses if uses > self.allows => 2.0 * self.share(self.allows.max(1)),
            uses => self.share(uses),
        }
    }
}
