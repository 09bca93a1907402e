//! The download: one block asked for, received, stored, then the next (sections 6.10.6 and 6.10.8).

mod header;

pub(super) use header::{HeaderStart, Reading};

use crate::time::{Delay, Instant, Millis, Purpose};
use crate::zcl::{BlockData, ImageBlockRequest, ImageBlockResponse, Status, WaitForData};

use super::Client;
use super::output::{Event, Ignored, Outcome};
use super::receive::Step;
use super::received::{Range, Received};
use super::retransmit::Exchange;
use super::state::{Body, Download, Fetch, Image, State, is_specific};

/// Requests with NO_IMAGE_AVAILABLE for an answer, in a row, after which the image is gone (section 6.10.6.5.2).
const MISSING_LIMIT: u8 = 3;

/// The last cluster revision whose MinimumBlockPeriod counts seconds.
const LAST_IN_SECONDS: u16 = 2;

impl<const ISLANDS: usize> Client<ISLANDS> {
    /// The request for the first bytes that are not here; `None` when all are.
    pub(super) fn block_request(&self, download: &Download<ISLANDS>) -> Option<ImageBlockRequest> {
        let id = download.offer.id;
        Some(ImageBlockRequest {
            id,
            offset: download.gap()?.start,
            max_data: self.most_data(),
            node: self.config.identity.node.filter(|_| is_specific(id)),
            min_block_period: self.shows_later_revisions().then_some(self.period),
        })
    }

    /// What to ask for: as many whole words as a response can bring, so that none is brought in vain.
    fn most_data(&self) -> u8 {
        let (most, word) = (self.config.max_data.get(), self.config.alignment);
        match most.checked_rem(word.get()).and_then(|rest| most.checked_sub(rest)) {
            None | Some(0) => most,
            Some(words) => words,
        }
    }

