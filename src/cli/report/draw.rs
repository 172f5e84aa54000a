//! From inputs to figures and the names of their files.

use std::collections::BTreeSet;
use std::path::Path;

use cutpoint_core::codec_accuracy::CodecAccuracy;
use cutpoint_core::plan::Sweep;
use cutpoint_core::profile::Profile;
use cutpoint_core::units::{BitRate, Share};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::scenario::{MaxDrop, RateRange, Scenario};
use cutpoint_planner::server::Server;
use cutpoint_planner::solve;
use cutpoint_report::figures::compare::CompareData;
use cutpoint_report::figures::{compare, cuts, halves, layers, rate, tradeoff};
use cutpoint_report::{ReportError, Style, edge_origin, origins, server_origin};

use super::inputs::Inputs;
use super::look::LookArgs;

/// What the figure over the rate shows unless a range is asked for.
const RATES_BIT_S: [u64; 2] = [100_000, 10_000_000_000];

/// A figure before it is written.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) name: &'static str,
    /// Start of the file's name: what it is of.
    pub(super) stem: String,
    pub(super) file: String,
    pub(super) svg: String,
}

/// The figures so far, and what was left out.
#[derive(Debug)]
pub(super) struct Figures<'a> {
    pub(super) look: &'a LookArgs,
    pub(super) style: Style,
    names: BTreeSet<String>,
    pub(super) drawn: Vec<Drawn>,
    /// Input and reason.
    pub(super) left_out: Vec<(String, String)>,
}

