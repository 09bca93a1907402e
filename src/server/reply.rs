//! Writing answers.

use super::TxBuffer;
use crate::codec::Encode;
use crate::link::{Address, DeliveryMode, Transmit};
use crate::zcl::{CommandId, DefaultResponse, Direction, Frame, Status, ToClient};

/// Who waits for an answer, and to which frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) client: Address,
    /// Sequence number of the frame; the answer repeats it.
    pub(super) sequence: u8,
}

impl Asked {
    /// Answers by a command of the cluster.
    pub(super) fn respond(self, message: ToClient<'_>, out: &mut TxBuffer) -> Transmit {
        self.write(&Frame::response(self.sequence, message), out)
    }

    /// Answers `command` by a status alone.
    pub(super) fn default_response(self, command: CommandId, status: Status, out: &mut TxBuffer) -> Transmit {
        let response = DefaultResponse { command, status };
        self.write(&Frame::default_response(self.sequence, Direction::ToClient, response), out)
    }

    /// The record of an answer of `len` bytes.
    pub(super) const fn transmit(self, len: usize) -> Transmit {
        Transmit::new(self.client, len, DeliveryMode::Unicast)
    }

    fn write(self, frame: &Frame<'_>, out: &mut TxBuffer) -> Transmit {
        self.transmit(write(frame, out))
    }
}

/// Writes any frame of a server and returns its length.
pub(super) fn write(frame: &Frame<'_>, out: &mut TxBuffer) -> usize {
    // Never 0: the buffer is as long as the longest frame.
    frame.encode(out).unwrap_or(0)
}
