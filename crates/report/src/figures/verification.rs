//! Predicted against measured, end to end: the parts of one split, and all cuts.

use cutpoint_core::plan::{Verification, VerifiedCut};
use cutpoint_core::units::{BitRate, format_us, three_digits};

use crate::canvas::panel::{Mark, Shape};
use crate::canvas::scale::Axis;
use crate::canvas::style::SMALL;
use crate::canvas::swimlanes::{Swimlanes, most};
use crate::canvas::text::{bare, width};
use crate::canvas::{Anchor, Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{ReportError, Style, Subject, nothing};

/// A row of either figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// How it is painted.
    pub class: &'static str,
    /// By the cost model.
    pub predicted_us: f64,
    /// Median.
    pub measured_us: f64,
    /// Median absolute deviation.
    pub mad_us: f64,
    /// Requests.
    pub n: usize,
}

/// The parts of one split.
#[derive(Debug, Clone, PartialEq)]
pub struct PartsData {
    /// Name of the model's file.
    pub model: String,
    /// What crosses, in words.
    pub cut: String,
    /// Link and state of the connection.
    pub link: String,
    /// Threads and runtime.
    pub method: String,
    /// Part by part, the whole last.
    pub rows: Vec<Row>,
}

/// All cuts that were run.
#[derive(Debug, Clone, PartialEq)]
pub struct AllCutsData {
    /// What it shares with the figure of parts; its rows are the cuts, fastest first.
    pub data: PartsData,
    /// How much slower the plan is than the fastest, as a share.
    pub regret: f64,
}

const PARTS: &str = "verification";
const CUTS: &str = "verification-cuts";
/// Room for the numbers beside the bars.
const NUMBERS: f64 = 150.0;

impl Figure for PartsData {
    const NAME: &'static str = PARTS;
    const ABOUT: &'static str = "each part of a latency, predicted against measured";
    const NEEDS: &'static str = "a verification";

    fn gather(subject: &Subject<'_>) -> Result<Vec<PartsData>, ReportError> {
        let Subject::Verification(found) = subject else {
            return Ok(Vec::new());
        };
        let rows = found.parts.iter().map(|part| Row {
            name: part.name.clone(),
            class: class(&part.name),
            predicted_us: part.predicted_ms * 1e3,
            measured_us: part.measured_ms * 1e3,
            mad_us: part.mad_ms * 1e3,
            n: part.n,
        });
        let is_there = |row: &Row| row.predicted_us > 0.0 || row.measured_us > 0.0;
        Ok(vec![data(found, rows.filter(is_there).collect())])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        let total = self.rows.last();
        let off = total.map_or_else(String::new, |total| {
            format!(
                "{} in all",
                signed(total.measured_us / total.predicted_us - 1.0)
            )
        });
        let words = Words {
            heading: format!("{}: predicted against measured", self.model),
            summary: format!("{}. Measured is {off}.", self.cut),
            caption: caption(self),
        };
        draw(PARTS, self, &words, style)
    }
}

impl Figure for AllCutsData {
    const NAME: &'static str = CUTS;
    const ABOUT: &'static str =
        "every cut, predicted against measured, and the chosen one among them";
    const NEEDS: &'static str = "a verification of all cuts";

    fn gather(subject: &Subject<'_>) -> Result<Vec<AllCutsData>, ReportError> {
        let Subject::Verification(found) = subject else {
            return Ok(Vec::new());
        };
        let (Some(cuts), Some(regret)) = (&found.cuts, found.regret) else {
            return Ok(Vec::new());
        };
        let mut cuts: Vec<&VerifiedCut> = cuts.iter().collect();
        cuts.sort_by(|a, b| a.measured_ms.total_cmp(&b.measured_ms));
        let rows = cuts.into_iter().map(|cut| Row {
            name: short(&cut.crossing),
            class: if cut.planned { "best" } else { "share" },
            predicted_us: cut.predicted_ms * 1e3,
            measured_us: cut.measured_ms * 1e3,
            mad_us: cut.mad_ms * 1e3,
            n: cut.n,
        });
        Ok(vec![AllCutsData {
            data: data(found, rows.collect()),
            regret,
        }])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        let mut shown = self.data.clone();
        let all = shown.rows.len();
        // the fastest, and always the plan
        let room = most(style) as usize;
        let plan = shown.rows.iter().position(|row| row.class == "best");
        if let Some(plan) = plan.filter(|plan| *plan >= room) {
            shown.rows.swap(plan, room - 1);
        }
        shown.rows.truncate(room);
        let left = match all - shown.rows.len() {
            0 => String::new(),
            left => format!(" {left} slower cuts are left out."),
        };
        let regret = match self.regret {
            regret if regret >= 1.0 => {
                let times = three_digits(1.0 + regret);
                format!("takes {times} times as long as the fastest")
            }
            regret if regret > 0.0 => format!("takes {} more than the fastest", percent(regret)),
            _ => "is the fastest".to_owned(),
        };
        let words = Words {
            heading: format!("{}: every natural cut, run", shown.model),
            summary: format!("Of {all} cuts measured, the chosen one {regret}.{left}"),
            caption: caption(&shown),
        };
        draw(CUTS, &shown, &words, style)
    }
}

