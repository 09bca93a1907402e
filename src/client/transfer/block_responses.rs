//! Responses of the server to the block and page requests of a download. Sections refer to ZigBee document 095264
//! (2011).
//!
//! | response | effect |
//! |---|---|
//! | data | lent to the application if it lies in the file, is missing, was requested, and fits into a slot; otherwise ignored |
//! | data during a check | compared with the checksum of the stored bytes |
//! | data of another image | refused; the third consecutive block of another image pauses the download |
//! | WAIT_FOR_DATA | all requests are sent again after the pause |
//! | ABORT | the download ends |
//! | NO_IMAGE_AVAILABLE | retry after a pause; the third consecutive NO_IMAGE_AVAILABLE pauses the download |
//! | any other error | retry after a pause; too many consecutive errors pause the download |
//!
//! The client accepts WAIT_FOR_DATA, ABORT and errors only while a request is open. A request is open until the server
//! has given its final answer to the request. A WAIT_FOR_DATA, an ABORT or an error must have the sequence number of a
//! request, unless the server numbers its answers by a counter of its own (see [`ServerNumbering`]).

use crate::client::actions_and_needs::{ClientIgnored, Ticket};
use crate::client::clock_ticks::Ticks;
use crate::client::config::{ClientConfig, TransferMode};
use crate::client::event::{Outcome, PauseReason, UnusableAnswer};
use crate::client::rtt::RttEstimator;
use crate::client::server_numbering::ServerNumbering;
use crate::client::state::is_specific;
use crate::ranges::Range;
use crate::time::{Millis, ServerTime, TimeField, UtcTime};
use crate::zcl::{BlockData, CommandId, ImageBlockResponse, Status, WaitForData};

use super::block_size::beyond_word;
use super::in_flight::StoringBlock;
use super::mode_probe::Choice;
use super::next_request::MAX_DROPPED_PAGES;
use super::page::{BlockTiming, PageStage};
use super::same_file_check::{CheckProgress, FileCheck};
use super::{Download, DownloadPhase, RangeSum, min_request_interval};

/// Number of consecutive NO_IMAGE_AVAILABLE responses after which the client pauses the download (section 6.10.6.5.2:
/// three attempts).
const NO_IMAGE_LIMIT: u8 = 3;

/// Number of consecutive blocks of another image after which the client pauses the download. A single block of another
/// image may be a late response to a request that the client sent in an earlier download.
const OTHER_IMAGE_LIMIT: u8 = 3;

/// Factor of the timeout after a second answer to one request, from a server that numbers its answers by a counter of
/// its own: the timeout then exceeds the smoothed round-trip time by this many smoothed round-trip times.
///
/// In the simulation of such a server (one hop, 1 % loss), a window of 2 reaches 94 % of the goodput of the oracle with
/// a factor of 4, 91 % with a factor of 1, and 81 % without a longer timeout after a second answer.
const SECOND_ANSWER_FACTOR: u8 = 4;

/// Values of the client that a download reads and updates when a response arrives.
pub(in crate::client) struct Environment<'c> {
    pub(in crate::client) config: &'c ClientConfig,
    pub(in crate::client) rtt: &'c mut RttEstimator,
    pub(in crate::client) numbering: &'c mut ServerNumbering,
    /// Attribute MinimumBlockPeriod as the server set it, in the unit of the configured cluster revision.
    pub(in crate::client) block_period: &'c mut u16,
    /// Present UTC time of the device; `None` if the device has no UTC clock.
    pub(in crate::client) utc: Option<UtcTime>,
    /// Ticket for the block that the client lends to the application.
    pub(in crate::client) ticket: Ticket,
}

