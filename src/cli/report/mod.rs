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
use cutpoint_report::{Gallery, Sources, Study, Subject, is_figure, plan_name};
use serde::Serialize;

use super::run_files::{Holds, Replace, RunFiles};
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
    /// Figures of an earlier report that no longer apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<PathBuf>,
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
    let (inputs, studies): (Vec<&Path>, Vec<Study<'_>>) = args
        .studies(&sources, &mut gallery, common)?
        .into_iter()
        .unzip();
    let mut tables = Vec::new();
    if args.tables.are_asked() {
        for study in studies.iter().take(sources.profiles.len()) {
            let (problem, profile) = (&study.problem, study.profile);
            let top = args.tables.top();
            tables.extend(profile_tables(problem, profile, &study.server, top));
        }
    }
    tables.extend(sources.tables());
    if args.draws() {
        sources.draw_computed(&mut gallery);
        for (path, study) in inputs.iter().zip(&studies) {
            draw(args, path, study, &mut gallery, &mut page);
        }
        if let Some(first) = inputs.first() {
            let one_each = &studies[..sources.profiles.len().min(studies.len())];
            gallery.draw(first, &Subject::Studies(one_each));
        }
        sources.draw_plans_alone(&mut gallery);
    }
    finish(args, gallery, page, &tables, common)
}

/// Draws the figures of a profile, and its part of the page.
fn draw(args: &ReportArgs, path: &Path, study: &Study<'_>, gallery: &mut Gallery, page: &mut Page) {
    gallery.draw(path, &Subject::Study(study));
    if args.html.is_some()
        && let Err(error) = page.add(study, gallery.style())
    {
        gallery.leave_out(path, format!("the page: {error}"));
    }
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
    declare(args, out, &gallery, page.as_ref()).check(Replace::SameKind)?;
    let mut summary = write(out, &gallery, page)?;
    summary.removed = remove_out_of_date(out, &gallery);
    for file in &summary.removed {
        let file = file.display();
        common.note(format_args!(
            "{file}: removed, since it could not be drawn anew"
        ));
    }
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

fn declare(
    args: &ReportArgs,
    folder: &Path,
    gallery: &Gallery,
    page: Option<&(PathBuf, String)>,
) -> RunFiles {
    let mut files = RunFiles::default();
    files.reads("an input", &args.files);
    files.reads("--compare", &args.compare);
    files.reads_servers(&args.server);
    args.choices.declare(&mut files);
    for drawing in gallery.drawings() {
        files.makes("--out", &folder.join(&drawing.file), Holds::Figure);
    }
    if let Some((file, _)) = page {
        files.makes("--html", file, Holds::Page);
    }
    files
}

/// Removes figures of an earlier report in this folder that could not be drawn this time, and
/// returns them. What was not drawn by this program stays.
fn remove_out_of_date(folder: &Path, gallery: &Gallery) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let old = entries.filter(|entry| gallery.is_out_of_date(&entry.file_name().to_string_lossy()));
    let old = old.map(|entry| entry.path());
    let own = old.filter(|path| std::fs::read_to_string(path).is_ok_and(|text| is_figure(&text)));
    let mut removed: Vec<PathBuf> = own
        .filter(|path| std::fs::remove_file(path).is_ok())
        .collect();
    removed.sort();
    removed
}

fn write(
    folder: &Path,
    gallery: &Gallery,
    page: Option<(PathBuf, String)>,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    for drawing in gallery.drawings() {
        let file = folder.join(&drawing.file);
        files::create_parent("--out", &file)?;
        files::write("--out", &file, drawing.svg.as_bytes())?;
        summary.figures.push(Written {
            figure: drawing.name,
            file,
        });
    }
    if let Some((file, html)) = page {
        files::create_parent("--html", &file)?;
        files::write("--html", &file, html.as_bytes())?;
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
    /// from it, unless others are asked for. There is one for each of several plans; those of the
    /// first plans come first, one for each profile.
    fn studies<'a>(
        &self,
        sources: &'a Sources,
        gallery: &mut Gallery,
        common: &Common,
    ) -> anyhow::Result<Vec<(&'a Path, Study<'a>)>> {
        let mut studies = Vec::new();
        let of = |profile| sources.plans_for(profile);
        let first = sources.profiles.iter();
        let first = first.map(|(path, profile)| (path, profile, of(profile).next()));
        let more = sources.profiles.iter().flat_map(|(path, profile)| {
            let others = of(profile).skip(1);
            others.map(move |plan| (path, profile, Some(plan)))
        });
        for (path, profile, planned) in first.chain(more) {
            let plan = planned.map(|(_, plan)| plan);
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
            study.made_in = planned.map(|(file, _)| plan_name(file));
            study.rates = rates;
            sources.mark_computed(&mut study);
            studies.push((path.as_path(), study));
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
