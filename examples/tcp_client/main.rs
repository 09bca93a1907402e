//! Device that upgrades itself over a TCP socket in real time: one ZCL frame per line in both directions, in
//! hexadecimal.
//!
//! `cargo run --release --example tcp_client -- HOST:PORT` queries for an image and downloads it; `-- --help` lists the
//! options. Exit status 0 when the device runs the new image, 1 when not, 2 when the command line is wrong.

// The library has no clock, so this example reads the clock of the system and passes the time to the library.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant as Clock};

use clap::Parser;
use serde_json::json;
use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, CredentialResult, Identity, Need, Outcome,
    PauseReason,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{Frame, ImageOffer, LONGEST_ATTRIBUTES, LONGEST_TO_SERVER};
use zigbee_ota::{Eui64, HardwareVersion, ImageId};

use line_reader::{Input, LineReader};
use log_rate_limit::ComplaintCounter;
use memory_storage::Flash;
use number_args::{address, number};
use transfer_mode_args::TransferArgs;
use trust_args::Trust;

#[path = "../common/download_verification.rs"]
mod download_verification;
#[path = "../common/hex_lines.rs"]
mod hex_lines;
mod line_reader;
mod log_rate_limit;
mod memory_storage;
#[path = "../common/number_args.rs"]
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

/// Upgrade a device from the server at HOST:PORT. Numbers are decimal, or hexadecimal after 0x.
///
/// With --ca or --signer, the device accepts only images with a valid signature by these signers; without these
/// options, it ignores signatures. The device always refuses an image with a wrong integrity code.
#[derive(Parser)]
struct Options {
    /// Address of the server
    #[arg(value_name = "HOST:PORT")]
    server: String,
    /// Manufacturer code of the device
    #[arg(long, value_name = "CODE", default_value = "0x1001", value_parser = number::<u16>)]
    manufacturer_code: u16,
    /// Image type of the device
    #[arg(long, value_name = "TYPE", default_value = "0x0001", value_parser = number::<u16>)]
    image_type: u16,
    /// Running file version of the device
    #[arg(long, value_name = "VERSION", default_value = "1", value_parser = number::<u32>)]
    current_version: u32,
    /// Hardware version of the device
    #[arg(long, value_name = "VERSION", value_parser = number::<u16>)]
    hardware_version: Option<u16>,
    /// Maximum data size of a block in bytes, 1 to 255
    #[arg(long, value_name = "N", default_value = "64", value_parser = block)]
    block: NonZeroU8,
    #[command(flatten)]
    how: TransferArgs,
    /// IEEE address of the device
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    ieee: Option<Eui64>,
    /// File to write the image to
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Wait for an Image Notify before the first query, and wait for another one when the server has no image
    #[arg(long)]
    wait_notify: bool,
    /// Timeout of the whole run in seconds
    #[arg(long, value_name = "S", default_value_t = 600)]
    timeout: u64,
    /// Time in seconds for which the device answers requests of the server after the upgrade
    #[arg(long, value_name = "S", default_value_t = 1)]
    linger: u64,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

fn block(text: &str) -> Result<NonZeroU8, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 1 to 255")
}

/// Maximum size of an image in bytes. The limit is needed because the example keeps the image in memory.
const MAX_SIZE: u32 = 64 << 20;

/// Time for which the device waits for an Image Notify before its first query. After this time, the device queries
/// without an Image Notify.
const FIRST_QUERY: Millis = Millis::from_secs(1);

/// Network address by which the client knows the server. The value is arbitrary, because a socket has no network
/// address.
const SERVER: Address = Address::new(0x0000, 1);

fn main() -> ExitCode {
    let options = Options::parse();
    match Device::connect(&options).and_then(|mut device| device.run(&options).map(|end| (device, end))) {
        Ok((device, end)) => device.report(&options, &end),
        Err(error) => {
            complain(&format!("{}: {error}", options.server));
            ExitCode::FAILURE
        }
    }
}

/// Prints one line on standard error. `eprintln` would panic when standard error is closed.
fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "tcp_client: {what}");
}

/// Reason of the end of a run.
enum End {
    /// Outcome reported by the client.
    Client(Outcome),
    /// The server has no image for the device, or does not respond.
    NoImage,
    /// The timeout expired.
    TimedOut,
    /// The server closed the connection.
    Closed,
}

impl End {
    /// Returns the reason in one word, for scripts.
    fn word(&self) -> &'static str {
        match self {
            Self::Client(outcome) => outcome_words::word(*outcome),
            Self::NoImage => "no_image",
            Self::TimedOut => "timed_out",
            Self::Closed => "connection_closed",
        }
    }
}

struct Device {
    client: Client,
    flash: Flash,
    socket: TcpStream,
    lines: LineReader,
    /// Whether the connection to the server is open.
    is_connected: bool,
    /// Whether the server has set the time of the upgrade, so that the upgrade no longer needs the server.
    is_counting_down: bool,
    complaints: ComplaintCounter,
    start: Clock,
    /// Current or last offer.
    offer: Option<ImageOffer>,
    downloaded: Option<(Clock, Clock)>,
    frames_to_server: u32,
    frames_to_client: u32,
}

