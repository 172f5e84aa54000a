//! Points in time that two processes of one machine can compare.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the nanoseconds since 1970.
pub(crate) fn now_ns() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| {
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    })
}
