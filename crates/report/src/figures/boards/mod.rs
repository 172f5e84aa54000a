//! Several profiles at one link: the best plan of each beside either side alone.

mod gather;

pub use gather::{board_bars, gather};

use crate::canvas::panel::{Mark, Shape};
use crate::canvas::scale::Axis;
use crate::canvas::style::SMALL;
use crate::canvas::swimlanes::{Swimlanes, most};
use crate::canvas::text::{bare, fit, width};
use crate::canvas::{Anchor, Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::figures::cuts::Parts;
use crate::{ReportError, Style, Subject, nothing};
use cutpoint_core::server_ref::ServerRef;
use cutpoint_core::units::format_us;

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardsData {
    /// The link, such as `10 Mbit/s, 20 ms one way`.
    pub link: String,
    /// In the order given.
    pub profiles: Vec<BoardBars>,
}

/// A model on a board.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardBars {
    /// File name of the model.
    pub model: String,
    /// What tells models of one file name apart.
    pub sha256: String,
    /// Name of the board.
    pub board: String,
    /// Name of the server, marked when it is simulated.
    pub server: String,
    /// The best plan, and both sides alone as far as they are possible.
    pub bars: Vec<BoardBar>,
}

/// One plan.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardBar {
    /// Which it is.
    pub kind: BarKind,
    /// What crosses; or which side runs everything.
    pub plan: String,
    /// Where the time goes.
    pub parts: Parts,
    /// Of heads on the edge that run longer than link and server: what they add.
    pub beside_us: f64,
    /// The limit it breaks.
    pub breaks: Option<String>,
}

/// Which plan a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarKind {
    /// The best that meets the limits.
    Best,
    /// Nothing is sent.
    AllEdge,
    /// The raw input is sent.
    AllServer,
}

const NAME: &str = "boards";
/// Room for the totals.
const RIGHT: f64 = 76.0;
/// Space between profiles, in lanes.
const APART: f64 = 0.7;
/// Bars longer than this many of the longest best plan are cut off.
const FAR: f64 = 4.0;
/// Height that a line with a profile's name takes, in lanes.
const TITLE: f64 = 1.0;

impl BoardBar {
    fn total_us(&self) -> f64 {
        self.parts.total_us() + self.beside_us
    }

    fn name(&self) -> &'static str {
        match self.kind {
            BarKind::Best => "best plan",
            BarKind::AllEdge => "all on the edge",
            BarKind::AllServer => "all on the server",
        }
    }

    /// The parts in the order in which they happen, with their class and name.
    fn stacked(&self) -> Vec<(&'static str, &'static str, f64)> {
        let mut parts = self.parts.stacked().to_vec();
        parts.push(("beside", "edge, overlapped", self.beside_us));
        parts
    }
}

/// What the profiles have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Common {
    Model,
    Board,
    Neither,
}

impl Figure for BoardsData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "several boards at one link";
    const NEEDS: &'static str = "several profiles";

    fn gather(subject: &Subject<'_>) -> Result<Vec<BoardsData>, ReportError> {
        let Subject::Studies(studies) = subject else {
            return Ok(Vec::new());
        };
        let mut bars = Vec::new();
        for study in *studies {
            bars.extend(gather::of_study(study).map(|bars| (study, bars)));
        }
        let [(first, _), _, ..] = bars.as_slice() else {
            return Err(ReportError::DoesNotApply {
                figure: NAME,
                why: "it compares two profiles or more".to_owned(),
            });
        };
        let problem = &first.problem;
        if bars
            .iter()
            .any(|(other, _)| other.problem.link() != problem.link())
        {
            return Err(nothing(
                NAME,
                "the plans named are for different links; name one with --link, or with --rate and \
                 --delay",
            ));
        }
        let bars = bars.into_iter().map(|(_, bars)| bars).collect();
        Ok(vec![gather(problem, bars)])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] for less than two profiles, or plans that take no time.
