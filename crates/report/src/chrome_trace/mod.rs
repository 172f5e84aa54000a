//! Timelines as Chrome and Perfetto read them.
//!
//! The format is the "Trace Event Format" of Chromium's documentation: complete events (`ph` X)
//! with start and duration in microseconds, and metadata events (`ph` M) that name processes and
//! threads.

mod tracks;

pub use tracks::tracks;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ReportError;

/// What happens one after the other, or one inside the other, in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// What the track belongs to, such as the profile or a plan; tracks of one stand together.
    pub group: String,
    /// Its own name.
    pub name: String,
    /// What happens, in order; what contains something stands before it.
    pub spans: Vec<Span>,
}

/// Something that takes time.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Human-readable name.
    pub name: String,
    /// Kind, such as an operator.
    pub kind: String,
    /// When it begins.
    pub start_us: f64,
    /// How long it takes.
    pub duration_us: f64,
    /// What else is known: key and text.
    pub details: Vec<(&'static str, String)>,
}

impl Span {
    /// When it is over.
    pub fn end_us(&self) -> f64 {
        self.start_us + self.duration_us
    }
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "traceEvents")]
    events: Vec<Event>,
    #[serde(rename = "displayTimeUnit")]
    unit: &'static str,
}

#[derive(Serialize)]
struct Event {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<String>,
    ph: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: usize,
    tid: usize,
    args: Map<String, Value>,
}

/// The text of a trace; tracks stand in the order given.
///
/// # Errors
/// [`ReportError::Writing`] for a time that is no number.
pub fn write(tracks: &[Track]) -> Result<String, ReportError> {
    let mut events = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for (index, track) in tracks.iter().enumerate() {
        let known = groups.iter().position(|group| *group == track.group);
        let process = known.unwrap_or_else(|| {
            groups.push(&track.group);
            events.push(metadata(
                "process_name",
                groups.len(),
                0,
                json!({ "name": track.group }),
            ));
            groups.len() - 1
        });
        let (pid, tid) = (process + 1, index + 1);
        events.push(metadata(
            "thread_name",
            pid,
            tid,
            json!({ "name": track.name }),
        ));
        events.push(metadata(
            "thread_sort_index",
            pid,
            tid,
            json!({ "sort_index": tid }),
        ));
        for span in &track.spans {
            if !(span.start_us.is_finite() && span.duration_us.is_finite()) {
                let problem = format!("the time of `{}` is no number", span.name);
                return Err(ReportError::Writing(problem));
            }
            events.push(Event {
                name: span.name.clone(),
                cat: Some(span.kind.clone()),
                ph: "X",
                ts: Some(ns(span.start_us)),
                dur: Some(ns(span.duration_us)),
                pid,
                tid,
                args: span
                    .details
                    .iter()
                    .map(|(key, text)| ((*key).to_owned(), Value::from(text.as_str())))
                    .collect(),
            });
        }
    }
    let document = Document { events, unit: "ms" };
    let text = serde_json::to_string_pretty(&document);
    let text = text.map_err(|error| ReportError::Writing(error.to_string()))?;
    Ok(text + "\n")
}

/// Rounded to nanoseconds: adding up leaves more digits, which mean nothing.
fn ns(us: f64) -> f64 {
    (us * 1e3).round() / 1e3
}

fn metadata(name: &str, pid: usize, tid: usize, args: Value) -> Event {
    Event {
        name: name.to_owned(),
        cat: None,
        ph: "M",
        ts: None,
        dur: None,
        pid,
        tid,
        args: match args {
            Value::Object(map) => map,
            _ => Map::new(),
        },
    }
}
