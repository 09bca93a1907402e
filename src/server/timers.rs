//! Timers of sessions, and reports of deliveries. A timer waits for the next block of a page, or for the end of the
//! client's silence.
//!
//! ```text
//! poll_timeout = earliest of all sessions' deadlines
//!   next block of a page       last block + spacing                              poll_transmit sends the block
//!   silence of a client        last frame + time to wait + stall_timeout         handle_timeout: Stalled
//!                              ... after the last byte    + verify_timeout       handle_timeout: NeverEnded
//! ```

use super::path_mtu::PathMtu;
use super::session::Flags;
use super::session_table::Slot;
use super::{MAX_BLOCKS_PER_TURN, Server, ServerEvent, Session, SessionPhase, SessionSlots};
use crate::aps::{Address, DeliveryReport, TransmitToken};
use crate::time::Instant;

/// Reason why the timer of a session expired.
pub(super) enum Timer {
    /// The next block of a page is due.
    PageBlock,
    /// The client was silent for longer than the timeout.
    Silence,
}

impl<S: SessionSlots> Server<S> {
    /// Returns the deadline of the earliest timer; `None` if no timer is set. At the deadline the caller calls
    /// [`poll_transmit`](Self::poll_transmit) and [`handle_timeout`](Self::handle_timeout).
    ///
    /// The deadline can be too early, because frames from clients move deadlines; early calls do nothing. The deadline
    /// lies in the past if one call of each of the two methods left work to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.table.next_timer().map(|(_, when)| when)
    }

    /// Handles an expired timer. A client that was silent for longer than its timeout counts as stalled. Only this
    /// method and the Upgrade End Request of the client end a session.
    ///
    /// Each call handles one client, so that the event queue has room for the event of the client.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.blocks_left_in_turn = MAX_BLOCKS_PER_TURN;
        let Some((slot, Timer::Silence)) = self.next_due_timer(now) else { return };
        self.table.set_flag(slot, Flags::DOWNLOAD, false);
        self.table.set_flag(slot, Flags::PAGE, false);
        self.table.clear_timer(slot);
        let Some(session) = self.table.session_at_mut(slot) else { return };
        let client = session.client;
        session.path = PathMtu::UNKNOWN;
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
    /// The reports show the longest block that the path to the client carries: where long blocks fail while shorter ones
    /// arrive, the server sends shorter blocks, in multiples of 16 bytes, and now and then a longer one as a probe. Lost
    /// blocks alone are no reason for shorter blocks. The server forgets the limit with the next image, and when the
    /// client was silent for [`ServerConfig::stall_timeout`](super::ServerConfig::stall_timeout).
    ///
    /// [`Transmit`]: crate::aps::Transmit
    pub fn handle_delivery(&mut self, now: Instant, token: TransmitToken, report: DeliveryReport) {
        let _ = now;
        let (client, len) = token.receiver();
        if token == TransmitToken::NONE {
            return;
        }
        let arrived = report == DeliveryReport::Acknowledged;
        let session = self.table.find(client).and_then(|slot| self.table.session_at_mut(slot));
        let mut max_block_size = None;
        if let Some(session) = session.filter(|_| len > 0)
            && session.path.record_delivery(len, arrived)
        {
            max_block_size = session.max_block_size();
        }
        if !arrived {
            self.events.push(ServerEvent::Undelivered { client, max_block_size });
        }
    }

    /// Finds the session with the earliest expired timer. The server sets timers again that expired too early.
    pub(super) fn next_due_timer(&mut self, now: Instant) -> Option<(Slot, Timer)> {
        loop {
            let (slot, _) = self.table.next_timer().filter(|(_, when)| *when <= now)?;
            let session = self.table.session_at(slot)?;
            let (page, stall) = (session.next_page_block_due(), self.silence_deadline(session));
            if page.is_some_and(|due| due <= now) {
                return Some((slot, Timer::PageBlock));
            }
            if stall.is_some_and(|due| due <= now) {
                return Some((slot, Timer::Silence));
            }
            match earlier(page, stall) {
                Some(when) => self.table.set_timer(slot, when),
                None => self.table.clear_timer(slot),
            }
        }
    }

    /// Sets the timer of a session after a frame from or to the client.
    pub(super) fn arm_timer(&mut self, slot: Slot) {
        let Some(session) = self.table.session_at(slot) else { return };
        if let Some(when) = earlier(session.next_page_block_due(), self.silence_deadline(session)) {
            self.table.set_timer_no_later_than(slot, when);
        }
    }

    /// Records the time of a frame from the client in the session.
    pub(super) fn record_frame_from(&mut self, now: Instant, client: Address) {
        let Some(slot) = self.table.find(client) else { return };
        if let Some(session) = self.table.session_at_mut(slot) {
            session.last_heard = now;
        }
        self.table.touch(slot);
        self.arm_timer(slot);
    }

    /// Moves a session to a phase without blocks. The session then no longer counts as a download or a page.
    pub(super) fn enter_idle_phase(&mut self, now: Instant, slot: Slot, phase: SessionPhase) {
        self.table.set_flag(slot, Flags::DOWNLOAD, false);
        self.table.set_flag(slot, Flags::PAGE, false);
        if let Some(session) = self.table.session_at_mut(slot) {
            session.set_phase(now, phase);
        }
    }

    /// Returns the deadline after which the silence of a client is too long; `None` in phases without a timeout.
    fn silence_deadline(&self, session: &Session) -> Option<Instant> {
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
        Some(session.silence_start().plus(limit))
    }
}

/// Returns the earlier one of two deadlines; `None` if both are `None`.
fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
