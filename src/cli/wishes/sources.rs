//! The files beside the edge's profile.

use std::path::{Path, PathBuf};

use cutpoint::sensitivity::Sensitivity;
use cutpoint::server::Server;

use super::kinds::server_kind;
use super::{Kind, OrFail};

/// The accuracy file asked for, or the one that lies beside a profile.
pub(super) fn accuracy_file(asked: Option<&Path>, profile: &Path) -> Option<PathBuf> {
    let beside = || Some(profile.with_extension("accuracy.toml")).filter(|path| path.is_file());
    asked.map(Path::to_owned).or_else(beside)
}

pub(super) fn load_accuracy(path: &Path) -> anyhow::Result<Sensitivity> {
    Sensitivity::load(path).or_fail(Kind::BadInput)
}

/// What the accuracy file beside a profile says, if there is one.
pub(crate) fn read_accuracy(profile: &Path) -> anyhow::Result<Option<Sensitivity>> {
    let file = accuracy_file(None, profile);
    file.as_deref().map(load_accuracy).transpose()
}

/// What `--server` names.
pub(crate) fn read_server(text: &str) -> anyhow::Result<Server> {
    Server::read(text).map_err(|error| server_kind(&error).of(error))
}
