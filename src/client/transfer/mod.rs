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
//! - The client fetches the header of the file first, in order, and checks the header before the rest is requested.
//! - With blocks, the client requests the lowest gap that is not requested yet. The number of requests in flight and
//!   blocks being stored is at most the window; one more request is allowed while a response is late. A window of 1 is
//!   stop-and-wait.
//! - With pages, the client requests blocks that are missing from earlier pages one by one, then the next page. No
//!   request is sent while a page arrives.
//! - No request reaches past the end of the file, and no request covers bytes that are stored already.
//!
//! ```text
//!   Header: stop-and-wait, or one page --accepted--> Rest: blocks <---> pages --all is stored--> State::Verifying
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | Header | the header passes its checks | Rest, by blocks or pages as `ClientConfig::transfer` has it; `Auto` starts with pages |
//! | | it does not | the download ends |
//! | pages | an error in a Default Response, except NO_IMAGE_AVAILABLE and WAIT_FOR_DATA | blocks |
//! | | four pages in a row without data | blocks |
//! | | `Auto` compares, or measured blocks as faster | blocks |
//! | blocks | `Auto` has compared, and measured pages as faster | pages |
//! | any | WAIT_FOR_DATA, NO_IMAGE_AVAILABLE, other errors | the same, after a pause; too many in a row end the download |
//!
//! | module | content |
//! |---|---|
//! | `schedule` | the next request |
//! | `in_flight` | the slots of requests and of blocks being stored |
//! | `responses` | the effect of each response |
//! | `deadlines` | timeouts and retries |
//! | `window` | the number of requests in flight |
//! | `page` | the page in transfer |
//! | `mode_probe` | the measurements of `TransferMode::Auto` |
//! | `block_size` | the block size that the server sends |
//! | `header_check` | the header of the file |

mod block_size;
mod deadlines;
mod header_check;
mod in_flight;
mod mode_probe;
mod page;
mod responses;
mod schedule;
mod window;

use core::num::NonZeroU8;

use crate::aps::{Transmit, TransmitToken};
use crate::codec::Encode;
use crate::time::{Instant, Millis};
use crate::zcl::{
    ClientFrame, FromClient, ImageBlockRequest, ImageOffer, ImagePageRequest, Status, ToServer,
};

use super::checkpoint::HeaderFacts;
use super::config::{ClientConfig, TransferMode};
use super::output::{Outcome, StaleTicket, StoreResult, Ticket};
use super::ranges::{Range, ReceivedRanges};
use super::rtt::RttEstimator;
use super::state::{State, StoredImage, is_specific};
use super::{Client, RequestBuffer};
use block_size::BlockSize;
use header_check::PartialHeader;
use in_flight::{BlockRequest, InFlight, Millis32, Slot, StoringBlock};
use mode_probe::{Choice, ModeProbe};
use page::Page;
use schedule::NextRequest;
use window::Window;

/// State of the download of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download<const RANGES: usize> {
    /// Image and size that the server offered.
    pub(super) offer: ImageOffer,
    /// Phase of the download, which records the stored bytes of the file.
    pub(super) phase: DownloadPhase<RANGES>,
    in_flight: InFlight<RANGES>,
    page: Option<Page>,
    /// Earliest time at which the next request may be sent; `None` while the server demands a wait without end.
    not_before: Option<Instant>,
    /// Time of the latest request or of the latest block, whichever is later.
    last_activity: Instant,
    /// Estimator of the interval between the blocks of a page.
    block_interval: RttEstimator,
    window: Window,
    /// `true` if the client requests pages, `false` if the client requests blocks.
    uses_pages: bool,
    /// Measurements of [`TransferMode::Auto`].
    mode_probe: ModeProbe,
    /// Number of page requests in a row that brought no data.
    silent_pages: u8,
    block_size: BlockSize,
    /// Number of error responses in a row, not counting NO_IMAGE_AVAILABLE.
    error_count: u8,
    /// Number of NO_IMAGE_AVAILABLE responses in a row.
    no_image_count: u8,
    /// `true` if the download was resumed from a checkpoint and the server has not sent data since. Such a server may
    /// no longer have the file.
    is_unconfirmed: bool,
}

