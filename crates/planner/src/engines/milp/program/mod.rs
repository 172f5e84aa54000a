//! The linear program: variables, rows and what an answer means.
//!
//! x = 1 for a layer on the edge. A tensor whose last readers are one layer c crosses exactly when
//! x of its producer minus x of c is 1, because c's ancestors are on the edge with it; otherwise it
//! has a variable z above each such difference. Without side limits every row is a difference of
//! two variables, so the matrix is totally unimodular and the relaxation integral: a minimum cut.

mod knapsacks;
mod memory;
mod sums;

use std::time::Duration;

use good_lp::solvers::microlp::microlp;
use good_lp::{
    Constraint, Expression, ProblemVariables, ResolutionError, Solution, SolverModel, Variable,
    WithTimeLimit, constraint, variable,
};

use crate::engines::deadline::{Deadline, LATE};
use crate::presolve::Reduced;
use crate::problem::{Codecs, Completion};
use cutpoint_core::codec::Codec;
use cutpoint_core::graph::{Graph, LayerId, LayerSet, TensorId};

/// What is to be as small as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The objective at this position.
    ObjectiveFunction(usize),
    /// What is used of one of the knapsacks.
    Least(usize),
    /// Memory of the edge half.
    EdgeMemory,
}

/// Which rows and variables a program has.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) goal: Goal,
    /// Where each task is taken to be done.
    pub(crate) done: Vec<Completion>,
    /// The first objective may come to this at most, in the unit of its value.
    pub(crate) first_at_most: Option<i128>,
    /// With the rows of the limits, and whole variables.
    pub(crate) limits: bool,
    /// Answers that may not be given again.
    pub(crate) excluded: Vec<(LayerSet, Codecs)>,
    /// Steps of the execution whose memory on the edge is limited; the others are left out.
    pub(crate) steps: Vec<usize>,
    /// Steps of the execution whose memory on the server is limited.
    pub(crate) server_steps: Vec<usize>,
    pub(crate) deadline: Deadline,
}

/// What the solver answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) edge: LayerSet,
    pub(crate) codecs: Codecs,
    /// Every variable of a layer is whole.
    pub(crate) integral: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// No placement meets the rows.
    Infeasible,
    /// The solver gave up; its words.
    Stopped(String),
    /// The time is over; what was found by then.
    Late(Box<Answer>),
}

impl Form {
    /// For the first objective, with the tasks done there, without limits.
    pub(crate) fn new(done: Vec<Completion>, deadline: Deadline) -> Form {
        Form {
            goal: Goal::ObjectiveFunction(0),
            done,
            first_at_most: None,
            limits: false,
            excluded: Vec::new(),
            steps: Vec::new(),
            server_steps: Vec::new(),
            deadline,
        }
    }
}

/// Sum of the objective's coefficients after scaling: large against the solver's tolerance of
/// 1e-10, small against the 16 digits of a double.
const OBJECTIVE_SIZE: f64 = 1e3;
/// The longest time that the solver is given: what has no deadline ends some day.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);
/// How far from whole numbers a value may be.
const WHOLE: f64 = 1e-6;

/// Solves one program.
pub(crate) fn solve(reduced: &Reduced<'_>, form: &Form) -> Result<Answer, NoAnswer> {
    let mut program = Program::new(reduced, form);
    program.add_closure();
    let crossings = program.add_crossings();
    let once = program.once();
    program.add_objective(&crossings, &once);
    if form.limits {
        program.add_limits(&crossings, &once);
        program.add_knapsacks(&crossings);
        program.add_memory_limit(&crossings);
        program.add_server_memory_limit();
        program.exclude_answers(&crossings);
    }
    program.run(&crossings)
}

/// When a tensor crosses, and in which encoding.
#[derive(Debug)]
struct CrossingVars {
    tensor: TensorId,
    crosses: Expression,
    /// One per encoding; empty when there is only one.
    encodings: Vec<Variable>,
}

struct Program<'a, 'p> {
    reduced: &'a Reduced<'p>,
    form: &'a Form,
    variables: ProblemVariables,
    /// Per layer; `None` where the side is decided.
    x: Vec<Option<Variable>>,
    rows: Vec<Constraint>,
    objective: Expression,
}

impl<'a, 'p> Program<'a, 'p> {
    fn new(reduced: &'a Reduced<'p>, form: &'a Form) -> Self {
        let mut program = Program {
            reduced,
            form,
            variables: ProblemVariables::new(),
            x: Vec::new(),
            rows: Vec::new(),
            objective: Expression::from(0.0),
        };
        for layer in program.graph().layer_ids() {
            let free = reduced.is_free(layer);
            let x = free.then(|| program.zero_or_one());
            program.x.push(x);
        }
        program
    }

