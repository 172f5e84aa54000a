//! Which exit code an error of planning has.

use cutpoint_planner::problem::ProblemError;
use cutpoint_planner::scenario::ScenarioError;
use cutpoint_planner::select::SelectError;
use cutpoint_planner::server::ServerError;

use super::Kind;

pub(super) fn scenario_kind(error: &ScenarioError) -> Kind {
    match error {
        ScenarioError::RateTrace(_) | ScenarioError::NotAScenario { .. } => Kind::BadInput,
        _ => Kind::Usage,
    }
}

pub(super) fn server_kind(error: &ServerError) -> Kind {
    match error {
        ServerError::BadFactor(_) => Kind::Usage,
        _ => Kind::BadInput,
    }
}

pub(super) fn problem_kind(error: &ProblemError) -> Kind {
    match error {
        ProblemError::Unknown { .. }
        | ProblemError::NotAnInput { .. }
        | ProblemError::NotAnImage { .. }
        | ProblemError::CodecNeedsData(_)
        | ProblemError::NoAccuracy
        | ProblemError::NoBaseline(_) => Kind::Usage,
        _ => Kind::BadInput,
    }
}

pub(crate) fn candidates_kind(error: &SelectError) -> Kind {
    match error {
        SelectError::Problem(_, error) | SelectError::Alone(error) => problem_kind(error),
        SelectError::Unknown { .. } | SelectError::TooMany => Kind::Usage,
        _ => Kind::BadInput,
    }
}
