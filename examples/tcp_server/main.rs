//! Gateway that upgrades devices over TCP sockets in real time: one connection per device, and one ZCL frame per line
//! in both directions, in hexadecimal.
//!
//! `cargo run --release --example tcp_server -- FILE...` serves OTA files, with or without their vendors' containers.
//! If an argument is a folder, the gateway serves all files of the folder, and notices changed files. `-- --help` lists
//! the options. The command `help` on standard input lists the commands. The first output line is
//! `LISTENING 127.0.0.1:PORT`. The following lines are events and answers to commands.
//!
//! ```text
//! sockets --NetworkEvent--+                                   +--> sockets, a few frames for each device
//! standard input --line---+--> Gateway: Server, FolderStore --+--> standard output and error, by threads of their own
//! clock, once a second ---+
//! ```

// The library has no clock, so this example reads the clock of the system and passes the time to the library.
#![allow(clippy::disallowed_methods)]

use std::fmt::Display;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant as Clock};

use clap::Parser;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use tokio::time::sleep_until;
use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::gateway::SessionReport;
use zigbee_ota::server::{
    FolderChange, FolderError, FolderStore, ResponseBuffer, Server, ServerAction, ServerConfig, ServerPolicy,
    Session, SessionPhase, UpgradeDecision,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT, Status};
use zigbee_ota::{ImageFilter, ImageId};

use command_reports::Report;
use commands::{Command, HELP};
use nonblocking_output::Output;
use tcp_network::{Network, NetworkEvent};

mod command_reports;
mod commands;
mod nonblocking_output;
#[path = "../common/stdin_lines.rs"]
mod stdin_lines;
#[path = "../common/tcp_network.rs"]
mod tcp_network;
#[path = "../common/terminal_escape.rs"]
mod terminal_escape;

/// Upgrade the devices that connect. The program reads commands from standard input; the command `help` lists the
/// commands.
#[derive(Parser)]
struct Options {
    /// OTA files to serve, with or without their vendors' containers, and folders of such files; the gateway notices
    /// changed files in the folders
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Port to listen on; 0 takes a free port
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Send an Image Notify to each device that connects, and to all devices when a file is added to a folder
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
    /// Also serve files that no device should get, such as files with a wrong checksum
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
            let _ = writeln!(io::stderr(), "tcp_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut images = FolderStore::new();
    images.set_wrong_files_accepted(options.force);
    for path in &options.files {
        match path.is_dir() {
            true => images.follow(path),
            false => match images.add(path) {
                Ok(_) => {}
                Err(error @ FolderError::Wrong { .. }) => {
                    return Err(format!("{error} (--force serves it all the same)").into());
                }
                Err(error) => return Err(error.into()),
            },
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        writeln!(io::stdout(), "LISTENING {}", listener.local_addr()?)?;
        Gateway::new(options, images, Network::new(listener)).serve().await;
        Ok(())
    })
}

/// Policy of the gateway: the time of the upgrade. All other decisions are the defaults of the library.
struct GatewayPolicy {
    upgrade_after: u32,
    /// Whether devices wait with their upgrades until the operator releases them.
    holds: bool,
}

impl ServerPolicy for GatewayPolicy {
    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        match self.upgrade_after {
            _ if self.holds => UpgradeDecision::Hold,
            0 => UpgradeDecision::Now,
            seconds => UpgradeDecision::AfterSeconds(seconds),
        }
    }
}

/// Interval between two comparisons of the folders with the store. The gateway offers a new file after at most two
/// comparisons, because the file may be incomplete at the first comparison.
const REFRESH: Duration = Duration::from_secs(1);

/// Number of sessions, enough for two image types of each device in a large network. A session takes 96 bytes.
const SESSIONS: usize = 65_528;

struct Gateway<'a> {
    options: &'a Options,
    server: Server<Vec<Session>>,
    images: FolderStore,
    policy: GatewayPolicy,
    network: Network,
    start: Clock,
    out: ResponseBuffer,
    events: Output,
    errors: Output,
}

/// Input of the gateway.
enum Input {
    Network(NetworkEvent),
    Line(Option<String>),
    /// The server's next timer, or the next comparison of the folders, is due.
    Time,
}

