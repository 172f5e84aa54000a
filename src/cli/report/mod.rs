//! `cutpoint report`.

mod compare;
mod draw;
mod inputs;
mod look;
mod model;
mod page;
mod planned;
mod tables;

use std::path::{Path, PathBuf};

use clap::Args;
use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::{Options, Outcome, solve};
use cutpoint_report::tables::{Format, Table, plan_tables, profile_tables, sweep_tables};
use serde::Serialize;

use super::scenario_args::{ChoiceArgs, problem, read_accuracy, read_server};
use super::{Common, Kind, files};
use draw::Figures;
use inputs::Inputs;
pub(crate) use inputs::is_of;
use look::LookArgs;
use page::Page;
use planned::Study;

/// Draw profiles, plans, sweeps and maps as SVG figures
///
/// A profile gives the times of its layers, the latency of every cut, the best latency against the
/// rate of the link, predicted against measured halves, the network as a graph with the best cut,
/// time so far against what is to be sent, a roofline of the layers, the timeline of the best plan,
/// the best plan at every rate and delay, and latency against energy, memory and bytes sent; with an
/// accuracy file beside it, latency against accuracy and what codecs save and cost, too. Several
/// profiles are compared at one link. A plan gives its timeline, and sets server and link for the
/// profile it was made from; without a plan they are sim:8x and wifi. A sweep gives the best latency
/// against the rate, or against what was swept over; a map, the best plan at every rate and delay. A
/// range as --rate sets which rates are shown.
///
/// With --format the numbers are printed as tables: layers, measured halves and cuts of a profile,
/// parts and tasks of a plan, segments of a sweep. Figures are drawn, too, when --out is given.
///
/// --compare says what changed between two profiles of one model (before and after, two boards, two
/// versions of a runtime). A layer counts as changed when the 95 % interval of the ratio of its
/// medians leaves out 1, corrected for the number of layers.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint report profiles/pi5/model.toml plan.toml --out reports
  cutpoint report plan.toml --only timeline --width 480 --height 320
  cutpoint report profiles/*/model.toml --only boards --link 4g --theme light
  cutpoint report profiles/pi5/model.toml --link 4g --max-uplink 100kB --html
  cutpoint report profiles/pi5/model.toml plan.toml --html page.html
  cutpoint report profiles/pi5/model.toml plan.toml --format markdown > tables.md
  cutpoint report profiles/pi5/model.toml --format latex --table layers --top 10
  cutpoint report --compare profiles/pi5/model.toml profiles/jetson/model.toml --format text

The address of a page can name a link: open page.html#rate=20Mbit/s&delay=20ms in a browser.")]
pub(crate) struct ReportArgs {
    /// Profiles, plans, sweeps and maps; the content says which a file is
    #[arg(
        required_unless_present = "compare",
        conflicts_with = "compare",
        value_name = "PROFILE|PLAN|SWEEP|MAP"
    )]
    files: Vec<PathBuf>,
    /// Folder to write the figures to [default: reports, or none with --format]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write one page, too, with everything on it: the plan in words, sliders over rate and delay,
    /// all figures, tables that sort; a single file that needs no network [default: named after
    /// the first profile, in the folder of --out]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "",
        value_parser = html_file)]
    html: Option<PathBuf>,
    #[command(flatten)]
    tables: tables::TableArgs,
    /// Say what changed between two profiles of one model
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"])]
    compare: Vec<PathBuf>,
    /// The other machine: its profile, a simulated one's description, or `sim:8x` [default: as in
    /// the plan, or sim:8x]
    #[arg(long, value_name = "PROFILE|SPEC|sim:8x")]
    server: Option<String>,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    choices: ChoiceArgs,
}

/// What was written and what was not, as printed with `--json`.
#[derive(Debug, Default, Serialize)]
struct Summary {
    figures: Vec<Written>,
    /// The page with everything on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PathBuf>,
    left_out: Vec<LeftOut>,
}

#[derive(Debug, Serialize)]
struct Written {
    figure: &'static str,
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    input: String,
    why: String,
}

pub(crate) fn run(args: &ReportArgs, common: &Common) -> anyhow::Result<()> {
    args.tables.check(common)?;
    let mut figures = Figures::new(&args.look);
    let mut page = Page::default();
    let mut tables = Vec::new();
    if let [before, after] = args.compare.as_slice() {
        tables.push(compare::run(before, after, &mut figures)?);
        return finish(args, figures, page, &tables, common);
    }
    let inputs = Inputs::read(&args.files)?;
    for (path, sweep) in &inputs.sweeps {
        figures.sweep(path, sweep, &inputs);
    }
    for (path, sweep) in &inputs.overs {
        figures.over(path, sweep, &inputs);
    }
    for (path, map) in &inputs.maps {
        figures.map(path, map, &inputs);
    }
    let mut compared = Vec::new();
    for (path, profile) in &inputs.profiles {
        let plan = inputs.plan_for(profile);
        let server = args.server(plan.map(|plan| plan.setting.server.as_str()))?;
        let mut otherwise = plan.map_or_else(default_link, inputs::wishes);
        let accuracy = read_accuracy(path)?;
        if accuracy.is_none() && inputs::limits_accuracy(&otherwise) {
            (otherwise.max_drop, otherwise.floor) = (Vec::new(), Vec::new());
            let why = "the plan's limits on accuracy are left out: there is no accuracy file beside \
                       the profile";
            figures.leave_out(path, why.to_owned());
        }
        let (scenario, rates) = args.choices.complete(otherwise)?;
        let problem = problem(profile, &server, &scenario, accuracy.as_ref(), common)?;
        if args.tables.are_asked() {
            let top = args.tables.top();
            tables.extend(profile_tables(&problem, profile, &server, top));
        }
        if !args.draws() {
            continue;
        }
        figures.profile(path, profile, &server, &problem, rates);
        let solved = solve(&problem, &Options::default());
        let best = match &solved {
            Ok(Outcome::Plan(best)) => Some(best),
            Ok(Outcome::NoPlan(_)) | Err(_) => None,
        };
        figures.model(path, profile, &server, &problem, plan.or(best));
        match &accuracy {
            Some(accuracy) => {
                figures.tradeoff(path, profile, &server, &scenario, accuracy, rates);
                let confidence = scenario.limits.accuracy.confidence;
                figures.codecs(path, profile, accuracy, confidence, plan.or(best));
            }
            None => figures.without_accuracy(path),
        }
        let study = Study {
            path,
            profile,
            server: &server,
            problem: &problem,
        };
        let bars = figures.planned(&study, plan, &solved, rates);
        if args.html.is_some() {
            match &solved {
                Ok(outcome) => page.add(&study, outcome, rates, &figures.style),
                Err(error) => figures.leave_out(path, format!("the page: {error}")),
            }
        }
        compared.extend(bars.map(|bars| (problem, bars)));
    }
    if let Some((path, _)) = inputs.profiles.first() {
        figures.boards(compared, path);
    }
    for (path, plan) in inputs.plans_alone() {
        if args.draws() {
            figures.plan_alone(path, plan);
        }
        let why = format!(
            "other figures than its timeline need the profile of {}, too: name both files",
            plan.setting.edge
        );
        figures.leave_out(path, why);
    }
    for (_, plan) in &inputs.plans {
        tables.extend(plan_tables(plan, inputs.profile_for(plan)));
    }
    for (_, sweep) in &inputs.sweeps {
        let profile = sweep
            .segments
            .first()
            .and_then(|s| inputs.profile_for(&s.plan));
        tables.extend(sweep_tables(sweep, profile));
    }
    finish(args, figures, page, &tables, common)
}

/// Writes the figures, and prints their names or the tables.
fn finish(
    args: &ReportArgs,
    mut figures: Figures<'_>,
    page: Page,
    tables: &[Table],
    common: &Common,
) -> anyhow::Result<()> {
    // what changed is an answer in words, also when there is nothing to draw
    let compares = !args.compare.is_empty();
    let otherwise = (compares && !common.json).then_some(Format::Text);
    let printed = args.tables.text(tables, otherwise)?;
    if let (Some(text), false) = (&printed, args.draws()) {
        return common.print_file(text);
    }
    let out = args.out.as_deref().unwrap_or(Path::new("reports"));
    let page = args
        .html
        .as_ref()
        .map(|file| page.finish(file, out, &figures, tables));
    let page = match page.transpose() {
        Ok(page) => page,
        Err(error) => {
            figures.leave_out(Path::new("the page"), error.to_string());
            None
        }
    };
    let summary = write(out, figures, page)?;
    for left in &summary.left_out {
        common.note(format_args!("{}: {}", left.input, left.why));
    }
    let figures = summary.figures.iter().map(|written| &written.file);
    let files: Vec<String> = figures
        .chain(&summary.page)
        .map(|file| file.display().to_string())
        .collect();
    if let Some(text) = &printed {
        files.iter().for_each(|file| common.note(file));
        return common.print_file(text);
    }
    if common.json {
        common.print_json(&summary)?;
    }
    if summary.figures.is_empty() && summary.page.is_none() && !compares {
        return Err(Kind::BadInput.of(anyhow::anyhow!("nothing could be drawn")));
    }
    if common.json {
        return Ok(());
    }
    common.print(files.join("\n"))
}

fn write(
    folder: &Path,
    figures: Figures<'_>,
    page: Option<(PathBuf, String)>,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    for figure in figures.drawn {
        let file = folder.join(&figure.file);
        files::create_parent(&file)?;
        files::write(&file, figure.svg.as_bytes())?;
        summary.figures.push(Written {
            figure: figure.name,
            file,
        });
    }
    if let Some((file, html)) = page {
        files::create_parent(&file)?;
        files::write(&file, html.as_bytes())?;
        summary.page = Some(file);
    }
    let left_out = figures.left_out.into_iter();
    summary.left_out = left_out
        .map(|(input, why)| LeftOut { input, why })
        .collect();
    Ok(summary)
}

/// A name for the page, which a profile named by mistake is not.
fn html_file(text: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    let named = file
        .extension()
        .is_some_and(|end| end == "html" || end == "htm");
    if text.is_empty() || named {
        Ok(file)
    } else {
        Err("the page's name must end in .html; put --html behind the files, or name it".to_owned())
    }
}

fn default_link() -> ScenarioSpec {
    ScenarioSpec {
        link: Some("wifi".to_owned()),
        ..ScenarioSpec::default()
    }
}

impl ReportArgs {
    /// Whether figures are wanted.
    fn draws(&self) -> bool {
        self.out.is_some() || self.html.is_some() || !self.tables.are_asked()
    }

    /// The server asked for, or that of a plan when its name says all about it.
    fn server(&self, planned: Option<&str>) -> anyhow::Result<Server> {
        let text = match (&self.server, planned) {
            (Some(text), _) => text,
            (None, Some(name)) if name.starts_with("sim:") => name,
            (None, Some(name)) => {
                let problem = format!(
                    "the plan's server is {name}: add --server with its profile or description"
                );
                return Err(Kind::Usage.of(anyhow::anyhow!(problem)));
            }
            (None, None) => "sim:8x",
        };
        read_server(text)
    }
}
