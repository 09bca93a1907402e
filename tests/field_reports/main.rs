//! Field reports: problems that users of other OTA implementations reported, each as a short scenario with the numbers
//! of its public reports. None of them occurs with this crate.
//!
//! Frames are hexadecimal text. The reports are issues, or pull requests where PR stands before the number, of:
//!
//! | short | repository | | short | repository |
//! |---|---|---|---|---|
//! | z2m | Koenkk/zigbee2mqtt | | esp | espressif/esp-zigbee-sdk |
//! | zh | Koenkk/zigbee-herdsman | | arduino | espressif/arduino-esp32 |
//! | zhc | Koenkk/zigbee-herdsman-converters | | domoticz | zigbeefordomoticz/Domoticz-Zigbee |
//! | zota | Koenkk/zigbee-OTA | | deconz | dresden-elektronik/deconz-rest-plugin |
//! | zigpy | zigpy/zigpy | | deconz-ota | dresden-elektronik/deconz-ota-plugin |
//! | zha | zigpy/zha | | zsmart | zsmartsystems/com.zsmartsystems.zigbee |
//! | xbee | digidotcom/xbee-python | | zigate | fairecasoimeme/ZiGate |

use std::fmt::Write as _;

use zigbee_ota::aps::{Address, DeliveryReport, FrameMeta, Transmit};
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::{
    ImageInfo, ImageStore, OwnedStore, ResponseBuffer, Server, ServerAction, ServerConfig, ServerEvent,
    ServerPolicy, Session, StandardPolicy, UpgradeDecision,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{LONGEST_TO_CLIENT, QueryNextImageRequest};
use zigbee_ota::{Encode, ImageId};

mod downloads;
mod queries_and_offers;
mod rate_limits;
mod test_device;
mod upgrade_end;

/// `01 10 ab 00 05 00 00 00` in a frame.
const IMAGE: ImageId = ImageId::new(0x1001, 0x00ab, 5);
const LAMP: Address = Address::new(0x1234, 1);
const PLUG: Address = Address::new(0x5678, 9);

/// A lamp with version 1 queries for an image, and is offered 1000 bytes of version 5.
const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const OFFER: &str = "19 2a 02 00 01 10 ab 00 05 00 00 00 e8 03 00 00";
/// Upgrade End Request: the lamp asks when to upgrade to version 5.
const END: &str = "01 2a 06 00 01 10 ab 00 05 00 00 00";
const NOW: &str = "19 2a 07 01 10 ab 00 05 00 00 00 00 00 00 00 00 00 00 00";

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// Policy of the operator.
struct Decisions {
    standard: StandardPolicy,
    apply: UpgradeDecision,
}

impl ServerPolicy for Decisions {
    fn is_eligible(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        self.standard.allows(request, image)
    }

    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        self.apply
    }
}

/// Server with files and policy, and a clock in milliseconds. The server paces no blocks as background traffic, so that each
/// request has its answer at once.
struct Desk<I> {
    server: Server<Vec<Session>>,
    images: I,
    decisions: Decisions,
    now: u64,
    out: ResponseBuffer,
}

impl Desk<OwnedStore> {
    fn with(files: Vec<Vec<u8>>) -> Self {
        Self::configured(ServerConfig::default(), files)
    }

    fn configured(config: ServerConfig, files: Vec<Vec<u8>>) -> Self {
        let mut library = OwnedStore::default();
        for file in files {
            library.add(file).unwrap();
        }
        Self::new(config, library)
    }
}

