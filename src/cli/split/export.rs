//! What other programs need to run the halves.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cutpoint_deploy::export::{self, EDGE_CLIENT, ExportError, TritonBackend, triton};
use cutpoint_deploy::halves::SplitDirectory;
use cutpoint_onnx::Model;
use cutpoint_runtime::Environment;

use crate::cli::run_files::{Holds, RunFiles};
use crate::cli::run_split::half_failure;
use crate::cli::{Kind, files};

/// Servers and boards without this program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other programs")]
pub(super) struct ExportArgs {
    /// Write the server half to this model repository of NVIDIA Triton, too
    #[arg(long, value_name = "DIR")]
    triton: Option<PathBuf>,
    /// What runs it there: onnxruntime, or python where that back end is not installed
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Backend::Onnxruntime, requires = "triton")]
    triton_backend: Backend,
    /// Write edge.py beside the halves: it runs the split with onnxruntime and tritonclient
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    client: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    Onnxruntime,
    Python,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Python,
}

/// Name of the client in the split directory.
const EDGE_CLIENT_FILE: &str = "edge.py";

impl ExportArgs {
    /// Declares what is written beside the halves.
    pub(super) fn declare(&self, split: &Path, models: &[&Model], files: &mut RunFiles) {
        for (repository, model) in self
            .triton
            .iter()
            .flat_map(|r| models.iter().map(move |m| (r, m)))
        {
            let name = model.file_name();
            let folder = repository.join(name.strip_suffix(".onnx").unwrap_or(&name));
            for path in export::files(&folder) {
                files.makes("--triton", &path, Holds::Guarded);
            }
        }
        if self.client.is_some() {
            let path = split.join(EDGE_CLIENT_FILE);
            files.makes("--out", &path, Holds::EdgeClient);
        }
    }

    /// Writes what was asked for, and says what that is.
    pub(super) fn write(
        &self,
        split: &Path,
        environment: &Environment,
        replace: bool,
    ) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        if let Some(repository) = &self.triton {
            let directory = SplitDirectory::open(split).map_err(half_failure)?;
            let half = directory.server_half(environment).map_err(half_failure)?;
            let backend = match self.triton_backend {
                Backend::Onnxruntime => TritonBackend::OnnxRuntime,
                Backend::Python => TritonBackend::Python,
            };
            let folder =
                triton(&directory, &half, repository, backend, replace).map_err(|error| {
                    let kind = match &error {
                        ExportError::Io { .. } => Kind::Other,
                        _ => Kind::Usage,
                    };
                    kind.of(error)
                })?;
            lines.push(format!("  Triton       {}", folder.display()));
        }
        if let Some(Language::Python) = self.client {
            let path = split.join(EDGE_CLIENT_FILE);
            if !replace && path.exists() && !Holds::EdgeClient.is_in(&path) {
                return Err(Kind::Usage.of(anyhow::anyhow!(
                    "{}: is not the client that `split` writes: choose another --out, or add --force",
                    path.display()
                )));
            }
            files::write("--out", &path, EDGE_CLIENT.as_bytes())?;
            lines.push("  edge.py      runs it with onnxruntime and tritonclient".to_owned());
        }
        Ok(lines)
    }
}
