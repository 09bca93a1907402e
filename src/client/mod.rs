//! OTA Upgrade client without I/O, written as a state machine. The inputs of the client are frames, delivery
//! reports, time, and the answers of the application; the outputs are frames, needs, events and the next timeout.
//!
//! # Loop
//!
//! The methods of a client are of four kinds: methods `handle_*`, answers, commands, and methods `poll_*`. The methods
//! `handle_*` take input from outside: frames, time, delivery reports. An answer, such as
//! [`verified`](Client::verified), passes the result of a [`Need`] or of storing a block to the client. A command, such
//! as [`query`](Client::query), [`abort`](Client::abort) or [`resume`](Client::resume), is a call that the application
//! makes at any time, not in reply to a [`Need`]. The methods `poll_*` return outputs. **After each input, poll all
//! four outputs in this order:**
//!
//! 1. [`poll_need`](Client::poll_need) until `None`: do what the need asks for, now or later, and answer with the
//!    ticket of the need. Poll needs before frames and events, because the answer to a need can cause frames and
//!    events.
//! 2. [`poll_transmit`](Client::poll_transmit) until `None`: send each frame.
//! 3. [`poll_event`](Client::poll_event) until `None`: log or display each event.
//! 4. [`poll_timeout`](Client::poll_timeout): call [`handle_timeout`](Client::handle_timeout) at the returned time at
//!    the latest.
//!
//! An application that cannot do what a [`Need`] asks for refuses the need with [`Client::decline`]. `decline` also
//! refuses the needs that later versions of this crate add.
//!
//! If storage blocks until a write is complete, implement [`Storage`] and call
//! [`handle_frame_with`](Client::handle_frame_with) and [`poll_need_with`](Client::poll_need_with) instead of
//! `handle_frame` and `poll_need`.
//!
//! The clock of the caller must be monotonic. The application may call the methods `poll_*` and `handle_timeout` more
//! often than necessary. If the application answers a need too late, the call returns the error [`StaleTicket`] and
//! changes nothing.
//!
//! # Back-pressure
//!
//! [`handle_frame`](Client::handle_frame) lends the data of a block to the application, together with a ticket. With
//! stop-and-wait, the client requests the next block only after a call of [`stored`](Client::stored) with the ticket of
//! the previous block. The application may call `stored` at once or seconds later, so that storage may be blocking or
//! asynchronous. The download is therefore never faster than storage can write the blocks. The client lends each byte
//! of the file to the application only once, unless storage answered [`Busy`](StoreResult::Busy).
//!
//! # Transfer modes
//!
//! [`ClientConfig::transfer`] is the transfer mode: the way in which the client requests blocks. The default transfer
//! mode is stop-and-wait: the client requests one block after the other, in the order of the file. A client whose
//! parameter `RANGES` is 0 always uses stop-and-wait. With a window or with pages, blocks arrive in any order, and the
//! client waits for **several tickets at once**, up to `RANGES` + 1. If the client waits for several tickets, storage
//! must write each block at the offset of the block, and the application may answer the tickets in any order. If the
//! client has no room for a block that arrives, the client drops the block and requests the block again later. If the
//! blocks of a page arrive faster than storage can write them, blocks are lost. The response spacing of an Image Page
//! Request should therefore be at least the time that storage takes to write one block.
//!
//! # States
//!
//! ```text
//!   idle -> querying -> deciding -> erasing -> downloading -> verifying -> ending -> counting down -> applying -> idle
//!                        Decide     Prepare     Store  ^ |       Verify     ^  |      ^                Apply
//!                                                  |   | v       |          |  v      |
//!                                                  |  paused     |        waiting ----+
//!                                idle <- reporting <-- failure --+
//! ```
//!
//! **A download survives an outage of its server.** If the server stops answering, has no image, or sends unusable
//! answers, the download pauses and keeps all stored bytes. During the pause of a download, the client sends queries at
//! growing intervals. If the server offers the image of the paused download again, the client requests the header and
//! the last stored block again, compares their checksums with those of the stored bytes, and continues at the first
//! missing byte. The application can end a download early by an abort, or by the acceptance of another offer. A
//! download also ends before the file is complete if the server answers ABORT, if the header does not match the offer
//! or the device, if storage fails, or if a pause lasts longer than [`ClientConfig::max_pause`].
//!
//! In the drawing of the states of a client, the second line names, below a state, the need or the action that the
//! client returns in this state: for example, the need `Decide` below the state deciding. A table of all state
//! transitions of the client is in the private module `state`. Every upgrade ends with exactly one
//! [`ClientEvent::Ended`], which gives the outcome.
//!
//! - A device with several images answers the verification of each image but the last with [`VerifyResult::NeedsMore`],
//!   and applies all images together. The application stores the verified images until the last image is verified, and
//!   discards the stored images if a later image fails.
//! - An image that requires other security credentials than the device has causes [`Need::Credentials`] after its
//!   verification.
//! - A call of [`query_specific_file`](Client::query_specific_file) starts the query for a device-specific file.
//! - A [`Checkpoint`] lets an upgrade survive a restart.
//!
//! # Server discovery
//!
//! If the address of the server is unknown, the client asks the application to find the server by [`Need::FindServer`],
//! [`Need::NetworkAddress`], [`Need::IeeeAddress`] and [`Need::LinkKey`]. During a search for the server the client
//! sends no request, and an upgrade in progress is suspended.
//!
//! The device itself keeps its channel, PAN and network keys during an upgrade (section 6.12); the client does not
//! handle these network parameters.
//!
//! Sections refer to ZigBee document 095264 (2011).

