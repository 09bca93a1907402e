//! The device's side, without I/O: a state machine that is fed frames, answers and time, and says what to send, what
//! to do and when to be called again.
//!
//! # How to drive it
//!
//! Methods come in four kinds: `handle_*` take what happened outside, the answers (each [`Need`] names its own) take
//! what the application did, the wishes ([`query`](Client::query), [`abort`](Client::abort),
//! [`resume`](Client::resume) ...) are the application's own, and `poll_*` give what comes out. **After each input,
//! poll until nothing more comes:**
//!
//! 1. [`poll_transmit`](Client::poll_transmit) until `None`: send each frame.
//! 2. [`poll_event`](Client::poll_event) until `None`: tell whoever wants to know.
//! 3. [`poll_need`](Client::poll_need) until `None`: do it, now or later, and answer with its ticket.
//! 4. [`poll_timeout`](Client::poll_timeout): call [`handle_timeout`](Client::handle_timeout) then, at the latest.
//!
//! Who only has storage that blocks implements [`Storage`], and calls
//! [`handle_frame_with`](Client::handle_frame_with) and [`poll_need_with`](Client::poll_need_with) instead.
//!
//! Time given must never go back. A call too many does nothing; an answer that comes too late is a
//! [`StaleTicket`] and does nothing either.
//!
//! # Back-pressure
//!
//! [`handle_frame`](Client::handle_frame) lends the data of a block and a ticket. Block after block, the next one is
//! asked for only after [`stored`](Client::stored) came with that ticket, be it at once or seconds later: storage is
//! never overrun, and there is one machine for blocking and asynchronous storage. No byte is lent twice unless storage
//! was [`Busy`](StoreResult::Busy).
//!
//! # Ways to transfer
//!
//! [`ClientConfig::transfer`] says how blocks are asked for. One after the other, the default and the only way of a client
//! without islands, their offsets only grow. With a window, and by pages, blocks come in any order, and **several tickets can be open at once**, one more than the client
//! has islands at the most: storage must take what comes at its place, and say so in any order. What comes while there
//! is no place for it is asked for again. A page that comes faster than storage can write is lost in part: let its spacing
//! be as long as a write takes.
//!
//! # States
//!
//! ```text
//!   idle -> querying -> deciding -> preparing -> downloading -> verifying -> ending -> counting down -> applying -> idle
//!                        Decide      Prepare      Store          Verify       ^  |      ^                Apply
//!                                                    |             |          |  v      |
//!                                  idle <- reporting <---a fault---+        waiting ----+
//! ```
//!
//! The second line is what the application is asked then; `state`, in the source, has every transition. No failure is forgotten:
//! [`ClientEvent::Ended`] says why, and it alone.
//!
//! - A device of several images answers the check of all but the last by [`VerifyResult::NeedsMore`], and applies them
//!   together. Where they are kept is its own matter, and so is what becomes of them when a later one fails.
//! - An image for other security credentials waits for those after its check: [`Need::Credentials`].
//! - A file for the device alone is fetched by [`query_specific_file`](Client::query_specific_file).
//! - A [`Checkpoint`] outlives a restart.
//!
//! Where the server is, the client asks its caller for what it does not know: [`Need::FindServer`] and those after it.
//! While it looks, nothing is sent, and what was under way waits where it stands.
//!
//! Channel, PAN and whatever else a device needs to come back to its network after an upgrade are the device's own to
//! keep (section 6.12); the client knows none of it.

mod api;
mod application;
mod attributes;
mod checkpoint;
mod config;
mod discovery;
mod dispatch;
mod output;
mod pending;
mod query;
mod random;
mod ranges;
mod rtt;
mod state;
mod storage;
#[cfg(test)]
mod tests;
mod transfer;
mod upgrade_end;

pub use checkpoint::{Checkpoint, CheckpointStage};
pub use config::{
    AcceptedVersions, ClientConfig, HeaderChecks, Identity, LinkKeyPolicy, TransferMode, UpgradeEndFallback,
};
pub use output::{
    ApplyResult, Block, Busy, ClientAction, ClientEvent, ClientIgnored, CredentialResult, LinkKeyKind, Need,
    NothingToActivate, Outcome, PrepareResult, SkipReason, SpecificFileError, StaleTicket, StoreResult,
    Ticket, VerifyResult, WaitingFor,
};
pub use state::HeaderFacts;
pub use storage::Storage;
pub use upgrade_end::PendingImages;

