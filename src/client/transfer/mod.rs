//! Download of a file: received bytes, requests in flight, and the choice of blocks or pages. Sections refer to ZigBee
//! document 095264 (2011); a download follows sections 6.10.6 to 6.10.8.
//!
//! ```text
//!   offset 0                                                                            size
//!   |##########|.........|########|~~~~~~~~~|oooooooooo|.......................................|
//!     stored     gap       stored,  requested being      new: block by block, or by pages
//!                          out of order       stored
//! ```
//!
//! - The client first fetches the header of the file, from offset 0 on, and checks the header before it requests the
//!   rest of the file.
//! - In the transfer mode with Image Block Requests, the client requests the first missing bytes that are not requested
//!   yet. The number of block requests in flight, plus the number of blocks that the application is storing, is at most
//!   the window. With a window above 1, the client may send one more request while the application stores a block, and
//!   one more request while a response is late. A window of 1 is stop-and-wait.
//! - In the transfer mode with pages, the client first requests the blocks that are missing from earlier pages, one by
//!   one, and then the next page. The client sends no request while the blocks of a page arrive.
//! - No request reaches past the end of the file, and no request covers bytes that are stored already.
//!
//! ```text
//!   Header: stop-and-wait, or one page --accepted--> Rest: blocks <---> pages --all is stored--> State::Verifying
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | Header | the header passes its checks | Rest, by blocks or pages as `ClientConfig::transfer` demands; `Auto` starts with pages |
//! | | the header does not pass its checks | the download ends |
//! | pages | an error in a Default Response, except NO_IMAGE_AVAILABLE and WAIT_FOR_DATA | blocks |
//! | | four consecutive pages without data | blocks |
//! | | `Auto` compares, or measured blocks as faster | blocks |
//! | blocks | `Auto` has compared, and measured pages as faster | pages |
//! | any | WAIT_FOR_DATA, NO_IMAGE_AVAILABLE, other errors | unchanged, with a pause before the next request; too many consecutive error responses pause the download |
//!
//! After a pause, a restart or a change of the server, the client checks that the server still has the same file before
//! the next request for missing bytes, see the module `same_file_check`. To find out whether the server still has the
//! same file, the client requests the header and the last stored block of the file again, and compares the checksums of
//! the received bytes with the checksums of the stored bytes.
//!
//! | module | content |
//! |---|---|
//! | `next_request` | the next request |
//! | `in_flight` | the slots of requests and of blocks being stored |
//! | `block_responses` | the effect of each response |
//! | `deadlines` | timeouts and retries |
//! | `window` | the number of requests in flight |
//! | `page` | the page in transfer |
//! | `mode_probe` | the measurements of `TransferMode::Auto` |
//! | `block_size` | the block size that the server sends |
//! | `header_check` | the header of the file |
//! | `same_file_check` | the check that the server still has the same file |

mod block_responses;
mod block_size;
mod deadlines;
mod header_check;
mod in_flight;
mod mode_probe;
mod next_request;
mod page;
mod same_file_check;
mod window;

use core::num::NonZeroU8;

use crate::client::clock_ticks::Ticks;
use crate::time::Millis;
use crate::zcl::{ImageBlockRequest, ImageOffer, ImagePageRequest, ToServer};

use super::actions_and_needs::{StaleTicket, StoreResult, Ticket};
use super::checkpoint::{Checkpoint, CheckpointStage, FileSums, HeaderFacts, PendingImages, RangeSum};
use super::config::{ClientConfig, TransferMode};
use super::event::{PauseReason, UnusableAnswer};
use super::rtt::RttEstimator;
use super::state::{StoredImage, is_specific};
use crate::ranges::{Range, ReceivedRanges};
pub(super) use block_responses::{Environment, Received};
use block_size::BlockSize;
use header_check::PartialHeader;
use in_flight::{BlockRequest, InFlight, Slot, StoringBlock};
use mode_probe::{Choice, ModeProbe};
pub(super) use next_request::NextRequest;
use page::{Page, PageTiming};
use same_file_check::FileCheck;
use window::Window;

