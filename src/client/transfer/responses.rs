//! Responses of the server to the block and page requests of a download. Sections refer to ZigBee document 095264
//! (2011).
//!
//! | response | effect |
//! |---|---|
//! | data | lent to the application if it lies in the file, is missing, was requested, and fits into a slot; otherwise ignored |
//! | WAIT_FOR_DATA | all requests are sent again after the pause |
//! | ABORT | the download ends |
//! | NO_IMAGE_AVAILABLE | retry after a pause; the third one in a row ends the download |
//! | any other error | retry after a pause; too many in a row end the download |

use crate::client::Client;
use crate::client::config::{ClientConfig, TransferMode};
use crate::client::dispatch::Transition;
use crate::client::output::{ClientEvent, ClientIgnored, Outcome, Ticket};
use crate::client::ranges::Range;
use crate::client::rtt::RttEstimator;
use crate::client::state::{State, is_specific};
use crate::time::{Delay, Instant, TimeField};
use crate::zcl::{BlockData, CommandId, ImageBlockResponse, Status, WaitForData};

use super::header_check::HeaderCheck;
use super::in_flight::StoringBlock;
use super::mode_probe::Choice;
use super::page::PageStage;
use super::{Download, DownloadPhase};

/// Number of NO_IMAGE_AVAILABLE responses in a row after which the client ends the download (section 6.10.6.5.2: three
/// attempts).
const NO_IMAGE_LIMIT: u8 = 3;

/// Treatment of a block of data that has arrived.
enum BlockDisposition {
    /// The application stores the given bytes of the block.
    Store(Range),
    /// The client ignores the block. The bytes of the block are stored or being stored, or there is no room for these
    /// bytes at present.
    Ignore,
    /// The block is malformed, because no request asked for the block.
    NotRequested,
    /// The block counts as an error, because the block is shorter than one word of storage.
    TooShort,
}

impl<const RANGES: usize> Download<RANGES> {
    /// Returns the treatment of `block`; the caller has checked that `block` lies inside the file.
    fn classify(&self, block: Range, config: &ClientConfig) -> BlockDisposition {
        let Some(gap) = self.missing(block.start).filter(|gap| gap.start < block.end) else {
            return BlockDisposition::Ignore;
        };
        let is_storing = self.in_flight.storing().next().is_some();
        let is_next = !is_storing && self.missing(0).is_some_and(|gap| gap.start == block.start);
        let is_requested = self.in_flight.request_at(block.start).is_some();
        let mut end = block.end.min(gap.end);
        if let TransferMode::Blocks { .. } = Self::mode(config) {
            if gap.start != block.start {
                return BlockDisposition::NotRequested;
            }
            if !is_requested && !is_next {
                return if is_storing { BlockDisposition::Ignore } else { BlockDisposition::NotRequested };
            }
            let others = self.in_flight.requests().map(|request| request.offset);
            end = others.filter(|offset| *offset > block.start).fold(end, u32::min);
        } else if let DownloadPhase::Header(_) = self.phase
            && !is_next
        {
            return BlockDisposition::Ignore;
        }
        // Storage takes whole words, which are aligned to the start of the file. The last word of the file may be
        // incomplete.
        let word = u32::from(config.write_size.get());
        let start = gap.start.checked_next_multiple_of(word).unwrap_or(u32::MAX);
        let over = if end == self.offer.size { 0 } else { end.checked_rem(word).unwrap_or(0) };
        let stored = Range { start, end: end.saturating_sub(over) };
        if stored.is_empty() {
            return if is_requested || is_next {
                BlockDisposition::TooShort
            } else {
                BlockDisposition::Ignore
            };
        }
        let has_range = match &self.phase {
            DownloadPhase::Header(_) => true,
            DownloadPhase::Rest(_, received) => {
                let storing = self.in_flight.storing().map(StoringBlock::range);
                received.has_room(storing.chain(core::iter::once(stored)))
            }
        };
        let has_slot = self.in_flight.request_at(stored.start).is_some() || self.in_flight.free_count() > 0;
        if has_range && has_slot { BlockDisposition::Store(stored) } else { BlockDisposition::Ignore }
    }

