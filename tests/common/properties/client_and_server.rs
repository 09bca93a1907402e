//! Property of client against server over a hostile link, for property tests and fuzz targets: every upgrade ends, in
//! the right image or in an outcome with a reason.

use std::num::{NonZeroU8, NonZeroU16};

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome, PrepareResult,
    StoreResult, TransferMode, VerifyResult,
};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{self, Server, Session, SliceStore, StandardPolicy, StoreEntry};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{Encode, ImageId};

const GATEWAY: Address = Address::new(0, 1);
const DEVICE: Address = Address::new(0x1234, 1);
const RUNS: ImageId = ImageId::new(0x1001, 0x00ab, 1);
const SERVED: ImageId = ImageId::new(0x1001, 0x00ab, 2);

/// Upper bound of events: more than the longest script and the upgrade after it can cause.
const MOST: u32 = 200_000;

/// Link with one byte of script for the fate of each frame; after the script the link is good.
struct Link<'a> {
    script: core::slice::Iter<'a, u8>,
    /// Frames in flight: arrival time, receiver and bytes.
    under_way: Vec<(Instant, Address, Vec<u8>)>,
}

impl Link<'_> {
    fn send(&mut self, now: Instant, to: Address, frame: &[u8]) {
        let fate = self.script.next().copied().unwrap_or(0xff);
        let soon = now.plus(Millis(10));
        let mut frame = frame.to_vec();
        match fate % 8 {
            0 => return,
            1 => self.under_way.push((now.plus(Millis(u32::from(fate) * 40)), to, frame.clone())),
            2 => return self.under_way.push((now.plus(Millis(u32::from(fate) * 100)), to, frame)),
            3 => {
                let place = usize::from(self.script.next().copied().unwrap_or(0)) % frame.len();
                frame[place] ^= 1 << (fate >> 5);
            }
            4 => frame.truncate(usize::from(fate >> 3) % frame.len()),
            _ => {}
        }
        self.under_way.push((soon, to, frame));
    }

    fn next(&self) -> Option<Instant> {
        self.under_way.iter().map(|(at, ..)| *at).min()
    }

    fn arrived(&mut self, now: Instant) -> Option<(Address, Vec<u8>)> {
        let place = self.under_way.iter().position(|(at, ..)| *at <= now)?;
        let (_, to, frame) = self.under_way.remove(place);
        Some((to, frame))
    }
}

/// Runs an upgrade over the scripted link; returns its outcome.
pub fn any_script(script: &[u8]) -> Outcome {
    let data: Vec<u8> = (0..600_u16).map(|place| place.to_le_bytes()[0] ^ 0x5a).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let file = FileWriter::new(FileHeader::new(SERVED), &elements).expect("small").to_vec();
    let entries = [StoreEntry::parse(&file).expect("written by us")];
    let mut images = SliceStore::new(&entries).expect("one entry");
    let mut server = Server::new(server::ServerConfig::default(), [Session::EMPTY; 2]);
    let identity = Identity::new(RUNS);
    let (choice, script) = script.split_first().map_or((0, script), |(choice, rest)| (*choice, rest));
    let plain = ClientConfig::new(identity, GATEWAY);
    let transfer = match choice % 4 {
        0 => plain.transfer,
        1 => TransferMode::Blocks { window: NonZeroU8::new(4).expect("not 0") },
        2 => TransferMode::Pages { size: NonZeroU16::new(256).expect("not 0"), spacing: 0 },
        _ => TransferMode::Auto,
    };
    let mut client = Client::new(plain.with_transfer(transfer), 7, Instant::ZERO);
    let mut link = Link { script: script.iter(), under_way: Vec::new() };
    let mut flash = Vec::new();
    let mut written = Vec::new();
    let mut now = Instant::ZERO;

    for _ in 0..MOST {
        while let Some(need) = client.poll_need() {
            match need {
                Need::Decide(ticket, _) => client.accept(ticket),
                Need::Prepare(ticket, offer) => {
                    let fits = offer.size < 1 << 16;
                    flash = vec![0xff; if fits { offer.size as usize } else { 0 }];
                    written = vec![false; flash.len()];
                    client.prepared(
                        now,
                        ticket,
                        if fits { PrepareResult::Ready } else { PrepareResult::Fault },
                    )
                }
                Need::Verify(ticket, _) => {
                    let verdict = if flash == file { VerifyResult::Valid } else { VerifyResult::Invalid };
                    client.verified(now, ticket, verdict)
                }
                Need::Apply(ticket, id) => {
                    assert_eq!(id, SERVED, "the image that was offered");
                    client.applied(now, ticket, ApplyResult::Done)
                }
                other => panic!("{other:?} of a client that knows its server"),
            }
            .expect("answered at once");
        }
        let mut out = [0; LONGEST_TO_SERVER];
        while let Some(transmit) = client.poll_transmit(now, &mut out) {
            link.send(now, GATEWAY, &out[..transmit.len]);
        }
        while let Some(event) = client.poll_event() {
            if let ClientEvent::Ended(outcome) = event {
                let upgraded = matches!(outcome, Outcome::Upgraded(_));
                assert!(!upgraded || flash == file, "an image that was never served");
                return outcome;
            }
        }
        let mut out = [0; LONGEST_TO_CLIENT];
        while let Some(transmit) = server.poll_transmit(now, &mut images, &mut out) {
            link.send(now, DEVICE, &out[..transmit.len]);
        }
        while server.poll_event().is_some() {}
        let deadlines = [client.poll_timeout(), server.poll_timeout(), link.next()];
        now = now.max(deadlines.into_iter().flatten().min().expect("a timer is set"));
        while let Some((to, frame)) = link.arrived(now) {
            if to == GATEWAY {
                let meta = FrameMeta::unicast(DEVICE);
                let policy = &mut StandardPolicy::default();
                let handled = server.handle_frame(now, meta, &frame, &mut images, policy, &mut out);
                if let server::ServerAction::Reply(transmit) = handled {
                    link.send(now, DEVICE, &out[..transmit.len]);
                }
            } else if let ClientAction::Store(block) =
                client.handle_frame(now, FrameMeta::unicast(GATEWAY), &frame)
            {
                let place = block.offset as usize;
                flash[place..place + block.data.len()].copy_from_slice(block.data);
                for byte in &mut written[place..place + block.data.len()] {
                    assert!(!core::mem::replace(byte, true), "a byte from {place} on is written twice");
                }
                client.stored(now, block.ticket, StoreResult::Ok).expect("answered at once");
            }
        }
        client.handle_timeout(now);
        server.handle_timeout(now);
    }
    panic!("no end in sight: {:?}", client.waiting_for());
}
