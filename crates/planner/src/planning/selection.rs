//! The best plan of several problems: one per model, or set of models, that does the same tasks.

use std::time::Instant;

use super::writing::write;
use crate::engines::{Options, Solution, SolveError, solve_at};
use crate::explain;
use crate::plan_writer::PlanWriter;
use crate::problem::Limit;
use crate::solve::ModelProblem;
use cutpoint_core::plan::{Alternative, Amounts, Conflict, NoPlan, Plan, Relaxation, Status};

/// The answer over several problems.
#[derive(Debug)]
pub enum Chosen {
    /// The best plan, and the position of its problem. The others, at their best, are among its
    /// alternatives, as are the baselines of each.
    Plan(usize, Box<Plan>),
    /// No plan of any problem meets the limits.
    NoPlan(Box<NoPlan>),
}

/// The best plan of all `models`; the earlier one of equals.
///
/// # Errors
/// [`SolveError::Stopped`].
pub fn choose(models: &[ModelProblem<'_>], options: &Options) -> Result<Chosen, SolveError> {
    let options = &options.started();
    let start = Instant::now();
    let elapsed = || Some(start.elapsed().as_secs_f64() * 1e3);
    let solved = models
        .iter()
        .map(|model| model.best_at(model.problem.time_per_bit(), options));
    let selection = Selection {
        solved: solved.collect::<Result<_, _>>()?,
        models,
        options,
    };
    match selection.winner() {
        Some((winner, _)) => {
            let mut plan = selection.plan(winner)?;
            plan.solve_ms = elapsed();
            Ok(Chosen::Plan(winner, Box::new(plan)))
        }
        None => {
            let mut none = selection.no_plan()?;
            none.solve_ms = elapsed();
            Ok(Chosen::NoPlan(Box::new(none)))
        }
    }
}

/// Problems and their optima at one time per bit.
pub(crate) struct Selection<'a> {
    pub(crate) models: &'a [ModelProblem<'a>],
    /// Of each; `None` where it has none.
    pub(crate) solved: Vec<Option<Solution>>,
    pub(crate) options: &'a Options,
}