use crate::aps::{Address, DeliveryMode, DeliveryReport, Transmit, TransmitToken};
use crate::codec::Encode;
use crate::fifo::Fifo;
use crate::time::{Instant, UtcTime};
use crate::types::{FileVersion, ImageId};
use crate::zcl::{
    ClientFrame, DefaultResponse, FromClient, ImageOffer, LONGEST_TO_SERVER, Status, ToServer,
    UpgradeEndRequest,
};

use discovery::Finder;
use pending::PendingRequest;
use random::Random;
use rtt::RttEstimator;
use state::{Image, State, Then};

/// Room for the longest frame a client sends; an array, so that there is always enough.
pub type RequestBuffer = [u8; LONGEST_TO_SERVER];

/// An OTA Upgrade client for the images of one device. See the [module](self) for how to drive it.
///
/// `RANGES` is how many pieces of a file it can have beyond the first gap. With 0, blocks are asked for one after the
/// other, whatever [`ClientConfig::transfer`] says, and the code for all else is left out.
#[derive(Clone, Debug)]
pub struct Client<const RANGES: usize = 8> {
    /// The settings, and those of them that change: who the device is, where the server stands.
    config: ClientConfig,
    state: State<RANGES>,
    /// Counts changes of state; a ticket is its value when the question was asked.
    generation: u32,
    /// The need of this generation was handed out.
    announced: bool,
    sequence: u8,
    finder: Finder,
    /// Images that wait for others.
    kept: PendingImages,
    /// A file that waits for security credentials while those are fetched.
    held: Option<Image>,
    random: Random,
    round_trip: RttEstimator,
    repeated: u32,
    /// The version that the application refused since the last query of the client's own accord; any for none.
    refused: FileVersion,
    /// MinimumBlockPeriod, as the server set it.
    period: u16,
    /// The own clock, and when it was told.
    utc: UtcTime,
    utc_told: Instant,
    /// When the download started.
    started: Instant,
    replies: Fifo<Reply, 2>,
    /// No call makes more than two.
    events: Fifo<ClientEvent, 2>,
}

/// A clock that is not there: the last second there is.
const NO_CLOCK: UtcTime = UtcTime(u32::MAX);

/// Tickets count below this; those of searches above.
const GENERATIONS: u32 = u32::MAX >> 1;

/// What follows a generation.
const fn next_generation(generation: u32) -> u32 {
    generation.wrapping_add(1) & GENERATIONS
}

/// A Default Response to send.
#[derive(Clone, Copy, Debug)]
struct Reply {
    // An address without its padding.
    network: u16,
    endpoint: u8,
    sequence: u8,
    response: DefaultResponse,
}

/// How far a download has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DownloadProgress {
    /// What is downloaded.
    pub offer: ImageOffer,
    /// Bytes stored, of `offer.size`.
    pub received: u32,
}

impl Client {
    /// A client that starts its first query `config.first_query` after `now`, and looks for its server at once where that
    /// is not known.
    ///
    /// `seed` feeds the jitter of notifies, and that alone: give each device its own, such as its address.
    #[must_use]
    pub fn new(config: ClientConfig, seed: u64, now: Instant) -> Self {
        Self::with_ranges(config, seed, now)
    }
}

impl<const RANGES: usize> Client<RANGES> {
    /// [`new`](Client::new) for another number of islands.
    #[must_use]
    // A device's loop calls this, and what else is marked so, at one place: put in there, all would be one function whose
    // values are out of reach of short instructions, and a fifteenth larger.
    #[inline(never)]
    pub fn with_ranges(config: ClientConfig, seed: u64, now: Instant) -> Self {
        let search = if config::is_known(config.server) {
            discovery::last_step(config.link_key)
        } else {
            discovery::first_step(config.server, config.server_id)
        };
        Self {
            config,
            state: State::Idle { query_at: config.query_interval.map(|_| now.plus(config.first_query)) },
            generation: 0,
            announced: false,
            sequence: 0,
            finder: Finder::new(search),
            kept: PendingImages::NONE,
            held: None,
            random: Random::new(seed),
            round_trip: RttEstimator::new(),
            repeated: 0,
            refused: FileVersion::ANY,
            period: 0,
            utc: NO_CLOCK,
            utc_told: now,
            started: now,
            replies: Fifo::new(),
            events: Fifo::new(),
        }
    }

