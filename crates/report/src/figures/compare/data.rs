//! What changed between two profiles, in numbers and words.

use crate::Origin;
use crate::tables::{Cell, Column, Table};
use cutpoint_core::units::{format_us, three_digits};

/// What the figure and the table show.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareData {
    /// Name of the model.
    pub model: String,
    /// Where the first times come from.
    pub before: Origin,
    /// Where the second times come from.
    pub after: Origin,
    /// The layers in execution order.
    pub layers: Vec<LayerChange>,
    /// The whole model in both.
    pub total: [Measure; 2],
    /// How it changed; `None` where that cannot be judged.
    pub total_change: Option<Change>,
    /// By what share two sessions of one model differ (standard deviation), in both.
    pub sessions: [f64; 2],
    /// By what share of its own time a layer does, when all layers do so on their own.
    pub layer_sessions: [f64; 2],
}

/// A measured time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// Median.
    pub median_us: f64,
    /// Median absolute deviation; zero where it is unknown.
    pub mad_us: f64,
    /// Number of runs; zero where it is unknown.
    pub runs: usize,
}

/// One layer, or several that one of the profiles runs as one.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerChange {
    /// Id of the last of them.
    pub name: String,
    /// Operators.
    pub operator: String,
    /// How many layers of the finer profile there are.
    pub merged: usize,
    /// In the first profile.
    pub before: Measure,
    /// In the second.
    pub after: Measure,
    /// How it changed; `None` where that cannot be judged.
    pub change: Option<Change>,
}

/// The second time over the first, with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Change {
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
}

/// What can be said of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The interval lies above 1.
    Slower,
    /// The interval lies below 1.
    Faster,
    /// The interval holds 1.
    WithinNoise,
    /// Nobody knows the spread or the number of runs.
    Unknown,
}

impl Verdict {
    /// The verdict on a change.
    pub fn of(change: Option<Change>) -> Verdict {
        match change {
            None => Verdict::Unknown,
            Some(change) if change.low > 1.0 => Verdict::Slower,
            Some(change) if change.high < 1.0 => Verdict::Faster,
            Some(_) => Verdict::WithinNoise,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::WithinNoise => "within noise",
            Verdict::Unknown => "spread unknown",
        }
    }
}

impl CompareData {
    pub(super) fn with(&self, verdict: Verdict) -> usize {
        let layers = self.layers.iter();
        layers.filter(|l| Verdict::of(l.change) == verdict).count()
    }

    /// The layers that changed beyond noise.
    pub(super) fn changed(&self) -> Vec<(&LayerChange, Change)> {
        let beyond = |l: &LayerChange| {
            let verdict = Verdict::of(l.change);
            matches!(verdict, Verdict::Slower | Verdict::Faster).then_some(l.change?)
        };
        self.layers
            .iter()
            .filter_map(|l| Some((l, beyond(l)?)))
            .collect()
    }

    /// What changed, in a sentence or two.
    pub fn summary(&self) -> String {
        let [before, after] = self.total.map(|m| format_us(m.median_us));
        let total = match self.total_change {
            None => format!("The whole model: {before}, then {after}; spread unknown"),
            Some(change) => format!(
                "The whole model: {before}, then {after}, {} (95 % interval {} to {}), {}",
                percent(change.ratio),
                percent(change.low),
                percent(change.high),
                Verdict::of(self.total_change).word()
            ),
        };
        let unknown = match self.with(Verdict::Unknown) {
            0 => String::new(),
            count => format!("; {count} without a spread"),
        };
        format!(
            "{total}. Of {} layers {} slower, {} faster beyond noise{unknown}.",
            self.layers.len(),
            self.with(Verdict::Slower),
            self.with(Verdict::Faster)
        )
    }

