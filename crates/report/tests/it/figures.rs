//! The list of figures: what is chosen, gathered, solved and documented.

use std::path::Path;

use cutpoint_planner::scenario::ScenarioSpec;
use cutpoint_planner::server::Server;
use cutpoint_report::figures::{FIGURES, choices};
use cutpoint_report::{Gallery, Study, Style, Subject};
use cutpoint_testkit::networks::{network, problem, ugly};

/// Figures that are made from the profile and its cost model alone.
const UNSOLVED: [&str; 4] = ["layers", "cuts", "halves", "roofline"];

/// How often a solver is started to draw these figures, and which are drawn.
fn solves(only: &[&str]) -> (usize, Vec<&'static str>) {
    let profile = network(10, ugly);
    let server = Server::faster(8.0);
    let problem = problem(&profile, &server, "20 Mbit/s");
    let spec = ScenarioSpec {
        link: Some("wifi".to_owned()),
        ..ScenarioSpec::default()
    };
    let (scenario, _) = spec.complete().unwrap();
    let study = Study::new(&profile, server, scenario, problem);
    let only = only.iter().map(|name| (*name).to_owned()).collect();
    let mut gallery = Gallery::new(Style::default(), only);
    gallery.draw(Path::new("profile.toml"), &Subject::Study(&study));
    let names = gallery.drawings().iter().map(|drawing| drawing.name);
    (study.solves(), names.collect())
}

#[test]
fn nothing_is_solved_for_figures_that_nobody_asked_for() {
    assert_eq!(solves(&UNSOLVED), (0, UNSOLVED.to_vec()));
    assert_eq!(solves(&["rate"]), (1, vec!["rate"]));
}

#[test]
fn the_best_plan_is_solved_for_once() {
    let shared = ["network", "cumulative", "timeline"];
    assert_eq!(solves(&shared), (1, shared.to_vec()));
}

#[test]
fn names_are_different_and_a_shared_start_chooses_all_that_have_it() {
    for (index, figure) in FIGURES.iter().enumerate() {
        assert!(
            FIGURES[..index]
                .iter()
                .all(|other| other.name != figure.name)
        );
        assert!(!figure.about.is_empty() && !figure.about.ends_with('.'));
        assert!(figure.is_called(figure.name) && !figure.is_called(""));
    }
    let called = FIGURES.iter().filter(|figure| figure.is_called("pareto"));
    assert_eq!(called.count(), 3);
    assert_eq!(choices().len(), FIGURES.len() + 1);
}

#[test]
fn the_manual_lists_every_figure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = std::fs::read_to_string(root.join("docs/guides/report.md")).unwrap();
    let mut lines = guide
        .lines()
        .skip_while(|line| !line.starts_with("| figure |"));
    let heading: Vec<&str> = lines.by_ref().take(2).collect();
    assert_eq!(
        heading,
        ["| figure | shows | is made from |", "|---|---|---|"]
    );
    let listed: Vec<&str> = lines.take_while(|line| line.starts_with('|')).collect();
    let row = |figure: &cutpoint_report::figures::FigureKind| {
        format!(
            "| `{}` | {} | {} |",
            figure.name, figure.about, figure.needs
        )
    };
    let rows: Vec<String> = FIGURES.iter().map(row).collect();
    assert_eq!(listed, rows, "expected:\n{}", rows.join("\n"));
}