impl Device {
    fn connect(options: &Options) -> io::Result<Self> {
        let start = Clock::now();
        let patience = Duration::from_secs(options.timeout);
        let socket = connect(&options.server, patience)?;
        socket.set_nodelay(true)?;
        let current = ImageId::new(options.manufacturer_code, options.image_type, options.current_version);
        let mut identity = Identity::new(current);
        identity.hardware = options.hardware_version.map(HardwareVersion);
        identity.node = options.ieee;
        let mut config = ClientConfig::new(identity, SERVER).with_transfer(options.how.transfer());
        config.max_block_size = options.block;
        config.max_file_size = MAX_SIZE;
        config.first_query_delay = FIRST_QUERY;
        config.query_spread = Millis(0);
        config.query_interval = (!options.wait_notify).then_some(Millis::from_secs(3600));
        let seed = options.ieee.map_or(0, |address| address.0);
        Ok(Self {
            client: Client::new(config, seed, Instant::ZERO),
            flash: Flash::new(options.trust.clone()),
            lines: LineReader::new(socket.try_clone()?),
            socket,
            is_connected: true,
            is_counting_down: false,
            complaints: ComplaintCounter::default(),
            start,
            offer: None,
            downloaded: None,
            frames_to_server: 0,
            frames_to_client: 0,
        })
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn run(&mut self, options: &Options) -> io::Result<End> {
        let give_up = self.start + Duration::from_secs(options.timeout);
        let mut end = None;
        let mut until = give_up;
        loop {
            // The needs are handled first, because their answers cause frames and events.
            self.serve_needs();
            self.send(give_up)?;
            while let Some(event) = self.client.poll_event() {
                if !options.json {
                    output_lines::line(format_args!("{event:?}"));
                }
                if let (None, Some(reason)) = (&end, self.note(options, event)) {
                    // After the upgrade, the device only answers requests for its attributes.
                    let linger =
                        if matches!(reason, End::Client(Outcome::Upgraded(_))) { options.linger } else { 0 };
                    until = give_up.min(Clock::now() + Duration::from_secs(linger));
                    end = Some(reason);
                }
            }
            let now = Clock::now();
            if now >= until {
                return Ok(end.unwrap_or(End::TimedOut));
            }
            let wake = self.client.poll_timeout().map_or(until, |deadline| until.min(self.clock(deadline)));
            if !self.is_connected && (end.is_some() || !self.is_counting_down) {
                return Ok(end.unwrap_or(End::Closed));
            }
            if let Some(frame) = self.receive(wake)? {
                self.handle(&frame, give_up)?;
            }
            self.client.handle_timeout(self.now());
        }
    }

    /// Converts an instant of the client to a time of the system clock.
    fn clock(&self, at: Instant) -> Clock {
        self.start + Duration::from_millis(at.as_millis())
    }

    /// Sends all frames that the client has to send.
    fn send(&mut self, give_up: Clock) -> io::Result<()> {
        let mut out = [0; LONGEST_TO_SERVER];
        while let Some(transmit) = self.client.poll_transmit(self.now(), &mut out) {
            self.write(&out[..transmit.len], give_up)?;
        }
        Ok(())
    }

    /// Writes a frame. If the server has closed the connection, the function writes nothing. If the server reads
    /// nothing, the function blocks until `give_up` at most.
    fn write(&mut self, frame: &[u8], give_up: Clock) -> io::Result<()> {
        if !self.is_connected {
            return Ok(());
        }
        let left = give_up.saturating_duration_since(Clock::now());
        self.socket.set_write_timeout(Some(left.max(Duration::from_millis(1))))?;
        match self.socket.write_all(hex_lines::line(frame).as_bytes()) {
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                self.is_connected = false;
                return Ok(());
            }
            // The function ignores this error: the loop ends the run anyway, because the timeout of the run has
            // expired.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            written => written?,
        }
        self.frames_to_server += 1;
        Ok(())
    }

    /// Waits for a frame until `deadline`; a line without a frame is ignored.
    fn receive(&mut self, deadline: Clock) -> io::Result<Option<Vec<u8>>> {
        if !self.is_connected {
            std::thread::sleep(deadline.saturating_duration_since(Clock::now()));
            return Ok(None);
        }
        match self.lines.read(deadline)? {
            Input::Line(line) => {
                let frame = hex_lines::bytes(&line);
                if frame.is_none() {
                    self.complain("a line that is no hexadecimal bytes was passed over".into());
                }
                return Ok(frame);
            }
            Input::TooLong => self.complain("a line that is too long was passed over".into()),
            Input::Nothing => {}
            Input::End => self.is_connected = false,
        }
        Ok(None)
    }