fn draw(data: &BoardsData, style: &Style) -> Result<String, ReportError> {
    let sound = |bar: &BoardBar| bar.total_us().is_finite() && bar.total_us() > 0.0;
    let drawable = |p: &&BoardBars| !p.bars.is_empty() && p.bars.iter().all(sound);
    let usable: Vec<&BoardBars> = data.profiles.iter().filter(drawable).collect();
    if usable.len() < 2 {
        return Err(nothing(
            NAME,
            "it compares two profiles or more whose plans take time; name several",
        ));
    }
    let common = common(&usable);
    let Shown { bars, alone } = shown(&usable, most(style));
    let limit = limit(&bars);
    let mut canvas = Canvas::new(style, &words(data, common, &usable, &bars, limit));
    canvas.legend(&legend(&bars));
    let called = told_apart(&usable, common);
    let title =
        |(profile, name): (&&BoardBars, &String)| format!("{name}, server {}", profile.server);
    let titles: Vec<String> = usable.iter().zip(&called).map(title).collect();
    let gap = |i: usize| match i.checked_sub(1).map(|before| bars[before].0) {
        _ if alone => 0.0,
        None => TITLE,
        Some(profile) if profile != bars[i].0 => TITLE + APART,
        Some(_) => 0.0,
    };
    let gaps: Vec<f64> = (0..bars.len()).map(gap).collect();
    let name = |(profile, bar): &(usize, &BoardBar)| {
        if alone {
            called[*profile].clone()
        } else {
            bar.name().to_owned()
        }
    };
    let names: Vec<String> = bars.iter().map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let x = Axis::time(0.0, limit * 1.03, "latency of one inference");
    let lanes = Swimlanes::new(canvas.free(), RIGHT, x, &names, &gaps);
    let marks: Vec<Mark> = bars
        .iter()
        .enumerate()
        .flat_map(|(lane, (_, bar))| stack(&lanes, lane, bar, limit))
        .collect();
    lanes.rule(&mut canvas);
    canvas.panel(&lanes.panel, &marks)?;
    lanes.write_names(&mut canvas, &names);
    for (lane, (profile, bar)) in bars.iter().enumerate() {
        let starts = lane == 0 || bars[lane - 1].0 != *profile;
        if starts && !alone {
            write_title(&mut canvas, &lanes, lane, &titles[*profile]);
        }
        write_total(&mut canvas, &lanes, lane, bar, limit);
    }
    Ok(canvas.finish())
}

fn common(profiles: &[&BoardBars]) -> Common {
    let all_like = |same: fn(&BoardBars, &BoardBars) -> bool| {
        profiles.iter().all(|profile| same(profile, profiles[0]))
    };
    if all_like(|a, b| a.sha256 == b.sha256 && a.model == b.model) {
        Common::Model
    } else if all_like(|a, b| a.board == b.board) {
        Common::Board
    } else {
        Common::Neither
    }
}

/// What tells a profile from the others.
fn called(profile: &BoardBars, common: Common) -> String {
    match common {
        Common::Model => profile.board.clone(),
        Common::Board => profile.model.clone(),
        Common::Neither => format!("{} on {}", profile.model, profile.board),
    }
}

/// The same, with numbers where it is not enough.
fn told_apart(profiles: &[&BoardBars], common: Common) -> Vec<String> {
    let names: Vec<String> = profiles.iter().map(|p| called(p, common)).collect();
    let number = |i: usize| names[..=i].iter().filter(|name| **name == names[i]).count();
    let name = |i: usize| {
        let alone = names.iter().filter(|name| **name == names[i]).count() == 1;
        if alone {
            names[i].clone()
        } else {
            format!("{} ({})", names[i], number(i))
        }
    };
    (0..names.len()).map(name).collect()
}

/// The bars there is room for.
struct Shown<'a> {
    /// Each with the position of its profile.
    bars: Vec<(usize, &'a BoardBar)>,
    /// One for each profile, without the sides alone.
    alone: bool,
}

/// All bars in so many lanes; else one bar for each of the first profiles.
fn shown<'a>(profiles: &[&'a BoardBars], room: f64) -> Shown<'a> {
    let lanes = |profile: &&BoardBars| profile.bars.len() as f64 + TITLE + APART;
    let needed: f64 = profiles.iter().map(lanes).sum();
    let alone = needed - APART > room;
    let first = |profile: &'a BoardBars| {
        let best = profile.bars.iter().filter(|bar| bar.kind == BarKind::Best);
        let best: Vec<&BoardBar> = best.collect();
        if alone && !best.is_empty() {
            best
        } else {
            profile.bars.iter().collect()
        }
    };
    let bars = profiles.iter().enumerate().flat_map(|(i, profile)| {
        let most = if alone { 1 } else { usize::MAX };
        first(profile)
            .into_iter()
            .take(most)
            .map(move |bar| (i, bar))
    });
    let most = if alone {
        room.floor() as usize
    } else {
        usize::MAX
    };
    Shown {
        bars: bars.take(most).collect(),
        alone,
    }
}

/// Right end of the axis: the longest bar, unless that would flatten the best plans.
fn limit(bars: &[(usize, &BoardBar)]) -> f64 {
    let all = bars.iter().map(|(_, bar)| bar.total_us());
    let best = bars.iter().filter(|(_, bar)| bar.kind == BarKind::Best);
    let (longest, best) = (
        all.fold(0.0, f64::max),
        best.map(|(_, bar)| bar.total_us()).fold(0.0, f64::max),
    );
    if best > 0.0 {
        longest.min(FAR * best)
    } else {
        longest
    }
}

