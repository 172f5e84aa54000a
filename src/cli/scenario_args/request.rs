//! What a plan was made from, remembered in its file and read from there.

use std::path::{Path, PathBuf};

use cutpoint_core::plan::{Request, Source};
use cutpoint_planner::scenario::ScenarioSpec;
use sha2::{Digest, Sha256};

use super::super::{Common, Kind, OrFail};
use super::{PlanInputs, ScenarioArgs};

impl PlanInputs {
    /// What was read, so that it can be read again.
    pub(crate) fn request(&self) -> anyhow::Result<Request> {
        let file = |path: &PathBuf| source(&path.to_string_lossy());
        Ok(Request {
            edge: self.edge_files.iter().map(file).collect(),
            server: self.servers.iter().map(|name| source(name)).collect(),
            accuracy: self.accuracy_files.iter().flatten().map(file).collect(),
            spec: self.spec.to_table().or_fail(Kind::Other)?,
        })
    }
}

impl ScenarioArgs {
    /// Reads what a plan was made from; what is given as an argument wins. A profile given again
    /// brings its own accuracy file.
    pub(crate) fn read_again(
        &self,
        plan: &Path,
        request: &Request,
        common: &Common,
    ) -> anyhow::Result<PlanInputs> {
        let bad = |error| anyhow::anyhow!("{}: its limits and choices: {error}", plan.display());
        let spec = ScenarioSpec::from_table(&request.spec).map_err(bad);
        let spec = spec.or_fail(Kind::BadInput)?;
        let mut args = self.clone();
        let mut unchanged = Vec::new();
        if args.edge.is_empty() {
            args.edge = request
                .edge
                .iter()
                .map(|s| PathBuf::from(&s.name))
                .collect();
            unchanged.extend(request.edge.iter().map(|source| ("--edge", source)));
            // those of single models are found beside their profiles again
            if args.accuracy.is_empty() && request.accuracy.len() == args.edge.len() {
                let names = request.accuracy.iter();
                args.accuracy = names.map(|s| PathBuf::from(&s.name)).collect();
                unchanged.extend(request.accuracy.iter().map(|source| ("--accuracy", source)));
            }
        }
        if args.server.is_empty() {
            args.server = request.server.iter().map(|s| s.name.clone()).collect();
            unchanged.extend(request.server.iter().map(|source| ("--server", source)));
        }
        for (flag, source) in unchanged {
            check(plan, flag, source, common)?;
        }
        args.read_or(spec)
    }
}

/// A file that a plan was made from must be there; when it is another by now, that is said.
fn check(plan: &Path, flag: &str, then: &Source, common: &Common) -> anyhow::Result<()> {
    let Some(hash) = &then.sha256 else {
        return Ok(());
    };
    let (name, plan) = (&then.name, plan.display());
    match source(name).sha256 {
        None => Err(Kind::BadInput.of(anyhow::anyhow!(
            "{name}: not found, and {plan} was made from it: run this in the folder where it was \
             made, or give {flag} again"
        ))),
        Some(now) if now != *hash => {
            common.note(format_args!(
                "{name} changed since {plan} was made: this is about the plan as it would be now"
            ));
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

/// What is named, with its hash when it is a file.
fn source(name: &str) -> Source {
    let hex = |bytes: Vec<u8>| {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    Source {
        sha256: std::fs::read(name).ok().map(hex),
        name: name.to_owned(),
    }
}
