//! End-to-end network between the nodes: carrier, APS acknowledgements and frame faults.
//!
//! ```text
//!   send --> APS: cut, retry, report --> carrier: radio channel, or at once --> parent of a sleeper: holds
//!                                                                                    |
//!   poll <-- APS: acknowledge, join <-- faults: loss, bursts, delay, copies ... <----+
//! ```
//!
//! Faults act on whole frames that have reached their receiver, including APS acknowledgements: that is end-to-end
//! loss, after all retries of the MAC layer.

mod aps_retries;
mod faults;
mod fragments;
mod sleepy_devices;

use std::collections::VecDeque;
use std::rc::Rc;

use zigbee_ota::aps::{DeliveryReport, TransmitToken};

use crate::radio::{Node, Radio, Topology, Traffic, timing};
use crate::{EventQueue, Micros};
use aps_retries::Pending;
use faults::Weather;
pub use faults::{Burst, Faults, FrameFate, Narrow};
pub use fragments::Fragmentation;
use fragments::{Place, Receiving, Sending};
pub use sleepy_devices::HELD;
use sleepy_devices::Listening;

/// apscMaxFrameRetries.
const RETRIES: u8 = 3;

/// Lost frames that the network remembers.
const MOST_LOST: usize = 64;

/// Settings of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Radio channel; `None` delivers frames at once, apart from the faults.
    pub radio: Option<Hops>,
    /// Faults of frames in transit.
    pub faults: Faults,
    /// Frames that APS acknowledges.
    pub aps_acks: ApsAcks,
    /// Fragmentation of frames that are too long for one MPDU; `None` loses such frames on a radio channel.
    pub fragments: Option<Fragmentation>,
    /// Pause of a station between two of its frames. Radios whose driver prepares the next frame meanwhile need none.
    pub frame_spacing: Micros,
    /// Number of frames that a parent holds for each sleepy device; further ones are lost.
    pub most_held: usize,
    /// Whether senders receive delivery reports for acknowledged frames.
    pub reports: bool,
    /// Whether clients receive delivery reports, too, if the server does.
    pub reports_to_clients: bool,
    /// Whether APS duplicates are discarded before the receiver sees them.
    pub suppress_copies: bool,
}

impl Default for Settings {
    /// Immediate, reliable delivery without APS acknowledgements.
    fn default() -> Self {
        Self {
            radio: None,
            faults: Faults::NONE,
            aps_acks: ApsAcks::Off,
            fragments: None,
            frame_spacing: timing::LIFS,
            most_held: usize::MAX,
            reports: false,
            reports_to_clients: true,
            suppress_copies: true,
        }
    }
}

/// Distance between clients and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hops {
    /// Number of hops; 1 means no relay.
    pub hops: u16,
    /// Forwarding time of each relay.
    pub relay_delay: Micros,
}

/// Use of APS acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApsAcks {
    /// No frame is acknowledged.
    Off,
    /// Frames are acknowledged when the sender asks for it.
    AsAsked,
    /// The carrier has made all retries already, so that losses are those that remain after them. A sender that asks for
    /// an acknowledgement learns truthfully whether its frame arrived.
    Residual {
        /// Time from sending a lost frame to its report. A stack that makes three retries knows after 6.4 s.
        known_after: Micros,
    },
}

/// End-to-end frame in transit.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Sender.
    pub from: Node,
    /// Receiver.
    pub to: Node,
    kind: Kind,
    /// APS counter, repeated by the acknowledgement.
    counter: u32,
    /// Attempt, counted from 0.
    attempt: u8,
    /// Whether the frame is encrypted by APS.
    secured: bool,
    bytes: Rc<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data {
        acknowledged: bool,
    },
    Broadcast,
    Ack,
    /// Part of a frame.
    Fragment(Place),
    /// Acknowledgement of the window of fragments that starts with `first`: a bit for each that has arrived.
    FragmentAck {
        first: u8,
        arrived: u8,
    },
    /// Poll of a sleepy device to its parent.
    Poll,
}

impl Datagram {
    /// Size of the MPDU in bytes.
    #[must_use]
    pub fn mpdu(&self) -> usize {
        let more = match self.kind {
            Kind::Data { .. } | Kind::Broadcast | Kind::Ack => 0,
            Kind::Fragment(_) => timing::FRAGMENT_HEADER,
            Kind::FragmentAck { .. } => timing::FRAGMENT_HEADER + timing::ACK_BITFIELD,
            Kind::Poll => return timing::DATA_REQUEST,
        };
        timing::HEADERS + more + self.bytes.len() + if self.secured { timing::APS_SECURITY } else { 0 }
    }
}

/// Event for a node.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// Arrival of a frame.
    Frame {
        /// Sender.
        from: Node,
        /// Receiver.
        to: Node,
        /// Whether the frame was broadcast.
        broadcast: bool,
        /// Whether the frame was encrypted by APS.
        secured: bool,
        /// ZCL frame.
        bytes: Rc<[u8]>,
    },
    /// Delivery report of a sent frame.
    Report {
        /// Sender of the frame.
        sender: Node,
        /// Token of the frame.
        token: TransmitToken,
        /// Result of the delivery.
        delivery: DeliveryReport,
    },
}

