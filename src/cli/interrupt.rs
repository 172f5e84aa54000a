//! What Ctrl-C and other signals do: an orderly end where a command saves what it has, an end at once
//! elsewhere. Nothing half-written stays either way.

use std::sync::atomic::{AtomicU8, Ordering};

use cutpoint_core::temporary;
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::Kind;

/// Signals that would end the process.
const SIGNALS: [i32; 9] = [
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
];

/// A signal ends the process at once.
const AT_ONCE: u8 = 0;
/// A signal asks for an orderly end.
const ORDERLY: u8 = 1;
/// It did; the next one ends the process at once.
const ASKED: u8 = 2;
/// The process is ending.
const ENDING: u8 = 3;

static STATE: AtomicU8 = AtomicU8::new(AT_ONCE);

/// Listens for signals until the process ends.
pub(crate) fn listen() {
    let wanted = SIGNALS.iter().filter(|signal| !is_left_alone(**signal));
    // without a listener, the next run removes what a killed one leaves
    let Ok(mut signals) = Signals::new(wanted) else {
        return;
    };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // a file that is too large is an error of writing it
            if signal == SIGXFSZ {
                continue;
            }
            let asked = STATE.compare_exchange(ORDERLY, ASKED, Ordering::SeqCst, Ordering::SeqCst);
            if asked.is_err() {
                end();
            }
        }
    });
}

/// While it lives, the first signal only asks for an end, and the second ends the process.
#[derive(Debug)]
pub(crate) struct Orderly(());

/// Says that the command looks at [`asked`] from now on.
pub(crate) fn orderly() -> Orderly {
    let _ = STATE.compare_exchange(AT_ONCE, ORDERLY, Ordering::SeqCst, Ordering::SeqCst);
    Orderly(())
}

impl Drop for Orderly {
    fn drop(&mut self) {
        // who was asked is ending already, and the next signal need not wait for that
        let _ = STATE.compare_exchange(ORDERLY, AT_ONCE, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Whether a signal asked for an end.
pub(crate) fn asked() -> bool {
    STATE.load(Ordering::SeqCst) == ASKED
}

/// Waits for the end when a signal is ending the process: whatever went wrong meanwhile is of no
/// interest.
pub(crate) fn settle() {
    while STATE.load(Ordering::SeqCst) == ENDING {
        std::thread::park();
    }
}

fn end() {
    STATE.store(ENDING, Ordering::SeqCst);
    temporary::remove_all();
    low_level::exit(Kind::Interrupted as i32);
}

/// `nohup` has a program ignore that its terminal is closed.
fn is_left_alone(signal: i32) -> bool {
    signal == SIGHUP && ignored().is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}

/// The signals that the process ignores, a bit for each.
fn ignored() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