mod actions_and_needs;
mod answers_and_commands;
mod attributes;
mod checkpoint;
mod checkpoint_bytes;
mod clock_ticks;
mod config;
mod discovery;
mod dispatch;
mod download_responses_and_pauses;
mod event;
mod notify_and_query;
mod query_during_upgrade;
mod random;
mod request_retry;
mod rtt;
mod server_numbering;
mod state;
mod storage_trait;
#[cfg(test)]
mod tests;
mod transfer;
mod upgrade_end;

pub use actions_and_needs::{
    ApplyResult, Block, Busy, ClientAction, ClientIgnored, CredentialResult, LinkKeyKind, Need,
    NothingToActivate, PrepareResult, SpecificFileError, StaleTicket, StoreResult, Ticket, VerifyResult,
    WaitingFor,
};
pub use checkpoint::{Checkpoint, CheckpointStage, FileSums, HeaderFacts, PendingImages, RangeSum};
pub use checkpoint_bytes::CheckpointError;
pub use config::{
    Abilities, AcceptedVersions, ClientConfig, FailedImage, HeaderChecks, Identity, LinkKeyPolicy, Settings,
    TransferMode, UpgradeEndFallback,
};
pub use event::{
    ClientEvent, DeviceMismatch, HeaderFault, HeaderField, HeaderMismatch, Outcome, PauseReason, SkipReason,
    UnusableAnswer,
};
pub use storage_trait::Storage;

