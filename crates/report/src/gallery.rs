//! The figures that were asked for, under the names of their files.

use std::collections::BTreeSet;
use std::path::Path;

use crate::figures::FIGURES;
use crate::{ReportError, Style, Subject};

/// A figure before it is written.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Which figure it is.
    pub name: &'static str,
    /// Start of the file's name: what it is of.
    pub stem: String,
    /// Name of its file, different from that of every other.
    pub file: String,
    /// Text of the file.
    pub svg: String,
}

/// An input of which something is missing in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Name of the input.
    pub input: String,
    /// What is missing, and why.
    pub why: String,
}

/// The figures so far, and what was left out.
#[derive(Debug)]
pub struct Gallery {
    style: Style,
    only: Vec<String>,
    files: BTreeSet<String>,
    /// Figures that apply to what they were asked of, by the start of their names and their own.
    tried: BTreeSet<(String, &'static str)>,
    drawings: Vec<Drawing>,
    left_out: Vec<LeftOut>,
}

impl Gallery {
    /// Returns an empty one for the figures called by these names, or for all without any.
    pub fn new(style: Style, only: Vec<String>) -> Gallery {
        Gallery {
            style,
            only,
            files: BTreeSet::new(),
            tried: BTreeSet::new(),
            drawings: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Returns how the figures look.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Returns the figures drawn so far.
    pub fn drawings(&self) -> &[Drawing] {
        &self.drawings
    }

    /// Returns what was left out so far.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Notes what is missing of an input, once.
    pub fn leave_out(&mut self, input: &Path, why: impl Into<String>) {
        let left = LeftOut {
            input: input.display().to_string(),
            why: why.into(),
        };
        if !self.left_out.contains(&left) {
            self.left_out.push(left);
        }
    }

    /// Draws the figures of a subject that were asked for; nothing is gathered for the others.
    pub fn draw(&mut self, input: &Path, subject: &Subject<'_>) {
        if let Some(why) = subject.emptiness() {
            return self.leave_out(input, why);
        }
        let stem = subject.stem();
        for figure in &FIGURES {
            let is_named = self.only.iter().any(|name| figure.is_called(name));
            if !(self.only.is_empty() || is_named) {
                continue;
            }
            let drawn = figure.draw(subject, &self.style);
            let applies = match &drawn {
                Ok(drawn) => !drawn.is_empty(),
                Err(error) => !matches!(error, ReportError::DoesNotApply { .. }),
            };
            if applies {
                self.tried.insert((stem.clone(), figure.name));
            }
            match drawn {
                Ok(drawn) => {
                    for svg in drawn {
                        self.keep(input, &stem, figure.name, svg);
                    }
                }
                // nobody misses what was not asked for
                Err(ReportError::DoesNotApply { .. }) if !is_named => {}
                Err(error) => self.leave_out(input, error.to_string()),
            }
        }
    }

    /// Whether a file of this name, which an earlier report may have written, would be a figure that
    /// could not be drawn this time, or one more of a kind than there are now.
    pub fn is_out_of_date(&self, file: &str) -> bool {
        let of = |(stem, figure): &(String, &str)| {
            let rest = file.strip_prefix(stem.as_str());
            let rest = rest.and_then(|rest| rest.strip_prefix('-')?.strip_prefix(figure));
            let number = rest.and_then(|rest| rest.strip_suffix(".svg"));
            number.is_some_and(|number| {
                let digits = number.strip_prefix('-').unwrap_or_default();
                number.is_empty() || digits.parse::<u32>().is_ok()
            })
        };
        !self.files.contains(file) && self.tried.iter().any(of)
    }

    /// Keeps a figure under a file name of its own, or notes why there is none.
    fn keep(
        &mut self,
        input: &Path,
        stem: &str,
        name: &'static str,
        svg: Result<String, ReportError>,
    ) {
        let svg = match svg {
            Ok(svg) => svg,
            Err(error) => return self.leave_out(input, error.to_string()),
        };
        let numbered = (2..).map(|number| format!("{stem}-{name}-{number}.svg"));
        let mut files = std::iter::once(format!("{stem}-{name}.svg")).chain(numbered);
        if let Some(file) = files.find(|file| !self.files.contains(file)) {
            self.files.insert(file.clone());
            self.drawings.push(Drawing {
                name,
                stem: stem.to_owned(),
                file,
                svg,
            });
        }
    }
}
