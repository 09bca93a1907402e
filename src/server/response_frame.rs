//! Responses of a server to the requests of clients. This module makes a frame and its [`Transmit`] from a request
//! context and a message.
//!
//! ```text
//! RequestContext { client, sequence, secured, relays, ieee } + message -> frame in out, Transmit
//! ```

use super::ResponseBuffer;
use crate::aps::{Address, DeliveryMode, FrameMeta, Transmit, TransmitToken};
use crate::codec::Encode;
use crate::types::Eui64;
use crate::zcl::{CommandId, DefaultResponse, Direction, Frame, Status, ToClient};

/// Context of a request: the properties of the request's frame that the response depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct RequestContext {
    /// Client that sent the request and receives the response.
    pub(super) client: Address,
    /// Sequence number of the request, which the response repeats.
    pub(super) sequence: u8,
    /// Whether the request came with APS security. If the request came with APS security, the response is also sent
    /// with APS security.
    pub(super) secured: bool,
    /// Number of relays in the source route to the client.
    pub(super) relays: u8,
    /// IEEE address of the client, as the caller knows it. The field `ieee` never holds an address from the request.
    pub(super) ieee: Option<Eui64>,
}

impl RequestContext {
    pub(super) const fn new(meta: &FrameMeta, sequence: u8, ieee: Option<Eui64>) -> Self {
        Self { client: meta.from, sequence, secured: meta.aps_security, relays: meta.relays, ieee }
    }

    /// Writes a response with a command of the cluster to `out`.
    pub(super) fn respond(self, message: ToClient<'_>, out: &mut ResponseBuffer) -> Transmit {
        self.write(&Frame::response(self.sequence, message), out)
    }

    /// Writes to `out` a Default Response that answers `command`.
    #[cold]
    pub(super) fn default_response(
        self,
        command: CommandId,
        status: Status,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let response = DefaultResponse { command, status };
        self.write(&Frame::default_response(self.sequence, Direction::ToClient, response), out)
    }

    /// Returns the [`Transmit`] of a response of `len` bytes, which contains `data` bytes of image data.
    pub(super) const fn transmit(self, len: usize, data: u8) -> Transmit {
        let token = TransmitToken::data(self.client, data);
        let aps_security = self.secured;
        Transmit { aps_security, token, ..Transmit::new(self.client, len, DeliveryMode::Unicast) }
    }

    /// Writes `frame` to `out` as the response to the request.
    pub(super) fn write(self, frame: &Frame<'_>, out: &mut ResponseBuffer) -> Transmit {
        self.transmit(write_frame(frame, out), 0)
    }
}

/// Writes any frame of a server to `out` and returns its length in bytes.
pub(super) fn write_frame(frame: &Frame<'_>, out: &mut ResponseBuffer) -> usize {
    // Encoding cannot fail, because the buffer is as long as the longest frame of a server.
    frame.encode(out).unwrap_or(0)
}
