//! The results, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::measure::Figures;
use crate::workload::Workload;

/// What is at the floor.
pub const FLOOR: &str = "floor";

/// All rounds of one contender.
pub struct Row {
    name: &'static str,
    rounds: BTreeMap<usize, Figures>,
}

impl Row {
    pub fn new(name: &'static str) -> Self {
        Self { name, rounds: BTreeMap::new() }
    }

    pub fn add(&mut self, round: usize, figures: Figures) {
        self.rounds.insert(round, figures);
    }

    fn walls(&self) -> Vec<f64> {
        self.rounds.values().map(|figures| figures.wall.as_secs_f64()).collect()
    }

    /// By the floor of the same round.
    fn ratios(&self, floor: &Self) -> Vec<f64> {
        let ratio = |(round, figures): (&usize, &Figures)| {
            Some(figures.wall.as_secs_f64() / floor.rounds.get(round)?.wall.as_secs_f64())
        };
        self.rounds.iter().filter_map(ratio).collect()
    }

    fn cpus(&self) -> Vec<f64> {
        self.rounds.values().map(|figures| figures.cpu.as_secs_f64()).collect()
    }

    fn peaks(&self) -> Vec<f64> {
        self.rounds.values().map(|figures| mib(figures.peak)).collect()
    }

    fn forks(&self) -> Vec<f64> {
        self.rounds.values().map(|figures| f64::from(u32::try_from(figures.forks).unwrap_or(u32::MAX))).collect()
    }
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

fn span(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
}

/// A Markdown table.
pub fn text(rows: &[Row]) -> String {
    let mut text = String::from(
        "| | rounds | wall s | x floor | from - to | cpu s | own peak MiB | forks |\n|---|---|---|---|---|---|---|---|\n",
    );
    let Some(floor) = rows.iter().find(|row| row.name == FLOOR) else { return text };
    for row in rows {
        let ratios = row.ratios(floor);
        let (low, high) = span(&ratios);
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {low:.2} - {high:.2} | {:.2} | {:.0} | {:.0} |",
            row.name,
            row.rounds.len(),
            median(&row.walls()),
            median(&ratios),
            median(&row.cpus()),
            median(&row.peaks()),
            median(&row.forks()),
        );
    }
    text
}

/// Every round, and the medians.
pub fn json(work: &Workload, rows: &[Row]) -> serde_json::Value {
    let floor = rows.iter().find(|row| row.name == FLOOR);
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            let ratios = floor.map(|floor| row.ratios(floor)).unwrap_or_default();
            serde_json::json!({
                "contender": row.name,
                "wall_seconds": row.walls(),
                "ratios": ratios,
                "cpu_seconds": row.cpus(),
                "peak_mib": row.peaks(),
                "forks": row.forks(),
                "median": { "wall_seconds": median(&row.walls()), "ratio": median(&ratios) },
            })
        })
        .collect();
    serde_json::json!({
        "workload": work.name, "title": work.title, "hosts": work.hosts, "steps": work.steps(), "rows": rows,
    })
}
