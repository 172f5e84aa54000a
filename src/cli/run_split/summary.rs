//! What a run came to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::Table;
use cutpoint_core::units::format_us;
use cutpoint_deploy::client::Served;
use cutpoint_deploy::halves::SplitDirectory;
use cutpoint_deploy::runner::{Frame, Outcome};
use cutpoint_runtime::stats::{mad, median, quantile};
use serde::Serialize;

use super::record::name;
use crate::cli::plan_text::{new_table, right_aligned};
use crate::cli::plural;

/// Counts and times of all frames.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    model: String,
    /// What serves; null when nothing is sent.
    server: Option<String>,
    made_up_inputs: bool,
    threads: usize,
    runtime: String,
    frames: u64,
    /// By who answered.
    answered: BTreeMap<&'static str, u64>,
    /// By why not.
    dropped: BTreeMap<&'static str, u64>,
    /// Frames that the local copy answered, by why the server did not.
    fallen_back: BTreeMap<&'static str, u64>,
    /// How often the server was given a pause.
    pauses: u64,
    duration_s: f64,
    frames_per_s: f64,
    /// Latencies by who answered, then the parts of those that the server did.
    times: Vec<TimeRow>,
    #[serde(skip)]
    samples: Vec<(&'static str, Vec<f64>)>,
}

/// A part and its times over all frames.
#[derive(Debug, Serialize)]
struct TimeRow {
    name: &'static str,
    n: usize,
    median_ms: f64,
    mad_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
}

impl Summary {
    pub(super) fn new(
        directory: &SplitDirectory,
        served: Option<Served>,
        made_up_inputs: bool,
        threads: usize,
        runtime: &str,
    ) -> Summary {
        Summary {
            model: directory.description.model.file.clone(),
            server: served.map(|served| format!("{} {}", served.server, served.version)),
            made_up_inputs,
            threads,
            runtime: format!("onnxruntime {runtime}"),
            frames: 0,
            answered: BTreeMap::new(),
            dropped: BTreeMap::new(),
            fallen_back: BTreeMap::new(),
            pauses: 0,
            duration_s: 0.0,
            frames_per_s: 0.0,
            times: Vec::new(),
            samples: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, frame: &Frame) {
        self.frames += 1;
        match &frame.outcome {
            Outcome::Answered { by, latency, .. } => {
                *self.answered.entry(name(*by)).or_default() += 1;
                self.sample(name(*by), Some(*latency));
                if let Some(failure) = &frame.failure {
                    *self.fallen_back.entry(failure.kind).or_default() += 1;
                } else if name(*by) == "local-copy" {
                    *self.fallen_back.entry("paused").or_default() += 1;
                }
            }
            Outcome::Dropped { kind, .. } => *self.dropped.entry(kind).or_default() += 1,
        }
        let times = &frame.times;
        if times.round_trip.is_some() {
            for (part, time) in [
                ("edge half", Some(times.edge)),
                ("encode", Some(times.encode)),
                ("uplink", times.uplink),
                ("queue", times.queue),
                ("decode", times.decode),
                ("server half", times.server),
                ("downlink", times.downlink),
                ("round trip", times.round_trip),
            ] {
                self.sample(part, time);
            }
        }
    }

    fn sample(&mut self, part: &'static str, time: Option<Duration>) {
        let Some(time) = time else { return };
        let ms = time.as_secs_f64() * 1e3;
        match self.samples.iter_mut().find(|(name, _)| *name == part) {
            Some((_, samples)) => samples.push(ms),
            None => self.samples.push((part, vec![ms])),
        }
    }

    pub(super) fn end(&mut self, duration: Duration, pauses: u64) {
        self.pauses = pauses;
        self.duration_s = duration.as_secs_f64();
        let answered: u64 = self.answered.values().sum();
        self.frames_per_s = answered as f64 / self.duration_s.max(1e-9);
        let rows = self.samples.iter().map(|(name, samples)| TimeRow {
            name,
            n: samples.len(),
            median_ms: median(samples),
            mad_ms: mad(samples),
            p90_ms: quantile(samples, 0.9),
            p99_ms: quantile(samples, 0.99),
        });
        self.times = rows.collect();
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{}  {} in {:.1} s, {:.1} answered per second\n",
            cutpoint_onnx::show(&self.model),
            plural(self.frames as usize, "frame"),
            self.duration_s,
            self.frames_per_s
        );
        let list = |counts: &BTreeMap<&'static str, u64>| {
            let parts = counts.iter().map(|(what, count)| format!("{count} {what}"));
            parts.collect::<Vec<_>>().join(", ")
        };
        let server = self.server.as_deref().map(cutpoint_onnx::show);
        let _ = writeln!(
            text,
            "server       {}",
            server
                .as_deref()
                .unwrap_or("none: everything runs on the edge")
        );
        let _ = writeln!(text, "answered by  {}", list(&self.answered));
        if !self.fallen_back.is_empty() {
            let pauses = match self.pauses {
                0 => String::new(),
                pauses => format!(
                    "; the server was given {}",
                    plural(pauses as usize, "pause")
                ),
            };
            let _ = writeln!(text, "fell back    {}{pauses}", list(&self.fallen_back));
        }
        if !self.dropped.is_empty() {
            let _ = writeln!(text, "dropped      {}", list(&self.dropped));
        }
        let _ = writeln!(
            text,
            "measured     {}, {}{}\n",
            plural(self.threads, "thread"),
            self.runtime,
            if self.made_up_inputs {
                ", random inputs"
            } else {
                ""
            }
        );
        text + &right_aligned(self.table(), &[1, 2, 3, 4, 5])
    }

    fn table(&self) -> Table {
        let mut table = new_table(["time", "n", "median", "MAD", "90 %", "99 %"]);
        let time = |ms: f64| format_us(ms * 1e3);
        for row in &self.times {
            let name = match row.name {
                "edge" | "server" | "local-copy" => format!("answered by {}", row.name),
                part => format!("  {part}"),
            };
            table.add_row([
                name,
                row.n.to_string(),
                time(row.median_ms),
                time(row.mad_ms),
                time(row.p90_ms),
                time(row.p99_ms),
            ]);
        }
        table
    }
}
