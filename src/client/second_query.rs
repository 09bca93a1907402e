//! Query during an upgrade, by which the client finds out whether the server still offers the image of the upgrade.
//!
//! ```text
//!   unicast Image Notify --(no copy, none open)----+
//!   pause of a download ---------------------------+--> query --same offer--> the upgrade continues
//!   refused Upgrade End Request -------------------+          --other offer--> Deciding, with the file in hand kept
//!   query() of the application --------------------+          --refusal, silence--> nothing changes
//! ```
//!
//! A server may serve only devices that have queried in its present session, as zigbee-herdsman does. The client
//! therefore sends the query in every state from Deciding to CountingDown, while the upgrade continues. Sections refer
//! to ZigBee document 095264 (2011).

use crate::aps::Transmit;
use crate::time::Millis;

use super::clock::Ticks;
use super::config::Settings;
use super::request_retry::PendingRequest;
use super::rtt::RttEstimator;
use super::state::{ImageStage, NoFile, QueryCause, QueryTarget, State};
use super::{Client, RequestBuffer};

/// Time within which a unicast Image Notify leads to no query if it is a copy of the last one, or if the query that
/// the last one caused is still open. Gateways repeat a notify that was not answered.
const NOTIFY_WINDOW: Millis = Millis::from_secs(10);

/// Query that runs in parallel to the current state of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SecondQuery {
    pub(super) pending: PendingRequest,
    pub(super) cause: QueryCause,
    /// Number of attempts before the query counts as unanswered.
    max_attempts: u8,
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Starts a query in parallel to the current state, to be sent from `at` on. The new query replaces a query in
    /// progress.
    pub(super) fn begin_second_query(&mut self, at: Ticks, cause: QueryCause, max_attempts: u8) {
        if self.query_for(self.target_in_hand()).is_some() {
            self.second_query =
                Some(SecondQuery { pending: PendingRequest::due_at(at), cause, max_attempts });
        }
    }

    /// Starts a query after a unicast Image Notify with the sequence number `sequence` that arrived `now`, during an
    /// upgrade.
    pub(super) fn begin_notified_query(&mut self, now: Ticks, sequence: u8) {
        let is_open =
            self.second_query.as_ref().is_some_and(|query| query.cause == QueryCause::UnicastNotify);
        let is_recent = now < self.notified_at.plus(NOTIFY_WINDOW);
        if !is_recent || (!is_open && sequence != self.notified_sequence) {
            (self.notified_at, self.notified_sequence) = (now, sequence);
            self.begin_second_query(now, QueryCause::UnicastNotify, 1);
        }
    }

    /// Returns the target of a query for the image type of the current upgrade.
    pub(super) fn target_in_hand(&self) -> QueryTarget {
        let id = match &self.state {
            State::Download(download, _) => download.offer.id,
            State::NoFile(NoFile::Deciding { offer } | NoFile::Erasing { offer, .. })
            | State::Image(_, ImageStage::Deciding { offer, .. }) => offer.id,
            State::Image(image, _) => image.id(),
            State::NoFile(_) => self.next_image(),
        };
        if Self::is_specific(id) {
            return QueryTarget { id, stack: self.specific_stack };
        }
        QueryTarget { id: self.next_image(), stack: self.stack }
    }

    /// Writes the parallel query to `buf`, if the query is due.
    pub(super) fn poll_second_query(&mut self, now: Ticks, buf: &mut RequestBuffer) -> Option<Transmit> {
        let SecondQuery { pending, max_attempts, .. } =
            self.second_query.filter(|query| query.pending.is_due(now))?;
        let request = self.query_for(self.target_in_hand())?;
        let (transmit, sequence) = self.encode_request(request, buf)?;
        let attempts = pending.attempts();
        // The last attempt waits for the maximum timeout, because some servers look up the image before they answer.
        let timeout = match attempts.saturating_add(1) < max_attempts {
            true => RttEstimator::new().timeout(
                self.settings.config().initial_timeout,
                self.settings.config().max_timeout,
                attempts,
            ),
            false => self.settings.config().max_timeout,
        };
        if let Some(query) = &mut self.second_query {
            query.pending.on_sent(now, sequence, timeout);
        }
        self.retries = self.retries.saturating_add(u32::from(attempts > 0));
        Some(transmit)
    }

    /// Handles the timeout of the parallel query.
    pub(super) fn handle_second_query_timeout(&mut self, now: Ticks) {
        let Some(query) = self.second_query.as_mut().filter(|query| query.pending.is_timed_out(now)) else {
            return;
        };
        if query.pending.attempts() < query.max_attempts {
            query.pending.retry_at(now);
            return;
        }
        let cause = query.cause;
        self.second_query = None;
        // An unanswered query after an Image Notify does not count as a failure of the server.
        if cause == QueryCause::Timer {
            self.count_unanswered_query(now);
        }
    }
}
