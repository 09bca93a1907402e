//! Upgrades a simulated device with a firmware file: a server offers it, a client downloads it over a link that is as
//! slow and as bad as you like, stores it, checks it, counts down and switches.
//!
//! `cargo run --release --example upgrade -- --help` lists the options. Exit status 0 when the device runs the new image
//! and holds exactly the file that was served, 1 when not, 2 when there is nothing to run.

use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use zigbee_ota::client::{Outcome, Transfer};
use zigbee_ota::container::{Container, Integrity};
use zigbee_ota::file::Parts;
use zigbee_ota::server::Entry;
use zigbee_ota::time::Millis;
use zigbee_ota_sim::{End, Report, Settings, Upgrade, demonstration_file};

use authority::Trust;
use transfer::transfer;

#[path = "common/authority.rs"]
mod authority;
#[path = "common/hex.rs"]
#[expect(dead_code, reason = "other examples use all of it")]
mod hex;
#[path = "common/number.rs"]
#[expect(dead_code, reason = "other examples use all of it")]
mod number;
#[path = "common/outcome.rs"]
mod outcome;
#[path = "common/transfer.rs"]
mod transfer;
#[path = "common/trusted.rs"]
mod trusted;

/// Upgrade a simulated device over a simulated link, on virtual time.
///
/// With --ca or --signer the device refuses an image unless its signature is right by them; without, signatures are not
/// looked at. An image whose integrity code is wrong is always refused.
#[derive(Parser)]
#[command(allow_negative_numbers = true)]
struct Options {
    /// OTA file to upgrade with, in its vendor's container or without [default: one that is built in memory]
    file: Option<PathBuf>,
    /// Share of the frames that are lost, each way, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    loss: f64,
    /// Time a frame takes, each way, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=600_000))]
    latency: u32,
    /// Time the server takes for each answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=600_000))]
    server_delay: u32,
    /// The most bytes of data in a block, 1 to 255
    #[arg(long, value_name = "N", default_value = "64", value_parser = block)]
    block: NonZeroU8,
    /// How blocks are asked for: stop-and-wait, window:N, pages, pages:BYTES:MS or auto. This link carries any number of
    /// frames at once; what a radio makes of it, the example goodput measures
    #[arg(long, value_name = "HOW", default_value = "stop-and-wait", value_parser = transfer)]
    transfer: Transfer,
    /// Decides which frames are lost
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".into()),
    }
}

fn block(text: &str) -> Result<NonZeroU8, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 1 to 255")
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            return refuse(text.lines().next().unwrap_or_default().trim_start_matches("error: "));
        }
        Err(help) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
    };
    let bytes = match read(options.file.as_deref()) {
        Ok(bytes) => bytes,
        Err(reason) => return refuse(&reason),
    };
    let parts = match open(&bytes) {
        Ok(parts) => parts,
        Err(reason) => return refuse(&format!("{}: {reason}", name(options.file.as_deref()))),
    };
    let report = run(&options, &parts);
    if options.json {
        println!("{}", as_json(&parts, &report));
    } else {
        print_summary(&options, &parts, &report);
    }
    if report.identical && matches!(report.end, End::Client(Outcome::Upgraded(_))) {
        return ExitCode::SUCCESS;
    }
    eprintln!("upgrade: the device was not upgraded: {}", reason(&report));
    ExitCode::FAILURE
}

/// Nothing to run: one line, exit status 2.
fn refuse(reason: &str) -> ExitCode {
    eprintln!("upgrade: {reason}");
    ExitCode::from(2)
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| "demonstration file".into(), |path| path.display().to_string())
}

fn read(file: Option<&Path>) -> Result<Vec<u8>, String> {
    match file {
        None => Ok(demonstration_file()),
        Some(path) => std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())),
    }
}

/// The OTA file in what a vendor ships, if all of it is there.
fn open(bytes: &[u8]) -> Result<Parts<'_>, String> {
    let container = Container::open(bytes).map_err(|error| error.to_string())?;
    if let Integrity::SumFailed { offset } = container.integrity {
        return Err(format!("{} container: the sum at byte {offset} does not match", container.kind));
    }
    Parts::parse(container.ota).map_err(|error| error.to_string())
}

fn run(options: &Options, parts: &Parts<'_>) -> Report {
    let settings = Settings {
        loss: options.loss,
        latency: Millis(options.latency),
        server_delay: Millis(options.server_delay),
        block: options.block,
        transfer: options.transfer,
        seed: options.seed,
        ..Settings::default()
    };
    let bar = if options.json { ProgressBar::hidden() } else { ProgressBar::new(parts.file.len() as u64) };
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes}/{total_bytes}")
            .expect("a fixed template"),
    );
    let entries = [Entry::from(parts)];
    let good = |flash: &[u8]| {
        trusted::check(&options.trust, flash)
            .inspect_err(|reason| eprintln!("upgrade: the device refuses the image: {reason}"))
            .is_ok()
    };
    let world = Upgrade::new(&entries, parts, &settings).checked_by(&good);
    let report = world.run(|received| bar.set_position(u64::from(received)));
    bar.finish_and_clear();
    report
}

fn as_json(parts: &Parts<'_>, report: &Report) -> serde_json::Value {
    let id = parts.header.id;
    json!({
        "identical": report.identical,
        "manufacturer_code": id.manufacturer.0,
        "image_type": id.image_type.0,
        "file_version": id.version.0,
        "bytes": parts.file.len(),
        "blocks": report.blocks,
        "frames_to_server": report.frames_to_server,
        "frames_to_client": report.frames_to_client,
        "requests_repeated": report.requests_repeated,
        "simulated_ms": report.simulated.0,
        "goodput_bytes_per_s": report.goodput(parts.file.len()),
        "outcome": reason(report),
    })
}

fn print_summary(options: &Options, parts: &Parts<'_>, report: &Report) {
    let id = parts.header.id;
    let elements = match parts.elements() {
        Ok(elements) => format!("{} sub-elements", elements.count()),
        Err(error) => format!("served as it is: {error}"),
    };
    println!("file: {} ({elements})", name(options.file.as_deref()));
    println!("image: {id}, version {}", id.version);
    println!("bytes: {}", parts.file.len());
    if !parts.after.is_empty() {
        println!("not served: {} bytes after the image", parts.after.len());
    }
    println!("blocks: {}", report.blocks);
    println!("frames: {} to the server, {} to the client", report.frames_to_server, report.frames_to_client);
    println!("requests sent again: {}", report.requests_repeated);
    println!("simulated time: {:.3} s", f64::from(report.simulated.0) / 1000.0);
    println!(
        "goodput: {:.0} bytes/s from the first block request to the last block",
        report.goodput(parts.file.len())
    );
    println!("identical: {}", if report.identical { "yes" } else { "no" });
    println!("outcome: {}", reason(report));
}

/// The end in one word, for scripts.
fn reason(report: &Report) -> &'static str {
    match report.end {
        End::Stalled => "stalled",
        End::Client(outcome) => outcome::word(outcome),
    }
}
