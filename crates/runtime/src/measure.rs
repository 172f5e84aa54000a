//! Fully interleaved timing: every session once per round, in random order.
//!
//! Interleaving lets a disturbance or a drift hit all sessions alike, and leaves the caches as a
//! program that does other things in between would.

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::RunError;
use super::clock::{ClockSample, LoadMeter};
use super::session::{Session, Values};
use super::stats::{mad, median, quantile};

/// A session with the inputs it runs on.
#[derive(Debug)]
pub struct TimedSession {
    /// The session.
    pub session: Session,
    /// Its inputs.
    pub feed: Values,
}

/// State of the caches when a run begins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Other sessions ran in between.
    #[default]
    Interleaved,
    /// The same session ran just before.
    Warm,
}

impl Cache {
    /// Returns the name on the command line and in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Cache::Interleaved => "interleaved",
            Cache::Warm => "warm",
        }
    }
}

/// When to stop, and how to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Protocol {
    /// Runs of each session before the first that counts.
    pub warmup: usize,
    /// Least counted rounds.
    pub min_rounds: usize,
    /// Most counted rounds.
    pub max_rounds: usize,
    /// State of the caches.
    pub cache: Cache,
    /// Runs start on this beat, as a camera's frames do.
    pub paced_fps: Option<f64>,
    /// Threads of the runtime; with one, a run's processor time stands in for a disturbed clock.
    pub threads: usize,
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol {
            warmup: 3,
            min_rounds: 15,
            max_rounds: 100,
            cache: Cache::Interleaved,
            paced_fps: None,
            threads: 1,
        }
    }
}

/// Another program using more than this share of a core disturbs a round.
const OTHERS_LIMIT: f64 = 0.05;
/// The kernel counts processor time in ticks of 10 ms: shorter windows say nothing about others.
const LOAD_WINDOW: Duration = Duration::from_millis(400);

/// Nobody waits longer for the end after asking for it, single runs apart.
const LONG_WAIT: Duration = Duration::from_millis(200);

/// The samples of one session.
#[derive(Debug, Default, Clone)]
pub struct Series {
    wall_us: Vec<f64>,
    cpu_us: Vec<f64>,
    disturbed: Vec<bool>,
}

/// What the samples say.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct TimeSummary {
    pub median_us: f64,
    pub mad_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    pub rounds: usize,
    /// Median of the even rounds minus median of the odd ones.
    pub repeat_us: f64,
    /// Median of the last third over that of the first, minus one.
    pub drift: f64,
    /// Share of samples during which another program ran.
    pub disturbed: f64,
}

impl Series {
    fn push(&mut self, sample: ClockSample) {
        self.wall_us.push(sample.wall.as_secs_f64() * 1e6);
        self.cpu_us.push(sample.cpu.as_secs_f64() * 1e6);
        self.disturbed.push(sample.preempted > 0);
    }

    /// Returns the number of samples.
    pub fn len(&self) -> usize {
        self.wall_us.len()
    }

    /// Returns whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.wall_us.is_empty()
    }

    /// The samples to trust: the undisturbed ones; when those are too few, with one thread the
    /// processor times, which a preemption does not lengthen, else all.
    fn trusted(&self, threads: usize) -> Vec<f64> {
        let quiet: Vec<f64> = self
            .wall_us
            .iter()
            .zip(&self.disturbed)
            .filter(|(_, disturbed)| !**disturbed)
            .map(|(us, _)| *us)
            .collect();
        if quiet.len() >= 8.min(self.len()) && 5 * quiet.len() >= 2 * self.len() {
            quiet
        } else if threads == 1 {
            self.cpu_us.clone()
        } else {
            self.wall_us.clone()
        }
    }

    /// Robust statistics of the trusted samples.
    pub fn summary(&self, threads: usize) -> TimeSummary {
        let samples = self.trusted(threads);
        let every_other =
            |from: usize| -> Vec<f64> { samples.iter().skip(from).step_by(2).copied().collect() };
        let third = samples.len().div_ceil(3);
        let first = median(&samples[..third]);
        let last = median(&samples[samples.len() - third..]);
        let disturbed = self.disturbed.iter().filter(|d| **d).count();
        TimeSummary {
            median_us: median(&samples),
            mad_us: mad(&samples),
            p90_us: quantile(&samples, 0.9),
            p99_us: quantile(&samples, 0.99),
            rounds: samples.len(),
            repeat_us: median(&every_other(0)) - median(&every_other(1)),
            drift: if first > 0.0 { last / first - 1.0 } else { 0.0 },
            disturbed: disturbed as f64 / self.len().max(1) as f64,
        }
    }
}

impl TimeSummary {
    /// Half the 95 % confidence interval of the median, in microseconds: the standard error of a
    /// normal sample's median is 1.2533 sigma / sqrt(n), and sigma is 1.4826 MAD.
    pub fn precision_us(&self) -> f64 {
        1.96 * 1.2533 * 1.4826 * self.mad_us / (self.rounds.max(1) as f64).sqrt()
    }
}

/// Whether to go on after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Another round.
    Continue,
    /// The user wants to stop.
    Interrupt,
}

