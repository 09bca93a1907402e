//! The download: what is here of the file, what is under way, and what is asked for next (sections 6.10.6 to 6.10.8).
//!
//! ```text
//!   offset 0                                                                            size
//!   |##########|.........|########|~~~~~~~~~|oooooooooo|.......................................|
//!     received   a gap     island   asked     lent        new: one block after the other,
//!                          (here)             (stored)    or a page
//! ```
//!
//! - The header is fetched first and in order, and read before the rest is asked for.
//! - Blocks: the lowest gap that nobody is asked for, as long as requests and blocks with the application are fewer than
//!   the window, or one more while an answer is late. With a window of one that is a block after the other.
//! - Pages: what is missing of those that came by single blocks, then the next page. While it runs nothing is sent.
//! - No request reaches beyond the file, nor into what is here.
//!
//! ```text
//!   Start: the header, a block after the other or by a page --fits--> Rest: blocks <---> pages --all is stored--> Verifying
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | Start | the header fits | Rest, by blocks or pages as `ClientConfig::transfer` has it; `ModeProbe` by pages |
//! | | it does not | the download is over |
//! | pages | a Default Response that is an error, but for NO_IMAGE_AVAILABLE and WAIT_FOR_DATA | blocks |
//! | | four pages in a row without a byte | blocks |
//! | | `ModeProbe` compares, or found blocks to be faster | blocks |
//! | blocks | `ModeProbe` has compared, and pages are faster | pages |
//! | any | WAIT_FOR_DATA, NO_IMAGE_AVAILABLE, other errors | the same, after a pause; too many in a row end the download |
//!
//! The states of a place are drawn in `slots`, of a page in `page`, of the size of the window in `window`, and of the trials
//! in `auto`.

mod block_size;
mod deadlines;
mod header;
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

use super::config::{ClientConfig, TransferMode};
use super::output::{Outcome, StaleTicket, StoreResult, Ticket};
use super::ranges::{Range, ReceivedRanges};
use super::rtt::RttEstimator;
use super::state::{HeaderFacts, Image, State, is_specific};
use super::{Client, RequestBuffer};
use block_size::BlockSize;
use header::HeaderStart;
use in_flight::{InFlight, Millis32, Request, Slot, Storing};
use mode_probe::{Choice, ModeProbe};
use page::Page;
use schedule::NextRequest;
use window::Window;

/// A download with everything it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download<const RANGES: usize> {
    pub(super) offer: ImageOffer,
    pub(super) body: Body<RANGES>,
    slots: InFlight<RANGES>,
    page: Option<Page>,
    /// When the next request may be sent; `None` where the server said to wait without end.
    ready: Option<Instant>,
    /// When the last request was sent, or the last data came.
    latest: Instant,
    /// Between the blocks of a page.
    interval: RttEstimator,
    window: Window,
    /// Pages are asked for.
    pages: bool,
    /// Where the client chooses.
    auto: ModeProbe,
    /// Pages asked for in a row without a byte.
    missed: u8,
    stride: BlockSize,
    /// Answers in a row that were errors.
    errors: u8,
    /// Answers in a row that there is no such image.
    missing: u8,
    /// Goes on from a checkpoint, and the server has not confirmed yet that it still has the file.
    resumed: bool,
}

/// What is here of a file. Its start is fetched in order, and is read before the rest is asked for: the two never need
/// room at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body<const RANGES: usize> {
    /// The header is not complete.
    Start(HeaderStart),
    /// It is, and fits the offer.
    Rest(HeaderFacts, ReceivedRanges<RANGES>),
}

impl<const RANGES: usize> Download<RANGES> {
    /// Whether blocks may come in any order. Where not, they come one after the other, and the compiler leaves out what
    /// is for the other ways, more than a third of the download's code.
    const ANY_ORDER: bool = RANGES > 0;

    /// How the blocks are asked for.
    const fn transfer(config: &ClientConfig) -> TransferMode {
        if Self::ANY_ORDER { config.transfer } else { TransferMode::Blocks { window: NonZeroU8::MIN } }
    }

    /// The download of `offer`, to begin at `at`.
    pub(super) fn new(offer: ImageOffer, at: Instant, config: &ClientConfig) -> Self {
        let places = u8::try_from(InFlight::<RANGES>::EMPTY.len()).unwrap_or(u8::MAX);
        let (window, pages) = match Self::transfer(config) {
            TransferMode::Blocks { window } => (Window::fixed(window.get().min(places)), false),
            TransferMode::Pages { .. } => (Window::fixed(1), true),
            TransferMode::Auto => (Window::measured(places), false),
        };
        Self {
            offer,
            body: Body::Start(HeaderStart::EMPTY),
            slots: InFlight::EMPTY,
            page: None,
            ready: Some(at),
            latest: at,
            interval: RttEstimator::new(),
            window,
            pages,
            auto: ModeProbe::new(at),
            missed: 0,
            stride: BlockSize::new(config),
            errors: 0,
            missing: 0,
            resumed: false,
        }
    }

