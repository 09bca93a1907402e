//! Traffic between clients and a server on one channel, as a sniffer records it.

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome, PrepareResult,
    StoreResult, TransferMode, VerifyResult,
};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{self, Server, Session, SliceStore, StandardPolicy, StoreEntry};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{Encode, FileVersion, ImageId};

pub const GATEWAY: Address = Address::new(0x0000, 1);
pub const DEVICES: [Address; 2] = [Address::new(0x1234, 1), Address::new(0x5678, 3)];

/// Recorded frame.
#[derive(Clone)]
pub struct Sent {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

pub fn id(version: u32) -> ImageId {
    ImageId::new(0x1001, 0x00ab, version)
}

/// A file of `size` bytes, at least 62, whose content depends on its version.
pub fn file(size: usize, version: u32) -> Vec<u8> {
    let mut data = vec![0; size - 62];
    fastrand::Rng::with_seed(version.into()).fill(&mut data);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    FileWriter::new(FileHeader::new(id(version)), &elements).expect("small").to_vec()
}

struct Device {
    address: Address,
    client: Client,
    flash: Vec<u8>,
    ended: Option<Outcome>,
}

impl Device {
    fn new(address: Address, transfer: TransferMode, file: &[u8], offered: ImageId) -> Self {
        let current = ImageId { version: FileVersion(offered.version.0 - 1), ..offered };
        let identity = Identity::new(current);
        let config = ClientConfig::new(identity, GATEWAY).with_transfer(transfer);
        let client = Client::new(config, u64::from(address.network), Instant::ZERO);
        Self { address, client, flash: vec![0xff; file.len()], ended: None }
    }

    /// Serves all needs of the client and returns the frames that it sends.
    fn drain(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let (mut frames, mut out) = (Vec::new(), [0; LONGEST_TO_SERVER]);
        loop {
            let client = &mut self.client;
            while let Some(transmit) = client.poll_transmit(now, &mut out) {
                frames.push(out[..transmit.len].to_vec());
            }
            while let Some(event) = client.poll_event() {
                if let ClientEvent::Ended(outcome) = event {
                    self.ended = Some(outcome);
                }
            }
            match client.poll_need() {
                None => return frames,
                Some(Need::Decide(ticket, _)) => client.accept(ticket),
                Some(Need::Prepare(ticket, _)) => client.prepared(now, ticket, PrepareResult::Ready),
                Some(Need::Verify(ticket, _)) => client.verified(now, ticket, VerifyResult::Valid),
                Some(Need::Apply(ticket, _)) => client.applied(now, ticket, ApplyResult::Done),
                Some(other) => panic!("{other:?} of a client that knows its server"),
            }
            .expect("answered at once");
        }
    }

    fn hear(&mut self, now: Instant, frame: &[u8]) {
        if let ClientAction::Store(block) = self.client.handle_frame(now, FrameMeta::unicast(GATEWAY), frame)
        {
            let place = block.offset as usize;
            self.flash[place..place + block.data.len()].copy_from_slice(block.data);
            self.client.stored(now, block.ticket, StoreResult::Ok).expect("answered at once");
        }
    }
}

/// Frames sent so far, and frames not yet delivered.
struct Air<'a> {
    sent: Vec<Sent>,
    under_way: Vec<(Instant, usize)>,
    /// Number of copies of the next frame that arrive.
    copies: &'a mut dyn FnMut() -> usize,
}

impl Air<'_> {
    fn send(&mut self, now: Instant, from: Address, to: Address, bytes: &[u8]) {
        let arrival = (now.plus(Millis(10)), self.sent.len());
        self.under_way.extend(std::iter::repeat_n(arrival, (self.copies)()));
        self.sent.push(Sent { from, to, bytes: bytes.to_vec() });
    }

    fn arrived(&mut self, now: Instant) -> Option<Sent> {
        let place = self.under_way.iter().position(|(at, _)| *at <= now)?;
        Some(self.sent[self.under_way.remove(place).1].clone())
    }
}

/// All frames sent while one device for each of `transfers` upgrades to `file`.
pub fn upgrade(file: &[u8], transfers: &[TransferMode], copies: &mut dyn FnMut() -> usize) -> Vec<Sent> {
    let entries = [StoreEntry::parse(file).expect("written by us")];
    let offered = entries[0].info().id;
    let mut images = SliceStore::new(&entries).expect("one entry");
    let mut policy = StandardPolicy::default();
    let mut server = Server::new(server::ServerConfig::default(), [Session::EMPTY; 4]);
    let pairs = transfers.iter().zip(DEVICES);
    let mut devices: Vec<_> =
        pairs.map(|(transfer, address)| Device::new(address, *transfer, file, offered)).collect();
    let mut air = Air { sent: Vec::new(), under_way: Vec::new(), copies };
    let mut out = [0; LONGEST_TO_CLIENT];
    let mut now = Instant::ZERO;
    for Device { address, .. } in &devices {
        let notify = server.notify(*address, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut out);
        air.send(now, GATEWAY, *address, &out[..notify.expect("its jitter is in range").len]);
    }
    // More rounds than the longest of these upgrades has.
    for _ in 0..100_000 {
        for device in &mut devices {
            device.drain(now).iter().for_each(|frame| air.send(now, device.address, GATEWAY, frame));
        }
        while let Some(transmit) = server.poll_transmit(now, &mut images, &mut out) {
            air.send(now, GATEWAY, transmit.to, &out[..transmit.len]);
        }
        while server.poll_event().is_some() {}
        if devices.iter().all(|device| device.ended.is_some()) {
            assert!(devices.iter().all(|device| device.flash == file), "the devices have the file");
            return air.sent;
        }
        let waiting = devices.iter().map(|device| device.client.poll_timeout());
        let arrival = air.under_way.iter().map(|(at, _)| *at).min();
        now = now.max(waiting.chain([server.poll_timeout(), arrival]).flatten().min().expect("not all done"));
        while let Some(Sent { from, to, bytes }) = air.arrived(now) {
            if let Some(device) = devices.iter_mut().find(|device| device.address == to) {
                device.hear(now, &bytes);
                device.drain(now).iter().for_each(|frame| air.send(now, to, GATEWAY, frame));
                continue;
            }
            let meta = FrameMeta::unicast(from);
            let handled = server.handle_frame(now, meta, &bytes, &mut images, &mut policy, &mut out);
            if let server::ServerAction::Reply(transmit) = handled {
                air.send(now, GATEWAY, transmit.to, &out[..transmit.len]);
            }
        }
        devices.iter_mut().for_each(|device| device.client.handle_timeout(now));
        server.handle_timeout(now);
    }
    panic!("no end in sight");
}
