//! One simulation: a client with its flash and application, a server with its store and operator, and the link between
//! them.
//!
//! ```text
//!   application, flash <-> Client <-- link: frames on their way --> Server <-> store, operator
//! ```
//!
//! Frames take [`HOP`] to arrive, in the order in which they were sent, unless an action says otherwise. The application
//! answers at once, the operator releases at once. Each step checks the properties of safety; a violated one is the
//! text of the error.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use zigbee_ota::Eui64;
use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::client::{
    ApplyResult, Checkpoint, CheckpointStage, Client, ClientAction, ClientConfig, ClientEvent,
    CredentialResult, FailedImage, Identity, Need, PauseReason, PrepareResult, StaleTicket, StoreResult,
    Ticket, VerifyResult,
};
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::{
    Deferred, FileLookup, ImageInfo, ImageStore, NotReady, PaceDecision, ReadResult, Server, ServerAction,
    ServerConfig, ServerEvent, ServerPolicy, Session, UpgradeDecision,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{self, ImageBlockRequest, ImageNotify};
use zigbee_ota::{FileVersion, HardwareVersion, ImageFilter, ImageId, ImageType, ManufacturerCode};
use zigbee_ota_sim::Micros;
use zigbee_ota_sim::foreign::{self, ForeignServer};

use crate::action::{Action, Kind};
use crate::event_words;
use crate::flash::Flash;
use crate::setup::{Habit, MANUFACTURER, Setup, TYPES, Upgrade};
use crate::state_key::{KeyMaker, Parts, hash, text_without_origin};

/// Start time of every simulation in milliseconds. The time is not zero, because zero would hide a zero that means
/// "never".
pub const START: u64 = 10_000_000;
/// Time that a frame takes.
const HOP: Millis = Millis(10);
/// Maximum number of frames on the link; simulations with more frames, such as floods of pages, are not explored
/// further.
pub const MAX_LINK: usize = 10;

const CLIENT: Address = Address::new(0x1234, 1);
const SERVER: Address = Address::new(0x0000, 1);
const OTHER: Address = Address::new(0x5678, 1);
const SERVER_IEEE: Eui64 = Eui64(0x1122);
/// Longest header of a file, without fields of later versions.
const HEADER: u32 = 69;
/// Size of blocks that the client asks for.
const BLOCK: u8 = 32;

const NOTIFY: u8 = 0x00;
const REQUEST_BLOCK: u8 = 0x03;
const REQUEST_PAGE: u8 = 0x04;
const RESPONSE_BLOCK: u8 = 0x05;
const REQUEST_END: u8 = 0x06;
const RESPONSE_END: u8 = 0x07;
const DEFAULT_RESPONSE: u8 = 0x0b;
/// Status NO_IMAGE_AVAILABLE.
const NO_IMAGE: u8 = 0x98;

/// Upgrade End Requests after which a client may upgrade without an answer (section 6.12).
const ENOUGH_ASKED: u8 = 4;
/// Refusals after which a client may take an image to be gone (section 6.10.6.5.2).
const ENOUGH_REFUSED: u8 = 3;

/// Statuses of the Default Responses by which `Kind::Refuse` answers.
const REFUSALS: [u8; 7] = [0x00, 0x01, 0x7e, 0x80, 0x81, 0x95, NO_IMAGE];

/// Frames that `Kind::Forge` sends: ABORT and WAIT_FOR_DATA of 10 s, of 4 hours and of 136 years, with a number of no
/// request; an Upgrade End Response for another image.
const FORGED: [&[u8]; 5] = [
    &[0x19, 0xee, RESPONSE_BLOCK, 0x95],
    &[0x19, 0xee, RESPONSE_BLOCK, 0x97, 0, 0, 0, 0, 10, 0, 0, 0],
    &[0x19, 0xee, RESPONSE_BLOCK, 0x97, 0, 0, 0, 0, 0x40, 0x38, 0, 0],
    &[0x19, 0xee, RESPONSE_BLOCK, 0x97, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff],
    &[0x19, 0xee, 0x07, 0x01, 0x10, 0xff, 0x00, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];

pub type Checked = Result<(), String>;

macro_rules! ensure {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err(format!($($text)*));
        }
    };
}

/// Returns a time as the models of other stacks count it.
fn micros(at: Instant) -> Micros {
    at.as_millis() * 1000
}

/// Collects the text to hash.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Hasher for Bytes<'_> {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }
}

/// Session slots of the server in an array without heap memory, because simulations are cloned millions of times.
#[derive(Clone)]
pub struct Slots([Session; 2], usize);

impl AsRef<[Session]> for Slots {
    fn as_ref(&self) -> &[Session] {
        &self.0[..self.1]
    }
}

impl AsMut<[Session]> for Slots {
    fn as_mut(&mut self) -> &mut [Session] {
        &mut self.0[..self.1]
    }
}

impl std::fmt::Debug for Slots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// Start and end of a page in the file, and the size of its blocks.
type PageRequest = (u32, u32, u8);

/// Frame in flight.
#[derive(Clone, Debug)]
struct Flying {
    to_client: bool,
    /// `true` for an unsolicited frame of the server, with a sequence number of the server.
    is_unsolicited: bool,
    bytes: Vec<u8>,
    delivery: DeliveryMode,
    token: TransmitToken,
}

/// A question that the application has not answered.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Need(Need),
    Store { ticket: Ticket, image: usize, offset: u32, len: u32, is_rebuilt: bool },
}

/// State of one image in the store: 0 means that the store does not have the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shelf {
    version: u32,
    build: usize,
}

/// How the server answers the next block request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Normal,
    /// WAIT_FOR_DATA of 5 s.
    Wait,
    Abort,
    /// The store reads later.
    Later,
    /// WAIT_FOR_DATA of as long as the policy can say.
    WaitForEver,
}

const MOODS: [Mood; 5] = [Mood::Normal, Mood::Wait, Mood::Abort, Mood::Later, Mood::WaitForEver];

