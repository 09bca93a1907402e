//! What happens by time alone: the next block of a page, and silence that is too long.
//!
//! ```text
//! poll_timeout = of all sessions the earliest: the next block of its page, or silence that is too long
//! ```

use super::session::Flags;
use super::session_table::Slot;
use super::{Server, ServerEvent, Session, SessionPhase, SessionSlots};
use crate::aps::{Address, DeliveryReport, TransmitToken};
use crate::time::Instant;

/// What a timer rings for.
pub(super) enum Due {
    Page,
    Stall,
}

impl<S: SessionSlots> Server<S> {
    /// When to call [`poll_transmit`](Self::poll_transmit) and [`handle_timeout`](Self::handle_timeout) next, `None`
    /// for never. It can be too early by as much as a client was heard of meanwhile; calls that come early do nothing.
    /// It is in the past when there is more to do than one call of each did.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.table.next_timer().map(|(_, when)| when)
    }

    /// Takes note that time has passed: a client that was silent for too long has stalled. Only that, and the
    /// client's own Upgrade End Request, ends a session.
    ///
    /// Each call finds one such client, so that there is always room for its event.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some((slot, Due::Stall)) = self.due(now) else { return };
        self.table.set(slot, Flags::ACTIVE, false);
        self.table.set(slot, Flags::PAGE, false);
        self.table.clear_timer(slot);
        let Some(session) = self.table.at_mut(slot) else { return };
        let client = session.client;
        if let Some((id, reached, all)) = session.stall() {
            self.events.push(match all {
                false => ServerEvent::Stalled { client, id, reached },
                true => ServerEvent::NeverEnded { client, id },
            });
        }
    }

    /// Takes note of what the stack says of the delivery of a frame, by the token of its [`Transmit`]. A frame that
    /// failed ends nothing: the client asks again. After two blocks in a row that failed, it is sent smaller ones.
    ///
    /// [`Transmit`]: crate::aps::Transmit
    pub fn handle_delivery(&mut self, now: Instant, token: TransmitToken, report: DeliveryReport) {
        let _ = now;
        let (client, len) = token.receiver();
        if token == TransmitToken::NONE {
            return;
        }
        let arrived = report == DeliveryReport::Acknowledged;
        let session = self.table.find(client).and_then(|slot| self.table.at_mut(slot));
        let mut max_block_size = None;
        if let Some(session) = session.filter(|_| len > 0)
            && session.delivered(len, arrived)
        {
            max_block_size = session.max_block_size();
        }
        if !arrived {
            self.events.push(ServerEvent::Undelivered { client, max_block_size });
        }
    }

    /// What is due, after the timers that rang too early were set anew.
    pub(super) fn due(&mut self, now: Instant) -> Option<(Slot, Due)> {
        loop {
            let (slot, _) = self.table.next_timer().filter(|(_, when)| *when <= now)?;
            let session = self.table.at(slot)?;
            let (page, stall) = (session.page_due(), self.stall_due(session));
            if page.is_some_and(|due| due <= now) {
                return Some((slot, Due::Page));
            }
            if stall.is_some_and(|due| due <= now) {
                return Some((slot, Due::Stall));
            }
            match earlier(page, stall) {
                Some(when) => self.table.ring_at(slot, when),
                None => self.table.clear_timer(slot),
            }
        }
    }

    /// Sets the timer of a client that was heard of or served.
    pub(super) fn arm(&mut self, slot: Slot) {
        let Some(session) = self.table.at(slot) else { return };
        if let Some(when) = earlier(session.page_due(), self.stall_due(session)) {
            self.table.ring_by(slot, when);
        }
    }

    /// A frame of the client came in.
    pub(super) fn heard(&mut self, now: Instant, client: Address) {
        let Some(slot) = self.table.find(client) else { return };
        if let Some(session) = self.table.at_mut(slot) {
            session.heard = now;
        }
        self.table.touch(slot);
        self.arm(slot);
    }

    /// Moves a client to a phase in which nothing is sent to it.
    pub(super) fn move_on(&mut self, now: Instant, slot: Slot, phase: SessionPhase) {
        self.table.set(slot, Flags::ACTIVE, false);
        self.table.set(slot, Flags::PAGE, false);
        if let Some(session) = self.table.at_mut(slot) {
            session.enter(now, phase);
        }
    }

    /// When silence is too long.
    fn stall_due(&self, session: &Session) -> Option<Instant> {
        let limit = match session.phase() {
            SessionPhase::Downloading { id, reached, size, .. } if reached == size => {
                let device = self.device(id).and_then(|device| device.verify_timeout);
                device.map_or(self.config.verify_timeout, |device| device.max(self.config.verify_timeout))
            }
            SessionPhase::Offered(_) | SessionPhase::Downloading { .. } => self.config.stall_timeout,
            SessionPhase::Refused(_) | SessionPhase::Stalled { .. } | SessionPhase::Ended { .. } => {
                return None;
            }
        };
        Some(session.silent_since().plus(limit))
    }
}

/// The earlier of two moments, where there are any.
fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