use crate::aps::{Address, DeliveryMode, DeliveryReport, Transmit, TransmitToken};
use crate::fifo::Fifo;
use crate::time::{Instant, Millis, UtcTime};
use crate::types::{Eui64, FileVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::{
    ClientFrame, DefaultResponse, FromClient, ImageOffer, LONGEST_TO_SERVER, Status, ToServer,
    UpgradeEndRequest,
};

use clock_ticks::{Clock, Ticks};
use discovery::ServerSearch;
use query_during_upgrade::SecondQuery;
use random::Random;
use request_retry::PendingRequest;
use rtt::RttEstimator;
use server_numbering::ServerNumbering;
use state::{AfterReport, DownloadStage, ImageStage, NoFile, QueryCause, State, StoredImage};
use transfer::{Download, NextRequest, min_request_interval};

/// Buffer for one frame written by [`Client::poll_transmit`], as long as the longest request of a client.
pub type RequestBuffer = [u8; LONGEST_TO_SERVER];

/// OTA Upgrade client for the images of one device. The [module documentation](self) describes in which order an
/// application calls the methods of a client.
///
/// `RANGES` is the maximum number of out-of-order ranges, which are contiguous ranges of received bytes beyond the
/// first missing byte of the file. A client whose parameter `RANGES` is 0 always requests blocks by stop-and-wait,
/// regardless of [`ClientConfig::transfer`], and contains no code for windows and pages.
///
/// `S` determines where the settings are stored: in the client itself, in a constant or in a `static`, see
/// [`Settings`].
#[doc(alias = "resume")]
// On a small processor the fields lie in memory in the order of their declaration. A short instruction reaches only
// bytes near the start of a value, and the compiler would otherwise put the fields of one byte behind the download.
#[derive(Clone, Debug)]
#[cfg_attr(target_pointer_width = "32", repr(C))]
pub struct Client<const RANGES: usize = 8, S = ClientConfig> {
    /// Whether `poll_need` has returned the need of the current state.
    need_polled: bool,
    /// Sequence number of the next request of the client.
    sequence: u8,
    /// Sequence number of the Image Notify that arrived at `notified_at`.
    notified_sequence: u8,
    /// Detection of a server that numbers its answers by a counter of its own.
    numbering: ServerNumbering,
    /// Number of consecutive unanswered queries.
    query_failures: u8,
    /// Number of consecutive failed upgrades.
    upgrade_failures: u8,
    /// Attribute MinimumBlockPeriod as the server set it, in the unit of the configured cluster revision.
    server_block_period: u16,
    /// Stack version of the image that the device runs.
    stack: StackVersion,
    /// Stack version of the last query for a device-specific file.
    specific_stack: StackVersion,
    /// Security credential version of the device.
    credential: Option<SecurityCredentialVersion>,
    /// Number of state changes of the client. The ticket of a need is the value of `generation` at the time at which
    /// the need arises.
    generation: u32,
    /// Settings of the client, which never change.
    settings: S,
    /// Origin of all instants of the client.
    clock: Clock,
    /// Address of the server. While the network address or the endpoint of the server is unknown, the unknown part has
    /// the same value as in [`Address::UNKNOWN`].
    server: Address,
    search: ServerSearch,
    /// Query that runs in parallel to the current state of the client; `None` if no such query is to be sent or in
    /// flight.
    second_query: Option<SecondQuery>,
    /// Image that the device runs.
    current: ImageId,
    /// Number of retries: requests that the client has sent again.
    retries: u32,
    rtt: RttEstimator,
    state: State<RANGES>,
    /// IEEE address of the server, the attribute UpgradeServerID.
    server_id: Eui64,
    /// Time between two periodic queries; `None` without periodic queries.
    query_interval: Option<Millis>,
    /// Time of the latest block or page request of any download; [`Ticks::LONG_AGO`] before the first one.
    last_data_request: Ticks,
    /// Time of the last unicast Image Notify that led to a query.
    notified_at: Ticks,
    /// File whose verification or boot failed most recently.
    failed_image: Option<FailedImage>,
    /// Time of the most recent failure of a file; before any failure, the time at which the client was created.
    failed_at: Ticks,
    /// File version of the last skipped offer that was reported to the server; `FileVersion::ANY` if the client has
    /// reported no skipped offer.
    reported_version: FileVersion,
    /// Verified images that are kept until the remaining images of the device are downloaded.
    pending_images: PendingImages,
    /// Verified file whose upgrade is suspended while the client downloads the security credentials that the file
    /// requires.
    suspended: Option<StoredImage>,
    random: Random,
    /// File version that the application has refused since the last periodic query; `FileVersion::ANY` if the
    /// application refused none.
    refused_version: FileVersion,
    /// Time at which the application refused `refused_version`.
    refused_at: Instant,
    /// UTC time of the device at the instant `utc_set_at`; `NO_CLOCK` if the device has no UTC clock.
    utc: UtcTime,
    utc_set_at: Instant,
    /// Time at which the download started, used for the duration in `ClientEvent::Finished`.
    download_start: Instant,
    replies: Fifo<Reply, 2>,
    events: Fifo<ClientEvent, EVENTS>,
}

/// Capacity of the event queue: the maximum number of events that one call of the client makes. One call makes three
/// events if a search for the server fails after [`VerifyResult::NeedsMore`]: image retained, server not found, cannot
/// query.
const EVENTS: usize = 3;

/// Sentinel for a device without a UTC clock: the last second that a UTC time can hold.
const NO_CLOCK: UtcTime = UtcTime(u32::MAX);

/// Mask of the bits of `Client::generation` that a ticket contains. The highest bit of a ticket marks the tickets of a
/// server search, see the module `discovery`.
const GENERATION_MASK: u32 = u32::MAX >> 1;

/// Returns `generation` plus one, limited to the bits of `GENERATION_MASK`.
const fn next_generation(generation: u32) -> u32 {
    generation.wrapping_add(1) & GENERATION_MASK
}

/// Default Response that the client has still to send.
#[derive(Clone, Copy, Debug)]
struct Reply {
    // Network address and endpoint are separate fields because `Address` has a byte of padding.
    network: u16,
    endpoint: u8,
    /// Sequence number of the frame that the Default Response answers.
    sequence: u8,
    response: DefaultResponse,
}

/// Request that the client has to send now. The variant of `DueRequest` says which part of the client counts the
/// attempts of the request.
#[derive(Clone, Copy, Debug)]
enum DueRequest {
    SecondQuery,
    Download(NextRequest),
    /// Request of the current state of the client: a query or an Upgrade End Request.
    OfState,
}

/// Progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct DownloadProgress {
    /// Offer of the image that is being downloaded.
    pub offer: ImageOffer,
    /// Number of bytes that are stored without a gap from the start of the file, at most `offer.size`.
    pub received: u32,
}

