//! The rules of `src/lib.rs` about who may import whom, and how long a file may be.

// helpers of tests may fail as loudly as tests
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines of a file before its tests.
const LONGEST: usize = 500;

/// Crates that any module may use: derives, data types and helpers without a domain of their own.
const ANYWHERE: &[&str] = &["serde", "thiserror", "ndarray", "prost", "tempfile"];

/// Where every other crate may be used. A new dependency is added here with its module.
const HOMES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli", "report"]),
    ("ctrlc", &["cli"]),
    ("indicatif", &["cli"]),
    ("arrayvec", &["codec"]),
    ("fixedbitset", &["graph"]),
    ("strsim", &["graph"]),
    // the file formats, and the runtime's traces
    (
        "toml",
        &[
            "syntax",
            "scenario",
            "profile",
            "plan",
            "replay",
            "sensitivity",
            "onnx",
            "runtime",
            "dataset",
        ],
    ),
    (
        "serde_json",
        &["plan", "runtime", "accuracy", "report", "cli"],
    ),
    ("good_lp", &["solve"]),
    // quantiles
    (
        "statrs",
        &["sensitivity", "trace", "scenario", "problem", "report"],
    ),
    ("plotters", &["report"]),
    ("bytes", &["onnx"]),
    // the hashes of models, of the runtime's library, and of what a plan was made from
    ("sha2", &["onnx", "profile", "runtime", "accuracy", "cli"]),
    ("petgraph", &["graph", "onnx", "runtime", "solve"]),
    ("ort", &["runtime"]),
    ("sysinfo", &["runtime"]),
    ("nix", &["runtime"]),
    ("half", &["runtime"]),
    ("image", &["dataset", "wire"]),
    // label images, whose palettes the crate `image` resolves into colours
    ("png", &["dataset"]),
    ("wildmatch", &["problem"]),
    ("zip", &["dataset"]),
    ("csv", &["dataset", "trace", "profile", "report"]),
    // the same numbers on every machine
    ("libm", &["dataset"]),
    ("rand_chacha", &["dataset"]),
    // what is done to messages outside the halves
    ("flate2", &["wire"]),
    ("zstd", &["wire"]),
    ("rand", &["runtime"]),
    ("rand_distr", &["runtime"]),
];

/// Imports beside the order: of the adapters, the runtime cuts what it measures.
const BESIDE: &[(&str, &str)] = &[("runtime", "onnx")];

