//! What the program says of itself.

use crate::test_dir::TestDir;

const COMMANDS: [&str; 19] = [
    "",
    "inspect",
    "profile",
    "profile import",
    "profile export",
    "accuracy",
    "plan",
    "explain",
    "sweep",
    "replay",
    "split",
    "annotate",
    "report",
    "dataset",
    "dataset shapes",
    "runtime",
    "demo",
    "completions",
    "man",
];

#[test]
fn of_every_command() {
    let cases = COMMANDS.iter().flat_map(|command| {
        let name = match *command {
            "" => "program".to_owned(),
            command => command.replace(' ', "_"),
        };
        [
            (format!("help__{name}"), format!("{command} --help")),
            (format!("help__{name}__short"), format!("{command} -h")),
        ]
    });
    TestDir::new().check(cases);
}

#[test]
fn asked_for_in_other_ways() {
    TestDir::new().check([
        ("help__version", "--version"),
        ("help__version_of_plan", "plan --version"),
        ("help__of_nothing", ""),
        ("help__of_dataset_alone", "dataset"),
        ("help__command", "help"),
        ("help__command_unknown", "help cut"),
    ]);
}