/// ClusterRevision in which MinimumBlockPeriod is in seconds. In every ClusterRevision except 2, MinimumBlockPeriod is
/// in milliseconds.
const REVISION_IN_SECONDS: u16 = 2;

/// Maximum number of attempts of the first block request after a restart of the client. Some servers answer block
/// requests only to devices that have sent a query since the start of the server. If the server answers no attempt of
/// the first block request, the client therefore sends a query.
const MAX_UNCONFIRMED_ATTEMPTS: u8 = 3;

/// State of the download of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download<const RANGES: usize> {
    /// Image and size that the server offered.
    pub(super) offer: ImageOffer,
    /// Phase of the download, with the record of the stored bytes of the file.
    pub(super) phase: DownloadPhase<RANGES>,
    in_flight: InFlight<RANGES>,
    page: Option<Page>,
    /// Earliest time at which the next request may be sent; [`Ticks::NEVER`] while the server demands a wait without
    /// end.
    not_before: Ticks,
    /// Measured times between the blocks of pages, from which the deadlines of pages follow.
    page_timing: PageTiming,
    window: Window,
    /// `true` if the client requests the file by Image Page Requests, `false` if by Image Block Requests.
    uses_pages: bool,
    /// Number of consecutive page requests that brought no data.
    silent_pages: u8,
    /// `true` if the client has stopped requesting pages because the server did not answer page requests. `false` if
    /// the client requests pages, or has stopped requesting pages because the server refused a page request.
    is_silent_about_pages: bool,
    /// `true` if block requests were in flight when the client requested the page in transfer.
    is_page_accompanied: bool,
    /// Number of consecutive page requests that brought no data while other requests were in flight. Some servers drop
    /// a request that arrives while they answer another request. After three consecutive page requests without data,
    /// the client therefore has at most one request in flight while it uses pages.
    dropped_pages: u8,
    block_size: BlockSize,
    /// Number of consecutive error responses of the server, not counting NO_IMAGE_AVAILABLE.
    error_count: u8,
    /// Number of consecutive NO_IMAGE_AVAILABLE responses of the server.
    no_image_count: u8,
    /// `true` if the client has resumed the download from a checkpoint or has found another server, and the server has
    /// not sent data since then. After a restart or a change of the server, the server may no longer have the file.
    is_unconfirmed: bool,
    /// Number of sequence numbers that the download has used for its requests, at most 255. A response whose sequence
    /// number is older than all sequence numbers of the download answers a request from before the download.
    sent: u8,
    /// Number of consecutive blocks of another image that the server has sent.
    other_image_count: u8,
    /// `true` if the last response of the server was a WAIT_FOR_DATA with a wait of 0 seconds.
    has_zero_wait: bool,
    /// Fault of the latest answer that the client could not use; `None` if a usable answer has arrived after the
    /// unusable answer.
    unusable: Option<UnusableAnswer>,
    /// `true` if the client has fetched all received bytes from offset 0 without a pause, so that all bytes certainly
    /// belong to one file.
    is_clean: bool,
    /// Checksums of the header and of the last stored block of the file.
    sums: FileSums,
    /// Check in progress that the server still has the same file; the client requests missing bytes only after this
    /// check.
    check: Option<FileCheck>,
    /// Time at which the download was paused; [`Ticks::NEVER`] if a byte of the file has arrived since the pause began.
    paused_since: Ticks,
    /// Time at which the present pause has lasted for `ClientConfig::max_pause`, so that the upgrade ends;
    /// [`Ticks::NEVER`] without a pause, or if pauses have no limit.
    give_up_at: Ticks,
}

