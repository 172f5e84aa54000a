//! `cutpoint dataset`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cutpoint_accuracy::dataset::DataError;
use cutpoint_accuracy::dataset::shapes::{self, ShapesRequest, ShapesSummary};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Common, Kind, interrupt, plural};

/// Make a synthetic multi-task data set
#[derive(Debug, Args)]
pub(crate) struct DatasetArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Shapes(ShapesArgs),
}

/// Draw scenes in the manner of 3D Shapes: images.npy, labels.csv, sample.png, dataset.toml
///
/// 64x64 RGB images of an object in a room: 10 floor, wall and object hues, 8 sizes, 4 types, 15
/// orientations. The same count and seed give the same bytes on every machine; no scene comes twice.
/// The column `split` holds a fifth of the pairs of floor and wall hues out for testing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint dataset shapes --out data/shapes --count 60000 --seed 1
  cutpoint dataset shapes --out data/noisy --count 10000 --noise 0.05")]
struct ShapesArgs {
    /// Folder to write to; created if need be
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Images, 480000 at most
    #[arg(long, value_name = "N")]
    count: u32,
    /// Which scenes, in which order
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Share of the pixels turned black or white
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    noise: f64,
    /// Replace a data set in the same folder
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &DatasetArgs, common: &Common) -> anyhow::Result<()> {
    let What::Shapes(args) = &args.what;
    draw(args, common)
}

fn draw(args: &ShapesArgs, common: &Common) -> anyhow::Result<()> {
    let request = ShapesRequest {
        count: args.count,
        seed: args.seed,
        noise: args.noise,
        force: args.force,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let _orderly = interrupt::orderly();
    let bar = bar(args.count, common);
    let written = shapes::write(&args.out, &request, &mut |done| {
        bar.set_position(done as u64);
        !interrupt::asked()
    });
    bar.finish_and_clear();
    let summary = written.map_err(failure)?;
    if common.json {
        common.print_json(&summary)
    } else {
        common.print(describe(args, summary))
    }
}

fn bar(count: u32, common: &Common) -> ProgressBar {
    if !common.progress() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len} images, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(u64::from(count)).with_style(style)
}

fn describe(args: &ShapesArgs, summary: ShapesSummary) -> String {
    format!(
        "{}: {} ({} for training, {} for testing)\nlook at {}",
        args.out.display(),
        plural(args.count as usize, "image"),
        summary.train,
        summary.test,
        args.out.join("sample.png").display()
    )
}

/// The exit code of an error.
fn failure(error: DataError) -> anyhow::Error {
    let kind = match &error {
        DataError::Request(_) | DataError::Exists { .. } => Kind::Usage,
        DataError::Interrupted => Kind::Interrupted,
        DataError::Write { .. } => Kind::Other,
        _ => Kind::BadInput,
    };
    kind.of(error)
}
