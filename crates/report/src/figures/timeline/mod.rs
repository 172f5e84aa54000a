//! What happens when during one inference: a lane for each machine and step, and one for each task.

mod gather;

pub use gather::gather;

use crate::canvas::label_layout::Frame;
use crate::canvas::panel::{Mark, Shape};
use crate::canvas::scale::Axis;
use crate::canvas::style::SMALL;
use crate::canvas::swimlanes::{Swimlanes, most};
use crate::canvas::text::{fit, width};
use crate::canvas::{Anchor, Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::origins;
use crate::study::no_plan;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::format_us;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// The link, such as `10 Mbit/s, 20 ms one way`.
    pub link: String,
    /// What the plan is, such as `cut at relu5 · q8`.
    pub plan: String,
    /// Until the last task is done.
    pub latency_us: f64,
    /// The steps in their order; those without spans are left out.
    pub lanes: Vec<Lane>,
    /// The tasks in the order of the plan.
    pub tasks: Vec<TaskLane>,
}

/// A machine or a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// Beside the lane.
    pub name: String,
    /// In the order of time.
    pub spans: Vec<Span>,
}

/// One piece of work without a pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// What it is.
    pub work: Work,
    /// Start, counted from the input.
    pub from_us: f64,
    /// End.
    pub to_us: f64,
    /// Whose it is, where it is not everybody's: a task's own layers.
    pub name: String,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Layers on the edge before anything is sent.
    Edge,
    /// Layers on the edge while link and server work.
    Overlapped,
    /// Encoders.
    Encode,
    /// Delay and wire to the server.
    Link,
    /// Decoders.
    Decode,
    /// Layers on the server.
    Server,
    /// Delay and wire back.
    Results,
}

/// A task: what its results wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLane {
    /// The task.
    pub name: String,
    /// In the order of time.
    pub spans: Vec<Span>,
    /// When its results are there.
    pub done_us: f64,
    /// When they are to be there.
    pub deadline_us: Option<f64>,
}

const NAME: &str = "timeline";
/// Room for the times to the right of the lanes.
const RIGHT: f64 = 116.0;
/// Space between the steps and the tasks, in lanes.
const APART: f64 = 0.6;
/// Deadlines up to this many latencies are marked; later ones are only told.
const IN_SIGHT: f64 = 1.5;

impl Work {
    const ALL: [Work; 7] = [
        Work::Edge,
        Work::Overlapped,
        Work::Encode,
        Work::Link,
        Work::Decode,
        Work::Server,
        Work::Results,
    ];

    fn class(self, own: bool) -> &'static str {
        match (self, own) {
            (Work::Edge, false) => "edge",
            (Work::Edge, true) => "edge-own",
            (Work::Overlapped, _) => "beside",
            (Work::Encode, _) => "encode",
            (Work::Link, _) => "uplink",
            (Work::Decode, _) => "decode",
            (Work::Server, false) => "server",
            (Work::Server, true) => "server-own",
            (Work::Results, _) => "results",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Work::Edge => "edge",
            Work::Overlapped => "edge, overlapped",
            Work::Encode => "encode",
            Work::Link => "link",
            Work::Decode => "decode",
            Work::Server => "server",
            Work::Results => "results back",
        }
    }
}

