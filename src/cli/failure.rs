//! Exit codes, and errors that know theirs.

use std::fmt;

/// Why the program ends without the answer; the value is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything without a kind of its own.
    Other = 1,
    /// Arguments that make no sense.
    Usage = 2,
    /// No plan meets the limits.
    NoPlan = 3,
    /// A bad model, profile or data set.
    BadInput = 4,
    /// A server or the network to it.
    #[cfg(feature = "deploy")]
    Network = 5,
    /// Ctrl-C.
    Interrupted = 130,
}

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    source: anyhow::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(&self.source))
    }
}

impl std::error::Error for Failure {}

impl Kind {
    /// Wraps `error` so that the program ends with this kind's code.
    pub(crate) fn of(self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        anyhow::Error::new(Failure {
            kind: self,
            source: error.into(),
        })
    }

    /// The kind attached to `error`, if any.
    pub(crate) fn find(error: &anyhow::Error) -> Kind {
        error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Failure>())
            .map_or(Kind::Other, |failure| failure.kind)
    }
}

/// The error and its causes in one line. A cause that its effect repeats is left out, and control
/// characters of names are shown, not obeyed.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    visible(&text).replace('\n', "\\n")
}

/// `text` with control and invisible characters, which names may hold, shown instead of obeyed.
pub(crate) fn visible(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '"' | '\\' | '\n');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_debug());
        }
    }
    shown
}

/// Attaches an exit code to the error of a result.
pub(crate) trait OrFail<T> {
    fn or_fail(self, kind: Kind) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> anyhow::Result<T> {
        self.map_err(|error| kind.of(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_without_echoes() {
        let inner = anyhow::anyhow!("no layer is named `a\u{1b}[31m`");
        let outer = inner.context("--keep-on-edge: no layer is named `a\u{1b}[31m`");
        let failure = Kind::Usage.of(outer.context("x.onnx"));
        assert_eq!(
            sentence(&failure),
            "x.onnx: --keep-on-edge: no layer is named `a\\u{1b}[31m`"
        );
        assert_eq!(
            sentence(&anyhow::anyhow!("a\nb \"ü→\\\"")),
            "a\\nb \"ü→\\\""
        );
    }
}
