//! What every command that runs a model needs: the runtime, and errors with the file's name.

use std::path::Path;

use clap::Args;
use cutpoint_core::task::Task;
use cutpoint_onnx::Model;
use cutpoint_planner::scenario::parse_task;
use cutpoint_runtime::Environment;
use cutpoint_runtime::library::{self, Library, LibraryError, LibraryOrigin};
use cutpoint_runtime::probe::InputShape;
use cutpoint_runtime::session::Provider;
use cutpoint_runtime::{RunError, board, environment, providers};

use super::{Common, Kind, OrFail};

/// How to read a model.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ModelArgs {
    /// Shape of an input whose dimensions the model leaves open
    #[arg(long = "shape", value_name = "INPUT=1x3x224x224")]
    pub(crate) shapes: Vec<InputShape>,
    /// Group outputs into a named task [default: every output is a task of its own]
    #[arg(long = "task", value_name = "NAME=OUT[,OUT]", value_parser = parse_task)]
    pub(crate) tasks: Vec<Task>,
    /// An input that the server has too, so that it need not cross
    #[arg(long = "local-input", value_name = "NAME")]
    pub(crate) local_inputs: Vec<String>,
}

/// The runtime's library, fetched once when missing.
pub(crate) fn library(common: &Common) -> anyhow::Result<Library> {
    library::find_or_fetch(&mut |event| common.note(event)).map_err(|error| {
        let kind = match error {
            LibraryError::Variable { .. } => Kind::Usage,
            _ => Kind::Other,
        };
        kind.of(error)
    })
}

/// The one environment of this process.
pub(crate) fn open(library: &Library, threads: usize) -> anyhow::Result<&'static Environment> {
    environment(library, threads).or_fail(match library.origin {
        LibraryOrigin::Env => Kind::Usage,
        _ => Kind::Other,
    })
}

/// Threads asked for, or the physical cores.
pub(crate) fn threads(asked: Option<usize>) -> anyhow::Result<usize> {
    let most = board::most_threads();
    match asked {
        None => Ok(board::default_threads()),
        Some(0) => Err(Kind::Usage.of(anyhow::anyhow!(
            "--threads 0: a model needs a thread to run on"
        ))),
        Some(asked) if asked <= most => Ok(asked),
        Some(asked) => Err(Kind::Usage.of(anyhow::anyhow!(
            "--threads {asked}: this machine runs {most} at once, and more would only wait for one another"
        ))),
    }
}

/// Refuses an execution provider that the library does not have.
pub(crate) fn check_provider(environment: &Environment, wanted: Provider) -> anyhow::Result<()> {
    let known = providers(environment)?;
    if known.contains(&wanted.name()) {
        return Ok(());
    }
    Err(Kind::Usage.of(anyhow::anyhow!(
        "--provider {}: this ONNX Runtime has only {}: name a library that has it in {}",
        wanted.name(),
        known.join(", "),
        library::VARIABLE
    )))
}

/// Reads a model file.
pub(crate) fn load(path: &Path) -> anyhow::Result<Model> {
    Model::load(path).or_fail(Kind::BadInput)
}

/// Adds the model's name to what went wrong while running it, and the exit code.
pub(crate) fn run_failure(error: RunError, model: &Path) -> anyhow::Error {
    let kind = match &error {
        RunError::Interrupted => Kind::Interrupted,
        RunError::Io { .. } => Kind::Other,
        RunError::Input { .. } | RunError::OpenShapes { .. } | RunError::Graph(_) => Kind::Usage,
        _ => Kind::BadInput,
    };
    let with_name = match &error {
        // its message names the file already
        RunError::Onnx(_) | RunError::Io { .. } => anyhow::Error::new(error),
        _ => anyhow::Error::new(error).context(model.display().to_string()),
    };
    kind.of(with_name)
}
