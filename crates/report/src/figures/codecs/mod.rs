//! The codec ladder of a tensor: what each codec sends against what it costs each task.

mod gather;

pub use gather::gather;

use crate::canvas::label_layout::{Frame, Room};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick, linear_steps, log_steps, plain};
use crate::canvas::style::{SMALL, TEXT};
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Anchor, Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::study::NO_ACCURACY;
use crate::{ReportError, Style, Subject, nothing};
use cutpoint_core::units::{Bytes, three_digits};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CodecsData {
    /// Name of the model.
    pub model: String,
    /// The tensor that is encoded.
    pub tensor: String,
    /// Its size in its own type.
    pub raw: Bytes,
    /// What the drops were measured on, without a full stop.
    pub accuracy: String,
    /// Standard errors on either side of a drop.
    pub z: f64,
    /// Share of such intervals that hold the true drop.
    pub interval: f64,
    /// One entry per task that was measured with this tensor.
    pub tasks: Vec<TaskLadder>,
}

/// The codecs as one task sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLadder {
    /// The task.
    pub name: String,
    /// Its metric.
    pub metric: String,
    /// Less of the metric is better; drops are shares of it then, else points.
    pub is_error: bool,
    /// Of the whole model.
    pub baseline: f64,
    /// The codecs.
    pub rungs: Vec<Rung>,
}

/// One codec.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Its name.
    pub codec: String,
    /// The same without a lossless stage; other codecs of this form lose the same.
    pub form: String,
    /// Mean size of what is sent.
    pub bytes: f64,
    /// Standard deviation of that size between samples.
    pub bytes_std: f64,
    /// What the task loses, as a share.
    pub drop: f64,
    /// Standard error of `drop`.
    pub std_error: f64,
    /// Samples it was measured on; 0 when stated by hand.
    pub samples: u64,
    /// Whether the plan sends the tensor so.
    pub chosen: bool,
}

impl Rung {
    fn is_staged(&self) -> bool {
        self.codec != self.form
    }

    fn is_sane(&self) -> bool {
        let finite = [self.bytes, self.bytes_std, self.drop, self.std_error];
        finite.iter().all(|value| value.is_finite()) && self.bytes > 0.0
    }
}

const NAME: &str = "codecs";
const LEFT: f64 = 62.0;
/// Tasks in one picture, and beside one another.
const MOST: usize = 6;
const MOST_ACROSS: usize = 3;
/// Least width and height of what a task has.
const CELL: (f64, f64) = (220.0, 130.0);
/// Height of words and legend.
const WORDS: f64 = 170.0;
/// Drops up to this many percent are drawn on a linear axis, others by decades beyond one.
const LINEAR: f64 = 12.0;

impl Figure for CodecsData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "bytes and drop of each codec at the tensor that is sent";
    const NEEDS: &'static str = "a profile with an accuracy file";

    fn gather(subject: &Subject<'_>) -> Result<Vec<CodecsData>, ReportError> {
        let Some(study) = subject.study() else {
            return Ok(Vec::new());
        };
        let Some(accuracy) = &study.accuracy else {
            return Err(nothing(NAME, NO_ACCURACY));
        };
        let confidence = study.scenario.limits.accuracy.confidence;
        let ladders = gather(study.profile, accuracy, confidence, study.plan());
        if ladders.is_empty() {
            return Err(nothing(NAME, "the accuracy file has no codecs"));
        }
        Ok(ladders)
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] unless some task was measured with a codec of the tensor.
fn draw(data: &CodecsData, style: &Style) -> Result<String, ReportError> {
    let tasks = measured(data);
    if tasks.is_empty() || data.raw.0 == 0 {
        let why = format!(
            "no codec of `{}` was measured for any task of `{}`; `cutpoint accuracy` measures them",
            bare(&data.tensor),
            data.model
        );
        return Err(nothing(NAME, why));
    }
    let (width, height) = style.size();
    let across = ((width / CELL.0) as usize).clamp(1, MOST_ACROSS);
    let down = (((height - WORDS) / CELL.1) as usize).max(1);
    let shown = losing_most(&tasks, MOST.min(across * down));
    let total = tasks.len();

    let mut canvas = Canvas::new(style, &words(data, &shown, total));
    canvas.legend(&legend(&shown));
    let free = canvas.free();
    // four are two and two
    let across = shown.len().div_ceil(shown.len().div_ceil(across));
    let down = shown.len().div_ceil(across);
    let (cell, row) = (free.width / across as f64, free.height / down as f64);
    for (number, task) in shown.iter().enumerate() {
        let (column, line) = (number % across, number / across);
        let last = line + 1 == down || number + across >= shown.len();
        let top = free.top + line as f64 * row;
        let panel = Panel {
            frame: Frame {
                left: free.left + column as f64 * cell + LEFT,
                top: top + TEXT * 1.6,
                width: cell - LEFT - 10.0,
                height: (row - TEXT * 1.6 - if last { 46.0 } else { 28.0 }).max(60.0),
            },
            x: sizes(data, &shown, if last { "sent" } else { "" }),
            y: drops(data, task, if column == 0 { "drop" } else { "" }),
            clearance: 0.0,
        };
        let unit = if task.is_error {
            "share of the error"
        } else {
            "points"
        };
        let title = format!("{} · {}, {unit}", task.name, task.metric);
        let title = fit(&title, TEXT, panel.frame.width);
        canvas.text("text", panel.frame.left, top + TEXT, Anchor::Start, &title);
        canvas.panel(&panel, &marks(data, task, &panel))?;
        name_rungs(&mut canvas, &panel, data, task);
    }
    Ok(canvas.finish())
}

