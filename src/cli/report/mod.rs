//! `cutpoint report`.

mod compare;
mod inputs;
mod look;
mod tables;

use std::path::{Path, PathBuf};

use clap::Args;
use cutpoint_core::server_ref::ServerRef;
use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_report::html::Page;
use cutpoint_report::tables::{Format, Table, profile_tables};
use cutpoint_report::{Gallery, Sources, Study, Subject};
use serde::Serialize;

use super::scenario_args::{ChoiceArgs, problem, read_accuracy, read_server};
use super::{Common, Kind, files};
use look::LookArgs;

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
    let mut gallery = Gallery::new(args.look.style(), args.look.only());
    let mut page = Page::default();
    if let [before, after] = args.compare.as_slice() {
        let table = compare::run(before, after, &mut gallery)?;
        return finish(args, gallery, page, &[table], common);
    }
    let sources = inputs::read(&args.files)?;
    let studies = args.studies(&sources, &mut gallery, common)?;
    let mut tables = Vec::new();
    if args.tables.are_asked() {
        for study in &studies {
            let (problem, profile) = (&study.problem, study.profile);
            let top = args.tables.top();
            tables.extend(profile_tables(problem, profile, &study.server, top));
        }
    }
    tables.extend(sources.tables());
    if args.draws() {
        draw(args, &sources, &studies, &mut gallery, &mut page);
    }
    finish(args, gallery, page, &tables, common)
}

/// Draws what was asked for: what was computed before, each profile, and what compares profiles.
fn draw(
    args: &ReportArgs,
    sources: &Sources,
    studies: &[Study<'_>],
    gallery: &mut Gallery,
    page: &mut Page,
) {
    sources.draw_computed(gallery);
    for ((path, _), study) in sources.profiles.iter().zip(studies) {
        gallery.draw(path, &Subject::Study(study));
        if args.html.is_some()
            && let Err(error) = page.add(study, gallery.style())
        {
            gallery.leave_out(path, format!("the page: {error}"));
        }
    }
    if let Some((path, _)) = sources.profiles.first() {
        gallery.draw(path, &Subject::Studies(studies));
    }
    sources.draw_plans_alone(gallery);
}

/// Writes the figures, and prints their names or the tables.
fn finish(
    args: &ReportArgs,
    mut gallery: Gallery,
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
    let page = args.html.as_ref().and_then(|asked| {
        let file = if asked.as_os_str().is_empty() {
            out.join(format!("{}.html", page.stem(&gallery)))
        } else {
            asked.clone()
        };
        match page.finish(&gallery, tables) {
            Ok(html) => Some((file, html)),
            Err(error) => {
                gallery.leave_out(Path::new("the page"), error.to_string());
                None
            }
        }
    });
    let summary = write(out, &gallery, page)?;
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
    gallery: &Gallery,
    page: Option<(PathBuf, String)>,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    for drawing in gallery.drawings() {
        let file = folder.join(&drawing.file);
        files::create_parent(&file)?;
        files::write(&file, drawing.svg.as_bytes())?;
        summary.figures.push(Written {
            figure: drawing.name,
            file,
        });
    }
    if let Some((file, html)) = page {
        files::create_parent(&file)?;
        files::write(&file, html.as_bytes())?;
        summary.page = Some(file);
    }
    let left_out = gallery.left_out().iter().map(|left| LeftOut {
        input: left.input.clone(),
        why: left.why.clone(),
    });
    summary.left_out = left_out.collect();
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
    /// Poses the problem of every profile: with the server, the link and the limits of the plan made
    /// from it, unless others are asked for.
    fn studies<'a>(
        &self,
        sources: &'a Sources,
        gallery: &mut Gallery,
        common: &Common,
    ) -> anyhow::Result<Vec<Study<'a>>> {
        let mut studies = Vec::new();
        for (path, profile) in &sources.profiles {
            let plan = sources.plan_for(profile);
            let server = self.server(plan.map(|plan| plan.setting.server.as_str()))?;
            let mut otherwise = plan.map_or_else(default_link, inputs::spec_of);
            let accuracy = read_accuracy(path)?;
            if accuracy.is_none() && inputs::limits_accuracy(&otherwise) {
                (otherwise.max_drop, otherwise.floor) = (Vec::new(), Vec::new());
                let why = "the plan's limits on accuracy are left out: there is no accuracy file \
                           beside the profile";
                gallery.leave_out(path, why);
            }
            let (scenario, rates) = self.choices.complete(otherwise)?;
            let problem = problem(profile, &server, &scenario, accuracy.as_ref(), common)?;
            let mut study = Study::new(profile, server, scenario, problem);
            study.accuracy = accuracy;
            study.made = plan;
            study.rates = rates;
            sources.mark_computed(&mut study);
            studies.push(study);
        }
        Ok(studies)
    }

    /// Whether figures are wanted.
    fn draws(&self) -> bool {
        self.out.is_some() || self.html.is_some() || !self.tables.are_asked()
    }

    /// The server asked for, or that of a plan when its name says all about it.
    fn server(&self, planned: Option<&str>) -> anyhow::Result<Server> {
        let text = match (&self.server, planned) {
            (Some(text), _) => text,
            (None, Some(name)) if ServerRef::of(name).is_simulated() => name,
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
