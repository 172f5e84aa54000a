//! Latency against something else a plan costs: the plans that no other beats in both.

mod gather;

pub use gather::{FrontPlans, gather};

use crate::canvas::label_layout::{Frame, Room};
use crate::canvas::panel::{Mark, Panel, Shape};
use crate::canvas::scale::{Axis, Quantity, Spread, Tick, linear_steps, log_steps};
use crate::canvas::style::SMALL;
use crate::canvas::text::{fit, width};
use crate::canvas::{Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::{Energy, format_us};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ParetoData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// The link, such as `10 Mbit/s, 20 ms one way`.
    pub link: String,
    /// What latency is held against.
    pub price: Price,
    /// The plans that no other beats in both, from the least price to the least latency.
    pub front: Vec<Candidate>,
    /// Whether slower plans with a lower price are missing.
    pub is_cut_short: bool,
    /// Whether no better plans exist; else these are the best that were found.
    pub is_proven: bool,
    /// Other cuts and codecs.
    pub others: Vec<Candidate>,
    /// The plan made for the scenario.
    pub chosen: Option<Candidate>,
}

/// What latency is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// Of one inference on the edge, in nanojoules.
    Energy,
    /// Peak memory of the edge half, in bytes.
    EdgeMemory,
    /// Encoded payload to the server, in bytes.
    Uplink,
}

/// A placement with its codecs.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What crosses, in which codec; or which side runs everything.
    pub name: String,
    /// Latency of one inference.
    pub latency_us: f64,
    /// In the unit of [`Price`].
    pub price: f64,
}

impl Price {
    /// Name of the figure.
    pub const fn figure(self) -> &'static str {
        match self {
            Price::Energy => "pareto-energy",
            Price::EdgeMemory => "pareto-memory",
            Price::Uplink => "pareto-uplink",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Price::Energy => "energy of the edge",
            Price::EdgeMemory => "memory of the edge",
            Price::Uplink => "bytes sent",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Price::Energy => "energy the edge spends on one inference",
            Price::EdgeMemory => "peak memory of the edge half",
            Price::Uplink => "payload to the server of one inference",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Price::Energy => Energy(value.round() as u64).to_string(),
            Price::EdgeMemory | Price::Uplink => Quantity::SizeBytes.show(value),
        }
    }
}

const LEFT: f64 = 78.0;
/// Named plans of the front.
const NAMED: usize = 8;
/// Prices that span less than this factor are spread evenly.
const NARROW: f64 = 4.0;
/// Other plans with up to this many times the most of the front have their place on the axes; and
/// where the front is no more than two plans.
const NEAR: [f64; 2] = [6.0, 40.0];
/// Longest name in the picture.
const LONGEST: f64 = 190.0;

/// The figure of one price.
macro_rules! figure_of {
    ($figure:ident, $price:expr, $about:literal, $needs:literal) => {
        #[doc = concat!("The figure of ", $about, ".")]
        #[derive(Debug, Clone, PartialEq)]
        pub struct $figure(pub ParetoData);

        impl Figure for $figure {
            const NAME: &'static str = $price.figure();
            const ABOUT: &'static str = $about;
            const NEEDS: &'static str = $needs;

            fn gather(subject: &Subject<'_>) -> Result<Vec<$figure>, ReportError> {
                let found = subject.study().map(|study| gather::of_study($price, study));
                let found = found.transpose()?.flatten();
                Ok(found.into_iter().map($figure).collect())
            }

            fn draw(&self, style: &Style) -> Result<String, ReportError> {
                draw(&self.0, style)
            }
        }
    };
}

