//! Upgrades simulated Zigbee devices to images that a provider announces over a real MQTT broker by the OTA service of
//! the Unify framework. Provider and consumer run in one process, each with its own connection to the broker.
//!
//! ```text
//! $ apt-get install mosquitto mosquitto-clients
//! $ mosquitto -p 1883 &
//! $ mosquitto_sub -v -t 'ucl/by-unid/+/+/OTA/Attributes/UIID/+/+/Reported' &
//! $ cargo run --release --example unify -- FOLDER
//! ```
//!
//! The provider announces each OTA file in FOLDER for all devices. `--devices` is the number of simulated devices for
//! each file; these devices run the next older version of the file. The broker retains the messages that
//! `mosquitto_sub` prints, so a `mosquitto_sub` that starts later prints the same messages. Exit status 0 when every
//! device runs the announced image, 1 after a timeout, 2 without a broker or files.
//!
//! The files `gateway.rs`, which connects a consumer with a server, and `mqtt_connection.rs` can be used in a real
//! gateway. A real gateway has a radio in place of `simulated_zigbee_network.rs`.

// The library has no clock, so this example reads the clock of the system and passes the time to the library.
#![allow(clippy::disallowed_methods)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use zigbee_ota::time::Millis;
use zigbee_ota::unify::DateTime;

use gateway::Gateway;
use image_provider::Folder;
use mqtt_connection::{Broker, Failure};

mod gateway;
mod image_provider;
mod mqtt_connection;
#[path = "../common/output_lines.rs"]
mod output_lines;
mod simulated_zigbee_network;
#[path = "../common/terminal_escape.rs"]
mod terminal_escape;

/// Upgrade simulated devices with the images announced over MQTT.
#[derive(Parser)]
struct Options {
    /// Folder with the OTA files to announce [default: a file that is built in memory]
    folder: Option<PathBuf>,
    /// Host and port of the MQTT broker
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883", value_parser = mqtt_connection::address)]
    broker: (String, u16),
    /// Number of simulated devices for each file
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    devices: u16,
    /// Minimum time between two blocks for a device, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 20)]
    pause: u32,
    /// Earliest time at which the devices apply the images, such as 2021-04-15T23:59:59+00:00
    #[arg(long, value_name = "MOMENT")]
    apply_after: Option<DateTime>,
    /// Timeout in seconds
    #[arg(long, value_name = "S", default_value_t = 300)]
    patience: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(left) => {
            output_lines::complain(format_args!("unify: {left} devices were not upgraded in time"));
            ExitCode::FAILURE
        }
        Err(error) => {
            output_lines::complain(format_args!("unify: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Returns the number of devices that were not upgraded.
fn run(options: &Options) -> Result<usize, Failure> {
    let folder = Folder::read(options.folder.as_deref(), options.apply_after.as_ref())?;
    let images = folder.images();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let patience = Duration::from_secs(options.patience);
        let provider = Broker::connect("unify-image-provider", &options.broker).await?;
        let consumer = Broker::connect("unify-zigbee-gateway", &options.broker).await?;
        let provided = tokio::spawn(folder.provide(provider));
        let mut gateway = Gateway::new(consumer, &images, options.devices, Millis(options.pause));
        // The program sends pending messages before it ends, even after a timeout.
        let served = tokio::time::timeout(patience, gateway.serve()).await;
        provided.abort();
        gateway.leave().await;
        served.unwrap_or(Ok(()))?;
        Ok(gateway.left())
    })
}
