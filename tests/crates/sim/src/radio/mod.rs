//! Shared IEEE 802.15.4 radio channel: unslotted CSMA-CA, acknowledged frames, relays.
//!
//! ```text
//! station 0        n+1 .. n+hops-1             1 .. n
//!  server  <--->  relay  <--->  relay  <--->  clients
//!  switch         switch        switch                     n+hops .. n+2 hops-1, one beside the server and each relay
//! ```
//!
//! Two overlapping frames or acknowledgements are both lost. The model has no hidden stations, no capture effect and no
//! foreign traffic. A frame that does not fit in one MPDU is dropped; fragmentation is above, in [`net`](crate::net).

mod station;
pub mod timing;

use std::collections::VecDeque;

use crate::net::Datagram;
use crate::{EventQueue, Micros};
use station::{Mpdu, Station};
use timing::{
    ACK_WAIT, BACKOFFS, CCA, GREATEST_EXPONENT, LONGEST_MPDU, MAC_ACK, RETRIES, TURNAROUND, on_air,
};

/// Station number: the server is 0, clients count from 1, relays follow, then switches.
pub type Node = u16;

/// Topology of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Number of clients, all at the same distance from the server.
    pub clients: u16,
    /// Hops from the server to each client, at least 1; all clients share the relays.
    pub hops: u16,
    /// Forwarding time of a relay.
    pub relay_delay: Micros,
    /// Pause of a station between two of its frames.
    pub frame_spacing: Micros,
}

/// Traffic statistics of the channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Transmissions of frames, including retries, without acknowledgements.
    pub transmissions: u64,
    /// Transmissions that collided, or whose acknowledgement did.
    pub collisions: u64,
    /// Frames given up by a station: channel always busy, no acknowledgement, or too long.
    pub dropped: u64,
}

/// Radio channel with its stations.
#[derive(Debug)]
pub struct Radio {
    topology: Topology,
    random: fastrand::Rng,
    queue: EventQueue<(Node, Event)>,
    stations: Vec<Station>,
    /// Current transmissions.
    on_air: Vec<OnAir>,
    /// End of the last transmission.
    last_busy: Micros,
    arrived: VecDeque<(Node, Datagram)>,
    /// Frames that no next hop has received, for [`poll_lost`](Self::poll_lost).
    lost: VecDeque<Datagram>,
    traffic: Traffic,
}

/// Scheduled event of a station.
#[derive(Debug)]
enum Event {
    /// End of the backoff and of the following channel assessment.
    Assessed,
    /// Start of a transmission.
    Send,
    /// End of the transmission of a frame.
    Sent,
    /// Start of the acknowledgement by the receiver of the frame.
    Acknowledge,
    /// End of the acknowledgement of the frame.
    Acknowledged,
    /// Timeout of the acknowledgement.
    Unacknowledged,
    /// A relay forwards a frame.
    PassOn(Mpdu),
}

#[derive(Debug)]
struct OnAir {
    /// Station whose frame is sent or acknowledged.
    sender: Node,
    collided: bool,
}

impl Radio {
    /// Creates a silent channel.
    #[must_use]
    pub fn new(topology: Topology, seed: u64) -> Self {
        let stations = usize::from(topology.clients) + 2 * usize::from(topology.hops);
        Self {
            topology,
            random: fastrand::Rng::with_seed(seed),
            queue: EventQueue::default(),
            stations: std::iter::repeat_with(Station::default).take(stations).collect(),
            on_air: Vec::new(),
            last_busy: 0,
            arrived: VecDeque::new(),
            lost: VecDeque::new(),
            traffic: Traffic::default(),
        }
    }

    /// Traffic statistics so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Station that clients receive their frames from.
    #[must_use]
    pub const fn parent(&self) -> Node {
        if self.topology.hops > 1 { self.topology.clients + self.topology.hops - 1 } else { 0 }
    }

    /// Light switch that is `hops` hops away from the clients, at most as far as the server.
    #[must_use]
    pub fn switch(&self, hops: u16) -> Node {
        let Topology { clients, hops: server, .. } = self.topology;
        clients + server + server.saturating_sub(hops)
    }

    /// Sends a frame from station `from` to station `to`, through relays if there are any. A frame that does not fit in
    /// an MPDU is dropped.
    pub fn carry(&mut self, now: Micros, from: Node, to: Node, datagram: Datagram) {
        let len = datagram.mpdu();
        if len > LONGEST_MPDU {
            self.traffic.dropped += 1;
            self.lost.push_back(datagram);
            return;
        }
        self.enqueue(now, from, Mpdu { to, len, datagram, passed: false });
    }

