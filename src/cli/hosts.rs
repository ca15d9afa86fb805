//! `refloat hosts`: the inventory as resolved, and with `--ping` who of it answers.

use std::path::PathBuf;

use clap::Args;
use futures_util::future::join_all;
use serde_json::json;

use super::args::{Common, Output};
use super::{env, load, runs, show};
use crate::base::diag::Diagnostics;
use crate::base::exit::Exit;
use crate::base::ids::RunId;
use crate::base::span::{Sources, Span};
use crate::exec;
use crate::inventory::{Host, HostName, Inventory, Selector, Via};
use crate::report::escape;
use crate::text::Sp;
use crate::transport::Transport as _;
use crate::transport::route::Routes;
use crate::transport::ssh::Options;

/// `refloat hosts`
///
/// Each host with its address, groups, login, the way that leads to it, and where it is written. Connects to nobody,
/// unless `--ping`.
#[derive(Args, Debug)]
#[command(after_help = HOSTS)]
pub struct HostsArgs {
    /// Which: a host, a group, `web-*`, `web:!web-3`. Default: all.
    #[arg(value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// The inventory: a file or a folder; repeatable.
    #[arg(short, long, value_name = "FILE", required = true)]
    pub inventory: Vec<PathBuf>,
    /// Connect to each of them, all at once, and say who answers. Nothing is changed there.
    #[arg(long)]
    pub ping: bool,
}

const HOSTS: &str = "\
Examples:
  refloat hosts -i INVENTORY                    everybody
  refloat hosts 'web:!web-3' -i INVENTORY       whom this selector means
  refloat hosts web -i INVENTORY --ping         and do they answer?

Exit codes: 0 shown, and with --ping all answered · 2 wrong command line · 3 wrong text: inventory, selector · 6 somebody
did not answer";

/// A host, and what came of the attempt to reach it.
struct Row<'a> {
    host: &'a Host,
    source: String,
    /// The login there, or why nobody answers; none: nobody asked.
    pinged: Option<Result<String, String>>,
}

pub fn run(args: &HostsArgs, common: &Common) -> Exit {
    let (mut sources, diags) = (Sources::default(), Diagnostics::new());
    let inventory = load::inventory(&args.inventory, &mut sources, &diags);
    let chosen = inventory.as_ref().map(|inventory| chosen(args, inventory, &mut sources, &diags));
    let exit = show::findings_of_a_plan(&sources, &diags.into_sorted(), common);
    let (Some(inventory), Some(chosen), Exit::Ok) = (&inventory, chosen, exit) else { return Exit::Text };
    let hosts = chosen.iter().filter_map(|name| inventory.host(name));
    let mut rows: Vec<Row<'_>> = hosts.map(|host| row(host, &sources)).collect();
    if args.ping
        && let Err(exit) = runs::blocking(ping(&mut rows))
    {
        return exit;
    }
    match common.output {
        Output::Json => show::json(&rows.iter().map(document).collect()),
        Output::Text => out!("{}", text(&rows)),
    }
    if rows.iter().any(|row| matches!(row.pinged, Some(Err(_)))) { Exit::Unreachable } else { Exit::Ok }
}

/// The hosts of the selector, in the order of the inventory.
fn chosen(args: &HostsArgs, inventory: &Inventory, sources: &mut Sources, diags: &Diagnostics) -> Vec<HostName> {
    let Some(text) = &args.selector else { return inventory.hosts().map(|host| host.name.clone()).collect() };
    let source = sources.add("the selector", text.as_str());
    let selector = Selector::parse(&Sp::new(text.clone(), Span::new(source, 0..text.len())), diags);
    let Some(selector) = selector else { return Vec::new() };
    selector.resolve(inventory).unwrap_or_else(|wrong| {
        diags.push(wrong);
        Vec::new()
    })
}

fn row<'a>(host: &'a Host, sources: &Sources) -> Row<'a> {
    let source = if host.span.is_nowhere() {
        String::new()
    } else {
        format!("{}:{}", sources.get(host.span.source).name, sources.position(host.span).0)
    };
    Row { host, source, pinged: None }
}

/// Connects to all of them at once.
async fn ping(rows: &mut [Row<'_>]) {
    let transport = Routes::new(Options::new(RunId::generate(), env::control()));
    let asked = rows.iter().map(|row| {
        let address = exec::address(&row.host.name, Some(row.host));
        let transport = &transport;
        async move {
            let link = transport.connect(&address).await.map_err(|error| error.to_string())?;
            Ok(link.facts().login.clone())
        }
    });
    let answers: Vec<Result<String, String>> = join_all(asked).await;
    for (row, answer) in rows.iter_mut().zip(answers) {
        row.pinged = Some(answer);
    }
}

/// How it is reached: the login, and the way.
fn way(host: &Host) -> (Option<String>, String) {
    let user = host.user.clone().or_else(|| host.connect.user.clone());
    let port = host.port.or(host.connect.port);
    let way = match host.connect.via {
        Via::Ssh => port.map_or_else(|| "ssh".to_owned(), |port| format!("ssh, port {port}")),
        Via::Local => "here".to_owned(),
        Via::Exec => host.connect.command.join(" "),
    };
    (user, way)
}

fn text(rows: &[Row<'_>]) -> String {
    if rows.is_empty() {
        return "There are no such hosts.\n".to_owned();
    }
    let pinged = rows.iter().any(|row| row.pinged.is_some());
    let mut cells = vec![["host", "address", "groups", "user", "via", "from", "answers"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let (user, way) = way(row.host);
        let answers = match &row.pinged {
            None => String::new(),
            Some(Ok(login)) => format!("yes, as {login}"),
            Some(Err(why)) => format!("no: {why}"),
        };
        let groups = row.host.groups.join(", ");
        let user = user.unwrap_or_else(|| "-".to_owned());
        let groups = if groups.is_empty() { "-".to_owned() } else { groups };
        let row = [row.host.name.to_string(), row.host.address.clone(), groups, user, way, row.source.clone(), answers];
        row.map(|cell| escape(&cell))
    }));
    let columns = if pinged { 7 } else { 6 };
    let width = |at: usize| cells.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &[String; 7]| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    cells.iter().map(line).collect()
}

fn document(row: &Row<'_>) -> serde_json::Value {
    let Row { host, source, pinged } = row;
    let (user, way) = way(host);
    let mut document = json!({
        "host": host.name, "address": host.address, "groups": host.groups, "user": user,
        "port": host.port.or(host.connect.port), "via": way, "source": source, "drill": host.connect.drill,
    });
    if let Some(pinged) = pinged {
        document["answers"] = json!(pinged.is_ok());
        document["login"] = json!(pinged.as_ref().ok());
        document["reason"] = json!(pinged.as_ref().err());
    }
    document
}
