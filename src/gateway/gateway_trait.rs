//! Trait for the program around a [`GatewayDriver`](super::GatewayDriver): radio, clock, images and decisions of a
//! gateway.
//!
//! ```text
//! receive -> GatewayInput     GatewayDriver     -> send, lend, refresh, on_frame, on_event, on_command, on_status, ...
//! ```

use super::command::GatewayCommand;
use super::session_summary::{SessionReport, SessionSummary};
use crate::aps::{Address, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use crate::server::{Deferred, ImageStore, NotReady, ServerEvent, ServerIgnored, ServerPolicy};
use crate::time::Instant;

/// Length of the longest input in bytes: the data of a deferred request. Frames of a client are shorter: a request has
/// at most 29 bytes, and a Read Attributes Response at most 98 bytes.
pub(super) const LONGEST_RECEIVED: usize = 255;

/// Buffer for one received frame, or for the data of a deferred request.
pub type ReceiveBuffer = [u8; LONGEST_RECEIVED];

/// Input to a [`GatewayDriver`](super::GatewayDriver).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum GatewayInput {
    /// A frame of the cluster arrived. The gateway has written the frame to the start of the buffer; the second field
    /// of the variant is the length of the frame in bytes.
    Frame(FrameMeta, usize),
    /// The Zigbee stack reports that the frame with this token was delivered, or that its delivery failed.
    Delivery(TransmitToken, DeliveryReport),
    /// An operator, or the management of the network, gives a command.
    Command(GatewayCommand),
    /// A store has read the data of a deferred request, or has failed to read the data. The gateway has written the
    /// data to the start of the buffer; the second field of the variant is the number of bytes, or the reason why there
    /// is no data.
    Data(Deferred, Result<usize, NotReady>),
}

impl GatewayInput {
    /// Creates the input for a frame that is not in `buffer` yet: `GatewayInput::frame` copies `frame` to `buffer`. If
    /// `frame` is longer than `buffer`, `GatewayInput::frame` cuts off the bytes that do not fit, because no frame of a
    /// client to the OTA Upgrade cluster is so long.
    #[must_use]
    pub fn frame(meta: FrameMeta, frame: &[u8], buffer: &mut ReceiveBuffer) -> Self {
        buffer.iter_mut().zip(frame).for_each(|(place, byte)| *place = *byte);
        Self::Frame(meta, frame.len().min(buffer.len()))
    }
}

/// Gateway that a [`GatewayDriver`](super::GatewayDriver) runs. A gateway implements the first four methods of the
/// trait; the other methods have defaults that suit a store in memory or on disk.
#[expect(
    async_fn_in_trait,
    reason = "the caller of `GatewayDriver::run` knows the type of its gateway, and whether the futures are `Send`"
)]
pub trait Gateway {
    /// Returns the time of a monotonic clock.
    fn now(&mut self) -> Instant;

    /// Sends `frame` to the receiver in `transmit`. The driver handles no other frame before `send` returns. If sending
    /// to one device can take long, the gateway puts the frame into a bounded queue for the device.
    async fn send(&mut self, transmit: &Transmit, frame: &[u8]);

    /// Waits for the next input until `deadline`, which is at most one second after the current time. `receive` may
    /// return `None` before the deadline.
    ///
    /// The driver drops the future of `receive` if no input is ready. A dropped future must lose no input; the receive
    /// future of an async channel, for example, loses no input.
    async fn receive(&mut self, deadline: Instant, buffer: &mut ReceiveBuffer) -> Option<GatewayInput>;

    /// Lends the store and the policy to one call of the server: `lend` calls `call` once with the store and the
    /// policy, and returns the result of `call`.
    fn lend<R>(&mut self, call: impl FnOnce(&mut dyn ImageStore, &mut dyn ServerPolicy) -> R) -> R;

    /// Receives each frame before the server handles the frame. A gateway passes the frame to a store that selects
    /// files by the device, for example by [`IndexStore::note_frame`](super::IndexStore::note_frame).
    ///
    /// By default, `on_frame` does nothing.
    fn on_frame(&mut self, meta: &FrameMeta, frame: &[u8]) {
        let _ = (meta, frame);
    }

    /// Receives an event of the server, for a log, a display or a store.
    ///
    /// By default, `on_event` does nothing.
    fn on_event(&mut self, event: &ServerEvent) {
        let _ = event;
    }

    /// Receives the reason for which the server ignored a frame.
    ///
    /// By default, `on_ignored` does nothing.
    fn on_ignored(&mut self, from: Address, reason: ServerIgnored) {
        let _ = (from, reason);
    }

    /// Receives the client of a frame that the driver dropped because its queue was full. The driver handles one frame
    /// of each client in turn, so the queue is full because clients have sent frames faster than the driver handled
    /// them. A client whose frame was dropped repeats its request.
    ///
    /// By default, `on_dropped` does nothing.
    fn on_dropped(&mut self, from: Address) {
        let _ = from;
    }

    /// Receives a command that the driver has executed. `has_effect` is `true` if the driver sent a frame, if the
    /// server had a session that the command is about, or if the command is [`GatewayCommand::Status`].
    ///
    /// By default, `on_command` does nothing.
    fn on_command(&mut self, command: &GatewayCommand, has_effect: bool) {
        let _ = (command, has_effect);
    }

    /// Takes a request whose data the store reads later ([`ReadResult::Later`](crate::server::ReadResult::Later)).
    /// After the store has read the data, the gateway passes the data to the driver by [`GatewayInput::Data`]. If
    /// `on_deferred` returns the request, the driver answers the request with NO_IMAGE_AVAILABLE.
    ///
    /// By default, `on_deferred` returns each request, because most stores read the data at once.
    fn on_deferred(&mut self, request: Deferred) -> Option<Deferred> {
        Some(request)
    }

    /// Receives the state of all sessions, after the command [`GatewayCommand::Status`].
    ///
    /// By default, `on_status` does nothing.
    fn on_status(&mut self, summary: &SessionSummary, sessions: &mut dyn Iterator<Item = SessionReport>) {
        let _ = (summary, sessions);
    }

    /// Does work that is due every second, such as a comparison of a store with the folder of its files, and returns
    /// commands for the driver to execute. The driver calls `refresh` when its loop starts, and then every second.
    ///
    /// By default, `refresh` returns no command.
    fn refresh(&mut self) -> impl Iterator<Item = GatewayCommand> + use<Self> {
        core::iter::empty()
    }
}
