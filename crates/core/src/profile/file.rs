//! Profiles read from files and written as such.

use std::path::Path;

use super::{FORMAT, Profile, ProfileError, by_hand};
use crate::contents::read_text;
use crate::file_kind::FileKind;
use crate::syntax::read_toml_or_json;

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn load(path: &Path) -> Result<Profile, ProfileError> {
        let text = read_text(path, "a profile").map_err(|cause| ProfileError::Io {
            path: path.to_owned(),
            cause,
        })?;
        Profile::parse(&text, path)
    }

    /// Checks the text of a profile; `path` is for messages.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn parse(text: &str, path: &Path) -> Result<Profile, ProfileError> {
        let path = path.to_owned();
        let by_hand = by_hand::is_one(text);
        let read = if by_hand {
            by_hand::read(text)
        } else {
            read_toml_or_json(text).map_err(by_hand::hint)
        };
        let syntax = |message| ProfileError::Syntax {
            path: path.clone(),
            message,
        };
        let kind = FileKind::Profile;
        let profile = read.map_err(|message| syntax(kind.refusal(text).unwrap_or(message)))?;
        if profile.kind != kind {
            return Err(syntax(format!("it holds {}", profile.kind)));
        }
        let invalid = |message: String| {
            if by_hand {
                ProfileError::ByHand {
                    path: path.clone(),
                    message,
                }
            } else {
                ProfileError::Invalid {
                    path: path.clone(),
                    message,
                }
            }
        };
        if profile.format != FORMAT {
            return Err(invalid(format!(
                "format {} is not format {FORMAT}, the one this version reads",
                profile.format
            )));
        }
        profile.check_numbers().map_err(invalid)?;
        profile.check_names().map_err(invalid)?;
        profile
            .graph()
            .map_err(|error| invalid(error.to_string()))?;
        Ok(profile)
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] when the tables cannot be expressed in TOML.
    pub fn to_toml(&self, path: &Path) -> Result<String, ProfileError> {
        toml::to_string(self).map_err(|error| ProfileError::Invalid {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }
}