#[derive(Clone)]
pub struct World<const RANGES: usize> {
    setup: &'static Setup,
    pub now: Instant,
    client: Client<RANGES>,
    server: Server<Slots>,
    /// Server of another stack that the client has in place of `server`.
    foreign: Option<ForeignServer>,
    link: Vec<Flying>,
    pending: Vec<Pending>,
    /// Requests that the store answers later, each with the page that it asks for.
    deferred: Vec<(Deferred, Option<PageRequest>)>,
    /// Whether the application takes its time.
    is_late: bool,
    flash: [Flash; 2],
    /// The newest checkpoint and the checkpoint before it.
    checkpoints: [Option<Checkpoint>; 2],
    /// Versions that the device runs.
    runs: [u32; 2],
    shelves: [Shelf; 2],
    empty_until: Option<Instant>,
    mood: Mood,
    /// Whether the operator has a client to release.
    has_held: bool,
    /// Whether the client waits for the application to start the upgrade.
    awaits_activation: bool,
    /// `true` if the client has reported a start without an end.
    is_open: bool,
    /// `true` if the client has reported the upgrade of all images.
    is_upgraded: bool,
    /// Last news of the client that a wait can be put down to.
    pub news: u16,
    /// Range and block size of the last page request that reached the server.
    page: PageRequest,
    /// `true` if the server has ordered the upgrade to the current image, or the application has started it.
    is_ordered: bool,
    /// Upgrade End Requests with SUCCESS since the last download began, at most [`ENOUGH_ASKED`].
    times_asked: u8,
    /// NO_IMAGE_AVAILABLE to requests for blocks since the download began or paused for that, at most
    /// [`ENOUGH_REFUSED`].
    times_refused: u8,
    /// Sequence number of the next response of a server that numbers its responses itself.
    own_number: u8,
    pub requests: u32,
    pub log: Option<String>,
}

/// The store during one call.
struct Store {
    setup: &'static Setup,
    shelves: [Shelf; 2],
    reads_later: bool,
}

impl Store {
    fn entry(&self, id: ImageId) -> Option<ImageInfo> {
        let image = self.setup.image(id)?;
        let shelf = self.shelves[image];
        if shelf.version != id.version.0 || shelf.version == 0 {
            return None;
        }
        let file = self.setup.file(image, shelf.version, shelf.build);
        Some(ImageInfo::new(&FileHeader::parse(file).ok()?.0))
    }
}

impl ImageStore for Store {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        let image = TYPES.iter().position(|known| *known == image_type.0)?;
        let version = FileVersion(self.shelves[image].version);
        self.entry(ImageId { manufacturer, image_type, version }).filter(|found| is_eligible(found))
    }

    fn info(
        &mut self,
        id: ImageId,
        _: Option<Eui64>,
        _: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        self.entry(id).into()
    }

    fn read(&mut self, info: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        if std::mem::take(&mut self.reads_later) {
            return ReadResult::Later;
        }
        let Some(image) = self.setup.image(info.id) else { return ReadResult::Gone };
        let file = self.setup.file(image, info.id.version.0, self.shelves[image].build);
        out.copy_from_slice(&file[offset as usize..][..out.len()]);
        ReadResult::Filled(out.len())
    }
}

struct Gateway<'a> {
    upgrade: Upgrade,
    mood: &'a mut Mood,
}

impl ServerPolicy for Gateway<'_> {
    fn pace(&mut self, _: Address, _: &ImageBlockRequest, _: Option<&Session>) -> PaceDecision {
        let decision = match *self.mood {
            Mood::Wait => PaceDecision::Wait { seconds: 5 },
            Mood::WaitForEver => PaceDecision::Wait { seconds: u32::MAX },
            Mood::Abort => PaceDecision::Abort,
            Mood::Normal | Mood::Later => return PaceDecision::Send,
        };
        *self.mood = Mood::Normal;
        decision
    }

    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        match self.upgrade {
            Upgrade::Now => UpgradeDecision::Now,
            Upgrade::Hold => UpgradeDecision::Hold,
            Upgrade::AfterSeconds(seconds) => UpgradeDecision::AfterSeconds(seconds),
        }
    }
}

fn client_config(setup: &Setup, runs: u32, failed: Option<FailedImage>) -> ClientConfig {
    let identity = Identity::new(ImageId::new(MANUFACTURER, TYPES[0], runs));
    let server = if setup.knows_server { SERVER } else { Address::UNKNOWN };
    let mut config = ClientConfig::new(identity, server).with_transfer(setup.transfer);
    config.max_block_size = BLOCK.try_into().expect("not 0");
    // Random times would make a state of each millisecond.
    config.query_spread = Millis(0);
    config.failed_image = failed;
    (setup.client)(&mut config);
    config
}