    /// The rule by which a change counts.
    pub(super) fn rule(&self) -> String {
        let judged = self.layers.len() - self.with(Verdict::Unknown);
        let sessions = match self.sessions {
            [a, b] if a > 0.0 || b > 0.0 => {
                let [a, b, c, d] = [a, b, self.layer_sessions[0], self.layer_sessions[1]]
                    .map(|share| three_digits(100.0 * share));
                format!(
                    " and what sessions differ by ({a} % and {b} % of the whole, {c} % and {d} % of \
                     a layer)"
                )
            }
            _ => String::new(),
        };
        format!(
            "Beyond noise: the interval of the ratio of medians leaves out 1, from the median's \
             standard error 1.858 MAD / √n (McGill, Tukey, Larsen 1978){sessions}, at 95 % for all \
             judged layers together (Bonferroni, m = {judged})."
        )
    }

    pub(super) fn origins(&self) -> String {
        format!(
            "Before: {}. After: {}.",
            self.before.method, self.after.method
        )
    }

    /// Every layer with both times, their ratio and its interval; the whole model last.
    pub fn table(&self) -> Table {
        let row = |name: &str, operator: &str, both: [Measure; 2], change: Option<Change>| {
            let [a, b] = both;
            let ratio = |of: fn(Change) -> f64| {
                change.map_or(Cell::Empty, |change| {
                    Cell::number(100.0 * (of(change) - 1.0))
                })
            };
            let time = |m: Measure| {
                [
                    Cell::number(m.median_us),
                    Cell::spread(m.mad_us),
                    Cell::known(m.runs),
                ]
            };
            let mut cells = vec![Cell::text(name), Cell::text(operator)];
            cells.extend(time(a));
            cells.extend(time(b));
            cells.push(Cell::number(b.median_us - a.median_us));
            cells.push(match change {
                Some(change) => Cell::number(100.0 * (change.ratio - 1.0)),
                None => Cell::number(100.0 * (b.median_us / a.median_us - 1.0)),
            });
            cells.extend([ratio(|c| c.low), ratio(|c| c.high)]);
            cells.push(Cell::text(Verdict::of(change).word()));
            cells.extend([
                Cell::text(&self.before.method),
                Cell::text(&self.after.method),
            ]);
            cells
        };
        let mut rows: Vec<Vec<Cell>> = self
            .layers
            .iter()
            .map(|l| row(&shown(l), &l.operator, [l.before, l.after], l.change))
            .collect();
        rows.push(row("(whole model)", "", self.total, self.total_change));
        Table {
            name: "compare",
            title: format!(
                "{}: {} against {}",
                self.model, self.after.name, self.before.name
            ),
            columns: vec![
                Column::plain("layer", "layer"),
                Column::plain("operator", "operator"),
                Column::number("before_us", "before", "µs"),
                Column::number("before_mad_us", "MAD", "µs"),
                Column::plain("before_n", "n"),
                Column::number("after_us", "after", "µs"),
                Column::number("after_mad_us", "MAD", "µs"),
                Column::plain("after_n", "n"),
                Column::number("difference_us", "difference", "µs"),
                Column::number("change_percent", "change", "%"),
                Column::number("low_percent", "from", "%"),
                Column::number("high_percent", "to", "%"),
                Column::plain("verdict", "verdict"),
                Column::for_programs("before_origin"),
                Column::for_programs("after_origin"),
            ],
            rows,
            notes: vec![self.summary(), self.rule(), self.origins()],
        }
    }
}

pub(super) fn shown(layer: &LayerChange) -> String {
    match layer.merged {
        0 | 1 => layer.name.clone(),
        more => format!("{} (+{})", layer.name, more - 1),
    }
}

/// A ratio as a change: `+12 %`, `−3.4 %`; a large one as a multiple.
pub(super) fn percent(ratio: f64) -> String {
    match ratio {
        much if much >= 3.0 => format!("{} times", three_digits(much)),
        ratio => {
            let change = 100.0 * (ratio - 1.0);
            let sign = if change < 0.0 { "−" } else { "+" };
            format!("{sign}{} %", three_digits(change.abs()))
        }
    }
}
