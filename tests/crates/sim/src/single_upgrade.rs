//! Small simulation: one device, one server, one file, one lossy link.

use std::collections::VecDeque;
use std::num::NonZeroU8;

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientEvent, Need, Outcome, PrepareResult, StoreResult, VerifyResult,
};
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::{self, Server, Session, SliceStore, StoreEntry};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};

use crate::simulation::{SERVER, client_config};
use crate::upgrade_countdown_policy::Countdown;
use crate::{Flash, Link};

const DEVICE: Address = Address::new(0x5a17, 1);

/// Duration without any event after which a simulation ends.
const PATIENCE: Millis = Millis::from_secs(7 * 24 * 60 * 60);

/// Settings of a simulated upgrade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpgradeSettings {
    /// Latency of a frame in each direction.
    pub latency: Millis,
    /// Share of the frames lost in each direction, 0 to 1.
    pub loss: f64,
    /// Processing time of the server for each response.
    pub server_delay: Millis,
    /// Maximum data size of a block that the device accepts.
    pub block: NonZeroU8,
    /// Countdown in seconds from the Upgrade End Response to the upgrade.
    pub countdown: u32,
    /// Seed of the frame losses.
    pub seed: u64,
}

impl Default for UpgradeSettings {
    fn default() -> Self {
        Self {
            latency: Millis(10),
            loss: 0.0,
            server_delay: Millis(10),
            block: NonZeroU8::MIN.saturating_add(63),
            countdown: 5,
            seed: 1,
        }
    }
}

/// Reason of the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeEnd {
    /// Outcome reported by the client.
    Client(Outcome),
    /// No image was offered, or no event was scheduled any more.
    Stalled,
}

/// Results of a simulated upgrade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpgradeReport {
    /// Reason of the end.
    pub end: UpgradeEnd,
    /// Whether the flash holds the file, byte for byte.
    pub identical: bool,
    /// Number of blocks stored.
    pub blocks: u64,
    /// Number of frames sent by the device, including lost ones.
    pub frames_to_server: u64,
    /// Number of frames sent by the server, including lost ones.
    pub frames_to_client: u64,
    /// Number of retries by the device.
    pub requests_repeated: u32,
    /// Time from the first frame to the end.
    pub simulated: Millis,
    /// Time from the first block request to the last block stored.
    pub download: Millis,
}

impl UpgradeReport {
    /// Returns the goodput of the download in bytes per second.
    #[must_use]
    pub fn goodput(&self, bytes: usize) -> f64 {
        let seconds = f64::from(self.download.0) / 1000.0;
        if seconds > 0.0 { bytes as f64 / seconds } else { 0.0 }
    }
}

/// Simulated upgrade of one device that runs an older version of the image, by a server that has the file.
pub struct SingleUpgrade<'a> {
    file: &'a [u8],
    now: Instant,
    client: Client,
    flash: Flash,
    server: Server<[Session; 1]>,
    catalog: SliceStore<'a>,
    policy: Countdown,
    server_delay: Millis,
    /// Responses of the server with their send times.
    answers: VecDeque<(Instant, Vec<u8>)>,
    to_server: Link,
    to_client: Link,
    blocks: u64,
    started: Option<Instant>,
    stored: Option<Instant>,
    end: Option<UpgradeEnd>,
}

