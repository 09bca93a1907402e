//! How fast a file gets to a device, by each way to transfer: measures the table of goodput in the simulation, and draws it.
//!
//! - `cargo run --release --example goodput > examples/goodput/goodput.tsv` measures, and writes the table.
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
    /// Draw the table as it was measured last, as SVG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("goodput: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(file) = &options.picture {
        picture::draw(&table::read(TABLE), file).map_err(|error| format!("{}: {error}", file.display()))?;
        return Ok(());
    }
    let bar = ProgressBar::new(table::lines().len() as u64);
    let measured = table::measure(|| bar.inc(1));
    bar.finish_and_clear();
    print!("{}", table::write(&measured));
    Ok(())
}