impl<'a> Figures<'a> {
    pub(super) fn new(look: &'a LookArgs) -> Figures<'a> {
        Figures {
            look,
            style: look.style(),
            names: BTreeSet::new(),
            drawn: Vec::new(),
            left_out: Vec::new(),
        }
    }

    pub(super) fn leave_out(&mut self, input: &Path, why: String) {
        self.left_out.push((input.display().to_string(), why));
    }

    /// Whether a figure is to be drawn.
    pub(super) fn wants(&self, figure: &str) -> bool {
        self.look.wants(figure)
    }

    /// Keeps a figure under a name of its own, or notes why there is none; neither when nobody
    /// wants it.
    pub(super) fn keep(
        &mut self,
        input: &Path,
        stem: &str,
        name: &'static str,
        svg: Result<String, ReportError>,
    ) {
        if !self.wants(name) {
            return;
        }
        match svg {
            Ok(svg) => {
                let numbered = (2..).map(|number| format!("{stem}-{name}-{number}.svg"));
                let mut files = std::iter::once(format!("{stem}-{name}.svg")).chain(numbered);
                if let Some(file) = files.find(|file| !self.names.contains(file)) {
                    self.names.insert(file.clone());
                    self.drawn.push(Drawn {
                        name,
                        stem: stem.to_owned(),
                        file,
                        svg,
                    });
                }
            }
            Err(error) => self.leave_out(input, error.to_string()),
        }
    }

    /// The figure of what changed between two profiles.
    pub(super) fn compare(&mut self, path: &Path, after: &Profile, data: &CompareData) {
        let stem = stem(&after.board.name, &after.model.file);
        let drawn = compare::figure(data, &self.style);
        self.keep(path, &stem, "compare", drawn);
    }

    /// The figure of a sweep; the profile it was made from tells more about its times.
    pub(super) fn sweep(&mut self, path: &Path, sweep: &Sweep, inputs: &Inputs) {
        let Some(plan) = sweep.segments.first().map(|segment| &segment.plan) else {
            return self.leave_out(path, "the sweep found no plan".to_owned());
        };
        let [mut edge, server] = origins(&plan.setting);
        if let Some(profile) = inputs.profile_for(plan) {
            edge = edge_origin(profile);
        }
        let svg =
            rate::gather(sweep, edge, server).and_then(|data| rate::figure(&data, &self.style));
        self.keep(
            path,
            &stem(&plan.setting.edge, &plan.model.file),
            "rate",
            svg,
        );
    }

    /// Whether a figure is drawn already, from a sweep or a map of this profile.
    pub(super) fn has(&self, stem: &str, name: &str) -> bool {
        self.names.contains(&format!("{stem}-{name}.svg"))
    }

    /// All figures of a profile; `profile` and `server` are those of the problem.
    pub(super) fn profile(
        &mut self,
        path: &Path,
        profile: &Profile,
        server: &Server,
        problem: &Problem,
        rates: RateRange,
    ) {
        let stem = stem(&profile.board.name, &profile.model.file);
        let style = self.style;
        let drawn = layers::figure(&layers::gather(problem, profile, server), &style);
        self.keep(path, &stem, "layers", drawn);
        let drawn = cuts::figure(&cuts::gather(problem, profile, server), &style);
        self.keep(path, &stem, "cuts", drawn);
        let sweep = (self.wants("rate") && !self.has(&stem, "rate"))
            .then(|| solve::sweep(problem, range(rates), &solve::Options::default()));
        match sweep {
            None => {}
            Some(Ok(sweep)) => {
                let (edge, server) = (edge_origin(profile), server_origin(server));
                let data = rate::gather(&sweep, edge, server);
                self.keep(
                    path,
                    &stem,
                    "rate",
                    data.and_then(|data| rate::figure(&data, &style)),
                );
            }
            Some(Err(error)) => {
                self.leave_out(path, format!("figure `rate` is left out: {error}"));
            }
        }
        let drawn = halves::figure(&halves::gather(profile), &style);
        self.keep(path, &stem, "halves", drawn);
    }
}

impl Figures<'_> {
    /// Latency against accuracy, whatever the scenario's limits on accuracy.
    pub(super) fn tradeoff(
        &mut self,
        path: &Path,
        profile: &Profile,
        server: &Server,
        scenario: &Scenario,
        accuracy: &CodecAccuracy,
        rates: RateRange,
    ) {
        if !self.wants("tradeoff") {
            return;
        }
        let mut scenario = scenario.clone();
        // codecs that lose something join only under limits on what they may lose
        scenario.limits.accuracy.floors.clear();
        scenario.limits.accuracy.drops = vec![MaxDrop {
            task: None,
            most: Share(1_000_000),
        }];
        let confidence = scenario.limits.accuracy.confidence;
        let problem = match Problem::with_accuracy(profile, server, &scenario, Some(accuracy)) {
            Ok(problem) => problem,
            Err(error) => return self.leave_out(path, error.to_string()),
        };
        let at_rate = |rate: BitRate| {
            let problem = problem.with_rate(rate);
            let plans = solve::tradeoff(&problem, &solve::Options::default())?;
            Ok((problem, plans))
        };
        let curves: Result<Vec<_>, solve::SolveError> =
            decades(range(rates)).into_iter().map(at_rate).collect();
        match curves {
            Ok(curves) => {
                let data = tradeoff::gather(&curves, profile, server, accuracy, confidence);
                let stem = stem(&profile.board.name, &profile.model.file);
                self.keep(
                    path,
                    &stem,
                    "tradeoff",
                    tradeoff::figure(&data, &self.style),
                );
            }
            Err(error) => {
                self.leave_out(path, format!("figure `tradeoff` is left out: {error}"));
            }
        }
    }
}

/// The powers of ten in a range, as many as there are curves; its ends when there are none.
fn decades(range: RateRange) -> Vec<BitRate> {
    let (from, to) = (range.from.bit_s(), range.to.bit_s());
    let powers = (0..19).map(|power| 10u64.pow(power));
    let inside = powers.filter(|rate| (from..=to).contains(rate));
    let inside: Vec<BitRate> = inside.filter_map(BitRate::from_bit_s).collect();
    match inside.as_slice() {
        [] => vec![range.from, range.to],
        some => some.iter().copied().take(tradeoff::MOST_CURVES).collect(),
    }
}

/// The range asked for, or a wide one.
pub(super) fn range(asked: RateRange) -> RateRange {
    let [from, to] = RATES_BIT_S.map(BitRate::from_bit_s);
    match (asked.single(), from, to) {
        (Some(_), Some(from), Some(to)) => RateRange { from, to },
        _ => asked,
    }
}

/// Start of the file names: board and model, in characters that every file system takes.
pub(super) fn stem(board: &str, model: &str) -> String {
    let model = model.strip_suffix(".onnx").unwrap_or(model);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '_'
        }
    };
    let name: String = format!("{board}-{model}")
        .chars()
        .map(plain)
        .take(120)
        .collect();
    // no hidden files
    name.trim_start_matches('.').to_owned()
}