    fn handle(&mut self, frame: &[u8], give_up: Clock) -> io::Result<()> {
        self.frames_to_client += 1;
        let (now, meta) = (self.now(), FrameMeta::unicast(SERVER));
        match self.client.handle_frame_with(now, meta, frame, &mut self.flash) {
            ClientAction::AnswerAttributes(question) => self.answer(&question, give_up),
            ClientAction::Ignored(reason) => {
                self.complain(format!("a frame was ignored: {reason}"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn answer(&mut self, question: &Frame<'_>, give_up: Clock) -> io::Result<()> {
        let mut out = [0; LONGEST_ATTRIBUTES];
        match self.client.attributes().answer(question, &mut out) {
            Ok(Some(len)) => self.write(&out[..len], give_up),
            Ok(None) => Ok(()),
            Err(error) => {
                self.complain(format!("attributes: {error}"));
                Ok(())
            }
        }
    }

    /// Prints a complaint, unless the same complaint was printed a short time ago.
    fn complain(&mut self, what: String) {
        if let Some(line) = self.complaints.count(what, Clock::now()) {
            complain(&line);
        }
    }

    fn serve_needs(&mut self) {
        let now = self.now();
        while let Some(need) = self.client.poll_need_with(now, &mut self.flash) {
            let answered = match need {
                Need::Decide(ticket, _) => self.client.accept(ticket),
                Need::Apply(ticket, _) => self.client.applied(now, ticket, ApplyResult::Done),
                Need::Credentials(ticket, _) => {
                    self.client.credentials_obtained(now, ticket, CredentialResult::Ready)
                }
                // The client has the address of its server and needs no keys, so no other need occurs.
                need => self.client.decline(now, need),
            };
            answered.expect("answered at once");
        }
    }

    /// Handles an event of the client. Returns the reason of the end if the event ends the run.
    fn note(&mut self, options: &Options, event: ClientEvent) -> Option<End> {
        match event {
            ClientEvent::Started(offer) => {
                let now = Clock::now();
                (self.offer, self.downloaded) = (Some(offer), Some((now, now)));
                None
            }
            ClientEvent::CountingDown(_) => {
                self.is_counting_down = true;
                None
            }
            ClientEvent::WaitingForUpgradeEnd => {
                self.is_counting_down = false;
                None
            }
            // A run that waits for an Image Notify continues after a refusal, as a real device does; any other run ends
            // at the first refusal.
            ClientEvent::NoImage(_) if !options.wait_notify && self.client.checkpoint().is_none() => {
                Some(End::NoImage)
            }
            ClientEvent::DownloadPaused(reason, _)
                if !options.wait_notify && reason != PauseReason::ServerSilent =>
            {
                Some(End::Client(reason.outcome()))
            }
            ClientEvent::UpgradeEndRefused(status) if !options.wait_notify => {
                Some(End::Client(Outcome::UpgradeRefused(status)))
            }
            ClientEvent::Ended(outcome) => Some(End::Client(outcome)),
            _ => None,
        }
    }

    fn report(mut self, options: &Options, end: &End) -> ExitCode {
        self.complaints.rest().for_each(|line| complain(&line));
        let image = self.flash.image();
        let identical = image.is_some() && matches!(end, End::Client(Outcome::Upgraded(_)));
        let elapsed = self.start.elapsed();
        if let Some((start, last)) = &mut self.downloaded {
            *last = self.flash.last.unwrap_or(*start);
        }
        let seconds = self.downloaded.map_or(0.0, |(start, last)| (last - start).as_secs_f64());
        let len = image.map_or(0, <[u8]>::len);
        let goodput = if seconds > 0.0 { len as f64 / seconds } else { 0.0 };
        let id = self.offer.map(|offer| offer.id);
        let summary = json!({
            "identical": identical,
            "manufacturer_code": id.map(|id| id.manufacturer.0),
            "image_type": id.map(|id| id.image_type.0),
            "file_version": id.map(|id| id.version.0),
            "bytes": len,
            "blocks": self.flash.blocks,
            "frames_to_server": self.frames_to_server,
            "frames_to_client": self.frames_to_client,
            "requests_repeated": self.client.retries(),
            "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "goodput_bytes_per_s": goodput,
            "outcome": end.word(),
        });
        if options.json {
            output_lines::line(format_args!("{summary}"));
        } else {
            output_lines::line(format_args!("{summary:#}"));
        }
        match (&options.out, image) {
            (Some(path), Some(image)) if identical => {
                if let Err(error) = fs::write(path, image) {
                    complain(&format!("{}: {error}", terminal_escape::path(path)));
                    return ExitCode::FAILURE;
                }
            }
            _ => {}
        }
        if identical { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Connects to the first address of `server` that accepts a connection, within `patience`.
fn connect(server: &str, patience: Duration) -> io::Result<TcpStream> {
    let deadline = Clock::now() + patience;
    let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in server.to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Clock::now());
        match TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1))) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
