//! `cutpoint completions` and `cutpoint man`: what a shell and its manual can know of the program.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::run_files::{Holds, Replace, RunFiles};
use super::{Cli, Common, files};

/// Write a script that completes commands and flags in a shell
///
/// The script goes to standard output; the shell reads it from a folder of its own, such as
/// ~/.local/share/bash-completion/completions/cutpoint.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Write the manual pages, one for each command
///
/// `man -l DIR/cutpoint.1` shows one; installed, they belong in ~/.local/share/man/man1.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write to; made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs, common: &Common) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cutpoint", &mut script);
    common.print_file(&String::from_utf8(script)?)
}

pub(crate) fn man(args: &ManArgs, common: &Common) -> anyhow::Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    render(&program, &args.folder, &mut pages)?;
    let mut files = RunFiles::default();
    for (path, _) in &pages {
        files.makes("DIR", path, Holds::Manual);
    }
    files.check(Replace::SameKind)?;
    for (path, text) in &pages {
        files::create_parent("DIR", path)?;
        files::write("DIR", path, text)?;
    }
    let written: Vec<&PathBuf> = pages.iter().map(|(path, _)| path).collect();
    if common.json {
        common.print_json(&written)
    } else {
        let names = written.iter().map(|path| path.display().to_string());
        common.print(names.collect::<Vec<_>>().join("\n"))
    }
}

/// Renders the page of a command and those of its subcommands.
fn render(
    command: &Command,
    folder: &Path,
    pages: &mut Vec<(PathBuf, Vec<u8>)>,
) -> anyhow::Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((path, text));
    let mut inner = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    inner.try_for_each(|inner| render(inner, folder, pages))
}