    /// Updates the estimates of round trip, window and block size, and the page in transfer, after the arrival of
    /// `block`.
    fn update_estimates(
        &mut self,
        now: Instant,
        sequence: u8,
        block: Range,
        config: &ClientConfig,
        rtt: &mut RttEstimator,
    ) {
        let mut is_certain = true;
        let requested = match (self.in_flight.request_at(block.start), self.page()) {
            (Some(request), page) => {
                // During a page, responses to block requests queue behind the blocks of the page, so that their round
                // trips do not count.
                if let (None, Some(time)) = (page, request.round_trip(now, self.last_activity, sequence)) {
                    rtt.update(time);
                }
                let size = u32::from(request.size);
                if request.sequence != sequence
                    && request.has_sequence(sequence)
                    && let Some(window) = self.window_mut()
                {
                    window.count_late_response();
                }
                size
            }
            (None, Some(page)) if block.start == page.remaining.start => {
                let is_alone = page.stage == PageStage::Requested && self.in_flight.waiting_count() == 0;
                if is_alone && page.sequence == sequence {
                    rtt.update(now.since(page.last_update(self.last_activity)));
                }
                // A short block may be the end of an earlier page, and then says nothing about the limit of the server.
                is_certain = false;
                page.remaining.len().min(self.block_size.bytes().into())
            }
            _ => 0,
        };
        if requested > 0 && block.end != self.offer.size {
            let size = u8::try_from(block.len()).unwrap_or(u8::MAX);
            self.block_size.record_block(size, block.len() < requested, is_certain, config);
        }
        if let Some(page) = self.page().copied() {
            let (page, interval) = page.record_block(now, self.last_activity, block, self.block_size.bytes());
            self.page = page;
            if let Some(interval) = interval {
                self.block_interval.update(interval);
            }
        }
        self.last_activity = now;
    }
}