impl<'a> SingleUpgrade<'a> {
    /// Starts the simulation with an Image Notify from the server to the device.
    #[must_use]
    pub fn new(entries: &'a [StoreEntry<'a>; 1], file: &SplitFile<'a>, settings: &UpgradeSettings) -> Self {
        let catalog = SliceStore::new(entries).expect("one entry is no duplicate");
        let [to_server, to_client] = [1, 2].map(|direction| {
            Link::new(settings.latency, settings.loss, settings.seed.wrapping_mul(2).wrapping_add(direction))
        });
        let mut client = client_config(&file.header);
        (client.max_block_size, client.max_file_size) = (settings.block, u32::MAX);
        let mut upgrade = Self {
            file: file.file,
            now: Instant::ZERO,
            client: Client::new(client, settings.seed, Instant::ZERO),
            flash: Flash::new(file.file.len()),
            server: Server::new(server::ServerConfig::default(), [Session::EMPTY]),
            catalog,
            policy: Countdown(settings.countdown),
            server_delay: settings.server_delay,
            answers: VecDeque::new(),
            to_server,
            to_client,
            blocks: 0,
            started: None,
            stored: None,
            end: None,
        };
        let mut out = [0; LONGEST_TO_CLIENT];
        let notify = upgrade.server.notify(DEVICE, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut out);
        let transmit = notify.expect("its jitter is in range");
        upgrade.to_client.send(upgrade.now, &out[..transmit.len]);
        upgrade
    }

    /// Runs to the end. `progress` receives the number of bytes stored after each increase.
    pub fn run(mut self, mut progress: impl FnMut(u32)) -> UpgradeReport {
        let mut told = 0;
        while self.end.is_none() {
            self.step();
            if let Some(now) = self.client.progress().filter(|now| now.received > told) {
                told = now.received;
                progress(told);
            }
        }
        let download = match (self.started, self.stored) {
            (Some(started), Some(stored)) => stored.since(started),
            _ => Millis(0),
        };
        UpgradeReport {
            end: self.end.unwrap_or(UpgradeEnd::Stalled),
            identical: self.flash.contents() == self.file,
            blocks: self.blocks,
            frames_to_server: self.to_server.sent(),
            frames_to_client: self.to_client.sent(),
            requests_repeated: self.client.retries(),
            simulated: self.now.since(Instant::ZERO),
            download,
        }
    }

    /// Advances the clock to the next event and handles it.
    fn step(&mut self) {
        let moments = [
            self.client.poll_timeout(),
            self.server.poll_timeout(),
            self.to_client.next_arrival(),
            self.to_server.next_arrival(),
            self.answers.front().map(|(at, _)| *at),
        ];
        let end = Instant::ZERO.plus(PATIENCE);
        let Some(next) = moments.into_iter().flatten().min().filter(|next| *next <= end) else {
            self.end = Some(UpgradeEnd::Stalled);
            return;
        };
        self.now = self.now.max(next);
        while self.answers.front().is_some_and(|(at, _)| *at <= self.now) {
            if let Some((_, frame)) = self.answers.pop_front() {
                self.to_client.send(self.now, &frame);
            }
        }
        while let Some(frame) = self.to_server.receive(self.now) {
            self.serve(&frame);
        }
        self.drain_server();
        while let Some(frame) = self.to_client.receive(self.now) {
            let handled = self.client.handle_frame(self.now, FrameMeta::unicast(SERVER), &frame);
            if let ClientAction::Store(block) = handled {
                let place = usize::try_from(block.offset).unwrap_or(usize::MAX);
                let result = match self.flash.write(place, block.data) {
                    Ok(()) => StoreResult::Ok,
                    Err(_) => StoreResult::Fault,
                };
                self.blocks += 1;
                self.stored = Some(self.now);
                self.client.stored(self.now, block.ticket, result).expect("answered at once");
            }
            self.drain_client();
        }
        self.client.handle_timeout(self.now);
        self.drain_client();
    }

    fn serve(&mut self, frame: &[u8]) {
        let mut out = [0; LONGEST_TO_CLIENT];
        let meta = FrameMeta::unicast(DEVICE);
        let handled =
            self.server.handle_frame(self.now, meta, frame, &mut self.catalog, &mut self.policy, &mut out);
        if let server::ServerAction::Reply(transmit) = handled {
            let answer = out[..transmit.len].to_vec();
            self.answers.push_back((self.now.plus(self.server_delay), answer));
        }
        while self.server.poll_event().is_some() {}
    }

    /// Runs the timers of the server and drains its outputs.
    fn drain_server(&mut self) {
        let mut out = [0; LONGEST_TO_CLIENT];
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut self.catalog, &mut out) {
            self.answers.push_back((self.now.plus(self.server_delay), out[..transmit.len].to_vec()));
        }
        self.server.handle_timeout(self.now);
        while self.server.poll_event().is_some() {}
    }

    fn drain_client(&mut self) {
        let mut out = [0; LONGEST_TO_SERVER];
        while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
            self.to_server.send(self.now, &out[..transmit.len]);
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Started(_) => self.started = Some(self.now),
                ClientEvent::Ended(outcome) => self.end = Some(UpgradeEnd::Client(outcome)),
                _ => {}
            }
        }
        if let Some(need) = self.client.poll_need() {
            self.answer(need);
            self.drain_client();
        }
    }

    /// Answers a need at once, as a device without delays.
    fn answer(&mut self, need: Need) {
        match need {
            Need::Decide(ticket, _) => self.client.accept(ticket),
            Need::Prepare(ticket, _) => {
                self.flash.erase();
                self.client.prepared(self.now, ticket, PrepareResult::Ready)
            }
            Need::Verify(ticket, offer) => {
                let stored = SplitFile::parse(self.flash.contents());
                let good = stored.is_ok_and(|parts| parts.header.id == offer.id && parts.trailing.is_empty());
                let verdict = if good { VerifyResult::Valid } else { VerifyResult::Invalid };
                self.client.verified(self.now, ticket, verdict)
            }
            Need::Apply(ticket, _) => self.client.applied(self.now, ticket, ApplyResult::Done),
            // Discovery and credentials cannot be needed: the server is configured, and the file is for no other
            // credentials.
            _ => Ok(()),
        }
        .expect("answered at once");
    }
}