/// Phase of a download: the stored bytes of the file, and the known part of the header.
///
/// The client fetches the header of the file from offset 0 on, before the rest of the file. While the header is
/// incomplete, there are no out-of-order ranges, so that the header bytes and the record of the out-of-order ranges can
/// share memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownloadPhase<const RANGES: usize> {
    /// The client is fetching the header of the file.
    Header(PartialHeader),
    /// The header is complete and accepted, and the client is fetching the rest of the file, in any order.
    Rest {
        /// Values from the header.
        header: HeaderFacts,
        /// Stored bytes of the file.
        received: ReceivedRanges<RANGES>,
        /// Measurements of [`TransferMode::Auto`].
        mode_probe: ModeProbe,
    },
}

impl<const RANGES: usize> Download<RANGES> {
    /// `true` if blocks may arrive out of order. For a client without out-of-order ranges the compiler removes the code
    /// of windows and pages, which is more than a third of the code of a download.
    const ANY_ORDER: bool = RANGES > 0;

    /// Returns the configured transfer mode, or stop-and-wait for a client without out-of-order ranges.
    const fn mode(config: &ClientConfig) -> TransferMode {
        if Self::ANY_ORDER { config.transfer } else { TransferMode::Blocks { window: NonZeroU8::MIN } }
    }

    /// Creates the download of `offer`; the client may send the first request from the time `at` on.
    // Not inlined, because a download is created at two places.
    #[inline(never)]
    pub(super) fn new(offer: ImageOffer, at: Ticks, config: &ClientConfig) -> Self {
        let slots = u8::try_from(InFlight::<RANGES>::EMPTY.capacity()).unwrap_or(u8::MAX);
        let (window, uses_pages) = match Self::mode(config) {
            TransferMode::Blocks { window } => (Window::fixed(window.get().min(slots)), false),
            TransferMode::Pages { .. } => (Window::fixed(1), true),
            TransferMode::Auto => (Window::measured(slots), false),
        };
        Self {
            offer,
            phase: DownloadPhase::Header(PartialHeader::EMPTY),
            in_flight: InFlight::EMPTY,
            page: None,
            not_before: at,
            page_timing: PageTiming::new(),
            window,
            uses_pages,
            silent_pages: 0,
            is_silent_about_pages: false,
            is_page_accompanied: false,
            dropped_pages: 0,
            block_size: BlockSize::new(config),
            error_count: 0,
            no_image_count: 0,
            is_unconfirmed: false,
            sent: 0,
            other_image_count: 0,
            has_zero_wait: false,
            unusable: None,
            is_clean: true,
            sums: FileSums::EMPTY,
            check: None,
            paused_since: Ticks::NEVER,
            give_up_at: Ticks::NEVER,
        }
    }

