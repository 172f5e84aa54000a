//! Timing the halves of several plans against one another.
//!
//! As in a profile, all run fully interleaved, and each half is timed twice, in fresh sessions
//! among other neighbours: two sessions of one model differ by about 1 % for as long as they live.

use std::time::{Duration, Instant};

use super::RunError;
use super::halves::{Bench, pick};
use super::measure::{Control, TimeSummary, TimedSession, batch_seed, go_on, interleave};
use super::session::Values;
use cutpoint_onnx::{CutRequest, Halves, Model};

/// Fresh sessions of every half.
pub const PASSES: usize = 2;

/// A half that was timed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct PartTime {
    pub median_us: f64,
    pub mad_us: f64,
    /// Half the 95 % interval of the median; at least half the difference between fresh sessions.
    pub spread_us: f64,
    pub rounds: usize,
}

/// The halves of one plan; those that exist.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct PlanTimes {
    pub edge: Option<PartTime>,
    pub local: Option<PartTime>,
    pub server: Option<PartTime>,
}

/// Plans that were timed together.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The whole model, in the same rounds.
    pub whole: PartTime,
    /// The plans, in the order asked for.
    pub plans: Vec<PlanTimes>,
}

/// What a plan's halves are, in the order in which they need one another.
fn parts(halves: &Halves) -> [Option<&Model>; 3] {
    [&halves.edge, &halves.local, &halves.server].map(Option::as_ref)
}

impl Bench<'_> {
    /// Times the halves of all plans, codecs included, for about `time`; `watch` is told the pass
    /// and the round.
    ///
    /// # Errors
    /// A cut that is impossible, a run that fails, or [`RunError::Interrupted`].
    pub fn time_plans(
        &self,
        requests: &[CutRequest],
        time: Duration,
        watch: &mut dyn FnMut(usize, usize) -> Control,
    ) -> Result<Comparison, RunError> {
        let cut = |request| Ok(cutpoint_onnx::cut(self.model, self.reading, request)?);
        let halves: Vec<Halves> = requests.iter().map(cut).collect::<Result<_, RunError>>()?;
        let mut wholes = Vec::new();
        let mut found: Vec<[Vec<TimeSummary>; 3]> = vec![Default::default(); halves.len()];
        for pass in 0..PASSES {
            let mut order: Vec<usize> = (0..halves.len()).collect();
            if pass % 2 == 1 {
                order.reverse();
            }
            // the whole model comes first: how precise the others must be is a share of it
            let (mut subjects, mut owners) = (vec![self.whole()?], Vec::new());
            for plan in order {
                go_on(watch(pass, 0))?;
                for (part, subject) in self.subjects(&halves[plan])? {
                    subjects.push(subject);
                    owners.push((plan, part));
                }
            }
            // the session made last runs faster than all others: it is never timed
            let last = self.whole()?;
            let deadline = Instant::now() + time / PASSES as u32;
            let seed = batch_seed(pass);
            let mut watch = |round| watch(pass, round);
            let series = interleave(&mut subjects, &self.protocol, seed, deadline, &mut watch)?;
            drop(last);
            wholes.push(series[0].summary(self.protocol.threads));
            for ((plan, part), series) in owners.into_iter().zip(&series[1..]) {
                found[plan][part].push(series.summary(self.protocol.threads));
            }
        }
        let times = found.iter().map(|[edge, local, server]| PlanTimes {
            edge: merged(edge),
            local: merged(local),
            server: merged(server),
        });
        let plans = times.collect();
        let whole = merged(&wholes);
        let untimed = || RunError::Mismatch("nothing was timed".to_owned());
        let whole = whole.ok_or_else(untimed)?;
        Ok(Comparison { whole, plans })
    }

    /// A session of each part that exists, with the inputs that the parts before it deliver.
    fn subjects(&self, halves: &Halves) -> Result<Vec<(usize, TimedSession)>, RunError> {
        let mut known: Values = self.feed.clone();
        let mut subjects = Vec::new();
        for (part, model) in parts(halves).into_iter().enumerate() {
            let Some(model) = model else { continue };
            let mut session = self.session(model)?;
            let feed = pick(&session.input_names(), &known)?;
            if part == 0 {
                known.extend(session.run(&feed)?);
            }
            subjects.push((part, TimedSession { session, feed }));
        }
        Ok(subjects)
    }
}

/// The passes of one half; `None` when it does not exist.
fn merged(passes: &[TimeSummary]) -> Option<PartTime> {
    let count = passes.len() as f64;
    let mean = |f: &dyn Fn(&TimeSummary) -> f64| passes.iter().map(f).sum::<f64>() / count;
    let medians = || passes.iter().map(|s| s.median_us);
    let most = medians().reduce(f64::max)?;
    let least = medians().reduce(f64::min)?;
    let precision = mean(&|s| s.precision_us()) / count.sqrt();
    Some(PartTime {
        median_us: mean(&|s| s.median_us),
        mad_us: mean(&|s| s.mad_us),
        spread_us: precision.max((most - least) / 2.0),
        rounds: passes.iter().map(|s| s.rounds).sum(),
    })
}
