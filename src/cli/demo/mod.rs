//! `cutpoint demo`: the other commands in turn, on a bundled model.

mod model;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser};

use crate::cli::{Cli, Common, Kind, OrFail, engine, interrupt};

/// Everything in turn on a bundled model: profile, dataset, accuracy, sweep, plan, split, report,
/// verify
///
/// A model of your own is taken through all but the accuracy of codecs, which needs its data.
/// Shows each command before it runs. Writes only below profiles/demo and reports/demo. With --json
/// the results of the commands are one array, in their order.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Model to use instead of the bundled one
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

/// Where everything but the profile goes.
const REPORTS: &str = "reports/demo";
/// Scenes of the kind that the bundled model was trained with.
const DATA: &str = "reports/demo/shapes";
/// One switch between board and server, as `--link gbe` has it.
const DELAY: &str = "100us";

pub(crate) fn run(args: &DemoArgs, common: &Common) -> anyhow::Result<()> {
    if let Some(model) = &args.model {
        // before anything is written
        engine::load(model)?;
    }
    let reports = Path::new(REPORTS);
    std::fs::create_dir_all(reports)
        .with_context(|| format!("{}: cannot create the folder", reports.display()))
        .or_fail(Kind::Other)?;
    let model = match &args.model {
        Some(model) => model.clone(),
        None => model::bundled(reports)?,
    };
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    let profile = format!("profiles/demo/{stem}.toml");
    let model = model.display().to_string();
    let codecs = match args.model {
        None => ["--max-drop", "1%"],
        Some(_) => ["--codec", "f32,q8"],
    };
    let problem = [&["--edge", &profile, "--server", "sim:8x"], &codecs[..]].concat();

    let between = Cell::new("[");
    let step = |title: &str, words: &[&str]| {
        if common.json {
            common.print(between.replace(","))?;
        }
        step(title, words, common)
    };
    step(
        "Measure the model on this machine: its layers, and halves that are really cut",
        &[
            "profile",
            &model,
            "--board",
            "demo",
            "--threads",
            "1",
            "--force",
        ],
    )?;
    if args.model.is_none() {
        let mut words = vec!["dataset", "shapes", "--out", DATA, "--force"];
        words.extend(["--count", "3000", "--seed", "7"]);
        step(
            "Draw scenes; those for testing have colours that were not trained with",
            &words,
        )?;
        let mut words = vec!["accuracy", &model, "--data", DATA, "--profile", &profile];
        words.extend(["--calibration", "64", "--codec", "q8,q4,q4+zstd"]);
        words.extend(["--budget", "20s", "--force"]);
        step(
            "Measure what codecs cost in accuracy, per cut and task",
            &words,
        )?;
    }
    let mut words = vec!["sweep"];
    words.extend(&problem);
    words.extend(["--rate", "1Mbit/s..10Gbit/s", "--delay", DELAY]);
    words.extend(["--out", "reports/demo/sweep.toml"]);
    step(
        "Find the best split at every bandwidth, against a simulated server",
        &words,
    )?;
    let mut words = vec!["plan"];
    words.extend(&problem);
    words.extend([
        "--rate",
        "300Mbit/s",
        "--delay",
        DELAY,
        "--out",
        "reports/demo/plan.toml",
    ]);
    step("Plan for one link", &words)?;
    step(
        "Cut the model",
        &[
            "split",
            "reports/demo/plan.toml",
            "--model",
            &model,
            "--out",
            "reports/demo/split",
            "--force",
        ],
    )?;
    let mut words = vec!["report", &profile];
    words.extend(["reports/demo/plan.toml", "reports/demo/sweep.toml"]);
    words.extend(codecs);
    words.extend(["--out", "reports/demo", "--html", "reports/demo/page.html"]);
    step("Draw it, and put all of it on one page", &words)?;
    #[cfg(feature = "deploy")]
    step(
        "Run both halves, the server's in a process of its own behind an emulated link",
        &["verify", "reports/demo/plan.toml", "--model", &model],
    )?;
    if common.json {
        common.print("]")?;
    }
    Ok(())
}

/// Says what comes, shows the command, runs it.
fn step(title: &str, words: &[&str], common: &Common) -> anyhow::Result<()> {
    if !common.json {
        common.note(format_args!("\n# {title}\ncutpoint {}\n", words.join(" ")));
    }
    let cli = Cli::try_parse_from(std::iter::once("cutpoint").chain(words.iter().copied()))?;
    crate::cli::dispatch(cli.command, common)?;
    // a command that was asked to end may have been done just then
    if interrupt::asked() {
        return Err(Kind::Interrupted.of(anyhow::anyhow!("interrupted")));
    }
    Ok(())
}
