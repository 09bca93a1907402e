//! Query during an upgrade, by which the client finds out whether the server still offers the image of the upgrade.
//!
//! ```text
//!   unicast Image Notify --(no copy, none open)----+
//!   pause of a download ---------------------------+--> query --same offer--> the upgrade continues
//!   refused Upgrade End Request -------------------+          --other offer--> Deciding, with the file in hand kept
//!   query() of the application --------------------+          --refusal, silence--> nothing changes
//! ```
//!
//! Some servers, such as zigbee-herdsman, serve a device only after a query in the present session, which is the state
//! that the server keeps for the device. After a unicast Image Notify, the client therefore sends a query even during
//! an upgrade, in every state from Deciding to CountingDown, and the upgrade continues meanwhile. Sections refer to
//! ZigBee document 095264 (2011).

use crate::time::Millis;

use super::Client;
use super::clock_ticks::Ticks;
use super::config::Settings;
use super::request_retry::PendingRequest;
use super::state::{ImageStage, NoFile, QueryCause, QueryTarget, State};

/// Time after a unicast Image Notify in which a repeated unicast Image Notify leads to no second query. An Image Notify
/// counts as repeated if it has the sequence number of the first Image Notify, or if the query after the first Image
/// Notify is still open. Gateways send an Image Notify again if the device does not answer the Image Notify by a query.
const NOTIFY_WINDOW: Millis = Millis::from_secs(10);

/// Query that runs in parallel to the current state of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SecondQuery {
    pub(super) pending: PendingRequest,
    pub(super) cause: QueryCause,
    /// Number of attempts before the query counts as unanswered.
    pub(super) max_attempts: u8,
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Starts a query in parallel to the current state, to be sent from `at` on. The new query replaces a parallel
    /// query that is in progress.
    pub(super) fn begin_second_query(&mut self, at: Ticks, cause: QueryCause, max_attempts: u8) {
        if self.can_query(self.target_in_hand()) {
            self.second_query =
                Some(SecondQuery { pending: PendingRequest::due_at(at), cause, max_attempts });
        }
    }

    /// Starts a query during an upgrade, after a unicast Image Notify with the sequence number `sequence` has arrived
    /// at the time `now`.
    pub(super) fn begin_notified_query(&mut self, now: Ticks, sequence: u8) {
        let is_open =
            self.second_query.as_ref().is_some_and(|query| query.cause == QueryCause::UnicastNotify);
        let is_recent = now < self.notified_at.plus(NOTIFY_WINDOW);
        if !is_recent || (!is_open && sequence != self.notified_sequence) {
            (self.notified_at, self.notified_sequence) = (now, sequence);
            self.begin_second_query(now, QueryCause::UnicastNotify, 1);
        }
    }

    /// Returns the file that a query during the current upgrade asks for: the device-specific file that is being
    /// fetched, or the next image of the device.
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

    /// Handles the timeout of the query that runs in parallel to the current state.
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