/// Effect of a response on the download and on the client.
pub(in crate::client) enum Received<'f> {
    /// The client handled the response, and the download continues.
    Done,
    /// The response holds data that the application stores. The values of the variant are the ticket of the block, the
    /// file offset and the bytes.
    Lend(Ticket, u32, &'f [u8]),
    /// The response contradicts the request of the client, and the client answers MALFORMED_COMMAND.
    Malformed(ClientIgnored),
    /// The client ignores the response for the given reason.
    Ignored(ClientIgnored),
    /// The server asked the client to wait until the given time; [`Ticks::NEVER`] means a wait without an end.
    Wait(Ticks, ServerTime),
    /// The check that the server still has the same file succeeded: the header and the last stored block on the server
    /// equal those of the stored file.
    Checked,
    /// The server has another file under the identity of the stored file.
    OtherFile,
    /// The response makes the download pause for the given reason. If the variant `Pause` holds a [`ClientIgnored`],
    /// the response is also malformed.
    Pause(PauseReason, Option<ClientIgnored>),
    /// The downloaded file is not the offered file, or is not for this device.
    BadHeader(Outcome),
    /// The server ended the download by ABORT.
    Aborted,
    /// The server does not serve device-specific files.
    Unsupported,
}

/// Treatment of a block that has arrived in an Image Block Response.
enum BlockDisposition {
    /// The application stores the bytes of the block that lie in the given range of the file.
    Store(Range),
    /// The client ignores the block. The bytes of the block are stored or being stored, or the client has no free slot
    /// or range for these bytes.
    Ignore,
    /// The client treats the block as malformed, because no request of the client asked for the block.
    NotRequested,
    /// The block counts as an error response, because the block is shorter than one word of storage.
    TooShort,
}

