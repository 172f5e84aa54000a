//! Which exit code an error of planning has.

use cutpoint_planner::candidates::CandidatesError;
use cutpoint_planner::problem::ProblemError;
use cutpoint_planner::scenario::ScenarioError;
use cutpoint_planner::server::ServerError;

use super::Kind;

pub(super) fn scenario_kind(error: &ScenarioError) -> Kind {
    match error {
        ScenarioError::RateTrace(_) => Kind::BadInput,
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

pub(crate) fn candidates_kind(error: &CandidatesError) -> Kind {
    match error {
        CandidatesError::Problem(_, error) | CandidatesError::Alone(error) => problem_kind(error),
        CandidatesError::Unknown { .. } | CandidatesError::TooMany => Kind::Usage,
        _ => Kind::BadInput,
    }
}