fn data(found: &Verification, rows: Vec<Row>) -> PartsData {
    let rate = |bit_s| {
        let rate = BitRate::from_bit_s(bit_s);
        rate.map_or_else(String::new, |rate| rate.to_string())
    };
    let down = if found.down_rate_bit_s == found.rate_bit_s {
        String::new()
    } else {
        format!(" up, {} down", rate(found.down_rate_bit_s))
    };
    let pace = found.paced_fps.map_or_else(
        || "requests back to back".to_owned(),
        |fps| format!("{} requests per second", three_digits(fps)),
    );
    PartsData {
        model: found.model.clone(),
        cut: match found.crossing.as_slice() {
            [] => "Everything runs on the edge".to_owned(),
            names => {
                let names: Vec<&str> = names.iter().map(|name| bare(name)).collect();
                format!("Cut at {}", names.join(", "))
            }
        },
        link: format!(
            "{}{down}, {} one way, emulated; {} connection, {pace}",
            rate(found.rate_bit_s),
            format_us(found.delay_ms * 1e3),
            found.connection
        ),
        method: format!(
            "{} on either side, {}, board {}",
            match found.threads {
                1 => "1 thread".to_owned(),
                threads => format!("{threads} threads"),
            },
            found.runtime,
            found.board
        ),
        rows,
    }
}

fn caption(data: &PartsData) -> String {
    let n = data.rows.iter().map(|row| row.n);
    let n = match (n.clone().min(), n.max()) {
        (Some(least), Some(most)) if least == most => format!("n = {least}"),
        (Some(least), Some(most)) => format!("n = {least} to {most}"),
        _ => "n = 0".to_owned(),
    };
    format!(
        "Bars: median of what was measured, {n}; whiskers: median absolute deviation. Upright lines: predicted. {}. {}.",
        data.link, data.method
    )
}

fn class(part: &str) -> &'static str {
    match part {
        "edge" => "edge",
        "encode" => "encode",
        "uplink" => "uplink",
        "server" => "server",
        "decode" => "decode",
        "downlink" => "results",
        _ => "share",
    }
}

fn short(crossing: &[String]) -> String {
    match crossing {
        [] => "all on the edge".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", three_digits(share * 100.0))
}

fn signed(share: f64) -> String {
    if share.is_finite() {
        format!(
            "{} {}",
            percent(share.abs()),
            if share < 0.0 { "less" } else { "more" }
        )
    } else {
        "not comparable".to_owned()
    }
}

/// Draws either figure.
///
/// # Errors
/// [`ReportError::Nothing`] without rows, or when nothing takes time.
fn draw(
    name: &'static str,
    data: &PartsData,
    words: &Words,
    style: &Style,
) -> Result<String, ReportError> {
    let ends = data
        .rows
        .iter()
        .flat_map(|row| [row.predicted_us, row.measured_us + row.mad_us]);
    let longest = ends.fold(0.0, f64::max);
    let times = |row: &Row| [row.predicted_us, row.measured_us, row.mad_us];
    let finite = data.rows.iter().flat_map(times).all(f64::is_finite);
    if !(finite && longest > 0.0) {
        return Err(nothing(
            name,
            "nothing in it takes time, or its times are no numbers; run `cutpoint verify` again",
        ));
    }
    let mut canvas = Canvas::new(style, words);
    let mut legend = vec![("share", Swatch::Box, "measured".to_owned())];
    if name == CUTS {
        legend.push(("best", Swatch::Box, "measured, the chosen cut".to_owned()));
    }
    legend.push(("deadline", Swatch::Line, "predicted".to_owned()));
    canvas.legend(&legend);
    let names: Vec<&str> = data.rows.iter().map(|row| row.name.as_str()).collect();
    // the whole stands a little apart from its parts
    let gap = |row: &Row| if row.name == "total" { 0.4 } else { 0.0 };
    let gaps: Vec<f64> = data.rows.iter().map(gap).collect();
    let x = Axis::time(0.0, longest * 1.02, "time");
    let lanes = Swimlanes::new(canvas.free(), NUMBERS, x, &names, &gaps);
    lanes.rule(&mut canvas);
    let mut marks = Vec::new();
    for (lane, row) in data.rows.iter().enumerate() {
        let (low, high) = lanes.bar(lane, 0.0, row.measured_us);
        marks.push(Mark::new(row.class, Shape::Bar(low, high)).tip(tip(row)));
        let middle = (low[1] + high[1]) / 2.0;
        let spread = [
            [(row.measured_us - row.mad_us).max(0.0), middle],
            [row.measured_us + row.mad_us, middle],
        ];
        marks.push(Mark::new("error", Shape::Line(spread.to_vec())));
        if row.predicted_us > 0.0 {
            let line = [[row.predicted_us, low[1]], [row.predicted_us, high[1]]];
            marks.push(Mark::new("deadline", Shape::Line(line.to_vec())).tip(tip(row)));
        }
    }
    canvas.panel(&lanes.panel, &marks)?;
    lanes.write_names(&mut canvas, &names);
    for (lane, row) in data.rows.iter().enumerate() {
        let text = numbers(row);
        let left = lanes.panel.frame.right() + 6.0;
        if width(&text, SMALL) <= NUMBERS {
            canvas.text("small", left, lanes.baseline(lane), Anchor::Start, &text);
        }
    }
    Ok(canvas.finish())
}

/// What was measured, and how far that is from the prediction.
fn numbers(row: &Row) -> String {
    let measured = format_us(row.measured_us);
    let share = row.measured_us / row.predicted_us - 1.0;
    if share.is_finite() && share.abs() < 10.0 {
        format!("{measured} ({:+.0} %)", share * 100.0)
    } else {
        measured
    }
}

fn tip(row: &Row) -> String {
    format!(
        "{}\nmeasured {} ± {} (n = {})\npredicted {}",
        row.name,
        format_us(row.measured_us),
        format_us(row.mad_us),
        row.n,
        format_us(row.predicted_us)
    )
}
