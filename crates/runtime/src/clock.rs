//! Time and processor time of one run, and how busy other programs were.

use std::fs;
use std::time::{Duration, Instant};

use super::proc;

/// The time of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSample {
    /// Time that passed.
    pub wall: Duration,
    /// Processor time of the calling thread, which another program cannot lengthen much. Where the
    /// system does not tell (other than Linux), the same as `wall`.
    pub cpu: Duration,
    /// How often the calling thread lost its core to another; zero where the system does not tell.
    pub preempted: u64,
}

/// Runs `work` between two readings of the clocks.
pub fn timed<R>(work: impl FnOnce() -> R) -> (R, ClockSample) {
    // the wall clock is read innermost: it is the cheapest, and the most used
    let thread = ThreadUse::now();
    let start = Instant::now();
    let result = work();
    let wall = start.elapsed();
    let sample = ThreadUse::now().since(thread, wall);
    (result, sample)
}

/// Use of the processor by the calling thread since it began.
#[derive(Clone, Copy)]
struct ThreadUse {
    cpu: Option<Duration>,
    preempted: Option<u64>,
}

impl ThreadUse {
    #[cfg(target_os = "linux")]
    fn now() -> ThreadUse {
        use nix::sys::resource::{UsageWho, getrusage};
        use nix::time::{ClockId, clock_gettime};
        let usage = getrusage(UsageWho::RUSAGE_THREAD).ok();
        ThreadUse {
            cpu: clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
                .ok()
                .map(Duration::from),
            preempted: usage.and_then(|u| u64::try_from(u.involuntary_context_switches()).ok()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> ThreadUse {
        ThreadUse {
            cpu: None,
            preempted: None,
        }
    }

    fn since(self, before: ThreadUse, wall: Duration) -> ClockSample {
        let cpu = self.cpu.zip(before.cpu);
        let preempted = self.preempted.zip(before.preempted);
        ClockSample {
            wall,
            cpu: cpu.map_or(wall, |(after, before)| after.saturating_sub(before)),
            preempted: preempted.map_or(0, |(after, before)| after.saturating_sub(before)),
        }
    }
}

/// Watches how busy other programs keep the machine.
#[derive(Debug, Clone, Copy)]
pub struct LoadMeter {
    start: Option<(proc::Ticks, u64)>,
}

impl LoadMeter {
    /// Begins to watch.
    pub fn start() -> LoadMeter {
        LoadMeter { start: reading() }
    }

    /// Returns the cores that other programs kept busy since the start, on average: 0.05 is a
    /// twentieth of one core. Time that a hypervisor gave to other machines counts. `None` in the
    /// first tenth of a second, and where the system does not tell.
    pub fn others_share(&self) -> Option<f64> {
        proc::others_share(self.start?, reading()?)
    }
}

/// Ticks of all processors, and of this process.
fn reading() -> Option<(proc::Ticks, u64)> {
    let system = proc::ticks(&fs::read_to_string("/proc/stat").ok()?)?;
    let own = proc::process_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
    Some((system, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processor time must pass, however busy the machine is.
    fn work(amount: u64) -> u64 {
        (0..amount).fold(1, |a, i| {
            std::hint::black_box(a ^ i.wrapping_mul(0x9e37_79b9))
        })
    }

    #[test]
    fn processor_time_excludes_waiting() {
        let (slept, sample) = timed(|| std::thread::sleep(Duration::from_millis(30)));
        assert_eq!(slept, ());
        assert!(sample.wall >= Duration::from_millis(30));
        if cfg!(target_os = "linux") {
            assert!(sample.cpu < sample.wall / 2, "{sample:?}");
        }
        let (_, busy) = timed(|| work(3_000_000));
        assert!(busy.cpu > Duration::ZERO, "{busy:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn another_program_is_noticed() {
        let mut other = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let meter = LoadMeter::start();
        let noticed = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            meter.others_share().is_some_and(|share| share > 0.05)
        });
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(noticed);
    }
}