impl<const RANGES: usize> Download<RANGES> {
    /// Handles an Image Block Response with the sequence number `sequence`.
    pub(in crate::client) fn receive<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        response: ImageBlockResponse<'f>,
        env: &mut Environment<'_>,
    ) -> Received<'f> {
        match response {
            ImageBlockResponse::Data(block) => self.receive_data(now, sequence, block, env),
            _ if !self.is_answer(sequence, env.numbering) => Received::Ignored(ClientIgnored::Unexpected),
            ImageBlockResponse::Wait(wait) => self.receive_wait(now, wait, env),
            ImageBlockResponse::Abort => Received::Aborted,
            ImageBlockResponse::Refused(refusal) => self.receive_error(now, refusal.status(), env.config),
        }
    }

    /// Handles a Default Response with an error `status` to a block or page request of this download.
    pub(in crate::client) fn receive_status<'f>(
        &mut self,
        now: Ticks,
        command: CommandId,
        status: Status,
        config: &ClientConfig,
    ) -> Received<'f> {
        let is_about_image = [Status::NO_IMAGE_AVAILABLE, Status::WAIT_FOR_DATA].contains(&status);
        if command == CommandId::IMAGE_PAGE_REQUEST && !is_about_image {
            // A server without pages still serves blocks (sections 6.10.7.5.1 and 6.10.7.5.3). The response to the
            // first block request shows whether the server serves device-specific files.
            self.uses_pages = false;
            self.restart_at(if self.not_before.is_never() { now } else { now.max(self.not_before) });
            return Received::Done;
        }
        self.receive_error(now, status, config)
    }

    /// Records that the client could not decode a response to an open request.
    pub(in crate::client) fn receive_unreadable(&mut self) {
        self.note_unusable(UnusableAnswer::Unreadable);
    }

    fn note_unusable(&mut self, answer: UnusableAnswer) {
        if self.is_waiting() {
            self.unusable = Some(answer);
        }
    }

    /// Returns whether a response with `sequence` answers an open request: a request without a response, or a request
    /// that the server answered with a wait without an end.
    fn is_answer(&self, sequence: u8, numbering: &ServerNumbering) -> bool {
        let has_open = self.is_waiting();
        if has_open && numbering.is_own() {
            return true;
        }
        let is_halted = self.not_before.is_never() && !has_open;
        self.has_block_request(sequence)
            || self.page().is_some_and(|page| page.has_response(sequence))
            || (is_halted && self.in_flight.requests().any(|request| request.sequence == sequence))
    }

    /// Returns the treatment of `block`; the caller has checked that `block` lies inside the file.
    fn classify(&self, block: Range, config: &ClientConfig) -> BlockDisposition {
        let Some(gap) = self.missing(block.start).filter(|gap| gap.start < block.end) else {
            return BlockDisposition::Ignore;
        };
        let is_storing = self.in_flight.storing().next().is_some();
        let is_next = !is_storing && block.start == self.received();
        let is_requested = self.in_flight.request_at(block.start).is_some();
        let mut end = block.end.min(gap.end);
        if let TransferMode::Blocks { .. } = Self::mode(config) {
            if gap.start != block.start {
                return BlockDisposition::NotRequested;
            }
            if !is_requested && !is_next {
                return if is_storing { BlockDisposition::Ignore } else { BlockDisposition::NotRequested };
            }
            if Self::ANY_ORDER {
                let others = self.in_flight.requests().map(|request| request.offset);
                end = others.filter(|offset| *offset > block.start).fold(end, u32::min);
            }
        } else if let DownloadPhase::Header(_) = self.phase
            && !is_next
        {
            return BlockDisposition::Ignore;
        }
        // Storage takes whole words, which are aligned to the start of the file. The last word of the file may be
        // incomplete.
        let word = u32::from(config.write_size.get());
        let start = match beyond_word(gap.start, config) {
            0 => gap.start,
            beyond => gap.start.saturating_add(word.saturating_sub(beyond)),
        };
        let over = if end == self.offer.size { 0 } else { beyond_word(end, config) };
        let stored = Range { start, end: end.saturating_sub(over) };
        if stored.is_empty() {
            return if is_requested || is_next {
                BlockDisposition::TooShort
            } else {
                BlockDisposition::Ignore
            };
        }
        let has_range = match &self.phase {
            // The first missing bytes need no range.
            _ if is_next => true,
            DownloadPhase::Header(_) => true,
            DownloadPhase::Rest { received, .. } if !Self::ANY_ORDER => stored.start <= received.watermark(),
            DownloadPhase::Rest { received, .. } => {
                let storing = self.in_flight.storing().map(StoringBlock::range);
                received.has_room(storing.chain(core::iter::once(stored)))
            }
        };
        let has_slot = if Self::ANY_ORDER {
            self.in_flight.request_at(stored.start).is_some() || self.in_flight.free_count() > 0
        } else {
            !is_storing
        };
        if has_range && has_slot { BlockDisposition::Store(stored) } else { BlockDisposition::Ignore }
    }

    /// Updates the estimates of round trip, window and block size, and the page in transfer, after the arrival of
    /// `block`.
    fn update_estimates(&mut self, now: Ticks, sequence: u8, block: Range, env: &mut Environment<'_>) {
        let mut is_certain = true;
        let requested = match (self.in_flight.request_at(block.start), self.page().copied()) {
            (Some(request), page) => {
                let is_own = env.numbering.is_own();
                let matches = request.has_sequence(sequence);
                let is_late = request.sequence != sequence && matches;
                let size = u32::from(request.size);
                let echoed = request.is_echoed_by(sequence);
                let plausible = if Self::ANY_ORDER { env.rtt.shortest_plausible() } else { Millis(0) };
                let time = request.round_trip(now, sequence, is_own, plausible);
                match (page, time) {
                    // During a page, responses to block requests queue behind the blocks of the page, so that these
                    // round trips are not measured.
                    (Some(_), _) => {}
                    // The block belongs to a page that has ended, and arrived after the end of its page.
                    (None, Some(elapsed)) if self.is_paging() && !matches && !is_own => {
                        self.page_timing.record(BlockTiming::Overtaken { elapsed, behind: 0 });
                    }
                    (None, Some(time)) => env.rtt.update(time),
                    (None, None) => {}
                }
                if page.is_none() && !self.is_paging() {
                    env.numbering.count_data(echoed);
                }
                if is_late
                    && !is_own
                    && let Some(window) = self.window_mut()
                {
                    window.count_late_response();
                }
                size
            }
            (None, Some(page)) if block.start == page.remaining.start => {
                let is_alone = page.stage == PageStage::Requested && self.in_flight.waiting_count() == 0;
                if is_alone && page.sequence == sequence {
                    env.rtt.update(now.since(page.updated));
                }
                // A short block may be the end of an earlier page, and is then no evidence of a block size limit of the
                // server.
                is_certain = false;
                page.remaining.len().min(self.block_size.bytes().into())
            }
            // The server has answered two attempts of one request, so the timeout of the first attempt was too short.
            // The numbers of the server do not show the round trip of the first attempt, and are no sample of it.
            (None, None) if Self::ANY_ORDER && env.numbering.is_own() && !self.is_paging() => {
                env.rtt.raise_deviation(SECOND_ANSWER_FACTOR);
                0
            }
            _ => 0,
        };
        // A client without out-of-order ranges always requests the largest block.
        if Self::ANY_ORDER && requested > 0 && block.end != self.offer.size {
            let size = u8::try_from(block.len()).unwrap_or(u8::MAX);
            self.block_size.record_block(size, block.len() < requested, is_certain, env.config);
        }
        if let Some(page) = self.page().copied() {
            if page.stage == PageStage::Requested
                && self.is_page_accompanied
                && self.dropped_pages < MAX_DROPPED_PAGES
                && page.contains(block.start)
            {
                self.dropped_pages = 0;
            }
            let (page, timing) = page.record_block(now, sequence, block, self.block_size.bytes());
            self.page = Some(page);
            self.page_timing.record(timing);
        }
    }

    /// Handles an Image Block Response with data.
    fn receive_data<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        block: BlockData<'f>,
        env: &mut Environment<'_>,
    ) -> Received<'f> {
        let BlockData { id, offset, data } = block;
        let size = data.size();
        if id != self.offer.id {
            return self.receive_other_image(sequence, env.numbering);
        }
        let end = offset.checked_add(u32::from(size)).filter(|end| *end <= self.offer.size);
        let Some(end) = end else {
            self.note_unusable(UnusableAnswer::OtherOffset);
            return Received::Malformed(ClientIgnored::Mismatch);
        };
        if size > env.config.max_block_size.get() {
            self.note_unusable(UnusableAnswer::TooLong);
            return Received::Malformed(ClientIgnored::Mismatch);
        }
        if let Some(check) = self.check {
            return self.receive_check(now, sequence, (offset, data.get()), check, env);
        }
        let arrived = Range { start: offset, end };
        if size == 0 {
            let is_next = self.missing(0).is_some_and(|gap| gap.start == offset);
            return match is_next || self.in_flight.request_at(offset).is_some() {
                true => {
                    self.count_error(now, PauseReason::UnusableAnswers(UnusableAnswer::Empty), env.config)
                }
                false => Received::Malformed(ClientIgnored::Mismatch),
            };
        }
        let disposition = self.classify(arrived, env.config);
        if matches!(disposition, BlockDisposition::NotRequested) {
            self.note_unusable(UnusableAnswer::OtherOffset);
            return Received::Malformed(ClientIgnored::Mismatch);
        }
        if matches!(disposition, BlockDisposition::TooShort) {
            let reason = PauseReason::UnusableAnswers(UnusableAnswer::TooShort);
            return self.count_error(now, reason, env.config);
        }
        self.update_estimates(now, sequence, arrived, env);
        // A duplicate response is usual on a lossy link. A duplicate must not cause another request, because the answer
        // to this request would be a further duplicate.
        let BlockDisposition::Store(stored) = disposition else {
            self.end_complete_page();
            return Received::Ignored(ClientIgnored::Unexpected);
        };
        let bytes = [stored.start, stored.end].map(|at| usize::try_from(at.saturating_sub(offset)));
        let data = match bytes {
            [Ok(start), Ok(end)] => data.get().get(start..end).unwrap_or_default(),
            _ => return Received::Ignored(ClientIgnored::Unexpected),
        };
        self.record_good_answer(now);
        (self.paused_since, self.give_up_at) = (Ticks::NEVER, Ticks::NEVER);
        match &mut self.phase {
            DownloadPhase::Header(header) => {
                let stored = header.stored();
                self.sums.add_header(stored, data);
                match header.read(data, &self.offer, env.config) {
                    Ok(None) => {}
                    Ok(Some(facts)) => self.begin_rest(facts, stored, env.config, env.rtt),
                    Err(outcome) => return Received::BadHeader(outcome),
                }
            }
            DownloadPhase::Rest { mode_probe, .. } if Self::ANY_ORDER => {
                if !self.uses_pages {
                    self.window.count_response(env.rtt);
                }
                if let Some(choice) = mode_probe.record_data(now, stored.start, self.window.single_rtt()) {
                    self.uses_pages = choice == Choice::Pages;
                }
            }
            DownloadPhase::Rest { .. } => {}
        }
        let size = u8::try_from(stored.len()).unwrap_or(u8::MAX);
        let (ticket, sum) = (env.ticket, RangeSum::of(data));
        self.in_flight.start_storing(StoringBlock { offset: stored.start, ticket, sum, size });
        self.end_complete_page();
        Received::Lend(ticket, stored.start, data)
    }

    /// Sets the numbers of consecutive errors and unusable answers to 0, after an answer that the client can use.
    fn record_good_answer(&mut self, now: Ticks) {
        (self.error_count, self.no_image_count, self.other_image_count, self.silent_pages) = (0, 0, 0, 0);
        (self.unusable, self.has_zero_wait, self.is_unconfirmed) = (None, false, false);
        if self.not_before.is_never() {
            self.not_before = now;
        }
    }

    /// Handles a block of another image. Some servers send the file that they have, with the identity of that file,
    /// even if the client requests another image.
    fn receive_other_image<'f>(&mut self, sequence: u8, numbering: &ServerNumbering) -> Received<'f> {
        if !self.is_answer(sequence, numbering) {
            return Received::Malformed(ClientIgnored::Mismatch);
        }
        self.note_unusable(UnusableAnswer::OtherImage);
        self.other_image_count = self.other_image_count.saturating_add(1);
        if self.other_image_count >= OTHER_IMAGE_LIMIT {
            let reason = PauseReason::UnusableAnswers(UnusableAnswer::OtherImage);
            return Received::Pause(reason, Some(ClientIgnored::Mismatch));
        }
        Received::Malformed(ClientIgnored::Mismatch)
    }

    /// Compares `block`, which has an offset and data, with the checksums of the stored bytes.
    fn receive_check<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        (offset, data): (u32, &[u8]),
        check: FileCheck,
        env: &mut Environment<'_>,
    ) -> Received<'f> {
        let Some(request) = self.in_flight.request_at(offset) else {
            // The block answers a request that was sent before the check, and is requested again after the check.
            return Received::Ignored(ClientIgnored::Unexpected);
        };
        if data.is_empty() {
            return self.count_error(now, PauseReason::UnusableAnswers(UnusableAnswer::Empty), env.config);
        }
        let is_own = env.numbering.is_own();
        if let Some(time) = request.round_trip(now, sequence, is_own, Millis(0)) {
            env.rtt.update(time);
        }
        self.in_flight.drop_requests();
        self.record_good_answer(now);
        match check.compare(data, &self.sums) {
            CheckProgress::Incomplete(next) => {
                self.check = Some(next);
                Received::Done
            }
            CheckProgress::Same => {
                self.check = None;
                Received::Checked
            }
            CheckProgress::Different => Received::OtherFile,
        }
    }

    /// Handles a WAIT_FOR_DATA response. WAIT_FOR_DATA never counts as a failure, however often the server sends it
    /// (section 6.8.4).
    fn receive_wait<'f>(&mut self, now: Ticks, wait: WaitForData, env: &mut Environment<'_>) -> Received<'f> {
        let Ok(delay) = wait.time.delay_seconds(TimeField::Request, env.utc, env.config.utc_tolerance) else {
            self.note_unusable(UnusableAnswer::TimeInPast);
            return Received::Malformed(ClientIgnored::Mismatch);
        };
        if let Some(period) = wait.min_block_period.filter(|_| env.config.supports_block_period) {
            *env.block_period = period;
        }
        let is_repeated = core::mem::replace(&mut self.has_zero_wait, false);
        let until = match delay {
            // A WAIT_FOR_DATA with a delay of 0 announces a new MinimumBlockPeriod, which counts from the arrival of
            // this response. Without a MinimumBlockPeriod, and after a second consecutive WAIT_FOR_DATA with a delay of
            // 0, the client pauses as after an error.
            Some(0) => {
                self.has_zero_wait = true;
                let Millis(period) = min_request_interval(*env.block_period, env.config);
                let floor = if period == 0 || is_repeated { env.config.error_backoff.0 } else { 0 };
                Some(Millis(period.max(floor)))
            }
            Some(seconds) => Some(Millis::from_secs(seconds).min(env.config.max_finite_wait)),
            None => env.config.max_wait_for_data,
        };
        let until = until.map_or(Ticks::NEVER, |pause| now.plus(pause));
        (self.error_count, self.no_image_count, self.unusable) = (0, 0, None);
        self.restart_at(until);
        Received::Wait(until, wait.time)
    }

    /// Handles an error `status` that answers a block or page request, in a Default Response or in an Image Block
    /// Response.
    fn receive_error<'f>(&mut self, now: Ticks, status: Status, config: &ClientConfig) -> Received<'f> {
        // If no request waits for a response, the error is a duplicate or late, and must not count again.
        if !self.is_waiting() {
            return Received::Ignored(ClientIgnored::Unexpected);
        }
        match status {
            Status::NO_IMAGE_AVAILABLE => {
                self.no_image_count = self.no_image_count.saturating_add(1);
                if self.no_image_count >= NO_IMAGE_LIMIT {
                    return Received::Pause(PauseReason::ImageGone, None);
                }
                self.retry_after_pause(now, config)
            }
            // Some servers send WAIT_FOR_DATA as a Default Response, which holds no time.
            Status::WAIT_FOR_DATA => self.retry_after_pause(now, config),
            Status::UNSUP_CLUSTER_COMMAND if is_specific(self.offer.id) => Received::Unsupported,
            _ => {
                self.no_image_count = 0;
                self.count_error(now, PauseReason::ServerErrors(status), config)
            }
        }
    }

    /// Counts a response of the server that is an error, or a block that the client cannot use. The client sends its
    /// requests again after at least `config.error_backoff`, or pauses the download for `reason` after too many
    /// consecutive errors.
    fn count_error<'f>(&mut self, now: Ticks, reason: PauseReason, config: &ClientConfig) -> Received<'f> {
        if !self.is_waiting() {
            return Received::Ignored(ClientIgnored::Unexpected);
        }
        self.error_count = self.error_count.saturating_add(1);
        if self.error_count >= config.max_consecutive_errors {
            return Received::Pause(reason, None);
        }
        self.retry_after_pause(now, config)
    }

    fn retry_after_pause<'f>(&mut self, now: Ticks, config: &ClientConfig) -> Received<'f> {
        let at = now.plus(config.error_backoff);
        // The pause after an error is never shorter than the MinimumBlockPeriod.
        self.restart_at(if self.not_before.is_never() { at } else { at.max(self.not_before) });
        Received::Done
    }
}
