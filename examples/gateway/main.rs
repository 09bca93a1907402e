//! Gateway on the tokio executor: a folder of OTA files, an operator, and devices that connect over TCP. The code of
//! the gateway is a radio (`common/tcp_network.rs`) and this file; everything else is in the module
//! `zigbee_ota::gateway`.
//!
//! `cargo run --example gateway -- FOLDER` offers the files of the folder, notices changed files, prints events as JSON
//! lines, and reads commands as JSON lines from standard input, such as `{"command":"status"}`, `{"command":"notify"}`
//! or `{"command":"cancel","client":{"network":1,"endpoint":1}}`. The first output line names the port.
//! `cargo run --example tcp_client -- 127.0.0.1:PORT` starts a device that connects to this port.

// The library has no clock, so this example reads the clock of the system and passes the time to the library.
#![allow(clippy::disallowed_methods)]

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant as Clock};

use clap::Parser;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use tokio::time::sleep_until;
use zigbee_ota::aps::{Address, FrameMeta, Transmit};
use zigbee_ota::gateway::{
    Gateway, GatewayCommand, GatewayDriver, GatewayInput, HoldPolicy, ReceiveBuffer, SessionReport,
    SessionSummary,
};
use zigbee_ota::server::{
    FolderStore, ImageStore, ServerConfig, ServerEvent, ServerIgnored, ServerPolicy, Session,
};
use zigbee_ota::time::Instant;

use print_json_lines::print;
use tcp_network::{Network, NetworkEvent};

#[path = "../common/print_json_lines.rs"]
mod print_json_lines;
#[path = "../common/stdin_lines.rs"]
mod stdin_lines;
#[path = "../common/tcp_network.rs"]
mod tcp_network;

/// Upgrade the devices that connect to the files of a folder. Commands are JSON lines on standard input.
#[derive(Parser)]
struct Options {
    /// Folder of OTA files; the gateway notices added, changed and removed files
    folder: PathBuf,
    /// Port to listen on; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Let devices wait with their upgrades until the command {"command":"release"}
    #[arg(long)]
    hold: bool,
}

/// Radio, operator, clock, images and decisions of the gateway.
struct Hub {
    network: Network,
    operator: Receiver<String>,
    start: Clock,
    images: FolderStore,
    policy: HoldPolicy,
}

impl Gateway for Hub {
    fn now(&mut self) -> Instant {
        self.start.elapsed().into()
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.network.send(transmit.to, frame);
    }

    async fn receive(&mut self, deadline: Instant, buffer: &mut ReceiveBuffer) -> Option<GatewayInput> {
        let deadline = self.start + Duration::from(deadline);
        tokio::select! {
            event = self.network.next() => Some(match event {
                NetworkEvent::Joined(device) => GatewayInput::Command(GatewayCommand::notify(Some(device))),
                NetworkEvent::Left(Address { network, .. }) => GatewayInput::Command(GatewayCommand::Forget { network }),
                NetworkEvent::Frame(device, frame, _) => GatewayInput::frame(FrameMeta::unicast(device), &frame, buffer),
            }),
            Some(line) = self.operator.recv() => {
                let command = serde_json::from_str(&line).map(GatewayInput::Command);
                command.inspect_err(|error| print(json!({"event": "bad_command", "reason": error.to_string()}))).ok()
            }
            () = sleep_until(deadline.into()) => None,
        }
    }

    fn lend<R>(&mut self, call: impl FnOnce(&mut dyn ImageStore, &mut dyn ServerPolicy) -> R) -> R {
        call(&mut self.images, &mut self.policy)
    }

    fn refresh(&mut self) -> impl Iterator<Item = GatewayCommand> + use<> {
        let changes = self.images.refresh();
        changes.iter().for_each(print);
        changes.into_iter().flat_map(|change| GatewayCommand::after_change(&change))
    }

    fn on_event(&mut self, event: &ServerEvent) {
        print(event);
    }

    fn on_ignored(&mut self, client: Address, reason: ServerIgnored) {
        print(json!({"event": "ignored", "client": client, "reason": reason.to_string()}));
    }

    fn on_dropped(&mut self, client: Address) {
        print(json!({"event": "dropped", "client": client}));
    }

    fn on_command(&mut self, command: &GatewayCommand, has_effect: bool) {
        self.policy.note_command(command);
        print(json!({"event": "executed", "command": command, "has_effect": has_effect}));
    }

    fn on_status(&mut self, summary: &SessionSummary, sessions: &mut dyn Iterator<Item = SessionReport>) {
        print(json!({"event": "status", "phases": summary, "sessions": sessions.collect::<Vec<_>>()}));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    print(json!({"event": "listening", "address": listener.local_addr()?}));
    let mut images = FolderStore::new();
    images.follow(options.folder);
    let (network, policy) = (Network::new(listener), HoldPolicy::new(options.hold));
    let mut config = ServerConfig::default();
    // The TCP connections share no radio channel, so the blocks need no spacing as background traffic.
    config.background_from = None;
    let mut hub = Hub { network, operator: stdin_lines::read(), start: Clock::now(), images, policy };
    GatewayDriver::new(config, vec![Session::EMPTY; 1000]).run(&mut hub).await
}
