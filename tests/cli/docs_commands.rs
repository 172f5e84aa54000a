//! The commands that the README and the pages under `docs/` show, run in the order of a page.
//!
//! Commands that measure are only parsed. Where a page shows a command's output right behind it, or
//! behind the words "ends with", that is what the command prints. After a change of wording,
//! `UPDATE_DOCS=1 cargo test -p cutpoint --test cli docs_commands` writes the new output into the
//! pages; review it with `git diff`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

use super::test_dir::TestDir;

/// Commands that measure, draw for long, or wait for a network, and `cargo`.
const PARSED: [&str; 10] = [
    "profile model.onnx",
    "accuracy",
    "dataset",
    "demo",
    "serve",
    "run",
    "verify",
    "link",
    "install",
    "test",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    for folder in ["docs", "docs/guides", "docs/reference", "docs/explanation"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        // written by the program itself
        let is_page =
            |p: &PathBuf| p.extension().is_some_and(|e| e == "md") && !p.ends_with("cli.md");
        pages.extend(paths.filter(is_page));
    }
    pages.sort();
    pages
}

/// A folder with everything that the pages name.
fn desk() -> TestDir {
    let desk = TestDir::empty();
    let copy = |from: &str, to: &str| {
        let to = desk.path(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(from), to).unwrap();
    };
    for folder in ["profiles/examples", "profiles/servers"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            copy(&path, &path);
        }
    }
    let kept = "tests/golden/profiles";
    let bundled = "models/mtlsplit_mobilenet_v3_small_64";
    for (from, to) in [
        (format!("{bundled}.onnx"), "model.onnx"),
        (format!("{bundled}.data.toml"), "model.data.toml"),
        (format!("{kept}/mobilenet.toml"), "profiles/pi5/model.toml"),
        (
            format!("{kept}/mobilenet.accuracy.toml"),
            "profiles/pi5/model.accuracy.toml",
        ),
        (
            format!("{kept}/mobilenet-again.toml"),
            "profiles/jetson/model.toml",
        ),
        (format!("{kept}/mobilenet.toml"), "before.toml"),
        (format!("{kept}/mobilenet-again.toml"), "after.toml"),
        (format!("{kept}/both.toml"), "both.toml"),
        (format!("{kept}/size.toml"), "size.toml"),
        (format!("{kept}/type.toml"), "type.toml"),
    ] {
        copy(&from, to);
    }
    desk.write(
        "two-heads.toml",
        &block("docs/guides/by-hand.md", "source ="),
    );
    desk.write("scenario.toml", &block("docs/reference/files.md", "rate ="));
    for line in [
        "plan --edge profiles/pi5/model.toml --server sim:8x --link wifi --out plan.toml",
        "profile export profiles/pi5/model.toml --format csv -o layers.csv",
    ] {
        let output = desk.command(line).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    }
    desk.write(
        "layers.csv",
        &desk.read("layers.csv").replace("bench", "jetson"),
    );
    desk
}

/// The first TOML of a page that holds a text.
pub(crate) fn block(page: &str, with: &str) -> String {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    let mut blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    let found = blocks.find(|block| block.contains(with));
    found
        .unwrap_or_else(|| panic!("{page} has no TOML with `{with}`"))
        .to_owned()
}

/// The commands of a block of shell, each in one line.
fn commands(block: &str) -> Vec<String> {
    let joined = block.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap());
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect()
}

fn run(desk: &TestDir, words: &str) -> Output {
    let is_parsed = PARSED.iter().any(|start| words.starts_with(start));
    let measures = words.contains("--measure") || words.contains("--data");
    let mut command: Command = desk.command(words.replace('\'', "").as_str());
    if is_parsed || measures {
        command.arg("--help");
    }
    command.env("COLUMNS", "100").output().unwrap()
}

/// A page with the output that its commands have now, and what went wrong.
fn checked(page: &Path, desk: &TestDir) -> (String, Vec<String>) {
    let text = fs::read_to_string(page).unwrap();
    let mut wrong = Vec::new();
    let mut now = String::new();
    let mut last: Option<String> = None;
    for (index, part) in text.split("```").enumerate() {
        if index > 0 {
            now += "```";
        }
        let is_block = index % 2 == 1;
        let shown = part.strip_prefix("text\n");
        match (is_block, shown, part.strip_prefix("sh\n")) {
            (true, _, Some(block)) => {
                last = None;
                for line in commands(block) {
                    // cargo itself is run by whoever runs this
                    let Some(words) = line.strip_prefix("cutpoint ") else {
                        assert!(
                            line.starts_with("cargo ") || line.starts_with("git "),
                            "{line}"
                        );
                        continue;
                    };
                    let output = run(desk, words);
                    if !output.status.success() {
                        let said = String::from_utf8_lossy(&output.stderr);
                        wrong.push(format!("{line}: {said}"));
                    }
                    last = Some(String::from_utf8(output.stdout).unwrap());
                }
                now += part;
            }
            (true, Some(shown), _) if last.is_some() => {
                let printed = last.take().unwrap();
                let lines: Vec<&str> = printed.lines().collect();
                let rest = lines.len().saturating_sub(shown.lines().count());
                let is_end = now
                    .trim_end_matches("```")
                    .trim_end()
                    .ends_with("ends with");
                let from = if is_end { rest } else { 0 };
                let expected = lines[from..].join("\n") + "\n";
                if shown != expected {
                    wrong.push(format!("shown:\n{shown}printed:\n{expected}"));
                }
                now += &format!("text\n{expected}");
            }
            _ => {
                let is_apart = !is_block && !part.trim().is_empty() && part.trim() != "ends with";
                if is_apart {
                    last = None;
                }
                now += part;
            }
        }
    }
    (now, wrong)
}

#[test]
fn every_command_of_the_pages_works_and_prints_what_they_show() {
    let mut wrong = Vec::new();
    for page in pages() {
        let (now, differences) = checked(&page, &desk());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&page, now).unwrap();
        }
        let name = page.strip_prefix(root()).unwrap().display();
        wrong.extend(differences.iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
