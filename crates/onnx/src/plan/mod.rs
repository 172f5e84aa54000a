//! Plans turned into cuts: the model that a plan is for, the cut it asks for, and the halves.

mod members;
mod placement;

use std::borrow::Cow;
use std::path::PathBuf;

use super::codecs::Scale;
use super::cut::{CutRequest, Halves, cut};
use super::error::{OnnxError, show, show_path};
use super::model::Model;
use super::reading::Reading;
use cutpoint_core::graph::TensorId;
use cutpoint_core::plan::{Plan, PlannedMember, PlannedModel};

pub use members::assign_models;

/// Why a model cannot be cut as a plan says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The plan is for another model.
    #[error(
        "the plan was made for another model ({}, sha256 {}...), not for {}: plan again",
        show(&planned.file),
        short_hash(&planned.sha256),
        show_path(found)
    )]
    OtherModel {
        /// The model of the plan.
        planned: PlannedModel,
        /// The file of the model that was to be cut.
        found: PathBuf,
    },
    /// The model has no layer or tensor that the plan names, or its cut is impossible.
    #[error("the plan and the model do not fit: plan again")]
    Misfit(#[source] OnnxError),
    /// The plan is for a set of models, and one of them was not given.
    #[error(
        "the plan is for a set of models, and {} (sha256 {}...) is missing",
        show(&member.file),
        short_hash(&member.sha256)
    )]
    MissingModel {
        /// The member of the set without a model.
        member: Box<PlannedMember>,
    },
    /// A model is in no part of the plan.
    #[error("{} is not among the models of the plan", path.display())]
    UnplannedModel {
        /// The file of the model.
        path: PathBuf,
    },
    /// A member of the set is named so that no folder could be.
    #[error("`{}` in the plan cannot be the name of a folder", show(name))]
    FolderName {
        /// The member's name.
        name: String,
    },
}

/// Returns the digits of a hash that messages show.
#[must_use]
pub fn short_hash(sha256: &str) -> String {
    show(sha256.get(..12).unwrap_or_default())
}

/// A model cut as a plan says.
#[derive(Debug, Clone)]
pub struct PlanCut {
    /// The plan in terms of the model's own layers and tensors.
    pub request: CutRequest,
    /// The halves, to be saved with [`Split::write`](super::directory::Split::write).
    pub halves: Halves,
}

/// Cuts `model`, which was read as `reading`, as `plan` says.
///
/// A plan for a set of models is cut part by part: see [`assign_models`] and [`Plan::of_member`].
///
/// # Errors
/// [`PlanError::OtherModel`] or [`PlanError::Misfit`].
pub fn cut_plan(model: &Model, reading: &Reading, plan: &Plan) -> Result<PlanCut, PlanError> {
    check_model(plan, model)?;
    let request = plan_request(reading, plan)?;
    let halves = cut(model, reading, &request).map_err(PlanError::Misfit)?;
    Ok(PlanCut { request, halves })
}

/// Returns the cut that `plan` asks for, in terms of the layers and tensors of `reading`.
///
/// # Errors
/// [`PlanError::Misfit`] for a layer or tensor that the model does not have.
pub fn plan_request(reading: &Reading, plan: &Plan) -> Result<CutRequest, PlanError> {
    let graph = &reading.graph;
    let find = |name: &String| {
        let found = graph.find_tensor(name);
        found.map_err(|error| PlanError::Misfit(error.into()))
    };
    let mut request = CutRequest::default();
    for crossing in &plan.crossing {
        let tensor = find(&crossing.tensor)?;
        request.crossing.push((tensor, crossing.codec));
        if crossing.codec.is_image() {
            let scale = Scale::new(&crossing.mean, &crossing.std);
            request.u8_scales.insert(tensor, scale);
        }
        if let Some(range) = &crossing.range {
            request.ranges.insert(tensor, range.clone());
        }
    }
    let local = plan.setting.local_inputs.iter().map(find);
    request.local_inputs = local.collect::<Result<_, _>>()?;
    let crossing: Vec<TensorId> = request.crossing.iter().map(|(t, _)| *t).collect();
    request.edge = reading
        .edge_of_plan(&plan.edge, &plan.server, &crossing)
        .map_err(PlanError::Misfit)?;
    request.overlapped = reading
        .overlapped_of_plan(&request.edge, &plan.edge, &plan.local, &crossing)
        .map_err(PlanError::Misfit)?;
    Ok(request)
}

/// Returns the part of `plan` that is for `model`: the plan itself, or that of a member of its set.
///
/// # Errors
/// [`PlanError::OtherModel`].
pub fn part_for<'p>(plan: &'p Plan, model: &Model) -> Result<Cow<'p, Plan>, PlanError> {
    let mut members = plan.members.iter();
    if let Some(member) = members.find(|member| is_of(member, model)) {
        return Ok(Cow::Owned(plan.of_member(member)));
    }
    check_model(plan, model)?;
    Ok(Cow::Borrowed(plan))
}

/// Whether a member of a set is `model`: by its hash or, where that is unknown, by its file name.
fn is_of(member: &PlannedMember, model: &Model) -> bool {
    if member.sha256.is_empty() {
        model.file_name() == member.file
    } else {
        model.sha256() == member.sha256
    }
}

fn check_model(plan: &Plan, model: &Model) -> Result<(), PlanError> {
    // of a table written by hand, nobody may know the model's hash
    let fits = plan.model.sha256.is_empty() || plan.model.sha256 == model.sha256();
    if fits && plan.members.is_empty() {
        return Ok(());
    }
    Err(PlanError::OtherModel {
        planned: plan.model.clone(),
        found: model.path().to_owned(),
    })
}
