//! Tables of reports, read back from every format.

use std::path::Path;

use assert_cmd::Command;
use cutpoint_core::plan::Sweep;
use cutpoint_core::profile::Profile;
use cutpoint_planner::parametric;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve;
use cutpoint_report::edge_origin;
use cutpoint_report::tables::{Cell, Column, Format, Table, write};
use cutpoint_testkit::networks::{network, problem, ugly};
use predicates::prelude::*;

/// Cells that each format has a reason to fall over.
const NASTY: [&str; 12] = [
    "plain",
    "a|b\\|c",
    "50 % & $x_1^2$ {#~}",
    "\\textbf{x}",
    "<b>*bold* `code` [link](x)</b>",
    "comma, \"quote\"; semicolon",
    "two\nlines",
    "=1+1",
    "µs ± × …",
    "# no comment",
    "[3mm]",
    "層 é",
];

fn nasty() -> Table {
    let row = |(index, text): (usize, &&str)| {
        vec![
            Cell::text(*text),
            Cell::number([0.0, 1_234.567_891_23, -0.000_123, 5e9][index % 4]),
            match index % 3 {
                0 => Cell::Empty,
                n => Cell::Count(n as u64),
            },
            Cell::text("measured on pi5"),
        ]
    };
    Table {
        name: "nasty",
        title: "names | and _numbers_".to_owned(),
        columns: vec![
            Column::plain("name", "name"),
            Column::number("time_us", "time", "µs"),
            Column::plain("n", "n"),
            Column::for_programs("origin"),
        ],
        rows: NASTY.iter().enumerate().map(row).collect(),
        notes: vec!["100 % made up.".to_owned()],
    }
}

/// What a reader of Markdown sees of a line of a table.
fn markdown_cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut characters = line.trim().trim_start_matches('|').chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => cells.last_mut().unwrap().extend(characters.next()),
            '|' => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells.pop();
    cells.into_iter().map(|c| c.trim().to_owned()).collect()
}

/// What LaTeX typesets of a row.
fn latex_cells(line: &str) -> Vec<String> {
    const WORDS: [(&str, &str); 11] = [
        ("\\textbackslash{}", "\u{1}"),
        ("\\textasciitilde{}", "~"),
        ("\\textasciicircum{}", "^"),
        ("\\textless{}", "<"),
        ("\\textgreater{}", ">"),
        ("\\textbar{}", "|"),
        ("\\textmu{}", "µ"),
        ("\\textpm{}", "±"),
        ("\\texttimes{}", "×"),
        ("\\ldots{}", "…"),
        ("{[}", "["),
    ];
    let line = line.trim().strip_suffix("\\\\").unwrap();
    let cell = |cell: &str| {
        let mut text = cell.trim().to_owned();
        for (written, meant) in WORDS.iter().chain(&[("{]}", "]")]) {
            text = text.replace(written, meant);
        }
        for special in ['#', '$', '%', '&', '_', '{', '}'] {
            text = text.replace(&format!("\\{special}"), &special.to_string());
        }
        assert!(!text.contains('\\'), "{text}");
        text.replace('\u{1}', "\\")
    };
    line.replace("\\&", "\u{2}")
        .split('&')
        .map(|text| cell(&text.replace('\u{2}', "\\&")))
        .collect()
}

/// A cell as it reads where a line break cannot stand.
fn one_line(text: &str, instead: &str) -> String {
    text.replace('\n', instead)
}

#[test]
fn markdown_reads_back_cell_by_cell() {
    let text = write(&[nasty()], Format::Markdown).unwrap();
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with('|')).collect();
    assert_eq!(markdown_cells(lines[0]), ["name", "time (µs)", "n"]);
    assert_eq!(markdown_cells(lines[1]), ["---", "---:", "---:"]);
    assert_eq!(lines.len(), 2 + NASTY.len());
    for (line, name) in lines[2..].iter().zip(NASTY) {
        assert_eq!(markdown_cells(line)[0], one_line(name, "\u{fffd}"));
        assert_eq!(markdown_cells(line).len(), 3);
        assert!(!line.contains(" <b>"), "{line}");
    }
    assert_eq!(markdown_cells(lines[3])[1..], ["1235", "1"]);
    assert_eq!(markdown_cells(lines[4])[1..], ["-0.000123", "2"]);
    assert_eq!(markdown_cells(lines[2])[1..], ["0", ""]);
    assert!(text.contains("names \\| and \\_numbers\\_") && text.contains("100 % made up."));
}

#[test]
fn latex_reads_back_cell_by_cell() {
    let text = write(&[nasty()], Format::Latex).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("\\midrule"))
        .filter(|line| line.ends_with("\\\\"))
        .collect();
    assert_eq!(rows.len(), NASTY.len());
    for (row, name) in rows.iter().zip(NASTY) {
        assert_eq!(latex_cells(row)[0], one_line(name, "?"));
        assert_eq!(latex_cells(row).len(), 3);
    }
    // a comment would swallow the end of its line
    let comments = text
        .match_indices('%')
        .filter(|(at, _)| !text[..*at].ends_with('\\'));
    assert_eq!(comments.count(), 1, "{text}");
    let (open, close) = (text.matches('{').count(), text.matches('}').count());
    assert_eq!(open, close);
    assert!(text.contains("{lrr}") && text.contains("\\caption{names \\textbar{} and"));
}

