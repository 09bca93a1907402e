//! Tests of the server with scripts of received and sent frames, as hexadecimal text.

mod delivery_reports;
mod device_overrides;
mod download_progress;
mod espressif_image_table;
mod event_accessors_and_text;
mod fast_path;
#[cfg(feature = "std")]
mod folder_store;
mod image_access_rules;
mod image_block;
mod image_page;
#[cfg(feature = "std")]
mod image_stores;
mod notify_and_read_status;
mod pause_between_blocks;
mod query_next_image;
mod query_specific_file;
mod rate_limits_and_block_size;
mod rejected_frames;
mod repeated_downloads;
mod serve_block_without_server;
mod sessions;
mod timeouts;
mod upgrade_end;

use core::num::NonZeroU8;
use std::fmt::Write as _;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::codec::Encode;
use crate::file::FileHeader;
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use crate::zcl::{ImageBlockRequest, QueryNextImageRequest};

/// Image id whose bytes in a frame are `01 10 ab 00 05 00 00 00`.
const IMAGE: ImageId = ImageId::new(0x1001, 0x00ab, 5);
const LAMP: Address = Address::new(0x1234, 1);
const PLUG: Address = Address::new(0x5678, 9);

/// IEEE address whose bytes in a frame are `ef cd ab 89 67 45 23 01`.
const OWNER: Eui64 = Eui64(0x0123_4567_89ab_cdef);

/// Default settings without background traffic, for scripts of many clients that do not test the spacing of blocks.
fn unpaced() -> ServerConfig {
    ServerConfig { background_from: None, ..ServerConfig::default() }
}

/// Test caller: a server with four session slots, a store and a policy.
struct Desk<I, P> {
    server: Server<Vec<Session>>,
    images: I,
    policy: P,
    now: u64,
    out: ResponseBuffer,
}

impl Desk<SliceStore<'static>, Script> {
    fn with(files: Vec<Vec<u8>>) -> Self {
        Self::new(catalog(files), Script::default())
    }

    /// Test caller whose policy knows OWNER as the IEEE address of every client.
    fn with_owner(files: Vec<Vec<u8>>) -> Self {
        Self::new(catalog(files), Script::of_owner())
    }
}

impl Script {
    fn of_owner() -> Self {
        Self { ieee: Some(OWNER), ..Self::default() }
    }
}

impl<I: ImageStore, P: ServerPolicy> Desk<I, P> {
    fn new(images: I, policy: P) -> Self {
        Self::configured(unpaced(), 4, images, policy)
    }

