use super::edge_origin;
use crate::halves::{Half, HalvesData};
use cutpoint_core::profile::{CutRecord, Profile};

/// Data of the figure of predicted and measured halves: both halves of every measured cut.
pub fn halves(profile: &Profile) -> HalvesData {
    let both = |cut: &CutRecord| {
        let name = cut.tensors.join(", ");
        let edge = Half {
            cut: name.clone(),
            server: false,
            measured_us: cut.edge_us,
            mad_us: cut.edge_mad_us,
            error_us: cut.edge_residual_us,
            left_out_us: cut.edge_loo_us,
        };
        let server = Half {
            cut: name,
            server: true,
            measured_us: cut.server_us,
            mad_us: cut.server_mad_us,
            error_us: cut.server_residual_us,
            left_out_us: cut.server_loo_us,
        };
        [edge, server]
    };
    HalvesData {
        model: profile.model.file.clone(),
        board: edge_origin(profile),
        whole_us: profile.whole.median_us,
        repeatability: profile.method.repeatability,
        halves: profile.cuts.iter().flat_map(both).collect(),
    }
}