/// Data frame that was lost for good.
#[derive(Clone, Debug)]
pub struct Lost {
    /// Sender.
    pub from: Node,
    /// ZCL frame.
    pub bytes: Rc<[u8]>,
}

/// Frame to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Sender.
    pub from: Node,
    /// Receiver.
    pub to: Node,
    /// ZCL frame.
    pub bytes: &'a [u8],
    /// Whether the sender asks for an APS acknowledgement.
    pub ack: bool,
    /// Whether the sender asks for APS encryption.
    pub secured: bool,
    /// Token of the frame in delivery reports.
    pub token: TransmitToken,
}

/// Network of one server and its clients.
#[derive(Debug)]
pub struct Net {
    settings: Settings,
    radio: Option<Radio>,
    weather: Weather,
    queue: EventQueue<Event>,
    pending: Vec<Pending>,
    sending: Vec<Sending>,
    receiving: Vec<Receiving>,
    /// Frames that the parent holds for sleepy devices: expiry time and frame.
    held: Vec<(Micros, Datagram)>,
    listening: Vec<Listening>,
    /// Time for which sleepy devices have listened for held frames.
    listened: Vec<(Node, Micros)>,
    clients: u16,
    /// Whether a node is sleepy, by its number.
    sleepers: Vec<bool>,
    counter: u32,
    arrivals: VecDeque<Arrival>,
    /// Frames that were lost since the last call of [`poll_lost`](Net::poll_lost).
    lost: Vec<Lost>,
}

#[derive(Debug)]
enum Event {
    /// A frame has reached its receiver.
    Deliver(Datagram),
    /// The APS acknowledgement with this counter is overdue.
    Overdue(u32),
    /// The next fragment of the frame with this counter is due, in this round of sending.
    NextFragment(u32, u32),
    /// The acknowledgement of a window of fragments is overdue, in this round of sending.
    WindowOverdue(u32, u32),
    /// The sender of the frame with this counter learns whether the frame arrived.
    Known(u32, DeliveryReport),
}

impl Net {
    /// Creates a network of one server, node 0, and `clients` clients, nodes 1 and up.
    #[must_use]
    pub fn new(settings: Settings, clients: u16, seed: u64) -> Self {
        let frame_spacing = settings.frame_spacing;
        let topology = |Hops { hops, relay_delay }| Topology { clients, hops, relay_delay, frame_spacing };
        Self {
            radio: settings.radio.map(|hops| Radio::new(topology(hops), seed)),
            weather: Weather::new(settings.faults.clone(), seed ^ 0x5eed),
            settings,
            queue: EventQueue::default(),
            pending: Vec::new(),
            sending: Vec::new(),
            receiving: Vec::new(),
            held: Vec::new(),
            listening: Vec::new(),
            listened: Vec::new(),
            clients,
            sleepers: vec![false; usize::from(Node::MAX) + 1],
            counter: 0,
            arrivals: VecDeque::new(),
            lost: Vec::new(),
        }
    }

