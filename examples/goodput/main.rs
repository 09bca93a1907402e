//! Goodput measurement: simulates all transfer modes, writes the goodput table, and draws the table.
//!
//! - `cargo run --release --example goodput > examples/goodput/goodput.tsv` measures and writes the table.
//! - `-- --fleet` measures the upgrades of up to a thousand devices on one channel. An Image Notify by broadcast with a
//!   query jitter starts the upgrades.
//! - `-- --switches` measures the latency of light switches while many devices upgrade, and prints the table
//!   `light_switch_latency.tsv`.
//! - `-- --picture-of-switches FILE.svg` draws the committed table `light_switch_latency.tsv` without a measurement.
//! - `-- --fragments` measures the goodput by block size with APS fragmentation, and prints the table `aps_fragments.tsv`.
//! - `-- --picture-of-fragments FILE.svg` draws the committed table `aps_fragments.tsv` without a measurement.
//! - `-- --sleepy` measures the goodput and the energy of sleepy devices, and prints the table `sleepy_devices.tsv`.
//! - `-- --picture-of-sleepy FILE.svg` draws the committed table `sleepy_devices.tsv` without a measurement.
//! - `-- --impairments` measures the goodput with bursts of loss and with slow or peculiar servers, and prints the table
//!   `loss_and_server_impairments.tsv`.
//! - `-- --picture-of-impairments FILE.svg` draws the committed table `loss_and_server_impairments.tsv` without a
//!   measurement.
//! - `-- --picture FILE.svg` draws the committed table `goodput.tsv` without a measurement.
//!
//! The table compares each goodput with the goodput of an oracle: a client of the same mode on the same channel, which
//! learns of each lost frame at the moment of the loss. The simulation is in `tests/crates/sim`: a shared radio channel
//! with carrier sensing, collisions and relays, the real server, the real client, and flash that takes 2 ms for a block
//! of 64 bytes.

mod aps_fragments_plot;
mod goodput_plot;
mod light_switch_latency_plot;
mod loss_and_server_impairments_plot;
#[path = "../common/output_lines.rs"]
mod output_lines;
mod plot_heading;
mod sleepy_devices_plot;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use indicatif::ProgressBar;
use zigbee_ota_sim::{
    Fleet, aps_fragment_table, goodput_table, light_switch_latency_table, loss_and_server_impairment_table,
    sleepy_device_table,
};

/// Committed table of the last measurement of the goodput.
const TABLE: &str = include_str!("goodput.tsv");

/// Committed table of the last measurement of the latency of light switches.
const SWITCHES: &str = include_str!("light_switch_latency.tsv");

/// Committed table of the last measurement of the goodput by block size.
const FRAGMENTS: &str = include_str!("aps_fragments.tsv");

/// Goodput and energy of sleepy devices as last measured.
const SLEEPY: &str = include_str!("sleepy_devices.tsv");

/// Goodput with impairments as last measured.
const IMPAIRMENTS: &str = include_str!("loss_and_server_impairments.tsv");