impl Client {
    /// Creates a client. The time from `now` to the first query of the client is
    /// [`first_query_delay`](ClientConfig::first_query_delay) plus a random time of up to
    /// [`query_spread`](ClientConfig::query_spread). If the server is unknown, the client starts the search for a
    /// server at once.
    ///
    /// `seed` and the IEEE address of the device are the seed of all random times. Each device should have a different
    /// seed or IEEE address.
    #[must_use]
    pub fn new(config: ClientConfig, seed: u64, now: Instant) -> Self {
        Self::with_ranges(config, seed, now)
    }
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Creates a client as [`Client::new`] does, but with `RANGES` out-of-order ranges instead of 8, and with settings
    /// of any type that implements [`Settings`].
    #[must_use]
    // The entry points of the client are not inlined. A device calls each entry point at one place, and inlining would
    // merge all entry points into one large function. Short instructions cannot reach all local variables of such a
    // large function, so that the code would be one fifteenth larger.
    #[inline(never)]
    pub fn with_ranges(settings: S, seed: u64, now: Instant) -> Self {
        let ClientConfig { identity, server, server_id, stack, query_interval, .. } = *settings.config();
        let ClientConfig { link_key, credential, failed_image, first_query_delay, query_spread, .. } =
            *settings.config();
        let search = if config::is_known(server) {
            discovery::last_step(link_key)
        } else {
            discovery::first_step(server, server_id)
        };
        let node = identity.node.map_or(0, |Eui64(address)| address);
        // Without the rotation, two equal halves of the IEEE address would cancel each other in the seed.
        let mut random = Random::new(seed ^ node.rotate_left(32));
        let Millis(delay) = first_query_delay;
        let spread = random.up_to(Millis(delay.saturating_mul(10)).min(query_spread));
        let clock = Clock::new(now);
        let start = clock.ticks(now);
        let first = start.plus(first_query_delay).plus(spread);
        Self {
            settings,
            clock,
            current: identity.current,
            stack,
            credential,
            server,
            server_id,
            query_interval,
            state: State::NoFile(NoFile::Idle {
                query_at: if query_interval.is_some() { first } else { Ticks::NEVER },
            }),
            generation: 0,
            need_polled: false,
            sequence: 0,
            search: ServerSearch::new(search),
            second_query: None,
            notified_at: Ticks::LONG_AGO,
            notified_sequence: 0,
            numbering: ServerNumbering::UNKNOWN,
            query_failures: 0,
            upgrade_failures: 0,
            failed_image,
            last_data_request: Ticks::LONG_AGO,
            failed_at: start,
            reported_version: FileVersion::ANY,
            specific_stack: stack,
            pending_images: PendingImages::NONE,
            suspended: None,
            random,
            rtt: RttEstimator::new(),
            retries: 0,
            refused_version: FileVersion::ANY,
            refused_at: now,
            server_block_period: 0,
            utc: NO_CLOCK,
            utc_set_at: now,
            download_start: now,
            replies: Fifo::new(),
            events: Fifo::new(),
        }
    }

