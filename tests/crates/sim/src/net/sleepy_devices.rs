//! Sleepy devices: the parent holds their frames until they poll (IEEE 802.15.4, indirect transmission).
//!
//! ```text
//!   device --> parent   MAC Data Request, whose acknowledgement says whether a frame is held
//!   device <-- parent   one frame, which says whether another one is held; then the device polls again at once
//! ```
//!
//! The radio of the device is on while it sends, while it waits for the acknowledgement, and from the acknowledgement of a
//! poll until the frame that is held has arrived.

use super::{Datagram, Kind, Net};
use crate::Micros;
use crate::radio::Node;

/// Time for which a parent holds a frame.
pub const HELD: Micros = 7_680_000;

/// Sleepy client to which a held frame is on its way.
#[derive(Debug)]
pub(super) struct Listening {
    client: Node,
    since: Micros,
    /// Time for which the radio of the client had been on in order to send.
    sending: Micros,
}

impl Net {
    /// Marks a client as sleepy: from now on it receives frames only when it polls.
    pub fn set_sleepy(&mut self, client: Node) {
        self.sleepers[usize::from(client)] = true;
    }

    /// Poll by a sleepy client, which receives the first frame that its parent holds, and polls again if there are more.
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
            None => while self.release(now, client) {},
        }
    }

    /// Time for which the radio of a sleepy client was on: [`set_sleepy`](Self::set_sleepy) comes first. 0 without a radio
    /// channel.
    #[must_use]
    pub fn radio_on(&self, client: Node) -> Micros {
        let sending = self.radio.as_ref().map_or(0, |radio| radio.sending(client));
        sending + self.listened.iter().find(|(node, _)| *node == client).map_or(0, |(_, time)| *time)
    }

    /// Holds a frame, unless the parent has no room for it.
    pub(super) fn hold(&mut self, now: Micros, datagram: Datagram) {
        self.held.retain(|(until, _)| *until >= now);
        let held = self.held.iter().filter(|(_, held)| held.to == datagram.to).count();
        if held < self.settings.most_held {
            self.held.push((now + HELD, datagram));
        } else {
            self.lose(datagram);
        }
    }

    /// Sends the first frame that the parent holds for the client; returns whether there was one.
    pub(super) fn release(&mut self, now: Micros, client: Node) -> bool {
        let parent = self.parent();
        self.held.retain(|(until, _)| *until >= now);
        let Some(place) = self.held.iter().position(|(_, datagram)| datagram.to == client) else {
            return false;
        };
        let (_, datagram) = self.held.remove(place);
        match &mut self.radio {
            Some(radio) => {
                radio.carry(now, parent, client, datagram);
                let sending = radio.sending(client);
                if !self.listening.iter().any(|listening| listening.client == client) {
                    self.listening.push(Listening { client, since: now, sending });
                }
            }
            None => self.strike(now, datagram),
        }
        true
    }

    /// Ends the time in which a sleepy client listens, because the frame has come or was given up.
    pub(super) fn end_listening(&mut self, now: Micros, client: Node) {
        let place = self.listening.iter().position(|listening| listening.client == client);
        let Some(Listening { since, sending, .. }) = place.map(|place| self.listening.swap_remove(place))
        else {
            return;
        };
        // What the client sends meanwhile counts as sending.
        let sent = self.radio.as_ref().map_or(0, |radio| radio.sending(client) - sending);
        let time = (now - since).saturating_sub(sent);
        match self.listened.iter_mut().find(|(node, _)| *node == client) {
            Some((_, all)) => *all += time,
            None => self.listened.push((client, time)),
        }
        if self.held.iter().any(|(until, datagram)| datagram.to == client && *until >= now) {
            self.poll_parent(now, client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Arrival, Hops, Outgoing, Settings};
    use crate::radio::timing::{self, DATA_REQUEST, HEADERS};
    use zigbee_ota::aps::TransmitToken;

    /// A client polls every half second while its parent holds `frames` frames of 50 bytes, at most `most_held`. Returns how
    /// many arrive within two seconds, and how long the radio was on.
    fn polled(frames: usize, most_held: usize) -> (usize, Micros) {
        let radio = Some(Hops { hops: 1, relay_delay: 0 });
        let mut net = Net::new(Settings { radio, most_held, ..Settings::default() }, 1, 1);
        net.set_sleepy(1);
        let token = TransmitToken::NONE;
        for _ in 0..frames {
            net.send(0, Outgoing { from: 0, to: 1, bytes: &[7; 50], ack: false, secured: false, token });
        }
        let mut arrived = 0;
        for poll in 1..=4 {
            net.poll_parent(poll * 500_000, 1);
            while let Some(now) = net.next().filter(|now| *now < (poll + 1) * 500_000) {
                while let Some(arrival) = net.poll(now) {
                    arrived += usize::from(matches!(arrival, Arrival::Frame { to: 1, .. }));
                }
            }
        }
        (arrived, net.radio_on(1))
    }

    #[test]
    fn a_poll_fetches_all_that_the_parent_holds_and_an_empty_one_costs_little() {
        let (none, empty) = polled(0, 9);
        let poll = timing::CCA + 2 * timing::TURNAROUND + timing::on_air(DATA_REQUEST) + timing::MAC_ACK;
        assert_eq!((none, empty), (0, 4 * poll));
        let (three, on) = polled(3, 9);
        assert_eq!(three, 3);
        // Two polls more, and the time until each frame has come, whose backoff is at most 7 units.
        let each = timing::on_air(HEADERS + 50) + timing::CCA + 2 * timing::TURNAROUND + timing::MAC_ACK;
        let least = empty + 2 * poll + 3 * each;
        assert!((least..least + 3 * (7 * timing::BACKOFF_UNIT + timing::LIFS)).contains(&on), "{on} {least}");
    }

    #[test]
    fn a_full_parent_loses_further_frames() {
        assert_eq!(polled(5, 2).0, 2);
    }
}
