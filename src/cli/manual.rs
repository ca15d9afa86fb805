//! `refloat completions` and `refloat man`: from the same grammar that reads the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Cli;
use super::show;
use crate::base::exit::Exit;

/// `refloat completions`
#[derive(Args, Debug)]
#[command(after_help = COMPLETING)]
pub struct CompletionsArgs {
    /// Of which shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

const COMPLETING: &str = "\
Examples:
  refloat completions bash > ~/.local/share/bash-completion/completions/refloat
  refloat completions zsh  > ~/.zfunc/_refloat          with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  refloat completions fish > ~/.config/fish/completions/refloat.fish";

/// `refloat man`
#[derive(Args, Debug)]
#[command(after_help = READING)]
pub struct ManArgs {
    /// Write `refloat.1` and a page for each verb into this folder, which is made when it is not there. Without it the
    /// page of refloat itself is printed.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

const READING: &str = "\
Examples:
  refloat man | man -l -                        read it now
  refloat man ~/.local/share/man/man1           then: man refloat-run";

pub fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "refloat", &mut script);
    out!("{}", String::from_utf8_lossy(&script));
    Exit::Ok
}

pub fn man(args: &ManArgs) -> Exit {
    let command = Cli::command().disable_help_subcommand(true);
    let Some(dir) = &args.dir else {
        return match page(&command) {
            Ok(page) => {
                out!("{}", String::from_utf8_lossy(&page));
                Exit::Ok
            }
            Err(error) => failed(Path::new("the page"), &error),
        };
    };
    // one page for each verb, named as `man` finds it
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    match written {
        Ok(()) => {
            outln!("the pages are in {}; read one: man -l {}", dir.display(), dir.join("refloat.1").display());
            Exit::Ok
        }
        Err(error) => failed(dir, &error),
    }
}

fn failed(path: &Path, error: &io::Error) -> Exit {
    show::error(format!("{}: {error}", path.display()));
    Exit::Unreachable
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
