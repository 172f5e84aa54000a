//! The tracks of a profile and of a plan.

use std::collections::HashSet;

use super::{Span, Track};
use crate::origin::edge_origin;
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::{LayerRecord, Profile};
use cutpoint_core::units::{BitRate, Bytes};

/// The layers of a profile one after the other on either side, and what a plan of it does when.
pub fn tracks(profile: &Profile, plan: Option<&Plan>) -> Vec<Track> {
    let origin = edge_origin(profile);
    let group = format!("{} on {}", profile.model.file, origin.name);
    let mut tracks = vec![
        layers(
            profile,
            &group,
            "layers in an edge half",
            &origin.method,
            |l| l.edge_us,
        ),
        layers(
            profile,
            &group,
            "layers in a server half",
            &origin.method,
            |l| l.server_us,
        ),
    ];
    if let Some(plan) = plan {
        tracks.extend(planned(profile, plan));
    }
    tracks
}

fn layers(
    profile: &Profile,
    group: &str,
    name: &str,
    origin: &str,
    time: fn(&LayerRecord) -> f64,
) -> Track {
    let all = profile.layers.iter();
    Track {
        group: group.to_owned(),
        name: name.to_owned(),
        spans: in_turn(0.0, all.map(|layer| (layer, time(layer))), origin),
    }
}

/// Layers that run one after the other.
fn in_turn<'a>(
    start_us: f64,
    layers: impl Iterator<Item = (&'a LayerRecord, f64)>,
    origin: &str,
) -> Vec<Span> {
    let mut start_us = start_us;
    layers
        .map(|(layer, duration_us)| {
            let mut details = vec![
                ("operator", layer.op.clone()),
                ("outputs", layer.outputs.join(", ")),
                ("times", origin.to_owned()),
            ];
            if layer.runs > 0 {
                details.push(("n", layer.runs.to_string()));
            }
            if layer.mad_us > 0.0 {
                details.push(("mad_us", layer.mad_us.to_string()));
            }
            let span = Span {
                name: layer.id.clone(),
                kind: layer.op.clone(),
                start_us,
                duration_us,
                details,
            };
            start_us += duration_us;
            span
        })
        .collect()
}

/// The parts of a plan in the order in which they happen, and its tasks.
fn planned(profile: &Profile, plan: &Plan) -> Vec<Track> {
    let setting = &plan.setting;
    let simulated = if setting.simulated { ", simulated" } else { "" };
    let rate = BitRate::from_bit_s(setting.rate_bit_s);
    let rate = rate.map_or_else(String::new, |rate| format!(" at {rate}"));
    let group = format!(
        "plan: {} with {}{simulated}{rate}, {} ms one way",
        setting.edge, setting.server, setting.delay_ms
    );
    let track = |name: &str, spans: Vec<Span>| Track {
        group: group.clone(),
        name: name.to_owned(),
        spans,
    };
    let parts = plan.breakdown_ms;
    let edge_half = part("edge half", 0.0, parts.edge);
    let encode = part("encode", edge_half.end_us(), parts.encode);
    let mut uplink = part("uplink", encode.end_us(), parts.uplink);
    let decode = part("decode", uplink.end_us(), parts.decode);
    let server_half = part("server half", decode.end_us(), parts.server);
    let mut down = part("results", server_half.end_us(), parts.downlink);
    let sent = plan.crossing.iter();
    let sent: Vec<String> = sent
        .map(|c| format!("{} as {}, {}", c.tensor, c.codec, Bytes(c.bytes)))
        .collect();
    uplink.details = vec![("sends", sent.join("; "))];
    down.details = vec![("bytes", plan.downlink_bytes.to_string())];
    let local: HashSet<&String> = plan.local.iter().collect();
    let here: HashSet<&String> = plan.edge.iter().collect();
    let on = |beside: bool| -> Vec<(&LayerRecord, f64)> {
        let all = profile.layers.iter();
        let mine = all.filter(|l| here.contains(&l.id) && local.contains(&l.id) == beside);
        mine.map(|l| (l, l.edge_us)).collect()
    };
    let origin = edge_origin(profile).method;
    let beside_from = encode.end_us();
    let mut edge = vec![edge_half];
    edge.extend(in_turn(0.0, on(false).into_iter(), &origin));
    edge.push(encode);
    let mut tracks = vec![
        track("edge", edge),
        track("link", vec![uplink, down]),
        track("server", vec![decode, server_half]),
    ];
    if parts.local > 0.0 {
        let mut beside = vec![part(
            "heads overlapped with the transfer",
            beside_from,
            parts.local,
        )];
        beside.extend(in_turn(beside_from, on(true).into_iter(), &origin));
        tracks.push(track("edge, overlapped", beside));
    }
    for task in &plan.tasks {
        let span = part(&task.name, 0.0, task.latency_ms);
        tracks.push(track(&format!("task {}", task.name), vec![span]));
    }
    for track in &mut tracks {
        track.spans.retain(|span| span.duration_us > 0.0);
    }
    tracks.retain(|track| !track.spans.is_empty());
    tracks
}

fn part(name: &str, start_us: f64, ms: f64) -> Span {
    Span {
        name: name.to_owned(),
        kind: "plan".to_owned(),
        start_us,
        duration_us: ms * 1e3,
        details: Vec::new(),
    }
}
