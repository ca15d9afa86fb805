//! `refloat drill --history`, and the table after several drills.

use std::path::Path;

use crate::base::exit::Exit;
use crate::lab::drill::{History, Times};
use crate::report::escape;

use super::super::args::{Common, DrillArgs, Format, Output};
use super::{Todo, name};

/// Shows how long recoveries took until now.
pub fn run(args: &DrillArgs, common: &Common, state: &Path) -> Exit {
    let history = match History::load(state) {
        Ok(history) => history,
        Err(error) => {
            super::super::show::error(format!("the history of drills: {error}"));
            return Exit::Unreachable;
        }
    };
    let wanted = |times: &Times| {
        let named = |path: &std::path::PathBuf| path.display().to_string().contains(times.drill.as_str());
        args.files.is_empty() || args.files.iter().any(named)
    };
    let times: Vec<Times> = history.times().into_iter().filter(wanted).collect();
    let format = if common.output == Output::Json { Format::Json } else { args.format };
    match format {
        Format::Json => super::super::show::json(&times.iter().map(json).collect()),
        Format::Markdown => out!("{}", markdown(&times)),
        Format::Text if times.is_empty() => outln!("There were no drills yet."),
        Format::Text => out!("{}", text(&times)),
    }
    Exit::Ok
}

/// The table of the drills that were made just now.
pub fn print(state: &Path, todo: &[Todo]) {
    let Ok(history) = History::load(state) else { return };
    let of = |one: &Todo| history.of(&one.drill.name.value, &one.case.name.value);
    let times: Vec<Times> = todo.iter().filter_map(of).collect();
    if !times.is_empty() {
        out!("\n{}", text(&times));
    }
}

fn seconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1} s"))
}

fn rows(times: &[Times]) -> Vec<[String; 4]> {
    let row = |times: &Times| {
        let count = format!("{} of {}", times.as_expected, times.drills);
        [name(&times.drill, &times.variant), seconds(times.p50), seconds(times.p95), count]
    };
    times.iter().map(row).collect()
}

const HEAD: [&str; 4] = ["drill", "p50", "p95", "as expected"];

fn text(times: &[Times]) -> String {
    let rows = rows(times);
    let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or_default();
    let line = |row: [&str; 4]| format!("{:width$}  {:>8}  {:>8}  {:>11}\n", row[0], row[1], row[2], row[3]);
    let head = line(HEAD);
    rows.iter().fold(head, |all, row| all + &escape_line(&line([&row[0], &row[1], &row[2], &row[3]])))
}

fn escape_line(line: &str) -> String {
    format!("{}\n", escape(line.trim_end_matches('\n')))
}

fn markdown(times: &[Times]) -> String {
    let line = |row: [String; 4]| format!("| {} |", row.join(" | "));
    let cells = |row: [String; 4]| row.map(|cell| escape(&cell).replace('|', r"\|"));
    let rows = rows(times).into_iter().map(|row| line(cells(row)));
    let head = [line(HEAD.map(str::to_owned)), "|---|---|---|---|".to_owned()];
    head.into_iter().chain(rows).fold(String::new(), |all, line| all + &line + "\n")
}

fn json(times: &Times) -> serde_json::Value {
    serde_json::json!({
        "drill": times.drill, "variant": times.variant, "drills": times.drills, "as_expected": times.as_expected,
        "p50_seconds": times.p50, "p95_seconds": times.p95,
    })
}