/// Times all subjects until each median is known to 1 % (or to 0.2 % of the first subject's), or
/// `deadline` has passed with [`Protocol::min_rounds`] done, or [`Protocol::max_rounds`] are done.
///
/// `watch` is asked, with the number of rounds done, whether to go on: after every round, and within
/// long ones.
///
/// # Errors
/// A run that fails, or [`RunError::Interrupted`].
pub fn interleave(
    subjects: &mut [TimedSession],
    protocol: &Protocol,
    seed: u64,
    deadline: Instant,
    watch: &mut dyn FnMut(usize) -> Control,
) -> Result<Vec<Series>, RunError> {
    let mut rng = SmallRng::seed_from_u64(seed);
    for _ in 0..protocol.warmup {
        for subject in subjects.iter_mut() {
            go_on(watch(0))?;
            subject.session.run(&subject.feed)?;
        }
    }
    let mut series = vec![Series::default(); subjects.len()];
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    let mut window = Window::open();
    let mut beat = Instant::now();
    let mut asked = Instant::now();
    for round in 1..=protocol.max_rounds {
        order.shuffle(&mut rng);
        for &index in &order {
            let subject = &mut subjects[index];
            if protocol.cache == Cache::Warm {
                subject.session.run(&subject.feed)?;
            }
            pace(protocol.paced_fps, &mut beat);
            let (outputs, sample) = subject.session.run_timed(&subject.feed)?;
            drop(outputs);
            series[index].push(sample);
            if asked.elapsed() >= LONG_WAIT {
                asked = Instant::now();
                go_on(watch(round - 1))?;
            }
        }
        window.close_if_due(&mut series);
        go_on(watch(round))?;
        if round >= protocol.min_rounds
            && (Instant::now() >= deadline || precise_enough(&series, protocol.threads))
        {
            break;
        }
    }
    window.close(&mut series);
    Ok(series)
}

/// Turns a request to stop into an error.
pub(super) fn go_on(control: Control) -> Result<(), RunError> {
    match control {
        Control::Continue => Ok(()),
        Control::Interrupt => Err(RunError::Interrupted),
    }
}

fn pace(fps: Option<f64>, beat: &mut Instant) {
    if let Some(fps) = fps {
        *beat += Duration::from_secs_f64(1.0 / fps);
        match beat.checked_duration_since(Instant::now()) {
            Some(wait) => std::thread::sleep(wait),
            // too slow for the beat: the next frame starts at once, as a camera's queue would
            None => *beat = Instant::now(),
        }
    }
}

fn precise_enough(series: &[Series], threads: usize) -> bool {
    let whole_us = series.first().map_or(0.0, |s| s.summary(threads).median_us);
    series.iter().all(|series| {
        let summary = series.summary(threads);
        summary.precision_us() <= (0.01 * summary.median_us).max(0.002 * whole_us)
    })
}

/// A stretch of rounds during which the load of other programs is watched.
struct Window {
    meter: LoadMeter,
    since: Instant,
    marked: usize,
}

impl Window {
    fn open() -> Window {
        Window {
            meter: LoadMeter::start(),
            since: Instant::now(),
            marked: 0,
        }
    }

    fn close_if_due(&mut self, series: &mut [Series]) {
        if self.since.elapsed() >= LOAD_WINDOW {
            self.close(series);
            let marked = series.first().map_or(0, Series::len);
            *self = Window {
                marked,
                ..Window::open()
            };
        }
    }

    fn close(&mut self, series: &mut [Series]) {
        if self
            .meter
            .others_share()
            .is_some_and(|share| share > OTHERS_LIMIT)
        {
            for series in series {
                series.disturbed[self.marked..]
                    .iter_mut()
                    .for_each(|d| *d = true);
            }
        }
    }
}

/// Returns a seed that differs from batch to batch and is the same from run to run.
pub fn batch_seed(batch: usize) -> u64 {
    SmallRng::seed_from_u64(batch as u64).random()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: &[(u64, u64, u64)]) -> Series {
        let mut series = Series::default();
        for (wall, cpu, preempted) in samples {
            series.push(ClockSample {
                wall: Duration::from_micros(*wall),
                cpu: Duration::from_micros(*cpu),
                preempted: *preempted,
            });
        }
        series
    }

    #[test]
    fn preempted_samples_do_not_count() {
        let mut samples = vec![(100, 100, 0); 12];
        samples.extend([(900, 110, 1); 6]);
        let summary = series(&samples).summary(1);
        assert_eq!((summary.median_us, summary.rounds), (100.0, 12));
        assert!((summary.disturbed - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn when_most_are_preempted_processor_time_stands_in() {
        let summary = series(&[(900, 110, 1); 20]).summary(1);
        assert_eq!(summary.median_us, 110.0);
        assert_eq!(series(&[(900, 110, 1); 20]).summary(2).median_us, 900.0);
    }

    #[test]
    fn drift_and_repeatability_are_seen() {
        let rising: Vec<_> = (0..30).map(|i| (100 + i, 100 + i, 0)).collect();
        assert!(series(&rising).summary(1).drift > 0.1);
        let alternating: Vec<_> = (0..30).map(|i| (100 + 10 * (i % 2), 100, 0)).collect();
        assert_eq!(series(&alternating).summary(1).repeat_us, -10.0);
    }
}
