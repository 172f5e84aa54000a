//! A circuit breaker: after a few failures in a row nothing is sent for a while, so that frames fall
//! back at once instead of each waiting for its deadline; then a single frame probes the server.

use std::time::{Duration, Instant};

use rand::RngExt;

/// When to stop sending, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerOptions {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open at first; twice as long after each probe that fails.
    pub pause: Duration,
    /// It never stays open longer than this.
    pub longest: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        BreakerOptions {
            failures: 3,
            pause: Duration::from_millis(100),
            longest: Duration::from_secs(2),
        }
    }
}

/// Whether a frame may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// As usual.
    Send,
    /// As the one probe; others wait for what becomes of it.
    Probe,
    /// Not now.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    HalfOpen { pause: Duration },
}

/// The breaker.
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    state: State,
    opened: u64,
}

impl Breaker {
    /// Makes a closed breaker: everything is sent.
    pub fn new(options: BreakerOptions) -> Breaker {
        Breaker {
            options,
            state: State::Closed { failures: 0 },
            opened: 0,
        }
    }

    /// Returns how often it opened.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Says whether a frame may be sent now.
    pub fn ask(&mut self, now: Instant) -> Leave {
        match self.state {
            State::Closed { .. } => Leave::Send,
            State::Open { until, pause } if now >= until => {
                self.state = State::HalfOpen { pause };
                Leave::Probe
            }
            State::Open { .. } | State::HalfOpen { .. } => Leave::Refuse,
        }
    }

    /// A frame was answered.
    pub fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// A frame was not.
    pub fn failed(&mut self, now: Instant) {
        match self.state {
            State::Closed { failures } if failures + 1 < self.options.failures => {
                self.state = State::Closed {
                    failures: failures + 1,
                };
            }
            State::Closed { .. } => self.open(now, self.options.pause),
            State::HalfOpen { pause } => self.open(now, (2 * pause).min(self.options.longest)),
            // a frame that was sent before it opened
            State::Open { .. } => {}
        }
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        // many boards that lost the same server do not come back at the same moment
        let jitter = rand::rng().random_range(0.8..1.2);
        self.opened += 1;
        self.state = State::Open {
            until: now + pause.mul_f64(jitter),
            pause,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_probes_and_closes() {
        let options = BreakerOptions::default();
        let mut breaker = Breaker::new(options);
        let start = Instant::now();
        for _ in 0..2 {
            breaker.failed(start);
            assert_eq!(breaker.ask(start), Leave::Send);
        }
        breaker.failed(start);
        assert_eq!(breaker.ask(start), Leave::Refuse);
        assert_eq!(breaker.opened(), 1);
        let later = start + options.pause.mul_f64(1.2);
        assert_eq!(breaker.ask(later), Leave::Probe);
        assert_eq!(breaker.ask(later), Leave::Refuse, "one probe only");
        breaker.succeeded();
        assert_eq!(breaker.ask(later), Leave::Send);
        // failures in a row count, not all there ever were
        breaker.failed(later);
        breaker.failed(later);
        breaker.succeeded();
        breaker.failed(later);
        assert_eq!(breaker.ask(later), Leave::Send);
    }

    #[test]
    fn it_waits_longer_each_time_up_to_a_limit() {
        let options = BreakerOptions {
            failures: 1,
            pause: Duration::from_millis(100),
            longest: Duration::from_millis(300),
        };
        let mut breaker = Breaker::new(options);
        let mut now = Instant::now();
        breaker.failed(now);
        for longest in [100, 200, 300, 300] {
            let least = Duration::from_millis(longest).mul_f64(0.79);
            assert_eq!(breaker.ask(now + least), Leave::Refuse);
            now += Duration::from_millis(longest).mul_f64(1.21);
            assert_eq!(breaker.ask(now), Leave::Probe);
            breaker.failed(now);
        }
        assert_eq!(breaker.opened(), 5);
    }
}