    /// The rest of a download that was interrupted; its header was read.
    pub(super) fn resumed(
        self,
        header: Option<HeaderFacts>,
        received: u32,
        config: &ClientConfig,
        link: &mut RttEstimator,
    ) -> Self {
        let mut download = Self { resumed: true, ..self };
        if let Some(header) = header {
            download.begin_rest(header, received, config, link);
        }
        download
    }

    /// The header is here and fits.
    fn begin_rest(
        &mut self,
        header: HeaderFacts,
        received: u32,
        config: &ClientConfig,
        link: &mut RttEstimator,
    ) {
        self.body = Body::Rest(header, ReceivedRanges::new(received));
        if let Some(window) = self.window_mut() {
            window.open(link);
        }
        if let TransferMode::Auto = Self::transfer(config) {
            self.pages = true;
            self.auto.begin(link);
        }
    }

    /// The page under way.
    fn page(&self) -> Option<&Page> {
        self.page.as_ref().filter(|_| Self::ANY_ORDER)
    }

    /// Whether pages are asked for.
    const fn by_pages(&self) -> bool {
        Self::ANY_ORDER && self.pages
    }

    /// The window, where it may be more than one.
    fn window_mut(&mut self) -> Option<&mut Window> {
        Self::ANY_ORDER.then_some(&mut self.window)
    }

    /// Bytes stored, from the start.
    pub(super) const fn received(&self) -> u32 {
        match &self.body {
            Body::Start(start) => start.stored(),
            Body::Rest(_, received) => received.watermark(),
        }
    }

    /// The end of all that is stored.
    fn top(&self) -> u32 {
        match &self.body {
            Body::Start(start) => start.stored(),
            Body::Rest(_, received) => received.top(),
        }
    }

    fn gap_from(&self, start: u32) -> Option<Range> {
        match &self.body {
            Body::Start(stored) => Some(Range { start: start.max(stored.stored()), end: self.offer.size })
                .filter(|gap| !gap.is_empty()),
            Body::Rest(_, received) => received.gap_from(start, self.offer.size),
        }
    }

    /// The first bytes at or after `start` that are neither here nor, as `taken` has it, in a slot.
    fn gap_beside(&self, start: u32, taken: fn(&Slot) -> Option<Range>) -> Option<Range> {
        let mut gap = self.gap_from(start)?;
        // Each turn passes one of them.
        for _ in 0..self.slots.len() {
            let over = |taken: &Range| taken.start <= gap.start && gap.start < taken.end;
            match self.slots.iter().filter_map(taken).find(over) {
                Some(taken) => gap = self.gap_from(taken.end)?,
                None => break,
            }
        }
        let starts = self.slots.iter().filter_map(taken).map(|taken| taken.start);
        let next = starts.filter(|next| *next > gap.start).fold(gap.end, u32::min);
        Some(Range { end: next, ..gap })
    }

    /// The first bytes at or after `start` that nobody is asked for.
    fn unasked(&self, start: u32) -> Option<Range> {
        self.gap_beside(start, Slot::range)
    }

    /// The first bytes at or after `start` that are not with the application either.
    fn absent(&self, start: u32) -> Option<Range> {
        self.gap_beside(start, |slot| slot.lent().map(Storing::range))
    }

    /// The request went out.
    fn sent(&mut self, now: Instant, ask: NextRequest, sequence: u8, pause: Millis) {
        (self.latest, self.ready) = (now, Some(now.plus(pause)));
        let stamp = Millis32::of(now);
        match ask {
            NextRequest::Page(range) => {
                self.page = Some(Page::asked(now, sequence, range));
                self.missed = self.missed.saturating_add(1);
            }
            NextRequest::Block(Range { start: offset, end }) => {
                let size = u8::try_from(end.saturating_sub(offset)).unwrap_or(u8::MAX);
                let before = self.slots.at(offset).filter(|before| before.tries > 0);
                let (first, tries) = before.map_or((stamp, 0), |before| (before.first, before.tries));
                let tries = tries.saturating_add(1);
                self.slots.ask(Request { offset, first, last: stamp, sequence, tries, size, waiting: true });
                if let Some(window) = self.window_mut() {
                    window.sent();
                }
            }
        }
    }

    /// What to ask for between two blocks of a page, ms.
    const fn spacing(&self, config: &ClientConfig) -> u16 {
        match Self::transfer(config) {
            TransferMode::Pages { spacing, .. } => spacing,
            TransferMode::Blocks { .. } | TransferMode::Auto => self.auto.spacing(),
        }
    }

