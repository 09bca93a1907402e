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
//! | Start | the header fits | Rest, by blocks or pages as `Config::transfer` has it; `Auto` by pages |
//! | | it does not | the download is over |
//! | pages | a Default Response that is an error, but for NO_IMAGE_AVAILABLE and WAIT_FOR_DATA | blocks |
//! | | four pages in a row without a byte | blocks |
//! | | `Auto` compares, or found blocks to be faster | blocks |
//! | blocks | `Auto` has compared, and pages are faster | pages |
//! | any | WAIT_FOR_DATA, NO_IMAGE_AVAILABLE, other errors | the same, after a pause; too many in a row end the download |
//!
//! The states of a place are drawn in `slots`, of a page in `page`, of the size of the window in `window`, and of the trials
//! in `auto`.

mod answers;
mod ask;
mod auto;
mod header;
mod page;
mod slots;
mod stride;
mod timing;
mod window;

use core::num::NonZeroU8;

use crate::codec::Encode;
use crate::link::{Token, Transmit};
use crate::time::{Instant, Millis};
use crate::zcl::{
    ClientFrame, FromClient, ImageBlockRequest, ImageOffer, ImagePageRequest, Status, ToServer,
};

use super::config::{Config, Transfer};
use super::output::{Outcome, StaleTicket, Stored, Ticket};
use super::received::{Range, Received};
use super::round_trip::RoundTrip;
use super::state::{HeaderFacts, Image, State, is_specific};
use super::{Client, TxBuffer};
use ask::Ask;
use auto::{Auto, Choice};
use header::HeaderStart;
use page::Page;
use slots::{Lent, Request, Slot, Slots, Stamp};
use stride::Stride;
use window::Window;

/// A download with everything it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download<const ISLANDS: usize> {
    pub(super) offer: ImageOffer,
    pub(super) body: Body<ISLANDS>,
    slots: Slots<ISLANDS>,
    page: Option<Page>,
    /// When the next request may be sent; `None` where the server said to wait without end.
    ready: Option<Instant>,
    /// When the last request was sent, or the last data came.
    latest: Instant,
    /// Between the blocks of a page.
    interval: RoundTrip,
    window: Window,
    /// Pages are asked for.
    pages: bool,
    /// Where the client chooses.
    auto: Auto,
    /// Pages asked for in a row without a byte.
    missed: u8,
    stride: Stride,
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
pub(super) enum Body<const ISLANDS: usize> {
    /// The header is not complete.
    Start(HeaderStart),
    /// It is, and fits the offer.
    Rest(HeaderFacts, Received<ISLANDS>),
}

impl<const ISLANDS: usize> Download<ISLANDS> {
    /// Whether blocks may come in any order. Where not, they come one after the other, and the compiler leaves out what
    /// is for the other ways, more than a third of the download's code.
    const ANY_ORDER: bool = ISLANDS > 0;

    /// How the blocks are asked for.
    const fn transfer(config: &Config) -> Transfer {
        if Self::ANY_ORDER { config.transfer } else { Transfer::Blocks { window: NonZeroU8::MIN } }
    }

    /// The download of `offer`, to begin at `at`.
    pub(super) fn new(offer: ImageOffer, at: Instant, config: &Config) -> Self {
        let places = u8::try_from(Slots::<ISLANDS>::EMPTY.len()).unwrap_or(u8::MAX);
        let (window, pages) = match Self::transfer(config) {
            Transfer::Blocks { window } => (Window::fixed(window.get().min(places)), false),
            Transfer::Pages { .. } => (Window::fixed(1), true),
            Transfer::Auto => (Window::measured(places), false),
        };
        Self {
            offer,
            body: Body::Start(HeaderStart::EMPTY),
            slots: Slots::EMPTY,
            page: None,
            ready: Some(at),
            latest: at,
            interval: RoundTrip::new(),
            window,
            pages,
            auto: Auto::new(at),
            missed: 0,
            stride: Stride::new(config),
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
        config: &Config,
        link: &mut RoundTrip,
    ) -> Self {
        let mut download = Self { resumed: true, ..self };
        if let Some(header) = header {
            download.begin_rest(header, received, config, link);
        }
        download
    }

    /// The header is here and fits.
    fn begin_rest(&mut self, header: HeaderFacts, received: u32, config: &Config, link: &mut RoundTrip) {
        self.body = Body::Rest(header, Received::new(received));
        if let Some(window) = self.window_mut() {
            window.open(link);
        }
        if let Transfer::Auto = Self::transfer(config) {
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
        self.gap_beside(start, |slot| slot.lent().map(Lent::range))
    }

    /// The request went out.
    fn sent(&mut self, now: Instant, ask: Ask, sequence: u8, pause: Millis) {
        (self.latest, self.ready) = (now, Some(now.plus(pause)));
        let stamp = Stamp::of(now);
        match ask {
            Ask::Page(range) => {
                self.page = Some(Page::asked(now, sequence, range));
                self.missed = self.missed.saturating_add(1);
            }
            Ask::Block(Range { start: offset, end }) => {
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
    const fn spacing(&self, config: &Config) -> u16 {
        match Self::transfer(config) {
            Transfer::Pages { spacing, .. } => spacing,
            Transfer::Blocks { .. } | Transfer::Auto => self.auto.spacing(),
        }
    }

    /// How often what is asked for now was asked for before.
    fn tries(&self, ask: Ask) -> u8 {
        match ask {
            Ask::Page(_) => self.missed,
            Ask::Block(Range { start, .. }) => self.slots.at(start).map_or(0, |request| request.tries),
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

impl<const ISLANDS: usize> Client<ISLANDS> {
    /// Writes the next request of a download.
    pub(super) fn poll_download(&mut self, now: Instant, buf: &mut TxBuffer) -> Option<Transmit> {
        let download = self.state.download_mut()?;
        download.settle(now, &self.config, &self.round_trip);
        let mut ask = download.next(now, &self.config, &self.round_trip)?;
        if let (Ask::Page(page), Transfer::Auto) = (ask, Download::<ISLANDS>::transfer(&self.config))
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
        Some(self.unicast(self.config.server, len, Token::request(sequence)))
    }

    fn request_for(&self, download: &Download<ISLANDS>, ask: Ask) -> ToServer {
        let id = download.offer.id;
        let node = self.config.identity.node.filter(|_| is_specific(id));
        let stride = download.stride.bytes();
        match ask {
            Ask::Block(Range { start, end }) => ToServer::ImageBlock(ImageBlockRequest {
                id,
                offset: start,
                max_data: u8::try_from(end.saturating_sub(start)).unwrap_or(stride),
                node,
                min_block_period: self.shows_later_revisions().then_some(self.period),
            }),
            Ask::Page(range) => {
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
        result: Stored,
    ) -> Result<(), StaleTicket> {
        let busy_until = now.plus(self.config.error_pause);
        let download = self.state.download_mut().ok_or(StaleTicket)?;
        let lent = download.slots.take_back(ticket).ok_or(StaleTicket)?;
        let id = download.offer.id;
        match result {
            Stored::Ok => {
                if let Some(image) = download.stored(lent.range()) {
                    self.enter(State::Verifying { image });
                }
            }
            Stored::Busy => download.pause_until(busy_until),
            Stored::Fault => self.enter(Self::reporting(now, id, Status::ABORT, Outcome::StorageFault)),
        }
        Ok(())
    }
}
