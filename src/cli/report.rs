//! `cutpoint report`.

mod draw;
mod inputs;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cutpoint::codec::Codec;
use cutpoint::report::Style;
use cutpoint::scenario::{RateRange, U8Input, Wishes};
use cutpoint::server::Server;
use cutpoint::units::{BitRate, Delay};
use serde::Serialize;

use super::{Common, Kind, OrFail, files};
use draw::Figures;
use inputs::Inputs;

/// Draw profiles, plans and sweeps as SVG figures
///
/// A profile gives the times of its layers, the latency of every cut, the best latency against the
/// rate of the link, and predicted against measured halves. A sweep gives the best latency against
/// the rate. A plan sets server and link for the profile it was made from.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Profiles, plans and sweeps; the content says which a file is
    #[arg(required = true, value_name = "PROFILE|PLAN|SWEEP")]
    files: Vec<PathBuf>,
    /// Folder to write the figures to
    #[arg(long, default_value = "reports", value_name = "DIR")]
    out: PathBuf,
    /// The other machine: its profile, a simulated one's description, or `sim:8x` [default: as in
    /// the plan, or sim:8x]
    #[arg(long, value_name = "PROFILE|SPEC|sim:8x")]
    server: Option<String>,
    /// A kind of link, for its rate and delay [default: as in the plan, or wifi]
    #[arg(long, value_name = "PRESET")]
    link: Option<String>,
    /// Rate of the link, such as 10Mbit/s; a range such as 100kbit/s..1Gbit/s sets what the figure
    /// over the rate shows
    #[arg(long, value_name = "RATE")]
    rate: Option<RateRange>,
    /// One-way delay of the link, such as 20ms
    #[arg(long, value_name = "TIME")]
    delay: Option<Delay>,
    /// Rate from server to edge [default: the rate]
    #[arg(long, value_name = "RATE")]
    down_rate: Option<BitRate>,
    /// Codecs that may be used: f32, f16, q8, u8
    #[arg(long, value_delimiter = ',', value_name = "CODEC")]
    codec: Vec<Codec>,
    /// A float input made from an 8-bit image, as NAME=mean,std
    #[arg(long, value_name = "NAME=mean,std")]
    input_u8: Vec<U8Input>,
}

/// What was written and what was not, as printed with `--json`.
#[derive(Debug, Default, Serialize)]
struct Summary {
    figures: Vec<Written>,
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
    let inputs = Inputs::read(&args.files)?;
    let mut figures = Figures::new(Style::default());
    for (path, sweep) in &inputs.sweeps {
        figures.sweep(path, sweep, &inputs);
    }
    for (path, profile) in &inputs.profiles {
        let setting = inputs.plan_for(profile).map(|plan| &plan.setting);
        let server = args.server(setting.map(|s| s.server.as_str()))?;
        let wishes = match setting {
            Some(setting) => args.wishes().or(inputs::wishes(setting)),
            None => args.wishes().or(default_link()),
        };
        figures.profile(path, profile, &server, wishes)?;
    }
    for (path, plan) in inputs.plans_alone() {
        let why = format!(
            "its figures need the profile of {}, too: name both files",
            plan.setting.edge
        );
        figures.leave_out(path, why);
    }
    let summary = write(&args.out, figures)?;
    for left in &summary.left_out {
        common.note(format_args!("{}: {}", left.input, left.why));
    }
    if summary.figures.is_empty() {
        return Err(Kind::BadInput.of(anyhow::anyhow!("nothing could be drawn")));
    }
    if common.json {
        return common.print_json(&summary);
    }
    let names: Vec<String> = summary
        .figures
        .iter()
        .map(|w| w.file.display().to_string())
        .collect();
    common.print(names.join("\n"))
}

fn write(folder: &Path, figures: Figures) -> anyhow::Result<Summary> {
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
    let left_out = figures.left_out.into_iter();
    summary.left_out = left_out
        .map(|(input, why)| LeftOut { input, why })
        .collect();
    Ok(summary)
}

fn default_link() -> Wishes {
    Wishes {
        link: Some("wifi".to_owned()),
        ..Wishes::default()
    }
}

impl ReportArgs {
    fn wishes(&self) -> Wishes {
        Wishes {
            link: self.link.clone(),
            rate: self.rate,
            delay: self.delay,
            down_rate: self.down_rate,
            codec: self.codec.clone(),
            input_u8: self.input_u8.clone(),
            ..Wishes::default()
        }
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
        Server::read(text)
            .context("--server")
            .or_fail(Kind::BadInput)
    }
}
