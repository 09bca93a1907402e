//! Steps of the client during a download: requests and responses of the download, pauses, and the resulting transitions
//! of the client's state. The order and the retries of block requests are in a separate state machine, see the module
//! `transfer`.
//!
//! ```text
//!   Downloading --silence, errors, no image, unusable answers--> Paused --query: same offer--> Downloading, with a check
//!        ^                                                        | ^ |
//!        +--- check: header and last block are the same           | | +-- query: other offer --> Deciding
//!                                                                 | +---- query: refused, silence
//!                                                                 +------ longest pause --> the upgrade ends
//! ```
//!
//! | age of the pause | longest time between two queries |
//! |---|---|
//! | below 10 minutes | 50 seconds |
//! | below 1 day | 15 minutes |
//! | above | 4 hours |
//!
//! The time between two queries of a paused download is half of the time for which the download has been paused, but at
//! most 50 seconds, 15 minutes or 4 hours, by the age of the pause, and at least
//! [`pause_interval`](super::ClientConfig::pause_interval). The client lengthens each time between two queries of a
//! paused download by a random delay of up to one eighth of the time.
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::time::Millis;
use crate::types::ImageId;
use crate::zcl::{CommandId, ImageBlockResponse, Status, ToServer};

use super::actions_and_needs::{ClientIgnored, StaleTicket, StoreResult, Ticket};
use super::clock_ticks::Ticks;
use super::config::{ClientConfig, Settings};
use super::dispatch::Reaction;
use super::event::{ClientEvent, Outcome, PauseReason, UnusableAnswer};
use super::rtt::RttEstimator;
use super::state::{DownloadStage, ImageStage, NoFile, QueryCause, State, StoredImage};
use super::transfer::{Environment, Received};
use super::{Client, DownloadProgress, DueRequest, next_generation};

/// First ten minutes of the pause of a download, and the longest time between two queries in the first ten minutes.
/// When an outage of the server ends in the first ten minutes, the client gets an answer of the server less than one
/// minute after the end of the outage, even with the random delay and a round trip.
const FIRST_LIMIT: (Millis, Millis) = (Millis::from_secs(10 * 60), Millis::from_secs(50));
/// First day of the pause of a download, and the longest time between two queries on the first day.
const SECOND_LIMIT: (Millis, Millis) = (Millis::from_secs(24 * 60 * 60), Millis::from_secs(15 * 60));
/// Longest time between two queries of a download that has been paused for more than one day.
const LAST_LIMIT: Millis = Millis::from_secs(4 * 60 * 60);

/// Longest random delay between a call of `resume` and the first block request of the resumed download.
pub(super) const RESUME_SPREAD: Millis = Millis::from_secs(10);

/// Number of attempts of a query during the pause of a download. If the outage of the server has ended but a frame of
/// the first attempt was lost, the second attempt of the query reaches the server.
const PAUSE_QUERY_ATTEMPTS: u8 = 2;