    /// Restores the state in `checkpoint` into this download, which is new and for the offer in the checkpoint. If the
    /// checkpoint holds no values from the header of the file, the download starts at offset 0.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint, config: &ClientConfig, rtt: &mut RttEstimator) {
        self.is_unconfirmed = true;
        if let Some(header) = checkpoint.header {
            self.begin_rest(header, checkpoint.received, config, rtt);
            self.is_clean = false;
            if let Some(sums) = checkpoint.sums {
                self.sums = sums;
                self.check = FileCheck::new(&self.sums);
            }
        }
    }

    /// Returns the checkpoint of this download.
    pub(super) const fn checkpoint(&self, pending_images: PendingImages) -> Checkpoint {
        let (received, header, sums) = match &self.phase {
            DownloadPhase::Header(_) => (0, None, None),
            DownloadPhase::Rest { header, received, .. } => {
                (received.watermark(), Some(*header), Some(self.sums))
            }
        };
        let (offer, stage) = (self.offer, CheckpointStage::Downloading);
        Checkpoint { offer, received, header, sums, stage, pending_images }
    }

    /// Makes the client check that the server still has the same file, before the next request for missing bytes. The
    /// method also ends a wait that the server has demanded. The client sends the first request for the bytes to
    /// compare at the time `at` or later.
    pub(super) fn begin_check(&mut self, at: Ticks) {
        self.drop_requests();
        self.not_before = at;
        self.check = FileCheck::new(&self.sums);
        // The server may have been unreachable, for example during a restart, so that unanswered page requests are no
        // evidence that the server ignores page requests.
        self.uses_pages |= core::mem::replace(&mut self.is_silent_about_pages, false);
    }

    /// Returns whether the client first has to check that the server still has the same file, before it requests
    /// missing bytes.
    pub(super) const fn is_checking(&self) -> bool {
        self.check.is_some()
    }

    /// Records that the client has found another server, or the same server at another address. The client sends the
    /// first request to that server at the time `at` or later.
    pub(super) fn begin_check_of_another_server(&mut self, at: Ticks) {
        self.begin_check(at);
        self.is_unconfirmed = true;
    }

    /// Returns whether the server has not sent data since the restart of the client or since the client found the
    /// server.
    pub(super) const fn is_unconfirmed(&self) -> bool {
        self.is_unconfirmed
    }

    /// Drops all requests, because the download pauses at `now`. Returns the start of the pause, which is the start of
    /// an earlier pause if no byte of the file has arrived since.
    pub(super) fn pause(&mut self, now: Ticks, config: &ClientConfig) -> Ticks {
        self.drop_requests();
        self.is_clean = false;
        if !self.is_paused() {
            self.paused_since = now;
            self.give_up_at = config.max_pause.map_or(Ticks::NEVER, |max| now.plus(max));
        }
        self.paused_since
    }

    /// Returns whether the download was paused and no byte of the file has arrived since the pause began.
    pub(super) const fn is_paused(&self) -> bool {
        !self.paused_since.is_never()
    }

    /// Returns the start of the present pause of the download; [`Ticks::NEVER`] if a byte of the file has arrived since
    /// the last pause began.
    pub(super) const fn paused_since(&self) -> Ticks {
        self.paused_since
    }

    /// Returns the time at which the present pause has lasted for `ClientConfig::max_pause`, so that the upgrade ends;
    /// [`Ticks::NEVER`] without a pause, or if pauses have no limit.
    pub(super) const fn give_up_at(&self) -> Ticks {
        self.give_up_at
    }

    /// Shifts all instants of the download, because the origin of the clock has moved by `shift`.
    pub(super) fn shift(&mut self, shift: Millis) {
        let Self { not_before, paused_since, give_up_at, .. } = self;
        for at in [not_before, paused_since, give_up_at] {
            at.shift(shift);
        }
        for request in self.in_flight.requests_mut() {
            request.first_sent.shift(shift);
            request.last_sent.shift(shift);
        }
        if Self::ANY_ORDER {
            if let DownloadPhase::Rest { mode_probe, .. } = &mut self.phase {
                mode_probe.shift(shift);
            }
            if let Some(page) = &mut self.page {
                page.shift(shift);
            }
        }
    }

    fn drop_requests(&mut self) {
        self.in_flight.drop_requests();
        self.discard_measured_page();
        (self.page, self.silent_pages, self.error_count, self.no_image_count) = (None, 0, 0, 0);
        (self.other_image_count, self.has_zero_wait, self.unusable) = (0, false, None);
    }

    /// Returns the reason of the pause of a download after the last attempt of a request has timed out.
    pub(super) const fn timeout_reason(&self) -> PauseReason {
        match self.unusable {
            Some(answer) => PauseReason::UnusableAnswers(answer),
            None => PauseReason::ServerSilent,
        }
    }

    /// Returns whether a wait that the server demanded, or a pause after an error, still lasts.
    pub(super) fn is_told_to_wait(&self, now: Ticks) -> bool {
        self.not_before > now
    }

    /// Returns the maximum number of attempts of one block request; after the last attempt, the download pauses.
    fn max_attempts(&self, config: &ClientConfig) -> u8 {
        match self.is_unconfirmed {
            true => config.max_block_attempts.min(MAX_UNCONFIRMED_ATTEMPTS),
            false => config.max_block_attempts,
        }
    }

    /// Enters [`DownloadPhase::Rest`] after `received` bytes of the file are stored.
    // Not inlined, because the rest of a file begins at two places.
    #[inline(never)]
    fn begin_rest(
        &mut self,
        header: HeaderFacts,
        received: u32,
        config: &ClientConfig,
        rtt: &mut RttEstimator,
    ) {
        let mode_probe = ModeProbe::new(self.block_size.bytes());
        self.phase = DownloadPhase::Rest { header, received: ReceivedRanges::new(received), mode_probe };
        if let Some(window) = self.window_mut() {
            window.open(rtt);
        }
        if let TransferMode::Auto = Self::mode(config) {
            self.uses_pages = true;
        }
    }

    /// Returns the page in transfer; `None` if no page is in transfer.
    fn page(&self) -> Option<&Page> {
        self.page.as_ref().filter(|_| Self::ANY_ORDER)
    }

    /// Returns `true` if the client requests the file in pages.
    const fn is_paging(&self) -> bool {
        Self::ANY_ORDER && self.uses_pages
    }

    /// Returns the window of block requests; `None` for a client without out-of-order ranges, for which the window is
    /// always 1.
    fn window_mut(&mut self) -> Option<&mut Window> {
        Self::ANY_ORDER.then_some(&mut self.window)
    }

    /// Returns the number of bytes that are stored without a gap from the start of the file.
    pub(super) const fn received(&self) -> u32 {
        match &self.phase {
            DownloadPhase::Header(header) => header.stored(),
            DownloadPhase::Rest { received, .. } => received.watermark(),
        }
    }

    /// Returns the file offset after the stored byte with the highest offset.
    fn stored_end(&self) -> u32 {
        match &self.phase {
            DownloadPhase::Header(header) => header.stored(),
            DownloadPhase::Rest { received, .. } => received.highest_end(),
        }
    }

    /// Returns the first range of the file at or after `start` that is not stored.
    fn gap_from(&self, start: u32) -> Option<Range> {
        match &self.phase {
            DownloadPhase::Header(header) => {
                Some(Range { start: start.max(header.stored()), end: self.offer.size })
                    .filter(|gap| !gap.is_empty())
            }
            DownloadPhase::Rest { received, .. } => received.gap_from(start, self.offer.size),
        }
    }

    /// Returns the first range of the file at or after `start` that is neither stored nor covered by a slot. The
    /// function `covered` returns the range that a slot covers.
    fn gap_outside(&self, start: u32, covered: fn(&Slot) -> Option<Range>) -> Option<Range> {
        if Self::ANY_ORDER {
            self.gap_outside_slots(start, covered)
        } else {
            self.gap_outside_first_slot(start, covered)
        }
    }

    fn gap_outside_slots(&self, start: u32, covered: fn(&Slot) -> Option<Range>) -> Option<Range> {
        let mut gap = self.gap_from(start)?;
        // With one request at a time, no slot is in use before the next request, and no block is being stored when a
        // block arrives.
        if self.in_flight.iter().find_map(covered).is_none() {
            return Some(gap);
        }
        // Each turn of the loop moves the gap past one slot.
        for _ in 0..self.in_flight.capacity() {
            let is_over = |slot: &Range| slot.start <= gap.start && gap.start < slot.end;
            match self.in_flight.iter().filter_map(covered).find(is_over) {
                Some(slot) => gap = self.gap_from(slot.end)?,
                None => break,
            }
        }
        let starts = self.in_flight.iter().filter_map(covered).map(|slot| slot.start);
        let next = starts.filter(|next| *next > gap.start).fold(gap.end, u32::min);
        Some(Range { end: next, ..gap })
    }

    /// Returns the result of [`gap_outside`](Self::gap_outside) for a client without out-of-order ranges; this client
    /// has one slot.
    fn gap_outside_first_slot(&self, start: u32, covered: fn(&Slot) -> Option<Range>) -> Option<Range> {
        let start = start.max(self.received());
        let is_over = |slot: &Range| slot.start <= start && start < slot.end;
        let start = covered(self.in_flight.first()).filter(is_over).map_or(start, |slot| slot.end);
        Some(Range { start, end: self.offer.size }).filter(|gap| !gap.is_empty())
    }

    /// Returns the first range of the file at or after `start` that is neither stored, nor being stored, nor requested.
    fn not_requested(&self, start: u32) -> Option<Range> {
        self.gap_outside(start, Slot::range)
    }

    /// Returns the first range of the file at or after `start` that is neither stored nor being stored.
    fn missing(&self, start: u32) -> Option<Range> {
        self.gap_outside(start, |slot| slot.storing().map(StoringBlock::range))
    }

    /// Records that `request` was sent at the time `now` with the sequence number `sequence`. The client sends its next
    /// request at least `pause` after `request`. Returns how often the client had already sent `request`.
    pub(super) fn record_request(
        &mut self,
        now: Ticks,
        request: NextRequest,
        sequence: u8,
        pause: Millis,
    ) -> u8 {
        self.sent = self.sent.saturating_add(1);
        self.not_before = now.plus(pause);
        match request {
            NextRequest::Page(_) if !Self::ANY_ORDER => 0,
            NextRequest::Page(range) => {
                self.is_page_accompanied = self.in_flight.waiting_count() > 0;
                self.page = Some(Page::new(now, sequence, range));
                let earlier = self.silent_pages;
                self.silent_pages = earlier.saturating_add(1);
                earlier
            }
            NextRequest::Block(Range { start: offset, end }) => {
                let size = u8::try_from(end.saturating_sub(offset)).unwrap_or(u8::MAX);
                let earlier = self.in_flight.request_at(offset).filter(|earlier| earlier.attempts > 0);
                let (first_sent, earlier) =
                    earlier.map_or((now, 0), |earlier| (earlier.first_sent, earlier.attempts));
                let attempts = earlier.saturating_add(1);
                self.in_flight.insert_request(BlockRequest {
                    offset,
                    first_sent,
                    last_sent: now,
                    sequence,
                    attempts,
                    size,
                    is_waiting: true,
                });
                if let Some(window) = self.window_mut() {
                    window.count_request();
                }
                earlier
            }
        }
    }

    /// Returns `true` if the download waits for a response of the server.
    pub(super) fn is_waiting(&self) -> bool {
        self.page().is_some() || self.in_flight.waiting_count() > 0
    }

    /// Returns `true` if the download cannot continue before the application has stored a block.
    pub(super) fn waits_for_application(&self) -> bool {
        !self.is_waiting() && self.in_flight.storing().next().is_some()
    }

    /// Returns `true` if a block request with the sequence number `sequence` is waiting for its response.
    pub(super) fn has_block_request(&self, sequence: u8) -> bool {
        let is_answered = |request: &BlockRequest| {
            // A sequence number from before the first request of this download belongs to a request of an earlier time.
            let is_recent = request.sequence.wrapping_sub(sequence) < self.sent;
            request.is_waiting && request.has_sequence(sequence) && is_recent
        };
        self.in_flight.requests().any(is_answered)
    }

    /// Returns `true` if the page in transfer was requested with the sequence number `sequence`.
    pub(super) fn has_page_request(&self, sequence: u8) -> bool {
        self.page().is_some_and(|page| page.sequence == sequence)
    }

    /// Handles the `result` with which the application has stored the block with `ticket`. Returns the image if the
    /// file is now complete.
    ///
    /// # Errors
    /// Fails if the application is storing no block with `ticket`; a failed call does not change the download.
    pub(super) fn finish_store(
        &mut self,
        now: Ticks,
        ticket: Ticket,
        result: StoreResult,
        config: &ClientConfig,
    ) -> Result<Option<StoredImage>, StaleTicket> {
        let block = self.in_flight.finish_storing(ticket).ok_or(StaleTicket)?;
        Ok(match result {
            StoreResult::Ok => self.record_stored(&block),
            StoreResult::Busy => {
                self.delay_until(now.plus(config.error_backoff));
                None
            }
            StoreResult::Fault => None,
        })
    }

    /// Records that the application has stored `block`; returns the image if the file is now complete.
    fn record_stored(&mut self, block: &StoringBlock) -> Option<StoredImage> {
        let range = block.range();
        // During a check, the checksum of the last block stays the same, because the check compares the server's bytes
        // with this checksum.
        if range.start == self.received() && self.check.is_none() {
            self.sums.last_block = RangeSum { start: range.start, size: block.size, sum: block.sum };
        }
        match &mut self.phase {
            DownloadPhase::Header(header) => {
                header.add_stored(u8::try_from(range.len()).unwrap_or(u8::MAX));
                None
            }
            DownloadPhase::Rest { header, received, .. } => {
                // The insertion cannot fail, because `classify` lends a block only if there is room for its range.
                received.insert(range).ok();
                let is_complete = received.first_gap(self.offer.size).is_none();
                is_complete.then_some(StoredImage {
                    offer: self.offer,
                    header: *header,
                    is_clean: self.is_clean,
                })
            }
        }
    }

    /// Handles the timeouts that have passed, and returns the request to send at `now`; returns `None` if no request is
    /// due.
    pub(super) fn poll_request(
        &mut self,
        now: Ticks,
        config: &ClientConfig,
        rtt: &RttEstimator,
    ) -> Option<NextRequest> {
        self.expire_requests(now, config, rtt);
        let next = self.due_request(now, config, rtt)?;
        if let (NextRequest::Page(page), TransferMode::Auto) = (next, Self::mode(config))
            && self.end_measured_page(now, page) == Choice::Blocks
        {
            self.uses_pages = false;
            return self.due_request(now, config, rtt);
        }
        Some(next)
    }

    /// Returns the message to the server that requests `next`. `block_period` is the value of the attribute
    /// MinimumBlockPeriod, which the client sends in an Image Block Request.
    pub(super) fn message(&self, next: NextRequest, block_period: u16, config: &ClientConfig) -> ToServer {
        let id = self.offer.id;
        let node = config.identity.node.filter(|_| is_specific(id));
        let block_size = self.block_size.bytes();
        match next {
            NextRequest::Page(range) if Self::ANY_ORDER => {
                let page_size = u16::try_from(range.len()).unwrap_or(u16::MAX);
                let Millis(interval) = min_request_interval(block_period, config);
                ToServer::ImagePage(ImagePageRequest {
                    id,
                    offset: range.start,
                    max_data: u8::try_from(page_size).map_or(block_size, |size| size.min(block_size)),
                    page_size,
                    spacing: self.page_spacing(config).max(u16::try_from(interval).unwrap_or(u16::MAX)),
                    node,
                })
            }
            NextRequest::Block(Range { start, end }) | NextRequest::Page(Range { start, end }) => {
                ToServer::ImageBlock(ImageBlockRequest {
                    id,
                    offset: start,
                    max_data: u8::try_from(end.saturating_sub(start)).unwrap_or(block_size),
                    node,
                    min_block_period: config.supports_block_period.then_some(block_period),
                })
            }
        }
    }
}

/// Returns the minimum time between two block or page requests. The minimum time is the longer of two periods:
/// `min_block_period` in the configuration, and the MinimumBlockPeriod `period` that the server set.
pub(super) fn min_request_interval(period: u16, config: &ClientConfig) -> Millis {
    let period = u32::from(period);
    let period = if config.cluster_revision == REVISION_IN_SECONDS {
        Millis::from_secs(period)
    } else {
        Millis(period)
    };
    // A period that the server means in milliseconds but the client reads in seconds could demand 18 hours between two
    // blocks. Therefore `max_wait_for_data`, the limit of a wait without end, limits the MinimumBlockPeriod as well.
    period.min(config.max_wait_for_data.unwrap_or(period)).max(config.min_block_period)
}
