//! A server that answers: each request after a while, one after the other or all at a time.

use super::{Message, Scheme, Wake, World};
use crate::Micros;

#[derive(Default)]
pub(super) struct Server {
    /// When it is done with what it works on.
    free_at: Micros,
}

impl Server {
    pub(super) fn serve(&mut self, now: Micros, request: Message, world: &mut World) {
        let super::Download { server_delay, serial, scheme, .. } = world.download;
        let spacing = if let Scheme::Pages { spacing, .. } = scheme { spacing } else { 0 };
        let mut least = 0;
        for block in request.block..request.block + request.count {
            let ready = if serial { self.free_at.max(now) + server_delay } else { now + server_delay };
            let at = ready.max(least);
            least = at + spacing;
            self.free_at = ready;
            world.agenda.put(at, Wake::Answer(Message { block, count: 1, ..request }));
        }
    }
}
