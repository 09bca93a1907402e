//! Clients and a server on one channel, and somebody who listens.

use zigbee_ota::client::{
    Applied, Client, Config, Event, Handled, Identity, Need, Outcome, Prepared, Stored, Transfer, Verdict,
};
use zigbee_ota::file::{Element, Header, Tag, Writer};
use zigbee_ota::link::{Address, DeliveryMode, Meta};
use zigbee_ota::server::{self, Catalog, Entry, Server, Session, Standard};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{Encode, ImageId};

pub const GATEWAY: Address = Address::new(0x0000, 1);
pub const DEVICES: [Address; 2] = [Address::new(0x1234, 1), Address::new(0x5678, 3)];

/// A frame on the air.
pub struct Sent {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

/// What becomes of a frame on its way: as many copies arrive.
pub type Fate<'a> = dyn FnMut() -> usize + 'a;

pub fn id(version: u32) -> ImageId {
    ImageId::new(0x1001, 0x00ab, version)
}

/// A file of `size` bytes, at least 62, whose content is its version's.
pub fn file(size: usize, version: u32) -> Vec<u8> {
    let mut data = vec![0; size - 62];
    fastrand::Rng::with_seed(version.into()).fill(&mut data);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    Writer::new(Header::new(id(version)), &elements).expect("small").to_vec()
}

struct Device {
    address: Address,
    client: Client,
    flash: Vec<u8>,
    ended: Option<Outcome>,
}

/// Everything that is sent while so many devices upgrade to `file`, each with its way to ask for blocks.
pub fn upgrade(file: &[u8], transfers: &[Transfer], fate: &mut Fate<'_>) -> Vec<Sent> {
    let entries = [Entry::parse(file).expect("written by us")];
    let offered = entries[0].info().id;
    let mut images = Catalog::new(&entries).expect("one entry");
    let mut policy = Standard::default();
    let mut server = Server::new(server::Config::default(), [Session::EMPTY; 4]);
    let current = ImageId { version: zigbee_ota::FileVersion(offered.version.0 - 1), ..offered };
    let mut now = Instant::ZERO;
    let identity = Identity { current, hardware: None, node: None };
    let mut devices: Vec<Device> = transfers
        .iter()
        .zip(DEVICES)
        .map(|(transfer, address)| {
            let config = Config { transfer: *transfer, ..Config::new(identity, GATEWAY) };
            let client = Client::new(config, u64::from(address.network), now);
            Device { address, client, flash: vec![0xff; file.len()], ended: None }
        })
        .collect();
    let (mut air, mut under_way) = (Vec::new(), Vec::new());
    let mut send = |under_way: &mut Vec<_>, now: Instant, from, to, bytes: &[u8]| {
        for _ in 0..fate() {
            under_way.push((now.plus(Millis(10)), air.len()));
        }
        air.push(Sent { from, to, bytes: bytes.to_vec() });
    };
    let mut out = [0; LONGEST_TO_CLIENT];
    for device in &devices {
        let notify = server.notify(device.address, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut out);
        send(&mut under_way, now, GATEWAY, device.address, &out[..notify.expect("in range").len]);
    }
    // More rounds than the longest of these upgrades has.
    for _ in 0..100_000 {
        for device in &mut devices {
            device.drain(now, &mut |bytes| send(&mut under_way, now, device.address, GATEWAY, bytes));
        }
        while let Some(transmit) = server.poll_transmit(now, &mut images, &mut out) {
            send(&mut under_way, now, GATEWAY, transmit.to, &out[..transmit.len]);
        }
        server.handle_timeout(now);
        while server.poll_event().is_some() {}
        if devices.iter().all(|device| device.ended.is_some()) {
            break;
        }
        let moments = devices.iter().map(|device| device.client.poll_timeout());
        let moments = moments.chain([server.poll_timeout(), under_way.iter().map(|(at, _)| *at).min()]);
        now = now.max(moments.flatten().min().expect("somebody waits"));
        while let Some(place) = under_way.iter().position(|(at, _)| *at <= now) {
            let (_, number) = under_way.remove(place);
            let Sent { from, to, bytes } = &air_at(&send, number);
            let _ = (from, to, bytes);
        }
        for device in &mut devices {
            device.client.handle_timeout(now);
        }
    }
    air
}
