//! What a file that is written holds, and whether one that is there holds the same.

use std::path::Path;

use cutpoint_core::contents::Contents;
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::profile::Times;
#[cfg(feature = "deploy")]
use cutpoint_deploy::export::EDGE_CLIENT;
use cutpoint_onnx::annotate;
use cutpoint_report::{html, is_figure};

/// What an output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A file that says what it is.
    Kind(FileKind),
    /// A table of times.
    Times,
    /// A timeline for trace viewers.
    Trace,
    /// A copy of a model with notes.
    AnnotatedModel,
    /// A figure.
    Figure,
    /// A page with figures and tables.
    Page,
    /// A manual page.
    Manual,
    /// What `run` writes of each frame.
    #[cfg(feature = "deploy")]
    FrameResults,
    /// The client in Python that `split` writes.
    #[cfg(feature = "deploy")]
    EdgeClient,
    /// Something of which the command itself says whether it may be replaced.
    Guarded,
}

impl Holds {
    /// With its article.
    pub(super) fn name(self) -> String {
        match self {
            Holds::Kind(kind) => kind.to_string(),
            Holds::Times => "a table of times".to_owned(),
            Holds::Trace => "a trace".to_owned(),
            Holds::AnnotatedModel => "a model that `annotate` wrote".to_owned(),
            Holds::Figure => "a figure of cutpoint".to_owned(),
            Holds::Page => "a page of cutpoint".to_owned(),
            Holds::Manual => "a manual page of cutpoint".to_owned(),
            #[cfg(feature = "deploy")]
            Holds::FrameResults => "a file that `run` wrote".to_owned(),
            #[cfg(feature = "deploy")]
            Holds::EdgeClient => "a client that `split` wrote".to_owned(),
            Holds::Guarded => "a file of the same kind".to_owned(),
        }
    }

    /// Whether a file that exists holds the same.
    pub(crate) fn is_in(self, path: &Path) -> bool {
        let text = || std::fs::read_to_string(path).unwrap_or_default();
        match self {
            Holds::Kind(kind) => FileKind::of(&text()) == Ok(Some(kind)),
            Holds::Times => Times::load(path).is_ok(),
            Holds::Trace => {
                let value: Option<serde_json::Value> = serde_json::from_str(&text()).ok();
                value.is_some_and(|value| value.get("traceEvents").is_some())
            }
            Holds::AnnotatedModel => annotate::is_copy(path),
            Holds::Figure => is_figure(&text()),
            Holds::Page => html::is_page(&text()),
            Holds::Manual => text().contains("\n.TH cutpoint"),
            #[cfg(feature = "deploy")]
            Holds::FrameResults => {
                let text = text();
                let first = text.lines().next().unwrap_or_default();
                let value: Option<serde_json::Value> = serde_json::from_str(first).ok();
                value.is_some_and(|value| value.get("answered_by").is_some())
            }
            #[cfg(feature = "deploy")]
            Holds::EdgeClient => text().lines().next() == EDGE_CLIENT.lines().next(),
            Holds::Guarded => true,
        }
    }
}

/// What a file holds instead, as far as that can be told.
pub(super) fn told(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    if let Some(contents) = Contents::of(&bytes) {
        return contents.to_string();
    }
    let kind = std::str::from_utf8(&bytes).ok();
    let kind = kind.and_then(|text| FileKind::of(text).ok().flatten());
    kind.map_or_else(|| "something else".to_owned(), |kind| kind.to_string())
}