    /// Traffic on the radio channel so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.radio.as_ref().map(Radio::traffic).unwrap_or_default()
    }

    /// Number of application frames that reached their receiver before faults were applied.
    #[must_use]
    pub const fn carried(&self) -> u64 {
        self.weather.count()
    }

    /// Sends a frame.
    pub fn send(&mut self, now: Micros, frame: Outgoing<'_>) {
        let acknowledged = frame.ack && self.settings.aps_acks == ApsAcks::AsAsked;
        self.counter += 1;
        let datagram = Datagram {
            from: frame.from,
            to: frame.to,
            kind: Kind::Data { acknowledged },
            counter: self.counter,
            attempt: 0,
            secured: frame.secured,
            bytes: frame.bytes.into(),
        };
        if let Some(fragments) = self.settings.fragments.filter(|_| datagram.mpdu() > timing::LONGEST_MPDU) {
            return self.send_fragments(now, datagram, frame.token, fragments);
        }
        if acknowledged {
            self.expect_ack(now, &datagram, frame.token);
        } else if frame.ack && matches!(self.settings.aps_acks, ApsAcks::Residual { .. }) {
            self.expect_report(&datagram, frame.token);
        }
        self.carry(now, datagram);
    }

    /// Sends a command of the light switch that is `hops` hops away from the clients, to the client `to`.
    pub fn send_command(&mut self, now: Micros, hops: u16, to: Node, bytes: &[u8]) {
        let from = self.radio.as_ref().map_or(self.clients + 1, |radio| radio.switch(hops));
        let token = TransmitToken::NONE;
        self.send(now, Outgoing { from, to, bytes, ack: true, secured: false, token });
    }

    /// Broadcasts a frame of the server to all clients that are awake. Broadcasts take no channel time and are not
    /// repeated.
    pub fn broadcast(&mut self, now: Micros, bytes: &[u8]) {
        let bytes: Rc<[u8]> = bytes.into();
        for to in 1..=self.clients {
            if !self.sleepers[usize::from(to)] {
                let bytes = Rc::clone(&bytes);
                self.strike(
                    now,
                    Datagram {
                        from: 0,
                        to,
                        kind: Kind::Broadcast,
                        counter: 0,
                        secured: false,
                        attempt: 0,
                        bytes,
                    },
                );
            }
        }
    }

    /// Returns the time of the next event.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        let radio = self.radio.as_ref().and_then(Radio::next);
        [radio, self.queue.next()].into_iter().flatten().min()
    }

    /// Returns the next event for a node that is due by `now`. Call until `None` before other calls.
    pub fn poll(&mut self, now: Micros) -> Option<Arrival> {
        loop {
            if let Some(arrival) = self.arrivals.pop_front() {
                return Some(arrival);
            }
            if let Some((station, datagram)) = self.radio.as_mut().and_then(|radio| radio.poll(now)) {
                self.at_station(now, station, datagram);
                continue;
            }
            while let Some(datagram) = self.radio.as_mut().and_then(Radio::poll_lost) {
                self.end_listening(now, datagram.to);
                self.lose(datagram);
            }
            match self.queue.take(now)? {
                (_, Event::Deliver(datagram)) => self.deliver(now, datagram),
                (_, Event::Overdue(counter)) => self.overdue(now, counter),
                (_, Event::NextFragment(counter, round)) => self.next_fragment(now, counter, round),
                (_, Event::WindowOverdue(counter, round)) => self.window_overdue(now, counter, round),
                (_, Event::Known(counter, report)) => self.known(counter, report),
            }
        }
    }

    /// Returns a data frame that was lost for good since the last call, without an attempt of APS that may still bring it.
    /// No real node knows this; it is for the reference that knows all losses. A caller that never asks is told of the
    /// first frames only.
    pub fn poll_lost(&mut self) -> Option<Lost> {
        self.lost.pop()
    }

    /// Notes a lost frame, unless APS repeats it.
    fn lose(&mut self, datagram: Datagram) {
        if datagram.kind == (Kind::Data { acknowledged: false }) && self.lost.len() < MOST_LOST {
            self.lost.push(Lost { from: datagram.from, bytes: datagram.bytes });
        }
    }

    fn parent(&self) -> Node {
        self.radio.as_ref().map_or(0, Radio::parent)
    }

    fn carry(&mut self, now: Micros, datagram: Datagram) {
        let (from, parent) = (datagram.from, self.parent());
        match (&mut self.radio, self.sleepers[usize::from(datagram.to)]) {
            (_, true) if from == parent => self.hold(now, datagram),
            (Some(radio), true) => radio.carry(now, from, parent, datagram),
            (Some(radio), false) => radio.carry(now, from, datagram.to, datagram),
            (None, _) => self.at_station(now, datagram.to, datagram),
        }
    }

    /// Handles a frame that the carrier has brought to its destination.
    fn at_station(&mut self, now: Micros, station: Node, datagram: Datagram) {
        match datagram.kind {
            Kind::Poll => {
                self.release(now, datagram.from);
            }
            _ if station != datagram.to => self.hold(now, datagram),
            _ => {
                self.end_listening(now, station);
                self.strike(now, datagram);
            }
        }
    }

    /// Applies the faults to an arrived frame.
    fn strike(&mut self, now: Micros, datagram: Datagram) {
        let counts = matches!(datagram.kind, Kind::Data { .. } | Kind::Broadcast);
        let narrow =
            self.settings.faults.narrow.is_some_and(|narrow| narrow.loses(now, datagram.bytes.len()));
        let fates = self.weather.fates(now, counts).map(|coming| coming.filter(|_| !narrow));
        if let ApsAcks::Residual { known_after } = self.settings.aps_acks {
            let (later, report) = match fates.iter().flatten().map(|(delay, _)| *delay).min() {
                Some(delay) => (delay, DeliveryReport::Acknowledged),
                None => (known_after, DeliveryReport::Failed),
            };
            self.queue.put(now + later, Event::Known(datagram.counter, report));
        }
        if fates == [None, None] {
            self.lose(datagram);
            return;
        }
        for (delay, damage) in fates.into_iter().flatten() {
            let mut datagram = datagram.clone();
            if let Some(place) = damage {
                datagram.damage(place);
            }
            self.queue.put(now + delay, Event::Deliver(datagram));
        }
    }
}

impl Datagram {
    /// Inverts one bit of a queued frame.
    fn damage(&mut self, place: usize) {
        let mut bytes = self.bytes.to_vec();
        let bits = bytes.len() * 8;
        if bits > 0 {
            let bit = place % bits;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        self.bytes = bytes.into();
    }
}
