//! What was found, in words.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use cutpoint_accuracy::AccuracyReport;
use cutpoint_core::codec_accuracy::{
    CodecAccuracy, Confidence, CrossingRecord, Metric, TaskAccuracy, TaskDrop,
};
use cutpoint_core::units::Bytes;
use cutpoint_onnx::show;

use super::plural;

/// Drops for which the smallest message is shown.
const LIMITS: [f64; 3] = [0.01, 0.03, 0.1];
/// Tensors shown, those with the smallest messages.
const TENSORS: usize = 10;

/// `shown` are the tensors worth a line.
pub(super) fn summary(
    report: &AccuracyReport,
    path: &Path,
    shown: &[String],
    confidence: Confidence,
) -> String {
    let found = &report.accuracy;
    let data = &found.data;
    let reference = if data.labelled {
        "their labels"
    } else {
        "the whole model's own outputs (no labels)"
    };
    let share = 100.0 * report.runs as f64 / report.exhaustive_runs.max(1) as f64;
    let mut lines = vec![
        format!("{}", path.display()),
        format!("  model      {}", show(&found.model.file)),
        format!(
            "  data       {} of {}, compared with {reference}; bounds from {} others",
            plural(data.samples as usize, "sample"),
            show(&data.source),
            data.calibration_samples
        ),
    ];
    for task in &found.tasks {
        lines.push(format!("  whole      {}", whole(task, confidence)));
    }
    lines.push(format!(
        "  measured   {} runs, {share:.1} % of what all codecs on all samples take",
        report.runs
    ));
    let rows = rows(found, shown, confidence);
    if !rows.is_empty() {
        lines.push(String::new());
        lines.push(table(&rows, found, confidence));
        lines.push(format!(
            "\nThe smallest messages within drops of 1, 3 and 10 %, worst task, pessimistic end at \
             {} %; the file holds the rest.",
            100.0 * confidence.share()
        ));
    }
    lines.join("\n")
}

fn whole(task: &TaskAccuracy, confidence: Confidence) -> String {
    let width = two_sided(confidence) * task.std_error;
    let name = show(&task.name);
    match task.metric {
        Metric::Score => format!("{name}: 1 - relative error, 1 by definition"),
        metric if metric.is_error() => {
            let (value, width) = (task.baseline, width);
            format!("{name}: {} {value:.4} +- {width:.4}", metric.name())
        }
        metric => format!(
            "{name}: {} {:.2} % +- {:.2}",
            metric.name(),
            100.0 * task.baseline,
            100.0 * width
        ),
    }
}

/// Standard errors to both sides of an interval that holds at this confidence.
fn two_sided(confidence: Confidence) -> f64 {
    let one_sided = (1.0 + confidence.share()) / 2.0;
    Confidence::new(one_sided).map_or(2.0, Confidence::z)
}

/// The records worth a line: of the tensors with the smallest messages, the smallest within each
/// limit.
fn rows<'a>(
    found: &'a CodecAccuracy,
    shown: &[String],
    confidence: Confidence,
) -> Vec<&'a CrossingRecord> {
    let z = confidence.z();
    let worst = |record: &CrossingRecord| {
        let ends = record.drops.iter().map(|drop| drop.pessimistic(z));
        ends.fold(0.0, f64::max)
    };
    let smallest = |tensor: &str, limit: f64| {
        let records = found.crossings.iter().filter(|r| r.tensor == tensor);
        let within = records.filter(|r| worst(r) <= limit);
        within.min_by(|a, b| a.bytes_mean.total_cmp(&b.bytes_mean))
    };
    let mut tensors: Vec<&str> = found.crossings.iter().map(|r| r.tensor.as_str()).collect();
    tensors.dedup();
    tensors.retain(|tensor| shown.iter().any(|name| name == tensor));
    let size = |tensor: &&str| {
        let best = smallest(tensor, LIMITS[0]);
        best.map_or(f64::INFINITY, |record| record.bytes_mean)
    };
    let mut best = tensors.clone();
    best.sort_by(|a, b| size(a).total_cmp(&size(b)));
    best.truncate(TENSORS);
    tensors.retain(|tensor| best.contains(tensor));
    let mut rows: Vec<&CrossingRecord> = Vec::new();
    for tensor in tensors {
        for limit in LIMITS {
            let record = smallest(tensor, limit);
            let known = |record: &&CrossingRecord| rows.iter().any(|r| std::ptr::eq(*r, *record));
            if let Some(record) = record.filter(|record| !known(record)) {
                rows.push(record);
            }
        }
    }
    rows
}

fn table(rows: &[&CrossingRecord], found: &CodecAccuracy, confidence: Confidence) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let fixed = ["tensor", "codec", "bytes", "p95", "samples"];
    let tasks = found
        .tasks
        .iter()
        .map(|task| format!("{} drop, %", show(&task.name)));
    table.set_header(fixed.iter().map(|name| (*name).to_owned()).chain(tasks));
    let mut before = "";
    for record in rows {
        let name = if before == record.tensor {
            ""
        } else {
            &record.tensor
        };
        before = &record.tensor;
        let bytes = |bytes: f64| Bytes(bytes.round() as u64).to_string();
        let mut cells = vec![
            show(name),
            record.codec.to_string(),
            bytes(record.bytes_mean),
            record.bytes_p95.map(bytes).unwrap_or_default(),
            record.samples.to_string(),
        ];
        for task in &found.tasks {
            let drop = record.drops.iter().find(|drop| drop.task == task.name);
            cells.push(drop.map_or_else(String::new, |drop| percent(drop, confidence)));
        }
        table.add_row(cells);
    }
    for at in 2..fixed.len() + found.tasks.len() {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A drop and the half-width of its interval; one that is known exactly has none.
fn percent(drop: &TaskDrop, confidence: Confidence) -> String {
    let half = confidence.z() * drop.std_error;
    // a minus sign before a zero means nothing
    let mean = (1e4 * drop.mean).round() / 100.0 + 0.0;
    if half > 0.0 {
        format!("{mean:.2} +- {:.2}", 100.0 * half)
    } else {
        format!("{mean:.2}")
    }
}
