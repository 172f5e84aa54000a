//! The numbers of profiles, plans and sweeps as tables.

use crate::figures::cuts;
use crate::origin::{edge_origin, origins, server_origin};
use crate::tables::{Cell, Column, Table};
use crate::{Origin, provenance};
use cutpoint_core::graph::LayerId;
use cutpoint_core::plan::{HalfEvidence, Plan, Setting, Side, Status, Sweep};
use cutpoint_core::profile::{LayerRecord, Profile, TimeOrigin};
use cutpoint_core::units::BitRate;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;

/// What spread and n of a table of medians mean.
const SPREAD: &str = "MAD: median absolute deviation over n runs.";

/// The tables of a profile; `profile` and `server` are those of the problem. Of the layers only
/// the `top` slowest on the edge when that is given, slowest first.
pub fn profile_tables(
    problem: &Problem,
    profile: &Profile,
    server: &Server,
    top: Option<usize>,
) -> Vec<Table> {
    let mut tables = vec![
        whole(profile, server),
        layers(problem, profile, server, top),
    ];
    if !profile.cuts.is_empty() {
        tables.push(halves(profile));
    }
    tables.push(cut_table(problem, profile, server));
    tables
}

/// A word for how a machine's times came about, with its name.
fn word(profile: &Profile) -> String {
    let name = &profile.board.name;
    match profile.origin() {
        TimeOrigin::Measured => format!("measured on {name}"),
        TimeOrigin::Stated(source) => format!("stated by hand for {name} ({source})"),
        TimeOrigin::Imported(source) => format!("imported for {name} ({source})"),
    }
}

fn server_word(server: &Server) -> String {
    match server.profile() {
        Some(profile) => word(profile),
        None => format!("simulated ({})", server.name),
    }
}

/// The unsplit model on each machine that has a profile.
fn whole(profile: &Profile, server: &Server) -> Table {
    let row = |profile: &Profile| {
        let whole = &profile.whole;
        vec![
            Cell::text(&profile.board.name),
            Cell::number(whole.median_us),
            Cell::spread(whole.mad_us),
            Cell::spread(whole.p90_us),
            Cell::spread(whole.p99_us),
            Cell::known(whole.runs),
            Cell::text(word(profile)),
        ]
    };
    let mut profiles = vec![profile];
    profiles.extend(server.profile());
    let mut notes: Vec<String> = profiles.iter().map(|p| sentence(&edge_origin(p))).collect();
    notes.push(SPREAD.to_owned());
    Table {
        name: "whole",
        title: format!("{}: the whole model", profile.model.file),
        columns: vec![
            Column::plain("board", "board"),
            Column::number("median_us", "median", "µs"),
            Column::number("mad_us", "MAD", "µs"),
            Column::number("p90_us", "90 %", "µs"),
            Column::number("p99_us", "99 %", "µs"),
            Column::plain("n", "n"),
            Column::plain("origin", "origin"),
        ],
        rows: profiles.into_iter().map(row).collect(),
        notes,
    }
}

fn layers(problem: &Problem, profile: &Profile, server: &Server, top: Option<usize>) -> Table {
    let graph = problem.graph();
    let total_us: f64 = profile.layers.iter().map(|l| l.edge_us).sum();
    let [edge_word, server_word] = [word(profile), server_word(server)];
    let row = |(id, record): &(LayerId, &LayerRecord)| {
        let layer = graph.layer(*id);
        let bytes = layer.outputs.iter().map(|t| graph.tensor(*t).bytes.0).sum();
        vec![
            Cell::Count(id.index() as u64 + 1),
            Cell::text(&record.id),
            Cell::text(&record.op),
            Cell::number(record.edge_us),
            Cell::number(100.0 * record.edge_us / total_us),
            Cell::number(problem.model().layer(*id).server_ns as f64 / 1e3),
            Cell::number(record.trace_us),
            Cell::spread(record.mad_us),
            Cell::known(record.runs),
            Cell::Count(bytes),
            Cell::Count(record.flops),
            Cell::text(&edge_word),
            Cell::text(&server_word),
        ]
    };
    let mut records: Vec<(LayerId, &LayerRecord)> =
        graph.layer_ids().zip(&profile.layers).collect();
    let all = records.len();
    if let Some(top) = top {
        records.sort_by(|a, b| b.1.edge_us.total_cmp(&a.1.edge_us).then(a.0.cmp(&b.0)));
        records.truncate(top);
    }
    let title = match records.len() {
        shown if shown < all => {
            format!(
                "{}: the {shown} slowest of {all} layers",
                profile.model.file
            )
        }
        _ => format!("{}: {all} layers", profile.model.file),
    };
    Table {
        name: "layers",
        title,
        columns: vec![
            Column::plain("number", "#"),
            Column::plain("layer", "layer"),
            Column::plain("operator", "operator"),
            Column::number("edge_us", "edge", "µs"),
            Column::number("edge_percent", "share", "%"),
            Column::number("server_us", "server", "µs"),
            Column::number("trace_us", "traced", "µs"),
            Column::number("mad_us", "MAD", "µs"),
            Column::plain("n", "n"),
            Column::number("output_bytes", "output", "B"),
            Column::plain("flops", "FLOP"),
            Column::for_programs("edge_origin"),
            Column::for_programs("server_origin"),
        ],
        rows: records.iter().map(row).collect(),
        notes: vec![
            provenance(&edge_origin(profile), &server_origin(server)),
            format!("Traced on the edge; {SPREAD}"),
        ],
    }
}

