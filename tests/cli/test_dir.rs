//! An empty folder to run the program in.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use cutpoint_core::profile::Profile;
use tempfile::TempDir;

/// The folder; what a test file needs beyond this it adds in an `impl` of its own.
pub(crate) struct TestDir {
    folder: TempDir,
}

impl TestDir {
    pub(crate) fn empty() -> TestDir {
        TestDir {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn save(&self, name: &str, profile: &Profile) {
        self.write(name, &profile.to_toml(Path::new(name)).unwrap());
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these words, which hold no spaces.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::cargo_bin("cutpoint").unwrap();
        command
            .current_dir(self.folder.path())
            .args(words.split_whitespace());
        command
    }
}