/// The tasks that have codecs with sensible numbers, those that send most first.
fn measured(data: &CodecsData) -> Vec<TaskLadder> {
    let mut tasks = data.tasks.clone();
    for task in &mut tasks {
        task.rungs.retain(Rung::is_sane);
        task.rungs
            .sort_by(|a, b| b.bytes.total_cmp(&a.bytes).then(a.codec.cmp(&b.codec)));
    }
    tasks.retain(|task| !task.rungs.is_empty());
    tasks
}

/// The tasks that say most, in their own order.
fn losing_most(tasks: &[TaskLadder], count: usize) -> Vec<&TaskLadder> {
    let worst = |task: &TaskLadder| task.rungs.iter().map(|r| r.drop).fold(f64::MIN, f64::max);
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by(|a, b| {
        worst(&tasks[*b])
            .total_cmp(&worst(&tasks[*a]))
            .then(a.cmp(b))
    });
    order.truncate(count);
    order.sort_unstable();
    order.iter().map(|at| &tasks[*at]).collect()
}

fn percent(share: f64) -> f64 {
    share * 100.0
}

fn words(data: &CodecsData, shown: &[&TaskLadder], total: usize) -> Words {
    let rungs = || shown.iter().flat_map(|task| &task.rungs);
    let least = rungs().map(|rung| rung.bytes).fold(f64::INFINITY, f64::min);
    let baselines: Vec<String> = shown
        .iter()
        .map(|task| format!("{} {}", task.name, three_digits(task.baseline)))
        .collect();
    let hidden = match total - shown.len() {
        0 => String::new(),
        more => format!(
            " The {} tasks that lose most are shown, {more} are not.",
            shown.len()
        ),
    };
    let samples = rungs().map(|rung| rung.samples);
    let samples = match (samples.clone().min(), samples.max()) {
        (Some(0), _) | (None, _) => String::new(),
        (Some(least), Some(most)) if least == most => format!(", n = {least}"),
        (Some(least), Some(most)) => format!(", n = {least} to {most}"),
        (Some(_), None) => String::new(),
    };
    let confidence = if data.interval > 0.0 && rungs().any(|rung| rung.std_error > 0.0) {
        let share = three_digits(percent(data.interval));
        format!("; bars hold the true drop with {share} % confidence")
    } else {
        String::new()
    };
    let spread = if rungs().any(|rung| rung.bytes_std > 0.0) {
        "; bars are one standard deviation between samples"
    } else {
        ""
    };
    let stage = if rungs().any(Rung::is_staged) {
        " A lossless stage moves a codec along the thin line and costs no accuracy."
    } else {
        ""
    };
    Words {
        heading: format!("{}: codecs of {}", data.model, bare(&data.tensor)),
        summary: format!(
            "{} as it is, down to {} encoded. The whole model: {}.{hidden}",
            data.raw,
            Bytes(least.round() as u64),
            baselines.join(", "),
        ),
        caption: format!(
            "Drops: {}{samples}{confidence}. Sizes: means{spread}.{stage}",
            data.accuracy,
        ),
    }
}

fn legend(shown: &[&TaskLadder]) -> Vec<(&'static str, Swatch, String)> {
    let rungs = || shown.iter().flat_map(|task| &task.rungs);
    let mut entries = vec![("dot-2", Swatch::Circle, "codec".to_owned())];
    if rungs().any(Rung::is_staged) {
        entries.push(("dot-3", Swatch::Circle, "with a lossless stage".to_owned()));
    }
    entries.push(("raw", Swatch::Line, "as it is, no drop".to_owned()));
    if rungs().any(|rung| rung.chosen) {
        entries.push(("best", Swatch::Circle, "the plan's".to_owned()));
    }
    entries
}

/// One axis for all panels.
fn sizes(data: &CodecsData, shown: &[&TaskLadder], title: &str) -> Axis {
    let ends = shown.iter().flat_map(|task| &task.rungs);
    let ends = ends.flat_map(|rung| [rung.bytes, rung.bytes + rung.bytes_std]);
    let (low, high) = ends.fold(
        (data.raw.0 as f64, data.raw.0 as f64),
        |(low, high), bytes| (low.min(bytes), high.max(bytes)),
    );
    Axis::log(low / 1.6, high * 1.6, Quantity::SizeBytes, title)
}

