//! What the libraries tell about their work, on standard error.

use tracing_subscriber::filter::LevelFilter;

use super::Common;

/// Shows the events of the libraries: with `-v` what was decided and how long it took, with `-vv`
/// every step; none without, and none with `--quiet`.
pub(crate) fn show(common: &Common) {
    let level = match (common.quiet, common.verbose) {
        (true, _) | (false, 0) => return,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    // fails only where a subscriber is set already, which then shows them
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_level(false)
        .without_time()
        .try_init();
}
