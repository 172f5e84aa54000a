//! What a run reads and writes, declared and checked before anything is measured: no output is an
//! input or another output, and what is replaced is of the same kind.

mod holds;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cutpoint_core::server_ref::ServerRef;
use cutpoint_onnx::Model;

use super::{Kind, files};
pub(crate) use holds::Holds;

/// The files of one run.
#[derive(Debug, Default)]
pub(crate) struct RunFiles {
    inputs: Vec<Named>,
    /// Folders whose files are inputs.
    data: Vec<Named>,
    outputs: Vec<Output>,
}

/// A file and the argument that names it.
#[derive(Debug, Clone)]
struct Named {
    /// `--edge`, or `the model` for a file that has no flag.
    argument: &'static str,
    path: PathBuf,
}

#[derive(Debug)]
struct Output {
    file: Named,
    holds: Holds,
    /// Whether its folder is made if need be.
    makes_folder: bool,
}

/// What may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Files of the same kind.
    SameKind,
    /// Whatever is there, as with `--force`.
    Anything,
}

impl RunFiles {
    /// Declares files that are read.
    pub(crate) fn reads<P: AsRef<Path>>(
        &mut self,
        argument: &'static str,
        paths: impl IntoIterator<Item = P>,
    ) {
        let named = paths.into_iter().map(|path| Named {
            argument,
            path: path.as_ref().to_owned(),
        });
        self.inputs.extend(named);
    }

    /// Declares a model with the files that it keeps data in.
    pub(crate) fn reads_model(&mut self, argument: &'static str, model: &Model) {
        self.reads(argument, [model.path()]);
        self.reads("data of a model", model.data_files());
    }

    /// Declares servers, as far as they are files.
    pub(crate) fn reads_servers<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        let files = names
            .into_iter()
            .filter_map(|name| match ServerRef::of(name) {
                ServerRef::File(path) => Some(path),
                ServerRef::Simulated(_) => None,
            });
        self.reads("--server", files);
    }

    /// Declares a data set: a file, or a folder with all that is in it.
    pub(crate) fn reads_data(&mut self, argument: &'static str, path: &Path) {
        let path = path.to_owned();
        let named = Named { argument, path };
        if named.path.is_dir() {
            self.data.push(named);
        } else {
            self.inputs.push(named);
        }
    }

    /// Declares a file that is written, if one is, into a folder that exists.
    pub(crate) fn writes(&mut self, argument: &'static str, path: Option<&Path>, holds: Holds) {
        self.output(argument, path, holds, false);
    }

    /// Declares a file that is written, into a folder that is made if need be.
    pub(crate) fn makes(&mut self, argument: &'static str, path: &Path, holds: Holds) {
        self.output(argument, Some(path), holds, true);
    }

    fn output(
        &mut self,
        argument: &'static str,
        path: Option<&Path>,
        holds: Holds,
        makes_folder: bool,
    ) {
        let output = path.map(|path| Output {
            file: Named {
                argument,
                path: path.to_owned(),
            },
            holds,
            makes_folder,
        });
        self.outputs.extend(output);
    }

    /// Refuses a run that would overwrite what it reads or what it must not replace, and one that
    /// cannot write.
    pub(crate) fn check(&self, replace: Replace) -> anyhow::Result<()> {
        let known = |named: &Named, verb: &'static str| {
            let about = format!("this run {verb} that file as {}", named.argument);
            Some((identity(&named.path)?, about))
        };
        let inputs = self.inputs.iter();
        let mut taken: HashMap<PathBuf, String> =
            inputs.filter_map(|input| known(input, "reads")).collect();
        for output in &self.outputs {
            output.check_place()?;
            let Some(identity) = identity(&output.file.path) else {
                continue;
            };
            if let Some(about) = taken.get(&identity) {
                return Err(output.refuse(about));
            }
            output.check_data(&self.data, &identity)?;
            if replace == Replace::SameKind {
                output.check_kind()?;
            }
            taken.extend(known(&output.file, "also writes"));
        }
        Ok(())
    }
}

impl Output {
    fn check_place(&self) -> anyhow::Result<()> {
        let Named { argument, path } = &self.file;
        if path.is_dir() {
            Err(files::refuse(
                argument,
                path,
                "cannot write (it is a folder)",
            ))
        } else if !self.makes_folder && !files::parent(path).is_dir() {
            let problem = "cannot write (its folder does not exist)";
            Err(files::refuse(argument, path, problem))
        } else {
            Ok(())
        }
    }

    /// A file of a data set may be written only by whoever wrote it before.
    fn check_data(&self, folders: &[Named], identity: &Path) -> anyhow::Result<()> {
        let holds_it = |folder: &&Named| {
            let folder = folder.path.canonicalize();
            identity.exists() && folder.is_ok_and(|folder| identity.starts_with(folder))
        };
        match folders.iter().find(holds_it) {
            Some(folder) if !self.holds.is_in(identity) => {
                let about = format!("this run reads that file as part of {}", folder.argument);
                Err(self.refuse(&about))
            }
            _ => Ok(()),
        }
    }

    fn check_kind(&self) -> anyhow::Result<()> {
        let path = &self.file.path;
        let is_something = path.metadata().is_ok_and(|found| found.len() > 0);
        if !is_something || self.holds.is_in(path) {
            return Ok(());
        }
        let (found, wanted) = (holds::told(path), self.holds.name());
        Err(self.refuse(&format!("it holds {found}, and only {wanted} is replaced")))
    }

    fn refuse(&self, about: &str) -> anyhow::Error {
        let Named { argument, path } = &self.file;
        let path = path.display();
        Kind::Usage.of(anyhow::anyhow!(
            "{argument} {path}: {about}: choose another file for {argument}"
        ))
    }
}

/// What tells a file from every other, also before it exists; none for what is no plain file, such
/// as a pipe.
fn identity(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Ok(found) => found.is_file().then_some(found),
        Err(_) => {
            let folder = files::parent(path);
            // what is made later begins at a folder that exists
            let folder = folder
                .canonicalize()
                .or_else(|_| std::path::absolute(folder));
            Some(folder.ok()?.join(path.file_name()?))
        }
    }
}
