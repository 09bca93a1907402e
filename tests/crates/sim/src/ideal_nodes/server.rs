//! Ideal server: responds to each request after a fixed delay, one at a time or in parallel.

use super::{IdealNetwork, Message, Scheme, Wake};
use crate::Micros;

#[derive(Default)]
pub(super) struct Server {
    /// Time at which the current response is finished.
    free_at: Micros,
    /// Earliest time of the next block of a server that paces.
    next: Micros,
}

impl Server {
    pub(super) fn serve(&mut self, now: Micros, request: Message, network: &mut IdealNetwork) {
        let super::Download { server_delay, serial, between, scheme, .. } = network.download;
        let spacing = if let Scheme::Pages { spacing, .. } = scheme { spacing } else { 0 };
        let mut least = 0;
        for block in request.block..request.block + request.count {
            let ready = if serial { self.free_at.max(now) + server_delay } else { now + server_delay };
            let at = ready.max(least).max(self.next);
            least = at + spacing;
            self.next = if between > 0 { at + between } else { 0 };
            self.free_at = ready;
            network.queue.put(at, Wake::Answer(Message { block, count: 1, ..request }));
        }
    }
}
