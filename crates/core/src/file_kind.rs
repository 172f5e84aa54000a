//! What a file holds, as the file itself says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::syntax::{is_json, place, toml_keys};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident, $function:ident: $name:literal, $article:literal;)*) => {
        /// What a file holds, written in it as `kind`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum FileKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        const NAMES: &[&str] = &[$($name),*];

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
    /// What a plan predicts beside what was measured.
    Verification, verification: "verification", "a verification";
    /// What a split directory holds.
    Split, split: "split", "the description of a split";
}

/// Why a text does not say what it holds.
enum NoKind {
    /// It is neither TOML nor JSON.
    Syntax(String),
    /// It states a kind that there is none of.
    Unknown(String),
}

impl FileKind {
    /// Returns what a text holds, TOML or JSON; `None` when it does not say and cannot be told.
    ///
    /// # Errors
    /// The text is neither, or states a kind that there is none of; the error says where, in one
    /// line.
    pub fn of(text: &str) -> Result<Option<FileKind>, String> {
        FileKind::look(text).map_err(|error| match error {
            NoKind::Syntax(message) | NoKind::Unknown(message) => message,
        })
    }

    /// Says what a text holds, if that is something else than this.
    pub fn refusal(self, text: &str) -> Option<String> {
        match FileKind::look(text) {
            Ok(Some(found)) if found != self => Some(format!("it holds {found}")),
            Err(NoKind::Unknown(message)) => Some(message),
            _ => None,
        }
    }

    fn look(text: &str) -> Result<Option<FileKind>, NoKind> {
        if is_json(text) {
            let value: serde_json::Value = serde_json::from_str(text)
                .map_err(|error| NoKind::Syntax(format!("not JSON: {error}")))?;
            return match value.get("kind") {
                Some(kind) => FileKind::stated(kind.as_str(), String::new()),
                None => Ok(FileKind::early(|key| value.get(key).is_some())),
            };
        }
        let keys = toml_keys(text).map_err(|error| NoKind::Syntax(format!("not TOML: {error}")))?;
        match keys.get("kind") {
            Some(kind) => {
                let place = format!("{}: ", place(text, kind.span().start));
                FileKind::stated(kind.get_ref().as_str(), place)
            }
            None => Ok(FileKind::early(|key| keys.contains_key(key))),
        }
    }

    fn stated(name: Option<&str>, place: String) -> Result<Option<FileKind>, NoKind> {
        name.and_then(FileKind::named).map(Some).ok_or_else(|| {
            let known = NAMES.join("`, `");
            NoKind::Unknown(format!("{place}`kind` is none of `{known}`"))
        })
    }

    /// Files of early versions do not say, but each has keys that no other has.
    fn early(has: impl Fn(&str) -> bool) -> Option<FileKind> {
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
        let kind = |text: &str| FileKind::of(text).unwrap();
        assert_eq!(kind("kind = \"map\"\nsegments = []"), Some(FileKind::Map));
        assert_eq!(kind("segments = []"), Some(FileKind::Sweep));
        assert_eq!(
            kind("segments = []\nhysteresis = 0.1"),
            Some(FileKind::Lookup)
        );
        assert_eq!(kind("[[layer]]\n"), Some(FileKind::Profile));
        assert_eq!(kind("base = \"t4\""), Some(FileKind::Server));
        assert_eq!(kind("[data]\n"), Some(FileKind::Accuracy));
        assert_eq!(kind("format = 1"), None);
        assert_eq!(
            kind("{\"kind\": \"limit-sweep\"}"),
            Some(FileKind::LimitSweep)
        );
        assert_eq!(kind("{\"breakdown_ms\": {}}"), Some(FileKind::Plan));
    }

    #[test]
    fn what_else_a_file_holds_is_said_with_its_place() {
        let error = |text: &str| FileKind::of(text).unwrap_err();
        assert!(
            error("[[").starts_with("not TOML: line 1, column "),
            "{}",
            error("[[")
        );
        assert!(error("{").starts_with("not JSON: "), "{}", error("{"));
        for text in ["format = 1\nkind = \"song\"", "format = 1\nkind = 3"] {
            let message = error(text);
            assert!(
                message.starts_with("line 2, column 8: `kind` is none of `profile`, "),
                "{message}"
            );
            assert_eq!(FileKind::Plan.refusal(text), Some(message));
        }
        let refusal = |text: &str| FileKind::Plan.refusal(text);
        assert_eq!(refusal("kind = \"sweep\"").unwrap(), "it holds a sweep");
        assert_eq!(
            refusal("{\"kind\": \"map\"}").unwrap(),
            "it holds a map of rates and delays"
        );
        assert_eq!(refusal("[breakdown_ms]"), None);
        assert_eq!(refusal("[["), None);
    }
}
