//! What a file holds, as the file itself says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::syntax::toml_keys;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident, $function:ident: $name:literal, $article:literal;)*) => {
        /// What a file holds, written in it as `kind`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum FileKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl FileKind {
            fn named(name: &str) -> Option<FileKind> {
                match name {
                    $($name => Some(FileKind::$variant),)*
                    _ => None,
                }
            }

            // the kind of a file whose type is known and that does not say
            $(#[doc(hidden)]
            pub fn $function() -> FileKind {
                FileKind::$variant
            })*
        }

        /// With its article, as in `a plan`.
        impl fmt::Display for FileKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(FileKind::$variant => $article,)*
                })
            }
        }
    };
}

kinds! {
    /// The times of a model on a board.
    Profile, profile: "profile", "a profile";
    /// What a simulated server is.
    Server, server: "server", "a simulated server";
    /// What codecs cost the tasks of a model in accuracy.
    Accuracy, accuracy: "accuracy", "an accuracy table";
    /// A plan, or why there is none.
    Plan, plan: "plan", "a plan";
    /// The best plans over a range of rates.
    Sweep, sweep: "sweep", "a sweep";
    /// The best plans over a range of a limit, of the delay or of the server's speed.
    LimitSweep, limit_sweep: "limit-sweep", "a sweep over a limit";
    /// The best plans over rates and delays.
    Map, map: "map", "a map of rates and delays";
    /// Which plan to use at which rate.
    Lookup, lookup: "lookup", "a look-up table";
    /// Why a plan is the best one.
    Explanation, explanation: "explanation", "an explanation";
    /// What plans cost while the rate of a link changes.
    Replay, replay: "replay", "a replay";
    /// What a split directory holds.
    Split, split: "split", "the description of a split";
}

impl FileKind {
    /// Returns what a TOML text holds; `None` when it does not say and cannot be told.
    ///
    /// # Errors
    /// The text is not TOML; the error says where, in one line.
    pub fn of_toml(text: &str) -> Result<Option<FileKind>, String> {
        let table = toml_keys(text)?;
        let stated = table.get("kind").map(|kind| kind.get_ref().as_str());
        Ok(FileKind::of(stated, |key| table.contains_key(key)))
    }

    /// Returns what a JSON value holds; `None` when it does not say and cannot be told.
    pub fn of_json(value: &serde_json::Value) -> Option<FileKind> {
        let stated = value.get("kind").map(serde_json::Value::as_str);
        FileKind::of(stated, |key| value.get(key).is_some())
    }

    /// Says what a TOML text holds, if that is something else than this.
    pub fn refusal(self, text: &str) -> Option<String> {
        let found = FileKind::of_toml(text).ok().flatten()?;
        (found != self).then(|| format!("it holds {found}"))
    }

    fn of(stated: Option<Option<&str>>, has: impl Fn(&str) -> bool) -> Option<FileKind> {
        if let Some(name) = stated {
            return FileKind::named(name?);
        }
        // files of early versions do not say, but each has keys that no other has
        if has("segments") && has("over") {
            Some(FileKind::LimitSweep)
        } else if has("segments") && has("hysteresis") {
            Some(FileKind::Lookup)
        } else if has("segments") {
            Some(FileKind::Sweep)
        } else if has("rows") && has("from_bit_s") {
            Some(FileKind::Map)
        } else if has("breakdown_ms") {
            Some(FileKind::Plan)
        } else if has("base") {
            Some(FileKind::Server)
        } else if has("whole") || has("layer") {
            Some(FileKind::Profile)
        } else if has("data") {
            Some(FileKind::Accuracy)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_what_they_hold_and_early_ones_are_told_apart() {
        let kind = |text: &str| FileKind::of_toml(text).unwrap();
        assert_eq!(kind("kind = \"map\"\nsegments = []"), Some(FileKind::Map));
        assert_eq!(kind("kind = \"song\"\nsegments = []"), None);
        assert_eq!(kind("kind = 3"), None);
        assert_eq!(kind("segments = []"), Some(FileKind::Sweep));
        assert_eq!(
            kind("segments = []\nhysteresis = 0.1"),
            Some(FileKind::Lookup)
        );
        assert_eq!(kind("[[layer]]\n"), Some(FileKind::Profile));
        assert_eq!(kind("base = \"t4\""), Some(FileKind::Server));
        assert_eq!(kind("[data]\n"), Some(FileKind::Accuracy));
        assert_eq!(kind("format = 1"), None);
        assert!(FileKind::of_toml("[[").is_err());
        let refusal = FileKind::Plan.refusal("kind = \"sweep\"");
        assert_eq!(refusal.unwrap(), "it holds a sweep");
        assert_eq!(FileKind::Plan.refusal("[breakdown_ms]"), None);
        let json = serde_json::json!({"kind": "limit-sweep"});
        assert_eq!(FileKind::of_json(&json), Some(FileKind::LimitSweep));
    }
}
