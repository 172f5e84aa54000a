//! The parts of a plan for a set of models.

use serde::{Deserialize, Serialize};

use super::{Crossing, Plan, PlannedModel, Setting};

/// One model of a set, with names as in its own file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedMember {
    /// Unlike those of the other members.
    pub name: String,
    /// File name without folders.
    pub file: String,
    /// Hash of the model, lower-case hex.
    pub sha256: String,
    /// Names of its tasks.
    pub tasks: Vec<String>,
    /// Ids of its layers on the edge, in execution order.
    pub edge: Vec<String>,
    /// Those of them that run as a model of their own while link and server work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<String>,
    /// Ids of its layers on the server.
    pub server: Vec<String>,
    /// What crosses for it. An input that several members read is among the crossings of each, but
    /// need be sent only once.
    pub crossing: Vec<Crossing>,
    /// Its inputs that the server has, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_inputs: Vec<String>,
}

impl Plan {
    /// The part of a plan that is one member's, as a plan of that model: what each side runs and
    /// what crosses. Its times and sizes are still those of the whole set.
    #[must_use]
    pub fn of_member(&self, member: &PlannedMember) -> Plan {
        Plan {
            model: PlannedModel {
                file: member.file.clone(),
                sha256: member.sha256.clone(),
            },
            members: Vec::new(),
            setting: Setting {
                local_inputs: member.local_inputs.clone(),
                ..self.setting.clone()
            },
            edge: member.edge.clone(),
            local: member.local.clone(),
            server: member.server.clone(),
            crossing: member.crossing.clone(),
            ..self.clone()
        }
    }
}
