//! Completions, manual pages, and the reference of the command line in `docs/`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::test_dir::TestDir;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let folder = TestDir::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = folder.command(&format!("completions {shell}")).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["plan", "sweep", "max-downlink"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    folder.command("completions nushell").assert().code(2);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = TestDir::empty();
    folder.command("man share/man1").assert().success();
    let files = std::fs::read_dir(folder.path("share/man1")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut wanted = BTreeSet::from(["cutpoint.1".to_owned()]);
    for (name, _) in commands() {
        wanted.insert(format!("cutpoint-{}.1", name.replace(' ', "-")));
    }
    assert_eq!(files, wanted);
    let page = folder.read("share/man1/cutpoint-plan.1");
    assert!(page.starts_with(".ie"), "{page}");
    assert!(page.contains("max\\-downlink"));
}

/// `docs/reference/cli.md` is what the program says of itself.
#[test]
fn the_reference_of_the_command_line_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/cli.md");
    let mut text = format!(
        "# Command line\n\nWhat `cutpoint --help` and `cutpoint COMMAND --help` print, the common options \
         once. A test keeps this page current.\n\n```text\n{}```\n",
        help("")
    );
    for (name, help) in commands() {
        text += &format!("\n## cutpoint {name}\n\n```text\n{}```\n", own(&help));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} is out of date; write it anew with\n  UPDATE_DOCS=1 cargo test -p cutpoint --test cli the_reference",
        path.display()
    );
}

/// The help of a command without the options that every command takes.
fn own(help: &str) -> String {
    let (before, rest) = help.split_once("\nCommon options:\n").unwrap();
    let after = rest
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with(' '));
    after.fold(before.to_owned(), |text, line| text + "\n" + line) + "\n"
}

/// Every command below the program, with its help; those with subcommands come before them.
fn commands() -> Vec<(String, String)> {
    let mut open: Vec<String> = below(&help(""));
    open.reverse();
    let mut found = Vec::new();
    while let Some(name) = open.pop() {
        let help = help(&name);
        let inner = below(&help).into_iter().rev();
        open.extend(inner.map(|inner| format!("{name} {inner}")));
        found.push((name, help));
    }
    found
}

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(command.split_whitespace())
        .arg("--help")
        .env("COLUMNS", "100")
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names in the list of commands of a help.
fn below(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