#[test]
fn imports_point_downwards_and_crates_stay_at_home() {
    let rules = Rules::of_this_project();
    let mut broken = Vec::new();
    for (path, text) in sources() {
        broken.extend(rules.broken_by(&path, &text));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| {
            (
                path,
                text.split("#[cfg(test)]\nmod ")
                    .next()
                    .map(|t| t.lines().count()),
            )
        })
        .filter(|(_, lines)| lines.is_some_and(|lines| lines > LONGEST))
        .map(|(path, lines)| format!("{}: {lines:?} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn the_order_names_every_module_and_the_table_every_crate() {
    let rules = Rules::of_this_project();
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for line in library.lines() {
        if let Some(name) = line
            .strip_prefix("pub mod ")
            .and_then(|l| l.strip_suffix(';'))
        {
            assert!(
                rules.tiers.contains_key(name),
                "`{name}` has no place in the order"
            );
        }
    }
    let homes = HOMES.iter().map(|(name, _)| *name);
    let known: BTreeSet<&str> = homes.chain(ANYWHERE.iter().copied()).collect();
    let used: BTreeSet<&str> = rules.crates.iter().map(String::as_str).collect();
    assert_eq!(
        used, known,
        "dependencies of Cargo.toml (left) and of this test (right)"
    );
}

#[test]
fn violations_are_found() {
    let rules = Rules {
        tiers: tiers("units < graph < codec, link < onnx, runtime < cli"),
        crates: ["ort", "serde"].map(String::from).into(),
    };
    for (path, text, broken) in [
        ("graph.rs", "use crate::units::Bytes;", 0),
        ("graph.rs", "use crate::graph::Layer;", 0),
        ("units.rs", "use crate::graph::Layer;", 1),
        ("units.rs", "fn f() -> crate::graph::Layer {}", 1),
        (
            "units.rs",
            "pub use crate::{\n    link::{Link, codec},\n    graph,\n};",
            2,
        ),
        ("units.rs", "use super::graph::Graph;", 1),
        ("codec.rs", "use crate::link::Link;", 1),
        ("link/frame.rs", "use super::super::codec::Codec;", 1),
        (
            "link/frame.rs",
            "use super::frame::Frame; use super::graph;",
            0,
        ),
        ("runtime/mod.rs", "use crate::onnx::Model;", 0),
        ("onnx/mod.rs", "use crate::runtime::environment;", 1),
        ("onnx/mod.rs", "let x: ort::Session;", 1),
        ("onnx/mod.rs", "use ort::{Session};", 1),
        ("onnx/mod.rs", "let support::x = import::ort::y;", 0),
        (
            "runtime/session.rs",
            "use ::ort::Session; use serde::Serialize;",
            0,
        ),
        (
            "graph.rs",
            "//! see [`crate::runtime`] and `ort::Session`\n/* crate::codec */",
            0,
        ),
        ("graph.rs", "let url = \"https://crate::codec\";", 0),
        ("graph.rs", "let c = '\"'; use crate::codec::C; // \"", 1),
        ("graph.rs", "let r = r#\"use crate::codec;\"#;", 0),
        (
            "cli/plan.rs",
            "use cutpoint::graph::Graph; use cutpoint::{units, runtime};",
            0,
        ),
        ("graph.rs", "use cutpoint::codec::Codec;", 1),
        ("nowhere.rs", "", 1),
        ("main.rs", "use crate::cli;", 0),
    ] {
        let found = rules.broken_by(Path::new(path), text);
        assert_eq!(found.len(), broken, "{path}: {text}\n{found:?}");
    }
}

/// What the sources are held against.
struct Rules {
    /// Height of each module; an import must lead to a lower one.
    tiers: BTreeMap<String, usize>,
    /// Names of the dependencies, as they are written in code.
    crates: BTreeSet<String>,
}

impl Rules {
    fn of_this_project() -> Rules {
        let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
        let text: Vec<&str> = library
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .map(str::trim)
            .collect();
        let text = text.join(" ");
        let order = text
            .split('`')
            .find(|code| code.starts_with("units < "))
            .expect("src/lib.rs states the order of modules");
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let crates = manifest["dependencies"].as_table().unwrap().keys();
        Rules {
            tiers: tiers(order),
            crates: crates.map(|name| name.replace('-', "_")).collect(),
        }
    }

    /// What a file does that it must not, one line each; `path` is relative to `src`.
    fn broken_by(&self, path: &Path, text: &str) -> Vec<String> {
        let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
        let module = parts[0].trim_end_matches(".rs");
        if module == "lib" || module == "main" {
            return Vec::new();
        }
        let Some(tier) = self.tiers.get(module) else {
            return vec![format!(
                "{}: `{module}` has no place in the order",
                path.display()
            )];
        };
        let code = code_only(text);
        let mut broken = Vec::new();
        for import in self.modules_named(&code, parts.len()) {
            let allowed = import == module
                || self.tiers[&import] < *tier
                || BESIDE.contains(&(module, import.as_str()));
            if !allowed {
                broken.push(format!("{}: must not import `{import}`", path.display()));
            }
        }
        for name in &self.crates {
            let home = HOMES.iter().find(|(crate_name, _)| crate_name == name);
            let allowed = home.is_none_or(|(_, modules)| modules.contains(&module));
            if !allowed && roots(&code, name).next().is_some() {
                broken.push(format!(
                    "{}: must not use the crate `{name}`",
                    path.display()
                ));
            }
        }
        broken
    }

    /// The modules of this library that a file `depth` names below `src` mentions.
    fn modules_named(&self, code: &str, depth: usize) -> BTreeSet<String> {
        let root = "super::".repeat(depth);
        let root = root.trim_end_matches("::");
        ["crate", "cutpoint", root]
            .into_iter()
            .flat_map(|start| roots(code, start))
            .flat_map(first_names)
            .filter(|name| self.tiers.contains_key(name))
            .collect()
    }
}

/// Heights from such as `units < graph < codec, link`.
fn tiers(order: &str) -> BTreeMap<String, usize> {
    let levels = order.split('<').enumerate();
    levels
        .flat_map(|(tier, names)| {
            names
                .split(',')
                .map(move |name| (name.trim().to_owned(), tier))
        })
        .collect()
}

/// The code after each `start::` that begins a path.
fn roots<'a>(code: &'a str, start: &str) -> impl Iterator<Item = &'a str> {
    let mark = format!("{start}::");
    let found: Vec<&str> = code
        .match_indices(&mark)
        .filter(|(at, _)| {
            let before = code[..*at].trim_end_matches("::");
            let path_goes_on = before.len() < *at && before.ends_with(is_name_char);
            !path_goes_on && !code[..*at].ends_with(is_name_char)
        })
        .map(|(at, mark)| &code[at + mark.len()..])
        .collect();
    found.into_iter()
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The first name of a path, or of each path in braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim_start()
            .chars()
            .take_while(|c| is_name_char(*c))
            .collect()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut depth, mut from, mut names) = (0_i32, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[from..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    names
}

/// The text without comments and the contents of strings.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if rest.starts_with("r#\"") && !code.ends_with(is_name_char) {
            rest.find("\"#").map_or(rest.len(), |at| at + 2)
        } else if c == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skip..];
    }
    code
}

/// Bytes of the string literal at the start of `text`, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file, by its path below `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let source = root().join("src");
    let mut folders = vec![source.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(&source).unwrap().to_owned(), text));
            }
        }
    }
    assert!(files.len() > 10);
    files.sort();
    files
}
