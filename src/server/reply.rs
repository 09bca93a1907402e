//! Writing answers.
//!
//! ```text
//! RequestContext { client, sequence, secured, relays } + message -> frame in out, Transmit
//! ```

use super::ResponseBuffer;
use crate::aps::{Address, DeliveryMode, FrameMeta, Transmit, TransmitToken};
use crate::codec::Encode;
use crate::zcl::{CommandId, DefaultResponse, Direction, Frame, Status, ToClient};

/// Who waits for an answer, to which frame, and by which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestContext {
    pub(super) client: Address,
    /// Sequence number of the frame; the answer repeats it.
    pub(super) sequence: u8,
    /// Whether the frame came with APS security; the answer goes with it, too.
    pub(super) secured: bool,
    /// Relays of the source route to the client.
    pub(super) relays: u8,
}

impl RequestContext {
    pub(super) const fn new(meta: &FrameMeta, sequence: u8) -> Self {
        Self { client: meta.from, sequence, secured: meta.aps_security, relays: meta.relays }
    }

    /// Answers by a command of the cluster.
    pub(super) fn respond(self, message: ToClient<'_>, out: &mut ResponseBuffer) -> Transmit {
        self.write(&Frame::response(self.sequence, message), out)
    }

    /// Answers `command` by a status alone.
    pub(super) fn default_response(
        self,
        command: CommandId,
        status: Status,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let response = DefaultResponse { command, status };
        self.write(&Frame::default_response(self.sequence, Direction::ToClient, response), out)
    }

    /// The record of an answer of `len` bytes, the last `data` of which are data of an image.
    pub(super) const fn transmit(self, len: usize, data: u8) -> Transmit {
        let token = TransmitToken::data(self.client, data);
        let aps_security = self.secured;
        Transmit { aps_security, token, ..Transmit::new(self.client, len, DeliveryMode::Unicast) }
    }

    pub(super) fn write(self, frame: &Frame<'_>, out: &mut ResponseBuffer) -> Transmit {
        self.transmit(write(frame, out), 0)
    }
}

/// Writes any frame of a server and returns its length.
pub(super) fn write(frame: &Frame<'_>, out: &mut ResponseBuffer) -> usize {
    // Never 0: the buffer is as long as the longest frame.
    frame.encode(out).unwrap_or(0)
}