/// Phase of a download: the stored bytes of the file, and the known part of the header.
///
/// The client fetches the header in order, before the rest of the file. Therefore the header bytes and the out-of-order
/// ranges can share memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownloadPhase<const RANGES: usize> {
    /// The client is fetching the header of the file.
    Header(PartialHeader),
    /// The header is complete and accepted, and the client is fetching the rest of the file, in any order.
    Rest(HeaderFacts, ReceivedRanges<RANGES>),
}

impl<const RANGES: usize> Download<RANGES> {
    /// `true` if blocks may arrive out of order. For a client without out-of-order ranges the compiler removes the code
    /// of windows and pages, which is more than a third of the code of a download.
    const ANY_ORDER: bool = RANGES > 0;

    /// Returns the configured transfer mode, or stop-and-wait for a client without out-of-order ranges.
    const fn mode(config: &ClientConfig) -> TransferMode {
        if Self::ANY_ORDER { config.transfer } else { TransferMode::Blocks { window: NonZeroU8::MIN } }
    }

    /// Creates the download of `offer`; the first request may be sent from `at` on.
    pub(super) fn new(offer: ImageOffer, at: Instant, config: &ClientConfig) -> Self {
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
            not_before: Some(at),
            last_activity: at,
            block_interval: RttEstimator::new(),
            window,
            uses_pages,
            mode_probe: ModeProbe::new(at),
            silent_pages: 0,
            block_size: BlockSize::new(config),
            error_count: 0,
            no_image_count: 0,
            is_unconfirmed: false,
        }
    }

    /// Turns a new download into a download that continues after `received` bytes. Without `header`, the download
    /// starts at offset 0.
    pub(super) fn resume_from(
        self,
        header: Option<HeaderFacts>,
        received: u32,
        config: &ClientConfig,
        rtt: &mut RttEstimator,
    ) -> Self {
        let mut download = Self { is_unconfirmed: true, ..self };
        if let Some(header) = header {
            download.begin_rest(header, received, config, rtt);
        }
        download
    }

    /// Enters [`DownloadPhase::Rest`] after `received` bytes of the file are stored.
    fn begin_rest(
        &mut self,
        header: HeaderFacts,
        received: u32,
        config: &ClientConfig,
        rtt: &mut RttEstimator,
    ) {
        self.phase = DownloadPhase::Rest(header, ReceivedRanges::new(received));
        if let Some(window) = self.window_mut() {
            window.open(rtt);
        }
        if let TransferMode::Auto = Self::mode(config) {
            self.uses_pages = true;
            self.mode_probe.set_single_rtt(rtt);
        }
    }

    /// Returns the page in transfer; `None` if no page is in transfer.
    fn page(&self) -> Option<&Page> {
        self.page.as_ref().filter(|_| Self::ANY_ORDER)
    }

    /// Returns `true` if the client requests pages.
    const fn is_paging(&self) -> bool {
        Self::ANY_ORDER && self.uses_pages
    }

    /// Returns the window; `None` for a client without out-of-order ranges, for which the window is always 1.
    fn window_mut(&mut self) -> Option<&mut Window> {
        Self::ANY_ORDER.then_some(&mut self.window)
    }

    /// Returns the number of bytes that are stored without a gap from the start of the file.
    pub(super) const fn received(&self) -> u32 {
        match &self.phase {
            DownloadPhase::Header(header) => header.stored(),
            DownloadPhase::Rest(_, received) => received.watermark(),
        }
    }

    /// Returns the file offset after the highest byte that is stored.
    fn stored_end(&self) -> u32 {
        match &self.phase {
            DownloadPhase::Header(header) => header.stored(),
            DownloadPhase::Rest(_, received) => received.highest_end(),
        }
    }

    /// Returns the first range of the file at or after `start` that is not stored.
    fn gap_from(&self, start: u32) -> Option<Range> {
        match &self.phase {
            DownloadPhase::Header(header) => {
                Some(Range { start: start.max(header.stored()), end: self.offer.size })
                    .filter(|gap| !gap.is_empty())
            }
            DownloadPhase::Rest(_, received) => received.gap_from(start, self.offer.size),
        }
    }

    /// Returns the first range of the file at or after `start` that is neither stored nor covered by a slot. The
    /// function `covered` returns the range that a slot covers.
    fn gap_outside(&self, start: u32, covered: fn(&Slot) -> Option<Range>) -> Option<Range> {
        let mut gap = self.gap_from(start)?;
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

    /// Returns the first range of the file at or after `start` that is neither stored, nor being stored, nor requested.
    fn not_requested(&self, start: u32) -> Option<Range> {
        self.gap_outside(start, Slot::range)
    }

    /// Returns the first range of the file at or after `start` that is neither stored nor being stored.
    fn missing(&self, start: u32) -> Option<Range> {
        self.gap_outside(start, |slot| slot.storing().map(StoringBlock::range))
    }

    /// Records that `request` was sent `now` with the sequence number `sequence`. The next request is sent after
    /// `pause` at the earliest.
    fn record_request(&mut self, now: Instant, request: NextRequest, sequence: u8, pause: Millis) {
        (self.last_activity, self.not_before) = (now, Some(now.plus(pause)));
        let last_sent = Millis32::from_instant(now);
        match request {
            NextRequest::Page(range) => {
                self.page = Some(Page::new(now, sequence, range));
                self.silent_pages = self.silent_pages.saturating_add(1);
            }
            NextRequest::Block(Range { start: offset, end }) => {
                let size = u8::try_from(end.saturating_sub(offset)).unwrap_or(u8::MAX);
                let earlier = self.in_flight.request_at(offset).filter(|earlier| earlier.attempts > 0);
                let (first_sent, attempts) =
                    earlier.map_or((last_sent, 0), |earlier| (earlier.first_sent, earlier.attempts));
                let attempts = attempts.saturating_add(1);
                self.in_flight.insert_request(BlockRequest {
                    offset,
                    first_sent,
                    last_sent,
                    sequence,
                    attempts,
                    size,
                    is_waiting: true,
                });
                if let Some(window) = self.window_mut() {
                    window.count_request();
                }
            }
        }
    }

    /// Returns the response spacing to request for pages, in ms.
    const fn page_spacing(&self, config: &ClientConfig) -> u16 {
        match Self::mode(config) {
            TransferMode::Pages { spacing, .. } => spacing,
            TransferMode::Blocks { .. } | TransferMode::Auto => self.mode_probe.spacing(),
        }
    }

    /// Returns the number of attempts of `request` that were sent before.
    fn earlier_attempts(&self, request: NextRequest) -> u8 {
        match request {
            NextRequest::Page(_) => self.silent_pages,
            NextRequest::Block(Range { start, .. }) => {
                self.in_flight.request_at(start).map_or(0, |request| request.attempts)
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

    /// Returns `true` if a block request with `sequence` is waiting for its response.
    pub(super) fn has_block_request(&self, sequence: u8) -> bool {
        self.in_flight.requests().any(|request| request.is_waiting && request.has_sequence(sequence))
    }

    /// Returns `true` if the page in transfer was requested with `sequence`.
    pub(super) fn has_page_request(&self, sequence: u8) -> bool {
        self.page().is_some_and(|page| page.sequence == sequence)
    }

    /// Records that the application has stored `range`; returns the image if the file is now complete.
    fn record_stored(&mut self, range: Range) -> Option<StoredImage> {
        match &mut self.phase {
            DownloadPhase::Header(header) => {
                header.add_stored(u8::try_from(range.len()).unwrap_or(u8::MAX));
                None
            }
            DownloadPhase::Rest(header, received) => {
                // The insertion cannot fail, because `classify` lends a block only if there is room for its range.
                received.insert(range).ok();
                let is_complete = received.first_gap(self.offer.size).is_none();
                is_complete.then_some(StoredImage { offer: self.offer, header: *header })
            }
        }
    }
}

impl<const RANGES: usize> Client<RANGES> {
    /// Writes the next request of the download to `buf`; returns `None` if no request is due.
    pub(super) fn poll_download(&mut self, now: Instant, buf: &mut RequestBuffer) -> Option<Transmit> {
        let download = self.state.download_mut()?;
        download.expire_requests(now, &self.config, &self.rtt);
        let mut next = download.due_request(now, &self.config, &self.rtt)?;
        if let (NextRequest::Page(page), TransferMode::Auto) = (next, Download::<RANGES>::mode(&self.config))
            && download.mode_probe.end_page(page.start, download.block_size.bytes()) == Choice::Blocks
        {
            download.uses_pages = false;
            next = download.due_request(now, &self.config, &self.rtt)?;
        }
        let sequence = self.sequence;
        let request = self.download_request(self.state.download()?, next);
        let frame = ClientFrame { sequence, message: FromClient::Request(request) };
        let len = frame.encode(buf).ok()?;
        let pause = self.min_request_interval();
        let download = self.state.download_mut()?;
        self.retries = self.retries.saturating_add(u32::from(download.earlier_attempts(next) > 0));
        download.record_request(now, next, sequence, pause);
        self.sequence = sequence.wrapping_add(1);
        Some(self.unicast(self.config.server, len, TransmitToken::request(sequence)))
    }

    /// Returns the message to the server that requests `next`.
    fn download_request(&self, download: &Download<RANGES>, next: NextRequest) -> ToServer {
        let id = download.offer.id;
        let node = self.config.identity.node.filter(|_| is_specific(id));
        let block_size = download.block_size.bytes();
        match next {
            NextRequest::Block(Range { start, end }) => ToServer::ImageBlock(ImageBlockRequest {
                id,
                offset: start,
                max_data: u8::try_from(end.saturating_sub(start)).unwrap_or(block_size),
                node,
                min_block_period: self.config.supports_block_period.then_some(self.server_block_period),
            }),
            NextRequest::Page(range) => {
                let page_size = u16::try_from(range.len()).unwrap_or(u16::MAX);
                ToServer::ImagePage(ImagePageRequest {
                    id,
                    offset: range.start,
                    max_data: u8::try_from(page_size).map_or(block_size, |size| size.min(block_size)),
                    page_size,
                    spacing: download
                        .page_spacing(&self.config)
                        .max(u16::try_from(self.min_request_interval().0).unwrap_or(u16::MAX)),
                    node,
                })
            }
        }
    }

    /// Handles the `result` of storing the block with `ticket`. The client enters the next state if the file is
    /// complete or if storage failed.
    ///
    /// # Errors
    /// Fails if no block with this ticket is being stored; the call then changes nothing.
    pub(super) fn finish_store(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: StoreResult,
    ) -> Result<(), StaleTicket> {
        let busy_until = now.plus(self.config.error_backoff);
        let download = self.state.download_mut().ok_or(StaleTicket)?;
        let block = download.in_flight.finish_storing(ticket).ok_or(StaleTicket)?;
        let id = download.offer.id;
        match result {
            StoreResult::Ok => {
                if let Some(image) = download.record_stored(block.range()) {
                    self.enter(State::Verifying { image });
                }
            }
            StoreResult::Busy => download.delay_until(busy_until),
            StoreResult::Fault => {
                self.enter(Self::report_failure(now, id, Status::ABORT, Outcome::StorageFault))
            }
        }
        Ok(())
    }
}