    /// The one place that assigns the state.
    #[inline(never)]
    fn enter(&mut self, state: State<RANGES>) {
        self.state = state;
        self.generation = next_generation(self.generation);
        self.announced = false;
    }

    /// Does what is due. A call before [`poll_timeout`](Self::poll_timeout) does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.finder.deadline().is_some_and(|at| at <= now) {
            self.resume_search();
        }
        if self.state_deadline().is_none_or(|at| now < at) {
            return;
        }
        match self.state {
            State::Idle { .. } => {
                self.refused = FileVersion::ANY;
                let asking = self.asking(now);
                self.enter(asking);
            }
            State::CountingDown { image, .. } => self.enter(State::Applying { image }),
            State::Waiting { image, .. } => {
                self.enter(State::Ending { image, exchange: PendingRequest::due(now) });
            }
            State::Downloading(_) => self.handle_download_timeout(now),
            _ => {
                let overdue = |exchange: &&mut PendingRequest| exchange.is_overdue(now);
                if let Some(exchange) = self.state.exchange_mut().filter(overdue) {
                    exchange.again(now);
                    self.try_again(now);
                }
            }
        }
    }

    /// A request that nobody answered is given up, unless there is another try.
    fn try_again(&mut self, now: Instant) {
        let attempts = self.state.exchange().map_or(0, PendingRequest::attempts);
        let next = match self.state {
            State::Querying { next, .. } if attempts >= self.config.query_attempts => {
                Some(self.query_unanswered(now, next))
            }
            _ => self.end_unanswered(now, attempts),
        };
        if let Some(state) = next {
            self.enter(state);
        }
    }

    /// Takes what the radio stack knows of the delivery of a frame, where it knows: a request that did not arrive is
    /// sent again without waiting for its answer to be overdue.
    pub fn handle_delivery(&mut self, now: Instant, token: TransmitToken, report: DeliveryReport) {
        let pause = self.config.error_pause;
        if report != DeliveryReport::Failed {
            return;
        }
        if let Some(exchange) = self.state.exchange_mut() {
            exchange.undelivered(token, now, pause);
        } else if let Some(download) = self.state.download_mut() {
            download.handle_failed_delivery(token, now, &self.config, &self.round_trip);
        }
    }

    /// Writes the next frame to send, if there is one, to the start of `buf`.
    ///
    /// May have more after any other call, and at [`poll_timeout`](Self::poll_timeout).
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut RequestBuffer) -> Option<Transmit> {
        if let Some(Reply { network, endpoint, sequence, response }) = self.replies.pop() {
            let to = Address { network, endpoint };
            let frame = ClientFrame { sequence, message: FromClient::Answer(response) };
            return Some(self.unicast(to, frame.encode(buf).ok()?, TransmitToken::NONE));
        }
        if !self.finder.is_done() {
            return None;
        }
        if let State::Downloading(_) = self.state {
            return self.poll_download(now, buf);
        }
        let exchange = self.state.exchange().filter(|exchange| exchange.is_due(now))?;
        let attempts = exchange.attempts();
        let request = self.request()?;
        let sequence = self.sequence;
        let frame = ClientFrame { sequence, message: FromClient::Request(request) };
        let len = frame.encode(buf).ok()?;
        // How long blocks take says nothing of a decision.
        let timeout =
            RttEstimator::new().timeout(self.config.first_timeout, self.config.max_timeout, attempts);
        self.state.exchange_mut()?.sent(now, sequence, timeout);
        self.sequence = sequence.wrapping_add(1);
        self.repeated = self.repeated.saturating_add(u32::from(attempts > 0));
        Some(self.unicast(self.config.server, len, TransmitToken::request(sequence)))
    }

    fn unicast(&self, to: Address, len: usize, token: TransmitToken) -> Transmit {
        let aps_security = self.config.aps_security;
        Transmit { aps_security, token, ..Transmit::new(to, len, DeliveryMode::Unicast) }
    }

    /// The request that the state wants sent.
    fn request(&self) -> Option<ToServer> {
        match &self.state {
            State::Querying { wanted, .. } => self.query_for(*wanted),
            State::Reporting { id, status, .. } => {
                Some(ToServer::UpgradeEnd(UpgradeEndRequest { status: *status, id: *id }))
            }
            State::Ending { image, .. } => {
                Some(ToServer::UpgradeEnd(UpgradeEndRequest { status: Status::SUCCESS, id: image.id() }))
            }
            _ => None,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`poll_transmit`](Self::poll_transmit); `None` while
    /// the client waits for somebody else only. May change with any other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.finder.deadline(), self.state_deadline()].into_iter().flatten().min()
    }

    /// The state's own deadline; a request waits for the server to be found.
    fn state_deadline(&self) -> Option<Instant> {
        let sends = self.state.exchange().is_some() || self.state.download().is_some();
        let deadline = self.state.deadline(&self.config, &self.round_trip);
        deadline.filter(|_| !sends || self.finder.is_done())
    }

    /// What happened since the last call, the oldest first.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop()
    }

    /// What the application is to do, once. The client waits until it answers.
    pub fn poll_need(&mut self) -> Option<Need> {
        if let Some(need) = self.poll_search() {
            return Some(need);
        }
        if self.announced {
            return None;
        }
        let ticket = Ticket(self.generation);
        let need = match self.state {
            State::Deciding { offer } => Need::Decide(ticket, offer),
            State::Erasing { offer } => Need::Prepare(ticket, offer),
            State::Verifying { image } => Need::Verify(ticket, image.offer),
            State::AwaitingCredentials { needed, .. } => Need::Credentials(ticket, needed),
            State::Applying { image } => Need::Apply(ticket, image.id()),
            _ => return None,
        };
        self.announced = true;
        Some(need)
    }

    /// What the client waits for.
    #[must_use]
    pub fn waiting_for(&self) -> WaitingFor {
        if self.state.waits_for_application() || self.finder.asks() {
            WaitingFor::Application
        } else if self.finder.is_done() && self.state.is_near(&self.config) {
            WaitingFor::Server
        } else {
            WaitingFor::Time
        }
    }

    /// How far the download has come; `None` outside of one.
    #[must_use]
    pub const fn progress(&self) -> Option<DownloadProgress> {
        match &self.state {
            State::Downloading(download) => {
                Some(DownloadProgress { offer: download.offer, received: download.received() })
            }
            _ => None,
        }
    }

    /// Images that are kept until others are here: all of them are applied with the last (section 6.6).
    #[must_use]
    pub const fn pending_images(&self) -> u8 {
        self.kept.count
    }

    /// Requests sent again because no answer came in time, since the start.
    #[must_use]
    pub const fn retries(&self) -> u32 {
        self.repeated
    }

    /// Who the device is; after an upgrade with the new version.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.config.identity
    }

    fn utc(&self, now: Instant) -> Option<UtcTime> {
        (self.utc != NO_CLOCK).then(|| self.utc.advance(self.utc_told, now))
    }

    fn next_query(&self, now: Instant) -> Option<Instant> {
        self.config.query_interval.map(|interval| now.plus(interval))
    }

    /// The upgrade failed; the server is told before it ends.
    fn reporting(now: Instant, id: ImageId, status: Status, outcome: Outcome) -> State<RANGES> {
        State::Reporting { id, status, then: Then::End(outcome), exchange: PendingRequest::due(now) }
    }
}

/// What a client may take on a microcontroller. Most of it is the download (with 8 islands 64 bytes of them, and 16 for each
/// of 9 blocks under way; what finds the best way takes 60), its settings (128 bytes) and what it has to tell (64).
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<Client>() <= 632);
    assert!(size_of::<Client<0>>() <= 472);
};