    fn graph(&self) -> &'p Graph {
        self.reduced.problem.graph()
    }

    /// A variable that is whole when the form asks for whole variables.
    fn zero_or_one(&mut self) -> Variable {
        let variable = if self.form.limits {
            variable().binary()
        } else {
            variable().min(0.0).max(1.0)
        };
        self.variables.add(variable)
    }

    /// A variable that follows whole variables.
    fn share(&mut self) -> Variable {
        self.variables.add(variable().min(0.0).max(1.0))
    }

    fn x(&self, layer: LayerId) -> Expression {
        match self.x[layer.index()] {
            Some(x) => x.into(),
            None => Expression::from(f64::from(u8::from(self.reduced.edge.contains(layer)))),
        }
    }

    /// x of the producer; a model input is on the edge.
    fn x_of_producer(&self, tensor: TensorId) -> Expression {
        match self.graph().producer(tensor) {
            Some(producer) => self.x(producer),
            None => Expression::from(1.0),
        }
    }

    fn is_ancestor(&self, ancestor: LayerId, of: LayerId) -> bool {
        self.reduced.problem.model.needed_by(of).contains(ancestor)
    }

    /// The layers of `set` that no other one of `set` needs.
    fn last_of(&self, set: &[LayerId]) -> Vec<LayerId> {
        let needed = |l: &LayerId| set.iter().any(|other| self.is_ancestor(*l, *other));
        set.iter().copied().filter(|l| !needed(l)).collect()
    }

    /// The layers of `set` that need no other one of `set`.
    fn first_of(&self, set: &[LayerId]) -> Vec<LayerId> {
        let needs = |l: &LayerId| set.iter().any(|other| self.is_ancestor(*other, *l));
        set.iter().copied().filter(|l| !needs(l)).collect()
    }

    /// x of each producer >= x of its reader, without the rows that others imply.
    fn add_closure(&mut self) {
        let graph = self.graph();
        for layer in graph.layer_ids() {
            let Some(x) = self.x[layer.index()] else {
                continue;
            };
            let mut producers: Vec<LayerId> = graph.producers(layer).collect();
            producers.sort_unstable();
            producers.dedup();
            for producer in self.last_of(&producers) {
                if let Some(above) = self.x[producer.index()] {
                    self.rows.push(constraint!(above >= x));
                }
            }
        }
    }

    /// Every tensor that can still cross, with its rows.
    fn add_crossings(&mut self) -> Vec<CrossingVars> {
        let mut crossings = Vec::new();
        for tensor in self.graph().tensor_ids() {
            if self.reduced.problem.model.is_local(tensor) {
                continue;
            }
            let may = !self.reduced.encodings[tensor.index()].is_empty();
            let Some(crosses) = self.crosses(tensor, may) else {
                continue;
            };
            if !may {
                continue;
            }
            let count = self.reduced.encodings[tensor.index()].len();
            let mut encodings = Vec::new();
            if count > 1 && self.form.limits {
                encodings = (0..count).map(|_| self.zero_or_one()).collect();
                let chosen: Expression = encodings.iter().sum();
                self.rows.push(constraint!(chosen == crosses.clone()));
            }
            crossings.push(CrossingVars {
                tensor,
                crosses,
                encodings,
            });
        }
        crossings
    }

    /// When a tensor crosses; `None` when it never does. A tensor that may not cross gets rows
    /// that keep it from doing so.
    fn crosses(&mut self, tensor: TensorId, may: bool) -> Option<Expression> {
        let readers = self.graph().consumers(tensor);
        if may {
            return if self.reduced.problem.model.goes_to_server(tensor) {
                self.is_made_here(tensor)
            } else {
                self.leaves_for(tensor, readers)
            };
        }
        self.is_made_here(tensor)?;
        let produced = self.x_of_producer(tensor);
        for reader in self.last_free_of(readers) {
            self.rows
                .push(constraint!(produced.clone() <= self.x(reader)));
        }
        None
    }

    /// x of the producer, unless that is sure to be on the server.
    fn is_made_here(&self, tensor: TensorId) -> Option<Expression> {
        let producer = self.graph().producer(tensor);
        let there = producer.is_some_and(|p| self.reduced.server.contains(p));
        (!there).then(|| self.x_of_producer(tensor))
    }

    /// When a tensor crosses because some of `readers` are on the server; `None` when it never
    /// does.
    fn leaves_for(&mut self, tensor: TensorId, readers: &[LayerId]) -> Option<Expression> {
        let produced = self.is_made_here(tensor)?;
        if readers.iter().any(|c| self.reduced.server.contains(*c)) {
            return Some(produced);
        }
        match self.last_free_of(readers).as_slice() {
            [] => None,
            [only] => Some(produced - self.x(*only)),
            several => {
                let z = self.share();
                for reader in several {
                    self.rows
                        .push(constraint!(z >= produced.clone() - self.x(*reader)));
                }
                Some(z.into())
            }
        }
    }

    /// The undecided ones of `layers` that no other undecided one needs.
    fn last_free_of(&self, layers: &[LayerId]) -> Vec<LayerId> {
        let free = layers.iter().copied().filter(|l| self.reduced.is_free(*l));
        self.last_of(&free.collect::<Vec<_>>())
    }

    /// At least one layer elsewhere, or one tensor in another encoding.
    fn exclude_answers(&mut self, crossings: &[CrossingVars]) {
        for (edge, codecs) in &self.form.excluded {
            let mut changes = Expression::from(0.0);
            for (index, x) in self.x.iter().enumerate() {
                match x {
                    Some(x) if edge.contains(LayerId::new(index)) => changes += 1.0 - *x,
                    Some(x) => changes += *x,
                    None => {}
                }
            }
            for (tensor, codec) in codecs {
                let crossing = crossings.iter().find(|c| c.tensor == *tensor);
                let encodings = self.reduced.encodings[tensor.index()].iter();
                let taken = crossing
                    .into_iter()
                    .flat_map(|c| &c.encodings)
                    .zip(encodings);
                for (variable, _) in taken.filter(|(_, choice)| choice.encoding.codec == *codec) {
                    changes += 1.0 - *variable;
                }
            }
            self.rows.push(constraint!(changes >= 1.0));
        }
    }

    fn run(self, crossings: &[CrossingVars]) -> Result<Answer, NoAnswer> {
        let mut model = self.variables.minimise(self.objective).using(microlp);
        for row in self.rows {
            model.add_constraint(row);
        }
        let left = self.form.deadline.left().min(LONGEST);
        let solution = match model.with_time_limit(left.as_secs_f64()).solve() {
            Ok(solution) => solution,
            Err(ResolutionError::Infeasible) => return Err(NoAnswer::Infeasible),
            Err(_) if self.form.deadline.is_over() => {
                return Err(NoAnswer::Stopped(LATE.to_owned()));
            }
            Err(other) => return Err(NoAnswer::Stopped(other.to_string())),
        };
        let finished = matches!(solution.status(), good_lp::solvers::SolutionStatus::Optimal);
        let mut edge = self.reduced.edge.clone();
        let mut integral = true;
        for (index, x) in self.x.iter().enumerate() {
            if let Some(x) = x {
                let value = solution.value(*x);
                integral &= value.min(1.0 - value).abs() < WHOLE;
                if value > 0.5 {
                    edge.insert(LayerId::new(index));
                }
            }
        }
        let codecs = chosen_codecs(self.reduced, &edge, crossings, &solution);
        let answer = Answer {
            edge,
            codecs,
            integral,
        };
        if finished {
            Ok(answer)
        } else {
            Err(NoAnswer::Late(Box::new(answer)))
        }
    }
}

/// The encoding of each crossing tensor; the fastest where there was no choice.
fn chosen_codecs(
    reduced: &Reduced<'_>,
    edge: &LayerSet,
    crossings: &[CrossingVars],
    solution: &impl Solution,
) -> Codecs {
    let codec = |tensor: TensorId| {
        let encodings = &reduced.encodings[tensor.index()];
        let picked = crossings
            .iter()
            .find(|c| c.tensor == tensor)
            .and_then(|crossing| {
                let mut pairs = crossing.encodings.iter().zip(encodings);
                pairs.find(|(variable, _)| solution.value(**variable) > 0.5)
            });
        picked
            .map(|(_, choice)| choice.encoding.codec)
            .or_else(|| encodings.first().map(|choice| choice.encoding.codec))
            .unwrap_or(Codec::F32)
    };
    let crossing = reduced.problem.model.crossing(edge);
    crossing
        .into_iter()
        .map(|tensor| (tensor, codec(tensor)))
        .collect()
}
