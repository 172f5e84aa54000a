//! Keeps ONNX Runtime from reporting its use.

use std::ffi::OsString;

/// Read by ONNX Runtime when its environment opens.
const VARIABLE: &str = "ORT_DISABLE_TELEMETRY";

/// Starts this program anew with the runtime's opt-out in its environment, unless it has a value
/// already.
///
/// From 1.29 on, the official Linux builds send a report and store an identifier while their
/// environment opens, before any call could forbid it; only the variable can. A process cannot
/// safely change its own environment, so it replaces itself (under a millisecond). Children inherit
/// the value.
pub(crate) fn opt_out() {
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    #[cfg(unix)]
    if let Ok(program) = std::env::current_exe() {
        use std::os::unix::process::CommandExt;
        let mut arguments = std::env::args_os();
        let name = arguments
            .next()
            .unwrap_or_else(|| OsString::from("cutpoint"));
        // returns only if it fails, and then the runtime is still told to send nothing more
        let _ = std::process::Command::new(program)
            .arg0(name)
            .args(arguments)
            .env(VARIABLE, "1")
            .exec();
    }
}
