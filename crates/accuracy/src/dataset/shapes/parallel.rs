//! Work on several threads whose result does not depend on their number.

/// Calls `work(start, part)` for contiguous parts of `items`, one per thread; parts begin at
/// multiples of `unit`.
pub(super) fn in_chunks<T: Send>(
    items: &mut [T],
    unit: usize,
    threads: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let units = items.len().div_ceil(unit);
    let length = units.div_ceil(threads.max(1)).max(1) * unit;
    std::thread::scope(|scope| {
        for (number, part) in items.chunks_mut(length).enumerate() {
            let work = &work;
            scope.spawn(move || work(number * length, part));
        }
    });
}
