//! What the manifests cannot say about how the sources are laid out, and whether the pages about them
//! are true.

// helpers of tests may fail as loudly as tests
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Words of the README; beyond that it is a manual.
const MOST_WORDS: usize = 1_400;

/// Folders that a path in the pages for contributors begins with.
const ROOTS: [&str; 9] = [
    "crates/",
    "src/",
    "tests/",
    "docs/",
    "benches/",
    "examples/",
    "models/",
    "profiles/",
    ".ci/",
];

#[test]
fn the_readme_stays_short() {
    let words = text_of("README.md").split_whitespace().count();
    assert!(words < MOST_WORDS, "{words} words");
}

#[test]
fn relative_links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                page.with_file_name("").join(path)
            };
            let is_found = target.exists()
                && (heading.is_empty()
                    || headings(&std::fs::read_to_string(&target).unwrap())
                        .iter()
                        .any(|h| h == heading));
            if !is_found {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "\n{}\n", dead.join("\n"));
}

/// Paths that are named in full, and types, which are somewhere in the sources.
#[test]
fn what_pages_for_contributors_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let code: String = sources(root).into_iter().map(read).collect();
    let words: BTreeSet<&str> = code
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let is_type = |span: &str| {
        let letters = span.chars().all(|c| c.is_ascii_alphanumeric());
        letters && span.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let mut missing = Vec::new();
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = text_of(page);
        for span in spans(&text) {
            let is_path = ROOTS.iter().any(|start| span.starts_with(start));
            let exists = if is_path {
                root.join(span).exists()
            } else {
                !is_type(span.split("::").next().unwrap_or(span))
                    || span.split("::").all(|word| words.contains(word))
            };
            if !exists {
                missing.push(format!("{page}: {span}"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

fn text_of(page: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap()
}

/// Every page of Markdown.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned(), root.join("models")];
    let mut open = vec![root.join("docs")];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        open.extend(paths.filter(|path| path.is_dir()));
        folders.push(folder);
    }
    for folder in folders {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    found
}

/// The text without blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n```").step_by(2)
}

/// Targets of links and pictures inside the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = prose(text).flat_map(|part| part.split("](").skip(1));
    let targets = targets.filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// The anchors of a page, as GitHub and mdBook make them.
fn headings(text: &str) -> Vec<String> {
    let lines = prose(text).flat_map(str::lines);
    let headings = lines.filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// What stands between backticks in running text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|part| part.split('`').skip(1).step_by(2))
}

/// Pages say which Rust is needed as the manifest does.
#[test]
fn pages_name_the_oldest_rust() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let oldest = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"));
    let mut open = vec![root.join("docs")];
    let mut pages = vec![root.join("README.md")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let mut named = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for (at, _) in text.match_indices("Rust 1.") {
            assert!(text[at..].starts_with(oldest), "{}", page.display());
            named += 1;
        }
    }
    assert!(named > 0, "no page names {oldest}");
}

/// A part of what `cargo deny` checks, for where it is not installed.
#[test]
fn dependencies_are_free_and_from_the_registry() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = std::fs::read_to_string(root.join("deny.toml")).unwrap();
    let rules: toml::Table = rules.parse().unwrap();
    let list =
        |table: &str, key: &str| -> Vec<String> { rules[table][key].clone().try_into().unwrap() };
    let licences = list("licenses", "allow");
    let registries = list("sources", "allow-registry");
    let mut wrong = Vec::new();
    for package in metadata(root) {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence, &licences) {
            wrong.push(format!("{name}: licence `{licence}`"));
        }
        // the crates of the workspace have none
        if let Some(source) = package["source"].as_str() {
            let registry = source.strip_prefix("registry+").unwrap_or(source);
            if !registries.iter().any(|allowed| allowed == registry) {
                wrong.push(format!("{name}: from {source}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Every package that is compiled for this machine.
fn metadata(root: &Path) -> Vec<serde_json::Value> {
    let output = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let output = command.args(arguments).current_dir(root).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let rustc = output("rustc", &["-vV"]);
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let words = "metadata --format-version 1 --locked --offline --filter-platform";
    let mut words: Vec<&str> = words.split(' ').collect();
    words.push(host.unwrap());
    let text = output(env!("CARGO"), &words);
    let mut metadata: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// Whether one of the alternatives of a licence asks for nothing but what is in the list.
fn is_allowed(licence: &str, list: &[String]) -> bool {
    let known = |name: &str| list.iter().any(|allowed| allowed == name);
    let licence = licence.replace(['(', ')'], " ").replace('/', " OR ");
    // `(A OR B) AND C` is the one form with both words that there is
    licence.split(" AND ").all(|part| {
        let mut names = part.split(" OR ").map(str::trim);
        names.any(known)
    })
}
