//! Real halves: cutting the model, building both sessions, timing them together with the whole.

use std::time::{Duration, Instant};

use ort::environment::Environment;

use super::RunError;
use super::measure::{Control, Protocol, TimeSummary, TimedSession, batch_seed, go_on, interleave};
use super::session::{Provider, Session, SessionOptions, Values};
use cutpoint_core::codec::Codec;
use cutpoint_core::cuts::Cut;
use cutpoint_core::graph::{LayerSet, TensorId};
use cutpoint_onnx::{CutRequest, Halves, Model, Reading};

/// Sessions of the whole model in every batch.
const WHOLES: usize = 3;

/// A model on this machine, ready to be cut and timed.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The runtime.
    pub environment: &'a Environment,
    /// The model.
    pub model: &'a Model,
    /// Its node-level graph.
    pub reading: &'a Reading,
    /// Inputs of the whole model.
    pub feed: &'a Values,
    /// Where it runs.
    pub provider: Provider,
    /// How it is timed.
    pub protocol: Protocol,
}

/// Both halves of one cut, in microseconds; the whole model was timed in the same rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HalvesTime {
    /// The edge half.
    pub edge: TimeSummary,
    /// The server half.
    pub server: TimeSummary,
}

/// Times of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchTimes {
    /// The whole model, in the same rounds.
    pub whole: TimeSummary,
    /// The halves, in the order asked for.
    pub halves: Vec<HalvesTime>,
}

/// Sessions of one cut.
struct Pair {
    edge: TimedSession,
    server: TimedSession,
}

impl Bench<'_> {
    /// Returns the session of the unsplit model.
    ///
    /// # Errors
    /// The runtime refuses the model.
    pub fn whole(&self) -> Result<TimedSession, RunError> {
        let session = self.session(self.model)?;
        Ok(TimedSession {
            session,
            feed: self.feed.clone(),
        })
    }

    /// Returns a session at the deployment level.
    pub(super) fn session(&self, model: &Model) -> Result<Session, RunError> {
        let options = SessionOptions {
            provider: self.provider,
            ..SessionOptions::default()
        };
        Session::new(self.environment, &model.encode(), &options)
    }

    /// Cuts the model at node level; every crossing tensor in its own type.
    ///
    /// # Errors
    /// The cut is impossible.
    pub fn cut(&self, edge: &LayerSet) -> Result<Halves, RunError> {
        let crossing: Vec<(TensorId, Codec)> = self
            .reading
            .graph
            .crossing(edge)
            .into_iter()
            .map(|t| (t, Codec::F32))
            .collect();
        let request = CutRequest {
            edge: edge.clone(),
            crossing,
            ..CutRequest::default()
        };
        Ok(cutpoint_onnx::cut(self.model, self.reading, &request)?)
    }

    fn pair(&self, edge: &LayerSet) -> Result<Pair, RunError> {
        let halves = self.cut(edge)?;
        let (Some(edge), Some(server)) = (halves.edge, halves.server) else {
            return Err(RunError::Mismatch(
                "a cut to be timed has two halves".to_owned(),
            ));
        };
        let mut edge = TimedSession {
            session: self.session(&edge)?,
            feed: Vec::new(),
        };
        let wanted = edge.session.input_names();
        edge.feed = pick(&wanted, self.feed)?;
        let sent = edge.session.run(&edge.feed)?;
        let session = self.session(&server)?;
        let feed = pick(&session.input_names(), &sent)?;
        Ok(Pair {
            edge,
            server: TimedSession { session, feed },
        })
    }

    /// Times the halves of all `cuts` (node level), interleaved with the whole model, for about
    /// `time`.
    ///
    /// # Errors
    /// A cut that is impossible, a run that fails, or [`RunError::Interrupted`].
    pub fn time(
        &self,
        cuts: &[Cut],
        batch: usize,
        time: Duration,
        watch: &mut dyn FnMut(usize) -> Control,
    ) -> Result<BatchTimes, RunError> {
        // sessions made early and late find different memory: the whole model's are spread evenly
        let (mut subjects, mut halves) = (Vec::new(), Vec::new());
        for (index, cut) in cuts.iter().enumerate() {
            go_on(watch(0))?;
            while (2 * subjects.len() + 1) * cuts.len() <= 2 * WHOLES * index {
                subjects.push(self.whole()?);
            }
            let pair = self.pair(&cut.edge)?;
            halves.extend([pair.edge, pair.server]);
        }
        while subjects.len() < WHOLES {
            subjects.push(self.whole()?);
        }
        subjects.extend(halves);
        // the session made last runs up to 5 % faster than all others (measured; its memory lies
        // at the end of the heap), so one more is made and never timed
        let last = self.whole()?;
        let deadline = Instant::now() + time;
        let seed = batch_seed(batch);
        let series = interleave(&mut subjects, &self.protocol, seed, deadline, watch)?;
        drop(last);
        let summaries: Vec<TimeSummary> = series
            .iter()
            .map(|s| s.summary(self.protocol.threads))
            .collect();
        let halves = summaries[WHOLES..]
            .chunks_exact(2)
            .map(|pair| HalvesTime {
                edge: pair[0],
                server: pair[1],
            })
            .collect();
        let medians: Vec<f64> = summaries[..WHOLES].iter().map(|s| s.median_us).collect();
        let whole = TimeSummary {
            median_us: medians.iter().sum::<f64>() / WHOLES as f64,
            rounds: summaries[..WHOLES].iter().map(|s| s.rounds).sum(),
            ..summaries[0]
        };
        Ok(BatchTimes { whole, halves })
    }
}

/// Returns the named values among `values`.
///
/// # Errors
/// [`RunError::Mismatch`]: one is not there.
pub fn pick(names: &[String], values: &Values) -> Result<Values, RunError> {
    names
        .iter()
        .map(|name| {
            let found = values.iter().find(|(have, _)| have == name).cloned();
            found.ok_or_else(|| {
                RunError::Mismatch(format!("no value for the input `{name}` of a half"))
            })
        })
        .collect()
}
