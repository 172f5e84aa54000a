//! How the times of a profile came about.

use super::Profile;

/// How the times of a profile came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrigin<'a> {
    /// `cutpoint profile` measured them.
    Measured,
    /// A person wrote them down, and says where from.
    Stated(&'a str),
    /// Another tool measured them; `cutpoint profile import` brought them in from there.
    Imported(&'a str),
}

impl Profile {
    /// Returns how the times came about.
    pub fn origin(&self) -> TimeOrigin<'_> {
        match (&self.source, self.imported) {
            (None, _) => TimeOrigin::Measured,
            (Some(source), false) => TimeOrigin::Stated(source),
            (Some(source), true) => TimeOrigin::Imported(source),
        }
    }
}