    pub(super) fn on_block_response<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        response: ImageBlockResponse<'f>,
    ) -> Step<'f, ISLANDS> {
        let State::Downloading(download) = self.state else {
            return Step::Drop(Ignored::NotExpected);
        };
        match response {
            ImageBlockResponse::Data(block) => self.on_data(now, sequence, download, block),
            ImageBlockResponse::Wait(wait) => self.on_wait(now, download, wait),
            ImageBlockResponse::Abort => Step::Enter(self.given_up(now, &download, Outcome::ServerAborted)),
            ImageBlockResponse::Refused(refusal) => self.on_refusal(now, download, refusal.status()),
        }
    }

    fn on_data<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        mut download: Download<ISLANDS>,
        block: BlockData<'f>,
    ) -> Step<'f, ISLANDS> {
        let BlockData { id, offset, data } = block;
        let size = data.size();
        let end = offset.checked_add(u32::from(size)).filter(|end| *end <= download.offer.size);
        let (Some(end), true) = (end, id == download.offer.id && size <= self.config.max_data.get()) else {
            return Step::Malformed(Ignored::NotAsked);
        };
        let exchange = match download.fetch {
            Fetch::Asking(exchange) => Some(exchange),
            Fetch::Halted => None,
            Fetch::Storing { .. } => return Step::Drop(Ignored::NotExpected),
        };
        if size > 0 && download.contains(Range { start: offset, end }) {
            // An answer given twice is usual on a lossy link, and must not lead to another request.
            return Step::Drop(Ignored::NotExpected);
        }
        if download.gap().is_none_or(|gap| gap.start != offset) {
            return Step::Malformed(Ignored::NotAsked);
        }
        if let Some(sent) = exchange.and_then(|exchange| exchange.sent_at(sequence)) {
            self.round_trip.measure(now.since(sent));
        }
        let taken = if end == download.offer.size { size } else { self.whole_words(size) };
        let data = match data.get().get(..usize::from(taken)) {
            Some(data) if !data.is_empty() => data,
            _ if size == 0 => return self.on_error(now, download, Outcome::EmptyBlocks),
            _ => return self.on_error(now, download, Outcome::ShortBlocks),
        };
        (download.errors, download.missing, download.resumed) = (0, 0, false);
        if let Body::Start(start) = download.body {
            match start.read(data, &download.offer, &self.config) {
                Ok(Reading::Incomplete(start)) => download.body = Body::Start(start),
                Ok(Reading::Fits(facts)) => {
                    download.body = Body::Rest(facts, Received::new(start.stored()));
                }
                Err(outcome) => {
                    let id = download.offer.id;
                    return Step::Enter(Self::reporting(now, id, Status::INVALID_IMAGE, outcome));
                }
            }
        }
        let asked_at = exchange.and_then(|exchange| exchange.last_sent());
        let not_before = asked_at.map_or(now, |asked| asked.plus(self.pause()));
        download.fetch = Fetch::Storing { size: taken, not_before };
        Step::Lend(State::Downloading(download), offset, data)
    }

    /// As many of `size` bytes as storage takes: the words begin where the file does, and so does what is stored.
    fn whole_words(&self, size: u8) -> u8 {
        let rest = size.checked_rem(self.config.alignment.get()).unwrap_or(0);
        size.saturating_sub(rest)
    }

    /// However often a server says wait, it does not count as failure (section 6.8.4).
    fn on_wait<'f>(
        &mut self,
        now: Instant,
        mut download: Download<ISLANDS>,
        wait: WaitForData,
    ) -> Step<'f, ISLANDS> {
        if matches!(download.fetch, Fetch::Storing { .. }) {
            return Step::Drop(Ignored::NotExpected);
        }
        let delay = match wait.time.delay(Purpose::Request, self.utc(now), self.config.utc_tolerance) {
            Ok(delay) => delay,
            Err(_) => return Step::Malformed(Ignored::NotAsked),
        };
        if let Some(period) = wait.min_block_period.filter(|_| self.shows_later_revisions()) {
            self.period = period;
        }
        let until = match delay {
            // Nothing but a new period: the next request keeps it, counted from the answer.
            Delay::For(delay) if delay.is_zero() => Some(now.plus(self.pause())),
            Delay::For(delay) => Some(now.after(delay)),
            Delay::Forever => self.config.max_wait.map(|most| now.plus(most)),
        };
        download.fetch = until.map_or(Fetch::Halted, |at| Fetch::Asking(Exchange::due(at)));
        (download.errors, download.missing) = (0, 0);
        self.events.push(Event::Paused(until));
        Step::Enter(State::Downloading(download))
    }

    /// The server answered a block request with a status.
    pub(super) fn on_refusal<'f>(
        &mut self,
        now: Instant,
        mut download: Download<ISLANDS>,
        status: Status,
    ) -> Step<'f, ISLANDS> {
        // One that repeats another, or comes late, must not count: it refuses no request that is open.
        if !matches!(download.fetch, Fetch::Asking(exchange) if exchange.is_waiting()) {
            return Step::Drop(Ignored::NotExpected);
        }
        match status {
            Status::NO_IMAGE_AVAILABLE => {
                download.missing = download.missing.saturating_add(1);
                if download.missing >= MISSING_LIMIT {
                    return Step::Enter(self.given_up(now, &download, Outcome::ImageGone));
                }
                self.ask_later(now, download)
            }
            // Some servers say so in a Default Response, without a time.
            Status::WAIT_FOR_DATA => self.ask_later(now, download),
            Status::UNSUP_CLUSTER_COMMAND if is_specific(download.offer.id) => {
                let ended = self.closed(now, Outcome::SpecificFilesUnsupported);
                self.leave_server();
                Step::Enter(ended)
            }
            _ => {
                download.missing = 0;
                self.on_error(now, download, Outcome::ServerErrors(status))
            }
        }
    }

    fn on_error<'f>(
        &mut self,
        now: Instant,
        mut download: Download<ISLANDS>,
        outcome: Outcome,
    ) -> Step<'f, ISLANDS> {
        if !matches!(download.fetch, Fetch::Asking(exchange) if exchange.is_waiting()) {
            return Step::Drop(Ignored::NotExpected);
        }
        download.errors = download.errors.saturating_add(1);
        if download.errors >= self.config.error_limit {
            return Step::Enter(Self::reporting(now, download.offer.id, Status::ABORT, outcome));
        }
        self.ask_later(now, download)
    }

    fn ask_later<'f>(&self, now: Instant, mut download: Download<ISLANDS>) -> Step<'f, ISLANDS> {
        download.fetch = Fetch::Asking(Exchange::due(now.plus(self.config.error_pause)));
        Step::Enter(State::Downloading(download))
    }

    /// The server does not have the file any more. One that was resumed may have been replaced meanwhile: that is asked
    /// at once.
    fn given_up(&mut self, now: Instant, download: &Download<ISLANDS>, outcome: Outcome) -> State<ISLANDS> {
        let ended = self.closed(now, outcome);
        match ended {
            State::Idle { .. } if download.resumed => self.asking(now),
            _ => ended,
        }
    }

    /// The application has the block: on to the next, or to the check of the whole.
    pub(super) fn after_stored(&self, now: Instant, mut download: Download<ISLANDS>) -> State<ISLANDS> {
        let Fetch::Storing { size, not_before } = download.fetch else {
            return State::Downloading(download);
        };
        match &mut download.body {
            Body::Start(start) => start.advance(size),
            Body::Rest(header, received) => {
                let start = received.watermark();
                let stored = Range { start, end: start.saturating_add(u32::from(size)) };
                // What follows the watermark raises it, and needs no island.
                received.insert(stored).ok();
                if received.first_gap(download.offer.size).is_none() {
                    return State::Verifying { image: Image { offer: download.offer, header: *header } };
                }
            }
        }
        download.fetch = Fetch::Asking(Exchange::due(not_before.max(now)));
        State::Downloading(download)
    }

    /// The application could not take the block now.
    pub(super) fn after_busy(&self, now: Instant, mut download: Download<ISLANDS>) -> State<ISLANDS> {
        download.fetch = Fetch::Asking(Exchange::due(now.plus(self.config.error_pause)));
        State::Downloading(download)
    }

    /// The least time between two requests: the device's own, or the server's where that is longer.
    fn pause(&self) -> Millis {
        let period = u32::from(self.period);
        let period =
            if self.config.revision <= LAST_IN_SECONDS { Millis::secs(period) } else { Millis(period) };
        // Seconds can make a block a day; no server is waited for longer than when it names no end.
        period.min(self.config.max_wait.unwrap_or(period)).max(self.config.block_pause)
    }

    pub(super) const fn shows_later_revisions(&self) -> bool {
        self.config.revision > 0
    }
}
