//! `cutpoint runtime`: where ONNX Runtime comes from.

use clap::Args;
use cutpoint_core::units::Bytes;
use cutpoint_runtime::{library, providers};
use serde::Serialize;

use super::{Common, engine};

/// Show where ONNX Runtime comes from; fetch it when it is missing
#[derive(Debug, Args)]
pub(crate) struct RuntimeArgs {
    /// Also read the whole library and compare it with the published one
    #[arg(long)]
    verify: bool,
}

#[derive(Serialize)]
struct Answer {
    path: String,
    origin: &'static str,
    version: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    providers: Vec<&'static str>,
}

pub(crate) fn run(args: &RuntimeArgs, common: &Common) -> anyhow::Result<()> {
    let library = engine::library(common)?;
    let sha256 = args.verify.then(|| library.verify()).transpose()?;
    // loading shows that it works here, which being there does not
    let environment = engine::open(&library, 1)?;
    let answer = Answer {
        path: library.path.display().to_string(),
        origin: library.origin.name(),
        version: library.version.clone(),
        bytes: library.bytes()?,
        sha256,
        providers: providers(environment)?,
    };
    if common.json {
        common.print_json(&answer)
    } else {
        common.print(table(&answer))
    }
}

fn table(answer: &Answer) -> String {
    let origin = match answer.origin {
        "environment" => format!("{} (named by {})", answer.path, library::VARIABLE),
        origin => format!("{} ({origin})", answer.path),
    };
    let mut text = format!(
        "ONNX Runtime  {}\nlibrary       {origin}\nsize          {}\nproviders     {}",
        answer.version,
        Bytes(answer.bytes),
        answer.providers.join(", ")
    );
    if let Some(sha256) = &answer.sha256 {
        text += &format!("\nsha256        {sha256}");
    }
    text
}
