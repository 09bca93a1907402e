//! What the server answers to requests for blocks and pages.
//!
//! ```text
//! data    lies in the file -> is absent -> was asked for -> has a place -> lent; else passed over
//! WAIT    pause, and ask again     ABORT   over     NO_IMAGE_AVAILABLE   three times: over     any other   too many: over
//! ```

use crate::client::Client;
use crate::client::config::{ClientConfig, TransferMode};
use crate::client::dispatch::Transition;
use crate::client::output::{ClientEvent, ClientIgnored, Outcome, Ticket};
use crate::client::ranges::Range;
use crate::client::rtt::RttEstimator;
use crate::client::state::{State, is_specific};
use crate::time::{Delay, Instant, Purpose};
use crate::zcl::{BlockData, CommandId, ImageBlockResponse, Status, WaitForData};

use super::header::Reading;
use super::in_flight::Storing;
use super::mode_probe::Choice;
use super::page::PageStage;
use super::{Body, Download};

/// Requests with NO_IMAGE_AVAILABLE for an answer, in a row, after which the image is gone (section 6.10.6.5.2).
const MISSING_LIMIT: u8 = 3;

/// What to do with data that came.
enum BlockDisposition {
    /// Store these bytes.
    Take(Range),
    /// Nothing: it is here, or with the application, or there is no place for it now.
    Pass,
    /// It was not asked for.
    Refuse,
    /// It is not even a word of storage.
    Short,
}

impl<const RANGES: usize> Download<RANGES> {
    /// What to do with the bytes of `block`, which lie in the file.
    fn judge(&self, block: Range, config: &ClientConfig) -> BlockDisposition {
        let Some(gap) = self.absent(block.start).filter(|gap| gap.start < block.end) else {
            return BlockDisposition::Pass;
        };
        let is_lent = self.slots.lent().next().is_some();
        let is_next = !is_lent && self.absent(0).is_some_and(|gap| gap.start == block.start);
        let is_asked = self.slots.at(block.start).is_some();
        let mut end = block.end.min(gap.end);
        if let TransferMode::Blocks { .. } = Self::transfer(config) {
            if gap.start != block.start {
                return BlockDisposition::Refuse;
            }
            if !is_asked && !is_next {
                return if is_lent { BlockDisposition::Pass } else { BlockDisposition::Refuse };
            }
            let others = self.slots.requests().map(|request| request.offset);
            end = others.filter(|offset| *offset > block.start).fold(end, u32::min);
        } else if let Body::Start(_) = self.body
            && !is_next
        {
            return BlockDisposition::Pass;
        }
        // Storage takes whole words, which begin where the file does, but for the file's last piece.
        let word = u32::from(config.alignment.get());
        let start = gap.start.checked_next_multiple_of(word).unwrap_or(u32::MAX);
        let over = if end == self.offer.size { 0 } else { end.checked_rem(word).unwrap_or(0) };
        let taken = Range { start, end: end.saturating_sub(over) };
        if taken.is_empty() {
            return if is_asked || is_next { BlockDisposition::Short } else { BlockDisposition::Pass };
        }
        let has_island = match &self.body {
            Body::Start(_) => true,
            Body::Rest(_, received) => {
                received.has_room(self.slots.lent().map(Storing::range).chain(core::iter::once(taken)))
            }
        };
        let has_place = self.slots.at(taken.start).is_some() || self.slots.free() > 0;
        if has_island && has_place { BlockDisposition::Take(taken) } else { BlockDisposition::Pass }
    }

    /// Learns from a block of `size` bytes how long answers take, and how much the server gives at a time.
    fn learn(
        &mut self,
        now: Instant,
        sequence: u8,
        block: Range,
        config: &ClientConfig,
        link: &mut RttEstimator,
    ) {
        let mut is_sure = true;
        let asked = match (self.slots.at(block.start), self.page()) {
            (Some(request), _) => {
                // Beside a page an answer takes as long as the page has it.
                if let (None, Some(time)) = (self.page(), request.round_trip(now, self.latest, sequence)) {
                    link.measure(time);
                }
                let size = u32::from(request.size);
                if request.sequence != sequence
                    && request.carried(sequence)
                    && let Some(window) = self.window_mut()
                {
                    window.late();
                }
                size
            }
            (None, Some(page)) if block.start == page.rest.start => {
                let alone = page.stage == PageStage::Asked && self.slots.waiting() == 0;
                if alone && page.sequence == sequence {
                    link.measure(now.since(page.moved(self.latest)));
                }
                // It may be the end of a page before this one.
                is_sure = false;
                page.rest.len().min(self.stride.bytes().into())
            }
            _ => 0,
        };
        if asked > 0 && block.end != self.offer.size {
            let given = u8::try_from(block.len()).unwrap_or(u8::MAX);
            self.stride.given(given, block.len() < asked, is_sure, config);
        }
        if let Some(page) = self.page().copied() {
            let (rest, interval) = page.received(now, self.latest, block, self.stride.bytes());
            self.page = rest;
            if let Some(interval) = interval {
                self.interval.measure(interval);
            }
        }
        self.latest = now;
    }
}