    /// How often what is asked for now was asked for before.
    fn tries(&self, ask: NextRequest) -> u8 {
        match ask {
            NextRequest::Page(_) => self.missed,
            NextRequest::Block(Range { start, .. }) => {
                self.slots.at(start).map_or(0, |request| request.tries)
            }
        }
    }

    /// Whether an answer of the server's is to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.page().is_some() || self.slots.waiting() > 0
    }

    /// Whether only the application can move it on.
    pub(super) fn waits_for_application(&self) -> bool {
        !self.is_waiting() && self.slots.lent().next().is_some()
    }

    /// Whether a request for a block that carried `sequence` is under way.
    pub(super) fn is_block(&self, sequence: u8) -> bool {
        self.slots.requests().any(|request| request.waiting && request.carried(sequence))
    }

    /// Whether the page under way was asked for with `sequence`.
    pub(super) fn is_page(&self, sequence: u8) -> bool {
        self.page().is_some_and(|page| page.sequence == sequence)
    }

    /// `range` is stored; the image when nothing is missing any more.
    fn stored(&mut self, range: Range) -> Option<Image> {
        match &mut self.body {
            Body::Start(start) => {
                start.advance(u8::try_from(range.len()).unwrap_or(u8::MAX));
                None
            }
            Body::Rest(header, received) => {
                // Room was seen to when it was lent.
                received.insert(range).ok();
                let whole = received.first_gap(self.offer.size).is_none();
                whole.then_some(Image { offer: self.offer, header: *header })
            }
        }
    }
}

impl<const RANGES: usize> Client<RANGES> {
    /// Writes the next request of a download.
    pub(super) fn poll_download(&mut self, now: Instant, buf: &mut RequestBuffer) -> Option<Transmit> {
        let download = self.state.download_mut()?;
        download.settle(now, &self.config, &self.round_trip);
        let mut ask = download.next(now, &self.config, &self.round_trip)?;
        if let (NextRequest::Page(page), TransferMode::Auto) =
            (ask, Download::<RANGES>::transfer(&self.config))
            && download.auto.page_over(page.start, download.stride.bytes()) == Choice::Blocks
        {
            download.pages = false;
            ask = download.next(now, &self.config, &self.round_trip)?;
        }
        let sequence = self.sequence;
        let request = self.request_for(self.state.download()?, ask);
        let frame = ClientFrame { sequence, message: FromClient::Request(request) };
        let len = frame.encode(buf).ok()?;
        let pause = self.pause();
        let download = self.state.download_mut()?;
        self.repeated = self.repeated.saturating_add(u32::from(download.tries(ask) > 0));
        download.sent(now, ask, sequence, pause);
        self.sequence = sequence.wrapping_add(1);
        Some(self.unicast(self.config.server, len, TransmitToken::request(sequence)))
    }

    fn request_for(&self, download: &Download<RANGES>, ask: NextRequest) -> ToServer {
        let id = download.offer.id;
        let node = self.config.identity.node.filter(|_| is_specific(id));
        let stride = download.stride.bytes();
        match ask {
            NextRequest::Block(Range { start, end }) => ToServer::ImageBlock(ImageBlockRequest {
                id,
                offset: start,
                max_data: u8::try_from(end.saturating_sub(start)).unwrap_or(stride),
                node,
                min_block_period: self.shows_later_revisions().then_some(self.period),
            }),
            NextRequest::Page(range) => {
                let page_size = u16::try_from(range.len()).unwrap_or(u16::MAX);
                ToServer::ImagePage(ImagePageRequest {
                    id,
                    offset: range.start,
                    max_data: u8::try_from(page_size).map_or(stride, |size| size.min(stride)),
                    page_size,
                    spacing: download
                        .spacing(&self.config)
                        .max(u16::try_from(self.pause().0).unwrap_or(u16::MAX)),
                    node,
                })
            }
        }
    }

    /// The application has a block, or not: on to the next, or to the check of the whole.
    pub(super) fn after_stored(
        &mut self,
        now: Instant,
        ticket: Ticket,
        result: StoreResult,
    ) -> Result<(), StaleTicket> {
        let busy_until = now.plus(self.config.error_pause);
        let download = self.state.download_mut().ok_or(StaleTicket)?;
        let lent = download.slots.take_back(ticket).ok_or(StaleTicket)?;
        let id = download.offer.id;
        match result {
            StoreResult::Ok => {
                if let Some(image) = download.stored(lent.range()) {
                    self.enter(State::Verifying { image });
                }
            }
            StoreResult::Busy => download.pause_until(busy_until),
            StoreResult::Fault => self.enter(Self::reporting(now, id, Status::ABORT, Outcome::StorageFault)),
        }
        Ok(())
    }
}
