//! CSMA-CA state of one station.

use std::collections::VecDeque;

use super::Node;
use super::timing::LEAST_EXPONENT;
use crate::Micros;
use crate::net::Datagram;

/// Queued MPDU.
#[derive(Debug)]
pub(super) struct Mpdu {
    /// Final destination.
    pub(super) to: Node,
    /// Size in bytes.
    pub(super) len: usize,
    pub(super) datagram: Datagram,
    /// Whether the next hop has received the frame, acknowledged or not.
    pub(super) passed: bool,
}

/// Station that sends its queued frames in order.
#[derive(Debug, Default)]
pub(super) struct Station {
    /// Queued frames; the first one is being sent.
    pub(super) queue: VecDeque<Mpdu>,
    /// Backoffs of the current attempt.
    pub(super) backoffs: u8,
    /// Backoff exponent, a power of two.
    pub(super) exponent: u32,
    /// Transmissions without an acknowledgement.
    pub(super) tries: u8,
    /// Earliest start of the next frame.
    pub(super) free_at: Micros,
    /// Time for which the radio was on in order to send: assessments, transmissions, and waiting for acknowledgements.
    pub(super) sending: Micros,
    /// Whether the station owes an acknowledgement, which it sends before anything else.
    pub(super) owes_ack: bool,
}

impl Station {
    /// Starts an attempt.
    pub(super) const fn begin(&mut self) {
        (self.backoffs, self.exponent) = (0, LEAST_EXPONENT);
    }
}