figure_of!(
    OfEnergy,
    Price::Energy,
    "latency against energy",
    "a profile with `[power]`"
);
figure_of!(
    OfEdgeMemory,
    Price::EdgeMemory,
    "latency against memory of the edge half",
    "a profile"
);
figure_of!(
    OfUplink,
    Price::Uplink,
    "latency against bytes sent",
    "a profile"
);

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] when the front has no plan, or all of them have no price.
pub fn draw(data: &ParetoData, style: &Style) -> Result<String, ReportError> {
    let sound = |c: &&Candidate| {
        c.latency_us.is_finite() && c.latency_us > 0.0 && c.price.is_finite() && c.price >= 0.0
    };
    let missing = |why: &str| nothing(data.price.figure(), format!("`{}`: {why}", data.model));
    if data.front.is_empty() {
        return Err(missing("no plan meets the limits"));
    }
    if !data.front.iter().all(|c| sound(&c)) {
        return Err(missing(
            "a plan takes no time, or no finite one; measure again with `cutpoint profile`",
        ));
    }
    let front: Vec<&Candidate> = data.front.iter().collect();
    let chosen = data.chosen.as_ref().filter(sound);
    let others: Vec<&Candidate> = data.others.iter().filter(sound).collect();
    let most = |of: fn(&Candidate) -> f64| front.iter().map(|c| of(c)).fold(0.0, f64::max);
    let (price, latency) = (most(|c| c.price), most(|c| c.latency_us));
    let factor = NEAR[usize::from(front.len() <= 2)];
    let near = |c: &&Candidate| c.price <= factor * price && c.latency_us <= factor * latency;
    let shown = || {
        let near = others.iter().copied().filter(near);
        front.iter().copied().chain(chosen).chain(near)
    };
    let nothing_used = format!(
        "the best plan has no {}, so there is nothing to trade",
        data.price.name()
    );
    let x = price_axis(data.price, shown()).ok_or_else(|| missing(&nothing_used))?;
    let y = latency_axis(shown());
    let on_it = |c: &&Candidate| {
        x.holds(c.price) && y.holds(c.latency_us) && !front.iter().any(|f| same(f, c))
    };
    let all = others.iter();
    let beyond = all
        .filter(|c| !(x.holds(c.price) && y.holds(c.latency_us)))
        .count();
    let others: Vec<&Candidate> = others.iter().copied().filter(on_it).collect();
    let mut canvas = Canvas::new(style, &words(data, &front, beyond));
    canvas.legend(&legend(&others, chosen));
    let free = canvas.free();
    let panel = Panel {
        frame: Frame {
            left: free.left + LEFT,
            top: free.top + 4.0,
            width: free.width - LEFT - 14.0,
            height: (free.height - 48.0).max(40.0),
        },
        x,
        y,
        clearance: 0.0,
    };
    let stairs = stairs(&front, &panel);
    canvas.panel(&panel, &marks(data.price, &stairs, &front, &others, chosen))?;
    write_names(&mut canvas, &panel, &stairs, &front, chosen);
    Ok(canvas.finish())
}

fn same(a: &Candidate, b: &Candidate) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    close(a.latency_us, b.latency_us) && close(a.price, b.price)
}

fn words(data: &ParetoData, front: &[&Candidate], beyond: usize) -> Words {
    let price = |c: &Candidate| data.price.show(c.price);
    let (least, fastest) = (front[0], front[front.len() - 1]);
    let trade = if front.len() == 1 {
        format!(
            "One plan has both the least latency, {}, and the least {}, {}.",
            format_us(least.latency_us),
            data.price.name(),
            price(least)
        )
    } else {
        format!(
            "{} plans that no other beats in both: from {} with {} to {} with {}.",
            front.len(),
            format_us(least.latency_us),
            price(least),
            format_us(fastest.latency_us),
            price(fastest)
        )
    };
    let more = if data.is_cut_short {
        " Slower plans with less were not looked for."
    } else {
        ""
    };
    let line = if data.is_proven {
        "The line is exact: each plan is the fastest with less than the one to its right."
    } else {
        "The line is of the best plans found; better ones may exist."
    };
    let beyond = match beyond {
        0 => String::new(),
        1 => " One cut is beyond the axes.".to_owned(),
        several => format!(" {several} cuts are beyond the axes."),
    };
    Words {
        heading: format!(
            "{}: latency against {}, {}",
            data.model,
            data.price.name(),
            data.link
        ),
        summary: format!(
            "{trade} Edge {}, server {}.",
            data.edge.label(),
            data.server.label()
        ),
        caption: format!(
            "{line}{more} Faint: natural cuts in every codec that may be used.{beyond} {}",
            provenance(&data.edge, &data.server)
        ),
    }
}

fn legend(
    others: &[&Candidate],
    chosen: Option<&Candidate>,
) -> Vec<(&'static str, Swatch, String)> {
    let mut entries = vec![
        ("envelope", Swatch::Line, "least latency".to_owned()),
        ("edge-half", Swatch::Circle, "plan on the front".to_owned()),
    ];
    if !others.is_empty() {
        entries.push(("faint", Swatch::Circle, "other cuts and codecs".to_owned()));
    }
    if chosen.is_some() {
        entries.push(("best", Swatch::Circle, "the plan".to_owned()));
    }
    entries
}

/// By decades where prices differ much, with a place for zero; `None` when there are only zeros.
fn price_axis<'a>(price: Price, shown: impl Iterator<Item = &'a Candidate>) -> Option<Axis> {
    let mut prices: Vec<f64> = shown.map(|c| c.price).collect();
    prices.sort_by(f64::total_cmp);
    let (least, high) = (*prices.first()?, *prices.last()?);
    let low = prices.iter().copied().find(|value| *value > 0.0)?;
    let zero = least == 0.0;
    let (spread, from, to, steps) = if high / low < NARROW && !zero {
        let pad = ((high - low) * 0.15).max(high * 0.02);
        let (from, to) = ((low - pad).max(0.0), high + 2.0 * pad);
        (Spread::Linear, from, to, linear_steps(from, to, 5))
    } else if zero {
        let (knee, to) = (low / 2.0, high * 1.6);
        let steps = log_steps(low * 0.8, to);
        let steps = std::iter::once(0.0).chain(steps);
        (Spread::Signed(knee), -0.35 * knee, to, steps.collect())
    } else {
        let (from, to) = (low / 1.4, high * 1.6);
        (Spread::Log, from, to, log_steps(from, to))
    };
    let tick = |at: f64| Tick {
        at,
        label: if at == 0.0 {
            "0".to_owned()
        } else {
            price.show(at)
        },
    };
    Some(Axis {
        spread,
        from,
        to,
        ticks: steps.into_iter().map(tick).collect(),
        title: price.title().to_owned(),
    })
}

