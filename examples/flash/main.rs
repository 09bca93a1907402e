//! Stores images in NOR flash: word by word, each written once, and whatever happens to the power.
//!
//! `cargo run --release --example flash` upgrades a device in simulation with the power failing in the middle of every
//! single write and erasure, one after the other, and then with power that never lasts for much more than a sector:
//! with flash that blocks, with flash that does not, and on a device that keeps the firmware alone. Exit status 0 when
//! each of these upgrades left exactly the image in flash, 1 when one did not, 2 when the command line is wrong.
//!
//! To take over into firmware: `device.rs`, which is the same for both kinds of flash, with `kept.rs` (what is kept and
//! where), `check.rs` and `settings.rs` (what is remembered and how), and one half of `drive.rs`.

use std::process::ExitCode;

use clap::Parser;

use power_cut_test::{Report, Upgraded, Variant, try_out};

mod device;
mod flash_drivers;
mod power_cut_test;
mod read_back_check;
mod settings_store;
mod simulated_server;
mod slot_layout;

/// Upgrade a simulated device whose power fails.
#[derive(Parser)]
struct Options {
    /// Bytes of the file
    #[arg(long, value_name = "BYTES", default_value_t = 20_001, value_parser = size)]
    size: usize,
    /// At how many operations the power fails, a number or `all`
    #[arg(long, value_name = "N", default_value = "all", value_parser = cuts)]
    cuts: Cuts,
}

/// `None` is all.
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
        Ok(size) if (simulated_server::LEAST + 1..=1 << 20).contains(&size) => Ok(size),
        _ => Err(format!("expected a whole number from {} to {}", simulated_server::LEAST + 1, 1 << 20)),
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
            Ok(report) => println!("{name}: {}", line(&report)),
            Err(broken) => {
                good = false;
                println!("{name}: identical: no: {broken:?}");
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(report: &Report) -> String {
    let Report { bytes, kept, smooth, failures, again, short_lives } = report;
    let Upgraded { blocks, erases, writes, answered, .. } = smooth;
    let busy = match answered {
        0 => String::new(),
        answered => format!("{answered} questions answered while flash was busy; "),
    };
    format!(
        "{bytes} bytes in {blocks} blocks, {kept} bytes kept; {erases} erases, {writes} words; {busy}\
         {failures} power cuts survived, at most {again} blocks fetched again; {short_lives} starts where power \
         hardly lasts; identical: yes"
    )
}
