//! Every optimal plan over a range of rates, at each of several delays.

use std::time::Duration;

use super::envelope::{Envelope, Found, with_problems};
use super::sweep::{Rates, ends, no_plan_below, pieces};
use crate::problem::Problem;
use crate::scenario::{RateRange, SweepParameter};
use crate::solve::ModelProblem;
use crate::solve::{Options, SolveError};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{DelayMap, FORMAT, MapPlan, MapRow, MapSegment};
use cutpoint_core::quantity::Quantity;
use cutpoint_core::units::Delay;

/// The best plans of a range of rates at each delay, in nanoseconds; and the position of the
/// problem of each distinct plan. Rows without a plan at any rate have no segments.
///
/// # Errors
/// [`SolveError::Infeasible`] when there is no plan at any rate and delay;
/// [`SolveError::Stopped`].
pub fn map(
    models: &[ModelProblem<'_>],
    rates: RateRange,
    delays_ns: &[u64],
    options: &Options,
) -> Result<(DelayMap, Vec<usize>), SolveError> {
    let mut known: Vec<Found> = Vec::new();
    let mut map = DelayMap {
        format: FORMAT,
        kind: FileKind::Map,
        from_bit_s: rates.from.bit_s(),
        to_bit_s: rates.to.bit_s(),
        rows: Vec::new(),
        plans: Vec::new(),
        resolution: None,
    };
    let mut none = None;
    for delay in delays_ns {
        let time = Delay(Duration::from_nanos(*delay));
        let problems = models.iter().map(|model| model.problem.with_delay(time));
        let problems: Vec<Problem> = problems.collect();
        let models = &with_problems(models, &problems);
        let axis = Rates { models };
        let envelope = Envelope::new(models, &axis, options);
        let (pieces, resolution) = match pieces(&envelope, rates) {
            Err(SolveError::Infeasible(why)) => {
                none = none.or(Some(why));
                (Vec::new(), None)
            }
            other => other?,
        };
        map.resolution = map.resolution.or(resolution);
        let mut segments = Vec::new();
        for (piece, to_bit_s) in pieces.iter().zip(ends(&pieces, rates)) {
            let found = &piece.found;
            let index = match known.iter().position(|other| other.is_same(found)) {
                Some(index) => index,
                None => {
                    map.plans.push(MapPlan {
                        number: known.len() + 1,
                        plan: envelope.describe(found, piece.from)?,
                    });
                    known.push(found.clone());
                    known.len() - 1
                }
            };
            segments.push(MapSegment {
                from_bit_s: piece.from,
                to_bit_s,
                plan: index + 1,
                latency: found.best.cost.latency_line(),
            });
        }
        map.rows.push(MapRow {
            delay_ns: *delay,
            delay: SweepParameter::from(Quantity::Delay).typed(*delay),
            no_plan_below_bit_s: no_plan_below(&pieces, rates),
            segments,
        });
    }
    match (known.is_empty(), none) {
        (true, Some(none)) => Err(SolveError::Infeasible(none)),
        _ => Ok((map, known.iter().map(|found| found.model).collect())),
    }
}
