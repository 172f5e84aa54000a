//! What cutpoint's own server says of an answer: one short text, since on slow links every byte of an
//! answer takes its time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Digits of the hash that are sent: enough to tell halves apart.
const DIGITS: usize = 16;

/// Which half answered, and where the time went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerNote {
    /// The start of the hash of the half.
    pub sha256: String,
    /// When the request was there, in nanoseconds since 1970 by the server's clock.
    pub received_ns: u64,
    /// Waiting for the half.
    pub queue: Duration,
    /// Unpacking the message.
    pub decode: Duration,
    /// Running the half.
    pub compute: Duration,
    /// When the answer left.
    pub replied_ns: u64,
}

impl AnswerNote {
    /// Returns whether this half answered.
    pub fn is_of(&self, sha256: &str) -> bool {
        sha256.starts_with(&self.sha256)
    }
}

/// The start of the hash, when the request was there, then how many nanoseconds each step took.
impl fmt::Display for AnswerNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {} {}",
            self.sha256.get(..DIGITS).unwrap_or(&self.sha256),
            self.received_ns,
            self.queue.as_nanos(),
            self.decode.as_nanos(),
            self.compute.as_nanos(),
            self.replied_ns.saturating_sub(self.received_ns),
        )
    }
}

impl FromStr for AnswerNote {
    type Err = ();
    fn from_str(text: &str) -> Result<AnswerNote, ()> {
        let (sha256, numbers) = text.split_once(' ').ok_or(())?;
        let numbers = numbers
            .split(' ')
            .map(|number| number.parse().map_err(|_| ()));
        let numbers = numbers.collect::<Result<Vec<u64>, ()>>()?;
        let [received_ns, queue, decode, compute, inside] = numbers[..] else {
            return Err(());
        };
        // a server that tells no half answers for none
        if sha256.len() < DIGITS {
            return Err(());
        }
        Ok(AnswerNote {
            sha256: sha256.to_owned(),
            received_ns,
            queue: Duration::from_nanos(queue),
            decode: Duration::from_nanos(decode),
            compute: Duration::from_nanos(compute),
            replied_ns: received_ns.saturating_add(inside),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back() {
        let hash = "0123456789abcdef".repeat(4);
        let note = AnswerNote {
            sha256: hash[..DIGITS].to_owned(),
            received_ns: 1_796_000_000_000_000_000,
            queue: Duration::from_nanos(5),
            decode: Duration::from_micros(6),
            compute: Duration::from_millis(7),
            replied_ns: 1_796_000_000_007_100_000,
        };
        let text = note.to_string();
        assert!(text.len() < 80, "{text}");
        assert_eq!(text.parse(), Ok(note.clone()));
        assert!(note.is_of(&hash) && !note.is_of(&hash[1..]));
        for bad in [
            "",
            "0123456789abcdef",
            "0123456789abcdef 1 2 3 4",
            " 1 2 3 4 5",
            "abc 1 2 3 4 5",
        ] {
            assert!(bad.parse::<AnswerNote>().is_err(), "{bad}");
        }
    }
}
