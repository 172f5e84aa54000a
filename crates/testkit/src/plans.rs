//! Plans written for a test, as `cutpoint plan --out` would.

use cutpoint_core::codec::Codec;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{
    Breakdown, Crossing, Evidence, FORMAT, HalfEvidence, Plan, PlannedModel, PlannedObjective,
    Setting, Status,
};
use cutpoint_onnx::Model;

/// A plan for `model`, with these layers on either side.
pub fn plan(model: &Model, edge: &[String], server: &[String], crossing: Vec<Crossing>) -> Plan {
    Plan {
        format: FORMAT,
        kind: FileKind::Plan,
        members: Vec::new(),
        status: Status::Optimal,
        proof: "written for this test".to_owned(),
        model: PlannedModel {
            file: model.file_name(),
            sha256: model.sha256().to_owned(),
        },
        setting: Setting {
            edge: "here".to_owned(),
            server: "there".to_owned(),
            simulated: true,
            rate_bit_s: 1,
            down_rate_bit_s: None,
            delay_ms: 0.0,
            results: "edge".to_owned(),
            task_results: Vec::new(),
            local_inputs: Vec::new(),
            percentile: None,
            rate_spread: None,
        },
        objective: PlannedObjective::default(),
        edge: edge.to_vec(),
        local: Vec::new(),
        server: server.to_vec(),
        crossing,
        latency_ms: 1.0,
        bound_ms: 1.0,
        breakdown_ms: Breakdown::default(),
        latency_spread: None,
        robust: None,
        tasks: Vec::new(),
        uplink_bytes: 0,
        downlink_bytes: 0,
        edge_memory_bytes: 0,
        server_memory_bytes: 0,
        edge_energy_mj: None,
        period_ms: 1.0,
        binding: Vec::new(),
        alternatives: Vec::new(),
        evidence: Evidence {
            edge: HalfEvidence::Simulated,
            server: HalfEvidence::Simulated,
        },
        measured: None,
        solve_ms: None,
        request: None,
    }
}

/// A tensor that is sent, with no size and no calibration.
pub fn crossing(tensor: &str, codec: Codec) -> Crossing {
    Crossing {
        tensor: tensor.to_owned(),
        codec,
        bytes: 0,
        bytes_p95: None,
        mean: Vec::new(),
        std: Vec::new(),
        range: None,
    }
}