impl<const RANGES: usize> Client<RANGES> {
    /// Handles an Image Block Response with the sequence number `sequence`.
    pub(in crate::client) fn on_block_response<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        response: ImageBlockResponse<'f>,
    ) -> Transition<'f, RANGES> {
        if self.state.download().is_none() {
            return Transition::Drop(ClientIgnored::Unexpected);
        }
        match response {
            ImageBlockResponse::Data(block) => self.on_data(now, sequence, block),
            ImageBlockResponse::Wait(wait) => self.on_wait(now, wait),
            ImageBlockResponse::Abort => {
                Transition::Enter(self.end_without_image(now, Outcome::ServerAborted))
            }
            ImageBlockResponse::Refused(refusal) => self.on_refusal(now, refusal.status()),
        }
    }

    /// Handles an Image Block Response with data.
    fn on_data<'f>(&mut self, now: Instant, sequence: u8, block: BlockData<'f>) -> Transition<'f, RANGES> {
        let Some(download) = self.state.download_mut() else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        let BlockData { id, offset, data } = block;
        let size = data.size();
        let end = offset.checked_add(u32::from(size)).filter(|end| *end <= download.offer.size);
        let (Some(end), true) = (end, id == download.offer.id && size <= self.config.max_block_size.get())
        else {
            return Transition::Malformed(ClientIgnored::Mismatch);
        };
        let arrived = Range { start: offset, end };
        if size == 0 {
            let is_next = download.missing(0).is_some_and(|gap| gap.start == offset);
            return match is_next || download.in_flight.request_at(offset).is_some() {
                true => self.on_error(now, Outcome::EmptyBlocks),
                false => Transition::Malformed(ClientIgnored::Mismatch),
            };
        }
        let disposition = download.classify(arrived, &self.config);
        if matches!(disposition, BlockDisposition::NotRequested) {
            return Transition::Malformed(ClientIgnored::Mismatch);
        }
        if matches!(disposition, BlockDisposition::TooShort) {
            return self.on_error(now, Outcome::ShortBlocks);
        }
        download.update_estimates(now, sequence, arrived, &self.config, &mut self.rtt);
        // A duplicate response is usual on a lossy link. A duplicate must not cause another request, or duplicates
        // would multiply.
        let BlockDisposition::Store(stored) = disposition else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        let bytes = [stored.start, stored.end].map(|at| usize::try_from(at.saturating_sub(offset)));
        let data = match bytes {
            [Ok(start), Ok(end)] => data.get().get(start..end).unwrap_or_default(),
            _ => return Transition::Drop(ClientIgnored::Unexpected),
        };
        (download.error_count, download.no_image_count, download.silent_pages) = (0, 0, 0);
        download.is_unconfirmed = false;
        download.not_before.get_or_insert(now);
        if let DownloadPhase::Header(header) = download.phase {
            match header.read(data, &download.offer, &self.config) {
                Ok(HeaderCheck::Incomplete(header)) => download.phase = DownloadPhase::Header(header),
                Ok(HeaderCheck::Accepted(facts)) => {
                    download.begin_rest(facts, header.stored(), &self.config, &mut self.rtt);
                }
                Err(outcome) => {
                    let id = download.offer.id;
                    return Transition::Enter(Self::report_failure(now, id, Status::INVALID_IMAGE, outcome));
                }
            }
        } else if download.is_paging() {
            download.mode_probe.record_data(now, stored.start, stored.len());
        } else if let Some(window) = download.window_mut() {
            window.count_response(&mut self.rtt);
            if let Some(choice) = download.mode_probe.record_data(now, stored.start, stored.len()) {
                download.uses_pages = choice == Choice::Pages;
            }
        }
        self.generation = super::super::next_generation(self.generation);
        let ticket = Ticket(self.generation);
        let size = u8::try_from(stored.len()).unwrap_or(u8::MAX);
        download.in_flight.start_storing(StoringBlock { offset: stored.start, ticket, size });
        Transition::Lend(ticket, stored.start, data)
    }

    /// Handles a WAIT_FOR_DATA response. WAIT_FOR_DATA never counts as a failure, however often the server sends it
    /// (section 6.8.4).
    fn on_wait<'f>(&mut self, now: Instant, wait: WaitForData) -> Transition<'f, RANGES> {
        if self.state.waits_for_application() {
            return Transition::Drop(ClientIgnored::Unexpected);
        }
        let delay = match wait.time.delay(TimeField::Request, self.utc(now), self.config.utc_tolerance) {
            Ok(delay) => delay,
            Err(_) => return Transition::Malformed(ClientIgnored::Mismatch),
        };
        if let Some(period) = wait.min_block_period.filter(|_| self.config.supports_block_period) {
            self.server_block_period = period;
        }
        let until = match delay {
            // A WAIT_FOR_DATA with a delay of 0 only announces a new MinimumBlockPeriod, which counts from the arrival
            // of this response.
            Delay::For(delay) if delay.is_zero() => Some(now.plus(self.min_request_interval())),
            Delay::For(delay) => Some(now.after(delay)),
            Delay::Forever => self.config.max_wait_for_data.map(|max| now.plus(max)),
        };
        if let Some(download) = self.state.download_mut() {
            (download.error_count, download.no_image_count) = (0, 0);
            download.restart_at(until);
        }
        self.events.push(ClientEvent::Paused(until));
        Transition::Stay
    }

    /// Handles a Default Response with an error `status` to a block or page request.
    pub(in crate::client) fn on_transfer_status<'f>(
        &mut self,
        now: Instant,
        command: CommandId,
        status: Status,
    ) -> Transition<'f, RANGES> {
        let is_about_image = [Status::NO_IMAGE_AVAILABLE, Status::WAIT_FOR_DATA].contains(&status);
        match self.state.download_mut() {
            // A server without pages still serves blocks (sections 6.10.7.5.1 and 6.10.7.5.3). The response to the
            // first block request shows whether the server serves device-specific files.
            Some(download) if command == CommandId::IMAGE_PAGE_REQUEST && !is_about_image => {
                download.uses_pages = false;
                download.restart_at(Some(now.max(download.not_before.unwrap_or(now))));
                Transition::Stay
            }
            _ => self.on_refusal(now, status),
        }
    }

    /// Handles an error `status` that answers a block or page request, in a Default Response or in an Image Block
    /// Response.
    fn on_refusal<'f>(&mut self, now: Instant, status: Status) -> Transition<'f, RANGES> {
        // If no request waits for a response, the error is a duplicate or late, and must not count again.
        let Some(download) = self.state.download_mut().filter(|download| download.is_waiting()) else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        match status {
            Status::NO_IMAGE_AVAILABLE => {
                download.no_image_count = download.no_image_count.saturating_add(1);
                if download.no_image_count >= NO_IMAGE_LIMIT {
                    return Transition::Enter(self.end_without_image(now, Outcome::ImageGone));
                }
                self.retry_after_pause(now)
            }
            // Some servers send WAIT_FOR_DATA as a Default Response, which holds no time.
            Status::WAIT_FOR_DATA => self.retry_after_pause(now),
            Status::UNSUP_CLUSTER_COMMAND if is_specific(download.offer.id) => {
                let ended = self.end_upgrade(now, Outcome::SpecificFilesUnsupported);
                self.replace_refusing_server();
                Transition::Enter(ended)
            }
            _ => {
                download.no_image_count = 0;
                self.on_error(now, Outcome::ServerErrors(status))
            }
        }
    }

    /// Counts an error of the download. The client retries after a pause, or ends the download with `outcome` after too
    /// many errors in a row.
    fn on_error<'f>(&mut self, now: Instant, outcome: Outcome) -> Transition<'f, RANGES> {
        let Some(download) = self.state.download_mut().filter(|download| download.is_waiting()) else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        download.error_count = download.error_count.saturating_add(1);
        if download.error_count >= self.config.max_consecutive_errors {
            let id = download.offer.id;
            return Transition::Enter(Self::report_failure(now, id, Status::ABORT, outcome));
        }
        self.retry_after_pause(now)
    }

    fn retry_after_pause<'f>(&mut self, now: Instant) -> Transition<'f, RANGES> {
        let at = now.plus(self.config.error_backoff);
        if let Some(download) = self.state.download_mut() {
            // The pause after an error is never shorter than the MinimumBlockPeriod.
            download.restart_at(Some(download.not_before.map_or(at, |not_before| not_before.max(at))));
        }
        Transition::Stay
    }

    /// Ends the download because the server no longer has the file, and returns the next state.
    ///
    /// If the download was resumed and has received no data since, a query follows at once, because the file may have
    /// been replaced while the device was off.
    fn end_without_image(&mut self, now: Instant, outcome: Outcome) -> State<RANGES> {
        let is_unconfirmed = self.state.download().is_some_and(|download| download.is_unconfirmed);
        let ended = self.end_upgrade(now, outcome);
        match ended {
            State::Idle { .. } if is_unconfirmed => self.begin_query(now),
            _ => ended,
        }
    }
}
