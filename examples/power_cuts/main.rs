//! Power cut test of the storage of an image in NOR flash. The test also checks that each word of flash is written only
//! once after an erasure.
//!
//! `cargo run --release --example power_cuts` upgrades a simulated device once for every single write and erasure, with
//! a power failure in the middle of this operation. In further upgrades, the power fails again and again, each time
//! soon after the device has downloaded another sector. Each test runs with three devices: with blocking flash, with
//! asynchronous flash, and with only the firmware kept in flash. Exit status 0 when each upgrade left exactly the image
//! in flash, 1 when an upgrade did not, 2 when the command line is wrong.
//!
//! The file `device_run.rs` is the device: a board for each kind of flash, with the drivers of the module
//! `zigbee_ota::device`. The example `device` shows a device without such a test.

use std::process::ExitCode;

use clap::Parser;

use power_cut_test::{Report, Upgraded, Variant, try_out};

mod device_run;
#[path = "../common/output_lines.rs"]
mod output_lines;
mod power_cut_test;
mod sample_file;

/// Upgrade a simulated device whose power fails.
#[derive(Parser)]
struct Options {
    /// Size of the file in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 20_001, value_parser = size)]
    size: usize,
    /// Number of upgrades with one power failure, each at another flash operation, or `all`
    #[arg(long, value_name = "N", default_value = "all", value_parser = cuts)]
    cuts: Cuts,
}

/// Number of upgrades with one power failure; `None` means one upgrade for each flash operation.
#[derive(Clone, Copy)]
struct Cuts(Option<u64>);

fn cuts(text: &str) -> Result<Cuts, &'static str> {
    match text {
        "all" => Ok(Cuts(None)),
        text => text.parse().map(|most| Cuts(Some(most))).map_err(|_| "expected a whole number or `all`"),
    }
}

fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (sample_file::LEAST + 1..=1 << 20).contains(&size) => Ok(size),
        _ => Err(format!("expected a whole number from {} to {}", sample_file::LEAST + 1, 1 << 20)),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut good = true;
    for (name, variant) in [
        ("blocking", Variant::Blocking),
        ("async", Variant::Asynchronous),
        ("element 0x0000 alone", Variant::Firmware),
    ] {
        match try_out(variant, options.size, options.cuts.0) {
            Ok(report) => output_lines::line(format_args!("{name}: {}", line(&report))),
            Err(broken) => {
                good = false;
                output_lines::line(format_args!("{name}: identical: no: {broken:?}"));
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(report: &Report) -> String {
    let Report { bytes, kept, smooth, failures, again, short_starts } = report;
    let Upgraded { blocks, erases, writes, answered, .. } = smooth;
    let busy = match answered {
        0 => String::new(),
        answered => format!("{answered} questions answered while flash was busy; "),
    };
    format!(
        "{bytes} bytes in {blocks} blocks, {kept} bytes kept; {erases} erases, {writes} words; {busy}\
         {failures} power cuts survived, at most {again} blocks fetched again; {short_starts} starts where power \
         hardly lasts; identical: yes"
    )
}