/// From a little below the fastest plan to a little above the slowest.
fn latency_axis<'a>(shown: impl Iterator<Item = &'a Candidate>) -> Axis {
    let range =
        |(low, high): (f64, f64), c: &Candidate| (low.min(c.latency_us), high.max(c.latency_us));
    let (low, high) = shown.fold((f64::INFINITY, 0.0), range);
    let (low, high) = (low / 1.25, (high * 1.45).max(low * 2.0));
    Axis::log(low, high, Quantity::TimeUs, "latency")
}

/// A plan is the best from its price on until a faster one can be paid.
fn stairs(front: &[&Candidate], panel: &Panel) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = Vec::new();
    for candidate in front {
        if let Some([_, before]) = points.last().copied() {
            points.push([candidate.price, before]);
        }
        points.push([candidate.price, candidate.latency_us]);
    }
    if let Some([_, last]) = points.last().copied() {
        points.push([panel.x.to, last]);
    }
    points
}

fn marks(
    price: Price,
    stairs: &[[f64; 2]],
    front: &[&Candidate],
    others: &[&Candidate],
    chosen: Option<&Candidate>,
) -> Vec<Mark> {
    let tip = |c: &Candidate| {
        format!(
            "{}\n{}, {}",
            fit(&c.name, 1.0, 60.0),
            format_us(c.latency_us),
            price.show(c.price)
        )
    };
    let dot = |class, c: &Candidate, radius| {
        Mark::new(class, Shape::Circle([c.price, c.latency_us], radius)).tip(tip(c))
    };
    let faint = others.iter().map(|c| dot("faint", c, 2.4));
    let line = Mark::new("envelope", Shape::Line(stairs.to_vec()));
    let best = front.iter().map(|c| dot("edge-half", c, 4.0));
    let chosen = chosen.map(|c| dot("best", c, 7.0));
    faint.chain([line]).chain(best).chain(chosen).collect()
}

/// Names of the plan and of those of the front that differ most from their neighbours.
fn write_names(
    canvas: &mut Canvas,
    panel: &Panel,
    stairs: &[[f64; 2]],
    front: &[&Candidate],
    chosen: Option<&Candidate>,
) {
    const REACH: f64 = 4.5;
    let mut room = Room::new(panel.frame);
    for pair in stairs.windows(2) {
        let ([x0, y0], [x1, y1]) = (pair[0], pair[1]);
        let (left, top) = (panel.at_x(x0), panel.at_y(y0));
        room.block(Frame {
            left: left - 1.5,
            top: top - 1.5,
            width: panel.at_x(x1) - left + 3.0,
            height: panel.at_y(y1) - top + 3.0,
        });
    }
    let point = |c: &Candidate| (panel.at_x(c.price), panel.at_y(c.latency_us));
    for (x, y) in front.iter().map(|c| point(c)).chain(chosen.map(point)) {
        room.block(Frame {
            left: x - REACH,
            top: y - REACH,
            width: 2.0 * REACH,
            height: 2.0 * REACH,
        });
    }
    let is_chosen = |c: &Candidate| chosen.is_some_and(|chosen| same(chosen, c));
    let others = most_telling(front).into_iter().filter(|c| !is_chosen(c));
    let named = chosen.map(|c| ("strong", c)).into_iter();
    for (class, candidate) in named.chain(others.map(|c| ("label", c))) {
        let label = fit(&candidate.name, SMALL, LONGEST.min(panel.frame.width * 0.6));
        let (x, y) = point(candidate);
        if let Some(frame) = room.take(x, y, width(&label, SMALL), SMALL + 2.0) {
            canvas.label(class, &frame, (x, y), &label);
        }
    }
}

/// Both ends of the front, then the plans that are much faster than the one before, best first.
fn most_telling<'a>(front: &[&'a Candidate]) -> Vec<&'a Candidate> {
    let gain = |i: usize| match i {
        0 => f64::INFINITY,
        i if i + 1 == front.len() => f64::INFINITY,
        i => (front[i - 1].latency_us / front[i].latency_us).ln(),
    };
    let mut order: Vec<usize> = (0..front.len()).collect();
    order.sort_by(|a, b| gain(*b).total_cmp(&gain(*a)).then(a.cmp(b)));
    order.truncate(NAMED);
    order.into_iter().map(|i| front[i]).collect()
}
