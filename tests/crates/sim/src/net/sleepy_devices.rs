//! Sleepy devices: the parent holds their frames until they poll.

use super::{Datagram, Kind, Net};
use crate::Micros;
use crate::radio::Node;

/// Time for which a parent holds a frame.
pub const HELD: Micros = 7_680_000;

impl Net {
    /// Marks a client as sleepy: from now on it receives frames only when it polls.
    pub fn set_sleepy(&mut self, client: Node) {
        self.sleepers[usize::from(client)] = true;
    }

    /// Poll by a sleepy client, which receives all frames that its parent holds.
    pub fn poll_parent(&mut self, now: Micros, client: Node) {
        let parent = self.parent();
        let bytes = [].into();
        let poll = Datagram {
            from: client,
            to: parent,
            kind: Kind::Poll,
            counter: 0,
            attempt: 0,
            secured: false,
            bytes,
        };
        match &mut self.radio {
            Some(radio) => radio.carry(now, client, parent, poll),
            None => self.release(now, client),
        }
    }

    pub(super) fn hold(&mut self, now: Micros, datagram: Datagram) {
        self.held.push((now + HELD, datagram));
    }

    pub(super) fn release(&mut self, now: Micros, client: Node) {
        let parent = self.parent();
        self.held.retain(|(until, _)| *until >= now);
        let (for_it, others) =
            std::mem::take(&mut self.held).into_iter().partition(|(_, datagram)| datagram.to == client);
        self.held = others;
        for (_, datagram) in Vec::from_iter::<Vec<(Micros, Datagram)>>(for_it) {
            match &mut self.radio {
                Some(radio) => radio.carry(now, parent, client, datagram),
                None => self.strike(now, datagram),
            }
        }
    }
}