/// Returns the time between two queries, without the random delay, of a download that has been paused for the time
/// `age`.
fn pause_interval(Millis(age): Millis, config: &ClientConfig) -> Millis {
    let limit = match Millis(age) {
        age if age < FIRST_LIMIT.0 => FIRST_LIMIT.1,
        age if age < SECOND_LIMIT.0 => SECOND_LIMIT.1,
        _ => LAST_LIMIT,
    };
    Millis(age >> 1).min(limit).max(config.pause_interval)
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Returns the next request of the download; `None` if no request is due.
    pub(super) fn due_download_request(&mut self, now: Ticks) -> Option<(ToServer, DueRequest)> {
        let config = self.settings.config();
        let download = self.state.downloading_mut()?;
        let next = download.poll_request(now, config, &self.rtt)?;
        Some((download.message(next, self.server_block_period, config), DueRequest::Download(next)))
    }

    /// Handles an Image Block Response with the sequence number `sequence`.
    pub(super) fn on_block_response<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        response: ImageBlockResponse<'f>,
    ) -> Reaction<'f> {
        let utc = self.utc(now);
        let Some(download) = self.state.downloading_mut() else {
            return Reaction::Drop(ClientIgnored::Unexpected);
        };
        let mut env = Environment {
            config: self.settings.config(),
            rtt: &mut self.rtt,
            numbering: &mut self.numbering,
            block_period: &mut self.server_block_period,
            utc,
            ticket: Ticket(next_generation(self.generation)),
        };
        let received = download.receive(now, sequence, response, &mut env);
        self.conclude_response(now, received)
    }

    /// Handles a Default Response with an error `status` to a block or page request.
    pub(super) fn on_transfer_status<'f>(
        &mut self,
        now: Ticks,
        command: CommandId,
        status: Status,
    ) -> Reaction<'f> {
        let Some(download) = self.state.downloading_mut() else {
            return Reaction::Drop(ClientIgnored::Unexpected);
        };
        let received = download.receive_status(now, command, status, self.settings.config());
        self.conclude_response(now, received)
    }

    fn conclude_response<'f>(&mut self, now: Ticks, received: Received<'f>) -> Reaction<'f> {
        let Some(download) = self.state.downloading() else {
            return Reaction::Drop(ClientIgnored::Unexpected);
        };
        let (offer, is_unconfirmed) = (download.offer, download.is_unconfirmed());
        match received {
            Received::Done => {}
            Received::Lend(ticket, offset, data) => {
                self.generation = next_generation(self.generation);
                return Reaction::Lend(ticket, offset, data);
            }
            Received::Malformed(why) => return Reaction::Malformed(why),
            Received::Ignored(why) => return Reaction::Drop(why),
            Received::Wait(until, time) => {
                self.report_clocks(now, time);
                let until = (!until.is_never()).then(|| self.clock.instant(until));
                self.push_event(ClientEvent::Paused(until));
            }
            Received::Checked => self.report_continuation(),
            Received::OtherFile => {
                self.push_event(ClientEvent::FileReplaced(offer));
                self.enter(NoFile::Erasing { offer, faults: 0, retry_at: Ticks::NEVER });
            }
            Received::Pause(reason, why) => {
                self.pause_download(now, reason);
                if let Some(why) = why {
                    return Reaction::Malformed(why);
                }
            }
            Received::BadHeader(outcome) => {
                self.report_failure(now, offer.id, Status::INVALID_IMAGE, outcome);
            }
            Received::Aborted => {
                self.end_upgrade(now, Outcome::ServerAborted);
                // The server may have replaced the file while the device was switched off.
                if is_unconfirmed && matches!(self.state, State::NoFile(NoFile::Idle { .. })) {
                    self.begin_query(now, QueryCause::Timer);
                }
            }
            Received::Unsupported => {
                self.end_upgrade(now, Outcome::SpecificFilesUnsupported);
                self.replace_refusing_server();
            }
        }
        Reaction::Done
    }

    /// Marks each request whose timeout has passed to be resent by [`poll_transmit`](Client::poll_transmit). If a
    /// request has no attempts left, the download pauses.
    pub(super) fn handle_download_timeout(&mut self, now: Ticks) {
        let Some(download) = self.state.downloading_mut() else { return };
        download.expire_requests(now, self.settings.config(), &self.rtt);
        if download.is_exhausted(self.settings.config()) {
            let reason = download.timeout_reason();
            self.pause_download(now, reason);
        }
    }

    /// Counts an attempt of the next download request that could not be sent because no server was found.
    pub(super) fn count_failed_download_request(&mut self, now: Ticks) {
        if let Some(download) = self.state.downloading_mut() {
            download.count_failed_send(now, self.settings.config());
        }
        self.handle_download_timeout(now);
    }

    /// Handles the `result` of storing the block with `ticket`. If the file is complete or storage failed, the client
    /// leaves the state Downloading.
    ///
    /// # Errors
    /// The call fails if the application is not storing a block with `ticket`. A failed call changes nothing in the
    /// client.
    pub(super) fn finish_store(
        &mut self,
        now: Ticks,
        ticket: Ticket,
        result: StoreResult,
    ) -> Result<(), StaleTicket> {
        let State::Download(download, stage) = &mut self.state else { return Err(StaleTicket) };
        let complete = download.finish_store(now, ticket, result, self.settings.config())?;
        let id = download.offer.id;
        // While the application decides on another offer, the ticket of its need stays valid.
        match (complete, *stage) {
            (Some(image), DownloadStage::Deciding { offer }) => {
                self.state = State::Image(image, ImageStage::Deciding { offer, is_verified: false });
            }
            (Some(image), _) => self.enter_image(image, ImageStage::Verifying),
            (None, _) if result != StoreResult::Fault => {}
            (None, DownloadStage::Deciding { offer }) => {
                self.push_event(ClientEvent::Ended(Outcome::StorageFault));
                self.state = State::NoFile(NoFile::Deciding { offer });
            }
            (None, _) => self.report_failure(now, id, Status::ABORT, Outcome::StorageFault),
        }
        Ok(())
    }

    /// Pauses the download for `reason`, or ends the upgrade if the download has been paused for
    /// `ClientConfig::max_pause`.
    pub(super) fn pause_download(&mut self, now: Ticks, reason: PauseReason) {
        let Some(download) = self.state.downloading_mut() else { return };
        // If the server was silent or sent blocks of another image, the client queries at once. After an error or a
        // refusal, the client queries after some time.
        let asks_at_once = !download.is_paused()
            && matches!(
                reason,
                PauseReason::ServerSilent | PauseReason::UnusableAnswers(UnusableAnswer::OtherImage)
            );
        let since = download.pause(now, self.settings.config());
        if download.give_up_at() <= now {
            let id = download.offer.id;
            return self.give_up_download(now, id, reason);
        }
        if reason == PauseReason::ServerSilent {
            // After this many timeouts the measured round trip is probably wrong (RFC 6298, section 5). A sleepy device
            // that once got an answer between two polls would otherwise give up all later requests before its next poll.
            self.rtt = RttEstimator::new();
        }
        let ask_at = if asks_at_once { now } else { self.next_pause_query(now, since) };
        self.push_event(ClientEvent::DownloadPaused(reason, self.clock.instant(ask_at)));
        self.enter_download_stage(DownloadStage::Paused { reason, ask_at });
        if asks_at_once {
            self.handle_pause_timeout(now);
        }
    }

    /// Pauses the current download, because the server offers another image, which the application has refused.
    pub(super) fn pause_for_other_offer(&mut self, now: Ticks) {
        let State::Download(download, _) = &mut self.state else { return };
        let since = download.pause(now, self.settings.config());
        let (reason, ask_at) = (PauseReason::OtherOffer, self.next_pause_query(now, since));
        self.push_event(ClientEvent::DownloadPaused(reason, self.clock.instant(ask_at)));
        self.enter_download_stage(DownloadStage::Paused { reason, ask_at });
    }

    /// Sends a query during a pause, or ends the upgrade if the download has been paused for `ClientConfig::max_pause`.
    pub(super) fn handle_pause_timeout(&mut self, now: Ticks) {
        let State::Download(download, DownloadStage::Paused { reason, .. }) = &self.state else { return };
        let (reason, id) = (*reason, download.offer.id);
        let since = download.paused_since();
        if download.give_up_at() <= now {
            return self.give_up_download(now, id, reason);
        }
        let next = self.next_pause_query(now, since);
        if let State::Download(_, DownloadStage::Paused { ask_at, .. }) = &mut self.state {
            *ask_at = next;
        }
        if self.second_query.is_some() {
            // The previous query is still open, and counts as unanswered.
            self.count_unanswered_query(now);
        }
        self.begin_second_query(now, QueryCause::Timer, PAUSE_QUERY_ATTEMPTS);
    }

    /// Makes the next query of a paused download due at once, because the client has found a server.
    pub(super) fn query_from_pause(&mut self) {
        if let State::Download(_, DownloadStage::Paused { ask_at, .. }) = &mut self.state {
            *ask_at = Ticks::LONG_AGO;
        }
    }

    fn give_up_download(&mut self, now: Ticks, id: ImageId, reason: PauseReason) {
        match reason.outcome() {
            // The client sends no report to a server that does not have the image.
            Outcome::ImageGone => self.end_upgrade(now, Outcome::ImageGone),
            outcome => self.report_failure(now, id, Status::ABORT, outcome),
        }
    }

    fn next_pause_query(&mut self, now: Ticks, since: Ticks) -> Ticks {
        let Millis(interval) = pause_interval(now.since(since), self.settings.config());
        let spread = self.random_delay(Millis(interval >> 3));
        now.plus(Millis(interval)).plus(spread)
    }

    /// Continues the current download after a pause or a repeated offer, with a check that the server still has the
    /// same file.
    pub(super) fn continue_download(&mut self, now: Ticks) {
        let at = now.max(self.earliest_data_request());
        let State::Download(download, _) = &mut self.state else { return };
        download.begin_check(at);
        let is_checking = download.is_checking();
        self.enter_download_stage(DownloadStage::Downloading);
        if !is_checking {
            self.report_continuation();
        }
    }

    fn report_continuation(&mut self) {
        if let Some(download) = self.state.downloading() {
            let progress = DownloadProgress { offer: download.offer, received: download.received() };
            self.push_event(ClientEvent::DownloadContinued(progress));
        }
    }

    /// Records that the response with `command` could not be decoded. If the download pauses before a usable response
    /// arrives, the reason of the pause is `UnusableAnswers` and not `ServerSilent`.
    pub(super) fn note_unreadable_response(&mut self, command: CommandId) {
        if command == CommandId::IMAGE_BLOCK_RESPONSE
            && let Some(download) = self.state.downloading_mut()
        {
            download.receive_unreadable();
        }
    }

    /// Records the failure of the complete file `image`, see [`FailedImage`](super::FailedImage). The client records no
    /// failure of a file whose download was paused or resumed.
    pub(super) fn record_failed_image(&mut self, now: Ticks, image: StoredImage) {
        if !image.is_clean {
            return;
        }
        let (version, size) = (image.offer.id.version, image.offer.size);
        let earlier = self.failed_image.filter(|failed| (failed.version, failed.size) == (version, size));
        let failures = earlier.map_or(0, |failed| failed.failures).saturating_add(1);
        self.failed_image = Some(super::FailedImage { version, size, failures });
        self.failed_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aps::Address;
    use crate::client::Identity;
    use crate::types::ImageId;

    /// Shows: FLD-003
    #[test]
    fn queries_in_a_pause_become_rarer_within_three_limits() {
        let mut config = ClientConfig::new(Identity::new(ImageId::new(1, 2, 3)), Address::new(0, 1));
        let (minute, hour) = (60, 60 * 60);
        for (age, seconds) in [
            (0, 10),
            (20, 10),
            (40, 20),
            (100, 50),
            (10 * minute - 1, 50),
            (10 * minute, 5 * minute),
            (30 * minute, 15 * minute),
            (23 * hour, 15 * minute),
            (24 * hour, 4 * hour),
            (29 * 24 * hour, 4 * hour),
        ] {
            let interval = pause_interval(Millis::from_secs(age), &config);
            assert_eq!(interval, Millis::from_secs(seconds), "after {age} s");
        }
        // A device that sleeps queries less often.
        config.pause_interval = Millis::from_secs(hour);
        assert_eq!(pause_interval(Millis(0), &config), Millis::from_secs(hour));
        assert_eq!(pause_interval(Millis::from_secs(24 * hour), &config), Millis::from_secs(4 * hour));
    }
}
