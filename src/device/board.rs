//! Board of a device: the traits by which the blocking and the asynchronous driver reach the radio, the clock and the
//! decisions of the device.
//!
//! ```text
//! receive -> Input     Driver     -> send, apply, decide, on_event, on_need, on_turn
//! ```

use crate::aps::{DeliveryReport, FrameMeta, Transmit, TransmitToken};
use crate::client::{ApplyResult, Client, ClientEvent, ClientIgnored, Need, Ticket};
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{ImageOffer, LONGEST_TO_CLIENT};

/// Buffer for one received frame, as long as the longest frame of a server.
pub type FrameBuffer = [u8; LONGEST_TO_CLIENT];

/// Input of the radio stack to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Input {
    /// A frame of the cluster arrived. The board has written the frame to the start of the buffer; the variant holds
    /// the length of the frame in bytes.
    Frame(FrameMeta, usize),
    /// The stack reports the delivery, or the failed delivery, of the frame with the given token.
    Delivery(TransmitToken, DeliveryReport),
    /// The device was reset, or left the network and rejoined, see [`Client::connection_lost`].
    ConnectionLost,
}

/// Decision about an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Decision {
    /// The client downloads the image.
    Accept,
    /// The client does not download the image now. After the next periodic query or a call of [`Client::query`], the
    /// client asks the application again if the server still offers the image.
    Refuse,
    /// The application decides later, by [`Client::accept`] or [`Client::refuse`] with the ticket.
    Later,
}

impl Decision {
    /// Answers the need that has the ticket `ticket` with this decision. The client has just issued the ticket, so the
    /// ticket is not outdated.
    pub(super) fn answer<const RANGES: usize>(
        self,
        client: &mut Client<RANGES>,
        now: Instant,
        ticket: Ticket,
    ) {
        match self {
            Self::Accept => client.accept(ticket).ok(),
            Self::Refuse => client.refuse(now, ticket).ok(),
            Self::Later => None,
        };
    }
}

/// Blocking board of a device. A device implements the first four methods of the trait; the other methods have defaults
/// that suit a device with a known server and a single image.
pub trait Board {
    /// Returns the time of a monotonic clock.
    fn now(&mut self) -> Instant;

    /// Sends `frame` to the address in `transmit`.
    fn send(&mut self, transmit: &Transmit, frame: &[u8]);

    /// Waits for the next input until `deadline`; a deadline of `None` means no limit. The method may return `None`
    /// before the deadline, for example in a main loop with other tasks.
    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input>;

    /// Makes the device run the stored image. Most devices restart in this method and never return.
    fn apply(&mut self, image: ImageId) -> ApplyResult;

    /// Decides about an offer. If the method returns [`Decision::Later`], the application answers the offer later, with
    /// `ticket`.
    ///
    /// By default, every offer is accepted.
    fn decide(&mut self, ticket: Ticket, offer: &ImageOffer) -> Decision {
        let _ = (ticket, offer);
        Decision::Accept
    }

    /// Receives an event for a log or a display.
    ///
    /// By default, the method does nothing.
    fn on_event(&mut self, event: &ClientEvent) {
        let _ = event;
    }

    /// Receives the reason for which the client ignored a frame.
    ///
    /// By default, the method does nothing.
    fn on_ignored(&mut self, reason: ClientIgnored) {
        let _ = reason;
    }

    /// Serves a need that a client has only with certain settings, for instance the need for a server, a link key or
    /// credentials. The application may answer the need in this call or later.
    ///
    /// By default, the need is declined.
    fn on_need<const RANGES: usize>(&mut self, client: &mut Client<RANGES>, need: Need) {
        let now = self.now();
        client.decline(now, need).ok();
    }

    /// Lets the application call the client, for example to query, to abort, or to answer an offer that it left for
    /// later. The driver calls this method once in each turn of the loop.
    ///
    /// By default, the method does nothing.
    fn on_turn<const RANGES: usize>(&mut self, client: &mut Client<RANGES>) {
        let _ = client;
    }
}

/// Asynchronous board of a device. A device implements the first four methods of the trait; the other methods have
/// defaults that suit a device with a known server and a single image.
#[expect(
    async_fn_in_trait,
    reason = "executors of microcontrollers run tasks in one thread, so no future must be `Send`"
)]
pub trait AsyncBoard {
    /// Returns the time of a monotonic clock.
    fn now(&mut self) -> Instant;

    /// Sends `frame` to the address in `transmit`.
    async fn send(&mut self, transmit: &Transmit, frame: &[u8]);

    /// Waits for the next input until `deadline`; a deadline of `None` means no limit.
    ///
    /// The driver drops the future when storage has completed its work. If the future of this method is dropped, no
    /// input may be lost; the receive future of an async channel, for example, loses no input.
    async fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input>;

    /// Makes the device run the stored image. Most devices restart in this method and never return.
    async fn apply(&mut self, image: ImageId) -> ApplyResult;

    /// Decides about an offer. If the method returns [`Decision::Later`], the application answers the offer later, with
    /// `ticket`.
    ///
    /// By default, every offer is accepted.
    fn decide(&mut self, ticket: Ticket, offer: &ImageOffer) -> Decision {
        let _ = (ticket, offer);
        Decision::Accept
    }

    /// Receives an event for a log or a display.
    ///
    /// By default, the method does nothing.
    fn on_event(&mut self, event: &ClientEvent) {
        let _ = event;
    }

    /// Receives the reason for which the client ignored a frame.
    ///
    /// By default, the method does nothing.
    fn on_ignored(&mut self, reason: ClientIgnored) {
        let _ = reason;
    }

    /// Serves a need that a client has only with certain settings, for instance the need for a server, a link key or
    /// credentials. The application may answer the need in this call or later.
    ///
    /// By default, the need is declined.
    fn on_need<const RANGES: usize>(&mut self, client: &mut Client<RANGES>, need: Need) {
        let now = self.now();
        client.decline(now, need).ok();
    }

    /// Lets the application call the client, for example to query, to abort, or to answer an offer that it left for
    /// later. The driver calls this method once in each turn of the loop.
    ///
    /// By default, the method does nothing.
    fn on_turn<const RANGES: usize>(&mut self, client: &mut Client<RANGES>) {
        let _ = client;
    }
}