impl<I: ImageStore> Desk<I> {
    fn new(mut config: ServerConfig, images: I) -> Self {
        config.background_from = None;
        let server = Server::new(config, vec![Session::EMPTY; 16]);
        let decisions = Decisions { standard: StandardPolicy::default(), apply: UpgradeDecision::Now };
        Self { server, images, decisions, now: 0, out: [0; LONGEST_TO_CLIENT] }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn handle(&mut self, from: Address, frame: &[u8]) -> ServerAction {
        let (now, meta) = (self.now(), FrameMeta::unicast(from));
        self.server.handle_frame(now, meta, frame, &mut self.images, &mut self.decisions, &mut self.out)
    }

    /// Returns the response to a frame, and how it is sent.
    fn send(&mut self, from: Address, frame: &[u8]) -> (Transmit, Vec<u8>) {
        match self.handle(from, frame) {
            ServerAction::Reply(transmit) => (transmit, self.out[..transmit.len].to_vec()),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, from: Address, frame: &[u8]) -> Vec<u8> {
        self.send(from, frame).1
    }

    /// Returns the response to a frame that may need none.
    fn reply(&mut self, from: Address, frame: &[u8]) -> Option<Vec<u8>> {
        match self.handle(from, frame) {
            ServerAction::Reply(transmit) => Some(self.out[..transmit.len].to_vec()),
            _ => None,
        }
    }

    fn ask(&mut self, from: Address, frame: &str) -> String {
        hex(&self.answer(from, &bytes(frame)))
    }

    /// Downloads the rest of the image from `offset` on as client `from`, with requests for `most` bytes. `arrives`
    /// says by the length of a response whether it reaches the client.
    fn take(&mut self, from: Address, offset: u32, most: u8, arrives: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut taken = vec![];
        for _ in 0..5000 {
            let at = offset + u32::try_from(taken.len()).unwrap();
            if at == 1000 {
                return taken;
            }
            self.now += 100;
            let (transmit, frame) = self.send(from, &block(0x2a, at, most));
            let delivery =
                if arrives(frame.len()) { DeliveryReport::Acknowledged } else { DeliveryReport::Failed };
            self.server.handle_delivery(self.now(), transmit.token, delivery);
            if delivery == DeliveryReport::Acknowledged {
                taken.extend(data(&frame, 0x2a, at, most));
            }
        }
        panic!("only {} bytes arrived", taken.len());
    }

    /// Advances the clock without requests, and returns the events.
    fn pass(&mut self, millis: u64) -> Vec<ServerEvent> {
        let (end, mut events) = (self.now + millis, vec![]);
        while let Some(next) = self.server.poll_timeout().filter(|next| next.as_millis() <= end) {
            self.now = self.now.max(next.as_millis());
            self.server.handle_timeout(self.now());
            events.extend(self.events());
        }
        self.now = end;
        events
    }

    /// Returns the events except those of progress.
    fn events(&mut self) -> Vec<ServerEvent> {
        let all = std::iter::from_fn(|| self.server.poll_event());
        all.filter(|event| !matches!(event, ServerEvent::Progress { .. })).collect()
    }
}

/// Builds an Image Block Request for IMAGE.
fn block(sequence: u8, offset: u32, most: u8) -> Vec<u8> {
    let [a, b, c, d] = offset.to_le_bytes();
    vec![0x01, sequence, 0x03, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, a, b, c, d, most]
}

/// Returns the data of a block response, after checks of its offset and length.
fn data(answer: &[u8], sequence: u8, offset: u32, most: u8) -> Vec<u8> {
    let [a, b, c, d] = offset.to_le_bytes();
    let head = [0x19, sequence, 0x05, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, a, b, c, d];
    assert_eq!(answer[..16], head, "{}", hex(answer));
    assert!((1..=most).contains(&answer[16]));
    assert_eq!(usize::from(answer[16]), answer.len() - 17);
    answer[17..].to_vec()
}

/// Builds a file of `size` bytes: the header, then bytes that differ by offset.
fn file(header: FileHeader<'_>, size: u32) -> Vec<u8> {
    let header = header.with_total_size(size);
    let mut bytes = vec![0; header.encoded_len()];
    header.encode(&mut bytes).unwrap();
    bytes.extend((0..=250).cycle().take(usize::try_from(size).unwrap() - bytes.len()));
    bytes
}

/// File of 1000 bytes for IMAGE.
fn image() -> Vec<u8> {
    file(FileHeader::new(IMAGE), 1000)
}

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        write!(text, "{}{byte:02x}", if at == 0 { "" } else { " " }).unwrap();
    }
    text
}