    fn configured(config: ServerConfig, slots: usize, images: I, policy: P) -> Self {
        let server = Server::new(config, vec![Session::EMPTY; slots]);
        Self { server, images, policy, now: 0, out: [0xee; zcl::LONGEST_TO_CLIENT] }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn handle_as(&mut self, meta: FrameMeta, frame: &[u8]) -> ServerAction {
        let now = self.now();
        self.server.handle_frame(now, meta, frame, &mut self.images, &mut self.policy, &mut self.out)
    }

    fn handle(&mut self, from: Address, frame: &str) -> ServerAction {
        self.handle_as(FrameMeta::unicast(from), &bytes(frame))
    }

    /// Returns the response to `frame`, and asserts that the response goes back to `from` with an APS acknowledgement.
    fn ask(&mut self, from: Address, frame: &str) -> String {
        match self.handle(from, frame) {
            ServerAction::Reply(transmit) => self.sent(from, transmit),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, parked: Deferred, data: Result<&[u8], NotReady>) -> String {
        let transmit = self.server.answer(self.now(), parked, data, &mut self.out);
        self.sent(parked.client(), transmit)
    }

    fn sent(&self, to: Address, transmit: Transmit) -> String {
        let token = transmit.token;
        let expected = Transmit { token, ..Transmit::new(to, transmit.len, DeliveryMode::Unicast) };
        assert_eq!(transmit, expected);
        assert!(transmit.aps_ack && !transmit.aps_security);
        hex(&self.out[..transmit.len])
    }

    fn poll(&mut self) -> Option<Transmit> {
        self.server.poll_transmit(Instant::from_millis(self.now), &mut self.images, &mut self.out)
    }

    /// Advances the clock to `now` from deadline to deadline, and returns the frames that the server sends, each with
    /// its time.
    fn run_to(&mut self, now: u64) -> Vec<(u64, Transmit, Vec<u8>)> {
        let mut sent = vec![];
        loop {
            while let Some(transmit) = self.poll() {
                sent.push((self.now, transmit, self.out[..transmit.len].to_vec()));
            }
            self.server.handle_timeout(self.now());
            match self.server.poll_timeout() {
                Some(next) if next.as_millis() <= now => self.now = self.now.max(next.as_millis()),
                _ => break,
            }
        }
        self.now = now;
        sent
    }

    /// Returns all events except progress events.
    fn events(&mut self) -> Vec<ServerEvent> {
        let news = |event: &ServerEvent| {
            !matches!(event, ServerEvent::Progress { .. } | ServerEvent::AllServed { .. })
        };
        self.all_events().into_iter().filter(news).collect()
    }

    fn all_events(&mut self) -> Vec<ServerEvent> {
        core::iter::from_fn(|| self.server.poll_event()).collect()
    }

    fn phase(&self, client: Address) -> Option<SessionPhase> {
        self.server.session(client).map(Session::phase)
    }
}

/// Policy with preset answers that records the calls of the server.
#[derive(Default)]
struct Script {
    standard: StandardPolicy,
    verdict: Option<QueryDecision>,
    pace: Option<PaceDecision>,
    revision: Option<u16>,
    apply: Option<UpgradeDecision>,
    /// IEEE address that the policy returns for every client.
    ieee: Option<Eui64>,
    /// Hardware version that the policy returns for every client.
    hardware: Option<HardwareVersion>,
    /// Clients to which the policy refuses every image.
    locked_out: Vec<Address>,
    candidates: Vec<ImageInfo>,
    offers: Vec<(QueryNextImageRequest, Option<ImageId>)>,
}

impl ServerPolicy for Script {
    fn is_authorized(&mut self, client: Address, _: ImageId, _: Option<&ImageInfo>) -> bool {
        !self.locked_out.contains(&client)
    }

    fn ieee(&mut self, _: Address) -> Option<Eui64> {
        self.ieee
    }

    fn hardware(&mut self, _: Address, _: ImageId) -> Option<HardwareVersion> {
        self.hardware
    }

    fn refusal_reason(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        image: &ImageInfo,
    ) -> RefusalReason {
        self.standard.refusal_reason(client, request, image)
    }

    fn is_eligible(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        self.candidates.push(*image);
        self.standard.allows(request, image)
    }

    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        self.offers.push((*request, found.map(|image| image.id)));
        self.verdict.unwrap_or_else(|| StandardPolicy::default().offer(client, request, found))
    }

    fn pace(
        &mut self,
        client: Address,
        request: &ImageBlockRequest,
        session: Option<&Session>,
    ) -> PaceDecision {
        self.pace.unwrap_or_else(|| StandardPolicy::default().pace(client, request, session))
    }

    fn cluster_revision(&mut self, _: Address) -> Option<u16> {
        self.revision
    }

    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        self.apply.unwrap_or_else(|| StandardPolicy::default().upgrade(client, id))
    }
}

/// Faulty store: on demand, the store returns wrong lengths or delays data, and it serves device-specific files to
/// every client.
struct Slow {
    files: SliceStore<'static>,
    says: Option<ReadResult>,
    reads: Vec<(u32, usize)>,
}

impl ImageStore for Slow {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        self.files.find(manufacturer, image_type, fits)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        match self.files.info(id, node, hardware, None) {
            FileLookup::NotFound => self.files.info(id, Some(OWNER), hardware, None),
            found => found,
        }
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        self.reads.push((offset, out.len()));
        let read = self.files.read(image, offset, None, out);
        self.says.unwrap_or(read)
    }
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

/// A file of `size` bytes: the header, and then the bytes 0x80, 0x81 and so on, which form no valid sub-element.
fn file(header: FileHeader<'_>, size: u32) -> Vec<u8> {
    let header = FileHeader { total_size: size, ..header };
    let mut bytes = vec![0; header.encoded_len()];
    header.encode(&mut bytes).unwrap();
    bytes.extend((0x80..=0xff).cycle().take(usize::try_from(size).unwrap() - bytes.len()));
    bytes
}

fn plain(version: u32, size: u32) -> Vec<u8> {
    file(FileHeader::new(ImageId { version: crate::FileVersion(version), ..IMAGE }), size)
}

fn catalog(files: Vec<Vec<u8>>) -> SliceStore<'static> {
    let entries: Vec<_> = files.into_iter().map(|file| StoreEntry::parse(file.leak()).unwrap()).collect();
    SliceStore::new(entries.leak()).unwrap()
}
