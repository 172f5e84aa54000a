//! TOML files read with errors of one line.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, Error};

/// Reads `text`; the error says line and column and what was expected there, in one line.
///
/// # Errors
/// The text is not TOML, or has other keys or values than `T`.
pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| in_one_line(&error, text))
}

/// Reads `text` as TOML, or as JSON where it is an object of that; errors as of [`read_toml`].
///
/// # Errors
/// As [`read_toml`].
pub fn read_toml_or_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if is_json(text) {
        serde_json::from_str(text).map_err(|error| error.to_string())
    } else {
        read_toml(text)
    }
}

/// Whether `text` is an object in JSON, if it is anything; no TOML begins like that.
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Reads the keys of `text` and leaves their values as they are written.
///
/// # Errors
/// The text is not TOML.
pub(crate) fn toml_keys(text: &str) -> Result<DeTable<'_>, String> {
    let table = DeTable::parse(text).map_err(|error| in_one_line(&error, text))?;
    Ok(table.into_inner())
}

fn in_one_line(error: &Error, text: &str) -> String {
    let message: Vec<&str> = error.message().lines().map(str::trim).collect();
    let message = message.join(" ");
    // what the file as a whole lacks is placed at its beginning
    let of_the_whole = |start: usize| start == 0 && message.starts_with("missing field");
    match error.span().filter(|span| !of_the_whole(span.start)) {
        Some(span) => format!("{}: {message}", place(text, span.start)),
        None => message,
    }
}

/// `line 3, column 7` of a byte of `text`.
pub fn place(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    format!(
        "line {}, column {}",
        1 + before.matches('\n').count(),
        1 + before[line_start..].chars().count()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct File {
        speed: f64,
    }

    #[test]
    fn errors_are_one_line_with_their_place() {
        let error = |text: &str| read_toml::<File>(text).unwrap_err();
        let unknown = error("speed = 1.0\ncolour = 3\n");
        assert!(
            unknown.starts_with("line 2, column 1: unknown field `colour`"),
            "{unknown}"
        );
        assert_eq!(error(""), "missing field `speed`");
        assert!(
            error("é = 1\n[[[").starts_with("line "),
            "{}",
            error("é = 1\n[[[")
        );
        for text in ["speed = 'fast'", "speed", "\0", "speed = 1.0\nspeed = 2.0"] {
            assert!(!error(text).contains('\n'), "{}", error(text));
        }
    }
}