impl Figure for TimelineData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "what edge, link and server do when, and what each task waits for";
    const NEEDS: &'static str = "a profile, a plan";

    fn gather(subject: &Subject<'_>) -> Result<Vec<TimelineData>, ReportError> {
        match subject {
            Subject::Study(study) => {
                let Some(plan) = study.plan() else {
                    return Err(no_plan(study));
                };
                let [edge, server] = study.origins();
                Ok(vec![gather(plan, Some(&study.problem), edge, server)])
            }
            Subject::Plan(_, plan) => {
                let [edge, server] = origins(&plan.setting);
                Ok(vec![gather(plan, None, edge, server)])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] when nothing takes any time, or a time is no number.
fn draw(data: &TimelineData, style: &Style) -> Result<String, ReportError> {
    check(data)?;
    let lanes: Vec<&Lane> = data.lanes.iter().filter(|l| !l.spans.is_empty()).collect();
    let most = (most(style) - APART).floor() as usize;
    let tasks = shown(data, most.saturating_sub(lanes.len()));
    let mut canvas = Canvas::new(style, &words(data, tasks.len()));
    canvas.legend(&legend(data, &tasks));
    let names: Vec<&str> = lanes
        .iter()
        .map(|lane| lane.name.as_str())
        .chain(tasks.iter().map(|task| task.name.as_str()))
        .collect();
    let gap = |i: usize| if i == lanes.len() { APART } else { 0.0 };
    let gaps: Vec<f64> = (0..names.len()).map(gap).collect();
    let x = Axis::time(0.0, end(data, &tasks), "time since the input");
    let placed = Swimlanes::new(canvas.free(), RIGHT, x, &names, &gaps);
    let spans: Vec<(usize, &Span)> = lanes
        .iter()
        .map(|lane| &lane.spans)
        .chain(tasks.iter().map(|task| &task.spans))
        .enumerate()
        .flat_map(|(i, spans)| spans.iter().map(move |span| (i, span)))
        .collect();
    let marks: Vec<Mark> = spans
        .iter()
        .map(|(i, span)| mark(&placed, *i, span))
        .collect();
    placed.rule(&mut canvas);
    canvas.panel(&placed.panel, &marks)?;
    for pair in spans.windows(2) {
        let ([(a, before), (b, after)], steps) = ([pair[0], pair[1]], lanes.len());
        if a + 1 == b && b < steps && (before.to_us - after.from_us).abs() < 1e-6 * data.latency_us
        {
            let x = placed.panel.at_x(after.from_us);
            let half = placed.thickness() / 2.0;
            canvas.line(
                "leader",
                (x, placed.middle(a) + half),
                (x, placed.middle(b) - half),
            );
        }
    }
    placed.write_names(&mut canvas, &names);
    for (i, lane) in lanes.iter().enumerate() {
        write_durations(&mut canvas, &placed, i, &lane.spans);
    }
    for (i, task) in tasks.iter().enumerate() {
        write_done(&mut canvas, &placed, lanes.len() + i, task);
    }
    Ok(canvas.finish())
}

fn check(data: &TimelineData) -> Result<(), ReportError> {
    let spans = data.lanes.iter().flat_map(|lane| &lane.spans);
    let spans = spans.chain(data.tasks.iter().flat_map(|task| &task.spans));
    let sound = |span: &Span| {
        span.from_us.is_finite()
            && span.to_us.is_finite()
            && 0.0 <= span.from_us
            && span.from_us <= span.to_us
    };
    let done = data.tasks.iter().all(|task| task.done_us.is_finite());
    let takes_time = data.latency_us > 0.0 && data.latency_us.is_finite();
    if spans.clone().all(sound) && done && takes_time && spans.count() > 0 {
        Ok(())
    } else {
        Err(nothing(
            NAME,
            format!(
                "the times of the plan of `{}` are not positive; measure again with `cutpoint profile`",
                data.model
            ),
        ))
    }
}

/// As many tasks as there is room for: those that are done last.
fn shown(data: &TimelineData, most: usize) -> Vec<&TaskLane> {
    let mut order: Vec<usize> = (0..data.tasks.len()).collect();
    order.sort_by(|a, b| data.tasks[*b].done_us.total_cmp(&data.tasks[*a].done_us));
    order.truncate(most.max(1));
    order.sort_unstable();
    order.into_iter().map(|i| &data.tasks[i]).collect()
}

fn end(data: &TimelineData, tasks: &[&TaskLane]) -> f64 {
    let deadlines = tasks.iter().filter_map(|task| task.deadline_us);
    let near = deadlines.filter(|us| *us <= IN_SIGHT * data.latency_us);
    let done = tasks.iter().map(|task| task.done_us);
    near.chain(done).fold(data.latency_us, f64::max) * 1.01
}

fn is_late(task: &TaskLane) -> bool {
    task.deadline_us
        .is_some_and(|deadline| task.done_us > deadline)
}

fn words(data: &TimelineData, shown: usize) -> Words {
    let due = data
        .tasks
        .iter()
        .filter(|task| task.deadline_us.is_some())
        .count();
    let late = data.tasks.iter().filter(|task| is_late(task)).count();
    let deadlines = match (due, late) {
        (0, _) => String::new(),
        (_, 0) => " Every deadline is met.".to_owned(),
        (due, late) => format!(" {late} of {due} deadlines are missed."),
    };
    let does = |work: Work| {
        let mut spans = data.lanes.iter().flat_map(|lane| &lane.spans);
        spans.any(|span| span.work == work)
    };
    let schedule = if !does(Work::Link) {
        "Nothing is sent."
    } else if does(Work::Overlapped) {
        "What the edge keeps runs in part while link and server work."
    } else if does(Work::Edge) {
        "The edge is done with all its layers before anything is sent."
    } else {
        "The edge has no layers."
    };
    let left_out = match data.tasks.len() - shown {
        0 => String::new(),
        1 => " One more task, done earlier, is not shown.".to_owned(),
        more => format!(" {more} more tasks, done earlier, are not shown."),
    };
    Words {
        heading: format!("{}: one inference, {}", data.model, data.link),
        summary: format!(
            "{}: the last result is there after {}.{deadlines} Edge {}, server {}.",
            data.plan,
            format_us(data.latency_us),
            data.edge.label(),
            data.server.label()
        ),
        caption: format!(
            "{schedule}{left_out} {}",
            provenance(&data.edge, &data.server)
        ),
    }
}

/// The steps have their names beside them; what remains are own layers and deadlines.
fn legend(data: &TimelineData, tasks: &[&TaskLane]) -> Vec<(&'static str, Swatch, String)> {
    let spans = data.lanes.iter().flat_map(|lane| &lane.spans);
    let all = || {
        spans
            .clone()
            .chain(tasks.iter().flat_map(|task| &task.spans))
    };
    let mut entries: Vec<(&'static str, Swatch, String)> = Vec::new();
    for work in Work::ALL {
        for own in [false, true] {
            let is_it = |span: &Span| span.work == work && span.name.is_empty() != own;
            let known = entries.iter().any(|(class, ..)| *class == work.class(own));
            if all().any(is_it) && !known {
                let of = if own && work != Work::Overlapped {
                    ", of one task alone"
                } else {
                    ""
                };
                entries.push((work.class(own), Swatch::Box, format!("{}{of}", work.name())));
            }
        }
    }
    if tasks.iter().any(|task| task.deadline_us.is_some()) {
        entries.push(("deadline", Swatch::Line, "deadline".to_owned()));
    }
    entries
}

fn mark(lanes: &Swimlanes, lane: usize, span: &Span) -> Mark {
    let (a, b) = lanes.bar(lane, span.from_us, span.to_us);
    let whose = if span.name.is_empty() {
        String::new()
    } else {
        format!(", {}", fit(&span.name, 1.0, 60.0))
    };
    let tip = format!(
        "{}{whose}\n{}\nfrom {} to {}",
        span.work.name(),
        format_us(span.to_us - span.from_us),
        format_us(span.from_us),
        format_us(span.to_us)
    );
    Mark::new(span.work.class(!span.name.is_empty()), Shape::Bar(a, b)).tip(tip)
}

/// How long a step takes, beside its last bar; and whose the bars in it are, where there is room.
fn write_durations(canvas: &mut Canvas, lanes: &Swimlanes, lane: usize, spans: &[Span]) {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return;
    };
    let text = format_us(spans.iter().map(|span| span.to_us - span.from_us).sum());
    let x = lanes.panel.at_x(last.to_us) + 5.0;
    let page = lanes.panel.frame.right() + RIGHT;
    if x + width(&text, SMALL) <= page {
        canvas.text("small", x, lanes.baseline(lane), Anchor::Start, &text)
    } else {
        let left = lanes.panel.at_x(first.from_us) - 5.0;
        canvas.text("small", left, lanes.baseline(lane), Anchor::End, &text);
    }
    for span in spans.iter().filter(|span| !span.name.is_empty()) {
        let frame = lanes.frame(lane, span.from_us, span.to_us);
        if frame.height >= SMALL && frame.width >= width(&span.name, SMALL) + 4.0 {
            let middle = frame.left + frame.width / 2.0;
            canvas.text(
                "label",
                middle,
                lanes.baseline(lane),
                Anchor::Middle,
                &span.name,
            );
        }
    }
}

/// When a task is done, beside its bar, and its deadline.
fn write_done(canvas: &mut Canvas, lanes: &Swimlanes, lane: usize, task: &TaskLane) {
    let frame = lanes.frame(lane, 0.0, task.done_us);
    let mut x = frame.right() + 5.0;
    let mut text = format_us(task.done_us);
    if let Some(deadline) = task.deadline_us {
        text = if is_late(task) {
            format!("{text}, due {}", format_us(deadline))
        } else {
            format!("{text} of {}", format_us(deadline))
        };
        if lanes.panel.x.holds(deadline) {
            let mark = lanes.panel.at_x(deadline);
            canvas.line(
                "deadline",
                (mark, frame.top - 4.0),
                (mark, frame.bottom() + 4.0),
            );
            canvas.hovers(&[(
                Frame {
                    left: mark - 3.0,
                    width: 6.0,
                    ..frame
                },
                format!(
                    "{}: deadline {}",
                    fit(&task.name, 1.0, 60.0),
                    format_us(deadline)
                ),
            )]);
            if (frame.right() - 1.0..x + width(&text, SMALL)).contains(&mark) {
                x = mark + 5.0;
            }
        }
    }
    let class = if is_late(task) { "strong" } else { "small" };
    canvas.text(class, x, lanes.baseline(lane), Anchor::Start, &text);
}
