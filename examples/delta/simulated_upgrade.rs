//! Simulated upgrade: client and server in virtual time, over a link that loses one frame in a hundred.

use std::num::NonZeroU8;

use zigbee_ota::ImageId;
use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome, PrepareResult,
    StoreResult, TransferMode, VerifyResult,
};
use zigbee_ota::server::{self, Server, Session, SliceStore, StandardPolicy, StoreEntry};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota_sim::Link;

const GATEWAY: Address = Address::new(0x0000, 1);
const DEVICE: Address = Address::new(0x5a17, 1);

/// Latency of a frame in each direction, and processing time of the server.
const LATENCY: Millis = Millis(10);
/// Share of the frames lost in each direction.
const LOSS: f64 = 0.01;

/// Maximum number of turns of the loop. An upgrade that needs more turns counts as stuck.
const ROUNDS: u32 = 1_000_000;

/// Result of an upgrade.
pub struct Ran {
    /// Time from the first block request to the last block.
    pub download: Millis,
}

/// Upgrades a device that runs the image `runs` to the image in `file`. The function `store` receives the bytes of the
/// file in order, and returns `false` if it cannot store them.
pub fn drive(runs: ImageId, file: &[u8], store: &mut dyn FnMut(&[u8]) -> bool) -> Result<Ran, String> {
    let entries = [StoreEntry::parse(file).map_err(|error| error.to_string())?];
    let mut images = SliceStore::new(&entries).map_err(|error| error.to_string())?;
    let mut policy = StandardPolicy::default();
    let mut server = Server::new(server::ServerConfig::default(), [Session::EMPTY]);
    let identity = Identity::new(runs);
    // The client requests one block at a time, because the device must apply the patch in ascending order of the bytes.
    let transfer = TransferMode::Blocks { window: NonZeroU8::MIN };
    let config = ClientConfig::new(identity, GATEWAY).with_transfer(transfer);
    let mut client = Client::new(config, 1, Instant::ZERO);
    let (mut to_server, mut to_client) = (Link::new(LATENCY, LOSS, 1), Link::new(LATENCY, LOSS, 2));
    let (mut request, mut answer) = ([0; LONGEST_TO_SERVER], [0; LONGEST_TO_CLIENT]);
    let (mut now, mut started, mut latest) = (Instant::ZERO, Instant::ZERO, Instant::ZERO);

    let notify = server.notify(DEVICE, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut answer);
    to_client.send(now, &answer[..notify.map_err(|error| error.to_string())?.len]);
    for _ in 0..ROUNDS {
        while let Some(need) = client.poll_need() {
            match need {
                Need::Decide(ticket, _) => client.accept(ticket),
                Need::Prepare(ticket, _) => client.prepared(now, ticket, PrepareResult::Ready),
                Need::Verify(ticket, _) => client.verified(now, ticket, VerifyResult::Valid),
                Need::Apply(ticket, _) => client.applied(now, ticket, ApplyResult::Done),
                _ => Ok(()),
            }
            .map_err(|stale| stale.to_string())?;
        }
        while let Some(transmit) = client.poll_transmit(now, &mut request) {
            to_server.send(now, &request[..transmit.len]);
        }
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::Started(_) => started = now,
                ClientEvent::Ended(Outcome::Upgraded(_)) => {
                    return Ok(Ran { download: latest.since(started) });
                }
                ClientEvent::Ended(outcome) => {
                    return Err(format!("the upgrade ended otherwise: {outcome:?}"));
                }
                _ => {}
            }
        }
        let moments = [
            client.poll_timeout(),
            server.poll_timeout(),
            to_server.next_arrival(),
            to_client.next_arrival(),
        ];
        now = now.max(moments.into_iter().flatten().min().ok_or("nobody waits for anything")?);
        while let Some(frame) = to_server.receive(now) {
            let meta = FrameMeta::unicast(DEVICE);
            let handled = server.handle_frame(now, meta, &frame, &mut images, &mut policy, &mut answer);
            if let server::ServerAction::Reply(transmit) = handled {
                to_client.send(now.plus(LATENCY), &answer[..transmit.len]);
            }
            while server.poll_event().is_some() {}
        }
        server.handle_timeout(now);
        while let Some(frame) = to_client.receive(now) {
            if let ClientAction::Store(block) = client.handle_frame(now, FrameMeta::unicast(GATEWAY), &frame)
            {
                latest = now;
                let stored = if store(block.data) { StoreResult::Ok } else { StoreResult::Fault };
                client.stored(now, block.ticket, stored).map_err(|stale| stale.to_string())?;
            }
        }
        client.handle_timeout(now);
    }
    Err("no end in sight".into())
}