impl<const RANGES: usize> Client<RANGES> {
    pub(in crate::client) fn on_block_response<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        response: ImageBlockResponse<'f>,
    ) -> Transition<'f, RANGES> {
        if self.state.download().is_none() {
            return Transition::Drop(ClientIgnored::NotExpected);
        }
        match response {
            ImageBlockResponse::Data(block) => self.on_data(now, sequence, block),
            ImageBlockResponse::Wait(wait) => self.on_wait(now, wait),
            ImageBlockResponse::Abort => Transition::Enter(self.given_up(now, Outcome::ServerAborted)),
            ImageBlockResponse::Refused(refusal) => self.on_refusal(now, refusal.status()),
        }
    }

    fn on_data<'f>(&mut self, now: Instant, sequence: u8, block: BlockData<'f>) -> Transition<'f, RANGES> {
        let Some(download) = self.state.download_mut() else {
            return Transition::Drop(ClientIgnored::NotExpected);
        };
        let BlockData { id, offset, data } = block;
        let size = data.size();
        let end = offset.checked_add(u32::from(size)).filter(|end| *end <= download.offer.size);
        let (Some(end), true) = (end, id == download.offer.id && size <= self.config.max_data.get()) else {
            return Transition::Malformed(ClientIgnored::NotAsked);
        };
        let arrived = Range { start: offset, end };
        if size == 0 {
            let next = download.absent(0).is_some_and(|gap| gap.start == offset);
            return match next || download.slots.at(offset).is_some() {
                true => self.on_error(now, Outcome::EmptyBlocks),
                false => Transition::Malformed(ClientIgnored::NotAsked),
            };
        }
        let verdict = download.judge(arrived, &self.config);
        if matches!(verdict, BlockDisposition::Refuse) {
            return Transition::Malformed(ClientIgnored::NotAsked);
        }
        if matches!(verdict, BlockDisposition::Short) {
            return self.on_error(now, Outcome::ShortBlocks);
        }
        download.learn(now, sequence, arrived, &self.config, &mut self.round_trip);
        // An answer given twice is usual on a lossy link, and must not lead to another request.
        let BlockDisposition::Take(taken) = verdict else {
            return Transition::Drop(ClientIgnored::NotExpected);
        };
        let bytes = [taken.start, taken.end].map(|at| usize::try_from(at.saturating_sub(offset)));
        let data = match bytes {
            [Ok(start), Ok(end)] => data.get().get(start..end).unwrap_or_default(),
            _ => return Transition::Drop(ClientIgnored::NotExpected),
        };
        (download.errors, download.missing, download.missed, download.resumed) = (0, 0, 0, false);
        download.ready.get_or_insert(now);
        if let Body::Start(start) = download.body {
            match start.read(data, &download.offer, &self.config) {
                Ok(Reading::Incomplete(start)) => download.body = Body::Start(start),
                Ok(Reading::Fits(facts)) => {
                    download.begin_rest(facts, start.stored(), &self.config, &mut self.round_trip);
                }
                Err(outcome) => {
                    let id = download.offer.id;
                    return Transition::Enter(Self::reporting(now, id, Status::INVALID_IMAGE, outcome));
                }
            }
        } else if download.by_pages() {
            download.auto.received(now, taken.start, taken.len());
        } else if let Some(window) = download.window_mut() {
            window.answered(&mut self.round_trip);
            if let Some(choice) = download.auto.received(now, taken.start, taken.len()) {
                download.pages = choice == Choice::Pages;
            }
        }
        self.generation = super::super::next_generation(self.generation);
        let ticket = Ticket(self.generation);
        let size = u8::try_from(taken.len()).unwrap_or(u8::MAX);
        download.slots.lend(Storing { offset: taken.start, ticket, size });
        Transition::Lend(ticket, taken.start, data)
    }

    /// However often a server says wait, it does not count as failure (section 6.8.4).
    fn on_wait<'f>(&mut self, now: Instant, wait: WaitForData) -> Transition<'f, RANGES> {
        if self.state.waits_for_application() {
            return Transition::Drop(ClientIgnored::NotExpected);
        }
        let delay = match wait.time.delay(Purpose::Request, self.utc(now), self.config.utc_tolerance) {
            Ok(delay) => delay,
            Err(_) => return Transition::Malformed(ClientIgnored::NotAsked),
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
        if let Some(download) = self.state.download_mut() {
            (download.errors, download.missing) = (0, 0);
            download.pause(until);
        }
        self.events.push(ClientEvent::Paused(until));
        Transition::Stay
    }

    /// The server answered with a Default Response, of `command`, that is an error.
    pub(in crate::client) fn on_transfer_status<'f>(
        &mut self,
        now: Instant,
        command: CommandId,
        status: Status,
    ) -> Transition<'f, RANGES> {
        let passes = [Status::NO_IMAGE_AVAILABLE, Status::WAIT_FOR_DATA];
        match self.state.download_mut() {
            // Who does not serve pages serves blocks (sections 6.10.7.5.1 and 6.10.7.5.3); of files for one device that
            // is to be seen.
            Some(download) if command == CommandId::IMAGE_PAGE_REQUEST && !passes.contains(&status) => {
                download.pages = false;
                download.pause(Some(now.max(download.ready.unwrap_or(now))));
                Transition::Stay
            }
            _ => self.on_refusal(now, status),
        }
    }

    /// The server answered a request with a status.
    fn on_refusal<'f>(&mut self, now: Instant, status: Status) -> Transition<'f, RANGES> {
        // One that repeats another, or comes late, must not count: it refuses no request that is open.
        let Some(download) = self.state.download_mut().filter(|download| download.is_waiting()) else {
            return Transition::Drop(ClientIgnored::NotExpected);
        };
        match status {
            Status::NO_IMAGE_AVAILABLE => {
                download.missing = download.missing.saturating_add(1);
                if download.missing >= MISSING_LIMIT {
                    return Transition::Enter(self.given_up(now, Outcome::ImageGone));
                }
                self.ask_later(now)
            }
            // Some servers say so in a Default Response, without a time.
            Status::WAIT_FOR_DATA => self.ask_later(now),
            Status::UNSUP_CLUSTER_COMMAND if is_specific(download.offer.id) => {
                let ended = self.closed(now, Outcome::SpecificFilesUnsupported);
                self.leave_server();
                Transition::Enter(ended)
            }
            _ => {
                download.missing = 0;
                self.on_error(now, Outcome::ServerErrors(status))
            }
        }
    }

    fn on_error<'f>(&mut self, now: Instant, outcome: Outcome) -> Transition<'f, RANGES> {
        let Some(download) = self.state.download_mut().filter(|download| download.is_waiting()) else {
            return Transition::Drop(ClientIgnored::NotExpected);
        };
        download.errors = download.errors.saturating_add(1);
        if download.errors >= self.config.error_limit {
            let id = download.offer.id;
            return Transition::Enter(Self::reporting(now, id, Status::ABORT, outcome));
        }
        self.ask_later(now)
    }

    fn ask_later<'f>(&mut self, now: Instant) -> Transition<'f, RANGES> {
        let at = now.plus(self.config.error_pause);
        if let Some(download) = self.state.download_mut() {
            // No sooner than the period has it, either.
            download.pause(Some(download.ready.map_or(at, |ready| ready.max(at))));
        }
        Transition::Stay
    }

    /// The server does not have the file any more. One that was resumed may have been replaced meanwhile: that is asked
    /// at once.
    fn given_up(&mut self, now: Instant, outcome: Outcome) -> State<RANGES> {
        let resumed = self.state.download().is_some_and(|download| download.resumed);
        let ended = self.closed(now, outcome);
        match ended {
            State::Idle { .. } if resumed => self.asking(now),
            _ => ended,
        }
    }

    pub(in crate::client) const fn shows_later_revisions(&self) -> bool {
        self.config.revision > 0
    }
}
