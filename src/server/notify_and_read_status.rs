//! Frames that the server sends without a request: Image Notify (sections 6.5.1 and 6.10.3) and the request for the
//! attributes of a client (section 6.11). Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! notify        -> Image Notify, to one client, a group or all
//! read_status   -> Read Attributes, to one client              answer: ServerEvent::StatusReport
//! ```

use super::{ResponseBuffer, Server, response_frame};
use crate::aps::{Address, DeliveryMode, Transmit, TransmitToken};
use crate::zcl::{ClientStatus, Frame, ImageNotify, Violation};

impl<S> Server<S> {
    /// Writes an Image Notify frame to `out`. The Image Notify tells clients that an image may be available. The caller
    /// decides when to send an Image Notify: the server sends none by itself, even if the content of the store changes.
    ///
    /// For one client, `notify` is [`ImageNotify::UNICAST`]: the client sends a query, whatever values the other fields
    /// of the frame have. For a group or for all clients, the address `to` is a group address or a broadcast address
    /// such as [`Address::ALL_AWAKE`]. [`ImageNotify::DEFAULT_JITTER`] is a good jitter for the first Image Notify to a
    /// group or to all clients.
    ///
    /// Sleepy clients miss broadcasts and multicasts. A client that misses the Image Notify sends its next periodic
    /// query anyway, so a failed delivery needs no action.
    ///
    /// # Errors
    /// Fails with [`Violation::QueryJitter`] if the jitter is outside 1 to 100. If `notify` fails, the buffer `out` is
    /// unchanged.
    #[doc(alias(
        "esp_zb_ota_upgrade_server_notify_req",
        "emberAfOtaServerSendImageNotifyCallback",
        "zclOTA_SendImageNotify"
    ))]
    pub fn notify(
        &mut self,
        to: Address,
        delivery: DeliveryMode,
        notify: ImageNotify,
        out: &mut ResponseBuffer,
    ) -> Result<Transmit, Violation> {
        notify.check()?;
        let len = response_frame::write_frame(&Frame::notify(self.next_sequence(), notify, delivery), out);
        Ok(self.unsolicited_transmit(to, len, delivery))
    }

    /// Writes a Read Attributes command to `out` that asks a client for its upgrade status and versions (section 6.11).
    /// The answer of the client becomes the event [`ServerEvent::StatusReport`](super::ServerEvent::StatusReport). A
    /// sleepy client cannot answer the Read Attributes command.
    pub fn read_status(&mut self, to: Address, out: &mut ResponseBuffer) -> Transmit {
        let len = response_frame::write_frame(&ClientStatus::request(self.next_sequence()), out);
        self.unsolicited_transmit(to, len, DeliveryMode::Unicast)
    }

    /// Returns the sequence number of the next unsolicited frame.
    pub(super) fn next_sequence(&mut self) -> u8 {
        let next = self.sequence.wrapping_add(1);
        core::mem::replace(&mut self.sequence, next)
    }

    /// Returns the [`Transmit`] of an unsolicited frame of `len` bytes.
    pub(super) const fn unsolicited_transmit(
        &self,
        to: Address,
        len: usize,
        delivery: DeliveryMode,
    ) -> Transmit {
        // Broadcasts and multicasts have no acknowledgement, and a delivery report of such a frame is about no client.
        let token = match delivery {
            DeliveryMode::Unicast => TransmitToken::data(to, 0),
            DeliveryMode::Multicast | DeliveryMode::Broadcast => TransmitToken::NONE,
        };
        Transmit { token, ..Transmit::new(to, len, delivery) }
    }
}
