//! The keys of a scenario as messages name them.

use std::fmt;

use cutpoint_core::quantity::Quantity;

/// A key of a scenario, or an argument beside it, that an error is about.
///
/// Errors hold keys and never spell them: only [`Key`]'s `Display` knows that messages name them as
/// the flags of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(&'static str);

macro_rules! keys {
    ($($key:ident: $name:literal;)*) => {
        impl Key {
            $(#[doc = concat!("`", $name, "`.")]
            pub const $key: Key = Key($name);)*
        }
    };
}
keys! {
    ACCURACY: "accuracy";
    INPUT_U8: "input-u8";
    LINK: "link";
    LOCAL_INPUT: "local-input";
    OBJECTIVE: "objective";
    OVER: "over";
    PERCENTILE: "percentile";
    PERIOD: "period";
    RATE: "rate";
    RATE_SPREAD: "rate-spread";
    RATE_TRACE: "rate-trace";
    RESULTS: "results";
    SCHEDULE: "schedule";
    TASK: "task";
    THEN: "then";
    WEIGHT: "weight";
}

impl Key {
    /// Returns its name, which is that of the flag; files write it with `_` for `-`.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl From<Quantity> for Key {
    fn from(quantity: Quantity) -> Key {
        Key(quantity.name())
    }
}

/// A key, and the task or capacity that its value is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyOf {
    /// The key.
    pub key: Key,
    /// The task or capacity; `None` for all.
    pub of: Option<String>,
}

impl fmt::Display for KeyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Some(of) => write!(f, "{} {of}", self.key),
            None => self.key.fmt(f),
        }
    }
}

/// As the command line's flag.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.0)
    }
}
