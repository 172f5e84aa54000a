//! The plan of a set of models: which model each of its members is.

use std::path::{Component, Path};

use super::super::model::Model;
use super::{PlanError, is_of};
use cutpoint_core::plan::{Plan, PlannedMember};

/// Returns each member of a plan for a set with its model, in the plan's order. The members' names
/// can be those of folders.
///
/// # Errors
/// [`PlanError::MissingModel`], [`PlanError::UnplannedModel`] or [`PlanError::FolderName`].
pub fn assign_models(
    plan: &Plan,
    mut models: Vec<Model>,
) -> Result<Vec<(&PlannedMember, Model)>, PlanError> {
    let mut assigned = Vec::new();
    for member in &plan.members {
        check_folder_name(&member.name)?;
        let found = models.iter().position(|model| is_of(member, model));
        let index = found.ok_or_else(|| PlanError::MissingModel {
            member: Box::new(member.clone()),
        })?;
        assigned.push((member, models.swap_remove(index)));
    }
    match models.first() {
        None => Ok(assigned),
        Some(model) => Err(PlanError::UnplannedModel {
            path: model.path().to_owned(),
        }),
    }
}

fn check_folder_name(name: &str) -> Result<(), PlanError> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name => Ok(()),
        _ => Err(PlanError::FolderName {
            name: name.to_owned(),
        }),
    }
}
