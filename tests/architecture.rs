//! What the manifests cannot say about how the sources are laid out.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

use std::path::{Path, PathBuf};

/// Lines of a file before its tests.
const LONGEST: usize = 500;

#[test]
fn files_stay_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    for source in sources(root) {
        let text = std::fs::read_to_string(&source).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code.lines().count();
        if lines > LONGEST {
            let name = source.strip_prefix(root).unwrap().display();
            long.push(format!("{name}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

/// Every source file of the program and of its crates.
fn sources(root: &Path) -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root.join("crates")).unwrap();
    let mut open: Vec<PathBuf> = crates.map(|c| c.unwrap().path().join("src")).collect();
    open.push(root.join("src"));
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 100, "the sources were not found");
    found
}