impl Selection<'_> {
    /// The best optimum, the earlier one of equals, and its position.
    pub(crate) fn winner(&self) -> Option<(usize, Solution)> {
        let solved = self.solved.iter().enumerate();
        let found = solved.filter_map(|(index, best)| Some((index, best.as_ref()?)));
        let best = found.min_by_key(|(_, best)| best.rank);
        best.map(|(index, best)| (index, best.clone()))
    }

    /// The plan of the problem at this position, compared with the others.
    pub(crate) fn plan(&self, winner: usize) -> Result<Plan, SolveError> {
        let problem = self.models[winner].problem;
        let Some(best) = self.solved[winner].clone() else {
            return Err(SolveError::Stopped("no plan to describe".to_owned()));
        };
        let value = best.rank.objectives[0];
        let mut plan = write(problem, best, self.options)?;
        if self.models.len() == 1 {
            return Ok(plan);
        }
        let bound = self.solved.iter().flatten().map(|other| other.bound).min();
        let bound = bound.unwrap_or(value).min(value);
        let beaten = |other: &Solution| other.is_proven() || other.bound >= value;
        let all_beaten = self.solved.iter().flatten().all(beaten);
        if plan.status == Status::Optimal && !all_beaten {
            plan.status = Status::Feasible;
            PlanWriter::new(problem).bound(&mut plan, bound);
        }
        plan.proof = format!(
            "best of {} models and sets of models; {}",
            self.models.len(),
            plan.proof
        );
        plan.binding
            .extend(self.binding_elsewhere(winner, value, &plan.binding)?);
        plan.alternatives.extend(self.others(winner)?);
        plan.alternatives
            .sort_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms));
        Ok(plan)
    }

    /// Limits without which another problem has a faster plan, and that are not known to bind.
    fn binding_elsewhere(
        &self,
        winner: usize,
        value: i128,
        known: &[String],
    ) -> Result<Vec<String>, SolveError> {
        let mut names: Vec<String> = Vec::new();
        let others = self.models.iter().enumerate().filter(|(i, _)| *i != winner);
        for (_, model) in others.filter(|(_, model)| model.barred.is_none()) {
            let faster = |limits: Vec<Limit>| {
                let problem = model.problem.with_limits(limits);
                let found = solve_at(&problem, problem.time_per_bit(), self.options);
                // what is not answered in time is not named
                let found = found.ok().flatten();
                found.is_some_and(|found| found.rank.objectives[0] < value)
            };
            if !faster(Vec::new()) {
                continue;
            }
            for limit in model.problem.limits() {
                let name = limit.to_string();
                let is_new = !known.contains(&name) && !names.contains(&name);
                if is_new && faster(model.problem.constraints.without(limit)) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// The other problems at their best, or, where limits rule them out, without limits; and their
    /// baselines.
    fn others(&self, winner: usize) -> Result<Vec<Alternative>, SolveError> {
        let mut others = Vec::new();
        for (index, model) in self.models.iter().enumerate() {
            if index == winner {
                continue;
            }
            others.extend(self.at_its_best(index)?);
            others.extend(baselines(model));
        }
        Ok(others)
    }

    fn at_its_best(&self, index: usize) -> Result<Option<Alternative>, SolveError> {
        let ModelProblem {
            name,
            problem,
            barred,
        } = self.models[index];
        let time_per_bit = problem.time_per_bit();
        let alternative = |best: &Solution, breaks| Alternative {
            name: name.to_owned(),
            model: Some(name.to_owned()),
            latency_ms: best.cost.latency_ms(time_per_bit),
            breaks,
        };
        if let Some(best) = &self.solved[index] {
            return Ok(Some(alternative(best, None)));
        }
        let breaks = match barred {
            Some(why) => why.to_owned(),
            None => {
                let conflict = explain::conflict(problem, self.options).limits;
                let names: Vec<String> = conflict.iter().map(ToString::to_string).collect();
                names.join(", ")
            }
        };
        let free = solve_at(&problem.with_limits(Vec::new()), time_per_bit, self.options);
        Ok(free
            .ok()
            .flatten()
            .map(|best| alternative(&best, Some(breaks))))
    }

    /// Why none can be planned, and what would help at least one of them.
    pub(crate) fn no_plan(&self) -> Result<NoPlan, SolveError> {
        let mut whole: Option<NoPlan> = None;
        let mut reasons = Vec::new();
        for (index, model) in self.models.iter().enumerate() {
            let mut none = match model.barred {
                None => explain::no_plan(model.problem, self.options),
                Some(why) => PlanWriter::new(model.problem).no_plan(why.to_owned(), Vec::new()),
            };
            if self.models.len() == 1 {
                return Ok(none);
            }
            reasons.push(format!("{}: {}", model.name, none.proof));
            none.alternatives = baselines(model);
            none.alternatives.extend(self.at_its_best(index)?);
            whole = Some(match whole {
                None => none,
                Some(other) => together(other, none),
            });
        }
        let Some(mut whole) = whole else {
            return Err(SolveError::Stopped("there is no model".to_owned()));
        };
        let names: Vec<&str> = self.models.iter().map(|model| model.name).collect();
        whole.model.file = names.join(" | ");
        whole.model.sha256 = String::new();
        whole.proof = format!("no model meets the limits: {}", reasons.join("; "));
        Ok(whole)
    }
}

/// The baselines of a model, under its name.
fn baselines(model: &ModelProblem<'_>) -> Vec<Alternative> {
    let problem = model.problem;
    let own = PlanWriter::new(problem)
        .alternatives(problem.time_per_bit())
        .into_iter();
    own.map(|other| Alternative {
        name: format!("{}, {}", model.name, other.name),
        model: Some(model.name.to_owned()),
        ..other
    })
    .collect()
}

/// What rules out both: a limit helps when it gives as much as the easier of the two needs.
fn together(mut one: NoPlan, other: NoPlan) -> NoPlan {
    for conflict in other.conflict {
        match one.conflict.iter_mut().find(|c| c.limit == conflict.limit) {
            None => one.conflict.push(conflict),
            Some(known) => ease(known, &conflict),
        }
    }
    let percent = |relaxation: &Option<Relaxation>| {
        let percent = relaxation.as_ref().map(|relaxation| relaxation.percent);
        percent.unwrap_or(f64::INFINITY)
    };
    if percent(&other.relaxation) < percent(&one.relaxation) {
        one.relaxation = other.relaxation;
    }
    one.alternatives.extend(other.alternatives);
    one.alternatives
        .sort_by(|a, b| a.latency_ms.total_cmp(&b.latency_ms));
    one
}

/// Takes the other's word where it would have to give less.
fn ease(known: &mut Conflict, other: &Conflict) {
    fn less<T: PartialOrd>(other: &Option<T>, own: &Option<T>) -> bool {
        match (other, own) {
            (Some(other), Some(own)) => other < own,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
    let (ours, theirs) = (&known.amounts, &other.amounts);
    let bytes = less(&theirs.least_bytes(), &ours.least_bytes());
    let units = less(&theirs.least_units(), &ours.least_units());
    // drops of different models count from different baselines
    let short = |amounts: &Amounts| match amounts {
        Amounts::Drop { drop, .. } => Some(drop.least? - drop.allows),
        _ => None,
    };
    // amounts in words are not compared, but any is better than none
    let words = match (theirs, ours) {
        (Amounts::Text(theirs), Amounts::Text(ours)) => {
            theirs.least.is_some() && ours.least.is_none()
        }
        _ => false,
    };
    if bytes || units || words || less(&short(theirs), &short(ours)) {
        known.clone_from(other);
    }
}