#[test]
fn csv_and_json_keep_every_digit_and_the_origin() {
    let csv = write(&[nasty()], Format::Csv).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec!["name", "time_us", "n", "origin"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let names: Vec<&str> = rows.iter().map(|row| &row[0]).collect();
    assert_eq!(names, NASTY);
    assert_eq!(&rows[1][1], "1234.567891");
    assert_eq!(&rows[2][1], "-0.000123");
    assert_eq!((&rows[0][2], &rows[0][3]), ("", "measured on pi5"));

    let json = write(&[nasty()], Format::Json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let table = &json["tables"][0];
    let names = table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str());
    assert!(names.eq(NASTY.iter().map(|name| Some(*name))));
    assert_eq!(table["rows"][3]["time_us"], 5e9);
    assert!(table["rows"][0]["n"].is_null());
    assert_eq!(table["columns"][1]["unit"], "µs");
    assert_eq!(table["notes"][0], "100 % made up.");
}

#[test]
fn text_stands_in_columns() {
    let text = write(&[nasty()], Format::Text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let header = lines
        .iter()
        .position(|line| line.contains("time (µs)"))
        .unwrap();
    let end = |line: &str, part: &str| {
        line.find(part)
            .map(|at| line[..at].chars().count() + part.chars().count())
    };
    let right = end(lines[header], "time (µs)").unwrap();
    assert_eq!(end(lines[header + 2], "1235"), Some(right), "{text}");
    assert_eq!(end(lines[header + 3], "-0.000123"), Some(right), "{text}");
    assert!(!text.contains("origin"), "{text}");
    assert!(lines.iter().all(|line| *line == line.trim_end()));
}

#[test]
fn numbers_that_are_none_leave_their_cell_empty() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Cell::number(value), Cell::Empty);
    }
    assert_eq!(Cell::spread(f64::NAN), Cell::Empty);
}

fn report(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::cargo_bin("cutpoint").unwrap();
    command.current_dir(folder).arg("report").args(words);
    command
}

fn save(profile: &Profile, folder: &Path) {
    let file = folder.join("profile.toml");
    std::fs::write(&file, profile.to_toml(&file).unwrap()).unwrap();
}

fn sweep(profile: &Profile) -> Sweep {
    let problem = problem(profile, &Server::faster(8.0), "20 Mbit/s");
    let rates = "100kbit/s..1Gbit/s".parse().unwrap();
    parametric::sweep(&problem, rates, &solve::Options::default()).unwrap()
}

/// A folder with a profile, a plan of it, and a sweep.
fn desk(profile: &Profile) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    save(profile, folder.path());
    let sweep = sweep(profile);
    let plan = sweep.segments[0].plan.to_toml().unwrap();
    std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
    std::fs::write(folder.path().join("sweep.toml"), sweep.to_toml().unwrap()).unwrap();
    folder
}

const ALL: [&str; 3] = ["profile.toml", "plan.toml", "sweep.toml"];