/// Measure or draw the goodput of all transfer modes.
#[derive(Parser)]
struct Options {
    /// Draw the last measured table of the goodput as SVG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Measure the upgrades of up to a thousand devices with one server, which one broadcast starts, and print the
    /// durations
    #[arg(long, conflicts_with = "picture")]
    fleet: bool,
    /// Measure the latency of light switches while 100 devices upgrade
    #[arg(long, conflicts_with_all = ["picture", "fleet"])]
    switches: bool,
    /// Draw the last measured latencies of light switches as SVG
    #[arg(long, value_name = "FILE", conflicts_with_all = ["picture", "fleet", "switches"])]
    picture_of_switches: Option<PathBuf>,
    /// Measure the goodput by block size, with APS fragmentation
    #[arg(long, conflicts_with_all = ["picture", "fleet", "switches", "picture_of_switches"])]
    fragments: bool,
    /// Draw the last measured goodput by block size as SVG
    #[arg(long, value_name = "FILE", conflicts_with_all = ["picture", "fleet", "switches", "picture_of_switches", "fragments"])]
    picture_of_fragments: Option<PathBuf>,
    /// Measure the goodput and the energy of sleepy devices
    #[arg(long, conflicts_with_all = ["picture", "fleet", "switches", "picture_of_switches", "fragments"])]
    sleepy: bool,
    /// Draw the last measured goodput and energy of sleepy devices as SVG
    #[arg(long, value_name = "FILE", conflicts_with_all = ["picture", "fleet", "switches", "fragments", "sleepy"])]
    picture_of_sleepy: Option<PathBuf>,
    /// Measure the goodput with bursts of loss and with servers that pace, drop requests or number their answers
    #[arg(long, conflicts_with_all = ["picture", "fleet", "switches", "picture_of_switches", "fragments", "sleepy"])]
    impairments: bool,
    /// Draw the last measured goodput with impairments as SVG
    #[arg(long, value_name = "FILE", conflicts_with_all = ["picture", "fleet", "switches", "fragments", "sleepy", "impairments"])]
    picture_of_impairments: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output_lines::complain(format_args!("goodput: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(file) = &options.picture {
        return drawn(file, goodput_plot::draw(&goodput_table::read(TABLE), file));
    }
    if let Some(file) = &options.picture_of_switches {
        return drawn(
            file,
            light_switch_latency_plot::draw(&light_switch_latency_table::read(SWITCHES), file),
        );
    }
    if let Some(file) = &options.picture_of_fragments {
        return drawn(file, aps_fragments_plot::draw(&aps_fragment_table::read(FRAGMENTS), file));
    }
    if let Some(file) = &options.picture_of_sleepy {
        return drawn(file, sleepy_devices_plot::draw(&sleepy_device_table::read(SLEEPY), file));
    }
    if options.sleepy {
        let lines = sleepy_device_table::lines();
        let measured = with_bar(lines.len(), |bar| sleepy_device_table::measure(lines, || bar.inc(1)));
        output_lines::write(&sleepy_device_table::write(&measured));
        return Ok(());
    }
    if let Some(file) = &options.picture_of_impairments {
        return drawn(
            file,
            loss_and_server_impairments_plot::draw(
                &loss_and_server_impairment_table::read(IMPAIRMENTS),
                file,
            ),
        );
    }
    if options.impairments {
        let lines = loss_and_server_impairment_table::lines();
        let measured =
            with_bar(lines.len(), |bar| loss_and_server_impairment_table::measure(lines, || bar.inc(1)));
        output_lines::write(&loss_and_server_impairment_table::write(&measured));
        return Ok(());
    }
    if options.fragments {
        let lines = aps_fragment_table::lines();
        let measured = with_bar(lines.len(), |bar| aps_fragment_table::measure(lines, || bar.inc(1)));
        output_lines::write(&aps_fragment_table::write(&measured));
        return Ok(());
    }
    if options.switches {
        output_lines::write(&light_switch_latency_table::write(&light_switch_latency_table::measure()));
        return Ok(());
    }
    if options.fleet {
        fleet();
        return Ok(());
    }
    let lines = goodput_table::lines();
    let measured = with_bar(lines.len(), |bar| goodput_table::measure(lines, || bar.inc(1)));
    output_lines::write(&goodput_table::write(&measured).to_string());
    Ok(())
}

/// Shows a progress bar of `count` steps during `measure`, which moves the bar.
fn with_bar<T>(count: usize, measure: impl FnOnce(&ProgressBar) -> T) -> T {
    let bar = ProgressBar::new(count as u64);
    let measured = measure(&bar);
    bar.finish_and_clear();
    measured
}

/// Adds the name of the file to the error of a picture.
fn drawn(
    file: &Path,
    result: Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    result.map_err(|error| format!("{}: {error}", file.to_string_lossy().escape_debug()).into())
}

/// Measures the upgrades of several numbers of devices, each with several values of the query jitter.
fn fleet() {
    output_lines::line(format_args!(
        "{:>7} {:>6} {:>8} {:>9} {:>9} {:>9}",
        "devices", "jitter", "at once", "half, s", "90 %, s", "all, s"
    ));
    for devices in [10, 100, 1000] {
        for jitter in [5, 25, 100] {
            let fleet = Fleet { devices, jitter, bytes: 2000 }.upgrade(1);
            let [half, most, all] = [0.5, 0.9, 1.0].map(|share| fleet.after(share));
            output_lines::line(format_args!(
                "{devices:>7} {jitter:>6} {:>8} {half:>9.1} {most:>9.1} {all:>9.1}",
                fleet.at_once
            ));
        }
    }
}