    /// Returns the time of the next event.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        self.queue.next()
    }

    /// Returns the next frame that has reached its destination by `now`.
    pub fn poll(&mut self, now: Micros) -> Option<(Node, Datagram)> {
        while self.arrived.is_empty() {
            let (at, (station, event)) = self.queue.take(now)?;
            self.happen(at, station, event);
        }
        self.arrived.pop_front()
    }

    /// Returns the next frame that a station gave up before its next hop had received it.
    pub fn poll_lost(&mut self) -> Option<Datagram> {
        self.lost.pop_front()
    }

    /// Time for which the radio of a station was on in order to send. A receiver is off during a backoff.
    #[must_use]
    pub fn sending(&self, node: Node) -> Micros {
        self.stations[usize::from(node)].sending
    }

    fn station(&mut self, node: Node) -> &mut Station {
        &mut self.stations[usize::from(node)]
    }

    /// Returns the next hop of a frame from `from` to `to`.
    fn next_hop(&self, from: Node, to: Node) -> Node {
        let Topology { clients, hops, .. } = self.topology;
        let depth = |node: Node| match node {
            0 => 0,
            node if node <= clients => hops,
            relay if relay < clients + hops => relay - clients,
            switch => switch - clients - hops,
        };
        let (here, there) = (depth(from), depth(to));
        let next = if there < here { here - 1 } else { here + 1 };
        match next {
            _ if next == there => to,
            0 => 0,
            relay => clients + relay,
        }
    }

    fn enqueue(&mut self, now: Micros, at: Node, mpdu: Mpdu) {
        let station = self.station(at);
        station.queue.push_back(mpdu);
        if station.queue.len() == 1 {
            station.tries = 0;
            self.compete(now, at);
        }
    }

    /// Starts CSMA-CA for the first frame of the station.
    fn compete(&mut self, now: Micros, at: Node) {
        let station = self.station(at);
        station.begin();
        let from = now.max(station.free_at);
        self.back_off(from, at);
    }

    fn back_off(&mut self, from: Micros, at: Node) {
        let units = self.random.u64(0..1 << self.stations[usize::from(at)].exponent);
        self.queue.put(from + units * timing::BACKOFF_UNIT + CCA, (at, Event::Assessed));
    }

    fn happen(&mut self, now: Micros, at: Node, event: Event) {
        match event {
            Event::Assessed => self.assessed(now, at),
            Event::Send => {
                self.traffic.transmissions += 1;
                let air = on_air(self.station(at).queue.front().map_or(0, |mpdu| mpdu.len));
                self.station(at).sending += air;
                self.begin_on_air(at);
                self.queue.put(now + air, (at, Event::Sent));
            }
            Event::Sent => {
                if self.end_on_air(now, at) {
                    let receiver = self.receiver(at);
                    self.station(receiver).owes_ack = true;
                    self.station(at).sending += TURNAROUND + MAC_ACK;
                    self.queue.put(now + TURNAROUND, (at, Event::Acknowledge));
                } else {
                    self.traffic.collisions += 1;
                    self.station(at).sending += ACK_WAIT;
                    self.queue.put(now + ACK_WAIT, (at, Event::Unacknowledged));
                }
            }
            Event::Acknowledge => {
                self.begin_on_air(at);
                self.queue.put(now + MAC_ACK, (at, Event::Acknowledged));
            }
            Event::Acknowledged => {
                let receiver = self.receiver(at);
                self.station(receiver).owes_ack = false;
                self.pass(now, at, receiver);
                if self.end_on_air(now, at) {
                    self.done(now, at);
                } else {
                    self.traffic.collisions += 1;
                    self.queue.put(now + ACK_WAIT - TURNAROUND - MAC_ACK, (at, Event::Unacknowledged));
                }
            }
            Event::Unacknowledged => self.failed(now, at),
            Event::PassOn(mpdu) => self.enqueue(now, at, mpdu),
        }
    }

    fn assessed(&mut self, now: Micros, at: Node) {
        let busy = !self.on_air.is_empty() || self.last_busy + CCA > now;
        let station = self.station(at);
        station.sending += CCA;
        if !busy && !station.owes_ack {
            station.sending += TURNAROUND;
            return self.queue.put(now + TURNAROUND, (at, Event::Send));
        }
        station.backoffs += 1;
        station.exponent = (station.exponent + 1).min(GREATEST_EXPONENT);
        if station.backoffs > BACKOFFS { self.failed(now, at) } else { self.back_off(now, at) }
    }

    fn begin_on_air(&mut self, sender: Node) {
        let collided = !self.on_air.is_empty();
        for other in &mut self.on_air {
            other.collided = true;
        }
        self.on_air.push(OnAir { sender, collided });
    }

    /// Ends a transmission; returns whether it was received.
    fn end_on_air(&mut self, now: Micros, sender: Node) -> bool {
        self.last_busy = now;
        let place = self.on_air.iter().position(|sent| sent.sender == sender);
        place.is_some_and(|place| !self.on_air.swap_remove(place).collided)
    }

    /// Receiver of the first frame of the station.
    fn receiver(&self, at: Node) -> Node {
        let to = self.stations[usize::from(at)].queue.front().map_or(at, |mpdu| mpdu.to);
        self.next_hop(at, to)
    }

    /// Passes the first frame of the sender up or on, unless the receiver has had it before.
    fn pass(&mut self, now: Micros, sender: Node, receiver: Node) {
        let relay_delay = self.topology.relay_delay;
        let Some(mpdu) = self.station(sender).queue.front_mut() else { return };
        if std::mem::replace(&mut mpdu.passed, true) {
            return;
        }
        let datagram = mpdu.datagram.clone();
        if mpdu.to == receiver {
            self.arrived.push_back((receiver, datagram));
        } else {
            let mpdu = Mpdu { to: mpdu.to, len: mpdu.len, datagram, passed: false };
            self.queue.put(now + relay_delay, (receiver, Event::PassOn(mpdu)));
        }
    }

    /// Handles a failed attempt: no acknowledgement came, or the channel was never free.
    fn failed(&mut self, now: Micros, at: Node) {
        let station = self.station(at);
        station.tries += 1;
        if station.tries <= RETRIES {
            return self.compete(now, at);
        }
        let given_up = station.queue.front().filter(|mpdu| !mpdu.passed).map(|mpdu| mpdu.datagram.clone());
        self.lost.extend(given_up);
        self.traffic.dropped += 1;
        self.done(now, at);
    }

    /// Removes the first frame, sent or given up, and starts the next one.
    fn done(&mut self, now: Micros, at: Node) {
        let spacing = self.topology.frame_spacing;
        let station = self.station(at);
        station.queue.pop_front();
        station.free_at = now + spacing;
        station.tries = 0;
        if !station.queue.is_empty() {
            self.compete(now, at);
        }
    }
}