fn json(folder: &Path, words: &[&str]) -> serde_json::Value {
    let words = [&ALL[..], words, &["--format", "json"]].concat();
    let output = report(folder, &words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(json: &serde_json::Value) -> Vec<&str> {
    let tables = json["tables"].as_array().unwrap().iter();
    tables
        .map(|table| table["name"].as_str().unwrap())
        .collect()
}

#[test]
fn tables_hold_what_the_files_hold_and_nothing_is_drawn() {
    let unlike = network(24, |i| format!("{}{i}", ugly(i)));
    let folder = desk(&unlike);
    let found = json(folder.path(), &[]);
    let expected = [
        "whole", "layers", "halves", "cuts", "plan", "crossing", "tasks", "sweep",
    ];
    let mut kinds = names(&found);
    let crossing = kinds.contains(&"crossing");
    kinds.retain(|name| *name != "crossing");
    assert_eq!(
        kinds,
        expected
            .into_iter()
            .filter(|n| *n != "crossing")
            .collect::<Vec<_>>()
    );
    let table = |name: &str| {
        let tables = found["tables"].as_array().unwrap();
        tables.iter().find(|t| t["name"] == name).unwrap()["rows"]
            .as_array()
            .unwrap()
            .clone()
    };
    let layers = table("layers");
    assert_eq!(layers.len(), unlike.layers.len());
    for (row, layer) in layers.iter().zip(&unlike.layers) {
        assert_eq!(row["layer"], layer.id);
        assert!((row["edge_us"].as_f64().unwrap() - layer.edge_us).abs() < 1e-6);
        // the server is eight times as fast, in whole nanoseconds
        assert!((row["server_us"].as_f64().unwrap() * 8.0 - layer.server_us).abs() < 0.01);
        assert_eq!(row["n"], 30);
        assert_eq!(row["edge_origin"], "measured on pi5");
        assert_eq!(row["server_origin"], "simulated (sim:8x)");
    }
    let halves = table("halves");
    assert_eq!(halves.len(), unlike.cuts.len());
    assert_eq!(halves[0]["n"], 20);
    let plan = sweep(&unlike).segments[0].plan.clone();
    assert_eq!(crossing, !plan.crossing.is_empty());
    let parts = table("plan");
    let (last, parts) = parts.split_last().unwrap();
    let sum: f64 = parts
        .iter()
        .map(|row| row["time_ms"].as_f64().unwrap())
        .sum();
    assert!((sum - plan.latency_ms).abs() < 1e-3);
    assert!((last["time_ms"].as_f64().unwrap() - plan.latency_ms).abs() < 1e-6);
    assert_eq!(table("tasks").len(), plan.tasks.len());
    assert_eq!(table("sweep").len(), sweep(&unlike).segments.len());
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn tables_are_chosen_by_name_and_layers_by_their_time() {
    let profile = network(24, |i| format!("layer{i}"));
    let folder = desk(&profile);
    let found = json(folder.path(), &["--table", "layers,tasks", "--top", "3"]);
    assert_eq!(names(&found), ["layers", "tasks"]);
    let mut times: Vec<f64> = profile.layers.iter().map(|l| l.edge_us).collect();
    times.sort_by(|a, b| b.total_cmp(a));
    let rows = found["tables"][0]["rows"].as_array().unwrap();
    let shown: Vec<f64> = rows
        .iter()
        .map(|row| row["edge_us"].as_f64().unwrap())
        .collect();
    assert_eq!(shown.len(), 3);
    for (shown, time) in shown.iter().zip(times) {
        assert!((shown - time).abs() < 1e-6);
    }
    assert_eq!(
        found["tables"][0]["title"],
        "synthetic.onnx: the 3 slowest of 24 layers"
    );

    // one table is nothing but a table, several say which they are
    let csv = |names: &str| {
        let words = ["profile.toml", "--format", "csv", "--table", names];
        let output = report(folder.path(), &words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(csv("layers").starts_with("number,layer,operator,edge_us,"));
    assert!(csv("layers,whole").starts_with("# whole: "));
    assert_eq!(csv("layers,whole").matches("\n\n# layers: ").count(), 1);
}

#[test]
fn figures_are_drawn_beside_tables_when_a_folder_is_named() {
    let folder = desk(&network(24, |i| format!("layer{i}")));
    report(
        folder.path(),
        &["profile.toml", "--format", "text", "--out", "new"],
    )
    .assert()
    .success()
    .stdout(predicate::str::contains("24 layers").and(predicate::str::contains(".svg").not()))
    .stderr(predicate::str::contains("new/pi5-synthetic-layers.svg"));
    assert!(folder.path().join("new/pi5-synthetic-layers.svg").exists());
}

#[test]
fn a_plan_alone_has_tables_though_no_figures() {
    let folder = desk(&network(24, |i| format!("layer{i}")));
    report(folder.path(), &["plan.toml", "--format", "markdown"])
        .assert()
        .success()
        .stdout(predicate::str::contains("as in the profile of pi5"))
        .stderr("");
}

#[test]
fn times_of_other_tools_are_called_imported_everywhere() {
    let mut profile = network(24, |i| format!("layer{i}"));
    (profile.source, profile.imported) = (Some("bench.csv".into()), true);
    let folder = desk(&profile);
    let found = json(folder.path(), &[]);
    let text = found.to_string();
    assert!(!text.contains("measured on pi5 ("), "{text}");
    for table in found["tables"].as_array().unwrap() {
        let words = table.to_string();
        let crossing = table["name"] == "crossing";
        assert!(crossing || words.contains("imported"), "{words}");
    }
    report(folder.path(), &["profile.toml", "--out", "new"])
        .assert()
        .success();
    let figure = std::fs::read_to_string(folder.path().join("new/pi5-synthetic-layers.svg"));
    let figure = figure.unwrap();
    assert!(figure.contains("pi5 (imported)") && figure.contains("imported from bench.csv"));
    assert_eq!(edge_origin(&profile).name, "pi5 (imported)");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = desk(&network(10, |i| format!("layer{i}")));
    for (words, code, part) in [
        (
            &["profile.toml", "--format", "word"][..],
            2,
            "text, markdown, csv, json or latex",
        ),
        (
            &["profile.toml", "--format", "csv", "--table", "layer"],
            2,
            "no such table",
        ),
        (
            &["profile.toml", "--format", "csv", "--table", "tasks"],
            4,
            "leave out --table tasks",
        ),
        (&["profile.toml", "--table", "layers"], 2, "--format"),
        (
            &["profile.toml", "--format", "csv", "--top", "0"],
            2,
            "--top",
        ),
        (
            &["profile.toml", "--format", "csv", "--json"],
            2,
            "--format json",
        ),
    ] {
        report(folder.path(), words)
            .assert()
            .code(code)
            .stdout("")
            .stderr(predicate::str::contains(part));
    }
    assert!(!folder.path().join("reports").exists());
}
