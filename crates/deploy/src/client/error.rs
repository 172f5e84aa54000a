//! Why a call fails, and whether it is worth trying again.

use std::time::Duration;

use tonic::{Code, Status};

/// Whether the same call could succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Network or server are out of order for now.
    Transient,
    /// Server and client do not fit each other; trying again helps nobody.
    Permanent,
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// Whether it is worth trying again.
    pub cause: Cause,
    /// A short name for tables and counters, such as `unavailable`.
    pub kind: &'static str,
    /// What happened and what to do.
    pub message: String,
}

impl CallError {
    pub(super) fn of(status: &Status) -> CallError {
        let (kind, cause, hint) = match status.code() {
            Code::Unavailable => ("unavailable", Cause::Transient, ""),
            Code::DeadlineExceeded => ("late", Cause::Transient, ""),
            Code::Cancelled if status.message().contains("Timeout") => {
                ("late", Cause::Transient, "")
            }
            Code::Cancelled => ("cancelled", Cause::Transient, ""),
            // a connection that breaks, or a server that fails inside
            Code::Unknown => ("broken", Cause::Transient, ""),
            Code::Internal => ("failed", Cause::Transient, ""),
            Code::InvalidArgument => (
                "refused",
                Cause::Permanent,
                "; split again and start the server on the new halves",
            ),
            Code::NotFound => (
                "no such model",
                Cause::Permanent,
                "; name the model of the server with --model-name",
            ),
            Code::Unimplemented => (
                "unknown call",
                Cause::Permanent,
                "; the server does not speak the Open Inference Protocol",
            ),
            Code::ResourceExhausted | Code::OutOfRange => (
                "too large",
                Cause::Permanent,
                "; raise the limit on messages at both ends, or cut where less is sent",
            ),
            Code::Unauthenticated | Code::PermissionDenied => ("not allowed", Cause::Permanent, ""),
            _ => ("refused", Cause::Permanent, ""),
        };
        CallError {
            cause,
            kind,
            message: format!("{}{hint}", describe(status)),
        }
    }

    pub(super) fn late(limit: Duration) -> CallError {
        CallError {
            cause: Cause::Transient,
            kind: "late",
            message: format!("no answer within {} ms", limit.as_millis()),
        }
    }

    pub(super) fn lost(problem: &str) -> CallError {
        CallError {
            cause: Cause::Transient,
            kind: "broken",
            message: problem.to_owned(),
        }
    }

    /// An answer that is none.
    pub(super) fn bad(problem: String) -> CallError {
        CallError {
            cause: Cause::Permanent,
            kind: "bad answer",
            message: format!("the answer is not what the server half gives: {problem}"),
        }
    }

    pub(super) fn other_half(expected: &str, found: &str) -> CallError {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        CallError {
            cause: Cause::Permanent,
            kind: "other half",
            message: format!(
                "the server holds another half (sha256 {}...) than this split ({}...): start it on \
                 the same split directory",
                short(found),
                short(expected)
            ),
        }
    }
}

/// A status in one line: its message, and what lies below it where that says more.
fn describe(status: &Status) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |text: String| {
        let text = text.lines().next().unwrap_or_default().trim().to_owned();
        if !text.is_empty() && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    };
    add(status.message().to_owned());
    let mut below = std::error::Error::source(status);
    while let Some(error) = below {
        add(error.to_string());
        below = error.source();
    }
    if parts.is_empty() {
        parts.push(format!("{:?}", status.code()));
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for (code, cause) in [
            (Code::Unavailable, Cause::Transient),
            (Code::Unknown, Cause::Transient),
            (Code::Cancelled, Cause::Transient),
            (Code::DeadlineExceeded, Cause::Transient),
            (Code::Internal, Cause::Transient),
            (Code::InvalidArgument, Cause::Permanent),
            (Code::NotFound, Cause::Permanent),
            (Code::Unimplemented, Cause::Permanent),
            (Code::ResourceExhausted, Cause::Permanent),
            (Code::FailedPrecondition, Cause::Permanent),
        ] {
            assert_eq!(
                CallError::of(&Status::new(code, "x")).cause,
                cause,
                "{code:?}"
            );
        }
    }
}