fn new_server(setup: &Setup) -> Server<Slots> {
    let mut config = ServerConfig::default();
    // No device of these worlds is in the table of overrides, whose text is long.
    config.device_overrides = &[];
    (setup.server)(&mut config);
    Server::new(config, Slots([Session::EMPTY; 2], setup.slots))
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Returns the image that the bytes at `at` name.
fn image_id(bytes: &[u8], at: usize) -> ImageId {
    ImageId::new(le16(bytes, at), le16(bytes, at + 2), le32(bytes, at + 4))
}

const fn is_cluster_command(frame: &[u8]) -> bool {
    frame[0] & 3 == 1
}

const fn is_default_response(frame: &[u8]) -> bool {
    frame[0] & 3 == 0 && frame[2] == DEFAULT_RESPONSE
}

/// Returns where a frame names an image; `None` if it names none.
fn image_at(frame: &Flying) -> Option<usize> {
    if !is_cluster_command(&frame.bytes) {
        return None;
    }
    match (frame.to_client, frame.bytes[2], frame.bytes.len()) {
        (true, 0x02 | RESPONSE_BLOCK, 12..) if frame.bytes[3] == 0 => Some(4),
        (true, RESPONSE_END, 11..) => Some(3),
        (false, 0x01 | REQUEST_BLOCK | REQUEST_PAGE | REQUEST_END, 12..) => Some(4),
        _ => None,
    }
}

pub fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

impl<const RANGES: usize> World<RANGES> {
    pub fn new(setup: &'static Setup) -> Self {
        let now = Instant::from_millis(START);
        let shelf = Shelf { version: 2, build: 0 };
        let mut world = Self {
            setup,
            now,
            client: Client::with_ranges(client_config(setup, 1, None), 7, now),
            server: new_server(setup),
            foreign: setup.foreign.map(|name| ForeignServer::new(foreign::server(name), None)),
            link: Vec::new(),
            pending: Vec::new(),
            deferred: Vec::new(),
            is_late: false,
            flash: [Flash::EMPTY; 2],
            checkpoints: [None; 2],
            runs: [1, 1],
            shelves: [shelf; 2],
            empty_until: None,
            mood: Mood::Normal,
            has_held: false,
            awaits_activation: false,
            is_open: false,
            is_upgraded: false,
            news: event_words::START,
            page: (0, 0, 0),
            is_ordered: false,
            times_asked: 0,
            times_refused: 0,
            own_number: 0x80,
            requests: 0,
            log: None,
        };
        world.set_foreign_file();
        if let Some(foreign) = &mut world.foreign {
            // The operator of such a server starts the update.
            foreign.notify(micros(now), CLIENT.network);
        }
        let begun =
            if setup.other_first { world.step(Action::new(Kind::OtherClient, 0)) } else { world.pump(false) };
        begun.expect("a world that begins");
        world
    }

    fn say(&mut self, text: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let millis = self.now.as_millis() - START;
            writeln!(log, "    {}.{:03} s  {}", millis / 1000, millis % 1000, text())
                .expect("a string takes all");
        }
    }

    pub fn link_len(&self) -> usize {
        self.link.len()
    }

    /// Returns the blocks that are missing of the image in transfer, at most the whole file.
    pub fn missing_blocks(&self) -> u32 {
        let size = self.setup.size as u32;
        let here = if self.flash[0].version == 0 { 0 } else { self.flash[0].count().min(size) };
        (size - here).div_ceil(u32::from(BLOCK))
    }

    fn deadline(&self) -> Option<Instant> {
        let foreign = self.foreign.as_ref().and_then(ForeignServer::poll_timeout);
        let foreign = foreign.map(|at| Instant::from_millis(at.div_ceil(1000)));
        let server = self.server.poll_timeout();
        [self.client.poll_timeout(), server, foreign, self.empty_until].into_iter().flatten().min()
    }

    fn store(&self) -> Store {
        let gone = Shelf { version: 0, build: 0 };
        let shelves = if self.empty_until.is_some() { [gone; 2] } else { self.shelves };
        Store { setup: self.setup, shelves, reads_later: self.mood == Mood::Later }
    }

    /// Whether a block of `id` at `offset` is what some file of that identity has there; returns whether only build 1
    /// has it.
    fn known_bytes(&self, id: ImageId, offset: u32, data: &[u8]) -> Option<bool> {
        let image = self.setup.image(id)?;
        let range = offset as usize..offset as usize + data.len();
        let has = |build| self.setup.file(image, id.version.0, build).get(range.clone()) == Some(data);
        if has(0) { Some(false) } else { has(1).then_some(true) }
    }

    /// Checks a frame that the client sends.
    fn check_request(&mut self, frame: &[u8]) -> Checked {
        if !is_cluster_command(frame) {
            return Ok(());
        }
        self.requests += 1;
        if frame[2] == REQUEST_END && frame[3] == 0 {
            self.times_asked = ENOUGH_ASKED.min(self.times_asked + 1);
        }
        if frame[2] != REQUEST_BLOCK && frame[2] != REQUEST_PAGE {
            return Ok(());
        }
        let (id, offset, max) = (image_id(frame, 4), le32(frame, 12), u32::from(frame[16]));
        let image =
            self.setup.image(id).ok_or_else(|| format!("a request for {id}, which was never offered"))?;
        let size = self.setup.size as u32;
        let len = if frame[2] == REQUEST_BLOCK { max } else { u32::from(le16(frame, 17)) };
        ensure!(
            offset < size && len > 0 && max > 0 && offset + len <= size && max <= u32::from(BLOCK),
            "a request past the file or too large: offset {offset}, {len} bytes by {max}, of {size}"
        );
        let flash = &self.flash[image];
        ensure!(
            flash.version == id.version.0,
            "a request for {id}, but flash is erased for version {}",
            flash.version
        );
        // After a pause the client compares the header and the last stored block with what it remembers.
        let is_header = offset + len <= HEADER;
        let is_last_block = flash.has_all(0, offset + len) && !flash.has_any(offset + len, size);
        ensure!(
            !flash.has_any(offset, offset + len) || is_header || is_last_block,
            "a request for bytes that are stored: {offset} and {len} more"
        );
        Ok(())
    }

    /// Checks a frame that the server sends to the client.
    fn check_response(&self, request: Option<&[u8]>, frame: &[u8]) -> Checked {
        ensure!(
            !(is_default_response(frame) && request.is_some_and(is_default_response)),
            "the server answers a Default Response: {}",
            hex(frame)
        );
        if !is_cluster_command(frame) || frame[2] != RESPONSE_BLOCK || frame[3] != 0 {
            return Ok(());
        }
        let (id, offset, len) = (image_id(frame, 4), le32(frame, 12), u32::from(frame[16]));
        let data = &frame[17..];
        ensure!(data.len() == len as usize && len > 0, "a block of {len} bytes with {}", data.len());
        ensure!(self.known_bytes(id, offset, data).is_some(), "a block that is of no file: {}", hex(frame));
        let (start, end, max) = match request {
            Some(request) if request[2] == REQUEST_BLOCK => {
                let start = le32(request, 12);
                (start, start + u32::from(request[16]), request[16])
            }
            Some(request) => {
                (le32(request, 12), le32(request, 12) + u32::from(le16(request, 17)), request[16])
            }
            None => self.page,
        };
        ensure!(
            offset >= start && offset + len <= end && len <= u32::from(max),
            "{len} bytes at {offset}, but {start} to {end} by {max} was asked for"
        );
        ensure!(
            request.is_none_or(|request| offset == le32(request, 12) && frame[1] == request[1]),
            "the answer has another offset or number than the request: {}",
            hex(frame)
        );
        Ok(())
    }

    fn send_to_client(&mut self, transmit: &Transmit, out: &[u8], is_unsolicited: bool) {
        let mut bytes = out[..transmit.len].to_vec();
        // Its Default Responses repeat the number of the request.
        if self.setup.habit == Habit::OwnNumbers && !is_unsolicited && is_cluster_command(&bytes) {
            bytes[1] = self.own_number;
            self.own_number = self.own_number.wrapping_add(1);
        }
        self.note_response(&bytes);
        self.say(|| format!("server sends {} ({:?})", hex(&bytes), transmit.delivery));
        let (delivery, token) = (transmit.delivery, transmit.token);
        self.link.push(Flying { to_client: true, is_unsolicited, bytes, delivery, token });
    }

    /// Records the permissions that follow from a frame to the client.
    fn note_response(&mut self, frame: &[u8]) {
        if is_cluster_command(frame) && frame[2] == RESPONSE_END && le32(frame, 15) != u32::MAX {
            self.is_ordered = true;
        }
        let is_refusal = match frame {
            [_, _, DEFAULT_RESPONSE, REQUEST_BLOCK | REQUEST_PAGE, NO_IMAGE] => is_default_response(frame),
            [_, _, RESPONSE_BLOCK, NO_IMAGE] => is_cluster_command(frame),
            _ => false,
        };
        if is_refusal {
            self.times_refused = ENOUGH_REFUSED.min(self.times_refused + 1);
        }
    }

    /// Polls both until nothing more comes. `silently`: no Default Response may come.
    fn pump(&mut self, silently: bool) -> Checked {
        for _ in 0..100 {
            let mut is_busy = self.pump_client(silently)?;
            is_busy |= self.pump_server()?;
            if !is_busy {
                return self.check_rest();
            }
        }
        Err("client and server never come to rest".into())
    }

    fn pump_client(&mut self, silently: bool) -> Result<bool, String> {
        let mut is_busy = false;
        let mut out = [0; zcl::LONGEST_TO_SERVER];
        while let Some(need) = self.client.poll_need() {
            is_busy = true;
            self.say(|| format!("need {need:?}"));
            self.check_need(need)?;
            self.pending.push(Pending::Need(need));
        }
        let mut sent = 0;
        while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
            (is_busy, sent) = (true, sent + 1);
            let bytes = out[..transmit.len].to_vec();
            ensure!(sent < 20, "the client sends without end");
            ensure!(
                !(silently && is_default_response(&bytes)),
                "the client answers what must not be answered: {}",
                hex(&bytes)
            );
            self.check_request(&bytes)?;
            self.say(|| format!("client sends {}", hex(&bytes)));
            let (delivery, token) = (transmit.delivery, transmit.token);
            self.link.push(Flying { to_client: false, is_unsolicited: false, bytes, delivery, token });
        }
        ensure!(self.client.lost_events() == 0, "the client loses an event");
        while let Some(event) = self.client.poll_event() {
            is_busy = true;
            self.say(|| format!("client tells {event:?}"));
            if let Some(news) = event_words::of(&event) {
                self.news = news;
            }
            self.awaits_activation = match event {
                ClientEvent::WaitingForActivation => true,
                ClientEvent::Ended(_) | ClientEvent::CountingDown(_) | ClientEvent::WaitingForUpgradeEnd => {
                    false
                }
                _ => self.awaits_activation,
            };
            match event {
                ClientEvent::Started(_) => {
                    ensure!(!self.is_open, "a start before the end of the last one");
                    self.is_open = true;
                    (self.is_ordered, self.times_asked, self.times_refused) = (false, 0, 0);
                }
                ClientEvent::ImageRetained(_) | ClientEvent::FileReplaced(_) => self.is_open = false,
                ClientEvent::DownloadPaused(PauseReason::ImageGone, _) => {
                    ensure!(
                        self.times_refused >= ENOUGH_REFUSED,
                        "the image counts as gone after {} refusals",
                        self.times_refused
                    );
                    self.times_refused = 0;
                }
                ClientEvent::Ended(outcome) => {
                    self.is_open = false;
                    if outcome.id().is_some() && self.runs[0] >= 2 && self.runs[self.setup.images - 1] >= 2 {
                        self.is_upgraded = true;
                    }
                }
                _ => {}
            }
        }
        Ok(is_busy)
    }

    fn pump_server(&mut self) -> Result<bool, String> {
        let mut is_busy = false;
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let mut store = self.store();
        let mut sent = 0;
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut store, &mut out) {
            (is_busy, sent) = (true, sent + 1);
            ensure!(sent < 40, "the server sends without end");
            if transmit.to == CLIENT {
                self.check_response(None, &out[..transmit.len])?;
                self.send_to_client(&transmit, &out, false);
            }
        }
        is_busy |= self.pump_foreign();
        if self.mood == Mood::Later && !store.reads_later {
            self.mood = Mood::Normal;
        }
        ensure!(self.server.lost_events() == 0, "the server loses an event");
        while let Some(event) = self.server.poll_event() {
            is_busy = true;
            self.say(|| format!("server tells {event:?}"));
            match event {
                ServerEvent::UpgradeScheduled { client: CLIENT, time, .. } => {
                    self.has_held |= time.then == u32::MAX
                }
                ServerEvent::SleepyClientHeld { client: CLIENT, .. } => self.has_held = true,
                _ => {}
            }
        }
        Ok(is_busy)
    }

    fn pump_foreign(&mut self) -> bool {
        let mut is_busy = false;
        while let Some(sent) =
            self.foreign.as_mut().and_then(|foreign| foreign.poll_transmit(micros(self.now)))
        {
            is_busy = true;
            let bytes = sent.frame;
            let delivery = if sent.to.is_some() { DeliveryMode::Unicast } else { DeliveryMode::Broadcast };
            let is_unsolicited = is_cluster_command(&bytes) && bytes[2] == NOTIFY;
            self.note_response(&bytes);
            self.say(|| format!("server sends {} ({delivery:?})", hex(&bytes)));
            let token = TransmitToken::NONE;
            self.link.push(Flying { to_client: true, is_unsolicited, bytes, delivery, token });
        }
        is_busy
    }

    /// Gives the server of another stack the file that the store has now.
    fn set_foreign_file(&mut self) {
        let Shelf { version, build } = self.shelves[0];
        let file = self.empty_until.is_none().then(|| self.setup.file(0, version, build));
        if let Some(foreign) = &mut self.foreign {
            foreign.set_file(file);
        }
    }

    fn check_need(&self, need: Need) -> Checked {
        match need {
            Need::Decide(_, offer) | Need::Prepare(_, offer) | Need::Verify(_, offer) => {
                ensure!(
                    self.setup.image(offer.id).is_some() && offer.size as usize == self.setup.size,
                    "an offer that was never made: {offer:?}"
                );
                match need {
                    Need::Verify(..) => self.check_whole(offer.id),
                    _ => Ok(()),
                }
            }
            Need::Apply(_, id) => {
                ensure!(
                    self.is_ordered || self.times_asked >= ENOUGH_ASKED,
                    "the client upgrades without an order, after {} requests for one",
                    self.times_asked
                );
                self.check_whole(id)?;
                let image = self.setup.image(id).expect("an image that is whole");
                let files = [0, 1].map(|build| self.setup.file(image, id.version.0, build));
                ensure!(
                    self.flash[image].holds(self.setup.size as u32, files),
                    "a mixture of two files is applied"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_whole(&self, id: ImageId) -> Checked {
        let image = self.setup.image(id).ok_or_else(|| format!("{id} was never offered"))?;
        let flash = &self.flash[image];
        ensure!(
            flash.version == id.version.0 && flash.has_all(0, self.setup.size as u32),
            "verified or applied, but not whole: {id}"
        );
        Ok(())
    }

    /// Checks the properties that hold after all outputs are polled.
    fn check_rest(&mut self) -> Checked {
        let checkpoint = self.client.checkpoint();
        let downloads = checkpoint.filter(|checkpoint| checkpoint.stage != CheckpointStage::ImagesRetained);
        if let Some(Checkpoint { offer, received, .. }) = downloads {
            let image = self.setup.image(offer.id).ok_or_else(|| format!("a checkpoint of {}", offer.id))?;
            let flash = &self.flash[image];
            ensure!(
                flash.version == offer.id.version.0 && flash.has_all(0, received),
                "a checkpoint of bytes that are not stored: {received} bytes of {}",
                offer.id
            );
        }
        if checkpoint != self.checkpoints[0] {
            self.checkpoints = [checkpoint, self.checkpoints[0]];
        }
        Ok(())
    }

    /// Advances the time to `to`, and handles all deadlines before it.
    fn advance(&mut self, to: Instant) -> Checked {
        let mut again = 0;
        loop {
            match self.deadline() {
                Some(at) if at <= to => {
                    again = if at > self.now { 0 } else { again + 1 };
                    ensure!(again < 20, "a deadline of the past comes again and again");
                    self.now = self.now.max(at);
                    if self.empty_until.is_some_and(|at| at <= self.now) {
                        self.empty_until = None;
                        self.set_foreign_file();
                        self.say(|| "the store has its images again".into());
                    }
                    self.client.handle_timeout(self.now);
                    self.server.handle_timeout(self.now);
                    if let Some(foreign) = &mut self.foreign {
                        foreign.handle_timeout(micros(self.now));
                    }
                    self.pump(false)?;
                }
                _ => {
                    self.now = self.now.max(to);
                    return Ok(());
                }
            }
        }
    }

    fn arrive(&mut self, frame: &Flying, from: Address) -> Checked {
        self.advance(self.now.plus(HOP))?;
        let receiver = if frame.to_client { "client" } else { "server" };
        self.say(|| format!("{receiver} gets {}", hex(&frame.bytes)));
        if frame.to_client { self.arrive_at_client(frame, from) } else { self.arrive_at_server(frame, from) }
    }

    fn arrive_at_client(&mut self, frame: &Flying, from: Address) -> Checked {
        let is_answered = frame.delivery == DeliveryMode::Unicast && !is_default_response(&frame.bytes);
        let before = self.client.clone();
        let action = self.client.handle_frame(self.now, FrameMeta::new(from, frame.delivery), &frame.bytes);
        let lent = match action {
            ClientAction::Store(block) => Some((block.ticket, block.offset, block.data.to_vec())),
            other => {
                let text = format!("{other:?}");
                self.say(|| text);
                None
            }
        };
        if from != SERVER && self.client.server() == SERVER {
            let is_same = text_without_origin(&self.client) == text_without_origin(&before);
            ensure!(lent.is_none() && is_same, "a stranger's frame changes the client");
        }
        if let Some((ticket, offset, data)) = lent {
            self.check_lent(ticket, offset, &data)?;
        }
        self.pump(!is_answered)
    }

    fn check_lent(&mut self, ticket: Ticket, offset: u32, data: &[u8]) -> Checked {
        let id = self.client.progress().ok_or("a block is lent without a download")?.offer.id;
        let is_rebuilt = self.known_bytes(id, offset, data).ok_or("a block is lent that is of no file")?;
        let image = self.setup.image(id).expect("a known file");
        let (flash, len) = (&self.flash[image], data.len() as u32);
        ensure!(
            flash.version == id.version.0,
            "a block of {id} is lent, flash is erased for {}",
            flash.version
        );
        ensure!(!flash.has_any(offset, offset + len), "a byte is lent that is stored: {offset}, {len} bytes");
        for pending in &self.pending {
            if let Pending::Store { offset: other, len: others, .. } = *pending {
                ensure!(offset >= other + others || offset + len <= other, "a byte is lent twice at a time");
            }
        }
        self.say(|| format!("block of {len} bytes at {offset}"));
        self.pending.push(Pending::Store { ticket, image, offset, len, is_rebuilt });
        Ok(())
    }

    fn arrive_at_server(&mut self, frame: &Flying, from: Address) -> Checked {
        if let Some(foreign) = &mut self.foreign {
            if frame.delivery == DeliveryMode::Unicast {
                foreign.handle_frame(micros(self.now), from.network, &frame.bytes);
            }
            return self.pump(false);
        }
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let mut store = self.store();
        let mut mood = self.mood;
        let mut gateway = Gateway { upgrade: self.setup.upgrade, mood: &mut mood };
        let meta = FrameMeta::new(from, frame.delivery);
        let action =
            self.server.handle_frame(self.now, meta, &frame.bytes, &mut store, &mut gateway, &mut out);
        self.mood = if mood == Mood::Later && !store.reads_later { Mood::Normal } else { mood };
        let is_page =
            is_cluster_command(&frame.bytes) && frame.bytes[2] == REQUEST_PAGE && frame.bytes.len() > 18;
        let page = is_page.then(|| {
            let offset = le32(&frame.bytes, 12);
            (offset, offset + u32::from(le16(&frame.bytes, 17)), frame.bytes[16])
        });
        match action {
            ServerAction::Reply(transmit) => {
                ensure!(frame.delivery == DeliveryMode::Unicast, "the server answers a broadcast");
                ensure!(!is_default_response(&frame.bytes), "the server answers a Default Response");
                self.check_response(Some(&frame.bytes), &out[..transmit.len])?;
                self.send_to_client(&transmit, &out, false);
                self.page = page.unwrap_or(self.page);
            }
            ServerAction::Deferred(deferred) => self.deferred.push((deferred, page)),
            ServerAction::Done | ServerAction::Ignored(_) => {}
        }
        self.pump(false)
    }

    fn answer(&mut self, index: usize, is_well: bool, way: u8) -> Checked {
        let pending = self.pending.remove(index);
        if self.pending.is_empty() {
            self.is_late = false;
        }
        let before = self.client.clone();
        let result = match pending {
            Pending::Store { ticket, image, offset, len, is_rebuilt } => {
                self.answer_store((ticket, image, offset, len, is_rebuilt), is_well, way)?
            }
            Pending::Need(need) if is_well => self.serve_need(need)?,
            Pending::Need(need) => self.answer_badly(need, way),
        };
        if result.is_err() {
            let is_same = text_without_origin(&self.client) == text_without_origin(&before);
            ensure!(is_same, "an answer that comes too late changes the client");
        }
        self.pump(false)
    }

    fn answer_store(
        &mut self,
        (ticket, image, start, len, is_rebuilt): (Ticket, usize, u32, u32, bool),
        is_well: bool,
        way: u8,
    ) -> Result<Result<(), StaleTicket>, String> {
        let end = start + len;
        let result = match (is_well, way) {
            (true, _) => StoreResult::Ok,
            (false, 0) => StoreResult::Busy,
            (false, _) => StoreResult::Fault,
        };
        let answered = self.client.stored(self.now, ticket, result);
        if is_well {
            // Flash writes also what nobody waits for any more, before it is erased again.
            ensure!(answered.is_err() || !self.flash[image].has_any(start, end), "a byte is written twice");
            self.flash[image].write(start, end, |_| is_rebuilt);
        }
        Ok(answered)
    }

    /// Executes a need of the client.
    fn serve_need(&mut self, need: Need) -> Result<Result<(), StaleTicket>, String> {
        let now = self.now;
        Ok(match need {
            Need::Decide(ticket, _) => self.client.accept(ticket),
            Need::Prepare(ticket, offer) => {
                let image = self.setup.image(offer.id).expect("a checked offer");
                let answered = self.client.prepared(now, ticket, PrepareResult::Ready);
                if answered.is_ok() {
                    self.flash[image] = Flash::erased(offer.id.version.0);
                }
                answered
            }
            Need::Verify(ticket, offer) => {
                let image = self.setup.image(offer.id).expect("a checked offer");
                let files = [0, 1].map(|build| self.setup.file(image, offer.id.version.0, build));
                let other = 1 - image;
                let result = if !self.flash[image].holds(offer.size, files) {
                    VerifyResult::Invalid
                } else if self.setup.images == 2 && self.client.pending_images() == 0 {
                    VerifyResult::NeedsMore(ImageId::new(MANUFACTURER, TYPES[other], self.runs[other]))
                } else {
                    VerifyResult::Valid
                };
                self.client.verified(now, ticket, result)
            }
            Need::Apply(ticket, id) => {
                let image = self.setup.image(id).expect("a checked image");
                let kept = self.client.pending_images();
                let answered = self.client.applied(now, ticket, ApplyResult::Done);
                if answered.is_ok() {
                    self.runs[image] = id.version.0;
                    if kept > 0 {
                        let other = 1 - image;
                        let flash = &self.flash[other];
                        ensure!(
                            flash.has_all(0, self.setup.size as u32),
                            "a kept image is applied, but not whole"
                        );
                        self.runs[other] = flash.version;
                    }
                    let told = self.client.identity().current.version.0;
                    ensure!(
                        told == self.runs[0],
                        "the client says that {told} runs, but {} does",
                        self.runs[0]
                    );
                }
                answered
            }
            Need::FindServer(ticket, _) => self.client.server_found(now, ticket, Some(SERVER)),
            Need::NetworkAddress(ticket, _) => {
                self.client.network_address_resolved(now, ticket, Some(SERVER.network))
            }
            Need::IeeeAddress(ticket, _) => self.client.ieee_address_resolved(ticket, Some(SERVER_IEEE)),
            Need::LinkKey(ticket, ..) => self.client.link_key_established(now, ticket, true),
            Need::Credentials(ticket, _) => {
                self.client.credentials_obtained(now, ticket, CredentialResult::Ready)
            }
            need => return Err(format!("a need that nobody serves: {need:?}")),
        })
    }

    fn answer_badly(&mut self, need: Need, way: u8) -> Result<(), StaleTicket> {
        match need {
            Need::Verify(ticket, _) if way == 0 => {
                self.client.verified(self.now, ticket, VerifyResult::Invalid)
            }
            need => self.client.decline(self.now, need),
        }
    }

    fn reboot(&mut self, checkpoint: Option<Checkpoint>) -> Checked {
        self.pending.clear();
        (self.is_late, self.is_open, self.awaits_activation) = (false, false, false);
        let config = client_config(self.setup, self.runs[0], self.client.failed_image());
        self.client = Client::with_ranges(config, 7, self.now);
        self.news = event_words::START;
        self.checkpoints = [None; 2];
        let Some(checkpoint) = checkpoint else { return self.pump(false) };
        let image = self.setup.image(checkpoint.offer.id).expect("a checked checkpoint");
        let flash = &mut self.flash[image];
        // A boot loader that runs the image, or flash that was erased for another one: nothing to go on with.
        let is_of_flash = flash.version == checkpoint.offer.id.version.0 && flash.version != self.runs[image];
        if checkpoint.stage == CheckpointStage::ImagesRetained || is_of_flash {
            self.checkpoints = [Some(checkpoint); 2];
            if is_of_flash {
                flash.keep_below(if checkpoint.header.is_some() { checkpoint.received } else { 0 });
            }
            self.client.resume(self.now, checkpoint).map_err(|error| format!("resume: {error}"))?;
        }
        self.pump(false)
    }

    /// Answers the request at `index` by a Default Response with the status of the given number, or by an Image Block
    /// Response NO_IMAGE_AVAILABLE, as some servers do.
    fn refuse(&mut self, index: usize, status: usize) -> Checked {
        let request = self.link.remove(index);
        let bytes = match REFUSALS.get(status) {
            Some(status) => vec![0x18, request.bytes[1], DEFAULT_RESPONSE, request.bytes[2], *status],
            None => vec![0x19, request.bytes[1], RESPONSE_BLOCK, NO_IMAGE],
        };
        self.note_response(&bytes);
        self.say(|| format!("server sends {}", hex(&bytes)));
        let (delivery, token) = (DeliveryMode::Unicast, TransmitToken::NONE);
        self.link.push(Flying { to_client: true, is_unsolicited: false, bytes, delivery, token });
        self.pump(false)
    }

    fn unsolicited(&mut self, transmit: &Transmit, out: &[u8]) -> Checked {
        self.send_to_client(transmit, out, true);
        self.pump(false)
    }

    /// Does `action`.
    pub fn step(&mut self, action: Action) -> Checked {
        let (now, index) = (self.now, usize::from(action.arg));
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        match action.kind {
            Kind::Answer => self.answer(index, true, 0),
            Kind::AnswerBadly => self.answer(index & 15, false, action.arg >> 4),
            Kind::Deliver => {
                let frame = self.link.remove(index);
                let from = if frame.to_client { SERVER } else { CLIENT };
                self.arrive(&frame, from)
            }
            Kind::Serve => self.serve_deferred(index),
            Kind::Release => {
                self.has_held = false;
                let (to, all) = (CLIENT, ImageFilter::ALL);
                let transmit = self.server.release(now, to, DeliveryMode::Unicast, all, 0, &mut out);
                self.unsolicited(&transmit, &out)
            }
            Kind::Hold => {
                let transmit =
                    self.server.hold(now, CLIENT, DeliveryMode::Unicast, ImageFilter::ALL, &mut out);
                self.unsolicited(&transmit, &out)
            }
            Kind::Activate => {
                self.awaits_activation = false;
                self.is_ordered |= self.client.activate().is_ok();
                self.pump(false)
            }
            Kind::Refill => {
                self.empty_until = None;
                self.set_foreign_file();
                Ok(())
            }
            Kind::Tick => {
                let to = self.deadline().ok_or("no deadline")?;
                self.advance(to)
            }
            Kind::Lose => {
                self.link.remove(index);
                Ok(())
            }
            Kind::Duplicate => {
                self.link.push(self.link[index].clone());
                Ok(())
            }
            Kind::LoseReported | Kind::ReportFailed => {
                let frame = match action.kind {
                    Kind::LoseReported => self.link.remove(index),
                    _ => self.link[index].clone(),
                };
                if frame.to_client {
                    self.server.handle_delivery(now, frame.token, DeliveryReport::Failed);
                } else {
                    self.client.handle_delivery(now, frame.token, DeliveryReport::Failed);
                }
                self.pump(false)
            }
            Kind::Outage => self.outage(now.plus(Millis::from_secs(60 * u32::from(action.arg)))),
            Kind::Mood => {
                self.mood = MOODS[index];
                Ok(())
            }
            Kind::Restart => {
                if let Some(foreign) = &mut self.foreign {
                    foreign.restart(micros(now));
                }
                self.server = new_server(self.setup);
                self.deferred.clear();
                self.has_held = false;
                Ok(())
            }
            Kind::Replace => {
                self.shelves[index].version = 3;
                self.set_foreign_file();
                Ok(())
            }
            Kind::Rebuild => {
                self.shelves[index].build = 1;
                self.set_foreign_file();
                Ok(())
            }
            Kind::Empty => {
                self.empty_until = Some(now.plus(Millis::from_secs(action.arg.into())));
                self.set_foreign_file();
                Ok(())
            }
            Kind::Notify if self.foreign.is_some() => {
                if let Some(foreign) = &mut self.foreign {
                    foreign.notify(micros(now), CLIENT.network);
                }
                self.pump(false)
            }
            Kind::Notify => {
                let notify = ImageNotify::UNICAST;
                let transmit = self.server.notify(CLIENT, DeliveryMode::Unicast, notify, &mut out);
                self.unsolicited(&transmit.map_err(|error| error.to_string())?, &out)
            }
            Kind::NotifyAll => {
                let notify = ImageNotify { jitter: 100, ..ImageNotify::UNICAST };
                let transmit =
                    self.server.notify(Address::ALL_AWAKE, DeliveryMode::Broadcast, notify, &mut out);
                self.unsolicited(&transmit.map_err(|error| error.to_string())?, &out)
            }
            Kind::OtherClient => self.other_client(),
            Kind::Reboot => {
                let checkpoint = index.checked_sub(1).and_then(|index| self.checkpoints[index]);
                self.reboot(checkpoint)
            }
            Kind::Late => {
                self.is_late = true;
                Ok(())
            }
            Kind::ConnectionLost => {
                self.client.connection_lost(now);
                self.pump(false)
            }
            Kind::Abort => {
                self.client.abort(now).ok();
                self.pump(false)
            }
            Kind::Query => {
                self.client.query(now).ok();
                self.pump(false)
            }
            Kind::Damage => {
                self.link[index].bytes.pop();
                Ok(())
            }
            Kind::AlterType | Kind::AlterVersion => {
                let at = image_at(&self.link[index]).ok_or("no image to alter")?;
                match action.kind {
                    Kind::AlterType => self.link[index].bytes[at + 2] ^= 0x40,
                    _ => self.link[index].bytes[at + 4] ^= 0x10,
                }
                Ok(())
            }
            Kind::Stranger => {
                let frame = self.link[index].clone();
                self.arrive(&frame, OTHER)
            }
            Kind::Broadcast => {
                self.link[index].delivery = DeliveryMode::Broadcast;
                Ok(())
            }
            Kind::Refuse => self.refuse(index & 15, index >> 4),
            Kind::Forge => {
                let bytes = FORGED[index].to_vec();
                self.say(|| format!("forged: {}", hex(&bytes)));
                let (delivery, token) = (DeliveryMode::Unicast, TransmitToken::NONE);
                self.link.push(Flying { to_client: true, is_unsolicited: true, bytes, delivery, token });
                Ok(())
            }
        }
    }

    fn serve_deferred(&mut self, index: usize) -> Checked {
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let (deferred, page) = self.deferred.remove(index);
        self.page = page.unwrap_or(self.page);
        let id = deferred.image().id;
        let image = self.setup.image(id).ok_or("a deferred request for no image")?;
        let file = self.setup.file(image, id.version.0, self.shelves[image].build);
        let data = &file[deferred.offset() as usize..][..usize::from(deferred.max_len())];
        let is_here = self.store().entry(id).is_some();
        let data = if is_here { Ok(data) } else { Err(NotReady::Gone) };
        let transmit = self.server.answer(self.now, deferred, data, &mut out);
        self.send_to_client(&transmit, &out, false);
        self.pump(false)
    }

    /// Another client, which downloads an image that is or was in the store.
    fn other_client(&mut self) -> Checked {
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let mut store = self.store();
        let mut mood = Mood::Normal;
        let mut gateway = Gateway { upgrade: self.setup.upgrade, mood: &mut mood };
        let [manufacturer, image_type] = [MANUFACTURER, TYPES[0]].map(u16::to_le_bytes);
        let version = self.shelves[0].version.to_le_bytes();
        let mut request = vec![0x01, 9, REQUEST_BLOCK, 0];
        request.extend(manufacturer.into_iter().chain(image_type).chain(version).chain([0, 0, 0, 0, 16]));
        let meta = FrameMeta::unicast(OTHER);
        // The answer goes to a node that these worlds do not have.
        let _ = self.server.handle_frame(self.now, meta, &request, &mut store, &mut gateway, &mut out);
        self.pump(false)
    }

    /// Loses all that is sent until `until`, while the application answers.
    fn outage(&mut self, until: Instant) -> Checked {
        self.link.clear();
        loop {
            while !self.pending.is_empty() {
                self.answer(0, true, 0)?;
                self.link.clear();
            }
            match self.deadline().filter(|at| *at <= until) {
                Some(at) => self.advance(at)?,
                None => break,
            }
            self.link.clear();
        }
        self.advance(until)
    }

    /// Whether the device runs the new images and nothing is left to be done.
    pub fn is_at_goal(&self) -> bool {
        self.is_upgraded
            && !self.is_open
            && self.link.is_empty()
            && self.pending.is_empty()
            && self.deferred.is_empty()
    }

    /// Returns the next action when all goes well.
    pub fn next_when_well(&self) -> Option<Action> {
        let kind = if !self.pending.is_empty() {
            Kind::Answer
        } else if !self.link.is_empty() {
            Kind::Deliver
        } else if !self.deferred.is_empty() {
            Kind::Serve
        } else if self.awaits_activation {
            Kind::Activate
        } else if self.has_held {
            Kind::Release
        } else if self.empty_until.is_some() {
            Kind::Refill
        } else if self.deadline().is_some() {
            Kind::Tick
        } else {
            return None;
        };
        Some(Action::new(kind, 0))
    }

    /// Fills `actions` with all possible actions, and their costs in faults, at most `left`.
    pub fn actions(&self, left: u8, actions: &mut Vec<(Action, u8)>) {
        actions.clear();
        let mut add = |kind: Kind, arg: usize, cost: u8| {
            if cost == 0 || cost <= left && self.setup.has(kind) {
                actions.push((Action::new(kind, arg as u8), cost));
            }
        };
        // An application that answers at once leaves no time for anything else.
        let is_stopped = !self.pending.is_empty() && !self.is_late;
        for index in 0..self.pending.len() {
            add(Kind::Answer, index, u8::from(index > 0));
        }
        if !is_stopped {
            for index in 0..self.link.len() {
                add(Kind::Deliver, index, u8::from(index > 0));
            }
            if !self.deferred.is_empty() {
                add(Kind::Serve, 0, 0);
            }
            if self.awaits_activation {
                add(Kind::Activate, 0, 0);
            } else {
                add(Kind::Activate, 0, 1);
            }
            if self.has_held {
                add(Kind::Release, 0, 0);
            }
            if self.empty_until.is_some() {
                add(Kind::Refill, 0, 0);
            }
            if self.deadline().is_some() {
                let is_early = !self.link.is_empty() || !self.deferred.is_empty() || self.has_held;
                add(Kind::Tick, 0, u8::from(is_early));
            }
        }
        if left == 0 {
            return;
        }
        if let Some(pending) = self.pending.first() {
            add(Kind::AnswerBadly, 0, 1);
            if matches!(pending, Pending::Store { .. } | Pending::Need(Need::Verify(..))) {
                add(Kind::AnswerBadly, 16, 1);
            }
        }
        for (index, checkpoint) in
            [Some(()), self.checkpoints[0].map(drop), self.checkpoints[1].map(drop)].iter().enumerate()
        {
            if checkpoint.is_some() {
                add(Kind::Reboot, index, 1);
            }
        }
        if is_stopped {
            add(Kind::Late, 0, 1);
            return;
        }
        self.faults_of_link(&mut add);
        add(Kind::Restart, 0, 1);
        for image in 0..self.setup.images {
            if self.shelves[image].version == 2 {
                add(Kind::Replace, image, 1);
            }
        }
        if self.shelves[0].build == 0 {
            add(Kind::Rebuild, 0, 1);
        }
        if self.empty_until.is_none() {
            add(Kind::Empty, 2, 1);
            add(Kind::Empty, 60, 1);
        }
        if self.mood == Mood::Normal {
            (1..MOODS.len()).for_each(|mood| add(Kind::Mood, mood, 1));
        }
        for kind in [
            Kind::Notify,
            Kind::NotifyAll,
            Kind::Hold,
            Kind::OtherClient,
            Kind::ConnectionLost,
            Kind::Abort,
            Kind::Query,
        ] {
            add(kind, 0, 1);
        }
        [1, 4, 120].into_iter().for_each(|minutes| add(Kind::Outage, minutes, 1));
        (0..FORGED.len()).for_each(|frame| add(Kind::Forge, frame, 1));
    }

    fn faults_of_link(&self, add: &mut impl FnMut(Kind, usize, u8)) {
        for (index, frame) in self.link.iter().enumerate() {
            add(Kind::Lose, index, 1);
            if self.link.len() < 6 {
                add(Kind::Duplicate, index, 1);
            }
            if frame.token != TransmitToken::NONE && !frame.is_unsolicited {
                add(Kind::LoseReported, index, 1);
                add(Kind::ReportFailed, index, 1);
            }
            if frame.bytes.len() > 3 {
                add(Kind::Damage, index, 1);
            }
            if let Some(at) = image_at(frame) {
                add(Kind::AlterType, index, 1);
                // An offer of another version would be an offer of a file that these worlds do not have.
                if !(frame.to_client && frame.bytes[2] == 0x02
                    || !frame.to_client && at == 4 && frame.bytes[2] == 0x01)
                {
                    add(Kind::AlterVersion, index, 1);
                }
            }
            if frame.to_client {
                add(Kind::Stranger, index, 1);
            }
            if frame.delivery == DeliveryMode::Unicast {
                add(Kind::Broadcast, index, 1);
            }
            if !frame.to_client && is_cluster_command(&frame.bytes) {
                let is_block = frame.bytes[2] == REQUEST_BLOCK;
                let count = REFUSALS.len() + usize::from(is_block);
                (0..count).for_each(|status| add(Kind::Refuse, status << 4 | index, 1));
            }
        }
    }

    /// Returns the key of this state.
    pub fn key(&self, maker: &mut KeyMaker, extra: &mut Vec<u8>) -> u64 {
        let mut pages = [false; 2];
        for (page, session) in pages.iter_mut().zip(self.server.sessions()) {
            *page = session.has_page();
        }
        let remembered =
            self.checkpoints.map(|checkpoint| checkpoint.filter(|_| self.setup.has(Kind::Reboot)));
        let others: [&dyn std::fmt::Debug; 4] = [&self.server, &self.pending, &self.deferred, &remembered];
        let key = maker.key(&Parts {
            client: &self.client,
            others: &others,
            pages: &pages,
            now: self.now.as_millis(),
        });
        extra.clear();
        extra.extend(key.to_le_bytes());
        for frame in &self.link {
            let is_numbered = !frame.is_unsolicited && !is_default_response(&frame.bytes) || frame.to_client;
            let number = if is_numbered && !frame.is_unsolicited {
                let base = if self.setup.habit == Habit::OwnNumbers
                    && frame.to_client
                    && is_cluster_command(&frame.bytes)
                {
                    self.own_number
                } else {
                    maker.base()
                };
                base.wrapping_sub(frame.bytes[1])
            } else {
                0
            };
            extra.extend([
                u8::from(frame.to_client) | u8::from(frame.is_unsolicited) << 1,
                frame.delivery as u8,
                frame.bytes.len() as u8,
                frame.bytes[0],
                number,
            ]);
            extra.extend(&frame.bytes[2..]);
        }
        for flash in &self.flash {
            flash.words().for_each(|word| extra.extend(word.to_le_bytes()));
        }
        for shelf in &self.shelves {
            extra.extend([shelf.version as u8, shelf.build as u8]);
        }
        if let Some(foreign) = &self.foreign {
            foreign.relative_to(micros(self.now)).hash(&mut Bytes(extra));
        }
        let until = self.empty_until.map_or(u64::MAX, |at| at.as_millis() - self.now.as_millis());
        extra.extend(until.to_le_bytes());
        extra.extend(self.runs.map(|version| version as u8));
        let flags = [self.is_late, self.has_held, self.awaits_activation, self.is_open, self.is_upgraded]
            .map(u8::from);
        extra.extend(flags);
        extra.extend([u8::from(self.is_ordered), self.times_asked, self.times_refused]);
        extra.push(self.mood as u8);
        extra.extend(self.news.to_le_bytes());
        hash(extra)
    }
}