fn words(
    data: &BoardsData,
    common: Common,
    profiles: &[&BoardBars],
    bars: &[(usize, &BoardBar)],
    limit: f64,
) -> Words {
    let count = profiles.len();
    let what = match common {
        Common::Model => format!("{}: {count} boards", profiles[0].model),
        Common::Board => format!("{}: {count} models", profiles[0].board),
        Common::Neither => format!("{count} models on several boards"),
    };
    let best = |profile: &BoardBars| {
        let bar = profile.bars.iter().find(|bar| bar.kind == BarKind::Best);
        bar.map(|bar| (bar.total_us(), bar.plan.clone()))
    };
    let ranked = profiles.iter().filter_map(|p| Some((best(p)?, *p)));
    let fastest = ranked.min_by(|a, b| a.0.0.total_cmp(&b.0.0));
    let summary = fastest.map_or_else(
        || "No profile has a plan that meets the limits.".to_owned(),
        |((us, plan), profile)| {
            let name = called(profile, common);
            let plan = fit(&plan, 1.0, 60.0);
            format!(
                "Fastest is {}: {}, {plan}.",
                fit(&name, 1.0, 50.0),
                format_us(us)
            )
        },
    );
    let mut caption = Vec::new();
    if bars.iter().any(|(_, bar)| bar.total_us() > limit) {
        caption.push("Bars with an arrow are cut off; their whole time is beside them.".to_owned());
    }
    let shown = bars.last().map_or(0, |(profile, _)| profile + 1);
    let all: usize = profiles.iter().map(|profile| profile.bars.len()).sum();
    match count - shown {
        0 if bars.len() < all => {
            caption.push("A higher page has room for either side alone, too.".to_owned());
        }
        0 => {}
        1 => caption.push("One more profile does not fit on a page of this size.".to_owned()),
        more => caption.push(format!(
            "{more} more profiles do not fit on a page of this size."
        )),
    }
    if common != Common::Model {
        caption.push(
            "Different models do different work: compare them by what they are for.".to_owned(),
        );
    }
    if profiles
        .iter()
        .any(|p| ServerRef::of(&p.server).is_simulated())
    {
        caption.push(
            "A server such as sim:8x is simulated: that many times as fast as each board itself."
                .to_owned(),
        );
    }
    Words {
        heading: format!("{what} at {}", data.link),
        summary,
        caption: caption.join(" "),
    }
}

fn legend(bars: &[(usize, &BoardBar)]) -> Vec<(&'static str, Swatch, String)> {
    let parts = bars.first().map_or_else(Vec::new, |(_, bar)| bar.stacked());
    let parts = parts.into_iter().enumerate();
    let used = parts.filter(|(part, _)| bars.iter().any(|(_, bar)| bar.stacked()[*part].2 > 0.0));
    used.map(|(_, (class, name, _))| (class, Swatch::Box, name.to_owned()))
        .collect()
}

/// The parts of a bar, side by side, up to the end of the axis.
fn stack(lanes: &Swimlanes, lane: usize, bar: &BoardBar, limit: f64) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut at = 0.0;
    for (class, name, us) in bar.stacked() {
        let (from, to) = (at, at + us);
        at = to;
        if us > 0.0 && from < limit {
            let (a, b) = lanes.bar(lane, from, to.min(limit));
            let tip = format!(
                "{} ({})\n{name} {} of {}",
                bar.name(),
                fit(&bar.plan, 1.0, 60.0),
                format_us(us),
                format_us(bar.total_us())
            );
            marks.push(Mark::new(class, Shape::Bar(a, b)).tip(tip));
        }
    }
    marks
}

/// Whose bars follow, above the first of them.
fn write_title(canvas: &mut Canvas, lanes: &Swimlanes, lane: usize, text: &str) {
    let left = canvas.free().left;
    let text = fit(bare(text), SMALL, canvas.free().width);
    let above = lanes.middle(lane) - lanes.pitch() * TITLE * 0.95 + SMALL * 0.35;
    canvas.text("bold", left, above, Anchor::Start, &text);
}

/// The time beside the bar, and the limit that it breaks.
fn write_total(canvas: &mut Canvas, lanes: &Swimlanes, lane: usize, bar: &BoardBar, limit: f64) {
    let end = lanes.panel.at_x(bar.total_us().min(limit));
    let arrow = if bar.total_us() > limit { "→ " } else { "" };
    let time = format!("{arrow}{}", format_us(bar.total_us()));
    let broken = bar
        .breaks
        .as_ref()
        .map(|limit| format!("{time}, breaks {limit}"));
    let room = lanes.panel.frame.right() + RIGHT - end - 5.0;
    let text = broken
        .filter(|text| width(text, SMALL) <= room)
        .unwrap_or(time);
    let class = if bar.kind == BarKind::Best {
        "strong"
    } else {
        "small"
    };
    canvas.text(class, end + 5.0, lanes.baseline(lane), Anchor::Start, &text);
}
