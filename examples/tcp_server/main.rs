//! Gateway that upgrades devices over TCP sockets in real time: one connection per device, and one ZCL frame per line
//! in both directions, in hexadecimal.
//!
//! `cargo run --release --example tcp_server -- FILE...` serves OTA files, with or without their vendors' containers;
//! `-- --help` lists the options. The first output line is `LISTENING 127.0.0.1:PORT`.

// The library has no clock, so this example reads the time and passes it on.
#![allow(clippy::disallowed_methods)]

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant as Clock};

use clap::Parser;
use tokio::net::TcpListener;
use tokio::time::timeout_at;
use zigbee_ota::ImageId;
use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::inspect::{Inspection, Severity};
use zigbee_ota::server::{
    ResponseBuffer, Server, ServerAction, ServerConfig, ServerPolicy, Session, SliceStore, StoreEntry,
    UpgradeDecision,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT};

use connections::{Network, NetworkEvent};

mod connections;
#[path = "../common/hex_lines.rs"]
mod hex_lines;
#[path = "../common/printable.rs"]
mod printable;

/// Upgrade the devices that connect.
#[derive(Parser)]
struct Options {
    /// OTA files to serve, with or without their vendors' containers
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Port to listen on; 0 takes a free port
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Send an Image Notify to each device that connects
    #[arg(long)]
    notify: bool,
    /// Maximum data size of a block in bytes, 1 to 255
    #[arg(long, value_name = "N", default_value = "255", value_parser = block)]
    max_block: NonZeroU8,
    /// Delay of the upgrade after the download, in seconds
    #[arg(long, value_name = "S", default_value_t = 0)]
    upgrade_after: u32,
    /// Minimum interval between two blocks to one device, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    period: u32,
    /// Serve files as well that no device should get, such as files with a wrong checksum
    #[arg(long)]
    force: bool,
    /// Print each event as a JSON object on its own line
    #[arg(long)]
    json: bool,
}

fn block(text: &str) -> Result<NonZeroU8, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 1 to 255")
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tcp_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let files = options.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let entries = files
        .iter()
        .zip(&options.files)
        .map(|(file, path)| entry(file, path, options.force))
        .collect::<Result<Vec<_>, _>>()?;
    let catalog = SliceStore::new(&entries)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        writeln!(io::stdout(), "LISTENING {}", listener.local_addr()?)?;
        Gateway::new(options, catalog, Network::new(listener)).serve().await
    })?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", printable::path(path)))
}

/// Returns the complete OTA file in a vendor's file. With `force`, only a file that cannot be served at all is refused.
fn entry<'a>(file: &'a [u8], path: &Path, force: bool) -> Result<StoreEntry<'a>, String> {
    let about = |reason: String| format!("{}: {reason}", printable::path(path));
    let inspection = Inspection::of(file);
    let wrong = inspection.findings().find(|finding| finding.severity == Severity::Wrong);
    match (wrong, inspection.container()) {
        (Some(wrong), None) => Err(about(wrong.to_string())),
        (Some(wrong), _) if !force => Err(about(format!("{wrong} (--force serves it all the same)"))),
        (_, container) => StoreEntry::parse(container.map_or(file, |container| container.ota))
            .map_err(|error| about(error.to_string())),
    }
}

/// Policy of the gateway; all other decisions are the defaults of the library.
struct GatewayPolicy {
    upgrade_after: u32,
}

impl ServerPolicy for GatewayPolicy {
    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        match self.upgrade_after {
            0 => UpgradeDecision::Now,
            seconds => UpgradeDecision::AfterSeconds(seconds),
        }
    }
}

struct Gateway<'a> {
    options: &'a Options,
    server: Server<Vec<Session>>,
    catalog: SliceStore<'a>,
    orders: GatewayPolicy,
    network: Network,
    start: Clock,
    out: ResponseBuffer,
}

impl<'a> Gateway<'a> {
    fn new(options: &'a Options, catalog: SliceStore<'a>, network: Network) -> Self {
        let mut config = ServerConfig::default();
        config.max_block_size = options.max_block;
        config.min_block_period = Millis(options.period);
        Self {
            options,
            server: Server::new(config, vec![Session::EMPTY; DEVICES]),
            catalog,
            orders: GatewayPolicy { upgrade_after: options.upgrade_after },
            network,
            start: Clock::now(),
            out: [0; LONGEST_TO_CLIENT],
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            let wake =
                self.server.poll_timeout().map(|at| self.start + Duration::from_millis(at.as_millis()));
            let happening = match wake {
                Some(at) => match timeout_at(at.into(), self.network.next()).await {
                    Ok(happening) => Some(happening?),
                    Err(_) => None,
                },
                None => Some(self.network.next().await?),
            };
            match happening {
                Some(NetworkEvent::Joined(device)) if self.options.notify => self.notify(device),
                Some(NetworkEvent::Frame(device, frame)) => self.handle(device, &frame),
                Some(NetworkEvent::Joined(_) | NetworkEvent::Left(_)) | None => {}
            }
            let now = self.now();
            self.server.handle_timeout(now);
            while let Some(transmit) = self.server.poll_transmit(now, &mut self.catalog, &mut self.out) {
                self.network.send(transmit.to, &self.out[..transmit.len]);
            }
            self.tell()?;
        }
    }

    fn notify(&mut self, device: Address) {
        let sent = self.server.notify(device, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut self.out);
        if let Ok(transmit) = sent {
            self.network.send(transmit.to, &self.out[..transmit.len]);
        }
    }

    fn handle(&mut self, device: Address, frame: &[u8]) {
        let (now, meta) = (self.now(), FrameMeta::unicast(device));
        let Self { server, catalog, orders, out, .. } = self;
        if let ServerAction::Reply(transmit) = server.handle_frame(now, meta, frame, catalog, orders, out) {
            self.network.send(transmit.to, &self.out[..transmit.len]);
        }
    }

    fn tell(&mut self) -> io::Result<()> {
        while let Some(event) = self.server.poll_event() {
            if self.options.json {
                writeln!(io::stdout(), "{}", serde_json::to_string(&event)?)?;
            }
        }
        Ok(())
    }
}

/// Number of sessions: as many devices as a network has.
const DEVICES: usize = 65_528;
