//! AccuracyProgress, and saving what is measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cutpoint_accuracy::dataset::DataError;
use cutpoint_accuracy::{AccuracyError, AccuracyObserver, AccuracyProgress, PartialAccuracy};
use cutpoint_runtime::measure::Control;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::stopped;
use crate::cli::{Common, files, plural};

/// Shows progress, saves what is measured, notices Ctrl-C.
pub(super) struct Watcher {
    pub(super) bar: ProgressBar,
    pub(super) partial: PathBuf,
    saved: Option<Instant>,
}

impl Watcher {
    pub(super) fn new(model: &Path, partial: PathBuf, common: &Common) -> Watcher {
        let bar = if common.progress() {
            ProgressBar::new(1)
        } else {
            ProgressBar::hidden()
        };
        let template = if common.colour() {
            "{prefix} {wide_bar:.cyan} {msg}"
        } else {
            "{prefix} {wide_bar} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let name = model
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        bar.set_prefix(name);
        bar.enable_steady_tick(Duration::from_millis(200));
        Watcher {
            bar,
            partial,
            saved: None,
        }
    }

    fn show(&self, done: usize, of: usize, message: String) -> Control {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(message);
        stopped()
    }

    pub(super) fn whole(&self, done: usize) -> Control {
        self.show(0, 1, format!("whole model: {}", plural(done, "sample")))
    }
}

impl AccuracyObserver for Watcher {
    fn progress(&mut self, progress: AccuracyProgress) -> Control {
        match progress {
            AccuracyProgress::Calibrating { done, of } => self.show(
                done,
                of,
                format!("bounds: {done} of {}", plural(of, "sample")),
            ),
            AccuracyProgress::Measuring { done, at_most } => {
                // nothing done yet says nothing about the time left
                let left = if done > 500 {
                    format!(", at most {} left", HumanDuration(self.bar.eta()))
                } else {
                    String::new()
                };
                self.show(done, at_most, format!("{}{left}", plural(done, "run")))
            }
        }
    }

    fn measured(&mut self, partial: &PartialAccuracy, last: bool) -> Result<(), AccuracyError> {
        let often = self
            .saved
            .is_some_and(|then| then.elapsed() < Duration::from_secs(2));
        if often && !last {
            return Ok(());
        }
        let text = partial.to_json().map_err(AccuracyError::Misfit)?;
        files::write_atomically(&self.partial, text.as_bytes()).map_err(|cause| {
            AccuracyError::Data(DataError::Write {
                path: self.partial.clone(),
                cause,
            })
        })?;
        self.saved = Some(Instant::now());
        Ok(())
    }
}