/// The halves that were really measured.
fn halves(profile: &Profile) -> Table {
    let row = |cut: &cutpoint_core::profile::CutRecord| {
        vec![
            Cell::text(cut.tensors.join(", ")),
            Cell::known(cut.kept.len()),
            Cell::number(cut.edge_us),
            Cell::spread(cut.edge_mad_us),
            Cell::number(cut.edge_residual_us),
            Cell::number(cut.server_us),
            Cell::spread(cut.server_mad_us),
            Cell::number(cut.server_residual_us),
            Cell::known(cut.rounds),
            Cell::text(word(profile)),
        ]
    };
    Table {
        name: "halves",
        title: format!("{}: halves that were measured", profile.model.file),
        columns: vec![
            Column::plain("crossing", "crossing"),
            Column::plain("kept", "layers that stay beside"),
            Column::number("edge_us", "edge half", "µs"),
            Column::number("edge_mad_us", "MAD", "µs"),
            Column::number("edge_error_us", "predicted - measured", "µs"),
            Column::number("server_us", "server half", "µs"),
            Column::number("server_mad_us", "MAD", "µs"),
            Column::number("server_error_us", "predicted - measured", "µs"),
            Column::plain("n", "n"),
            Column::for_programs("origin"),
        ],
        rows: profile.cuts.iter().map(row).collect(),
        notes: vec![
            format!("Both halves {}.", edge_origin(profile).method),
            SPREAD.to_owned(),
        ],
    }
}

/// The latency of every natural cut at the problem's link.
fn cut_table(problem: &Problem, profile: &Profile, server: &Server) -> Table {
    let data = cuts::gather(problem, profile, server);
    let noise = Cell::spread(100.0 * profile.method.noise);
    let [edge_word, server_word] = [word(profile), server_word(server)];
    let measured = profile.origin() == TimeOrigin::Measured;
    let row = |bar: &crate::figures::cuts::CutBar| {
        let parts = &bar.parts;
        vec![
            Cell::text(&bar.name),
            Cell::text(&bar.payload),
            Cell::number(parts.edge_us / 1e3),
            Cell::number(parts.encode_us / 1e3),
            Cell::number(parts.uplink_us / 1e3),
            Cell::number(parts.decode_us / 1e3),
            Cell::number(parts.server_us / 1e3),
            Cell::number(parts.downlink_us / 1e3),
            Cell::number(parts.total_us() / 1e3),
            Cell::text(if bar.measured && measured {
                "measured"
            } else {
                "predicted"
            }),
            Cell::known(profile.method.runs),
            noise.clone(),
            Cell::text(&edge_word),
            Cell::text(&server_word),
        ]
    };
    Table {
        name: "cuts",
        title: format!("{}: latency of cuts at {}", data.model, data.link),
        columns: vec![
            Column::plain("cut", "cut behind"),
            Column::plain("crossing", "crossing"),
            Column::number("edge_ms", "edge", "ms"),
            Column::number("encode_ms", "encode", "ms"),
            Column::number("uplink_ms", "uplink", "ms"),
            Column::number("decode_ms", "decode", "ms"),
            Column::number("server_ms", "server", "ms"),
            Column::number("results_ms", "results", "ms"),
            Column::number("latency_ms", "latency", "ms"),
            Column::plain("halves", "halves"),
            Column::for_programs("n"),
            Column::for_programs("noise_percent"),
            Column::for_programs("edge_origin"),
            Column::for_programs("server_origin"),
        ],
        rows: data.bars.iter().map(row).collect(),
        notes: vec![provenance(&data.edge, &data.server)],
    }
}

