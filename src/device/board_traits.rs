//! Board of a device: the traits by which the blocking and the asynchronous driver send and receive frames, read the
//! clock, and get the decisions of the application.
//!
//! ```text
//! receive -> Input     Driver     -> send, apply, decide, on_event, on_need, on_turn
//! ```

use crate::aps::{DeliveryReport, FrameMeta, Transmit, TransmitToken};
use crate::client::{ApplyResult, Client, ClientEvent, ClientIgnored, Need, Ticket};
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{ImageOffer, LONGEST_TO_CLIENT};

/// Buffer for one received frame, as long as the longest frame that a server sends to a client.
pub type FrameBuffer = [u8; LONGEST_TO_CLIENT];

/// Input that the board passes from the radio stack to a driver, such as a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Input {
    /// A frame of the OTA Upgrade cluster arrived. The board has written the frame to the start of the buffer; the
    /// variant holds the length of the frame in bytes.
    Frame(FrameMeta, usize),
    /// The radio stack reports whether the sent frame with this [`TransmitToken`] was delivered.
    Delivery(TransmitToken, DeliveryReport),
    /// The device was reset, or left the network and rejoined, see [`Client::connection_lost`].
    ConnectionLost,
}

/// Decision of the application about an image that a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Decision {
    /// The client downloads the offered image.
    Accept,
    /// The client does not download the offered image now. If the server still offers the image at the next periodic
    /// query, or after a call of [`Client::query`], the client asks the application for another decision.
    Refuse,
    /// The application decides later, by a call of [`Client::accept`] or [`Client::refuse`] with the ticket of the
    /// offer.
    Later,
}

impl Decision {
    /// Passes this decision to the client, as the answer to the need with the ticket `ticket`. Because the client has
    /// just issued `ticket`, the ticket is still valid, and the client does not refuse the decision.
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

/// Radio, clock and decisions of a device, with methods that block; [`AsyncBoard`] is the asynchronous form. A device
/// implements the methods without a default: `now`, `send`, `receive` and `apply`. The defaults of the other methods
/// suit a device with a known server and a single image.
pub trait Board {
    /// Returns the time of a monotonic clock.
    fn now(&mut self) -> Instant;

    /// Sends `frame` to the address in `transmit`.
    fn send(&mut self, transmit: &Transmit, frame: &[u8]);

    /// Waits for the next input until `deadline`; a deadline of `None` means no limit. `receive` may return `None`
    /// before the deadline, for example in a main loop with other tasks.
    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input>;

    /// Makes the device run the stored image. In most devices, `apply` restarts the device and never returns.
    fn apply(&mut self, image: ImageId) -> ApplyResult;

    /// Decides whether the client downloads the image that a server offers. After [`Decision::Later`], the application
    /// passes its decision to the client later, with `ticket`.
    ///
    /// By default, the board accepts every offer.
    fn decide(&mut self, ticket: Ticket, offer: &ImageOffer) -> Decision {
        let _ = (ticket, offer);
        Decision::Accept
    }

    /// Receives an event of the client, for example for a log or a display.
    ///
    /// By default, the board ignores all events.
    fn on_event(&mut self, event: &ClientEvent) {
        let _ = event;
    }

    /// Receives the reason for which the client ignored a frame.
    ///
    /// By default, the board does not use the reason for which a frame was ignored.
    fn on_ignored(&mut self, reason: ClientIgnored) {
        let _ = reason;
    }

    /// Handles a [`Need`] that a client has only with certain settings, for instance the need for the address of a
    /// server, a link key or security credentials. The application may answer the need during the call of `on_need` or
    /// later.
    ///
    /// By default, `on_need` refuses the need by [`Client::decline`].
    fn on_need<const RANGES: usize>(&mut self, client: &mut Client<RANGES>, need: Need) {
        let now = self.now();
        client.decline(now, need).ok();
    }

    /// Lets the application call the client, for example to query, to abort, or to decide about an offer after
    /// [`Decision::Later`]. The driver calls `on_turn` once in each turn of its loop.
    ///
    /// By default, `on_turn` makes no call of the client.
    fn on_turn<const RANGES: usize>(&mut self, client: &mut Client<RANGES>) {
        let _ = client;
    }
}

/// Radio, clock and decisions of a device, with asynchronous methods; [`Board`] is the blocking form. A device
/// implements the methods without a default: `now`, `send`, `receive` and `apply`. The defaults of the other methods
/// suit a device with a known server and a single image.
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
    /// The driver drops the future of `receive` when an operation on storage has ended. A dropped future must not lose
    /// an input; the receive future of an async channel, for example, loses no input.
    async fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input>;

    /// Makes the device run the stored image. In most devices, `apply` restarts the device and never returns.
    async fn apply(&mut self, image: ImageId) -> ApplyResult;

    /// Decides whether the client downloads the image that a server offers. After [`Decision::Later`], the application
    /// passes its decision to the client later, with `ticket`.
    ///
    /// By default, the board accepts every offer.
    fn decide(&mut self, ticket: Ticket, offer: &ImageOffer) -> Decision {
        let _ = (ticket, offer);
        Decision::Accept
    }

    /// Receives an event of the client, for example for a log or a display.
    ///
    /// By default, the board ignores all events.
    fn on_event(&mut self, event: &ClientEvent) {
        let _ = event;
    }

    /// Receives the reason for which the client ignored a frame.
    ///
    /// By default, the board does not use the reason for which a frame was ignored.
    fn on_ignored(&mut self, reason: ClientIgnored) {
        let _ = reason;
    }

    /// Handles a [`Need`] that a client has only with certain settings, for instance the need for the address of a
    /// server, a link key or security credentials. The application may answer the need during the call of `on_need` or
    /// later.
    ///
    /// By default, `on_need` refuses the need by [`Client::decline`].
    fn on_need<const RANGES: usize>(&mut self, client: &mut Client<RANGES>, need: Need) {
        let now = self.now();
        client.decline(now, need).ok();
    }

    /// Lets the application call the client, for example to query, to abort, or to decide about an offer after
    /// [`Decision::Later`]. The driver calls `on_turn` once in each turn of its loop.
    ///
    /// By default, `on_turn` makes no call of the client.
    fn on_turn<const RANGES: usize>(&mut self, client: &mut Client<RANGES>) {
        let _ = client;
    }
}
