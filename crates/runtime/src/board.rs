//! The machine that measures: what it is, how warm it is, and how fast its memory is.
//!
//! Everything is read without privileges; what a system does not tell is absent, never guessed.

use std::fs;
use std::path::Path;
use std::time::Instant;

use sysinfo::{Components, CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::proc::{self, Core};
use cutpoint_core::profile::BoardInfo;

/// What does not change while a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// The processor, its biggest cores when they differ, and the board's model where the firmware
    /// names it: `AMD EPYC`, `Cortex-A76 (Raspberry Pi 5 Model B Rev 1.0)`.
    pub cpu: String,
    /// Cores by kind, biggest first: `4x Cortex-A76 + 4x Cortex-A55`, `8 (16 threads)`, `2`.
    pub cores: String,
    /// Main memory; zero where unknown.
    pub memory_bytes: u64,
    /// Operating system and kernel.
    pub os: String,
    /// Frequency governors of the cores.
    pub governor: Option<String>,
}

/// What changes while a program runs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sensors {
    /// Hottest sensor in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Highest current frequency of a core in MHz.
    pub frequency_mhz: Option<f64>,
}

impl Board {
    /// Reads the fingerprint of this machine.
    pub fn read() -> Board {
        let kind = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(kind).ok();
        let cores = system.as_ref().map_or_else(Vec::new, cores);
        let physical = System::physical_core_count().unwrap_or(cores.len());
        let brand = proc::biggest(&cores).map_or("", |core| core.brand.as_str());
        let model = read("/proc/device-tree/model");
        Board {
            cpu: proc::cpu_name(brand, model.as_deref(), std::env::consts::ARCH),
            cores: proc::describe_cores(&cores, physical),
            memory_bytes: system.as_ref().map_or(0, System::total_memory),
            os: os(),
            governor: proc::governors(cores.iter().filter_map(|c| c.governor.as_deref())),
        }
    }
}

/// Why times of a profile cannot be compared with times taken on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoardMismatch {
    /// Another processor, or another number of cores.
    #[error("was measured on {known}, and this machine is {found}")]
    Processor {
        /// The board of the profile.
        known: String,
        /// This machine.
        found: String,
    },
    /// More threads than this machine has.
    #[error("was measured with {threads} threads, and {most} run at once here")]
    Threads {
        /// Threads of the profile.
        threads: usize,
        /// Threads that run at once here.
        most: usize,
    },
}

/// Checks that a profile of `board` was measured on a machine like this one.
///
/// # Errors
/// [`BoardMismatch`].
pub fn check_same_board(board: &BoardInfo) -> Result<(), BoardMismatch> {
    let here = Board::read();
    let known = format!("{} ({})", board.cpu, board.cores);
    let found = format!("{} ({})", here.cpu, here.cores);
    let (threads, most) = (board.threads, most_threads());
    if known != found {
        Err(BoardMismatch::Processor { known, found })
    } else if threads > most {
        Err(BoardMismatch::Threads { threads, most })
    } else {
        Ok(())
    }
}

impl Sensors {
    /// Reads the sensors now; takes a few milliseconds.
    pub fn read() -> Sensors {
        let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing().with_frequency());
        let frequency = System::new_with_specifics(kind).ok().and_then(|system| {
            let highest = system.cpus().iter().map(|cpu| cpu.frequency()).max();
            highest.filter(|mhz| *mhz > 0)
        });
        let components = Components::new_with_refreshed_list().ok();
        let temperatures = components
            .iter()
            .flat_map(|components| components.iter())
            .filter_map(|component| component.temperature())
            .map(f64::from);
        Sensors {
            temperature_c: proc::hottest(temperatures),
            frequency_mhz: frequency.map(|mhz| mhz as f64),
        }
    }
}

/// Returns the threads a runtime should use by default: the physical cores, or fewer where affinity
/// or a control group allow less. Never zero.
pub fn default_threads() -> usize {
    let allowed = most_threads();
    let physical = System::physical_core_count().unwrap_or(allowed);
    allowed.min(physical).max(1)
}

/// Returns the threads that this machine runs at the same time: all its logical processors.
pub fn most_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the bandwidth of main memory in GB/s when `threads` threads copy: bytes read plus bytes
/// written, the best of several passes over buffers far larger than any cache. Takes a fraction of
/// a second.
pub fn memory_gb_s(threads: usize) -> f64 {
    const PASSES: usize = 6;
    const WANTED: u64 = 128 << 20;
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let available = System::new_with_specifics(kind).map_or(0, |s| s.available_memory());
    // two buffers must fit easily, even on a board with little memory
    let bytes = WANTED.min(available / 8).max(4 << 20) as usize;
    let threads = threads.clamp(1, 64);
    let from = vec![1_u8; bytes];
    let mut to = vec![0_u8; bytes];
    let share = bytes.div_ceil(threads);
    let mut best = f64::INFINITY;
    for _ in 0..PASSES {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (from, to) in from.chunks(share).zip(to.chunks_mut(share)) {
                scope.spawn(|| to.copy_from_slice(std::hint::black_box(from)));
            }
        });
        std::hint::black_box(&mut to);
        best = best.min(start.elapsed().as_secs_f64());
    }
    2.0 * bytes as f64 / best / 1e9
}

fn cores(system: &System) -> Vec<Core> {
    let core = |cpu: &sysinfo::Cpu| {
        let directory = Path::new("/sys/devices/system/cpu").join(cpu.name());
        let number = |file: &str| read(directory.join(file))?.parse().ok();
        Core {
            brand: cpu.brand().trim().to_owned(),
            capacity: number("cpu_capacity"),
            max_khz: number("cpufreq/cpuinfo_max_freq"),
            governor: read(directory.join("cpufreq/scaling_governor")),
        }
    };
    system.cpus().iter().map(core).collect()
}

/// Such as `Debian GNU/Linux 12, kernel 6.1.0`.
fn os() -> String {
    let name = System::name().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    let version = System::os_version().map_or_else(|_| String::new(), |v| format!(" {v}"));
    let kernel =
        System::kernel_version().map_or_else(|_| String::new(), |k| format!(", kernel {k}"));
    name + &version + &kernel
}

/// The text of a small file of the kernel, without its line end or zero byte.
fn read(path: impl AsRef<Path>) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_fingerprint() {
        let board = Board::read();
        assert!(
            !board.cpu.is_empty() && !board.cores.is_empty(),
            "{board:?}"
        );
        assert!(board.memory_bytes > 64 << 20, "{board:?}");
        assert_eq!(board, Board::read());
        let threads = default_threads();
        assert!(threads >= 1 && threads <= std::thread::available_parallelism().unwrap().get());
    }

    #[test]
    fn memory_has_a_plausible_speed() {
        let speed = memory_gb_s(1);
        assert!((0.05..5000.0).contains(&speed), "{speed} GB/s");
    }
}