impl<'a> Gateway<'a> {
    fn new(options: &'a Options, images: FolderStore, network: Network) -> Self {
        let mut config = ServerConfig::default();
        config.max_block_size = options.max_block;
        config.min_block_period = Millis(options.period);
        // The TCP connections share no radio channel, so the blocks need no spacing as background traffic.
        config.background_from = None;
        Self {
            options,
            server: Server::new(config, vec![Session::EMPTY; SESSIONS]),
            images,
            policy: GatewayPolicy { upgrade_after: options.upgrade_after, holds: false },
            network,
            start: Clock::now(),
            out: [0; LONGEST_TO_CLIENT],
            events: Output::new(io::stdout()),
            errors: Output::new(io::stderr()),
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Runs the gateway until the process ends. Each turn handles one input, and sends the blocks of pages that are
    /// due; the library bounds their number. The gateway handles received frames before timers, so that no timer can
    /// starve a device.
    async fn serve(&mut self) {
        let mut lines = Some(stdin_lines::read());
        let mut refresh_at = Clock::now();
        loop {
            if Clock::now() >= refresh_at {
                self.refresh();
                refresh_at = Clock::now() + REFRESH;
            }
            let due = self.server.poll_timeout().map(|at| self.start + Duration::from_millis(at.as_millis()));
            let wake = due.map_or(refresh_at, |due| due.min(refresh_at));
            let input = tokio::select! {
                biased;
                line = next_line(&mut lines) => Input::Line(line),
                event = self.network.next() => Input::Network(event),
                () = sleep_until(wake.into()) => Input::Time,
            };
            match input {
                Input::Network(NetworkEvent::Joined(device)) => self.join(device),
                Input::Network(NetworkEvent::Frame(device, frame, _turn)) => self.handle(device, &frame),
                Input::Network(NetworkEvent::Left(device)) => _ = self.server.forget(device.network),
                Input::Line(Some(line)) => self.obey(&line),
                Input::Line(None) => lines = None,
                Input::Time => {}
            }
            if let Some(error) = self.network.take_refusal() {
                self.complain(&format!("a connection was not accepted: {error}"));
            }
            let now = self.now();
            while let Some(transmit) = self.server.poll_transmit(now, &mut self.images, &mut self.out) {
                self.network.send(transmit.to, &self.out[..transmit.len]);
            }
            self.server.handle_timeout(now);
            self.report_events();
        }
    }

    fn join(&mut self, device: Address) {
        // Another device may have had the same network address before.
        self.server.forget(device.network);
        if self.options.notify {
            self.notify(device);
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
        let Self { server, images, policy, out, .. } = self;
        if let ServerAction::Reply(transmit) = server.handle_frame(now, meta, frame, images, policy, out) {
            self.network.send(transmit.to, &self.out[..transmit.len]);
        }
    }

    /// Compares the folders with the store.
    fn refresh(&mut self) {
        let changes = self.images.refresh();
        let is_new = |change: &FolderChange| {
            matches!(change, FolderChange::Added { .. } | FolderChange::Replaced { .. })
        };
        let is_news = changes.iter().any(is_new);
        for change in changes {
            self.report(&change);
            if let FolderChange::Replaced { id, previous, .. } = change
                && id == previous
            {
                self.cancel_downloads(id);
            }
        }
        if is_news && self.options.notify {
            for device in self.network.devices() {
                self.notify(device);
            }
        }
    }

    /// Cancels the downloads of an image whose file has changed, because the devices would otherwise get a mixture of
    /// both files.
    fn cancel_downloads(&mut self, id: ImageId) {
        let is_of = |session: &&Session| match session.phase() {
            SessionPhase::Offered(of)
            | SessionPhase::Downloading { id: of, .. }
            | SessionPhase::Stalled { id: of, .. } => of == id,
            _ => false,
        };
        let clients: Vec<_> = self.server.sessions().filter(is_of).map(Session::client).collect();
        for client in clients {
            self.server.cancel(client, ImageFilter::from(id));
            self.report_events();
        }
    }

    fn obey(&mut self, line: &str) {
        let command = match Command::parse(line) {
            None => return,
            Some(Ok(command)) => command,
            Some(Err(reason)) => return self.refuse(line, reason),
        };
        match command {
            Command::Devices => self.list_devices(),
            Command::Files => self.list_files(),
            Command::Notify(None) => {
                let devices = self.network.devices();
                devices.iter().for_each(|device| self.notify(*device));
                self.report(&Report::Notified { count: devices.len() });
            }
            Command::Notify(Some(device)) if self.network.has(device) => {
                self.notify(device);
                self.report(&Report::Notified { count: 1 });
            }
            Command::Hold => {
                self.policy.holds = true;
                let count = self.tell_downloaded(|server, now, to, id, out| {
                    server.hold(now, to, DeliveryMode::Unicast, id.into(), out)
                });
                self.report(&Report::Hold { count });
            }
            Command::Release => {
                self.policy.holds = false;
                let seconds = self.options.upgrade_after;
                let count = self.tell_downloaded(|server, now, to, id, out| {
                    server.release(now, to, DeliveryMode::Unicast, id.into(), seconds, out)
                });
                self.report(&Report::Released { count });
            }
            Command::Cancel(device) if self.server.cancel(device, ImageFilter::ALL) > 0 => {
                self.report_events()
            }
            Command::Cancel(_) => self.refuse(line, "the device has no download".into()),
            Command::Forget(device) if self.server.forget(device.network) => {
                self.report(&Report::Forgotten { client: device });
            }
            Command::Notify(Some(_)) | Command::Forget(_) => {
                self.refuse(line, "the device is not known".into())
            }
            Command::Help => self.report(&Report::Help { commands: HELP.map(|(command, _)| command) }),
        }
    }

    /// Sends a frame, which `write` creates, to each connected device that has downloaded an image. Returns the number
    /// of sent frames.
    fn tell_downloaded(
        &mut self,
        write: impl Fn(
            &mut Server<Vec<Session>>,
            Instant,
            Address,
            ImageId,
            &mut ResponseBuffer,
        ) -> zigbee_ota::aps::Transmit,
    ) -> usize {
        let now = self.now();
        let downloaded = |session: &Session| match session.phase() {
            SessionPhase::Ended { id, status: Status::SUCCESS } => Some((session.client(), id)),
            _ => None,
        };
        let mut clients: Vec<_> = self.server.sessions().filter_map(downloaded).collect();
        clients.retain(|(client, _)| self.network.has(*client));
        for (client, id) in &clients {
            let transmit = write(&mut self.server, now, *client, *id, &mut self.out);
            self.network.send(transmit.to, &self.out[..transmit.len]);
        }
        clients.len()
    }

    fn list_devices(&mut self) {
        let now = self.now();
        let mut devices: Vec<_> = self.network.devices();
        devices.extend(self.server.sessions().map(Session::client));
        devices.sort_unstable();
        devices.dedup();
        for client in &devices {
            let sessions = self.server.sessions().filter(|session| session.client() == *client);
            let downloads = sessions.map(|session| SessionReport::new(now, session)).collect();
            let connected = self.network.has(*client);
            self.report(&Report::Device { client: *client, connected, downloads });
        }
        self.report(&Report::Devices { count: devices.len() });
    }

    fn list_files(&mut self) {
        let files: Vec<_> =
            self.images.files().map(|(path, info)| (command_reports::path(path), *info)).collect();
        let count = files.len();
        for (path, info) in files {
            self.report(&Report::File { path, info });
        }
        self.report(&Report::Files { count });
    }

    fn report_events(&mut self) {
        while let Some(event) = self.server.poll_event() {
            self.report(&event);
        }
    }

    fn refuse(&mut self, line: &str, reason: String) {
        self.report(&Report::CommandFailed { command: line.trim().to_owned(), reason });
    }

    /// Prints an event as JSON or as text. If nothing reads the output, lines are dropped and counted.
    fn report(&mut self, event: &(impl Serialize + Display)) {
        let json = self.options.json;
        let lost = |count| line(json, &Report::LinesLost { count });
        self.events.print(&line(json, event), lost);
    }

    fn complain(&mut self, text: &str) {
        let lost = |count| format!("tcp_server: {count} lines lost");
        self.errors.print(&format!("tcp_server: {text}"), lost);
    }
}

/// Waits for the next line from the operator. After the end of standard input, the future never becomes ready.
async fn next_line(lines: &mut Option<Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// Formats an event as a line, without the line end.
fn line(json: bool, event: &(impl Serialize + Display)) -> String {
    if !json {
        return event.to_string();
    }
    // All keys in the JSON of events are text, so the serialization cannot fail.
    let json = serde_json::to_string(event).unwrap_or_default();
    // Most events contain only printable ASCII characters, and need no escaping.
    let is_plain = json.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain { json } else { terminal_escape::json(&json) }
}
