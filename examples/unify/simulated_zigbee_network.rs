//! Zigbee network in memory: simulated devices, and the server of the gateway, which offers the images of the consumer.
//!
//! Frames arrive without delay. The caller passes the time to each method, and transports the MQTT messages.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use zigbee_ota::client::{
    self, ApplyResult, Client, Identity, Need, PrepareResult, StoreResult, VerifyResult,
};
use zigbee_ota::server::{self, ResponseBuffer, Server, ServerAction, Session};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::unify::{
    Consumer, ConsumerAction, ConsumerConfig, FileVerdict, ManagedDevice, MessageIgnored, MqttMessage, Unid,
};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{Eui64, HardwareVersion, ImageId, ImageType};

/// Address of the gateway's server.
const SERVER: Address = Address::new(0x0000, 1);

/// Maximum number of steps without an advance of the time. A larger number means an endless loop.
const ROUNDS: u32 = 1_000_000;

/// Simulated device of the network.
pub struct Simulated {
    pub unid: Unid,
    pub address: Address,
    /// Running images of the device. The device sends its queries for the first of these images.
    pub runs: Vec<ImageId>,
    pub hardware: Option<HardwareVersion>,
    /// Minimum time between two block requests.
    pub pause: Millis,
    /// Files that the device has stored, by image type.
    pub flash: BTreeMap<ImageType, Vec<u8>>,
    /// `true` if the device rejects every file.
    pub picky: bool,
    client: Client,
    /// Image that the device downloads.
    file: Option<ImageId>,
}

impl Simulated {
    pub fn new(now: Instant, unid: Unid, address: Address, runs: &[ImageId]) -> Self {
        let client = start(now, address, runs[0], None, Millis(0));
        let (flash, runs) = (BTreeMap::new(), runs.to_vec());
        Self {
            unid,
            address,
            runs,
            hardware: None,
            pause: Millis(0),
            flash,
            picky: false,
            client,
            file: None,
        }
    }

    /// Restarts the client, with the current settings of the device.
    pub fn restart(&mut self, now: Instant) {
        self.client = start(now, self.address, self.runs[0], self.hardware, self.pause);
    }

    /// Answers one need of the client.
    fn answer(&mut self, now: Instant, need: Need) {
        let client = &mut self.client;
        match need {
            Need::Decide(ticket, _) => client.accept(ticket),
            Need::Prepare(ticket, offer) => {
                self.file = Some(offer.id);
                self.flash.insert(offer.id.image_type, Vec::new());
                client.prepared(now, ticket, PrepareResult::Ready)
            }
            Need::Verify(ticket, offer) => {
                let missing = |part: &&ImageId| !self.flash.contains_key(&part.image_type);
                let verdict = match self.runs.iter().find(missing) {
                    _ if self.picky => VerifyResult::Invalid,
                    Some(next) if *next != offer.id => VerifyResult::NeedsMore(*next),
                    _ => VerifyResult::Valid,
                };
                client.verified(now, ticket, verdict)
            }
            Need::Apply(ticket, id) => {
                client.applied(now, ticket, ApplyResult::Done).expect("it was asked for");
                for part in &mut self.runs {
                    let file = self.flash.remove(&part.image_type);
                    let read = |file: Vec<u8>| {
                        zigbee_ota::file::FileHeader::parse(&file).map(|(header, _)| header.id.version)
                    };
                    part.version = file.and_then(|file| read(file).ok()).unwrap_or(part.version);
                }
                assert!(self.runs.contains(&id));
                self.restart(now);
                Ok(())
            }
            need => panic!("{need:?}"),
        }
        .expect("it was asked for");
    }

    fn receive(&mut self, now: Instant, delivery: DeliveryMode, frame: &[u8]) {
        let meta = FrameMeta::new(SERVER, delivery);
        if let client::ClientAction::Store(block) = self.client.handle_frame(now, meta, frame) {
            let id = self.file.expect("it made room");
            let file = self.flash.entry(id.image_type).or_default();
            file.truncate(block.offset as usize);
            file.extend(block.data);
            self.client.stored(now, block.ticket, StoreResult::Ok).expect("it was asked for");
        }
    }
}

fn start(
    now: Instant,
    address: Address,
    current: ImageId,
    hardware: Option<HardwareVersion>,
    pause: Millis,
) -> Client {
    let mut identity = Identity::new(current);
    identity.hardware = hardware;
    identity.node = Some(Eui64(address.network.into()));
    let mut config = client::ClientConfig::new(identity, SERVER);
    config.first_query_delay = Millis::from_secs(1);
    // A network of a few devices needs no random delay of queries.
    config.query_spread = Millis(0);
    config.min_block_period = pause;
    config.max_block_size = NonZeroU8::new(64).expect("not zero");
    config.accepted_versions = client::AcceptedVersions::Different;
    config.upgrade_end_fallback = client::UpgradeEndFallback::KeepWaiting;
    Client::new(config, u64::from(address.network), now)
}

