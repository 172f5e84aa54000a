//! Samples on several threads, each with sessions of its own.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::AccuracyError;
use cutpoint_runtime::measure::Control;

/// Results of the first samples of a range, without a gap.
#[derive(Debug)]
pub(super) struct Done<T> {
    pub(super) results: Vec<T>,
    /// `watch` asked to stop, so that some are missing.
    pub(super) stopped: bool,
}

/// Runs `job` for every index of `range`, on as many threads as there are `states`. `watch` is
/// asked, with the number of results so far, whether to go on.
///
/// # Errors
/// The first failure of `job`, by index.
pub(super) fn each<S: Send, T: Send>(
    states: &mut [S],
    range: Range<usize>,
    watch: &mut dyn FnMut(usize) -> Control,
    job: impl Fn(&mut S, usize) -> Result<T, AccuracyError> + Sync,
) -> Result<Done<T>, AccuracyError> {
    let (next, stop) = (AtomicUsize::new(range.start), AtomicBool::new(false));
    let mut found: Vec<Option<Result<T, AccuracyError>>> = Vec::new();
    found.resize_with(range.len(), || None);
    std::thread::scope(|scope| {
        // so short that no worker runs far ahead of `watch`
        let (sender, receiver) = mpsc::sync_channel(states.len());
        for state in states {
            let (sender, next, stop, job) = (sender.clone(), &next, &stop, &job);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= range.end {
                        break;
                    }
                    let result = job(state, index);
                    let failed = result.is_err();
                    // nobody listens any more only when this thread's work is not wanted either
                    if sender.send((index, result)).is_err() || failed {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        drop(sender);
        let mut count = 0;
        for (index, result) in receiver {
            found[index - range.start] = Some(result);
            count += 1;
            if watch(count) == Control::Interrupt {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
    let mut results = Vec::with_capacity(found.len());
    for result in found {
        match result {
            Some(result) => results.push(result?),
            None => break,
        }
    }
    let stopped = results.len() < range.len();
    Ok(Done { results, stopped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_without_gaps() {
        let mut states = vec![(); 3];
        let go_on = &mut |_| Control::Continue;
        let done = each(&mut states, 10..60, go_on, |_, i| Ok(i * i)).unwrap();
        assert!(!done.stopped);
        assert_eq!(done.results, (10..60).map(|i| i * i).collect::<Vec<_>>());

        let stop = &mut |count| match count {
            ..20 => Control::Continue,
            _ => Control::Interrupt,
        };
        // slow enough that nobody is through before the first results are looked at
        let slow = |_: &mut (), i| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(i)
        };
        let done = each(&mut states, 0..10_000, stop, slow).unwrap();
        assert!(done.stopped && done.results.len() < 10_000);
        assert!(done.results.iter().enumerate().all(|(at, i)| at == *i));
    }

    #[test]
    fn a_failure_stops_the_others() {
        let fail = |_: &mut (), i| match i {
            7 => Err(AccuracyError::Misfit("seven".into())),
            i => Ok(i),
        };
        let go_on = &mut |_| Control::Continue;
        let error = each(&mut [(), ()], 0..1000, go_on, fail).unwrap_err();
        assert_eq!(error.to_string(), "seven");
    }
}
