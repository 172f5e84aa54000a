//! Runs the program in a folder of its own and compares all it leaves behind.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::settings::Form;

/// Longer texts are kept as their hash.
const MOST: usize = 20_000;

/// Longer pictures and pages are.
const MOST_DRAWN: usize = 8_000;

/// Variables that change what is printed.
const LOOKS: [&str; 5] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
];

/// A folder with copies of the examples, the descriptions of servers and the kept profiles.
pub(crate) struct TestDir {
    folder: TempDir,
    temporary: TempDir,
    /// Leaves out of a text what is not alike everywhere.
    settle: fn(&str) -> String,
}

/// Of a file: what tells that it was written again.
type Stamp = (u64, i64, i64);

impl TestDir {
    pub(crate) fn new() -> TestDir {
        let dir = TestDir {
            folder: tempfile::tempdir().unwrap(),
            temporary: tempfile::tempdir().unwrap(),
            settle: without_times,
        };
        for folder in [
            "profiles/examples",
            "profiles/servers",
            "tests/golden/profiles",
        ] {
            let folder = root().join(folder);
            for name in names(&folder) {
                dir.copy(&folder.join(&name), &name);
            }
        }
        dir
    }

    /// A folder that has the bundled models, too, with ONNX Runtime at hand.
    pub(crate) fn with_models() -> TestDir {
        // fetching says so on standard error
        let library = cutpoint_runtime::library::find_or_fetch(&mut |_| ());
        library.unwrap_or_else(|error| panic!("{error}"));
        let dir = TestDir::new();
        for (kept, name) in [
            ("mtlsplit_mobilenet_v3_small_64.onnx", "mobilenet.onnx"),
            (
                "mtlsplit_mobilenet_v3_small_64.data.toml",
                "mobilenet.data.toml",
            ),
            ("skipnet_3dec_64.onnx", "skipnet.onnx"),
        ] {
            dir.copy(&root().join("models").join(kept), name);
        }
        dir
    }

    /// The same with something of its own left out of what is compared.
    pub(crate) fn settled(self, settle: fn(&str) -> String) -> TestDir {
        TestDir { settle, ..self }
    }

    fn copy(&self, from: &Path, name: &str) {
        fs::copy(from, self.path(name)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs commands whose files later ones need. They must succeed; nothing is compared.
    pub(crate) fn prepare(&self, lines: &[&str]) {
        for line in lines {
            let output = self.output(line);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{line}: {said}");
        }
    }

    /// Runs each command line and compares what it does with the snapshot of its name.
    pub(crate) fn check<N: AsRef<str>, L: AsRef<str>>(
        &self,
        cases: impl IntoIterator<Item = (N, L)>,
    ) {
        let mut different = Vec::new();
        for (name, line) in cases {
            let (name, line) = (name.as_ref(), line.as_ref());
            let seen = self.seen(line);
            // the others are looked at, too, before the test fails
            if catch_unwind(AssertUnwindSafe(|| compare(name, &seen))).is_err() {
                different.push(name.to_owned());
            }
        }
        assert!(different.is_empty(), "different: {different:?}");
    }

    /// As [`TestDir::check`], with a setting that all lines share, in several forms.
    pub(crate) fn check_all(
        &self,
        (command, of, setting): (&str, &str, &str),
        forms: &[Form],
        cases: &[(&str, &str)],
    ) {
        let lines = cases.iter().flat_map(|(name, words)| {
            let name = format!("{command}__{of}__{name}");
            forms.iter().map(move |form| {
                let (name, rest) = form.of(&name);
                (name, format!("{command} {setting} {words} {rest}"))
            })
        });
        self.check(lines);
    }

    fn output(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
        for name in LOOKS {
            command.env_remove(name);
        }
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("TMPDIR", self.temporary.path())
            // how wide help is where there is no terminal
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Everything that can be seen of a run.
    fn seen(&self, line: &str) -> String {
        let before = self.files();
        let output = self.output(line);
        let code = output.status.code().expect("ended by itself");
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut seen = format!("$ cutpoint {}\nexit code {code}\n", words.join(" "));
        self.add(&mut seen, "standard output", &output.stdout);
        self.add(&mut seen, "standard error", &output.stderr);
        for (path, stamp) in self.files() {
            if before.get(&path) != Some(&stamp) {
                let bytes = fs::read(self.path(&path)).unwrap();
                self.add(&mut seen, &path, &bytes);
            }
        }
        assert!(names(self.temporary.path()).is_empty(), "{line}");
        // insta passes over what is empty at the end
        seen + "=== end\n"
    }

    /// Adds what was written somewhere: short texts as they are, anything else by its hash.
    fn add(&self, seen: &mut String, place: &str, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| is_plain(text));
        let text = text.map(self.settle);
        let bytes = text.as_ref().map_or(bytes, |text| text.as_bytes());
        let most = if place.ends_with(".svg") || place.ends_with(".html") {
            MOST_DRAWN
        } else {
            MOST
        };
        match &text {
            Some(text) if text.is_empty() => (),
            Some(text) if text.len() <= most => {
                let end = if text.ends_with('\n') {
                    ""
                } else {
                    "\n=== without a line end\n"
                };
                write!(seen, "=== {place}\n{text}{end}").unwrap();
            }
            _ => {
                let digest = Sha256::digest(bytes);
                let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(seen, "=== {place}: {} bytes, sha256 {hash}", bytes.len()).unwrap();
            }
        }
    }

    fn files(&self) -> BTreeMap<String, Stamp> {
        let root = self.folder.path();
        let mut found = BTreeMap::new();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            for name in names(&folder) {
                let path = folder.join(name);
                let about = fs::metadata(&path).unwrap();
                if about.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    found.insert(name, (about.ino(), about.mtime(), about.mtime_nsec()));
                }
            }
        }
        found
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries.map(|e| name(e).into_string().unwrap()).collect()
}

/// Whether a snapshot keeps the text as it is: insta takes line ends of both kinds for the same,
/// and what has other control characters than those of colours is no text.
fn is_plain(text: &str) -> bool {
    let shown = |c: char| matches!(c, '\n' | '\t' | '\x1b') || !c.is_control();
    text.chars().all(shown)
}

/// The text without the time that a solver took, the one thing that is new every time.
fn without_times(text: &str) -> String {
    const KEY: &str = "\"solve_ms\": ";
    let mut parts = text.split(KEY);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || ".e-+".contains(c));
        kept += KEY;
        kept += if rest.len() < part.len() { "[ms]" } else { "" };
        kept += rest;
    }
    kept.split_inclusive('\n').map(event_without_time).collect()
}

/// A line of the log, which ends with the time that something took; others as they are.
fn event_without_time(line: &str) -> String {
    let event = line.strip_prefix("cutpoint_").and_then(|rest| {
        let (event, ms) = rest.strip_suffix(" ms)\n")?.rsplit_once(" (")?;
        ms.parse::<f64>().is_ok().then_some(event)
    });
    event.map_or(line.to_owned(), |event| {
        format!("cutpoint_{event} ([ms])\n")
    })
}

fn compare(name: &str, seen: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, seen));
}
