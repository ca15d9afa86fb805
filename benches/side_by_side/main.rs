//! Refloat beside the floor and its peers, on a farm of real sshds that it makes itself.
//!
//! The floor is what a program must at least do that opens a channel of one OpenSSH connection for every command, with
//! nothing written down and nothing guarded ([`floor`]). Contenders run in turns within one call, every run cold, and what
//! they did is looked up on the hosts afterwards ([`farm`]). A wall time by itself says little on a busy machine: read the
//! ratio to the floor of the same round.
//!
//! `cargo bench --bench side_by_side -- --help`, or `make bench` for all of it.

mod contender;
mod farm;
mod floor;
mod measure;
mod quorum;
mod table;
mod workload;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use contender::Contender;
use farm::Farm;
use measure::Figures;
use table::Row;
use workload::{Kind, Workload};

/// Times refloat beside the unguarded floor and its peers on real sshds.
#[derive(Parser)]
struct Args {
    /// Which workloads; all of them when none is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds of each workload. The slow peers have one.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A folder with the programs of the peers, such as a virtual environment's `bin`; what is not there is left out.
    #[arg(long, default_value = "target/peers/bin")]
    peers: PathBuf,
    /// The results as JSON go here.
    #[arg(long, default_value = "target/bench/side-by-side.json")]
    json: PathBuf,
    /// Where the farm and all files of the runs are; it is removed at the end.
    #[arg(long, default_value = "/tmp/refloat-bench")]
    dir: PathBuf,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What this program does when it is started by itself.
#[derive(Subcommand)]
enum Part {
    /// All rounds, inside the farm's network.
    #[command(hide = true)]
    Inside,
    /// The floor: each step on all hosts, then the next.
    #[command(hide = true)]
    Floor(floor::FloorArgs),
}

fn main() {
    let args = Args::parse();
    match &args.part {
        None => outside(&args),
        Some(Part::Inside) => inside(&args),
        Some(Part::Floor(floor)) => floor::main(floor),
    }
}

/// Makes the farm, starts this program again inside its network, and takes the farm down.
fn outside(args: &Args) {
    let works = workload::chosen(&args.only);
    let hosts = works.iter().map(|work| work.hosts).max().unwrap_or(1);
    let (farm, room) = (Farm::up(&args.dir, hosts), farm::Neighbours::room());
    let done = farm.inside(std::env::args().skip(1));
    drop((farm, room));
    std::process::exit(done);
}

fn inside(args: &Args) {
    let farm = Farm::of(&args.dir);
    let contenders = contender::all(&args.peers);
    let missing: Vec<&str> = contenders.iter().filter(|c| !c.is_here()).map(Contender::name).collect();
    if !missing.is_empty() {
        println!("not here, so not measured: {}\n", missing.join(", "));
    }
    let mut results = Vec::new();
    for work in workload::chosen(&args.only) {
        println!("{}: {} ({} hosts)", work.name, work.title, work.hosts);
        if work.kind == Kind::Check {
            quorum::play(&farm, &Farm::hosts(work.hosts));
        }
        let rows = measured(&farm, &contenders, &work, args.rounds);
        println!("{}", table::text(&rows));
        results.push(table::json(&work, &rows));
    }
    let text = serde_json::to_string_pretty(&serde_json::json!({ "workloads": results })).expect("JSON");
    std::fs::create_dir_all(args.json.parent().expect("a folder")).expect("a folder");
    std::fs::write(&args.json, text + "\n").expect("writing the results");
    println!("as JSON: {}", args.json.display());
}

/// All rounds of a workload: in each every contender once, another one first each time.
fn measured(farm: &Farm, contenders: &[Contender], work: &Workload, rounds: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = contenders
        .iter()
        .filter(|contender| contender.is_here() && contender.takes(work))
        .map(|contender| Row::new(contender.name()))
        .collect();
    let taking: Vec<&Contender> = contenders.iter().filter(|c| c.is_here() && c.takes(work)).collect();
    for round in 0..rounds {
        for n in 0..taking.len() {
            let at = (n + round) % taking.len();
            if taking[at].is_slow() && round > 0 {
                continue;
            }
            let figures = once(farm, taking[at], work);
            rows[at].add(round, figures);
        }
    }
    rows
}

/// One cold run, checked on the hosts.
fn once(farm: &Farm, contender: &Contender, work: &Workload) -> Figures {
    if work.kind == Kind::FileAgain {
        // the same once before, so that there is nothing to change
        let before = Workload { kind: Kind::File, ..work.clone() };
        measure::run(contender.prepare(farm, &before).command(), &farm.log(contender.name()));
    }
    let prepared = contender.prepare(farm, work);
    let figures = measure::run(prepared.command(), &farm.log(contender.name()));
    farm.verify(work, contender.name());
    figures
}
