//! Timers of sessions, and reports of deliveries. A timer expires when the next block of a page or the next held answer
//! is due, or when the client has been silent for longer than the stall timeout or the verify timeout.
//!
//! ```text
//! poll_timeout = earliest of all sessions' deadlines
//!   next block of a page       last block + spacing                              poll_transmit sends the block
//!   silence of a client        last frame + time to wait + stall_timeout         handle_timeout: Stalled
//!                              ... after the last byte    + verify_timeout       handle_timeout: NeverEnded
//! ```

use super::path_mtu::PackedPathMtu;
use super::response_frame::RequestContext;
use super::session::Flags;
use super::session_table::Slot;
use super::{MAX_BLOCKS_PER_TURN, Server, ServerEvent, Session, SessionPhase, SessionSlots};
use crate::aps::{DeliveryReport, TransmitToken};
use crate::time::Instant;
use crate::types::ImageId;

/// Reason why the timer of a session expired.
pub(super) enum Timer {
    /// The next block of a page, or the next held answer, is due.
    PageBlock,
    /// The client was silent for longer than the stall timeout or the verify timeout.
    Silence,
}

impl<S: SessionSlots> Server<S> {
    /// Returns the deadline of the earliest timer; `None` if no timer is set. At the deadline the caller calls
    /// [`poll_transmit`](Self::poll_transmit) and [`handle_timeout`](Self::handle_timeout).
    ///
    /// The returned deadline can be too early, because frames from clients move the deadlines of timers; a call of
    /// `handle_timeout` before the correct deadline does nothing. If one call of `poll_transmit` and one call of
    /// `handle_timeout` do not handle all expired timers, the returned deadline lies in the past.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.table.next_timer().map(|(_, when)| when)
    }

    /// Handles the earliest expired timer. A client that was silent for longer than the stall timeout or the verify
    /// timeout counts as stalled. The download of a stalled client continues with the next request of the client. A
    /// download ends with an Upgrade End Request of the client, with ABORT from the server, or with
    /// [`cancel`](Self::cancel).
    ///
    /// Each call of `handle_timeout` handles the timer of one client, so that the event queue has room for the event of
    /// the client.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.blocks_left_in_turn = MAX_BLOCKS_PER_TURN;
        let Some((slot, Timer::Silence)) = self.next_due_timer(now) else { return };
        self.stop_download(slot);
        self.table.clear_timer(slot);
        let Some(session) = self.table.session_at_mut(slot) else { return };
        let client = session.client();
        session.path = PackedPathMtu::UNKNOWN;
        if let Some((id, reached, all)) = session.record_stall() {
            self.events.push(match all {
                false => ServerEvent::Stalled { client, id, reached },
                true => ServerEvent::NeverEnded { client, id },
            });
        }
    }

    /// Handles a report of the stack on the delivery of a frame. The token of the [`Transmit`] identifies the frame.
    ///
    /// A failed delivery ends no download, because the client repeats its request.
    ///
    /// Delivery reports show the longest block that the path to the client carries. If long blocks fail while shorter
    /// blocks arrive, the server sends shorter blocks, in multiples of 16 bytes. Now and then, the server sends a block
    /// that is longer than the known limit of the path, as a probe of the path. Lost blocks alone are no reason for
    /// shorter blocks. The server forgets the limit of the path when the client starts the download of another image,
    /// and when the client was silent for [`ServerConfig::stall_timeout`](super::ServerConfig::stall_timeout).
    ///
    /// [`Transmit`]: crate::aps::Transmit
    pub fn handle_delivery(&mut self, now: Instant, token: TransmitToken, report: DeliveryReport) {
        let (client, len) = token.receiver();
        if token == TransmitToken::NONE {
            return;
        }
        let arrived = report == DeliveryReport::Acknowledged;
        let slot = self.table.find(client).filter(|_| len > 0);
        let mut max_block_size = None;
        let is_background = self.is_background(now);
        if let Some(session) = slot.and_then(|slot| self.table.session_at_mut(slot)) {
            self.pace.record_sign(now, session, arrived, is_background);
            let mut path = session.path.get();
            if path.record_delivery(len, arrived) {
                max_block_size = path.limit();
            }
            session.path = PackedPathMtu::new(path);
        }
        if !arrived {
            self.events.push(ServerEvent::Undelivered { client, max_block_size });
        }
    }

    /// Finds the session with the earliest expired timer. If a timer expired before its correct deadline,
    /// `next_due_timer` sets that timer to the correct deadline.
    pub(super) fn next_due_timer(&mut self, now: Instant) -> Option<(Slot, Timer)> {
        loop {
            let (slot, _) = self.table.next_timer().filter(|(_, when)| *when <= now)?;
            let session = self.table.session_at(slot)?;
            // The timer of a page is exact, because the server sets the timer to the time of the next block after each
            // block.
            if session.is_sending() {
                return Some((slot, Timer::PageBlock));
            }
            match self.silence_deadline(now, session) {
                Some(due) if due <= now => return Some((slot, Timer::Silence)),
                Some(due) => self.table.set_timer(slot, due),
                None => self.table.clear_timer(slot),
            }
        }
    }

    /// Records the time of a frame from the client in the session of the image `id` that the frame is about, and sets
    /// the timer of the session. If the frame is about no image, `record_frame_from` uses the session that the client
    /// used last. The timer of a session with a page does not change, because each block of the page sets that timer.
    pub(super) fn record_frame_from(&mut self, now: Instant, context: RequestContext, id: Option<ImageId>) {
        let slot = match id {
            Some(id) => self.table.find_download(context.client, id),
            None => self.table.find(context.client),
        };
        if let Some(slot) = slot {
            self.record_frame_in(now, slot);
        }
    }

    /// Records the time of a frame from the client in the session of a slot, and sets the timer of the session.
    #[inline(always)]
    pub(super) fn record_frame_in(&mut self, now: Instant, slot: Slot) {
        // No timeout is shorter than `shortest`, so a timer that expires within this time stays as it is.
        let shortest = self.config.stall_timeout.min(self.config.verify_timeout);
        let Some(session) = self.table.session_at_mut(slot) else { return };
        if session.last_heard() != now {
            session.record_frame(now);
        }
        let is_armed = session.is_sending() || session.has_timer_before(now.plus(shortest));
        let is_newest = session.is_newest();
        if !is_newest {
            self.table.touch(slot);
        }
        if !is_armed {
            self.set_silence_timer(now, slot);
        }
    }

    /// Sets the timer of a session to the time at which the client will have been silent for longer than the stall
    /// timeout or the verify timeout.
    #[cold]
    fn set_silence_timer(&mut self, now: Instant, slot: Slot) {
        let session = self.table.session_at(slot);
        let deadline = session.and_then(|session| self.silence_deadline(now, session));
        deadline.into_iter().for_each(|when| self.table.set_timer_no_later_than(slot, when));
    }

    /// Ends the page of a session, and no longer counts the session as a download.
    pub(super) fn stop_download(&mut self, slot: Slot) {
        self.end_sending(slot);
        self.table.set_flag(slot, Flags::DOWNLOAD, false);
    }

    /// Returns the time at which the client will have been silent for longer than the stall timeout or the verify
    /// timeout; `None` in phases without a timeout.
    fn silence_deadline(&self, now: Instant, session: &Session) -> Option<Instant> {
        let limit = match session.phase() {
            SessionPhase::Downloading { id, reached, size, .. } if reached == size => {
                let device = self.device_override(id).and_then(|device| device.verify_timeout);
                device.map_or(self.config.verify_timeout, |device| device.max(self.config.verify_timeout))
            }
            SessionPhase::Offered(_) | SessionPhase::Downloading { .. } => self.config.stall_timeout,
            SessionPhase::Refused(_) | SessionPhase::Stalled { .. } | SessionPhase::Ended { .. } => {
                return None;
            }
        };
        // A client to which the server sends blocks of another image is not silent.
        let primary =
            if session.is_primary() { Some(session) } else { self.table.session_of(session.client()) };
        let last_served = primary.and_then(|primary| primary.last_served(now));
        Some(session.silence_start(last_served).plus(limit))
    }
}
