//! How fast a file gets to a device, by each way to transfer: measures the table of goodput in the simulation, and draws it.
//!
//! - `cargo run --release --example goodput` measures and prints the table. It takes minutes.
//! - `-- --check FILE` measures, and fails where FILE says something else.
//! - `-- --picture FILE.svg` draws `goodput.tsv`, beside this source, without measuring.
//!
//! The world is in `tests/sim`: a shared radio channel with carrier sensing, collisions and relays, a server on the real
//! library, a client on the real library, flash that takes 2 ms for a block of 64 bytes.

mod picture;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use indicatif::ProgressBar;
use zigbee_ota_sim::table;

/// As it was measured last.
const TABLE: &str = include_str!("goodput.tsv");

/// Measure or draw how fast a file gets to a device.
#[derive(Parser)]
struct Options {
    /// Compare with this table instead of printing, and fail where they differ
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Draw the table as it was measured last, as SVG
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    picture: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("goodput: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if let Some(file) = &options.picture {
        picture::draw(&table::read(TABLE), file).map_err(|error| format!("{}: {error}", file.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = match &options.check {
        None => None,
        Some(file) => {
            Some(std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?)
        }
    };
    let bar = ProgressBar::new(table::lines().len() as u64);
    let measured = table::write(&table::measure(|| bar.inc(1)));
    bar.finish_and_clear();
    let Some(wanted) = wanted else {
        print!("{measured}");
        return Ok(ExitCode::SUCCESS);
    };
    let differences: Vec<_> =
        measured.lines().zip(wanted.lines()).filter(|(now, then)| now != then).collect();
    for (now, then) in &differences {
        println!("was {then}\nis  {now}");
    }
    let same = differences.is_empty() && measured.lines().count() == wanted.lines().count();
    println!("{}", if same { "the table stands" } else { "the table does not stand any more" });
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
