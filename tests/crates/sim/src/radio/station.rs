//! One station's own part of CSMA-CA.

use std::collections::VecDeque;

use super::Node;
use super::timing::LEAST_EXPONENT;
use crate::Micros;
use crate::net::Datagram;

/// A frame on its way.
#[derive(Debug)]
pub(super) struct Mpdu {
    /// Where the way ends.
    pub(super) to: Node,
    /// Its bytes.
    pub(super) len: usize,
    pub(super) datagram: Datagram,
    /// The next station has it, whether it could say so or not.
    pub(super) passed: bool,
}

/// A station that sends one frame after the other.
#[derive(Debug, Default)]
pub(super) struct Station {
    /// The first one is being sent.
    pub(super) queue: VecDeque<Mpdu>,
    /// Backoffs of this try.
    pub(super) backoffs: u8,
    /// Of two, for the time of the next backoff.
    pub(super) exponent: u32,
    /// Transmissions without an acknowledgement.
    pub(super) tries: u8,
    /// When it may begin with its next frame.
    pub(super) free_at: Micros,
    /// It has to acknowledge a frame, and sends nothing else before.
    pub(super) owes_ack: bool,
}

impl Station {
    /// Begins a try.
    pub(super) const fn begin(&mut self) {
        (self.backoffs, self.exponent) = (0, LEAST_EXPONENT);
    }
}