    /// Enters `stage` of a client without a file; the client gives up a download or a complete file of the previous
    /// state. Only the constructor, `finish_store` and the functions `enter*` assign `self.state`.
    #[inline(never)]
    fn enter(&mut self, stage: NoFile) {
        self.state = State::NoFile(stage);
        self.begin_state();
    }

    /// Enters the download of `offer` from offset 0. The client may send the first request from `at` on, but keeps the
    /// minimum interval since the last request of an earlier download.
    #[inline(never)]
    fn enter_download(&mut self, offer: ImageOffer, at: Ticks) {
        let at = at.max(self.earliest_data_request());
        let download = Download::new(offer, at, self.settings.config());
        self.state = State::Download(download, DownloadStage::Downloading);
        self.begin_state();
    }

    /// Enters `stage`, a stage of the current download.
    #[inline(never)]
    fn enter_download_stage(&mut self, stage: DownloadStage) {
        if let State::Download(_, present) = &mut self.state {
            *present = stage;
        }
        self.begin_state();
    }

    /// Enters `stage` of the complete file `image`.
    #[inline(never)]
    fn enter_image(&mut self, image: StoredImage, stage: ImageStage) {
        self.state = State::Image(image, stage);
        self.begin_state();
    }

    /// Enters `stage` of the complete file that the client has.
    #[inline(never)]
    fn enter_image_stage(&mut self, stage: ImageStage) {
        if let State::Image(_, present) = &mut self.state {
            *present = stage;
        }
        self.begin_state();
    }

    /// Completes the change to another state: the tickets of the previous state become stale.
    fn begin_state(&mut self) {
        if let State::NoFile(NoFile::Idle { .. } | NoFile::Querying { .. })
        | State::Image(_, ImageStage::Applying) = self.state
        {
            // The upgrade has ended, so a query about the image of this upgrade is obsolete.
            self.second_query = None;
        }
        self.generation = next_generation(self.generation);
        self.need_polled = false;
    }

