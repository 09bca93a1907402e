//! Image Notify (sections 6.5.1 and 6.10.3).
//!
//! ```text
//! ImageNotify -> frame, to one, a group or all     read_status -> frame -> ServerEvent::StatusReport
//! ```

use super::{ResponseBuffer, Server, reply};
use crate::aps::{Address, DeliveryMode, Transmit, TransmitToken};
use crate::zcl::{ClientStatus, Frame, ImageNotify, Violation};

impl<S> Server<S> {
    /// Writes an Image Notify to `out`: there may be an image for the clients that get it. Output, of the caller's
    /// own accord: no image that comes or goes sends one.
    ///
    /// To one client, send [`ImageNotify::UNICAST`]: it asks whatever the fields say. To a group or to all,
    /// `to` is the group's or broadcast address, as in [`Address::ALL_AWAKE`], and
    /// [`ImageNotify::DEFAULT_JITTER`] the jitter to start from. A client that sleeps misses it, and one that
    /// misses it asks in its own time: nothing is remembered here of whom it went to, and nothing is to be done
    /// when it does not arrive.
    ///
    /// # Errors
    /// [`Violation::QueryJitter`] for a jitter outside 1 to 100; nothing is written then.
    pub fn notify(
        &mut self,
        to: Address,
        delivery: DeliveryMode,
        notify: ImageNotify,
        out: &mut ResponseBuffer,
    ) -> Result<Transmit, Violation> {
        notify.check()?;
        let len = reply::write(&Frame::notify(self.next_sequence(), notify, delivery), out);
        Ok(self.of_own_accord(to, len, delivery))
    }

    /// Writes the frame to `out` that reads a client's status and versions at once (section 6.11). The answer is
    /// [`ServerEvent::StatusReport`](super::ServerEvent::StatusReport); a client that sleeps cannot be read.
    pub fn read_status(&mut self, to: Address, out: &mut ResponseBuffer) -> Transmit {
        let len = reply::write(&ClientStatus::request(self.next_sequence()), out);
        self.of_own_accord(to, len, DeliveryMode::Unicast)
    }

    pub(super) fn next_sequence(&mut self) -> u8 {
        let next = self.sequence.wrapping_add(1);
        core::mem::replace(&mut self.sequence, next)
    }

    /// The record of a frame that answers none.
    pub(super) const fn of_own_accord(&self, to: Address, len: usize, delivery: DeliveryMode) -> Transmit {
        // A broadcast or a multicast cannot be acknowledged, and its delivery tells nothing of anybody.
        let token = match delivery {
            DeliveryMode::Unicast => TransmitToken::data(to, 0),
            DeliveryMode::Multicast | DeliveryMode::Broadcast => TransmitToken::NONE,
        };
        Transmit { token, ..Transmit::new(to, len, delivery) }
    }
}
