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

macro_rules! ensure {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err(format!($($text)*));
        }
    };
}

mod application_answers;
mod frame_exchange;
mod possible_actions;
mod safety_checks;
mod store_and_policy;

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
use store_and_policy::{Gateway, Store};

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

    /// Gives the server of another stack the file that the store has now.
    fn set_foreign_file(&mut self) {
        let Shelf { version, build } = self.shelves[0];
        let file = self.empty_until.is_none().then(|| self.setup.file(0, version, build));
        if let Some(foreign) = &mut self.foreign {
            foreign.set_file(file);
        }
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