/// The tables of a plan: its parts, what crosses, its tasks. `profile` is the one it was made from,
/// when it is known.
pub fn plan_tables(plan: &Plan, profile: Option<&Profile>) -> Vec<Table> {
    let [mut edge, server] = origins(&plan.setting);
    if let Some(profile) = profile {
        edge = edge_origin(profile);
    }
    let about = format!("{} at {}", plan.model.file, link(&plan.setting));
    let notes = vec![provenance(&edge, &server)];
    let mut tables = vec![parts(plan, profile, &about, &notes)];
    if !plan.crossing.is_empty() {
        tables.push(crossing(plan, &about));
    }
    tables.push(tasks(plan, &about, &notes));
    tables
}

fn link(setting: &Setting) -> String {
    let rate = BitRate::from_bit_s(setting.rate_bit_s).map_or_else(String::new, |r| r.to_string());
    format!("{rate}, {} ms one way", setting.delay_ms)
}

fn parts(plan: &Plan, profile: Option<&Profile>, about: &str, notes: &[String]) -> Table {
    let runs = profile.map_or(0, |p| p.method.runs);
    let noise = profile.map_or(0.0, |p| 100.0 * p.method.noise);
    let [edge, server] = [plan.evidence.edge, plan.evidence.server].map(evidence);
    let computed = "computed from the stated link";
    let ms = plan.breakdown_ms;
    let all = [
        ("edge", ms.edge, edge, true),
        ("encode", ms.encode, edge, false),
        ("uplink", ms.uplink, computed, false),
        ("decode", ms.decode, server, false),
        ("server", ms.server, server, false),
        ("results", ms.downlink, computed, false),
        ("overlapped", ms.local, edge, true),
    ];
    let row = |(name, ms, origin, timed): &(&str, f64, &str, bool)| {
        vec![
            Cell::text(*name),
            Cell::number(*ms),
            Cell::number(100.0 * ms / plan.latency_ms),
            Cell::text(*origin),
            Cell::known(if *timed { runs } else { 0 }),
            Cell::spread(if *timed { noise } else { 0.0 }),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = all
        .iter()
        .filter(|(_, ms, ..)| *ms > 0.0)
        .map(row)
        .collect();
    rows.push(vec![
        Cell::text("latency"),
        Cell::number(plan.latency_ms),
        Cell::number(100.0),
        Cell::text(match plan.status {
            Status::Optimal => "optimal",
            Status::Feasible => "feasible",
            Status::Infeasible => "infeasible",
        }),
        Cell::Empty,
        Cell::Empty,
    ]);
    Table {
        name: "plan",
        title: format!("{about}: where the latency goes"),
        columns: vec![
            Column::plain("part", "part"),
            Column::number("time_ms", "time", "ms"),
            Column::number("percent", "share", "%"),
            Column::plain("origin", "rests on"),
            Column::plain("n", "n"),
            Column::number("noise_percent", "spread of the whole", "%"),
        ],
        rows,
        notes: notes.to_vec(),
    }
}

fn evidence(half: HalfEvidence) -> &'static str {
    match half {
        HalfEvidence::Measured => "measured as such",
        HalfEvidence::Predicted => "predicted from measured halves",
        HalfEvidence::Stated => "stated by hand",
        HalfEvidence::Imported => "predicted from imported times",
        HalfEvidence::Simulated => "simulated",
    }
}

fn crossing(plan: &Plan, about: &str) -> Table {
    let row = |c: &cutpoint_core::plan::Crossing| {
        vec![
            Cell::text(&c.tensor),
            Cell::text(c.codec.to_string()),
            Cell::Count(c.bytes),
            c.bytes_p95.map_or(Cell::Empty, Cell::Count),
        ]
    };
    Table {
        name: "crossing",
        title: format!("{about}: what is sent"),
        columns: vec![
            Column::plain("tensor", "tensor"),
            Column::plain("codec", "codec"),
            Column::number("bytes", "payload", "B"),
            Column::number("bytes_p95", "95 % below", "B"),
        ],
        rows: plan.crossing.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

fn tasks(plan: &Plan, about: &str, notes: &[String]) -> Table {
    let [edge, server] = [plan.evidence.edge, plan.evidence.server].map(evidence);
    let row = |task: &cutpoint_core::plan::TaskPlan| {
        let (side, origin) = match task.side {
            Side::Edge => ("edge", edge.to_owned()),
            Side::Server => ("server", format!("edge {edge}, server {server}")),
            Side::Both => ("both", format!("edge {edge}, server {server}")),
        };
        let accuracy = task.accuracy.as_ref();
        let value = |of: fn(&cutpoint_core::plan::TaskAccuracy) -> f64| {
            accuracy.map_or(Cell::Empty, |accuracy| Cell::number(of(accuracy)))
        };
        vec![
            Cell::text(&task.name),
            Cell::text(side),
            Cell::number(task.latency_ms),
            task.deadline_ms.map_or(Cell::Empty, Cell::number),
            task.on_time
                .map_or(Cell::Empty, |p| Cell::number(100.0 * p)),
            accuracy.map_or(Cell::Empty, |accuracy| Cell::text(&accuracy.metric)),
            value(|a| a.baseline),
            value(|a| a.expected),
            value(|a| a.worst),
            Cell::text(origin),
        ]
    };
    Table {
        name: "tasks",
        title: format!("{about}: tasks"),
        columns: vec![
            Column::plain("task", "task"),
            Column::plain("side", "runs on"),
            Column::number("latency_ms", "done after", "ms"),
            Column::number("deadline_ms", "deadline", "ms"),
            Column::number("on_time_percent", "on time", "%"),
            Column::plain("metric", "metric"),
            Column::plain("whole", "whole model"),
            Column::plain("expected", "expected"),
            Column::plain("worst", "at worst"),
            Column::for_programs("origin"),
        ],
        rows: plan.tasks.iter().map(row).collect(),
        notes: notes.to_vec(),
    }
}

/// The segments of a sweep; none for one without a plan.
pub fn sweep_tables(sweep: &Sweep, profile: Option<&Profile>) -> Vec<Table> {
    let Some(first) = sweep.segments.first().map(|segment| &segment.plan) else {
        return Vec::new();
    };
    let [mut edge, server] = origins(&first.setting);
    if let Some(profile) = profile {
        edge = edge_origin(profile);
    }
    let row = |segment: &cutpoint_core::plan::Segment| {
        let plan = &segment.plan;
        let at = |rate: u64| Cell::number(segment.latency.at_bit_s(rate as f64));
        let sent = plan.crossing.iter();
        let sent: Vec<String> = sent
            .map(|c| format!("{} as {}", c.tensor, c.codec))
            .collect();
        vec![
            Cell::number(segment.from_bit_s as f64 / 1e6),
            Cell::number(segment.to_bit_s as f64 / 1e6),
            Cell::Count(plan.edge.len() as u64),
            Cell::Count(plan.server.len() as u64),
            Cell::text(sent.join(", ")),
            Cell::Count(plan.uplink_bytes),
            at(segment.from_bit_s),
            at(segment.to_bit_s),
            Cell::text(evidence(plan.evidence.edge)),
            Cell::text(evidence(plan.evidence.server)),
        ]
    };
    let mut notes = vec![provenance(&edge, &server)];
    if let Some(least) = sweep.no_plan_below_bit_s.and_then(BitRate::from_bit_s) {
        notes.push(format!("No plan meets the limits below {least}."));
    }
    vec![Table {
        name: "sweep",
        title: format!(
            "{}: best plan by the rate of the link, {} ms one way",
            first.model.file, first.setting.delay_ms
        ),
        columns: vec![
            Column::number("from_mbit_s", "from", "Mbit/s"),
            Column::number("to_mbit_s", "to", "Mbit/s"),
            Column::plain("edge_layers", "edge layers"),
            Column::plain("server_layers", "server layers"),
            Column::plain("crossing", "crossing"),
            Column::number("uplink_bytes", "payload", "B"),
            Column::number("latency_from_ms", "latency there", "ms"),
            Column::number("latency_to_ms", "at the end", "ms"),
            Column::plain("edge_origin", "edge half"),
            Column::plain("server_origin", "server half"),
        ],
        rows: sweep.segments.iter().map(row).collect(),
        notes,
    }]
}

fn sentence(origin: &Origin) -> String {
    format!("{}: {}.", origin.name, origin.method)
}
