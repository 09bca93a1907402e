//! Image Notify (sections 6.5.1 and 6.10.3).

use super::{Server, TxBuffer, reply};
use crate::link::{Address, DeliveryMode, Transmit};
use crate::zcl::{Frame, ImageNotify, Violation};

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
        out: &mut TxBuffer,
    ) -> Result<Transmit, Violation> {
        notify.check()?;
        let len = reply::write(&Frame::notify(self.sequence, notify, delivery), out);
        self.sequence = self.sequence.wrapping_add(1);
        // A broadcast or a multicast cannot be acknowledged.
        Ok(Transmit::new(to, len, delivery))
    }
}