    /// Handles the timers of the client that have expired by `now`. A call of `handle_timeout` before the time that
    /// [`poll_timeout`](Self::poll_timeout) returns changes nothing.
    #[inline(never)]
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.ticks(now);
        if self.search_deadline() <= now {
            self.restart_search();
        }
        self.handle_second_query_timeout(now);
        if self.state_deadline() > now {
            return;
        }
        match self.state {
            State::NoFile(NoFile::Idle { .. }) => {
                self.refused_version = FileVersion::ANY;
                self.begin_query(now, QueryCause::Timer);
            }
            State::NoFile(NoFile::Erasing { offer, faults, .. }) => {
                self.enter(NoFile::Erasing { offer, faults, retry_at: Ticks::NEVER });
            }
            State::Image(_, ImageStage::CountingDown { at, .. }) if self.clock.ticks(at) <= now => {
                self.enter_image_stage(ImageStage::Applying);
            }
            State::Image(_, ImageStage::Waiting { ask, .. }) => {
                self.enter_image_stage(ImageStage::Ending { pending: PendingRequest::due_at(now), ask });
            }
            State::Download(_, DownloadStage::Downloading) => self.handle_download_timeout(now),
            State::Download(_, DownloadStage::Paused { .. }) => self.handle_pause_timeout(now),
            _ => {
                let timed_out = |pending: &&mut PendingRequest| pending.is_timed_out(now);
                if let Some(pending) = self.state.pending_request_mut().filter(timed_out) {
                    pending.retry_at(now);
                    self.retry_or_give_up(now);
                }
            }
        }
    }

    /// Enters the next state if the pending request has used up its attempts; if attempts are left, the request stays
    /// due for a retry.
    fn retry_or_give_up(&mut self, now: Ticks) {
        let attempts = self.state.pending_request().map_or(0, PendingRequest::attempts);
        match self.state {
            State::NoFile(NoFile::Querying { next, .. })
                if attempts >= self.settings.config().max_query_attempts =>
            {
                self.on_query_timeout(now, next);
            }
            _ => self.on_upgrade_end_timeout(now, attempts),
        }
    }

    /// Handles a delivery report of the radio stack. If a request was not delivered, the client sends the request again
    /// after [`error_backoff`](ClientConfig::error_backoff) instead of after the timeout of the request. An application
    /// whose Zigbee stack has no delivery reports never calls `handle_delivery`.
    #[inline(never)]
    pub fn handle_delivery(&mut self, now: Instant, token: TransmitToken, report: DeliveryReport) {
        let now = self.ticks(now);
        let backoff = self.settings.config().error_backoff;
        if report != DeliveryReport::Failed {
            return;
        }
        if let Some(query) = &mut self.second_query {
            query.pending.on_delivery_failure(token, now, backoff);
        }
        if let Some(pending) = self.state.pending_request_mut() {
            pending.on_delivery_failure(token, now, backoff);
        } else if let Some(download) = self.state.downloading_mut() {
            download.handle_failed_delivery(token, now, self.settings.config(), &self.rtt);
        }
    }

    /// Writes the next frame to send to the start of `buf`, and returns the addressing and the length of the frame;
    /// returns `None` if the client has no frame to send.
    ///
    /// The client may have a frame to send after any call of another method, and at the time that
    /// [`poll_timeout`](Self::poll_timeout) returns.
    #[inline(never)]
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut RequestBuffer) -> Option<Transmit> {
        let now = self.ticks(now);
        let (to, message, token) = match self.replies.pop() {
            Some(Reply { network, endpoint, sequence, response }) => {
                let message = ClientFrame { sequence, message: FromClient::Answer(response) };
                (Address { network, endpoint }, message, TransmitToken::NONE)
            }
            None => {
                let (request, due) = self.due_request(now)?;
                let sequence = self.sequence;
                self.sequence = sequence.wrapping_add(1);
                self.record_sent(now, due, sequence);
                let message = ClientFrame { sequence, message: FromClient::Request(request) };
                (self.server, message, TransmitToken::request(sequence))
            }
        };
        let aps_security = self.settings.config().aps_security;
        Some(Transmit { aps_security, token, ..Transmit::new(to, message.write(buf), DeliveryMode::Unicast) })
    }

    /// Returns the request to send at `now`, with the part of the client that counts the attempts of the request;
    /// `None` if no request is due.
    fn due_request(&mut self, now: Ticks) -> Option<(ToServer, DueRequest)> {
        if !self.can_send() {
            return None;
        }
        if self.second_query.as_ref().is_some_and(|query| query.pending.is_due(now))
            && let Some(request) = self.query_for(self.target_in_hand())
        {
            return Some((request, DueRequest::SecondQuery));
        }
        if self.state.downloading().is_some() {
            return self.due_download_request(now);
        }
        self.state.pending_request().filter(|pending| pending.is_due(now))?;
        Some((self.request()?, DueRequest::OfState))
    }

    /// Records that the request `due` was sent at the time `now` with the sequence number `sequence`.
    fn record_sent(&mut self, now: Ticks, due: DueRequest, sequence: u8) {
        let config = self.settings.config();
        let (pending, max_attempts) = match due {
            DueRequest::Download(next) => {
                let pause = min_request_interval(self.server_block_period, config);
                let Some(download) = self.state.downloading_mut() else { return };
                self.last_data_request = now;
                let earlier = download.record_request(now, next, sequence, pause);
                self.retries = self.retries.saturating_add(u32::from(earlier > 0));
                return;
            }
            DueRequest::SecondQuery => {
                let Some(query) = &mut self.second_query else { return };
                (&mut query.pending, query.max_attempts)
            }
            DueRequest::OfState => {
                let Some(pending) = self.state.pending_request_mut() else { return };
                (pending, u8::MAX)
            }
        };
        let attempts = pending.attempts();
        self.retries = self.retries.saturating_add(u32::from(attempts > 0));
        // A server may take far longer for a query or an upgrade decision than for a block, so that the timeout of
        // blocks does not apply to these requests. The last attempt of a second query waits for the maximum timeout,
        // because some servers look up the image before they answer.
        let timeout = match attempts.saturating_add(1) >= max_attempts {
            true => config.max_timeout,
            false => RttEstimator::new().timeout(config.initial_timeout, config.max_timeout, attempts),
        };
        pending.on_sent(now, sequence, timeout);
    }

    /// Returns the request that the current state sends; `None` for a download, whose requests come from
    /// `due_download_request`.
    fn request(&self) -> Option<ToServer> {
        let (id, status) = match &self.state {
            State::NoFile(NoFile::Querying { target, .. }) => return self.query_for(*target),
            State::NoFile(NoFile::Reporting { id, status, .. }) => (*id, *status),
            State::Image(image, _) => (image.id(), Status::SUCCESS),
            _ => return None,
        };
        Some(ToServer::UpgradeEnd(UpgradeEndRequest { status, id }))
    }

    /// Returns the time at which to call [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_transmit`](Self::poll_transmit); `None` if no timer runs. After a call of another method of the client,
    /// `poll_timeout` may return a different time than before. The returned time is at most 41 days ahead, even if the
    /// client has nothing to do at the returned time.
    #[must_use]
    #[inline(never)]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let query = match &self.second_query {
            Some(query) if self.can_send() => query.pending.deadline(),
            _ => Ticks::NEVER,
        };
        let at = self.search_deadline().min(self.state_deadline()).min(query);
        (!at.is_never()).then(|| self.clock.instant(at))
    }

    /// Returns the deadline of the timer of the current state.
    fn state_deadline(&self) -> Ticks {
        self.state.deadline(self.settings.config(), &self.rtt, self.clock, self.can_send())
    }

    /// Removes the oldest event from the queue of the client and returns it; returns `None` if there is no event.
    #[inline(never)]
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop()
    }

    /// Adds `event` to the queue of the client.
    // Not inlined: a short instruction cannot reach the queue, and the client adds events at thirty places.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn push_event(&mut self, event: ClientEvent) {
        self.events.push(event);
    }

    /// Returns the number of events that were lost because the queue was full. A single call of the client produces at
    /// most three events, and the event queue has room for three events. No event is lost if, after each call of
    /// another method, the application calls [`poll_event`](Self::poll_event) until `poll_event` returns `None`.
    #[must_use]
    pub const fn lost_events(&self) -> u32 {
        self.events.dropped()
    }

    /// Returns the next [`Need`], which is a request of the client to the application. Each need is returned once; the
    /// client then waits for the answer of the application.
    #[inline(never)]
    pub fn poll_need(&mut self) -> Option<Need> {
        if let Some(need) = self.poll_search_need() {
            return Some(need);
        }
        if self.need_polled {
            return None;
        }
        let ticket = Ticket(self.generation);
        let need = match &self.state {
            State::NoFile(NoFile::Deciding { offer })
            | State::Download(_, DownloadStage::Deciding { offer })
            | State::Image(_, ImageStage::Deciding { offer, .. }) => Need::Decide(ticket, *offer),
            State::NoFile(NoFile::Erasing { offer, retry_at: Ticks::NEVER, .. }) => {
                Need::Prepare(ticket, *offer)
            }
            State::Image(image, ImageStage::Verifying) => Need::Verify(ticket, image.offer),
            State::Image(_, ImageStage::AwaitingCredentials { needed }) if S::ABILITIES.credentials => {
                Need::Credentials(ticket, *needed)
            }
            State::Image(image, ImageStage::Applying) => Need::Apply(ticket, image.id()),
            _ => return None,
        };
        self.need_polled = true;
        Some(need)
    }

    /// Returns the party that the client waits for: the application, the server or a timer.
    #[must_use]
    pub fn waiting_for(&self) -> WaitingFor {
        if self.state.waits_for_application() || self.search_waits_for_application() {
            WaitingFor::Application
        } else if self.search.is_done()
            && (self.state.expects_answer(self.settings.config()) || self.expects_offer())
        {
            WaitingFor::Server
        } else {
            WaitingFor::Time
        }
    }

    fn expects_offer(&self) -> bool {
        self.second_query.as_ref().is_some_and(|query| query.pending.is_in_flight())
    }

    /// Returns the progress of the download, also while the download is paused; `None` if there is no download.
    #[doc(alias = "watch")]
    #[must_use]
    pub const fn progress(&self) -> Option<DownloadProgress> {
        match self.state.download() {
            Some(download) => Some(DownloadProgress { offer: download.offer, received: download.received() }),
            None => None,
        }
    }

    /// Returns the number of verified images that are kept until the remaining images of the device are downloaded. All
    /// kept images are applied together with the last image (section 6.6).
    #[must_use]
    pub const fn pending_images(&self) -> u8 {
        self.pending_images.count
    }

    /// Returns the number of retries since the creation of the client: how many times the client has sent a request
    /// again.
    #[must_use]
    pub const fn retries(&self) -> u32 {
        self.retries
    }

    /// Returns the identity of the device. After an upgrade, the identity has the new file version.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { current: self.current, ..self.settings.config().identity }
    }

    /// Returns whether `id` names a device-specific file that this client can fetch.
    const fn is_specific(id: ImageId) -> bool {
        S::ABILITIES.specific_files && state::is_specific(id)
    }

    /// Returns the verified file whose upgrade is suspended while the client downloads the security credentials that
    /// the file requires.
    fn suspended_image(&self) -> Option<&StoredImage> {
        self.suspended.as_ref().filter(|_| S::ABILITIES.specific_files)
    }

    /// Returns whether verified images are kept until the remaining images of the device are downloaded.
    const fn has_pending_images(&self) -> bool {
        S::ABILITIES.several_images && self.pending_images.count > 0
    }

    fn utc(&self, now: Ticks) -> Option<UtcTime> {
        let advance = || self.utc.advance(self.utc_set_at, self.clock.instant(now));
        (S::ABILITIES.utc_clock && self.utc != NO_CLOCK).then(advance)
    }

    /// Returns the time of the next periodic query after a query at `now`; [`Ticks::NEVER`] without periodic queries.
    fn next_query_at(&mut self, now: Ticks) -> Ticks {
        let Some(Millis(interval)) = self.query_interval else { return Ticks::NEVER };
        let spread = self.random_delay(Millis(interval >> 2));
        now.plus(Millis(interval)).plus(spread)
    }

    /// Converts `now` to the 32-bit time of the client. Every public method with the parameter `now` converts the
    /// parameter by the function `ticks`.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn ticks(&mut self, now: Instant) -> Ticks {
        self.clock.recent_ticks(now).unwrap_or_else(|| self.move_origin(now))
    }

    /// Moves the origin of the clock to `now`, and adjusts all instants of the client to the new origin.
    #[inline(never)]
    fn move_origin(&mut self, now: Instant) -> Ticks {
        let shift = self.clock.move_origin(now);
        let Self { last_data_request, notified_at, failed_at, search, .. } = self;
        for at in [last_data_request, notified_at, failed_at, &mut search.until] {
            at.shift(shift);
        }
        if let Some(query) = &mut self.second_query {
            query.pending.shift(shift);
        }
        self.state.shift(shift);
        self.clock.ticks(now)
    }

    /// Returns the earliest time of the next block or page request, by the minimum interval between two such requests.
    /// The interval is kept between two downloads, too: MinimumBlockPeriod limits the requests of a device, not of a
    /// file.
    fn earliest_data_request(&self) -> Ticks {
        self.last_data_request.plus(min_request_interval(self.server_block_period, self.settings.config()))
    }

    /// Returns a random delay, which is at most `limit` and at most the configured `query_spread`.
    fn random_delay(&mut self, limit: Millis) -> Millis {
        self.random.up_to(limit.min(self.settings.config().query_spread))
    }

    /// Reports a failed upgrade to the server before the upgrade ends.
    fn report_failure(&mut self, now: Ticks, id: ImageId, status: Status, outcome: Outcome) {
        // The upgrade ends, so a query about its image is obsolete.
        self.second_query = None;
        self.enter(NoFile::Reporting {
            id,
            status,
            after: AfterReport::End(outcome),
            pending: PendingRequest::due_at(now),
        });
    }
}

/// Maximum size in bytes of a client on a microcontroller, with the settings of the client in flash. A
/// [`ClientConfig`] inside the client adds 184 bytes to the size of the client. The largest fields of a client are the
/// state with the download and the event queue (72 bytes). In the state of a download, 8 out-of-order ranges take 64
/// bytes, 9 blocks in flight take 16 bytes each, the automatic choice of the transfer mode takes 60 bytes, and the
/// checksums for the check after a pause take 28 bytes.
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<Client<8, &ClientConfig>>() <= 776);
    assert!(size_of::<Client<0, &ClientConfig>>() <= 552);
};