fn drops(data: &CodecsData, task: &TaskLadder, title: &str) -> Axis {
    let ends = task.rungs.iter().flat_map(|rung| {
        let half = data.z * rung.std_error;
        [percent(rung.drop - half), percent(rung.drop + half)]
    });
    let (low, high) = ends.fold((0.0_f64, 1.0_f64), |(low, high), at| {
        (low.min(at), high.max(at))
    });
    let pad = (high - low) * 0.12;
    let (from, to) = (low - pad, high + pad);
    let (spread, steps) = if from.abs().max(to) <= LINEAR {
        (Spread::Linear, linear_steps(from, to, 5))
    } else {
        let up = log_steps(1.0, to.max(1.5));
        let down = log_steps(1.0, from.abs().max(1.5))
            .into_iter()
            .rev()
            .map(|at| -at);
        let steps = down.chain([0.0]).chain(up);
        (
            Spread::Signed(1.0),
            steps.filter(|at| (from..=to).contains(at)).collect(),
        )
    };
    let tick = |at: f64| Tick {
        at,
        label: format!("{} %", plain(at).replace('-', "−")),
    };
    Axis {
        spread,
        from,
        to,
        ticks: steps.into_iter().map(tick).collect(),
        title: title.to_owned(),
    }
}

fn marks(data: &CodecsData, task: &TaskLadder, panel: &Panel) -> Vec<Mark> {
    let raw = data.raw.0 as f64;
    let line = |a: [f64; 2], b: [f64; 2]| Shape::Line(vec![a, b]);
    let mut marks = vec![
        Mark::new("axis", line([panel.x.from, 0.0], [panel.x.to, 0.0])),
        Mark::new("raw", line([raw, panel.y.from], [raw, panel.y.to])),
    ];
    for rung in &task.rungs {
        let (x, y) = (rung.bytes, percent(rung.drop));
        let before = task
            .rungs
            .iter()
            .find(|other| other.codec == rung.form && rung.is_staged());
        if let Some(plain) = before {
            marks.push(Mark::new(
                "leader",
                line([plain.bytes, percent(plain.drop)], [x, y]),
            ));
        }
        let half = percent(data.z * rung.std_error);
        if half > 0.0 {
            marks.push(Mark::new("edge-error", line([x, y - half], [x, y + half])));
        }
        if rung.bytes_std > 0.0 {
            let low = (x - rung.bytes_std).max(panel.x.from);
            marks.push(Mark::new(
                "edge-error",
                line([low, y], [x + rung.bytes_std, y]),
            ));
        }
    }
    for rung in &task.rungs {
        let at = [rung.bytes, percent(rung.drop)];
        let class = if rung.is_staged() { "dot-3" } else { "dot-2" };
        marks.push(Mark::new(class, Shape::Circle(at, 3.8)).tip(tip(data, task, rung)));
        if rung.chosen {
            marks.push(Mark::new("best", Shape::Circle(at, 7.0)));
        }
    }
    marks
}

fn tip(data: &CodecsData, task: &TaskLadder, rung: &Rung) -> String {
    let signed = |share: f64| format!("{:.2} %", percent(share)).replace('-', "−");
    let half = data.z * rung.std_error;
    format!(
        "{} for {}\nsends {}, {} % of {}\ndrop {}, from {} to {}",
        rung.codec,
        fit(&task.name, 1.0, 60.0),
        Bytes(rung.bytes.round() as u64),
        three_digits(percent(rung.bytes / data.raw.0 as f64)),
        data.raw,
        signed(rung.drop),
        signed(rung.drop - half),
        signed(rung.drop + half),
    )
}

fn name_rungs(canvas: &mut Canvas, panel: &Panel, data: &CodecsData, task: &TaskLadder) {
    const REACH: f64 = 4.0;
    let mut room = Room::new(panel.frame);
    let point = |rung: &Rung| (panel.at_x(rung.bytes), panel.at_y(percent(rung.drop)));
    for rung in &task.rungs {
        let (x, y) = point(rung);
        let half = percent(data.z * rung.std_error);
        let above = panel.at_y((percent(rung.drop) + half).min(panel.y.to));
        let below = panel.at_y((percent(rung.drop) - half).max(panel.y.from));
        room.block(Frame {
            left: x - REACH,
            top: y - REACH,
            width: 2.0 * REACH,
            height: 2.0 * REACH,
        });
        room.block(Frame {
            left: x - 1.0,
            top: above,
            width: 2.0,
            height: below - above,
        });
    }
    // the plan's codec is named whatever happens to the others
    let mut order: Vec<&Rung> = task.rungs.iter().collect();
    order.sort_by_key(|rung| (!rung.chosen, rung.is_staged()));
    for rung in order {
        let (x, y) = point(rung);
        let text = fit(&rung.codec, SMALL, 120.0);
        let class = if rung.chosen { "strong" } else { "label" };
        if let Some(frame) = room.take(x, y, width(&text, SMALL), SMALL + 2.0) {
            canvas.label(class, &frame, (x, y), &text);
        }
    }
}
