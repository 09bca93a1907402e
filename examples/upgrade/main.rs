//! Simulated upgrade of one device. A server offers a file; a client downloads the file over a simulated radio channel
//! or link, stores and verifies the file, waits for the upgrade time, and switches to the new image.
//!
//! `cargo run --release --example upgrade -- --help` lists the options. Exit status 0 when the device runs the new
//! image and has exactly the served file in flash, 1 when not, 2 when there is no upgrade to simulate.

mod compare_modes;
mod radio_link_options;
mod report;

use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::server::StoreEntry;
use zigbee_ota_sim::simulation::{DeviceSettings, HostSettings, PowerCut, Report, Settings, Simulation};
use zigbee_ota_sim::{Micros, demonstration_file};

use radio_link_options::Link;
use transfer_mode_args::TransferArgs;
use trust_args::Trust;

#[path = "../common/download_verification.rs"]
mod download_verification;
#[path = "../common/hex_lines.rs"]
#[expect(dead_code, reason = "other examples use all of it")]
mod hex_lines;
#[path = "../common/number_args.rs"]
#[expect(dead_code, reason = "other examples use all of it")]
mod number_args;
#[path = "../common/outcome_words.rs"]
mod outcome_words;
#[path = "../common/output_lines.rs"]
mod output_lines;
#[path = "../common/terminal_escape.rs"]
mod terminal_escape;
#[path = "../common/transfer_mode_args.rs"]
mod transfer_mode_args;
#[path = "../common/trust_args.rs"]
mod trust_args;

/// Time that the flash of the device needs to write a block.
const WRITE: Micros = 2000;

/// Upgrade a simulated device over a simulated radio channel or link, in virtual time.
///
/// With --ca or --signer, the device accepts only images with a valid signature by these signers; without these
/// options, it ignores signatures. The device always refuses an image with a wrong integrity code.
#[derive(Parser)]
#[command(allow_negative_numbers = true)]
struct Options {
    /// OTA file to upgrade with, with or without its vendor's container [default: a file built in memory]
    file: Option<PathBuf>,
    #[command(flatten)]
    link: Link,
    /// Processing time of the server for each response, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=600_000))]
    server_delay: u32,
    /// Maximum data size of a block in bytes that the device accepts, 1 to 255
    #[arg(long, value_name = "N", default_value = "64", value_parser = block)]
    block: NonZeroU8,
    #[command(flatten)]
    how: TransferArgs,
    /// Cut the power once when this percentage of the file is stored; the device resumes from its checkpoint
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    cut_power_at: Option<u8>,
    /// Seed of all random decisions
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    trust: Trust,
    /// Simulate one upgrade with each transfer mode on this link, and compare each with an oracle: a client that learns
    /// of each lost frame at once
    #[arg(long)]
    compare: bool,
    /// Also transfer a file that no device should get, such as a file with a wrong checksum
    #[arg(long)]
    force: bool,
    /// Print one JSON object and nothing else; with --compare an array
    #[arg(long)]
    json: bool,
}

fn block(text: &str) -> Result<NonZeroU8, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 1 to 255")
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let said: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            return refuse(said.join(" ").trim_start_matches("error: "));
        }
        Err(help) => {
            output_lines::write(&format!("{help}"));
            return ExitCode::SUCCESS;
        }
    };
    let bytes = match read(options.file.as_deref()) {
        Ok(bytes) => bytes,
        Err(reason) => return refuse(&reason),
    };
    let parts = match open(&bytes, options.force) {
        Ok(parts) => parts,
        Err(reason) => return refuse(&format!("{}: {reason}", name(options.file.as_deref()))),
    };
    let done = if options.compare {
        compare_modes::run(&options, &parts)
    } else {
        upgrade(&options, &parts, options.how.transfer())
            .map(|report| report::tell(&options, &parts, &report))
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => refuse(&reason),
    }
}

/// Prints the reason why there is no upgrade to simulate, and returns exit status 2.
fn refuse(reason: &str) -> ExitCode {
    output_lines::complain(format_args!("upgrade: {reason}"));
    ExitCode::from(2)
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| "demonstration file".into(), terminal_escape::path)
}

fn read(file: Option<&Path>) -> Result<Vec<u8>, String> {
    match file {
        None => Ok(demonstration_file()),
        Some(path) => {
            std::fs::read(path).map_err(|error| format!("{}: {error}", terminal_escape::path(path)))
        }
    }
}

/// Returns the OTA file in a vendor's file, or an error for a file that no device should get. With `force`, the
/// function refuses only a file that a server cannot serve at all.
fn open(bytes: &[u8], force: bool) -> Result<SplitFile<'_>, String> {
    let inspection = Inspection::of(bytes);
    let wrong = inspection.findings().find(|finding| finding.severity == Severity::Wrong);
    match (wrong, inspection.container()) {
        (Some(wrong), None) => Err(wrong.to_string()),
        (Some(wrong), _) if !force => Err(format!("{wrong} (--force transfers the file all the same)")),
        (_, container) => {
            let ota = container.map_or(bytes, |container| container.ota);
            SplitFile::parse(ota).map_err(|error| error.to_string())
        }
    }
}

/// Simulates one upgrade with a transfer mode.
fn upgrade(options: &Options, parts: &SplitFile<'_>, transfer: TransferMode) -> Result<Report, String> {
    let block = options.block.get();
    let mut settings = Settings::new(parts);
    settings.seed = options.seed;
    settings.net = options.link.settings(block);
    settings.device = DeviceSettings { write: WRITE, ..DeviceSettings::default() };
    settings.host =
        HostSettings { delay: Micros::from(options.server_delay) * 1000, ..HostSettings::default() };
    settings.client.transfer = transfer;
    settings.client.max_block_size = options.block;
    settings.client.max_file_size = u32::MAX;
    if let Some(percent) = options.cut_power_at {
        let blocks = parts.file.len().div_ceil(block.into()) * usize::from(percent) / 100;
        let blocks = u32::try_from(blocks.max(1)).map_err(|_| "the file is too long to count its blocks")?;
        settings.cuts.push((1, PowerCut::Block(blocks)));
    }
    let bar = if options.json { ProgressBar::hidden() } else { ProgressBar::new(parts.file.len() as u64) };
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes}/{total_bytes}")
            .expect("a fixed template"),
    );
    let entries = [StoreEntry::new(parts)];
    let good = |flash: &[u8]| {
        download_verification::check(&options.trust, flash)
            .inspect_err(|reason| {
                output_lines::complain(format_args!("upgrade: the device refuses the image: {reason}"))
            })
            .is_ok()
    };
    let world = Simulation::new(&settings, &entries).checked_by(&good);
    let report = world.run_telling(|stored| bar.set_position(stored));
    bar.finish_and_clear();
    Ok(report)
}