/// Devices, server and consumer.
pub struct Network {
    pub consumer: Consumer,
    pub devices: Vec<Simulated>,
    /// Events of the server, oldest first.
    pub events: Vec<server::ServerEvent>,
    server: Server<Vec<Session>>,
    check: fn(&[u8]) -> FileVerdict,
    out: ResponseBuffer,
}

impl Network {
    /// Creates a network without devices. The server offers the files that `check` finds valid.
    pub fn new(config: ConsumerConfig, check: fn(&[u8]) -> FileVerdict) -> Self {
        Self {
            consumer: Consumer::new(config),
            devices: Vec::new(),
            events: Vec::new(),
            server: Server::new(server::ServerConfig::default(), vec![Session::EMPTY; 64]),
            check,
            out: [0; LONGEST_TO_CLIENT],
        }
    }

    /// Adds a simulated device. `device` is its description for the consumer.
    pub fn join(&mut self, now: Instant, simulated: Simulated, device: ManagedDevice) {
        self.consumer.set_device(now, &simulated.unid, device);
        self.devices.push(simulated);
    }

    /// Handles a message from the broker.
    pub fn receive(&mut self, now: Instant, message: &MqttMessage) -> Result<(), MessageIgnored> {
        self.consumer.handle_message(now, message)
    }

    /// Executes all steps that are due at the time `now`, and returns the actions that concern the broker.
    pub fn run(&mut self, now: Instant) -> Vec<ConsumerAction> {
        let mut to_broker = Vec::new();
        for _ in 0..ROUNDS {
            let mut quiet = true;
            for at in 0..self.devices.len() {
                quiet &= !self.turn(now, at);
            }
            self.server.handle_timeout(now);
            while self.send_due(now) {
                quiet = false;
            }
            while let Some(event) = self.server.poll_event() {
                self.consumer.handle_event(now, &event);
                self.events.push(event);
            }
            self.consumer.handle_timeout(now);
            while let Some(action) = self.consumer.poll_action() {
                quiet = false;
                to_broker.extend(self.act(now, action));
            }
            if quiet {
                return to_broker;
            }
        }
        panic!("it does not come to rest");
    }

    /// Sends the next block of a page, or the next held answer, that is due. Returns whether the method has sent a
    /// frame.
    fn send_due(&mut self, now: Instant) -> bool {
        let sent = self.server.poll_transmit(now, &mut self.consumer.images(), &mut self.out);
        let Some(transmit) = sent else { return false };
        self.deliver(now, transmit);
        true
    }

    /// Delivers a frame of the server to the device or devices with its destination address.
    fn deliver(&mut self, now: Instant, transmit: Transmit) {
        let frame = &self.out[..transmit.len];
        if let Some(device) = self.devices.iter_mut().find(|device| device.address == transmit.to) {
            device.receive(now, DeliveryMode::Unicast, frame);
        }
    }

    /// Returns the time of the next call of `run`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let devices = self.devices.iter().filter_map(|device| device.client.poll_timeout());
        devices.chain(self.consumer.poll_timeout()).chain(self.server.poll_timeout()).min()
    }

    /// Executes one step of a device. Returns whether the device had anything to do.
    fn turn(&mut self, now: Instant, at: usize) -> bool {
        let device = &mut self.devices[at];
        device.client.handle_timeout(now);
        while device.client.poll_event().is_some() {}
        if let Some(need) = device.client.poll_need() {
            device.answer(now, need);
            return true;
        }
        let mut frame = [0; LONGEST_TO_SERVER];
        let Some(transmit) = device.client.poll_transmit(now, &mut frame) else { return false };
        let meta = FrameMeta::unicast(device.address);
        let frame = &frame[..transmit.len];
        let (mut images, mut policy) = (self.consumer.images(), self.consumer.policy(now));
        let handled = self.server.handle_frame(now, meta, frame, &mut images, &mut policy, &mut self.out);
        if let ServerAction::Reply(transmit) = handled {
            device.receive(now, DeliveryMode::Unicast, &self.out[..transmit.len]);
        }
        true
    }

    /// Executes an action of the consumer, or returns the action if it is for the broker.
    fn act(&mut self, now: Instant, action: ConsumerAction) -> Option<ConsumerAction> {
        let unicast = DeliveryMode::Unicast;
        let transmit = match action {
            ConsumerAction::Verify(fetched) => {
                if let Some(file) = self.consumer.image(&fetched) {
                    let verdict = (self.check)(file);
                    self.consumer.verified(now, &fetched, verdict);
                }
                return None;
            }
            ConsumerAction::Notify(client) => {
                let notify = self.server.notify(client, unicast, ImageNotify::UNICAST, &mut self.out);
                notify.expect("its jitter is in range")
            }
            ConsumerAction::Release { client, id, seconds } => {
                self.server.release(now, client, unicast, id.into(), seconds, &mut self.out)
            }
            ConsumerAction::Hold { client, id } => {
                self.server.hold(now, client, unicast, id.into(), &mut self.out)
            }
            to_broker => return Some(to_broker),
        };
        self.deliver(now, transmit);
        None
    }
}
