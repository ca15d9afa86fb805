//! `refloat show`: a runbook for people who have never seen the tool. Starts no program and connects to nothing.

mod past;
mod render;

use std::path::PathBuf;

use clap::Args;
use indexmap::IndexMap;

use super::args::{Common, Output, name_and_value};
use super::{load, show};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::exit::Exit;
use crate::base::nearest::nearest;
use crate::base::span::Sources;
use crate::inventory::Selector;
use crate::plan::{Portrait, Written, portrait};
use crate::runbook::Runbook;
use crate::text::Sp;

/// `refloat show`
///
/// What a runbook is for, whom it touches, what it asks, what can be undone, and each step in words. Nothing is started
/// and nobody is connected to. Without an inventory hosts are said in words, with one by name.
#[derive(Args, Debug)]
#[command(after_help = SHOWING)]
pub struct ShowArgs {
    /// The runbook: a file, or its name in the folder `runbooks`.
    #[arg(value_name = "RUNBOOK")]
    pub runbook: PathBuf,
    /// An inventory, to see hosts by name: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE")]
    pub inventory: Vec<PathBuf>,
    /// A param that is hosts, as `name=selector`; repeatable. For the values of other params see `refloat plan`.
    #[arg(short, long, value_name = "NAME=HOSTS", value_parser = name_and_value, requires = "inventory")]
    pub param: Vec<(String, String)>,
    /// As markdown, for a wiki or a review.
    #[arg(long)]
    pub markdown: bool,
}

const SHOWING: &str = "\
Examples:
  refloat show consul/quorum-loss                                  what it does, in words
  refloat show consul/quorum-loss -i INVENTORY -p lost=consul-3    the same, hosts by name
  refloat show consul/quorum-loss --markdown > quorum-loss.md      for a wiki

Exit codes: 0 shown · 2 wrong command line · 3 wrong text: runbook, inventory, selectors";

pub fn run(args: &ShowArgs, common: &Common) -> Exit {
    if let Err(why) = load::given_once(&args.param) {
        show::error(why);
        return Exit::Usage;
    }
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let inventory = load::inventory(&args.inventory, &mut sources, &diags);
    let loaded = load::runbook(&args.runbook, inventory.as_ref(), &mut sources, &diags);
    let given = loaded.as_ref().map(|loaded| given(&args.param, &loaded.runbook, &mut sources, &diags));
    let findings = diags.into_sorted();
    let exit = show::findings_of_a_plan(&sources, &findings, common);
    let (Some(loaded), Some(given), Exit::Ok) = (loaded, given, exit) else { return Exit::Text };
    let book = &loaded.runbook;
    let portrait = portrait(book, &mut Written::new(book, inventory.as_ref(), &given));
    let past = past::of(&book.name.value, common);
    match common.output {
        Output::Json => show::json(&json(&portrait, &past)),
        Output::Text if args.markdown => out!("{}", render::markdown(&portrait, &past)),
        Output::Text => out!("{}", render::text(&portrait, &past)),
    }
    Exit::Ok
}

/// The params of hosts that were given.
fn given(
    params: &[(String, String)],
    book: &Runbook,
    sources: &mut Sources,
    diags: &Diagnostics,
) -> IndexMap<String, Selector> {
    let mut given = IndexMap::new();
    for (name, value) in params {
        let hosts = |name: &&str| book.params.get(*name).is_some_and(|param| param.limits.kind.is_target());
        if !hosts(&name.as_str()) {
            let names = book.params.keys().map(String::as_str).filter(hosts);
            let help = nearest(name, names).map_or_else(
                || "values of other params are shown by `refloat plan`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("`{name}` is no param of hosts");
            diags.push(Diagnostic::placeless("unknown-param", message).help(help));
            continue;
        }
        let source = sources.add(format!("-p {name}"), value.as_str());
        let span = crate::base::span::Span::new(source, 0..value.len());
        if let Some(selector) = Selector::parse(&Sp::new(value.clone(), span), diags) {
            given.insert(name.clone(), selector);
        }
    }
    given
}

fn json(portrait: &Portrait, past: &past::Past) -> serde_json::Value {
    let mut document = serde_json::json!(portrait);
    document["past"] = serde_json::json!(past.lines);
    document
}
